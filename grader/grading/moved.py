"""Fairness to a team that had an older release: what it was not asked is never 0 in silence."""

from __future__ import annotations

from grader.cells import id_of_check
from grader.classroom.account import Question
from grader.classroom.results import NOT_ASKED, CheckResult
from grader.executing.older import Older

CAUSE = "older release"
_REMEDY = "mark it by hand in formgrader, or ask the team to hand in again with the present release"


def not_asked(
    checks: list[CheckResult], older: Older | None
) -> tuple[list[CheckResult], list[Question]]:
    """Checks as they count for a team that had an older release, and what to ask a human.

    A new check that has all its points is as good as any.  One without an answer waits for a mark
    by hand; of one that was answered in part the points stand.
    """
    if older is None:
        return checks, []
    had = f"the team had release {older.release}, which did not ask this"
    kept, questions = [], []
    for check in checks:
        if check.name in older.checks and check.points < check.max_points:
            if check.name in older.unanswered:
                check = CheckResult(check.name, 0.0, check.max_points, NOT_ASKED, had)
                reason = had
            else:
                reason = f"{had}, and earned {check.points:g} of {check.max_points:g}"
            questions.append(Question(CAUSE, reason, _REMEDY, id_of_check(check.name)))
        kept.append(check)
    questions += [Question(CAUSE, had, _REMEDY, essay) for essay in older.essays]
    return kept, questions
