"""Measure what augmentation gains: notebook 03's net with and without, several seeds.

python -m grader.course.making.augmentation [photodigits | cifar10] [--train 4000] [--epochs 15]
[--seeds 0 1 2] [--strategies none augmented shift colour erase] [--half]
The net, the streams and the augmenters are those of the notebook's reference solution.  Prints a
line for each training and, last, one JSON object with means, spreads and gains in points.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from grader import cells, places
from grader.authoring import source_text
from utils import training
from utils.images import exam_images
from utils.images.datasets import Dataset, load
from utils.nets import quiet
from utils.training import models

NOTEBOOK = "03_data_augmentation"
_CELLS = ("build_three_convolutions", "shift", "build_augmenter", "streams", "strategies")
_HIDDEN = 2000


def main() -> None:
    """Train, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", nargs="?", default="photodigits")
    parser.add_argument("--train", type=int, default=4000, help="training images")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--strategies", nargs="+", default=["none", "augmented"])
    parser.add_argument("--half", action="store_true", help="bfloat16, twice as fast where it is")
    options = parser.parse_args()
    if options.half:
        quiet.import_keras().mixed_precision.set_global_policy("mixed_bfloat16")
    data = load(options.dataset, train=options.train)
    coded = training.with_labels(data, lambda labels: np.eye(10, dtype=np.float32)[labels])
    hidden = exam_images.draw(options.dataset, "test", _HIDDEN, np.random.default_rng(5))
    solved = solution(*_CELLS)
    augmenters = solved["strategies"] | {
        "augmented": lambda: solved["build_augmenter"](options.dataset)
    }
    found: dict[str, list[dict[str, float]]] = {}
    for seed in options.seeds:
        for name in options.strategies:
            augment = None if name == "none" else augmenters[name]
            row = _measure(solved, coded, data, hidden, augment, options.epochs, seed)
            found.setdefault(name, []).append(row)
            print(options.dataset, options.train, name, "seed", seed, row, flush=True)
    print(json.dumps({"dataset": options.dataset, "train": options.train, "epochs": options.epochs,
                      "seeds": options.seeds, **_summary(found)}))  # fmt: skip


def solution(*ids: str) -> dict[str, Any]:
    """What these solution cells of the notebook define."""
    notebook = source_text.with_solutions(
        source_text.read(places.folder() / "source" / f"{NOTEBOOK}.py")
    )
    keras = quiet.import_keras()
    names: dict[str, Any] = {"np": np, "keras": keras, "layers": keras.layers}
    names["tf"] = quiet.import_tensorflow()
    for cell in notebook.cells:
        if cells.grade_id(cell) in ids:
            exec(cell.source, names)
    return names


def _measure(
    solved: dict[str, Any],
    coded: Dataset,
    data: Dataset,
    hidden: tuple[np.ndarray, np.ndarray],
    augment: Callable[[], Any] | None,
    epochs: int,
    seed: int,
) -> dict[str, float]:
    started = time.process_time()
    run = training.fit(
        "measured",
        solved["build_three_convolutions"],
        coded,
        epochs=epochs,
        batch=128,
        seed=seed,
        save=False,
        streams=None if augment is None else solved["streams"],
        augment=augment,
    )
    spent = time.process_time() - started
    return {
        "train": round(100 * run.record["train"], 2),
        "validation": round(100 * run.record["validation"], 2),
        "test": round(100 * models.accuracy(run.model, data.x_test, data.y_test), 2),
        "hidden": round(100 * models.accuracy(run.model, *hidden), 2),
        "cpu_s": round(spent, 1),
    }


def _summary(found: dict[str, list[dict[str, float]]]) -> dict[str, Any]:
    """Means and standard deviations by strategy, and gains over none, seed by seed."""
    rows: dict[str, Any] = {}
    for name, runs in found.items():
        rows[name] = {
            key: [
                round(float(np.mean([run[key] for run in runs])), 2),
                round(float(np.std([run[key] for run in runs], ddof=min(1, len(runs) - 1))), 2),
            ]
            for key in runs[0]
        }
        if name != "none" and "none" in found:
            rows[name]["gain"] = {
                key: [round(a[key] - b[key], 2) for a, b in zip(runs, found["none"], strict=False)]
                for key in ("validation", "test", "hidden")
            }
    return rows


if __name__ == "__main__":
    main()
