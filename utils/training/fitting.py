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

from utils.checks import raised
from utils.checks.handover import HANDOVER
from utils.images import datasets
from utils.images.datasets import Dataset
from utils.images.exam_images import MEASURED
from utils.nets.describe import architecture, describe, labels_problem, loss_problem
from utils.nets.quiet import import_keras
from utils.training import augmenters, constants, models, sealed, stand_in
from utils.training import view as training_view
from utils.training.sealed import SealedTest

__all__ = ["NotReady", "Run", "begin", "fit", "table", "with_labels"]


Streams = Callable[[Dataset, Any, int, int], tuple[Any, Any]]
"""(data, augmenter, batch, seed) -> streams of training and of validation images."""


class NotReady(raised.OneLine, ValueError):
    """Training would not work.  The text says why, and what to change."""


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
    Raises NotReady if model and data don't fit together, models.WeightsProblem if it diverged, or
    if its weights could not be saved.
    """
    if os.environ.get(HANDOVER):
        model = models.restore(name, build)
        return Run(name, model, models.load(name)[0])
    keras = import_keras()
    keras.utils.set_random_seed(seed)
    model = build()
    description = describe(model, np.shape(data.x_train)[1:])
    _look_for_mistakes(model, description, data, shuffle)
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
    if (precision := keras.config.dtype_policy().name) != "float32":
        settings["precision"] = precision
    augmenter = None if augment is None else augment()
    if augmenter is not None:
        settings["augmentation"] = augmenters.in_words(augmenter)
    _try_out(name, model, data, save)
    before = _done_before(settings, build, data) if save and not again else None
    if before and not (more and before["epochs"] < epochs) and _stays(before, epochs):
        training_view.show(_kept_in_words(before, epochs), before)
        return Run(name, models.restore(name, build), before)
    done = 0
    if before and more:
        model.set_weights(models.load(name)[1])
        done = before["epochs"]
        keras.utils.set_random_seed(seed + done)  # else the images would come in the same order
    expected = estimate(description, len(data.x_train), epochs, batch)
    if augmenter is not None:
        expected *= _AUGMENTED
    steps = -(-len(data.x_train) // batch)
    feed = _arrays(data, batch, shuffle)
    if streams is not None:
        feed = _streamed(streams, data, augmenter, batch, seed, steps)
    earlier = before if before and more else {}
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
    watch = _Watch(name, seen, record_now) if save else _Watch()
    callbacks = [view.callback(), watch.callback()]
    callbacks += [_falling_rate(epochs * steps, done * steps)] if falling else []
    interrupted = _train(model, feed, epochs, callbacks, done)
    if watch.diverged:
        view.close(f"{name}: training diverged")
        raise models.WeightsProblem(watch.diverged)
    record = record_now(interrupted)
    models.put_weights(model, models.rounded(model.get_weights()))
    record |= _measured(model, data)
    view.close(training_view.in_words(record))
    if save:
        models.drop_unfinished(name)
        if better := _better_before(record, again):
            return Run(name, models.restore(name, build), better)
        models.save(name, model.get_weights(), record, seen)
    return Run(name, model, record)


class _Watch:
    """Ends a training that diverges, and keeps what it has learned, should its kernel end."""

    def __init__(
        self,
        name: str = "",
        seen: dict[str, Any] | None = None,
        record_now: Callable[[bool], dict[str, Any]] | None = None,
    ):
        self.name, self.seen, self.record_now = name, seen or {}, record_now
        self.diverged = ""
        """Why training was ended, "" if it wasn't."""
        self.kept = time.monotonic()

    def callback(self) -> Any:
        """What Keras calls during training."""
        watch = self

        class _Callback(import_keras().callbacks.Callback):  # type: ignore[misc]
            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                self.epoch = epoch + 1

            def on_train_batch_end(self, step: int, logs: Any = None) -> None:
                if not np.isfinite((logs or {}).get("loss", 0.0)):
                    watch.diverged = _DIVERGED.format(self.epoch)
                    self.model.stop_training = True

            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                watch.after(self.model)

        return _Callback()

    def after(self, model: Any) -> None:
        """An epoch is over."""
        if self.record_now is None or self.diverged or time.monotonic() < self.kept + _KEEP_EVERY:
            return
        self.kept = time.monotonic()
        record = self.record_now(True)
        curves = record["history"]
        for part, curve in (("train", "accuracy"), ("validation", "val_accuracy")):
            record[part] = curves.get(curve, [0.0])[-1]
        models.keep_unfinished(self.name, model.get_weights(), record, self.seen)


