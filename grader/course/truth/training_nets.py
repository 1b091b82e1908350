"""Nets of notebook 02 as students write them, and wrong ones, on the reference weights."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from utils.checks.answering import aside
from utils.images import photo_digits
from utils.nets import quiet
from utils.training import models

from ..making.reference import NOTEBOOK, REFERENCE

Array = np.ndarray
Answer = Callable[[Any], dict[str, Any]]


def _layers() -> Any:
    return quiet.import_keras().layers


def net(
    *steps: Any,
    loss: Any = "categorical_crossentropy",
    optimizer: Any = "adam",
    metrics: Any = ("accuracy",),
) -> Any:
    """A compiled Sequential model for 32×32 images."""
    keras = quiet.import_keras()
    model = keras.Sequential([keras.Input((32, 32, 3)), *steps])
    model.compile(optimizer=optimizer, loss=loss, metrics=list(metrics))
    return model


def one_layer(l2: float | None = 0.05, **options: Any) -> Any:
    """The one-layer net, its activation in a layer of its own."""
    layers = _layers()
    regulariser = None if l2 is None else quiet.import_keras().regularizers.L2(l2)
    dense = {"kernel_regularizer": regulariser} | options.pop("dense", {})
    return net(
        layers.Flatten(),
        layers.Dense(10, **dense),
        layers.Activation("softmax"),
        **options,
    )


def one_layer_functional() -> Any:
    """The same by Keras' functional interface, reshaped by hand."""
    keras = quiet.import_keras()
    images = keras.Input((32, 32, 3))
    flat = keras.layers.Reshape((3072,))(images)
    scores = keras.layers.Dense(10, "softmax", kernel_regularizer=keras.regularizers.L2(0.05))(flat)
    model = keras.Model(images, scores)
    loss, metric = keras.losses.CategoricalCrossentropy(), keras.metrics.CategoricalAccuracy()
    model.compile("adam", loss, metrics=[metric])
    return model


def one_layer_with(kind: str) -> Any:
    """The one-layer net with a regulariser of some kind, or none where it should be."""
    keras = quiet.import_keras()
    regularizers, ops = keras.regularizers, keras.ops
    l2 = regularizers.L2(0.05)
    dense = {
        "L1, too": {"kernel_regularizer": regularizers.L1L2(0.05, 0.05)},
        "of biases, too": {"bias_regularizer": l2},
        "of outputs": {"kernel_regularizer": None, "activity_regularizer": l2},
        "a function": {"kernel_regularizer": lambda w: 0.05 * ops.sum(ops.square(w))},
        "its mean": {"kernel_regularizer": lambda w: 0.05 * ops.mean(ops.square(w))},
        "no biases": {"use_bias": False},
    }[kind]
    return one_layer(dense=dense)


def one_layer_smoothed() -> Any:
    """Labels that are softened by the loss."""
    smoothed = quiet.import_keras().losses.CategoricalCrossentropy(label_smoothing=0.1)
    return one_layer(loss=smoothed)


def one_layer_logits() -> Any:
    """A softmax in the model, and another one in the loss."""
    loss = quiet.import_keras().losses.CategoricalCrossentropy(from_logits=True)
    return one_layer(loss=loss)


def two_softmaxes() -> Any:
    """Softmax as activation and as a layer."""
    layers = _layers()
    regulariser = quiet.import_keras().regularizers.L2(0.05)
    dense = layers.Dense(10, activation="softmax", kernel_regularizer=regulariser)
    return net(layers.Flatten(), dense, layers.Softmax())


def mlp(
    activation: str | None = "relu", units: int = 128, last: str | None = "softmax", **more: Any
) -> Any:
    """The net with one hidden layer."""
    layers = _layers()
    hidden = layers.Dense(units, activation=activation, **more)
    return net(layers.Flatten(), hidden, layers.Dense(10, activation=last))


def simple_cnn(padding: str = "same", loss: str = "categorical_crossentropy", **more: Any) -> Any:
    """The simple CNN, ReLU as a layer."""
    layers = _layers()
    extra = [layers.Dropout(0.5)] if more.get("dropout") else []
    return net(
        layers.Conv2D(
            more.get("filters", 32),
            (3, 3),
            padding=padding,
            dilation_rate=more.get("dilation", 1),
        ),
        layers.ReLU(),
        layers.MaxPool2D((2, 2)),
        *extra,
        layers.Flatten(),
        layers.Dense(10, activation="softmax"),
        loss=loss,
        metrics=more.get("metrics", ("accuracy",)),
    )


