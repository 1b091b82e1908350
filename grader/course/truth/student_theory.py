"""Answers to the second half of notebook 01 as students write them, unlike the judges'."""

from __future__ import annotations

from typing import Any

import numpy as np

Layer = tuple[np.ndarray, np.ndarray]


def loops_1d(x: Any, w: Any, stride: int, before: int, after: int) -> list[int]:
    """Windows of a padded list, one product at a time."""
    padded = [0] * before + [int(v) for v in x] + [0] * after
    outputs = []
    start = 0
    while start + len(w) <= len(padded):
        outputs.append(sum(padded[start + i] * int(w[i]) for i in range(len(w))))
        start += stride
    return outputs


def loops_2d(volume: Any, kernel: Any, bias: float) -> list[list[float]]:
    """One map of a volume (h, w, c): six loops, bias last."""
    rows, columns = len(volume) - len(kernel) + 1, len(volume[0]) - len(kernel[0]) + 1
    result = []
    for i in range(rows):
        row = []
        for j in range(columns):
            total = 0.0
            for u in range(len(kernel)):
                for v in range(len(kernel[0])):
                    for c in range(len(kernel[0][0])):
                        total += float(volume[i + u][j + v][c]) * float(kernel[u][v][c])
            row.append(total + bias)
        result.append(row)
    return result


def field_by_indices(layers: list[tuple[int, int]]) -> int:
    """Follow the first and the last cell of one unit's window down to the image."""
    first = last = 0
    for kernel, stride in reversed(layers):
        first, last = first * stride, last * stride + kernel - 1
    return last - first + 1


def field_popping(layers: list[tuple[int, int]]) -> int:
    """Takes one layer after the other out of the caller's list."""
    side = 1
    while layers:
        kernel, stride = layers.pop()
        side = (side - 1) * stride + kernel
    return side


def field_recursive(layers: list[tuple[int, int]]) -> np.int64:
    """A stack sees as its upper part does, spread by the first stride, and a window around it."""
    if len(layers) == 0:
        return np.int64(1)
    (kernel, stride), *rest = layers
    return np.int64(kernel + (field_recursive(rest) - 1) * stride)


def field_without_strides(layers: list[tuple[int, int]]) -> int:
    """Right for stride 1 only."""
    return 1 + sum(layer[0] - 1 for layer in layers)


def field_jump_first(layers: list[tuple[int, int]]) -> int:
    """Takes the jump after the layer instead of before it."""
    r, j = 1, 1
    for kernel, stride in layers:
        j = j * stride
        r = r + (kernel - 1) * j
    return r


def field_sum(layers: list[tuple[int, int]]) -> int:
    """Adds up kernels."""
    return sum(kernel for kernel, _ in layers)


def field_previous(layers: list[tuple[int, int]]) -> int:
    """Knows the stride of the layer before, but not of those before that."""
    r, previous = 1, 1
    for kernel, stride in layers:
        r += (kernel - 1) * previous
        previous = stride
    return r


def field_downwards(layers: list[tuple[int, int]]) -> int:
    """Takes the list as going from the top layer down."""
    return field_by_indices(list(layers)[::-1])


def deep_two_sums(
    w: np.ndarray, b: np.ndarray, a: np.ndarray, keep_negative: bool = True
) -> list[Layer]:
    """Lanes: positive sum, negative sum, h, then x and -x.  float32, built row by row."""
    n, d = w.shape
    lanes = 3 + 2 * d
    layers = []
    for j in range(n):
        inputs = lanes if j else d
        weights = np.zeros((lanes, inputs), np.float32)
        bias = np.zeros(lanes, np.float32)
        bias[2] = b[j]
        for i in range(d):
            if j == 0:
                weights[2, i] = w[j, i]
                weights[3 + i, i] = 1
                weights[3 + d + i, i] = -1 if keep_negative else 0
            else:
                weights[2, 3 + i], weights[2, 3 + d + i] = w[j, i], -w[j, i]
                weights[3 + i, 3 + i] = weights[3 + d + i, 3 + d + i] = 1
        if j:
            weights[0, 0] = weights[1, 1] = 1
            weights[0 if a[j - 1] > 0 else 1, 2] = abs(a[j - 1])
        layers.append((weights, bias))
    layers.append((np.array([[1, -1, a[-1]] + [0] * (2 * d)]), np.zeros(1)))
    return layers