_KEEP_EVERY = 5.0
"""Seconds between two times that what was learned is kept."""
_DIVERGED = (
    "training diverged in epoch {}: the loss is no number any more.  Nothing was saved, and what "
    "was saved before stays.  Try a smaller learning rate, and see that the pixels are in 0 … 1"
)


def _try_out(name: str, model: Any, data: Dataset, save: bool) -> None:
    """Raise for a model that could not be measured or saved, before it is trained."""
    try:
        models.accuracy(model, data.x_val[:4], data.y_val[:4])
    except Exception as error:  # a student's own layers raise anything
        raise NotReady(f"what this model says can't be measured: {raised.told(error)}") from error
    if save:
        models.refuse_unsavable(name, model.get_weights())


def _measured(model: Any, data: Dataset) -> dict[str, float]:
    """Fractions of training and of validation images that are right."""
    parts = {"train": (data.x_train, data.y_train), "validation": (data.x_val, data.y_val)}
    return {
        part: round(models.accuracy(model, x[:MEASURED], y[:MEASURED]), 4)
        for part, (x, y) in parts.items()
    }


_CHANGES = ("epochs", "seconds", "interrupted", "history", "train", "validation")
"""What may differ between two runs of the same training."""


def _better_before(record: dict[str, Any], again: bool) -> dict[str, Any] | None:
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


