"""Of what came on time and what came late the better counts, after the penalty."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import nbformat
import pytest
from nbgrader.api import Gradebook

from grader import config
from grader.classroom import attempts, gradebook, results
from grader.classroom.attempts import OTHER, POINTS
from grader.classroom.folder import ClassFolder
from grader.classroom.results import Submission
from grader.grading import rejudge
from grader.grading.better import Essay, Graded, better
from grader.grading.run import Summary, grade
from grader.intake import choosing, store
from grader.intake.bounds import Member
from tests.grader import tiny_course
from tests.grader.tiny_course import NAME, reference

DUE = datetime.fromisoformat("2027-01-29T23:59:00+00:00")
FLIPPED = "def square(x):\n    return x * abs(x)"


def graded(
    attempt: str, points: float, keeps: float = 1.0, *reasons: str, **essays: tuple[str, float]
) -> Graded:
    entry = Submission("team_1", NAME, "a.zip", "", DUE, attempt=f"T-{attempt}")
    texts = {name: Essay(*essay) for name, essay in essays.items()}
    return Graded(entry, points, keeps, texts, reasons)


@pytest.mark.parametrize(
    ("on_time", "late", "expected"),
    [
        (graded("a", 8), graded("b", 10, 0.9), "T-b"),
        (graded("a", 9), graded("b", 10, 0.9), "T-a"),  # worth the same: the one on time
        (graded("a", 0), graded("b", 0, 0.5), "T-a"),
        # an essay of which no mark could turn the choice
        (graded("a", 10, why=("A", 3)), graded("b", 5, 0.9, why=("B", 3)), "T-a"),
        (graded("a", 2, why=("A", 3)), graded("b", 10, 0.9, why=("B", 3)), "T-b"),
        (graded("a", 8), graded("b", 10, 0.9, why=("B", 3)), "T-b"),
        # the same text is worth the same in both, and the late one keeps less of it
        (graded("a", 8, why=("A", 3)), graded("b", 10, 0.9, why=("A", 3)), "T-b"),
    ],
)
def test_the_better_counts_and_nobody_is_asked_where_no_essay_could_turn_it(
    on_time, late, expected
):
    wins, questions = better(on_time, late)
    assert (wins.submission.attempt, questions) == (expected, ())


@pytest.mark.parametrize(
    ("on_time", "late", "expected"),
    [
        (graded("a", 8, why=("A", 3)), graded("b", 10, 0.9, why=("B", 3)), "T-b"),
        (graded("a", 9, why=("A", 3)), graded("b", 9, 0.9, why=("B", 3)), "T-a"),
        (graded("a", 8.8, why=("A", 3)), graded("b", 10, 0.9, why=("A", 3)), "T-b"),
        (graded("a", 9), graded("b", 9, 0.9, why=("B", 3)), "T-a"),
    ],
)
def test_where_an_essay_could_turn_it_a_human_is_asked(on_time, late, expected):
    wins, (question,) = better(on_time, late)
    assert wins.submission.attempt == expected and question.cause == POINTS
    assert "T-a" in question.reason and "T-b" in question.reason
    assert f"./course choose team_1 {NAME}" in question.remedy


def test_an_essay_that_was_marked_is_no_question_any_more():
    marked = {"why": Essay("A", 3, 2.0)}
    on_time = dataclasses.replace(graded("a", 8.8), essays=marked)
    late = dataclasses.replace(graded("b", 10, 0.9), essays=marked)
    wins, questions = better(on_time, late)  # 10.8 and 10.8
    assert wins is on_time and not questions


def test_what_needs_a_human_does_not_lose_in_silence():
    wins, (question,) = better(graded("a", 2, 1.0, "it was stopped"), graded("b", 10, 0.9))
    assert wins.submission.attempt == "T-b" and question.cause == OTHER
    assert "T-a" in question.reason and "it was stopped" in question.reason


# ---------------------------------------------------------------- the whole way


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> config.Course:
    found = tiny_course.install(tmp_path_factory.mktemp("tiny"))
    entry = dataclasses.replace(found.notebooks[NAME], due=DUE)
    return dataclasses.replace(found, notebooks={NAME: entry})


@pytest.fixture
def folder(tmp_path: Path) -> ClassFolder:
    return ClassFolder(tmp_path / "class")


def hand_in(folder: ClassFolder, days: float, changes: dict[str, str], team: str = "team_1") -> str:
    """An attempt, as intake keeps it; returns its name."""
    content = nbformat.writes(reference(team, changes)).encode()
    entry = Submission(team, NAME, "a.zip", str(days), DUE + timedelta(days=days))
    members: list[Member] = []
    with store.exclusive(folder):
        return store.keep(folder, entry, content, members).attempt


def executed(folder: ClassFolder, course: config.Course) -> int:
    return grade(folder, course, workers=2).executed


def mark(folder: ClassFolder, course: config.Course) -> tuple[float, float]:
    """Points for `square` in the gradebook, and what lateness takes off."""
    (found,) = gradebook.marks(folder, course.id)
    square = next(c for c in found.cells if c.cell == "check_square")
    return square.points, found.late_penalty


def counts(folder: ClassFolder) -> str:
    entry = store.current(folder, "team_1", NAME)
    assert entry is not None
    return entry.attempt


SAME_ESSAY = {"why": "Because it is."}
"""Worth at most 3 of 9 points: lateness takes at most 0.3 of it."""


def test_the_better_of_on_time_and_late_gets_into_the_gradebook(course, folder):
    first = hand_in(folder, -1, {"square": FLIPPED, **SAME_ESSAY})  # 4 of 6
    late = hand_in(folder, 0.5, SAME_ESSAY)  # 6 of 6, less 10 %
    summary = grade(folder, course, workers=2)
    assert (summary.executed, summary.need_human) == (2, 0)
    assert summary.late == {f"team_1/{NAME}": late} and counts(folder) == late
    assert mark(folder, course) == (4.0, 0.6)
    shown = folder.autograded("team_1", NAME) / f"{NAME}.ipynb"
    assert "abs(x)" not in shown.read_text()
    assert executed(folder, course) == 0 and mark(folder, course) == (4.0, 0.6)

    worse = hand_in(folder, 3.5, SAME_ESSAY | {"sums": "sums = {}"})  # 4 of 6, less 40 %
    assert executed(folder, course) == 1
    assert counts(folder) == first and mark(folder, course) == (2.0, 0.0)
    assert executed(folder, course) == 0

    choosing.choose(folder, course, "team_1", NAME, worse)
    (place,) = (folder.root / "results").glob("*/*")
    assert not (place / "result.json").exists()  # the gradebook's marks are another attempt's
    assert executed(folder, course) == 0  # it was graded before
    assert counts(folder) == worse and mark(folder, course) == (4.0, 1.6)


def test_one_attempt_alone_is_graded_once_and_two_on_time_are_not_compared(course, folder):
    hand_in(folder, -2, {"square": FLIPPED})
    assert executed(folder, course) == 1
    hand_in(folder, -1, {})
    assert executed(folder, course) == 1 and mark(folder, course) == (4.0, 0.0)


def test_another_setting_or_an_extension_chooses_again(course, folder):
    hand_in(folder, -1, SAME_ESSAY)
    late = hand_in(folder, 0.5, SAME_ESSAY | {"square": FLIPPED})
    grade(folder, course, workers=2)
    assert mark(folder, course) == (4.0, 0.0)
    extended = dataclasses.replace(course, extensions=config.Extensions({"team_1": 1.0}))
    assert executed(folder, extended) == 0
    assert counts(folder) == late and mark(folder, extended) == (2.0, 0.0)


def test_differing_essays_are_put_before_a_human_who_chooses(course, folder, capsys):
    first = hand_in(folder, -1, {"square": FLIPPED, "why": "Because it grows."})
    late = hand_in(folder, 0.5, {"why": "Because it is round."})
    summary = grade(folder, course, workers=2)
    reason = summary.human[f"team_1/{NAME}"]
    assert "4 points" in reason and "5.4 points after 10% for lateness" in reason
    assert first in reason and late in reason and f"./course choose team_1 {NAME}" in reason
    assert counts(folder) == late
    choosing.choose(folder, course, "team_1", NAME, first)
    summary = grade(folder, course, workers=2)
    assert summary.need_human == 0 and mark(folder, course) == (2.0, 0.0)
    listed = choosing.listed(folder, course, "team_1", NAME)
    told = [(e.days, e.counts, e.points, e.score) for e in listed]
    assert told == [(0, True, 4.0, 4.0), (1, False, 6.0, pytest.approx(5.4))]


def test_a_mark_by_hand_decides_what_essays_of_the_same_text_left_open(course, folder):
    hand_in(folder, -1, {"square": FLIPPED, **SAME_ESSAY})  # 4 of 6
    lenient = dataclasses.replace(
        course, late=dataclasses.replace(course.late, penalty_per_day=0.32, grace_minutes=0)
    )
    hand_in(folder, 0.5, SAME_ESSAY)  # 6 of 6, less 32 %: 4.08, and the essay costs up to 0.96
    summary = grade(folder, lenient, workers=2)
    assert "hangs on essays" in summary.human[f"team_1/{NAME}"]
    with Gradebook(folder.db_url) as book:
        essay = book.find_grade("why", NAME, NAME, "team_1")
        essay.manual_score, essay.needs_manual_grade = 3.0, False
        book.db.commit()
    again = grade(folder, lenient, workers=2)  # 7 against 6.12
    assert again.need_human == 0 and mark(folder, lenient) == (2.0, 0.0)


def test_free_days_are_spent_where_they_are_needed(course, folder):
    hand_in(folder, -1, {"square": FLIPPED, **SAME_ESSAY})
    late = hand_in(folder, 1.5, SAME_ESSAY)
    free = dataclasses.replace(course, late=dataclasses.replace(course.late, free_days=2))
    grade(folder, free, workers=2)
    assert counts(folder) == late and mark(folder, free) == (4.0, 0.0)


def test_marking_again_settles_anew(course, folder):
    hand_in(folder, -1, {"square": FLIPPED, **SAME_ESSAY})
    late = hand_in(folder, 0.5, SAME_ESSAY)
    grade(folder, course, workers=2)
    for entry in attempts.of(folder, "team_1", NAME):  # as if a judge had changed
        shelf = "" if entry.attempt == late else attempts.work_in(entry.attempt)
        path = folder.result("team_1", NAME, shelf) / "result.json"
        result = results.read(path, results.Result)
        results.write(path, msgspec.structs.replace(result, key="old"))
    found = rejudge.preview(folder, course)
    assert len(found.pending) == 2 and not found.changes and not found.to_execute
    rejudge.apply(folder, course, found)
    assert counts(folder) == late and mark(folder, course) == (4.0, 0.6)
    assert isinstance(grade(folder, course), Summary) and executed(folder, course) == 0
