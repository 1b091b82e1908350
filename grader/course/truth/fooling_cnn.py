"""Known answers to notebook 05 that are exact: choices, gradients, steps, pictures, rounding."""

from __future__ import annotations

from typing import Any

import numpy as np

from grader.contract.sample import Sample, right, wrong
from utils.nets import toy as nets

from .fooling_attacks import SAMPLES_ATTACKS, gradient
from .idle_maps import IDLE_FOOLING
from .misread_fooling import MISREAD_FOOLING

Array = np.ndarray


# -- where to start, and targets ------------------------------------------------------------------


def _starts_loop(probabilities: Array, labels: Array, least: float) -> list[int]:
    found = []
    for position, (row, label) in enumerate(zip(probabilities, labels, strict=True)):
        if row[label] == max(row) and row[label] >= least:
            found.append(position)
    return found


def _mask(probabilities: Array, labels: Array, least: float) -> Array:
    return (probabilities.argmax(axis=1) == labels) & (probabilities.max(axis=1) >= least)


_STARTS = [
    right("good_starts: a loop", _starts_loop),
    right(
        "good_starts: the label's own probability",
        lambda p, labels, least: np.where(
            p[np.arange(len(p)), labels] >= np.maximum(least, p.max(axis=1))
        )[0],
    ),
    wrong(
        "good_starts: high probability only -> sure, but not necessarily right",
        lambda p, labels, least: np.flatnonzero(p.max(axis=1) >= least),
    ),
    wrong(
        "good_starts: correct only -> right, but not necessarily sure",
        lambda p, labels, least: np.flatnonzero(p.argmax(axis=1) == labels),
    ),
    wrong(
        "good_starts: > for >= -> more than `least` in place of at least",
        lambda probabilities, labels, least: np.flatnonzero(
            (probabilities.argmax(axis=1) == labels) & (probabilities.max(axis=1) > least)
        ),
    ),
    wrong("good_starts: a mask -> a mask in place of positions", _mask),
    wrong(
        "good_starts: the first one -> only one image",
        lambda p, labels, least: int(np.argmax(_mask(p, labels, least))),
    ),
    right("likely_and_unlikely: a list", lambda p: [int(np.argsort(p)[-2]), int(np.argmin(p))]),
    wrong(
        "likely_and_unlikely: the winner -> the likeliest class, which wins already",
        lambda p: (np.argmax(p), np.argmin(p)),
    ),
    wrong(
        "likely_and_unlikely: swapped -> likely and unlikely swapped",
        lambda p: (np.argmin(p), np.argsort(p)[-2]),
    ),
    wrong(
        "likely_and_unlikely: downwards -> sorted in the other direction",
        lambda p: np.argsort(p)[[1, -1]],
    ),
]


# -- gradients ------------------------------------------------------------------------------------


def _numeric(net: Any, image: Array, target: int) -> Array:
    """Central differences, on small nets; the tape on large ones."""
    if isinstance(net, str):
        return _tape(net, image, target)
    model, step = nets.build(net), 1e-2
    found = np.zeros(image.size)
    for place in range(image.size):
        moved = np.stack([image.ravel()] * 2)
        moved[:, place] += [step, -step]
        high, low = np.asarray(model.logits(moved.reshape(2, *image.shape)))[:, target]
        found[place] = (high - low) / (2 * step)
    return found.reshape(image.shape)


def _tape(net: Any, image: Array, target: int) -> Array:
    import tensorflow as tf  # takes seconds to import

    images = tf.Variable(image[None])
    with tf.GradientTape() as tape:
        scores = nets.build(net).logits(images)
        total = tf.reduce_sum(scores * tf.one_hot([target], scores.shape[1]))
    return tape.gradient(total, images).numpy()[0]


def _watching_preprocessed(net: Any, image: Array, target: int) -> Array:
    import tensorflow as tf  # takes seconds to import

    model = nets.build(net)
    prepared = model.preprocess(image[None])
    with tf.GradientTape() as tape:
        tape.watch(prepared)
        score = model.model(prepared)[0, target]
    return tape.gradient(score, prepared)[0].numpy()


def _softmaxed(net: Any, image: Array, target: int) -> Array:
    return gradient(net, image, lambda p: p[target] * (np.eye(len(p))[target] - p))


_GRADIENTS = [
    right("score_gradient: a variable and one_hot", _tape),
    wrong(
        "score_gradient: a loss -> the sign is reversed",
        lambda net, image, target: -gradient(net, image, lambda p: np.eye(len(p))[target]),
    ),
    wrong("score_gradient: softmax -> gradient of the probability, not of the score", _softmaxed),
    wrong(
        "score_gradient: cross-entropy -> "
        "gradient of the logarithm of the probability, not of the score",
        lambda net, image, target: gradient(net, image, lambda p: np.eye(len(p))[target] - p),
    ),
    wrong(
        "score_gradient: the maximum of the scores -> "
        "gradient of the winner's score, not of the target's",
        lambda net, image, target: gradient(net, image, lambda p: np.eye(len(p))[p.argmax()]),
    ),
    wrong(
        "score_gradient: all scores -> gradient of the sum of all scores",
        lambda net, image, target: gradient(net, image, np.ones_like),
    ),
    wrong(
        "score_gradient: watches what preprocessing made -> "
        "gradient with respect to the preprocessed image",
        _watching_preprocessed,
    ),
    wrong(
        "score_gradient: as for a saliency map -> absolute value",
        lambda net, image, target: np.abs(_tape(net, image, target)),
    ),
]


# -- one step -------------------------------------------------------------------------------------


def _unit(g: Array) -> Array:
    return g / np.sqrt(np.sum(g**2))


