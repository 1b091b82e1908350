"""Judges of notebook 04 for pictures made by ascent: of classes, of single units, of natural ones.

Pictures are handed back by the kernel and looked at here, by the trusted net and, where there is
one, by a second net that no student has ever seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from grader.contract.judge import Depiction, Handed, Judge, Question
from utils.rules import visualizing
from utils.rules.visualizing import HINTS

from ...nets import trusted
from . import draws
from .ascent_parts import JUDGES_PARTS

_CLASSES = "Exercise 04.4: what a class looks like"
_UNITS = "Exercise 04.5: any unit"
_NATURAL = "Exercise 04.7: natural images"

NOISE = 0.1
"""Standard deviation of the noise that ascents begin with."""


# -- classes --------------------------------------------------------------------------------------

_FEW = 2  # classes asked for where a net is large


def _draw_classes(
    rng: np.random.Generator, variant: int, handed: Handed | None
) -> Iterator[Question]:
    which = draws.subject(handed)
    label = f"pictures of classes of {which.name}, one of them twice"
    if which.problem:
        yield Question(label, {}, expected=which.missing)
        return
    net = which.net
    if which.name == draws.MINI:
        classes = rng.permutation(net.classes)
    else:
        classes = rng.choice(net.classes, _FEW, replace=False)
    classes = np.concatenate([classes, classes[:1]])
    inputs = {"net": which.name, "classes": classes, "seed": int(rng.integers(1000))}
    expected = {
        "second": "" if handed is None else _second(which),
        "size": net.input_size,
        "smooth": 0.62 if which.name == draws.MINI else 0.6,
    }
    yield Question(label, inputs, expected=expected | _beyond_photographs(rng, which))


def _beyond_photographs(rng: np.random.Generator, which: draws.Subject) -> dict[str, float]:
    """Scores that photographs don't reach.  Of 3,000, the best of each class have 36 in the mini
    net, and 3.7 times ‖x‖; at half the contrast 23, and 5.0 times.  Ascents in many ways have from
    48, and from 4.7 times ‖x‖ where they are fainter.  In a large net both are far apart."""
    if which.name == draws.MINI:
        return {"score": 45.0, "per_norm": 4.2, "faint": 25.0}
    found = draws.photographs(rng, which, 3).images
    scores = which.net.logits(found).max(axis=1)
    norms = np.linalg.norm((found - 0.5).reshape(len(found), -1), axis=1)
    score = float(scores.mean())
    return {"score": 1.5 * score, "per_norm": 2 * float((scores / norms).mean()), "faint": score}


def _second(which: draws.Subject) -> Any:
    """A second net for the same classes, "" if there is none."""
    return trusted.second() if which.name == draws.MINI else ""


# -- units ----------------------------------------------------------------------------------------


def _draw_units(
    rng: np.random.Generator, variant: int, handed: Handed | None
) -> Iterator[Question]:
    which = draws.subject(handed)
    yield _exact_unit(rng)
    if which.problem:
        yield Question(which.name, {}, expected=which.missing)
        return
    for layer in _chosen_layers(rng, which):
        yield _unit(rng, which, layer)


def _draw_smooth(
    rng: np.random.Generator, variant: int, handed: Handed | None
) -> Iterator[Question]:
    which = draws.subject(handed)
    if which.problem:
        yield Question(which.name, {}, expected=which.missing)
        return
    for layer in _chosen_layers(rng, which)[1:]:  # deep enough for what is smooth to be seen
        yield _unit(rng, which, layer)


def _exact_unit(rng: np.random.Generator) -> Question:
    """A weighted sum: the value can be reached with far less than the norm of the start."""
    size = 6
    net = draws.linear(rng, size)
    asked = draws.ask(net)
    unit = int(rng.integers(asked.classes))
    start = start_of(rng, size)
    grey = np.full((1, size, size, 3), 0.5, np.float32)
    at_grey = float(asked.units(grey, "fc1")[0, unit])
    value = round(at_grey + float(rng.choice([-1, 1]) * rng.uniform(0.8, 1.6)), 3)
    inputs = {
        "net": net, "layer": "fc1", "unit": (unit,), "value": value, "start": start, "strength": 1.0
    }  # fmt: skip
    most = float(np.linalg.norm(start - 0.5))
    return Question("a weighted sum of all pixels", inputs, expected={"most": most})


def _unit(rng: np.random.Generator, which: draws.Subject, layer: str) -> Question:
    """A unit, and a value that a photograph gives it: so it can be reached."""
    net = which.net
    photographs = draws.photographs(rng, which, 12 if which.name == draws.MINI else 3).images
    activations = net.units(photographs, layer)
    scale = float(np.abs(activations).mean())
    for _ in range(100):
        shape = activations.shape[1:]
        middle = [int(rng.integers(n // 4, n - n // 4)) for n in shape[:-1]]
        unit = (*middle, int(rng.integers(shape[-1])))
        seen = np.array([each[unit] for each in activations])
        strongest = float(seen[np.argmax(np.abs(seen))])
        turned = len(middle) < 2 or middle[0] != middle[1] or shape[0] < 4
        if abs(strongest) > scale and turned:  # that row and column were swapped must show
            break
    value = round(strongest * float(rng.uniform(0.6, 1.0)), 3)
    inputs = {
        "net": which.name,
        "layer": layer,
        "unit": unit,
        "value": value,
        "start": start_of(rng, net.input_size),
        "strength": 1.0,
    }
    label = f"{layer}{list(unit)} of {which.name} = {value:g}"
    return Question(label, inputs, expected={})


def start_of(rng: np.random.Generator, size: int, grey: bool = False) -> np.ndarray:
    """Noise around middle grey, (size, size, 3) float32 in [0, 1]."""
    noise = rng.normal(0, NOISE, (size, size, 1 if grey else 3))
    return np.clip(0.5 + np.repeat(noise, 3 if grey else 1, axis=2), 0, 1).astype(np.float32)


def _chosen_layers(rng: np.random.Generator, which: draws.Subject) -> list[str]:
    """An early convolution, a later one, and one of the last layers; at random.

    In a large net two of them, to spare the kernel's time.
    """
    shapes = draws.weighted(which.name)
    dense = [name for name, shape in shapes.items() if len(shape) == 2]
    ends = dense or list(shapes)[-2:]
    rest = [name for name in shapes if name not in ends]
    half = len(rest) // 2
    parts = (rest[:half], rest[half:], ends) if which.name == draws.MINI else (rest[half:], ends)
    return [str(rng.choice(part)) for part in parts]


# -- natural images -------------------------------------------------------------------------------


def _draw_natural(
    rng: np.random.Generator, variant: int, handed: Handed | None
) -> Iterator[Question]:
    which = draws.subject(handed)
    if which.problem:
        yield Question(which.name, {}, expected=which.missing)
        return
    net = which.net
    last = list(draws.weighted(which.name))[-1]
    found = draws.photographs(rng, which, 2 if which.name == draws.MINI else 1)
    scores = net.units(found.images, last)
    for number, target in enumerate(found.classes):
        unit = (*(0 for _ in scores.shape[1:-1]), int(target))
        value = round(float(scores[number][unit]) * float(rng.uniform(0.8, 1.0)), 3)
        inputs = {
            "net": which.name,
            "layer": last,
            "unit": unit,
            "value": value,
            "start": start_of(rng, net.input_size, grey=True),
            "strength": 1.0,
        }
        label = f"class {int(target)} of {which.name} = {value:g}"
        yield Question(label, inputs, expected={})


def _judge(
    name: str,
    draw: Any,
    section: str,
    assess: Callable[..., Any],
    patience: float,
    depicted: Depiction,
) -> Judge:
    return Judge(
        name,
        draws.unused,
        draw,
        section=section,
        assess=assess,
        hints=HINTS,
        by_files=True,
        patience=patience,
        depicted=depicted,
    )


_WITH = Depiction(chosen=lambda value: value["with"])  # the picture with all regularisers

JUDGES_ASCENT = [
    *JUDGES_PARTS,
    _judge(
        "class_images",
        _draw_classes,
        _CLASSES,
        visualizing.class_pictures,
        3.0,
        depicted=Depiction(),
    ),
    _judge(
        "drive_unit",
        _draw_units,
        _UNITS,
        visualizing.driven_unit,
        3.0,
        depicted=_WITH,
    ),
    _judge(
        "drive_smoothly",
        _draw_smooth,
        "Exercise 04.6: stronger regularisers",
        visualizing.driven_smoothly,
        3.0,
        depicted=_WITH,
    ),
    _judge(
        "drive_naturally",
        _draw_natural,
        _NATURAL,
        visualizing.driven_naturally,
        3.0,
        depicted=_WITH,
    ),
]
"""Judges of pictures made by ascent, and of the parts they are made with."""
