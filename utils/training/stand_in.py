"""A few images in place of the training images, which aren't there when a notebook is graded.

`build()` may look at the data: divide by its standard deviation, subtract the mean image, adapt a
Normalization layer.  What it sees then must be what it saw when the net was trained, so the
statistics of the training images are kept with the weights, and the images that stand in for them
have the very same: mean and standard deviation of each pixel, and so those over all images, rows,
columns or channels, and the lowest and the highest value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from utils.images import cifar10, datasets
from utils.images.datasets import Dataset

COUNT = 100
"""How many images stand in."""

_AT_ONCE = 1000


_OF_CIFAR10 = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
"""Mean and standard deviation by channel, for nets saved without their images' statistics."""


class _Loaded:
    """What `begin` has loaded: build() looks at that, whatever it is trained with."""

    images: np.ndarray | None = None
    statistics: dict[str, Any] | None = None


def remember(images: np.ndarray | None) -> None:
    """These are the training images that a notebook looks at."""
    _Loaded.images, _Loaded.statistics = images, None


def to_keep(trained_with: np.ndarray) -> dict[str, Any]:
    """Statistics to be saved with weights.

    trained_with: what counts if nothing is known about other images (N, H, W, C).
    """
    if _Loaded.images is None:
        return statistics_of(trained_with)
    if _Loaded.statistics is None:
        _Loaded.statistics = statistics_of(_Loaded.images)
    return _Loaded.statistics


def statistics_of(images: np.ndarray) -> dict[str, Any]:
    """Mean and standard deviation of each pixel, (H, W, C) float32, lowest and highest value."""
    total = np.zeros(images.shape[1:])
    squares = np.zeros(images.shape[1:])
    for start in range(0, len(images), _AT_ONCE):  # all at once would take twice the memory
        part = images[start : start + _AT_ONCE].astype(np.float64)
        total += part.sum(axis=0)
        squares += np.square(part).sum(axis=0)
    mean = total / len(images)
    spread = np.sqrt(np.maximum(squares / len(images) - np.square(mean), 0))
    return {
        "mean": mean.astype(np.float32),
        "std": spread.astype(np.float32),
        "lowest": float(images.min()),
        "highest": float(images.max()),
    }


def usable(statistics: Any, shape: tuple[int, ...]) -> bool:
    """Are these statistics of images (H, W, C)?  They come from a file that somebody handed in."""
    try:
        mean, spread = np.asarray(statistics["mean"]), np.asarray(statistics["std"])
        ends = float(statistics["lowest"]), float(statistics["highest"])
    except (TypeError, KeyError, ValueError):
        return False
    numbers = mean.dtype.kind == spread.dtype.kind == "f"
    return (
        numbers
        and mean.shape == spread.shape == shape
        and bool(np.isfinite(mean).all() and np.isfinite(spread).all() and np.isfinite(ends).all())
        and bool((spread >= 0).all() and ends[0] <= mean.min() and mean.max() <= ends[1])
    )


def images_with(statistics: Mapping[str, Any]) -> np.ndarray:
    """Images (100, H, W, C) float32 that have these statistics."""
    mean, spread = (np.asarray(statistics[key], np.float64) for key in ("mean", "std"))
    ends = lowest, highest = float(statistics["lowest"]), float(statistics["highest"])
    # one image of the highest value and one of the lowest, wherever the others can make up for it
    rest = COUNT - 2
    others = (COUNT * mean - lowest - highest) / rest
    squares = COUNT * (mean**2 + spread**2) - lowest**2 - highest**2
    variance = squares / rest - others**2
    possible = (variance >= 0) & (others >= lowest) & (others <= highest)
    images = np.empty((COUNT, *mean.shape))
    images[0], images[1] = highest, lowest
    images[2:] = _two_values(others, np.sqrt(np.maximum(variance, 0)), ends, rest)
    return np.where(possible, images, _two_values(mean, spread, ends, COUNT)).astype(np.float32)


def _like_cifar10(size: int) -> dict[str, Any]:
    """Statistics that are CIFAR-10's by channel.

    Pixels differ: where many are equal, sums in float32 are always rounded to the same side.
    """
    mean, spread = map(np.array, _OF_CIFAR10)
    noise = np.random.default_rng(0).normal(size=(size, size, 3))
    noise = 0.1 * (noise - noise.mean(axis=(0, 1))) / noise.std(axis=(0, 1))
    return {
        "mean": mean + noise,
        "std": np.broadcast_to(np.sqrt(spread**2 - 0.1**2), noise.shape),
        "lowest": 0.0,
        "highest": 1.0,
    }


def dataset(name: str, size: int, statistics: Mapping[str, Any] | None) -> Dataset:
    """A few images of a data set, or grey ones, so that cells run that only look at data.

    statistics: of the training images, as they were kept with weights; None if none were.
    """
    if name == "photodigits":
        data = datasets.load(name, size=size, train=COUNT, validation=50, test=50)
        return replace(data, x_train=images_with(statistics)) if statistics else data
    grey = [np.full((50, size, size, 3), 0.5, np.float32) for _ in range(2)]
    labels = [np.arange(n, dtype=np.int64) % 10 for n in (COUNT, 50, 50)]
    return Dataset(
        name,
        x_train=images_with(statistics or _like_cifar10(size)),
        y_train=labels[0],
        x_val=grey[0],
        y_val=labels[1],
        x_test=grey[1],
        y_test=labels[2],
        class_names=cifar10.CLASS_NAMES,
        description=f"{name}: images that stand in for it, since nothing is trained now",
    )


def _two_values(
    mean: np.ndarray, spread: np.ndarray, ends: tuple[float, float], count: int
) -> np.ndarray:
    """Pixels (count, H, W, C) with two values each, between the ends where that can be."""
    above, below = np.maximum(ends[1] - mean, 1e-12), np.maximum(mean - ends[0], 1e-12)
    fewest = np.ceil(count * spread**2 / (spread**2 + above**2))
    most = np.floor(count * below**2 / (spread**2 + below**2))
    upper = np.clip(np.clip(count // 2, fewest, most), 1, count - 1)
    odds = np.sqrt((count - upper) / upper)
    number = np.arange(count).reshape(-1, *[1] * mean.ndim)
    return np.where(number < upper, mean + spread * odds, mean - spread / odds)
