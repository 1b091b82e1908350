"""Known answers to notebook 03 for nets: how they are made, and what is said of them.

Claims are tried on made-up nets that are right as often as one likes: they look the labels of
public images up.  Where hidden images are asked for, the reference solution's nets answer.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

import numpy as np

from grader.contract.sample import right, wrong
from utils.images import exam_images
from utils.nets import quiet
from utils.rules import ladder
from utils.rules import strategies as claims
from utils.rules import training as assess
from utils.training import augmenting, models
from utils.training.claims import about

from ..making.reference import reference_of
from .training_nets import net

Array = np.ndarray
NOTEBOOK = "03_data_augmentation"

ROWS = ("none", "augmented", "shift", "colour", "erase")
"""The reference solution's strategies."""


# -- how nets are made ----------------------------------------------------------------------------


def three_convolutions(
    padding: str = "same",
    relu: bool = True,
    filters: int = 32,
    metrics: Any = ("accuracy",),
    **more: Any,
) -> Any:
    """The net of exercise 03.1, ReLU as a layer."""
    layers = quiet.import_keras().layers
    steps = []
    for pooled in (False, True, True):
        steps += [layers.Conv2D(filters, (3, 3), padding=padding, **more)]
        steps += [layers.ReLU()] if relu else []
        steps += [layers.MaxPool2D()] if pooled else []
    return net(*steps, layers.Flatten(), layers.Dense(10), layers.Softmax(), metrics=metrics)


def vgg(filters: int, order: str = "relu, bn", blocks: int = 4, dropout: float = 0.2) -> Any:
    """The net of exercise 03.6, block by block as nested models."""
    keras = quiet.import_keras()
    layers = keras.layers

    def block() -> Any:
        steps: list[Any] = []
        for _ in range(3):
            active, normal = layers.ReLU(), layers.BatchNormalization()
            steps += [layers.Conv2D(filters, 3, padding="same")]
            steps += [active, normal] if order == "relu, bn" else [normal, active]
        return keras.Sequential([*steps, layers.MaxPooling2D(2, 2), layers.Dropout(dropout)])

    top = [layers.Dense(256, activation="relu"), layers.Dropout(dropout)]
    return net(
        *[block() for _ in range(blocks)],
        layers.Flatten(),
        *top,
        layers.Dense(10, activation="softmax"),
    )


_CONFIGURED = [
    right("three_convolutions: ReLU as a layer", models.configuration(three_convolutions)),
    wrong(
        f"three_convolutions: VALID -> {assess.PADDING}",
        models.configuration(lambda: three_convolutions("valid")),
    ),
    wrong(
        f"three_convolutions: no ReLU -> {assess.ACTIVATION}",
        models.configuration(lambda: three_convolutions(relu=False)),
    ),
    *(
        wrong(
            f"three_convolutions: {title} -> {name}",
            models.configuration(partial(three_convolutions, **changed)),
        )
        for title, name, changed in (
            ("dilated", assess.DILATED, {"dilation_rate": 2}),
            ("L2", assess.REGULARISED, {"kernel_regularizer": "l2"}),
            ("no metric", assess.METRIC, {"metrics": ()}),
        )
    ),
    wrong(
        f"three_convolutions: 16 filters -> {assess.OTHER_NUMBERS}",
        models.configuration(lambda: three_convolutions(filters=16)),
    ),
    right("vgg_configuration: nested blocks", augmenting.configured(vgg)),
    wrong(
        f"vgg_configuration: BN before ReLU -> {assess.ORDER}",
        augmenting.configured(lambda filters: vgg(filters, "bn, relu")),
    ),
    wrong(
        f"vgg_configuration: five blocks -> {assess.EXTRA}",
        augmenting.configured(lambda filters: vgg(filters, blocks=5)),
    ),
    wrong(
        f"vgg_configuration: dropout 0.5 -> {assess.OTHER_NUMBERS}",
        augmenting.configured(lambda filters: vgg(filters, dropout=0.5)),
    ),
    wrong(
        f"vgg_configuration: filters ignored -> {assess.OTHER_NUMBERS}",
        augmenting.configured(lambda filters: vgg(32)),
    ),
]


# -- trained nets ---------------------------------------------------------------------------------


@contextmanager
def _reference_weights() -> Any:
    before = models._Place.notebook, models._Place.base
    models.use(NOTEBOOK, reference_of(NOTEBOOK))
    try:
        yield
    finally:
        models._Place.notebook, models._Place.base = before


def trained(name: str, change: Callable[[dict[str, Any]], Any] | None = None) -> Any:
    """What the reference's net says of images, changed."""

    def answer(images: Any, known: Any = None) -> Any:
        with _reference_weights():
            found = augmenting.answers(name, three_convolutions)(images, known)
        return found if change is None else change(found)

    return answer


def _restless(found: dict[str, Any]) -> dict[str, Any]:
    noise = np.random.default_rng(0).normal(0, 0.05, found["again"].shape)
    return found | {"again": found["again"] + noise}


