"""Who was in which team when a notebook was handed in: membership.csv in the class folder.

Written when something is taken in, from the roster of that day, so that whoever changes team keeps
earlier grades and a renamed team keeps its members.  The instructor may edit it: it is believed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from grader.classroom.folder import ClassFolder
from grader.classroom.roster import Student, read_roster, team_id
from grader.classroom.tables import RosterError
from grader.files import write_atomically
from grader.text import shown

FILE = "membership.csv"
HEAD = ["notebook", "student", "team"]


@dataclass(frozen=True)
class Membership:
    """(notebook, student's id as `team_id` has it) -> team; "" for somebody who was in none."""

    rows: Mapping[tuple[str, str], str] = field(default_factory=dict)
    spelled: Mapping[str, str] = field(default_factory=dict)
    """Id as `team_id` has it -> as it is written."""

    @cached_property
    def _teams(self) -> dict[tuple[str, str], set[str]]:
        """(team, notebook) -> ids of those who are noted with it."""
        found: dict[tuple[str, str], set[str]] = {}
        for (notebook, student), team in self.rows.items():
            found.setdefault((team, notebook), set()).add(student)
        return found

    def team_of(self, student: str, notebook: str, now: str) -> str:
        """The team with which a student handed a notebook in; `now` if that was not noted."""
        return self.rows.get((notebook, team_id(student)), now)

    def members(self, team: str, notebook: str, now: Iterable[str]) -> list[str]:
        """Ids of those who handed a notebook in as a team.  now: its members by the roster."""
        joined = {s for s in map(team_id, now) if (notebook, s) not in self.rows}
        return sorted(self._teams.get((team, notebook), set()) | joined)

    def came_later(self, student: str, notebook: str, team: str) -> bool:
        """Whether a team's members were noted when it handed a notebook in, but not this one."""
        noted = (notebook, team_id(student)) in self.rows
        return self.is_noted(team, notebook) and not noted

    def is_noted(self, team: str, notebook: str) -> bool:
        """Whether anybody's membership was noted when a team handed a notebook in."""
        return (team, notebook) in self._teams


NOTHING_NOTED = Membership()


def read(path: Path, problems: list[str]) -> Membership:
    """What is noted; nothing if there is no file.  Adds to `problems` what can't be understood."""
    rows: dict[tuple[str, str], str] = {}
    spelled: dict[str, str] = {}
    try:
        text = path.read_bytes().decode("utf-8-sig") if path.is_file() else ""
        delimiter = max(",;\t", key=text.partition("\n")[0].count)
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        problems.append(f"{path.name} can't be read ({error}); save it as CSV in UTF-8")
        return Membership()
    for number, line in enumerate(lines[1:], 2):
        cells = [cell.strip() for cell in line]
        if not any(cells):
            continue
        if len(cells) != len(HEAD) or not cells[0] or not team_id(cells[1]):
            problems.append(
                f"{path.name}, line {number}: expected {','.join(HEAD)}, got {shown(line)}"
            )
            continue
        rows[cells[0], team_id(cells[1])] = team_id(cells[2])
        spelled[team_id(cells[1])] = cells[1]
    return Membership(rows, spelled)


def note(
    folder: ClassFolder, students: Iterable[Student], fresh: set[tuple[str, str]]
) -> list[str]:
    """Note who is in the teams that handed in, where nobody is noted yet; returns what to say.

    fresh: (team, notebook) of what was taken in now; newcomers of those teams are noted, too.  A
    student who is noted with another team stays there, unless that team is gone from the roster
    and the student's team has handed the notebook in now: then it was renamed.
    """
    problems: list[str] = []
    path = folder.root / FILE
    before = read(path, problems)
    if problems:
        return problems
    rows, spelled, said = dict(before.rows), dict(before.spelled), []
    members: dict[str, list[str]] = {}
    for each in students:
        members.setdefault(each.team, []).append(team_id(each.id))
        spelled[team_id(each.id)] = each.id
    for team, notebook in folder.submissions():
        new = (team, notebook) in fresh
        for student in members.get(team, []):
            noted = rows.get((notebook, student))
            whose = f"{FILE}: {notebook} of {spelled[student]}"
            if noted is None and (new or not before.is_noted(team, notebook)):
                rows[notebook, student] = team
            elif new and noted and noted != team and noted not in members:
                rows[notebook, student] = team
                said.append(
                    f"{whose} counts with {team} now, no more with {noted}, which is not in the "
                    "roster"
                )
            elif new and noted is not None and noted != team:
                said.append(
                    f"{whose} still counts with {noted or 'no team'}, not with {team}; edit the "
                    "file if that is wrong"
                )
    if rows != before.rows:
        text = io.StringIO()
        lines = [[name, spelled[student], team] for (name, student), team in sorted(rows.items())]
        csv.writer(text, lineterminator="\n").writerows([HEAD, *lines])
        write_atomically(path, text.getvalue())
    return said


def catch_up(folder: ClassFolder) -> None:
    """Note by today's roster what was taken in before anybody noted it."""
    path = folder.root / "roster.csv"
    if path.is_file():
        with suppress(RosterError):  # whoever needs it says so
            note(folder, read_roster(path).students, set())
