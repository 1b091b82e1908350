"""What came back from an answer, and what is said about it: parts, cases, checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reply:
    """What came back for one case."""

    value: Any = None
    error: str = ""
    """Type and text of the exception, if the call raised one."""
    changed: tuple[str, ...] = ()
    """Names of arguments that the call modified in place."""


@dataclass(frozen=True)
class PartVerdict:
    """One part of one case."""

    part: str
    ok: bool
    message: str = ""
    error: float | None = None
    """Largest absolute error, where both values are numbers of the same shape."""
    mistakes: tuple[str, ...] = ()
    """Known mistakes that lead to exactly this value."""


@dataclass(frozen=True)
class CaseVerdict:
    """One case: `score` is the fraction of its parts that are right."""

    label: str
    score: float
    message: str
    parts: tuple[PartVerdict, ...] = ()
    error: float | None = None
    mistakes: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckVerdict:
    """One check: `score` in [0, 1] is the mean over its cases."""

    name: str
    score: float
    cases: tuple[CaseVerdict, ...] = ()
    mistake: str = ""
    """The known mistake that explains most of what is wrong, if there is one."""
    hint: str = ""
    message: str = ""
    """Why there is nothing to show, if there are no cases: not run, not handed back."""
