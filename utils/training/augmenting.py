"""What `check` asks for in notebook 03: augmenters tried on images, streams read for two epochs,
and what trained nets say, twice.

These functions wrap a student's; they only collect, and judges decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np

from utils.checks.answering import aside
from utils.images import photo_digits
from utils.images.datasets import Dataset
from utils.nets.describe import describe
from utils.training import augmenters, models

Build = Callable[[], Any]

TRIED = 48
"""Images on which an augmenter is tried."""

_COPIES = 16
_CLASSES = 10


@cache
@aside
def probe_images(seed: int) -> np.ndarray:
    """PhotoDigits (48, 32, 32, 3) float32 in [0, 1] on which augmenters are tried."""
    drawn = photo_digits.render(TRIED, "validation", seed=seed, keep=False).images
    return drawn.astype(np.float32) / 255


def tried(build_augmenter: Callable[[str], Any]) -> Callable[[int, str], dict[str, Any]]:
    """What `check` asks for where an augmenter counts: what it makes of images in two calls, of one
    image many times, and with training=False."""

    def answer(seed: int, dataset: str) -> dict[str, Any]:
        images = probe_images(int(seed))
        augmenter = build_augmenter(dataset)
        repeated = np.repeat(images[:1], _COPIES, axis=0)
        found = {
            "first": augmenters.apply(augmenter, images.copy(), True),
            "second": augmenters.apply(augmenter, images.copy(), True),
            "repeated": augmenters.apply(augmenter, repeated, True),
        }
        if augmenters.takes_training(augmenter):
            found["evaluation"] = augmenters.apply(augmenter, images.copy(), False)
        return found

    return answer


def stream_data(count: int, validation: int, seed: int) -> Dataset:
    """Marked images with one-hot labels, in order, for trying out streams."""
    rng = np.random.default_rng(seed)
    x = [
        augmenters.marked(np.arange(n), kind)
        for n, kind in ((count, False), (validation, True), (1, True))
    ]
    y = [np.eye(_CLASSES, dtype=np.float32)[rng.integers(_CLASSES, size=len(part))] for part in x]
    names = photo_digits.CLASS_NAMES
    return Dataset("photodigits", x[0], y[0], x[1], y[1], x[2], y[2], names, "marked images")


def read(streams: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    """What `check` asks for where streams count: two epochs of each, image by image, and in which
    order training images come if the seed is the same, or another."""

    def answer(count: int, validation: int, batch: int, seed: int) -> dict[str, Any]:
        data = stream_data(int(count), int(validation), int(seed))

        def made(seed: int) -> tuple[Any, Any]:
            pair = streams(data, augmenters.stamp(), int(batch), int(seed))
            if not isinstance(pair, (tuple, list)) or len(pair) != 2:
                raise TypeError("expected two streams: (training, validation)")
            return pair[0], pair[1]

        pair = made(seed)
        return {
            "training": _two_epochs(pair[0], int(count)),
            "validation": _two_epochs(pair[1], int(validation)),
            "order": [_order(made(seed + more)[0], int(count)) for more in (0, 1)],
        }

    return answer


def _order(stream: Any, count: int) -> np.ndarray:
    """The first row of each image of an epoch, where its number stands."""
    if _is_pair_of_arrays(stream):
        return np.asarray(stream[0], np.float32)[:, :1]
    return _epoch(_batches(stream), count)["images"][:, :1]


def _two_epochs(stream: Any, count: int) -> list[dict[str, Any]]:
    """Images, labels and sizes of batches, twice, and whether the first goes on after `count`
    images: "longer" than it should, or "for ever"."""
    if _is_pair_of_arrays(stream):
        found = {
            "images": np.asarray(stream[0], np.float32),
            "labels": np.asarray(stream[1], np.float32),
            "sizes": np.array([count]),
            "goes on": "",
        }
        return [found, found]
    batches = _batches(stream)
    first = _epoch(batches, count)
    endless = _endless(stream)
    first["goes on"] = "for ever" if endless else ""
    if not hasattr(stream, "__next__") and not endless:
        first["goes on"] = "" if next(batches, None) is None else "longer"
        getattr(stream, "on_epoch_end", lambda: None)()  # Keras' PyDatasets are told
        batches = _batches(stream)
    return [first, _epoch(batches, count)]


def _is_pair_of_arrays(stream: Any) -> bool:
    return (
        isinstance(stream, (tuple, list))
        and len(stream) == 2
        and all(hasattr(part, "shape") for part in stream)
    )


def _endless(stream: Any) -> bool:
    cardinality = getattr(stream, "cardinality", None)
    return cardinality is not None and int(cardinality()) == -1


def _batches(stream: Any) -> Iterator[Any]:
    if hasattr(stream, "__getitem__") and hasattr(stream, "__len__"):  # PyDataset, or a list
        yield from (stream[number] for number in range(len(stream)))
        return
    yield from stream() if callable(stream) and not hasattr(stream, "__iter__") else stream


def _epoch(batches: Iterator[Any], count: int) -> dict[str, Any]:
    images: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    sizes: list[int] = []
    while sum(sizes) < count:
        batch = next(batches, None)
        if batch is None:
            break
        if not isinstance(batch, (tuple, list)) or len(batch) < 2:
            raise TypeError("a batch is a pair: (images, labels)")
        images.append(np.asarray(batch[0], np.float32))
        labels.append(np.asarray(batch[1], np.float32))
        if images[-1].ndim != 4:
            raise TypeError(
                f"a batch of images has shape {images[-1].shape}; expected (B, 32, 32, 3): is "
                ".batch(batch) missing?"
            )
        sizes.append(len(images[-1]))
        if len(sizes) > 10 * count:  # batches without images
            break
    return {
        "images": np.concatenate(images) if images else np.zeros((0, 32, 32, 3), np.float32),
        "labels": np.concatenate(labels) if labels else np.zeros((0, _CLASSES), np.float32),
        "sizes": np.array(sizes, int),
    }


# -- trained nets ---------------------------------------------------------------------------------


def answers(name: str, build: Build) -> Callable[..., dict[str, Any]]:
    """`models.answers`, and what the model says of some of the images a second time."""
    once = models.answers(name, build)

    def answer(images: Any, known: Any = None) -> dict[str, Any]:
        found = once(images, known)
        shown = models.images_for(found["dataset"], images)
        again = models.outputs_of(models.restore(name, build), shown[:_AGAIN])
        return found | {"again": again}

    return answer


_AGAIN = 100


def configured(build: Callable[[int], Any]) -> Callable[[Any], dict[str, Any]]:
    """What `check` asks for where the configuration of a net with a given number of filters
    counts."""
    return lambda filters: describe(build(int(filters)))


@aside
def with_masks(count: int) -> tuple[np.ndarray, np.ndarray]:
    """The first training images of PhotoDigits, (count, 32, 32, 3) float32 in [0, 1], and the masks
    of their digits, (count, 32, 32) bool."""
    drawn = photo_digits.render(count, "train", keep=False)
    return drawn.images.astype(np.float32) / 255, drawn.masks
