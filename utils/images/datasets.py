"""One way to get images and labels: `load()` for PhotoDigits, `load("cifar10")` for CIFAR-10.

Which data set is meant is said in one place (the argument, or the environment variable
COURSE_DATASET), and what is asked for is what comes: if CIFAR-10 can't be had, that is an error
that says where to put the file, never other data in its stead.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from utils.checks import raised
from utils.checks.answering import aside
from utils.images import cifar10, photo_digits
from utils.images.cifar10 import DataUnavailable

__all__ = ["DataUnavailable", "Dataset", "load", "load_unsplit"]

CHOICE = "COURSE_DATASET"
"""Environment variable that chooses the data set where the argument is left out."""

NAMES = ("photodigits", "cifar10")

_DEFAULT_COUNTS = {"photodigits": (10_000, 2_000, 2_000), "cifar10": (40_000, 10_000, 10_000)}


@dataclass(frozen=True)
class Dataset:
    """Images and labels for training, for choosing (validation) and for the last word (test)."""

    name: str
    x_train: np.ndarray
    """(N, size, size, 3) float32 in [0, 1]; the other images, too."""
    y_train: np.ndarray
    """(N,) int64: position in class_names; the other labels, too."""
    x_val: np.ndarray
    y_val: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    class_names: tuple[str, ...]
    description: str
    """What was loaded, in one line: name, sizes, seed.  A saved model records it."""
    masks_train: np.ndarray | None = None
    """(N, size, size) bool, where the object is; only PhotoDigits knows."""
    masks_val: np.ndarray | None = None
    masks_test: np.ndarray | None = None


def load(
    name: str | None = None,
    *,
    size: int = 32,
    train: int | None = None,
    validation: int | None = None,
    test: int | None = None,
    seed: int = 0,
    loader: Callable[[], cifar10.Loaded] | None = None,
) -> Dataset:
    """Load a data set.

    name: "photodigits" or "cifar10"; left out, COURSE_DATASET decides, else it is PhotoDigits.
    size: height and width of the images; 64 is for PhotoDigits only.
    train, validation, test: how many images; by default 10,000, 2,000 and 2,000 of PhotoDigits (as
    many as you like can be had), and 40,000, 10,000 and 10,000 of CIFAR-10 (all there are).
    seed: another seed gives other PhotoDigits, and another split of CIFAR-10's training images.
    loader: a function of one's own that loads CIFAR-10, where that is the data set.
    Raises ValueError for what doesn't exist, DataUnavailable where CIFAR-10 can't be had.
    """
    name = _chosen(name)
    defaults = _DEFAULT_COUNTS[name]
    counts = tuple(
        d if n is None else n for n, d in zip((train, validation, test), defaults, strict=True)
    )
    if name == "photodigits":
        return _photodigits(size, counts, seed)
    return _cifar10(size, counts, seed, loader)


def load_unsplit(
    name: str | None = None, **options: int | None
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """The same images, with training and validation together: (x, y), (x_test, y_test).

    For CIFAR-10 that is 50,000 and 10,000, from which you split off your own validation images.
    """
    d = load(name, **options)  # type: ignore[arg-type]
    x = np.concatenate([d.x_train, d.x_val])
    return (x, np.concatenate([d.y_train, d.y_val])), (d.x_test, d.y_test)


def _chosen(name: str | None) -> str:
    told = f"{CHOICE} is" if name is None and os.environ.get(CHOICE) else "asked for"
    name = name or os.environ.get(CHOICE) or "photodigits"
    if name not in NAMES:
        raise raised.Unknown(f"{told} {name!r}, but the data sets are: {', '.join(NAMES)}")
    return name


@aside
def _photodigits(size: int, counts: tuple[int, ...], seed: int) -> Dataset:
    train = photo_digits.render(counts[0], "train", size, seed)
    val = photo_digits.render(counts[1], "validation", size, seed)
    test = photo_digits.render(counts[2], "test", size, seed)
    return Dataset(
        "photodigits",
        _unit(train.images),
        train.labels.copy(),
        _unit(val.images),
        val.labels.copy(),
        _unit(test.images),
        test.labels.copy(),
        photo_digits.CLASS_NAMES,
        f"photodigits {size}×{size}, {_told(counts)}, seed {seed}",
        train.masks.copy(),
        val.masks.copy(),
        test.masks.copy(),
    )


def _cifar10(
    size: int, counts: tuple[int, ...], seed: int, loader: Callable[[], cifar10.Loaded] | None
) -> Dataset:
    if size != 32:
        raise ValueError(f"CIFAR-10 has images of size 32, not {size}")
    train, val, test = counts
    most, most_test = cifar10.COUNTS
    if min(counts) < 0 or train + val > most or test > most_test:
        raise ValueError(
            f"CIFAR-10 has {most:,} images for training and validation, {most_test:,} for the "
            f"test; {train} + {val} and {test} can't be had"
        )
    found = cifar10.read() if loader is None else cifar10.loaded(loader)
    order = np.random.default_rng(seed).permutation(len(found.x_train))
    chosen, kept_back = order[:train], order[len(order) - val :]
    return Dataset(
        "cifar10",
        _unit(found.x_train[chosen]),
        found.y_train[chosen],
        _unit(found.x_train[kept_back]),
        found.y_train[kept_back],
        _unit(found.x_test[:test]),
        found.y_test[:test],
        cifar10.CLASS_NAMES,
        f"cifar10, {_told(counts)}, seed {seed}",
    )


def _unit(images: np.ndarray) -> np.ndarray:
    return images / np.float32(255)


def _told(counts: tuple[int, ...]) -> str:
    return "{} training, {} validation and {} test images".format(*counts)
