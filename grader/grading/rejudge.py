"""Mark again without executing: what a new judge or threshold makes of the answers that were kept.

First it only says whose marks would change; it changes them when it is told to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from grader import config
from grader.cells import id_of_check
from grader.classroom import gradebook, standing, version
from grader.classroom.folder import ClassFolder
from grader.classroom.results import Result
from grader.files import writing
from grader.formgrader.setup import Plan, plan, set_up
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

    seed: str
    """What the cases were drawn from."""

    changes: list[Change] = field(default_factory=list)
    pending: dict[str, tuple[Result, Result]] = field(default_factory=dict)
    """"team/notebook" -> (old result, new one) of all that were marked again."""
    moved: list[str] = field(default_factory=list)
    """What becomes of exercises that changed since somebody was graded, in lines."""
    flagged: list[str] = field(default_factory=list)
    """Marks by hand that would be flagged for another look: "team/notebook/cell"."""
    current: int = 0
    """Results that no change concerns."""
    to_execute: list[str] = field(default_factory=list)
    """Submissions without answers to the questions of today; `./course grade` executes them."""
    broken: list[str] = field(default_factory=list)

    def is_pending(self, team: str, notebook: str) -> bool:
        """Was it marked again?"""
        return f"{team}/{notebook}" in self.pending


def preview(
    folder: ClassFolder,
    course: config.Course,
    seed: str | None = None,
    only: Chosen = lambda team, notebook: True,
    progress: Callable[[str], None] = lambda label: None,
) -> Preview:
    """Mark what is stored with the judges, thresholds and points of today, and write nothing.

    Today's exercises count, though grading has not brought the class folder up to date yet.
    """
    version.require(folder.root)
    planned = plan(folder, course)
    secret = seed or class_seed(folder)
    found = Preview(secret, moved=list(map(str, planned.changes)))
    for task in tasks(folder, course, secret, only, found.broken, planned.releases):
        progress(task.label)
        match decide(folder, task, course, "auto"):
            case Kept():
                found.current += 1
            case Again(old, new):
                found.pending[task.label] = (old, new)
                if change := difference(old, new):
                    found.changes.append(change)
            case _:
                found.to_execute.append(task.label)
    found.flagged = _to_flag(folder, course, planned, found)
    return found


def _to_flag(
    folder: ClassFolder, course: config.Course, planned: Plan, found: Preview
) -> list[str]:
    """Marks by hand under which something changes; what executing again finds is not known yet."""
    cells = {
        f"{change.team}/{change.notebook}/{id_of_check(name)}"
        for change in found.changes
        for name in change.checks
    }
    by_hand = {
        f"{mark.team}/{mark.notebook}/{cell.cell}"
        for mark in standing.marks(folder, course)
        for cell in mark.cells
        if cell.manual is not None
    }
    worth = {
        f"{team}/{change.notebook}/{change.cell}"
        for change in planned.changes
        if change.what == "worth"
        for team in change.by_hand
    }
    return sorted((cells & by_hand) | worth)


def apply(folder: ClassFolder, course: config.Course, found: Preview) -> list[str]:
    """Make the marks what the preview says; returns the marks by hand to look at again.

    What has changed since is left to ./course grade.
    """
    with writing(folder.root):
        set_up(folder, course)
        with gradebook.open_gradebook(folder, course.id) as book:
            recorder = Recorder(folder, course, book)
            for task in tasks(folder, course, found.seed, found.is_pending, []):
                old, new = found.pending[task.label]
                if new.key == task.key and not recorder.mark_again(task, old, new):
                    recorder.record(task.submission, new)
            return gradebook.flagged(book)


def difference(old: Result, new: Result) -> Change | None:
    """How the marks differ, if they do."""
    before = {check.name: check.points for check in old.checks}
    after = {check.name: check.points for check in new.checks}
    checks = {
        name: (before.get(name, 0.0), after.get(name, 0.0))
        for name in before | after
        if before.get(name, 0.0) != after.get(name, 0.0)
    }
    return Change(new.team, new.notebook, old.points, new.points, checks) if checks else None
