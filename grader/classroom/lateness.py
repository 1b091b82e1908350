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


def _free_days(course: config.Course, folder: ClassFolder) -> dict[tuple[str, str], int]:
    """How many free days each submission uses up."""
    left: dict[str, int] = {}
    spent = {}
    for team, name in sorted(folder.submissions(), key=lambda pair: (_due(course, pair[1]), pair)):
        there = _submission(folder, team, name)
        days = days_counted(course, there) if there else 0
        spent[team, name] = min(days, left.get(team, course.late.free_days))
        left[team] = left.get(team, course.late.free_days) - spent[team, name]
    return spent


def _due(course: config.Course, name: str) -> float:
    notebook = course.notebooks.get(name)
    return notebook.due.timestamp() if notebook and notebook.due else float("inf")


def _submission(folder: ClassFolder, team: str, name: str) -> Submission | None:
    """What is in the class folder; None if it can't be read: grading says what is wrong."""
    try:
        return results.read(folder.submitted(team, name) / "submission.json", Submission)
    except (OSError, msgspec.MsgspecError):
        return None
