"""What augments images, seen from outside: called, described in words, and marked.

An augmenter is anything that can be called as `augmenter(images, training=True)`: a Keras layer, a
Sequential model of layers, or a function.  Nothing here decides whether one is good.
"""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from utils.nets.quiet import import_keras, import_tensorflow

Augmenter = Callable[..., Any]


def apply(augmenter: Augmenter, images: np.ndarray, training: bool) -> np.ndarray:
    """Augmented images (N, H, W, C) float32.

    A function that takes no `training` is called without it.  Raises TypeError for what can't be
    called, and whatever the augmenter raises.
    """
    if not callable(augmenter):
        kind = type(augmenter).__name__
        raise TypeError(f"expected an augmenter, got a {kind}; is the return missing?")
    told = {"training": training} if takes_training(augmenter) else {}
    return np.asarray(augmenter(images, **told), np.float32)


def takes_training(augmenter: Augmenter) -> bool:
    """Can it be told whether it is training?"""
    if hasattr(augmenter, "get_config"):  # Keras layers all can
        return True
    try:
        parameters = inspect.signature(augmenter).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(p.name == "training" or p.kind is p.VAR_KEYWORD for p in parameters)


_SHOWN = ("factor", "mode", "height_factor", "width_factor", "scale", "stddev", "rate", "x_factor",
          "y_factor", "brightness_factor", "contrast_factor", "saturation_factor", "hue_factor",
          "fill_mode")  # fmt: skip


def in_words(augmenter: Augmenter) -> str:
    """What an augmenter does, in a line: "random translation 0.1 0.1 nearest, random flip …".

    Of a function: its name, and a digest of its code that changes when the function does.
    """
    layers = getattr(augmenter, "layers", [augmenter])
    return ", ".join(_layer_in_words(layer) for layer in layers) or "nothing"


def _layer_in_words(layer: Any) -> str:
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(layer).__name__).lower()
    if not hasattr(layer, "get_config"):
        code = getattr(layer, "__code__", None)
        told = getattr(layer, "__name__", name).strip("<>")
        if code is None:
            return told
        seen = code.co_code + repr([c for c in code.co_consts if not inspect.iscode(c)]).encode()
        return f"{told} {hashlib.sha256(seen).hexdigest()[:6]}"
    settings = layer.get_config()
    return " ".join([name, *(_short(settings[key]) for key in _SHOWN if key in settings)])


def _short(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        numbers = [float(v) for v in value if isinstance(v, (int, float))]
        if len(numbers) == 2 and numbers[0] == -numbers[1]:
            return f"±{numbers[1]:g}"
        return "–".join(f"{v:g}" for v in numbers)
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)


STAMP = 0.1
"""Stamps are between this and one; where there was none, there are zeros."""


def stamp() -> Any:
    """An augmenter for trying out streams: it writes a random number into the last row of each
    image, so that it shows afterwards which image met it, and when."""
    keras, tf = import_keras(), import_tensorflow()

    class Stamp(keras.layers.Layer):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            # of its own: with tf.random.set_seed, plain random numbers begin anew in each epoch
            self.generator = keras.random.SeedGenerator()

        def call(self, images: Any, training: bool = True) -> Any:
            images = tf.cast(images, tf.float32)
            if not training:
                return images
            shape = tf.shape(images)
            each = tf.concat([shape[:-3], [1, 1, 1]], 0)
            last = tf.reshape(tf.one_hot(shape[-3] - 1, shape[-3]), (-1, 1, 1))
            stamps = keras.random.uniform(each, STAMP, 1.0, seed=self.generator)
            return images * (1 - last) + stamps * last

    return Stamp()


def marked(numbers: np.ndarray, validation: bool, size: int = 32) -> np.ndarray:
    """Grey images (N, size, size, 3) float32 with their number, in bits, in the first row; those
    for validation have a white pixel below it.  The last row is empty: there is room for a stamp.
    """
    images = np.full((len(numbers), size, size, 3), 0.5, np.float32)
    bits = (np.asarray(numbers)[:, None] >> np.arange(_BITS)) & 1
    images[:, 0, :_BITS] = bits[..., None]
    images[:, 1, 0] = float(validation)
    images[:, -1] = 0
    return images


_BITS = 12


def numbers_of(images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(number, is it for validation?, stamp or 0) of marked images.

    Raises ValueError, worded for the student, for images that are none of them.
    """
    if images.ndim != 4 or images.shape[1:] != (32, 32, 3):
        raise ValueError(f"batches of images have shape {images.shape}; expected (B, 32, 32, 3)")
    flags = images[:, 1, 0, 0]
    if not np.isin(np.round(flags, 3), (0, 1)).all():
        raise ValueError(_CHANGED)
    return numbers_in(images[:, :1]), flags > 0.5, images[:, -1, :, 0].mean(axis=1)


def numbers_in(rows: np.ndarray) -> np.ndarray:
    """(N,) numbers of marked images with these first rows, (N, 1, 32, 3).  Raises ValueError."""
    if rows.ndim != 4 or rows.shape[1:] != (1, 32, 3):
        raise ValueError(f"batches of images have rows {rows.shape}; expected (B, 32, 32, 3)")
    bits = rows[:, 0, :_BITS, 0]
    if not np.isin(np.round(bits, 3), (0, 1)).all():
        raise ValueError(_CHANGED)
    numbers: np.ndarray = (bits.round().astype(int) << np.arange(_BITS)).sum(axis=1)
    return numbers


_CHANGED = (
    "the images are not those that `augmenter` returns: leave all changes to it, and the pixels in "
    "0 … 1"
)
