"""Images that a trained net has never met: new PhotoDigits, or CIFAR-10 moved a little.

What a net is judged on must not be found in a table of images that everybody has.  PhotoDigits are
rendered anew; CIFAR-10's test images are shifted, mirrored and a little brighter or darker, which
does not change what they show.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from utils.checks.answering import aside
from utils.images import cifar10, photo_digits
from utils.images.photo_digits import Split

PUBLIC_SEED = 20_191_118
"""Seed of the images on which students try their nets."""

MEASURED = 2000
"""So many training and validation images at most decide the accuracies of a run's record."""

DATASETS = ("photodigits", "cifar10")
_SHIFT = {"photodigits": 1, "cifar10": 2}
_EXPOSURE = (0.92, 1.0)


@aside
def draw(
    dataset: str,
    split: Split,
    count: int,
    rng: np.random.Generator,
    size: int = 32,
    target: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Images (count, size, size, 3) uint8 and labels (count,) int64, in random order.

    split: "validation" or "test".  target: a class of which half of the images shall be; the labels
    are then 1 for this class and 0 for the others.
    Raises ValueError for an unknown data set, DataUnavailable where CIFAR-10 can't be had.
    """
    if dataset not in DATASETS:
        raise ValueError(f"unknown data set {dataset!r}")
    wanted = count if target is None else 5 * count
    if dataset == "photodigits":
        seed = int(rng.integers(2**31))
        found = photo_digits.render(wanted, split, size, seed=seed, keep=False)
        images, labels = found.images, found.labels
    else:
        images, labels = _cifar10(split, wanted, rng)
    if target is not None:
        images, labels = _half(images, labels, target, count, rng)
    order = rng.permutation(len(labels))
    moved = _moved(images[order], _SHIFT[dataset], rng)
    if dataset == "cifar10":
        mirrored = rng.random(len(moved)) < 0.5
        moved[mirrored] = moved[mirrored, :, ::-1]
    exposure = rng.uniform(*_EXPOSURE, (len(moved), 1, 1, 1))
    return np.rint(moved * exposure).astype(np.uint8), labels[order].astype(np.int64)


def public(
    dataset: str, count: int, size: int = 32, target: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The images on which students try their nets: from the validation images, always the same."""
    rng = np.random.default_rng(PUBLIC_SEED)
    return draw(dataset, "validation", count, rng, size, target)


@aside
def validation(dataset: str) -> tuple[np.ndarray, np.ndarray]:
    """The validation images (uint8) and labels on which records are measured, unchanged."""
    if dataset == "photodigits":
        found = photo_digits.render(MEASURED, "validation", keep=False)
        return found.images, found.labels
    stored = cifar10.read()
    chosen = _kept_back(len(stored.x_train))[:MEASURED]
    return stored.x_train[chosen], stored.y_train[chosen]


@lru_cache(maxsize=6)
def behind(dataset: str, which: str) -> tuple[np.ndarray, np.ndarray]:
    """The images (uint8) and labels on which a table's numbers were measured, unchanged.

    which: "train", "validation" or "test"; the first ones of each, as `datasets.load` has them.
    They are kept, and can't be written to.
    """
    images, labels = _behind(dataset, which)
    for array in (images, labels):
        array.setflags(write=False)
    return images, labels


@aside
def _behind(dataset: str, which: str) -> tuple[np.ndarray, np.ndarray]:
    if which == "validation":
        return validation(dataset)
    if dataset == "photodigits":
        split: Split = "train" if which == "train" else "test"
        found = photo_digits.render(MEASURED, split, keep=False)
        return found.images, found.labels
    stored = cifar10.read()
    if which == "test":
        return stored.x_test[:MEASURED], stored.y_test[:MEASURED]
    chosen = np.random.default_rng(0).permutation(len(stored.x_train))[:MEASURED]
    return stored.x_train[chosen], stored.y_train[chosen]


def _kept_back(count: int) -> np.ndarray:
    """Indices of the images that `datasets.load` keeps back for validation."""
    return np.random.default_rng(0).permutation(count)[-10_000:]


def _cifar10(split: Split, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    found = cifar10.read()
    if split == "test":
        images, labels = found.x_test, found.y_test
        chosen = rng.permutation(len(images))[:count]
    else:
        images, labels = found.x_train, found.y_train
        chosen = rng.permutation(_kept_back(len(images)))[:count]
    return images[chosen], labels[chosen]


def _half(
    images: np.ndarray, labels: np.ndarray, target: int, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    inside = np.flatnonzero(labels == target)[: count // 2]
    outside = rng.permutation(np.flatnonzero(labels != target))[: count - len(inside)]
    chosen = np.concatenate([inside, outside])
    return images[chosen], (labels[chosen] == target).astype(np.int64)


def _moved(images: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Each image shifted by up to `most` pixels; pixels at the edge are repeated."""
    size = images.shape[1]
    padded = np.pad(images, ((0, 0), (most, most), (most, most), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(1, 2))
    down, right = rng.integers(0, 2 * most + 1, (2, len(images)))
    return np.moveaxis(windows[np.arange(len(images)), down, right], 1, -1).copy()
