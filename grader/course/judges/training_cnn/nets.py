"""Judges of notebook 02 for nets: how they are made, and what they say of images nobody has seen.

The labels of hidden images never reach a kernel.  Which data set they come from is what the weights
name that were handed in; what else those files say is not believed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from grader.contract import thresholds
from grader.contract.judge import Handed, Judge, Question
from utils.images.datasets import DataUnavailable
from utils.rules import ladder, training
from utils.rules.ladder import Assess
from utils.rules.training import HINTS
from utils.training import records

from . import evidence
from .handed import (
    NOTHING,
    asked_about,
    dataset_of,
    handed_in,
    label_of,
    missing,
    unused,
)

TARGET = 3
"""The class that is told from the rest: three, or cat."""

# -- how nets are made ----------------------------------------------------------------------------

_COMPILED: dict[str, Any] = {
    "loss": "categorical_crossentropy",
    "optimizer": "adam",
    "metric": "accuracy",
}
_CONFIGURATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "one_layer_configuration": (
        "Exercise 02.2: one layer",
        {
            "input": [32, 32, 3],
            "steps": ["flatten", "dense 10", "softmax"],
            "regularisers": ["dense weights L2 0.05"],
            "parameters": 30_730,
            **_COMPILED,
            "loss and output": "fit",
        },
    ),
    "mlp_configuration": (
        "Exercise 02.4: two layers",
        {
            "input": [32, 32, 3],
            "steps": ["flatten", "dense 128", "relu", "dense 10", "softmax"],
            "regularisers": [],
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
            "regularisers": [],
            "parameters": 82_826,
            **_COMPILED,
            "loss and output": "fit",
        },
    ),
    "rest_configuration": (
        "Exercises 02.12 to 02.16: one class against the rest",
        {"input": [32, 32, 3], "output": [2], "ends with": "softmax", "loss and output": "fit"},
    ),
}


_CORE = {"mlp_configuration": (training.ACTIVATION,)}
"""What makes another net of it: two layers with nothing between them are no more than one."""


def _configuration(name: str) -> Judge:
    section, wanted = _CONFIGURATIONS[name]

    def draw(rng: np.random.Generator, variant: int) -> Iterator[Question]:
        yield Question("how it is made", {}, expected=wanted)

    return Judge(
        name, unused, draw, section=section, assess=training.configuration, hints=HINTS,
        parts=tuple(wanted),
        evidence=evidence.of_description(name.removesuffix("_configuration")),
        core=(training.OTHER_LOSS, *_CORE.get(name, ())),
        idle=() if name == "one_layer_configuration" else (lambda: idle_net(wanted),),
    )  # fmt: skip


def idle_net(wanted: dict[str, Any]) -> dict[str, Any]:
    """A description of the one-layer net, all else as asked: whoever has written it once hands it
    in for every net."""
    layers = {"steps": ["flatten", "dense 10", "softmax"], "parameters": 30_730, "output": [10]}
    return {"loss": "categorical_crossentropy", "from_logits": False, **wanted, **layers}


# -- what they are worth --------------------------------------------------------------------------


def accuracy_of(
    name: str,
    section: str,
    target: int = -1,
    asked: Mapping[str, int] | None = None,
    assess: Assess = training.accuracy,
) -> Judge:
    """A judge of a trained net's outputs for hidden images.

    asked: epochs and batch, where the exercise fixes them; they are worth half of the points.
    """
    classes = 10 if target < 0 else 2

    def draw(rng: np.random.Generator, variant: int, handed: Handed | None) -> Iterator[Question]:
        label, dataset = label_of(handed, "hidden"), dataset_of(handed, name) if handed else ""
        try:
            images, labels = asked_about(handed, dataset, "hidden", target)
            known = asked_about(handed, dataset, "validation") if asked else None
        except DataUnavailable as error:
            nothing = {"images": NOTHING} | ({"known": NOTHING} if asked else {})
            yield Question(label, nothing, 0, missing(dataset, error))
            return
        facts = {"labels": labels, "target": target, "size": 32, "classes": classes}
        facts |= _of_file(name, handed, dataset)
        shown = {"images": images}
        if asked and known:
            shown["known"] = known[0]
            facts |= {"asked": dict(asked), "known": known[1]}
        yield Question(label, shown, 0, facts)

    return Judge(
        name,
        unused,
        draw,
        section=section,
        assess=assess,
        patience=2.0,
        hints=HINTS | ladder.HINTS,
        by_files=True,
        evidence=evidence.of_answers(name),
    )


def _of_file(name: str, handed: Handed | None, dataset: str) -> dict[str, Any]:
    """What a judge reads from the file that was handed in; in a notebook there is none to read."""
    if handed is None:
        return {"limits": thresholds.load()[name], "deepest": 0, "record": {}}
    limits = (handed.thresholds or thresholds.load())[name]
    record, weights = handed_in(handed, name)
    filters = weights[0].shape[-1] if weights and weights[0].ndim else 0
    how = records.how(record)
    return {
        "limits": training.limits_for(limits, dataset, filters, how["images"]),
        "deepest": max((w.ndim for w in weights), default=0),
        "record": how if record else {},
    }


def _fixed(label: str, expected: dict[str, Any]) -> Callable[..., Iterator[Question]]:
    def draw(rng: np.random.Generator, variant: int) -> Iterator[Question]:
        yield Question(label, {}, expected=expected)

    return draw


_SIMPLE = "Exercise 02.6: a simple convolutional net"
_OWN = "Exercise 02.9: your own best"
_REST = "Exercises 02.12 to 02.16: one class against the rest"


JUDGES_NETS = [
    *(_configuration(name) for name in _CONFIGURATIONS),
    accuracy_of(
        "one_layer",
        "Exercise 02.2: one layer",
        asked={"epochs": 5, "batch": 128},
        assess=ladder.as_asked,
    ),
    accuracy_of(
        "mlp",
        "Exercise 02.4: two layers",
        asked={"epochs": 30, "batch": 128},
        assess=ladder.as_asked,
    ),
    accuracy_of("mlp_tuned", "Exercise 02.5: tune it", assess=ladder.tuned),
    accuracy_of("simple_cnn", _SIMPLE),
    accuracy_of("own_best", _OWN),
    Judge(
        "own_choice",
        unused,
        _fixed("the choice", {"candidates": 4}),
        kind="value",
        parts=("compared", "opened once", "best chosen"),
        section=_OWN,
        assess=training.choice,
        hints=HINTS,
        evidence=evidence.of_choice(everything=True),
    ),
    Judge(
        "rest_tuned",
        unused,
        _fixed("the trials", {"rates": 2, "batches": 2}),
        section=_REST,
        assess=training.tuning,
        hints=HINTS,
        evidence=evidence.of_tuning("rest_search", "rest", TARGET),
    ),
    accuracy_of("rest", _REST, TARGET),
]
"""Judges of configurations and of trained nets."""
