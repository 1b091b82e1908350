"""Helpers of notebook 04: nets by name, images that fit them, layers, small grey copies.

What students are asked to write is not here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

import numpy as np

from utils.checks import raised
from utils.checks.answering import aside
from utils.images import datasets, exam_images, photo_digits, spectra
from utils.nets import blocks, own, pretrained
from utils.nets.blocks import Stage
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


def load(name: str, which: str = own.BEST) -> PretrainedNet:
    """A net by its name: those of `pretrained.load`, and "own", one that notebook 03 has trained.

    which: the own one's name there, or "best".  Raises ValueError, NetUnavailable, own.NoOwnNet.
    """
    known = (own.NAME, *pretrained.NAMES)
    if name not in known:
        raise raised.Unknown(f"unknown net {name!r}; known: {', '.join(known)}")
    return own.take(which) if name == own.NAME else pretrained.load(name)


def of_own(function: Any) -> Any:
    """Let a function of (net, image, layers) be checked on the student's own net.

    What is checked takes an image and the number of a convolution, and returns the layers that
    belong to it and what the function makes of them.
    """
    if not callable(function):
        return function

    @wraps(function)
    def maps(image: Any, number: Any) -> dict[str, Any]:
        stages = blocks.of_chain(own.kept().steps, int(number))
        names = [stage.layer for stage in stages]
        return {"layers": names, "maps": function(own.load(), image, names)}

    return maps


def photographs(net: PretrainedNet, count: int = 6) -> Photographs:
    """Photographs that a net is sure about, and that it was not trained on.

    PhotoDigits or CIFAR-10 for nets of ten classes, one of each class.  For ImageNet nets there are
    three; `count` is the most that are returned.
    """
    masks = None
    if dataset := _dataset(net):
        candidates, labels, known = _unseen(dataset, net.input_size)
        images = candidates / np.float32(255)
        table = np.asarray(net.probabilities(images))
        right = table[np.arange(len(table)), labels]
        best = [  # one photograph of each class, the surest ones
            int(np.flatnonzero(labels == c)[right[labels == c].argmax()])
            for c in range(len(net.class_names))
        ]
        chosen = np.array([best[c] for c in (3, 7, 0, 5, 2, 8, 4, 9, 6, 1)][:count])
        images, masks = images[chosen], None if known is None else known[chosen]
    else:
        images = np.stack([fitted(net, p) for p in pretrained.photographs(net.name)[:count]])
    table = np.asarray(net.probabilities(images))
    classes = table.argmax(axis=1)
    titles = tuple(_title(net, row) for row in table)
    return Photographs(images, classes, titles, masks)


def picture(net: PretrainedNet, number: int) -> tuple[np.ndarray, str]:
    """Training image of this number, (S, S, 3) in [0, 1], and what the net says of it.

    Numbers begin with 0.  For ImageNet nets it is one of the photographs at hand, counted round.
    Raises ValueError if there is no such image.
    """
    dataset = _dataset(net)
    if not dataset:
        shown = pretrained.photographs(net.name)
        image = fitted(net, shown[number % len(shown)])
        told = f"photograph {number % len(shown)} of {len(shown)}"
    else:
        if not 0 <= number < _MOST[dataset]:
            raise ValueError(f"IMAGE is {number}; choose one from 0 to {_MOST[dataset] - 1}")
        data = datasets.load(dataset, size=net.input_size, train=number + 1, validation=0, test=0)
        image, told = data.x_train[-1], f"training image {number}"
    return image, f"{told}: {_title(net, np.asarray(net.probabilities(image[None]))[0])}"


_MOST = {"photodigits": 10_000, "cifar10": 40_000}
"""How many training images there are."""


def _dataset(net: PretrainedNet) -> str:
    """The data set whose classes a net tells apart, "" for ImageNet."""
    return next((name for name, of in own.CLASS_NAMES.items() if of == net.class_names), "")


@aside
def _unseen(dataset: str, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Images (uint8), labels, and masks if there are any."""
    if dataset == "photodigits":
        drawn = photo_digits.render(200, "test", size, seed=11, keep=False)
        return drawn.images, drawn.labels, drawn.masks
    images, labels = exam_images.validation(dataset)
    return images[:500], labels[:500], None


def _title(net: PretrainedNet, row: np.ndarray) -> str:
    return f"{net.class_names[int(row.argmax())]}  {row.max():.2f}"


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
    return {
        layer.name: " × ".join(str(n) for n in layer.output.shape[1:])
        for layer in net.model.layers
        if blocks.kernel(layer) is not None
    }


def convolutions(net: PretrainedNet) -> list[str]:
    """Names of the convolutional layers, first to last."""
    return blocks.convolutions(net.model)


def last_layer(net: PretrainedNet) -> str:
    """Name of the layer whose units are the class scores: the last one that has weights."""
    return list(layers(net))[-1]


def stages(net: PretrainedNet, which: int | Sequence[str]) -> list[Stage]:
    """A convolution by its number (1 is the first, -1 the last) and what follows it, or layers by
    their names: what each is called, and what it makes of the one before.

    Raises ValueError if there is none of that number or name.
    """
    if isinstance(which, str):
        which = [which]
    return (
        blocks.block(net.model, which) if isinstance(which, int) else blocks.named(net.model, which)
    )


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


def with_gradient(penalty: Any) -> Any:
    """Let a penalty of images be checked together with its gradient, which is empty where none
    comes through."""
    if not callable(penalty):
        return penalty

    @wraps(penalty)
    def both(greys: Any) -> dict[str, Any]:
        tf = import_tensorflow()
        given = tf.constant(greys, tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(given)
            found = penalty(given)
        gradient = tape.gradient(found, given) if tf.is_tensor(found) else None
        return {"penalty": found, "gradient": np.zeros(0) if gradient is None else gradient}

    return both


def with_and_without(function: Any) -> Any:
    """Let a function that takes a strength as its last argument run twice: with it, and with 0."""
    if not callable(function):
        return function

    @wraps(function)
    def both(*arguments: Any) -> dict[str, Any]:
        *rest, strength = arguments
        return {"with": function(*rest, strength), "without": function(*rest, 0.0)}

    return both
