"""Bring `submitted/` up to date with the attempts: what counts lies there, as nbgrader wants it.

Whatever lies there and is no attempt yet becomes one first, so that nothing is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from grader import config
from grader.classroom import attempts
from grader.classroom.attempts import Decided, work_in
from grader.classroom.folder import ClassFolder
from grader.classroom.results import Submission
from grader.intake import store
from grader.intake.bounds import Member


@dataclass(frozen=True)
class Settled:
    """What counts for one team and notebook."""

    counts: Submission
    before: Submission | None
    """What lay in `submitted/`."""
    rival: Submission | None = None
    """One that counts instead, if it turns out to have more points."""
    gone: tuple[str, ...] = field(default=())
    """Attempts that were too many, and were removed."""


def settle_all(
    folder: ClassFolder, course: config.Course, only: Callable[[str, str], bool]
) -> dict[tuple[str, str], Settled]:
    """Settle everything that was handed in and is wanted; needs `store.exclusive`."""
    pairs = sorted({*folder.submissions(), *attempts.folders(folder)})
    found = {pair: settle(folder, course, *pair) for pair in pairs if only(*pair)}
    return {pair: settled for pair, settled in found.items() if settled is not None}


def settle(folder: ClassFolder, course: config.Course, team: str, notebook: str) -> Settled | None:
    """Put what counts into `submitted/`; needs `store.exclusive`.

    None if nothing was handed in, or what lies there can't be read: grading says so.
    """
    adopt(folder, team, notebook)
    entries = attempts.of(folder, team, notebook)
    if not entries:
        return None
    by = attempts.decided(folder, team, notebook)
    gone = attempts.surplus(course, entries, by)
    for entry in gone:
        store.drop(folder, attempts.place_of(folder, entry))
        store.drop(folder, folder.result(team, notebook, work_in(entry.attempt)))
    now = attempts.counting(course, [entry for entry in entries if entry not in gone], by)
    counts = described(now)
    before = store.current(folder, team, notebook)
    if before is not None and work_in(before.attempt) != work_in(counts.attempt):
        attempts.shelve(folder, before)
    store.bring(folder, counts)
    return Settled(counts, before, now.rival, tuple(entry.attempt for entry in gone))


def described(now: attempts.Counting) -> Submission:
    """What counts, with the questions that are open about it."""
    own = [q for q in now.first.questions if q.cause not in attempts.CAUSES]
    return msgspec.structs.replace(now.first, questions=[*own, *now.questions])


def adopt(folder: ClassFolder, team: str, notebook: str) -> None:
    """Take what lies in `submitted/` as an attempt, if it is none.

    An older version of this program kept it there alone.  Beside other attempts somebody has put
    it there by hand, and then it counts.
    """
    there = store.current(folder, team, notebook)
    files = store.files_of(folder, there) if there is not None else None
    if there is None or files is None:
        return
    entries = attempts.of(folder, team, notebook)
    if any(entry.attempt == there.attempt and store.untouched(folder, entry) for entry in entries):
        return
    content = files.pop(f"{notebook}.ipynb")
    work = store.work_of(content, files)
    kept = next((entry for entry in entries if work_in(entry.attempt) == work), None)
    if kept is None:
        members = [Member(*entry) for entry in files.items()]
        kept = store.keep(folder, there, content, members)
        if entries:
            works = [work_in(entry.attempt) for entry in [*entries, kept]]
            attempts.decide(folder, team, notebook, Decided(work, "hand", works))
    store.describe(folder, msgspec.structs.replace(there, attempt=kept.attempt))
