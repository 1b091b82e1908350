"""Judges of notebook 03 for what is done with images: shifts, masks, augmenters, streams."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from grader.contract.judge import Depiction, Judge, Mistake, Question
from utils.rules import augmented, observing
from utils.rules.augmented import HINTS

_ONLINE = "Exercise 03.2: images that never existed"

Array = np.ndarray


# -- shifts ---------------------------------------------------------------------------------------


def _draw_shift(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    for count, height, width, most, what in (
        (1, 5, 7, 2, "one image, 5×7"),
        (4, 6, 9, 3, "four images, each by its own amount"),
        (3, 8, 5, 4, "far"),
    ):
        images = rng.integers(1, 256, (count, height, width, 3)).astype(np.float32) / 256
        down, right = _amounts(rng, count, most), _amounts(rng, count, most)
        right = np.where(right == down, right - 1 - 2 * (right < 0), right)
        yield Question(what, {"images": images, "down": down, "right": right})
    images = rng.integers(1, 256, (2, 6, 6, 3)).astype(np.float32) / 256
    still = {"images": images, "down": np.array([0, 2]), "right": np.array([1, 0])}
    yield Question("by nothing in one direction", still)


def _amounts(rng: np.random.Generator, count: int, most: int) -> Array:
    """Amounts other than zero, of both signs where there are several, no two alike in a row."""
    sizes = rng.permutation(np.arange(1, most + 1))[np.arange(count) % most]
    signs = rng.permutation(np.where(np.arange(count) % 2, -1, 1))
    return sizes * signs


def _shift(images: Array, down: Array, right: Array) -> Array:
    height, width = images.shape[1:3]
    rows = np.clip(np.arange(height) - np.asarray(down)[:, None], 0, height - 1)
    columns = np.clip(np.arange(width) - np.asarray(right)[:, None], 0, width - 1)
    number = np.arange(len(images))[:, None, None]
    return images[number, rows[:, :, None], columns[:, None, :]]


def _rolled(images: Array, down: Array, right: Array) -> Array:
    moved = [np.roll(i, (d, r), (0, 1)) for i, d, r in zip(images, down, right, strict=True)]
    return np.array(moved)


def _filled(images: Array, down: Array, right: Array, value: float = 0.0) -> Array:
    moved = _rolled(images, down, right)
    for image, d, r in zip(moved, down, right, strict=True):
        image[: max(d, 0)] = value
        image[len(image) + min(d, 0) :] = value
        image[:, : max(r, 0)] = value
        image[:, image.shape[1] + min(r, 0) :] = value
    return moved


def _mirrored_edges(images: Array, down: Array, right: Array) -> Array:
    most = 4
    padded = np.pad(images, ((0, 0), (most, most), (most, most), (0, 0)), mode="symmetric")
    inside = _rolled(padded, down, right)
    return inside[:, most:-most, most:-most]


def _diagonal(images: Array, down: Array, right: Array) -> Array:
    """Raises for images that aren't square, as it does for whoever writes it."""
    height, width = images.shape[1:3]
    moved = np.empty_like(images)
    for n, (d, r) in enumerate(zip(down, right, strict=True)):
        rows = np.clip(np.arange(height) - d, 0, height - 1)
        moved[n] = images[n][rows, np.clip(np.arange(width) - r, 0, width - 1)]
    return moved


