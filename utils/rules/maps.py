"""Measures of notebook 04: activation maps, and how they hang together.

See utils.rules.theory for what a measure is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from utils.checks.cases import Case
from utils.checks.kinds import described, numeric
from utils.checks.verdicts import CaseVerdict, PartVerdict, Told, of_parts
from utils.images import exam_images
from utils.nets import blocks, opinions, own
from utils.nets.blocks import Stage
from utils.nets.chain import Step

_PLACES = ("first", "second", "third")
_STEPS = ("what the second layer makes of the first", "what the third makes of the second")
PARTS = (*_PLACES, *_STEPS)
"""What is compared of three layers' maps."""
_WITHIN = 1e-3  # of the largest activation, and twelve convolutions long

BATCH_AXIS = "the axis of the batch is still there"
CHANNELS_FIRST = "channels first"
SCALED = "scaled"
UPSIDE_DOWN = "turned upside down"
OTHER_LAYER = "the maps of another layer"
SQUEEZED = "axes of length one are gone"
UNTRAINED = "the net recognises no more than before training"

HINTS = {
    BATCH_AXIS: "A net takes and returns stacks of images: [0] takes the first.",
    CHANNELS_FIRST: "Height, width, channels: as the net gives them.",
    SCALED: "Activations as they are: scaling belongs to drawing.",
    UPSIDE_DOWN: "Row 0 is on top.",
    SQUEEZED: "np.squeeze takes every axis of length one, that of a single map, too: take [0].",
    OTHER_LAYER: "model.get_layer(name).output, for each name.",
    UNTRAINED: "Take a net that notebook 03 has trained to its end.",
}
"""What to think about next, for each mistake named here."""


def activation_maps(inputs: dict[str, Any], answer: Any) -> dict[str, Any]:
    """The maps of three layers, and what the second and third make of the one before."""
    layers = [str(name) for name in inputs["layers"]]
    return maps_and_relations(_stack(answer, len(layers)))


def _stack(answer: Any, count: int) -> list[np.ndarray]:
    if answer is None:
        raise ValueError("your function returned None; is the return statement missing?")
    if not isinstance(answer, (list, tuple)) or len(answer) != count:
        what = f"a list of {count} arrays, one for each layer"
        raise ValueError(f"expected {what}, got {described(answer)}")
    return [numeric(part, "an array of maps for each layer") for part in answer]


def maps_and_relations(maps: Sequence[np.ndarray]) -> dict[str, Any]:
    """The parts that are compared: each map, and what follows from the one before."""
    first, second, third = maps
    return {
        **dict(zip(_PLACES, maps, strict=True)),
        **dict(zip(_STEPS, (relation(first, second), relation(second, third)), strict=True)),
    }


def relation(before: np.ndarray, after: np.ndarray) -> str:
    """What a layer makes of its input: RELU, RELU6, BN, MAXP, or something else."""
    if before.shape == after.shape:
        if np.array_equal(np.maximum(before, 0), after):
            return "RELU: max(x, 0), exactly"
        if np.array_equal(np.clip(before, 0, 6), after):
            return "RELU6: x, cut off at 0 and 6, exactly"
        if before.ndim == 3 and _is_affine(before, after):
            return "BN: each map times a number, plus another"
    return (
        "MAXP: the largest of each window, exactly" if _pooled(before, after) else "something else"
    )


def _is_affine(before: np.ndarray, after: np.ndarray) -> bool:
    """Is each map of the second array a map of the first, times a number, plus another?"""
    x = before.reshape(-1, before.shape[-1]).astype(np.float64)
    y = after.reshape(x.shape).astype(np.float64)
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    slope = (x * y).sum(axis=0) / np.maximum((x * x).sum(axis=0), 1e-12)
    return bool(np.abs(y - slope * x).max() <= _WITHIN * max(float(np.abs(y).max()), 1e-6))


def _pooled(before: np.ndarray, after: np.ndarray) -> bool:
    """Is the second array the maxima of the windows of the first?"""
    if before.ndim != 3 or after.ndim != 3 or before.shape[2] != after.shape[2]:
        return False
    for size, step in ((2, 2), (3, 2), (3, 3)):
        if all(n >= size and (n - size) // step + 1 == m
               for n, m in zip(before.shape[:2], after.shape[:2], strict=True)):  # fmt: skip
            windows = np.lib.stride_tricks.sliding_window_view(before, (size, size), axis=(0, 1))
            if np.array_equal(windows[::step, ::step].max(axis=(3, 4)), after):
                return True
    return False


