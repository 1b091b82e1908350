"""Judges of notebook 02 for what is done with images and labels, before and after training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from grader.contract.judge import Judge, Mistake, Question
from utils.rules import by_hand

# -- samples and one-hot --------------------------------------------------------------------------


def _draw_samples(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    for classes, count in ((3, 2), (5, 4), (10, 3)):
        labels = rng.permutation(np.repeat(np.arange(classes), count + 4))
        yield Question(
            f"{classes} classes, {count} of each",
            {"labels": labels, "classes": classes, "count": count},
            types={"output": "integer"} if classes == 5 else {},
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
    "positions counted from one": Mistake(
        lambda labels, classes, count: _samples(labels, classes, count) + 1,
        "The first label stands at position 0.",
    ),
    "in decreasing order": Mistake(
        lambda labels, classes, count: _samples(labels, classes, count)[:, ::-1],
        "The first image of a class comes first in its row.",
    ),
    "the first images of all, whatever their class": Mistake(
        lambda labels, classes, count: np.arange(classes * count).reshape(classes, count),
        "Row c is for the images whose label is c.",
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
        types = {"output": "float32"} if classes == 10 else {}
        inputs = {"labels": labels, "classes": classes}
        yield Question(f"{count} labels, {classes} classes", inputs, types=types)
    labels = rng.integers(0, 3, 6)
    inputs = {"labels": labels, "classes": 5}
    yield Question("6 labels, none of the last of 5 classes", inputs)


_ONE_HOT_MISTAKES = {
    "as many columns as classes that occur": Mistake(
        lambda labels, classes: np.eye(labels.max() + 1)[labels],
        "`classes` says how many columns there are, also if the last class does not occur.",
    ),
    "classes counted from one": Mistake(
        lambda labels, classes: np.eye(classes)[labels - 1], "Class 0 has its one in column 0."
    ),
    "rows and columns swapped": Mistake(
        lambda labels, classes: np.eye(classes)[labels].T, "One row for each label."
    ),
    "zeros and ones swapped": Mistake(
        lambda labels, classes: 1 - np.eye(classes)[labels], "One one in each row."
    ),
    "a one in the columns of all labels, in every row": Mistake(
        lambda labels, classes: np.tile(np.isin(np.arange(classes), labels), (len(labels), 1)),
        "out[:, labels] means every row; out[np.arange(len(labels)), labels] one place in each.",
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
            types={"output": "uint8"} if classes == 10 else {},
        )


def _scaled(images: np.ndarray, axes: tuple[int, ...] | None, most: float = 255) -> np.ndarray:
    low, high = images.min(axis=axes, keepdims=True), images.max(axis=axes, keepdims=True)
    return most * (images - low) / (high - low)


def _images(weights: np.ndarray, shape: Any) -> np.ndarray:
    return np.asarray(weights).T.reshape(-1, *shape)


def _weight_images(weights: np.ndarray, shape: Any) -> np.ndarray:
    return _bytes(_images(weights, shape))


def _bytes(images: np.ndarray) -> np.ndarray:
    """Each channel of each image scaled by itself; a channel without variation is dark."""
    with np.errstate(invalid="ignore"):
        return np.rint(np.nan_to_num(_scaled(images, (1, 2)))).astype(np.uint8)


def _around_zero(images: np.ndarray) -> np.ndarray:
    return images / np.abs(images).max(axis=(1, 2), keepdims=True)


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
    "256 in place of 255, cut off": Mistake(
        lambda weights, shape: _scaled(_images(weights, shape), (1, 2), 256).astype(np.uint8),
        "The largest value of a byte is 255; 256 wraps round to 0.",
    ),
    "negative weights taken for zeros": Mistake(
        lambda weights, shape: _bytes(np.maximum(_images(weights, shape), 0)),
        "The lowest weight becomes 0, be it negative or not: subtract it first.",
    ),
    "scaled around zero, so that a weight of 0 is grey": Mistake(
        lambda weights, shape: np.rint(127.5 + 127.5 * _around_zero(_images(weights, shape))),
        "The lowest weight becomes 0 and the highest 255, wherever zero lies between them.",
    ),
    "light and dark exchanged": Mistake(
        lambda weights, shape: 255 - _weight_images(weights, shape),
        "The highest weight becomes 255.",
    ),
    "reshaped with the channels first": Mistake(
        lambda weights, shape: _bytes(np.moveaxis(_images(weights, (shape[2], *shape[:2])), 1, -1)),
        "Inputs were flattened from (H, W, 3): reshape to that.",
    ),
    "the outputs come last": Mistake(
        lambda weights, shape: np.moveaxis(_weight_images(weights, shape), 0, -1),
        "An image for each output: (classes, H, W, 3).",
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
        inputs = {"labels": rng.permutation(labels), "target": target}
        types = {"output": "integer"} if target == 0 else {}
        yield Question(f"class {target}", inputs, types=types)


_REST_MISTAKES = {
    "the two classes swapped": Mistake(
        lambda labels, target: (labels != target).astype(int), "1 is for the class."
    ),
    "the class number in place of 1": Mistake(
        lambda labels, target: np.where(labels == target, target, 0), "Only zeros and ones."
    ),
    "-1 in place of 0": Mistake(
        lambda labels, target: np.where(labels == target, 1, -1), "Only zeros and ones."
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
    for inside, outside in ((30, 200), (40, 60)):  # of few more, chance repeats some for sure
        n = inside + outside
        x = rng.integers(0, 256, (n, 2, 2, 3), dtype=np.uint8)
        x[:, 0, 0, 0] = np.arange(n)
        y = np.zeros(n, int)
        y[rng.choice(n, inside, replace=False)] = 1
        x, y = (x, y) if inside == 40 else (x, np.sort(y))
        how = "sorted" if inside == 30 else "mixed"
        seed = int(rng.integers(1000))
        inputs = {"x": x, "y": y, "seed": seed}
        yield Question(f"{inside} of {n} images, {how}", inputs)
    yield Question("the same seed once more", inputs, same_as=1)
    yield Question("another seed", inputs | {"seed": seed + 1}, unlike=1)


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
        lambda x, y, seed: {"labels": "torn"},
        "One order for both: x[chosen], y[chosen].",
        core=True,
    ),
    "labels 0 and 1 exchanged": Mistake(
        lambda x, y, seed: {"labels": "exchanged"},
        "Each image keeps the label that it had.",
        core=True,
    ),
    "the rest not drawn at random": Mistake(
        lambda x, y, seed: {"rest": "from one place"},
        "The first images may be of one class: draw them with rng.choice.",
        core=True,
    ),
    "not shuffled": Mistake(
        lambda x, y, seed: {"order": "one after the other"},
        "rng.permutation mixes the two: batches should hold both.",
    ),
    "one of each in turn, not shuffled": Mistake(
        lambda x, y, seed: {"order": "in turn"}, "rng.permutation draws an order at random."
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
        core=True,
    ),
    "what is right of the class alone": Mistake(
        lambda labels, predictions: {"balanced": float(np.mean(predictions[labels == 1]))},
        "The mean of two fractions: right among the rest, and right among the class.",
        core=True,
    ),
    "the mean of what is right of each prediction, not of each class": Mistake(
        lambda labels, predictions: {"balanced": _verify(predictions, labels)[1]},
        "Of the images of the class, how many are right?  Divide by the sums of the rows.",
        core=True,
    ),
    "balanced accuracy adjusted for chance": Mistake(
        lambda labels, predictions: {"balanced": 2 * _verify(labels, predictions)[1] - 1},
        "The mean of two fractions as it is: leave out adjusted=True.",
    ),
    "the class comes before the rest in the matrix": Mistake(
        lambda labels, predictions: {"matrix": _matrix(labels, predictions)[::-1, ::-1]},
        "Row and column 0 are for the rest, 1 for the class, as the labels count.",
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

JUDGES_DATA = [
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
        needed=("counts",),
        idle=(lambda x, y, seed: (x, y), lambda x, y, seed: (x[:0], y[:0])),
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
