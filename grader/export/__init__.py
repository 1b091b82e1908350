"""Grades as files: for a spreadsheet, or in the form that an LMS imports.

They never hold a grade that is not final.

One row per student; the members of a team share its grade, by notebook: whoever changes team keeps
what was handed in with the former one.  A grade is written only when it is
final.  Where something is missing the cell stays empty, because an LMS takes 0 for a mark and an
empty cell for none yet.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from grader.classroom import releases, standing
from grader.classroom.folder import ClassFolder
from grader.classroom.results import Rejected
from grader.classroom.standing import FINAL, MISSING
from grader.config import Course
from grader.export import lms, others
from grader.export.sheet import Cell, Column, Row, spreadsheet
from grader.files import write_atomically

KINDS = ("csv", "xlsx", "moodle", "canvas", "brightspace", "blackboard", "sakai")
EUROPEAN = ("csv", "canvas")
"""Kinds that may have semicolons and decimal commas."""
REJECTED = "not taken in"
"""State of what was handed in and could not be taken in, so that there is no grade yet."""


@dataclass(frozen=True)
class Choices:
    """What an instructor may want otherwise."""

    notebook: str = ""
    """Only this notebook; by default all, and their sum where there is one grade only."""
    missing_is_zero: bool = False
    """Write 0 for what was not handed in; not for what was, and could not be taken in."""
    provisional: bool = False
    """Write points so far, too, where essays wait for a mark or a human has to look."""
    canvas_ids: Mapping[str, int] | None = None
    """Notebook -> number of the assignment in Canvas or column in Blackboard, as in what they
    export."""
    european: bool = False
    """Semicolons and decimal commas."""


@dataclass(frozen=True)
class Sheet:
    """A file of grades before it is written."""

    path: Path
    content: bytes
    students: int
    grades: int
    """How many cells hold one."""


def write(
    folder: ClassFolder,
    course: Course,
    kind: str,
    out: Path | None = None,
    choices: Choices | None = None,
) -> Path:
    """Write the grades of a class, see `made`."""
    sheet = made(folder, course, kind, out, choices)
    write_atomically(sheet.path, sheet.content)
    return sheet.path


def made(
    folder: ClassFolder,
    course: Course,
    kind: str,
    out: Path | None = None,
    choices: Choices | None = None,
) -> Sheet:
    """The grades of a class; by default for exports/, grades.csv or KIND.csv.

    kind: one of KINDS: "csv" and "xlsx" (see `sheet.spreadsheet`), "moodle", "canvas" (see `lms`),
    or those of `others`.  Raises ValueError for an unknown kind or notebook, or a choice that a
    kind does not have.
    """
    if kind not in KINDS:
        raise ValueError(f"no export called {kind!r}; there are {', '.join(KINDS)}")
    choices = choices or Choices()
    if choices.european and kind not in EUROPEAN:
        raise ValueError(f"only {' and '.join(EUROPEAN)} take semicolons and decimal commas")
    if kind == "sakai" and not choices.notebook:
        raise ValueError("Sakai takes the grades of one assignment: name it with --notebook")
    rows, notebooks = _rows(folder, course, choices)
    numbers = choices.canvas_ids or {}
    worth = _worth(folder, course, choices, notebooks)
    if kind in ("csv", "xlsx"):
        table = spreadsheet(rows, notebooks, worth)
    elif kind == "moodle":
        table = lms.moodle(rows, notebooks, worth)
    elif kind == "canvas":
        table = lms.canvas(rows, notebooks, numbers)
    elif kind == "brightspace":
        table = others.brightspace(rows, notebooks)
    elif kind == "blackboard":
        table = others.blackboard(rows, notebooks, numbers)
    elif notebooks:
        table = others.sakai(rows, notebooks[0])
    else:
        raise ValueError(f"nobody has handed in {choices.notebook} yet")
    suffix = f"_{choices.notebook}" if choices.notebook else ""
    name = "grades" if kind in ("csv", "xlsx") else kind
    ending = "xlsx" if kind == "xlsx" else "csv"
    path = out or folder.root / "exports" / f"{name}{suffix}.{ending}"
    content = _workbook(table) if kind == "xlsx" else _csv(table, kind, choices.european)
    grades = sum(score is not None for row in rows for score in row.scores.values())
    return Sheet(path, content, len(rows), grades)


def _csv(table: list[list[Cell]], kind: str, european: bool) -> bytes:
    """european: with semicolons and decimal commas, as Excel reads it where those are usual."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n", delimiter=";" if european else ",")
    for line in table:
        writer.writerow([_decimal(cell) if european else cell for cell in line])
    # Excel takes a CSV file for UTF-8 only with a byte order mark; Canvas would read the mark as
    # part of the first heading, and Moodle needs none
    return (("\ufeff" if kind == "csv" else "") + text.getvalue()).encode()


