"""The class list: which student is in which team, and who an upload of the LMS belongs to.

A roster is a CSV file or a spreadsheet (.xlsx) with one row per student.  Identities come from here
and from names that the instructor or the LMS gave, never from anything inside a student's archive.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from grader.errors import CourseError
from grader.files import write_atomically
from utils.checks.identity import normalise_id

HEADERS = {
    "team": ("team", "team id", "team name", "group", "group name", "gruppe"),
    "student": (
        "student", "student id", "student number", "sid", "id", "id number", "username",
        "matriculation", "matriculation number", "matrikelnummer",
    ),
    "name": ("name", "full name", "student name"),
    "first": ("first name", "firstname", "given name", "vorname"),
    "last": ("last name", "lastname", "surname", "family name", "nachname"),
    "email": ("email", "e mail", "email address", "mail"),
    "moodle": ("moodle", "moodle id", "identifier", "participant"),
    "canvas": ("canvas", "canvas id", "canvas user id"),
}  # fmt: skip
"""What each column may be called; case, "_" and "-" make no difference."""
_ZIPPED, _OLD_EXCEL = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
"""How an .xlsx and an .xls file begin."""
ID_BYTES = 80
"""Longest team id, in bytes: it becomes a folder's name."""


class RosterError(CourseError, ValueError):
    """The roster can't be used.  The text names the file, the row, and what to change."""


@dataclass(frozen=True)
class Student:
    """One row of the roster."""

    team: str
    id: str
    name: str = ""
    email: str = ""
    moodle: str = ""
    canvas: str = ""


def team_id(text: str) -> str:
    """A team's or student's id as a safe folder name, "" if nothing of the text remains."""
    try:
        name = normalise_id(unicodedata.normalize("NFKC", text))
    except ValueError:  # a number of thousands of digits
        return ""
    return name if len(name.encode("utf-8", "replace")) <= ID_BYTES else ""


def letters(text: str) -> str:
    """A name down to its letters: "Müller, Ann-Eve" and "mullerAnneve" come out the same."""
    plain = unicodedata.normalize("NFKD", text)
    return "".join(c for c in plain.casefold() if c.isalnum())


@dataclass
class Roster:
    """Students by team."""

    students: list[Student] = field(default_factory=list)

    @property
    def teams(self) -> list[str]:
        """Ids of all teams, sorted."""
        return sorted({student.team for student in self.students})

    def team(self, text: str) -> str:
        """The team that a text names, by the team's id or a member's; "" if none."""
        wanted = team_id(text)
        if wanted and wanted in self.teams:
            return wanted
        teams = {s.team for s in self.students if wanted and team_id(s.id) == wanted}
        return teams.pop() if len(teams) == 1 else ""

    def near(self, text: str) -> str:
        """ ", did you mean …?" for a text that is almost a team's id."""
        ids = self.teams + [team_id(student.id) for student in self.students]
        found = difflib.get_close_matches(team_id(text), ids, n=1, cutoff=0.7)
        return f"; did you mean {found[0]}?" if found else ""

    def by_names(self, names: list[str]) -> str:
        """The team in which all the named students are; "" if there is no such one team."""
        teams = []
        for name in names:
            wanted = letters(name)
            teams.append({s.team for s in self.students if wanted and wanted in spellings(s.name)})
        common = set.intersection(*teams) if teams else set()
        return common.pop() if len(common) == 1 else ""


def spellings(name: str) -> set[str]:
    """A name's letters with the family name last, or first as Canvas writes it."""
    words = name.split()
    found = {letters(" ".join(words[k:] + words[:k])) for k in range(len(words))}
    last, _, first = name.partition(",")
    return (found | {letters(last + first), letters(first + last)}) - {""}


