"""Grades as CSV files: for a spreadsheet, for Moodle, for Canvas.

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

from grader.classroom import standing
from grader.classroom.folder import ClassFolder
from grader.classroom.results import Rejected
from grader.classroom.standing import FINAL, MISSING
from grader.config import Course
from grader.export import lms
from grader.export.sheet import Column, Row, spreadsheet
from grader.files import write_atomically

KINDS = ("csv", "moodle", "canvas")
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
    """Notebook -> number of the assignment in Canvas, as in the gradebook that it exports."""


def write(
    folder: ClassFolder,
    course: Course,
    kind: str,
    out: Path | None = None,
    choices: Choices | None = None,
) -> Path:
    """Write the grades of a class; by default to exports/, grades.csv or KIND.csv.

    kind: "csv" (see `sheet.spreadsheet`), "moodle" or "canvas" (see `lms`).  Raises ValueError for
    an unknown kind or notebook.
    """
    if kind not in KINDS:
        raise ValueError(f"no export called {kind!r}; there are {', '.join(KINDS)}")
    choices = choices or Choices()
    rows, notebooks = _rows(folder, course, choices)
    if kind == "csv":
        table = spreadsheet(rows, notebooks)
    elif kind == "moodle":
        table = lms.moodle(rows, notebooks)
    else:
        table = lms.canvas(rows, notebooks, choices.canvas_ids or {})
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(table)
    # Excel takes a CSV file for UTF-8 only with a byte order mark; Canvas would read the mark as
    # part of the first heading, and Moodle needs none
    mark = "\ufeff" if kind == "csv" else ""
    suffix = f"_{choices.notebook}" if choices.notebook else ""
    name = "grades" if kind == "csv" else kind
    path = out or folder.root / "exports" / f"{name}{suffix}.csv"
    write_atomically(path, mark + text.getvalue())
    return path


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
