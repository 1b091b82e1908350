"""Grades in the forms that Brightspace, Blackboard and Sakai import, from their documentation.

Brightspace (Grades > Enter Grades > Import; help: "Grade import CSV file"): OrgDefinedId or
Username, "TITLE Points Grade" for each item, "End-of-Line Indicator" with "#" in every row; ids may
begin with "#".  An item is found by its name; empty cells change nothing.

Blackboard (Grade Center > Work Offline > Upload): Last Name, First Name, Username, Student ID, then
"TITLE [Total Pts: 10 Score] |NUMBER"; a column is found by that number.  Empty cells change
nothing.

Sakai (an assignment's "Upload All"): `grades.csv` in the downloaded folder, packed again: a line
with title and "Points", a blank one, headings, and a line for each student, who is found by the
second cell (uploadAll in Sakai's AssignmentAction.java).  One assignment has one such file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grader.classroom.identity import Person
from grader.classroom.results import points
from grader.export.sheet import Cell, Column, Row, number, text

END = "#"
"""Brightspace's mark at the end of a row, and before ids."""


def brightspace(rows: Sequence[Row], columns: Sequence[Column]) -> list[list[Cell]]:
    """A file for Grades > Import: a column per notebook."""
    titles = [f"{text(column.title)} Points Grade" for column in columns]
    table: list[list[Cell]] = [["OrgDefinedId", "Username", *titles, "End-of-Line Indicator"]]
    for row in rows:
        who = row.person
        login = f"{END}{text(who.login)}" if who.login else ""
        scores = [number(row.scores[column.name]) for column in columns]
        table.append([f"{END}{text(who.student)}", login, *scores, END])
    return table


def blackboard(
    rows: Sequence[Row], columns: Sequence[Column], numbers: Mapping[str, int]
) -> list[list[Cell]]:
    """A file for Work Offline > Upload.  numbers: notebook -> number of the column."""
    titles = [
        f"{text(column.title)} [Total Pts: {points(column.worth)} Score]"
        + (f" |{numbers[column.name]}" if column.name in numbers else "")
        for column in columns
    ]
    table: list[list[Cell]] = [["Last Name", "First Name", "Username", "Student ID", *titles]]
    for row in rows:
        who = row.person
        last, first = names(who)
        scores = [number(row.scores[column.name]) for column in columns]
        login = text(who.login or who.student)
        table.append([text(last), text(first), login, text(who.student), *scores])
    return table


def sakai(rows: Sequence[Row], column: Column) -> list[list[Cell]]:
    """grades.csv of one assignment."""
    table: list[list[Cell]] = [
        [text(column.title), "Points"],
        [],
        ["Display ID", "ID", "Last Name", "First Name", "grade"],
    ]
    for row in rows:
        who = row.person
        last, first = names(who)
        login = text(who.login or who.student)
        score = number(row.scores[column.name])
        table.append([text(who.student), login, text(last), text(first), score])
    return table


def names(who: Person) -> tuple[str, str]:
    """Last name and first names; the last word is the last name where no comma parts them."""
    last, comma, first = who.name.partition(",")
    if not comma:
        first, _, last = who.name.strip().rpartition(" ")
    return last.strip() or who.student, first.strip()
