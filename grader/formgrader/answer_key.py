"""Rubric and model answer beside each essay, for whoever marks it in formgrader.

They stand in the copy of a notebook that formgrader shows, in cells of their own that nbgrader's
gradebook knows nothing about, and nowhere else: what students get is made without them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

from grader.authoring import build, source_text
from grader.cells import grade_id, is_essay
from grader.classroom.results import Beside

MARK = "answer_key"
"""Metadata key of these cells; its value is the essay's id."""
DIGEST = "looked_at"
"""Metadata key: digest of what is looked at beside the answer, to see when that changes."""
LOOK_AROUND = (
    "**The answer cell is as students get it.** Look for the answer in the cells before and after."
)
"""What markers are told where an answer may stand beside its cell."""

Key = dict[str, str]
"""Essay id -> model answer and rubric, as Markdown."""


def of_notebook(name: str) -> Key:
    """The answer key of a notebook, from its source."""
    return {
        grade_id(cell): source_text.rubric(cell)
        for cell in build.source_of(name).notebook.cells
        if is_essay(cell)
    }


def beside_essays(
    executed: NotebookNode,
    key: Key,
    elsewhere: Collection[str] = (),
    beside: Sequence[Beside] = (),
) -> NotebookNode:
    """The notebook with a cell after each essay; `executed` itself stays as it is.

    elsewhere: essays whose answer must be looked for outside their cell.
    beside: what is looked at together with some.
    """
    shown = nbformat.from_dict({**executed, "cells": []})
    looked_at = {one.cell: one for one in beside}
    for cell in executed.cells:
        shown.cells.append(cell)
        essay = grade_id(cell)
        if cell.cell_type == "markdown" and essay in key:
            found = looked_at.get(essay)
            where = f"{LOOK_AROUND}\n\n" if essay in elsewhere and not found else ""
            where += f"{escaped(found.words)}\n\n" if found else ""
            text = (
                f'<div class="alert alert-info">\n\n{where}**Model answer**\n\n{key[essay]}'
                "\n\n</div>"
            )
            identity = {"id": f"key-{cell.id}"[:64]} if "id" in cell else {}
            marked = {MARK: essay} | ({DIGEST: found.digest} if found else {})
            shown.cells.append(
                nbformat.from_dict(
                    {"cell_type": "markdown", "metadata": marked, "source": text} | identity
                )
            )
    return shown


def looked_at(cells: Sequence[NotebookNode]) -> dict[str, list[str]]:
    """Essay -> digest of what is looked at beside it, where there is anything."""
    marked = [cell.metadata for cell in cells if cell.metadata.get(DIGEST)]
    return {str(said[MARK]): [str(said[DIGEST])] for said in marked if MARK in said}


def escaped(words: str) -> str:
    """Words, with names that students chose in them, as Markdown that shows just these words."""
    return re.sub(r"([^\w\s,:;])", r"\\\1", words, flags=re.ASCII)


class Remove(NbGraderPreprocessor):
    """The first step of nbgrader's own feedback: students must not get the answers."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Take the answer key out."""
        nb.cells = [cell for cell in nb.cells if MARK not in cell.metadata]
        return nb, resources
