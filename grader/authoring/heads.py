"""What stands below headings: points, working time and what has to be done before.

A source says minutes and needs in the header of the cell with the heading; points are added up, so
they are always those of the notebook.  A question says what it is worth, and how long an answer is.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

from nbformat.notebooknode import NotebookNode

from grader.authoring.source_text import Head, Source
from grader.cells import is_bonus, is_essay

_EXERCISE = re.compile(r"^## Exercises? \d\d\.\d+.*$", re.M)
_TITLE = re.compile(r"^# .*$", re.M)
_QUESTION = re.compile(r"\*\*(Question|[a-z]\))( \(optional, bonus\))?\.?\*\*")
_SENTENCES = 2.5
"""Of an answer, for each point."""


def with_heads(source: Source) -> Source:
    """The source with what is to be known below its title and exercises, and beside questions."""
    if not source.heads:
        return source
    notebook = copy.deepcopy(source.notebook)
    cells = notebook.cells
    starts = [n for n, cell in enumerate(cells) if _EXERCISE.search(_prose(cell))]
    ends = [*starts[1:], len(cells)]
    for start, end in zip(starts, ends, strict=True):
        head = source.heads.get(start, Head())
        _below(cells[start], _EXERCISE, [*_points(cells[start:end]), *_told(head.minutes, head)])
    whole = source.heads.get(0, Head())
    minutes = sum(head.minutes for head in source.heads.values())
    _below(cells[0], _TITLE, [*_points(cells), *_told(minutes, whole)])
    for before, cell in pairwise(cells):
        if is_essay(cell) and before.cell_type == "markdown":
            _beside_question(before, cell)
    return replace(source, notebook=notebook)


def _prose(cell: NotebookNode) -> str:
    return cell.source if cell.cell_type == "markdown" else ""


def _below(cell: NotebookNode, heading: re.Pattern[str], told: list[str]) -> None:
    if told:
        line = f"*{' · '.join(told)}*"
        cell.source = heading.sub(lambda match: f"{match[0]}\n\n{line}", cell.source, count=1)


def _told(minutes: float, head: Head) -> list[str]:
    words = [f"about {_duration(minutes)}"] if minutes else []
    return words + ([f"after {head.needs}"] if head.needs else [])


def _duration(minutes: float) -> str:
    if minutes <= 90:
        return f"{minutes:g} minutes"
    return f"{round(minutes / 30) / 2:g} hours"


def _points(cells: Iterable[NotebookNode]) -> list[str]:
    worth = {False: 0.0, True: 0.0}
    for cell in cells:
        if points := cell.metadata.get("nbgrader", {}).get("points", 0):
            worth[is_bonus(cell)] += points
    kinds = [(worth[False], "point"), (worth[True], "bonus point")]
    return [_counted(points, noun) for points, noun in kinds if points]


def _counted(number: float, noun: str) -> str:
    return f"{number:g} {noun}{'' if number == 1 else 's'}"


def _beside_question(before: NotebookNode, essay: NotebookNode) -> None:
    points = essay.metadata.nbgrader["points"]
    found = list(_QUESTION.finditer(before.source))
    if not found or not points:
        return
    last = found[-1]
    worth = _counted(points, "bonus point" if is_bonus(essay) else "point")
    told = f" *({worth}, about {round(_SENTENCES * points)} sentences)*"
    before.source = before.source[: last.end()] + told + before.source[last.end() :]
