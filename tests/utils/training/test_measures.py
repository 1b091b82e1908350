"""Measures of answers that can be right in many ways."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from utils.rules.theory import chosen_steps, deep_relu_net, kept_size, probes, widest

W, B = np.array([[1.0], [-2.0], [0.5]]), np.array([0.0, 1.0, -1.0])


@pytest.mark.parametrize(
    "answer",
    [
        ["S=4, P=1", "S=1, P=1"],
        ["S=1,P=1", "s=4, p=1"],
        [(4, 1), (1, 1)],
        np.array([[1, 1], [4, 1]]),
    ],
)
def test_names_of_settings_can_be_written_in_many_ways(answer: Any) -> None:
    assert chosen_steps({}, answer) == {"pairs": "S=1, P=1; S=4, P=1"}


def test_one_pair_is_one_setting() -> None:
    assert chosen_steps({}, (4, 1)) == {"pairs": "S=4, P=1"}


@pytest.mark.parametrize("answer", [["all"], [1, 2, 3], 3, ["S=1"], {"S=1": True}])
def test_what_is_no_setting_is_explained(answer: Any) -> None:
    with pytest.raises(ValueError, match="expected a list of names"):
        chosen_steps({}, answer)


@pytest.mark.parametrize(
    "answer", [(3, 1, 1), [1, 0, 1], (5, 2, 1), np.array([7, 3, 1]), (1, 2, 2)]
)
def test_many_choices_keep_the_size(answer: Any) -> None:
    assert kept_size({}, answer) == {"size": "kept"}


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (None, "is not filled in yet"),
        ({"filter size": 3, "padding": None, "stride": 1}, "is not filled in yet"),
        ((3, 1), "expected three whole numbers"),
        (3, "expected three whole numbers"),
        ("3,1,1", "expected three whole numbers"),
        ((3, 1, "1x"), "expected three whole numbers"),
        ((3, float("nan"), 1), "expected three whole numbers"),
        ((3, 0.5, 1), "whole numbers from 1"),
        ((3, 1, 0), "whole numbers from 1"),
        ((3, -1, 1), "whole numbers from 1"),
        ((9, 1, 1), "doesn't fit into 4×5"),
        ((3, 1, 2), "turns 4×5 into 2×3"),
    ],
)
def test_a_choice_that_cannot_be_used_is_explained(answer: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        kept_size({}, answer)


def test_a_net_is_run_with_relu_between_its_layers_and_none_at_the_end() -> None:
    a = np.array([[2.0, -1.0, -3.0]])
    values = deep_relu_net({"w": W}, [(W, B), (a, [0.5])])["values"]
    x = probes(1)[:, 0]
    terms = 2 * np.maximum(x, 0) - np.maximum(1 - 2 * x, 0) - 3 * np.maximum(0.5 * x - 1, 0)
    assert np.allclose(values, terms + 0.5)
    assert values.min() < 0


def test_probes_lie_on_all_sides_near_and_far() -> None:
    for d in (1, 2, 3):
        points = probes(d)
        assert points.shape == (96, d)
        assert points.min() < -20 < 20 < points.max()
        assert np.abs(points).max(axis=1).min() < 1


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (None, "expected a list of layers"),
        ([], "expected a list of layers"),
        ([(W, B, B)], "layer 1 is not a pair"),
        ([("W", "b")], "must be arrays of numbers"),
        ([(W.T, B)], r"layer 1: W has shape \(1, 3\) and b \(3,\); this layer takes 1 values"),
        ([(W, B), (W, B)], "layer 2: .* takes 3 values"),
        ([(W, B)], "puts out 3 values, expected 1"),
        ([(np.ones((13, 1)), np.ones(13)), (np.ones((1, 13)), [0])], "layer 1 has 13 neurons"),
        ([(np.ones((1, 1)), [0])] * 98, "97 hidden neurons; O"),
    ],
)
def test_a_net_that_cannot_be_run_is_explained(answer: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        deep_relu_net({"w": W}, answer)


def test_the_limit_on_width_does_not_depend_on_n() -> None:
    assert [widest(d) for d in (1, 2, 3)] == [12, 16, 20]
