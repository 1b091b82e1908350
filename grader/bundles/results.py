"""A judgement as Gradescope's results.json.

The form: gradescope-autograders.readthedocs.io, "Autograder Specifications".  A check is a test of
its own, which its students see at once; what only markers may read is another, without points.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from grader.bundles import words
from grader.classroom.results import points
from grader.grading.judgement import REJECTED, Check, Essay, Judgement
from grader.pages.page import span
from grader.text import clean

HIDDEN, VISIBLE = "hidden", "visible"
VISIBILITIES = (HIDDEN, "after_due_date", "after_published", VISIBLE)
"""Gradescope's words for who sees something, and when; the first is for instructors alone."""


def of(
    found: Judgement, values: str, attempt: int = 1, late: timedelta = timedelta(), note: str = ""
) -> dict[str, Any]:
    """The object that is written; a judgement without points is refused, unless it was rejected.

    values: who sees hidden values.  note: for markers.  A rejected one gets 0 points, for there is
    no form without, and the words that it was not judged.
    """
    assert found.points is not None or found.state == REJECTED, "there is nothing to write of it"
    lines = words.at_once(found)
    if late:
        lines.append(
            f"Handed in {span(late)} after it was due. Nothing was taken off here: your course "
            "says what that costs."
        )
    tests = [_told(check) for check in found.checks]
    tests += [_essay(essay) for essay in found.essays]
    tests += [_values(check, values) for check in found.checks]
    reasons = [*found.needs_human, *found.notes, *([note] if note else [])]
    tests += [_reasons(found, reasons)] if reasons else []
    return {
        "score": found.points or 0.0,
        "output": "\n".join(lines),
        "output_format": "text",
        "visibility": VISIBLE,
        "stdout_visibility": HIDDEN,
        "tests": tests,
        "extra_data": {
            "state": found.state,
            "team": found.team,
            "attempt": attempt,
            "handed_in": found.handed_in,
            "drawn": found.drawn.id if found.drawn else "",
        },
    }


def _told(check: Check) -> dict[str, Any]:
    bonus = " (on top of the maximum)" if check.bonus else ""
    return _test(f"{check.name}{bonus}", words.for_student(check), VISIBLE) | {
        "score": check.points,
        "max_score": check.maximum,
        "status": "passed" if check.points >= check.maximum else "failed",
    }


def _essay(essay: Essay) -> dict[str, Any]:
    answer = "A person marks it" if essay.to_mark else "There is no answer to mark"
    text = f"{answer}; it is worth {points(essay.maximum)} points, which are not in the score."
    return _test(essay.name, text, VISIBLE)


def _values(check: Check, visibility: str) -> dict[str, Any]:
    return _test(f"{check.name}: hidden values", words.for_marker(check), visibility)


def _reasons(found: Judgement, reasons: list[str]) -> dict[str, Any]:
    text = clean("\n".join(reasons))
    status = {"status": "failed"} if found.needs_human else {}
    return _test(f"For instructors: {found.state}", text, HIDDEN) | status


def _test(name: str, output: str, visibility: str) -> dict[str, Any]:
    """A test without points.  Gradescope calls one failed if nothing else is said."""
    return {
        "name": name,
        "status": "passed",
        "output": output,
        "output_format": "text",
        "visibility": visibility,
    }
