"""Stored answers are marked again without executing, after it was said whose marks change."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from grader import config, sandbox
from grader.classroom import gradebook
from grader.classroom.folder import ClassFolder
from grader.contract.judge import Question
from grader.grading import rejudge, stored, task
from grader.grading.run import grade
from tests.attacks import small_class
from tests.attacks.base import everything_in
from tests.attacks.small_class import TEAMS, fill
from tests.grader import tiny_course, typed
from tests.grader.tiny_course import NAME

ODD = {f"team_{number}" for number in range(1, TEAMS + 1, 2)}
"""Those whose square keeps the sign."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not sandbox.probe().way:
        pytest.skip(str(sandbox.probe()))
    return tmp_path_factory.mktemp("tiny")


@pytest.fixture
def course(home: Path, monkeypatch: pytest.MonkeyPatch) -> config.Course:
    monkeypatch.setattr(tiny_course, "JUDGES", list(tiny_course.JUDGES))
    return small_class.install(home)


@pytest.fixture
def folder(course: config.Course, tmp_path: Path) -> ClassFolder:
    folder = fill(tmp_path / "class")
    assert grade(folder, course, workers=2, seed="fixed").executed == TEAMS
    return folder


def judges_change(home: Path, monkeypatch: pytest.MonkeyPatch, **changes: object) -> None:
    """From now on another judge marks squares."""
    first, *rest = tiny_course.JUDGES
    monkeypatch.setattr(tiny_course, "JUDGES", [dataclasses.replace(first, **changes), *rest])
    small_class.install(home)
    monkeypatch.setattr(task, "code_version", lambda notebook: "of another year")


def keeps_the_sign(x: np.ndarray) -> np.ndarray:
    return x * np.abs(x)


def points(folder: ClassFolder, course: config.Course) -> dict[str, float | None]:
    marks = gradebook.marks(folder, course.id)
    return {m.team: c.auto for m in marks for c in m.cells if c.cell == "check_square"}


def test_a_new_judge_marks_again_and_changes_nothing_before_it_is_told_to(
    course: config.Course, home: Path, folder: ClassFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with gradebook.open_gradebook(folder, course.id) as book:
        mark = book.find_grade("check_square", NAME, NAME, "team_1")
        mark.manual_score, mark.needs_manual_grade = 3.5, False
        book.db.commit()
    judges_change(home, monkeypatch, reference=keeps_the_sign, mistakes={})
    before = everything_in(folder.root)
    found = rejudge.preview(folder, course, "fixed")
    assert everything_in(folder.root) == before
    assert {change.team: (change.before, change.after) for change in found.changes} == {
        f"team_{number}": ((4, 6) if f"team_{number}" in ODD else (6, 4))
        for number in range(1, TEAMS + 1)
    }
    assert str(found.changes[0]) == "team_1/90_tiny: 4 → 6 (square 2 → 4)"
    assert not found.to_execute and not found.current

    rejudge.apply(folder, course, found)
    assert points(folder, course) == {
        f"team_{n}": 4 if f"team_{n}" in ODD else 2 for n in range(1, TEAMS + 1)
    }
    (one,) = [m for m in gradebook.marks(folder, course.id) if m.team == "team_1"]
    by_hand = next(c for c in one.cells if c.cell == "check_square")
    assert (by_hand.points, by_hand.needs_manual) == (3.5, True)
    shown = (folder.autograded("team_1", NAME) / f"{NAME}.ipynb").read_text()
    assert "square: 4 of 4 points" in shown
    again = rejudge.preview(folder, course, "fixed")
    assert (again.current, again.pending) == (TEAMS, {})
    assert grade(folder, course, workers=2, seed="fixed").executed == 0


def test_grading_uses_kept_answers_by_itself_and_says_what_changed(
    course: config.Course, home: Path, folder: ClassFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    judges_change(home, monkeypatch, reference=keeps_the_sign, mistakes={})
    summary = grade(folder, course, workers=2, seed="fixed")
    assert (summary.executed, summary.marked_again, len(summary.changes)) == (0, TEAMS, TEAMS)
    again = grade(folder, course, workers=2, seed="fixed")
    assert (again.executed, again.marked_again) == (0, 0)


def test_other_questions_lost_answers_and_failures_need_an_execution(
    course: config.Course, home: Path, folder: ClassFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder.result("team_1", NAME) / stored.FILE).write_bytes(b"\xc1 no msgpack")
    (folder.result("team_2", NAME) / stored.FILE).unlink()
    monkeypatch.setattr(stored, "LARGEST", 10)
    grade(folder, course, seed="fixed", force=True, only=lambda team, _: team == "team_3")
    assert not (folder.result("team_3", NAME) / stored.FILE).exists()
    judges_change(home, monkeypatch, hints={})
    found = rejudge.preview(folder, course, "fixed")
    assert found.to_execute == [f"team_{n}/{NAME}" for n in (1, 2, 3)]
    assert len(found.pending) == 2 and found.changes == []

    other = {"draw": lambda rng, _: [Question("one", {"x": rng.uniform(size=2)})]}
    judges_change(home, monkeypatch, **other)
    assert len(rejudge.preview(folder, course, "fixed").to_execute) == TEAMS
    assert rejudge.preview(folder, course, "another seed").pending == {}


def test_what_lacked_data_is_graded_again_once_the_data_is_there(
    course: config.Course, home: Path, folder: ClassFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = tiny_course.JUDGES[0].draw
    lacking = {"unavailable": "trained on cifar10, which the grader has not got"}
    judges_change(home, monkeypatch, draw=lambda rng, _: [Question("one", {"x": 1}, 0, lacking)])
    before = grade(folder, course, workers=2, seed="fixed")
    assert (before.executed, before.need_human) == (TEAMS, TEAMS)
    assert rejudge.preview(folder, course, "fixed").current == 0

    judges_change(home, monkeypatch, draw=draw)  # as when somebody has put it there
    after = grade(folder, course, workers=2, seed="fixed")
    assert (after.executed, after.need_human) == (TEAMS, 0)
    assert grade(folder, course, workers=2, seed="fixed").executed == 0


def test_the_command_asks_first(tmp_path: Path) -> None:
    (tmp_path / "class").mkdir()
    done = typed.course("rejudge", "-c", str(tmp_path / "class"))
    assert done.returncode == 0 and "0 marks change" in done.stdout
