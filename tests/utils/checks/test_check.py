"""What students see when they call check, and what the harness and nbgrader get from it."""

from __future__ import annotations

import asyncio
import json
import math
import os
import re
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.contract.judge import Judge, Mistake, Question
from grader.judging.examination import verdict_on
from utils import codec
from utils.checks import cases, compare
from utils.checks.handover import HANDOVER, LATE, CheckFailed, answer_bytes, call_each, check
from utils.checks.identity import variant_of
from utils.checks.verdicts import CaseVerdict, Reply
from utils.nets import quiet

RNG_CASES = [((3,), "a vector"), ((2, 3), "a matrix")]


def draw(rng: np.random.Generator, _: int) -> list[Question]:
    return [Question(label, {"x": rng.normal(size=shape)}) for shape, label in RNG_CASES]


SQUARE = Judge(
    "square",
    lambda x: x * x,
    draw,
    {"cubed": Mistake(lambda x: x**3, "count the factors")},
    section="Squares",
)
BOTH = Judge("both", lambda x: (x + 1, x - 1), draw, parts=("up", "down"))
OWN = Judge(
    "own",
    lambda v: {"a": v, "b": 2 * v},
    lambda rng, v: [Question(f"variant {v}", {"v": v})],
    {"halved": Mistake(lambda v: {"a": v, "b": v}, "twice")},
    kind="value",
    parts=("a", "b"),
    by_student=True,
)


@pytest.fixture(autouse=True)
def public(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for judge in (SQUARE, BOTH, OWN):
        cases.save(judge.public_cases(), tmp_path / f"{judge.name}.npz")
    (tmp_path / "points.json").write_text(json.dumps({"square": 4, "both": 3, "own": 2}))
    monkeypatch.setattr(cases, "PUBLIC_CASES", tmp_path)
    return tmp_path


def test_a_right_answer_earns_all_points() -> None:
    assert repr(check("square", lambda x: x**2)) == "4.0"
    assert repr(check("both", lambda x: [x + 1, x - 1])) == "3.0"


def test_points_of_an_optional_exercise_are_called_bonus(public: Path) -> None:
    (public / "bonus.json").write_text(json.dumps(["square"]))
    assert check("square", lambda x: x**2).headline().endswith("4 of 4 bonus points")
    assert check("both", lambda x: [x + 1, x - 1]).headline().endswith("3 of 3 points")


def test_partial_credit_is_a_number_that_nbgrader_reads() -> None:
    shown = check("both", lambda x: (x + 1, x + 1))
    assert repr(shown) == "1.5"
    assert "down" in "\n".join(shown.lines())
    data, metadata = shown._repr_mimebundle_()
    assert set(data) == {"text/html", "text/plain"}
    assert metadata == {"check": {"name": shown.outcome.name, "score": 0.5}}


def test_a_known_mistake_is_named_with_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CheckFailed, match="cubed"):
        check("square", lambda x: x**3)
    shown = capsys.readouterr().out
    assert "Hint: count the factors" in shown and "Squares" in shown


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda x: None, "returned None"),
        (lambda x: -x * x, "the sign is reversed"),
        (lambda x: 3 * x * x, "constant factor of 3"),
        (lambda x: (x * x).astype(int), "cut off to whole numbers"),
        (lambda x: x * x * (np.arange(x.size) < 2).reshape(x.shape), "what is not zero is right"),
        (lambda x: (x * x).ravel()[::-1].reshape(x.shape), "the right values in other places"),
        (lambda x: x[:1], "has shape"),
        (lambda x: x * np.nan, "NaN"),
        (lambda x: 1 / 0, "ZeroDivisionError"),
        (lambda x: "text", "is the text “text”"),
        (lambda x: object(), "is of type object"),
        (3, "expected a function"),
    ],
)
def test_each_way_to_fail_is_explained(
    answer: Any, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CheckFailed):
        check("square", answer)
    assert message in capsys.readouterr().out