_SHIFT_MISTAKES = {
    "what leaves the image comes back on the other side": Mistake(
        _rolled, "np.roll wraps around.  Pixels at the edge are to be repeated."
    ),
    "filled with zeros": Mistake(_filled, "Repeat the pixels at the edge; zeros look like a bar."),
    "the edge mirrored, not repeated": Mistake(
        _mirrored_edges, 'mode="edge" repeats, "reflect" and "symmetric" mirror.'
    ),
    "moved up and left in place of down and right": Mistake(
        lambda images, down, right: _shift(images, -down, -right),
        "Pixel (y, x) of the result comes from (y - down, x - right).",
    ),
    "down and right swapped": Mistake(
        lambda images, down, right: _shift(images, right, down),
        "Images have shape (N, H, W, C): rows come first.",
    ),
    "all images moved by the first one's amount": Mistake(
        lambda images, down, right: _shift(
            images, np.full(len(images), down[0]), np.full(len(images), right[0])
        ),
        "down[n] and right[n] belong to image n.",
    ),
    "only moved down": Mistake(
        lambda images, down, right: _shift(images, down, 0 * right), "And to the right."
    ),
    "only moved to the right": Mistake(
        lambda images, down, right: _shift(images, 0 * down, right), "And down."
    ),
    "rows and columns fetched in pairs: a diagonal": Mistake(
        _diagonal, "image[rows, columns] pairs them; image[rows][:, columns] crosses them."
    ),
    "cut off at the edge": Mistake(
        lambda images, down, right: images[:, max(down[0], 0) :, max(right[0], 0) :],
        "The result has the size of the images.",
    ),
}


# -- masks, augmenters, streams -------------------------------------------------------------------


def _draw_masks(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    for count in (12, 16):
        images, masks = observing.spotted(count, int(rng.integers(2**31)))
        seed = int(rng.integers(1000))
        inputs = {"images": images, "masks": masks, "seed": seed}
        yield Question(f"{count} images with a red spot", inputs, expected={})
    yield Question("the same seed once more", inputs, expected={}, same_as=1)
    yield Question("another seed", inputs | {"seed": seed + 1}, expected={}, unlike=1)
    images, masks = observing.ruled(200)
    inputs = {"images": images, "masks": masks, "seed": int(rng.integers(1000))}
    yield Question("200 images: how far?", inputs, expected={})


def _draw_augmenter(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    for dataset, what in (("photodigits", "PhotoDigits"), ("cifar10", "for CIFAR-10")):
        inputs = {"seed": int(rng.integers(2**31)), "dataset": dataset}
        yield Question(what, inputs, expected={})


def _draw_streams(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    for count, validation, batch, what in (
        (128, 24, 16, "batches of 16"),  # so many that a buffer of one batch hardly mixes them
        (75, 30, 32, "a last batch that is not full"),
    ):
        inputs = {
            "count": count + int(rng.integers(0, 5)) * (count == 75),
            "validation": validation,
            "batch": batch,
            "seed": int(rng.integers(1, 10)),  # no size of a batch
        }
        yield Question(what, inputs, expected={})


def unused(**_: Any) -> None:
    """In place of a reference where nothing equals anything."""
    raise NotImplementedError("what is wanted stands with the assessor")


def _lit(images: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Images that are dark where their masks say that there is nothing."""
    if images.shape[:-1] != masks.shape:
        raise ValueError("the masks are of another size")
    return images * (0.3 + 0.7 * (masks > 0.5))[..., None]


JUDGES_IMAGES = [
    Judge(
        "shift", _shift, _draw_shift, _SHIFT_MISTAKES, section=_ONLINE, depicted=Depiction("images")
    ),
    Judge(
        "move_with_masks",
        unused,
        _draw_masks,
        parts=("images", "masks"),
        section=_ONLINE,
        assess=augmented.moved_with_masks,
        idle=(lambda images, masks, seed: (images, masks),),
        hints=HINTS,
        depicted=Depiction("images", lambda value: _lit(*value)),
    ),
    Judge(
        "augmenter",
        unused,
        _draw_augmenter,
        {
            name: Mistake(unused, core=True)
            for name in (augmented.MIRRORED, augmented.TURNED, augmented.ON_ITS_SIDE)
        },
        section=_ONLINE,
        assess=augmented.augmenter,
        hints=HINTS,
        patience=2.0,
    ),
    Judge(
        "streams",
        unused,
        _draw_streams,
        section=_ONLINE,
        assess=augmented.streams,
        hints=HINTS,
        patience=2.0,
    ),
]
"""Judges of images on their way to training."""
