"""What may happen to a class, what is handed in, and what a marker sees of it."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import nbformat
from nbformat import v4
from nbformat.notebooknode import NotebookNode
from PIL import Image

from grader.authoring import build
from grader.bench import small_course
from grader.formgrader import answer_key
from tests.grader.honest.course import NAME

ESSAYS, CHECKS = ("why", "how"), ("check_square", "check_cube", "check_sums")
CODE = {
    "right": "def square(x):\n    return x * x",
    "flipped": "def square(x):\n    return x * abs(x)",
    "none": "",
    "stopped": "def square(x):\n    return x * x  # STOP",
}


@dataclass(frozen=True)
class HandIn:
    """A file with this name arrives, and is collected."""

    who: str = "s1"
    why: str = "One."
    """The first essay; "" is as released."""
    code: str = "right"
    form: str = "plain"
    hours: float | None = -1
    """After it was due; None: nobody knows."""


@dataclass(frozen=True)
class CollectAgain:
    """Everything that ever arrived is collected again."""


@dataclass(frozen=True)
class Grade:
    """./course grade"""


@dataclass(frozen=True)
class Mark:
    """A marker reads a cell and saves its mark, as formgrader does."""

    team: str = "team_1"
    cell: str = "why"
    points: float | None = 2.0
    extra: float | None = None


@dataclass(frozen=True)
class Enrol:
    """Another roster."""

    roster: int = 0


@dataclass(frozen=True)
class Set:
    """Other settings."""

    counts: str = "better"
    per_day: float = 0.1
    free_days: int = 0
    more_days: float = 0.0
    """To hand in."""
    moved: bool = False
    """Is the course another one: points, and a judge?"""


@dataclass(frozen=True)
class Choose:
    """./course choose; None: the setting decides again."""

    team: str = "team_1"
    which: int | None = 0


@dataclass(frozen=True)
class Settle:
    """Somebody looks at all questions that are open."""


@dataclass(frozen=True)
class Rejudge:
    """./course rejudge --apply"""


Step = HandIn | CollectAgain | Grade | Mark | Enrol | Set | Choose | Settle | Rejudge


# ---------------------------------------------------------------- what is handed in


@cache
def _reference(student: str) -> str:
    return nbformat.writes(small_course.reference(NAME, student))


def notebook(step: HandIn) -> NotebookNode:
    """What somebody hands in."""
    made = nbformat.reads(_reference(step.who), as_version=4)
    empty = {c.metadata.nbgrader.grade_id: c.source for c in released().cells if id_of(c)}
    at = {id_of(cell): number for number, cell in enumerate(made.cells) if id_of(cell)}
    made.cells[at["square"]].source = CODE[step.code] or empty["square"]
    made.cells[at["why"]].source = step.why or empty["why"]
    made.cells[at["how"]].source = "With care." if step.why else empty["how"]
    if step.form in FORMS:
        FORMS[step.form](made, at)
    return made


def _beside(made: NotebookNode, at: dict[str, int]) -> None:
    made.cells.insert(at["why"] + 1, v4.new_markdown_cell("My answer stands here."))


def _beside_otherwise(made: NotebookNode, at: dict[str, int]) -> None:
    made.cells.insert(at["why"] + 1, v4.new_markdown_cell("No, it stands here."))


def _picture(size: tuple[int, int]) -> Callable[[NotebookNode, dict[str, int]], None]:
    buffer = io.BytesIO()
    Image.new("RGB", size).save(buffer, "PNG")
    data = base64.b64encode(buffer.getvalue()).decode()

    def paste(made: NotebookNode, at: dict[str, int]) -> None:
        cell = made.cells[at["why"]]
        cell.source += "\n![](attachment:a.png)"
        cell.attachments = {"a.png": {"image/png": data}}

    return paste


def _twice(made: NotebookNode, at: dict[str, int]) -> None:
    again = nbformat.from_dict(made.cells[at["square"]])
    again.source = "def square(x):\n    return 0"
    made.cells.insert(at["square"], again)


FORMS = {
    "beside": _beside,
    "beside otherwise": _beside_otherwise,
    "picture": _picture((3, 2)),
    "other picture": _picture((2, 3)),
    "twice": _twice,
}


@cache
def content(step: HandIn) -> bytes:
    """The same as a file."""
    if step.form == "broken":
        return b"{"
    if step.form == "endless":  # intake takes it, and nobody can open it
        made = notebook(step)
        made.cells += [v4.new_markdown_cell("more") for _ in range(2001)]
        return nbformat.writes(made).encode()
    return nbformat.writes(notebook(step)).encode()


@cache
def released() -> NotebookNode:
    """The notebook that students get."""
    return nbformat.read(build.released(NAME), as_version=4)


def id_of(cell: NotebookNode) -> str:
    """A cell's grade id, or ""."""
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))


def work(made: NotebookNode) -> str:
    """All that a student put into a notebook."""
    return repr([(c.cell_type, c.source, c.get("attachments") or None) for c in made.cells])


def seen(shown: NotebookNode, name: str) -> str:
    """What a marker reads who marks a cell: an essay with what stands around it, or code."""
    cells = [cell for cell in shown.cells if answer_key.MARK not in cell.metadata]
    at = [id_of(cell) for cell in cells].index(name.removeprefix("check_"))
    if name in CHECKS:
        return str(cells[at].source)
    return repr([*map(_shown, _around(cells, at))])


def _shown(cell: NotebookNode) -> tuple[str, list[object]]:
    """Text and pictures of a cell, whatever those are called."""
    words = re.sub(r"\(attachment:.*?\)", "(a picture)", cell.source)
    return words, [cell.attachments[name] for name in sorted(cell.get("attachments") or {})]


def _around(cells: list[NotebookNode], at: int) -> list[NotebookNode]:
    first, last = at, at + 1
    while first and not id_of(cells[first - 1]):
        first -= 1
    while last < len(cells) and not id_of(cells[last]):
        last += 1
    return cells[first:last]


def has_own_text(submitted: NotebookNode, essay: str) -> bool:
    """Is anything of a student's in an essay or beside it?"""
    return seen(submitted, essay) != seen(released(), essay)
