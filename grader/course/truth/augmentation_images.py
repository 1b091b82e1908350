"""Known answers to notebook 03: shifts, of images and of their masks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from grader.contract.sample import right, wrong
from utils.nets import quiet

Array = np.ndarray


# -- shifts ---------------------------------------------------------------------------------------


def padded_shift(images: Array, down: Array, right: Array) -> Array:
    """Padded far, then cut out."""
    height, width = images.shape[1:3]
    most = max(height, width)
    padded = np.pad(images, ((0, 0), (most, most), (most, most), (0, 0)), mode="edge")
    cut = [
        image[most - d : most - d + height, most - r : most - r + width]
        for image, d, r in zip(padded, down, right, strict=True)
    ]
    return np.stack(cut)


def _scipy_shift(images: Array, down: Array, right: Array) -> list[Array]:
    from scipy import ndimage  # SciPy takes its time to import

    return [
        ndimage.shift(image, (d, r, 0), order=0, mode="nearest")
        for image, d, r in zip(images, down, right, strict=True)
    ]


def _gathered(images: Array, down: Array, right: Array) -> Any:
    tf = quiet.import_tensorflow()
    height, width = images.shape[1:3]
    rows = tf.clip_by_value(tf.range(height)[None] - np.asarray(down)[:, None], 0, height - 1)
    columns = tf.clip_by_value(tf.range(width)[None] - np.asarray(right)[:, None], 0, width - 1)
    moved = tf.gather(images, rows, axis=1, batch_dims=1)
    return tf.gather(moved, columns, axis=2, batch_dims=1)


def rolled(images: Array, down: Array, right: Array) -> Array:
    """Comes back on the other side."""
    return np.stack([np.roll(i, (d, r), (0, 1)) for i, d, r in zip(images, down, right)])  # noqa: B905


def _zeros(images: Array, down: Array, right: Array) -> Array:
    moved = np.zeros_like(images)
    height, width = images.shape[1:3]
    for n, (d, r) in enumerate(zip(down, right, strict=True)):
        moved[n, max(d, 0) : height + min(d, 0), max(r, 0) : width + min(r, 0)] = images[
            n, max(-d, 0) : height - max(d, 0), max(-r, 0) : width - max(r, 0)
        ]
    return moved


_SHIFTS = [
    right("shift: padded, then cut out", padded_shift),
    right("shift: scipy.ndimage.shift", _scipy_shift),
    right("shift: tf.gather", _gathered),
    wrong("shift: np.roll -> what leaves the image comes back on the other side", rolled),
    wrong("shift: zeros -> filled with zeros", _zeros),
    wrong(
        "shift: axes mixed up -> down and right swapped",
        lambda images, down, right: padded_shift(images, right, down),
    ),
    wrong(
        "shift: the wrong way -> moved up and left in place of down and right",
        lambda images, down, right: padded_shift(images, -down, -right),
    ),
    wrong(
        "shift: down[0] for all -> all images moved by the first one's amount",
        lambda images, down, right: padded_shift(images, 0 * down + down[0], 0 * right + right[0]),
    ),
]


# -- masks ----------------------------------------------------------------------------------------


def _amounts(seed: int, count: int, most: int = 4) -> Array:
    return np.random.RandomState(seed).randint(-most, most + 1, (2, count))


def _moved(images: Array, amounts: Array) -> Array:
    flat = images if images.ndim == 4 else images[..., None]
    return padded_shift(flat, *amounts).reshape(images.shape)


def _masks_loop(images: Array, masks: Array, seed: int) -> tuple[Array, Array]:
    amounts = _amounts(seed, len(images))
    return rolled(images, *amounts), rolled(masks[..., None], *amounts)[..., 0].astype(int)


def _masks_as_channel(images: Array, masks: Array, seed: int) -> tuple[Any, Any]:
    layers = quiet.import_keras().layers
    layer = layers.RandomTranslation(0.12, 0.12, fill_mode="nearest", seed=seed)
    stacked = np.concatenate([images, masks[..., None].astype(np.float32)], axis=-1)
    moved = np.asarray(layer(stacked, training=True))
    return moved[..., :3], moved[..., 3] > 0.5


def _masks_turned(images: Array, masks: Array, seed: int) -> tuple[Array, Array]:
    from scipy import ndimage  # SciPy takes its time to import

    angles = np.random.default_rng(seed).uniform(-40, 40, len(images))
    turn = {"reshape": False, "order": 0, "mode": "nearest"}
    return (
        np.stack([ndimage.rotate(i, a, **turn) for i, a in zip(images, angles, strict=True)]),
        np.stack([ndimage.rotate(m, a, **turn) for m, a in zip(masks, angles, strict=True)]),
    )


def _masks_blurred(images: Array, masks: Array, seed: int) -> tuple[Array, Array]:
    from scipy import ndimage  # SciPy takes its time to import

    amounts = _amounts(seed, len(images)) + 0.5
    soft = [
        ndimage.shift(m.astype(float), (d, r), order=1)
        for m, d, r in zip(masks, *amounts, strict=True)
    ]
    moved = [
        ndimage.shift(i, (d, r, 0), order=1, mode="nearest")
        for i, d, r in zip(images, *amounts, strict=True)
    ]
    return np.stack(moved), np.stack(soft)


def _pair(down: Array, right: Array) -> Array:
    return np.stack([down, right])


def _by(amounts: Callable[[np.random.Generator, int], Array]) -> Callable[..., Any]:
    """Images and masks moved together, by amounts that are drawn in some way."""

    def move(images: Array, masks: Array, seed: int) -> tuple[Array, Array]:
        drawn = amounts(np.random.default_rng(seed), len(images))
        return _moved(images, drawn), _moved(masks, drawn)

    return move


_MASKS = [
    right("move_with_masks: zeros and ones as integers, rolled", _masks_loop),
    right("move_with_masks: the mask as a fourth channel", _masks_as_channel),
    wrong("move_with_masks: turned -> images are not moved, but changed otherwise", _masks_turned),
    wrong(
        "move_with_masks: another order -> images are not moved, but changed otherwise",
        lambda images, masks, seed: (images[::-1], masks[::-1]),
    ),
    *(
        wrong(f"move_with_masks: {title}", _by(amounts))
        for title, amounts in {
            "vertically alone -> moved in one direction alone": lambda rng, n: _pair(
                rng.integers(-4, 5, n), np.zeros(n, int)
            ),
            "one amount for both -> one amount for both directions": lambda rng, n: _pair(
                *[rng.integers(-4, 5, n)] * 2
            ),
            "from 0 to 4 -> never moved up, or never to the left": lambda rng, n: rng.integers(
                0, 5, (2, n)
            ),
            "by one pixel -> never moved as far as four pixels": lambda rng, n: rng.integers(
                -1, 2, (2, n)
            ),
            "integers(-4, 4) -> never moved as far as four pixels": lambda rng, n: rng.integers(
                -4, 4, (2, n)
            ),
            "by up to six -> moved by more than four pixels": lambda rng, n: rng.integers(
                -6, 7, (2, n)
            ),
            "chance of its own -> drawn without the seed": lambda rng, n: (
                np.random.default_rng().integers(-4, 5, (2, n))
            ),
            "always seed 0 -> the seed makes no difference": lambda rng, n: np.random.default_rng(
                0
            ).integers(-4, 5, (2, n)),
        }.items()
    ),
    wrong(
        "move_with_masks: mask as it was -> the masks stay where they were",
        lambda images, masks, seed: (_moved(images, _amounts(seed, len(images))), masks),
    ),
    wrong(
        "move_with_masks: drawn twice -> the masks are moved by other amounts than the images",
        lambda images, masks, seed: (
            _moved(images, _amounts(seed, len(images))),
            _moved(masks, _amounts(seed + 1, len(images))),
        ),
    ),
    wrong(
        "move_with_masks: the mask the other way -> "
        "the masks are moved by other amounts than the images",
        lambda images, masks, seed: (
            _moved(images, _amounts(seed, len(images))),
            _moved(masks, -_amounts(seed, len(images))),
        ),
    ),
    wrong(
        "move_with_masks: interpolated masks -> masks with values between 0 and 1", _masks_blurred
    ),
    wrong(
        "move_with_masks: one shift for all -> all images are moved alike",
        lambda images, masks, seed: (
            _moved(images, np.full((2, len(images)), 3)),
            _moved(masks, np.full((2, len(images)), 3)),
        ),
    ),
    wrong(
        "move_with_masks: as they were -> images are not moved",
        lambda images, masks, seed: (images, masks),
    ),
    wrong(
        "move_with_masks: by up to 30 pixels -> objects are moved out of the picture",
        lambda images, masks, seed: (
            _moved(images, _amounts(seed, len(images), 30)),
            _moved(masks, _amounts(seed, len(images), 30)),
        ),
    ),
    wrong("move_with_masks: only images", lambda images, masks, seed: images),
]


SAMPLES_IMAGES = [*_SHIFTS, *_MASKS]
