"""A class of slow but honest teams, and a process that grades it, to be disturbed by tests."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import nbformat

from grader import config
from grader.classroom.folder import ClassFolder
from grader.grading.run import grade
from tests.attacks.base import RIGHT, hand_in
from tests.grader import tiny_course
from tests.grader.sandbox_helpers import NUMPY
from tests.grader.tiny_course import NAME, reference

SIGN_KEPT = "def square(x):\n    return x * abs(x)"
TEAMS = 5


def install(home: Path) -> config.Course:
    """The tiny course, whose kernels need no framework."""
    course = tiny_course.install(home, config.Limits(3, 30, 60, 1024, 64))
    entry = dataclasses.replace(course.notebooks[NAME], kernel=NUMPY)
    return dataclasses.replace(course, notebooks={NAME: entry})


def fill(root: Path, seconds: float = 0, teams: int = TEAMS) -> ClassFolder:
    """Hand in for every team; each notebook takes so many seconds."""
    folder = ClassFolder(root)
    for number in range(1, teams + 1):
        square = SIGN_KEPT if number % 2 else RIGHT
        notebook = reference(
            f"team_{number}", {"square": f"import time; time.sleep({seconds})\n{square}"}
        )
        hand_in(folder, f"team_{number}", nbformat.writes(notebook).encode())
    return folder


if __name__ == "__main__":
    grade(ClassFolder(Path(sys.argv[2])), install(Path(sys.argv[1])), workers=2, seed="fixed")
