"""Measures of notebook 04: activation maps, and how they hang together.

See utils.rules.theory for what a measure is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

_PLACES = ("first", "second", "third")
_EXACTLY, _NOT, _OPEN = "exactly", "not exactly", "not asked here"


def activation_maps(inputs: dict[str, Any], answer: Any) -> dict[str, Any]:
    """The maps of three layers, and whether the second and third follow from the one before."""
    layers = [str(name) for name in inputs["layers"]]
    if answer is None:
        raise ValueError("your function returned None; is the return statement missing?")
    if not isinstance(answer, (list, tuple)) or len(answer) != len(layers):
        raise ValueError(f"expected a list of {len(layers)} arrays, one for each layer")
    maps = [np.asarray(part) for part in answer]
    if any(m.dtype.kind not in "fiub" for m in maps):
        raise ValueError("activation maps are arrays of numbers")
    return maps_and_relations(layers, maps)


def maps_and_relations(layers: Sequence[str], maps: Sequence[np.ndarray]) -> dict[str, Any]:
    """The parts that are compared: each map, and RELU of CONV and pooling of RELU."""
    parts: dict[str, Any] = dict(zip(_PLACES, maps, strict=True))
    kinds = [name.rstrip("0123456789") for name in layers]
    relu = pool = _OPEN
    if kinds == ["conv", "relu", "pool"]:
        before, after, pooled = maps
        relu = _EXACTLY if np.array_equal(np.maximum(before, 0), after) else _NOT
        pool = _EXACTLY if _pooled(after, pooled) else _NOT
    return parts | {"RELU = max(CONV, 0)": relu, "MAXP = pool(RELU)": pool}


def _pooled(before: np.ndarray, after: np.ndarray) -> bool:
    """Is the second array the maxima of the windows of the first?"""
    if before.ndim != 3 or after.ndim != 3 or before.shape[2] != after.shape[2]:
        return False
    for size, step in ((2, 2), (3, 2), (3, 3)):
        if all(n >= size and (n - size) // step + 1 == m
               for n, m in zip(before.shape[:2], after.shape[:2], strict=True)):  # fmt: skip
            windows = np.lib.stride_tricks.sliding_window_view(before, (size, size), axis=(0, 1))
            if np.array_equal(windows[::step, ::step].max(axis=(3, 4)), after):
                return True
    return False
