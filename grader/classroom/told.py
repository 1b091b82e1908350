"""What a student is told of a check, on pages of feedback as elsewhere: never what was expected.

What the judge words for students is cut to what is read in a line, and made safe to show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from grader.classroom.results import CaseResult, CheckResult
from grader.text import clean

Verdict = Literal["passed", "partly", "failed"]

_MAX_CASES = 200
_LONGEST = 300  # letters of a message


@dataclass(frozen=True)
class Line:
    """One case of a check, as the student reads it."""

    verdict: Verdict
    label: str
    message: str


@dataclass(frozen=True)
class Told:
    """All of it.  What would help is left out where nothing went wrong."""

    message: str = ""
    cases: tuple[Line, ...] = ()
    mistake: str = ""
    hint: str = ""
    section: str = ""


def for_student(check: CheckResult, full: bool) -> Told:
    """What is told of a check.  full: whether it has all its points, whoever gave them."""
    lines = [_line(case) for case in check.cases]
    stumbled = not full or any(line.verdict != "passed" for line in lines)
    return Told(
        _shortened(check.message),
        (*lines[:_MAX_CASES], *_left_out(lines[_MAX_CASES:])),
        clean(check.mistake, 300) if stumbled else "",
        clean(check.hint, 1000) if stumbled else "",
        clean(check.section, 200) if stumbled else "",
    )


def _left_out(lines: list[Line]) -> list[Line]:
    """What is said of cases for which there is no room."""
    failed = sum(line.verdict != "passed" for line in lines)
    told = f"{len(lines)} more cases, of which {failed} did not pass"
    return [Line("failed" if failed else "passed", told, "")] if lines else []


def _line(case: CaseResult) -> Line:
    verdict: Verdict = "passed" if case.score >= 1 else "partly" if case.score > 0 else "failed"
    return Line(verdict, clean(case.label, 200), _shortened(case.for_student))


def _shortened(message: str) -> str:
    """A message in one line; an exception's text is as long as the student likes."""
    message = " ".join(clean(message, 4 * _LONGEST).split())
    return message if len(message) <= _LONGEST else message[: _LONGEST - 1].rstrip() + "…"
