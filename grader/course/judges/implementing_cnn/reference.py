"""Convolution and max pooling, forward and backward, in plain numpy: what notebook 01 asks for.

Arrays are NHWC, kernels (kh, kw, C, F), strides (sh, sw); padding is TensorFlow's "VALID" or
"SAME".  The patch matrix is built for a few images at a time, so that it stays in the cache; that
makes these layers about as fast as numpy allows.  Results have the type of the input.

Every function takes the rule that places windows as an argument, because a wrong rule is what most
known mistakes consist of (see `window_mistakes`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

Pair = tuple[int, int]
Placement = tuple[int, int, int]
"""(padding before, padding after, number of windows) along one axis."""
Rule = Callable[[int, int, int, str], Placement]
"""(size, kernel, stride, padding) -> placement."""

_PATCH_BYTES = 5 * 2**19  # small enough to stay in the caches of a core that others share


def place_windows(size: int, kernel: int, stride: int, padding: str) -> Placement:
    """Place windows along one axis as TensorFlow does.

    Source: "A guide to padding", tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2.
    """
    if padding == "VALID":
        return 0, 0, (size - kernel) // stride + 1
    count = -(-size // stride)
    total = max((count - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2, count


def same_padding(size: int, kernel: int, stride: int) -> Placement:
    """Placement of windows along one axis with SAME padding."""
    return place_windows(size, kernel, stride, "SAME")


def conv2d(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    stride: Pair,
    padding: str,
    rule: Rule = place_windows,
) -> np.ndarray:
    """Cross-correlation of x (N, H, W, C) with w (kh, kw, C, F), plus b (F,): (N, H', W', F)."""
    return _correlate(x, w, b, stride, _places(x, w.shape[:2], stride, padding, rule))


def conv2d_gradients(
    dy: np.ndarray,
    x: np.ndarray,
    w: np.ndarray,
    stride: Pair,
    padding: str,
    rule: Rule = place_windows,
) -> dict[str, np.ndarray]:
    """Gradients dx, dw, db of a loss, given its gradient dy (N, H', W', F) at the output."""
    kh, kw, _, filters = w.shape
    places = _places(x, (kh, kw), stride, padding, rule)
    dw = np.zeros((w.size // filters, filters), np.result_type(x, dy))
    for images, patches in _patches(x, (kh, kw), stride, places):
        dw += patches.T @ dy[images].reshape(-1, filters)
    per_output = dy.reshape(-1, filters)
    db = np.ones(len(per_output), dy.dtype) @ per_output  # a product of matrices beats dy.sum
    if stride == (1, 1) and rule is place_windows:
        dx = _input_gradient_dense(dy, w, places)
    else:
        dx = _crop(padded_input_gradient(dy, x, w, stride, padding, rule), x, places)
    return {"dx": dx, "dw": dw.reshape(w.shape), "db": db}


def padded_input_gradient(
    dy: np.ndarray,
    x: np.ndarray,
    w: np.ndarray,
    stride: Pair,
    padding: str,
    rule: Rule = place_windows,
) -> np.ndarray:
    """Gradient at the padded input: every window hands its share back to the pixels it read."""
    kh, kw, channels, filters = w.shape
    places = _places(x, (kh, kw), stride, padding, rule)
    shares = (dy.reshape(-1, filters) @ w.reshape(-1, filters).T).reshape(
        *dy.shape[:3], kh, kw, channels
    )
    padded = np.zeros(_padded_shape(x, places), shares.dtype)
    for i, j, seen in _offsets((kh, kw), stride, places):
        padded[:, *seen] += shares[:, :, :, i, j]
    return padded


def max_pool(
    x: np.ndarray, size: Pair, stride: Pair, padding: str, rule: Rule = place_windows
) -> np.ndarray:
    """Largest value of every window, channel by channel; padding never wins."""
    places = _places(x, size, stride, padding, rule)
    padded = _pad(x, places, -np.inf)
    return np.maximum.reduce([padded[:, *seen] for *_, seen in _offsets(size, stride, places)])


def max_pool_gradient(
    dy: np.ndarray,
    x: np.ndarray,
    size: Pair,
    stride: Pair,
    padding: str,
    rule: Rule = place_windows,
) -> np.ndarray:
    """Gradient dx: each dy goes to the first maximum of its window, in row-major order."""
    places = _places(x, size, stride, padding, rule)
    padded = _pad(x, places, -np.inf)
    y = max_pool(x, size, stride, padding, rule)
    gradient = np.zeros(padded.shape, dy.dtype)
    waiting = np.ones(y.shape, bool)
    for *_, seen in _offsets(size, stride, places):
        winner = waiting & (padded[:, *seen] == y)
        gradient[:, *seen] += np.where(winner, dy, 0)
        waiting &= ~winner
    return _crop(gradient, x, places)


def _correlate(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray | None,
    stride: Pair,
    places: tuple[Placement, Placement],
) -> np.ndarray:
    kh, kw, _, filters = w.shape
    (_, _, rows), (_, _, columns) = places
    y = np.empty((len(x), rows, columns, filters), np.result_type(x, w))
    kernel = w.reshape(-1, filters)
    bias_of_row = None if b is None else np.tile(b, columns)  # adding long rows takes half the time
    for images, patches in _patches(x, (kh, kw), stride, places):
        np.matmul(patches, kernel, out=y[images].reshape(-1, filters))
        if bias_of_row is not None:
            y[images].reshape(-1, columns * filters)[...] += bias_of_row
    return y


def _input_gradient_dense(
    dy: np.ndarray, w: np.ndarray, places: tuple[Placement, Placement]
) -> np.ndarray:
    """Input gradient at stride 1: dy under the kernel turned by 180°, its channels swapped."""
    turned = np.ascontiguousarray(w[::-1, ::-1].swapaxes(2, 3))

    def mirrored(axis: int) -> Placement:
        reach = w.shape[axis] - 1
        before, after, count = places[axis]
        return reach - before, reach - after, count + reach - before - after

    return _correlate(dy, turned, None, (1, 1), (mirrored(0), mirrored(1)))


def _places(
    x: np.ndarray, size: Pair, stride: Pair, padding: str, rule: Rule
) -> tuple[Placement, Placement]:
    """Placement along height and width; a wrong rule gets the padding that its windows need."""

    def along(axis: int) -> Placement:
        length, kernel, step = x.shape[axis + 1], size[axis], stride[axis]
        before, after, count = rule(length, kernel, step, padding)
        return before, max(after, (count - 1) * step + kernel - length - before), count

    return along(0), along(1)


def _padded_shape(x: np.ndarray, places: tuple[Placement, Placement]) -> tuple[int, ...]:
    (top, bottom, _), (left, right, _) = places
    images, height, width, channels = x.shape
    return images, top + height + bottom, left + width + right, channels


def _pad(x: np.ndarray, places: tuple[Placement, Placement], value: float) -> np.ndarray:
    (top, bottom, _), (left, right, _) = places
    margins = ((0, 0), (top, bottom), (left, right), (0, 0))
    return np.pad(x, margins, constant_values=value)


def _crop(padded: np.ndarray, x: np.ndarray, places: tuple[Placement, Placement]) -> np.ndarray:
    (top, *_), (left, *_) = places
    return padded[:, top : top + x.shape[1], left : left + x.shape[2]]


def _offsets(
    size: Pair, stride: Pair, places: tuple[Placement, Placement]
) -> Iterator[tuple[int, int, tuple[slice, slice]]]:
    """For each place in the window: its row, column, and what all windows see there."""
    (_, _, rows), (_, _, columns) = places
    for i in range(size[0]):
        for j in range(size[1]):
            down = slice(i, i + (rows - 1) * stride[0] + 1, stride[0])
            right = slice(j, j + (columns - 1) * stride[1] + 1, stride[1])
            yield i, j, (down, right)


def _patches(
    x: np.ndarray, size: Pair, stride: Pair, places: tuple[Placement, Placement]
) -> Iterator[tuple[slice, np.ndarray]]:
    """Block by block of images: which images, and their patches as rows (kh·kw·C values each)."""
    (top, _, rows), (left, _, columns) = places
    _, height, width, channels = x.shape
    run = size[1] * channels  # a window's row is one run in memory: few, long copies
    per_image = rows * columns * size[0] * run * x.itemsize
    block = int(np.clip(_PATCH_BYTES // max(per_image, 1), 1, len(x)))
    padded = np.zeros((block, *_padded_shape(x, places)[1:]), x.dtype)
    matrix = np.empty((block, rows, columns, size[0], run), x.dtype)
    for start in range(0, len(x), block):
        images = slice(start, min(start + block, len(x)))
        used = images.stop - start
        padded[:used, top : top + height, left : left + width] = x[images]
        by_image, by_row, by_column, by_channel = padded.strides
        matrix[:used] = np.lib.stride_tricks.as_strided(
            padded,
            (used, rows, columns, size[0], run),
            (by_image, stride[0] * by_row, stride[1] * by_column, by_row, by_channel),
            writeable=False,
        )
        yield images, matrix[:used].reshape(-1, size[0] * run)
