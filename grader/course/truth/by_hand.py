"""Known answers to the second half of notebook 01: right ones in many styles, and typical slips."""

from __future__ import annotations

from typing import Any

import numpy as np

from grader.contract.sample import right, wrong
from utils.checks.compare import CHANGED
from utils.exercises.by_hand import BIASES, FILTERS, SIZES, STEPS, VOLUME, numbers_of

from . import student_theory as by

TEAM = "team_1"
_OWN = numbers_of(TEAM)


def _outputs(before: int = 1, after: int = 1, flip: bool = False, extra: int = 0) -> dict[str, Any]:
    """All five one-dimensional outputs; before and after: zeros for each unit of P."""
    w = _OWN.w[::-1] if flip else _OWN.w
    return {
        name: by.loops_1d(_OWN.x, w, s + extra, p * before, p * after)
        for name, (s, p) in STEPS.items()
    }


_RIGHT_1D = _outputs()

CONV1D = [
    right("conv1d_by_hand: lists", _RIGHT_1D),
    right(
        "conv1d_by_hand: tuple of float32 arrays, in order",
        tuple(np.array(v, np.float32) for v in _RIGHT_1D.values()),
    ),
    wrong(
        "conv1d_by_hand: filter flipped -> "
        "the filter is flipped: that is convolution, not cross-correlation",
        _outputs(flip=True),
    ),
    wrong(
        "conv1d_by_hand: zero in front only -> P zeros in front only, none behind",
        _outputs(after=0),
    ),
    wrong(
        "conv1d_by_hand: skips S values -> "
        "the step is one too long: S values are skipped between windows",
        _outputs(extra=1),
    ),
    wrong(
        "conv1d_by_hand: a third window at S=4, P=0 -> a last, incomplete window was kept",
        _RIGHT_1D | {"S=4, P=0": by.loops_1d(_OWN.x, _OWN.w, 4, 0, 2)},
    ),
    wrong("conv1d_by_hand: nothing filled in", dict.fromkeys(STEPS)),
    wrong(
        "conv1d_by_hand: one sum wrong",
        _RIGHT_1D | {"S=1, P=0": [1000, *_RIGHT_1D["S=1, P=0"][1:]]},
    ),
    right("keeps_the_size: a list", ["S=1, P=1"]),
    right("keeps_the_size: pairs of numbers", [(1, 1)]),
    right("keeps_the_size: true and false", {name: name == "S=1, P=1" for name in STEPS}),
    right("keeps_the_size: one short name", "s1p1"),
    wrong(
        "keeps_the_size: every padding of one -> "
        "every padding of one zero was taken to keep the size, whatever the stride",
        ["S=4, P=1", "S=1, P=1"],
    ),
    wrong(
        "keeps_the_size: every stride of one -> "
        "every stride of 1 was taken to keep the size, with or without padding",
        np.array([[1, 0], [1, 1]]),
    ),
    wrong("keeps_the_size: all of them", list(STEPS)),
    wrong("keeps_the_size: none of them", []),
]


def _maps(biases: Any = BIASES, filters: np.ndarray = FILTERS) -> list[list[list[float]]]:
    return [by.loops_2d(VOLUME, filters[..., f], float(biases[f])) for f in range(2)]