def _always(label: int, count: int) -> dict[str, Any]:
    outputs = np.eye(10)[[label] * count]
    return {"outputs": outputs, "outputs_255": outputs[:100], "again": outputs[:100]}


_TRAINED = [
    right("plain: the reference's weights", trained("plain")),
    wrong(f"plain: another net in its place -> {ladder.OTHER_CURVES}", trained("augmented")),
    right("augmented: the reference's weights", trained("augmented")),
    wrong(
        f"augmented: augmented when evaluated -> {claims.RESTLESS}",
        trained("augmented", _restless)),
    wrong(
        f"augmented: always 3 -> {assess.ONE_CLASS}",
        trained("augmented", lambda found: found | _always(3, len(found["outputs"])))),
]  # fmt: skip


# -- what is said of nets -------------------------------------------------------------------------


@cache
def _labels(which: str) -> Array:
    return exam_images.behind("photodigits", which)[1]


def _classes(name: str, which: str, percent: float) -> Array:
    """Classes of which so many are right, other ones for each name."""
    labels = _labels(which)
    rng = np.random.default_rng(sum(name.encode()))
    wrong = rng.permutation(len(labels))[: round((1 - percent / 100) * len(labels))]
    said = labels.copy()
    said[wrong] = (said[wrong] + rng.integers(1, 10, len(wrong))) % 10
    return said


Table = dict[str, tuple[float, float]]
"""Name -> accuracy on training and on validation images, percent."""

_TABLE: Table = {
    "none": (97.0, 84.0),
    "augmented": (91.0, 88.5),
    "shift": (90.5, 87.0),
    "colour": (96.5, 84.4),
    "erase": (95.0, 83.0),
}


def made_up(said: Any, table: Table | None = None, **changed: Any) -> Any:
    """`about` of nets that are as good as a table says; records are changed by name."""
    table = _TABLE if table is None else table

    def answer(validation: Any, train: Any = None) -> dict[str, Any]:
        rows = {}
        for name, (trained_at, held_back) in table.items():
            record = {
                "train": trained_at / 100,
                "validation": held_back / 100,
                "epochs": 15,
                "batch": 128,
                "seed": 0,
                "images": 4000,
                "architecture": "conv",
            }
            if name != "none":
                record["augmentation"] = f"random {name}"
            rows[name] = {
                "record": record | changed.get(name, {}),
                "train": _classes(name, "train", trained_at),
                "validation": _classes(name, "validation", held_back),
            }
        return {"rows": rows, "said": said, "dataset": "photodigits"}

    return answer


_TWO: Table = {"none": (97.0, 84.0), "augmented": (91.0, 88.5)}
_TWO_VGG: Table = {"vgg_plain": (99.0, 86.0), "vgg": (94.0, 90.0)}


def _reported(table: Table, **changed: tuple[float, float]) -> dict[str, dict[str, float]]:
    rows = table | changed
    return {name: {"train": a, "validation": b} for name, (a, b) in rows.items()}


_REPORTS = [
    right("report: as measured", made_up(_reported(_TWO), _TWO)),
    right("report: rounded to whole percents", made_up(
        _reported(_TWO, augmented=(91.0, 89.0)), _TWO)),
    wrong(f"report: five points too many -> {claims.NOT_MEASURED}", made_up(
        _reported(_TWO, augmented=(91.0, 93.5)), _TWO)),
    wrong(f"report: training accuracy twice -> {assess.TRAINING}", made_up(
        _reported(_TWO, none=(97.0, 97.0)), _TWO)),
    wrong(f"report: columns swapped -> {claims.SWAPPED}", made_up(
        _reported(_TWO, none=(84.0, 97.0), augmented=(88.5, 91.0)), _TWO)),
    wrong(f"report: fractions -> {claims.FRACTIONS}", made_up(
        _reported(_TWO, none=(0.97, 0.84), augmented=(0.91, 0.885)), _TWO)),
    wrong(f"report: rows swapped -> {claims.OTHER_MODEL}", made_up(
        _reported(_TWO, none=_TWO["augmented"], augmented=_TWO["none"]), _TWO)),
    wrong("report: not filled in", made_up({"none": {"train": None}}, _TWO)),
    right("vgg_report: as measured", made_up(_reported(_TWO_VGG), _TWO_VGG)),
    wrong(f"vgg_report: wishful -> {claims.NOT_MEASURED}", made_up(
        _reported(_TWO_VGG, vgg=(96.5, 93.0)), _TWO_VGG)),
]  # fmt: skip

_CONCLUSIONS = {
    "best": "augmented",
    "gain": 4.5,
    "helps": ["augmented", "shift"],
    "gap": {name: a - b for name, (a, b) in _TABLE.items()},
}

