"""Markers see rubric and model answer beside an essay; students never do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from grader import config, places
from grader.classroom import gradebook
from grader.classroom.folder import ClassFolder
from grader.formgrader import answer_key
from grader.grading.run import grade
from grader.pages import feedback
from tests.grader import tiny_course
from tests.grader.tiny_course import NAME, hand_in, reference

TEAM = "team_1"
RUBRIC = "says because"


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> tuple[config.Course, ClassFolder]:
    course = tiny_course.install(tmp_path_factory.mktemp("tiny"))
    folder = ClassFolder(tmp_path_factory.mktemp("class"))
    hand_in(folder, TEAM, reference(TEAM, {"why": "A student's own words."}))
    grade(folder, course, workers=1, seed="fixed")
    return course, folder


def shown(folder: ClassFolder) -> nbformat.NotebookNode:
    return nbformat.read(folder.autograded(TEAM, NAME) / f"{NAME}.ipynb", as_version=4)


def test_the_key_follows_its_essay(graded: tuple[config.Course, ClassFolder]) -> None:
    cells = shown(graded[1]).cells
    at = next(i for i, c in enumerate(cells) if c.metadata.get(answer_key.MARK) == "why")
    assert cells[at - 1].source == "A student's own words."
    assert "Because." in cells[at].source and RUBRIC in cells[at].source
    assert "nbgrader" not in cells[at].metadata
    assert "SOLUTION" not in cells[at].source
    nbformat.validate(shown(graded[1]))


def test_the_gradebook_does_not_see_it(graded: tuple[config.Course, ClassFolder]) -> None:
    course, folder = graded
    before = gradebook.marks(folder, course.id)
    assert [c.cell for c in before[0].cells] == ["check_square", "check_sums", "why"]
    assert [c.needs_manual for c in before[0].cells] == [False, False, True]
    text = (folder.autograded(TEAM, NAME) / f"{NAME}.ipynb").read_text()
    grade(folder, course, workers=1, seed="fixed")
    assert gradebook.marks(folder, course.id) == before
    assert (folder.autograded(TEAM, NAME) / f"{NAME}.ipynb").read_text() == text


def test_students_never_get_it(graded: tuple[config.Course, ClassFolder]) -> None:
    course, folder = graded
    kept = folder.result(TEAM, NAME) / "executed.ipynb"
    assert RUBRIC not in kept.read_text()
    feedback.write(folder, course)
    written = list(folder.feedback(TEAM).rglob("*.html"))
    assert written and all(RUBRIC not in page.read_text() for page in written)


def test_nor_from_nbgraders_own_feedback(graded: tuple[config.Course, ClassFolder]) -> None:
    folder = graded[1]
    environment = {**os.environ, "PYTHONPATH": str(places.ROOT), "HOME": str(folder.root)}
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "generate_feedback", NAME, "--force"],
        cwd=folder.root,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    page = Path(folder.feedback(TEAM)) / NAME / f"{NAME}.html"
    text = page.read_text()
    assert "A student's own words." in text.replace("&#39;", "'").replace("&#x27;", "'")
    assert RUBRIC not in text and "Model answer" not in text
