"""What students see when they call check, and what the harness and nbgrader get from it."""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.judges.base import Judge, Mistake, Question
from utils import cases, codec
from utils.check import HANDOVER, CheckFailed, check
from utils.identity import variant_of

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


def test_partial_credit_is_a_number_that_nbgrader_reads() -> None:
    shown = check("both", lambda x: (x + 1, x + 1))
    assert repr(shown) == "1.5"
    assert "down" in "\n".join(shown.lines())
    assert set(shown._repr_mimebundle_()) == {"text/html", "text/plain"}


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
        (lambda x: x[:1], "has shape"),
        (lambda x: x * np.nan, "NaN"),
        (lambda x: 1 / 0, "ZeroDivisionError"),
        (lambda x: "text", "is a text"),
        (lambda x: object(), "is a object"),
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
