"""Names that the course's cells need, given to something else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from grader import places
from grader.authoring import source_text
from utils.packing.overwritten import overwritten

SOURCES = sorted((places.ROOT / "grader" / "course" / "source").glob("*.py"))


def notebook(*answers: str) -> dict[str, Any]:
    """A notebook with a locked setup and a student's cells."""
    setup = "import numpy as np\nfrom utils import check\nprint(max(1, 2))"
    cells = [("setup", True, setup), *(("", False, answer) for answer in answers)]
    return {
        "cells": [
            {
                "cell_type": "code",
                "metadata": {"nbgrader": {"grade_id": name, "locked": locked}} if name else {},
                "source": source,
                "outputs": [],
            }
            for name, locked, source in cells
        ]
    }


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("check = 3", "check"),
        ("def check(x):\n    return x", "check"),
        ("for np in range(3):\n    pass", "np"),
        ("with open('x') as check:\n    pass", "check"),
        ("if True:\n    a, (check, *b) = 1, (2, 3)", "check"),
        ("%matplotlib inline\nmax = 0", "max"),
        ("(np := 5)", "np"),
    ],
)
def test_a_name_that_is_taken_is_told_with_its_cell(code: str, name: str) -> None:
    assert overwritten(notebook("x = 1", code)) == [(name, "cell 3")]


@pytest.mark.parametrize(
    "code",
    [
        "import numpy as np",
        "def f(check):\n    np = 3\n    return check",
        "[np for np in range(3)]",
        "net.check = 3",
        "f(check=3)",
        "sum = 0",
        "this is no Python",
        "%%writefile check.py\ncheck = 3",
        "a" + "(" * 500,
    ],
)
def test_what_takes_nothing_is_left_alone(code: str) -> None:
    assert overwritten(notebook(code)) == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_the_courses_own_answers_take_nothing(source: Path) -> None:
    assert overwritten(source_text.with_solutions(source_text.read(source))) == []
