"""Where a report lies, for the marker who opens it: a path in the class folder, never its content.

It stands with the essay that asks for the report; at the end of a notebook in which none does.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import nbformat
from nbformat.notebooknode import NotebookNode

from grader.cells import REPORT
from grader.classroom import reports
from grader.classroom.folder import ClassFolder
from grader.classroom.results import Beside, Submission
from grader.formgrader.answer_key import MARK, escaped


def with_places(
    beside: Iterable[Beside], folder: ClassFolder, submission: Submission
) -> list[Beside]:
    """What markers look at, with the places of the reports among it."""
    there = ", ".join(reports.places(folder, submission))
    return [
        msgspec.structs.replace(one, words=f"{one.words} In the class folder: {there}")
        if one.kind == REPORT and there
        else one
        for one in beside
    ]


def at_the_end(
    notebook: NotebookNode, folder: ClassFolder, submission: Submission, beside: Iterable[Beside]
) -> NotebookNode:
    """The notebook with a word of a report that no essay asks for; `notebook` stays as it is."""
    there = ", ".join(reports.places(folder, submission))
    if not there or any(one.kind == REPORT for one in beside):
        return notebook
    told = escaped(f"A report came with this notebook. In the class folder: {there}")
    shown = nbformat.from_dict({**notebook, "cells": list(notebook.cells)})
    identity = {"id": "report"} if any("id" in cell for cell in notebook.cells) else {}
    cell = {"cell_type": "markdown", "metadata": {MARK: REPORT}, "source": told}
    shown.cells.append(nbformat.from_dict(cell | identity))
    return shown
