"""What students do wrong in `maxpool_forward` and `maxpool_backward`: see `window_mistakes`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import cycle
from typing import Any

import numpy as np

from grader.contract.judge import Mistake

from . import reference as ref
from .reference import Pair, Placement, place_windows
from .window_mistakes import (
    EXTRA_FIRST,
    FIXED,
    HALF,
    IN_FRONT,
    ONE,
    by_rule,
    by_stride,
    by_stride_backward,
    result,
    turned,
    variant,
)


def _mean(x: np.ndarray, size: Pair, stride: Pair, padding: str) -> np.ndarray:
    """Mean of the window, padding counted as zeros."""
    kernel = np.zeros((*size, x.shape[3], x.shape[3]), x.dtype)
    kernel[:, :] = np.eye(x.shape[3]) / (size[0] * size[1])
    return ref.conv2d(x, kernel, np.zeros(x.shape[3], x.dtype), stride, padding)


def _smallest(x: np.ndarray, **inputs: Any) -> np.ndarray:
    return -ref.max_pool(-x, **inputs)


def _largest_absolute(x: np.ndarray, **inputs: Any) -> np.ndarray:
    return ref.max_pool(np.abs(x), **inputs)


def _padding_wins(
    x: np.ndarray, size: Pair, stride: Pair, padding: str, fill: float = 0.0
) -> np.ndarray:
    places = [place_windows(x.shape[a + 1], size[a], stride[a], padding) for a in (0, 1)]
    margins = [(before, after) for before, after, _ in places]
    padded = np.pad(x, ((0, 0), *margins, (0, 0)), constant_values=fill)
    return ref.max_pool(padded, size, stride, "VALID")


def _from_zero(**inputs: Any) -> np.ndarray:
    return np.maximum(ref.max_pool(**inputs), 0)


def _over_channels(y: np.ndarray) -> np.ndarray:
    return np.repeat(y.max(axis=3, keepdims=True), y.shape[3], axis=3)


def _over_images(y: np.ndarray) -> np.ndarray:
    return np.repeat(y.max(axis=0, keepdims=True), len(y), axis=0)


def _channels_lost(y: np.ndarray) -> np.ndarray:
    return y.max(axis=3)


def _size_as_stride(size: Pair, **_: Any) -> Pair:
    return size


def _stride_as_size(stride: Pair, **_: Any) -> Pair:
    return stride


def _size_swapped(size: Pair, **_: Any) -> Pair:
    return size[1], size[0]


def _height_twice(size: Pair, **_: Any) -> Pair:
    return size[0], size[0]


_STEP = "the window's size is taken as the stride"
_STEP_HINT = "Windows may overlap or leave gaps: the stride says where the next one starts."


def by_window(function: Callable[..., Any]) -> dict[str, Mistake]:
    return {
        "the stride is taken as the window's size": Mistake(
            variant(function, size=_stride_as_size), "How much does one window see?"
        ),
        "the window's height and width are swapped": Mistake(
            variant(function, size=_size_swapped), "size is (height, width)."
        ),
        "the window's height is used for its width": Mistake(
            variant(function, size=_height_twice), "Windows need not be square."
        ),
    }


POOL_FORWARD = {
    "padding takes part in the maximum: zeros win over negative values": Mistake(
        _padding_wins, "Which number never wins a maximum?"
    ),
    "padding takes part in the maximum: -1 wins over lower values": Mistake(
        partial(_padding_wins, fill=-1.0), "Which number is lower than any other?"
    ),
    "the maximum starts at 0": Mistake(_from_zero, "What if all values of a window are negative?"),
    _STEP: Mistake(variant(ref.max_pool, stride=_size_as_stride), _STEP_HINT),
    **by_window(ref.max_pool),
    **by_rule(ref.max_pool),
    **by_stride(ref.max_pool),
    "the mean in place of the maximum": Mistake(_mean, "Only the largest value counts."),
    "the smallest value in place of the largest": Mistake(_smallest, "Only the largest counts."),
    "the largest absolute value": Mistake(_largest_absolute, "-3 is smaller than 2."),
    "one maximum for all channels": Mistake(
        result(_over_channels, ref.max_pool), "Each channel is pooled on its own."
    ),
    "one maximum for all images": Mistake(
        result(_over_images, ref.max_pool), "Each image is pooled on its own."
    ),
    "the channels are pooled away": Mistake(
        result(_channels_lost, ref.max_pool), "Each channel is pooled on its own."
    ),
    "height and width are swapped in the output": Mistake(
        result(turned, ref.max_pool), "The output is (N, H', W', C)."
    ),
}
"""Known mistakes of forward max pooling, likelier ones first."""


def _share_out(
    dy: np.ndarray,
    x: np.ndarray,
    size: Pair,
    stride: Pair,
    padding: str,
    share: Callable[[np.ndarray, np.ndarray], np.ndarray],
    add: bool = True,
    fill: float = -np.inf,
    crop: Callable[[np.ndarray, list[Placement]], np.ndarray] | None = None,
) -> np.ndarray:
    """Pooling backward, window by window: `share(window, dy)` is what a window gives back.

    Windows are (N, ph·pw, C) in row-major order, dy is (N, 1, C).
    """
    places = [place_windows(x.shape[a + 1], size[a], stride[a], padding) for a in (0, 1)]
    margins = [(before, after) for before, after, _ in places]
    padded = np.pad(x, ((0, 0), *margins, (0, 0)), constant_values=fill)
    gradient = np.zeros(padded.shape)
    for i in range(places[0][2]):
        for j in range(places[1][2]):
            rows = slice(i * stride[0], i * stride[0] + size[0])
            columns = slice(j * stride[1], j * stride[1] + size[1])
            window = padded[:, rows, columns]
            flat = window.reshape(len(x), -1, x.shape[3])
            given = share(flat, dy[:, i, j][:, None]).reshape(window.shape)
            gradient[:, rows, columns] = given + add * gradient[:, rows, columns]
    if crop is not None:
        return crop(gradient, places)
    (top, *_), (left, *_) = places
    return gradient[:, top : top + x.shape[1], left : left + x.shape[2]]


def _assigned(dy: np.ndarray, x: np.ndarray, **where: Any) -> np.ndarray:
    """Each winner gets the gradient of the last window in which it wins.

    Winners are told apart by sharing out the windows' numbers, one by one."""
    rows, columns = dy.shape[1:3]
    gradient = np.zeros(x.shape)
    for i in range(rows):
        for j in range(columns):
            one = np.zeros_like(dy)
            one[:, i, j] = 1
            wins = _share_out(one, x, share=_first, **where)
            gradient = np.where(wins > 0, dy[:, i, j][:, None, None], gradient)
    return gradient


