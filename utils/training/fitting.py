"""Train a model with one call: looks for beginners' mistakes first, shows curves while it runs.

`fit` says how long it will take, may be interrupted without losing what was learned, and saves the
weights for handing in.  When a notebook is graded nothing is trained: `fit` returns the model with
the weights that were handed in, and Keras' own `fit` does nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from utils.checks.handover import HANDOVER
from utils.images import datasets
from utils.images.datasets import Dataset
from utils.nets.describe import architecture, describe
from utils.nets.quiet import import_keras
from utils.training import augmenters, constants, feeding, kept, models, readiness, stand_in
from utils.training import view as training_view
from utils.training.callbacks import Watch, falling_rate
from utils.training.feeding import Streams
from utils.training.sealed import SealedTest


@dataclass(frozen=True)
class Run:
    """A trained model and how it came about."""

    name: str
    model: Any
    record: dict[str, Any] = field(repr=False)
    """What is saved beside the weights: data set, seed, epochs, accuracies, history."""

    def __repr__(self) -> str:
        return training_view.in_words(self.record)


def begin(notebook: str, dataset: str, **options: Any) -> tuple[Dataset, SealedTest]:
    """Load the data for a notebook: training and validation images, and the test set under seal.

    notebook: its name, where weights are kept.  dataset: "photodigits" or "cifar10".
    options: as for `datasets.load`: size, train, validation, test, seed, loader.
    When graded nothing is trained, so only a few images are loaded, or grey ones in their stead.
    """
    models.use(notebook)
    if os.environ.get(HANDOVER):
        _train_nothing()
        size = options.get("size", 32)
        data = stand_in.dataset(dataset, size, models.statistics(dataset, (size, size, 3)))
    else:
        data = datasets.load(dataset, **options)
        stand_in.remember(data.x_train)
    test = SealedTest(data.x_test, data.y_test)
    return replace(data, x_test=data.x_test[:0], y_test=data.y_test[:0], masks_test=None), test


def with_labels(data: Dataset, code: Callable[[np.ndarray], np.ndarray]) -> Dataset:
    """The same images, with labels in another code: `code` is applied to each set of labels."""
    return replace(data, y_train=np.asarray(code(data.y_train)), y_val=np.asarray(code(data.y_val)))


def with_images(data: Dataset, count: int) -> Dataset:
    """The same data with so many training images; the first ones stay, with labels in their code.

    For validation there are the same images.  Raises ValueError if there aren't so many.
    """
    if count == len(data.x_train) or os.environ.get(HANDOVER):
        return data
    more = datasets.load(data.name, size=data.x_train.shape[1], train=count)
    labels = more.y_train
    if data.y_train.ndim == 2:
        labels = np.eye(data.y_train.shape[1], dtype=data.y_train.dtype)[labels]
    return replace(
        data,
        x_train=more.x_train,
        y_train=labels,
        masks_train=more.masks_train,
        description=more.description,
    )


def fit(
    name: str,
    build: Callable[[], Any],
    data: Dataset,
    *,
    epochs: int,
    batch: int = 128,
    seed: int = 0,
    shuffle: bool = True,
    falling: bool = False,
    save: bool = True,
    again: bool = False,
    more: bool = False,
    streams: Streams | None = None,
    augment: Callable[[], Any] | None = None,
) -> Run:
    """Train the model that `build()` makes, and save its weights under `name`.

    build: returns a compiled Keras model.  data: images in [0, 1] with labels that fit the loss.
    epochs: how often every training image is seen.  batch: images per step.
    seed: for initial weights and the order of images; the same seed gives the same training.
    falling: lower the learning rate from step to step, to zero at the end.
    save: False for a trial that is not handed in.
    again: train anew even if the very same training has been done and saved before, and save what
        comes of it even if it is worse; a better net is put aside.  Without it that one stays.
    more: go on where the same training was interrupted, or ended after fewer epochs.
    streams: makes what is trained with out of `data`, in place of the images as they are.
    augment: makes the augmenter that `streams` gets.

    Interrupt the kernel to stop early: what was learned so far is kept, and not trained again
    unless `again` or `more` says so.  It is kept while training goes on, too.
    Raises readiness.NotReady if model and data don't fit together, models.WeightsProblem if it
    diverged, or if its weights could not be saved.
    """
    if os.environ.get(HANDOVER):
        model = models.restore(name, build)
        return Run(name, model, models.load(name)[0])
    keras = import_keras()
    keras.utils.set_random_seed(seed)
    model = build()
    description = describe(model, np.shape(data.x_train)[1:])
    readiness.look_for_mistakes(model, description, data, shuffle)
    augmenter = None if augment is None else augment()
    settings = _settings(name, data, description, seed, batch, falling, augmenter)
    readiness.try_out(name, model, data, save)
    before = kept.done_before(settings, build, data) if save and not again else None
    if before and not (more and before["epochs"] < epochs) and kept.stays(before, epochs):
        training_view.show(kept.in_words(before, epochs), before)
        return Run(name, models.restore(name, build), before)
    earlier = before if before and more else {}
    done = earlier.get("epochs", 0)
    if earlier:
        model.set_weights(models.load(name)[1])
        keras.utils.set_random_seed(seed + done)  # else the images would come in the same order
    expected = estimate(description, len(data.x_train), epochs, batch)
    if augmenter is not None:
        expected *= _AUGMENTED
    steps = -(-len(data.x_train) // batch)
    feed = feeding.arrays(data, batch, shuffle)
    if streams is not None:
        feed = feeding.streamed(streams, data, augmenter, batch, seed, steps)
    view = training_view.LiveView(
        name, epochs, steps, expected * (1 - done / max(epochs, 1)), earlier.get("history")
    )
    started = time.monotonic() - earlier.get("seconds", 0.0)

    def record_now(interrupted: bool) -> dict[str, Any]:
        return settings | {
            "epochs": len(view.history["loss"]),
            "seconds": round(time.monotonic() - started, 1),
            "interrupted": interrupted,
            "history": view.history,
        }

    statistics = stand_in.to_keep(np.asarray(data.x_train)) if save else None
    seen = {"statistics": statistics, "constants": constants.of(model), "net": description["net"]}
    watch = Watch(name, seen, record_now) if save else Watch()
    callbacks = [view.callback(), watch.callback()]
    callbacks += [falling_rate(epochs * steps, done * steps)] if falling else []
    interrupted = _train(model, feed, epochs, callbacks, done)
    if watch.diverged:
        view.close(f"{name}: training diverged")
        raise models.WeightsProblem(watch.diverged)
    record = record_now(interrupted)
    models.put_weights(model, models.rounded(model.get_weights()))
    record |= feeding.measured(model, data)
    view.close(training_view.in_words(record))
    if save:
        models.drop_unfinished(name)
        if better := kept.better_before(record, again):
            return Run(name, models.restore(name, build), better)
        models.save(name, model.get_weights(), record, seen)
    return Run(name, model, record)


def _settings(
    name: str,
    data: Dataset,
    description: dict[str, Any],
    seed: int,
    batch: int,
    falling: bool,
    augmenter: Any,
) -> dict[str, Any]:
    """What makes two trainings the same; it stands in the record."""
    settings = {
        "name": name,
        "dataset": data.name,
        "data": data.description,
        "images": len(data.x_train),
        "seed": seed,
        "batch": batch,
        "optimizer": description["optimizer"],
        "rate": description["rate"],
        "loss": description["loss"],
        "architecture": architecture(description["steps"]),
        "parameters": description["parameters"],
        "outputs": description["output"][-1],
    }
    if falling:
        settings["falling"] = True
    if (precision := import_keras().config.dtype_policy().name) != "float32":
        settings["precision"] = precision
    if augmenter is not None:
        settings["augmentation"] = augmenters.in_words(augmenter)
    return settings


def _train(
    model: Any, feed: dict[str, Any], epochs: int, callbacks: list[Any], done: int = 0
) -> bool:
    """Keras' own training after so many epochs; returns whether it was interrupted."""
    try:
        model.fit(**feed, epochs=epochs, initial_epoch=done, callbacks=callbacks, verbose=0)
    except KeyboardInterrupt:
        return True
    return False


_AUGMENTED = 1.3  # geometric layers of Keras, beside a small net


def estimate(description: dict[str, Any], images: int, epochs: int, batch: int) -> float:
    """Seconds that training takes on two CPU cores, roughly.

    Forward and backward pass cost three times the multiplications of the forward pass; to that come
    work in proportion to the size of the activations, the weights' update and a start.
    Constants: measured on two cores of an AMD EPYC with AVX-512.
    """
    values = sum(int(np.prod(layer["output"] or [0])) for layer in description["layers"])
    per_image = 3 * description["multiplications"] / 6e10 + values * 2.2e-9 + 2e-6
    per_step = 1.5e-3 + description["parameters"] * 1.2e-9
    return 2 + epochs * (images * per_image + -(-images // batch) * per_step)


def _train_nothing() -> None:
    keras = import_keras()

    def fit(self: Any, *_: Any, **__: Any) -> Any:
        history = keras.callbacks.History()
        history.history = {}
        return history

    keras.Model.fit = fit
