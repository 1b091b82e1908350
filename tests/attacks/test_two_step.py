"""Inputs that one attempt has shown are worth nothing in the next."""

from __future__ import annotations

import json
import os
import re
from html import unescape
from pathlib import Path

import nbformat
import pytest

from grader import config, sandbox
from grader.classroom import gradebook
from grader.classroom.folder import ClassFolder
from grader.grading.run import grade
from grader.judging import examination
from grader.pages import feedback
from tests.attacks import small_class
from tests.attacks.base import hand_in
from tests.grader.tiny_course import NAME, reference

TEAM = "team_1"
ASKING = """\
seen = []
def square(x):
    seen.append(x.ravel().tolist())
    raise NotImplementedError("inputs:" + repr(x.ravel().tolist()))
"""
SHOWING = 'for values in seen:\n    print("inputs:" + repr(values))'
TABLE = """\
import numpy as np
TABLE = {table}
def square(x):
    return np.reshape(TABLE[repr(x.ravel().tolist())], x.shape)
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> config.Course:
    if not sandbox.probe().way and not os.environ.get("CI"):
        pytest.skip(str(sandbox.probe()))
    return small_class.install(tmp_path_factory.mktemp("tiny"))


def attempt(folder: ClassFolder, course: config.Course, square: str, show: str = "") -> float:
    """Hand in, grade, and return the points of what the attack is about."""
    notebook = reference(TEAM, {"square": square})
    if show:
        notebook.cells.append(nbformat.v4.new_code_cell(show))
    hand_in(folder, TEAM, json.dumps(notebook).encode())
    grade(folder, course, workers=1, seed="fixed")
    (mark,) = gradebook.marks(folder, course.id)
    return next(cell.auto or 0.0 for cell in mark.cells if "square" in cell.cell)


def shown(folder: ClassFolder, course: config.Course) -> dict[str, str]:
    """All texts that come back to a student or stand in front of a marker, by where they stand."""
    pages = "".join(path.read_text("utf-8") for path in feedback.write(folder, course))
    graded = next(folder.root.glob(f"autograded/{TEAM}/{NAME}/*.ipynb"))
    outputs = [
        str(output) for cell in nbformat.read(graded, 4).cells for output in cell.get("outputs", [])
    ]
    return {"feedback": unescape(re.sub("<[^>]*>", "", pages)), "formgrader": "".join(outputs)}


def inputs_in(text: str) -> list[list[float]]:
    """What a student reads out of it."""
    return [json.loads(found) for found in re.findall(r"inputs:(\[[^]]*\])", text)]


@pytest.mark.parametrize("fresh", [False, True])
def test_a_table_of_inputs_that_were_shown_earns_nothing(
    fresh: bool, course: config.Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not fresh:  # what it would earn if all attempts met the same cases
        monkeypatch.setattr(examination, "seed_of", lambda secret, _: secret)
    folder = ClassFolder(tmp_path)
    assert attempt(folder, course, ASKING, SHOWING) == 0
    told = {where: inputs_in(text) for where, text in shown(folder, course).items()}
    assert all(told.values()), "own outputs are shown in both places"
    known = {repr(v): [x * x for x in v] for where in told for v in told[where]}
    assert attempt(folder, course, TABLE.format(table=known)) == (0 if fresh else 4)


def test_grading_the_same_again_meets_the_same_cases(course: config.Course, tmp_path: Path) -> None:
    folder = ClassFolder(tmp_path)
    attempt(folder, course, ASKING, SHOWING)
    asked = []
    for _ in range(2):
        grade(folder, course, workers=1, seed="fixed")
        asked.append(inputs_in(shown(folder, course)["formgrader"]))
        for path in folder.root.glob("results/*/*/*"):
            path.unlink()
    assert asked[0] == asked[1] != []