def test_a_long_table_begins_with_the_first_failures(public: Path) -> None:
    """A mistake fails many cases; who has made it needs few of them, and the hint in sight."""
    long = replace(
        SQUARE, draw=lambda rng, _: [Question(f"case {i}", {"x": np.array(i)}) for i in range(12)]
    )
    cases.save(long.public_cases(), public / "square.npz")
    shown = check("square", lambda x: x**2 if x < 5 else x)
    table, _, whole = shown.to_html().partition("<details>")
    assert [f"case {i}<" in table for i in range(12)] == 5 * [False] + 4 * [True] + 3 * [False]
    assert "show all 12" in whole and all(f"case {i}<" in whole for i in range(12))
    assert "  … and 3 more that failed, 5 that passed" in shown.lines()
    right = check("square", lambda x: x**2)
    assert right.lines() == ["square: 12 of 12 cases passed, 4 of 4 points"]
    assert "show all 12" in right.to_html()


def test_an_answer_that_changes_its_input_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    def square(x: np.ndarray) -> np.ndarray:
        x *= x
        return x

    with pytest.raises(CheckFailed):
        check("square", square)
    assert "modified its input x" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "change"),
    [
        ([1, 2], lambda x: x.clear()),
        ([1, 2], lambda x: x.reverse()),
        ({"a": 1}, lambda x: x.update(a=2)),
        ({"a": [np.zeros(2)]}, lambda x: x["a"][0].fill(1)),
        ([(1, [2])], lambda x: x[0][1].append(3)),
        ([np.zeros(2)], lambda x: x.insert(0, x.pop().sum())),
    ],
)
def test_lists_and_dictionaries_are_the_callers_too(
    given: Any, change: Callable[[Any], None]
) -> None:
    (reply,) = call_each(change, [{"x": given}]).replies
    assert reply.changed == ("x",)
    (reply,) = call_each(lambda x: x, [{"x": [given, math.nan, None, "text"]}]).replies
    assert reply.changed == ()


def test_what_is_good_to_a_degree_may_not_change_its_input_either() -> None:
    rule = cases.rule_name(right_by_degree)
    asked = cases.CaseSet("it", "function", (), (cases.Case("one", {}, {}),), assess=rule)
    for changed, score in (((), 1), (("x",), 0)):
        assert compare.compare(asked, [Reply(1, changed=changed)]).score == score


def right_by_degree(case: cases.Case, value: Any) -> CaseVerdict:
    return CaseVerdict(case.label, 1.0)


@pytest.mark.filterwarnings("default")
def test_noise_on_stderr_is_no_failure(capfd: pytest.CaptureFixture[str]) -> None:
    def noisy(x: np.ndarray) -> np.ndarray:
        print("progress", file=sys.stderr)
        os.write(2, b"a library's own log")
        warnings.warn("look out", stacklevel=1)
        return x * x

    shown = check("square", noisy)
    assert repr(shown) == "4.0"
    assert capfd.readouterr().err == ""
    assert "progress" in shown.to_html()


def test_what_a_student_prints_is_escaped() -> None:
    def evil(x: np.ndarray) -> np.ndarray:
        print("<script>alert(1)</script>")
        return x * x

    assert "<script" not in check("square", evil).to_html()


def test_own_numbers_are_found_by_any_spelling_of_the_id() -> None:
    v = variant_of("team_7")
    assert repr(check("own", {"a": v, "b": 2 * v}, student="Team 07")) == "2.0"
    assert repr(check("own", [v, 2 * v], student="team_7")) == "2.0"
    assert repr(check("own", {"a": np.float32(v), "b": v}, student="team_7")) == "1.0"


def test_an_id_left_as_it_was_is_pointed_out() -> None:
    with pytest.raises(CheckFailed, match="STUDENT_ID"):
        check("own", {"a": 1, "b": 2}, student="your_id")


def test_values_found_by_hand_are_not_in_the_public_cases(public: Path) -> None:
    stored = codec.unpack((public / "own.npz").read_bytes())
    assert all(cases.is_sealed(v) for row in stored["cases"] for v in row["expected"].values())
    assert all(row["inputs"] == {} for row in stored["cases"])


def test_an_unknown_check_says_what_to_do() -> None:
    with pytest.raises(LookupError, match="Unpack the course again"):
        check("../../etc/passwd", 1)


