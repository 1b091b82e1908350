"""What was handed in before a date goes for good; marks, and what is newer, stay as they were."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path

import pytest

from grader import config
from grader.classroom import gradebook, lateness, purge, remembered, results, standing
from grader.classroom.lateness import Lateness
from grader.classroom.results import Submission
from grader.intake import store
from tests.grader.sample_class import CONV, DUE, START, SampleClass

BEFORE = DUE + timedelta(days=10)


@pytest.fixture
def sample(tmp_path: Path) -> SampleClass:
    return SampleClass(tmp_path / "class")


def hand_in(sample: SampleClass, team: str, notebook: str = START, **options: object) -> None:
    """A graded submission that is an attempt, too, with feedback."""
    sample.hand_in(team, notebook, **options)  # type: ignore[arg-type]
    folder = sample.folder
    place = folder.submitted(team, notebook)
    there = results.read(place / "submission.json", Submission)
    with store.exclusive(folder):
        kept = store.keep(folder, there, team.encode(), [])
        store.put(folder, kept, team.encode(), [])
    for path in (
        folder.autograded(team, notebook) / f"{notebook}.ipynb",
        folder.feedback(team) / f"{notebook}.html",
        folder.root / "similar.html",
        folder.root / "backups" / "gradebook-1.db",
        folder.root / "grade.log",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"of {team}")


def attempt(sample: SampleClass, team: str, days: float, notebook: str = START) -> Path:
    """One more attempt, which does not count."""
    entry = Submission(team, notebook, "a.zip", "", DUE + timedelta(days=days))
    with store.exclusive(sample.folder):
        kept = store.keep(sample.folder, entry, f"{team} {days}".encode(), [])
    return sample.folder.attempts(team, notebook) / kept.attempt


def holding(sample: SampleClass, text: str) -> set[str]:
    """First folders of the class in which a file or its path holds a text."""
    root = sample.folder.root
    return {
        path.relative_to(root).parts[0]
        for path in root.rglob("*")
        if path.is_file()
        and (text in str(path.relative_to(root)) or text.encode() in path.read_bytes())
    }


def test_a_plan_says_in_numbers_what_would_go_and_changes_nothing(sample):
    hand_in(sample, "team_1")
    hand_in(sample, "team_2", late=timedelta(days=20))
    attempt(sample, "team_1", -2)
    before = {p: p.read_bytes() for p in sample.folder.root.rglob("*") if p.is_file()}
    found = purge.plan(sample.folder, sample.course, BEFORE)
    first, marks = found.lines()
    assert "1 notebooks of 1 teams" in first and "files" in first and "MB" in first
    assert marks == "marks in the gradebook: all stay"
    assert {p: p.read_bytes() for p in sample.folder.root.rglob("*") if p.is_file()} == before


def test_everything_that_shows_the_work_goes_and_the_marks_stay(sample):
    hand_in(sample, "team_1")
    hand_in(sample, "team_2", late=timedelta(days=20))
    attempt(sample, "team_1", -2)
    before = gradebook.marks(sample.folder, sample.course.id)
    (sample.folder.root / remembered.FILE).write_bytes(b"names")
    purge.carry_out(sample.folder, sample.course, purge.plan(sample.folder, sample.course, BEFORE))
    assert not (sample.folder.root / remembered.FILE).exists()
    assert holding(sample, "team_1") == {"gradebook.db", "purged.json"}
    assert {"attempts", "submitted", "results", "feedback"} <= holding(sample, "team_2")
    assert not (sample.folder.root / "similar.html").exists()
    assert gradebook.marks(sample.folder, sample.course.id) == before
    row = standing.read(sample.folder, sample.course).rows["team_1", START]
    assert (row.state, row.points) == (standing.FINAL, 6.0)
    again = purge.plan(sample.folder, sample.course, BEFORE)
    assert again.empty


def test_marks_go_if_that_is_asked_for_also_later(sample):
    hand_in(sample, "team_1")
    hand_in(sample, "team_2", late=timedelta(days=20))
    for marks in (False, True):
        found = purge.plan(sample.folder, sample.course, BEFORE, marks=marks)
        purge.carry_out(sample.folder, sample.course, found)
    assert [m.team for m in gradebook.marks(sample.folder, sample.course.id)] == ["team_2"]
    assert not (sample.folder.root / "grade.log").exists()
    assert not list((sample.folder.root / "backups").glob("*"))
    assert "team_1" not in (sample.folder.root / "purged.json").read_text()


@pytest.mark.parametrize("unfinished", [False, True])
def test_what_is_not_final_stays_unless_that_is_asked_for(sample, unfinished):
    hand_in(sample, "team_1", CONV)  # with an essay to mark
    hand_in(sample, "team_2", needs_human="it was stopped")
    found = purge.plan(sample.folder, sample.course, BEFORE, unfinished=unfinished)
    lines = list(found.lines())
    purge.carry_out(sample.folder, sample.course, found)
    left = [] if unfinished else [("team_1", CONV), ("team_2", START)]
    assert sample.folder.submissions() == left
    assert any("mark them first" in line for line in lines) != unfinished


def test_what_counts_stays_while_something_newer_does(sample):
    hand_in(sample, "team_1")
    older, newer = attempt(sample, "team_1", -3), attempt(sample, "team_1", 12)
    found = purge.plan(sample.folder, sample.course, BEFORE)
    assert any("name a later date" in line for line in found.lines())
    purge.carry_out(sample.folder, sample.course, found)
    assert newer.is_dir() and not older.exists()
    assert sample.folder.submissions() == [("team_1", START)]


def test_what_lateness_costs_does_not_change(sample):
    rule = dataclasses.replace(sample.course.late, free_days=1)
    course = dataclasses.replace(sample.course, late=rule)
    hand_in(sample, "team_1", START, late=timedelta(days=0.5))
    hand_in(sample, "team_1", CONV, late=timedelta(days=20))
    hand_in(sample, "team_2", START, late=timedelta(days=3), arrival="unknown")

    def costs(settings: config.Course) -> list[float]:
        found = Lateness(sample.folder, settings)
        times = {("team_1", START): 0.5, ("team_1", CONV): 20, ("team_2", START): 3}
        return [found.fraction(*pair, DUE + timedelta(days=d)) for pair, d in times.items()]

    before = costs(course)
    assert before[0] == 0.0 and before[2] == 0.0
    purge.carry_out(sample.folder, course, purge.plan(sample.folder, course, BEFORE))
    assert set(lateness.purged(sample.folder)) == {("team_1", START), ("team_2", START)}
    assert costs(course) == before
