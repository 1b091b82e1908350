"""Assess a way from an image to its adversarial twin, step by step.

Each step is held against the one that the rule would take from the same place, so that one slip
isn't punished again at every step that follows from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from utils.checks.cases import Case
from utils.checks.kinds import described
from utils.checks.verdicts import CaseVerdict, PartVerdict, Told
from utils.nets import opinions
from utils.rules.fooling import numbers, sizes, verdict

SIGN = "the sign of the gradient is reversed"
UNTARGETED = "away from the image's class, not towards the target"
SATURATED = "gradient of the probability (or its logarithm), not of the score"
UNNORMALISED = "the gradient is not divided by its length"
SIGNS = "the sign of each pixel's gradient, in place of the gradient"
LARGEST = "divided by the largest value, not by the length"
SQUARED = "divided by the square of the length"
CLIPPED_FIRST = "clipped before normalising"
UNCLIPPED = "pixels outside 0 … 1: not clipped"
STRAIGHT = "all steps follow the gradient at the first image"
RESTARTED = "every step starts at the first image again"
ROUNDED = "rounded to 8 bits at every step"
PREPROCESSED = "the preprocessed image is changed, not the photograph"
BYTES = "pixels in 0 … 255 in place of 0 … 1"
TINY = "steps of the wrong size: pixels counted in 0 … 255"
EARLY = "stops before the target wins"
LATE = "goes on after the target has won"
NO_START = "the first image is missing"
ONE_IMAGE = "only one image, not the whole way"

WAY_HINTS = {
    SIGN: "Along the gradient the score rises, against it it falls: add the step.",
    UNTARGETED: "Raise the score of `target`; which class the image was of plays no part.",
    SATURATED: "Take the target's logit: where a probability is near 0, softmax is flat.",
    UNNORMALISED: "step = size * gradient / length, with length = √(sum of squares).",
    SIGNS: "np.sign makes all pixels change alike: that is another norm (L∞).",
    LARGEST: "The L2 norm: np.linalg.norm(gradient), over all pixels and channels.",
    SQUARED: "The square root of the sum of squares; np.linalg.norm has taken it already.",
    CLIPPED_FIRST: "Normalise the gradient, take the step, and clip the image last.",
    UNCLIPPED: "np.clip(image + step, 0, 1): there is no white brighter than white.",
    STRAIGHT: "The gradient changes on the way: ask for it anew at each image.",
    RESTARTED: "Begin each step where the last one ended.",
    ROUNDED: "Steps are smaller than what rounding removes: round at the end only.",
    PREPROCESSED: "The gradient with respect to the image in 0 … 1: preprocess inside the tape.",
    BYTES: "Divide the image by 255 first.",
    TINY: "`size` is meant for pixels in 0 … 1.",
    EARLY: "Go on until the target's score is the highest, or `most` steps are done.",
    LATE: "Ask the net before each step, and stop when the target has the highest score.",
    NO_START: "The way begins with the photograph itself, as floats in 0 … 1.",
    ONE_IMAGE: "Collect the images in a list, and return np.stack(images).",
}
"""What to think about next, for each mistake."""

_DEVIATION = 0.05  # of a step's length: nets differ in the last digits, mistakes by much more


@dataclass(frozen=True)
class _Way:
    """A way that was handed back, and what the net says of it."""

    net: opinions.Opinion
    images: np.ndarray
    scores: np.ndarray
    gradients: np.ndarray
    """Of the target's score, at each image but the last."""
    target: int
    size: float
    most: int
    """So many steps were allowed."""

    @property
    def steps(self) -> np.ndarray:
        return self.images[1:] - self.images[:-1]

    def expected(self) -> np.ndarray:
        """Where each step should have led from where it began."""
        return np.clip(self.images[:-1] + self.size * _unit(self.gradients), 0, 1)


def ascent(case: Case, answer: Any) -> CaseVerdict:
    """A way from an image to where the target wins, in steps of one length along the gradient.

    inputs: net, image (H, W, 3) uint8, target, size, most.  answer: (T + 1, H, W, 3).
    """
    inputs = case.inputs
    image = inputs["image"].astype(np.float64) / 255
    images = _images(answer, image.shape, int(inputs["most"]))
    if images is None:
        return CaseVerdict(case.label, 0.0, Told(ONE_IMAGE), mistakes=(ONE_IMAGE,))
    net, target, size = opinions.of(inputs["net"]), int(inputs["target"]), float(inputs["size"])
    starts = bool(np.abs(images[0] - image).max() < 2e-3)
    if not starts:
        named = _false_start(images[0], image)
        if named in (BYTES, PREPROCESSED):
            return CaseVerdict(case.label, 0.0, Told(named), mistakes=(named,))
    scores = net.logits(images.astype(np.float32))
    weights = np.zeros((len(images) - 1, scores.shape[1]), np.float32)
    weights[:, target] = 1
    gradients = net.gradient(images[:-1].astype(np.float32), weights) if len(weights) else weights
    way = _Way(net, images, scores, gradients, target, size, int(inputs["most"]))
    first = PartVerdict("first image", starts, Told(NO_START), mistakes=(NO_START,))
    parts = [*_steps(way, image), first, _stops(way)]
    right = {part.part for part in parts if part.ok}
    if "direction" not in right:  # steps anywhere have a length, too
        right.discard("length")
    return verdict(case.label, sum(_WORTH[part] for part in right), parts)


_WORTH = {"first image": 0.1, "stops": 0.3, "length": 0.2, "direction": 0.3, "range": 0.1}


