"""Judges of notebook 02 for nets: how they are made, and what they say of images nobody has seen.

The labels of hidden images never reach a kernel.  Which data set they come from is what the weights
name that were handed in; what else those files say is not believed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from grader.contract import thresholds
from grader.contract.judge import Handed, Judge, Question
from utils.images import exam_images
from utils.images.datasets import DataUnavailable
from utils.rules import training
from utils.rules.training import HINTS
from utils.training import models

HIDDEN = 600
"""Hidden images per model: the standard error of an accuracy is two points at most."""

TARGET = 3
"""The class that is told from the rest: three, or cat."""

_WITHIN = 0.01  # what a table says may be off by a point
_WITHIN_HIDDEN = 0.15  # other images are harder, and there are fewer of them
_ROWS = 3


def _unused(**_: Any) -> None:
    raise NotImplementedError("expected values are drawn with the questions")


# -- how nets are made ----------------------------------------------------------------------------

_COMPILED: dict[str, Any] = {"loss": "categorical_crossentropy", "optimizer": "adam"}
_CONFIGURATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "one_layer_configuration": (
        "Exercise 02.2: one layer",
        {
            "input": [32, 32, 3],
            "steps": ["flatten", "dense 10", "softmax"],
            "l2": [0.05],
            **_COMPILED,
            "loss and output": "fit",
        },
    ),
    "mlp_configuration": (
        "Exercise 02.4: two layers",
        {
            "input": [32, 32, 3],
            "steps": ["flatten", "dense 128", "relu", "dense 10", "softmax"],
            "l2": [],
            "parameters": 394_634,
            **_COMPILED,
            "loss and output": "fit",
        },
    ),
    "simple_cnn_configuration": (
        "Exercise 02.6: a simple convolutional net",
        {
            "input": [32, 32, 3],
            "steps": ["conv 32 3×3 same", "relu", "maxpool 2×2", "flatten", "dense 10", "softmax"],
            "parameters": 82_826,
            **_COMPILED,
            "loss and output": "fit",
        },
    ),
    "rest_configuration": (
        "Exercises 02.12 to 02.16: one class against the rest",
        {"input": [32, 32, 3], "output": [2], "loss and output": "fit"},
    ),
}


def _configuration(name: str) -> Judge:
    section, wanted = _CONFIGURATIONS[name]

    def draw(rng: np.random.Generator, variant: int) -> Iterator[Question]:
        yield Question("how it is made", {}, expected=wanted)

    return Judge(
        name, _unused, draw, section=section, assess=training.configuration, hints=HINTS,
        parts=tuple(wanted),
    )  # fmt: skip


# -- what they are worth --------------------------------------------------------------------------


def dataset_of(handed: Handed, name: str) -> str:
    """The data set that a file of weights names; PhotoDigits if it names none that there is."""
    for path, content in handed.files.items():
        if path.rpartition("/")[2] == f"{name}.npz":
            try:
                named = models.read(content)[0].get("dataset")
            except models.WeightsProblem:
                continue
            if named in exam_images.DATASETS:
                return str(named)
    return "photodigits"


@lru_cache(maxsize=8)
def hidden(dataset: str, seed: int, target: int) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels, the same for all checks of a submission."""
    rng = np.random.default_rng([seed, target + 1])
    return exam_images.draw(dataset, "test", HIDDEN, rng, target=None if target < 0 else target)


@lru_cache(maxsize=2)
def validation(dataset: str) -> tuple[np.ndarray, np.ndarray]:
    """The validation images and labels behind a run's record."""
    return exam_images.validation(dataset)


def missing(dataset: str, error: Exception) -> dict[str, Any]:
    """What a case expects where the grader lacks the data."""
    return {
        "unavailable": f"trained on {dataset}, which the grader has not got: {error}",
    }


