"""Grades in the forms that Moodle and Canvas import.

Moodle: the grading worksheet of an assignment (Grading action > Upload grading worksheet).  Its
importer (Moodle's mod/assign/feedback/offline/importgradeslib.php) looks for the headings
Identifier, Grade and Last modified (grade), takes feedback from Feedback comments, which is HTML,
finds the student by the number after "Participant ", and passes over rows with an empty grade.
The assignment's maximum grade must be that of the sheet.  Grades that Moodle has already are
replaced only if "Update records that have been modified in Moodle since the download" is ticked.
Participants' numbers belong to one assignment: the roster's column moodle holds those of the
assignment that the file is for.  Without numbers, Grades > Import > CSV maps the email address.
The headings are looked for in the language in which Moodle is shown; these are the English ones.

Canvas: the gradebook CSV (Grades > Import).  Its importer (Canvas' lib/gradebook_importer.rb) wants
the headings Student, ID, SIS User ID, SIS Login ID, Section in this order, then assignments, as
"Title (number)" or a title that it knows; a row whose first cell says Points Possible gives the
maxima.  A student is found by ID, else by SIS User ID or SIS Login ID, else by name.  An empty
cell is no grade, and takes away one that is there: Canvas shows what would change, and asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import escape

from grader.classroom.results import points
from grader.classroom.standing import MISSING
from grader.export.sheet import Cell, Column, Row, number, text


def moodle(rows: Sequence[Row], columns: Sequence[Column], worth: float) -> list[list[Cell]]:
    """A grading worksheet: one grade, the total of the columns, and what it is made of.

    worth: the assignment's maximum.  Moodle refuses a grade above it, so bonus counts up to it.
    """
    table: list[list[Cell]] = [
        [
            "Identifier",
            "Full name",
            "Email address",
            "Grade",
            "Maximum Grade",
            "Last modified (grade)",
            "Feedback comments",
        ]
    ]
    for row in rows:
        who = row.person
        identifier = f"Participant {int(who.moodle_id)}" if who.moodle_id.isdecimal() else ""
        told = _told(row, columns) if row.total is not None else ""
        table.append(
            [
                identifier,
                _for_php(who.name or who.student),
                _for_php(who.email),
                number(None if row.total is None else min(row.total, worth)),
                number(worth),
                "-",
                told,
            ]
        )
    return table


def _for_php(value: str) -> str:
    """A cell for PHP's fgetcsv, to which a quote behind a backslash does not end a field."""
    return text(value).replace("\\", "/")


def _told(row: Row, columns: Sequence[Column]) -> str:
    """How the grade comes about, as the small piece of HTML that Moodle expects."""
    parts = []
    for column in columns:
        score, penalty = row.scores[column.name], row.penalties[column.name]
        title = escape(_for_php(column.title))
        if row.states[column.name] == MISSING:
            parts.append(f"{title}: not handed in")
        elif score is not None:
            late = f" (late: −{points(penalty)})" if penalty else ""
            parts.append(f"{title}: {points(score)} of {points(column.worth)}{late}")
    return "<br>".join(parts)


def _unlike_maxima(name: str) -> str:
    """A student's name that Canvas can't take for the row of maxima."""
    return name.replace("Points Possible", "Points possible")


def canvas(
    rows: Sequence[Row], columns: Sequence[Column], numbers: Mapping[str, int]
) -> list[list[Cell]]:
    """A gradebook: one column per notebook.  numbers: notebook -> assignment's number in Canvas."""
    titles = [
        f"{text(column.title)} ({numbers[column.name]})"
        if column.name in numbers
        else text(column.title)
        for column in columns
    ]
    blank: list[Cell] = ["", "", "", ""]
    table: list[list[Cell]] = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *titles],
        ["    Points Possible", *blank, *[number(column.worth) for column in columns]],
    ]
    for row in rows:
        who = row.person
        is_number = who.canvas_id.isdecimal()
        known: list[Cell] = [
            who.canvas_id if is_number else "",
            "" if is_number else text(who.canvas_id),
            text(who.login or who.student),
            "",
        ]
        scores = [number(row.scores[column.name]) for column in columns]
        table.append([_unlike_maxima(text(who.name or who.student)), *known, *scores])
    return table
