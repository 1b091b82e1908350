"""Helpers of notebook 04: photographs that fit a net, layers by name, small grey copies of images.

What students are asked to write is not here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import numpy as np

from utils.images import photo_digits, spectra
from utils.nets import pretrained
from utils.nets.pretrained import PretrainedNet
from utils.nets.quiet import import_keras, import_tensorflow

NOISE = 0.1
"""Standard deviation of the noise that ascents begin with."""


@dataclass(frozen=True)
class Photographs:
    """Photographs as a net sees them, and what it says of them."""

    images: np.ndarray
    """(N, S, S, 3) float32 in [0, 1], of the net's size."""
    classes: np.ndarray
    """(N,) the class that the net believes in most."""
    titles: tuple[str, ...]
    """That class's name and its probability."""
    masks: np.ndarray | None
    """(N, S, S) bool, where the thing is, or None if nobody knows."""


def photographs(net: PretrainedNet, count: int = 6) -> Photographs:
    """Photographs that a net is sure about: unseen PhotoDigits for nets that read digits.

    For ImageNet nets there are three; `count` is the most that are returned.
    """
    masks = None
    if len(net.class_names) == len(photo_digits.CLASS_NAMES):
        drawn = photo_digits.render(200, "test", net.input_size, seed=11, keep=False)
        images = drawn.images / np.float32(255)
        table = np.asarray(net.probabilities(images))
        right = table[np.arange(len(table)), drawn.labels]
        best = [  # one photograph of each class, the surest ones
            int(np.flatnonzero(drawn.labels == c)[right[drawn.labels == c].argmax()])
            for c in range(len(net.class_names))
        ]
        chosen = np.array([best[c] for c in (3, 7, 0, 5, 2, 8, 4, 9, 6, 1)][:count])
        images, masks = images[chosen], drawn.masks[chosen]
    else:
        images = np.stack([fitted(net, p) for p in pretrained.photographs(net.name)[:count]])
    table = np.asarray(net.probabilities(images))
    classes = table.argmax(axis=1)
    titles = tuple(
        f"{net.class_names[c]}  {row[c]:.2f}" for c, row in zip(classes, table, strict=True)
    )
    return Photographs(images, classes, titles, masks)


def fitted(net: PretrainedNet, photo: np.ndarray) -> np.ndarray:
    """The middle square of a photograph (H, W, 3), of the net's size, float32 in [0, 1]."""
    tf = import_tensorflow()
    side = min(photo.shape[:2])
    top, left = (photo.shape[0] - side) // 2, (photo.shape[1] - side) // 2
    square = photo[top : top + side, left : left + side] / np.float32(255)
    small = tf.image.resize(square, (net.input_size, net.input_size), antialias=True)
    return np.clip(np.asarray(small), 0, 1)


def noise(net: PretrainedNet, seed: int = 0, grey: bool = False) -> np.ndarray:
    """Middle grey with noise, (S, S, 3) float32 in [0, 1]; grey: no colours in it."""
    rng = np.random.default_rng(seed)
    size = net.input_size
    drawn = rng.normal(0, NOISE, (size, size, 1 if grey else 3))
    return np.clip(0.5 + np.repeat(drawn, 3 if grey else 1, axis=2), 0, 1).astype(np.float32)


def reduced(images: Any) -> Any:
    """Small grey copies of images, as a tensor through which gradients pass.

    images: (N, S, S, 3).  Returns (N, 32, 32): the mean over the colours, and over the pixels that
    each of the new ones covers.  Images that are small already only lose their colour.
    """
    import tensorflow as tf  # takes seconds to import

    grey = tf.reduce_mean(tf.cast(images, tf.float32), axis=-1)
    matrix = tf.constant(spectra.reduction(int(grey.shape[1])))
    return tf.einsum("ij,njk,lk->nil", matrix, grey, matrix)


def layers(net: PretrainedNet) -> dict[str, str]:
    """Layers that have weights, first to last: name -> what comes out of them."""
    found = {}
    for layer in net.model.layers:
        kernel = _kernel(layer)
        if kernel is not None:
            found[layer.name] = " × ".join(str(n) for n in layer.output.shape[1:])
    return found


def convolutions(net: PretrainedNet) -> list[str]:
    """Names of the convolutional layers, first to last."""
    return [
        layer.name
        for layer in net.model.layers
        if (kernel := _kernel(layer)) is not None and len(kernel.shape) == 4
    ]


