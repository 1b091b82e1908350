"""Known answers to notebook 03: augmenters, as layers of Keras and as functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from grader.contract.sample import right, wrong
from utils.nets import quiet
from utils.training import augmenting

from .augmentation_images import padded_shift, rolled

Array = np.ndarray
Steps = Callable[[Any], list[Any]]


def _layered(steps: Steps, cifar10: Steps | None = None) -> Any:
    """An augmenter of Keras layers, tried; `cifar10` has its own where that differs."""

    def build(dataset: str) -> Any:
        keras = quiet.import_keras()
        chosen = cifar10 if cifar10 is not None and dataset == "cifar10" else steps
        return keras.Sequential(chosen(keras.layers))

    return augmenting.tried(build)


def _function(augment: Callable[..., Any]) -> Any:
    return augmenting.tried(lambda dataset: augment)


_RNG = np.random.default_rng()


def _drawn_shift(images: Array, training: bool = True) -> Array:
    """By whole pixels, in numpy."""
    if not training:
        return images
    return padded_shift(np.asarray(images), *_RNG.integers(-3, 4, (2, len(images))))


def _tf_image(images: Any, training: bool = True) -> Any:
    tf = quiet.import_tensorflow()
    if not training:
        return images
    padded = tf.pad(images, [[0, 0], [4, 4], [4, 4], [0, 0]], mode="SYMMETRIC")
    cut = tf.map_fn(lambda image: tf.image.random_crop(image, (32, 32, 3)), padded)
    brighter = tf.map_fn(lambda image: tf.image.random_brightness(image, 0.15), cut)
    return tf.clip_by_value(brighter, 0, 1)


def _noise(images: Array, training: bool = True) -> Array:
    if not training:
        return images
    return np.clip(images + _RNG.normal(0, 0.04, np.shape(images)), 0, 1)


def _sometimes(images: Array, training: bool = True) -> Array:
    """Half of the images, moved in a loop."""
    images = np.array(images)
    for n in range(len(images) if training else 0):
        if _RNG.random() < 0.5:
            images[n] = padded_shift(images[n : n + 1], *_RNG.integers(-4, 5, (2, 1)))[0]
    return images


def _alike(images: Array, training: bool = True) -> Array:
    amounts = _RNG.integers(1, 5, (2, 1)) * _RNG.choice([-1, 1], (2, 1))
    return padded_shift(images, *np.repeat(amounts, len(images), 1)) if training else images


def _fixed(images: Array, training: bool = True) -> Array:
    rng = np.random.default_rng(0)
    return padded_shift(images, *rng.integers(-3, 4, (2, len(images)))) if training else images


def _brighter(images: Array, training: bool = True) -> Array:
    more = _RNG.uniform(0.15, 0.45, (len(images), 1, 1, 1))
    return np.clip(images + more, 0, 1) if training else images


def _restless(images: Array, training: bool = True) -> Array:
    return _drawn_shift(images)


def _unswitchable(images: Array) -> Array:
    return _drawn_shift(images)


def _wrapping(images: Array, training: bool = True) -> Array:
    return rolled(images, *_RNG.integers(-5, 6, (2, len(images)))) if training else images


def _as_bytes(images: Array, training: bool = True) -> Array:
    return np.asarray(_drawn_shift(images)).astype(np.uint8) if training else images


def _shrunk(images: Array, training: bool = True) -> Array:
    return _drawn_shift(images) / 255 if training else images


def _unclipped(images: Array, training: bool = True) -> Array:
    return images + _RNG.normal(0, 0.08, np.shape(images)) if training else images


def _whispering(images: Array, training: bool = True) -> Array:
    noise = _RNG.normal(0, 0.001, np.shape(images))
    return np.clip(images + noise, 0, 1) if training else images


def _black(images: Array, training: bool = True) -> Array:
    return images * 0 if training else images


def _new(images: Array, training: bool = True) -> Array:
    return _RNG.random(np.shape(images)) if training else images


def _drowned(images: Array, training: bool = True) -> Array:
    if not training:
        return images
    return np.clip(0.25 * images + 0.75 * _RNG.random(np.shape(images)), 0, 1)


def _pale(images: Array, training: bool = True) -> Array:
    if not training:
        return images
    mean = np.mean(images, axis=(1, 2, 3), keepdims=True)
    return mean + _RNG.uniform(0.2, 0.5, (len(images), 1, 1, 1)) * (images - mean)


SAMPLES_AUGMENTERS = [
    right(
        "augmenter: geometry and colour by layers",
        _layered(
            lambda k: [
                k.RandomTranslation(0.1, 0.1),
                k.RandomRotation(0.04),
                k.RandomZoom(0.15, 0.15),
                k.RandomBrightness(0.15, value_range=(0, 1)),
                k.RandomContrast(0.3, value_range=(0, 1)),
            ]
        ),
    ),
    right(
        "augmenter: flips for CIFAR-10 alone",
        _layered(
            lambda k: [k.RandomShear(0.1, 0.1)],
            lambda k: [k.RandomFlip("horizontal"), k.RandomTranslation(0.12, 0.12)],
        ),
    ),
    right(
        "augmenter: colours only",
        _layered(lambda k: [k.RandomHue(0.2, value_range=(0, 1)), k.RandomGrayscale(0.3)]),
    ),
    right(
        "augmenter: parts erased",
        _layered(lambda k: [k.RandomErasing(scale=(0.02, 0.12), value_range=(0, 1))]),
    ),
    right(
        "augmenter: shifted by a tenth, black edges",
        _layered(lambda k: [k.RandomTranslation(0.1, 0.1, fill_mode="constant")]),
    ),
    right("augmenter: numpy, whole pixels", _function(_drawn_shift)),
    right("augmenter: tf.image", _function(_tf_image)),
    right("augmenter: noise, cut off", _function(_noise)),
    right("augmenter: half of the images", _function(_sometimes)),
    wrong("augmenter: noise of 0.001 -> hardly anything is changed", _function(_whispering)),
    wrong("augmenter: black -> images turn black", _function(_black)),
    wrong("augmenter: new pictures -> nothing is left of the images", _function(_new)),
    wrong("augmenter: nothing -> nothing is augmented", _function(lambda i, training=True: i)),
    wrong(
        "augmenter: flips for digits, too -> digits are mirrored",
        _layered(lambda k: [k.RandomFlip("horizontal"), k.RandomTranslation(0.1, 0.1)]),
    ),
    wrong(
        "augmenter: flipped vertically -> images are turned upside down",
        _layered(lambda k: [k.RandomFlip("vertical")]),
    ),
    wrong(
        "augmenter: turned by up to 180 degrees -> images are turned upside down",
        _layered(lambda k: [k.RandomRotation(0.5)]),
    ),
    wrong(
        "augmenter: by up to 90 degrees -> images are turned until they lie on their side",
        _layered(lambda k: [k.RandomRotation(0.25)]),
    ),
    right(
        "augmenter: turned by up to 36 degrees",
        _layered(lambda k: [k.RandomRotation(0.1, fill_mode="nearest")]),
    ),
    wrong(
        "augmenter: brightness without value_range -> pixels far above 1",
        _layered(lambda k: [k.RandomBrightness(0.2)]),
    ),
    wrong(
        "augmenter: contrast without value_range -> pixels beyond 0 … 1",
        _layered(lambda k: [k.RandomContrast(0.5)]),
    ),
    wrong("augmenter: noise, not cut off -> pixels beyond 0 … 1", _function(_unclipped)),
    wrong("augmenter: as bytes -> images turn black", _function(_as_bytes)),
    wrong("augmenter: divided by 255 again -> images turn black", _function(_shrunk)),
    wrong(
        "augmenter: one shift for a batch -> all images of a batch are changed alike",
        _function(_alike),
    ),
    wrong("augmenter: a fixed seed -> the same changes in each call", _function(_fixed)),
    wrong(
        "augmenter: np.roll -> what leaves the image comes back on the other side",
        _function(_wrapping),
    ),
    wrong(
        "augmenter: fill_mode wrap -> what leaves the image comes back on the other side",
        _layered(lambda k: [k.RandomTranslation(0.15, 0.15, fill_mode="wrap")]),
    ),
    wrong(
        "augmenter: drowned in noise -> too strong: hardly to be recognised", _function(_drowned)
    ),
    wrong(
        "augmenter: moved by half the image -> too strong: moved out of the picture",
        _layered(lambda k: [k.RandomTranslation(0.5, 0.5, fill_mode="nearest")]),
    ),
    wrong(
        "augmenter: brightness up to 0.8 -> bright and dark parts are cut off",
        _layered(lambda k: [k.RandomBrightness(0.8, value_range=(0, 1))]),
    ),
    wrong(
        "augmenter: only ever brighter -> brighter than the originals on average",
        _function(_brighter),
    ),
    wrong("augmenter: contrast lost -> paler than the originals", _function(_pale)),
    wrong("augmenter: training ignored -> augmented when evaluated, too", _function(_restless)),
    wrong("augmenter: without training -> can't be switched off", _function(_unswitchable)),
    wrong("augmenter: forgotten return", augmenting.tried(lambda dataset: None)),
]
