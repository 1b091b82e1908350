"""When something arrived is a fact with a source; what can't be true is unknown, and said."""

from __future__ import annotations

import dataclasses
import io
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from grader import config
from grader.classroom.folder import ClassFolder
from grader.classroom.lateness import days_counted
from grader.classroom.results import Submission
from grader.config.zones import Zone
from grader.intake import CollectReport, collect, summary
from tests.grader.intake_samples import (
    FIRST,
    INNER,
    LATER,
    NOON,
    ROSTER,
    class_folder,
    course,
    ipynb,
    moodle,
    save,
    zipped,
)

DUE = NOON - timedelta(days=2)
"""Three days before LATER, begun."""


@pytest.fixture
def room(tmp_path: Path) -> ClassFolder:
    folder = class_folder(tmp_path / "class")
    (folder.root / "roster.csv").write_text(ROSTER, encoding="utf-8")
    return folder


def taken(
    room: ClassFolder,
    *paths: Path,
    received: datetime | None = None,
    from_lms: bool | None = None,
    **times: object,
) -> CollectReport:
    settings = dataclasses.replace(course(DUE), times=config.Times(**times))  # type: ignore[arg-type]
    nowhere = Path("/nowhere")
    return collect(room, settings, list(paths), None, received, from_lms=from_lms, releases=nowhere)


def only(report: CollectReport) -> Submission:
    assert len(report.taken) == 1, report
    return report.taken[0]


def archive(room: ClassFolder, when: datetime, team: str = "team_7") -> Path:
    return save(room.root.parent / "in" / f"{team}.zip", zipped({INNER: ipynb(answer=team)}), when)


@pytest.mark.parametrize(
    ("when", "why"),
    [
        (datetime.now(UTC) + timedelta(hours=2), "lies in the future"),
        (datetime(1970, 1, 1, tzinfo=UTC), "is that of a file without one"),
        (datetime(1980, 1, 1, tzinfo=UTC), "is that of a file without one"),
        (NOON - timedelta(days=90), "lies before the course began"),
    ],
)
def test_a_date_that_cannot_be_true_costs_nothing_and_is_said(room, when, why):
    report = taken(room, archive(room, when), begins=NOON - timedelta(days=60))
    entry = only(report)
    assert (entry.arrival, entry.told_by) == ("unknown", "nobody")
    assert days_counted(course(DUE), entry) == 0
    said = "\n".join(summary.lines(report, course(DUE)))
    assert f"{why}: when it arrived is not known" in said and f"{when:%Y-%m-%d}" in said
    assert "TIMES: when 1 of these arrived is not known" in said


def test_a_server_whose_clock_is_a_little_ahead_is_believed(room):
    entry = only(taken(room, archive(room, datetime.now(UTC) + timedelta(minutes=2))))
    assert (entry.arrival, entry.told_by) == ("known", "file")


def test_what_the_instructor_says_is_known_by_that(room):
    entry = only(taken(room, archive(room, datetime(1970, 1, 1, tzinfo=UTC)), received=LATER))
    assert (entry.arrival, entry.told_by, entry.received) == ("known", "instructor", LATER)


def test_an_upload_without_a_date_has_none_though_the_download_has(room, tmp_path):
    """Others came at times of their own, so that these are believed."""
    stream = io.BytesIO(moodle(("Ann Example-Seven", 5001, {f"{FIRST}.ipynb": ipynb()})))
    people = [("Cem Specimen", 5003, 1980), ("Eve Alone", 5005, 2024)]
    with zipfile.ZipFile(stream, "a") as more:
        for name, number, year in people:
            inside = f"{name}_{number}_assignsubmission_file/{FIRST}.ipynb"
            info = zipfile.ZipInfo(inside, (year, 1, 1, 0, 0, 0))
            more.writestr(info, ipynb(answer=name))
    report = taken(room, save(tmp_path / "d.zip", stream.getvalue(), LATER), from_lms=True)
    told = {entry.team: (entry.arrival, entry.told_by) for entry in report.taken}
    assert told == {
        "team_7": ("known", "LMS"),
        "team_8": ("unknown", "nobody"),
        "s_105": ("known", "LMS"),
    }


@pytest.mark.parametrize(("count", "arrival"), [(2, "known"), (3, "unknown")])
def test_archives_that_were_copied_after_the_due_date_carry_the_time_of_the_copy(
    room, count, arrival
):
    teams = ["team_7", "team_8", "s105"][:count]
    paths = [archive(room, LATER + timedelta(seconds=k), t) for k, t in enumerate(teams)]
    assert {entry.arrival for entry in taken(room, *paths).taken} == {arrival}


@pytest.mark.parametrize(("zone", "hour"), [("Asia/Tokyo", 3), ("America/New_York", 17)])
def test_a_downloads_times_are_read_in_the_lms_zone_and_collect_says_in_which(
    room, tmp_path, zone, hour
):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        for name, number, day in (("Cem Specimen", 5003, 20), ("Eve Alone", 5005, 21)):
            inside = f"{name}_{number}_assignsubmission_file/{FIRST}.ipynb"
            info = zipfile.ZipInfo(inside, (2024, 1, day, 12, 0, 0))
            packed.writestr(info, ipynb(answer=name))
    report = taken(room, save(tmp_path / "d.zip", stream.getvalue()), from_lms=True, lms=Zone(zone))
    assert [s.received.astimezone(UTC).hour for s in report.taken] == [hour, hour]
    said = "\n".join(summary.lines(report, course(DUE)))
    assert f"d.zip: its times have no zone; they were read in {zone}" in said


def test_collect_says_in_which_zone_times_are(monkeypatch):
    named = dataclasses.replace(course(), times=config.Times(Zone("Europe/Berlin")))
    assert summary.zone_line(named).endswith("read and shown in Europe/Berlin")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert "this machine's zone, Asia/Tokyo; course.toml can name another" in summary.zone_line(
        course()
    )
