"""An instructor looks at a team's attempts at a notebook, and says which one counts."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from grader import config
from grader.classroom import attempts, results
from grader.classroom.attempts import Decided, work_in
from grader.classroom.folder import ClassFolder
from grader.classroom.lateness import Lateness, days_counted
from grader.classroom.results import Result, Submission
from grader.errors import ConfigError
from grader.intake import settling, store


@dataclass(frozen=True)
class Entry:
    """An attempt as an instructor sees it."""

    submission: Submission
    days: int
    """How late it counts as being."""
    counts: bool
    points: float | None
    """What the judges gave, before and without essays; None if it was not graded."""
    score: float | None
    """The same after the penalty."""
    maximum: float = 0.0
    by_hand: bool = False
    """Did an instructor choose it?"""


def listed(folder: ClassFolder, course: config.Course, team: str, notebook: str) -> list[Entry]:
    """All attempts of a team at a notebook, oldest first.  Raises ConfigError if there is none."""
    with store.exclusive(folder):
        settling.settle(folder, course, team, notebook)
    there = store.current(folder, team, notebook)
    by, lateness = attempts.decided(folder, team, notebook), Lateness(folder, course)
    found = []
    for entry in attempts.of(folder, team, notebook):
        work = work_in(entry.attempt)
        counts = there is not None and work == work_in(there.attempt)
        result = _result(folder, entry, counts)
        points = result.points if result else None
        score = points * (1 - lateness.of(entry)) if points is not None else None
        maximum = result.max_points if result else 0.0
        chosen = by is not None and by.by == "hand" and by.work == work
        days = days_counted(course, entry)
        found.append(Entry(entry, days, counts, points, score, maximum, chosen))
    if not found:
        raise ConfigError(f"nothing was handed in by {team} for {notebook}")
    return found


def choose(
    folder: ClassFolder, course: config.Course, team: str, notebook: str, attempt: str
) -> Submission:
    """Let an attempt count, whatever comes later.  Raises ConfigError if none is called so.

    attempt: its name, or the beginning or end of it, if only one has that.
    """
    entries = attempts.of(folder, team, notebook)
    fitting = [e for e in entries if e.attempt.startswith(attempt) or e.attempt.endswith(attempt)]
    if not attempt or len(fitting) != 1:
        names = ", ".join(entry.attempt for entry in fitting or entries) or "none"
        which = "more than one attempt is" if attempt and fitting else "no attempt is"
        raise ConfigError(f"{which} called {attempt!r}; there are {names}")
    works = [work_in(entry.attempt) for entry in entries]
    decision = Decided(work_in(fitting[0].attempt), "hand", works)
    return _decide(folder, course, team, notebook, decision)


def by_setting(folder: ClassFolder, course: config.Course, team: str, notebook: str) -> Submission:
    """Let the setting decide again."""
    return _decide(folder, course, team, notebook, None)


def _decide(
    folder: ClassFolder, course: config.Course, team: str, notebook: str, by: Decided | None
) -> Submission:
    attempts.decide(folder, team, notebook, by)
    with store.exclusive(folder):
        settled = settling.settle(folder, course, team, notebook)
    if settled is None:
        raise ConfigError(f"nothing was handed in by {team} for {notebook}")
    return settled.counts


def _result(folder: ClassFolder, entry: Submission, counts: bool) -> Result | None:
    shelf = work_in(entry.attempt)
    for place in ([folder.result(entry.team, entry.notebook)] if counts else []) + [
        folder.result(entry.team, entry.notebook, shelf)
    ]:
        try:
            return results.read(place / "result.json", Result)
        except (OSError, msgspec.MsgspecError):
            continue
    return None
