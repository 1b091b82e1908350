"""Judges of notebook 02 for what is said of several nets: tables of results, and a gain.

Each number is measured again: on the images behind the table, whose labels are public, or on hidden
ones, whose labels only the judge knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from grader.contract import thresholds
from grader.contract.judge import Handed, Judge, Question
from utils.images.datasets import DataUnavailable
from utils.rules import ladder, strategies, training
from utils.rules.ladder import Assess

from . import evidence
from .handed import (
    NOTHING,
    Draw,
    asked_about,
    dataset_of,
    dataset_of_all,
    handed_in,
    label_of,
    missing,
    unused,
)

_WITHIN = 0.01  # what a table says may be off by a point
_WITHIN_HIDDEN = 0.15  # other images are harder, and there are fewer of them
_ROWS = 3

_TABLE = (
    ("validation", "validation", _WITHIN),
    ("train", "train", _WITHIN),
    ("hidden", "validation", _WITHIN_HIDDEN),
)
"""Images, the column that is held against what is reached on them, and how closely."""


def _draw_table(
    rng: np.random.Generator, variant: int, handed: Handed | None
) -> Iterator[Question]:
    limits = ((handed and handed.thresholds) or thresholds.load())["results_table"]
    dataset = dataset_of_all(handed) if handed else ""
    floors = limits[dataset]["floor"] if handed else {d: row["floor"] for d, row in limits.items()}
    for which, column, within in _TABLE:
        label = label_of(handed, which)
        try:
            images, labels = asked_about(handed, dataset, which)
        except DataUnavailable as error:
            yield Question(label, {"images": NOTHING}, 0, missing(dataset, error))
            continue
        facts = {"labels": labels, "column": column, "within": within}
        yield Question(label, {"images": images}, 0, facts | {"floors": floors, "rows": _ROWS})


def _draw_gain(rng: np.random.Generator, variant: int, handed: Handed | None) -> Iterator[Question]:
    dataset = dataset_of(handed, "simple_cnn") if handed else ""
    for which in ("validation", "hidden"):
        label = label_of(handed, which)
        try:
            images, labels = asked_about(handed, dataset, which)
        except DataUnavailable as error:
            yield Question(label, {"validation": NOTHING}, 0, missing(dataset, error))
            continue
        facts = {"labels": {"validation": labels}, "unseen": which == "hidden"}
        yield Question(label, {"validation": images}, 0, facts)


COLUMNS = ("validation", "train", "test")
"""The columns of a table with accuracies on test images."""

TESTED: Mapping[str, Mapping[str, float]] = {"photodigits": {}, "cifar10": {"test": 4.0}}
"""Points that a number may be off where it isn't one: of CIFAR-10's test images a part is asked."""


def draw_columns(
    columns: tuple[str, ...],
    within: Any,
    names: tuple[str, ...] = (),
    label: str = "the table",
    rows: int = 0,
) -> Draw:
    """Questions whose answers need the images behind some columns of a table.

    names: of nets, the first of which that is there tells the data set; all nets if left out.
    rows: how many nets are asked for at least.
    """

    def draw(rng: np.random.Generator, variant: int, handed: Handed | None) -> Iterator[Question]:
        dataset = ""
        if handed is not None:
            there = [name for name in names if handed_in(handed, name)[0]]
            dataset = dataset_of(handed, there[0]) if there else dataset_of_all(handed)
        try:
            pairs = {column: asked_about(handed, dataset, column) for column in columns}
        except DataUnavailable as error:
            yield Question(label, dict.fromkeys(columns, NOTHING), 0, missing(dataset, error))
            return
        images = {column: pair[0] for column, pair in pairs.items()}
        labels = {column: pair[1] for column, pair in pairs.items()}
        yield Question(label, images, 0, {"labels": labels, "within": within, "rows": rows})

    return draw


def said_of_nets(
    name: str,
    section: str,
    draw: Draw,
    assess: Assess,
    patience: float,
    weigh: Any = evidence.of_claims,
) -> Judge:
    """A judge of what is said of several nets."""
    return Judge(
        name,
        unused,
        draw,
        section=section,
        assess=assess,
        patience=patience,
        hints=training.HINTS | ladder.HINTS | strategies.HINTS,
        by_files=True,
        evidence=weigh,
    )


JUDGES_TABLES = [
    said_of_nets(
        "cnn_gain", "Exercise 02.6: a simple convolutional net", _draw_gain, ladder.gain, 3.0
    ),
    said_of_nets(
        "results_table",
        "Exercise 02.7: deeper",
        _draw_table,
        training.results_table,
        4.0,
        evidence.of_table,
    ),
    said_of_nets(
        "tested",
        "Exercise 02.9: your own best",
        draw_columns(COLUMNS, TESTED, rows=5 + _ROWS),
        strategies.report,
        8.0,
    ),
]
"""Judges of tables."""
