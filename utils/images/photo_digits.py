"""PhotoDigits: handwritten digits painted on patches of photographs, ten classes, made on the spot.

A data set that needs no download: as many RGB images as asked for, of 32×32 or 64×64 pixels, always
the same ones for the same seed, each with the mask of its digit as the true answer to "where is
it?".  Training, validation and test images share no handwritten digit and no part of a photograph.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
from collections import OrderedDict
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from utils.checks.answering import to_look_at

DATA = Path(__file__).resolve().parents[2] / "data"
SOURCES = DATA / "photo_digits.npz"
"""What images are rendered from."""

CACHE = DATA / "cache"
"""Where rendered images are kept on disk."""

CLASS_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

Split = Literal["train", "validation", "test"]
_SPLITS = get_args(Split)
_SHARES = (0.60, 0.15, 0.25)  # of the handwritten digits of each class
_CHUNK = 500  # images that are drawn from one random stream and rendered at once
_SPLIT_SEED = 2018
_KEPT_IN_MEMORY = 4
_VERSION = 2  # raise when the pictures of a style change, so that old caches are not used


@dataclass(frozen=True)
class Style:
    """How digits are painted.  Each pair is the range of a uniform distribution."""

    height: tuple[float, float] = (0.60, 0.85)
    """Height of the digit's 8×8 grid as a fraction of the image's."""
    width: tuple[float, float] = (0.85, 1.15)
    """Width of that grid as a fraction of its height."""
    shift: float = 0.115
    """Largest distance of the grid's centre from the image's, as a fraction of the image's size."""
    contrast: tuple[float, float] = (0.22, 0.55)
    """Brightness of the ink above (or below) that of the photograph, of 1."""
    dark: float = 0.08
    """Fraction of images with dark ink on a bright photograph."""
    colour: float = 0.15
    """Largest deviation of the ink's red, green and blue from its brightness."""
    clutter: tuple[float, float] = (0.5, 1.1)
    """Contrast of the photograph, as a multiple of the original's."""


DEFAULT = Style()


@dataclass(frozen=True)
class PhotoDigits:
    """Rendered images."""

    images: np.ndarray
    """(N, size, size, 3) uint8."""
    labels: np.ndarray
    """(N,) int64, in 0 … 9."""
    masks: np.ndarray
    """(N, size, size) bool: where the ink covers at least half of the photograph."""


@to_look_at
def render(
    count: int,
    split: Split = "train",
    size: int = 32,
    seed: int = 0,
    style: Style = DEFAULT,
    keep: bool = True,
) -> PhotoDigits:
    """Render images, or fetch them from memory or disk if they were rendered before.

    The first images of a longer series are those of a shorter one.  Every ten images hold every
    class once, in random order.  size: height and width in pixels, 32 or 64.
    keep: remember them in memory and on disk; False for images that are wanted once.
    Raises ValueError for another size or split, or a negative count.
    """
    if size not in (32, 64):
        raise ValueError(f"PhotoDigits come in sizes 32 and 64, not {size}")
    if split not in _SPLITS:
        raise ValueError(f"unknown split {split!r}; known: {', '.join(_SPLITS)}")
    if count < 0:
        raise ValueError(f"can't render {count} images")
    if not keep:
        return _render(count, split, size, seed, style)
    key = _key(count, split, size, seed, style)
    found = _MEMORY.get(key) or _read(key, count, size)
    if found is None:
        found = _render(count, split, size, seed, style)
        _write(key, found)
    for array in (found.images, found.labels, found.masks):
        array.flags.writeable = False  # the same arrays go to whoever asks next
    _MEMORY[key] = found
    _MEMORY.move_to_end(key)
    while len(_MEMORY) > _KEPT_IN_MEMORY:
        _MEMORY.popitem(last=False)
    return found