# -- a net that the student trained ---------------------------------------------------------------


@dataclass(frozen=True)
class Subject:
    """A net that the student trained, as whoever judges sees it."""

    net: opinions.Opinion
    steps: tuple[Step, ...]
    """Its layers."""
    right: float
    """Fraction of images that it recognises and has not been trained on."""
    floor: float
    """The least that a trained net recognises."""


def recognised(net: opinions.Opinion, images: np.ndarray, labels: np.ndarray) -> float:
    """The fraction of images whose class a net believes in most."""
    return float(np.mean(net.logits(images).argmax(axis=1) == labels))


def own_maps(case: Case, answer: Any) -> CaseVerdict:
    """Maps of a net that the student trained: of the layers that belong to one convolution.

    expected: subject, what the judge has made of the file that was handed in, or "" in a notebook,
    where the student's own is asked; problem, why there is none; tried, how many public images it
    is tried on there, and floors, by data set.
    """
    facts = case.expected
    if told := facts.get("unavailable") or facts.get("problem"):
        return CaseVerdict(case.label, 0.0, Told(str(told)))
    asked = facts["subject"] or _at_hand(int(facts["tried"]), facts["floors"])
    if not isinstance(answer, dict) or not {"layers", "maps"} <= set(answer):
        raise ValueError("expected visualizing.of_own(activation_maps); the check cell was changed")
    stages = blocks.of_chain(asked.steps, int(case.inputs["number"]))
    names = [stage.layer for stage in stages]
    if answer["layers"] != names:
        raise ValueError(f"expected the maps of {', '.join(names)}; was another net taken?")
    image = np.asarray(case.inputs["image"], np.float32)[None]
    wanted = [np.asarray(asked.net.units(image, name))[0] for name in names]
    maps = _stack(answer["maps"], len(names))
    parts = [
        _one_map(stage, want, got, wanted)
        for stage, want, got in zip(stages, wanted, maps, strict=True)
    ]
    share = float(np.mean([part.ok for part in parts]))
    trained = asked.right >= asked.floor
    told = f"recognises {100 * asked.right:.0f} % of images that it was not trained on"
    least = f"expected {100 * asked.floor:.0f} % or more"
    parts.append(
        PartVerdict("your net", trained, Told(told, expected=least), mistakes=(UNTRAINED,))
    )
    return of_parts(case.label, parts, share if trained else share / 2, remarks=True)


def _at_hand(tried: int, floors: dict[str, float]) -> Subject:
    """The net in the student's folder.  Raises NoOwnNet."""
    kept = own.kept()
    net = opinions.of(own.load())
    right = recognised(net, *exam_images.public(kept.dataset, tried))
    return Subject(net, kept.steps, right, float(floors[kept.dataset]))


def _one_map(
    stage: Stage, want: np.ndarray, got: np.ndarray, others: list[np.ndarray]
) -> PartVerdict:
    if _same(got, want):
        return PartVerdict(stage.layer, True, Told(stage.told))
    name = f"{stage.layer} ({stage.told})"
    if got.shape != want.shape:
        told = Told(f"has shape {got.shape}", expected=f"expected {want.shape}")
    else:
        off = int(np.sum(~_close(got, want)))
        told = Told(f"{off} of {want.size} values are off")
    return PartVerdict(name, False, told, mistakes=_named(want, got, others))


def _named(want: np.ndarray, got: np.ndarray, others: list[np.ndarray]) -> tuple[str, ...]:
    """The known mistake that gives these maps."""
    if _same(got, want[None]):
        return (BATCH_AXIS,)
    if _same(got, np.moveaxis(want, -1, 0)):
        return (CHANNELS_FIRST,)
    if _same(got, want[::-1]):
        return (UPSIDE_DOWN,)
    if any(_same(got, other) for other in others):
        return (OTHER_LAYER,)
    if got.shape == want.shape and np.ptp(got) > 0 and _same(_to_one(got), _to_one(want)):
        return (SCALED,)
    return ()


def _to_one(maps: np.ndarray) -> np.ndarray:
    return maps / max(float(np.abs(maps).max()), 1e-12)


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and bool(_close(a, b).all())


def _close(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.abs(a - b) <= _WITHIN * max(float(np.abs(b).max()), 1e-6)
