"""Cases held against each other: the same seed must draw the same, another seed something else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from utils.checks.cases import Case
from utils.checks.verdicts import CaseVerdict, Reply, Told

OWN_CHANCE = "drawn without the seed"
DEAF = "the seed makes no difference"

HINTS = {
    OWN_CHANCE: "The same seed must give the same result: draw everything with a generator that "
    "is made from it, np.random.default_rng(seed).",
    DEAF: "Another seed must give another result: is it drawn with the seed that was handed over?",
}
"""What to think about next, for the mistakes that are named here."""


def with_earlier(
    case: Case, reply: Reply, replies: Sequence[Reply], verdict: CaseVerdict
) -> CaseVerdict:
    """The verdict on a case, which fails too if its answer does not fit to that of an earlier one.

    Nothing is added to what is wrong already, nor where the earlier one has no answer.
    """
    place = max(case.same_as, case.unlike)
    if place < 0 or verdict.score < 1 or not place < len(replies) or replies[place].error:
        return verdict
    equal = _equal(reply.value, replies[place].value)
    if case.same_as >= 0 and not equal:
        told = Told("the same inputs and the same seed gave another result the second time")
        return CaseVerdict(case.label, 0.0, told, mistakes=(OWN_CHANCE,))
    if case.unlike >= 0 and equal:
        told = Told("another seed gave the same result")
        return CaseVerdict(case.label, 0.0, told, mistakes=(DEAF,))
    return verdict


def _equal(one: Any, other: Any) -> bool:
    """Are two answers the same, to the last bit?"""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[k], other[k]) for k in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(_equal, one, other))
    left, right = np.asarray(one), np.asarray(other)
    numbers = left.dtype.kind in "fc" and right.dtype.kind in "fc"
    return bool(np.array_equal(left, right, equal_nan=numbers))
