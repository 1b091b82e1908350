"""Judges of notebook 04 for occlusion: what a net says when a part of the image is covered."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from grader.contract.judge import Depiction, Handed, Judge, Mistake, Question
from utils import codec
from utils.rules.visualizing import HINTS, box_gain, boxes_on_mask

from ...nets.base import softmax
from . import draws

_OCCLUSION = "Exercise 04.8: occlusion"
_HEAT = "Exercise 04.9: a heat map"
_COMPARE = "Exercise 04.10: comparing"
_BLOCK = "Exercise 04.11: the probability without a block"
_GREY = 0.5
_CANDIDATES, _ASKED = 12, 3  # photographs looked at, and those on which maps must point
_BOX, _STEP = 8, 4
_LEAST = 1.15  # how much more often than by chance the mask must lie under what matters
_CLEAR = 1.3  # … in photographs that are chosen


# -- which questions ------------------------------------------------------------------------------


def _draw_occlusion(
    rng: np.random.Generator, variant: int, handed: Handed | None
) -> Iterator[Question]:
    which = draws.subject(handed)
    for size, box, stride in ((15, 4, 3), (16, 5, 2), (14, 3, 4)):
        net, _ = draws.windows(rng, size)
        image = draws.noise(rng, 1, size)[0]
        yield _question(net, image, _not_best(rng, net, image), box, stride)
    net = draws.mlp(rng, 10, range="signed")
    image = draws.noise(rng, 1, 10)[0]
    best = int(draws.ask(net).logits(image[None]).argmax())
    yield _question(net, image, best, 4, 3)
    yield _of_negative_score(rng)
    yield _of_class_net(rng, which)


def _of_negative_score(rng: np.random.Generator) -> Question:
    """A class that the net speaks against: what the score is divided by has a sign there.  And
    there are 9 × 9 boxes, more than a batch of 64."""
    while True:
        net = draws.mlp(rng, 19, range="signed")
        image = draws.noise(rng, 1, 19)[0]
        scores = draws.ask(net).logits(image[None])[0]
        if scores.min() < -0.5:
            question = _question(net, image, int(scores.argmin()), 3, 2)
            return replace(question, label=f"{question.label}, a negative score")


def _draw_probabilities(
    rng: np.random.Generator, variant: int, handed: Handed | None
) -> Iterator[Question]:
    which = draws.subject(handed)
    for size, block, stride in ((19, 3, 2), (11, 3, 4), (12, 5, 2)):
        net = draws.mlp(rng, size, range="signed" if size == 12 else "unit")
        image = draws.noise(rng, 1, size)[0]
        yield _question(net, image, _not_best(rng, net, image), block, stride, "block")
    yield _of_class_net(rng, which, "block")


def _question(
    net: Any, image: np.ndarray, target: int, box: int, stride: int, word: str = "box"
) -> Question:
    kind = net["kind"] if isinstance(net, dict) else net
    what = {"window": "a sum over a window", "mlp": "a hidden layer"}.get(kind, kind)
    size = len(image)
    label = f"{what}, {size}×{size}, {word} {box}, stride {stride}"
    inputs = {"net": net, "image": image, "target": target, word: box, "stride": stride}
    return Question(label, inputs, 1e-3)


def _not_best(rng: np.random.Generator, net: Any, image: np.ndarray) -> int:
    """The second best class: that it is not the best one must show."""
    return int(np.argsort(-draws.ask(net).logits(image[None])[0])[1])


def _of_class_net(rng: np.random.Generator, which: draws.Subject, word: str = "box") -> Question:
    if which.problem:
        return Question(which.name, {}, expected=which.missing)
    found = draws.photographs(rng, which, 1)
    size = which.net.input_size
    box, stride = (size // 4, size // 5)
    return _question(which.name, found.images[0], int(found.classes[0]), box, stride, word)


# -- what is right, and what is not ---------------------------------------------------------------


def _places(size: int, box: int, stride: int, beyond: bool = False) -> range:
    """Where boxes begin along an axis."""
    return range(0, size if beyond else size - box + 1, stride)


def _covered(
    net: Any, image: np.ndarray, box: int, stride: int,
    colour: float | str = _GREY, beyond: bool = False, stays: bool = False,
) -> np.ndarray:  # fmt: skip
    """Scores of all classes with the box in every place, (rows, columns, classes); remembered."""
    asked = codec.pack([net, image, box, stride, colour, beyond, stays])
    key = hashlib.sha256(asked).hexdigest()
    if key not in _KNOWN:
        while len(_KNOWN) >= 64:
            del _KNOWN[next(iter(_KNOWN))]
        _KNOWN[key] = _computed(net, image, box, stride, colour, beyond, stays)
    return _KNOWN[key]


_KNOWN: dict[str, np.ndarray] = {}


def _computed(
    net: Any, image: np.ndarray, box: int, stride: int,
    colour: float | str, beyond: bool, stays: bool,
) -> np.ndarray:  # fmt: skip
    fill = image.mean(axis=(0, 1)) if colour == "mean" else np.float32(colour)
    rows = _places(image.shape[0], box, stride, beyond)
    columns = _places(image.shape[1], box, stride, beyond)
    covered = []
    current = image.copy()
    for top in rows:
        for left in columns:
            current = current if stays else image.copy()
            current[top : top + box, left : left + box] = fill
            covered.append(current.copy())
    scores = draws.ask(net).logits(np.stack(covered))
    return scores.reshape(len(rows), len(columns), -1)


def _occlusion(
    net: Any, image: np.ndarray, target: int, box: int, stride: int, **how: Any
) -> np.ndarray:
    score = draws.ask(net).logits(image[None])[0, target]
    return (score - _covered(net, image, box, stride, **how)[..., target]) / abs(score)


def _probability(
    net: Any, image: np.ndarray, target: int, block: int, stride: int, **how: Any
) -> np.ndarray:
    how = {"colour": 0.0} | how
    return softmax(_covered(net, image, block, stride, **how))[..., target]


def _with(function: Callable[..., np.ndarray], **how: Any) -> Callable[..., np.ndarray]:
    return lambda **inputs: function(**inputs, **how)


def _after(
    function: Callable[..., np.ndarray], change: Callable[..., np.ndarray]
) -> Callable[..., np.ndarray]:
    """What `change` makes of the right map; it is also given the score or probability before."""

    def answer(net: Any, image: np.ndarray, target: int, **rest: Any) -> np.ndarray:
        scores = draws.ask(net).logits(image[None])[0]
        before = scores if function is _occlusion else softmax(scores[None])[0]
        return change(function(net=net, image=image, target=target, **rest), float(before[target]))

    return answer


def _other_class(
    function: Callable[..., np.ndarray], choose: Callable[[np.ndarray], int]
) -> Callable[..., np.ndarray]:
    def answer(net: Any, image: np.ndarray, target: int, **rest: Any) -> np.ndarray:
        scores = draws.ask(net).logits(image[None])[0]
        return function(net=net, image=image, target=choose(scores), **rest)

    return answer


def _short(function: Callable[..., np.ndarray], word: str) -> Callable[..., np.ndarray]:
    """Boxes that end at the border are forgotten.  Raises ValueError where none does."""

    def answer(image: np.ndarray, stride: int, **rest: Any) -> np.ndarray:
        if (len(image) - rest[word]) % stride:
            raise ValueError("no box ends at the border")
        return function(image=image, stride=stride, **rest)[:-1, :-1]

    return answer


def _of_probability(net: Any, image: np.ndarray, target: int, box: int, stride: int) -> np.ndarray:
    before = softmax(draws.ask(net).logits(image[None]))[0, target]
    after = softmax(_covered(net, image, box, stride))[..., target]
    return (before - after) / before


def _box_for_stride(net: Any, image: np.ndarray, target: int, box: int, stride: int) -> np.ndarray:
    return _occlusion(net, image, target, box, box)


_PLACES = "Boxes begin at 0, stride, 2 · stride, … as long as they lie inside the image."
_TARGET = "`target` says for which class; it need not be the net's first choice."
_COPY = "Cover a fresh copy of the image each time: image.copy()."

_OCCLUSION_MISTAKES = {
    "a black box": Mistake(_with(_occlusion, colour=0.0), "Middle grey is 0.5."),
    "a white box": Mistake(_with(_occlusion, colour=1.0), "Middle grey is 0.5."),
    "a box of the image's mean colour": Mistake(
        _with(_occlusion, colour="mean"), "The same grey for every image: 0.5."
    ),
    "128 in an image whose white is 1": Mistake(
        _with(_occlusion, colour=128.0), "Pixels go from 0 to 1: middle grey is 0.5."
    ),
    "the last row and column of boxes are missing": Mistake(_short(_occlusion, "box"), _PLACES),
    "boxes that reach beyond the border": Mistake(_with(_occlusion, beyond=True), _PLACES),
    "earlier boxes are still there": Mistake(_with(_occlusion, stays=True), _COPY),
    "stride and box mixed up": Mistake(
        lambda net, image, target, box, stride: _occlusion(net, image, target, stride, box),
        "The box is `box` pixels wide and moves by `stride`.",
    ),
    "moved by the box's own size": Mistake(_box_for_stride, "The box moves by `stride` pixels."),
    "rows and columns of the map swapped": Mistake(
        _after(_occlusion, lambda m, s: m.T), "map[i, j]: box at row i · stride, column j · stride."
    ),
    "divided by the score with its sign": Mistake(
        _after(_occlusion, lambda m, s: m * abs(s) / s),
        "(before − after) / |before|: by a negative score the map would be turned round.",
    ),
    "the sign is reversed": Mistake(
        _after(_occlusion, lambda m, s: -m), "Positive where the score falls: before − after."
    ),
    "difference in place of rate": Mistake(
        _after(_occlusion, lambda m, s: m * abs(s)), "Divide by the score of the whole image."
    ),
    "the score itself": Mistake(
        _after(_occlusion, lambda m, s: s - m * abs(s)), "(before − after) / |before|."
    ),
    "score with the box, divided by the score without": Mistake(
        _after(_occlusion, lambda m, s: (s - m * abs(s)) / s), "(before − after) / |before|."
    ),
    "divided by the score with the box": Mistake(
        _after(_occlusion, lambda m, s: m * abs(s) / (s - m * abs(s))),
        "Divide by the score of the whole image.",
    ),
    "in percent": Mistake(_after(_occlusion, lambda m, s: 100 * m), "A fraction: 1 is all of it."),
    "absolute changes": Mistake(
        _after(_occlusion, lambda m, s: np.abs(m)), "Where the score rises, the rate is negative."
    ),
    "probability in place of the score": Mistake(
        _of_probability, "Scores, that is, before softmax: net.logits."
    ),
    "always the net's best class": Mistake(
        _other_class(_occlusion, lambda s: int(s.argmax())), _TARGET
    ),
}

_BLOCK_MISTAKES = {
    "the score in place of the probability": Mistake(
        lambda net, image, target, block, stride: _covered(net, image, block, stride, colour=0.0)[
            ..., target
        ],
        "Softmax makes probabilities of scores: net.probabilities.",
    ),
    "sigmoid in place of softmax": Mistake(
        lambda net, image, target, block, stride: (
            1 / (1 + np.exp(-_covered(net, image, block, stride, colour=0.0)[..., target]))
        ),
        "Softmax makes probabilities of scores: net.probabilities.",
    ),
    "grey in place of zero": Mistake(
        _with(_probability, colour=_GREY), "The block's pixels are set to 0."
    ),
    "the image's mean in place of zero": Mistake(
        _with(_probability, colour="mean"), "The block's pixels are set to 0."
    ),
    "the fall of the probability, not the probability": Mistake(
        _after(_probability, lambda m, p: p - m), "The map holds the probability with the block."
    ),
    "one minus the probability": Mistake(
        _after(_probability, lambda m, p: 1 - m), "The map holds the probability with the block."
    ),
    "the change of the probability, not the probability": Mistake(
        _after(_probability, lambda m, p: m - p), "The map holds the probability with the block."
    ),
    "divided by the probability of the whole image": Mistake(
        _after(_probability, lambda m, p: m / p), "The probability as it is."
    ),
    "earlier blocks are still there": Mistake(_with(_probability, stays=True), _COPY),
    "the last row and column of blocks are missing": Mistake(
        _short(_probability, "block"), _PLACES
    ),
    "the highest probability, whatever class has it": Mistake(
        lambda net, image, target, block, stride: softmax(
            _covered(net, image, block, stride, colour=0.0)
        ).max(axis=-1),
        _TARGET,
    ),
    "blocks that reach beyond the border": Mistake(_with(_probability, beyond=True), _PLACES),
    "rows and columns of the map swapped": Mistake(
        _after(_probability, lambda m, p: m.T),
        "map[i, j]: block at row i · stride, column j · stride.",
    ),
    "stride and block mixed up": Mistake(
        lambda net, image, target, block, stride: _probability(net, image, target, stride, block),
        "The block is `block` pixels wide and moves by `stride`.",
    ),
    "always the net's best class": Mistake(
        _other_class(_probability, lambda s: int(s.argmax())), _TARGET
    ),
}


# -- heat maps ------------------------------------------------------------------------------------


def _draw_heat(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    for size, box, stride in ((12, 4, 2), (11, 3, 3), (13, 5, 4), (9, 2, 3)):
        count = len(_places(size, box, stride))
        changes = rng.normal(0.2, 0.4, (count, count))
        inputs = {"changes": changes, "size": size, "box": box, "stride": stride}
        yield Question(f"{size}×{size}, box {box}, stride {stride}", inputs)


def _spread(
    changes: np.ndarray, size: int, box: int, stride: int, combine: str = "mean"
) -> np.ndarray:
    total = np.zeros((size, size))
    times = np.zeros((size, size))
    for i, row in enumerate(changes):
        for j, change in enumerate(row):
            part = np.s_[i * stride : i * stride + box, j * stride : j * stride + box]
            if combine == "last":
                total[part] = change
            elif combine == "max":
                total[part] = np.where(times[part] == 0, change, np.maximum(total[part], change))
            else:
                total[part] += change
            times[part] += 1
    return total / np.maximum(times, 1) if combine == "mean" else total


def _times(changes: np.ndarray, size: int, box: int, stride: int) -> np.ndarray:
    """How many boxes lie over each pixel."""
    return _spread(np.ones_like(changes), size, box, stride, "sum")


def _by_the_most(changes: np.ndarray, size: int, box: int, stride: int) -> np.ndarray:
    times = _times(changes, size, box, stride)
    return _spread(changes, size, box, stride, "sum") / times.max()


def _undefined(changes: np.ndarray, size: int, box: int, stride: int) -> np.ndarray:
    times = _times(changes, size, box, stride)
    return np.where(times == 0, np.nan, _spread(changes, size, box, stride))


def _tiles(changes: np.ndarray, size: int, box: int, stride: int) -> np.ndarray:
    """Each value in a tile as large as the stride."""
    tiles = changes.repeat(stride, axis=0).repeat(stride, axis=1)[:size, :size]
    short = [(0, size - n) for n in tiles.shape]
    return np.pad(tiles, short)


def _stretched(changes: np.ndarray, size: int, box: int, stride: int) -> np.ndarray:
    places = np.arange(size) * len(changes) // size
    return changes[places][:, places]


_HEAT_MISTAKES = {
    "the sum over the boxes in place of their mean": Mistake(
        lambda **inputs: _spread(**inputs, combine="sum"),
        "Pixels in the middle lie under more boxes: divide by how many there were.",
    ),
    "the last box overwrites the others": Mistake(
        lambda **inputs: _spread(**inputs, combine="last"),
        "Boxes overlap: add up with +=, and divide by how many there were.",
    ),
    "the largest in place of the mean": Mistake(
        lambda **inputs: _spread(**inputs, combine="max"), "The mean over all boxes that cover it."
    ),
    "the largest in place of the mean, and at least 0": Mistake(
        lambda **inputs: np.maximum(_spread(**inputs, combine="max"), 0),
        "The mean over all boxes that cover it; changes may be negative.",
    ),
    "divided by the same number everywhere": Mistake(
        _by_the_most, "Fewer boxes lie over pixels at the border: count them for each pixel."
    ),
    "NaN where no box lies": Mistake(
        _undefined, "0 / 0: where the count is 0 the map is 0, so divide by np.maximum(count, 1)."
    ),
    "boxes one pixel too large": Mistake(
        lambda changes, size, box, stride: _spread(changes, size, box + 1, stride),
        "A slice ends before its last number: [top : top + box] has `box` pixels.",
    ),
    "each value in a tile of the stride": Mistake(
        _tiles, "A box covers `box` pixels, though it moves by `stride`."
    ),
    "stretched to the size of the image": Mistake(
        _stretched, "The map's value belongs to the pixels that its box covers."
    ),
    "rows and columns swapped": Mistake(
        lambda changes, size, box, stride: _spread(changes.T, size, box, stride),
        "changes[i, j] belongs to row i · stride and column j · stride.",
    ),
    "the whole stretched to 0 … 1": Mistake(
        lambda **inputs: (_spread(**inputs) - _spread(**inputs).min()) / np.ptp(_spread(**inputs)),
        "Rates as they are: a reader wants to know how much.",
    ),
}


# -- pointing -------------------------------------------------------------------------------------


def _draw_pointing(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    for count, size in ((4, 8), (8, 6), (5, 10)):
        maps = rng.normal(0.1, 0.5, (count, size, size))
        masks = np.zeros((count, size, size), bool)
        hits = rng.permutation(count) < rng.integers(1, count)
        for mask, picture, hit in zip(masks, maps, hits, strict=True):
            height, width = rng.integers(2, size - 2, 2)
            top, left = rng.integers(0, size - height), rng.integers(0, size - width)
            mask[top : top + height, left : left + width] = True
            for where, value in ((mask == hit, 2.5), (mask != hit, -2.5)):  # highest and lowest
                places = np.argwhere(where)
                picture[tuple(places[rng.integers(len(places))])] = value
        yield Question(f"{count} maps of {size}×{size}", {"maps": maps, "masks": masks})


def _pointing(
    maps: np.ndarray, masks: np.ndarray, keep: Callable[[np.ndarray], np.ndarray] | None = None
) -> tuple[float, float]:
    positive = (keep or (lambda m: np.maximum(m, 0)))(maps)
    flat, inside = maps.reshape(len(maps), -1), masks.reshape(len(masks), -1)
    hits = inside[np.arange(len(maps)), flat.argmax(axis=1)].mean()
    mass = (positive * masks).sum(axis=(1, 2)) / positive.sum(axis=(1, 2))
    return float(hits), float(mass.mean())


def _lowest(maps: np.ndarray, masks: np.ndarray) -> tuple[float, float]:
    flat, inside = maps.reshape(len(maps), -1), masks.reshape(len(masks), -1)
    hits = inside[np.arange(len(maps)), flat.argmin(axis=1)].mean()
    return float(hits), _pointing(maps, masks)[1]


def _all_at_once(maps: np.ndarray, masks: np.ndarray) -> tuple[float, float]:
    positive = np.maximum(maps, 0)
    return _pointing(maps, masks)[0], float((positive * masks).sum() / positive.sum())


_POINTING_MISTAKES = {
    "negative values count, too": Mistake(
        lambda maps, masks: _pointing(maps, masks, lambda m: m),
        "np.maximum(maps, 0): where the score rose, the map says nothing for the class.",
    ),
    "absolute values in the mass": Mistake(
        lambda maps, masks: _pointing(maps, masks, np.abs),
        "np.maximum(maps, 0): where the score rose, the map says nothing for the class.",
    ),
    "the lowest in place of the highest value": Mistake(_lowest, "argmax, in each map."),
    "the mass of all maps taken together": Mistake(
        _all_at_once, "First the share in each map, then the mean: each map counts the same."
    ),
    "hits counted, not their share": Mistake(
        lambda maps, masks: (
            _pointing(maps, masks)[0] * len(maps),
            _pointing(maps, masks)[1],
        ),
        "Divide by the number of maps.",
    ),
    "hits and mass swapped": Mistake(
        lambda maps, masks: _pointing(maps, masks)[::-1], "Hits come first: return hits, mass."
    ),
    "mean in the mask in place of the share of the mass": Mistake(
        lambda maps, masks: (
            _pointing(maps, masks)[0],
            float(np.mean([np.maximum(m, 0)[k].mean() for m, k in zip(maps, masks, strict=True)])),
        ),
        "Sum inside the mask, divided by the sum of the whole map.",
    ),
}


def _draw_occlusion_points(
    rng: np.random.Generator, variant: int, handed: Handed | None
) -> Iterator[Question]:
    """Masks are known for PhotoDigits alone, so this is about the mini net in every class."""
    found = draws.photographs(rng, draws.Subject(draws.MINI), _CANDIDATES)
    assert found.masks is not None
    clear = []
    for image, target, mask in zip(found.images, found.classes, found.masks, strict=True):
        inputs = {
            "net": draws.MINI, "image": image, "target": int(target), "box": _BOX, "stride": _STEP
        }  # fmt: skip
        changes = _occlusion(**inputs)
        hit, gain = box_gain(changes, mask, _BOX, _STEP)
        turned_hit, turned = box_gain(changes.T, mask, _BOX, _STEP)
        sure = (hit and gain > _CLEAR) + (not turned_hit and turned < _LEAST)
        clear.append((sure, gain, inputs, mask, changes))
    clear.sort(key=lambda row: (-row[0], -row[1]))
    for number, (_, _, inputs, mask, own) in enumerate(clear[:_ASKED], 1):
        facts = {"mask": mask, "box": _BOX, "stride": _STEP, "gain": _LEAST, "like": 0.9}
        facts["map"] = own.astype(np.float32)
        yield Question(f"photograph {number}", inputs, expected=facts)


JUDGES_OCCLUSION = [
    Judge(
        "occlusion_map",
        _occlusion,
        _draw_occlusion,
        _OCCLUSION_MISTAKES,
        section=_OCCLUSION,
        by_files=True,
        depicted=Depiction("image", amounts=True),
    ),
    Judge(
        "occlusion_points",
        draws.unused,
        _draw_occlusion_points,
        section=_OCCLUSION,
        assess=boxes_on_mask,
        hints=HINTS,
        by_files=True,
        depicted=Depiction("image", amounts=True),
    ),
    Judge(
        "heat_map",
        _spread,
        _draw_heat,
        _HEAT_MISTAKES,
        section=_HEAT,
        depicted=Depiction(amounts=True),
    ),
    Judge(
        "pointing",
        _pointing,
        _draw_pointing,
        _POINTING_MISTAKES,
        parts=("hits", "mass"),
        section=_COMPARE,
    ),
    Judge(
        "probability_map",
        _probability,
        _draw_probabilities,
        _BLOCK_MISTAKES,
        section=_BLOCK,
        by_files=True,
        depicted=Depiction("image", amounts=True),
    ),
]
"""Judges of maps made by covering."""
