"""Measures: what is read off an answer that can be right in many ways.

Where an exercise has no single right result (any network that equals a given one, any image that
fools a net), the answer is measured, and the measurements are compared with what a case expects.
A measure takes the case's inputs and the answer as plain arrays, never runs code that belongs to
the student, and raises ValueError, worded for the student, if the answer can't be measured.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from utils.checks.kinds import described
from utils.exercises.by_hand import VOLUME

_NAMES = 'expected a list of names, such as ["S=2, P=0", "S=4, P=0"]'


def chosen_steps(inputs: dict[str, Any], answer: Any) -> dict[str, Any]:
    """Which of several (S, P) were named: "S=1, P=1", (1, 1) and "s1p1" are the same."""
    if isinstance(answer, dict):
        answer = [name for name, chosen in answer.items() if np.asarray(chosen).all()]
    if answer is None or answer is Ellipsis:
        raise ValueError("is not filled in yet")
    named = [answer] if isinstance(answer, str) else answer
    if isinstance(answer, np.ndarray):
        named = answer.tolist()
    if not isinstance(named, (list, tuple)):
        raise ValueError(f"{_NAMES}, got {described(answer)}")
    if len(named) == 2 and all(isinstance(entry, (int, float)) for entry in named):
        named = [named]  # one pair of numbers
    pairs = {tuple(re.findall(r"\d+", str(entry))) for entry in named}
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError(f"{_NAMES}, got {described(answer)}")
    return {"pairs": "; ".join(f"S={s}, P={p}" for s, p in sorted(pairs))}


def kept_size(inputs: dict[str, Any], answer: Any) -> dict[str, Any]:
    """What a filter size F, a padding P and a stride S make of the 4×5 input."""
    names = ("filter size", "padding", "stride")
    given = [answer.get(name) for name in names] if isinstance(answer, dict) else answer
    if given is None or (isinstance(given, (list, tuple)) and any(v is None for v in given)):
        raise ValueError("is not filled in yet")
    try:
        numbers = [float(np.asarray(v).item()) for v in given]
        f, p, s = (int(v) for v in numbers)
    except (TypeError, ValueError, OverflowError):
        what = f"expected three whole numbers: {', '.join(names)}"
        raise ValueError(f"{what}; got {described(answer)}") from None
    if [f, p, s] != numbers or f < 1 or p < 0 or s < 1:
        raise ValueError("filter size and stride are whole numbers from 1, padding from 0")
    height, width = VOLUME.shape[:2]
    if f > height + 2 * p:
        raise ValueError(f"a filter of {f}×{f} doesn't fit into {height}×{width} with {p} zeros")
    if all((n - f + 2 * p) // s + 1 == n for n in (height, width)):
        return {"size": "kept"}
    if all(n - f + p == (n - 1) * s for n in (height, width)):
        return {"size": "kept if the zeros stood on one side only"}
    if all(n - f + 2 * p == n * s for n in (height, width)):
        return {"size": "kept if nothing were added for the first window"}
    if f > 1 and p == 0 and s == 1:
        return {"size": "smaller, without padding"}
    h, w = ((n - f + 2 * p) // s + 1 for n in (height, width))
    raise ValueError(f"F={f}, P={p}, S={s} turns {height}×{width} into {h}×{w}")


def widest(d: int) -> int:
    """Largest layer of a deep net that counts as narrow, for inputs with d values."""
    return 4 * (d + 2)


def probes(d: int) -> np.ndarray:
    """Points (96, d) at which two functions are compared: near zero, and far out on all sides."""
    points = np.random.RandomState(d).normal(size=(96, d))
    return np.round(points * np.repeat([1.0, 4.0, 25.0], 32)[:, None], 3)


def deep_relu_net(inputs: dict[str, Any], answer: Any) -> dict[str, Any]:
    """Values at the probes of a net given as a list of (W, b), if it is narrow and small enough."""
    n, d = np.shape(inputs["w"])
    layers = _layers(answer, d)
    hidden = [len(b) for _, b in layers[:-1]]
    if max(hidden, default=0) > widest(d):
        raise ValueError(
            f"hidden layer {int(np.argmax(hidden)) + 1} has {max(hidden)} neurons; with d = {d} "
            f"a layer may have {widest(d)}, however large n is"
        )
    most = 2 * widest(d) * (n + 1)
    if sum(hidden) > most:
        raise ValueError(f"{sum(hidden)} hidden neurons; O(n) means at most {most} here")
    h = probes(d)
    with np.errstate(all="ignore"):
        for w, b in layers[:-1]:
            h = np.maximum(h @ w.T + b, 0)
        w, b = layers[-1]
        return {"values": (h @ w.T + b)[:, 0]}


def _layers(answer: Any, d: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Check that (W, b) after (W, b) fit together.  Raises ValueError, worded for the student."""
    if not isinstance(answer, (list, tuple)) or not answer:
        raise ValueError("expected a list of layers, each a pair (W, b)")
    layers = []
    size = d
    for number, layer in enumerate(answer, 1):
        if not isinstance(layer, (list, tuple)) or len(layer) != 2:
            raise ValueError(f"layer {number} is not a pair (W, b)")
        try:
            w, b = (np.asarray(part, dtype=np.float64) for part in layer)
        except (TypeError, ValueError):
            raise ValueError(f"layer {number}: W and b must be arrays of numbers") from None
        if w.ndim != 2 or w.shape[1] != size or b.shape != (w.shape[0],) or not b.size:
            raise ValueError(
                f"layer {number}: W has shape {w.shape} and b {b.shape}; this layer takes "
                f"{size} values, so W needs shape (m, {size}) and b (m,)"
            )
        layers.append((w, b))
        size = len(b)
    if size != 1:
        raise ValueError(f"the last layer puts out {size} values, expected 1")
    return layers
