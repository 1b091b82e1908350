"""Which cells hold an answer: what is as released is none, whatever the release says there."""

from __future__ import annotations

from collections.abc import Collection

from nbformat.notebooknode import NotebookNode
from nbgrader.utils import compute_checksum

from grader.cells import about, grade_id


def left_as_released(cell: NotebookNode) -> bool:
    """Is a cell with an answer as the release has it?"""
    return about(cell).get("checksum") == compute_checksum(cell)


def to_mark(cell: NotebookNode, elsewhere: Collection[str]) -> bool:
    """Is there an answer for a marker, in an essay's cell or maybe elsewhere?

    elsewhere: as in `results.Result`.
    """
    return grade_id(cell) in elsewhere or not left_as_released(cell)
