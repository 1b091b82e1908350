"""Which of several attempts counts, and by which rule, as the student reads it."""

from __future__ import annotations

from dataclasses import dataclass

from grader.classroom import attempts
from grader.classroom.attempts import MEMBERS, ORDER
from grader.classroom.folder import ClassFolder
from grader.classroom.lateness import days_counted
from grader.classroom.results import Submission
from grader.classroom.standing import Standing
from grader.config import Course
from grader.pages.page import when
from grader.text import clean

_RULES = {
    "last": "The last one counts",
    "last on time": "The last one that came on time counts",
}
_OPEN = {
    MEMBERS: "Members of your team handed in different work, so a person asks which is to count",
    ORDER: "Nobody knows which of them came last, so a person looks which is to count",
}


@dataclass(frozen=True)
class HandIn:
    """One attempt."""

    told: str
    counts: bool


@dataclass(frozen=True)
class HandIns:
    """All attempts at one notebook, oldest first, and why one of them counts."""

    entries: tuple[HandIn, ...]
    rule: str


def of(folder: ClassFolder, course: Course, row: Standing) -> HandIns | None:
    """None where nothing was handed in twice."""
    entries = attempts.of(folder, row.team, row.notebook.name)
    if row.submission is None or len(entries) < 2:
        return None
    counts = row.submission.attempt
    told = tuple(HandIn(_told(course, entry), entry.attempt == counts) for entry in entries)
    return HandIns(told, _rule(folder, course, row, entries))


def _told(course: Course, entry: Submission) -> str:
    days = days_counted(course, entry)
    late = f"{days} day{'' if days == 1 else 's'} late" if days else "on time"
    if entry.arrival == "known":
        words = [f"received {when(course.times.zone.shown(entry.received))}, {late}"]
    elif entry.arrival == "unknown":
        words = [f"received at an unknown time, which counts as {late}"]
    else:
        words = [f"received {late}"]
    who = " and ".join(clean(person, 80) for person in entry.uploaders)
    return ", ".join([*words, *([f"from {who}"] if who else [])])


def _rule(folder: ClassFolder, course: Course, row: Standing, entries: list[Submission]) -> str:
    by = attempts.decided(folder, row.team, row.notebook.name)
    now = attempts.counting(course, entries, by)
    if by is not None and by.by == "hand":
        rule = "Your instructors chose which one counts"
    elif now.rival is not None:
        rule = (
            "The last one on time and the last late one are both graded, and the one with more "
            "points after the late penalty counts"
        )
    elif days_counted(course, now.first):  # nothing came on time
        rule = _RULES["last"]
    else:
        rule = _RULES.get(course.attempts.counts, _RULES["last"])
    if any(entry.arrival != "known" for entry in entries) and (by is None or by.by != "hand"):
        rule += ", as far as their times are known"
    asked = {question.cause for question in row.questions}
    return " ".join(f"{said}." for said in (rule, *(_OPEN[c] for c in _OPEN if c in asked)))
