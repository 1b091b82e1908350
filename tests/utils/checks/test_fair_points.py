"""Points follow the idea: seeds, types, answers without an idea, mistakes that miss it, names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.contract.judge import Judge, Mistake, Question
from utils.checks import cases as case_files
from utils.checks import together
from utils.checks.cases import Case
from utils.checks.compare import CHANGED, HINTS, OTHER_ORDER, OTHER_TYPE, compare
from utils.checks.shown import Shown
from utils.checks.verdicts import CaseVerdict, CheckVerdict, Reply


def _verdict(judge: Judge, answer: Any) -> CheckVerdict:
    drawn = judge.cases(np.random.default_rng(0))
    return compare(drawn, [Reply(answer(**case.inputs)) for case in drawn.cases])


def _draw(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    x = np.arange(1.0, 5.0)
    yield Question("plain", {"x": x})
    yield Question("floats of 32 bits", {"x": x + 1}, types={"output": "float32"})


DOUBLED = Judge("doubled", lambda x: 2 * x, _draw)


def test_a_type_that_is_asked_for_counts_in_its_case() -> None:
    assert _verdict(DOUBLED, lambda x: (2 * x).astype("float32")).score == 1
    wrong = _verdict(DOUBLED, lambda x: 2 * x)
    assert (wrong.score, wrong.mistake) == (0.5, OTHER_TYPE)
    assert "float32 is asked for" in wrong.cases[1].message_for_student
    assert _verdict(DOUBLED, lambda x: 3 * x).mistake == ""  # values first


@pytest.mark.parametrize(
    ("draw", "again", "another"),
    [
        (lambda seed: np.random.default_rng(seed).normal(size=3), "", ""),
        (lambda seed: {"w": [np.random.default_rng(seed).normal(size=3)]}, "", ""),
        (lambda seed: np.random.default_rng().normal(size=3), "drawn without the seed", ""),
        (lambda seed: np.random.default_rng(0).normal(size=3), "", "the seed makes no difference"),
    ],
)
def test_the_same_seed_draws_the_same_and_another_something_else(
    draw: Any, again: str, another: str
) -> None:
    first, second, third = (Reply(draw(seed)) for seed in (5, 5, 6))
    fine = CaseVerdict("", 1.0)

    def named(reply: Reply, **held: int) -> str:
        case = Case("", {}, {}, **held)
        verdict = together.with_earlier(case, reply, [first], fine)
        assert verdict.score == (not verdict.mistakes)
        return " ".join(verdict.mistakes)

    assert named(second, same_as=0) == again
    assert named(third, unlike=0) == another


def test_what_an_answer_without_an_idea_would_earn_is_the_zero_of_the_scale() -> None:
    def draw(rng: np.random.Generator, variant: int) -> Iterator[Question]:
        for size, stride in ((6, 1), (6, 2), (6, 3), (9, 3)):
            yield Question(f"{size} by {stride}", {"size": size, "stride": stride})

    judge = Judge("windows", lambda size, stride: size // stride, draw)
    assert _verdict(judge, lambda size, stride: size).score == 0  # right in the first case
    assert _verdict(judge, lambda size, stride: size // min(stride, 2)).score == pytest.approx(
        1 / 3
    )
    assert _verdict(judge, lambda size, stride: size // stride).score == 1
    told = replace(judge, idle=(lambda size, stride: 3 if stride > 1 else 0,))
    assert _verdict(told, lambda size, stride: 3 if stride > 1 else 0).score == 0


def test_without_a_needed_part_the_others_count_for_nothing() -> None:
    def draw(rng: np.random.Generator, variant: int) -> Iterator[Question]:
        yield Question("7 by 2", {"n": 7, "by": 2})
        yield Question("9 by 4", {"n": 9, "by": 4})

    judge = Judge(
        "parts", lambda n, by: divmod(n, by), draw, parts=("whole", "rest"), needed=("whole",)
    )
    assert _verdict(judge, lambda n, by: (n // by, 8)).score == 0.5
    assert _verdict(judge, lambda n, by: (0, n % by)).score == 0


def test_public_cases_keep_the_zero_of_the_scale(tmp_path: Path) -> None:
    def draw(rng: np.random.Generator, variant: int) -> Iterator[Question]:
        yield Question("nothing to do", {"n": 0})
        yield Question("something", {"n": 4})

    public = Judge("square", lambda n: n * n, draw).public_cases()
    case_files.save(public, tmp_path / "square.npz")
    loaded = case_files.load("square", tmp_path)
    verdict = compare(loaded, [Reply(0), Reply(0)])
    assert verdict.score == 0
    headline = Shown(verdict, loaded, 3).headline()
    assert headline == "square: 1 of 2 cases passed, no more than without any idea, 0 of 3 points"


ADDED = Judge(
    "added",
    lambda a, b: a + b,
    lambda rng, variant: [
        Question(f"{a} and {b}", {"a": a, "b": b}) for a, b in ((1, 0), (2, 0), (3, 0), (4, 5))
    ],
    {
        "b is forgotten": Mistake(lambda a, b: a, "And b?", core=True),
        "the larger one": Mistake(lambda a, b: max(a, b)),
    },
)


def test_a_mistake_that_misses_the_idea_leaves_half_at_most() -> None:
    drawn = replace(ADDED.cases(np.random.default_rng(0)), floor=0.0)
    verdict = compare(drawn, [Reply(case.inputs["a"]) for case in drawn.cases])
    assert (verdict.mistake, verdict.score) == ("b is forgotten", 0.5)
    assert "half of the points is the most" in Shown(verdict, drawn, 4).headline()
    other = compare(drawn, [Reply(max(case.inputs.values())) for case in drawn.cases])
    assert (other.mistake, other.score) == ("the larger one", 0.75)


def test_one_coincidence_names_nothing() -> None:
    def draw(rng: np.random.Generator, variant: int) -> Iterator[Question]:
        for a in (1, 2, 3, 4, 5):
            yield Question(str(a), {"a": a})

    squared = Mistake(lambda a: a * a, "Not the square.")
    judge = Judge("doubled", lambda a: 2 * a, draw, {"squared": squared})
    assert _verdict(judge, lambda a: 25).mistake == ""
    assert _verdict(judge, lambda a: a * a if a != 4 else 0).mistake == "squared"


def test_what_is_right_though_a_mistake_would_spoil_it_speaks_against_the_mistake() -> None:
    def draw(rng: np.random.Generator, variant: int) -> Iterator[Question]:
        for a in (0, 2, 3):
            yield Question(str(a), {"a": a})

    judge = Judge("square", lambda a: a * a, draw, {"one off": Mistake(lambda a: a * a - 1)})
    assert _verdict(judge, lambda a: a * a - 1).mistake == "one off"
    assert _verdict(judge, lambda a: a * a if a else -1).mistake == ""

    parts = {"doubled": Mistake(lambda a: (2 * a + 1, 2 * a + 2, 2 * a + 3))}
    three = Judge("three", lambda a: (a, a + 1, a + 9), draw, parts, parts=("x", "y", "z"))
    assert _verdict(three, lambda a: (2 * a + 1, 2 * a + 2, 0)).mistake == "doubled"
    assert _verdict(three, lambda a: (2 * a + 1, a + 1, a + 9)).mistake == ""


def test_right_results_in_another_order_are_told_so() -> None:
    def draw(rng: np.random.Generator, variant: int) -> Iterator[Question]:
        for a in (1, 2):
            yield Question(str(a), {"a": np.arange(1.0, 3) * a})

    judge = Judge("two", lambda a: (a, 2 * a, 5.0), draw, parts=("once", "twice", "five"))
    swapped = _verdict(judge, lambda a: (2 * a, a, 5.0))
    assert (swapped.mistake, swapped.hint) == (OTHER_ORDER, HINTS[OTHER_ORDER])
    assert _verdict(judge, lambda a: (5.0, a, 2 * a)).mistake == OTHER_ORDER
    assert _verdict(judge, lambda a: (2 * a, 2 * a, 5.0)).mistake == ""


def test_an_argument_that_is_changed_is_named() -> None:
    drawn = DOUBLED.cases(np.random.default_rng(0))
    found = compare(drawn, [Reply(2 * case.inputs["x"], changed=("x",)) for case in drawn.cases])
    assert (found.score, found.mistake, found.hint) == (0, CHANGED, HINTS[CHANGED])
