"""What lateness costs: days begun after the due date, less extensions and each team's free days.

Days go by the calendar of the course's zone: a day after 23:59 it is 23:59 again, also where clocks
change in between, and an extension by a day ends then.

Free days are spent in the order of the due dates, as they would be over a term, so what one
notebook costs may depend on when the team handed in those before it.  Where nobody knows when
something arrived, it counts as on time; where the LMS says no more than that it was late, as late
by one day.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import ceil

import msgspec

from grader import config
from grader.classroom import results
from grader.classroom.folder import ClassFolder
from grader.classroom.results import Submission

PURGED = "purged.json"
"""In the class folder: of what was removed, when it had come, and nothing else."""
_DAY = timedelta(days=1)


def days_late(course: config.Course, team: str, name: str, received: datetime) -> int:
    """Days begun after the due date, the team's extension and the minutes of grace.

    name: the notebook.  received: with a time zone.
    """
    notebook = course.notebooks.get(name)
    if notebook is None or notebook.due is None:
        return 0
    due, allowed = notebook.due, course.extensions.days(team, name)
    free = received - timedelta(minutes=course.late.grace_minutes)

    def is_late(days: int) -> bool:
        return free > course.times.zone.later(due, allowed + days)

    days = max(0, ceil((free - due) / _DAY - allowed) - 1)  # or a day more or less
    while days and not is_late(days - 1):
        days -= 1
    while is_late(days):
        days += 1
    return days


def days_counted(course: config.Course, submission: Submission) -> int:
    """Days late of a submission, as far as its arrival is known."""
    days = days_late(course, submission.team, submission.notebook, submission.received)
    if submission.arrival == "known":
        return days
    return min(days, 1) if submission.arrival == "late" else 0


class Lateness:
    """What lateness costs each submission of a class."""

    def __init__(self, folder: ClassFolder, course: config.Course) -> None:
        self._course, self._folder = course, folder
        self._free: Mapping[tuple[str, str], int] = {}
        if course.late.free_days:
            self._free = _free_days(course, folder)

    def fraction(self, team: str, notebook: str, received: datetime) -> float:
        """Share of the points that lateness costs, in [0, late.maximum].

        received: as grading found it.  Where the class folder knows better by now, to the
        team's favour, that counts.
        """
        late = self._course.late
        days = days_late(self._course, team, notebook, received)
        if days and (there := _submission(self._folder, team, notebook)):
            days = min(days, days_counted(self._course, there))
        days -= min(days, self._free.get((team, notebook), 0))
        return min(late.maximum, late.penalty_per_day * days)

    def of(self, submission: Submission) -> float:
        """Share of the points that lateness costs a submission, if it is the one to count."""
        late = self._course.late
        days = days_counted(self._course, submission)
        if days and late.free_days:
            days -= min(days, self._left(submission))
        return min(late.maximum, late.penalty_per_day * days)

    def _left(self, submission: Submission) -> int:
        """Free days that are left after what was due before it."""
        order = due_first(self._course, submission.team, submission.notebook)
        spent = [
            days
            for (team, name), days in self._free.items()
            if team == submission.team and due_first(self._course, team, name) < order
        ]
        return self._course.late.free_days - sum(spent)


def _free_days(course: config.Course, folder: ClassFolder) -> dict[tuple[str, str], int]:
    """How many free days each submission uses up."""
    left: dict[str, int] = {}
    spent = {}
    handed_in = {*folder.submissions(), *purged(folder)}
    for team, name in sorted(handed_in, key=lambda pair: due_first(course, *pair)):
        there = _submission(folder, team, name)
        days = days_counted(course, there) if there else 0
        spent[team, name] = min(days, left.get(team, course.late.free_days))
        left[team] = left.get(team, course.late.free_days) - spent[team, name]
    return spent


def due_first(course: config.Course, team: str, notebook: str) -> tuple[float, str, str]:
    """Sorts what was handed in by when it was due."""
    found = course.notebooks.get(notebook)
    due = found.due.timestamp() if found and found.due else float("inf")
    return due, team, notebook


def _submission(folder: ClassFolder, team: str, name: str) -> Submission | None:
    """What is in the class folder; None if it can't be read: grading says what is wrong."""
    try:
        return results.read(folder.submitted(team, name) / "submission.json", Submission)
    except FileNotFoundError:
        return purged(folder).get((team, name))
    except (OSError, msgspec.MsgspecError):
        return None


def purged(folder: ClassFolder) -> dict[tuple[str, str], Submission]:
    """(team, notebook) -> when what was removed had come: its marks stay, and so does its cost."""
    path = folder.root / PURGED
    if not path.is_file():
        return {}
    return {(entry.team, entry.notebook): entry for entry in results.read(path, list[Submission])}