@pytest.fixture
def handover(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "handover"
    folder.mkdir()
    given = {"kind": "function", "calls": [{"x": np.arange(3.0)}], "seconds_per_call": 0.2}
    (folder / "square.inputs.npz").write_bytes(codec.pack(given))
    monkeypatch.setenv(HANDOVER, str(folder))
    return folder


def test_under_the_harness_values_go_back_and_nothing_is_decided(handover: Path) -> None:
    assert "handed to the judge" in repr(check("square", lambda x: x + 1))
    answer = codec.unpack((handover / "square.answer1.npz").read_bytes())
    np.testing.assert_array_equal(answer["replies"][0]["value"], [1.0, 2.0, 3.0])
    check("square", lambda x: x * x)
    assert (handover / "square.answer2.npz").exists()


def test_under_the_harness_an_endless_call_ends(handover: Path) -> None:
    def endless(x: np.ndarray) -> np.ndarray:
        while True:
            time.sleep(0.01)

    check("square", endless)
    answer = codec.unpack((handover / "square.answer1.npz").read_bytes())
    assert answer["replies"][0]["error"].startswith("CallTimeout")
    assert (handover / LATE).exists()


def judged(answer: Any, expected: Any = None, **more: Any) -> compare.CheckVerdict:
    """What the judge says of a function that is right in its first case only."""
    right = np.array([[0.0, 1.0], [1.0, 0.0]]) if expected is None else expected
    given = [cases.Case(label, {"x": n}, {"y": right}, **more) for n, label in enumerate("ab")]
    asked = cases.CaseSet("some", "function", ("y",), tuple(given))
    packed = answer_bytes(
        lambda x: answer() if x else right, "function", [c.inputs for c in asked.cases]
    )
    return verdict_on(asked, packed, "team_7")


TYPES = [*"?bBhHiIlLqQefdgFDG", "U3", "S3", "M8[D]", "m8[s]", "O", "i4,f4", "V4", "bfloat16"]


def of_type(name: str, values: list[list[float]]) -> Any:
    """The values as an array of a type, as far as that type can hold them."""
    if name == "bfloat16":
        return quiet.import_tensorflow().constant(values, name)
    array = np.array(values)
    if name == "V4":
        return array.astype("i4").view("V4")
    return (array.astype("i4") if name[0] in "Mm" else array).astype(name)


@pytest.mark.parametrize("expected", ["?", "l", "f", "d", "D"])
@pytest.mark.parametrize("kind", TYPES)
def test_an_answer_of_any_type_costs_its_own_case_at_most(kind: str, expected: str) -> None:
    right = np.array([[0, 1], [1, 0]]).astype(expected)
    inverted = right == 0
    mistake = {"inverted": {"y": inverted.astype(expected)}, "lost": {"y": np.zeros((2, 2))}}
    found = judged(lambda: of_type(kind, [[1, 0], [0, 1]]), right, mistakes=mistake)
    assert [c.score for c in found.cases] == [1, 0]
    assert found.cases[1].message and "Error" not in found.cases[1].message
    numbers = np.dtype("f" if kind == "bfloat16" else kind).kind in "biufc"
    assert found.cases[1].mistakes == (("inverted",) if numbers else ())
    same = judged(lambda: of_type(kind, [[0, 1], [1, 0]]), right)
    assert same.cases[1].score == numbers


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda: np.array([[True, True], [True, False]]), r"the worst: \[0, 0\] is 1, expected 0"),
        (lambda: np.array([[0, 255], [255, 0]], np.uint8), "constant factor of 255"),
        (lambda: np.array([[0, 6e4], [6e4, 0]], np.float16), "constant factor of 6e"),
        (lambda: np.full((2, 2), np.finfo(np.float64).max), "values are off"),
        (lambda: np.full((2, 2), 2**62), "values are off"),
        (lambda: np.array([[0, 1], [1, np.nan]]), "NaN or infinite"),
        (lambda: np.array([[0, 1], [1, -np.inf]], np.float16), "NaN or infinite"),
        (lambda: np.array([[0, 1], [1, complex(0, np.nan)]]), "NaN or infinite"),
        (lambda: np.array(True), r"is one number, expected an array of shape \(2, 2\)"),
        (lambda: True, "is one number, expected an array"),
        (lambda: [[0, 1], [1, 10**30]], "too large a whole number"),
        (lambda: 10**5000, "too large a whole number"),
        (lambda: np.zeros(2, object), "an array of type object"),
        (lambda: np.zeros((2, 2), "M8[D]"), r"an array of type datetime64\[D\]"),
        (lambda: np.zeros(2, "i4,f4"), "an array of type"),
        (lambda: [[0, 1], [1]], "whose parts have different shapes"),
        (lambda: {1: 2}, "is a dictionary with the key 1, expected an array"),
        (
            lambda: np.array([["a", "b"], ["c", "d"]]),
            r"an array of texts of shape \(2, 2\), expected an array of",
        ),
    ],
)
def test_odd_numbers_are_wrong_with_a_sensible_reason(answer: Any, told: str) -> None:
    found = judged(answer)
    assert [c.score for c in found.cases] == [1, 0]
    assert re.search(told, found.cases[1].message), found.cases[1].message


