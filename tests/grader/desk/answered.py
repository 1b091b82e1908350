"""A graded class whose essays are given: recorded as grading does it, without running anything."""

from __future__ import annotations

from collections.abc import Mapping

import nbformat
from nbformat.notebooknode import NotebookNode

from grader import config
from grader.cells import grade_id
from grader.classroom import gradebook
from grader.classroom.folder import ClassFolder
from grader.classroom.results import CheckResult, Result, read
from grader.classroom.results import Submission as Handed
from grader.formgrader.setup import set_up
from grader.grading.recorder import Recorder
from tests.grader import tiny_course


def make(
    folder: ClassFolder,
    course: config.Course,
    essays: Mapping[str, str | NotebookNode],
    square: float = 4.0,
) -> None:
    """Hand in and record what each team answered to tiny_course's "why"; also once more.

    essays: team -> its answer, or its whole notebook.  square: what that check gave all of them.
    """
    set_up(folder, course)
    with gradebook.open_gradebook(folder, course.id) as book:
        recorder = Recorder(folder, course, book)
        for team, given in essays.items():
            notebook = given
            if isinstance(given, str):
                notebook = tiny_course.reference(team, {"why": given})
            assert not isinstance(notebook, str)
            tiny_course.hand_in(folder, team, notebook)
            place = folder.submitted(team, tiny_course.NAME)
            checks = [
                CheckResult("square", square, 4.0, mistake="" if square == 4 else "sign kept"),
                CheckResult("sums", 2.0, 2.0),
            ]
            result = Result(team, tiny_course.NAME, "key", checks)
            submission = read(place / "submission.json", Handed)
            recorder.store(submission, result, nbformat.from_dict(notebook))


def with_cell_after(team: str, answer: str, text: str) -> NotebookNode:
    """A notebook whose team wrote into a new cell behind the one for the answer."""
    notebook = tiny_course.reference(team, {"why": answer})
    at = next(n for n, cell in enumerate(notebook.cells) if grade_id(cell) == "why")
    notebook.cells.insert(at + 1, nbformat.v4.new_markdown_cell(text))
    return notebook
