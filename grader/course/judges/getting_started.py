"""What is right in notebook 00: an installation, one convolution, a trained net's opinion.

The hidden photographs are PhotoDigits that no training ever saw.  They are chosen so that the order
of the classes doesn't hang on the last digits of a float, and forgetting to preprocess shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from grader.contract.judge import Judge, Mistake, Question
from utils.images import photo_digits

from ..nets import trusted
from ..nets.base import softmax

_CANDIDATES = 48  # photographs from which a case's are chosen
_LEAST_GAP = 0.05  # between the scores of neighbours among the first six classes
_RTOL = 1e-3


# -- installation ---------------------------------------------------------------------------------

_INSTALLED = {
    "tensorflow": 2,
    "keras": 3,
    "backend": "tensorflow",
    "image_data_format": "channels_last",
    "cpus": 1,
}


def _draw_installation(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    yield Question("your installation")


# -- one convolution ------------------------------------------------------------------------------

_CONVOLUTIONS = (
    # (images, height, width), (kernel height, kernel width), (channels, filters)
    ((1, 8, 8), (3, 3), (3, 4)),
    ((2, 9, 7), (2, 3), (3, 5)),
    ((3, 6, 11), (5, 2), (1, 2)),
    ((1, 5, 6), (1, 1), (4, 3)),
)


def _draw_convolution(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    for (count, height, width), (kh, kw), (channels, filters) in _CONVOLUTIONS:
        x = rng.standard_normal((count, height, width, channels)).astype(np.float32)
        w = rng.standard_normal((kh, kw, channels, filters)).astype(np.float32)
        label = f"{count} × {height}×{width}, {channels} channels, {filters} kernels of {kh}×{kw}"
        yield Question(label, {"images": x, "kernels": w}, rtol=1e-4)


def _convolve(images: np.ndarray, kernels: np.ndarray) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(images, kernels.shape[:2], axis=(1, 2))
    return np.einsum("nyxcij,ijcf->nyxf", windows, kernels)


def _same(images: np.ndarray, kernels: np.ndarray) -> np.ndarray:
    sides = [(0, 0)] + [((k - 1) // 2, k // 2) for k in kernels.shape[:2]] + [(0, 0)]
    return _convolve(np.pad(images, sides), kernels)


_CONVOLUTION_MISTAKES = {
    "padding SAME, though VALID was asked for": Mistake(
        _same, 'tf.nn.conv2d takes padding="VALID": the kernel stays inside the image.'
    ),
    "kernels flipped: that is convolution, not cross-correlation": Mistake(
        lambda images, kernels: _convolve(images, kernels[::-1, ::-1]),
        "Nets use cross-correlation: the kernel is laid on the image as it is.",
    ),
    "stride 2": Mistake(
        lambda images, kernels: _convolve(images, kernels)[:, ::2, ::2],
        "strides=1 moves the kernel by one pixel.",
    ),
    "a ReLU too many": Mistake(
        lambda images, kernels: np.maximum(_convolve(images, kernels), 0),
        "Only the convolution is asked for; negative values stay.",
    ),
    "the sum over the channels is missing": Mistake(
        lambda images, kernels: _convolve(images[..., :1], kernels[:, :, :1]),
        "Each kernel looks at all channels and adds up what it finds.",
    ),
    "each channel convolved by itself, and nothing added up": Mistake(
        lambda images, kernels: np.concatenate(
            [_convolve(images[..., [c]], kernels[:, :, [c]]) for c in range(images.shape[3])],
            axis=3,
        ),
        "Each kernel looks at all channels and adds up what it finds: one map for each kernel.",
    ),
    "kernel height and width swapped": Mistake(
        lambda images, kernels: _convolve(images, kernels.transpose(1, 0, 2, 3)),
        "kernels have the shape (height, width, channels in, channels out).",
    ),
}


# -- a trained net's opinion ----------------------------------------------------------------------


def _draw_photographs(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    cases = (
        # label, how many, range of the exposure
        ("twelve photographs", 12, (0.2, 1.0)),
        ("a single photograph", 1, (0.2, 0.45)),
        ("eight photographs taken at dusk", 8, (0.2, 0.45)),
        ("seven photographs", 7, (0.2, 1.0)),
    )
    seed = int(rng.integers(2**31))
    drawn = photo_digits.render(len(cases) * _CANDIDATES, "test", seed=seed, keep=False).images
    for (label, count, (low, high)), images in zip(cases, np.split(drawn, len(cases)), strict=True):
        exposure = rng.uniform(low, high, (_CANDIDATES, 1, 1, 1))
        exposed = np.rint(images * exposure).astype(np.uint8)
        chosen = rng.permutation(_worth_asking(exposed)[:count])
        yield Question(label, {"images": exposed[chosen]}, rtol=_RTOL)


def _worth_asking(images: np.ndarray) -> np.ndarray:
    """Indices of images, best questions first.

    Those where neighbours among the six best classes are too close are last, so that two right
    programs don't differ; those that the net takes for something else without preprocessing are
    first, so that leaving it out shows.
    """
    scores = _logits(images)
    ranked = -np.sort(-scores, axis=1)
    close = (ranked[:, :5] - ranked[:, 1:6]).min(axis=1) < _LEAST_GAP
    telling = _logits(images, raw=True).argmax(axis=1) != scores.argmax(axis=1)
    return np.argsort(2 * close - 1 * telling, kind="stable")


def _logits(images: np.ndarray, raw: bool = False) -> np.ndarray:
    """The trusted net's scores, remembered: each mistake asks for them again.

    raw: without preprocessing, the pixels in 0 … 255 as they are.
    """
    return _remembered(images.tobytes(), images.shape, raw)


@lru_cache(maxsize=64)
def _remembered(pixels: bytes, shape: tuple[int, ...], raw: bool) -> np.ndarray:
    images = np.frombuffer(pixels, np.uint8).reshape(shape)
    return trusted.forward(images.astype(np.float32)) if raw else trusted.logits(images)


def _probabilities(images: np.ndarray) -> np.ndarray:
    return softmax(_logits(images))


def _top(probabilities: np.ndarray, k: int = 5) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(probabilities, order, axis=1)


def _classes(images: np.ndarray) -> np.ndarray:
    return _logits(images).argmax(axis=1)


_RAW = (
    "Photographs hold 0 … 255, the net was trained on another range: "
    "net.preprocess(images) comes before net.model."
)

_CLASSIFY_MISTAKES = {
    "preprocessing left out": Mistake(
        lambda images: _logits(images, raw=True).argmax(axis=1), _RAW
    ),
    "the least likely class": Mistake(
        lambda images: _logits(images).argmin(axis=1), "The best class has the highest score."
    ),
    "the best image of each class, not the best class of each image": Mistake(
        lambda images: _logits(images).argmax(axis=0),
        "Scores have the shape (images, classes): compare along axis 1.",
    ),
    "classes counted from one": Mistake(
        lambda images: _classes(images) + 1, "Python counts from 0: class 0 is the first name."
    ),
    "the second best class": Mistake(
        lambda images: np.argsort(_logits(images), axis=1)[:, -2],
        "Which end of the sorted scores is the best one?",
    ),
    "scores in place of classes": Mistake(
        _logits, "Which position holds the highest score?  That position is the answer."
    ),
    "the highest score in place of its class": Mistake(
        lambda images: _logits(images).max(axis=1),
        "np.max tells how high the score is, np.argmax which class has it.",
    ),
    "the highest probability in place of its class": Mistake(
        lambda images: _probabilities(images).max(axis=1),
        "np.max tells how high it is, np.argmax which class has it.",
    ),
    "one number for all images: argmax without an axis": Mistake(
        lambda images: _logits(images).argmax(),
        "Each image has a row of scores of its own: axis=1.",
    ),
    "probabilities in place of classes": Mistake(
        _probabilities, "Which position holds the highest value?  That is the answer."
    ),
    "the same class for all images": Mistake(
        lambda images: np.full(len(images), _classes(images)[0]),
        "Each image has a row of scores of its own.",
    ),
}


def _five(scores: Callable[[np.ndarray], np.ndarray]) -> Callable[..., Any]:
    return lambda images: _top(scores(images))


def _of_five(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    classes, best = _top(scores)
    return classes, softmax(best)


def _ascending(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    classes, likely = _top(_probabilities(images))
    return classes[:, ::-1], likely[:, ::-1]


def _least(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    classes, likely = _top(-_probabilities(images))
    return classes, -likely


def _unsorted(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    table = _probabilities(images)
    classes = np.sort(_top(table)[0], axis=1)
    return classes, np.take_along_axis(table, classes, axis=1)


def _shifted(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    classes, likely = _top(_probabilities(images), 6)
    return classes[:, 1:], likely[:, 1:]


def _from_one(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    classes, likely = _top(_probabilities(images))
    return classes + 1, likely


def _repeated(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    classes, likely = _top(_probabilities(images), 1)
    return np.repeat(classes, 5, axis=1), np.repeat(likely, 5, axis=1)


def _mismatched(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    table = _probabilities(images)
    return _top(table)[0], table[:, :5]


def _swapped(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    classes, likely = _top(_probabilities(images))
    return likely, classes


_TOP5_MISTAKES = {
    "preprocessing left out": Mistake(
        _five(lambda images: softmax(_logits(images, raw=True))), _RAW
    ),
    "the likeliest class comes last": Mistake(
        _ascending, "np.argsort goes upwards: turn the list round, or sort the negative values."
    ),
    "the five least likely classes": Mistake(
        _least, "np.argsort goes upwards: the best five are at the end."
    ),
    "logits in place of probabilities": Mistake(
        _five(_logits), "net.model gives scores; softmax turns them into probabilities."
    ),
    "softmax applied twice": Mistake(
        _five(lambda images: softmax(_probabilities(images))),
        "net.probabilities has applied softmax already, net.model and net.logits have not.",
    ),
    "softmax over the images, not over the classes": Mistake(
        _five(lambda images: softmax(_logits(images), axis=0)),
        "Each image's probabilities add up to 1: the classes are the last axis.",
    ),
    "sigmoid in place of softmax": Mistake(
        _five(lambda images: 1 / (1 + np.exp(-_logits(images)))),
        "With softmax the probabilities of all classes add up to 1.",
    ),
    "not divided by the sum": Mistake(
        _five(lambda images: np.exp(_logits(images))),
        "Softmax divides the exponentials by their sum.",
    ),
    "softmax over the best five only": Mistake(
        lambda images: _of_five(_logits(images)),
        "The sum in softmax goes over all classes: first softmax, then the best five.",
    ),
    "percent in place of fractions": Mistake(
        _five(lambda images: 100 * _probabilities(images)),
        "A probability lies between 0 and 1.",
    ),
    "the right five, but not sorted by probability": Mistake(
        _unsorted, "np.argpartition and sets lose the order: sort the five."
    ),
    "the best class is left out": Mistake(_shifted, "Which end does your slice begin at?"),
    "classes counted from one": Mistake(
        _from_one, "Python counts from 0: class 0 is the first name."
    ),
    "the best class five times": Mistake(_repeated, "Five different classes are asked for."),
    "probabilities that belong to other classes": Mistake(
        _mismatched, "np.take_along_axis(table, classes, axis=1) picks those of the five classes."
    ),
    "classes and probabilities swapped": Mistake(_swapped, "Return classes first."),
}


JUDGES = [
    Judge(
        "installation",
        reference=lambda: dict(_INSTALLED),
        draw=_draw_installation,
        mistakes={
            "whole version numbers; only the part before the first point is asked for": Mistake(
                lambda: {"tensorflow": "2.21.0", "keras": "3.15.1"},
                'int("2.21.0".split(".")[0]) is 2.',
            ),
            "two numbers of a version; only the part before the first point is asked for": Mistake(
                lambda: {"tensorflow": 2.21, "keras": 3.15}, 'int("2.21.0".split(".")[0]) is 2.'
            ),
            "channels first, which is not what this installation says": Mistake(
                lambda: {"image_data_format": "channels_first"},
                "keras.config.image_data_format() says it.",
            ),
        },
        kind="value",
        parts=tuple(_INSTALLED),
        section="Exercise 00.1: is everything there?",
    ),
    Judge(
        "one_convolution",
        reference=_convolve,
        draw=_draw_convolution,
        mistakes=_CONVOLUTION_MISTAKES,
        section="One convolution",
    ),
    Judge(
        "classify",
        reference=_classes,
        draw=_draw_photographs,
        mistakes=_CLASSIFY_MISTAKES,
        parts=("classes",),
        section="Exercise 00.2: what is in the picture?",
    ),
    Judge(
        "top5",
        reference=_five(_probabilities),
        draw=_draw_photographs,
        mistakes=_TOP5_MISTAKES,
        parts=("classes", "probabilities"),
        section="Exercise 00.3: the five best guesses",
    ),
]
