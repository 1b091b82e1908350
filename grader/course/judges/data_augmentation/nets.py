"""Judges of notebook 03 for nets: how they are made, what they are worth, and what is said of them.

Numbers that students report are measured again: on the images behind a run's record, whose labels
are public, and on hidden ones, whose labels only the judge knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from grader.contract import thresholds
from grader.contract.judge import Handed, Judge, Question
from utils.images.datasets import DataUnavailable
from utils.rules import ladder, strategies, training

from ..training_cnn import evidence
from ..training_cnn.handed import (
    NOTHING,
    Draw,
    asked_about,
    dataset_of,
    handed_in,
    label_of,
    missing,
)
from ..training_cnn.nets import accuracy_of, idle_net
from ..training_cnn.tables import COLUMNS, TESTED, draw_columns, said_of_nets
from .images import unused

HINTS = training.HINTS | strategies.HINTS

PLAIN = "Exercise 03.1: a net with three convolutions"
REPORT = "Exercise 03.3: with and without"
STRATEGIES = "Exercise 03.5: which strategy is the best?"
VGG = "Exercise 03.6: deeper, after VGG"
SEAL = "Exercise 03.8: the test images"

_WITHIN = 1.0  # points
_WITHIN_HIDDEN = 0.15  # other images are harder, and there are fewer of them
_WITHIN_TABLE = 0.01
_ROWS = 4  # strategies, beside the row without augmentation

_COMPILED = {
    "loss": "categorical_crossentropy",
    "metric": "accuracy",
    "loss and output": "fit",
    "optimizer": "adam",
}

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
    "regularisers": [],
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


def _draw_strategies(
    rng: np.random.Generator, variant: int, handed: Handed | None
) -> Iterator[Question]:
    limits = ((handed and handed.thresholds) or thresholds.load())["strategies"]
    there = [name for name in _STRATEGY_FILES if handed and handed_in(handed, name)[0]]
    dataset = dataset_of(handed, there[0]) if handed and there else "photodigits"
    floor = limits[dataset]["floor"] if handed else {d: row["floor"] for d, row in limits.items()}
    for which, within in (("validation", _WITHIN_TABLE), ("hidden", _WITHIN_HIDDEN)):
        label = label_of(handed, which)
        try:
            images, labels = asked_about(handed, dataset, which)
        except DataUnavailable as error:
            yield Question(label, {"validation": NOTHING}, expected=missing(dataset, error))
            continue
        facts = {"rows": _ROWS, "which": "validation", "floor": floor, "within": within}
        yield Question(
            label, {"validation": images}, expected=facts | {"labels": {"validation": labels}}
        )


def _draw_choice(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    yield Question("the choice", {}, expected={"candidates": _ROWS + 1})


_STRATEGY_FILES = ("none", "plain", "augmented")
_MEASURED = ("validation", "train")


def _reported(*names: str) -> Draw:
    return draw_columns(_MEASURED, _WITHIN, names, "what you report")


def _configuration(name: str, section: str, draw: Any, wanted: tuple[str, ...]) -> Judge:
    return Judge(
        name,
        unused,
        draw,
        section=section,
        assess=training.configuration,
        hints=HINTS,
        parts=wanted,
        evidence=evidence.of_description({"three_convolutions": "plain"}.get(name, "")),
        idle=(lambda **_: idle_net({"input": [32, 32, 3], **_COMPILED}),),
    )


def _steady(name: str, section: str, asked: Mapping[str, int] | None = None) -> Judge:
    judge = accuracy_of(name, section, asked=asked, assess=ladder.steady_as_asked)
    return replace(judge, hints=HINTS | ladder.HINTS)


JUDGES_NETS = [
    _configuration("three_convolutions", PLAIN, _draw_three, tuple(THREE_CONVOLUTIONS)),
    _steady("plain", PLAIN, {"epochs": 10, "batch": 128}),
    _steady("augmented", "Exercise 03.2: images that never existed"),
    said_of_nets("report", REPORT, _reported("none", "augmented"), strategies.report, 4.0),
    said_of_nets("strategies", STRATEGIES, _draw_strategies, strategies.strategies, 6.0),
    said_of_nets(
        "findings",
        STRATEGIES,
        draw_columns(_MEASURED, _WITHIN, _STRATEGY_FILES, "what you conclude"),
        strategies.findings,
        6.0,
    ),
    Judge(
        "strategy_choice",
        unused,
        _draw_choice,
        kind="value",
        parts=("compared", "opened once", "best chosen"),
        section=SEAL,
        assess=training.choice,
        hints=HINTS,
        evidence=evidence.of_choice(everything=False),
    ),
    _configuration("vgg_configuration", VGG, _draw_vgg, ("input", "steps", *_COMPILED)),
    _steady("vgg", VGG),
    said_of_nets(
        "vgg_report",
        "Exercise 03.7: the deep net with and without",
        _reported("vgg_plain", "vgg"),
        strategies.report,
        12.0,
    ),
    said_of_nets(
        "tested_strategies",
        SEAL,
        draw_columns(COLUMNS, TESTED, _STRATEGY_FILES, rows=_ROWS + 1),
        strategies.report,
        15.0,
    ),
]
"""Judges of configurations, trained nets, and what is said of them."""
