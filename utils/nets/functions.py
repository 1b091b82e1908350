"""Functions of one tensor told by what they do: activations and regularisers.

`tf.nn.softmax`, `keras.ops.softmax`, `layers.Softmax()` and one's own function that divides
exponentials by their sum are all softmax.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from utils.nets.quiet import import_keras

ACTIVATIONS = (
    "linear", "relu", "softmax", "sigmoid", "tanh", "leaky_relu", "relu6", "elu", "selu", "gelu",
    "silu", "softplus", "softsign", "hard_sigmoid", "exponential", "log_softmax",
)  # fmt: skip
"""Those that Keras has a name for, and that are told apart."""

_SIDE = 8  # of maps on which a function is tried
_MOST = 64  # channels


def named(function: Any, shape: list[Any]) -> str:
    """What Keras calls this function, by what it makes of tensors of a shape; "" if it has no name.

    shape: with the batch.  A function that changes the shape, or can't be called so, has no name.
    """
    keras = import_keras()
    for name in ACTIVATIONS:
        if function is keras.activations.get(name):
            return name
    sides = [min(n or _SIDE, _SIDE) for n in shape[1:-1]]
    depth = shape[-1] if len(shape) > 1 else 0
    if not depth:
        return ""
    x = np.random.default_rng(0).normal(0, 3, (2, *sides, min(depth, _MOST))).astype(np.float32)
    try:
        found = np.asarray(function(keras.ops.convert_to_tensor(x)), np.float32)
    except Exception:  # it asks for more, or for the very shape: then it is no plain activation
        return ""
    if found.shape != x.shape:
        return ""
    for name in ACTIVATIONS:
        wanted = np.asarray(keras.activations.get(name)(keras.ops.convert_to_tensor(x)))
        if np.allclose(found, wanted, rtol=1e-4, atol=1e-5):
            return name
    return ""


def called(function: Any) -> str:
    """The name that a function of one's own goes by."""
    return str(getattr(function, "__name__", type(function).__name__))[:40]


PENALISED = {
    "kernel_regularizer": "weights",
    "depthwise_regularizer": "weights",
    "pointwise_regularizer": "weights",
    "gamma_regularizer": "weights",
    "beta_regularizer": "biases",
    "bias_regularizer": "biases",
    "activity_regularizer": "outputs",
}
"""Attribute of a layer -> what of it a regulariser makes costly."""
_TRIED = np.random.default_rng(0).normal(0, 1, (3, 4, 6)).astype(np.float32)


def cost(regulariser: Any) -> str:
    """What a regulariser adds to the loss, by what it makes of some numbers.

    "L2 0.05", "L1 0.01 L2 0.05", "" if it costs nothing, "of its own" if it is neither.
    """
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
