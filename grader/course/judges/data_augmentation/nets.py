"""Judges of notebook 03 for nets: how they are made, what they are worth, and what is said of them.

Numbers that students report are measured again: on the images behind a run's record, whose labels
are public, and on hidden ones, whose labels only the judge knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from grader.contract import thresholds
from grader.contract.judge import Handed, Judge, Question
from utils.images.datasets import DataUnavailable
from utils.rules import strategies, training
from utils.training import augmenting

from ..training_cnn.nets import HIDDEN, accuracy_of, dataset_of, hidden, missing, validation
from .images import unused

HINTS = training.HINTS | strategies.HINTS

PLAIN = "Exercise 03.1: a net with three convolutions"
REPORT = "Exercise 03.3: with and without"
STRATEGIES = "Exercise 03.5: which strategy is the best?"
VGG = "Exercise 03.6: deeper, after VGG"

_WITHIN = 1.0  # points
_WITHIN_HIDDEN = 0.15  # other images are harder, and there are fewer of them
_WITHIN_TABLE = 0.01
_ROWS = 4  # strategies, beside the row without augmentation

_COMPILED = {"loss and output": "fit", "optimizer": "adam"}

THREE_CONVOLUTIONS = {
    "input": [32, 32, 3],
    "steps": [
        "conv 32 3×3 same",
        "relu",
        "conv 32 3×3 same",
        "relu",
        "maxpool 2×2",
        "conv 32 3×3 same",
        "relu",
        "maxpool 2×2",
        "flatten",
        "dense 10",
        "softmax",
    ],
    "parameters": 39_882,
    "loss": "categorical_crossentropy",
    **_COMPILED,
}
"""The net of the exercise."""


def vgg_steps(filters: int, blocks: int = 4) -> list[str]:
    """Layers of the net after VGG, in words."""
    block = [f"conv {filters} 3×3 same", "relu", "batchnorm"] * 3 + ["maxpool 2×2", "dropout 0.2"]
    top = ["flatten", "dense 256", "relu", "dropout 0.2", "dense 10", "softmax"]
    return block * blocks + top


def _draw_three(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    yield Question("how it is made", {}, expected=THREE_CONVOLUTIONS)


def _draw_vgg(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    for filters in (64, int(rng.choice([8, 12, 20, 24]))):
        expected = {"input": [32, 32, 3], "steps": vgg_steps(filters), **_COMPILED}
        yield Question(f"{filters} filters", {"filters": filters}, expected=expected)


# -- what is said of nets -------------------------------------------------------------------------


@lru_cache(maxsize=2)
def _training(dataset: str) -> tuple[np.ndarray, np.ndarray]:
    return augmenting.images_behind(dataset, "train")


def _dataset(handed: Handed, names: tuple[str, ...]) -> str:
    """The data set of the models that a claim is about: that of the first one handed in."""
    files = {path.rpartition("/")[2] for path in handed.files}
    for name in names:
        if f"{name}.npz" in files:
            return dataset_of(handed, name)
    return "photodigits"


_EMPTY = np.zeros((0, 32, 32, 3), np.uint8)

Draw = Callable[[np.random.Generator, int, Handed | None], Iterator[Question]]


def _shown(names: tuple[str, ...], label: str) -> Draw:
    """Questions whose answers need both the validation and the training images."""

    def draw(rng: np.random.Generator, variant: int, handed: Handed | None) -> Iterator[Question]:
        if handed is None:
            which = {"validation": "validation", "train": "train"}
            yield Question(label, which, expected={"labels": dict(which), "within": _WITHIN})
            return
        dataset = _dataset(handed, names)
        try:
            sets = {"validation": validation(dataset), "train": _training(dataset)}
        except DataUnavailable as error:
            nothing = {"validation": _EMPTY, "train": _EMPTY}
            yield Question(label, nothing, expected=missing(dataset, error))
            return
        images = {which: found[0] for which, found in sets.items()}
        labels = {which: found[1] for which, found in sets.items()}
        yield Question(label, images, expected={"labels": labels, "within": _WITHIN})

    return draw


def _draw_strategies(
    rng: np.random.Generator, variant: int, handed: Handed | None
) -> Iterator[Question]:
    labels = ("the validation images of the table", "images that nobody has seen")
    facts: dict[str, Any] = {"rows": _ROWS, "which": "validation"}
    if handed is None:
        limits = thresholds.load()["strategies"]
        facts["floor"] = {dataset: row["floor"] for dataset, row in limits.items()}
        for label, which, within in (
            (labels[0], "validation", _WITHIN_TABLE),
            ("validation images, moved a little", HIDDEN, _WITHIN_HIDDEN),
        ):
            expected = facts | {"labels": {"validation": which}, "within": within}
            yield Question(label, {"validation": which}, expected=expected)
        return
    dataset = _dataset(handed, _STRATEGY_FILES)
    try:
        sets = validation(dataset), hidden(dataset, handed.seed, -1)
    except DataUnavailable as error:
        for label in labels:
            yield Question(label, {"validation": _EMPTY}, expected=missing(dataset, error))
        return
    facts["floor"] = (handed.thresholds or thresholds.load())["strategies"][dataset]["floor"]
    for label, (images, truth), within in zip(
        labels, sets, (_WITHIN_TABLE, _WITHIN_HIDDEN), strict=True
    ):
        expected = facts | {"labels": {"validation": truth}, "within": within}
        yield Question(label, {"validation": images}, expected=expected)


def _draw_choice(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    yield Question("the choice", {}, expected={"candidates": _ROWS + 1})


_STRATEGY_FILES = ("none", "plain", "augmented")


def _claim(
    name: str, section: str, assess: Callable[..., Any], patience: float, draw: Draw
) -> Judge:
    return Judge(
        name,
        unused,
        draw,
        section=section,
        assess=assess,
        hints=HINTS,
        by_files=True,
        patience=patience,
    )


def _configuration(name: str, section: str, draw: Any, wanted: tuple[str, ...]) -> Judge:
    return Judge(
        name,
        unused,
        draw,
        section=section,
        assess=training.configuration,
        hints=HINTS,
        parts=wanted,
    )


def _steady(name: str, section: str) -> Judge:
    judge = accuracy_of(name, section)
    return replace(judge, assess=strategies.steady_accuracy, hints=HINTS)


JUDGES_NETS = [
    _configuration("three_convolutions", PLAIN, _draw_three, tuple(THREE_CONVOLUTIONS)),
    _steady("plain", PLAIN),
    _steady("augmented", "Exercise 03.2: images that never existed"),
    _claim(
        "report", REPORT, strategies.report, 4.0, _shown(("none", "augmented"), "what you report")
    ),
    _claim("strategies", STRATEGIES, strategies.strategies, 6.0, _draw_strategies),
    _claim(
        "findings",
        STRATEGIES,
        strategies.findings,
        6.0,
        _shown(_STRATEGY_FILES, "what you conclude"),
    ),
    Judge(
        "strategy_choice",
        unused,
        _draw_choice,
        kind="value",
        parts=("compared", "opened once", "best chosen"),
        section=STRATEGIES,
        assess=training.choice,
        hints=HINTS,
    ),
    _configuration("vgg_configuration", VGG, _draw_vgg, ("input", "steps", *_COMPILED)),
    _steady("vgg", VGG),
    _claim(
        "vgg_report",
        "Exercise 03.7: the deep net with and without",
        strategies.report,
        4.0,
        _shown(("vgg_plain", "vgg"), "what you report"),
    ),
]
"""Judges of configurations, trained nets, and what is said of them."""