CONV2D = [
    right("output_volumes: tuples", {"maps": 2, "S=1": (3, 4, 2), "S=2": (2, 2, 2)}),
    right("output_volumes: arrays of floats", [2.0, np.array([3.0, 4, 2]), np.full(3, 2.0)]),
    wrong(
        "output_volumes: three maps -> one map for each input channel",
        {"maps": 3, "S=1": [3, 4, 3], "S=2": [2, 2, 3]},
    ),
    wrong(
        "output_volumes: width first -> width and height are swapped",
        {"maps": 2, "S=1": [4, 3, 2], "S=2": [2, 2, 2]},
    ),
    wrong(
        "output_volumes: plus one forgotten -> the + 1 is missing: (W - F) / S",
        {"maps": 2, "S=1": [2, 3, 2], "S=2": [1, 1, 2]},
    ),
    wrong(
        "output_volumes: rounded up -> rounded up: an incomplete window was kept",
        {"maps": 2, "S=1": [3, 4, 2], "S=2": [2, 3, 2]},
    ),
    right("size_preserving_choice: 5, 2, 1", {"filter size": 5, "padding": 2, "stride": 1}),
    right("size_preserving_choice: 1, 0, 1 as floats", np.array([1.0, 0.0, 1.0])),
    right("size_preserving_choice: stride 2 with much padding", (1, 2, 2)),
    wrong(
        "size_preserving_choice: padding counted once -> "
        "P was counted once: there are P zeros on each side, so W - F + 2P",
        {"filter size": 3, "padding": 2, "stride": 1},
    ),
    wrong(
        "size_preserving_choice: plus one forgotten -> "
        "the + 1 is missing: there are (W - F + 2P) / S + 1 windows",
        (4, 2, 1),
    ),
    wrong(
        "size_preserving_choice: no padding -> without padding only a 1×1 filter keeps the size",
        [3, 0, 1],
    ),
    wrong("size_preserving_choice: half a zero", (2, 0.5, 1)),
    right("conv2d_by_hand: nested lists in order", _maps()),
    right(
        "conv2d_by_hand: float32",
        {"map 1": np.array(_maps()[0], np.float32), "map 2": np.array(_maps()[1], np.float32)},
    ),
    wrong(
        "conv2d_by_hand: bias for each channel -> the bias is added once for each channel",
        _maps(3 * BIASES),
    ),
    wrong("conv2d_by_hand: no bias -> the biases are left out", _maps([0, 0])),
    wrong(
        "conv2d_by_hand: flipped -> "
        "the filters are flipped: that is convolution, not cross-correlation",
        _maps(filters=FILTERS[::-1, ::-1]),
    ),
    wrong(
        "conv2d_by_hand: blue and red exchanged -> the channels are in the order B, G, R",
        _maps(filters=FILTERS[:, :, ::-1]),
    ),
]


def _lay(kernel: np.ndarray) -> list[list[float]]:
    return by.loops_2d(_OWN.image[..., None], kernel[..., None], 0.0)


_TURNED = np.rot90(_OWN.kernel, 2)


def _table(left: Any, right: Any) -> dict[str, list[int]]:
    """Rows of the padding table from functions of k."""
    rows = {}
    for name, (m, k) in _OWN.padding.items():
        a, b = (left(k), right(k)) if "SAME" in name else (0, 0)
        rows[name] = [m + a + b - k + 1 if a + b in (0, k - 1) else m, a, b, a + b]
    return rows


