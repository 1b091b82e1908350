"""What `check` asks for where something is said of trained nets: what is said, the records,
and what the nets say of images, to hold it against.

These functions only collect, and judges decide.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np

from utils.nets import blueprint
from utils.training import models

Build = Callable[[], Any]

_SHOWN = ("validation", "train", "test")
"""Which images are shown, in this order."""

_FACTS = ("train", "validation", "epochs", "batch", "seed", "images", "rate", "falling",
          "augmentation", "architecture")  # fmt: skip


def about(builds: dict[str, Build], said: Any) -> Callable[..., dict[str, Any]]:
    """What is said of nets, their records, and their classes for validation and other images.

    builds: name of a saved model -> the function that builds it.
    """

    def answer(**shown: Any) -> dict[str, Any]:
        rows: dict[str, Any] = {}
        dataset = ""
        for name, build in builds.items():
            try:
                record, _ = models.load(name)
                model = models.restore(name, build)
            except models.WeightsProblem as problem:
                rows[name] = {"problem": str(problem)}
                continue
            dataset = str(record.get("dataset", ""))
            net = blueprint.rows_of(model)
            row: dict[str, Any] = {"record": facts(record), "net": net}
            for which, images in shown.items():
                row[which] = _classes(name, model, net, models.images_for(dataset, images))
            rows[name] = row
        return {"rows": rows, "said": said, "dataset": dataset}

    def by_position(*shown: Any) -> dict[str, Any]:
        return answer(**dict(zip(_SHOWN, shown, strict=False)))

    return by_position


def facts(record: dict[str, Any]) -> dict[str, Any]:
    """What is said of a training where nets are compared."""
    return {key: record[key] for key in _FACTS if key in record}


_CLASSES_SAID: dict[bytes, np.ndarray] = {}
"""What nets said before: several checks show them the same images."""


def _classes(name: str, model: Any, net: list[blueprint.Row], images: np.ndarray) -> np.ndarray:
    digest = hashlib.sha256(models.path_of(name).read_bytes())
    digest.update(repr(net).encode())
    digest.update(f"{images.shape} {images.dtype}".encode())
    digest.update(np.ascontiguousarray(images).tobytes())
    key = digest.digest()
    if key not in _CLASSES_SAID:
        _CLASSES_SAID[key] = models.outputs_of(model, images).argmax(axis=1)
    return _CLASSES_SAID[key]
