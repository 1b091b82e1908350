"""Judges of notebook 02 for what is done with images and labels, before and after training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

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
        inputs = {"x": x, "y": y, "validation": validation, "seed": int(rng.integers(1000))}
        yield Question(f"{n} images, {what}", inputs)


def _split(x: np.ndarray, y: np.ndarray, validation: int, seed: int) -> dict[str, Any]:
    return {
        "sizes": np.array([len(x) - validation, validation]),
        "in both sets": "no image",
        "left out": "no image",
        "labels": "with their images",
        "classes in validation": _CLASSES,
    }


_SPLIT_MISTAKES = {
    "images and labels shuffled separately": Mistake(
        lambda **_: {"labels": "torn from their images"},
        "Draw one order, and use it for both: x[order], y[order].",
    ),
    "validation images are training images, too": Mistake(
        lambda x, y, validation, seed: {
            "in both sets": "some images",
            "sizes": np.array([len(x), validation]),
            "left out": "some images",
        },
        "What goes to the validation set must be missing from the training set.",
    ),
    "training and validation swapped": Mistake(
        lambda x, y, validation, seed: {"sizes": np.array([validation, len(x) - validation])},
        "`validation` is the size of the second set.",
    ),
    "not drawn at random": Mistake(
        lambda x, y, validation, seed: {"classes in validation": 1},
        "The images are sorted by class: the first or last ones are all of one class.",
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
        inputs = {"x": x, "y": y, "validation": validation, "seed": int(rng.integers(1000))}
        yield Question(f"{n} images, {what}", inputs)


def _split_evenly(x: np.ndarray, y: np.ndarray, validation: int, seed: int) -> dict[str, Any]:
    return _split(x, y, validation, seed) | {"of each class": np.bincount(y) * validation // len(y)}


def _by_chance(x: np.ndarray, y: np.ndarray, validation: int, seed: int) -> dict[str, Any]:
    taken = train_test_split(np.asarray(y), test_size=validation, random_state=int(seed))[1]
    return {"of each class": np.bincount(taken, minlength=_CLASSES)}


def _of_test_size(x: np.ndarray, y: np.ndarray, validation: int, seed: int) -> dict[str, Any]:
    """As if `validation` were what is kept for training."""
    rest = len(y) - validation
    counts = np.bincount(y)
    return {
        "sizes": np.array([validation, rest]),
        "of each class": counts - counts * validation // len(y),
    }


_EVENLY_MISTAKES = {
    "classes left to chance": Mistake(
        _by_chance, "stratify=y keeps the share of each class in both sets."
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


# -- samples and one-hot --------------------------------------------------------------------------


def _draw_samples(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    for classes, count in ((3, 2), (5, 4), (10, 3)):
        labels = rng.permutation(np.repeat(np.arange(classes), count + 4))
        yield Question(
            f"{classes} classes, {count} of each",
            {"labels": labels, "classes": classes, "count": count},
        )


def _samples(labels: np.ndarray, classes: int, count: int) -> np.ndarray:
    return np.array([np.flatnonzero(labels == c)[:count] for c in range(classes)])


_SAMPLES_MISTAKES = {
    "labels in place of positions": Mistake(
        lambda labels, classes, count: np.repeat(np.arange(classes)[:, None], count, axis=1),
        "Where do the images stand?  np.flatnonzero(labels == c) tells.",
    ),
    "the last ones of each class": Mistake(
        lambda labels, classes, count: np.array(
            [np.flatnonzero(labels == c)[-count:] for c in range(classes)]
        ),
        "The first ones are asked for: [:count].",
    ),
    "positions among the images of the class": Mistake(
        lambda labels, classes, count: np.tile(np.arange(count), (classes, 1)),
        "Positions count all images, not only those of the class.",
    ),
    "rows and columns swapped": Mistake(
        lambda labels, classes, count: _samples(labels, classes, count).T,
        "One row for each class.",
    ),
}


def _draw_one_hot(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    for count, classes in ((7, 4), (12, 10), (5, 2)):
        labels = rng.integers(0, classes, count)
        labels[:2] = 0, classes - 1
        yield Question(f"{count} labels, {classes} classes", {"labels": labels, "classes": classes})


_ONE_HOT_MISTAKES = {
    "classes counted from one": Mistake(
        lambda labels, classes: np.eye(classes)[labels - 1], "Class 0 has its one in column 0."
    ),
    "rows and columns swapped": Mistake(
        lambda labels, classes: np.eye(classes)[labels].T, "One row for each label."
    ),
    "zeros and ones swapped": Mistake(
        lambda labels, classes: 1 - np.eye(classes)[labels], "One one in each row."
    ),
    "labels as they were": Mistake(lambda labels, classes: labels, "One row for each label."),
    "the label in place of a one": Mistake(
        lambda labels, classes: np.eye(classes)[labels] * labels[:, None],
        "The position says which class it is; the value is always 1.",
    ),
}


# -- weights as images ----------------------------------------------------------------------------


def _draw_weights(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    for shape, classes in (((4, 5, 3), 3), ((6, 3, 3), 10), ((2, 2, 3), 1)):
        weights = rng.normal(0, 0.1, (int(np.prod(shape)), classes)) * rng.uniform(0.2, 3, classes)
        weights = (weights.T.reshape(-1, *shape) + rng.normal(0, 0.1, 3)).reshape(classes, -1).T
        yield Question(
            f"{shape[0]}×{shape[1]} pixels, {classes} outputs",
            {"weights": weights, "shape": shape},
        )


def _scaled(images: np.ndarray, axes: tuple[int, ...] | None, most: float = 255) -> np.ndarray:
    low, high = images.min(axis=axes, keepdims=True), images.max(axis=axes, keepdims=True)
    return most * (images - low) / (high - low)


def _images(weights: np.ndarray, shape: Any) -> np.ndarray:
    return np.asarray(weights).T.reshape(-1, *shape)


def _weight_images(weights: np.ndarray, shape: Any) -> np.ndarray:
    return np.rint(_scaled(_images(weights, shape), (1, 2))).astype(np.uint8)


_WEIGHT_MISTAKES = {
    "all channels scaled together": Mistake(
        lambda weights, shape: np.rint(_scaled(_images(weights, shape), (1, 2, 3))).astype(
            np.uint8
        ),
        "Each channel has a lowest and a highest weight of its own: min over height and width.",
    ),
    "all images scaled together": Mistake(
        lambda weights, shape: np.rint(_scaled(_images(weights, shape), None)).astype(np.uint8),
        "Each channel of each image is scaled by itself.",
    ),
    "all images scaled together, channel by channel": Mistake(
        lambda weights, shape: np.rint(_scaled(_images(weights, shape), (0, 1, 2))).astype(
            np.uint8
        ),
        "Each image is scaled by itself, too.",
    ),
    "cut off in place of rounded": Mistake(
        lambda weights, shape: (255 * _scaled(_images(weights, shape), (1, 2), 1)).astype(np.uint8),
        "np.rint rounds; astype alone cuts off.",
    ),
    "cut off, so that even the highest may be below 255": Mistake(
        lambda weights, shape: _scaled(_images(weights, shape), (1, 2)).astype(np.uint8),
        "np.rint rounds; astype alone cuts off.",
    ),
    "scaled to 0 … 1": Mistake(
        lambda weights, shape: _scaled(_images(weights, shape), (1, 2), 1.0),
        "Pixels go from 0 to 255.",
    ),
    "256 in place of 255": Mistake(
        lambda weights, shape: np.rint(_scaled(_images(weights, shape), (1, 2), 256)).astype(
            np.uint8
        ),
        "The largest value of a byte is 255; 256 wraps round to 0.",
    ),
    "outputs and pixels mixed up": Mistake(
        lambda weights, shape: np.rint(
            _scaled(np.asarray(weights).reshape(-1, *shape), (1, 2))
        ).astype(np.uint8),
        "A column of the weights belongs to one output: transpose before you reshape.",
    ),
}


# -- one class against the rest -------------------------------------------------------------------


def _draw_rest(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    for count, target in ((12, 3), (20, 0), (9, 9)):
        labels = rng.integers(0, 10, count)
        labels[:2] = target, (target + 4) % 10
        yield Question(f"class {target}", {"labels": rng.permutation(labels), "target": target})


_REST_MISTAKES = {
    "the two classes swapped": Mistake(
        lambda labels, target: (labels != target).astype(int), "1 is for the class."
    ),
    "the class number in place of 1": Mistake(
        lambda labels, target: np.where(labels == target, target, 0), "Only zeros and ones."
    ),
    "one-hot in place of zeros and ones": Mistake(
        lambda labels, target: np.eye(2)[(labels == target).astype(int)],
        "One number for each label; one-hot comes later.",
    ),
    "positions in place of labels": Mistake(
        lambda labels, target: np.flatnonzero(labels == target), "One number for each label."
    ),
}


def _draw_balance(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    for inside, outside in ((30, 200), (12, 90)):
        n = inside + outside
        x = rng.integers(0, 256, (n, 2, 2, 3), dtype=np.uint8)
        x[:, 0, 0, 0] = np.arange(n)
        y = np.zeros(n, int)
        y[rng.choice(n, inside, replace=False)] = 1
        x, y = (x, y) if inside == 12 else (x, np.sort(y))
        how = "sorted" if inside == 30 else "mixed"
        inputs = {"x": x, "y": y, "seed": int(rng.integers(1000))}
        yield Question(f"{inside} of {n} images, {how}", inputs)


def _balance(x: np.ndarray, y: np.ndarray, seed: int) -> dict[str, Any]:
    return {
        "counts": np.array([np.sum(y == 1), np.sum(y == 1)]),
        "images of the class": "all",
        "repeated": "no image",
        "labels": "with their images",
        "rest": "mixed",
        "order": "mixed",
    }


_BALANCE_MISTAKES = {
    "images of the class repeated": Mistake(
        lambda x, y, seed: {
            "counts": np.array([np.sum(y == 0), np.sum(y == 0)]),
            "repeated": "some images",
        },
        "Leave out images of the rest; the class stays as it is.",
    ),
    "not balanced": Mistake(
        lambda x, y, seed: {"counts": np.array([np.sum(y == 0), np.sum(y == 1)])},
        "As many of the rest as there are of the class.",
    ),
    "the rest drawn with repetition": Mistake(
        lambda x, y, seed: {"repeated": "some images"},
        "rng.choice(…, replace=False) takes each image once at most.",
    ),
    "images and labels torn apart": Mistake(
        lambda x, y, seed: {"labels": "torn"}, "One order for both: x[chosen], y[chosen]."
    ),
    "the rest not drawn at random": Mistake(
        lambda x, y, seed: {"rest": "from one place"},
        "The first images may be of one class: draw them with rng.choice.",
    ),
    "not shuffled": Mistake(
        lambda x, y, seed: {"order": "one after the other"},
        "rng.permutation mixes the two: batches should hold both.",
    ),
}


def _draw_verify(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    for inside, outside, right, what in (
        (12, 48, 0.7, "few of the class"),
        (40, 40, 0.8, "equally many"),
        (10, 90, 0.95, "one in ten"),
    ):
        labels = np.repeat([1, 0], [inside, outside])
        wrong = rng.random(len(labels)) > right
        wrong[:2] = wrong[inside : inside + 3] = True  # both kinds of error occur, unequally often
        order = rng.permutation(len(labels))
        predictions = np.where(wrong, 1 - labels, labels)
        yield Question(what, {"labels": labels[order], "predictions": predictions[order]})


def _matrix(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    table = np.zeros((2, 2), int)
    np.add.at(table, (labels, predictions), 1)
    return table


def _verify(labels: np.ndarray, predictions: np.ndarray) -> tuple[np.ndarray, float]:
    table = _matrix(labels, predictions)
    return table, float(np.mean(table.diagonal() / table.sum(axis=1)))


_VERIFY_MISTAKES = {
    "rows and columns swapped": Mistake(
        lambda labels, predictions: (
            _matrix(predictions, labels),
            _verify(predictions, labels)[1],
        ),
        "sklearn takes the true labels first, then the predictions.",
    ),
    "plain accuracy": Mistake(
        lambda labels, predictions: {"balanced": float(np.mean(labels == predictions))},
        "The mean of two fractions: right among the rest, and right among the class.",
    ),
    "fractions in place of counts": Mistake(
        lambda labels, predictions: {
            "matrix": _matrix(labels, predictions)
            / _matrix(labels, predictions).sum(axis=1, keepdims=True)
        },
        "The matrix counts images.",
    ),
    "percent in place of a fraction": Mistake(
        lambda labels, predictions: {"balanced": 100 * _verify(labels, predictions)[1]},
        "1 means that all are right.",
    ),
}


_LOAD = "Exercise 02.1: load, split, look"
_SPLIT_PARTS = ("sizes", "in both sets", "left out", "labels", "classes in validation")

JUDGES_DATA = [
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
    ),
    Judge(
        "split_evenly",
        _split_evenly,
        _draw_evenly,
        _EVENLY_MISTAKES,
        parts=(*_SPLIT_PARTS, "of each class"),
        section=_LOAD,
        measure=by_hand.split_by_class,
    ),
    Judge(
        "samples",
        _samples,
        _draw_samples,
        _SAMPLES_MISTAKES,
        section=_LOAD,
    ),
    Judge(
        "one_hot",
        lambda labels, classes: np.eye(classes, dtype=np.float32)[labels],
        _draw_one_hot,
        _ONE_HOT_MISTAKES,
        section="Exercise 02.2: one layer",
    ),
    Judge(
        "weight_images",
        _weight_images,
        _draw_weights,
        _WEIGHT_MISTAKES,
        section="Exercise 02.3: weights as images",
    ),
    Judge(
        "rest_labels",
        lambda labels, target: (labels == target).astype(int),
        _draw_rest,
        _REST_MISTAKES,
        section="Exercises 02.12 to 02.16: one class against the rest",
    ),
    Judge(
        "balance",
        _balance,
        _draw_balance,
        _BALANCE_MISTAKES,
        parts=("counts", "images of the class", "repeated", "labels", "rest", "order"),
        section="Exercises 02.12 to 02.16: one class against the rest",
        measure=by_hand.balanced_images,
    ),
    Judge(
        "verify",
        _verify,
        _draw_verify,
        _VERIFY_MISTAKES,
        parts=("matrix", "balanced"),
        section="Exercises 02.12 to 02.16: one class against the rest",
    ),
]
"""Judges of data handling."""
