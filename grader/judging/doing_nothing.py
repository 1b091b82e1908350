"""What is earned without doing anything: the best idle answer to each check of a notebook.

Idle answers are those that fit any check (zeros, ones, an input handed back, noise, what was right
in the first public case, …), the public cases looked up, one word for all choices, and what the
course's known answers mark as idle.  They are judged on fresh cases as any answer is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from grader.contract.judges import judges_of, samples_of
from grader.contract.sample import Sample
from grader.judging import truth
from utils import codec
from utils.checks import cases as public_cases
from utils.checks.cases import Case, CaseSet
from utils.checks.compare import compare
from utils.checks.idle import handed_back
from utils.checks.verdicts import Reply

MOST = 0.03
"""The largest share of a notebook's points that may be earned so."""

Idle = Callable[[Case], Any]


@dataclass(frozen=True)
class Best:
    """The idle answer that earns most of a check."""

    check: str
    score: float
    answer: str


def best(notebook: str, check: str, seed: str) -> Best:
    """Try them all.  Of equals, the first."""
    cases = truth.drawn(notebook, "team_1", seed, check).cases[check]
    fitting = _by_hand(cases, _words(notebook, check, seed))
    if cases.kind == "function":
        fitting = _of_functions(cases, seed)
    found = [Best(check, _score(cases, answer), name) for name, answer in fitting]
    found += [
        Best(check, truth.find(notebook, sample, seed).verdict.score, sample.title)
        for sample in idle_samples(notebook, check)
    ]
    return max(found, key=lambda each: each.score)


def idle_samples(notebook: str, check: str) -> list[Sample]:
    """What the course's known answers mark as idle."""
    return [s for s in samples_of(notebook) if s.idle and s.check == check]


def run(console: Console, notebooks: Iterable[str], seed: str, checks: Collection[str] = ()) -> int:
    """Print the table and a JSON summary.  Returns the exit status: 1 if a notebook gives more than
    MOST of its points away."""
    table = Table("notebook", "check", "best idle answer", "earns", "of", box=None)
    by_notebook, bad = {}, 0
    for notebook in notebooks:
        earned = maximum = 0.0
        for check in judges_of(notebook):
            if checks and check not in checks:
                continue
            worth = points_of(check)
            found = best(notebook, check, seed)
            earned, maximum = earned + found.score * worth, maximum + worth
            said = found.answer if found.score else "–"
            table.add_row(notebook[:2], check, said, f"{found.score * worth:.2f}", f"{worth:g}")
        too_much = earned > MOST * maximum
        bad += too_much
        said = f"at most {100 * MOST:g} %" if too_much else ""
        share = f"{100 * earned / maximum:.1f} %" if maximum else ""
        table.add_row(notebook[:2], "all checks", said, f"{earned:.2f}", f"{maximum:g}  {share}")
        by_notebook[notebook[:2]] = {"earned": round(earned, 2), "points": maximum}
    console.print(table)
    print(json.dumps({"seed": seed, "most": MOST, "by_notebook": by_notebook}))
    return 1 if bad else 0


def points_of(check: str) -> float:
    """What a check is worth as the course is built now; 1 if it is not built yet."""
    listed = public_cases.PUBLIC_CASES / "points.json"
    try:
        return float(json.loads(listed.read_text()).get(check, 1))
    except OSError:
        return 1.0


def _score(cases: CaseSet, answer: Idle) -> float:
    return compare(cases, [_reply(answer, case) for case in cases.cases]).score


def _reply(answer: Idle, case: Case) -> Reply:
    try:
        return Reply(codec.plain(answer(case)))
    except Exception as error:  # no answer to this case
        return Reply(error=f"{type(error).__name__}: {error}")


def _of_functions(cases: CaseSet, seed: str) -> Iterator[tuple[str, Idle]]:
    """Name and answer of what fits any function."""
    yield "nothing", lambda case: None
    yield "an empty list", lambda case: []
    for name in {name: None for case in cases.cases for name in case.inputs}:
        yield f"its input {name}", partial(handed_back, name, cases.parts)
        yield f"its input {name} alone", partial(_alone, name)
    public = public_cases.load(cases.name)
    if cases.measure or cases.assess:
        for number in (0, 1, 0.5):
            yield f"{number:g}", partial(_constant, number)
        return
    yield "zeros", partial(_filled, lambda array: np.zeros_like(array))
    yield "ones", partial(_filled, lambda array: np.ones_like(array))
    yield "a half", partial(_filled, lambda array: np.full(array.shape, 0.5))
    rng = np.random.default_rng(len(seed))
    yield "noise", partial(_filled, lambda array: rng.normal(size=array.shape))
    yield (
        "whole numbers at random",
        partial(_filled, lambda array: rng.integers(10, size=array.shape)),
    )
    yield "what is right in the first public case", lambda case: dict(public.cases[0].expected)
    yield "the public cases looked up", partial(_looked_up, public)


def _by_hand(cases: CaseSet, words: list[str]) -> Iterator[tuple[str, Idle]]:
    """What is filled in without a look at the question.  Other numbers are no such answers: they
    can be found one by one, as the instructors' guide says of all that is found by hand."""
    yield "nothing", lambda case: None
    yield "an empty list", lambda case: []
    for value in [0, 1, True, *words]:
        yield f"{value} everywhere", partial(_everywhere, value)
        yield f"{value}", partial(_constant, value)


def _words(notebook: str, check: str, seed: str) -> list[str]:
    """The words among which one chooses, where there is a choice."""
    sets = [truth.drawn(notebook, f"team_{n}", seed, check).cases[check] for n in range(1, 9)]
    values = [v for each in sets for case in each.cases for v in case.expected.values()]
    words = sorted({value for value in values if isinstance(value, str)})
    return words if len(words) > 1 else []


def _alone(name: str, case: Case) -> Any:
    return case.inputs[name]


def _constant(value: Any, case: Case) -> Any:
    return value


def _everywhere(value: Any, case: Case) -> dict[str, Any]:
    def like(expected: Any) -> Any:
        shape = np.shape(expected)
        return np.full(shape, value) if shape and not isinstance(value, str) else value

    return {part: like(expected) for part, expected in case.expected.items()}


def _filled(fill: Callable[[np.ndarray], np.ndarray], case: Case) -> dict[str, Any]:
    return {
        part: value if isinstance(value, str) else fill(np.asarray(value))
        for part, value in case.expected.items()
    }


def _looked_up(public: CaseSet, case: Case) -> dict[str, Any]:
    """What data/checks says of these inputs, and zeros where it knows none such."""
    asked = codec.pack(case.inputs)
    for known in public.cases:
        if codec.pack(known.inputs) == asked:
            return dict(known.expected)
    return _filled(lambda array: np.zeros_like(array), case)