def _tensorflow_step(image: Array, gradient: Array, size: float) -> Any:
    import tensorflow as tf  # takes seconds to import

    direction = tf.math.l2_normalize(tf.constant(gradient), epsilon=1e-30)
    return tf.clip_by_value(image + size * direction, 0.0, 1.0)


_STEPS = [
    right("step_towards: TensorFlow", _tensorflow_step),
    right(
        "step_towards: minimum and maximum",
        lambda x, g, s: np.minimum(1, np.maximum(0, x + g * (s / np.linalg.norm(g.ravel())))),
    ),
    wrong(
        "step_towards: descends -> the sign of the step is reversed",
        lambda x, g, s: np.clip(x - s * _unit(g), 0, 1),
    ),
    wrong(
        "step_towards: axis=(0, 1) -> each colour normalised by itself",
        lambda x, g, s: np.clip(x + s * g / np.linalg.norm(g, axis=(0, 1)), 0, 1),
    ),
    wrong("step_towards: no clipping -> not clipped", lambda x, g, s: x + s * _unit(g)),
    wrong(
        "step_towards: the bare gradient -> the gradient is not divided by its length",
        lambda x, g, s: np.clip(x + s * g, 0, 1),
    ),
    wrong(
        "step_towards: clips first -> clipped before normalising",
        lambda x, g, s: x + s * _unit(np.clip(x + g, 0, 1) - x),
    ),
    wrong(
        "step_towards: np.sign -> the sign of each pixel's gradient",
        lambda x, g, s: np.clip(x + s * np.sign(g), 0, 1),
    ),
    wrong(
        "step_towards: largest value -> divided by the largest value",
        lambda x, g, s: np.clip(x + s * g / np.max(np.abs(g)), 0, 1),
    ),
    wrong(
        "step_towards: no root -> divided by the square of the length",
        lambda x, g, s: np.clip(x + s * g / np.sum(g**2), 0, 1),
    ),
    wrong(
        "step_towards: norm along the colours -> each pixel normalised by itself",
        lambda x, g, s: np.clip(x + s * g / np.linalg.norm(g, axis=-1, keepdims=True), 0, 1),
    ),
]


# -- pictures, and saving -------------------------------------------------------------------------


def _float32_pictures(image: Array, fooled: Array) -> list[Array]:
    d = (fooled.astype(np.float32) - image.astype(np.float32)) / 255
    return [np.clip(0.5 + n * d, 0, 1) for n in (1, 10)]


def _integer_pictures(image: Array, fooled: Array) -> tuple[Array, Array]:
    d = fooled.astype(int) - image
    return tuple(np.clip(127.5 + n * d, 0, 255) / 255 for n in (1, 10))


def _tenfold(image: Array, fooled: Array) -> tuple[Array, Array]:
    plain = np.clip(0.5 + fooled / 255 - image / 255, 0, 1)
    return plain, np.clip(10 * plain, 0, 1)


_PICTURES = [
    right("difference_pictures: float32", _float32_pictures),
    right("difference_pictures: in integers", _integer_pictures),
    wrong(
        "difference_pictures: uint8 minus uint8 -> differences of uint8 wrap around",
        lambda a, b: tuple(np.clip(0.5 + n * ((b - a) / 255), 0, 1) for n in (1, 10))),
    wrong("difference_pictures: ten times the picture -> the grey of no change is magnified, too",
        _tenfold),
    wrong(
        "difference_pictures: image - fooled -> the sign is reversed",
        lambda a, b: _float32_pictures(b, a)),
    wrong(
        "difference_pictures: no grey -> without the grey of no change",
        lambda a, b: tuple(np.clip(n * (b / 255 - a / 255), 0, 1) for n in (1, 10))),
    wrong(
        "difference_pictures: to the maximum -> magnified to fill the range, not ten times",
        lambda a, b: (
            np.clip(0.5 + b / 255 - a / 255, 0, 1),
            0.5 + 0.5 * (b / 255 - a / 255) / np.abs(b / 255 - a / 255).max(),
        )),
    wrong(
        "difference_pictures: never clipped -> not clipped",
        lambda a, b: tuple(0.5 + n * (b / 255 - a / 255) for n in (1, 10))),
    right(
        "to_8_bit: half up", lambda x: np.clip(np.floor(255 * x + 0.5), 0, 255).astype(np.uint8)),
    right(
        "to_8_bit: clipped after scaling", lambda x: np.clip(255 * x, 0, 255).round().astype("B")),
    wrong(
        "to_8_bit: whole numbers of 64 bits -> another type than asked for",
        lambda x: np.clip(255 * x, 0, 255).round().astype(int)),
    wrong(
        "to_8_bit: floats up to 255 -> another type than asked for",
        lambda x: np.clip(255 * x, 0, 255).round()),
    wrong(
        "to_8_bit: astype alone -> cut off, not rounded",
        lambda x: (255 * np.clip(x, 0, 1)).astype(np.uint8)),
    wrong(
        "to_8_bit: no clipping -> 256 wraps around to 0",
        lambda x: np.rint(255 * x).astype(np.int16).astype(np.uint8)),
    wrong(
        "to_8_bit: times 256 -> times 256",
        lambda x: np.clip(256 * x, 0, 255).astype(np.uint8)),
    wrong(
        "to_8_bit: floats -> floats in 0 … 1",
        lambda x: np.rint(255 * np.clip(x, 0, 1)) / 255),
]  # fmt: skip


SAMPLES: list[Sample] = [
    *_STARTS,
    *_GRADIENTS,
    *_STEPS,
    *_PICTURES,
    *SAMPLES_ATTACKS,
    *MISREAD_FOOLING,
    *IDLE_FOOLING,
]
"""All known answers to notebook 05."""
