"""The class list: which student is in which team, and who an upload of the LMS belongs to.

A roster is a table with one row per student, as somebody made it or an LMS exports it.  Identities
come from here and from names that the instructor or the LMS gave, never from anything inside a
student's archive.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from grader.classroom import tables
from grader.classroom.tables import RosterError
from grader.files import write_atomically
from grader.text import shown
from utils.checks.identity import normalise_id

HEADERS = {
    "team": (
        "team", "team id", "team name", "group", "groups", "group name", "gruppe", "gruppen",
    ),
    "student": (
        "student", "student id", "student number", "sid", "id", "id number", "id nummer",
        "matriculation", "matriculation number", "matrikelnummer", "sis user id", "user id",
        "orgdefinedid",
    ),
    "login": (
        "username", "user name", "login", "login id", "sis login id", "anmeldename",
        "benutzername", "eid",
    ),
    "name": ("name", "full name", "student name", "vollständiger name"),
    "first": ("first name", "firstname", "given name", "vorname"),
    "last": ("last name", "lastname", "surname", "family name", "nachname"),
    "email": ("email", "e mail", "email address", "mail", "e mail adresse"),
    "moodle": ("moodle", "moodle id", "identifier", "participant"),
    "canvas": ("canvas", "canvas id", "canvas user id"),
}  # fmt: skip
"""What each column may be called; case, "_" and "-" make no difference."""
_GRADEBOOK = {"student": "name", "id": "canvas"}
"""What Canvas' gradebook calls otherwise; it is known by its SIS columns."""
_SEVERAL = ("groups", "gruppen")
"""Headings of columns that may name more than one group."""
_NOBODY = ("student, test", "points possible")
"""Rows of Canvas' gradebook that are no students."""
ID_BYTES = 80
"""Longest team id, in bytes: it becomes a folder's name."""


@dataclass(frozen=True)
class Student:
    """One row of the roster."""

    team: str
    id: str
    name: str = ""
    email: str = ""
    moodle: str = ""
    canvas: str = ""
    login: str = ""
    """The name with which one logs in, if it is not the id."""


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
    told: str = ""
    """Which of a table's columns was taken for what."""
    notes: list[str] = field(default_factory=list)

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
    """Read a roster, one's own or what Moodle, Canvas and others export; columns as in HEADERS.

    Of one's own, team (or group) and student are needed.  A student with an empty team works alone,
    under the own id, and so does everybody in an export without groups.  Raises RosterError.
    """
    table = tables.read(path, lambda lines: {"team", "student"} <= _headed(lines))
    rows = [(number, row) for number, row in enumerate(table.lines, table.first) if any(row)]
    if not rows:
        raise RosterError(f"{path}: empty; needed are a line of headings and one per student")
    headings = rows[0][1]
    columns = _columns(headings)
    exported = "login" in columns or {"first", "last", "email"} <= set(columns)
    if not {"student", "team"} <= set(columns) and not exported:
        missing = "student" if "student" not in columns else "team"
        raise RosterError(
            f"{path}: no column {missing!r}; the first line must name the columns team and student"
        )
    several = "team" in columns and _word(headings[columns["team"]]) in _SEVERAL
    gradebook = _is_gradebook(headings)
    students = []
    for number, row in rows[1:]:
        cells = {key: row[k] if k < len(row) else "" for key, k in columns.items()}
        if not (gradebook and cells.get("name", "").casefold() in _NOBODY):
            students.append(_student(cells, several, f"{path}, line {number}"))
    _check_unique(students, path)
    found = Roster(students, notes=[f"{path.name}: {note}" for note in table.notes])
    if "team" not in columns:
        found.notes.append(f"{path.name}: it names no teams or groups, so everybody works alone")
    used = ", ".join(f"{key} from {shown(headings[k])}" for key, k in columns.items())
    found.told = f"{len(students)} students, {len(found.teams)} teams; {used}"
    return found


def keep_roster(root: Path, path: Path) -> None:
    """Make a roster that of a class folder, as CSV.  Raises FolderUnusable, or RosterError."""
    content: bytes | str = path.read_bytes()
    if not tables.is_plain(path.read_bytes()):
        text = io.StringIO()
        table = tables.read(path, lambda lines: {"team", "student"} <= _headed(lines))
        csv.writer(text, lineterminator="\n").writerows(table.lines)
        content = text.getvalue()
    write_atomically(root / "roster.csv", content)


def _headed(lines: list[list[str]]) -> set[str]:
    return set(next((_columns(line) for line in lines if any(line)), {}))


def _word(heading: str) -> str:
    return re.sub(r"[\W_]+", " ", heading).strip().casefold()


def _is_gradebook(headings: list[str]) -> bool:
    return {"student", "id", "sis login id"} <= set(map(_word, headings))


def _columns(headings: list[str]) -> dict[str, int]:
    """Column -> its place."""
    found: dict[str, int] = {}
    words = [_word(heading) for heading in headings]
    special = _GRADEBOOK if _is_gradebook(headings) else {}
    for position, word in enumerate(words):
        for key, names in HEADERS.items():
            if word in special:
                found.setdefault(special[word], position)
            elif word in names and key not in found:
                found[key] = position
    return found


def _student(cells: dict[str, str], several: bool, where: str) -> Student:
    """One row.  several: the cell of the team may list groups.  Raises RosterError."""
    login = cells.get("login", "").removeprefix("#")  # as Brightspace writes them
    mail = cells.get("email", "")
    student = cells.get("student", "").removeprefix("#") or login or mail.partition("@")[0]
    group = cells.get("team", "")
    groups = [name.strip() for name in group.split(",") if name.strip()] if several else [group]
    if len(groups) > 1:
        raise RosterError(
            f"{where}: {shown(student)} is in {len(groups)} groups, {shown(', '.join(groups))}: "
            "leave the one that is the team"
        )
    team = team_id("".join(groups) or student)
    if not student or not team:
        raise RosterError(f"{where}: a student needs an id, and an id needs letters or digits")
    name = cells.get("name") or f"{cells.get('first', '')} {cells.get('last', '')}".strip()
    number = re.search(r"\d+", cells.get("moodle", ""))  # "Participant 123456" in Moodle's sheets
    moodle = number.group() if number else ""
    return Student(team, student, name, mail, moodle, cells.get("canvas", ""), login)


def _check_unique(students: list[Student], path: Path) -> None:
    for key in ("id", "moodle", "canvas", "login"):
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