def accuracy_of(name: str, section: str, target: int = -1) -> Judge:
    """A judge of a trained net's outputs for hidden images."""
    classes = 10 if target < 0 else 2
    facts = {"target": target, "size": 32, "classes": classes}

    def draw(rng: np.random.Generator, variant: int, handed: Handed | None) -> Iterator[Question]:
        if handed is None:
            expected = {"labels": HIDDEN, "limits": thresholds.load()[name], **facts}
            yield Question("validation images, moved a little", {"images": HIDDEN}, 0, expected)
            return
        dataset = dataset_of(handed, name)
        label = "images that nobody has seen"
        try:
            images, labels = hidden(dataset, handed.seed, target)
        except DataUnavailable as error:
            nothing = np.zeros((0, 32, 32, 3), np.uint8)
            yield Question(label, {"images": nothing}, 0, missing(dataset, error))
            return
        limits = (handed.thresholds or thresholds.load())[name][dataset]
        yield Question(label, {"images": images}, 0, {"labels": labels, "limits": limits, **facts})

    return Judge(
        name,
        _unused,
        draw,
        section=section,
        assess=training.accuracy,
        patience=2.0,
        hints=HINTS,
        by_files=True,
    )


def _draw_table(
    rng: np.random.Generator, variant: int, handed: Handed | None
) -> Iterator[Question]:
    labels = ("the validation images of the table", "images that nobody has seen")
    if handed is None:
        limits = thresholds.load()["results_table"]
        floors = {dataset: row["floor"] for dataset, row in limits.items()}
        for label, which, within in (
            (labels[0], "validation", _WITHIN),
            ("validation images, moved a little", HIDDEN, _WITHIN_HIDDEN),
        ):
            expected = {"labels": which, "floors": floors, "within": within, "rows": _ROWS}
            yield Question(label, {"images": which}, 0, expected)
        return
    dataset = "photodigits"
    for path in handed.files:
        stem = path.rpartition("/")[2].removesuffix(".npz")
        if path.endswith(".npz") and dataset_of(handed, stem) == "cifar10":
            dataset = "cifar10"
    try:
        sets = validation(dataset), hidden(dataset, handed.seed, -1)
    except DataUnavailable as error:
        for label in labels:
            nothing = np.zeros((0, 32, 32, 3), np.uint8)
            yield Question(label, {"images": nothing}, 0, missing(dataset, error))
        return
    floor = (handed.thresholds or thresholds.load())["results_table"][dataset]["floor"]
    for label, (images, truth), within in zip(labels, sets, (_WITHIN, _WITHIN_HIDDEN), strict=True):
        facts = {
            "labels": truth,
            "floors": floor,
            "within": within,
            "rows": _ROWS,
        }
        yield Question(label, {"images": images}, 0, facts)


def _fixed(label: str, expected: dict[str, Any]) -> Callable[..., Iterator[Question]]:
    def draw(rng: np.random.Generator, variant: int) -> Iterator[Question]:
        yield Question(label, {}, expected=expected)

    return draw


_REST = "Exercises 02.12 to 02.16: one class against the rest"

JUDGES_NETS = [
    *(_configuration(name) for name in _CONFIGURATIONS),
    accuracy_of("one_layer", "Exercise 02.2: one layer"),
    accuracy_of("mlp", "Exercise 02.4: two layers"),
    accuracy_of("mlp_tuned", "Exercise 02.5: tune it"),
    accuracy_of("simple_cnn", "Exercise 02.6: a simple convolutional net"),
    Judge(
        "results_table",
        _unused,
        _draw_table,
        section="Exercise 02.7: deeper",
        assess=training.results_table,
        patience=4.0,
        hints=HINTS,
        by_files=True,
    ),
    accuracy_of("own_best", "Exercise 02.9: your own best"),
    Judge(
        "own_choice",
        _unused,
        _fixed("the choice", {"candidates": 4}),
        kind="value",
        parts=("compared", "opened once", "best chosen"),
        section="Exercise 02.9: your own best",
        assess=training.choice,
        hints=HINTS,
    ),
    Judge(
        "rest_tuned",
        _unused,
        _fixed("the trials", {"rates": 2, "batches": 2}),
        section=_REST,
        assess=training.tuning,
        hints=HINTS,
    ),
    accuracy_of("rest", _REST, TARGET),
]
"""Judges of configurations and of trained nets."""
