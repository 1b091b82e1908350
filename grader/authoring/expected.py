"""What is expected of a notebook, for the packer, which tells students what is still to do."""

from __future__ import annotations

from typing import Any

from nbformat.notebooknode import NotebookNode

from grader import places
from grader.cells import check_of, grade_id, is_essay
from grader.contract.judges import judges_of
from utils.packing.state import digest


def of(name: str, released: NotebookNode) -> dict[str, Any]:
    """Its checks, questions and cells, and the files that a complete hand-in brings along."""
    cells = [cell for cell in released.cells if grade_id(cell)]
    return {
        "checks": [check for cell in cells if (check := check_of(cell))],
        "essays": {grade_id(cell): digest(cell.source) for cell in cells if is_essay(cell)},
        "cells": [grade_id(cell) for cell in cells],
        "handin": handed_in(name),
        "own_numbers": any(judge.by_student for judge in judges_of(name).values()),
    }


def handed_in(notebook: str) -> list[str]:
    """Files in handin/NOTEBOOK/ once all is done: those that the reference solution made."""
    folder = places.folder() / "reference" / notebook
    return sorted(path.name for path in folder.glob("*") if not path.name.startswith("."))
