"""Answers without an idea: zeros, an input as it was handed over, what a judge adds to these.

What the best of them would earn is nobody's achievement, so points begin above it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from utils.checks.cases import Case, CaseSet
from utils.checks.verdicts import Reply

Idle = Callable[..., Any]


def score(own: Sequence[Idle], cases: CaseSet) -> float:
    """The most that one of them would earn of a check, in [0, 1).  cases: on a scale from zero."""
    from utils.checks.compare import compare  # which asks for this score

    tried = ([_reply(answer, case) for case in cases.cases] for answer in _answers(own, cases))
    # of cases: half at most for a mistake that misses the idea is taken off the scale later
    found = [float(np.mean([v.score for v in compare(cases, each).cases])) for each in tried]
    return max((each for each in found if each < 1), default=0.0)


def _answers(own: Sequence[Idle], cases: CaseSet) -> Iterator[Callable[[Case], Any]]:
    yield from (partial(_called, answer) for answer in own)
    if cases.kind == "value":  # what is filled in by hand: nothing is handed over
        return
    if not cases.measure and not cases.assess:
        yield _zeros
    for name in {name: None for case in cases.cases for name in case.inputs}:
        yield partial(handed_back, name, cases.parts)


def _called(answer: Idle, case: Case) -> Any:
    return answer(**copy.deepcopy(case.inputs))


def handed_back(name: str, parts: tuple[str, ...], case: Case) -> dict[str, Any]:
    """One input in the place of everything."""
    return dict.fromkeys(parts, case.inputs[name])


def _zeros(case: Case) -> dict[str, Any]:
    """Zeros in the place of every number."""
    return {
        part: value if isinstance(value, str) else np.zeros_like(np.asarray(value))
        for part, value in case.expected.items()
    }


def _reply(answer: Callable[[Case], Any], case: Case) -> Reply:
    try:
        return Reply(answer(case))
    except Exception as error:  # no answer to this case
        return Reply(error=f"{type(error).__name__}: {error}")
