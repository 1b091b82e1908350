"""Judges of notebook 02 for loading a data set, and for splitting it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from grader.contract.judge import Judge, Mistake, Question
from utils.rules import by_hand

# -- split ----------------------------------------------------------------------------------------

_CLASSES = 3


def _draw_split(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    for each, validation, what in ((30, 30, "sorted by class"), (40, 25, "sorted, uneven sizes")):
        n = _CLASSES * each
        x = rng.integers(0, 256, (n, 3, 2, 3), dtype=np.uint8)
        x[:, 0, 0, 0] = np.arange(n)  # no two alike
        y = np.repeat(np.arange(_CLASSES), each)
        seed = int(rng.integers(1000))
        inputs = {"x": x, "y": y, "validation": validation, "seed": seed}
        yield Question(f"{n} images, {what}", inputs)
    yield Question("the same seed once more", inputs, same_as=1)
    yield Question("another seed", inputs | {"seed": seed + 1}, unlike=1)


def _split(x: np.ndarray, y: np.ndarray, validation: int, seed: int) -> dict[str, Any]:
    return {
        "sizes": np.array([len(x) - validation, validation]),
        "in both sets": "no image",
        "left out": "no image",
        "labels": "with their images",
        "drawn": by_hand.AT_RANDOM,
    }


_SPLIT_MISTAKES = {
    "images and labels shuffled separately": Mistake(
        lambda **_: {"labels": "torn from their images"},
        "Draw one order, and use it for both: x[order], y[order].",
        core=True,
    ),
    "validation images are training images, too": Mistake(
        lambda x, y, validation, seed: {
            "in both sets": "some images",
            "sizes": np.array([len(x), validation]),
        },
        "What goes to the validation set must be missing from the training set.",
        core=True,
    ),
    "drawn with repetition": Mistake(
        lambda **_: {"in both sets": "some images", "left out": by_hand.TWICE},
        "rng.permutation holds each number once; rng.integers and rng.choice may repeat some.",
        core=True,
    ),
    "training and validation swapped": Mistake(
        lambda x, y, validation, seed: {"sizes": np.array([validation, len(x) - validation])},
        "`validation` is the size of the second set.",
    ),
    "not drawn at random": Mistake(
        lambda **_: {"drawn": by_hand.NEIGHBOURS},
        "The images are sorted by class: neighbours are nearly all of one class.",
        core=True,
    ),
    "every k-th image, not drawn at random": Mistake(
        lambda **_: {"drawn": by_hand.EVENLY},
        "rng.permutation(len(x)) gives the numbers in random order.",
        core=True,
    ),
    "some images got lost": Mistake(
        lambda **_: {"left out": "some images"}, "Every image goes to one of the two sets."
    ),
}


def _draw_evenly(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    for shares, validation, what in (
        ((60, 30, 10), 20, "few of one class"),
        ((80, 20, 20), 30, "many of one class"),
    ):
        counts, n = rng.permutation(shares), sum(shares)
        x = rng.integers(0, 256, (n, 3, 2, 3), dtype=np.uint8)
        x[:, 0, 0, 0] = np.arange(n)  # no two alike
        y = rng.permutation(np.repeat(np.arange(_CLASSES), counts))
        seed = int(rng.integers(1000))
        inputs = {"x": x, "y": y, "validation": validation, "seed": seed}
        yield Question(f"{n} images, {what}", inputs)
    yield Question("the same seed once more", inputs, same_as=1)
    yield Question("another seed", inputs | {"seed": seed + 1}, unlike=1)


def _split_evenly(x: np.ndarray, y: np.ndarray, validation: int, seed: int) -> dict[str, Any]:
    return {"split": "whole", "of each class": np.bincount(y) * validation // len(y)}


def _by_chance(x: np.ndarray, y: np.ndarray, validation: int, seed: int) -> dict[str, Any]:
    from sklearn.model_selection import train_test_split  # needed to name one mistake alone

    taken = train_test_split(np.asarray(y), test_size=validation, random_state=int(seed))[1]
    return {"of each class": np.bincount(taken, minlength=_CLASSES)}


def _as_many(x: np.ndarray, y: np.ndarray, validation: int, seed: int) -> dict[str, Any]:
    each, more = divmod(validation, _CLASSES)
    return {"of each class": each + (np.arange(_CLASSES) < more)}


def _of_test_size(x: np.ndarray, y: np.ndarray, validation: int, seed: int) -> dict[str, Any]:
    """As if `validation` were what is kept for training."""
    counts = np.bincount(y)
    return {"split": "sizes exchanged", "of each class": counts - counts * validation // len(y)}


_EVENLY_MISTAKES = {
    "images and labels torn apart": Mistake(
        lambda **_: {"split": "labels torn from their images"},
        "train_test_split(x, y, …) splits both in the same way.",
    ),
    "classes left to chance": Mistake(
        _by_chance, "stratify=y keeps the share of each class in both sets."
    ),
    "the last images, not drawn at random": Mistake(
        lambda x, y, validation, seed: {
            "of each class": np.bincount(y[-validation:], minlength=_CLASSES)
        },
        "stratify needs images in random order: leave out shuffle=False.",
    ),
    "as many of each class, not its share": Mistake(
        _as_many, "A class with half of all images has half of the validation images."
    ),
    "training and validation swapped": Mistake(
        _of_test_size, "test_size is the size of the second set, train_size that of the first."
    ),
}


# -- loading --------------------------------------------------------------------------------------


def _draw_loaded(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    for count, test in ((12, 5), (9, 4)):
        inputs: dict[str, Any] = {}
        for part, n in (("", count), ("_test", test)):
            inputs[f"x{part}"] = rng.integers(0, 256, (n, 4, 4, 3), dtype=np.uint8)
            inputs[f"y{part}"] = rng.integers(0, 10, (n, 1), dtype=np.uint8)
            inputs[f"y{part}"][0] = rng.integers(1, 10)  # the first label alone is no zero
        yield Question(f"{count} and {test} images in Keras' place", inputs)


def _loaded(
    x: np.ndarray, y: np.ndarray, x_test: np.ndarray, y_test: np.ndarray
) -> dict[str, np.ndarray]:
    return {"x": x, "y": y[:, 0], "x_test": x_test, "y_test": y_test[:, 0]}


_LOADED_MISTAKES = {
    "labels still in a column": Mistake(
        lambda x, y, x_test, y_test: {"y": y, "y_test": y_test},
        "y[:, 0], or y.reshape(-1), makes (N,) of (N, 1).",
    ),
    "training and test images swapped": Mistake(
        lambda x, y, x_test, y_test: _loaded(x_test, y_test, x, y),
        "Keras returns the images for training first.",
    ),
    "the first label in place of the first column": Mistake(
        lambda x, y, x_test, y_test: {"y": y[0], "y_test": y_test[0]},
        "y[0] is the first row, the label of one image; y[:, 0] is the first column.",
    ),
    "pixels divided already": Mistake(
        lambda x, y, x_test, y_test: {"x": x / 255, "x_test": x_test / 255},
        "Return bytes: `training.begin` makes numbers in 0 … 1 of them.",
    ),
    "labels in one-hot code": Mistake(
        lambda x, y, x_test, y_test: {
            "y": np.eye(10)[y[:, 0]],
            "y_test": np.eye(10)[y_test[:, 0]],
        },
        "Class numbers are asked for; one-hot code comes in the next exercise.",
    ),
}


_LOAD = "Exercise 02.1: load, split, look"
_SPLIT_PARTS = ("sizes", "in both sets", "left out", "labels", "drawn")

JUDGES_LOADING = [
    Judge(
        "load_cifar10",
        _loaded,
        _draw_loaded,
        _LOADED_MISTAKES,
        parts=("x", "y", "x_test", "y_test"),
        section=_LOAD,
    ),
    Judge(
        "split",
        _split,
        _draw_split,
        _SPLIT_MISTAKES,
        parts=_SPLIT_PARTS,
        section=_LOAD,
        measure=by_hand.split_of_images,
        needed=("sizes",),
        idle=(
            lambda x, y, validation, seed: (x, y, x, y),
            lambda x, y, validation, seed: (x, y, x[:0], y[:0]),
        ),
    ),
    Judge(
        "split_evenly",
        _split_evenly,
        _draw_evenly,
        _EVENLY_MISTAKES,
        parts=("split", "of each class"),
        section=_LOAD,
        measure=by_hand.split_by_class,
    ),
]
"""Judges of loading and splitting."""
