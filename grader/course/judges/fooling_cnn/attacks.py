"""Judges of notebook 05 for images that fool a net: it is the trusted net that must be fooled.

A way is held against the rule step by step; a smallest change against that of the reference attack
on the same image.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from grader.contract.judge import Depiction, Handed, Judge, Mistake, Question
from utils.nets import opinions
from utils.nets import toy as nets
from utils.rules import ascent, fooling
from utils.rules.ascent import STRAIGHT, WAY_HINTS
from utils.rules.fooling import CHANGE_HINTS, TABLE_HINTS

from ... import nets as nets_of_course
from ...nets import attack as attack_reference
from ...nets import trusted
from ...nets.keras_process import KerasNet
from . import exhibits
from .arrays import SECTION
from .exhibits import Exhibit

opinions.trust(trusted.of)

_MOST = {"mini": 40}
"""Net -> steps of a way at most; a case is chosen so that the rule needs fewer."""
_MOST_LARGE = 16  # whole ways are handed back, and the images of an ImageNet net are large
_CASES = {"mini": 3}
_CASES_LARGE = 2
_LENGTH = {"mini": 0.15}
_LENGTH_LARGE = 0.5  # of a step, about

_FEWEST = 4  # of steps: more than `most` of the case that ends too early
_CLEAR = 0.02  # between the scores of the two best classes: beyond what rounding can turn round


def _unused(**_: Any) -> None:
    raise NotImplementedError("there are many right answers; they are assessed")


# -- a way ----------------------------------------------------------------------------------------


def _draw_ways(rng: np.random.Generator, variant: int, handed: Handed | None) -> Iterator[Question]:
    inputs = _on_linear(rng)
    yield Question("a linear net that wants pixels in -1 … 1", inputs, 0, {})
    yield Question("fewer steps allowed than it takes", inputs | {"most": 2}, 0, {})
    first = trusted.of(inputs["net"]).logits(inputs["image"][None])[0]
    yield Question(
        "the target wins from the start", inputs | {"target": int(first.argmax())}, 0, {}
    )
    name = nets_of_course.of_class(handed)
    length, most = _LENGTH.get(name, _LENGTH_LARGE), _MOST.get(name, _MOST_LARGE)
    shown = exhibits.draw(name, rng)
    for label, pick in (
        ("to the second likeliest class", "likely"),
        ("to the least likely class", "unlikely"),
        ("to another class", "other"),
    )[: _CASES.get(name, _CASES_LARGE)]:
        for exhibit in shown:
            target = _target(exhibit, pick, rng)
            size = length * float(rng.choice([0.8, 1.0, 1.25]))
            inputs = _way(name, exhibit.image, target, size, most)
            if _clear(inputs):
                yield Question(label, inputs, 0, {})
                break


def _target(exhibit: Exhibit, pick: str, rng: np.random.Generator) -> int:
    return {
        "likely": exhibit.likely,
        "unlikely": exhibit.unlikely,
        "other": exhibit.any_other(rng),
    }[pick]


def _way(net: Any, image: np.ndarray, target: int, size: float, most: int = 40) -> dict[str, Any]:
    return {"net": net, "image": image, "target": target, "size": size, "most": most}


def _on_linear(rng: np.random.Generator) -> dict[str, Any]:
    """An image with black and white spots, on which steps must be clipped."""
    side, classes = 6, 4
    while True:
        kernel = rng.standard_normal((side, side, 3, classes)) * 0.5
        image = rng.integers(30, 226, (side, side, 3))
        image[rng.random(image.shape) < 0.15] = 0
        image[rng.random(image.shape) < 0.15] = 255
        net = nets.linear(kernel, np.zeros(classes), "signed")
        image = image.astype(np.uint8)
        scores = trusted.of(net).logits(image[None])[0]
        inputs = _way(net, image, int(np.argsort(scores)[0]), 0.6)
        if _clear(inputs):
            return inputs


def _clear(inputs: dict[str, Any]) -> bool:
    """Does the rule get there in a few steps, with no doubt about when the target wins?"""
    net = trusted.of(inputs["net"])
    image, target, size, most = (inputs[name] for name in ("image", "target", "size", "most"))
    if isinstance(net, KerasNet):  # which is the student's own, built in the same way
        scores = net.ascend(image, target, size, most)
    else:
        images = attack_reference.ascend(net, image, target, size, most)
        scores = net.logits(images)
        if not exhibits.steady(net, images[:1], target):  # the others are no longer flat anywhere
            return False
    if not _FEWEST <= len(scores) - 1 < most:
        return False
    rest = scores.copy()
    rest[:, target] = -np.inf
    ahead = scores[:, target] - rest.max(axis=1)
    return bool(np.abs(ahead[-2:]).min() > _CLEAR)


# -- the smallest change, and several targets -----------------------------------------------------


def _draw_changes(
    rng: np.random.Generator, variant: int, handed: Handed | None
) -> Iterator[Question]:
    name = nets_of_course.of_class(handed)
    shown = exhibits.draw(name, rng)
    for label, pick in (
        ("to the second likeliest class", "likely"),
        ("to the least likely class", "unlikely"),
        ("to another class", "other"),
    )[: _CASES.get(name, _CASES_LARGE)]:
        for exhibit in shown:
            target = _target(exhibit, pick, rng)
            smallest = exhibits.smallest(name, exhibit.image, target)
            far = np.linalg.norm(exhibit.image / 255 - 0.5)  # other photographs are as far at least
            if fooling.NOTHING * smallest <= far:
                inputs = {"net": name, "image": exhibit.image, "target": target}
                yield Question(label, inputs, 0, {"smallest": np.float16(smallest)})
                break


def _draw_targets(
    rng: np.random.Generator, variant: int, handed: Handed | None
) -> Iterator[Question]:
    name = nets_of_course.of_class(handed)
    shown = exhibits.draw(name, rng)
    for label, picks in (
        ("a likely target and an unlikely one", ("likely", "unlikely")),
        ("an unlikely target and another one", ("unlikely", "other")),
    )[: _CASES.get(name, _CASES_LARGE) - 1]:
        exhibit = next(shown)
        targets = np.array([_target(exhibit, pick, rng) for pick in picks])
        inputs = {"net": name, "image": exhibit.image, "targets": targets}
        yield Question(label, inputs, 0, {})


def _anywhere(net: Any, image: np.ndarray, target: int, size: float, most: int) -> np.ndarray:
    """One step of the right size, without asking the net where to."""
    start = image / np.float32(255)
    step = np.random.default_rng(0).normal(size=start.shape)
    moved = np.clip(start + size * step / np.linalg.norm(step), 0, 1)
    return np.stack([start, moved]).astype(np.float32)


JUDGES_ATTACKS = [
    Judge(
        "fool", _unused, _draw_ways, {STRAIGHT: Mistake(_unused, core=True)},
        section=SECTION[1], assess=ascent.ascent, hints=WAY_HINTS,
        idle=(lambda net, image, target, size, most: image[None] / np.float32(255), _anywhere),
        by_files=True, patience=2.0,
        depicted=Depiction("image", lambda value: np.asarray(value)[-1]),
    ),
    Judge(
        "smallest_change", _unused, _draw_changes, section=SECTION[3], patience=3.0,
        assess=fooling.smallest_change, hints=CHANGE_HINTS, by_files=True,
        depicted=Depiction("image", white=255.0),
    ),
    Judge(
        "compare_targets", _unused, _draw_targets, section=SECTION[4], patience=4.0,
        assess=fooling.targets_table, hints=TABLE_HINTS, by_files=True,
    ),
]  # fmt: skip
"""Judges of images that fool a net."""
