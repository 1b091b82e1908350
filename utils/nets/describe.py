"""A Keras model as plain text and numbers: what is in it, and how it is to be trained.

Judges compare such descriptions with what an exercise asks for, and tables of results show them.
Different ways to write the same net (an activation as an argument, a layer or a function, nested
and subclassed models) give the same description, since all of it is read off the rows of
`utils.nets.blueprint`: in a notebook off those of the model, in the grader off those of the net
that was made again from them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from utils.nets import blueprint
from utils.nets.blueprint import Row


def describe(model: Any, shape: Sequence[int] = (32, 32, 3)) -> dict[str, Any]:
    """What a model is made of.

    model: a Keras model; compiled or not.  shape: of an image (H, W, C), for one that doesn't know
    yet, and is built for it.  Returns a dictionary of plain values: what
    `of_rows` says of its rows, `net`, the rows themselves, and `loss`, `smoothing`, `from_logits`,
    `optimizer`, `rate` and `metric`, empty if it isn't compiled.
    Raises TypeError for anything that is no Keras model, or has no shapes yet.
    """
    for name in ("layers", "count_params"):
        if not hasattr(model, name):
            kind = "None" if model is None else f"a {type(model).__name__}"
            raise TypeError(f"expected a Keras model, got {kind}; is the return missing?")
    rows = blueprint.rows_of(model, shape)
    return {**of_rows(rows), "net": rows, **_training(model)}


def of_rows(rows: list[Row]) -> dict[str, Any]:
    """What a net is made of, by its rows.

    Returns `steps` (texts such as "conv 32 3×3 same", "relu", "maxpool 2×2"), `layers` (one
    dictionary each, with type, steps, output shape and parameters), `parameters`,
    `multiplications` (per image), `input` and `output` shapes without the batch, and `regularisers`
    (texts such as "dense weights L2 0.05").
    """
    layers = [_layer(rows, number) for number, row in enumerate(rows) if row["kind"] != "Input"]
    own = {tuple(row["weights"]): row["parameters"] for row in rows if row["weights"]}
    return {
        "steps": [step for layer in layers for step in layer["steps"]],
        "layers": layers,
        "parameters": sum(own.values()),  # layers that are used twice have theirs once
        "multiplications": sum(row["multiplications"] for row in rows),
        "input": list(rows[0]["output"]),
        "output": list(rows[-1]["output"]),
        "regularisers": [told for row in rows for told in row["penalties"]],
    }


def architecture(steps: list[str]) -> str:
    """The steps of a description in one line, for a table."""
    return " · ".join(steps)


def loss_problem(description: dict[str, Any]) -> str:
    """What is wrong with output and loss together, "" if they fit."""
    steps, loss, logits = description["steps"], description["loss"], description["from_logits"]
    last = steps[-1] if steps else ""
    if steps[-2:] == ["softmax", "softmax"] or (last == "softmax" and logits):
        how = "and from_logits=True lets the loss apply it again" if logits else "one after another"
        return f"softmax twice: the model ends with softmax {how}"
    if "crossentropy" in loss and "binary" not in loss and last != "softmax" and not logits:
        return (
            f"the loss {loss} takes probabilities, but the model ends with {last!r}: end it with "
            "softmax (or tell the loss from_logits=True)"
        )
    binary = "binary" in loss and description["output"][-1:] != [2]  # of two it is the same loss
    if last == "softmax" and ("squared" in loss or binary):
        return f"softmax and {loss} don't fit: take categorical_crossentropy"
    return ""


def labels_problem(description: dict[str, Any], y: np.ndarray) -> str:
    """What is wrong with labels for this loss, "" if they fit."""
    loss, classes = description["loss"], description["output"][-1]
    if loss == "categorical_crossentropy" and (y.ndim != 2 or y.shape[1] != classes):
        return (
            f"labels of shape {y.shape} don't fit categorical_crossentropy with {classes} outputs: "
            f"it takes one-hot labels of shape (N, {classes})"
        )
    if loss == "sparse_categorical_crossentropy" and y.ndim != 1 and y.shape[1:] != (1,):
        return (
            f"labels of shape {y.shape} don't fit sparse_categorical_crossentropy: it takes class "
            "numbers of shape (N,), not one-hot labels"
        )
    if y.ndim == 1 and len(y) and int(y.max()) >= classes and "binary" not in loss:
        return f"there are labels up to {int(y.max())}, but the model has {classes} outputs"
    return ""


def _layer(rows: list[Row], number: int) -> dict[str, Any]:
    row = rows[number]
    return {
        "name": row["name"],
        "type": row["kind"],
        "steps": steps_at(rows, number),
        "output": list(row["output"]),
        "parameters": row["parameters"],
    }


def steps_at(rows: list[Row], number: int) -> list[str]:
    """A row in words: one step, or none."""
    return [step] if (step := _step(rows[number], rows)) else []


def _step(row: Row, rows: list[Row]) -> str:
    """A row in words."""
    kind, options = row["kind"], row["options"]
    known = bool(options)  # else it has some that can't be told
    if kind == "Input":
        return ""
    if kind == "Activation":
        return str(options["function"])
    if kind == "Dense" and known:
        return f"dense {options['units']}"
    if kind in _CONVOLUTIONS and known:
        filters = options.get("filters") or options["depth_multiplier"]
        size, stride = _by(options["kernel_size"]), _stride(options["strides"], [1, 1])
        name = f"{_CONVOLUTIONS[kind]} {filters} {size} {options['padding']}"
        return f"{name}{stride}{_dilation(options)}"
    if kind in _POOLINGS and known:
        window, strides = list(options["pool_size"]), list(options["strides"])
        before = rows[row["from"][0]]["output"][:2] if row["from"] else []
        even = strides == window and all(n % k == 0 for n, k in zip(before, window, strict=False))
        same = " same" if options["padding"] == "same" and not even else ""
        return f"{_POOLINGS[kind]} {_by(window)}{same}{_stride(strides, window)}"
    if kind == "Flatten" or (kind == "Reshape" and len(row["output"]) == 1):
        return "flatten"
    if kind in ("Dropout", "SpatialDropout2D") and known:
        return f"dropout {options['rate']:g}"
    if kind == "BatchNormalization":
        return "batchnorm"
    if kind == "GlobalAveragePooling2D":
        return "global average"
    if kind == "ZeroPadding2D" and known:
        sides = [str(side) for pair in options["padding"] for side in pair]
        return f"zeros {' '.join(sides[:1] if len({*sides}) == 1 else sides)}"
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind.replace("ReLU", "Relu")).lower()


_CONVOLUTIONS = {
    "Conv2D": "conv",
    "DepthwiseConv2D": "depthwise",
    "SeparableConv2D": "separable",
    "Conv2DTranspose": "transposed conv",
}
_POOLINGS = {"MaxPooling2D": "maxpool", "AveragePooling2D": "avgpool"}


def _stride(strides: Any, usual: Any) -> str:
    return "" if [*strides] == [*usual] else f" stride {_same(strides)}"


def _dilation(options: dict[str, Any]) -> str:
    dilation, groups = [*options["dilation_rate"]], options.get("groups", 1)
    told = "" if dilation == [1, 1] else f" dilation {_same(dilation)}"
    return told if groups == 1 else f"{told} groups {groups}"


def _same(pair: Any) -> str:
    """2 for (2, 2), else 2×1."""
    return str(pair[0]) if pair[0] == pair[1] else _by(pair)


def _training(model: Any) -> dict[str, Any]:
    optimizer = getattr(model, "optimizer", None)
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # wrapped where float16 is used
    loss = getattr(model, "loss", None)
    if optimizer is None or loss is None:
        return {
            "loss": "", "smoothing": 0.0, "from_logits": False, "optimizer": "", "rate": 0.0,
            "metric": "",
        }  # fmt: skip
    loss = _single(loss)
    options = getattr(loss, "_fn_kwargs", {})
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    rate = getattr(optimizer, "learning_rate", 0.0)
    try:
        rate = float(rate)
    except TypeError:  # a schedule
        rate = 0.0
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return {
        "loss": name,
        "smoothing": float(options.get("label_smoothing") or 0),
        "from_logits": bool(options.get("from_logits", False)),
        "optimizer": type(optimizer).__name__.lower(),
        "rate": round(rate, 8),
        "metric": _metric(model),
    }


def _single(loss: Any) -> Any:
    """The one loss in a list or dictionary of one."""
    if isinstance(loss, Mapping):
        loss = list(loss.values())
    while isinstance(loss, (list, tuple)) and len(loss) == 1:
        loss = loss[0]
    return loss


_ACCURACIES = ("accuracy", "acc", "categorical_accuracy", "sparse_categorical_accuracy")


def _metric(model: Any) -> str:
    """ "accuracy" if it is among the metrics; else their names, or "none"."""
    names = list(_names(getattr(getattr(model, "_compile_metrics", None), "_user_metrics", None)))
    return "accuracy" if set(names) & set(_ACCURACIES) else ", ".join(names)[:80] or "none"


def _names(metrics: Any) -> Iterator[str]:
    """Of metrics as they were handed to `compile`: texts, functions, objects, in lists or not."""
    if isinstance(metrics, Mapping):
        metrics = list(metrics.values())
    if isinstance(metrics, (list, tuple)):
        for metric in metrics:
            yield from _names(metric)
    elif isinstance(metrics, str):
        yield metrics
    elif metrics is not None:
        named = getattr(metrics, "__name__", type(metrics).__name__)  # not what a student calls it
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", named).lower()
        # Keras' class Accuracy asks whether numbers are equal, which probabilities never are
        yield "equality" if name == "accuracy" else name


def _by(size: Any) -> str:
    return "×".join(map(str, size))
