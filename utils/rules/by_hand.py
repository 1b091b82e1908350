"""Measures of notebook 02: splits, balanced sets, initial weights, modules and graphs.

See utils.rules.theory for what a measure is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np

from utils.checks.kinds import described, numeric
from utils.nets import describe, graphs

WEIGHTS = {
    "conv1": (5, 5, 3, 8),
    "conv2": (3, 3, 8, 16),
    "conv3": (3, 3, 16, 32),
    "fc1": (2048, 64),
    "fc2": (64, 10),
}
"""Shapes of the small network's weights."""
AS_ASKED, HALF = "√(2/n)", "√(1/n)"
NO_SPREAD, TOO_LARGE, ANOTHER = "0", "far more than √(2/n)", "neither √(2/n) nor √(1/n)"
VARIANCE, CHANNELS = "2/n", "√(2/n), n only the channels"
OF_OUTPUTS, OF_WINDOWS = "√(2/n), n the outputs", "√(2/n), n the outputs times the kernel's cells"
OF_ALL, GLOROT = "√(2/n), n all weights of the layer", "√(2/(inputs + outputs))"
"""What the standard deviation of the kernels is found to be."""


AT_RANDOM, NEIGHBOURS, EVENLY = "at random", "from neighbours", "every k-th image"
"""How the images of a validation set were chosen."""
TWICE = "as many as come twice"
"""What is left out where other images are repeated within a set."""


def split_of_images(inputs: dict[str, Any], answer: Any) -> dict[str, Any]:
    """Sizes of two sets, whether they overlap, what was lost, and whose labels are whose."""
    x_train, y_train, x_val, y_val = _arrays(answer, ("x_train", "y_train", "x_val", "y_val"))
    if y_train.ndim > 1 and x_val.ndim < x_train.ndim:
        raise ValueError(
            "expected x_train, y_train, x_val, y_val, in this order; the second is an array of "
            "images.  (train_test_split returns x_train, x_val, y_train, y_val.)"
        )
    place = {image.tobytes(): i for i, image in enumerate(np.asarray(inputs["x"]))}
    train, val = _places(place, x_train), _places(place, x_val)
    if len(y_train) != len(train) or len(y_val) != len(val):
        raise ValueError(
            f"{len(train)} and {len(val)} images, but {len(y_train)} and {len(y_val)} labels"
        )
    labels = np.asarray(inputs["y"])
    repeated = len(set(train)) < len(train) or len(set(val)) < len(val)
    lost = TWICE if repeated else "some images"
    kept = np.array_equal(labels[train], y_train) and np.array_equal(labels[val], y_val)
    return {
        "sizes": np.array([len(train), len(val)]),
        "in both sets": "no image" if not set(train) & set(val) else "some images",
        "left out": "no image" if len({*train, *val}) == len(labels) else lost,
        "labels": "with their images" if kept else "torn from their images",
        "drawn": _drawn(sorted(set(val.tolist())), labels),
    }


def _drawn(places: list[int], labels: np.ndarray) -> str:
    """How places in a heap that is sorted by class were chosen."""
    if len(places) == len(labels):
        return AT_RANDOM  # nothing was chosen: what is wrong with that, sizes tell
    steps = set(np.diff(places).tolist())
    if len(places) > 2 and len(steps) == 1:
        return NEIGHBOURS if steps == {1} else EVENLY
    found = set(labels[places].tolist())
    return AT_RANDOM if len(found) == len(set(labels.tolist())) else "from some classes only"


def split_by_class(inputs: dict[str, Any], answer: Any) -> dict[str, Any]:
    """Whether it is a split, in words, and how many images of each class went to validation."""
    found = split_of_images(inputs, answer)
    taken = np.asarray(answer[3]).astype(int)
    return {
        "split": _kind_of_split(inputs, found),
        "of each class": np.bincount(taken, minlength=int(max(inputs["y"])) + 1),
    }


def _kind_of_split(inputs: dict[str, Any], found: dict[str, Any]) -> str:
    """The first thing that is wrong with a split, or that nothing is."""
    wanted = [len(inputs["y"]) - int(inputs["validation"]), int(inputs["validation"])]
    sizes = found["sizes"].tolist()
    if sizes != wanted:
        return "sizes exchanged" if sizes == wanted[::-1] else "other sizes"
    if found["in both sets"] != "no image" or found["left out"] != "no image":
        return "images in both sets or in none"
    return "whole" if found["labels"] == "with their images" else "labels torn from their images"


