"""Measure notebook 03's deep net at full size: twelve convolutions on CIFAR-10, with and without
augmentation.

python -m grader.course.making.deep_net [--filters 64] [--train 40000] [--epochs 30] [--batch 128]
[--runs vgg vgg_plain] [--half] [--keep data/cache/deep_net]
The net, the streams and the augmenter are those of the notebook's reference solution; the learning
rate falls to zero, as in the notebook.  Hours on two cores, so after each epoch everything is kept
in `--keep`, and the same command goes on from there.  Prints a line for each epoch and, last, one
JSON object with the curves, accuracies in percent and processor seconds.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from grader.bench import machine
from grader.course.making import augmentation
from utils import training
from utils.images import exam_images
from utils.images.datasets import Dataset, load
from utils.nets import quiet
from utils.training import models

_HIDDEN = 2000


def main() -> None:
    """Train, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--filters", type=int, default=64)
    parser.add_argument("--train", type=int, default=40_000, help="training images")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--runs", nargs="+", default=["vgg", "vgg_plain"])
    parser.add_argument("--half", action="store_true", help="bfloat16, twice as fast where it is")
    parser.add_argument("--keep", type=Path, default=Path("data/cache/deep_net"))
    options = parser.parse_args()
    if options.half:
        quiet.import_keras().mixed_precision.set_global_policy("mixed_bfloat16")
    data = load("cifar10", train=options.train)
    coded = training.with_labels(data, lambda labels: np.eye(10, dtype=np.float32)[labels])
    solved = augmentation.solution("build_vgg", "build_augmenter", "streams")
    found = {name: _train(name, solved, data, coded, options) for name in options.runs}
    asked = {k: v for k, v in vars(options).items() if k not in ("keep", "runs")}
    print(json.dumps({"machine": machine.describe(), **asked, "runs": found}))


def _train(
    name: str, solved: dict[str, Any], data: Dataset, coded: Dataset, options: argparse.Namespace
) -> dict[str, Any]:
    """One run, or the rest of one that was stopped: curves, accuracies, processor seconds."""
    keras = quiet.import_keras()
    keras.utils.set_random_seed(0)
    model = solved["build_vgg"](options.filters)
    plain = name == "vgg_plain"
    augmenter = None if plain else solved["build_augmenter"]("cifar10")
    feed: dict[str, Any] = {"x": coded.x_train, "y": coded.y_train, "batch_size": options.batch}
    if augmenter is not None:
        feed = {"x": solved["streams"](coded, augmenter, options.batch, 0)[0], "shuffle": False}
    folder = (
        options.keep
        / f"{name}-{options.filters}-{options.train}-{options.epochs}{'-half' * options.half}"
    )
    folder.mkdir(parents=True, exist_ok=True)
    diary = folder / "epochs.jsonl"
    steps = -(-len(coded.x_train) // options.batch)
    rate = keras.optimizers.schedules.PolynomialDecay(1e-3, options.epochs * steps, 0.0)
    model.optimizer.learning_rate = rate

    model.fit(
        **feed,
        epochs=options.epochs,
        validation_data=(coded.x_val[:2000], coded.y_val[:2000]),
        callbacks=[keras.callbacks.BackupAndRestore(folder / "backup"), _kept_in(diary, name)],
        verbose=0,
    )
    hidden = exam_images.draw("cifar10", "test", _HIDDEN, np.random.default_rng(5))
    parts = {
        "train": (data.x_train[:10_000], data.y_train[:10_000]),
        "validation": (data.x_val, data.y_val),
        "test": (data.x_test, data.y_test),
        "hidden": hidden,
    }
    reached = {part: round(100 * models.accuracy(model, *pair), 2) for part, pair in parts.items()}
    print(name, reached, flush=True)
    epochs = {line["epoch"]: line for line in map(json.loads, diary.read_text().splitlines())}
    return {
        **reached,
        "parameters": model.count_params(),
        "cpu_s": round(sum(line["cpu_s"] for line in epochs.values()), 1),
        "curves": [epochs[number] for number in sorted(epochs)],
    }


def _kept_in(diary: Path, name: str) -> Any:
    """A callback that writes a line for each epoch, so that curves outlive a stop."""

    class _Diary(quiet.import_keras().callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.began = time.process_time()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            spent = round(time.process_time() - self.began, 1)
            line = {"epoch": epoch + 1, "cpu_s": spent}
            line |= {key: round(float(value), 4) for key, value in (logs or {}).items()}
            with diary.open("a") as file:
                file.write(json.dumps(line) + "\n")
            print(name, line, flush=True)

    return _Diary()


if __name__ == "__main__":
    main()
