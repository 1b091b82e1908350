"""The trusted copy of the mini net, in plain NumPy: what judges ask when a net's opinion counts.

Judges run in a process that should start in an instant and never imports a framework.  The weights
are those in `data/`, read by the grader itself; nothing comes from a student's kernel.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from utils import pretrained

_BATCH = 32  # images at a time: bounds the memory for windows


def logits(images: np.ndarray) -> np.ndarray:
    """Class scores before softmax.

    images: (N, 32, 32, 3), uint8 or floats in [0, 1].  Returns (N, 10) float32.
    Raises ValueError for other shapes.
    """
    images = np.asarray(images)
    return forward(images / np.float32(255) if images.dtype.kind in "ui" else images)


def probabilities(images: np.ndarray) -> np.ndarray:
    """Class probabilities, (N, 10) float32, for images as in `logits`."""
    return softmax(logits(images))


def softmax(scores: np.ndarray, axis: int = -1) -> np.ndarray:
    """Exponentials, divided by their sum along an axis; the maximum is taken off to be safe."""
    powers = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def forward(x: np.ndarray) -> np.ndarray:
    """The net itself, without any preprocessing: (N, 32, 32, 3) of any range -> (N, 10)."""
    size = pretrained.MINI_SIZE
    if x.ndim != 4 or x.shape[1:] != (size, size, 3):
        raise ValueError(f"expected images of shape (N, {size}, {size}, 3), got {x.shape}")
    parts = [_forward(x[i : i + _BATCH].astype(np.float32)) for i in range(0, len(x), _BATCH)]
    return np.concatenate(parts) if parts else np.empty((0, 10), np.float32)


def _forward(x: np.ndarray) -> np.ndarray:
    weights = _weights()
    for number, _, _ in pretrained.MINI_CONVOLUTIONS:
        x = _convolution(x, weights[f"conv{number}.kernel"], weights[f"conv{number}.bias"])
        x = np.maximum(x, 0)
        if number in pretrained.MINI_POOLED:
            n, height, width, channels = x.shape
            x = x.reshape(n, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))
    x = x.reshape(len(x), -1)
    last = pretrained.MINI_DENSE[-1][0]
    for number, _ in pretrained.MINI_DENSE:
        x = x @ weights[f"fc{number}.kernel"] + weights[f"fc{number}.bias"]
        if number < last:
            x = np.maximum(x, 0)
    return x


def _convolution(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """SAME, stride 1, odd kernel sizes."""
    margin = kernel.shape[0] // 2
    padded = np.pad(x, ((0, 0), (margin, margin), (margin, margin), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[:2], axis=(1, 2))
    rows = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, kernel[..., 0].size)
    out = rows @ kernel.reshape(-1, kernel.shape[-1]) + bias
    return out.reshape(*x.shape[:3], -1)


@cache
def _weights() -> dict[str, np.ndarray]:
    return pretrained.mini_weights()
