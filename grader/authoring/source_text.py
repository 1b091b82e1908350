"""Notebook sources: text with short cell headers in, nbgrader notebooks out.

Sources are jupytext py:percent files.  Each cell says in its header what it is:

    # %% locked="setup"                       read-only, executed when graded
    # %% figure="padding"                     read-only, for the reader, not executed when graded
    # %% solution="conv2d_forward"            what students fill in, with nbgrader's markers
    # %% check="conv2d_forward" points=6      autograde cell
    # %% [markdown] essay="stride" points=4   manual-graded cell, with model answer and rubric

`bonus=true` after the points: optional, its points come on top of the maximum.  `beside="report"`
or `beside="code"` of an essay: its marker is told of the report that came along, or how much is
explained in the code.  `minutes=20 needs="01.1"` of a cell with a heading: how long what follows
takes, and what has to be done before.  All this becomes nbgrader's metadata.  A source with a
mistake is refused with the line it is on.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import jupytext
import nbformat
from nbformat.notebooknode import NotebookNode

from grader.cells import (
    BESIDE,
    BONUS,
    CODE,
    FIGURE,
    OURS,
    REPORT,
    check_of,
    grade_id,
    is_essay,
)
from grader.errors import CourseError

_ROLES = ("locked", "figure", "solution", "check", "essay")
_HEADER = re.compile(r"^# %%(?:\s|$)")
_NO_HEADER = re.compile(r"^\s*#\s*%+(?!\w)")
"""A line that looks like one, and is none."""
_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_LEVEL = re.compile(r"^- ([\d.]+) points?\b", re.M)
"""A line of a rubric."""
SETUP = "setup"
"""The locked cell that makes ready what others need."""
FIND_COURSE = """\
import os
import sys
from pathlib import Path

here = Path.cwd()  # the course lies around its notebooks; where they are graded, it is there
around = () if "COURSE_HANDOVER" in os.environ else (here, *here.parents, *here.glob("*"))
for folder in around:
    if (folder / "utils" / "checks").is_dir():
        sys.path.insert(0, str(folder))
        break

try:
    import utils.checks
except ImportError:

    class NoCourse(Exception):
        def _render_traceback_(self):
            return ["NoCourse: unpack the whole course, and open this notebook in its notebooks/."]

    raise NoCourse() from None
"""
"""Begins the setup cell of every notebook: without the course's package nothing works.

When graded, no folder is put before the course: one with a module of a student's would come first.
"""
_AFTER_A_RESTART = "not defined? Run the cells above first"
"""Stands in each check's line, and so in what Python says where `check` isn't there yet."""
_BEGIN, _END = "### BEGIN SOLUTION", "### END SOLUTION"


class SourceError(CourseError, ValueError):
    """A notebook source is wrong; the text is "file:line: what and what to do"."""


@dataclass(frozen=True)
class Check:
    """A graded cell of a source: a check, or an essay."""

    name: str
    points: float
    line: int


@dataclass(frozen=True)
class Head:
    """What the header of a cell with a heading says of what follows."""

    minutes: float = 0
    """Working time; 0: it isn't said."""
    needs: str = ""
    """What has to be done before."""


@dataclass(frozen=True)
class Source:
    """A notebook source, read and checked."""

    name: str
    notebook: NotebookNode
    """With nbgrader's metadata, and with solutions."""
    checks: list[Check]
    essays: list[Check]
    heads: dict[int, Head] = field(default_factory=dict)
    """Number of a cell with a heading -> what its header says of it."""
    lines: tuple[int, ...] = ()
    """Of each cell's header."""

    @property
    def graded(self) -> list[Check]:
        """All that points are given for."""
        return [*self.checks, *self.essays]


def with_points(source: Source, points: Mapping[str, float]) -> Source:
    """The source with other points for some checks and essays; rubrics follow their essay."""
    if not any(graded.name in points for graded in source.graded):
        return source
    notebook = copy.deepcopy(source.notebook)
    for cell in notebook.cells:
        if (name := check_of(cell) or (grade_id(cell) if is_essay(cell) else "")) in points:
            about = cell.metadata.nbgrader
            if is_essay(cell):
                cell.source = _scaled(cell.source, points[name] / about["points"])
            about["points"] = points[name]
    checks, essays = (
        [replace(graded, points=points.get(graded.name, graded.points)) for graded in some]
        for some in (source.checks, source.essays)
    )
    return replace(source, notebook=notebook, checks=checks, essays=essays)


