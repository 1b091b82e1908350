"""The numeric gradient check: it agrees with calculus, and says where a gradient is off."""

from __future__ import annotations

import numpy as np
import pytest

from utils.exercises.gradient_check import gradient_check, numeric_gradient

A = np.array([[1.0, -2.0, 0.5], [3.0, 0.25, -1.0]])
B = np.array([2.0, -1.0, 4.0])


def forward(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.sin(a) * b


def backward(dy: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return dy * np.cos(a) * b, (dy * np.sin(a)).sum(axis=0)


def test_right_gradients_agree() -> None:
    report = gradient_check(forward, backward, {"a": A, "b": B})
    assert report.ok
    assert repr(report).startswith("✔ da: agrees")
    assert [row.name for row in report.rows] == ["da", "db"]


def test_numeric_gradient_of_a_cubic() -> None:
    found = numeric_gradient(lambda a: float(np.sum(a**3)), B, 1e-4)
    np.testing.assert_allclose(found, 3 * B**2, rtol=1e-6)


def test_the_entry_that_is_off_is_named_with_both_values() -> None:
    def off_by_one_entry(dy, a, b):
        da, db = backward(dy, a, b)
        da[1, 2] = 7.5
        return da, db

    report = gradient_check(forward, off_by_one_entry, {"a": A, "b": B})
    assert not report.ok
    right = backward(np.random.default_rng(0).normal(size=A.shape), A, B)[0][1, 2]
    first, second = report.rows
    assert first.message == (
        f"1 of 6 entries are off; the worst: da[1, 2] is 7.5, expected {right:.6g}"
    )
    assert second.ok
    assert "<b>da</b>" in report._repr_html_() and "✘" in report._repr_html_()


def test_a_gradient_that_is_not_a_number_is_off() -> None:
    report = gradient_check(
        forward,
        lambda dy, a, b: (np.full(a.shape, np.nan), backward(dy, a, b)[1]),
        {"a": A, "b": B},
    )
    assert not report.rows[0].ok and report.rows[1].ok


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda dy, a, b: (backward(dy, a, b)[0], dy), "has shape (2, 3), expected (3,)"),
        (lambda dy, a, b: (None, backward(dy, a, b)[1]), "is a NoneType, expected an array"),
        (lambda dy, a, b: dy, "returned 1 results; expected one for each of a, b"),
    ],
)
def test_results_of_the_wrong_kind_are_described(wrong, said: str) -> None:
    report = gradient_check(forward, wrong, {"a": A, "b": B})
    assert not report.ok
    assert said in repr(report)


def unwritten(*_: object) -> np.ndarray:
    raise NotImplementedError


def test_a_pass_that_is_not_written_yet_is_no_traceback() -> None:
    inputs = {"a": A, "b": B}
    assert "forward pass is not written" in repr(gradient_check(unwritten, backward, inputs))
    assert "backward pass is not written" in repr(gradient_check(forward, unwritten, inputs))
    assert "returned a NoneType" in repr(gradient_check(lambda a, b: None, backward, inputs))


def test_inputs_are_left_alone_even_if_the_passes_write_to_them() -> None:
    def rude(a, b):
        a += 1
        return np.sin(a - 1) * b

    before = A.copy()
    assert gradient_check(rude, backward, {"a": A, "b": B}).ok
    np.testing.assert_array_equal(A, before)
