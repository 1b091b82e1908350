"""What is to be done with a submission: keep its result, mark it again, or execute it.

The one place where this is decided, for grading and for marking again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from grader import config
from grader.classroom import results
from grader.classroom.folder import ClassFolder
from grader.classroom.results import Result
from grader.grading import marking, stored
from grader.grading.task import Asked, Task, Unreadable, ask


@dataclass(frozen=True)
class Kept:
    """Nothing that the result depends on has changed."""

    result: Result


@dataclass(frozen=True)
class Again:
    """The answers that were kept are those to today's questions: they were marked again."""

    old: Result
    new: Result


def decide(
    folder: ClassFolder, task: Task, course: config.Course, isolation: str, force: bool = False
) -> Kept | Again | Asked | Unreadable:
    """What to do with a task; `Asked` is to be executed.

    force: execute it again, whatever there is.
    """
    old = None if force else stored_result(folder, task)
    if old is not None and old.key == task.key:
        return Kept(old)
    asked = ask(task, course, isolation)
    if isinstance(asked, Unreadable) or old is None or not old.key:
        return asked  # without a key it was never really graded
    kept = stored.find(_place(folder, task), asked.execution)
    if kept is None:
        return asked
    try:
        return Again(old, marking.judged_again(asked, old, kept))
    except Exception:  # answers are hostile input to a new judge, too
        return asked


def stored_result(folder: ClassFolder, task: Task) -> Result | None:
    """The result of an earlier run, if it is whole."""
    place = _place(folder, task)
    try:
        result = results.read(place / "result.json", Result)
    except (OSError, msgspec.MsgspecError):
        return None
    assert isinstance(result, Result)
    executed = place / "executed.ipynb"
    whole = executed.is_file() and executed.stat().st_size > 0  # empty after a power cut
    return result if whole else None


def _place(folder: ClassFolder, task: Task) -> Path:
    return folder.result(task.submission.team, task.submission.notebook, task.shelf)
