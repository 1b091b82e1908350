"""What questions of notebook 04 are drawn from: toy nets, photographs, and the class's own net."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from grader.contract.judge import Handed
from utils import codec
from utils.images import photo_digits, spectra
from utils.nets import opinions, pretrained
from utils.nets import toy as nets

from ...nets import of_class, trusted
from ...nets.base import TrustedNet
from ...nets.keras_process import TrustedProcessError

opinions.trust(trusted.of)  # judges never ask a net that student code may have touched

MINI = "mini"
_CANDIDATES = 40  # photographs from which a question's are chosen


@dataclass(frozen=True)
class Subject:
    """The net that a question is about, beside toy nets."""

    name: str
    problem: str = ""
    """Why it can't be asked here, if it can't."""

    @property
    def net(self) -> TrustedNet:
        """The trusted copy."""
        return trusted.net(self.name)

    @property
    def missing(self) -> dict[str, Any]:
        """Expected values of a question that can't be judged here."""
        return {"unavailable": self.problem}


def subject(handed: Handed | None) -> Subject:
    """The class's net; public questions are always about the mini net."""
    name = of_class(handed)
    try:
        trusted.net(name)
    except (pretrained.NetUnavailable, RuntimeError) as error:
        return Subject(name, f"{name}, the net of the class, can't be asked here: {error}")
    return Subject(name)


def ask(net: Any) -> TrustedNet:
    """The trusted net for a question's input `net`; toy nets are remembered, too."""
    if not isinstance(net, Mapping):
        return trusted.net(str(net))
    key = hashlib.sha256(codec.pack(dict(net))).hexdigest()
    if key not in _TOYS:
        while len(_TOYS) >= _TOYS_KEPT:
            del _TOYS[next(iter(_TOYS))]
        _TOYS[key] = trusted.toy(net)
    return _TOYS[key]


_TOYS: dict[str, TrustedNet] = {}
_TOYS_KEPT = 32


# -- toy nets -------------------------------------------------------------------------------------


def linear(
    rng: np.random.Generator, size: int, classes: int = 5, range: str = "unit"
) -> dict[str, Any]:
    """A net whose scores are weighted sums over the pixels."""
    kernel = rng.normal(0, 3 / size, (size, size, 3, classes))
    return nets.linear(kernel, rng.normal(0, 1, classes), range)


def mlp(
    rng: np.random.Generator, size: int, classes: int = 5, range: str = "unit"
) -> dict[str, Any]:
    """A net with one hidden layer of 12 neurons."""
    widths = (size * size * 3, 12, classes)
    kernels = [rng.normal(0, 4 / np.sqrt(a), (a, b)) for a, b in pairwise(widths)]
    return nets.mlp(size, kernels, [rng.normal(0, 0.5, b) for b in widths[1:]], range)


def conv(
    rng: np.random.Generator, size: int, classes: int = 5, range: str = "unit", maps: int = 5
) -> dict[str, Any]:
    """A net with two convolutions, both with pooling of 2×2; the second one has so many maps."""
    shapes = ((3, 3, 3, 6), (3, 3, 6, maps), ((size // 4) ** 2 * maps, classes))
    kernels = [rng.normal(0, 2 / np.sqrt(np.prod(s[:-1])), s) for s in shapes]
    biases = [rng.normal(0, 0.3, s[-1]) for s in shapes]
    return nets.conv(size, kernels, biases, (2, 2), range)


def windows(
    rng: np.random.Generator, size: int, classes: int = 3
) -> tuple[dict[str, Any], np.ndarray]:
    """A net whose score for a class is the sum over a window, plus a constant; and the windows.

    All scores are positive for images in [0, 1].  The windows are not square and no two alike.
    """
    heights, widths = rng.permutation(size // 4 + np.arange(classes)), rng.permutation(classes)
    boxes = []
    for height, extra in zip(heights, widths, strict=True):
        width = size // 3 + int(extra)
        top, left = rng.integers(0, size - height + 1), rng.integers(0, size - width + 1)
        boxes.append((top, left, height, width))
    weights = rng.uniform(0.02, 0.1, (classes, 3))
    return nets.window(size, np.array(boxes), weights, rng.uniform(0.5, 2, classes)), np.array(
        boxes
    )


def noise(rng: np.random.Generator, count: int, size: int) -> np.ndarray:
    """Random images (count, size, size, 3) float32 in [0, 1]."""
    return rng.random((count, size, size, 3)).astype(np.float32)


# -- photographs ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Photographs:
    """Images that a net was trained for."""

    images: np.ndarray
    """(N, S, S, 3) float32 in [0, 1], of the net's own size."""
    classes: np.ndarray
    """(N,) the class that the net believes in most."""
    masks: np.ndarray | None
    """(N, S, S) bool: where the thing is, if that is known."""


def photographs(rng: np.random.Generator, which: Subject, count: int) -> Photographs:
    """Photographs that nobody has seen, and that the net is sure about."""
    seed = int(rng.integers(2**31))
    return _photographs(which.name, seed, count)


@lru_cache(maxsize=8)
def _photographs(name: str, seed: int, count: int) -> Photographs:
    net = trusted.net(name)
    rng = np.random.default_rng(seed)
    masks = None
    if name == MINI:
        drawn = photo_digits.render(_CANDIDATES, "test", 32, seed=seed, keep=False)
        images, masks = (drawn.images / np.float32(255)), drawn.masks
    else:
        images = np.stack([_crop(p, net.input_size, rng) for p in _crops(name, count, rng)])
    sure = net.probabilities(images).max(axis=1)
    chosen = rng.permutation(np.argsort(-sure, kind="stable")[: max(count, len(images) // 2)])
    chosen = chosen[:count]
    images = images[chosen]
    found = None if masks is None else masks[chosen]
    return Photographs(images, net.logits(images).argmax(axis=1), found)


def _crops(name: str, count: int, rng: np.random.Generator) -> list[np.ndarray]:
    known = pretrained.photographs(name)
    return [known[int(i)] for i in rng.integers(len(known), size=2 * count)]


def _crop(photo: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """A large square of a photograph, perhaps mirrored, reduced to the net's size."""
    side = int(min(photo.shape[:2]) * rng.uniform(0.8, 1))
    top = int(rng.integers(photo.shape[0] - side + 1))
    left = int(rng.integers(photo.shape[1] - side + 1))
    part = photo[top : top + side, left : left + side, :3] / np.float32(255)
    if side < size:  # repeat pixels first, so that there is something to average
        part = part.repeat(2, axis=0).repeat(2, axis=1)
    matrix = spectra.reduction(len(part), size)
    small = np.einsum("ij,jkc,lk->ilc", matrix, part, matrix, optimize=True)
    return np.ascontiguousarray(small[:, ::-1] if rng.random() < 0.5 else small)


@cache
def weighted(name: str) -> dict[str, tuple[int, ...]]:
    """Layers of a net that have weights, first to last, and the shape of their kernels."""
    net = trusted.net(name)
    shapes = {}
    for layer in net.layers:
        try:
            kernel = net.kernel(layer)
        except (ValueError, TrustedProcessError):  # no weights
            continue
        shapes[layer] = kernel.shape
    return shapes


def unused(**_: Any) -> None:
    """In place of a reference, where what is expected is drawn with the question."""
    raise NotImplementedError("expected values are drawn with the questions")
