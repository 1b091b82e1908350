"""Who a hand-in counts for, where roster and hand-ins disagree: nobody is counted in silence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from grader.classroom.account import Question
from grader.classroom.membership import FILE, Membership


@dataclass(frozen=True)
class Person:
    """One student, as the exports need them."""

    team: str
    student: str
    name: str = ""
    email: str = ""
    moodle_id: str = ""
    canvas_id: str = ""
    login: str = ""


@dataclass(frozen=True)
class Found:
    """What came of holding the roster against what was handed in."""

    strangers: list[str]
    """Teams that handed in something that counts for nobody in the roster, and are not in it."""
    questions: tuple[Question, ...]
    remarks: tuple[str, ...]


def check(members: list[Person], noted: Membership, handed_in: set[tuple[str, str]]) -> Found:
    """Hold the roster against what was handed in.

    handed_in: (team, notebook).
    """
    notebooks = sorted({notebook for _, notebook in handed_in})
    counted = {
        (noted.team_of(person.student, notebook, person.team), notebook)
        for person in members
        for notebook in notebooks
    }
    nobodys: dict[str, list[str]] = {}
    for team, notebook in sorted(handed_in - counted):
        nobodys.setdefault(team, []).append(notebook)
    listed = {person.team for person in members}
    strangers = [team for team in nobodys if team not in listed]
    questions = [_nobodys(team, names, team in listed) for team, names in nobodys.items()]
    questions += _newcomers(members, noted, handed_in)
    if not members:  # each team stands for itself
        nobody = ("without a roster each team is a student of its own",) if handed_in else ()
        return Found(strangers, (), nobody)
    return Found(strangers, tuple(questions), tuple(_moved(members, noted, notebooks)))


def _nobodys(team: str, notebooks: list[str], is_listed: bool) -> Question:
    what = ", ".join(notebooks)
    if is_listed:
        return Question(
            "counts for nobody",
            f"{team} handed in {what}, which counts for nobody, since {FILE} has all its members "
            "in other teams",
            f"edit {FILE} if that is wrong",
        )
    return Question(
        "not in the roster",
        f"{team} handed in {what}, and no row of the roster names it; exports have a student of "
        "that name",
        f"mend the roster, or if it is called otherwise now, write its members into {FILE}: "
        f"{notebooks[0]},STUDENT,{team}",
    )


def _newcomers(
    members: list[Person], noted: Membership, handed_in: set[tuple[str, str]]
) -> list[Question]:
    """Students who came to a team after it had handed in."""
    notebooks = sorted({notebook for _, notebook in handed_in})
    return [
        Question(
            "came later",
            f"{person.student} was not in {person.team} when it handed in {notebook}, and gets its "
            "grade",
            f"write a line into {FILE}: {notebook},{person.student},{person.team} if that is "
            f"right, {notebook},{person.student}, if not",
        )
        for person in members
        for notebook in notebooks
        if (person.team, notebook) in handed_in
        and noted.came_later(person.student, notebook, person.team)
    ]


def _moved(members: Iterable[Person], noted: Membership, notebooks: Iterable[str]) -> Iterable[str]:
    """A line for each student some of whose notebooks count with another team than today's."""
    for person in members:
        elsewhere: dict[str, list[str]] = {}
        for notebook in notebooks:
            team = noted.team_of(person.student, notebook, person.team)
            if team != person.team:
                elsewhere.setdefault(team, []).append(notebook)
        for team, names in elsewhere.items():
            yield (
                f"{person.student}, now in {person.team}, has the grade of {team or 'no team'} for "
                f"{', '.join(names)} ({FILE})"
            )
