"""The grades of each student, and the spreadsheet of them.

Cells that a spreadsheet program would take for a formula are disarmed: names come from students.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grader.classroom.identity import Person
from grader.classroom.standing import FINAL, MISSING
from grader.text import clean

_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""OWASP's list (https://owasp.org/www-community/attacks/CSV_Injection), with full-width forms."""

Cell = str | float | int


@dataclass(frozen=True)
class Column:
    """One notebook."""

    name: str
    title: str
    worth: float


@dataclass(frozen=True)
class Row:
    """One student: notebook -> score (None: no grade to write), late penalty and state."""

    person: Person
    scores: dict[str, float | None]
    penalties: dict[str, float]
    states: dict[str, str]

    @property
    def total(self) -> float | None:
        """Sum of the scores; None if nothing was handed in or something is not final yet.

        A notebook that was not handed in adds nothing to it.
        """
        known = [score for score in self.scores.values() if score is not None]
        open_ones = [
            name
            for name, score in self.scores.items()
            if score is None and self.states[name] != MISSING
        ]
        return round(sum(known), 4) if known and not open_ones else None


def text(value: str) -> str:
    """A cell of text on one line that no spreadsheet program takes for a formula."""
    line = " ".join(clean(value, 500).split())
    return f"'{line}" if line.startswith(_STARTS_FORMULA) else line


def number(value: float | None) -> Cell:
    """A number as short as it can be, or an empty cell."""
    if value is None:
        return ""
    return int(value) if value == int(value) else round(value, 4)


def spreadsheet(rows: Sequence[Row], columns: Sequence[Column], worth: float) -> list[list[Cell]]:
    """Team, Student, Name, Email; per notebook score, maximum, late penalty (already taken off
    the score) and state; then the total, its maximum (`worth`), and whether everything is final."""
    head: list[Cell] = ["Team", "Student", "Name", "Email"]
    for column in columns:
        title = text(column.title)
        head += [title, f"{title} (maximum)", f"{title} (late penalty)", f"{title} (state)"]
    table = [[*head, "Total", "Total (maximum)", "State"]]
    for row in rows:
        who = row.person
        line: list[Cell] = [text(who.team), text(who.student), text(who.name), text(who.email)]
        for column in columns:
            state = row.states[column.name]
            score = row.scores[column.name]
            late = number(row.penalties[column.name]) if score is not None else ""
            line += [number(score), number(column.worth), late, state]
        left = sorted({state for state in row.states.values() if state != FINAL})
        table.append([*line, number(row.total), number(worth), ", ".join(left) or FINAL])
    return table