def _scaled(text: str, factor: float) -> str:
    """An essay's text with the levels of its rubric times a factor."""

    def level(match: re.Match[str]) -> str:
        points = round(float(match[1]) * factor, 2)
        return f"- {points:g} point{'' if points == 1 else 's'}"

    return _LEVEL.sub(level, text)


def read(path: Path) -> Source:
    """Read one source.  Raises SourceError."""
    text = path.read_text(encoding="utf-8")
    lines = [n for n, line in enumerate(text.splitlines(), 1) if _HEADER.match(line)]
    notebook = jupytext.reads(text, fmt="py:percent")
    for number, written in enumerate(text.splitlines(), 1):
        if _NO_HEADER.match(written) and number not in lines:
            raise SourceError(f"{path.name}:{number}: a cell begins with '# %%', at the margin")
    if len(lines) != len(notebook.cells):
        raise SourceError(f"{path.name}:1: every cell, the first too, must start with '# %%'")
    checks: list[Check] = []
    essays: list[Check] = []
    seen: dict[str, int] = {}
    heads: dict[int, Head] = {}
    for index, (cell, line) in enumerate(zip(notebook.cells, lines, strict=True)):
        _refuse_syntax(path.name, cell, line)
        try:
            if head := _head_of(cell):
                heads[index] = head
            role, grade_id, points = _convert(cell)
        except ValueError as error:
            raise SourceError(f"{path.name}:{line}: {error}") from None
        cell.id = f"cell-{index:03}"
        if not role:
            continue
        if grade_id in seen:
            raise SourceError(
                f"{path.name}:{line}: the id {grade_id!r} is taken by the cell in line "
                f"{seen[grade_id]}; give this one another"
            )
        seen[grade_id] = line
        if role == "check":
            checks.append(Check(grade_id.removeprefix("check_"), points, line))
        if role == "essay":
            essays.append(Check(grade_id, points, line))
        cell.id = grade_id.replace("_", "-")
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
        }
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return Source(path.stem, notebook, checks, essays, heads, tuple(lines))


def with_solutions(source: Source) -> NotebookNode:
    """The notebook as a perfect student would hand it in: solutions, but no markers, no rubrics."""
    notebook = nbformat.from_dict(source.notebook)
    for cell in notebook.cells:
        lines = [x for x in cell.source.split("\n") if _BEGIN not in x and _END not in x]
        cell.source = "\n".join(lines)
        if cell.cell_type == "markdown" and "**Rubric**" in cell.source:
            cell.source = cell.source.split("**Rubric**")[0].rstrip()
    return notebook


def rubric(cell: NotebookNode) -> str:
    """Model answer and rubric of an essay cell, as Markdown."""
    inside = cell.source.split(_BEGIN, 1)[-1].split(_END, 1)[0]
    return inside.strip()


def levels(rubric: str) -> list[tuple[float, str]]:
    """What each level of a rubric is worth and what it asks for, the lowest first."""
    parts = _LEVEL.split(rubric.split("**Rubric**")[-1])[1:]
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return sorted((float(points), " ".join(said.split()).lstrip(": ")) for points, said in pairs)


def _refuse_syntax(name: str, cell: NotebookNode, line: int) -> None:
    """Raise SourceError for a cell that isn't Python.  line: of its header."""
    try:
        ast.parse(plain(cell.source) if cell.cell_type == "code" else "")
    except SyntaxError as error:
        raise SourceError(
            f"{name}:{line + (error.lineno or 1)}: this isn't Python: {error.msg}"
        ) from None


def plain(source: str) -> str:
    """A cell's text without a notebook's own commands, which Python does not know."""
    return re.sub(r"^([^\S\n]*)[%!].*", r"\1pass", source, flags=re.MULTILINE)