def _render(count: int, split: Split, size: int, seed: int, style: Style) -> PhotoDigits:
    images = np.empty((count, size, size, 3), np.uint8)
    labels = np.empty(count, np.int64)
    masks = np.empty((count, size, size), bool)
    for number, start in enumerate(range(0, count, _CHUNK)):
        rng = np.random.default_rng([seed, _SPLITS.index(split), number])
        stop = min(start + _CHUNK, count)
        part = slice(start, stop)
        images[part], labels[part], masks[part] = (
            a[: stop - start] for a in _chunk(split, size, style, rng)
        )
    return PhotoDigits(images, labels, masks)


def _chunk(
    split: Split, size: int, style: Style, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    labels = np.argsort(rng.random((_CHUNK // 10, 10)), axis=1).reshape(-1)
    ink = _ink(labels, split, size, style, rng)
    backdrop = _patches(split, size, rng)
    brightness = backdrop.mean(axis=(1, 2, 3), keepdims=True, dtype=float).astype(np.float32)
    clutter = rng.uniform(*style.clutter, (_CHUNK, 1, 1, 1)).astype(np.float32)
    contrast = rng.uniform(*style.contrast, (_CHUNK, 1, 1, 1)).astype(np.float32)
    level = rng.uniform(0.25, 0.45, (_CHUNK, 1, 1, 1)).astype(np.float32)
    tint = rng.uniform(-style.colour, style.colour, (2, _CHUNK, 1, 1, 3)).astype(np.float32)
    tint -= tint.mean(axis=-1, keepdims=True)
    photo = level + clutter * (backdrop - brightness) + tint[0] / 2
    picture = photo + ink[..., None] * (level + contrast + tint[1] - photo)
    dark = rng.random((_CHUNK, 1, 1, 1)) < style.dark
    picture = np.where(dark, 1 - picture, picture)
    return np.rint(255 * np.clip(picture, 0, 1)).astype(np.uint8), labels, ink >= 0.5


def _ink(
    labels: np.ndarray, split: Split, size: int, style: Style, rng: np.random.Generator
) -> np.ndarray:
    """Cover of the ink in [0, 1], (N, size, size) float32.

    Scaling and shifting act on rows and columns separately, so a digit is enlarged by two small
    matrices: cover = rows @ digit @ columns.T.
    """
    by_class = _digits_of(split)
    which = rng.random(len(labels))
    digits = np.stack(
        [by_class[c][int(w * len(by_class[c]))] for c, w in zip(labels, which, strict=True)]
    )
    height = rng.uniform(*style.height, len(labels))
    width = height * rng.uniform(*style.width, len(labels))
    centre = 0.5 + rng.uniform(-style.shift, style.shift, (2, len(labels)))
    rows = _enlarge(size, height, centre[0])
    columns = _enlarge(size, width, centre[1])
    # sums in double precision, whose order differs between machines, and then no pixel does
    smooth = (rows @ digits.astype(float) @ columns.transpose(0, 2, 1)).astype(np.float32)
    return np.clip((smooth - 0.25) / 0.4, 0, 1)  # an edge about a pixel wide


def _enlarge(size: int, extent: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Cubic interpolation from 8 samples to `size` pixels, one matrix (size, 8) per image."""
    pixels = (np.arange(size) + 0.5) / size
    position = (pixels[None] - centre[:, None]) / extent[:, None] * 8 + 3.5
    distance = np.abs(position[..., None] - np.arange(8))
    # Keys' cubic kernel with a = -1/2 (IEEE Trans. ASSP 29, 1981)
    near = (1.5 * distance - 2.5) * distance**2 + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    return np.where(distance < 1, near, np.where(distance < 2, far, 0))


def _patches(split: Split, size: int, rng: np.random.Generator) -> np.ndarray:
    """Random windows of the photographs, half of them mirrored, (N, size, size, 3) in [0, 1]."""
    regions = _regions(split)
    which = rng.integers(len(regions), size=_CHUNK)
    top, left = rng.random((2, _CHUNK))
    mirrored = rng.random(_CHUNK) < 0.5
    out = np.empty((_CHUNK, size, size, 3), np.float32)
    for number, region in enumerate(regions):
        chosen = np.flatnonzero(which == number)
        windows = np.lib.stride_tricks.sliding_window_view(region, (size, size), axis=(0, 1))
        y = (top[chosen] * windows.shape[0]).astype(int)
        x = (left[chosen] * windows.shape[1]).astype(int)
        out[chosen] = np.moveaxis(windows[y, x], 1, -1)
    out[mirrored] = out[mirrored, :, ::-1]
    return out / 255


@cache
def _digits_of(split: Split) -> tuple[np.ndarray, ...]:
    """Handwritten digits of each class, (n, 8, 8) float32 in [0, 1]."""
    stored = _sources()
    images, labels = stored["digit_images"].astype(np.float32) / 16, stored["digit_labels"]
    rng = np.random.default_rng(_SPLIT_SEED)
    chosen = []
    for digit in range(10):
        order = rng.permutation(np.flatnonzero(labels == digit))
        cuts = (np.cumsum((0.0, *_SHARES)) * len(order)).round().astype(int)
        number = _SPLITS.index(split)
        chosen.append(images[order[cuts[number] : cuts[number + 1]]])
    return tuple(chosen)


@cache
def _regions(split: Split) -> tuple[np.ndarray, ...]:
    """The part of each photograph that belongs to a split, (H, W, 3) uint8, at least 64×64.

    The left 55 % are for training; of the rest, the upper half is for validation, the lower for
    the test.
    """
    parts = []
    for name, photo in sorted(_sources().items()):
        if not name.startswith("photo_"):
            continue
        middle, side = photo.shape[0] // 2, round(0.55 * photo.shape[1])
        parts.append(
            {
                "train": photo[:, :side],
                "validation": photo[:middle, side:],
                "test": photo[middle:, side:],
            }[split]
        )
    return tuple(parts)


@cache
def _sources() -> dict[str, np.ndarray]:
    """Handwritten digits (`digit_images`, `digit_labels`) and photographs (`photo_…`)."""
    try:
        with np.load(SOURCES, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except Exception as error:  # zip and numpy raise many types on malformed bytes
        raise RuntimeError(
            f"{SOURCES} is missing or damaged ({type(error).__name__}); it is part of the course: "
            "unpack the course again"
        ) from None


_MEMORY: OrderedDict[str, PhotoDigits] = OrderedDict()


def _key(count: int, split: Split, size: int, seed: int, style: Style) -> str:
    """Name that changes with everything the pictures depend on."""
    told = json.dumps([_VERSION, count, split, size, seed, asdict(style)])
    return f"photodigits-{split}-{size}-{hashlib.sha256(told.encode()).hexdigest()[:16]}"


def _read(key: str, count: int, size: int) -> PhotoDigits | None:
    """Images from disk, or None if there are none or the file is damaged (zip checks each part)."""
    try:
        with np.load(CACHE / f"{key}.npz", allow_pickle=False) as stored:
            found = PhotoDigits(stored["images"], stored["labels"], stored["masks"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    shapes = (found.images.shape, found.labels.shape, found.masks.shape)
    wanted = ((count, size, size, 3), (count,), (count, size, size))
    types = (found.images.dtype, found.labels.dtype, found.masks.dtype)
    kinds = tuple(map(np.dtype, (np.uint8, np.int64, np.bool_)))
    return found if shapes == wanted and types == kinds else None


def _write(key: str, found: PhotoDigits) -> None:
    """Keep images on disk, where that is possible: a read-only course works without."""
    try:
        CACHE.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=CACHE, suffix=".partial")
        with os.fdopen(handle, "wb") as stream:
            np.savez(stream, images=found.images, labels=found.labels, masks=found.masks)
        Path(partial).replace(CACHE / f"{key}.npz")
    except OSError:
        return
