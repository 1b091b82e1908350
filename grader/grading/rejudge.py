"""Mark again without executing: what a new judge or threshold makes of the answers that were kept.

First it only says whose marks would change; it changes them when it is told to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from grader import config
from grader.classroom import gradebook
from grader.classroom.folder import ClassFolder
from grader.classroom.results import Result, Submission
from grader.files import writing
from grader.grading.decide import Again, Kept, decide
from grader.grading.recorder import Recorder
from grader.grading.tasks import Chosen, class_seed, tasks


@dataclass(frozen=True)
class Change:
    """One submission whose marks are not what they were."""

    team: str
    notebook: str
    before: float
    after: float
    checks: dict[str, tuple[float, float]]
    """Check -> points before and after, where they differ."""

    def __str__(self) -> str:
        checks = ", ".join(f"{name} {a:g} → {b:g}" for name, (a, b) in self.checks.items())
        return f"{self.team}/{self.notebook}: {self.before:g} → {self.after:g} ({checks})"


@dataclass
class Preview:
    """What marking again would change."""

    changes: list[Change] = field(default_factory=list)
    pending: list[tuple[Submission, Result, Result]] = field(default_factory=list)
    """(submission, old result, new one) of all that were marked again."""
    current: int = 0
    """Results that no change concerns."""
    to_execute: list[str] = field(default_factory=list)
    """Submissions without answers to the questions of today; `./course grade` executes them."""
    broken: list[str] = field(default_factory=list)

    def as_data(self) -> dict[str, Any]:
        """For programs."""
        return {
            "changes": [asdict(change) for change in self.changes],
            "marked_again": len(self.pending),
            "current": self.current,
            "to_execute": self.to_execute,
            "broken": self.broken,
        }


def preview(
    folder: ClassFolder,
    course: config.Course,
    seed: str | None = None,
    only: Chosen = lambda team, notebook: True,
    progress: Callable[[str], None] = lambda label: None,
) -> Preview:
    """Mark what is stored with the judges and thresholds of today, and write nothing."""
    found = Preview()
    secret = seed or class_seed(folder)
    for task in tasks(folder, course, secret, only, found.broken):
        progress(task.label)
        match decide(folder, task, course, "auto"):
            case Kept():
                found.current += 1
            case Again(old, new):
                found.pending.append((task.submission, old, new))
                if change := difference(old, new):
                    found.changes.append(change)
            case _:
                found.to_execute.append(task.label)
    return found


def apply(folder: ClassFolder, course: config.Course, found: Preview) -> list[str]:
    """Make the marks what the preview says; returns the marks by hand to look at again."""
    with writing(folder.root), gradebook.open_gradebook(folder, course.id) as book:
        recorder = Recorder(folder, course, book)
        for submission, old, new in found.pending:
            recorder.mark_again(submission, old, new)
        return gradebook.flagged(book)


def difference(old: Result, new: Result) -> Change | None:
    """How the marks differ, if they do."""
    before = {check.name: check.points for check in old.checks}
    after = {check.name: check.points for check in new.checks}
    checks = {
        name: (before.get(name, 0.0), after.get(name, 0.0))
        for name in before | after
        if before.get(name) != after.get(name)
    }
    return Change(new.team, new.notebook, old.points, new.points, checks) if checks else None
