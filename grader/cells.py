"""Cells of a notebook: what nbgrader and the harness have written about them.

Cells may come from anywhere, so nothing is believed to be there or to be of its kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FIGURE = "figure"
"""Tag of read-only cells that are not executed when graded."""
OURS, BONUS = "course", "bonus"
"""Metadata of a cell whose points come on top of the maximum: {"course": {"bonus": true}}."""
BESIDE = "beside"
"""In the same place, of an essay: what its marker looks at beside the answer, REPORT or CODE."""
REPORT, CODE = "report", "code"
_CHECK = "check_"

Cell = Mapping[str, Any]
"""A cell of nbformat, or one that was just read from JSON."""


def about(cell: Cell) -> Mapping[str, Any]:
    """What nbgrader says of a cell; empty for a student's own."""
    metadata = cell.get("metadata")
    said = metadata.get("nbgrader") if isinstance(metadata, Mapping) else None
    return said if isinstance(said, Mapping) else {}


def grade_id(cell: Cell) -> str:
    """nbgrader's id of a cell, "" where there is none that could be one."""
    found = about(cell).get("grade_id")
    return found if isinstance(found, str) else ""


def is_locked(cell: Cell) -> bool:
    """Is it a cell that students must leave as it is?"""
    return bool(about(cell).get("locked"))


def is_solution(cell: Cell) -> bool:
    """Is it a cell for an answer in code?"""
    return cell["cell_type"] == "code" and bool(about(cell).get("solution"))


def is_check(cell: Cell) -> bool:
    """Is it a check, which tries an answer?"""
    return bool(about(cell).get("grade")) and is_locked(cell)


def is_essay(cell: Cell) -> bool:
    """Is it an answer in words, that a marker marks?"""
    return cell["cell_type"] == "markdown" and bool(about(cell).get("grade"))


def is_bonus(cell: Cell) -> bool:
    """Do its points come on top of the maximum?  So it is said in a release."""
    return _ours(cell).get(BONUS) is True


def beside_of(cell: Cell) -> str:
    """What the marker of an essay looks at beside it: REPORT, CODE, or "" for nothing."""
    found = _ours(cell).get(BESIDE)
    return found if found in (REPORT, CODE) else ""


def _ours(cell: Cell) -> Mapping[str, Any]:
    metadata = cell.get("metadata")
    ours = metadata.get(OURS) if isinstance(metadata, Mapping) else None
    return ours if isinstance(ours, Mapping) else {}


def check_of(cell: Cell) -> str:
    """Name of the check that a cell holds, "" if it holds none."""
    name = grade_id(cell)
    graded = cell["cell_type"] == "code" and bool(about(cell).get("grade"))
    return name.removeprefix(_CHECK) if graded else ""


def id_of_check(name: str) -> str:
    """nbgrader's id of the cell with a check."""
    return f"{_CHECK}{name}"


def runs_when_graded(cell: Cell) -> bool:
    """Is it a code cell that the harness executes?"""
    tags = cell["metadata"].get("tags", [])
    return cell["cell_type"] == "code" and FIGURE not in (tags if isinstance(tags, list) else [])


def text_of(cell: Cell) -> str:
    """A cell's text."""
    return text_in(cell.get("source"))


def text_in(value: Any) -> str:
    """Text as notebooks hold it: a string or a list of strings; "" where it is neither."""
    if isinstance(value, list):
        value = "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""