def balanced_images(inputs: dict[str, Any], answer: Any) -> dict[str, Any]:
    """How many of each label, whether all of the class are there, repetitions, and the order."""
    x, y = _arrays(answer, ("x", "y"))
    place = {image.tobytes(): i for i, image in enumerate(np.asarray(inputs["x"]))}
    chosen = _places(place, x)
    if len(y) != len(chosen) or y.ndim != 1:
        raise ValueError(f"{len(chosen)} images, but labels of shape {y.shape}")
    labels = np.asarray(inputs["y"])
    kept = "with their images" if np.array_equal(labels[chosen], y) else "torn"
    kept = "exchanged" if np.array_equal(labels[chosen], 1 - y) else kept
    inside = set(np.flatnonzero(labels == 1).tolist())
    rest = sorted({int(i) for i in chosen} - inside)
    evenly = len(rest) > 2 and len(set(np.diff(_ranks(rest, labels)).tolist())) == 1
    return {
        "counts": np.array([np.sum(y == 0), np.sum(y == 1)]),
        "images of the class": "all" if inside <= {int(i) for i in chosen} else "some missing",
        "repeated": "no image" if len(set(chosen.tolist())) == len(chosen) else "some images",
        "labels": kept,
        "rest": "from one place" if evenly and len(rest) < len(labels) - len(inside) else "mixed",
        "order": _order(y),
    }


def _ranks(rest: list[int], labels: np.ndarray) -> np.ndarray:
    """Which ones they are among all images of the rest: taken one by one or every k-th, these
    have equal steps."""
    return np.searchsorted(np.flatnonzero(labels == 0), rest)


def _order(y: np.ndarray) -> str:
    """How zeros and ones follow each other."""
    changes = np.count_nonzero(np.diff(y)) if len(y) else 0
    if changes <= 3:
        return "one after the other"
    return "in turn" if changes == len(y) - 1 else "mixed"


def small_network_weights(inputs: dict[str, Any], answer: Any) -> dict[str, Any]:
    """Shapes, the kernels' standard deviation against √(2/n), how values are spread, biases."""
    if not isinstance(answer, dict):
        what = 'a dictionary of arrays: "conv1", "conv1_bias", …'
        raise ValueError(f"expected {what}; got {described(answer)}")
    others, types, drawn = [], set(), []
    deviations: list[float] = []
    shapes: list[tuple[int, ...]] = []
    for name, shape in WEIGHTS.items():
        for key, wanted in ((name, shape), (f"{name}_bias", shape[-1:])):
            if key not in answer:
                raise ValueError(f"{key!r} is missing; there are: {', '.join(map(str, answer))}")
            array = numeric(answer[key], f"an array of numbers for {key!r}")
            types.add(array.dtype.name)
            if array.shape != wanted:
                others.append(f"{key} has {array.shape}")
        kernel = np.asarray(answer[name], np.float64)
        own = kernel.shape if kernel.ndim == len(shape) else shape
        deviations.append(float(kernel.std()) if kernel.size else 0.0)
        shapes.append(own)
        drawn.append(kernel.ravel() / (kernel.std() or 1))
    biases = [np.asarray(answer[f"{name}_bias"], np.float64) for name in WEIGHTS]
    return {
        "shapes": ", ".join(others) or "as asked",
        "standard deviations": _spread(deviations, shapes),
        "values": _normal(drawn),
        "biases": "zero" if not any(b.any() for b in biases) else "not zero",
        "type": "float32" if types == {"float32"} else "another than float32",
    }


def _normal(drawn: list[np.ndarray]) -> str:
    """How numbers of standard deviation 1 are distributed, kernel by kernel."""
    if any(abs(z.mean()) > 6 / np.sqrt(max(z.size, 1)) for z in drawn):
        return "not around zero"
    everything = np.concatenate(drawn)
    # within one deviation: normal 0.68, cut off at two 0.65 to 0.72, uniform 0.58
    within = float(np.mean(np.abs(everything) < 1))
    if not 0.63 < within < 0.75:
        return "not normal"
    starts = [z[:_START] for z in drawn if len(z) >= _START]
    if any(abs(np.corrcoef(a, b)[0, 1]) > 0.9 for a, b in combinations(starts, 2)):
        return "repeated"
    distinct = len(np.unique(np.round(everything, 6)))
    return "normal" if distinct > 0.9 * len(everything) else "repeated"


_START = 600  # as many as the smallest kernel of a convolution has


def _spread(deviations: list[float], shapes: list[tuple[int, ...]]) -> str:
    """What the standard deviations of kernels are, in words."""
    if not any(deviations):
        return NO_SPREAD
    for name, rule in _DEVIATIONS.items():
        wanted = [rule(*_units(shape)) for shape in shapes]
        if all(0.85 * w < d < 1.15 * w for d, w in zip(deviations, wanted, strict=True)):
            return name
    least = [3 * _DEVIATIONS[AS_ASKED](*_units(shape)) for shape in shapes]
    return TOO_LARGE if deviations[0] > least[0] and deviations[-1] > least[-1] else ANOTHER


def _units(shape: tuple[int, ...]) -> tuple[float, float, float]:
    """Cells of a kernel, inputs of one cell, and outputs, of an array of weights."""
    return float(np.prod(shape[:-2])), float(max(shape[-2], 1)), float(max(shape[-1], 1))


