"""Layers in plain NumPy, forward and backward to their input: what trusted nets are made of.

They follow TensorFlow (NHWC, asymmetric SAME, ties in pooling to the first maximum), and are held
against it in the tests.  Weights are fixed: gradients with respect to them are nobody's business.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Back = Callable[[np.ndarray], np.ndarray]
"""From the gradient with respect to a layer's output to that with respect to its input."""
Layer = Callable[[np.ndarray], tuple[np.ndarray, Back]]
"""From an input to the output and the way back."""


@dataclass(frozen=True)
class Convolution:
    """Cross-correlation with (kh, kw, C_in, C_out) kernels."""

    kernel: np.ndarray
    bias: np.ndarray
    stride: int = 1
    padding: str = "SAME"

    def __call__(self, x: np.ndarray) -> tuple[np.ndarray, Back]:
        n, height, width, channels = x.shape
        kh, kw, _, filters = self.kernel.shape
        s = self.stride
        rows, top = self._extent(height, kh)
        columns, left = self._extent(width, kw)
        # as far as the windows reach, which with VALID may be less than the image
        reach = (n, (rows - 1) * s + kh, (columns - 1) * s + kw, channels)
        padded = np.zeros(reach, x.dtype)
        inside = padded[:, top : top + height, left : left + width]
        inside[:] = x[:, : inside.shape[1], : inside.shape[2]]
        windows = np.lib.stride_tricks.sliding_window_view(padded, (kh, kw), axis=(1, 2))
        patches = windows[:, ::s, ::s].transpose(0, 1, 2, 4, 5, 3)
        matrix = self.kernel.reshape(-1, filters)
        y = patches.reshape(-1, len(matrix)) @ matrix + self.bias

        def back(dy: np.ndarray) -> np.ndarray:
            shares = (dy.reshape(-1, filters) @ matrix.T).reshape(
                n, rows, columns, kh, kw, channels
            )
            spread = np.zeros(reach, dy.dtype)
            for i in range(kh):
                for j in range(kw):
                    down, right = i + (rows - 1) * s + 1, j + (columns - 1) * s + 1
                    spread[:, i:down:s, j:right:s] += shares[:, :, :, i, j]
            dx = np.zeros(x.shape, dy.dtype)
            part = spread[:, top : top + height, left : left + width]
            dx[:, : part.shape[1], : part.shape[2]] = part
            return dx

        return y.reshape(n, rows, columns, filters), back

    def _extent(self, size: int, kernel: int) -> tuple[int, int]:
        """Number of windows along an axis, and how many zeros stand before the first pixel."""
        if self.padding == "VALID":
            return (size - kernel) // self.stride + 1, 0
        count = -(-size // self.stride)
        return count, max((count - 1) * self.stride + kernel - size, 0) // 2


@dataclass(frozen=True)
class Dense:
    """Matrix product with an (inputs, neurons) kernel, plus bias."""

    kernel: np.ndarray
    bias: np.ndarray

    def __call__(self, x: np.ndarray) -> tuple[np.ndarray, Back]:
        return x @ self.kernel + self.bias, lambda dy: dy @ self.kernel.T


@dataclass(frozen=True)
class BatchNormalization:
    """Each map by the mean and variance of the training images, as once training is over."""

    gamma: np.ndarray
    beta: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    epsilon: float = 1e-3  # Keras' own

    def __call__(self, x: np.ndarray) -> tuple[np.ndarray, Back]:
        factor = self.gamma / np.sqrt(self.variance + np.float32(self.epsilon))
        return (x - self.mean) * factor + self.beta, lambda dy: dy * factor


def relu(x: np.ndarray) -> tuple[np.ndarray, Back]:
    """max(x, 0), with derivative 0 at 0."""
    return np.maximum(x, 0), lambda dy: dy * (x > 0)


def silu(x: np.ndarray) -> tuple[np.ndarray, Back]:
    """x · sigmoid(x), also called swish."""
    gate = 1 / (1 + np.exp(-np.clip(x, -60, 60)))
    return x * gate, lambda dy: dy * gate * (1 + x * (1 - gate))


def flatten(x: np.ndarray) -> tuple[np.ndarray, Back]:
    """(N, …) -> (N, all of it)."""
    return x.reshape(len(x), math.prod(x.shape[1:])), lambda dy: dy.reshape(x.shape)


def average(x: np.ndarray) -> tuple[np.ndarray, Back]:
    """Mean over the image, (N, H, W, C) -> (N, C)."""
    area = x.shape[1] * x.shape[2]
    return x.mean(axis=(1, 2)), lambda dy: np.broadcast_to(dy[:, None, None] / area, x.shape)


@dataclass(frozen=True)
class MaxPooling:
    """Maximum of each window; windows do not overlap, and what does not fill one is left out."""

    size: int = 2

    def __call__(self, x: np.ndarray) -> tuple[np.ndarray, Back]:
        n, height, width, channels = x.shape
        k = self.size
        rows, columns = height // k, width // k
        whole = x[:, : rows * k, : columns * k].reshape(n, rows, k, columns, k, channels)
        windows = whole.transpose(0, 1, 3, 5, 2, 4).reshape(n, rows, columns, channels, k * k)
        first = windows.argmax(axis=-1)[..., None]

        def back(dy: np.ndarray) -> np.ndarray:
            shares = np.zeros(windows.shape, dy.dtype)
            np.put_along_axis(shares, first, dy[..., None], axis=-1)
            blocks = shares.reshape(n, rows, columns, channels, k, k).transpose(0, 1, 4, 2, 5, 3)
            dx = np.zeros(x.shape, dy.dtype)
            dx[:, : rows * k, : columns * k] = blocks.reshape(n, rows * k, columns * k, channels)
            return dx

        return np.take_along_axis(windows, first, axis=-1)[..., 0], back


def weights_of(layer: Any) -> np.ndarray | None:
    """The kernel of a layer, or None where it has none."""
    return layer.kernel if isinstance(layer, Convolution | Dense) else None
