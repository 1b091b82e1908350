"""What is said of an answer of the wrong kind, or of one that raises: what came, what was asked
for, and where; never a library's own words about its insides."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader import config
from grader.contract.judges import judges_of
from utils.checks import cases, compare, handover, raised
from utils.checks.cases import Case, CaseSet
from utils.checks.kinds import described, wanted
from utils.checks.verdicts import CaseVerdict, Reply


class Odd:
    """None of what can be handed over."""


WRONG: dict[str, Callable[[], Any]] = {
    "nothing": lambda: None,
    "text": lambda: "abc",
    "long text": lambda: "abc " * 1000,
    "whole number": lambda: 3,
    "number": lambda: 2.5,
    "truth value": lambda: True,
    "empty list": lambda: [],
    "ragged list": lambda: [[1, 2], [3]],
    "ragged arrays": lambda: [np.zeros((2, 2)), np.zeros((3, 2))],
    "dictionary": lambda: {"a": 1},
    "empty dictionary": lambda: {},
    "seven things": lambda: (1, 2, 3, 4, 5, 6, 7),
    "vector": lambda: np.arange(3.0),
    "number as array": lambda: np.float32(1),
    "six axes": lambda: np.zeros((1, 1, 1, 1, 1, 1)),
    "texts": lambda: ["a", "b"],
    "array of texts": lambda: np.array(["a", "b"]),
    "not a number": lambda: np.full((2, 2), np.nan),
    "complex": lambda: 1j,
    "object": Odd,
    "function": lambda: len,
    "set": lambda: {1, 2},
    "generator": lambda: (i for i in range(3)),
    "truth values": lambda: np.array([True, False]),
    "nested": lambda: [[[[]]]],
    "mixed": lambda: [1, "a", None],
    "empty array": lambda: np.zeros((0, 3)),
    "bytes": lambda: b"abc",
    "huge number": lambda: 10**30,
    "two Nones": lambda: (None, None),
    "array of objects": lambda: np.array([None, Odd()], object),
    "tensor of texts": lambda: np.array("abc"),
}
UNHELPFUL = re.compile(
    r"is a text\b|ragged|can't be judged|in user code|inhomogeneous|ambiguous|<U\d|NoneType"
    r"|has no attribute|subscriptable|not iterable|object of type|shape \(\),|dtype|got \(\)"
    r"|builtin_function|iteration over|the judge met|setting an array"
)


@pytest.fixture(scope="module")
def public() -> list[CaseSet]:
    """One case of each check of all notebooks."""
    sets = [cases.load(name) for book in config.load().notebooks for name in judges_of(book)]
    return [replace(each, cases=each.cases[:1]) for each in sets]


def replied(answer: Any) -> Reply:
    """What a call that returns the answer hands over."""
    return handover.call_each(lambda: answer, [{}]).replies[0]


@pytest.mark.parametrize("kind", WRONG)
def test_no_check_of_the_course_answers_a_wrong_kind_in_a_librarys_words(
    kind: str, public: list[CaseSet]
) -> None:
    assert len(public) > 80
    reply = replied(WRONG[kind]())
    for asked in public:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            verdict = compare.compare_case(asked, asked.cases[0], reply)
        if verdict.score < 1:
            assert verdict.message, asked.name
        assert not UNHELPFUL.search(verdict.message), f"{asked.name}: {verdict.message}"
        assert len(verdict.message) < 1500, asked.name


def told(expected: dict[str, Any], answer: Any, kind: str = "function") -> CaseVerdict:
    question = CaseSet("f", kind, tuple(expected), (Case("a", {}, expected),))  # type: ignore[arg-type]
    return compare.compare_case(question, question.cases[0], Reply(answer))


SHAPE = {"y": np.zeros((2, 3))}
THREE = {"dx": np.ones(2), "dw": np.ones(3), "db": np.ones(1)}
BRANCHES = {"branches": "Conv2D 4 | Conv2D 2, Conv2D 6 | MaxPooling2D"}


@pytest.mark.parametrize(
    ("expected", "answer", "says"),
    [
        (SHAPE, "abc", "is the text “abc”, expected an array of numbers of shape (2, 3)"),
        (SHAPE, [[1], [2, 3]], "is a list of 2 whose parts have different shapes, expected an"),
        (SHAPE, (1, None), "is a tuple of 2 in which there is a None, expected an array"),
        (SHAPE, ["a", "b"], "is a list of 2 texts, expected an array"),
        (SHAPE, {"y2": 1}, "is a dictionary with the key y2, expected an array"),
        (SHAPE, 3.0, "is one number, expected an array of shape (2, 3)"),
        ({"n": 4}, np.ones((2, 2)), "has shape (2, 2), expected one number"),
        ({"n": 4}, "four", "is the text “four”, expected one whole number"),
        (THREE, np.ones((2, 2)), "expected 3 results, in this order: dx; dw; db, got an array of"),
        (THREE, (1, 2), "expected 3 results, in this order: dx; dw; db, got 2"),
        (THREE, {"a": 1}, "got a dictionary with the key a"),
        (THREE, None, "your function returned None; is the return statement missing?"),
        (
            BRANCHES,
            "Conv2D 4 | Conv2D 3, Conv2D 6 | MaxPooling2D",
            "part 2 of 3 is “Conv2D 3, Conv2D 6”, expected “Conv2D 2, Conv2D 6”",
        ),
        (BRANCHES, "Conv2D 4", "has 1 part: “Conv2D 4”, expected 3: “Conv2D 4 | Conv2D 2, C"),
        ({"spread": "√(2/n)"}, "√(1/n)", "is “√(1/n)”, expected “√(2/n)”"),
        ({"spread": "√(2/n)"}, 3, "is one number, 3, expected a text"),
    ],
)
def test_what_came_is_told_beside_what_was_asked_for(
    expected: dict[str, Any], answer: Any, says: str
) -> None:
    verdict = told(expected, answer)
    assert says in verdict.message
    assert not UNHELPFUL.search(verdict.message)


def test_a_student_is_not_told_what_was_expected_of_a_hidden_case() -> None:
    for expected, answer in ((SHAPE, "abc"), (BRANCHES, "Conv2D 4"), ({"n": 4}, np.ones(2))):
        assert "expected" not in told(expected, answer).message_for_student


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.array([1, 2]), "an array of shape (2,)"), ([1, 2], "a list of numbers of shape (2,)"),
        ((), "an empty tuple"), ([1, "a"], "a list of 2 things, some of them texts"),
        ({}, "an empty dictionary"), (np.array("a"), "the text “a”"), (2, "one number, 2"),
        (True, "True, a truth value"), (np.array(["a"]), "an array of texts of shape (1,)"),
        ({str(n): n for n in range(9)}, "a dictionary with the keys 0, 1, 2, 3 and 5 more"),
    ],
)  # fmt: skip
def test_any_value_is_described_in_plain_words(value: Any, words: str) -> None:
    assert described(value) == words


def test_what_is_asked_for_is_told_without_its_values() -> None:
    assert wanted(np.zeros((2, 3))) == "an array of numbers of shape (2, 3)"
    assert wanted(np.zeros(4, int)) == "an array of whole numbers of shape (4,)"
    assert (wanted(2.5), wanted(True)) == ("one number", "one truth value")


# ------------------------------------------------------------------------------------- exceptions

CELL = "/tmp/ipykernel_4711/123456.py"


def error_of(source: str, filename: str = CELL) -> str:
    """What is told of the error that `answer()` raises, defined in a cell."""
    space: dict[str, Any] = {}
    exec(compile(source, filename, "exec"), space)
    return handover.call_each(space["answer"], [{}]).replies[0].error


PLAIN = "import numpy as np\ndef answer():\n    x = np.zeros(3)\n    return x + np.zeros(4)\n"
HELPER = "def inner(x):\n    return x['a']\n\ndef answer():\n    return inner({})\n"
USER_CODE = """
import tensorflow as tf
def answer():
    @tf.function
    def loss(x):
        return tf.reduce_mean(x) + tf.zeros((2, 2)) @ tf.zeros((3, 3))
    return loss(tf.zeros(3))
