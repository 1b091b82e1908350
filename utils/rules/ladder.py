"""Assess nets beside what was asked of their training, and beside one another.

What a record says of a training is a claim.  It is held against its own curves and against what the
weights do: see utils.training.records.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from utils.checks.cases import Case
from utils.checks.verdicts import CaseVerdict, PartVerdict, Told, of_parts
from utils.rules.strategies import FRACTIONS, Measured, number_of, steady_accuracy
from utils.rules.training import accuracy
from utils.training import records
from utils.training.models import public_images

OTHER_TRAINING = "trained in another way than asked"
OTHER_CURVES = "the record is not that of this net"
NOT_DENSE = "other layers than dense ones"
NO_BETTER = "no better than the net that it was to improve"
OTHER_NET = "compared with another net than the best dense one"
GAIN = "the gain is not the difference of the two accuracies"
TRAINING_GAIN = "the gain on training images"
UNSEEN = "the gain is not there on other images"

HINTS = {
    OTHER_TRAINING: "Train it once more with just the epochs and the batch that the exercise asks "
    "for, to the end, and with its metric: then its curves are those of the others.",
    OTHER_CURVES: "The curves end at another accuracy than the weights reach: train it once more.",
    NOT_DENSE: "Dense layers only: what convolutions add is the next exercise.",
    NO_BETTER: "Look at the curves of exercise 02.4: where could it still get better?",
    OTHER_NET: "Which of mlp and mlp_tuned has the higher accuracy on validation images?",
    GAIN: "Validation accuracy of the simple CNN minus that of the dense net, in percent.",
    TRAINING_GAIN: "How well images were learned by heart says little: take validation images.",
    UNSEEN: "Were all nets trained on the same images, and is the cell run since?",
}
"""What to think about next, for each mistake named here."""

_CURVE = 0.02  # a curve's end and the weights as they were saved, which are rounded
_CHANCE = 0.02  # what another 600 images would change in the difference of two nets
_TIE = 0.3  # points within which two nets are equally good
_WITHIN = 0.5  # points
_WITHIN_UNSEEN = 8.0  # points; 600 images, and harder ones

Assess = Callable[[Case, Any], CaseVerdict]


def as_asked(case: Case, answer: Any) -> CaseVerdict:
    """A net worth its accuracy, and half of that if it was not trained as the exercise asks.

    answer: `models.answers`.  expected: as for `accuracy`; asked: {"epochs": …, "batch": …}; known:
    labels of "validation" images, or that name; record: what the judge has read from the file that
    was handed in, empty in a notebook.
    """
    return _as_asked(case, answer, accuracy(case, answer))


def steady_as_asked(case: Case, answer: Any) -> CaseVerdict:
    """The same for a net that must say the same of an image each time it sees it."""
    return _as_asked(case, answer, steady_accuracy(case, answer))


def _as_asked(case: Case, answer: Any, verdict: CaseVerdict) -> CaseVerdict:
    facts = case.expected
    if "asked" not in facts or verdict.score == 0:
        return verdict
    worth = PartVerdict("accuracy", verdict.score == 1, verdict.told, mistakes=verdict.mistakes)
    parts = [worth, *_trained(facts, answer)]
    score = verdict.score * (1.0 if all(part.ok for part in parts[1:]) else 0.5)
    named = tuple(m for part in parts if not part.ok for m in part.mistakes)
    return of_parts(case.label, parts, score, named[:1], remarks=True)


def _trained(facts: dict[str, Any], answer: dict[str, Any]) -> list[PartVerdict]:
    """How a net was trained: what the record says, held against its curves and its net."""
    told_by_kernel = answer.get("record")
    told_by_kernel = told_by_kernel if isinstance(told_by_kernel, dict) else {}
    found = records.how({}) | dict(facts["record"] or told_by_kernel)
    parts = [_count(name, found[name], facts["asked"][name]) for name in ("epochs", "batch")]
    length, end = found["length of its curves"], found["end of its curves"]
    reached = _known_accuracy(facts["known"], answer)
    told = ""
    if length != found["epochs"]:
        told = f"there are {length:g} values in the curves of the loss"
    elif not abs(end - reached) <= _CURVE:
        told = f"they end at {100 * end:.1f} %, the net reaches {100 * reached:.1f} %"
    return [*parts, PartVerdict("curves", not told, Told(told), mistakes=(OTHER_CURVES,))]


def _known_accuracy(labels: Any, answer: dict[str, Any]) -> float:
    """Fraction of the validation images behind a record that are right."""
    if isinstance(labels, str):
        labels = public_images(str(answer["dataset"]), labels)[1]
    classes = np.asarray(answer.get("classes of known"))
    if classes.shape != np.shape(labels) or classes.dtype.kind not in "iu":
        raise ValueError("expected models.answers(name, build); the check cell was changed")
    return float(np.mean(classes == labels))


def _count(name: str, found: float, asked: Any) -> PartVerdict:
    if found == asked:
        return PartVerdict(name, True)
    said = "the record doesn't say" if np.isnan(found) else f"{found:g}"
    told = Told(f"{said}, the exercise asks for {asked:g}")
    return PartVerdict(name, False, told, mistakes=(OTHER_TRAINING,))


# -- dense nets -----------------------------------------------------------------------------------

_DENSE = frozenset(
    ("InputLayer", "Identity", "Flatten", "Reshape", "Dense", "Dropout", "AlphaDropout",
     "BatchNormalization", "LayerNormalization", "GroupNormalization", "UnitNormalization",
     "Normalization", "Rescaling", "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax",
     "ActivityRegularization", "Add", "Average", "Maximum", "Multiply", "Subtract", "Concatenate",
     "GaussianNoise", "GaussianDropout")
)  # fmt: skip
"""Layers of a net without convolutions."""


def tuned(case: Case, answer: Any) -> CaseVerdict:
    """A net of dense layers, worth its accuracy, that was to be better than another one.

    answer: `models.compared`.  expected: as for `accuracy`; deepest: most axes that an array of
    weights has in the file that was handed in, 0 in a notebook.
    """
    verdict = accuracy(case, answer)
    if case.expected.get("unavailable") or not np.isfinite(np.asarray(answer["outputs"])).all():
        return verdict
    classes = np.asarray(answer["outputs"]).argmax(axis=1)
    dense = _dense(answer.get("layers"), int(case.expected["deepest"]))
    better, gained = _better(answer.get("beside"), classes, _labels(case, answer))
    worth = PartVerdict("accuracy", verdict.score == 1, verdict.told, mistakes=verdict.mistakes)
    score = verdict.score * (1.0 if dense.ok else 0.5) * (0.5 + 0.5 * gained)
    named = tuple(m for part in (dense, worth, better) if not part.ok for m in part.mistakes)
    return of_parts(case.label, [worth, dense, better], score, named[:1], remarks=True)


def _labels(case: Case, answer: dict[str, Any]) -> np.ndarray:
    labels = case.expected["labels"]
    if isinstance(labels, int):
        labels = public_images(str(answer["dataset"]), labels)[1]
    return np.asarray(labels)


def _dense(layers: Any, deepest: int) -> PartVerdict:
    name = "dense layers only"
    if not isinstance(layers, list) or not layers:
        raise ValueError("expected models.compared(…); the check cell was changed")
    kinds = [str(layer.get("type"))[:40] if isinstance(layer, dict) else "?" for layer in layers]
    others = [kind for kind in kinds if kind not in _DENSE and not kind.startswith("Random")]
    if others or deepest > 2:
        told = Told(f"there is a layer {others[0]}" if others else "there are weights of a filter")
        return PartVerdict(name, False, told, mistakes=(NOT_DENSE,))
    return PartVerdict(name, True)


def _better(beside: Any, classes: np.ndarray, labels: np.ndarray) -> tuple[PartVerdict, float]:
    """Is it better than the net beside it on these images, and how surely, from 0 to 1?"""
    if not isinstance(beside, dict) or len(beside) != 1:
        raise ValueError("expected models.compared(…); the check cell was changed")
    ((other, said),) = beside.items()
    name = f"better than {str(other)[:40]}"
    if isinstance(said, str):
        return PartVerdict(name, False, Told(f"{other} can't be asked: {said[:200]}")), 0.0
    said = np.asarray(said)
    if said.shape != labels.shape or said.dtype.kind not in "iu":
        return PartVerdict(name, False, Told(f"{other} has no class for each image")), 0.0
    mine, theirs = float(np.mean(classes == labels)), float(np.mean(said == labels))
    gained = float(np.clip((mine - theirs + _CHANCE) / _CHANCE, 0, 1))
    if np.array_equal(said, classes):
        gained = 0.0
    told = f"{100 * mine:.1f} % against {100 * theirs:.1f} % of the same images"
    return PartVerdict(name, gained == 1, Told(told), mistakes=(NO_BETTER,)), gained


# -- what a convolution gains ---------------------------------------------------------------------


def gain(case: Case, answer: Any) -> CaseVerdict:
    """What is said of the gain of a CNN over the best dense net, held against the very same nets.

    answer: `claims.about` of the CNN, then the dense nets; said: {"best dense net": name, "points":
    number}.  expected: labels of "validation" images; unseen: whether they are others.
    """
    if case.expected.get("unavailable"):
        return CaseVerdict(case.label, 0.0, Told(str(case.expected["unavailable"])))
    found = Measured(case, answer).whole()
    said = found.said if isinstance(found.said, dict) else {}
    cnn, *dense = found.percent
    reached = {name: row["validation"] for name, row in found.percent.items()}
    best = max(dense, key=lambda name: reached[name])
    points = number_of(said.get("points"))
    if np.isnan(points) or said.get("best dense net") is None:
        return CaseVerdict(case.label, 0.0, Told("is not filled in yet"))
    named = str(said["best dense net"])[:40]
    if case.expected["unseen"]:
        actual = reached[cnn] - reached[named if named in dense else best]
        told = Told(f"you say {points:.1f} points, on these images it is {actual:.1f}")
        there = abs(points - actual) <= _WITHIN_UNSEEN
        return of_parts(case.label, [PartVerdict("points", there, told, mistakes=(UNSEEN,))])
    parts = [_named_best(named, reached, dense, best)]
    actual = reached[cnn] - reached[best]
    told = Told(f"you say {points:.1f}, the nets {actual:.1f}")
    wrong = (_misjudged(points, cnn, best, dense, found),)
    parts.append(PartVerdict("points", abs(points - actual) <= _WITHIN, told, mistakes=wrong))
    return of_parts(case.label, parts, score=0.5 if parts[1].ok else 0.0)


def _named_best(named: str, reached: dict[str, float], dense: list[str], best: str) -> PartVerdict:
    ok = named in dense and reached[named] >= reached[best] - _TIE
    told = f"{named!r} is none of {', '.join(dense)}"
    if named in dense:
        told = f"{named} has {reached[named]:.1f} %, but {best} {reached[best]:.1f} %"
    return PartVerdict("best dense net", ok, Told(told), mistakes=(OTHER_NET,))


def _misjudged(points: float, cnn: str, best: str, dense: list[str], found: Measured) -> str:
    """The name of a known way to this number."""
    reached = {name: row["validation"] for name, row in found.percent.items()}
    actual = reached[cnn] - reached[best]
    if abs(100 * points - actual) <= _WITHIN < actual:
        return FRACTIONS
    if any(abs(points - reached[cnn] + reached[other]) <= _WITHIN for other in dense):
        return OTHER_NET
    learned = [100 * number_of(found.records[name].get("train")) for name in (cnn, best)]
    return TRAINING_GAIN if abs(points - learned[0] + learned[1]) <= _WITHIN else GAIN
