"""Thresholds are checked as they are read; the place of a fault is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.contract import thresholds
from grader.errors import ConfigError

GOOD = "floor = 0.1, goal = 0.2"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[mpl]\n", "unknown check 'mpl'; known: one_layer, mlp"),
        (
            f"[mlp]\nmnist = {{ {GOOD} }}",
            "mlp: unknown data set 'mnist'; known: photodig",
        ),
        (
            f"[mlp]\ncifar10 = {{ {GOOD}, aim = 1 }}",
            "unknown setting mlp.cifar10.aim; known",
        ),
        ("[mlp]\ncifar10 = { floor = 0.1 }", "mlp.cifar10: goal is missing"),
        ('[mlp]\ncifar10 = { floor = "0.1", goal = 0.2 }', "mlp.cifar10.floor: expected a number"),
        ("[mlp]\ncifar10 = { floor = true, goal = 0.2 }", "mlp.cifar10.floor: expected a number"),
        (
            "[mlp]\ncifar10 = { floor = nan, goal = 0.2 }",
            "mlp.cifar10.floor: expected a number wi",
        ),
        (
            "[mlp]\ncifar10 = { floor = 0.1, goal = inf }",
            "mlp.cifar10.goal: expected a number wi",
        ),
        (
            "[mlp]\ncifar10 = { floor = 10, goal = 20 }",
            "mlp.cifar10.floor: expected a number <=",
        ),
        ("[mlp]\ncifar10 = { floor = 0.5, goal = 0.5 }", "mlp.cifar10: needs a higher goal"),
        ("[mlp]\ncifar10 = 3", "mlp.cifar10: expected a table"),
        ("mlp = 3", "mlp: expected a table"),
        ("[mlp", "Expected ']'"),
    ],
)
def test_a_wrong_threshold_is_refused_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / thresholds.FILE
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        thresholds.load(tmp_path)
    assert f"{path}: {told}" in str(caught.value)


def test_the_class_wins_where_it_speaks_and_the_rest_stays(tmp_path: Path) -> None:
    (tmp_path / thresholds.FILE).write_text(f"[mlp]\ncifar10 = {{ {GOOD} }}")
    own, course = thresholds.load(tmp_path), thresholds.load()
    assert own["mlp"]["cifar10"] == {"floor": 0.1, "goal": 0.2} != course["mlp"]["cifar10"]
    own["mlp"]["cifar10"] = course["mlp"]["cifar10"]
    assert own == course
