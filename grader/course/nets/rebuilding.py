"""What the process with Keras does with a student's net: make it of standard layers, and ask it.

Rows have been looked at by `rebuilt`, which sends them; sizes show only here, layer by layer, and
are bounded before anything of that size is made.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Any

import numpy as np

LARGEST = 2**20
"""Values of one step, for one image."""
MOST_WORK = 10**9
"""Multiplications of a net, for one image."""
_MOST_WEIGHTS = 2**25
_KEPT = 24  # nets that are remembered
_BATCH = 50


class CannotRebuild(ValueError):
    """This net can't be made again.  The text says why."""


_nets: OrderedDict[str, Any] = OrderedDict()


def rebuild(key: str, rows: list[dict[str, Any]], weights: list[np.ndarray]) -> str:
    """Make a net and remember it under a key.  Returns why that can't be done, or ""."""
    try:
        _nets[key] = _made(rows, weights)
    except Exception as error:
        return _why(error)
    while len(_nets) > _KEPT:
        _nets.popitem(last=False)
    return ""


def facts(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Parameters and output of a net, or the `problem` with it."""
    try:
        net = _made(rows, None)
    except Exception as error:
        return {"problem": _why(error)}
    return {"parameters": int(net.count_params()), "output": [int(n) for n in net.output.shape[1:]]}


def _why(error: Exception) -> str:
    """Keras refuses what doesn't fit together in many ways."""
    known = isinstance(error, CannotRebuild)
    return str(error) if known else f"its layers don't fit together ({type(error).__name__})"


def said(key: str, images: np.ndarray) -> np.ndarray | None:
    """What a remembered net says of images; None if there is none."""
    net = _nets.get(key)
    if net is None:
        return None
    _nets.move_to_end(key)
    scale = np.float32(255 if images.dtype.kind in "ui" else 1)
    parts = [
        np.asarray(net(images[i : i + _BATCH].astype(np.float32) / scale, training=False))
        for i in range(0, len(images), _BATCH)
    ]
    return np.concatenate(parts)


def _made(rows: list[dict[str, Any]], weights: list[np.ndarray] | None) -> Any:
    import keras  # takes seconds to import

    given = keras.Input(rows[0]["output"])
    tensors, work = [given], 0
    for row in rows[1:]:
        sources = [tensors[source] for source in row["from"]]
        if row["kind"] == "Identity":
            tensors.append(sources[0])
            continue
        layer = _layer(row)
        _bounded(row, sources)
        tensor = layer(sources if len(sources) > 1 or row["kind"] == "Concatenate" else sources[0])
        size = math.prod(n or LARGEST for n in tensor.shape[1:])
        kernel = getattr(layer, "kernel", None)
        work += math.prod(kernel.shape) * math.prod(tensor.shape[1:-1]) if kernel is not None else 0
        if size > LARGEST or work > MOST_WORK:
            raise CannotRebuild("it is too large to be tried here")
        if weights is not None and row["kind"] not in _WITHOUT_WEIGHTS:
            _give(layer, row["weights"], weights)
        tensors.append(tensor)
    return keras.Model(given, tensors[-1])


_WITHOUT_WEIGHTS = ("Normalization", "Rescaling", "Activation")


def _layer(row: dict[str, Any]) -> Any:
    import keras  # takes seconds to import

    kind, options = row["kind"], dict(row["options"])
    if kind == "Activation":
        return keras.layers.Activation(options["function"])
    if kind == "Normalization":
        mean, variance = (np.asarray(options[n], np.float32) for n in ("mean", "variance"))
        spread = np.maximum(np.sqrt(variance), keras.config.epsilon())
        return keras.layers.Rescaling(1 / spread.ravel(), -(mean / spread).ravel())
    return getattr(keras.layers, kind)(**options)


def _bounded(row: dict[str, Any], sources: list[Any]) -> None:
    """Raise CannotRebuild before a layer asks for more weights than a file can hold."""
    options = row["options"]
    asked = math.prod(n or 1 for n in sources[0].shape[-1:])
    for name in ("units", "filters", "depth_multiplier"):
        asked *= abs(int(options.get(name) or 1))
    asked *= math.prod(abs(int(n)) for n in options.get("kernel_size", [1]))
    if asked > _MOST_WEIGHTS:
        raise CannotRebuild("it is too large to be tried here")


def _give(layer: Any, places: list[int], weights: list[np.ndarray]) -> None:
    if len(places) != len(layer.weights):
        raise CannotRebuild("a layer has other weights than its kind has")
    for place, variable in zip(places, layer.weights, strict=True):
        if not 0 <= place < len(weights) or tuple(variable.shape) != weights[place].shape:
            raise CannotRebuild("the weights that were handed in don't fit it")
        variable.assign(weights[place])
