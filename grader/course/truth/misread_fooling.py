"""Known answers to notebook 05 of whoever misreads its text, or reads it in a way of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from grader.contract.sample import right, wrong
from utils.nets import quiet
from utils.nets import toy as nets
from utils.rules import fooling

from .fooling_attacks import gradient, table

Array = np.ndarray


def _weighted(weights: Callable[[Array, int], Array]) -> Any:
    """weights: (probabilities, target) -> how much each score counts."""
    return lambda net, image, target: gradient(net, image, lambda p: weights(p, int(target)))


def _hot(p: Array, target: int) -> Array:
    return np.eye(len(p))[target]


def _all_scores(net: Any, image: Array, target: int) -> Array:
    """One row of the Jacobian of all scores."""
    tf = quiet.import_tensorflow()
    images = tf.Variable(image.astype(np.float32)[None])
    with tf.GradientTape() as tape:
        scores = net.logits(images)
    found: Array = tape.jacobian(scores, images)[0, target, 0].numpy()
    return found


def _starts(probabilities: Array, labels: Array, least: float) -> Array:
    sure = probabilities.max(axis=1) >= least
    return np.flatnonzero(sure & (probabilities.argmax(axis=1) == labels))


def _by_probability(probabilities: Array, labels: Array, least: float) -> list[int]:
    found = _starts(probabilities, labels, least)
    return sorted(found, key=lambda n: -probabilities[n].max())


def _step(clipped: Callable[[Array, Array], Array]) -> Any:
    """clipped: (image, step) -> the next image."""
    return lambda image, gradient, size: clipped(
        image, size * gradient / np.sqrt(np.sum(gradient * gradient))
    )


def _rescaled(image: Array) -> Array:
    return np.rint(255 * (image - image.min()) / (image.max() - image.min()))


Columns = tuple[Array, Array, Array, Array]


def _changed(change: Callable[..., Columns]) -> Any:
    """change: the right columns -> others."""
    return lambda net, image, targets: change(*table()(net, image, targets))


def _swapped(before: Array, found: Array, after: Array, size: Array) -> Columns:
    return after, found, before, size


def _of_all(before: Array, found: Array, after: Array, size: Array) -> Columns:
    return before, found, np.where(np.eye(len(after)), after, 0.001), size


def _one_norm(before: Array, found: Array, after: Array, size: Array) -> Columns:
    return before, found, after, np.full(len(size), np.linalg.norm(size))


MISREAD_FOOLING = [
    wrong(
        "good_starts: the label's own column -> "
        "the right class is probable enough, but another is likelier",
        lambda p, labels, least: np.flatnonzero(p[np.arange(len(p)), labels] >= least),
    ),
    wrong("good_starts: the surest first -> in the order of their probabilities", _by_probability),
    right("score_gradient: a Jacobian", nets.on_net(_all_scores)),
    wrong(
        "score_gradient: as in training -> "
        "gradient of a loss: minus the logarithm of the probability",
        _weighted(lambda p, target: p - _hot(p, target)),
    ),
    wrong(
        "score_gradient: ahead of the winner -> the winner's score is taken off",
        _weighted(lambda p, target: _hot(p, target) - _hot(p, int(p.argmax()))),
    ),
    wrong(
        "score_gradient: only up or down -> the sign of each number alone",
        nets.on_net(lambda net, image, target: np.sign(_all_scores(net, image, target))),
    ),
    wrong(
        "score_gradient: as a batch -> the axis of the batch is still there",
        nets.on_net(lambda net, image, target: _all_scores(net, image, target)[None]),
    ),
    wrong(
        "step_towards: brackets in the wrong place -> the step is clipped, not the image",
        _step(lambda image, step: image + np.clip(step, 0, 1)),
    ),
    right(
        "step_towards: minimum and maximum",
        _step(lambda image, step: np.minimum(np.maximum(image + step, 0), 1)),
    ),
    right(
        "difference_pictures: whole numbers with a sign",
        lambda image, fooled: [
            np.clip(0.5 + k * (fooled.astype(np.int16) - image.astype(np.int16)) / 255, 0, 1)
            for k in (1, 10)
        ],
    ),
    right(
        "difference_pictures: clipped, and magnified from what was clipped",
        lambda image, fooled: (
            d := np.clip(0.5 + fooled / 255 - image / 255, 0, 1),
            np.clip(0.5 + 10 * (d - 0.5), 0, 1),
        ),
    ),
    wrong(
        "to_8_bit: 256 steps -> times 256, and rounded",
        lambda image: np.clip(np.rint(256 * image), 0, 255).astype(np.uint8),
    ),
    wrong(
        "to_8_bit: ceil -> rounded up",
        lambda image: np.ceil(255 * np.clip(image, 0, 1)).astype(np.uint8),
    ),
    wrong(
        "to_8_bit: rint first -> rounded before it is multiplied",
        lambda image: (255 * np.rint(np.clip(image, 0, 1))).astype(np.uint8),
    ),
    wrong(
        "to_8_bit: contrast raised -> stretched from the darkest pixel to the brightest",
        lambda image: _rescaled(image).astype(np.uint8),
    ),
    right(
        "to_8_bit: a half added, and cut off",
        lambda image: np.clip(np.floor(255 * image + 0.5), 0, 255).astype("uint8"),
    ),
    wrong(
        "likely_and_unlikely: one too far -> the third likeliest in place of the second",
        lambda p: (np.argsort(p)[-3], np.argmin(p)),
    ),
    wrong(
        "likely_and_unlikely: sorted twice -> places in the order in place of classes",
        lambda p: (np.argsort(np.argsort(p))[-2], np.argsort(np.argsort(p))[0]),
    ),
    right(
        "likely_and_unlikely: the winner left out",
        lambda p: [int(np.argmax(np.where(p == p.max(), -1, p))), int(np.argmin(p))],
    ),
    wrong(f"compare_targets: the other way round -> {fooling.SWAPPED}", _changed(_swapped)),
    wrong(f"compare_targets: [:, targets] -> {fooling.TABLE}", _changed(_of_all)),
    wrong(f"compare_targets: no axis -> {fooling.TOGETHER}", _changed(_one_norm)),
]
"""Known answers."""