EDGES = [
    right("flipped_or_not: in order", [_lay(_OWN.kernel), _lay(_TURNED)]),
    wrong(
        "flipped_or_not: exchanged -> convolution and cross-correlation are swapped",
        [_lay(_TURNED), _lay(_OWN.kernel)],
    ),
    wrong(
        "flipped_or_not: flipped in one direction -> the kernel is flipped left to right only",
        [_lay(_OWN.kernel), _lay(np.fliplr(_OWN.kernel))],
    ),
    wrong(
        "flipped_or_not: transposed -> the kernel is transposed, not flipped",
        [_lay(_OWN.kernel), _lay(_OWN.kernel.T)],
    ),
    right("padding_table: lists", _table(lambda k: (k - 1) // 2, lambda k: k // 2)),
    right(
        "padding_table: one array",
        np.array(list(_table(lambda k: (k - 1) // 2, lambda k: k // 2).values())).tolist(),
    ),
    wrong(
        "padding_table: the odd zero first -> the odd zero was put on the left",
        _table(lambda k: k // 2, lambda k: (k - 1) // 2),
    ),
    wrong(
        "padding_table: k // 2 on both sides -> "
        "k // 2 zeros on both sides: one too many for an even k",
        _table(lambda k: k // 2, lambda k: k // 2),
    ),
]

_N = _OWN.side
_COSTS = [
    49,
    49 * (_N - 6) ** 2,
    49 * (_N - 6) ** 2,
    34,
    25 * (_N - 4) ** 2 + 9 * (_N - 6) ** 2,
    25 * (_N - 4) ** 2 + 9 * (_N - 6) ** 2,
    234,
]

THEORY = [
    right("receptive_fields: an array", np.array([7, 7, 7, 9.0])),
    wrong("receptive_fields: no stride -> the strides are left out", [7, 7, 7, 7]),
    wrong(
        "receptive_fields: kernels added -> "
        "the kernel sizes are added up: a layer adds k - 1, not k",
        {"i": 7, "ii": 9, "iii": 8, "iv": 8},
    ),
    wrong(
        "receptive_fields: stride taken too early -> "
        "a layer's own stride was applied to its own kernel",
        {"i": 7, "ii": 7, "iii": 7, "iv": 13},
    ),
    wrong("receptive_fields: areas -> the area instead of the side", [49, 49, 49, 81]),
    right("weights_and_multiplications: in order", np.array(_COSTS)),
    wrong(
        "weights_and_multiplications: sharing saves multiplications -> "
        "sharing was taken to save multiplications",
        [49, _COSTS[1], 49, 34, _COSTS[4], 34, 234],
    ),
    wrong(
        "weights_and_multiplications: maps as large as the image -> "
        "the maps were taken to be as large as the image",
        [49, 49 * _N**2, 49 * _N**2, 34, 34 * _N**2, 34 * _N**2, 234],
    ),
    wrong(
        "weights_and_multiplications: each filter once -> "
        "one output of iii was taken to need each filter once",
        [*_COSTS[:-1], 34],
    ),
    right("receptive_field: indices of a window's ends", by.field_by_indices),
    right("receptive_field: recursion", by.field_recursive),
    wrong(f"receptive_field: takes the layers out of the list -> {CHANGED}", by.field_popping),
    wrong("receptive_field: no strides -> the strides are left out", by.field_without_strides),
    wrong(
        "receptive_field: jump taken after the layer -> "
        "a layer's own stride was applied to its own kernel",
        by.field_jump_first,
    ),
    wrong(
        "receptive_field: sum of kernels -> "
        "the kernel sizes are added up: a layer adds k - 1, not k",
        by.field_sum,
    ),
    wrong(
        "receptive_field: the layer before only -> only the stride of the layer before was applied",
        by.field_previous,
    ),
    wrong(
        "receptive_field: from the top down -> the layers were taken in reverse order",
        by.field_downwards,
    ),
    right("build_deep: two sums, float32", by.deep_two_sums),
    right("build_deep: a pair for a signed sum, as lists", by.deep_signed_sum),
    wrong("build_deep: absolute values of a -> the sign of aⱼ is lost", by.deep_absolute),
    wrong("build_deep: clipped a -> terms with negative aⱼ are dropped", by.deep_clipped),
    wrong(
        "build_deep: as for positive a -> a running sum went through ReLU while it was negative",
        by.deep_running_sum,
    ),
    wrong(
        "build_deep: x without its negative part -> x passes the layers without its negative part",
        by.deep_positive_x,
    ),
    wrong("build_deep: no biases -> the biases are left out", by.deep_no_bias),
    wrong("build_deep: one term short -> the last term is missing", by.deep_one_short),
    wrong("build_deep: the shallow net itself", by.still_shallow),
    wrong("build_deep: far more neurons than O(n)", by.square_many),
]

_ROW, _COLUMN = _OWN.unit


def _unit(first: int, side: int) -> dict[str, Any]:
    top, left = 2 * _ROW + first, 2 * _COLUMN + first
    return {
        "maps": 16,
        "map size": (32, 32),
        "side": side,
        "rows": (top, top + side - 1),
        "columns": np.array([left, left + side - 1], np.float32),
    }


def _widths(pads: int, added: int = 1) -> dict[str, float]:
    return {name: (_OWN.width - f + pads * p) // s + added for name, (f, s, p) in SIZES.items()}


REVIEW = [
    right("unit_and_map: tuples and float32", _unit(-3, 8)),
    wrong("unit_and_map: as without padding -> the padding doesn't shift the window", _unit(0, 8)),
    wrong("unit_and_map: 48 maps", _unit(-3, 8) | {"maps": 48}),
    right("output_sizes: floats", {name: float(v) for name, v in _widths(2).items()}),
    wrong(
        "output_sizes: P added once -> P was counted once: there are P zeros on each side",
        _widths(1),
    ),
    wrong("output_sizes: plus one forgotten -> the + 1 is missing", _widths(2, 0)),
    right("conv_parameters: product, numpy numbers", by.parameters_by_product),
    right("conv_parameters: sizes of arrays", by.parameters_by_shape),
    wrong(
        "conv_parameters: no channels -> the channels of the input are left out",
        lambda kernel, c, f, bias: (kernel[0] * kernel[1] * f, f if bias else 0),
    ),
    wrong(
        "conv_parameters: no biases -> the biases are forgotten",
        lambda kernel, c, f, bias: (kernel[0] * kernel[1] * c * f, 0),
    ),
    wrong(
        "conv_parameters: a bias for each channel -> one bias for each channel of the input",
        lambda kernel, c, f, bias: (kernel[0] * kernel[1] * c * f, c if bias else 0),
    ),
    wrong(
        "conv_parameters: use_bias overlooked -> biases are counted though the layer has none",
        lambda kernel, c, f, bias: (kernel[0] * kernel[1] * c * f, f),
    ),
]

SAMPLES = CONV1D + CONV2D + EDGES + THEORY + REVIEW
"""All samples of the notebook's second half."""
