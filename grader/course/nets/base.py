"""What a trusted net can be asked: scores, gradients, units and kernels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

_BATCH = 32  # images at a time: bounds the memory for windows


class TrustedNet(ABC):
    """A net that no student has touched.  Images are uint8, or floats in units of [0, 1]."""

    name: str
    input_shape: tuple[int, int, int]
    """Height, width and channels of an image."""
    classes: int
    layers: tuple[str, ...]
    """Names of its layers, in the order of computation."""

    @property
    def input_size(self) -> int:
        """Height, which is the width, too, of an image."""
        return self.input_shape[0]

    def logits(self, images: np.ndarray) -> np.ndarray:
        """Class scores before softmax: (N, H, W, 3) -> (N, classes) float32.

        Floats may exceed [0, 1]; nothing is cut off.  Raises ValueError for other shapes.
        """
        return self._in_batches(self._logits, self._checked(images))

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Class probabilities, (N, classes) float32, for images as in `logits`."""
        return softmax(self.logits(images))

    def gradient(self, images: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Derivative of sum(weights · logits) with respect to images in units of [0, 1].

        images: (N, H, W, 3).  weights: (N, classes).  Returns (N, H, W, 3) float32.
        """
        images = self._checked(images)
        weights = np.asarray(weights, np.float32)
        if weights.shape != (len(images), self.classes):
            raise ValueError(
                f"expected weights of shape ({len(images)}, {self.classes}), got {weights.shape}"
            )
        return self._in_batches(self._gradient, images, weights)

    def units(self, images: np.ndarray, layer: str) -> np.ndarray:
        """What a layer puts out, (N, …) float32.  Raises ValueError for an unknown layer."""
        self._known(layer)
        return self._in_batches(lambda x: self._units(x, layer), self._checked(images))

    def kernel(self, layer: str) -> np.ndarray:
        """Weights of a layer, (kh, kw, C_in, C_out) or (inputs, neurons), float32.

        Raises ValueError for a layer that has none.
        """
        self._known(layer)
        return self._kernel(layer)

    @abstractmethod
    def _logits(self, x: np.ndarray) -> np.ndarray: ...

    @abstractmethod
    def _gradient(self, x: np.ndarray, weights: np.ndarray) -> np.ndarray: ...

    @abstractmethod
    def _units(self, x: np.ndarray, layer: str) -> np.ndarray: ...

    @abstractmethod
    def _kernel(self, layer: str) -> np.ndarray: ...

    def _known(self, layer: str) -> None:
        if layer not in self.layers:
            raise ValueError(f"{self.name} has no layer {layer!r}; it has {', '.join(self.layers)}")

    def _checked(self, images: np.ndarray) -> np.ndarray:
        images = np.asarray(images)
        height, width, channels = self.input_shape
        if images.ndim != 4 or images.shape[1:] != self.input_shape:
            raise ValueError(
                f"expected images of shape (N, {height}, {width}, {channels}), got {images.shape}"
            )
        if images.dtype.kind in "ui":
            return images / np.float32(255)
        return images.astype(np.float32)

    @staticmethod
    def _in_batches(function: Any, *arrays: np.ndarray) -> np.ndarray:
        """Apply to a few images at a time; no images are a batch, too, for the shape."""
        starts = range(0, max(len(arrays[0]), 1), _BATCH)
        parts = [function(*(a[i : i + _BATCH] for a in arrays)) for i in starts]
        return np.concatenate(parts)


def softmax(scores: np.ndarray, axis: int = -1) -> np.ndarray:
    """Exponentials, divided by their sum along an axis; the maximum is taken off to be safe."""
    powers = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)
