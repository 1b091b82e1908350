"""Who of a roster handed something in, by what another system says of whoever did.

Nothing is guessed: where what is said names two people, or two readings of it do, it is refused,
and so is a name that two share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from grader.classroom.roster import Roster, Student, letters, spellings, team_id
from grader.text import shown
from utils.packing.accepted import Refused

NUMBERED = ("moodle", "canvas")
"""Systems of whose numbers the roster has a column."""
LASTING = ("canvas",)
"""Those that number people once and for all: who has another number is somebody else."""


@dataclass(frozen=True)
class Claim:
    """What a system says of one person, or of a group."""

    names: tuple[str, ...] = ()
    """Ways to read the name; only the first may be a group's."""
    number: str = ""
    """The system's own number of that person or group."""
    logins: tuple[str, ...] = ()
    """What may be a user's name, a number at the university, or a mail address."""
    vague: str = ""
    """Why nobody can tell who is meant, unless the name is a team's."""

    def __str__(self) -> str:
        names = [shown(self.names[0], 100)] if self.names else []
        return ", ".join([*names, *(shown(login, 100) for login in self.logins)])


@dataclass(frozen=True)
class Meant:
    """Who handed something in, and what says so."""

    student: Student
    """For a group one without id."""
    how: str
    """In words: "moodle number 5001 and name"."""


def whose(roster: Roster, claims: Sequence[Claim], system: str, together: bool = False) -> Meant:
    """Who is meant.  Raises Refused.

    claims: readings of one name, of which the roster decides for one; with `together` several
    people, who must all be of one team.
    system: in which numbers are, the name of a column of the roster, if it has one for them.
    """
    found = [(claim, _meant(roster, claim, system)) for claim in claims]
    known = [meant.student for _, meant in found if meant is not None]
    unknown = [claim for claim, meant in found if meant is None]
    if not known or (together and unknown):
        _refuse(roster, unknown[0], system)
    teams = sorted({student.team for student in known})
    if len(teams) > 1:
        how = "came from two teams together" if together else "can be read in two ways"
        raise Refused(
            f"{' and '.join(shown(claim) for claim in claims[:4])} {how}, {' and '.join(teams)}: "
            f"collect it as {teams[0]}.zip, or as {teams[1]}.zip, whosever it is"
        )
    how = "; ".join(dict.fromkeys(meant.how for _, meant in found if meant is not None))
    people = {student.id: student for student in known if student.id}
    one = next(iter(people.values())) if len(people) == 1 else Student(known[0].team, "")
    return Meant(one, how)


def _refuse(roster: Roster, claim: Claim, system: str) -> NoReturn:
    if claim.vague:
        raise Refused(claim.vague)
    number = f", {system} number {shown(claim.number)}" if claim.number else ""
    near = next((near for text in (*claim.logins, *claim.names) if (near := roster.near(text))), "")
    raise Refused(f"uploaded by {claim}{number}, who is not in the roster{near}")


def _meant(roster: Roster, claim: Claim, system: str) -> Meant | None:
    """Who is meant by one claim; None if nobody.  Raises Refused if two people are.

    A number or login decides; the name helps out where the roster has none, and must not say
    otherwise: Moodle numbers its participants anew for each assignment, so that an old column may
    name somebody else.
    """
    by_number = [s for s in roster.students if claim.number and _number(s, system) == claim.number]
    by_login = [s for s in roster.students if any(_is(s, login) for login in claim.logins)]
    by_name = [s for s in roster.students if any(_is_called(s, name) for name in claim.names)]
    sure = list({id(s): s for s in by_number + by_login}.values())
    if team := _team(roster, claim):
        return Meant(_in_team(team, claim, sure, by_name), "the name of a team in the roster")
    if claim.vague:
        return None
    if len(sure) > 1:
        raise Refused(
            f"{claim} may be {sure[0].id} or {sure[1].id} by numbers in the roster: correct them"
        )
    if sure:
        if by_name and sure[0] not in by_name:
            by, column = (
                ("login", "ids") if not by_number else (f"{system} number", f"{system} column")
            )
            said = f" {shown(claim.number)}" if by_number else ""
            raise Refused(
                f"{by}{said} is {sure[0].id} in the roster, but the name {claim} is "
                f"{by_name[0].id}: update the roster's {column}"
            )
        by = f"{system} number {shown(claim.number)}" if by_number else "login or mail address"
        return Meant(sure[0], f"{by} and name" if by_name else by)
    if len(by_name) > 1:
        remedy = "collect it as team_7.zip, after the team"
        if claim.number and system in NUMBERED:
            remedy = f"add {system} numbers"
        elif claim.logins:
            remedy = "add their logins, or have them as student ids"
        raise Refused(f"{len(by_name)} students are called {shown(claim.names[0])}: {remedy}")
    if by_name and not (system in LASTING and _number(by_name[0], system)):
        return Meant(by_name[0], "name, which nobody else in the roster has")
    return None


def _number(student: Student, system: str) -> str:
    return str(getattr(student, system)) if system in NUMBERED else ""


def _is(student: Student, login: str) -> bool:
    """Whether a login is a student's: id, login, mail address, or what stands before its "@"."""
    plain = login.strip().casefold()
    mail = student.email.strip().casefold()
    wanted = team_id(login)
    same = bool(wanted) and wanted in (team_id(student.id), team_id(student.login))
    return same or (bool(plain and mail) and plain in (mail, mail.partition("@")[0]))


def _is_called(student: Student, name: str) -> bool:
    return bool(letters(name) and student.name) and letters(name) in spellings(student.name)


def _team(roster: Roster, claim: Claim) -> str:
    """The team that a name or login is; Canvas leaves blanks and signs out of names."""
    teams = roster.teams
    for text in (*claim.names[:1], *claim.logins):
        if (team := team_id(text)) in teams:
            return team
        alike = [team for team in teams if letters(text) and letters(team) == letters(text)]
        if len(alike) == 1:
            return alike[0]
    return ""


def _in_team(team: str, claim: Claim, sure: list[Student], by_name: list[Student]) -> Student:
    """The student meant, who is in the team of that name, or else the team itself."""
    for student in sure + by_name:
        if student.team != team:
            what = "number" if student in sure else "name"
            raise Refused(
                f"{claim} is a team in the roster, but the {what} is that of {student.id} of "
                f"{student.team}: collect it as {team}.zip, or as {student.team}.zip, whosever "
                "it is"
            )
    alone = [s for s in sure if team_id(s.id) == team]
    meant = [s for s in sure if s in by_name] or by_name or alone
    return meant[0] if len(meant) == 1 else Student(team, "")
