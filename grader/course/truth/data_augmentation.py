"""Known answers to notebook 03: images, nets, curves and review questions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from grader.contract.sample import right, wrong
from utils.checks.compare import CHANGED
from utils.exercises.augmentation_numbers import Numbers, numbers_of

from .augmentation_augmenters import SAMPLES_AUGMENTERS
from .augmentation_images import SAMPLES_IMAGES
from .augmentation_nets import SAMPLES_NETS
from .augmentation_streams import SAMPLES_STREAMS
from .idle_nets import IDLE_AUGMENTATION
from .misread_augmentation import MISREAD_AUGMENTATION

_TEAM = "team_1"


# -- the gap --------------------------------------------------------------------------------------


def _gap(history: dict[str, Any], **changed: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    losses = list(history["val_loss"])
    found = {
        "best epoch": losses.index(min(losses)) + 1,
        "loss gap": np.float64(losses[-1] - history["loss"][-1]),
        "accuracy gap": history["accuracy"][-1] - history["val_accuracy"][-1],
    }
    return found | {key.replace("_", " "): change(history) for key, change in changed.items()}


def _gap_of(**changed: Callable[[dict[str, Any]], Any]) -> Any:
    return lambda history: _gap(history, **changed)


def _gap_sorting(history: dict[str, Any]) -> dict[str, Any]:
    found = _gap(history)
    history["val_loss"].sort()
    return found


_GAPS = [
    right("gap: lists, numpy numbers", _gap),
    wrong(
        "gap: the amount alone -> the loss gap without its sign",
        _gap_of(loss_gap=lambda h: abs(h["val_loss"][-1] - h["loss"][-1])),
    ),
    right("gap: as a tuple", lambda history: tuple(_gap(history).values())),
    wrong(
        "gap: argmin alone -> epochs counted from zero",
        _gap_of(best_epoch=lambda h: int(np.argmin(h["val_loss"]))),
    ),
    wrong(
        "gap: best by accuracy -> the epoch with the highest validation accuracy",
        _gap_of(best_epoch=lambda h: int(np.argmax(h["val_accuracy"])) + 1),
    ),
    wrong(
        "gap: training minus validation, both -> the loss gap has the sign of the accuracy gap",
        _gap_of(loss_gap=lambda h: h["loss"][-1] - h["val_loss"][-1]),
    ),
    wrong(
        "gap: the first epoch -> the gap in the first epoch",
        _gap_of(
            loss_gap=lambda h: h["val_loss"][0] - h["loss"][0],
            accuracy_gap=lambda h: h["accuracy"][0] - h["val_accuracy"][0],
        ),
    ),
    wrong(
        "gap: in percent -> percent in place of fractions",
        _gap_of(accuracy_gap=lambda h: 100 * (h["accuracy"][-1] - h["val_accuracy"][-1])),
    ),
    wrong("gap: forgotten return", lambda history: None),
    wrong(f"gap: sorts the losses where they are -> {CHANGED}", _gap_sorting),
]


# -- review ---------------------------------------------------------------------------------------


def _nets(**names: str) -> dict[str, str]:
    def kind(train: float, validation: float) -> str:
        gap = train - validation
        return "overfits" if gap > 8 else "underfits" if train < 70 else "fits"

    found = {net: kind(*pair) for net, pair in numbers_of(_TEAM).accuracies.items()}
    return {net: names.get(k, k) for net, k in found.items()}


def _storage(number: Numbers, first: int = 1, mega: float = 1e6) -> dict[str, float]:
    stored = number.images * (number.copies + first)
    each = number.size * number.size * 3 / mega
    return {
        "images on disk, offline": stored,
        "megabytes on disk, offline": stored * each,
        "megabytes on disk, online": number.images * each,
        "versions of an image seen, offline": number.copies + first,
        "versions of an image seen, online": number.epochs,
        "updates per epoch, offline": int(np.ceil(stored / number.batch)),
        "updates per epoch, online": int(np.ceil(number.images / number.batch)),
    }


_OWN = numbers_of(_TEAM)

_REVIEW = [
    right("four_nets: as they are", _nets()),
    right("four_nets: in capitals", {net: kind.upper() for net, kind in _nets().items()}),
    wrong(
        "four_nets: the two words swapped -> overfitting and underfitting swapped",
        _nets(overfits="underfits", underfits="overfits"),
    ),
    wrong(
        "four_nets: a small gap -> a good net taken for one that overfits", _nets(fits="overfits")
    ),
    wrong("four_nets: equal, so good -> a bad net taken for a good one", _nets(underfits="fits")),
    right("offline_online: with numpy", _storage(_OWN)),
    wrong("offline_online: copies only -> the originals forgotten", _storage(_OWN, first=0)),
    wrong("offline_online: divided by 2²⁰ -> mebibytes", _storage(_OWN, mega=2**20)),
    wrong(
        "offline_online: rounded down -> the last batch left out",
        _storage(_OWN)
        | {
            "updates per epoch, offline": _OWN.images * (_OWN.copies + 1) // _OWN.batch,
            "updates per epoch, online": _OWN.images // _OWN.batch,
        },
    ),
    wrong(
        "offline_online: swapped -> offline and online swapped",
        _storage(_OWN)
        | {
            "versions of an image seen, offline": _OWN.epochs,
            "versions of an image seen, online": _OWN.copies + 1,
        },
    ),
]

SAMPLES = [
    *SAMPLES_IMAGES,
    *SAMPLES_AUGMENTERS,
    *SAMPLES_STREAMS,
    *SAMPLES_NETS,
    *MISREAD_AUGMENTATION,
    *_GAPS,
    *_REVIEW,
    *IDLE_AUGMENTATION,
]
"""Known answers."""