def _at(index: np.ndarray, window: np.ndarray, dy: np.ndarray) -> np.ndarray:
    return np.where(np.arange(window.shape[1])[:, None] == index, dy, 0)


def _first(window: np.ndarray, dy: np.ndarray) -> np.ndarray:
    return _at(window.argmax(axis=1, keepdims=True), window, dy)


def _last(window: np.ndarray, dy: np.ndarray) -> np.ndarray:
    backwards = window[:, ::-1].argmax(axis=1, keepdims=True)
    return _at(window.shape[1] - 1 - backwards, window, dy)


def _all(window: np.ndarray, dy: np.ndarray) -> np.ndarray:
    return np.where(window == window.max(axis=1, keepdims=True), dy, 0)


def _shared(window: np.ndarray, dy: np.ndarray) -> np.ndarray:
    ties = window == window.max(axis=1, keepdims=True)
    return ties * dy / ties.sum(axis=1, keepdims=True)


def _evenly(window: np.ndarray, dy: np.ndarray) -> np.ndarray:
    return np.broadcast_to(dy / window.shape[1], window.shape)


def _everywhere(window: np.ndarray, dy: np.ndarray) -> np.ndarray:
    return np.broadcast_to(dy, window.shape)


def _times_maximum(window: np.ndarray, dy: np.ndarray) -> np.ndarray:
    return _first(window, dy * window.max(axis=1, keepdims=True))


def _ones(window: np.ndarray, dy: np.ndarray) -> np.ndarray:
    return _first(window, np.ones_like(dy))


def _one_place(window: np.ndarray, dy: np.ndarray) -> np.ndarray:
    place = window.max(axis=2).argmax(axis=1)[:, None, None]
    return _at(np.broadcast_to(place, dy.shape), window, dy)


def _columns_first(**inputs: Any) -> np.ndarray:
    """The first maximum when a window is read column by column."""
    changed: dict[str, Any] = {
        name: np.swapaxes(value, 1, 2) if isinstance(value, np.ndarray) else value
        for name, value in inputs.items()
    }
    changed |= {name: changed[name][::-1] for name in ("size", "stride")}
    return np.swapaxes(ref.max_pool_gradient(**changed), 1, 2)