def _decimal(cell: Cell) -> Cell:
    return str(cell).replace(".", ",") if isinstance(cell, float) else cell


def _workbook(table: list[list[Cell]]) -> bytes:
    from openpyxl import Workbook  # takes its time, and most exports are CSV

    book, content = Workbook(write_only=True), io.BytesIO()
    page = book.create_sheet("Grades")
    for line in table:
        page.append([None if cell == "" else cell for cell in line])
    book.save(content)
    return content.getvalue()


def _worth(folder: ClassFolder, course: Course, choices: Choices, columns: list[Column]) -> float:
    """What is counted is worth in all, whoever has handed in by now."""
    known = {column.name: column.worth for column in columns}
    counted = [choices.notebook] if choices.notebook else list(course.notebooks)
    return sum(
        known[name] if known.get(name) else releases.maximum(folder, name, not course.bonus)
        for name in counted
    )


@dataclass(frozen=True)
class Unfinished:
    """A grade that is not final, and why."""

    team: str
    notebook: str
    reason: str

    def __str__(self) -> str:
        return f"{self.team} {self.notebook}: {self.reason}"

    def as_data(self) -> dict[str, str]:
        """For programs."""
        return asdict(self)


def unfinished(folder: ClassFolder, course: Course) -> list[Unfinished]:
    """What is not final yet, so that nobody takes an empty cell for an oversight."""
    everyone = standing.read(folder, course)
    found = []
    for row in everyone.handed_in():
        if row.state != FINAL:
            reason = row.needs_human or row.state
            if row.essays_to_mark and not row.needs_human:
                reason = f"{row.essays_to_mark} essays to mark"
            found.append(Unfinished(row.team, row.notebook.name, reason))
    return found


def doubts(folder: ClassFolder, course: Course) -> list[str]:
    """What is odd about who gets which grade, a line each."""
    everyone = standing.read(folder, course)
    lines = [f"LOOK: {question}" for question in everyone.questions]
    lines += [f"note: {remark}" for remark in everyone.remarks]
    lines += [f"LOOK: {problem}" for problem in everyone.problems]
    return lines + [f"LOOK: {_not_taken(entry)}" for entry in everyone.rejected]


def _not_taken(entry: Rejected) -> str:
    """What an export says of something that could not be taken in, and so has no grade."""
    whose = f" of {entry.team}" if entry.team else ""
    return f"{entry.archive}{whose} could not be taken in, and has no grade: {entry.reason}"


def _rows(folder: ClassFolder, course: Course, choices: Choices) -> tuple[list[Row], list[Column]]:
    everyone = standing.read(folder, course)
    wanted = [n for n in everyone.notebooks if choices.notebook in ("", n.name)]
    if choices.notebook and choices.notebook not in course.notebooks:
        raise ValueError(
            f"no notebook called {choices.notebook!r}; there are {', '.join(course.notebooks)}"
        )
    columns = [Column(n.name, n.title, everyone.worth(n.name)) for n in wanted]
    rows = []
    for person in everyone.people:
        found = {n.name: everyone.of_person(person, n) for n in wanted}
        scores: dict[str, float | None] = {}
        for name, row in found.items():
            if everyone.turned_away(row):
                scores[name] = None  # who handed in something is not who handed in nothing
            elif row.state == FINAL or (choices.provisional and row.exercises):
                scores[name] = round(row.score, 4)
            elif row.state == MISSING and choices.missing_is_zero:
                scores[name] = 0.0
            else:
                scores[name] = None
        penalties = {name: row.penalty for name, row in found.items()}
        states = {
            name: REJECTED if everyone.turned_away(row) else row.state
            for name, row in found.items()
        }
        rows.append(Row(person, scores, penalties, states))
    return rows, columns
