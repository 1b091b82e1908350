"""Grading that is killed at any moment and started again ends where it would have ended."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grader import config, gradebook
from grader.classroom import ClassFolder
from grader.grade import grade
from grader.gradebook import NotebookMark
from tests.grader import tiny_course
from tests.grader.tiny_course import hand_in, reference

TEAMS = 6
KILLS = int(os.environ.get("COURSE_KILLS", "4"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tiny")


@pytest.fixture(scope="module")
def course(home: Path) -> config.Course:
    return tiny_course.install(home)


def a_class(root: Path) -> ClassFolder:
    folder = ClassFolder(root)
    for number in range(1, TEAMS + 1):
        wrong = {"square": "def square(x):\n    return x * abs(x)"} if number % 2 else None
        hand_in(folder, f"team_{number}", reference(f"team_{number}", wrong))
    return folder


def test_killed_at_random_moments_it_ends_with_the_same_gradebook(
    course: config.Course, home: Path, tmp_path: Path
) -> None:
    whole = a_class(tmp_path / "whole")
    started = time.monotonic()
    grade(whole, course, workers=2, seed="fixed")
    length = time.monotonic() - started + 2  # a process of its own takes longer to start
    expected = gradebook.marks(whole, course.id)
    assert [m.cells[0].auto for m in expected] == [2, 4, 2, 4, 2, 4]

    broken = a_class(tmp_path / "broken")
    command = [sys.executable, "-m", "tests.grader.tiny_course", str(home), str(broken.root)]
    for moment in sorted(random.Random(7).uniform(1, length) for _ in range(KILLS)):
        process = subprocess.Popen(command, cwd=config.ROOT, stderr=subprocess.DEVNULL)
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert subprocess.run(command, cwd=config.ROOT, stderr=subprocess.DEVNULL).returncode == 0
    assert gradebook.marks(broken, course.id) == expected
    with sqlite3.connect(broken.root / "gradebook.db") as db:
        assert db.execute("select count(*) from submitted_notebook").fetchone() == (TEAMS,)


def test_a_lost_gradebook_is_written_again_without_executing(
    course: config.Course, tmp_path: Path
) -> None:
    folder = a_class(tmp_path / "class")
    grade(folder, course, workers=2)
    expected: list[NotebookMark] = gradebook.marks(folder, course.id)
    (folder.root / "gradebook.db").unlink()
    summary = grade(folder, course, workers=2)
    assert summary.executed == 0
    assert gradebook.marks(folder, course.id) == expected


def test_a_failed_regrade_leaves_no_stale_mark(course: config.Course, tmp_path: Path) -> None:
    folder = ClassFolder(tmp_path / "class")
    hand_in(folder, "team_1", reference("team_1"))
    grade(folder, course)
    hand_in(folder, "team_1", b"not a notebook any more")
    summary = grade(folder, course)
    assert summary.need_human == 1
    cells = {c.cell: c for c in gradebook.marks(folder, course.id)[0].cells}
    assert cells["check_square"].points == 0
