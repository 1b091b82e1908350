"""Grading that is killed at any moment and started again ends where it would have ended.

What is killed is the grader, the warm parent of its kernels, or a kernel, in turn and at random
moments: 30 times in a long run, or as often as COURSE_KILLS says.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL

import psutil
import pytest

from grader import config, places
from grader.classroom import gradebook, results
from grader.classroom.folder import ClassFolder
from grader.classroom.gradebook import NotebookMark
from grader.classroom.results import Result
from grader.grading.run import grade
from tests import long
from tests.grader import tiny_course
from tests.grader.tiny_course import hand_in, reference

TEAMS = 6
KILLS = int(os.environ.get("COURSE_KILLS", long.choose(3, 30)))


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

    chance = random.Random(7)
    command = [sys.executable, "-m", "tests.grader.tiny_course", str(home)]
    broken = a_class(tmp_path / "broken")
    for number in range(KILLS):
        if (broken.root / "gradebook.db").is_file() and _finished(broken) == TEAMS:
            broken = a_class(tmp_path / f"broken{number}")  # nothing left to interrupt in that one
        process = subprocess.Popen([*command, str(broken.root)], cwd=places.ROOT, stderr=DEVNULL)
        time.sleep(chance.uniform(0, length))
        find = VICTIMS[number % len(VICTIMS)]
        with suppress(psutil.NoSuchProcess):  # it ended by itself meanwhile
            if (victim := find(process.pid)) is not None:
                victim.kill()
        if process.wait() == -signal.SIGKILL and find is _grader:
            continue
        assert process.returncode == 0, "losing a parent or a kernel must not end the grader"
        problems = [p for path in _results(broken) if (p := results.read(path, Result).needs_human)]
        assert (problems, gradebook.marks(broken, course.id)) == ([], expected)
    finished = subprocess.run([*command, str(broken.root)], cwd=places.ROOT, stderr=DEVNULL)
    assert finished.returncode == 0
    assert gradebook.marks(broken, course.id) == expected
    with sqlite3.connect(broken.root / "gradebook.db") as db:
        assert db.execute("select count(*) from submitted_notebook").fetchone() == (TEAMS,)


def _finished(folder: ClassFolder) -> int:
    return len(_results(folder))


def _results(folder: ClassFolder) -> list[Path]:
    return list((folder.root / "results").rglob("result.json"))


def _grader(grader: int) -> psutil.Process | None:
    return psutil.Process(grader)


def _parent(grader: int) -> psutil.Process | None:
    """A parent of kernels, if one runs yet."""
    children = psutil.Process(grader).children()
    return next((p for p in children if "server.main" in " ".join(p.cmdline())), None)


def _kernel(grader: int) -> psutil.Process | None:
    """A kernel, if one runs: below its parent, a keeper and process 1; see sandbox/child.py."""
    parent = _parent(grader)
    keepers = parent.children() if parent else []
    return next((k for keeper in keepers for p in keeper.children() for k in p.children()), None)


VICTIMS = (_grader, _parent, _kernel)


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
