"""The training bench: what it measures, what it keeps, and the JSON it ends with."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from grader.bench import handout_recipe, training, training_ladder
from utils.fast import net as fast_net
from utils.fast import recipe as fast_recipe
from utils.images import datasets


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[training.Plan]:
    """Runs that take no time; returns the list of those that were made."""
    made: list[training.Plan] = []

    def run(plan: training.Plan) -> dict[str, Any]:
        made.append(plan)
        theirs = plan.contender == "handout"
        shared = {"cpu_s": 800.0 if theirs else 100.0 + plan.seed, "wall_s": 50.0}
        if theirs:
            return {**shared, "accuracy": 0.8, "reached": False, "pflop": 0.1, "epochs": [0.8]}
        return {**shared, "accuracy": 0.86, "accuracy_with_copies": 0.87, "pflop": 0.05}

    monkeypatch.setattr(training, "_measure_apart", run)
    monkeypatch.setattr(training, "KEPT", tmp_path / "cache" / "kept.jsonl")
    return made


def test_the_last_line_has_every_seed_of_both(
    measured: list[training.Plan], capsys: pytest.CaptureFixture[str]
) -> None:
    training.main(full=True)
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["name"] == "training" and result["samples"] == 3
    assert set(result["ours"]) == {"85 %", "90 %"}
    for values in (*result["ours"].values(), result["handout"]):
        assert values["seed"] == [0, 1, 2]
        assert all(len(values[name]) == 3 for name in ("accuracy", "cpu_s", "wall_s", "pflop"))
    assert result["ratios"]["cpu_s to 85 %"] == pytest.approx(101 / 800, abs=1e-3)
    assert result["ratios"]["accuracy_points to 90 %"] == pytest.approx(6.0)
    assert len(measured) == 9


def test_a_full_run_goes_on_where_it_was_killed(
    measured: list[training.Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = training._measure_apart

    def killed(plan: training.Plan) -> dict[str, Any]:
        if len(measured) == 4:
            raise KeyboardInterrupt
        return run(plan)

    monkeypatch.setattr(training, "_measure_apart", killed)
    with pytest.raises(KeyboardInterrupt):
        training.run(full=True)
    monkeypatch.setattr(training, "_measure_apart", run)
    first = training.run(full=True)
    assert len(measured) == len(set(measured)) == 9
    assert training.run(full=True) == first and len(measured) == 9


def test_another_recipe_is_measured_anew(
    measured: list[training.Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    training.run(full=True, seeds=(0,))
    monkeypatch.setattr(fast_recipe, "TO_85", fast_recipe.Recipe(sizes=(32,)))
    training.run(full=True, seeds=(0,))
    assert [plan.contender for plan in measured] == ["85 %", "90 %", "handout", "85 %"]


def test_the_short_run_keeps_nothing_and_needs_no_cifar(measured: list[training.Plan]) -> None:
    result = training.run(seeds=(0,))
    assert result["dataset"] == "photodigits" and set(result["ours"]) == {"digits"}
    assert result["ratios"]["cpu_s"] == 0.125
    assert {plan.dataset for plan in measured} == {"photodigits"}
    assert not training.KEPT.exists()


def test_the_peer_is_the_net_of_the_handout() -> None:
    model = handout_recipe.build(mirror=True)
    kinds = [type(layer).__name__ for layer in model.layers]
    block = ["Conv2D", "BatchNormalization"] * 3 + ["MaxPooling2D", "Dropout"]
    assert kinds[:2] == ["RandomTranslation", "RandomFlip"]
    assert kinds[2:] == block * 4 + ["Flatten", "Dense", "Dropout", "Dense"]
    assert "RandomFlip" not in [type(x).__name__ for x in handout_recipe.build(False).layers]
    kernels = [w.shape for w in model.trainable_weights if len(w.shape) == 4]
    assert kernels == [(3, 3, 3, 64)] + [(3, 3, 64, 64)] * 11
    by_hand = 2 * 9 * 64 * (1024 * (3 + 2 * 64) + (256 + 64 + 16) * 3 * 64)
    assert fast_net.flops(model, 32) == by_hand + 2 * (4 * 64 * 256 + 256 * 10)


def test_the_peer_stops_at_its_target_or_when_time_is_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def small(mirror: bool, shape: tuple[int, ...], classes: int) -> Any:
        layers = keras.layers
        model = keras.Sequential([keras.Input(shape), layers.Flatten(), layers.Dense(classes)])
        model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        return model

    monkeypatch.setattr(handout_recipe, "build", small)
    images = np.zeros((16, 4, 4, 3), np.float32)
    labels = np.arange(16) % 2  # of black images every net gets half right
    settings: dict[str, Any] = {"mirror": False, "seed": 0, "test": (images, labels)}
    reached = handout_recipe.train(images, labels, target=0.5, stop_s=1e9, **settings)
    late = handout_recipe.train(images, labels, target=0.6, stop_s=0.0, **settings)
    later = handout_recipe.train(images, labels, target=0.6, stop_s=0.5, **settings)
    assert reached.epochs == late.epochs == [0.5]
    assert later.cpu_s >= 0.5 and set(later.epochs) == {0.5}
    for stopped in (reached, late, later):
        assert stopped.pflop == pytest.approx(3 * 2 * 48 * 2 * 16 * len(stopped.epochs) / 1e15)


def test_the_ladder_leads_from_no_trick_to_the_recipe() -> None:
    steps = list(training_ladder.rungs())
    assert steps[0].recipe == fast_recipe.PLAIN
    settled = {"widths": fast_recipe.PLAIN.widths, "bfloat16": fast_recipe.BFLOAT16}
    assert steps[-1].recipe == replace(fast_recipe.TO_85, **settled)


def test_a_row_says_what_the_trick_gained() -> None:
    before = training_ladder.Result([0.70, 0.72], [100.0, 120.0])
    now = training_ladder.Result([0.75, 0.75], [50.0, 60.0])
    assert training_ladder.row("trick", now, before) == "| trick | 75.0 % | +4.0 | 55 | ×0.50 |"


def test_climbing_trains_every_rung_with_every_seed() -> None:
    data = datasets.load(train=40, validation=20, test=0)
    recipe = replace(fast_recipe.PLAIN, sizes=(16,), batch=20, widths=(8,), muon=True)
    steps = [training_ladder.Rung(name, recipe) for name in ("one", "two")]
    shown: list[str] = []
    results = training_ladder.climb(data, 2, steps, shown.append)
    assert [line.split(" |")[0] for line in shown[2:]] == ["| one", "| two"]
    assert results[0].accuracies == results[1].accuracies
    assert all(len(result.cpu_s) == 2 and min(result.cpu_s) > 0 for result in results)
