"""What nbgrader's own release, fetch and submit leave in an exchange is collected, and believed as
far as the machine says the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from nbgrader.auth import Authenticator
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange.default import (
    ExchangeFetchAssignment,
    ExchangeReleaseAssignment,
    ExchangeSubmit,
)
from traitlets.config import Config

from grader.errors import ConfigError
from grader.intake import collect, hub
from tests.grader.intake_samples import (
    FIRST,
    class_folder,
    course,
    everything_in,
    ipynb,
    only_reason,
    save,
)

ROSTER = "team,student\nteam_1,ann\nteam_1,bo\nteam_2,cem\n"
SOON = timedelta(hours=1)


class Hub:
    """A hub on which everybody is the user who runs the tests."""

    def __init__(self, root: Path) -> None:
        self.root, self.exchange = root, root / "exchange"
        save(root / "course" / "release" / FIRST / f"{FIRST}.ipynb", ipynb(answer="..."))
        self._run(ExchangeReleaseAssignment, "ann")

    def _run(self, step: type, student: str) -> None:
        settings = Config()
        settings.CourseDirectory.root = str(self.root / "course")
        settings.CourseDirectory.course_id = course().id
        settings.CourseDirectory.assignment_id = FIRST
        settings.CourseDirectory.student_id = student
        settings.Exchange.root = str(self.exchange)
        settings.Exchange.cache = str(self.root / "cache")
        settings.Exchange.assignment_dir = str(self.root / "home" / student)
        (self.root / "home" / student).mkdir(parents=True, exist_ok=True)
        about = CourseDirectory(config=settings)
        step(coursedir=about, authenticator=Authenticator(config=settings), config=settings).start()

    def submit(self, student: str, answer: str) -> Path:
        """Fetch, work, submit; the folder in the exchange."""
        work = self.root / "home" / student / FIRST
        if not work.is_dir():
            self._run(ExchangeFetchAssignment, student)
        save(work / f"{FIRST}.ipynb", ipynb(answer=answer))
        inbound = self.exchange / course().id / "inbound"
        before = set(inbound.iterdir())
        self._run(ExchangeSubmit, student)
        (made,) = set(inbound.iterdir()) - before
        return made


@pytest.fixture
def nbgrader(tmp_path: Path) -> Hub:
    return Hub(tmp_path)


@pytest.fixture
def room(tmp_path: Path):
    folder = class_folder(tmp_path / "class")
    (folder.root / "roster.csv").write_text(ROSTER)
    return folder


def take(room, exchange: Path, due: datetime | None = None):
    nowhere = Path("/nowhere")
    return collect(room, course(due), [], None, exchange=exchange, releases=nowhere)


def test_what_was_submitted_is_taken_in_with_its_time_and_its_attempts(room, nbgrader):
    began = datetime.now(UTC) - timedelta(seconds=5)
    nbgrader.submit("ann", "a = 1")
    nbgrader.submit("cem", "c = 1")
    nbgrader.submit("ann", "a = 2")
    report = take(room, nbgrader.exchange, datetime.now(UTC) + SOON)
    assert not report.rejected
    found = {entry.team: entry for entry in report.taken}
    assert {team: entry.uploaders for team, entry in found.items()} == {
        "team_1": ["ann"], "team_2": ["cem"],
    }  # fmt: skip
    assert all(began < e.received < datetime.now(UTC) + SOON for e in found.values())
    assert {(e.arrival, e.told_by, len(e.questions)) for e in found.values()} == {
        ("known", "student", 0)
    }
    assert "a = 2" in (room.submitted("team_1", FIRST) / f"{FIRST}.ipynb").read_text()
    assert [entry.team for entry in report.beside] == ["team_1"]
    assert any("belong to one user of this machine" in note for note in report.notes)
    before = everything_in(nbgrader.exchange)
    again = take(room, nbgrader.exchange)
    assert not again.taken and everything_in(nbgrader.exchange) == before


def test_a_name_that_was_set_back_is_asked_about(room, nbgrader):
    made = nbgrader.submit("ann", "a = 1")
    user, name, _, secret = made.name.split("+")
    made.rename(made.with_name(f"{user}+{name}+2024-01-20 12:00:00.000000 UTC+{secret}"))
    report = take(room, nbgrader.exchange, datetime(2024, 1, 21, tzinfo=UTC))
    (question,) = report.taken[0].questions
    assert question.cause == "time claimed" and "2024-01-20 12:00" in question.reason


def test_what_somebody_submitted_under_another_name_is_refused(room, nbgrader, monkeypatch):
    nbgrader.submit("ann", "a = 1")
    nbgrader.submit("cem", "c = 1")
    monkeypatch.setattr(hub, "owner", lambda path: "ann")
    report = take(room, nbgrader.exchange)
    assert any("belong to one user" in note for note in report.notes)
    forged = nbgrader.submit("cem", "c = 2")
    monkeypatch.setattr(hub, "owner", lambda path: "bo" if path == forged else path.name[:3])
    report = take(room, nbgrader.exchange)
    assert "belongs to the user bo, not to cem, after whom it is called" in only_reason(report)
    assert "c = 1" in (room.submitted("team_2", FIRST) / f"{FIRST}.ipynb").read_text()


def test_without_a_roster_everybody_is_a_team(tmp_path, nbgrader):
    nbgrader.submit("ann", "a = 1")
    report = take(class_folder(tmp_path / "other"), nbgrader.exchange)
    assert [entry.team for entry in report.taken] == ["ann"]


def test_the_exchange_is_found_from_wherever_it_is_named(tmp_path, nbgrader):
    inbound = nbgrader.exchange / course().id / "inbound"
    for path in (nbgrader.exchange, inbound.parent, inbound):
        assert hub.inbound(path, course().id) == inbound
    for name in ("x", "y"):
        (tmp_path / "two" / name / "inbound").mkdir(parents=True)
    for path, reason in [
        (tmp_path / "none", "there is no exchange"),
        (tmp_path / "home", "no folder COURSE/inbound"),
        (tmp_path / "two", "several courses, x, y"),
    ]:
        (tmp_path / "home").mkdir(exist_ok=True)
        with pytest.raises(ConfigError, match=reason):
            hub.inbound(path, course().id)
