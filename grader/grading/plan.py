"""What grading would do, and why: for whoever wants to know before it takes its time.

It executes and writes nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from grader import config
from grader.classroom import attempts
from grader.classroom.folder import ClassFolder
from grader.contract import visible
from grader.grading.decide import Again, Kept, decide, stored_result
from grader.grading.rejudge import Change, difference
from grader.grading.task import Task
from grader.grading.tasks import Chosen, class_seed, rival_of, tasks

NEW = "not graded yet"
FORCED = "--force"
RELEASE = "the released notebook has changed"
UNFINISHED = "the last run could not finish it"
CHANGED = "what it depends on has changed: what was handed in, the settings, or what executes it"


@dataclass
class Plan:
    """What would become of every submission that is wanted."""

    to_execute: dict[str, str] = field(default_factory=dict)
    """"team/notebook" -> why."""
    marked_again: list[str] = field(default_factory=list)
    """Those whose answers are at hand: new judges mark them, nothing is executed."""
    changes: list[Change] = field(default_factory=list)
    kept: int = 0
    broken: list[str] = field(default_factory=list)

    def as_data(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For people: how many, and those to execute by reason."""
        found = [
            f"{len(self.to_execute)} would be executed, {len(self.marked_again)} marked again, "
            f"{self.kept} kept"
        ]
        for why in dict.fromkeys(self.to_execute.values()):
            labels = [label for label, reason in self.to_execute.items() if reason == why]
            found.append(f"  {len(labels)} × {why}: {', '.join(labels)}")
        found += [f"  WOULD CHANGE {change}" for change in self.changes]
        return found + [f"  NEEDS A HUMAN {line}" for line in self.broken]


def plan(
    folder: ClassFolder, course: config.Course, seed: str | None, force: bool, only: Chosen
) -> Plan:
    """Look at everything that is wanted.  Raises ConfigError as grading would."""
    found = Plan()
    moved = {name for name in course.notebooks if _has_moved(folder, name)}
    rest: set[tuple[str, str]] = set()
    for team, name in folder.submissions():
        if name not in course.notebooks or not only(team, name):
            continue
        why = _at_once(folder, team, name, force, name in moved)
        if why:
            found.to_execute[f"{team}/{name}"] = why
            found.to_execute |= _rival(folder, course, team, name, why)
        else:
            rest.add((team, name))
    if rest:
        secret = seed or class_seed(folder)
        for task in tasks(folder, course, secret, lambda t, n: (t, n) in rest, found.broken):
            _look(found, folder, course, task)
    return found


def _at_once(folder: ClassFolder, team: str, name: str, force: bool, moved: bool) -> str:
    """Why it is to be executed, where that is plain without looking into it."""
    if not (folder.result(team, name) / "result.json").is_file():
        return NEW
    return FORCED if force else RELEASE if moved else ""


def _rival(
    folder: ClassFolder, course: config.Course, team: str, name: str, why: str
) -> dict[str, str]:
    """The other attempt that is graded to see which is better, if there is one, and why."""
    rival = rival_of(folder, course, team, name)
    if rival is None:
        return {}
    there = folder.result(team, name, attempts.work_in(rival.attempt)) / "result.json"
    if why == NEW and there.is_file():
        return {}
    return {f"{team}/{name}, attempt {rival.attempt}": why}


def _look(found: Plan, folder: ClassFolder, course: config.Course, task: Task) -> None:
    match decide(folder, task, course, "auto"):
        case Kept():
            found.kept += 1
        case Again(old, new):
            found.marked_again.append(task.called)
            if change := difference(old, new, task.submission.attempt if task.shelf else ""):
                found.changes.append(change)
        case _:
            old_result = stored_result(folder, task)
            whole = old_result is not None and old_result.key
            missing = UNFINISHED if old_result is not None or not task.shelf else NEW
            found.to_execute[task.called] = CHANGED if whole else missing


def _has_moved(folder: ClassFolder, name: str) -> bool:
    """Has the course built another notebook than the one that this class was graded with?"""
    built, released = visible.released(name), folder.root / "release" / name / f"{name}.ipynb"
    return not (
        built.is_file() and released.is_file() and built.read_bytes() == released.read_bytes()
    )
