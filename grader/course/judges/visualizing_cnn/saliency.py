"""Judges of notebook 04 for saliency maps: the map itself, and where it points."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from grader.contract.judge import Depiction, Handed, Judge, Mistake, Question
from utils.rules.visualizing import HINTS, NO_CLASS, points_at_masks

from ...nets.base import softmax
from . import draws

_SECTION = "Exercise 04.3: saliency"
_MASKED = 10  # photographs on which maps must point at the digit


def _draw_maps(rng: np.random.Generator, variant: int, handed: Handed | None) -> Iterator[Question]:
    which = draws.subject(handed)
    for make, size, count, range_, what in (
        (draws.linear, 7, 3, "unit", "a net whose scores are weighted sums"),
        (draws.linear, 6, 4, "signed", "weighted sums, after preprocessing to -1 … 1"),
        (draws.mlp, 6, 5, "signed", "a net with a hidden layer"),
    ):
        images = draws.noise(rng, count, size)
        net = make(rng, size, range=range_)
        yield Question(what, {"net": net, "images": images, "classes": _others(net, images)}, 1e-4)
    label = f"a photograph in {which.name}: the best class, and another"
    if which.problem:
        yield Question(label, {}, 1e-3, which.missing)
        return
    image = _steady(rng, which)
    images = np.stack([image, image])
    order = np.argsort(-which.net.logits(images[:1])[0])
    classes = order[[0, 1]]
    # in a large net rounding opens or shuts some ReLU that is close to zero
    tolerance = 5e-3 if which.name == draws.MINI else 3e-2
    yield Question(label, {"net": which.name, "images": images, "classes": classes}, tolerance)


def _steady(rng: np.random.Generator, which: draws.Subject) -> np.ndarray:
    """A photograph whose gradient does not hang on the last digits of a float.

    Where a ReLU is very close to zero, or two values of a pooling window are nearly alike, rounding
    decides; of a few photographs the one where that matters least is taken.
    """
    images = draws.photographs(rng, which, 4 if which.name == draws.MINI else 2).images
    order = np.argsort(-which.net.logits(images), axis=1)
    chosen = np.eye(which.net.classes, dtype=np.float32)[order[:, :2]]
    twice = np.repeat(images, 2, axis=0)
    weights = chosen.reshape(-1, which.net.classes)
    plain = which.net.gradient(twice, weights)
    unsteady = np.zeros(len(images))
    for _ in range(2):
        shaken = twice + rng.uniform(-1e-6, 1e-6, twice.shape).astype(np.float32)
        off = np.abs(which.net.gradient(shaken, weights) - plain).max(axis=(1, 2, 3))
        unsteady = np.maximum(unsteady, off.reshape(-1, 2).max(axis=1))
    return images[int(unsteady.argmin())]


def _others(net: Any, images: np.ndarray) -> np.ndarray:
    """The second best class of each image: that it is not the best one must show."""
    return _runner_up(draws.ask(net).logits(images))


def _runner_up(scores: np.ndarray) -> np.ndarray:
    return np.argsort(-scores, axis=1)[:, 1]


def _chosen(net: Any, classes: np.ndarray) -> np.ndarray:
    return np.eye(draws.ask(net).classes, dtype=np.float32)[classes]


def gradient(net: Any, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Derivative of each image's score for its class with respect to its pixels."""
    return draws.ask(net).gradient(images, _chosen(net, classes))