def _index_by_height(
    dy: np.ndarray, x: np.ndarray, size: Pair, stride: Pair, padding: str
) -> np.ndarray:
    """The place in the window taken apart with the window's height in place of its width."""
    (top, bottom, rows), (left, right, columns) = (
        place_windows(x.shape[a + 1], size[a], stride[a], padding) for a in (0, 1)
    )
    margins = ((0, 0), (top, bottom), (left, right), (0, 0))
    padded = np.pad(x, margins, constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, size, axis=(1, 2))
    seen = windows[:, :: stride[0], :: stride[1]][:, :rows, :columns]
    row, column = np.divmod(seen.reshape(*seen.shape[:4], -1).argmax(axis=-1), size[0])
    n, i, j, c = np.indices(row.shape)
    gradient = np.zeros(padded.shape)
    np.add.at(gradient, (n, i * stride[0] + row, j * stride[1] + column, c), dy)
    return gradient[:, top : top + x.shape[1], left : left + x.shape[2]]


def _steps_by_size(dy: np.ndarray, size: Pair, stride: Pair, **inputs: Any) -> np.ndarray:
    """Right padding and number of windows, but window i starts at i times the window's size."""
    axes = cycle((0, 1))

    def rule(length: int, kernel: int, step: int, padding: str) -> Placement:
        axis = next(axes)
        before, after, _ = place_windows(length, kernel, stride[axis], padding)
        return before, after, dy.shape[axis + 1]

    return ref.max_pool_gradient(dy, size=size, stride=size, rule=rule, **inputs)


def _sharing(share: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    return lambda **inputs: _share_out(share=share, **options, **inputs)


def _whole(gradient: np.ndarray, _: list[Placement]) -> np.ndarray:
    return gradient


def _negative_index(gradient: np.ndarray, places: list[Placement]) -> np.ndarray:
    (top, bottom, _), (left, right, _) = places
    return gradient[:, top:-bottom, left:-right]


POOL_BACKWARD = {
    "windows that overlap overwrite each other": Mistake(
        _sharing(_first, add=False),
        "A value that wins in several windows collects a gradient from each of them.",
        core=True,
    ),
    "= in place of += where a value wins in several windows": Mistake(
        _assigned,
        "A value that wins in several windows collects a gradient from each of them: add.",
        core=True,
    ),
    "ties: every maximum of a window gets the whole gradient": Mistake(
        _sharing(_all), "One window hands back one dy in all. Who gets it when two are equal?"
    ),
    "ties: the gradient is shared out among the maxima": Mistake(
        _sharing(_shared), "TensorFlow lets one maximum have it all: the first."
    ),
    "ties: the last maximum gets the gradient": Mistake(
        _sharing(_last), "Does your search replace the maximum when it meets an equal value?"
    ),
    "ties: the first maximum column by column, not row by row": Mistake(
        _columns_first, "In which order does reading a window visit its values?"
    ),
    "the gradient is spread evenly over the window": Mistake(
        _sharing(_evenly), "Changing a value that is not the maximum changes nothing."
    ),
    "every value of the window gets the gradient": Mistake(
        _sharing(_everywhere), "Changing a value that is not the maximum changes nothing."
    ),
    "padding takes part in the maximum: zeros win over negative values": Mistake(
        _sharing(_first, fill=0.0), "Which number never wins a maximum?"
    ),
    "padding takes part in the maximum: -1 wins over lower values": Mistake(
        _sharing(_first, fill=-1.0), "Which number is lower than any other?"
    ),
    _STEP: Mistake(_steps_by_size, _STEP_HINT),
    **by_window(ref.max_pool_gradient),
    "the gradient of the padding is still there": Mistake(
        _sharing(_first, crop=_whole), "dx is as large as x."
    ),
    "cut off as [p:-q], which is empty where q = 0": Mistake(
        _sharing(_first, crop=_negative_index), "What is a[0:-0]?"
    ),
    **by_rule(ref.max_pool_gradient, EXTRA_FIRST, FIXED, HALF, IN_FRONT, ONE),
    **by_stride_backward(ref.max_pool_gradient),
    "one winner for all channels": Mistake(
        _sharing(_one_place), "Each channel has its own maximum."
    ),
    "the gradient is multiplied by the maximum": Mistake(
        _sharing(_times_maximum), "y = x at the maximum: what is its derivative?"
    ),
    "the gradient dy from above is ignored": Mistake(
        _sharing(_ones), "The chain rule multiplies by dy."
    ),
    "the place in the window is taken apart by its height": Mistake(
        _index_by_height, "How many places does one row of the window have?"
    ),
}
"""Known mistakes of backward max pooling, likelier ones first."""
