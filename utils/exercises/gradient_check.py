"""Is a backward pass the derivative of its forward pass?  Ask the forward pass itself.

Each number of each input is nudged up and down, and the change of the loss is compared with what
the backward pass says.  The report names the entry that is furthest off, what was expected there
and what was found.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from utils.checks.answering import to_look_at

Forward = Callable[..., np.ndarray]
Backward = Callable[..., "np.ndarray | tuple[np.ndarray, ...] | list[np.ndarray]"]


@dataclass(frozen=True)
class GradientRow:
    """One input: does its gradient agree?"""

    name: str
    ok: bool
    message: str
    error: float = float("nan")
    """Largest difference, relative to the largest gradient of this input."""


@dataclass(frozen=True)
class GradientReport:
    """All inputs; or, if the passes could not be run, why."""

    rows: tuple[GradientRow, ...] = ()
    problem: str = ""

    @property
    def ok(self) -> bool:
        """Do all gradients agree?"""
        return not self.problem and all(row.ok for row in self.rows)

    def __repr__(self) -> str:
        if self.problem:
            return self.problem
        return "\n".join(f"{'✔' if r.ok else '✘'} {r.name}: {r.message}" for r in self.rows)

    def _repr_html_(self) -> str:
        if self.problem:
            return f"<div>{html.escape(self.problem)}</div>"
        cells = "".join(
            f"<tr><td>{'✔' if r.ok else '✘'}</td>"
            f'<td style="text-align:left"><b>{html.escape(r.name)}</b></td>'
            f'<td style="text-align:left">{html.escape(r.message)}</td></tr>'
            for r in self.rows
        )
        return f"<table>{cells}</table>"


@to_look_at
def numeric_gradient(
    loss: Callable[[np.ndarray], float], at: np.ndarray, step: float
) -> np.ndarray:
    """Central differences (loss(a + step) - loss(a - step)) / (2 step), entry by entry of `at`."""
    gradient = np.zeros(at.shape)
    point = np.array(at, dtype=np.float64)
    for index in np.ndindex(at.shape):
        value = point[index]
        point[index] = value + step
        above = loss(point.copy())
        point[index] = value - step
        below = loss(point.copy())
        point[index] = value
        gradient[index] = (above - below) / (2 * step)
    return gradient


@to_look_at
def gradient_check(
    forward: Forward,
    backward: Backward,
    inputs: Mapping[str, np.ndarray],
    step: float = 1e-4,
    rtol: float = 1e-6,
    seed: int = 0,
) -> GradientReport:
    """Compare a backward pass with numeric gradients of the forward pass.

    forward: called with the inputs in order, returns y.
    backward: called with dy and the inputs in order, returns one gradient per input, in order.
    inputs: name -> array; every entry is nudged, so keep them small (some hundred numbers).
    step: size of the nudge.  At a kink (two equal values under a maximum) no derivative exists, so
        give inputs whose values are further apart than that.
    rtol: accepted error, relative to the largest gradient of the same input.

    The loss is sum(dy * y) with a random dy, so that every output matters differently.
    """
    arrays = {name: np.array(value, dtype=np.float64) for name, value in inputs.items()}
    try:
        y = forward(*(a.copy() for a in arrays.values()))
    except NotImplementedError:
        return GradientReport(problem="The forward pass is not written yet.")
    if not isinstance(y, np.ndarray):
        return GradientReport(problem=f"The forward pass returned a {type(y).__name__}.")
    dy = np.random.default_rng(seed).normal(size=y.shape)
    try:
        found = backward(dy.copy(), *(a.copy() for a in arrays.values()))
    except NotImplementedError:
        return GradientReport(problem="The backward pass is not written yet.")
    gradients = list(found) if isinstance(found, (tuple, list)) else [found]
    if len(gradients) != len(arrays):
        return GradientReport(
            problem=f"The backward pass returned {len(gradients)} results; "
            f"expected one for each of {', '.join(arrays)}."
        )
    rows = []
    for position, (name, array) in enumerate(arrays.items()):

        def loss(value: np.ndarray, position: int = position) -> float:
            given = [a.copy() for a in arrays.values()]
            given[position] = value
            return float(np.sum(dy * forward(*given)))

        expected = numeric_gradient(loss, array, step)
        rows.append(_compare(f"d{name}", expected, gradients[position], rtol))
    return GradientReport(tuple(rows))


def _compare(name: str, expected: np.ndarray, found: object, rtol: float) -> GradientRow:
    got = np.asarray(found)
    if got.dtype.kind not in "biuf":
        return GradientRow(name, False, f"is a {type(found).__name__}, expected an array")
    if got.shape != expected.shape:
        return GradientRow(name, False, f"has shape {got.shape}, expected {expected.shape}")
    scale = max(float(np.max(np.abs(expected), initial=0.0)), 1e-12)
    difference = np.abs(np.nan_to_num(got, nan=np.inf) - expected)
    error = float(np.max(difference, initial=0.0)) / scale
    if error <= rtol:
        return GradientRow(name, True, f"agrees (largest relative error {error:.0e})", error)
    worst = tuple(int(i) for i in np.unravel_index(int(np.argmax(difference)), got.shape))
    wrong = int(np.sum(difference > rtol * scale))
    return GradientRow(
        name,
        False,
        f"{wrong} of {got.size} entries are off; the worst: {name}[{', '.join(map(str, worst))}] "
        f"is {got[worst]:.6g}, expected {expected[worst]:.6g}",
        error,
    )
