"""Judges of hand calculations in notebook 01: windows, volumes, flipped filters, zeros at the edge.

The numbers come from `utils.exercises.by_hand`; nothing here depends on the random generator, since
a value worked out by hand must stay right from one run to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from grader.contract.judge import Judge, Mistake
from utils.exercises.by_hand import BIASES, FILTERS, STEPS, VOLUME, numbers_of_variant
from utils.rules import theory

from .review import JUDGES_REVIEW
from .theory import JUDGES_THEORY
from .values import changed, per_student, same_for_all

# One dimension


def slide(x: np.ndarray, w: np.ndarray, step: int) -> np.ndarray:
    """Cross-correlation of a sequence (N,) with a filter (F,); windows lie entirely inside."""
    windows = np.lib.stride_tricks.sliding_window_view(x, len(w))
    return windows[::step] @ w


def _each_step(answer: Callable[..., np.ndarray]) -> Callable[..., dict[str, np.ndarray]]:
    def parts(variant: int) -> dict[str, np.ndarray]:
        numbers = numbers_of_variant(variant)
        return {name: answer(numbers.x, numbers.w, s, p) for name, (s, p) in STEPS.items()}

    return parts


def _incomplete_window(x: np.ndarray, w: np.ndarray, s: int, p: int) -> np.ndarray:
    padded = np.pad(x, p)
    missing = -(len(padded) - len(w)) % s
    return slide(np.pad(padded, (0, missing)), w, s)


conv1d = _each_step(lambda x, w, s, p: slide(np.pad(x, p), w, s))

_CONV1D_WRONG: Mapping[str, tuple[Callable[..., np.ndarray], str]] = {
    "the filter is flipped: that is convolution, not cross-correlation": (
        lambda x, w, s, p: slide(np.pad(x, p), w[::-1], s),
        "The first weight meets the first value of the window. Layers don't flip.",
    ),
    "P zeros in front only, none behind": (
        lambda x, w, s, p: slide(np.pad(x, (p, 0)), w, s),
        "P is the number of zeros on each side.",
    ),
    "P zeros behind only, none in front": (
        lambda x, w, s, p: slide(np.pad(x, (0, p)), w, s),
        "P is the number of zeros on each side: the first window begins on a zero.",
    ),
    "the edge values are repeated where zeros belong": (
        lambda x, w, s, p: slide(np.pad(x, p, mode="edge"), w, s),
        "Zero-padding adds zeros, whatever value stands at the edge.",
    ),
    "the padding is left out": (
        lambda x, w, s, p: slide(x, w, s),
        "With P = 1 write a zero on each side of x first, then slide the window over all of it.",
    ),
    "a last, incomplete window was kept": (
        _incomplete_window,
        "A window that reaches beyond the (padded) input is dropped, and what it would have "
        "covered goes unused.",
    ),
    "the step is one too long: S values are skipped between windows": (
        lambda x, w, s, p: slide(np.pad(x, p), w, s + 1),
        "S is the distance from the beginning of one window to the beginning of the next.",
    ),
    "the stride is left out": (
        lambda x, w, s, p: slide(np.pad(x, p), w, 1),
        "S says how far the window moves each time: with S = 2, every second position counts.",
    ),
    "the window advances by its own length": (
        lambda x, w, s, p: slide(np.pad(x, p), w, len(w)),
        "The filter's size says how many values are summed, S how far the window moves; windows "
        "may overlap, or leave gaps.",
    ),
}
CONV1D = {
    name: changed(_each_step(wrong), conv1d, hint) for name, (wrong, hint) in _CONV1D_WRONG.items()
}

CHOSEN = {
    "every padding of one zero was taken to keep the size, whatever the stride": Mistake(
        lambda: "S=1, P=1; S=4, P=1", "With a stride of 4 there is one output for four inputs."
    ),
    "every stride of 1 was taken to keep the size, with or without padding": Mistake(
        lambda: "S=1, P=0; S=1, P=1",
        "Count the positions of a window of three on nine values without padding.",
    ),
    "without padding the size was taken to be kept": Mistake(
        lambda: "S=1, P=0", "Without zeros a window of three fits nine values seven times."
    ),
}

# Two dimensions

VOLUMES = {"maps": 2, "S=1": [3, 4, 2], "S=2": [2, 2, 2]}

_VOLUMES_WRONG: Mapping[str, tuple[dict[str, Any], str]] = {
    "the input's depth is kept": (
        {"S=1": [3, 4, 3], "S=2": [2, 2, 3]},
        "The depth of the output is the number of filters.",
    ),
    "one map for each input channel": (
        {"maps": 3, "S=1": [3, 4, 3], "S=2": [2, 2, 3]},
        "A filter reaches through all channels and adds them up: one map for each filter.",
    ),
    "one map for each filter and channel": (
        {"maps": 6, "S=1": [3, 4, 6], "S=2": [2, 2, 6]},
        "A filter reaches through all channels and adds them up: one map for each filter.",
    ),
    "the + 1 is missing: (W - F) / S": (
        {"S=1": [2, 3, 2], "S=2": [1, 1, 2]},
        "(W - F) / S counts the steps; there is one window before the first step.",
    ),
    "rounded up: an incomplete window was kept": (
        {"S=2": [2, 3, 2]},
        "A window that reaches beyond the input is dropped.",
    ),
    "the maps come first": (
        {"S=1": [2, 3, 4]},
        "Volumes are written (height, width, maps), as in the arrays.",
    ),
    "width and height are swapped": (
        {"S=1": [4, 3, 2]},
        "Volumes are written (height, width, maps), as in the arrays.",
    ),
    "the output is taken to be as large as the input": (
        {"S=1": [4, 5, 2]},
        "Without padding a window of two has one position fewer than there are pixels.",
    ),
}
VOLUMES_MISTAKES = {
    name: Mistake(lambda parts=parts: parts, hint) for name, (parts, hint) in _VOLUMES_WRONG.items()
}

KEPT = {
    "P was counted once: there are P zeros on each side, so W - F + 2P": Mistake(
        lambda: "kept if the zeros stood on one side only",
        "An input of width W with P zeros on each side is W + 2P wide.",
    ),
    "the + 1 is missing: there are (W - F + 2P) / S + 1 windows": Mistake(
        lambda: "kept if nothing were added for the first window",
        "(W - F + 2P) / S counts the steps; there is one window before the first step.",
    ),
    "without padding only a 1×1 filter keeps the size": Mistake(
        lambda: "smaller, without padding",
        "A filter of F has F - 1 positions fewer than there are pixels. How many zeros make up?",
    ),
}


def volume_maps(
    volume: np.ndarray = VOLUME,
    filters: np.ndarray = FILTERS,
    biases: np.ndarray = BIASES,
) -> dict[str, np.ndarray]:
    """Both maps at stride 1 without padding, (3, 4) each."""
    kh, kw = filters.shape[:2]
    windows = np.lib.stride_tricks.sliding_window_view(volume, (kh, kw), axis=(0, 1))
    maps = np.einsum("ijcuv,uvcf->fij", windows, filters) + biases[:, None, None]
    return {f"map {number}": values for number, values in enumerate(maps, 1)}


VOLUME_MISTAKES = {
    "the biases are left out": changed(
        lambda: volume_maps(biases=0 * BIASES),
        volume_maps,
        "Each filter adds its own bias to every value of its map.",
    ),
    "the bias is added once for each channel": changed(
        lambda: volume_maps(biases=3 * BIASES),
        volume_maps,
        "Add up the three channels first; the bias belongs to the filter and is added once.",
    ),
    "the biases are swapped": changed(
        lambda: volume_maps(biases=BIASES[::-1]),
        volume_maps,
        "Filter 1 has bias 1.",
    ),
    "the filters are flipped: that is convolution, not cross-correlation": changed(
        lambda: volume_maps(filters=FILTERS[::-1, ::-1]),
        volume_maps,
        "The upper left weight meets the upper left pixel of the window.",
    ),
    "the two maps are swapped": changed(
        lambda: dict(zip(("map 2", "map 1"), volume_maps().values(), strict=True)),
        volume_maps,
        "Map 1 is what filter 1 makes.",
    ),
    "the maps were copied column by column": changed(
        lambda: {name: values.T for name, values in volume_maps().items()},
        volume_maps,
        "A list of rows: three of them, each with four values.",
    ),
    "the filters are transposed": changed(
        lambda: volume_maps(filters=FILTERS.swapaxes(0, 1)),
        volume_maps,
        "The upper right weight meets the upper right pixel of the window.",
    ),
    "the channels are in the order B, G, R": changed(
        lambda: volume_maps(filters=FILTERS[:, :, ::-1]),
        volume_maps,
        "Each of a filter's three layers belongs to one channel: R, G, B from top to bottom.",
    ),
    "only the red channel is counted": changed(
        lambda: volume_maps(VOLUME[:, :, :1], FILTERS[:, :, :1]),
        volume_maps,
        "A filter reaches through all three channels: twelve products for each value.",
    ),
    "negative values became zero": changed(
        lambda: {name: np.maximum(values, 0) for name, values in volume_maps().items()},
        volume_maps,
        "That would be the ReLU, which comes after the convolution.",
    ),
}

# Flipped or not


def _correlate(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.einsum("ijuv,uv->ij", windows, kernel)


def _both(
    direct: Callable[..., Any], flipped: Callable[..., Any]
) -> Callable[..., dict[str, np.ndarray]]:
    def parts(variant: int) -> dict[str, np.ndarray]:
        numbers = numbers_of_variant(variant)
        image, kernel = numbers.image, numbers.kernel
        return {
            "cross-correlation": _correlate(image, direct(kernel)),
            "convolution": _correlate(image, flipped(kernel)),
        }

    return parts


flipped_and_not = _both(lambda k: k, lambda k: k[::-1, ::-1])


def _turned_result(variant: int) -> dict[str, np.ndarray]:
    direct = flipped_and_not(variant)["cross-correlation"]
    return {"cross-correlation": direct, "convolution": direct[::-1, ::-1]}


FLIPS = {
    "both were computed without a flip": changed(
        _both(lambda k: k, lambda k: k),
        flipped_and_not,
        "For the convolution turn the kernel by 180° before you lay it on the image.",
    ),
    "convolution and cross-correlation are swapped": changed(
        _both(lambda k: k[::-1, ::-1], lambda k: k),
        flipped_and_not,
        "Cross-correlation lays the kernel on the image as it is; convolution turns it first.",
    ),
    "the kernel is flipped left to right only": changed(
        _both(lambda k: k, lambda k: k[:, ::-1]),
        flipped_and_not,
        "In I(i - m, j - n) both indices run backwards: the kernel is turned by 180°.",
    ),
    "the kernel is flipped top to bottom only": changed(
        _both(lambda k: k, lambda k: k[::-1]),
        flipped_and_not,
        "In I(i - m, j - n) both indices run backwards: the kernel is turned by 180°.",
    ),
    "the result is turned, not the kernel": changed(
        _turned_result,
        flipped_and_not,
        "Turn the kernel by 180°, and leave where it lies: the windows stay in their order.",
    ),
    "the kernel is turned by 90°, counter-clockwise": changed(
        _both(lambda k: k, np.rot90),
        flipped_and_not,
        "Both indices run backwards: that is half a turn, 180°.",
    ),
    "the kernel is turned by 90°, clockwise": changed(
        _both(lambda k: k, lambda k: np.rot90(k, -1)),
        flipped_and_not,
        "Both indices run backwards: that is half a turn, 180°.",
    ),
    "the kernel is transposed, not flipped": changed(
        _both(lambda k: k, lambda k: k.T),
        flipped_and_not,
        "Flipping reverses the rows and the columns; it doesn't exchange them.",
    ),
}

# Zeros at the edge


def _padding_rows(rule: Callable[[int, int], list[int]]) -> Callable[..., dict[str, list[int]]]:
    """A rule gives [outputs, zeros on the left, on the right, in all] for SAME."""

    def parts(variant: int) -> dict[str, list[int]]:
        rows = numbers_of_variant(variant).padding
        return {
            name: rule(m, k) if name.startswith("SAME") else [m - k + 1, 0, 0, 0]
            for name, (m, k) in rows.items()
        }

    return parts


def _valid_rows(rule: Callable[[int, int], list[int]]) -> Callable[..., dict[str, list[int]]]:
    def parts(variant: int) -> dict[str, list[int]]:
        rows = numbers_of_variant(variant).padding
        return {name: rule(m, k) for name, (m, k) in rows.items() if name.startswith("VALID")}

    return parts


padding_table = _padding_rows(lambda m, k: [m, (k - 1) // 2, k // 2, k - 1])

PADDINGS = {
    "the odd zero was put on the left": changed(
        _padding_rows(lambda m, k: [m, k // 2, (k - 1) // 2, k - 1]),
        padding_table,
        "If the number of zeros is odd, TensorFlow puts the one left over on the right.",
    ),
    "k // 2 zeros on both sides: one too many for an even k": changed(
        _padding_rows(lambda m, k: [m, k // 2, k // 2, 2 * (k // 2)]),
        padding_table,
        "SAME at stride 1 has m outputs, so there must be k - 1 zeros in all.",
    ),
    "k zeros in all, one too many": changed(
        _padding_rows(lambda m, k: [m, k // 2, k - k // 2, k]),
        padding_table,
        "A window of k covers one value of its own: m outputs need k - 1 more in all.",
    ),
    "the zeros of one side were taken for those in all": changed(
        _padding_rows(lambda m, k: [m, (k - 1) // 2, k // 2, (k - 1) // 2]),
        padding_table,
        "The last number is the sum of the two before it.",
    ),
    "k - 1 zeros on each side": changed(
        _padding_rows(lambda m, k: [m, k - 1, k - 1, 2 * (k - 1)]),
        padding_table,
        "k - 1 is the number of zeros in all, left and right together.",
    ),
    "VALID with m - k outputs: the first window is missing": changed(
        _valid_rows(lambda m, k: [m - k, 0, 0, 0]),
        padding_table,
        "A window of k on m values can move m - k times, and is somewhere before it moves.",
    ),
    "VALID taken to be SAME": changed(
        _valid_rows(lambda m, k: [m, (k - 1) // 2, k // 2, k - 1]),
        padding_table,
        "VALID adds no zeros: the output becomes smaller.",
    ),
}

_ONE, _TWO = "Exercise 01.7: one row of numbers", "Exercise 01.8: two filters over three channels"

JUDGES_BY_HAND = [
    Judge(
        "conv1d_by_hand", conv1d, per_student, CONV1D, "value", tuple(STEPS), _ONE, by_student=True
    ),
    Judge(
        "keeps_the_size",
        lambda: "S=1, P=1",
        same_for_all,
        CHOSEN,
        "value",
        ("pairs",),
        _ONE,
        measure=theory.chosen_steps,
    ),
    Judge(
        "output_volumes",
        lambda: VOLUMES,
        same_for_all,
        VOLUMES_MISTAKES,
        "value",
        tuple(VOLUMES),
        _TWO,
    ),
    Judge(
        "size_preserving_choice",
        lambda: "kept",
        same_for_all,
        KEPT,
        "value",
        ("size",),
        _TWO,
        measure=theory.kept_size,
    ),
    Judge(
        "conv2d_by_hand",
        volume_maps,
        same_for_all,
        VOLUME_MISTAKES,
        "value",
        ("map 1", "map 2"),
        _TWO,
    ),
    Judge(
        "flipped_or_not",
        flipped_and_not,
        per_student,
        FLIPS,
        "value",
        ("cross-correlation", "convolution"),
        "Exercise 01.9: flipped or not",
        by_student=True,
    ),
    Judge(
        "padding_table",
        padding_table,
        per_student,
        PADDINGS,
        "value",
        ("VALID, odd k", "VALID, even k", "SAME, odd k", "SAME, even k"),
        "Exercise 01.10: zeros at the edge",
        by_student=True,
    ),
    *JUDGES_THEORY,
    *JUDGES_REVIEW,
]
"""One judge per check of the notebook's second half."""
