"""What judges of hand calculations share: their one question, and mistakes in some of its parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from grader.contract.judge import Judge, Mistake, Question


def per_student(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    """The one question of an exercise with numbers of one's own."""
    yield Question(f"numbers {variant}", {"variant": variant})


def same_for_all(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    """The one question of an exercise with the same numbers for everybody."""
    yield Question("", {})


def changed(wrong: Callable[..., Any], right: Callable[..., Any], hint: str) -> Mistake:
    """A mistake that lists only the parts in which it differs from the right answer.

    That keeps the public cases small: there are five hundred sets of numbers.
    """

    def answer(**inputs: Any) -> dict[str, Any]:
        expected = right(**inputs)
        found = wrong(**inputs)
        return {p: v for p, v in found.items() if not np.array_equal(v, expected[p])}

    return Mistake(answer, hint)


def by_hand(
    name: str,
    reference: Callable[..., Any],
    mistakes: Mapping[str, Mistake],
    parts: Iterable[str],
    section: str,
    by_student: bool = True,
) -> Judge:
    """A judge of values worked out by hand, with numbers of one's own or the same for all."""
    draw = per_student if by_student else same_for_all
    return Judge(
        name, reference, draw, mistakes, "value", tuple(parts), section, by_student=by_student
    )