"""
PASSED = """
import numpy as np, tensorflow as tf
def answer():
    with tf.GradientTape() as tape:
        tape.watch(np.random.default_rng(0).random((2, 8, 8, 3)).astype("float32"))
"""
MATMUL = "import tensorflow as tf\ndef answer():\n    return tf.zeros((1, 2)) @ tf.zeros((3, 4))\n"
LAYER = """
import keras, numpy as np
def answer():
    net = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3)])
    return net(np.zeros((2, 5), "float32"))
"""


@pytest.mark.parametrize(
    ("source", "says", "where"),
    [
        (PLAIN, "ValueError: operands could not be broadcast", "line 4 of the cell, in answer"),
        (HELPER, "KeyError: 'a'", "line 2 of the cell, in inner"),
        (USER_CODE, "ValueError: Dimensions must be equal, but are 2 and 3 with", "line 6 of the"),
        (PASSED, "ValueError: Passed in object […] of type 'ndarray', not tf.Tensor", "line 5 of"),
        (MATMUL, "Matrix size-incompatible: In[0]: [1,2], In[1]: [3,4]", "line 3 of the cell"),
        (LAYER, "incompatible with the layer", "line 5 of the cell, in answer"),
        ("def answer():\n    assert 1 == 2\n", "AssertionError", "line 2 of the cell, in answer"),
        ("def answer():\n    raise ValueError('mine\\nand more')\n", "ValueError: mine", "line 2"),
        ("answer = lambda: 1 / 0", "ZeroDivisionError: division by zero", "(line 1 of the cell)"),
    ],
)
def test_an_error_says_its_own_words_and_the_line_of_the_students_cell(
    source: str, says: str, where: str
) -> None:
    message = error_of(source)
    assert says in message and where in message
    assert not UNHELPFUL.search(message) and "{{" not in message and "[Op:" not in message
    assert "\n" not in message and "\x1b" not in message and len(message) < 400


def test_a_module_of_the_students_own_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    message = error_of("\ndef answer():\n    return [][1]\n", str(tmp_path / "helpers.py"))
    assert message == "IndexError: list index out of range (line 3 of helpers.py, in answer)"


def test_what_is_not_written_yet_and_what_takes_too_long_have_no_line() -> None:
    assert error_of("def answer():\n    raise NotImplementedError\n") == "NotImplementedError"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            'in user code:\n\n    File "/tmp/x.py", line 3, in f  *\n        a @ b\n\n'
            "    ValueError: Shapes must match\n",
            "Shapes must match",
        ),
        (
            "Exception encountered when calling Sequential.call().\n\n\x1b[1mInput 0 is wrong"
            "\x1b[0m\n\nArguments received by Sequential.call():\n  • inputs=tf.Tensor()",
            "Input 0 is wrong",
        ),
        (
            "Graph execution error:\n\nDetected at node a defined at (most recent call last):\n"
            "<stack traces unavailable>\nMatrix size-incompatible\n\t [[{{node a}}]] [Op:__f_1]",
            "Matrix size-incompatible",
        ),
        ("Arrays are not equal\n\nMismatched: 3", "Arrays are not equal"),
        ("got [[[0.77 0.5 0.25 0.125]\n  [0.1 0.2 0.3 0.4]]], no", "got […], no"),
        ("", ""),
    ],
)
def test_the_telling_line_of_a_long_report_is_found(text: str, words: str) -> None:
    assert raised.last_words(text) == words