_DEVIATIONS: dict[str, Callable[[float, float, float], float]] = {
    AS_ASKED: lambda cells, inputs, outputs: math.sqrt(2 / (cells * inputs)),
    HALF: lambda cells, inputs, outputs: math.sqrt(1 / (cells * inputs)),
    VARIANCE: lambda cells, inputs, outputs: 2 / (cells * inputs),
    CHANNELS: lambda cells, inputs, outputs: math.sqrt(2 / inputs),
    OF_OUTPUTS: lambda cells, inputs, outputs: math.sqrt(2 / outputs),
    OF_WINDOWS: lambda cells, inputs, outputs: math.sqrt(2 / (cells * outputs)),
    OF_ALL: lambda cells, inputs, outputs: math.sqrt(2 / (cells * inputs * outputs)),
    GLOROT: lambda cells, inputs, outputs: math.sqrt(2 / (cells * (inputs + outputs))),
}
"""Rules for the standard deviation that students find, the right one first."""


def inception(inputs: dict[str, Any], answer: Any) -> dict[str, Any]:
    """Output, parameters and branches of a described module, in the order of stacking."""
    rows = answer.get("net") if isinstance(answer, dict) else None
    if not isinstance(rows, list) or not 0 < len(rows) <= _MOST_ROWS:
        raise ValueError("expected models.module(inception_module); the check cell was changed")
    last = len(rows) - 1
    if rows[last]["kind"] != "Concatenate":
        raise ValueError(
            "the branches are not stacked at the end: the last step is "
            f"{' '.join(describe.steps_at(rows, last)) or 'none'}, expected layers.Concatenate()"
        )
    found = describe.of_rows(rows)
    return {
        "output": np.asarray(found["output"]),
        "parameters": found["parameters"],
        "branches": " | ".join(_branches(rows, last)),
    }


_MOST_ROWS = 200


def _branches(rows: list[dict[str, Any]], at: int) -> list[str]:
    """The branches that a row stacks, each in words; stacking in steps is stacking."""
    if rows[at]["kind"] != "Concatenate" or rows[at]["options"].get("axis") not in (-1, 3):
        return [_branch(rows, at)]
    return [branch for source in rows[at]["from"] for branch in _branches(rows, source)]


def _branch(rows: list[dict[str, Any]], at: int) -> str:
    """The steps between the input and a row."""
    steps: list[str] = []
    while 0 < at < len(rows):
        steps = [_step(step) for step in describe.steps_at(rows, at)] + steps
        sources = [source for source in rows[at]["from"] if source < at]
        at = sources[0] if sources else 0
    return ", ".join(steps)


def _step(step: str) -> str:
    """For a 1×1 kernel both ways of padding are the same."""
    return step.replace(" 1×1 valid", " 1×1 same")


def graph_of_small_network(inputs: dict[str, Any], answer: Any) -> dict[str, Any]:
    """How many operations of each kind lie between the image and the scores."""
    files = answer.get("events") if isinstance(answer, dict) else None
    if not isinstance(files, list) or not all(
        isinstance(f, np.ndarray) and f.dtype == np.uint8 for f in files
    ):
        raise ValueError("expected graphs.event_file(write_graph); the check cell was changed")
    found = [graphs.nodes_in(f.tobytes()) for f in files[:4]]
    ops = max(map(graphs.chain, found), key=len, default=[])
    if not ops and (count := sum(map(len, found))):
        raise ValueError(
            f"there is a graph of {count} operations in the file, and no matrix product: is it "
            "that of small_network, up to its scores?"
        )
    return {
        "convolutions": ops.count("Conv2D"),
        "ReLUs": ops.count("Relu"),
        "poolings": ops.count("MaxPool"),
        "reshapes": min(ops.count("Reshape"), 1),
        "matrix products": ops.count("MatMul"),
    }


def _arrays(answer: Any, names: tuple[str, ...]) -> list[np.ndarray]:
    if answer is None:
        raise ValueError("your function returned None; is the return statement missing?")
    if not isinstance(answer, (tuple, list)) or len(answer) != len(names):
        what = f"{len(names)} results: {', '.join(names)}"
        raise ValueError(f"expected {what}; got {described(answer)}")
    arrays = [
        numeric(part, f"an array for {name}") for part, name in zip(answer, names, strict=True)
    ]
    for array, name in zip(arrays, names, strict=True):
        if not array.ndim:
            raise ValueError(f"expected an array for {name}, got {described(array)}")
    return arrays


def _places(place: dict[bytes, int], images: np.ndarray) -> np.ndarray:
    """Where images stood; every image of these cases occurs once."""
    try:
        return np.array([place[image.tobytes()] for image in images], int)
    except KeyError:
        raise ValueError("there are images that were not among those given") from None
