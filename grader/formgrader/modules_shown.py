"""Own modules at the end of the notebook that a marker sees: what the answers call is part of them.

They are shown as code that nothing runs, in cells that nbgrader's gradebook knows nothing about.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode

from grader.formgrader.answer_key import MARK
from grader.text import clean
from utils.packing.beside import MODULE_BYTES

PREFIX = "module "
"""Of what these cells are marked with."""


def at_the_end(notebook: NotebookNode, modules: Iterable[tuple[str, str]]) -> NotebookNode:
    """The notebook with a cell for each module, (path, text); `notebook` stays as it is."""
    shown = nbformat.from_dict({**notebook, "cells": list(notebook.cells)})
    with_ids = any("id" in cell for cell in notebook.cells)
    for number, (path, text) in enumerate(modules):
        head = f"# {clean(path, 200)}, a module that was handed in with this notebook"
        cell: dict[str, Any] = {
            "cell_type": "code",
            "execution_count": None,
            "metadata": {MARK: f"{PREFIX}{path}"},
            "outputs": [],
            "source": f"{head}\n{clean(text, MODULE_BYTES)}",
        }
        shown.cells.append(
            nbformat.from_dict(cell | ({"id": f"module-{number}"} if with_ids else {}))
        )
    return shown


def in_cells(cells: Iterable[NotebookNode]) -> str:
    """The text of all modules among cells that were shown."""
    marked = [(str(cell.metadata.get(MARK, "")), cell.source) for cell in cells]
    return "\n".join(source for mark, source in marked if mark.startswith(PREFIX))