def rest_net(outputs: int = 2, last: str | None = "softmax", loss: Any = "") -> Any:
    """A small net for one class against the rest."""
    layers = _layers()
    loss = loss or ("categorical_crossentropy" if outputs > 1 else "binary_crossentropy")
    return net(
        layers.Conv2D(8, 3, activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(outputs, activation=last),
        loss=loss,
    )


@contextmanager
def _reference_weights() -> Any:
    before = models._Place.notebook, models._Place.base
    models.use(NOTEBOOK, REFERENCE)
    try:
        yield
    finally:
        models._Place.notebook, models._Place.base = before


def reference(name: str, build: Callable[[], Any]) -> Callable[..., dict[str, Any]]:
    """`models.answers` of a net of the reference solution."""

    def answer(*shown: Any) -> dict[str, Any]:
        with _reference_weights():
            return models.answers(name, build)(*shown)

    return answer


@cache
def _trained() -> Any:
    with _reference_weights():
        return models.restore("simple_cnn", simple_cnn)


@cache
def _three_pairs() -> Any:
    layers = _layers()
    steps = []
    for filters in (32, 64, 64):
        convolution = layers.Conv2D(filters, 3, padding="same", activation="relu")
        steps += [convolution, layers.MaxPooling2D(2)]
    model = net(*steps, layers.Flatten(), layers.Dense(10, activation="softmax"))
    with _reference_weights():
        model.set_weights(models.load("three_pairs")[1])
    return model


def trained(images: Any, change: Callable[[Array], Array] = lambda outputs: outputs) -> Any:
    """What the trained simple CNN says, changed."""
    model = _trained()
    return {
        "outputs": change(models.outputs_of(model, images)),
        "outputs_255": change(models.outputs_of(model, images[:100] * 255.0)),
        "dataset": "photodigits",
    }


_said: dict[str, Array] = {}
"""What `better` has said, by digest: many answers to a check are about the same images."""


def better(images: Any) -> Array:
    """What the net with three pairs says of images: classes, nobody's to write to."""
    shown = np.asarray(images)
    digest = hashlib.sha256(f"{shown.dtype}".encode() + shown.tobytes()).hexdigest()
    if digest not in _said:
        _said[digest] = models.outputs_of(_three_pairs(), shown).argmax(axis=1)
        _said[digest].flags.writeable = False
    return _said[digest]


def trained_on_bytes(images: Any) -> dict[str, Any]:
    """The same net as if it had been trained on pixels in 0 … 255."""
    model = simple_cnn()
    weights = [w.copy() for w in _trained().get_weights()]
    weights[0] /= 255
    model.set_weights(weights)
    return {
        "outputs": models.outputs_of(model, images),
        "outputs_255": models.outputs_of(model, images[:100] * 1.0),
        "dataset": "photodigits",
    }


def table(
    claim: Callable[[float], float] = lambda reached: reached,
    rows: int = 3,
    copies: bool = False,
    honest: bool = True,
) -> Answer:
    """A table of results whose nets are as good as the one with three pairs; claims are changed.

    honest: whether the training accuracy is what was measured.
    """

    def answer(images: Any) -> dict[str, Any]:
        with _reference_weights():
            record = models.load("three_pairs")[0]
        classes = better(models.images_for("photodigits", images))
        found = {}
        for number in range(rows):
            found[f"net_{number}"] = {
                "steps": ["conv 32 3×3 same"] if copies else [f"conv {32 + number} 3×3 same"],
                "train": record["train"] + (0.0 if honest else 0.02),
                "validation": claim(float(record["validation"])),
                "classes": classes,
            }
        return {"rows": found, "dataset": "photodigits"}

    return answer


def training_accuracy(_: float) -> float:
    """Claims the accuracy on training images, in place of that on validation images."""
    with _reference_weights():
        return float(models.load("three_pairs")[0]["train"])


def looked_up(images: Any) -> dict[str, Any]:
    """A table of all public images and their labels, for want of a net."""
    known = _public_table()
    small = models.images_for("photodigits", images)
    classes = np.array([known.get(image.tobytes(), 0) for image in small])
    return {
        "outputs": np.eye(10)[classes],
        "dataset": "photodigits",
        "layers": [{"type": "Dense"}],
        "beside": {"mlp": (classes + 1) % 10},
    }


@cache
@aside
def photographs(split: photo_digits.Split, size: int = 32) -> Array:
    """Images (2000, size, size, 3) uint8 that nobody is asked about."""
    return photo_digits.render(2000, split, size, seed=99, keep=False).images


@cache
@aside
def _public_table() -> dict[bytes, int]:
    found: dict[bytes, int] = {}
    splits: tuple[photo_digits.Split, ...] = ("test", "validation")
    for split in splits:
        drawn = photo_digits.render(2000, split, keep=False)
        found |= {i.tobytes(): int(c) for i, c in zip(drawn.images, drawn.labels, strict=True)}
    return found
