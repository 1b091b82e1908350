"""A Keras model as plain text and numbers: what is in it, and how it is to be trained.

Judges compare such descriptions with what an exercise asks for, and tables of results show them.
Different ways to write the same net (an activation as an argument or as a layer, nested models)
give the same description.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from utils.nets.quiet import import_keras

_QUIET_LAYERS = ("InputLayer", "Identity")
_ACTIVATION_LAYERS = ("Activation", "ReLU", "Softmax")


def describe(model: Any) -> dict[str, Any]:
    """What a model is made of.

    model: a built Keras model; compiled or not.  Returns a dictionary of plain values:
    `steps` (texts such as "conv 32 3×3 same", "relu", "maxpool 2×2"), `layers` (one dictionary
    each, with type, inputs, output shape and parameters), `parameters`, `multiplications` (per
    image), `input` and `output` shapes without the batch, `regularisers` (texts such as "dense
    weights L2 0.05"), and `loss`, `smoothing`, `from_logits`, `optimizer`, `rate` and `metric`,
    empty if it isn't compiled.
    Raises TypeError for anything that is no Keras model.
    """
    for name in ("layers", "count_params"):
        if not hasattr(model, name):
            kind = type(model).__name__
            raise TypeError(f"expected a Keras model, got a {kind}; is the return missing?")
    if not model.built or not getattr(model, "inputs", None):
        raise TypeError("the model has no shapes yet: begin it with keras.Input((32, 32, 3))")
    layers = list(_leaves(model))
    return {
        "steps": [step for layer in layers for step in _steps(layer)],
        "layers": [_layer(layer) for layer in layers],
        "parameters": int(model.count_params()),
        "multiplications": sum(_multiplications(layer) for layer in layers),
        "input": _shape(model.inputs[0]),
        "output": _shape(model.outputs[0]),
        "regularisers": [told for layer in layers for told in _regularisers(layer)],
        **_training(model),
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
    if last == "softmax" and ("binary" in loss or "squared" in loss):
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
    if loss == "sparse_categorical_crossentropy" and y.ndim != 1:
        return (
            f"labels of shape {y.shape} don't fit sparse_categorical_crossentropy: it takes class "
            "numbers of shape (N,), not one-hot labels"
        )
    if y.ndim == 1 and len(y) and int(y.max()) >= classes:
        return f"there are labels up to {int(y.max())}, but the model has {classes} outputs"
    return ""


def _leaves(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        if hasattr(layer, "layers") and hasattr(layer, "inputs"):
            yield from _leaves(layer)
        elif type(layer).__name__ not in _QUIET_LAYERS:
            yield layer


def _steps(layer: Any) -> list[str]:
    kind = type(layer).__name__
    if kind == "Dense":
        found = [f"dense {layer.units}"]
    elif kind in ("Conv2D", "DepthwiseConv2D", "SeparableConv2D"):
        name = {"Conv2D": "conv", "DepthwiseConv2D": "depthwise"}.get(kind, "separable")
        filters = getattr(layer, "filters", None) or layer.depth_multiplier
        found = [
            f"{name} {filters} {_by(layer.kernel_size)} {layer.padding}{_stride(layer)}"
            f"{_dilation(layer)}"
        ]
    elif kind in ("MaxPooling2D", "AveragePooling2D"):
        name = "maxpool" if kind == "MaxPooling2D" else "avgpool"
        usual = tuple(layer.strides) == tuple(layer.pool_size)
        same = " same" if layer.padding == "same" else ""
        stride = "" if usual else f" stride {_same(layer.strides)}"
        found = [f"{name} {_by(layer.pool_size)}{same}{stride}"]
    elif kind == "Flatten" or (kind == "Reshape" and len(layer.target_shape) == 1):
        found = ["flatten"]
    elif kind in ("Dropout", "SpatialDropout2D"):
        found = [f"dropout {layer.rate:g}"]
    elif kind == "BatchNormalization":
        found = ["batchnorm"]
    elif kind == "GlobalAveragePooling2D":
        found = ["global average"]
    elif kind in _ACTIVATION_LAYERS:
        found = []
    else:
        found = [re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind).lower()]
    active = _activation(layer)
    return found + ([active] if active else [])


def _activation(layer: Any) -> str:
    kind = type(layer).__name__
    if kind in ("ReLU", "Softmax"):
        return kind.lower()
    name = getattr(getattr(layer, "activation", None), "__name__", "")
    return "" if name == "linear" else name


def _layer(layer: Any) -> dict[str, Any]:
    incoming: list[str] = []
    nodes = getattr(layer, "_inbound_nodes", [])
    for tensor in nodes[0].input_tensors if nodes else []:
        history = getattr(tensor, "_keras_history", None)
        if history is not None:
            incoming.append(history.operation.name)
    return {
        "name": layer.name,
        "type": type(layer).__name__,
        "steps": _steps(layer),
        "from": incoming,
        "output": _shape(layer.output) if nodes else [],
        "parameters": int(layer.count_params()),
    }


def _multiplications(layer: Any) -> int:
    kernel = getattr(layer, "kernel", None)
    if kernel is None:
        return 0
    positions = math.prod(_shape(layer.output)[:-1])
    return int(positions * math.prod(kernel.shape))


_PENALISED = {
    "kernel_regularizer": "weights",
    "depthwise_regularizer": "weights",
    "pointwise_regularizer": "weights",
    "gamma_regularizer": "weights",
    "beta_regularizer": "biases",
    "bias_regularizer": "biases",
    "activity_regularizer": "outputs",
}
_TRIED = np.random.default_rng(0).normal(0, 1, (3, 4, 6)).astype(np.float32)


def _regularisers(layer: Any) -> list[str]:
    """What a layer's values cost, in words, by what a regulariser does to some numbers: so one of
    the student's own counts like Keras'."""
    kind = type(layer).__name__.lower()
    found = []
    for name, what in _PENALISED.items():
        regulariser = getattr(layer, name, None)
        if callable(regulariser) and (cost := _cost(regulariser)):
            found.append(f"{kind} {what} {cost}")
    return found


def _cost(regulariser: Any) -> str:
    """ "L2 0.05", "L1 0.01 L2 0.05", "" if it costs nothing, "of its own" if it is neither."""
    ops = import_keras().ops
    rows = [(np.abs(tried).sum(), (tried**2).sum()) for tried in _TRIED]
    try:
        costs = [float(regulariser(ops.convert_to_tensor(tried))) for tried in _TRIED]
    except Exception:  # one that wants a shape of its own
        return "of its own"
    factors = np.linalg.lstsq(np.array(rows), np.array(costs), rcond=None)[0]
    if not np.allclose(np.array(rows) @ factors, costs, rtol=1e-4, atol=1e-9):
        return "of its own"
    told = [
        f"{name} {factor:.4g}"
        for name, factor in zip(("L1", "L2"), factors, strict=True)
        if abs(factor) > 1e-4 * np.abs(factors).max() and abs(factor) > 1e-12
    ]
    return " ".join(told)


def _training(model: Any) -> dict[str, Any]:
    optimizer = getattr(model, "optimizer", None)
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # wrapped where float16 is used
    loss = getattr(model, "loss", None)
    if optimizer is None or loss is None:
        return {
            "loss": "", "smoothing": 0.0, "from_logits": False, "optimizer": "", "rate": 0.0,
            "metric": "",
        }  # fmt: skip
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


def _shape(tensor: Any) -> list[int]:
    return [-1 if n is None else int(n) for n in tensor.shape[1:]]


def _by(size: tuple[int, ...]) -> str:
    return "×".join(map(str, size))


def _stride(layer: Any) -> str:
    return "" if tuple(layer.strides) == (1, 1) else f" stride {_same(layer.strides)}"


def _dilation(layer: Any) -> str:
    dilation, groups = tuple(layer.dilation_rate), getattr(layer, "groups", 1)
    told = "" if dilation == (1, 1) else f" dilation {_same(dilation)}"
    return told if groups == 1 else f"{told} groups {groups}"


def _same(pair: Any) -> str:
    """2 for (2, 2), else 2×1."""
    return str(pair[0]) if pair[0] == pair[1] else _by(tuple(pair))
