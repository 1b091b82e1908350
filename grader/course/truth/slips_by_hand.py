"""Slips in the second half of notebook 01 that a teacher sees each year, named before a judge was
asked; and answers that are right in a way of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from grader.contract.sample import right, wrong
from utils.exercises.by_hand import BIASES, FILTERS, SIZES, STEPS, VOLUME, numbers_of

from . import student_theory as by

_OWN = numbers_of("team_1")
_ROW, _COLUMN = _OWN.unit
_SIDE, _WIDTH = _OWN.side, _OWN.width

_1D = {name: by.loops_1d(_OWN.x, _OWN.w, s, p, p) for name, (s, p) in STEPS.items()}
_MAPS = {f"map {f + 1}": by.loops_2d(VOLUME, FILTERS[..., f], BIASES[f]) for f in range(2)}


def _laid(kernel: np.ndarray) -> np.ndarray:
    return np.array(
        [[(_OWN.image[i : i + 2, j : j + 2] * kernel).sum() for j in range(3)] for i in range(2)]
    )


def _flipped(result: Any) -> dict[str, Any]:
    return {"cross-correlation": _laid(_OWN.kernel), "convolution": result}


def _table(same: Callable[[int, int], list[int]]) -> dict[str, list[int]]:
    return {
        name: same(m, k) if name.startswith("SAME") else [m - k + 1, 0, 0, 0]
        for name, (m, k) in _OWN.padding.items()
    }


_LAST, _FIRST = (_SIDE - 6) ** 2, (_SIDE - 4) ** 2
_COSTS = {
    "i: weights, shared": 49,
    "i: weights, not shared": 49 * _LAST,
    "i: multiplications": 49 * _LAST,
    "iii: weights, shared": 34,
    "iii: weights, not shared": 25 * _FIRST + 9 * _LAST,
    "iii: multiplications": 25 * _FIRST + 9 * _LAST,
    "iii: multiplications for one output": 234,
}
_UNIT = {
    "maps": 16,
    "map size": [32, 32],
    "side": 8,
    "rows": [2 * _ROW - 3, 2 * _ROW + 4],
    "columns": [2 * _COLUMN - 3, 2 * _COLUMN + 4],
}
_SIDES = {"i": 7, "ii": 7, "iii": 7, "iv": 9}


def field_from_above(layers: list[tuple[int, int]]) -> int:
    """From the last layer down to the image."""
    side = 1
    for kernel, stride in reversed(layers):
        side = (side - 1) * stride + kernel
    return side


def field_by_products(layers: list[tuple[int, int]]) -> np.int64:
    """np.cumprod of the strides."""
    kernels, strides = np.array(layers, int).reshape(-1, 2).T
    return 1 + ((kernels - 1) * np.cumprod([1, *strides])[: len(layers)]).sum()


def field_of_whole_kernels(layers: list[tuple[int, int]]) -> int:
    side, apart = 0, 1
    for kernel, stride in layers:
        side, apart = side + kernel * apart, apart * stride
    return side or 1


def deep_in_pairs(w: np.ndarray, b: np.ndarray, a: np.ndarray) -> list[Any]:
    """One signed sum, carried on as ReLU(s) and ReLU(-s)."""
    n, d = w.shape
    eye, layers = np.eye(d), []
    for j in range(n):
        rows = np.zeros((2 * d + 3, 2 * d + 3))
        rows[: 2 * d, : 2 * d] = np.eye(2 * d)
        rows[2 * d, : 2 * d] = np.concatenate([w[j], -w[j]])
        rows[2 * d + 1, 2 * d :] = a[j - 1], 1, -1
        rows[2 * d + 2] = -rows[2 * d + 1]
        bias = np.zeros(2 * d + 3)
        bias[2 * d] = b[j]
        first = np.vstack([eye, -eye, w[:1], np.zeros((2, d))])
        layers.append((rows if j else first, bias))
    return [*layers, (np.array([[0.0] * 2 * d + [a[-1], 1, -1]]), np.zeros(1))]


SLIPS_BY_HAND = [
    right(
        "conv1d_by_hand: np.correlate",
        {
            name: np.correlate(np.pad(_OWN.x, p), _OWN.w, "valid")[::s]
            for name, (s, p) in STEPS.items()
        },
    ),
    wrong(
        "conv1d_by_hand: every position, whatever S -> the stride is left out",
        {name: by.loops_1d(_OWN.x, _OWN.w, 1, p, p) for name, (_, p) in STEPS.items()},
    ),
    wrong(
        "conv1d_by_hand: only what needs no padding",
        {name: found if "P=0" in name else None for name, found in _1D.items()},
    ),
    wrong(
        "output_volumes: maps, height, width -> the maps come first",
        {"maps": 2, "S=1": [2, 3, 4], "S=2": [2, 2, 2]},
    ),
    wrong("size_preserving_choice: stride 2", {"filter size": 3, "padding": 1, "stride": 2}),
    wrong(
        "conv2d_by_hand: one map for the other -> the two maps are swapped",
        {"map 1": _MAPS["map 2"], "map 2": _MAPS["map 1"]},
    ),
    wrong(
        "conv2d_by_hand: column by column -> the maps were copied column by column",
        {name: np.transpose(found) for name, found in _MAPS.items()},
    ),
    right("flipped_or_not: np.rot90 twice", _flipped(_laid(np.rot90(_OWN.kernel, 2)))),
    wrong(
        "flipped_or_not: np.rot90 once -> the kernel is turned by 90°, counter-clockwise",
        _flipped(_laid(np.rot90(_OWN.kernel))),
    ),
    wrong(
        "flipped_or_not: turned to the right -> the kernel is turned by 90°, clockwise",
        _flipped(_laid(np.rot90(_OWN.kernel, -1))),
    ),
    wrong(
        "flipped_or_not: turned afterwards -> the result is turned, not the kernel",
        _flipped(_laid(_OWN.kernel)[::-1, ::-1]),
    ),
    wrong(
        "padding_table: k zeros -> k zeros in all, one too many",
        _table(lambda m, k: [m, k // 2, k - k // 2, k]),
    ),
    wrong(
        "padding_table: one side -> the zeros of one side were taken for those in all",
        _table(lambda m, k: [m, (k - 1) // 2, k // 2, (k - 1) // 2]),
    ),
    wrong(
        "receptive_fields: products -> the kernel sizes are multiplied",
        _SIDES | {"ii": 27, "iii": 15, "iv": 15},
    ),
    wrong(
        "receptive_fields: twice seven -> the whole field was multiplied by the stride",
        _SIDES | {"iv": 14},
    ),
    wrong(
        "receptive_fields: the upper window -> only the last layer's window",
        _SIDES | {"ii": 3, "iii": 3, "iv": 3},
    ),
    wrong("receptive_fields: one of four by another way", _SIDES | {"iv": 11}),
    right("receptive_field: from above", field_from_above),
    right("receptive_field: np.cumprod", field_by_products),
    wrong(
        "receptive_field: whole kernels -> "
        "a layer adds k times the distance of its units, not k - 1 times",
        field_of_whole_kernels,
    ),
    wrong(
        "receptive_field: 0 for none -> nothing is seen without a layer",
        lambda layers: field_from_above(layers) if layers else 0,
    ),
    right("build_deep: a signed sum in pairs", deep_in_pairs),
    wrong(
        "build_deep: matrices the other way",
        lambda w, b, a: [(matrix.T, bias) for matrix, bias in deep_in_pairs(w, b, a)],
    ),
    wrong(
        "weights_and_multiplications: anew for each output -> "
        "the values between iii's layers were computed anew for each output",
        _COSTS | {"iii: multiplications": 234 * _LAST},
    ),
    wrong(
        "unit_and_map: rows for columns -> rows and columns are swapped",
        _UNIT | {"rows": _UNIT["columns"], "columns": _UNIT["rows"]},
    ),
    wrong(
        "unit_and_map: three pooled rows are five -> "
        "the pooling's window is left out: a pooled unit sees two rows",
        _UNIT
        | {
            "side": 7,
            "rows": [2 * _ROW - 3, 2 * _ROW + 3],
            "columns": [2 * _COLUMN - 3, 2 * _COLUMN + 3],
        },
    ),
    wrong("unit_and_map: 8 -> the maps of the first convolution", _UNIT | {"maps": 8}),
    wrong(
        "output_sizes: halves -> not rounded",
        {name: (_WIDTH - f + 2 * p) / s + 1 for name, (f, s, p) in SIZES.items()},
    ),
    wrong(
        "conv_parameters: all in one number -> the biases are counted among the weights, too",
        lambda kernel, c, f, bias: ((kernel[0] * kernel[1] * c + bias) * f, f * bias),
    ),
]
