"""Known answers to occlusion, heat maps and pointing, in students' styles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from grader.contract.sample import right as plain_right
from grader.contract.sample import wrong as plain_wrong

from .visualizing_maps import right, wrong

Array = np.ndarray


# -- occlusion ------------------------------------------------------------------------------------


def _boxes(
    ask: str = "logits", colour: Any = 0.5, fresh: bool = True, end: str = "inside",
    choose: Callable[[int, Array], int] = lambda target, scores: target,
    result: Callable[[Array, float], Array] = lambda after, before: (before - after) / abs(before),
) -> Callable[..., Array]:  # fmt: skip
    """A loop over places, one call of the net for each row of them."""

    def occlude(net: Any, image: Array, target: int, box: int, stride: int) -> Array:
        def say(images: Array) -> Array:
            return np.asarray(getattr(net, ask)(images))

        whole = say(image[None])[0]
        number = choose(target, whole)
        size = image.shape[0]
        stop = size - box + 1 if end == "inside" else size
        fill = image.mean(axis=(0, 1)) if isinstance(colour, str) else colour
        work, rows = image.copy(), []
        for y in range(0, stop, stride):
            row = []
            for x in range(0, stop, stride):
                work = image.copy() if fresh else work
                work[y : y + box, x : x + box, :] = fill
                row.append(work.copy())
            rows.append(say(np.array(row))[:, number])
        return result(np.array(rows), float(whole[number]))

    return occlude


def _keep(after: Array, before: float) -> Array:
    return after


def _masks(net: Any, image: Array, target: int, box: int, stride: int) -> Array:
    """All at once, with masks made by broadcasting."""
    size = len(image)
    starts = np.arange((size - box) // stride + 1) * stride
    along = (np.arange(size) >= starts[:, None]) & (np.arange(size) < starts[:, None] + box)
    hidden = (along[:, None, :, None] & along[None, :, None, :]).reshape(-1, size, size, 1)
    scores = np.concatenate(
        [net.logits(np.where(h, np.float32(0.5), image)[None]) for h in hidden]
    )[:, target]
    before = np.asarray(net.logits(image[None]))[0, target]
    return (np.sign(before) * (1 - scores / before)).reshape(len(starts), len(starts))


def _first_batch(net: Any, image: Array, target: int, box: int, stride: int) -> Array:
    """Where there are more boxes than a batch holds, the rest is left as it was."""
    found = _boxes()(net, image, target, box, stride)
    return np.where(np.arange(found.size).reshape(found.shape) < 64, found, 0)


def _heat(
    combine: Callable[[Array], Array], reach: Callable[[int, int], int] = lambda box, stride: box
) -> Callable[..., Array]:
    """Each pixel looks for the boxes that cover it."""

    def heat(changes: Array, size: int, box: int, stride: int) -> Array:
        out = np.zeros((size, size))
        wide = reach(box, stride)
        for y in range(size):
            for x in range(size):
                values = [
                    changes[i, j]
                    for i in range(len(changes))
                    for j in range(len(changes))
                    if i * stride <= y < i * stride + wide and j * stride <= x < j * stride + wide
                ]
                out[y, x] = combine(np.array(values)) if values else 0
        return out

    return heat


def _last(values: Array) -> Array:
    return values[-1]


def _pointing(mass: Callable[[Array, Array], float], find: str = "argmax") -> Callable[..., Any]:
    def measure(maps: Array, masks: Array) -> tuple[float, float]:
        hits = 0
        for single, mask in zip(maps, masks, strict=True):
            place = np.unravel_index(getattr(single, find)(), single.shape)
            hits += int(mask[place])
        shares = [mass(single, mask) for single, mask in zip(maps, masks, strict=True)]
        return hits / len(maps), float(np.mean(shares))

    return measure


def _positive(single: Array, mask: Array) -> float:
    kept = np.where(single > 0, single, 0)
    return float(kept[mask].sum() / kept.sum())


SAMPLES_BOXES = [
    right("occlusion_map: row by row", _boxes()),
    right("occlusion_map: masks", _masks),
    wrong("occlusion_map: black -> a black box", _boxes(colour=0)),
    wrong(
        "occlusion_map: mean colour -> a box of the image's mean colour", _boxes(colour="mean")),
    wrong(
        "occlusion_map: no absolute value -> divided by the score with its sign",
        _boxes(result=lambda after, before: (before - after) / before)),
    wrong("occlusion_map: the first 64 boxes alone", _first_batch),
    wrong("occlusion_map: no copy -> earlier boxes are still there", _boxes(fresh=False)),
    wrong("occlusion_map: range(0, size) -> boxes that reach beyond the border", _boxes(end="")),
    wrong(
        "occlusion_map: difference -> difference in place of rate",
        _boxes(result=lambda after, before: before - after)),
    wrong(
        "occlusion_map: after − before -> the sign is reversed",
        _boxes(result=lambda after, before: (after - before) / abs(before))),
    wrong(
        "occlusion_map: probabilities -> probability in place of the score",
        _boxes(ask="probabilities")),
    wrong(
        "occlusion_map: argmax -> always the net's best class",
        _boxes(choose=lambda target, scores: int(scores.argmax()))),
    wrong(
        "occlusion_map: swapped -> stride and box mixed up",
        lambda net, image, target, box, stride: _boxes()(net, image, target, stride, box)),
    right("occlusion_points: row by row", _boxes()),
    wrong(
        "occlusion_points: the score itself -> "
"the map is upside down: what matters most is lowest",
        _boxes(result=_keep)),
    wrong(
        "occlusion_points: turned -> the map points beside the digit",
        lambda net, image, target, box, stride: np.fft.fftshift(
            _boxes()(net, image, target, box, stride)
        )),
    wrong(
        "occlusion_points: transposed -> the map points beside the digit",
        lambda net, image, target, box, stride: _boxes()(net, image, target, box, stride).T),
    plain_right("heat_map: pixel by pixel", _heat(np.mean)),
    plain_wrong(
        "heat_map: sum -> the sum over the boxes in place of their mean", _heat(np.sum)),
    plain_wrong("heat_map: = -> the last box overwrites the others", _heat(_last)),
    plain_wrong(
        "heat_map: np.kron -> each value in a tile of the stride",
        _heat(_last, lambda box, stride: stride)),
    plain_right("pointing: a loop", _pointing(_positive)),
    plain_wrong(
        "pointing: negative mass -> negative values count, too",
        _pointing(lambda single, mask: float(single[mask].sum() / single.sum()))),
    plain_wrong(
        "pointing: argmin -> the lowest in place of the highest value",
        _pointing(_positive, "argmin")),
    right("probability_map: row by row", _boxes("probabilities", 0, result=_keep)),
    wrong(
        "probability_map: scores -> the score in place of the probability",
        _boxes("logits", 0, result=_keep)),
    wrong(
        "probability_map: grey -> grey in place of zero",
        _boxes("probabilities", 0.5, result=_keep)),
    wrong(
        "probability_map: how much it falls -> the fall of the probability, not the probability",
        _boxes("probabilities", 0, result=lambda after, before: before - after)),
    wrong(
        "probability_map: no copy -> earlier blocks are still there",
        _boxes("probabilities", 0, fresh=False, result=_keep)),
]  # fmt: skip
"""Known answers to maps made by covering."""
