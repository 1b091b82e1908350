"""Mark again without executing: what a new judge or threshold makes of the answers that were kept.

First it only says whose marks would change; it changes them when it is told to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from grader import config
from grader.cells import id_of_check
from grader.classroom import gradebook, marks, version
from grader.classroom.folder import ClassFolder
from grader.classroom.lateness import due_first
from grader.classroom.results import Result
from grader.files import writing
from grader.formgrader.setup import Plan, plan, set_up
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


@dataclass
class Preview:
    """What marking again would change."""

    seed: str
    """What the cases were drawn from."""

    changes: list[Change] = field(default_factory=list)
    pending: dict[tuple[str, str, str], tuple[Result, Result]] = field(default_factory=dict)
    """`Task.place` -> (old result, new one) of all that were marked again."""
    moved: list[str] = field(default_factory=list)
    """What becomes of exercises that changed since somebody was graded, in lines."""
    stale: tuple[str, ...] = ()
    """Notebooks whose release in the class folder is an older one."""
    flagged: list[str] = field(default_factory=list)
    """Marks by hand that would be flagged for another look: "team/notebook/cell"."""
    current: int = 0
    """Results that no change concerns."""
    to_execute: list[str] = field(default_factory=list)
    """Submissions without answers to the questions of today; `./course grade` executes them."""
    broken: list[str] = field(default_factory=list)

    def as_data(self) -> dict[str, Any]:
        """For programs."""
        return {
            "exercises": self.moved,
            "changes": [asdict(change) for change in self.changes],
            "marked_again": len(self.pending),
            "current": self.current,
            "to_execute": self.to_execute,
            "broken": self.broken,
        }

    def is_pending(self, team: str, notebook: str) -> bool:
        """Was an attempt of it marked again?"""
        return any((team, notebook) == place[:2] for place in self.pending)


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
    found = Preview(secret, moved=list(map(str, planned.changes)), stale=planned.stale)
    for task in tasks(folder, course, secret, only, found.broken, planned.releases):
        progress(task.called)
        match decide(folder, task, course, "auto"):
            case Kept():
                found.current += 1
            case Again(old, new):
                found.pending[task.place] = (old, new)
                if change := difference(old, new, task.submission.attempt if task.shelf else ""):
                    found.changes.append(change)
            case _:
                found.to_execute.append(task.called)
    found.flagged = _to_flag(folder, planned, found)
    return found


def _to_flag(folder: ClassFolder, planned: Plan, found: Preview) -> list[str]:
    """Marks by hand under which something changes; what executing again finds is not known yet."""
    cells = {
        f"{change.team}/{change.notebook}/{id_of_check(name)}"
        for change in found.changes
        for name in change.checks
    }
    by_hand = {
        f"{mark.team}/{mark.notebook}/{cell.cell}"
        for mark in marks.read(folder)
        for cell in mark.cells
        if cell.manual is not None or cell.extra
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
            contested = set()
            for task in tasks(folder, course, found.seed, found.is_pending, []):
                if task.contested:
                    contested.add(task.place[:2])
                old, new = found.pending.get(task.place, (None, None))
                if old is None or new is None or new.key != task.key:
                    continue
                if not recorder.mark_again(task, old, new) and not task.contested:
                    recorder.record(task.submission, new)
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
        if before.get(name, 0.0) != after.get(name, 0.0)
    }
    if not checks:
        return None
    return Change(new.team, new.notebook, old.points, new.points, checks, attempt)