def last_layer(net: PretrainedNet) -> str:
    """Name of the layer whose units are the class scores: the last one that has weights."""
    return list(layers(net))[-1]


def block(net: PretrainedNet) -> list[str]:
    """The first convolution of a net, and what follows: CONV, RELU and, if there is one, MAXP."""
    names = [layer.name for layer in net.model.layers]
    kinds = [type(layer).__name__ for layer in net.model.layers]
    start = names.index(convolutions(net)[0])
    found = [names[start]]
    for name, kind in zip(names[start + 1 :], kinds[start + 1 :], strict=True):
        if "Conv" in kind or "Dense" in kind:
            break
        if "ReLU" in kind or kind == "Activation" or "MaxPool" in kind:
            found.append(name)
    return found


def unit_in_the_middle(net: PretrainedNet, layer: str, channel: int) -> tuple[int, ...]:
    """Index of a unit: (row, column, channel) in the middle of a map, or (channel,)."""
    shape = net.model.get_layer(layer).output.shape[1:]
    return (*(int(n) // 2 for n in shape[:-1]), channel)


def some_units(net: PretrainedNet, images: np.ndarray) -> list[tuple[str, tuple[int, ...], float]]:
    """One unit each of four layers, early to late: (layer, unit, an activation to be reached).

    The unit is the one that the images excite most; it shall be excited a little more.
    """
    names = list(layers(net))
    places = np.unique(np.linspace(0, len(names) - 1, 4).round().astype(int))
    model = import_keras().Model(
        net.model.inputs, [net.model.get_layer(names[i]).output for i in places]
    )
    found = []
    for place, maps in zip(places, model(net.preprocess(images)), strict=True):
        table = np.asarray(maps)
        middle = (slice(None), *(n // 2 for n in table.shape[1:-1]))
        strongest = table[middle].max(axis=0)
        channel = int(strongest.argmax())
        unit = unit_in_the_middle(net, names[place], channel)
        found.append((names[place], unit, round(1.2 * float(strongest[channel]), 2)))
    return found


def with_and_without(function: Any) -> Any:
    """Let a function that takes a strength as its last argument run twice: with it, and with 0."""
    if not callable(function):
        return function

    @wraps(function)
    def both(*arguments: Any) -> dict[str, Any]:
        *rest, strength = arguments
        return {"with": function(*rest, strength), "without": function(*rest, 0.0)}

    return both


def train_others(seed: int = 0) -> list[PretrainedNet]:
    """Two simpler nets that read digits, trained here within seconds: one layer, one convolution.

    They have nothing in common with the mini net but the ten classes and the size of the images.
    """
    keras = import_keras()
    keras.utils.set_random_seed(seed)
    drawn = photo_digits.render(5000, "train", 32, seed=1)
    images, labels = drawn.images / np.float32(255), drawn.labels
    made: list[tuple[str, Callable[[], list[Any]], int]] = [
        ("one layer", lambda: [keras.layers.Flatten(), keras.layers.Dense(10, name="fc")], 5),
        (
            "one convolution",
            lambda: [
                keras.layers.Conv2D(16, 7, strides=2, padding="same", name="conv"),
                keras.layers.ReLU(),
                keras.layers.MaxPooling2D(2),
                keras.layers.Flatten(),
                keras.layers.Dense(10, name="fc"),
            ],
            6,
        ),
    ]
    found = []
    for name, build, epochs in made:
        model = keras.Sequential([keras.Input((32, 32, 3)), *build()])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(2e-3), loss)
        model.fit(images, labels, batch_size=64, epochs=epochs, verbose=0)
        model.trainable = False
        functional = keras.Model(model.inputs, model.layers[-1].output)
        names = photo_digits.CLASS_NAMES
        found.append(
            PretrainedNet(name, names, 32, functional, lambda x: x / 255.0, "PhotoDigits, here")
        )
    return found


def _kernel(layer: Any) -> Any:
    """The kernel of a convolution or a dense layer, None for all others."""
    kernel = getattr(layer, "kernel", None)
    if kernel is None:
        kernel = getattr(layer, "depthwise_kernel", None)
    return kernel if kernel is not None and len(kernel.shape) in (2, 4) else None
