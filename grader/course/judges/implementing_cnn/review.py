"""Judges of the review questions that end notebook 01: units and maps, sizes, parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from grader.contract.judge import Judge, Mistake, Question
from utils.exercises.by_hand import SIZES, numbers_of_variant

from .values import by_hand, changed


def unit_and_map(variant: int) -> dict[str, Any]:
    """The second convolution of: conv 3×3 SAME, pool 2×2, conv 3×3 SAME with 16 filters."""
    row, column = numbers_of_variant(variant).unit
    return _unit(2 * row - 3, 2 * column - 3, 8)


def _unit(top: int, left: int, side: int) -> dict[str, Any]:
    return {
        "maps": 16,
        "map size": [32, 32],
        "side": side,
        "rows": [top, top + side - 1],
        "columns": [left, left + side - 1],
    }


def _at(first: Callable[[int], int], side: int) -> Callable[..., dict[str, Any]]:
    def parts(variant: int) -> dict[str, Any]:
        row, column = numbers_of_variant(variant).unit
        return _unit(first(row), first(column), side)

    return parts


UNIT_MISTAKES = {
    "the padding doesn't shift the window": changed(
        _at(lambda r: 2 * r, 8),
        unit_and_map,
        "With SAME padding the window of unit r is centred on r: it begins one row above.",
    ),
    "only one of the two convolutions is padded": changed(
        _at(lambda r: 2 * r - 2, 8),
        unit_and_map,
        "Follow the first row of the window down, layer by layer: each SAME convolution begins "
        "one row above.",
    ),
    "the pooling's stride is left out": changed(
        _at(lambda r: r - 2, 6),
        unit_and_map,
        "Rows r and r + 1 of the pooled map come from rows 2r and 2r + 2 of the map below.",
    ),
    "the rows end one too late: the last row belongs to the window": changed(
        lambda variant: {
            name: [unit_and_map(variant)[name][0], unit_and_map(variant)[name][1] + 1]
            for name in ("rows", "columns")
        },
        unit_and_map,
        "First and last row that the unit sees, both included.",
    ),
    "rows and columns are swapped": changed(
        lambda variant: {
            "rows": unit_and_map(variant)["columns"],
            "columns": unit_and_map(variant)["rows"],
        },
        unit_and_map,
        "The unit's row decides about rows: they are counted downwards.",
    ),
    "the pooling's window is left out: a pooled unit sees two rows": changed(
        _at(lambda r: 2 * r - 3, 7),
        unit_and_map,
        "The last of the three pooled rows comes from two rows of the map below.",
    ),
    "the maps of the first convolution": changed(
        lambda variant: {"maps": 8}, unit_and_map, "How many filters has the last layer?"
    ),
    "one map for each filter and channel below": changed(
        lambda variant: {"maps": 16 * 8},
        unit_and_map,
        "A filter reaches through all channels below it and gives one map.",
    ),
    "the pooling was taken to leave the size": changed(
        lambda variant: {"map size": [64, 64]}, unit_and_map, "Stride 2 halves height and width."
    ),
    "the convolutions were taken to be VALID": changed(
        lambda variant: {"map size": [29, 29]},
        unit_and_map,
        "SAME at stride 1 leaves height and width as they are.",
    ),
}


def _each_size(rule: Callable[[int, int, int, int], float]) -> Callable[..., dict[str, float]]:
    def parts(variant: int) -> dict[str, float]:
        width = numbers_of_variant(variant).width
        return {name: rule(width, f, s, p) for name, (f, s, p) in SIZES.items()}

    return parts


output_sizes = _each_size(lambda n, f, s, p: (n - f + 2 * p) // s + 1)
SIZES_MISTAKES = {
    "P was counted once: there are P zeros on each side": changed(
        _each_size(lambda n, f, s, p: (n - f + p) // s + 1),
        output_sizes,
        "An input of width W with P zeros on each side is W + 2P wide.",
    ),
    "the + 1 is missing": changed(
        _each_size(lambda n, f, s, p: (n - f + 2 * p) // s),
        output_sizes,
        "(W - F + 2P) / S counts the steps; there is one window before the first step.",
    ),
    "not rounded": changed(
        _each_size(lambda n, f, s, p: (n - f + 2 * p) / s + 1),
        output_sizes,
        "There is no half window: one that doesn't fit entirely is dropped.",
    ),
    "the stride is left out": changed(
        _each_size(lambda n, f, s, p: n - f + 2 * p + 1),
        output_sizes,
        "With stride S only every S-th position is left.",
    ),
    "rounded up: an incomplete window was kept": changed(
        _each_size(lambda n, f, s, p: math.ceil((n - f + 2 * p) / s) + 1),
        output_sizes,
        "A window that reaches beyond the padded input is dropped: round down.",
    ),
}


def parameters(
    kernel: tuple[int, int], channels: int, filters: int, use_bias: bool
) -> tuple[int, int]:
    """(weights, biases) of a convolution layer."""
    return kernel[0] * kernel[1] * channels * filters, filters * bool(use_bias)


def _counted(
    rule: Callable[[int, int, int, int, bool], tuple[int, int]],
) -> Callable[..., tuple[int, int]]:
    return lambda kernel, channels, filters, use_bias: rule(
        kernel[0], kernel[1], channels, filters, bool(use_bias)
    )


PARAMETERS_MISTAKES = {
    "the channels of the input are left out": Mistake(
        _counted(lambda h, w, c, f, bias: (h * w * f, f * bias)),
        "A filter reaches through all channels of its input, with own weights for each.",
    ),
    "a single bias for the whole layer": Mistake(
        _counted(lambda h, w, c, f, bias: (h * w * c * f, int(bias))),
        "Each filter has its own bias.",
    ),
    "the filters are left out": Mistake(
        _counted(lambda h, w, c, f, bias: (h * w * c, int(bias))),
        "Each filter has its own weights and its own bias.",
    ),
    "the kernel was taken to be square": Mistake(
        _counted(lambda h, w, c, f, bias: (h * h * c * f, f * bias)),
        "kernel is (height, width).",
    ),
    "the biases are counted among the weights, too": Mistake(
        _counted(lambda h, w, c, f, bias: (h * w * c * f + f * bias, f * bias)),
        "Two numbers are asked for, weights and biases apart.",
    ),
    "the biases are forgotten": Mistake(
        _counted(lambda h, w, c, f, bias: (h * w * c * f, 0)), "Each filter has one bias."
    ),
    "biases are counted though the layer has none": Mistake(
        _counted(lambda h, w, c, f, bias: (h * w * c * f, f)), "Look at use_bias."
    ),
    "one bias for each channel of the input": Mistake(
        _counted(lambda h, w, c, f, bias: (h * w * c * f, c * bias)),
        "The bias is added after the channels were summed up: one for each filter.",
    ),
    "one bias for each filter and channel": Mistake(
        _counted(lambda h, w, c, f, bias: (h * w * c * f, c * f * bias)),
        "The bias is added after the channels were summed up: one for each filter.",
    ),
}


def draw_layers(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    """Kernels, channels, filters, with and without biases.  Numbers of channels and filters are
    drawn, so that public cases are no table to look answers up in."""
    many = [int(n) for n in rng.integers(3, 99, 10)]
    grid: list[tuple[tuple[int, int], int, int, bool]] = [
        ((many[0], many[0]), 1, 1, True),
        ((3, 3), 3, many[1], True),
        ((5, 5), many[2], many[3], False),
        ((1, 1), many[4], many[5], True),
        ((1, 7), many[6], many[7], True),
        ((7, 2), many[8], many[9], False),
    ]
    for _ in range(4):
        h, w, c, f = (int(v) for v in rng.integers([1, 1, 2, 2], [8, 8, 65, 65]))
        grid.append(((h, w), c, f, bool(rng.integers(2))))
    for kernel, channels, filters, use_bias in grid:
        label = (
            f"{_count(filters, 'filter')} {kernel[0]}×{kernel[1]}, {_count(channels, 'channel')}"
        )
        yield Question(
            label + ("" if use_bias else ", no biases"),
            {"kernel": kernel, "channels": channels, "filters": filters, "use_bias": use_bias},
        )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


_HERE = "Exercise 01.16: looking back"

JUDGES_REVIEW = [
    by_hand("unit_and_map", unit_and_map, UNIT_MISTAKES, unit_and_map(0), _HERE),
    by_hand("output_sizes", output_sizes, SIZES_MISTAKES, SIZES, _HERE),
    Judge(
        "conv_parameters",
        parameters,
        draw_layers,
        PARAMETERS_MISTAKES,
        parts=("weights", "biases"),
        section=_HERE,
        alike=True,
    ),
]
"""Judges of the review questions, in order, of the notebook's last section."""
