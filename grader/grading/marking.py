"""From what came out of a kernel to a result: points, reasons, and a notebook that is safe to show.

An outcome is untrusted.  Whatever is in it costs its own submission at most; nothing in it is run,
and no text of it gets into a file before it is cut and well-formed.
"""

from __future__ import annotations

import math
import os
import time
from datetime import UTC, datetime
from typing import Any

import msgspec
import nbformat
from nbformat.notebooknode import NotebookNode

from grader.cells import grade_id, id_of_check, is_essay
from grader.classroom.account import Question
from grader.classroom.results import CheckResult, Result
from grader.errors import CourseError
from grader.executing.execute import Outcome
from grader.grading import defuse, reasons
from grader.grading.moved import not_asked
from grader.grading.stored import Stored
from grader.grading.task import Asked, Task, Unreadable
from grader.judging import examination as judging
from grader.text import cut, well_formed

CROWD = 2 * (os.cpu_count() or 1) + 8
"""Threads at once that are worth a note; libraries start as many as there are processors."""
MESSAGE_CHARACTERS = 2000
"""Longest text in a result; exceptions are as long as the student likes."""


def result_of(asked: Asked, came: Outcome | BaseException) -> tuple[Result, NotebookNode, Outcome]:
    """The result of what came of a job, the executed notebook, safe to show, and the outcome.

    came: the outcome, or what was raised in place of one.  Raises CourseError, KeyboardInterrupt
    and the like, which are nobody's submission.
    """
    outcome = no_outcome(asked.task, came) if isinstance(came, BaseException) else came
    outcome = msgspec.structs.replace(outcome, problem=well_formed(outcome.problem))
    try:
        return *judged(asked, outcome), outcome
    except Exception as wrong:  # one outcome must not stop all, whatever is in it
        return *judged(asked, no_outcome(asked.task, wrong)), outcome


def judged(asked: Asked, outcome: Outcome) -> tuple[Result, NotebookNode]:
    """The result of an outcome, and the executed notebook, safe to show."""
    task, examination = asked.task, asked.examination
    began = time.monotonic()
    checks = judging.judge(examination, outcome.answers, task.points)
    executed = nbformat.reads(outcome.notebook, as_version=4)
    explained = [reasons.explained(check, executed, task.release.notebook) for check in checks]
    checks, unasked = not_asked(explained, task.older)
    submission = task.submission
    result = _well_formed(
        submission.team,
        submission.notebook,
        "" if outcome.ours else _key(task.key, examination),
        checks,
        _questions(outcome.problem, examination.problem, task, checks) + unasked,
        [*task.notes, *_crowd(outcome)],
        outcome.seconds,
        outcome.peak_mb,
        datetime.now(UTC),
        outcome.cell_seconds,
        round(time.monotonic() - began, 3),
        list(task.elsewhere),
        task.account,
        handed_in=task.handed_in,
        beside=list(task.beside),
    )
    defuse.defuse(executed)
    defuse.show_verdicts(executed, result.checks)
    return result, executed


def judged_again(asked: Asked, old: Result, kept: Stored) -> Result:
    """The result of answers that were kept, with what execution found out as it was."""
    task, examination = asked.task, asked.examination
    checks = judging.judge(examination, kept.answers, task.points)
    found_out = {
        check.name: check.message
        for check in old.checks
        if check.status == "not run" or reasons.is_explanation(check.message)
    }
    checks = [
        msgspec.structs.replace(check, message=found_out.get(check.name, check.message))
        for check in checks
    ]
    checks, unasked = not_asked(checks, task.older)
    return _well_formed(
        old.team,
        old.notebook,
        _key(task.key, examination),
        checks,
        _questions(kept.problem, examination.problem, task, checks) + unasked,
        list(task.notes),
        old.seconds,
        old.peak_mb,
        old.finished,
        old.cell_seconds,
        old.judging_seconds,
        list(task.elsewhere),
        task.account,
        handed_in=task.handed_in,
        beside=list(task.beside),
    )


def _crowd(outcome: Outcome) -> list[str]:
    """Names who would have taken the machine from others."""
    if outcome.most_at_once < CROWD:
        return []
    return [
        f"{outcome.most_at_once} of its threads computed at once; together they got no more of the "
        "processors than one"
    ]


def no_outcome(task: Task, error: BaseException) -> Outcome:
    """What stands for the outcome of a job that came to none, by no doing of the student's.

    Its result is not final: the next run tries again.
    """
    if not isinstance(error, Exception) or isinstance(error, CourseError):
        raise error  # no sandbox, no cluster: nobody's submission
    problem = f"could not be graded: {type(error).__name__}: {error}"
    return Outcome(task.notebook, {}, problem, ours=True)


def unreadable(found: Unreadable) -> tuple[Result, NotebookNode]:
    """The result of a submission that can't be executed, with the release in place of it."""
    task, reason = found.task, found.reason
    checks = [
        CheckResult(name, 0.0, worth, "not run", reason) for name, worth in task.points.items()
    ]
    release = task.release.notebook
    result = _well_formed(
        task.submission.team,
        task.submission.notebook,
        task.key,
        checks,
        [Question("unreadable", reason, "ask the team for a notebook that opens")],
        list(task.submission.notes),
        finished=datetime.now(UTC),
        elsewhere=[grade_id(c) for c in release.cells if is_essay(c)],
        handed_in=task.handed_in,
    )
    return result, nbformat.from_dict(release)


def _key(key: str, examination: judging.Examination) -> str:
    """The key of a result; none where data was missing, which may be there when next it is run."""
    return "" if examination.problem else key


def _questions(stopped: str, missing: str, task: Task, checks: list[CheckResult]) -> list[Question]:
    """What execution, judges and preparing leave to a human."""
    full = {check.name for check in checks if check.points >= check.max_points}
    found = [q for q in task.questions if not q.checks or not full.issuperset(q.checks)]
    if stopped:
        remedy = "run it by hand, or mark what it handed back until then"
        found.insert(0, Question("stopped", stopped, remedy))
    elif missing:
        found.insert(0, Question("no cases", missing))
    found += [
        Question(
            "other numbers",
            f"it is right for the numbers of {check.numbers_of!r}, and not for the team's",
            "if that id is the team's or a member's, correct the roster and grade again; if it is "
            "a slip, mark the check by hand",
            id_of_check(check.name),
        )
        for check in checks
        if check.numbers_of
    ]
    return found + [question for check in checks for question in _claims(check)]


def _claims(check: CheckResult) -> list[Question]:
    """What the files that were handed in leave open of an answer."""
    found = []
    if check.denied:
        remedy = "compare the notebook with the files; it earned nothing, so mark it by hand if "
        found.append(
            Question(
                "claim denied",
                check.denied,
                remedy + "it is honest work",
                id_of_check(check.name),
            )
        )
    if check.unproven and check.points:
        remedy = "read how the net is made; its points stand unless you change them"
        found.append(Question("claim unproven", check.unproven, remedy, id_of_check(check.name)))
    return found


def _well_formed(*args: Any, **kwargs: Any) -> Result:
    """A Result that can be written and read, whatever a student put into its texts, and whatever
    became of its numbers: what is no number is 0."""

    def mended(value: Any) -> Any:
        if isinstance(value, str):
            return well_formed(cut(value, MESSAGE_CHARACTERS))
        if isinstance(value, float) and not math.isfinite(value):
            return 0.0
        if isinstance(value, dict):
            return {key: mended(item) for key, item in value.items()}
        return [mended(item) for item in value] if isinstance(value, list) else value

    return msgspec.convert(mended(msgspec.to_builtins(Result(*args, **kwargs))), Result)
