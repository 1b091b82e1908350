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
    idle: bool = False
    """Is nothing of what is asked done in it, or is it left to what is shipped?  Then it earns
    nothing."""


def right(what: str, answer: Any) -> Sample:
    """An answer that keeps all points.  what: "check: title"."""
    check, title, _ = told(what)
    return Sample(title, check, True, answer)


def wrong(what: str, answer: Any) -> Sample:
    """An answer that loses points.

    what: "check: title -> what the judge should call it"; without the arrow it has no name.
    """
    check, title, diagnosis = told(what)
    return Sample(title, check, False, answer, diagnosis)


def idle(what: str, answer: Any) -> Sample:
    """A wrong answer that earns nothing, whatever it is called.  what: "check: title"."""
    check, title, _ = told(what)
    return Sample(title, check, False, answer, idle=True)


def told(what: str) -> tuple[str, str, str]:
    """Check, title and diagnosis of "check: title -> diagnosis".  Raises ValueError."""
    check, _, rest = what.partition(": ")
    title, _, diagnosis = rest.partition(" -> ")
    if not check.isidentifier() or not title:
        raise ValueError(f'{what!r} is not "check: title" or "check: title -> diagnosis"')
    return check, title, diagnosis