def _head_of(cell: NotebookNode) -> Head | None:
    """What a cell's header says of what follows its heading; taken out of the header."""
    minutes, needs = (cell.metadata.pop(key, None) for key in ("minutes", "needs"))
    if minutes is None and needs is None:
        return None
    if cell.cell_type != "markdown" or not re.search("^#", cell.source, re.M):
        raise ValueError("minutes and needs are of a cell with a heading")
    if not isinstance(minutes or 0, int) or (minutes or 0) < 0 or not isinstance(needs or "", str):
        raise ValueError("minutes is a whole number, needs a text")
    return Head(minutes or 0, needs or "")


def _convert(cell: NotebookNode) -> tuple[str, str, float]:
    """Replace a cell's short header by nbgrader's metadata; returns (role, grade id, points)."""
    meta = cell.metadata
    roles = [role for role in _ROLES if role in meta]
    own = {"points", "bonus", "beside"}
    unknown = set(meta) - {*_ROLES, *own, "tags", "nbgrader", "lines_to_next_cell"}
    if unknown:
        raise ValueError(f"unknown key {sorted(unknown)[0]!r} in the cell's header")
    if not roles:
        if "points" in meta or "bonus" in meta:
            raise ValueError("points without check or essay")
        if _BEGIN in cell.source:
            raise ValueError(
                'a solution outside a solution cell; add solution="name" to the header'
            )
        meta.clear()
        return "", "", 0.0
    if len(roles) > 1:
        raise ValueError(f"a cell can't be both {roles[0]} and {roles[1]}")
    role, name, points = roles[0], meta[roles[0]], meta.get("points")
    bonus, beside = meta.get("bonus", False), meta.get("beside", "")
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise ValueError(f"{name!r} is no id: letters, digits and _, at most 64")
    _validate(role, name, points, cell)
    graded = role in ("check", "essay")
    if not isinstance(bonus, bool) or (bonus and not graded):
        raise ValueError("bonus is true or false, and of a check or an essay")
    if beside not in ("", REPORT, CODE) or (beside and role != "essay"):
        raise ValueError(f'beside is "{REPORT}" or "{CODE}", and of an essay')
    nbgrader = {
        # a check and its solution are usually named alike, and ids must differ
        "grade_id": f"check_{name}" if role == "check" else name,
        "grade": graded,
        "solution": role in ("solution", "essay"),
        "locked": role in ("locked", "figure", "check"),
        "task": False,
        "schema_version": 3,
    }
    if graded:
        nbgrader["points"] = points
    if role == "locked" and name == SETUP:
        cell.source = f"{FIND_COURSE}\n{cell.source}"
    if role == "check":
        cell.source += f"  # {_AFTER_A_RESTART}"
    tags = {"figure": [FIGURE], "check": ["raises-exception"]}.get(role, [])
    meta.clear()
    meta.update({"nbgrader": nbgrader} | ({"tags": tags} if tags else {}))
    if ours := ({BONUS: True} if bonus else {}) | ({BESIDE: beside} if beside else {}):
        meta[OURS] = ours
    return role, str(nbgrader["grade_id"]), float(points or 0)


def _validate(role: str, name: str, points: object, cell: NotebookNode) -> None:
    if (cell.cell_type == "markdown") != (role == "essay") and role != "locked":
        raise ValueError(f"{role} can't be a {cell.cell_type} cell")
    if role in ("check", "essay"):
        if isinstance(points, bool) or not isinstance(points, (int, float)) or points <= 0:
            raise ValueError(f"{role} {name!r} needs points, a number above 0")
    elif points is not None:
        raise ValueError(f"a {role} cell has no points")
    if role == "check" and not re.match(rf'check\("{name}", ', cell.source.strip()):
        raise ValueError(f'the cell must call check("{name}", …)')
    if role in ("solution", "essay") and (_BEGIN not in cell.source or _END not in cell.source):
        raise ValueError(f"{role} {name!r} has no {_BEGIN} … {_END}")
    if role == "essay":
        levels = _LEVEL.findall(cell.source)
        if "**Rubric**" not in cell.source or len(levels) != 3:
            raise ValueError(f"essay {name!r} needs **Rubric** and three lines '- N points: …'")
