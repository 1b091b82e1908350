"""Attempts: all that a team handed in for a notebook, which of it counts, and what a human decides.

What counts follows from the attempts, the settings and what was decided; in which order they were
collected makes no difference.  Nothing here writes a submission or a mark.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from grader import config
from grader.classroom import results
from grader.classroom.account import Question
from grader.classroom.folder import ClassFolder
from grader.classroom.lateness import days_counted
from grader.classroom.results import Submission

DECIDED = "decided.json"
"""In the folder of a team's attempts at a notebook: what was decided about them."""
MEMBERS, ORDER, NEWER = "members differ", "order unknown", "newer than the choice"
POINTS, OTHER, UNVOUCHED = "attempts differ", "other attempt", "whose it is"
CAUSES = frozenset({MEMBERS, ORDER, NEWER, POINTS, OTHER, UNVOUCHED})
"""Causes of questions that choosing an attempt answers."""


class Decided(msgspec.Struct, frozen=True):
    """decided.json: which attempt counts, where time alone does not say it."""

    work: str
    """Of the attempt that counts."""
    by: Literal["hand", "points"]
    known: list[str]
    """Work of the attempts between which it was decided.  What came later was not looked at."""
    questions: list[Question] = []


@dataclass(frozen=True)
class Counting:
    """Which attempt counts, as far as is known."""

    first: Submission
    rival: Submission | None = None
    """One that counts instead, if it has more points after the penalty."""
    questions: tuple[Question, ...] = ()


def name_of(received: datetime, work: str) -> str:
    """What the folder of an attempt is called: when it came, and a digest of the work."""
    return f"{received.astimezone(UTC):%Y%m%dT%H%M%SZ}-{work}"


def work_in(attempt: str) -> str:
    """The digest of the work in an attempt's name; "" if there is none."""
    return attempt.rpartition("-")[2]


def of(folder: ClassFolder, team: str, notebook: str) -> list[Submission]:
    """All attempts that are kept, oldest first; of equal work the first to come."""
    found: dict[str, Submission] = {}
    for path in folder.attempts(team, notebook).glob("*/submission.json"):
        try:
            entry = results.read(path, Submission)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            continue
        entry = msgspec.structs.replace(entry, attempt=path.parent.name)
        work = work_in(entry.attempt)
        if work not in found or age(entry) < age(found[work]):  # killed while one was replaced
            found[work] = entry
    return sorted(found.values(), key=age)


def age(entry: Submission) -> tuple[datetime, str]:
    """Sorts attempts by when they came, and always in the same way."""
    return entry.received, work_in(entry.attempt)


def decided(folder: ClassFolder, team: str, notebook: str) -> Decided | None:
    """What was decided about a team's attempts at a notebook."""
    try:
        return results.read(folder.attempts(team, notebook) / DECIDED, Decided)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def decide(folder: ClassFolder, team: str, notebook: str, decision: Decided | None) -> None:
    """Keep a decision in place of an earlier one; None: the setting decides again."""
    path = folder.attempts(team, notebook) / DECIDED
    if decision is None:
        path.unlink(missing_ok=True)
    elif decision != decided(folder, team, notebook):
        results.write(path, decision)


def counting(course: config.Course, entries: list[Submission], by: Decided | None) -> Counting:
    """Which of some attempts, oldest first, counts by the settings and what was decided."""
    chosen = [e for e in entries if by and by.by == "hand" and work_in(e.attempt) == by.work]
    if chosen and by:
        return Counting(chosen[0], None, tuple(_newer(chosen[0], entries, by)))
    vouched = [entry for entry in entries if not entry.unvouched]
    if 0 < len(vouched) < len(entries):
        now = counting(course, vouched, by)
        return replace(now, questions=(*now.questions, *_unvouched(now.first, entries)))
    on_time = [entry for entry in entries if not days_counted(course, entry)]
    late = [entry for entry in entries if days_counted(course, entry)]
    rule = course.attempts.counts
    first = (on_time or late)[-1] if rule != "last" else entries[-1]
    rival = late[-1] if rule == "better" and on_time and late else None
    questions = [*_members(first, entries), *_order(first, on_time if rival else entries)]
    if rival is None:
        return Counting(first, None, tuple(questions))
    questions += _order(rival, late)
    if by and by.by == "points" and by.known == pair(first, rival):
        if by.work == work_in(rival.attempt):
            first, rival = rival, first
        questions += by.questions
    return Counting(first, rival, tuple(questions))


def pair(one: Submission, other: Submission) -> list[str]:
    """What a decision by points is between."""
    return sorted(work_in(entry.attempt) for entry in (one, other))