def read_roster(path: Path) -> Roster:
    """Read a roster; columns as in HEADERS, of which team (or group) and student are needed.

    A student with an empty team works alone, under the own id.  Raises RosterError.
    """
    lines = lines_of(path)
    rows = [(number, row) for number, row in enumerate(lines, 1) if any(map(str.strip, row))]
    if not rows:
        raise RosterError(f"{path}: empty; needed are a line of headings and one per student")
    columns = _columns(rows[0][1])
    if "student" not in columns or "team" not in columns:
        missing = "student" if "student" not in columns else "team"
        raise RosterError(
            f"{path}: no column {missing!r}; the first line must name the columns team and student"
        )
    students = []
    for number, row in rows[1:]:
        cells = {key: row[k].strip() if k < len(row) else "" for key, k in columns.items()}
        students.append(_student(cells, f"{path}, line {number}"))
    _check_unique(students, path)
    return Roster(students)


def keep_roster(root: Path, path: Path) -> None:
    """Make a roster that of a class folder, as CSV.  Raises FolderUnusable, or RosterError."""
    content: bytes | str = path.read_bytes()
    if path.read_bytes().startswith(_ZIPPED):
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(lines_of(path))
        content = text.getvalue()
    write_atomically(root / "roster.csv", content)


def lines_of(path: Path) -> list[list[str]]:
    """A table's lines.  Raises RosterError."""
    try:
        content = path.read_bytes()
        if content.startswith(_ZIPPED):
            return _sheet(content, path)
        if content.startswith(_OLD_EXCEL):
            raise RosterError(f"{path}: a spreadsheet of an old kind; save it as .xlsx or CSV")
        text = content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RosterError(f"{path}: {error}; save it as CSV in UTF-8") from None
    first_line = text.lstrip().split("\n", 1)[0]
    delimiter = max(",;\t", key=first_line.count)
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise RosterError(f"{path}: {error}") from None


def _sheet(content: bytes, path: Path) -> list[list[str]]:
    """Lines of the first sheet that has columns team and student, or else of the first."""
    from openpyxl import load_workbook  # takes its time, and most rosters are CSV

    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheets = [
            [[_as_text(value) for value in row] for row in sheet.iter_rows(values_only=True)]
            for sheet in book.worksheets
        ]
    except Exception as error:  # whatever a zip that is no spreadsheet brings about
        raise RosterError(f"{path}: no spreadsheet that can be read: {error}") from None
    headed = [lines for lines in sheets if {"team", "student"} <= _headed(lines)]
    return (headed or sheets or [[]])[0]


def _headed(lines: list[list[str]]) -> set[str]:
    return set(next((_columns(line) for line in lines if any(line)), {}))


def _as_text(value: object) -> str:
    """A cell as it would stand in a CSV file: numbers of students have no decimals."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value)


def _columns(headings: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for position, heading in enumerate(headings):
        word = re.sub(r"[\W_]+", " ", heading).strip().casefold()
        for key, names in HEADERS.items():
            if word in names and key not in found:
                found[key] = position
    return found


def _student(cells: dict[str, str], where: str) -> Student:
    student = cells["student"]
    team = team_id(cells["team"] or student)
    if not student or not team:
        raise RosterError(f"{where}: a student needs an id, and an id needs letters or digits")
    name = cells.get("name") or f"{cells.get('first', '')} {cells.get('last', '')}".strip()
    number = re.search(r"\d+", cells.get("moodle", ""))  # "Participant 123456" in Moodle's sheets
    moodle = number.group() if number else ""
    return Student(team, student, name, cells.get("email", ""), moodle, cells.get("canvas", ""))


def _check_unique(students: list[Student], path: Path) -> None:
    for key in ("id", "moodle", "canvas"):
        seen: dict[str, Student] = {}
        for student in students:
            value = getattr(student, key)
            value = team_id(value) if key == "id" else value
            if value and value in seen:
                raise RosterError(
                    f"{path}: {key} {getattr(student, key)} belongs to two students, in "
                    f"{seen[value].team} and {student.team}"
                )
            seen[value] = student
    teams = {student.team for student in students}
    for student in students:
        if team_id(student.id) in teams - {student.team}:
            raise RosterError(f"{path}: {student.id} is a student's id and another team's")
