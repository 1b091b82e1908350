"""What came back from an answer, and what is said about it: parts, cases, checks.

A verdict is data until it is shown.  `for_marker` puts all of it into words; `for_student` leaves
out what an exercise keeps to itself, whoever words it: that is a field of its own.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
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
class Told:
    """What was found out about a value."""

    measured: str = ""
    """What was looked at, and where: "12 of 20 values are off; the worst: [0, 1]"."""
    got: str = ""
    """The student's own value there: "is 3.2"."""
    expected: str = ""
    """What it was held against: "expected 2.5".  For markers alone."""
    relation: str = ""
    """How the two relate: "off by a constant factor"."""
    amount: str = ""
    """By how much: "2".  For markers alone."""
    raised: str = ""
    """Type and text of an exception.  It may quote inputs that are nobody's to see."""

    def for_marker(self) -> str:
        """All of it in words.  Also for a student's own look at public cases."""
        relation = f"{self.relation} of {self.amount}" if self.amount else self.relation
        return _in_words(self.raised, self.measured, self.got, self.expected, relation)

    def for_student(self) -> str:
        """In words, without what was expected; of an exception without the numbers in it."""
        return _in_words(_masked(self.raised), self.measured, self.got, "", self.relation)


@dataclass(frozen=True)
class PartVerdict:
    """One part of one case."""

    part: str
    ok: bool
    told: Told = Told()
    error: float | None = None
    """Largest absolute error, where both values are numbers of the same shape."""
    mistakes: tuple[str, ...] = ()
    """Known mistakes that lead to exactly this value."""

    @property
    def message(self) -> str:
        """What is said of it, for markers."""
        return self.told.for_marker()


@dataclass(frozen=True)
class CaseVerdict:
    """One case."""

    label: str
    score: float
    """Fraction of its points that it earns."""
    told: Told = Told()
    """What is said of the whole; with parts, they say it."""
    parts: tuple[PartVerdict, ...] = ()
    error: float | None = None
    mistakes: tuple[str, ...] = ()
    remarks: bool = False
    """Do parts that are right say something worth reading, too?"""

    @property
    def message(self) -> str:
        """What is said of it, for markers."""
        return _joined([(name, told.for_marker()) for name, told in self._said()])

    @property
    def message_for_student(self) -> str:
        """What is said of it without what an exercise keeps to itself."""
        return _joined([(name, told.for_student()) for name, told in self._said()])

    def _said(self) -> list[tuple[str, Told]]:
        if self.told != Told():
            return [("", self.told)]
        said = [part for part in self.parts if not part.ok]
        if not said and self.remarks:
            said = [part for part in self.parts if part.told != Told()]
        return [(part.part if len(self.parts) > 1 else "", part.told) for part in said]


@dataclass(frozen=True)
class CheckVerdict:
    """One check: `score` in [0, 1] is the mean over its cases."""

    name: str
    score: float
    cases: tuple[CaseVerdict, ...] = ()
    mistake: str = ""
    """The known mistake that explains most of what is wrong, if there is one."""
    hint: str = ""


def of_parts(
    label: str,
    parts: Sequence[PartVerdict],
    score: float | None = None,
    mistakes: tuple[str, ...] | None = None,
    remarks: bool = False,
) -> CaseVerdict:
    """The one way from parts to a case: everything if all are right, otherwise `score`.

    score: the fraction of parts that are right, if left out.  mistakes: those of the wrong parts if
    left out; one that explains two parts is named twice, and counts so.
    """
    wrong = [part for part in parts if not part.ok]
    if score is None:
        score = (len(parts) - len(wrong)) / len(parts)
    if mistakes is None:
        mistakes = tuple(m for part in wrong for m in part.mistakes)
    errors = [part.error for part in parts if part.error is not None]
    return CaseVerdict(
        label,
        score if wrong else 1.0,
        parts=tuple(parts),
        error=max(errors) if errors else None,
        mistakes=mistakes,
        remarks=remarks,
    )


# a number with a point or an exponent is data; whole numbers are mostly sizes and indices
_DECIMAL = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+|\d+(?=[eE][-+]?\d))(?:[eE][-+]?\d+)?")
_LONGEST = 1200
_BRACKETS = re.compile(r"(?:array\()?\[[^\[\]]*\d[^\[\]]*\]\)?")


def _masked(raised: str) -> str:
    """An exception's text without decimals and lists, in which inputs may be quoted."""
    raised = raised[:_LONGEST]
    for _ in range(4):  # nested lists, from the inside out
        raised = _BRACKETS.sub("…", raised)
    return _DECIMAL.sub("…", raised)


def _in_words(raised: str, measured: str, got: str, expected: str, relation: str) -> str:
    words = " ".join(filter(None, (raised, measured, got)))
    words = ", ".join(filter(None, (words, expected)))
    return f"{words} ({relation})" if relation else words


def _joined(said: list[tuple[str, str]]) -> str:
    """What is said of parts, one after the other; of many of which the same is said, once."""
    found = []
    for words, group in itertools.groupby(said, key=lambda pair: pair[1]):
        names = [name for name, _ in group]
        if len(names) < _MANY:
            found += [_of(name, words) for name in names]
        else:
            found.append(_of(f"{names[0]} and {len(names) - 1} more", words))
    return "; ".join(found)


_MANY = 4
"""So many parts of which the same is said are told as one."""


def _of(name: str, words: str) -> str:
    return f"{name}: {words}" if name else words