def saliency(net: Any, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Absolute value, and the largest of the three colours."""
    return np.abs(gradient(net, images, classes)).max(axis=-1)


Weights = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _through(weights: Weights) -> Callable[..., np.ndarray]:
    """Saliency of something else than the class score: (chosen, probabilities) -> weights."""

    def answer(net: Any, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
        asked = draws.ask(net)
        likely = softmax(asked.logits(images))
        found = asked.gradient(images, weights(_chosen(net, classes), likely).astype(np.float32))
        return np.abs(found).max(axis=-1)

    return answer


def _probability(chosen: np.ndarray, likely: np.ndarray) -> np.ndarray:
    return (chosen * likely).sum(axis=1, keepdims=True) * (chosen - likely)


def _best(net: Any, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
    return saliency(net, images, draws.ask(net).logits(images).argmax(axis=1))


def _first(net: Any, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
    return saliency(net, images, np.full_like(classes, classes[0]))


def _prepared(net: Any, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Derivative with respect to what preprocessing made of the image."""
    return saliency(net, images, classes) / getattr(draws.ask(net), "_scale", 1)


def _times(factor: float) -> Callable[..., np.ndarray]:
    return lambda net, images, classes: factor * saliency(net, images, classes)


def _to_one(net: Any, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
    maps = saliency(net, images, classes)
    return maps / maps.max(axis=(1, 2), keepdims=True)


def _stretched(net: Any, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
    maps = saliency(net, images, classes)
    low, high = (f(axis=(1, 2), keepdims=True) for f in (maps.min, maps.max))
    return (maps - low) / (high - low)


_SCORE = "net.logits gives scores before softmax; pick each image's class from them."
_PIXELS = "Watch the image itself, in [0, 1], before preprocessing; scale nothing afterwards."

_MISTAKES = {
    "no absolute value": Mistake(
        lambda net, images, classes: gradient(net, images, classes).max(axis=-1),
        "A pixel that lowers the score when it gets brighter matters just as much.",
    ),
    "absolute value after the maximum": Mistake(
        lambda net, images, classes: np.abs(gradient(net, images, classes).max(axis=-1)),
        "First the absolute value of all three colours, then the largest.",
    ),
    "sum over the colours in place of the maximum": Mistake(
        lambda net, images, classes: np.abs(gradient(net, images, classes)).sum(axis=-1),
        "Of the three colours the largest counts.",
    ),
    "mean over the colours in place of the maximum": Mistake(
        lambda net, images, classes: np.abs(gradient(net, images, classes)).mean(axis=-1),
        "Of the three colours the largest counts.",
    ),
    "absolute value of the sum over the colours": Mistake(
        lambda net, images, classes: np.abs(gradient(net, images, classes).sum(axis=-1)),
        "First the absolute value of all three colours, then the largest.",
    ),
    "absolute value of the mean over the colours": Mistake(
        lambda net, images, classes: np.abs(gradient(net, images, classes).mean(axis=-1)),
        "First the absolute value of all three colours, then the largest.",
    ),
    "length of the gradient over the colours": Mistake(
        lambda net, images, classes: np.sqrt((gradient(net, images, classes) ** 2).sum(axis=-1)),
        "Of the three colours the largest counts.",
    ),
    "gradient of the probability, not of the score": Mistake(_through(_probability), _SCORE),
    "gradient of the cross-entropy, not of the score": Mistake(
        _through(lambda chosen, likely: likely - chosen), _SCORE
    ),
    "gradient of all scores together": Mistake(
        _through(lambda chosen, likely: np.ones_like(chosen)), _SCORE
    ),
    "every image is asked about the classes of all": Mistake(
        _through(lambda chosen, likely: np.repeat(chosen.sum(axis=0)[None], len(chosen), axis=0)),
        "tf.gather(scores, classes, batch_dims=1) takes from each row the image's own class.",
    ),
    "always the net's best class": Mistake(_best, "`classes` says for which class."),
    "the first image's class for all": Mistake(_first, "classes[n] belongs to images[n]."),
    "gradient with respect to the preprocessed image": Mistake(_prepared, _PIXELS),
    "pixels in 0 … 255 in place of 0 … 1": Mistake(_times(1 / 255), _PIXELS),
    "multiplied by 255": Mistake(_times(255), _PIXELS),
    "mean over the images in the batch": Mistake(
        lambda net, images, classes: saliency(net, images, classes) / len(images),
        "Add the images' scores up; a mean divides every gradient by their number.",
    ),
    "each map divided by its maximum": Mistake(_to_one, _PIXELS),
    "each map stretched to 0 … 1": Mistake(_stretched, _PIXELS),
    "three colours in place of one value": Mistake(
        lambda net, images, classes: np.abs(gradient(net, images, classes)),
        "One value for each pixel: the largest of the three.",
    ),
    "only the first image's map": Mistake(
        lambda net, images, classes: saliency(net, images, classes)[0], "A map for each image."
    ),
}


# -- where it points ------------------------------------------------------------------------------


def _draw_pointing(
    rng: np.random.Generator, variant: int, handed: Handed | None
) -> Iterator[Question]:
    """Masks are known for PhotoDigits alone, so this is about the mini net in every class."""
    found = draws.photographs(rng, draws.Subject(draws.MINI), 2 * _MASKED)
    assert found.masks is not None
    order = np.argsort(-draws.ask(draws.MINI).logits(found.images), axis=1)
    maps = saliency(draws.MINI, found.images, order[:, 0])
    brightest = maps.reshape(len(maps), -1).argmax(axis=1)
    hit = found.masks.reshape(len(maps), -1)[np.arange(len(maps)), brightest]
    kept = np.argsort(~hit, kind="stable")[:_MASKED]
    images = np.concatenate([found.images[kept]] * 2)
    classes = order[kept, :2].T.ravel()
    inputs = {"net": draws.MINI, "images": images, "classes": classes}
    label = f"{_MASKED} photographs, two classes each"
    facts = {"masks": found.masks[kept], "hits": 0.8, "gain": 1.3}
    own = saliency(draws.MINI, images, classes).astype(np.float16)
    yield Question(label, inputs, expected=facts | {"maps": own, "like": 0.6})


JUDGES_SALIENCY = [
    Judge(
        "saliency",
        saliency,
        _draw_maps,
        _MISTAKES,
        section=_SECTION,
        by_files=True,
        depicted=Depiction("images", amounts=True),
    ),
    Judge(
        "saliency_points",
        draws.unused,
        _draw_pointing,
        {NO_CLASS: Mistake(draws.unused, core=True)},
        section=_SECTION,
        assess=points_at_masks,
        hints=HINTS,
        by_files=True,
        depicted=Depiction("images", amounts=True),
    ),
]
"""Judges of saliency maps."""