def _done_before(
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
        record |= _measured(model, data)
        models.amend(name, record)
    return record if record.get("epochs") else None


def _stays(record: dict[str, Any], epochs: int) -> bool:
    """Is a training as far as it is to go, be it since somebody interrupted it?"""
    return bool(record.get("interrupted")) or record["epochs"] == epochs


def _kept_in_words(record: dict[str, Any], epochs: int) -> str:
    """What to say of a training that is not repeated."""
    call = f"fit({record['name']!r}, …, again=True)"
    if record["epochs"] >= epochs:
        return f"Trained before with these settings and kept; {call} repeats it."
    return (
        f"Interrupted after {record['epochs']} of {epochs} epochs, and kept; "
        f"fit({record['name']!r}, …, more=True) goes on, {call} begins anew."
    )


def _train(
    model: Any, feed: dict[str, Any], epochs: int, callbacks: list[Any], done: int = 0
) -> bool:
    """Keras' own training after so many epochs; returns whether it was interrupted."""
    try:
        model.fit(**feed, epochs=epochs, initial_epoch=done, callbacks=callbacks, verbose=0)
    except KeyboardInterrupt:
        return True
    return False


def _arrays(data: Dataset, batch: int, shuffle: bool) -> dict[str, Any]:
    """What Keras is to train with: images as they are."""
    return {
        "x": data.x_train,
        "y": data.y_train,
        "batch_size": batch,
        "shuffle": shuffle,
        "validation_data": (data.x_val[:MEASURED], data.y_val[:MEASURED]),
    }


def _streamed(
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


def _falling_rate(steps: int, done: int = 0) -> Any:
    """A callback that lowers the learning rate in a straight line to zero.  done: steps before."""

    class _Falling(import_keras().callbacks.Callback):  # type: ignore[misc]
        def on_train_begin(self, logs: Any = None) -> None:
            self.highest = float(self.model.optimizer.learning_rate)
            self.done = done

        def on_train_batch_begin(self, step: int, logs: Any = None) -> None:
            self.model.optimizer.learning_rate = self.highest * (1 - self.done / steps)
            self.done += 1

    return _Falling()


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


def table(names: list[str] | None = None) -> training_view.Table:
    """Results of the models that were trained so far, in the order of training.

    names: which; all if left out.
    """
    rows = []
    for name in models.names() if names is None else names:
        try:
            record = models.load(name)[0]
        except models.WeightsProblem:
            record = {"name": name}
        if names is not None or "parameters" in record:  # trials have none
            rows.append(record)
    return training_view.Table(rows)


def final_table(
    builds: dict[str, Callable[[], Any]], x_test: np.ndarray, y_test: np.ndarray
) -> training_view.Table:
    """The table of results with accuracies on test images, for when the seal has been broken.

    builds: name of a saved model -> the function that builds it.
    """
    shown = table(list(builds))
    if os.environ.get(HANDOVER):
        return shown
    for name, build in builds.items():
        try:
            shown.test[name] = models.accuracy(models.restore(name, build), x_test, y_test)
        except models.WeightsProblem as problem:
            print(f"{name}: {problem}")
    sealed.keep(shown.test)
    return shown


def _look_for_mistakes(
    model: Any, description: dict[str, Any], data: Dataset, shuffle: bool
) -> None:
    """Raise NotReady for what can't work, named; say what may be a mistake and may be none."""
    x, y = np.asarray(data.x_train), np.asarray(data.y_train)
    if len(x) == 0 or len(x) != len(y):
        raise NotReady(f"there are {len(x)} training images and {len(y)} labels")
    _look_at_pixels(x[:1000])
    takes = description["input"]
    if len(takes) != x.ndim - 1 or any(
        n not in (-1, side) for n, side in zip(takes, x.shape[1:], strict=True)
    ):
        raise NotReady(f"the images have shape {x.shape[1:]}, the model takes {tuple(takes)}")
    if not description["loss"]:
        raise NotReady("the model isn't compiled: call model.compile(…) in build()")
    problem = labels_problem(description, y)
    if problem:
        raise NotReady(problem)
    if problem := loss_problem(description):
        _tell_or_refuse(model, description, x, problem)
    if not shuffle and len(set(_classes(y)[:256].tolist())) < 3 < len(set(_classes(y).tolist())):
        raise NotReady(
            "the images are sorted by class, and shuffle is off: every batch would show one class "
            "only.  Leave shuffle=True"
        )
    if _same_images(x, np.asarray(data.x_val)):
        raise NotReady(
            "there are training images among the validation images: the accuracy would say how "
            "well they were learned by heart"
        )


def _look_at_pixels(x: np.ndarray) -> None:
    """Raise NotReady for images that are not in 0 … 1, by what was probably done to them."""
    low, high = float(x.min()), float(x.max())
    if high > 20:
        raise NotReady(
            f"pixels go up to {high:g}: divide the images by 255 first, nets learn badly from "
            "numbers that large, and yours will be judged on images in 0 … 1"
        )
    if low < -0.5 or high > 1.5:
        raise NotReady(
            f"pixels go from {low:.3g} to {high:.3g}, and your net will be judged on images in "
            "0 … 1: what you do to them first must be a layer of the net, such as "
            "layers.Rescaling(…) or layers.Normalization(mean=…, variance=…)"
        )


def _tell_or_refuse(model: Any, description: dict[str, Any], x: np.ndarray, problem: str) -> None:
    """Raise NotReady where loss and outputs surely don't fit; else say it, and go on."""
    steps, loss = description["steps"], description["loss"]
    softmax = steps[-1:] == ["softmax"]
    if softmax and "twice" not in problem:  # learns, and by another loss than is usual
        print(f"Careful: {problem}.")
        return
    if not softmax and _probabilities(model, x[:8]):
        return
    if not description["net"][-1]["known"] or not hasattr(import_keras().losses, loss):
        print(f"Careful: {problem}.  (Is it right?  Then go on; a layer or loss of your own.)")
        return
    raise NotReady(problem)


def _probabilities(model: Any, images: np.ndarray) -> bool:
    """Are its outputs probabilities, whatever makes them so?"""
    said = models.outputs_of(model, np.asarray(images, np.float32))
    return said.ndim == 2 and bool(
        (said >= 0).all() and np.allclose(said.sum(axis=1), 1, atol=1e-3)
    )


def _classes(y: np.ndarray) -> np.ndarray:
    return y.argmax(axis=1) if y.ndim == 2 else y


def _same_images(x: np.ndarray, x_val: np.ndarray) -> bool:
    if not len(x_val):
        raise NotReady("there are no validation images")
    some = {image.tobytes() for image in x_val[:300]}
    return any(image.tobytes() in some for image in x)


def _train_nothing() -> None:
    keras = import_keras()

    def fit(self: Any, *_: Any, **__: Any) -> Any:
        history = keras.callbacks.History()
        history.history = {}
        return history

    keras.Model.fit = fit
