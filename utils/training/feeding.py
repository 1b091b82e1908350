"""What Keras trains with and what a net is measured on: images as they are, or streams of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from utils.images.datasets import Dataset
from utils.images.exam_images import MEASURED
from utils.training import models
from utils.training.readiness import NotReady

Streams = Callable[[Dataset, Any, int, int], tuple[Any, Any]]
"""(data, augmenter, batch, seed) -> streams of training and of validation images."""


def arrays(data: Dataset, batch: int, shuffle: bool) -> dict[str, Any]:
    """What Keras is to train with: images as they are."""
    return {
        "x": data.x_train,
        "y": data.y_train,
        "batch_size": batch,
        "shuffle": shuffle,
        "validation_data": (data.x_val[:MEASURED], data.y_val[:MEASURED]),
    }


def streamed(
    streams: Streams, data: Dataset, augmenter: Any, batch: int, seed: int, steps: int
) -> dict[str, Any]:
    """What Keras is to train with: what the streams deliver."""
    measured = replace(data, x_val=data.x_val[:MEASURED], y_val=data.y_val[:MEASURED])
    pair = streams(measured, augmenter, batch, seed)
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise NotReady("streams(…) must return two streams: (training, validation)")
    cardinality = getattr(pair[0], "cardinality", None)
    endless = hasattr(pair[0], "__next__") or (cardinality is not None and int(cardinality()) == -1)
    until = {"steps_per_epoch": steps} if endless else {}
    return {"x": pair[0], "shuffle": False, "validation_data": pair[1], **until}


def measured(model: Any, data: Dataset) -> dict[str, float]:
    """Fractions of training and of validation images that are right."""
    parts = {"train": (data.x_train, data.y_train), "validation": (data.x_val, data.y_val)}
    return {
        part: round(models.accuracy(model, x[:MEASURED], y[:MEASURED]), 4)
        for part, (x, y) in parts.items()
    }
