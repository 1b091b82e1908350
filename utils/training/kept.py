"""What a training with the same settings left before, and which of two nets stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from utils.images.datasets import Dataset
from utils.training import models
from utils.training.feeding import measured

_CHANGES = ("epochs", "seconds", "interrupted", "history", "train", "validation")
"""What may differ between two runs of the same training."""


def better_before(record: dict[str, Any], again: bool) -> dict[str, Any] | None:
    """The record of a better net that the same training gave before, which is to stay.

    A better net that was trained in another way, or is to be replaced `again`, is put aside, where
    `models.put_back` finds it.
    """
    name = record["name"]
    try:
        before, _ = models.load(name)
    except models.WeightsProblem:
        return None
    same = {k: v for k, v in record.items() if k not in _CHANGES}
    alike = same == {k: v for k, v in before.items() if k not in _CHANGES}
    comparable = all(before.get(k) == record[k] for k in ("dataset", "data", "outputs"))
    worse = comparable and before.get("validation", 0.0) > record["validation"]
    if not worse:
        return None
    told = f"{100 * before['validation']:.1f} % of validation images, this one"
    told += f" {100 * record['validation']:.1f} %"
    if alike and not again:
        print(
            f"The net that was trained before is better and is kept: it has {told}.  "
            f"fit({name!r}, …, again=True) replaces it all the same."
        )
        return before
    models.put_aside(name)
    print(
        f"The net that was saved before was better: it had {told}.  "
        f"models.put_back({name!r}) brings it back."
    )
    return None


def done_before(
    settings: dict[str, Any], build: Callable[[], Any], data: Dataset
) -> dict[str, Any] | None:
    """The record of the same training, if at least an epoch of it has been done."""
    name = settings["name"]
    left = models.adopt_unfinished(name)
    try:
        record, _ = models.load(name)
    except models.WeightsProblem:
        return None
    if any(record.get(key) != value for key, value in settings.items()):
        return None
    if left is not None:  # its accuracy on training images was that of the epoch's mean
        model = models.restore(name, build)
        record |= measured(model, data)
        models.amend(name, record)
    return record if record.get("epochs") else None


def stays(record: dict[str, Any], epochs: int) -> bool:
    """Is a training as far as it is to go, be it since somebody interrupted it?"""
    return bool(record.get("interrupted")) or record["epochs"] == epochs


def in_words(record: dict[str, Any], epochs: int) -> str:
    """What to say of a training that is not repeated."""
    call = f"fit({record['name']!r}, …, again=True)"
    if record["epochs"] >= epochs:
        return f"Trained before with these settings and kept; {call} repeats it."
    return (
        f"Interrupted after {record['epochs']} of {epochs} epochs, and kept; "
        f"fit({record['name']!r}, …, more=True) goes on, {call} begins anew."
    )