_FINDINGS = [
    right("findings: as the table says", made_up(_CONCLUSIONS)),
    right("findings: names as a tuple, rounded", made_up(
        _CONCLUSIONS | {"gain": 4.4, "helps": ("shift", "augmented"),
                        "gap": {n: round(g) for n, g in _CONCLUSIONS["gap"].items()}})),  # type: ignore[attr-defined]
    right("findings: nothing helps, and nothing is said to", made_up(
        {"best": "none", "gain": -0.4, "helps": [], "gap": {"none": 1.0, "shift": -3.0}},
        {"none": (85.0, 84.0), "shift": (80.6, 83.6)})),
    wrong(f"findings: the second best -> {claims.BEST}", made_up(_CONCLUSIONS | {"best": "shift"})),
    wrong(f"findings: a gain of ten points -> {claims.GAIN}", made_up(_CONCLUSIONS | {"gain": 10})),
    wrong(f"findings: gain as a fraction -> {claims.FRACTIONS}", made_up(
        _CONCLUSIONS | {"gain": 0.045})),
    wrong(f"findings: all of them help -> {claims.HELPS}", made_up(
        _CONCLUSIONS | {"helps": ["augmented", "shift", "colour", "erase"]})),
    wrong(f"findings: only the best helps -> {claims.UNHELPFUL}", made_up(
        _CONCLUSIONS | {"helps": ["augmented"]})),
    wrong(f"findings: gaps with the sign reversed -> {claims.GAP}", made_up(
        _CONCLUSIONS | {"gap": {name: b - a for name, (a, b) in _TABLE.items()}})),
    wrong("findings: an unknown row", made_up(_CONCLUSIONS | {"best": "mine"})),
    wrong("findings: not filled in", made_up(dict.fromkeys(_CONCLUSIONS))),
]  # fmt: skip


def compared(
    names: tuple[str, ...] = ROWS, copies: str = "", **changed: dict[str, Any]
) -> Callable[[Any], Any]:
    """`about` of the reference's strategies; records are changed by name."""

    def answer(validation: Any) -> dict[str, Any]:
        with _reference_weights():
            builds: dict[str, Any] = dict.fromkeys(names, three_convolutions)
            found = about(builds, None)(validation)
        for name, record in changed.items():
            found["rows"][name]["record"] |= record
        if copies:
            found["rows"][copies] = dict(found["rows"]["augmented"])
        return found

    return answer


_STRATEGIES = [
    right("strategies: the reference's", compared()),
    wrong(f"strategies: no row without -> {claims.NO_COMPARISON}", compared(ROWS[1:])),
    wrong(
        f"strategies: one for longer -> {claims.BUDGET}", compared(shift={"epochs": 60})),
    wrong(f"strategies: another seed -> {claims.BUDGET}", compared(erase={"seed": 7})),
    wrong(
        f"strategies: a claim of 97 % -> {claims.NOT_MEASURED}",
        compared(augmented={"validation": 0.97, "train": 0.99})),
    wrong(
        f"strategies: training accuracy claimed -> {assess.TRAINING}",
        compared(colour={"validation": 0.97, "train": 0.97})),
    wrong(f"strategies: one under two names -> {claims.ALIKE}", compared(copies="again")),
    wrong("strategies: two strategies", compared(ROWS[:3])),
]  # fmt: skip


def _choice(chosen: str, times: int = 1) -> dict[str, Any]:
    validation = {name: b / 100 for name, (_, b) in _TABLE.items()}
    return {"chosen": chosen, "times opened": times, "validation": validation}


def _tested(table: Table, **said: float) -> Any:
    """The table of all three columns; of test images as many are right as of validation."""
    told: dict[str, dict[str, float]] = {
        name: {"train": a, "validation": b, "test": b} for name, (a, b) in table.items()
    }
    for name, value in said.items():
        told[name]["test"] = value
    nets = made_up(told, table)

    def answer(validation: Any, train: Any, test: Any) -> dict[str, Any]:
        found: dict[str, Any] = nets(validation, train)
        for name, row in found["rows"].items():
            row["test"] = _classes(name, "test", table[name][1])
        return found

    return answer


_ALL = _TABLE | {"vgg": (94.0, 90.0)}

_TESTED = [
    right("tested_strategies: as measured", _tested(_TABLE)),
    right("tested_strategies: with a deep net", _tested(_ALL)),
    wrong(
        f"tested_strategies: the deep net's wish -> {claims.NOT_MEASURED}", _tested(_ALL, vgg=96.0)
    ),
    wrong("tested_strategies: three rows", _tested(dict(list(_TABLE.items())[:3]))),
]

_CHOICES = [
    right("strategy_choice: the best, opened once", _choice("augmented")),
    wrong(f"strategy_choice: not the best -> {assess.NOT_BEST}", _choice("colour")),
    wrong(f"strategy_choice: opened twice -> {assess.PEEKED}", _choice("augmented", 2)),
]

SAMPLES_NETS = [*_CONFIGURED, *_TRAINED, *_REPORTS, *_FINDINGS, *_STRATEGIES, *_TESTED, *_CHOICES]
"""Known answers."""
