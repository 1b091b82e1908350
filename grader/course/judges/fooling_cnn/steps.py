"""Judges of notebook 05 for the gradient of a score, and for one step along it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from grader.contract.judge import Handed, Judge, Mistake, Question
from utils.nets import toy as nets

from ... import nets as nets_of_course
from ...nets import trusted
from . import exhibits
from .arrays import SECTION

# -- the gradient ---------------------------------------------------------------------------------


def _draw_gradients(
    rng: np.random.Generator, variant: int, handed: Handed | None
) -> Iterator[Question]:
    kernel = rng.standard_normal((5, 5, 3, 4))
    image = rng.uniform(0.1, 0.9, (5, 5, 3)).astype(np.float32)
    linear = nets.linear(kernel, rng.standard_normal(4), "signed")
    inputs = {"net": linear, "image": image, "target": int(rng.integers(4))}
    yield Question("a linear net that wants pixels in -1 … 1", inputs, rtol=1e-3)
    kernels = [rng.standard_normal((3, 3, 3, 5)) * 0.3, rng.standard_normal((4 * 4 * 5, 6)) * 0.3]
    small = nets.conv(8, kernels, [np.full(5, 0.1), np.zeros(6)], [2])
    image = rng.uniform(0.1, 0.9, (8, 8, 3)).astype(np.float32)
    inputs = {"net": small, "image": image, "target": int(rng.integers(6))}
    yield Question("a small convolutional net", inputs, rtol=1e-2)
    name = nets_of_course.of_class(handed)
    shown = exhibits.draw(name, rng)
    for text, pick in (("the second likeliest class", "likely"), ("the least likely", "unlikely")):
        for exhibit in shown:
            image = exhibit.image.astype(np.float32) / np.float32(255)
            target = getattr(exhibit, pick)
            if exhibits.steady(trusted.net(name), image[None], target):
                inputs = {"net": name, "image": image, "target": target}
                yield Question(f"a photograph, {text}", inputs, rtol=2e-2)
                break


def _gradient(net: Any, image: np.ndarray, target: int) -> np.ndarray:
    return _weighted(net, image, lambda p: np.eye(len(p))[target])


def _weighted(
    net: Any, image: np.ndarray, weights: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    asked = trusted.of(net)
    p = asked.probabilities(image[None])[0].astype(np.float64)
    return asked.gradient(image[None], weights(p)[None].astype(np.float32))[0]


def _preprocessed(net: Any, image: np.ndarray, target: int) -> np.ndarray:
    if isinstance(net, dict):
        return _gradient(net, image, target) / nets.RANGES[net.get("range", "unit")][0]
    return _gradient(net, image, target) / (1 if net == "mini" else 2)


def _hot(target: int, p: np.ndarray) -> np.ndarray:
    return np.eye(len(p))[target]


_GRADIENT_MISTAKES = {
    "the sign is reversed": Mistake(
        lambda net, image, target: -_gradient(net, image, target),
        "The gradient of the score itself, not of a loss.",
    ),
    "gradient of the probability, not of the score": Mistake(
        lambda net, image, target: _weighted(
            net, image, lambda p: p[target] * (_hot(target, p) - p)
        ),
        "net.logits(images)[0, target]: a probability near 0 or 1 hardly moves.",
    ),
    "gradient of the logarithm of the probability, not of the score": Mistake(
        lambda net, image, target: _weighted(net, image, lambda p: _hot(target, p) - p),
        "Cross-entropy looks at all classes; here the target's score alone is asked for.",
    ),
    "gradient of a loss: minus the logarithm of the probability": Mistake(
        lambda net, image, target: _weighted(net, image, lambda p: p - _hot(target, p)),
        "No loss is asked for: the gradient of the target's own score, net.logits(…)[0, target].",
    ),
    "the winner's score is taken off": Mistake(
        lambda net, image, target: _weighted(
            net, image, lambda p: _hot(target, p) - _hot(int(p.argmax()), p)
        ),
        "The target's score alone is asked for.",
    ),
    "gradient of the winner's score, not of the target's": Mistake(
        lambda net, image, target: _weighted(net, image, lambda p: np.eye(len(p))[p.argmax()]),
        "Column `target` of the scores.",
    ),
    "gradient of the sum of all scores": Mistake(
        lambda net, image, target: _weighted(net, image, lambda p: np.ones(len(p))),
        "Take one number before you ask for the gradient: scores[0, target].",
    ),
    "gradient with respect to the preprocessed image": Mistake(
        _preprocessed,
        "tape.watch the image in 0 … 1, and preprocess it inside the tape: net.logits does.",
    ),
    "gradient with respect to pixels in 0 … 255": Mistake(
        lambda net, image, target: _gradient(net, image, target) / 255,
        "tape.watch the image in 0 … 1.",
    ),
    "absolute value": Mistake(
        lambda net, image, target: np.abs(_gradient(net, image, target)),
        "A saliency map needs it; for a step the sign is needed.",
    ),
    "the sign of each number alone": Mistake(
        lambda net, image, target: np.sign(_gradient(net, image, target)),
        "The gradient as it is: how much each number of the image counts is in its size.",
    ),
    "the axis of the batch is still there": Mistake(
        lambda net, image, target: _gradient(net, image, target)[None],
        "The net took a stack of one image: [0] takes it out again.",
    ),
    "divided by its length": Mistake(
        lambda net, image, target: _direction(_gradient(net, image, target)),
        "That belongs to the step; here the gradient itself is asked for.",
    ),
}


# -- one step -------------------------------------------------------------------------------------


def _draw_steps(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    for what, shape, size, scale in (
        ("a small gradient", (6, 5, 3), 0.5, 0.01),
        ("a large gradient", (4, 7, 3), 0.25, 30.0),
        ("black and white pixels", (5, 5, 3), 2.0, 1.0),
    ):
        image = rng.uniform(0.2, 0.8, shape)
        if "black" in what:
            image[rng.random(shape) < 0.3] = 0.0
            image[rng.random(shape) < 0.3] = 1.0
        gradient = rng.standard_normal(shape) * scale
        yield Question(what, {"image": image, "gradient": gradient, "size": size}, rtol=1e-5)


def _direction(gradient: np.ndarray) -> np.ndarray:
    return gradient / np.linalg.norm(gradient)


def _step(image: np.ndarray, gradient: np.ndarray, size: float) -> np.ndarray:
    return np.clip(image + size * _direction(gradient), 0, 1)


def _by(change: Callable[[np.ndarray], np.ndarray]) -> Callable[..., np.ndarray]:
    return lambda image, gradient, size: np.clip(image + size * change(gradient), 0, 1)


_STEP_MISTAKES = {
    "the sign of the step is reversed": Mistake(
        _by(lambda g: -_direction(g)), "Along the gradient the score rises: add the step."
    ),
    "not clipped": Mistake(
        lambda image, gradient, size: image + size * _direction(gradient),
        "np.clip(…, 0, 1): an image has no pixels below black or above white.",
    ),
    "the gradient is not divided by its length": Mistake(
        _by(lambda g: g), "step = size * gradient / np.linalg.norm(gradient)"
    ),
    "clipped before normalising": Mistake(
        lambda image, gradient, size: (
            image + size * _direction(np.clip(image + gradient, 0, 1) - image)
        ),
        "First the step of the wanted length, then clip the image that results.",
    ),
    "the step is clipped, not the image": Mistake(
        lambda image, gradient, size: image + np.clip(size * _direction(gradient), 0, 1),
        "A step goes up and down: add it first, then clip the image that results.",
    ),
    "lengthened again after clipping": Mistake(
        lambda image, gradient, size: (
            image + size * _direction(_step(image, gradient, size) - image)
        ),
        "Where pixels are clipped the step gets shorter; leave it so.",
    ),
    "the sign of each pixel's gradient": Mistake(
        _by(np.sign), "That is a step of another norm, in which all pixels change alike."
    ),
    "divided by the largest value": Mistake(
        _by(lambda g: g / np.abs(g).max()), "The L2 norm: the root of the sum of all squares."
    ),
    "divided by the square of the length": Mistake(
        _by(lambda g: g / np.sum(g**2)), "The root is missing: np.linalg.norm."
    ),
    "divided by the root of the mean of squares": Mistake(
        _by(lambda g: g / np.sqrt(np.mean(g**2))), "The root of the sum, not of the mean."
    ),
    "divided by the sum of the absolute values": Mistake(
        _by(lambda g: g / np.abs(g).sum()), "That is the L1 norm; L2 is asked for."
    ),
    "each pixel normalised by itself": Mistake(
        _by(lambda g: g / np.linalg.norm(g, axis=-1, keepdims=True)),
        "One length for the whole image: np.linalg.norm without axis.",
    ),
    "each colour normalised by itself": Mistake(
        _by(lambda g: g / np.linalg.norm(g, axis=(0, 1), keepdims=True)),
        "One length for the whole image, its three colours together: np.linalg.norm without axis.",
    ),
    "size forgotten": Mistake(
        lambda image, gradient, size: np.clip(image + _direction(gradient), 0, 1),
        "The step is `size` long.",
    ),
    "the step alone, without the image": Mistake(
        lambda image, gradient, size: size * _direction(gradient), "image + step"
    ),
}


JUDGES_STEPS = [
    Judge(
        "score_gradient",
        _gradient,
        _draw_gradients,
        _GRADIENT_MISTAKES,
        section=SECTION[1],
        by_files=True,
    ),
    Judge("step_towards", _step, _draw_steps, _STEP_MISTAKES, section=SECTION[1]),
]
"""Judges of what each step of an attack is made of."""
