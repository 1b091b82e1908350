"""A Keras model as plain text and numbers: what is in it, and how it is to be trained.

Judges compare such descriptions with what an exercise asks for, and tables of results show them.
Different ways to write the same net (an activation as an argument or as a layer, nested models)
give the same description.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

_QUIET_LAYERS = ("InputLayer", "Identity")
_ACTIVATION_LAYERS = ("Activation", "ReLU", "Softmax")


def describe(model: Any) -> dict[str, Any]:
    """What a model is made of.

    model: a built Keras model; compiled or not.  Returns a dictionary of plain values:
    `steps` (texts such as "conv 32 3×3 same", "relu", "maxpool 2×2"), `layers` (one dictionary
    each, with type, inputs, output shape and parameters), `parameters`, `multiplications` (per
    image), `input` and `output` shapes without the batch, `l2` (factors of the regularisers), and
    `loss`, `from_logits`, `optimizer` and `rate`, empty if it isn't compiled.
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
        "l2": [factor for layer in layers for factor in _l2(layer)],
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
        found = [f"{name} {filters} {_by(layer.kernel_size)} {layer.padding}{_stride(layer)}"]
    elif kind in ("MaxPooling2D", "AveragePooling2D"):
        name = "maxpool" if kind == "MaxPooling2D" else "avgpool"
        usual = tuple(layer.strides) == tuple(layer.pool_size)
        same = " same" if layer.padding == "same" else ""
        stride = "" if usual else f" stride {layer.strides[0]}"
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


def _l2(layer: Any) -> list[float]:
    regulariser = getattr(layer, "kernel_regularizer", None)
    factor = getattr(regulariser, "l2", None)
    return [] if factor is None else [round(float(factor), 6)]


def _training(model: Any) -> dict[str, Any]:
    optimizer = getattr(model, "optimizer", None)
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # wrapped where float16 is used
    loss = getattr(model, "loss", None)
    if optimizer is None or loss is None:
        return {"loss": "", "from_logits": False, "optimizer": "", "rate": 0.0}
    if isinstance(loss, str):
        name, logits = loss, False
    else:
        name = getattr(loss, "__name__", type(loss).__name__)
        logits = bool(getattr(loss, "_fn_kwargs", {}).get("from_logits", False))
    rate = getattr(optimizer, "learning_rate", 0.0)
    try:
        rate = float(rate)
    except TypeError:  # a schedule
        rate = 0.0
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return {
        "loss": name,
        "from_logits": logits,
        "optimizer": type(optimizer).__name__.lower(),
        "rate": round(rate, 8),
    }


def _shape(tensor: Any) -> list[int]:
    return [-1 if n is None else int(n) for n in tensor.shape[1:]]


def _by(size: tuple[int, ...]) -> str:
    return "×".join(map(str, size))


def _stride(layer: Any) -> str:
    return "" if tuple(layer.strides) == (1, 1) else f" stride {layer.strides[0]}"
