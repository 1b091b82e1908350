"""A known answer: what it is an answer to, whether it is right, and what it should be called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Sample:
    """One answer whose worth is known."""

    title: str
    """What is special about it: "kernel flipped", "einsum over windows"."""
    check: str
    right: bool
    """A right answer keeps all points; a wrong one must lose some."""
    answer: Any
    """A function or a value, as a student would hand it to `check`."""
    diagnosis: str = ""
    """For wrong answers: the judge's name of the mistake, or "" if it has none."""
    student: str = "team_1"


def right(check: str, title: str, answer: Any) -> Sample:
    """An answer that keeps all points."""
    return Sample(title, check, True, answer)


def wrong(check: str, title: str, diagnosis: str, answer: Any) -> Sample:
    """An answer that loses points, and what the judge should call it ("": it has no name)."""
    return Sample(title, check, False, answer, diagnosis)
