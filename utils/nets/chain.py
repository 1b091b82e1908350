"""Chains of standard layers, rebuilt from the words that `describe` has for them and their weights.

Nothing of a student's is executed or unpickled here: a net that was trained in one notebook is
opened in another, and by a judge, from text and plain arrays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

MOST_STEPS = 200
"""Longest chain."""
MOST_MULTIPLICATIONS = 5 * 10**8
"""Most multiplications for one image: five times those of twelve convolutions of 64 filters."""

_CONVOLUTION = re.compile(r"conv (\d+) (\d+)×(\d+) (same|valid)(?: stride (\d+))?")
_DENSE = re.compile(r"dense (\d+)")
_POOLING = re.compile(r"maxpool (\d+)×\1")
_DROPOUT = re.compile(r"dropout [\d.e-]+")
_SIMPLE = {"relu": "relu", "flatten": "flatten", "global average": "mean"}
_BATCH_NORM = "batchnorm"


class NotAChain(ValueError):
    """It is no chain of layers that can be rebuilt.  The text says which step is in the way."""


@dataclass(frozen=True)
class Step:
    """One layer."""

    name: str
    kind: str
    """"convolution", "batchnorm", "relu", "pooling", "flatten", "mean" or "dense"."""
    weights: tuple[np.ndarray, ...] = ()
    """Kernel and bias; of batchnorm γ, β, mean and variance."""
    options: tuple[Any, ...] = ()
    """Stride and padding of a convolution, size of pooling."""


def steps(
    words: Sequence[str], weights: Sequence[np.ndarray], shape: tuple[int, int, int]
) -> list[Step]:
    """The layers of a chain, to the logits: softmax at the end is left out, and so is dropout,
    which changes nothing once a net is trained.

    words: `describe(model)["steps"]`.  weights: `model.get_weights()`.  shape: of an image.
    Layers are called conv1, relu1, norm1, pool1, conv2, …, flatten, and fc with the next number.
    Raises NotAChain.
    """
    if len(words) > MOST_STEPS:
        raise NotAChain(f"it has more than {MOST_STEPS} layers")
    if words and words[-1] == "softmax":
        words = words[:-1]
    if unknown := next((word for word in words if not _known(word)), ""):
        raise NotAChain(f"it has a layer {unknown[:60]!r}")
    rest = _Weights(weights)
    found = list(_read(words, rest, shape))
    if rest.left:
        raise NotAChain(f"{rest.left} arrays of weights belong to no layer")
    if not found or found[-1].kind != "dense":
        raise NotAChain("it does not end with a dense layer, or one and softmax")
    return found


def _known(word: str) -> bool:
    patterns = (_CONVOLUTION, _DENSE, _POOLING, _DROPOUT)
    return word in _SIMPLE or word == _BATCH_NORM or any(p.fullmatch(word) for p in patterns)


class _Weights:
    """Arrays that are handed out in their order."""

    def __init__(self, arrays: Sequence[np.ndarray]):
        self._arrays = [np.asarray(a, np.float32) for a in arrays]
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._arrays) - self._at

    def take(self, shape: tuple[int, ...], what: str) -> np.ndarray:
        if not self.left:
            raise NotAChain(f"the weights of {what} are missing")
        array = self._arrays[self._at]
        if array.shape != shape:
            raise NotAChain(f"{what} needs weights of shape {shape}, there are {array.shape}")
        if not np.isfinite(array).all():
            raise NotAChain(f"the weights of {what} are NaN or infinite")
        self._at += 1
        return array

    def vectors_ahead(self) -> int:
        """How many arrays with one axis come before the next kernel."""
        ahead = 0
        for array in self._arrays[self._at :]:
            if array.ndim != 1:
                break
            ahead += 1
        return ahead


def _read(words: Sequence[str], rest: _Weights, shape: tuple[int, ...]) -> Iterator[Step]:
    number, multiplications = 0, 0
    taken: set[str] = set()
    for at, word in enumerate(words):
        if _DROPOUT.fullmatch(word):
            continue
        number += word.startswith(("conv ", "dense "))
        step, shape, cost = _step(word, number, words[at + 1 :], rest, shape)
        multiplications += cost
        if multiplications > MOST_MULTIPLICATIONS:
            raise NotAChain("it is too large to be looked into here")
        if step.name in taken:
            raise NotAChain(f"two layers {word!r} after one another")
        taken.add(step.name)
        yield step


def _step(
    word: str, number: int, later: Sequence[str], rest: _Weights, shape: tuple[int, ...]
) -> tuple[Step, tuple[int, ...], int]:
    """One layer, the shape of what it puts out, and its multiplications."""
    if match := _CONVOLUTION.fullmatch(word):
        return _convolution(match, f"conv{number}", later, rest, shape)
    if match := _DENSE.fullmatch(word):
        units = int(match[1])
        if len(shape) != 1:
            raise NotAChain(f"{word!r} without flatten before it")
        kernel = rest.take((*shape, units), word)
        pair = (kernel, _bias(units, word, later, rest))
        return Step(f"fc{number}", "dense", pair), (units,), kernel.size
    if match := _POOLING.fullmatch(word):
        size = int(match[1])
        if len(shape) != 3 or not 0 < size <= min(shape[:2]):
            raise NotAChain(f"{word!r} does not fit maps of {_by(shape)}")
        smaller = (shape[0] // size, shape[1] // size, shape[2])
        return Step(f"pool{number}", "pooling", (), (size,)), smaller, 0
    if word == _BATCH_NORM:
        four = tuple(rest.take(shape[-1:], word) for _ in range(4))
        return Step(f"norm{number}", "batchnorm", four), shape, 0
    kind = _SIMPLE[word]
    name = f"relu{number}" if kind == "relu" else kind
    if kind == "mean" and len(shape) != 3:
        raise NotAChain(f"{word!r} does not fit {_by(shape)} values")
    after = {"flatten": (int(np.prod(shape)),), "mean": shape[-1:]}.get(kind, shape)
    return Step(name, kind), after, 0


def _convolution(
    match: re.Match[str], name: str, later: Sequence[str], rest: _Weights, shape: tuple[int, ...]
) -> tuple[Step, tuple[int, ...], int]:
    filters, height, width, stride = (int(match[i] or 1) for i in (1, 2, 3, 5))
    padding = match[4]
    if len(shape) != 3 or not stride:
        raise NotAChain(f"{match[0]!r} does not fit {_by(shape)} values")
    kernel = rest.take((height, width, shape[2], filters), match[0])
    if padding == "valid":
        places = [(n - k) // stride + 1 for n, k in zip(shape[:2], (height, width), strict=True)]
    else:
        places = [-(-n // stride) for n in shape[:2]]
    if min(places) < 1:
        raise NotAChain(f"{match[0]!r} is larger than maps of {_by(shape)}")
    pair = (kernel, _bias(filters, match[0], later, rest))
    step = Step(name, "convolution", pair, (stride, padding.upper()))
    return step, (*places, filters), places[0] * places[1] * kernel.size


def _bias(units: int, word: str, later: Sequence[str], rest: _Weights) -> np.ndarray:
    """A layer's bias, zeros for one without: vectors up to the next kernel tell, since each batch
    normalisation between has four."""
    normalised = 0
    for following in later:
        if following.startswith(("conv ", "dense ")):
            break
        normalised += following == _BATCH_NORM
    if rest.vectors_ahead() == 4 * normalised:
        return np.zeros(units, np.float32)
    return rest.take((units,), word)


def _by(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))
