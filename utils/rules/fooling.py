"""Assess how a net was fooled: how small the change is, and what a table says of several.

What an image is taken for is asked of a net that the student's code has not touched
(`utils.nets.opinions`); what the answer itself claims is only compared with that.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from utils.checks.cases import Case
from utils.checks.kinds import described, numeric, shape_of
from utils.checks.verdicts import CaseVerdict, PartVerdict, Told, of_parts
from utils.nets import opinions

ENOUGH = 0.98
"""The probability that a target must reach."""

FULL, LARGE_BUT_FINE, NOTHING = 1.4, 4.0, 6.0
"""A change of FULL times the reference's size earns everything, one of LARGE_BUT_FINE times LEAST,
one of NOTHING times, another photograph for instance, nothing."""

LEAST = 0.3
"""The fraction for a change that does what it should, but is far larger than need be."""

WON = 0.2
"""The fraction where the target wins, but without the probability that was asked for."""

# -- the smallest change --------------------------------------------------------------------------

FLOATS = "a float image, not an 8-bit one"
BLACK = "floats cast to integers without multiplying by 255"
WRAPPED = "values outside 0 … 255 wrapped around"
UNCHANGED = "the image is as it was"
BACKWARDS = "the target has become less likely"
ANY_CLASS = "another class than the target wins"
MAJORITY = "stops as soon as the target wins"
LOST_IN_ROUNDING = "0.98 is not kept when the image is saved with 8 bits"
ALMOST = "ends before the target has 0.98"
TOO_SHORT = "ends before the target wins"
TOO_FAR = "goes on when 0.98 has long been reached"
FLAT = "every pixel is changed by the same amount"
LARGE = "a change larger than need be"
CHANGE_HINTS = {
    FLOATS: "Return what a file would hold: to_8_bit(image), uint8.",
    BLACK: "uint8 counts from 0 to 255: np.rint(255 * image), clipped, then .astype(np.uint8).",
    WRAPPED: "256 becomes 0 as uint8: np.clip(…, 0, 255) before .astype(np.uint8).",
    UNCHANGED: "Was a success remembered?  Return the best image found on the way.",
    BACKWARDS: "The change should raise log p of the target; is a sign reversed?",
    ANY_CLASS: "Climb towards `target`, and test the probability of `target`.",
    MAJORITY: "The target must have 0.98, not only more than any other class.",
    LOST_IN_ROUNDING: "Ask the net about the rounded image, or leave a margin above 0.98.",
    ALMOST: "More steps; or a larger radius, as long as 0.98 is not reached.",
    TOO_SHORT: "More steps, or larger ones: the radius may grow as long as 0.98 is not reached.",
    TOO_FAR: "Test after each small step, or shrink the change until it just reaches 0.98.",
    FLAT: "Steps by the sign of the gradient change all pixels alike; the L2 norm prefers few.",
    LARGE: "When 0.98 is reached, make the radius smaller, and search on within it.",
}
"""What to think about next, for each mistake of `smallest_change`."""


def smallest_change(case: Case, answer: Any) -> CaseVerdict:
    """An 8-bit image that the net takes for the target, near to the one that was given.

    inputs: net, image (H, W, 3) uint8, target.  expected: smallest, the L2 norm of the reference's
    change.
    """
    image, target = case.inputs["image"], int(case.inputs["target"])
    picture = numbers(answer, "an image")
    if picture.shape == (1, *image.shape):
        raise ValueError("the image has an axis too many; return image[0]")
    if picture.shape != image.shape:
        raise ValueError(f"expected an image of shape {image.shape}, got {described(picture)}")
    if np.any(picture != np.rint(picture)):
        return CaseVerdict(case.label, 0.0, Told(FLOATS), mistakes=(FLOATS,))
    if picture.min() < 0 or picture.max() > 255:
        raise ValueError(f"pixels from {picture.min():g} to {picture.max():g}; expected 0 … 255")
    change = (picture - image) / 255
    size = float(np.linalg.norm(change))
    both = np.stack([image, picture.astype(np.uint8)])
    before, after = opinions.of(case.inputs["net"]).probabilities(both).astype(np.float64)
    told = Told(f"p = {after[target]:.3f}, L2 {size:.3g}")
    if after[target] < ENOUGH:
        share = WON if after.argmax() == target else 0.0
        named = _unreached(picture, change, before, after, target)
        return CaseVerdict(case.label, share, Told(f"{told.measured}: {named}"), mistakes=(named,))
    smallest = float(case.expected["smallest"])
    times = size / smallest
    share = float(np.interp(times, (FULL, LARGE_BUT_FINE, NOTHING), (1, LEAST, 0)))
    told = replace(told, expected=f"{times:.2f} times the reference's {smallest:.3g}")
    if share == 1:
        return CaseVerdict(case.label, 1.0, told)
    named = _too_large(change, float(after[target]))
    return CaseVerdict(case.label, share, told, mistakes=(named,))


def _unreached(
    picture: np.ndarray, change: np.ndarray, before: np.ndarray, after: np.ndarray, target: int
) -> str:
    """Why a target has not got the probability that was asked for."""
    if not change.any():
        return UNCHANGED
    if picture.max() <= 1:
        return BLACK
    if np.abs(change).max() > 0.8:
        return WRAPPED
    if after.argmax() == target:
        if after[target] > ENOUGH - 0.01:
            return LOST_IN_ROUNDING
        return ALMOST if after[target] > 0.8 else MAJORITY
    if after.argmax() != before.argmax():
        return ANY_CLASS
    return BACKWARDS if after[target] < before[target] else TOO_SHORT


def _too_large(change: np.ndarray, p: float) -> str:
    amounts = np.abs(change[change != 0])
    common = np.median(amounts)
    if np.mean(np.abs(amounts - common) < 0.6 / 255) > 0.85 and common > 1.5 / 255:
        return FLAT
    return TOO_FAR if p > 0.995 else LARGE


# -- several targets ------------------------------------------------------------------------------

ANOTHER = 0.12
"""Root mean square of a change, pixels in [0, 1], beyond which it is another image: what fools a
net changes a fraction of this, and photographs differ by twice as much."""

UNITS = "L2 of pixels in 0 … 255, not in 0 … 1"
ROOT_MEAN = "root of the mean of squares, not of their sum"
NO_ROOT = "the square root is missing"
MAXIMUM = "the largest change of a pixel, not the L2 norm"
WRAPPING = "differences of uint8 wrap around"
SCORES = "scores in place of probabilities"
PERCENT = "percent in place of fractions"
WINNER = "the probability of the likeliest class, not of the target"
SWAPPED = "before and after are swapped"
ORDER = "the rows are not in the order of the targets"
TABLE = "the probabilities of all targets for each image"
TOGETHER = "one norm for all images together"
TABLE_HINTS = {
    UNITS: "Divide by 255, so that sizes can be compared with those of other images.",
    ROOT_MEAN: "np.linalg.norm(difference): the root of the sum of squares.",
    NO_ROOT: "np.linalg.norm(difference): the root of the sum of squares.",
    MAXIMUM: "np.linalg.norm of the flattened difference, with no further argument.",
    WRAPPING: "Turn both images into floats before you subtract: 3 - 5 is 254 in uint8.",
    SCORES: "net.probabilities(images) has applied softmax, net.logits has not.",
    PERCENT: "1 means certain.",
    WINNER: "Column `target` of the probabilities.",
    SWAPPED: "`before` is about the image as it was.",
    ORDER: "One row for each target, in the order given.",
    TABLE: "probabilities[np.arange(T), targets] takes one number from each row.",
    TOGETHER: "A norm for each image: sum the squares over its axes, (1, 2, 3), alone.",
    FLOATS: CHANGE_HINTS[FLOATS],
}
"""What to think about next, for each mistake of `targets_table`."""


def targets_table(case: Case, answer: Any) -> CaseVerdict:
    """The same image turned into several targets: probabilities, images and sizes agree.

    inputs: net, image, targets (T,).  answer: before (T,), fooled (T, H, W, 3), after (T,) and
    size (T,).
    """
    image, targets = case.inputs["image"], np.asarray(case.inputs["targets"])
    names = ("before", "fooled", "after", "size")
    if isinstance(answer, dict):
        answer = [answer.get(name) for name in names]
    if not isinstance(answer, (list, tuple)) or len(answer) != len(names):
        raise ValueError(f"expected four things: {', '.join(names)}")
    before, fooled, after, size = (numbers(a, n) for a, n in zip(answer, names, strict=True))
    count = len(targets)
    if fooled.shape != (count, *image.shape):
        raise ValueError(f"fooled {shape_of(fooled)}, expected {(count, *image.shape)}")
    if fooled.min() < 0 or fooled.max() > 255 or np.any(fooled != np.rint(fooled)):
        return CaseVerdict(case.label, 0.0, Told(FLOATS), mistakes=(FLOATS,))
    asked = np.concatenate([image[None], fooled.astype(np.uint8)])
    net = opinions.of(case.inputs["net"])
    scores = net.logits(asked).astype(np.float64)
    table = np.exp(scores - scores.max(axis=1, keepdims=True))
    table /= table.sum(axis=1, keepdims=True)
    rows = np.arange(count) + 1
    first, last = table[0, targets], table[rows, targets]
    difference = (fooled - image) / 255
    norms = sizes(difference)
    flat = difference.reshape(count, -1)
    far = norms / np.sqrt(flat.shape[1])
    other = far > ANOTHER
    reached = (last >= ENOUGH) & ~other
    worst = int(np.argmin(np.where(other, -far, last)))
    told = f"target {targets[worst]} has {last[worst]:.3f}"
    if other.any():
        told = f"for target {targets[worst]} it is another image: L2 {norms[worst]:.3g}"
    ordered = np.all(np.sort(table[rows].argmax(axis=1)) == np.sort(targets))
    named = (ORDER,) if ordered and not reached.all() else ()
    wrapped = (fooled.astype(np.uint8) - image).astype(np.float64) / 255
    likeliest = table.max(axis=1)
    parts = [
        PartVerdict("fooled", bool(reached.all()), Told(told), mistakes=named),
        _column("before", before, first, [
            (SCORES, scores[0, targets]), (PERCENT, 100 * first),
            (WINNER, np.repeat(likeliest[:1], count)), (SWAPPED, last),
        ]),
        _column("after", after, last, [
            (SCORES, scores[rows, targets]), (PERCENT, 100 * last), (SWAPPED, first),
        ]),
        _column("size", size, norms, [
            (UNITS, 255 * norms), (ROOT_MEAN, norms / np.sqrt(flat.shape[1])), (NO_ROOT, norms**2),
            (TOGETHER, np.repeat(np.linalg.norm(norms), count)),
            (MAXIMUM, np.abs(flat).max(axis=1)), (WRAPPING, sizes(wrapped)),
            (WRAPPING, 255 * sizes(wrapped)),
        ]),
    ]  # fmt: skip
    told_right = sum(p.ok for p in parts[1:])  # of images that don't fool there is nothing to tell
    return verdict(case.label, (parts[0].ok + told_right * reached.mean()) / len(parts), parts)


def _column(
    name: str, have: np.ndarray, want: np.ndarray, wrong: list[tuple[str, np.ndarray]]
) -> PartVerdict:
    """One column of the table, and the name of what stands there in its place."""
    if have.shape != want.shape:
        table = have.shape == 2 * want.shape and _agree(have.diagonal(), want)
        told = Told(shape_of(have), "", f"expected {want.shape}")
        return PartVerdict(name, False, told, mistakes=(TABLE,) if table else ())
    if _agree(have, want):
        return PartVerdict(name, True)
    at = int(np.argmax(np.abs(have - want)))
    told = Told(f"[{at}]", f"is {have[at]:.4g}", f"expected {want[at]:.4g}")
    near = [(np.abs(have - v).max(), mistake) for mistake, v in wrong if _agree(have, v)]
    named = tuple(mistake for _, mistake in sorted(near))  # two that are alike: the nearer one
    return PartVerdict(name, False, told, mistakes=named)


def _agree(have: np.ndarray, want: np.ndarray) -> bool:
    return bool(np.allclose(have, want, rtol=0.02, atol=1e-7))


# -- for all --------------------------------------------------------------------------------------


def verdict(label: str, score: float, parts: list[PartVerdict]) -> CaseVerdict:
    """Everything for a case whose parts are all right, else `score`, and the likeliest mistake."""
    verdict = of_parts(label, parts, score)
    return replace(verdict, mistakes=verdict.mistakes[:1])


def numbers(value: Any, what: str) -> np.ndarray:
    """A finite float64 array.  Raises ValueError, worded for the student."""
    if value is None:
        raise ValueError(f"expected {what}, got nothing; is the return statement missing?")
    array = numeric(value, what)
    if not array.size:
        raise ValueError(f"expected {what}, got {described(value)}")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"{what}: there are values that are NaN or infinite")
    return array


def sizes(changes: np.ndarray) -> np.ndarray:
    """L2 norm of each, (N, H, W, 3) -> (N,)."""
    return np.sqrt(np.sum(changes.reshape(len(changes), -1) ** 2, axis=1))