def _images(answer: Any, shape: tuple[int, ...], most: int) -> np.ndarray | None:
    """The way as an array; None if there is but one image."""
    images = numbers(answer, "the images on the way")
    if images.shape == shape:
        return None
    if images.ndim == 5 and images.shape[1] == 1:
        images = images[:, 0]
    if images.ndim != 4 or images.shape[1:] != shape or not len(images):
        what = f"images of shape (T + 1, {_sides(shape)})"
        raise ValueError(f"expected {what}, got {described(images)}")
    if len(images) > most + 1:
        raise ValueError(f"{len(images) - 1} steps, though {most} are the most")
    return images


def _false_start(first: np.ndarray, image: np.ndarray) -> str:
    if np.allclose(first, image * 255, atol=1):
        return BYTES
    for factor, summand in ((2.0, -1.0), (255.0, 0.0)):
        if np.allclose(first, factor * image + summand, atol=0.02 * factor):
            return PREPROCESSED
    return NO_START


def _stops(way: _Way) -> PartVerdict:
    winners = way.scores.argmax(axis=1)
    if (winners[:-1] == way.target).any():
        return PartVerdict("stops", False, Told(LATE), mistakes=(LATE,))
    if winners[-1] != way.target and len(way.steps) == way.most:
        return PartVerdict("stops", True)  # all the steps that were allowed
    if winners[-1] != way.target:
        return PartVerdict("stops", False, Told("the target doesn't win"), mistakes=(EARLY,))
    return PartVerdict("stops", True)


def _steps(way: _Way, image: np.ndarray) -> list[PartVerdict]:
    """Length and direction of all steps, and the range of the pixels."""
    low, high = float(way.images.min()), float(way.images.max())
    inside = low >= -1e-5 and high <= 1 + 1e-5
    told = Told(f"pixels from {low:.3g} to {high:.3g}")
    span = PartVerdict("range", inside, told, mistakes=() if inside else (UNCLIPPED,))
    if len(way.images) < 2:  # right if the target wins at once
        nothing, there = Told("no step was taken"), bool(way.scores[0].argmax() == way.target)
        return [PartVerdict(part, there, nothing) for part in ("length", "direction")] + [span]
    start, expected = way.images[:-1], way.expected()
    have, want = sizes(way.steps), sizes(expected - start)
    long = np.abs(have - want) <= _DEVIATION * way.size
    off = sizes(_unit(way.steps) - _unit(expected - start)) > 2 * _DEVIATION
    moved = want > 0.01 * way.size
    off &= moved
    bad = ~long | off
    named: tuple[str, ...] = ()
    if bad.any():
        found = _name(way, image, int(np.argmax(bad)))
        named = (found,) if found else ()
    worst = int(np.argmax(np.abs(have - want)))
    length = Told(f"step {worst + 1}", f"is {have[worst]:.3g} long", f"expected {want[worst]:.3g}")
    bent = int(np.argmax(off)) + 1
    direction = Told(f"step {bent} is not along the gradient of the target's score")
    return [
        PartVerdict("length", bool(long.all()), length, mistakes=named),
        PartVerdict("direction", not off.any(), direction, mistakes=named),
        span,
    ]


def _name(way: _Way, image: np.ndarray, number: int) -> str:
    """The mistake that leads from the image before a step to the one after it, if one does."""
    after = way.images[number + 1]
    moved = float(np.linalg.norm(after - way.images[number]))
    if moved < 1e-9:  # so flat that nothing is left of the gradient
        return SATURATED
    for name, place in _wrong_steps(way, image, number):
        tolerance = _DEVIATION * min(way.size, max(moved, way.size / 255))
        for there in (place, np.clip(place, 0, 1)):
            if np.linalg.norm(after - there) <= tolerance:
                return name
    return ""


def _wrong_steps(way: _Way, image: np.ndarray, number: int) -> Iterator[tuple[str, np.ndarray]]:
    here, g, size = way.images[number], way.gradients[number].astype(np.float64), way.size
    u = _unit(g[None])[0]

    def along(weights: np.ndarray, place: np.ndarray = here) -> np.ndarray:
        asked = way.net.gradient(place[None].astype(np.float32), weights[None].astype(np.float32))
        return _unit(asked.astype(np.float64))[0]

    wanted = np.eye(way.scores.shape[1])[way.target]
    p = np.exp(way.scores[number].astype(np.float64) - way.scores[number].max())
    p /= p.sum()
    yield UNCLIPPED, here + size * u
    yield SIGN, here - size * u
    away = along(np.eye(len(p))[int(way.scores[0].argmax())])
    yield UNTARGETED, here - size * away
    yield SATURATED, here + size * along(wanted - p)
    yield UNNORMALISED, here + size * g
    yield SIGNS, here + size * np.sign(g)
    yield SIGNS, here + size * np.sign(g) / np.sqrt(g.size)
    yield LARGEST, here + size * g / max(float(np.abs(g).max()), 1e-12)
    yield SQUARED, here + size * g / max(float(np.sum(g * g)), 1e-12)
    yield CLIPPED_FIRST, here + size * _unit((np.clip(here + g, 0, 1) - here)[None])[0]
    yield CLIPPED_FIRST, here + size * _unit(np.clip(g, 0, 1)[None])[0]
    yield ROUNDED, np.rint(255 * np.clip(here + size * u, 0, 1)) / 255
    yield TINY, here + size / 255 * u
    first = along(wanted, image)
    yield STRAIGHT, here + size * first
    yield RESTARTED, image + size * u
    yield PREPROCESSED, here + size * u / 2


def _sides(shape: tuple[int, ...]) -> str:
    return ", ".join(str(n) for n in shape)


def _unit(directions: np.ndarray) -> np.ndarray:
    return directions / np.maximum(sizes(directions), 1e-12)[:, None, None, None]