def deep_signed_sum(w: np.ndarray, b: np.ndarray, a: np.ndarray) -> list[list[Any]]:
    """One signed sum, carried as ReLU(s) and ReLU(-s); plain lists instead of arrays."""
    n, d = w.shape
    size = 2 * d + 3
    x = np.hstack([np.eye(d), -np.eye(d), np.zeros((d, 3))])  # reads x from a layer
    s = np.zeros(size)
    s[2 * d], s[2 * d + 1] = 1, -1  # reads the sum from a layer
    h = np.eye(size)[-1]
    layers = [[np.vstack([np.eye(d), -np.eye(d), np.zeros((2, d)), w[:1]]).tolist(), None]]
    for j in range(1, n):
        total = s + a[j - 1] * h
        layers.append([np.vstack([x, -x, total, -total, w[j] @ x]).tolist(), None])
    for j, layer in enumerate(layers):
        layer[1] = [0.0] * (size - 1) + [float(b[j])]
    return [*layers, [[(s + a[-1] * h).tolist()], [0.0]]]


def deep_running_sum(w: np.ndarray, b: np.ndarray, a: np.ndarray) -> list[Layer]:
    """One running sum that goes through ReLU: the construction for positive a."""
    n, d = w.shape
    eye, size = np.eye(d), 2 * d + 2
    layers = [
        (np.vstack([eye, -eye, np.zeros((1, d)), w[:1]]), np.append(np.zeros(size - 1), b[0]))
    ]
    for j in range(1, n):
        step = np.eye(size)
        step[-2, -1] = a[j - 1]
        step[-1] = np.concatenate([w[j], -w[j], [0, 0]])
        layers.append((step, np.append(np.zeros(size - 1), b[j])))
    return [*layers, (np.append(np.zeros(size - 2), [1, a[-1]])[None], np.zeros(1))]


def deep_absolute(w: np.ndarray, b: np.ndarray, a: np.ndarray) -> list[Layer]:
    """Loses the sign of a."""
    return deep_running_sum(w, b, np.abs(a))


def deep_clipped(w: np.ndarray, b: np.ndarray, a: np.ndarray) -> list[Layer]:
    """Lets ReLU swallow the terms with negative a."""
    return deep_running_sum(w, b, np.where(a < 0, 0, a))


def deep_positive_x(w: np.ndarray, b: np.ndarray, a: np.ndarray) -> list[Layer]:
    """Hands on x without its negative part."""
    return deep_two_sums(w, b, a, keep_negative=False)


def deep_no_bias(w: np.ndarray, b: np.ndarray, a: np.ndarray) -> list[Layer]:
    """Forgets the biases."""
    return [(weights, np.zeros(len(bias))) for weights, bias in deep_two_sums(w, b, a)]


def deep_one_short(w: np.ndarray, b: np.ndarray, a: np.ndarray) -> list[Layer]:
    """Ends one term early."""
    return deep_two_sums(w[:-1], b[:-1], a[:-1])


def still_shallow(w: np.ndarray, b: np.ndarray, a: np.ndarray) -> list[Layer]:
    """The shallow net itself."""
    return [(w, b), (a[None], np.zeros(1))]


def square_many(w: np.ndarray, b: np.ndarray, a: np.ndarray) -> list[Layer]:
    """Right values, but n layers that do nothing for each one that does: O(n²) neurons."""
    layers: list[Layer] = []
    for weights, bias in deep_two_sums(w, b, a):
        layers.append((weights, bias))
        if len(bias) > 1:
            layers += [(np.eye(len(bias)), np.zeros(len(bias)))] * len(a)
    return layers


def parameters_by_product(kernel: Any, channels: int, filters: int, use_bias: bool) -> list[Any]:
    """numpy numbers in a list."""
    return [np.prod([*kernel, channels, filters]), np.float64(filters * use_bias)]


def parameters_by_shape(
    kernel: Any, channels: int, filters: int, use_bias: bool
) -> tuple[int, int]:
    """Counts the elements of arrays of the right shape."""
    weights = np.zeros((*kernel, channels, filters))
    biases = np.zeros(filters) if use_bias else np.zeros(0)
    return weights.size, biases.size
