"""The training stream of the fast recipe: shifted and mirrored copies, drawn anew in every epoch.

Plain numpy on bytes: a batch is one indexed read from a view of all possible shifts, which costs
hundredths of what the net does with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from utils.nets.quiet import import_tensorflow


def as_bytes(images: np.ndarray) -> np.ndarray:
    """Images as uint8, from uint8 or from floats in [0, 1]."""
    if images.dtype == np.uint8:
        return images
    return np.rint(images * np.float32(255)).astype(np.uint8)


def shrink(images: np.ndarray, size: int) -> np.ndarray:
    """Images (N, H, W, C) uint8 at size × size, each pixel the mean of the area it covers."""
    if images.shape[1:3] == (size, size):
        return images
    tf = import_tensorflow()
    smaller = np.empty((len(images), size, size, images.shape[-1]), np.uint8)
    for i in range(0, len(images), 1000):
        part = tf.image.resize(images[i : i + 1000], (size, size), "area")
        smaller[i : i + 1000] = np.rint(part.numpy())
    return smaller


@dataclass
class Stream:
    """Batches of one epoch after the other; each image at most once an epoch, in random order."""

    images: np.ndarray
    """(N, H, H, C) uint8."""
    labels: np.ndarray
    """(N,) integers."""
    batch: int
    shift: int
    """Each image is moved by up to so many pixels, the border filled with its mirror image."""
    mirror: str
    """"alternating", "random" or "never".  Alternating shows an image in one orientation in even
    epochs and in the other in odd ones, so that two epochs always show both (Jordan 2024)."""
    rng: np.random.Generator

    def __post_init__(self) -> None:
        self._first = self.rng.integers(2, size=len(self.images))
        self._show(self.images.shape[1])

    def _show(self, size: int) -> None:
        s, images = self.shift, shrink(self.images, size)
        padded = np.pad(images, ((0, 0), (s, s), (s, s), (0, 0)), "reflect")
        views = np.lib.stride_tricks.sliding_window_view(padded, images.shape[1:], (1, 2, 3))
        self._views = views[:, :, :, 0]  # (N, 2 s + 1, 2 s + 1, size, size, C), nothing copied

    def epoch(
        self, number: int, size: int | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Images (batch, size, size, C) uint8 and labels (batch,); size: that of `images` if left
        out.  A last part batch is left out, since a second shape would cost a second graph."""
        size = size or self.images.shape[1]
        if self._views.shape[3] != size:
            self._show(size)
        order = self.rng.permutation(len(self.images))
        mirrored = self._mirrored(number)
        for i in range(0, len(order) - self.batch + 1, self.batch):
            chosen = order[i : i + self.batch]
            down, right = self.rng.integers(2 * self.shift + 1, size=(2, self.batch))
            images = self._views[chosen, down, right]
            turn = mirrored[chosen]
            images[turn] = images[turn, :, ::-1]
            yield images, self.labels[chosen]

    def _mirrored(self, number: int) -> np.ndarray:
        if self.mirror == "alternating":
            return (self._first + number) % 2 == 1
        if self.mirror == "random":
            return self.rng.integers(2, size=len(self.images)) == 1
        return np.zeros(len(self.images), bool)
