"""Several nets, asked the same way: which are compared, with what box, and how long it takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from utils.checks import raised
from utils.checks.answering import aside
from utils.exercises import visualizing
from utils.exercises.visualizing import Photographs
from utils.images import photo_digits
from utils.nets import own, pretrained
from utils.nets.pretrained import NetUnavailable, PretrainedNet
from utils.nets.quiet import import_keras

SIMPLE = ("one layer", "one convolution")
"""Nets that are trained here, within seconds."""
DIGITS = 8
"""Photographs of PhotoDigits that are compared; of others it is one."""


@dataclass(frozen=True)
class Seen:
    """What a net made of its photographs."""

    name: str
    photos: Photographs
    saliency: np.ndarray
    """(N, S, S)."""
    occlusion: np.ndarray
    """(N, S, S): heat maps."""
    told: str
    """Box and stride."""


def box_of(net: PretrainedNet, steps: int = 16) -> tuple[int, int]:
    """A box of a quarter of the image's side, and a stride of the side over `steps`, in pixels."""
    return net.input_size // 4, max(1, net.input_size // steps)


def compare(
    names: Sequence[str],
    photo: int,
    saliency: Callable[..., Any],
    occlusion_map: Callable[..., Any],
    heat_map: Callable[..., Any],
    which: str = own.BEST,
) -> list[Seen]:
    """Saliency and occlusion in nets by name, with the student's functions.  Says what each took.

    names: those of `visualizing.load`, "one layer" and "one convolution".  photo: number of the
    photograph for nets without masks.  which: the own net's name.  A net whose weights can't be had
    is left out, which is said.  Raises ValueError for an unknown name.
    """
    found = []
    for name in names:
        try:
            net = load(name, which)
        except (NetUnavailable, own.NoOwnNet) as error:
            print(f"{name} is left out: {error}")
            continue
        started = time.monotonic()
        photos = _photographs(net, photo)
        box, stride = box_of(net, 8)
        maps = np.asarray(saliency(net, photos.images, photos.classes))
        heats = [
            heat_map(
                occlusion_map(net, image, int(target), box, stride), net.input_size, box, stride
            )
            for image, target in zip(photos.images, photos.classes, strict=True)
        ]
        seconds = time.monotonic() - started
        print(f"{name}: {net.model.count_params():,} parameters, {seconds:.0f} s")
        told = f"{net.input_size} pixels,\nbox {box}, stride {stride}"
        found.append(Seen(name, photos, maps, np.stack(heats), told))
    return found


def load(name: str, which: str = own.BEST) -> PretrainedNet:
    """A net by its name, one of the simple ones, too."""
    if name in SIMPLE:
        return _trained(name)
    known = (*SIMPLE, own.NAME, *pretrained.NAMES)
    if name not in known:
        raise raised.Unknown(f"unknown net {name!r}; known: {', '.join(known)}")
    return visualizing.load(name, which)


def _photographs(net: PretrainedNet, photo: int) -> Photographs:
    """The same ones for all nets that read digits: those that the mini net is sure about."""
    if net.class_names == photo_digits.CLASS_NAMES:
        same = _digits()
        table = np.asarray(net.probabilities(same.images))
        titles = tuple(
            f"{net.class_names[c]}  {row[c]:.2f}"
            for c, row in zip(same.classes, table, strict=True)
        )
        return replace(same, titles=titles)
    photos = visualizing.photographs(net)
    at = photo % len(photos.images)
    one = slice(at, at + 1)
    return Photographs(photos.images[one], photos.classes[one], photos.titles[one], None)


@cache
def _digits() -> Photographs:
    return visualizing.photographs(pretrained.load("mini"), DIGITS)


@aside
def _trained(name: str, seed: int = 0) -> PretrainedNet:
    """A simple net that reads digits.  It has nothing in common with the mini net but the ten
    classes and the size of the images."""
    keras = import_keras()
    layers = keras.layers
    keras.utils.set_random_seed(seed)
    drawn = photo_digits.render(5000, "train", 32, seed=1)
    steps = [layers.Flatten(), layers.Dense(10, name="fc")]
    if name == "one convolution":
        convolution = layers.Conv2D(16, 7, strides=2, padding="same", name="conv")
        steps = [convolution, layers.ReLU(), layers.MaxPooling2D(2), *steps]
    model = keras.Sequential([keras.Input((32, 32, 3)), *steps])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(2e-3), loss)
    model.fit(drawn.images / np.float32(255), drawn.labels, batch_size=64, epochs=6, verbose=0)
    model.trainable = False
    functional = keras.Model(model.inputs, model.layers[-1].output)
    names = photo_digits.CLASS_NAMES
    return PretrainedNet(name, names, 32, functional, lambda x: x / 255.0, "PhotoDigits, here")
