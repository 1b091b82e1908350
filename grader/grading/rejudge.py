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
from grader.classroom.lateness import due_first
from grader.classroom.results import Result, Submission
from grader.files import writing
from grader.grading import better
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
    attempt: str = ""
    """The attempt that it is about, if it does not count so far."""

    def __str__(self) -> str:
        checks = ", ".join(f"{name} {a:g} → {b:g}" for name, (a, b) in self.checks.items())
        which = f", attempt {self.attempt}" if self.attempt else ""
        return f"{self.team}/{self.notebook}{which}: {self.before:g} → {self.after:g} ({checks})"


@dataclass(frozen=True)
class Pending:
    """A result that was marked again, and is not written yet."""

    submission: Submission
    old: Result
    new: Result
    shelf: str = ""
    contested: bool = False
    """As in `tasks.Task`."""


@dataclass
class Preview:
    """What marking again would change."""

    changes: list[Change] = field(default_factory=list)
    pending: list[Pending] = field(default_factory=list)
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
        progress(task.called)
        match decide(folder, task, course, "auto"):
            case Kept():
                found.current += 1
            case Again(old, new):
                found.pending.append(Pending(task.submission, old, new, task.shelf, task.contested))
                if change := difference(old, new, task.submission.attempt if task.shelf else ""):
                    found.changes.append(change)
            case _:
                found.to_execute.append(task.called)
    return found


def apply(folder: ClassFolder, course: config.Course, found: Preview) -> list[str]:
    """Make the marks what the preview says; returns the marks by hand to look at again."""
    with writing(folder.root), gradebook.open_gradebook(folder, course.id) as book:
        recorder = Recorder(folder, course, book)
        for entry in found.pending:
            recorder.mark_again(
                entry.submission, entry.old, entry.new, shelf=entry.shelf, final=not entry.contested
            )
        contested = {(p.new.team, p.new.notebook) for p in found.pending if p.contested}
        for team, notebook in sorted(contested, key=lambda pair: due_first(course, *pair)):
            better.settle(recorder, team, notebook)
        return gradebook.flagged(book)


def difference(old: Result, new: Result, attempt: str = "") -> Change | None:
    """How the marks differ, if they do.  attempt: the one it is about, if it does not count."""
    before = {check.name: check.points for check in old.checks}
    after = {check.name: check.points for check in new.checks}
    checks = {
        name: (before.get(name, 0.0), after.get(name, 0.0))
        for name in before | after
        if before.get(name) != after.get(name)
    }
    if not checks:
        return None
    return Change(new.team, new.notebook, old.points, new.points, checks, attempt)
