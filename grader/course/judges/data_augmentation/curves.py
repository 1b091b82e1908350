"""Judges of notebook 03 for reading curves, and for the review questions with numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from grader.contract.judge import Judge, Mistake, Question
from utils.exercises.augmentation_numbers import NETS, Numbers, numbers_of_variant

from ..implementing_cnn.values import changed, per_student

# -- the gap --------------------------------------------------------------------------------------

_PARTS = ("best epoch", "loss gap", "accuracy gap")


def _draw_gap(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    turn, last, early = (int(n) for n in rng.integers([3, 5, 2], [7, 10, 4]))
    for epochs, best, what in (
        (turn + 4, turn, f"overfitting from epoch {turn} on"),
        (last, last, "still learning"),
        (early + 3, early, "validation better than training, as with augmentation"),
    ):
        yield Question(what, {"history": _history(rng, epochs, best, what)})


def _history(rng: np.random.Generator, epochs: int, best: int, what: str) -> dict[str, Any]:
    steps = np.arange(epochs)
    below = 0.5 if "better" in what else 0.0
    loss = 1.8 * 0.75**steps + below + rng.uniform(0, 0.02, epochs)
    val_loss = 0.8 + 0.12 * np.abs(steps - best + 1) + rng.uniform(0, 0.02, epochs) - below
    accuracy = 0.35 + 0.6 * (1 - 0.75**steps) - below / 2 + rng.uniform(0, 0.02, epochs)
    val_accuracy = 0.4 + 0.3 * (1 - 0.7**steps) + below / 2 + rng.uniform(0, 0.02, epochs)
    val_accuracy[best % epochs] += 0.15  # the best accuracy needn't come with the best loss
    curves = {"loss": loss, "val_loss": val_loss, "accuracy": accuracy,
              "val_accuracy": val_accuracy}  # fmt: skip
    return {name: [round(float(v), 4) for v in values] for name, values in curves.items()}


def _gap(history: dict[str, Any], at: int = -1, sign: int = 1) -> dict[str, float]:
    h = {name: np.asarray(values, float) for name, values in history.items()}
    return {
        "best epoch": int(np.argmin(h["val_loss"])) + 1,
        "loss gap": sign * float(h["val_loss"][at] - h["loss"][at]),
        "accuracy gap": sign * float(h["accuracy"][at] - h["val_accuracy"][at]),
    }


def _best(key: str, find: Callable[[Any], Any], first: int) -> Callable[..., dict[str, Any]]:
    return lambda history: {"best epoch": int(find(history[key])) + first}


_GAP_MISTAKES = {
    "epochs counted from zero": Mistake(
        _best("val_loss", np.argmin, 0), "The first epoch is epoch 1: argmin gives positions."
    ),
    "the epoch with the highest validation loss": Mistake(
        _best("val_loss", np.argmax, 1), "A loss is good when it is low."
    ),
    "the epoch with the lowest training loss": Mistake(
        _best("loss", np.argmin, 1), "Training loss nearly always falls; look at val_loss."
    ),
    "the epoch with the highest validation accuracy": Mistake(
        _best("val_accuracy", np.argmax, 1), "Often another epoch than that of the lowest loss."
    ),
    "the lowest loss, not its epoch": Mistake(
        lambda history: {"best epoch": float(np.min(history["val_loss"]))},
        "np.argmin says where it stands, counted from 0.",
    ),
    "the gaps in the best epoch": Mistake(
        lambda history: {
            k: v
            for k, v in _gap(history, int(np.argmin(history["val_loss"]))).items()
            if k != "best epoch"
        },
        "Both gaps are those of the last epoch: history['loss'][-1].",
        core=True,
    ),
    "the gap in the first epoch": Mistake(
        lambda history: {k: v for k, v in _gap(history, 0).items() if k != "best epoch"},
        "history['loss'][-1] is the last epoch's.",
    ),
    "the loss gap without its sign": Mistake(
        lambda history: {"loss gap": abs(_gap(history)["loss gap"])},
        "Where validation is better, as it may be with augmentation, the gap is negative.",
    ),
    "the accuracy gap has the sign of the loss gap": Mistake(
        lambda history: {"accuracy gap": -_gap(history)["accuracy gap"]},
        "A high accuracy is good: training accuracy minus validation accuracy.",
    ),
    "the loss gap has the sign of the accuracy gap": Mistake(
        lambda history: {"loss gap": -_gap(history)["loss gap"]},
        "A loss is good when it is low: validation loss minus training loss.",
    ),
    "the sign is reversed": Mistake(
        lambda history: {k: v for k, v in _gap(history, sign=-1).items() if k != "best epoch"},
        "Positive where the net is better on training images: validation loss minus training "
        "loss, training accuracy minus validation accuracy.",
    ),
    "percent in place of fractions": Mistake(
        lambda history: {"accuracy gap": 100 * _gap(history)["accuracy gap"]},
        "Accuracies in a history are fractions; leave them so.",
    ),
    "means over all epochs": Mistake(
        lambda history: {
            "loss gap": float(np.mean(history["val_loss"]) - np.mean(history["loss"])),
            "accuracy gap": float(np.mean(history["accuracy"]) - np.mean(history["val_accuracy"])),
        },
        "The gap at the end counts: the last epoch's values.",
    ),
}

# -- review ---------------------------------------------------------------------------------------


def _kinds(variant: int) -> dict[str, str]:
    def kind(train: float, validation: float) -> str:
        if train - validation > 8:
            return "overfits"
        return "underfits" if train < 70 else "fits"

    return {net: kind(*pair) for net, pair in numbers_of_variant(variant).accuracies.items()}


def _renamed(**names: str) -> Callable[[int], dict[str, str]]:
    return lambda variant: {net: names.get(k, k) for net, k in _kinds(variant).items()}


def _by_validation(variant: int) -> dict[str, str]:
    """Judged by validation accuracy alone."""
    accuracies = numbers_of_variant(variant).accuracies
    return {n: "fits" if val > 75 else "underfits" for n, (_, val) in accuracies.items()}


def _all_alike(word: str) -> Callable[..., dict[str, str]]:
    return lambda **numbers: dict.fromkeys(NETS, word)


_NETS_MISTAKES = {
    "overfitting and underfitting swapped": (
        _renamed(overfits="underfits", underfits="overfits"),
        "Overfitting is a gap: much better on training images than on others.",
    ),
    "judged by validation accuracy alone": (
        _by_validation,
        "Compare the two columns: 79 % is a good sign or a bad one, depending on the other.",
    ),
    "a good net taken for one that overfits": (
        _renamed(fits="overfits"),
        "Two points are no more than chance and the choice of images.",
    ),
    "a bad net taken for a good one": (
        _renamed(underfits="fits"),
        "Equal accuracies are no merit when both are low: the net hasn't learned what there is.",
    ),
}

STORAGE = (
    "images on disk, offline",
    "megabytes on disk, offline",
    "megabytes on disk, online",
    "versions of an image seen, offline",
    "versions of an image seen, online",
    "updates per epoch, offline",
    "updates per epoch, online",
)
"""What is asked of the two ways to augment."""


def _storage(
    variant: int, stored: int = 1, unit: float = 1e6, channels: int = 3, up: bool = True
) -> dict[str, float]:
    n = numbers_of_variant(variant)
    offline = n.images * (n.copies + stored)
    each = n.size**2 * channels / unit
    seen = (offline, n.images)
    steps = [-(-count // n.batch) if up else count // n.batch for count in seen]
    values = (
        offline,
        offline * each,
        n.images * each,
        n.copies + stored,
        n.epochs,
        *steps,
    )
    return dict(zip(STORAGE, values, strict=True))


def _online_stored(variant: int) -> dict[str, float]:
    """As if what is seen online were kept."""
    n: Numbers = numbers_of_variant(variant)
    right = _storage(variant)
    return {STORAGE[2]: right[STORAGE[2]] * n.epochs}


def _epochs(variant: int) -> int:
    return numbers_of_variant(variant).epochs


def _seen_offline(variant: int) -> dict[str, float]:
    n = numbers_of_variant(variant)
    return {STORAGE[3]: n.epochs, STORAGE[4]: n.copies + 1}


_STORAGE_MISTAKES: dict[str, tuple[Callable[[int], dict[str, float]], str]] = {
    "the originals forgotten": (
        lambda variant: _storage(variant, stored=0),
        "The copies are stored beside the image: copies + 1 versions of it.",
    ),
    "as if the images seen online were stored": (
        _online_stored,
        "Online, an augmented image lives for one step; the disk holds the originals.",
    ),
    "nothing on the disk, online": (
        lambda variant: {STORAGE[2]: 0},
        "Nothing augmented is stored, but the images themselves have to lie somewhere.",
    ),
    "offline versions counted anew in each epoch": (
        lambda variant: {STORAGE[3]: _storage(variant)[STORAGE[3]] * _epochs(variant)},
        "Offline the same versions come back in each epoch.",
    ),
    "the image itself counted among the versions seen online": (
        lambda variant: {STORAGE[4]: _epochs(variant) + 1},
        "Online one new version is seen in each epoch, and the image itself in none.",
    ),
    "offline and online swapped": (
        _seen_offline,
        "Offline the same versions come back in each epoch; online each epoch brings a new one.",
    ),
    "one channel in place of three": (
        lambda variant: _storage(variant, channels=1),
        "RGB: three bytes per pixel.",
    ),
    "four bytes per value": (
        lambda variant: _storage(variant, channels=12),
        "Images on disk have one byte per value; float32 comes later.",
    ),
    "mebibytes": (
        lambda variant: _storage(variant, unit=2**20),
        "A megabyte is 1,000,000 bytes here.",
    ),
    "the last batch left out": (
        lambda variant: _storage(variant, up=False),
        "A last batch that isn't full is an update, too: round up.",
    ),
}


def _changed(
    wrong: dict[str, tuple[Callable[[int], dict[str, Any]], str]], right: Callable[..., Any]
) -> dict[str, Mistake]:
    return {name: changed(answer, right, hint) for name, (answer, hint) in wrong.items()}


JUDGES_CURVES = [
    Judge(
        "gap",
        _gap,
        _draw_gap,
        _GAP_MISTAKES,
        parts=_PARTS,
        section="Exercise 03.4: two pairs of curves",
    ),
    Judge(
        "four_nets",
        _kinds,
        per_student,
        _changed(_NETS_MISTAKES, _kinds),
        "value",
        NETS,
        "Exercises 03.10 to 03.14: review",
        by_student=True,
        idle=tuple(_all_alike(word) for word in ("overfits", "underfits", "fits")),
    ),
    Judge(
        "offline_online",
        _storage,
        per_student,
        _changed(_STORAGE_MISTAKES, _storage),
        "value",
        STORAGE,
        "Exercises 03.10 to 03.14: review",
        by_student=True,
    ),
]
"""Judges of curves and review questions."""
