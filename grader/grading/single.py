"""Judge one submission, without a class: from files to a judgement.

It takes the way of a class, by the same rooms, and keeps nothing: what it needs to know of a class
is said by who calls it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from msgspec.structs import replace
from nbformat.notebooknode import NotebookNode

from grader import config
from grader.authoring import build
from grader.cells import grade_id, id_of_check, is_bonus, is_essay
from grader.classroom import releases, told
from grader.classroom.answered import to_mark
from grader.classroom.folder import ClassFolder
from grader.classroom.results import CheckResult, Result
from grader.classroom.states import ESSAYS, FINAL, HUMAN
from grader.contract import thresholds
from grader.executing.execute import execute, threads
from grader.freshness import code_version, execution_version, libraries, net_version
from grader.grading import judgement, marking
from grader.grading.judgement import Judgement
from grader.grading.task import Release, Task, Unreadable, ask, make, released
from grader.intake import one


@dataclass(frozen=True)
class Asking:
    """What is to be judged, and how."""

    notebook: str
    team: str
    secret: str = ""
    """What cases are drawn from, a class's for instance; "" for a fresh one."""
    members: tuple[str, ...] = ()
    """Ids of those in the team, whose own numbers are as good as the team's."""
    settings: Path | None = None
    """A folder with settings, thresholds and older releases, laid out like a class folder."""


def judge(paths: Sequence[Path], course: config.Course, asking: Asking) -> Judgement:
    """Judge what was handed in.  course: its settings, those of `asking.settings` included.

    Raises CourseError, for a sandbox that can't be had for instance: no fault of the submission's.
    """
    began, started, name = datetime.now(UTC), time.monotonic(), asking.notebook
    release = _release(asking)
    came = one.taken(paths, course, name, asking.team, began)
    found = Judgement(
        team=asking.team,
        notebook=name,
        state=judgement.NOT_GRADABLE,
        maximum=_maximum(release, course),
        ignored=list(came.ignored),
        versions=_versions(release, course),
    )
    if came.submission is None:
        found = replace(found, state=judgement.REJECTED, needs_human=list(came.refused))
        return replace(found, times=_times(began, started))
    secret = asking.secret or secrets.token_hex(16)
    limits, members = thresholds.load(asking.settings), sorted(asking.members)
    task = make(came.submission, came.content, course, secret, release, limits, members)
    result, executed = _result_of(task, course)
    drawn_from = sha256(task.seed.encode()).hexdigest()[:16]
    found = replace(
        found,
        notes=result.notes,
        handed_in=result.handed_in,
        drawn=judgement.Drawn("given" if asking.secret else "fresh", drawn_from),
        times=_times(began, started, result),
        peak_mb=result.peak_mb,
    )
    if not result.key:  # as for a class: it was never really graded
        return replace(found, needs_human=[result.needs_human])
    reasons = [*came.refused, *map(str, [*came.submission.questions, *result.questions])]
    essays = _essays(release, executed, result, course)
    waiting = sum(essay.to_mark for essay in essays)
    return replace(
        found,
        state=HUMAN if reasons else ESSAYS if waiting else FINAL,
        points=round(result.points, 4),
        needs_human=list(dict.fromkeys(reasons)),
        checks=[_check(check, _optional(release, course)) for check in result.checks],
        essays=essays,
        essays_to_mark=waiting,
    )


def _release(asking: Asking) -> Release:
    """The released notebook, and older ones that the settings hold.  Raises ConfigError."""
    name, settings = asking.notebook, asking.settings
    earlier = releases.kept(ClassFolder(settings), name) if settings is not None else {}
    return released(name, build.as_released(name), earlier)


def _times(began: datetime, started: float, result: Result | None = None) -> judgement.Times:
    """started: by the clock that is never put right."""
    all_of_it = round(time.monotonic() - started, 3)
    parts = (result.seconds, result.cell_seconds, result.judging_seconds) if result else ()
    return judgement.Times(began, datetime.now(UTC), all_of_it, *parts)


def _versions(release: Release, course: config.Course) -> judgement.Versions:
    name = release.name
    net = net_version(course.notebooks[name].net)
    program = version("cnn-course")
    return judgement.Versions(
        program, code_version(name), execution_version(), libraries(), release.id, net
    )


def _result_of(task: Task, course: config.Course) -> tuple[Result, NotebookNode]:
    asked = ask(task, course, "auto")
    if isinstance(asked, Unreadable):
        return marking.unreadable(asked)
    with threads(1) as executor:  # of its own: nbclient takes signals for itself in a main thread
        future = executor.submit(execute, asked.job)
        error = future.exception()
    result, executed, _ = marking.result_of(asked, future.result() if error is None else error)
    return result, executed


def _optional(release: Release, course: config.Course) -> set[str]:
    """Ids of graded cells whose points come on top of the maximum."""
    cells = release.notebook.cells if course.bonus else []
    return {grade_id(cell) for cell in cells if is_bonus(cell)}


def _maximum(release: Release, course: config.Course) -> float:
    optional = _optional(release, course)
    worth = releases.worth(release.notebook.cells)
    return round(sum(points for name, points in worth.items() if name not in optional), 4)


def _essays(
    release: Release, executed: NotebookNode, result: Result, course: config.Course
) -> list[judgement.Essay]:
    optional, worth = _optional(release, course), releases.worth(release.notebook.cells)
    return [
        judgement.Essay(
            grade_id(cell),
            worth[grade_id(cell)],
            grade_id(cell) in optional,
            worth[grade_id(cell)] > 0 and to_mark(cell, result.elsewhere),
        )
        for cell in executed.cells
        if is_essay(cell)
    ]


def _check(check: CheckResult, optional: set[str]) -> judgement.Check:
    return judgement.Check(
        check.name,
        check.points,
        check.max_points,
        id_of_check(check.name) in optional,
        check.status,
        judgement.ForMarkers(
            check.message,
            check.mistake,
            check.hint,
            [judgement.Case(c.label, c.score, c.message, c.mistake) for c in check.cases],
            check.numbers_of,
            check.denied,
            check.unproven,
        ),
        told.for_student(check, check.points >= check.max_points),
    )
