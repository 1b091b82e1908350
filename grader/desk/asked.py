"""The questions that markers mark: their text, their model answer, the levels of their rubric."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import mistune
from nbformat.notebooknode import NotebookNode

from grader.authoring import build, source_text
from grader.cells import about as said_of
from grader.cells import check_of, grade_id, is_essay


@dataclass(frozen=True)
class Level:
    """One level of a rubric."""

    points: float
    words: str


@dataclass(frozen=True)
class Asked:
    """One question: an essay of a notebook."""

    notebook: str
    cell: str
    title: str
    worth: float
    text: str
    """As HTML; it is the course's own."""
    key: str
    """Model answer and rubric, likewise."""
    levels: tuple[Level, ...]
    """The lowest first; without a rubric none, half and all of the points."""
    checks: tuple[str, ...]
    """Checks of the same exercise."""


@lru_cache(maxsize=64)
def of_notebook(notebook: str) -> tuple[Asked, ...]:
    """The questions of a notebook, as they follow each other in its source."""
    found: list[Asked] = []
    above: list[NotebookNode] = []
    checks: list[str] = []
    for cell in build.source_of(notebook).notebook.cells:
        if is_essay(cell):
            found.append(_asked(notebook, cell, above, checks))
            above = above[:1]  # a second question of the exercise keeps its heading
        elif check_of(cell):
            checks.append(check_of(cell))
        elif cell.cell_type == "markdown":
            if cell.source.startswith("## "):
                above, checks = [], []
            above.append(cell)
    return tuple(found)


def _asked(
    notebook: str, essay: NotebookNode, above: Iterable[NotebookNode], checks: Iterable[str]
) -> Asked:
    text = "\n\n".join(cell.source for cell in above)
    heading = text.partition("\n")[0]
    key = source_text.rubric(essay)
    worth = float(said_of(essay)["points"])
    levels = source_text.levels(key) or [(share * worth, "") for share in (0, 0.5, 1)]
    return Asked(
        notebook,
        grade_id(essay),
        heading.lstrip("# ") if heading.startswith("#") else grade_id(essay),
        worth,
        _html(text.partition("\n")[2] if heading.startswith("#") else text),
        _html(key),
        tuple(Level(*level) for level in levels),
        tuple(checks),
    )


def _html(markdown: str) -> str:
    """The course's own Markdown as HTML; formulas stay between their dollars."""
    convert = mistune.create_markdown(escape=False, plugins=["table", "strikethrough", "math"])
    return str(convert(markdown))