def test_booleans_pass_for_the_numbers_that_they_are() -> None:
    assert judged(lambda: np.array([[False, True], [True, False]])).score == 1
    assert judged(lambda: np.array([[0, 1], [1, 0]], np.uint8)).score == 1


def size(inputs: dict[str, Any], answer: Any) -> dict[str, Any]:
    """A measure that expects much of an answer."""
    return {"size": answer["height"] + 1}


def test_a_measure_that_can_not_cope_costs_its_case() -> None:
    given = tuple(cases.Case(n, {}, {"size": 2}) for n in "ab")
    asked = cases.CaseSet("some", "function", ("size",), given, measure=cases.rule_name(size))
    found = compare.compare(asked, [compare.Reply({"height": 1}), compare.Reply({"height": "x"})])
    assert [c.score for c in found.cases] == [1, 0]
    told = "is not what the exercise asks for, but a dictionary with the key height"
    assert found.cases[1].message.startswith(told) and "TypeError" in found.cases[1].message
    assert "TypeError" not in found.cases[1].message_for_student


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


class Leaving:
    """An answer that ends the program when it is looked at."""

    def __array__(self, *_: Any, **__: Any) -> Any:
        sys.exit("out of room")


def raises(error: BaseException) -> Any:
    raise error


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda: sys.exit("stride too large"), "SystemExit: stride too large"),
        (lambda: sys.exit(), "SystemExit"),
        (lambda: raises(asyncio.CancelledError()), "CancelledError"),
        (lambda: raises(GeneratorExit()), "GeneratorExit"),
        (lambda: raises(BaseException("odd")), "BaseException: odd"),
        (lambda: raises(BaseExceptionGroup("two", [SystemExit(1)])), "BaseExceptionGroup: two"),
        (lambda: raises(Unspeakable()), "Unspeakable"),
        (Leaving, "SystemExit: out of room"),
    ],
)
def test_whatever_a_call_raises_costs_its_own_case(answer: Any, told: str) -> None:
    found = judged(answer)
    assert [c.score for c in found.cases] == [1, 0]
    assert told in found.cases[1].message


def test_a_value_that_ends_the_program_when_looked_at_is_wrong() -> None:
    with pytest.raises(CheckFailed):
        check("own", {"a": Leaving(), "b": 1}, student="team_7")


def test_interrupting_a_check_by_hand_interrupts_it() -> None:
    tried: list[int] = []

    def square(x: np.ndarray) -> Any:
        tried.append(1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check("square", square)
    assert len(tried) == 1


@pytest.fixture
def many(handover: Path) -> Path:
    calls = [{"x": np.array(float(n))} for n in range(4)]
    given = {"kind": "function", "calls": calls, "seconds_per_call": 5}
    (handover / "square.inputs.npz").write_bytes(codec.pack(given))
    return handover


def errors(folder: Path) -> list[str]:
    answer = codec.unpack((folder / "square.answer1.npz").read_bytes())
    return [reply["error"] for reply in answer["replies"]]


def test_a_cell_that_is_ended_hands_back_what_is_done(many: Path) -> None:
    def square(x: np.ndarray) -> Any:
        if x == 2:
            raise KeyboardInterrupt
        return x * x

    assert not (many / LATE).exists()
    with pytest.raises(KeyboardInterrupt):
        check("square", square)
    first, second, third, last = errors(many)
    assert (first, second) == ("", "")
    assert third.startswith("stopped after 0 seconds") and "20 seconds" in third
    assert last.startswith("not tried") and "20 seconds" in last
    assert (many / LATE).exists()


def test_all_calls_that_keep_to_their_limit_are_tried(many: Path) -> None:
    def square(x: np.ndarray) -> Any:
        time.sleep(0.3)
        return x * x

    check("square", square)
    assert errors(many) == [""] * 4
    assert not (many / LATE).exists()