def surplus(
    course: config.Course, entries: list[Submission], by: Decided | None
) -> list[Submission]:
    """The attempts that are too many, oldest first.

    Never those that count or may yet count, nor the last of any member.
    """
    now = counting(course, entries, by)
    on_time = [entry for entry in entries if not days_counted(course, entry)]
    needed = {entry.attempt for entry in (now.first, now.rival, *on_time[-1:]) if entry}
    needed |= {entry.attempt for entry in _last_of_each(entries).values()}
    free = [entry for entry in entries if entry.attempt not in needed]
    return free[: max(0, len(entries) - course.attempts.kept)]


def shelve(folder: ClassFolder, entry: Submission) -> None:
    """Put the result of what counted aside, since something else counts now."""
    place = folder.result(entry.team, entry.notebook)
    shelf = folder.result(entry.team, entry.notebook, work_in(entry.attempt) or "unknown")
    files = [path for path in place.glob("*") if path.is_file()]
    if files:
        shutil.rmtree(shelf, ignore_errors=True)
        shelf.mkdir(parents=True)
    for path in sorted(files, key=lambda path: path.name != "result.json"):  # it vouches for them
        path.rename(shelf / path.name)


def unshelve(folder: ClassFolder, entry: Submission) -> None:
    """Put the result of what counts now where results lie, if it was graded before."""
    place = folder.result(entry.team, entry.notebook)
    shelf = folder.result(entry.team, entry.notebook, work_in(entry.attempt) or "unknown")
    if shelf.is_dir() and not (place / "result.json").is_file():
        for path in sorted(shelf.glob("*"), key=lambda path: path.name == "result.json"):
            path.rename(place / path.name)
        shutil.rmtree(shelf, ignore_errors=True)


def command(entry: Submission, attempt: str = "ATTEMPT") -> str:
    """What an instructor types to choose."""
    return f"./course choose {entry.team} {entry.notebook} {attempt}"


def _newer(chosen: Submission, entries: Iterable[Submission], by: Decided) -> list[Question]:
    new = [entry for entry in entries if work_in(entry.attempt) not in by.known]
    if not new:
        return []
    return [
        Question(
            NEWER,
            f"{chosen.attempt} was chosen by hand and counts, but {_names(new)} came since",
            f"choose again: {command(chosen)}",
        )
    ]


def _unvouched(first: Submission, entries: Iterable[Submission]) -> Iterable[Question]:
    """Whether work that somebody else may have made is what the team handed in last."""
    for entry in entries:
        if entry.unvouched:
            reason = (
                f"{entry.unvouched} says that {entry.attempt} is the team's, and nobody has said "
                f"that an LMS made it; {first.attempt} counts"
            )
            remedy = f"if you downloaded it yourself: ./course collect {entry.unvouched} --lms"
            yield Question(UNVOUCHED, reason, remedy)


def _members(first: Submission, entries: list[Submission]) -> list[Question]:
    """Whether members of the team handed in different work, each looked at for the last of it."""
    last = _last_of_each(entries)
    if len({work_in(entry.attempt) for entry in last.values()}) < 2:
        return []
    whose = ", ".join(f"{who} {entry.attempt}" for who, entry in sorted(last.items()))
    return [
        Question(
            MEMBERS,
            f"members of the team handed in different work ({whose}), and {first.attempt} counts",
            f"ask them, and if another is to count: {command(first)}",
        )
    ]


def _last_of_each(entries: list[Submission]) -> dict[str, Submission]:
    """The last attempt of each student who is known to have handed in any."""
    return {who: entry for entry in entries for who in entry.uploaders}


def _order(last: Submission, entries: list[Submission]) -> list[Question]:
    """Whether something else may be newer than what is taken for the last."""
    unsure = [entry for entry in entries if entry != last and _may_be_newer(entry, last)]
    if not unsure:
        return []
    return [
        Question(
            ORDER,
            f"nobody knows which is newer, {last.attempt} or {_names(unsure)}; the former counts",
            f"if another is to count: {command(last)}",
        )
    ]


def _may_be_newer(entry: Submission, last: Submission) -> bool:
    """What has no known time came before the download that brought it, nobody knows how long."""
    if set(entry.uploaders) & set(last.uploaders):
        return False  # an LMS gives the last upload of each
    if entry.received == last.received:
        return True
    return entry.arrival == "known" and last.arrival != "known"


def _names(entries: Iterable[Submission]) -> str:
    return ", ".join(entry.attempt for entry in entries)


def folders(folder: ClassFolder) -> list[tuple[str, str]]:
    """(team, notebook) of everything of which there are attempts, sorted."""
    found = {
        path.parent.parent for path in (folder.root / "attempts").glob("*/*/*/submission.json")
    }
    return sorted((path.parent.name, path.name) for path in found)


def place_of(folder: ClassFolder, entry: Submission) -> Path:
    """Where the files of an attempt lie."""
    return folder.attempts(entry.team, entry.notebook) / entry.attempt
