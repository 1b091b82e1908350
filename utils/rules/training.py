"""Assess answers that can be right to a degree: what a trained model says, and how it is made.

Like `utils.checks.compare`, this looks at values alone and runs on both sides: in a notebook on
public images, in the grader on images that nobody has seen, whose labels only the judge knows.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Any

import numpy as np

from utils.checks.cases import Case
from utils.checks.verdicts import CaseVerdict, PartVerdict, Told, of_parts
from utils.images import exam_images
from utils.nets.describe import loss_problem
from utils.training.models import public_images

NOT_FINITE = "outputs that are NaN or infinite"
ONE_CLASS = "the same class for nearly all images"
PERMUTED = "the classes are in another order"
RANGE = "trained on pixels in 0 … 255"
TWICE = "softmax twice"
SORTED = "knows a few classes only, as after training without shuffling"
INVERTED = "the two classes are swapped"
TRAINING = "accuracy measured on training images"

HINTS = {
    NOT_FINITE: "Training diverged.  A smaller learning rate, and pixels in 0 … 1, help.",
    ONE_CLASS: "Is there a learning rate that is too high, or a set that holds mostly one class?",
    PERMUTED: "Output k belongs to class k: look at how the labels were coded.",
    RANGE: "Divide the images by 255 before training: nets are judged on images in 0 … 1.",
    TWICE: "Softmax of a softmax is nearly flat, and hardly learns: keep one of them.",
    SORTED: "Each batch must show all classes: leave shuffle=True, or shuffle before splitting.",
    INVERTED: "Output 1 is for the class, output 0 for the rest.",
    TRAINING: "How well images were learned by heart says little: measure on validation images.",
}
"""What to think about next, for each mistake named here."""


def accuracy(case: Case, answer: Any) -> CaseVerdict:
    """Outputs of a model for images whose labels are known: points from `floor` to `goal`.

    expected: labels (N,), or the number of public images; floor, goal; target, -1 or the class that
    is told from the rest: then it is the mean of both classes' accuracies that counts.
    """
    facts = case.expected
    if facts.get("unavailable"):
        return CaseVerdict(case.label, 0.0, Told(str(facts["unavailable"])))
    outputs, dataset = _outputs_of(answer)
    labels, floor, goal = _known(facts, dataset, answer)
    classes = int(facts["classes"])
    if outputs.shape != (len(labels), classes):
        raise ValueError(
            f"outputs of shape {outputs.shape}; expected {(len(labels), classes)}: one row per "
            "image, one column per class"
        )
    if not np.isfinite(outputs).all():
        return CaseVerdict(case.label, 0.0, Told(NOT_FINITE), mistakes=(NOT_FINITE,))
    guesses = outputs.argmax(axis=1)
    reached = _accuracy(guesses, labels, classes)
    share = float(np.clip((reached - floor) / (goal - floor), 0, 1))
    what = "balanced accuracy" if classes == 2 else "images right:"
    message = (
        f"{what} {100 * reached:.1f} % of {len(labels)} ({dataset}); points from "
        f"{100 * floor:.0f} % (none) to {100 * goal:.0f} % (all)"
    )
    named = () if share == 1 else _named(answer, outputs, guesses, labels, classes, reached)
    return CaseVerdict(case.label, share, Told(message), mistakes=named)


def _outputs_of(answer: Any) -> tuple[np.ndarray, str]:
    if not isinstance(answer, dict) or "outputs" not in answer:
        raise ValueError("expected models.answers(name, build); the check cell was changed")
    outputs = np.asarray(answer["outputs"])
    if outputs.ndim != 2 or outputs.dtype.kind not in "fiub":
        raise ValueError(f"the model's outputs have shape {outputs.shape}; expected (N, classes)")
    return outputs.astype(np.float64), str(answer.get("dataset", ""))[:40]


def _known(
    facts: dict[str, Any], dataset: str, answer: dict[str, Any]
) -> tuple[np.ndarray, float, float]:
    """Labels, floor and goal: the judge's own, or the public ones of the answer's data set."""
    labels = facts["labels"]
    if isinstance(labels, int):
        if dataset not in exam_images.DATASETS:
            raise ValueError(f"trained on unknown data {dataset!r}")
        target = None if int(facts["target"]) < 0 else int(facts["target"])
        labels = exam_images.public(dataset, labels, int(facts["size"]), target)[1]
        record = answer.get("record")
        images = _float(record.get("images")) if isinstance(record, dict) else math.nan
        limits = limits_for(facts["limits"], dataset, _float(answer.get("filters")), images)
    else:
        limits = facts["limits"]
    return np.asarray(labels), float(limits["floor"]), float(limits["goal"])


_LARGE = "large"
_FILTERS, _IMAGES = 48, 30_000


def limits_for(limits: dict[str, Any], dataset: str, filters: float, images: float) -> Any:
    """Floor and goal for a net: those of large ones, where there are some and it is one.

    filters: of its first layer.  images: that it says it was trained with; who says fewer has the
    limits that hold for all others.
    """
    large = f"{dataset}_{_LARGE}"
    if large in limits and filters >= _FILTERS and images >= _IMAGES:
        return limits[large]
    return limits[dataset]


def _accuracy(guesses: np.ndarray, labels: np.ndarray, classes: int) -> float:
    if classes == 2:
        return float(np.mean([np.mean(guesses[labels == c] == c) for c in (0, 1)]))
    return float(np.mean(guesses == labels))


def _named(
    answer: dict[str, Any],
    outputs: np.ndarray,
    guesses: np.ndarray,
    labels: np.ndarray,
    classes: int,
    reached: float,
) -> tuple[str, ...]:
    """Known mistakes that would explain a low accuracy, likeliest first."""
    raw = np.asarray(answer.get("outputs_255", np.zeros((0, classes))))
    if raw.ndim == 2 and raw.shape[1] == classes and len(raw) >= 50 and np.isfinite(raw).all():
        by_raw = _accuracy(raw.argmax(axis=1), labels[: len(raw)], classes)
        if by_raw > max(reached, 1 / classes) + 0.15:  # it answers them, and not by chance
            return (RANGE,)
    if classes == 2 and reached < 0.35:
        return (INVERTED,)
    counts = np.bincount(guesses, minlength=classes)
    if classes > 2 and _best_matching(guesses, labels, classes) > max(2 * reached, 0.3):
        return (PERMUTED,)
    if counts.max() > 0.9 * len(guesses):
        return (ONE_CLASS,)
    if classes > 2 and np.sum(counts > 0.02 * len(guesses)) <= classes // 2:
        return (SORTED,)
    flat = math.e / (math.e + classes - 1) + 1e-3
    sums_to_one = np.allclose(outputs.sum(axis=1), 1, atol=1e-3)
    if sums_to_one and outputs.min() >= 0 and outputs.max() <= flat:
        return (TWICE,)
    return ()


def _best_matching(guesses: np.ndarray, labels: np.ndarray, classes: int) -> float:
    """Accuracy if the outputs were renamed as well as can be, each to a class of its own."""
    table = np.zeros((classes, classes), int)
    np.add.at(table, (guesses, labels), 1)
    right = 0
    for _ in range(classes):
        row, column = np.unravel_index(int(table.argmax()), table.shape)
        right += max(int(table[row, column]), 0)
        table[row, :] = table[:, column] = -1
    return right / len(labels)


def configuration(case: Case, answer: Any) -> CaseVerdict:
    """A description (utils.nets.describe) held against what an exercise asks for.

    expected: name of an entry -> what it must be.  `steps` compares the layers, without dropout
    where `steps_may_have` allows it; other entries are compared as they are.
    """
    if not isinstance(answer, dict) or not isinstance(answer.get("steps"), list):
        raise ValueError("expected models.configuration(build); the check cell was changed")
    parts = [_requirement(name, want, answer) for name, want in case.expected.items()]
    rest = [part.ok for part in parts if part.part != "steps"]
    if "steps" not in case.expected or len(rest) == len(parts) or not rest:
        return of_parts(case.label, parts)
    share = _layers_right(answer["steps"], case.expected["steps"])
    return of_parts(case.label, parts, share * sum(rest) / len(rest))


def _layers_right(steps: list[Any], want: list[str]) -> float:
    """How far layers are those that are asked for: 1 for all of them in order, 0 where half of
    them are others.  What else is right counts as far as the net is the one that was asked for."""
    shown = _plainest([str(step)[:60] for step in steps[:100]])
    return max(0.0, 2 * SequenceMatcher(None, shown, want, autojunk=False).ratio() - 1)


def _requirement(name: str, want: Any, answer: dict[str, Any]) -> PartVerdict:
    have = answer.get(name)
    if name in _COMPILED and not answer.get("loss"):
        return PartVerdict(name, False, Told("the model isn't compiled"), mistakes=(UNCOMPILED,))
    if name == "steps":
        steps = _plainest([str(s)[:60] for s in answer["steps"]][:100])
        if steps == want:
            return PartVerdict(name, True)
        told = Told(f"the layers are {' · '.join(steps)}", "", f"expected {' · '.join(want)}")
        if len(want) > _MANY:
            told = _first_difference(steps, want)
        return PartVerdict(name, False, told, mistakes=_steps_mistake(steps, want))
    if name == "loss and output":
        problem = loss_problem(answer)
        mistakes = () if not problem else (TWICE if "twice" in problem else LOSS,)
        return PartVerdict(name, not problem, Told(problem), mistakes=mistakes)
    if name == "ends with":
        have = str(answer["steps"][-1])[:60] if answer["steps"] else "nothing"
    if name == "loss" and _float(answer.get("smoothing")) > 0:
        have = f"{have} with label smoothing {_float(answer['smoothing']):g}"
    if have == want or (isinstance(want, float) and np.isclose(_float(have), want, rtol=1e-3)):
        return PartVerdict(name, True)
    mistakes = (_OTHERWISE[name],) if name in _OTHERWISE else ()
    if name == "regularisers" and not (have and want):
        mistakes = (UNREGULARISED if want else REGULARISED,)
    if name == "loss" and str(have).startswith("sparse"):
        mistakes = (SPARSE,)
    elif name == "loss" and "crossentropy" in str(have):
        mistakes = (OTHER_ENTROPY,)
    told = Told(got=_listed(have), expected=f"expected {_listed(want)}")
    return PartVerdict(name, False, told, mistakes=mistakes)


def _listed(value: Any) -> str:
    """A list of words as a student would write it."""
    if isinstance(value, list) and all(isinstance(v, str) for v in value):
        return (", ".join(value) or "none")[:80]
    return str(value)[:80]


def _plainest(steps: list[str]) -> list[str]:
    """The same net in the words of an exercise: ReLU after max pooling is ReLU before it, and a
    frame of zeros is what padding SAME adds."""
    found: list[str] = []
    for step in steps:
        if step == "relu" and found and found[-1].startswith("maxpool "):
            found.insert(-1, step)
        elif found and (padded := _with_frame(found[-1], step)):
            found[-1] = padded
        else:
            found.append(step)
    return found


def _with_frame(before: str, step: str) -> str:
    """Zeros and a convolution VALID as one convolution SAME, if that is what they are."""
    zeros = re.fullmatch(r"zeros (\d+)", before)
    kernel = re.fullmatch(r"(conv \d+ (\d+)×(\d+)) valid", step)
    if not zeros or not kernel:
        return ""
    side = str(2 * int(zeros[1]) + 1)
    return f"{kernel[1]} same" if kernel[2] == kernel[3] == side else ""


_COMPILED = ("loss", "optimizer", "metric", "loss and output")
UNCOMPILED = "the model isn't compiled"
LOSS = "loss and output don't fit"
OTHER_LOSS = "another loss than cross-entropy"
OTHER_ENTROPY = "another cross-entropy than asked for"
SPARSE = "the loss for class numbers, though labels are one-hot"
OPTIMIZER = "another optimiser than asked for"
INPUT = "images of another shape go in"
OUTPUTS = "another number of outputs"
UNREGULARISED = "the regulariser is missing"
REGULARISED = "a regulariser where none is asked for"
REGULARISER = "the regulariser is not as asked"
PARAMETERS = "the number of parameters is another"
METRIC = "accuracy is not measured"
NO_SOFTMAX = "no softmax at the end"
ACTIVATION = "an activation is missing"
PADDING = "padding VALID, though SAME was asked for"
DILATED = "a dilated or grouped convolution"
EXTRA = "a layer too many"
MISSING = "a layer is missing"
OTHER_ACTIVATION = "another activation than asked for"
OTHER_POOLING = "another kind of pooling than asked for"
OTHER_NUMBERS = "the right kind of layer, with another size or number"
OTHER_LAYER = "a layer of another kind than asked for"
ORDER = "the layers are in another order"
HINTS |= {
    LOSS: "Cross-entropy compares probabilities: softmax at the end, or from_logits=True.",
    UNCOMPILED: 'model.compile(optimizer="adam", loss=…, metrics=["accuracy"]), then return it.',
    OTHER_LOSS: 'Probabilities of classes are compared by loss="categorical_crossentropy".',
    OTHER_ENTROPY: 'loss="categorical_crossentropy", as it is.',
    SPARSE: 'Labels are one-hot vectors here: loss="categorical_crossentropy".',
    OPTIMIZER: 'model.compile(optimizer="adam", …).',
    INPUT: "The images have 32×32 pixels of three colours: keras.Input((32, 32, 3)).",
    OUTPUTS: "The last layer has as many units as there are answers to choose from.",
    UNREGULARISED: "kernel_regularizer=keras.regularizers.L2(…) at the layer with the weights.",
    REGULARISED: "It belonged to an earlier exercise: leave kernel_regularizer out.",
    REGULARISER: "kernel_regularizer=keras.regularizers.L2(…) at the layer with the weights, where "
    "one is asked for; nothing for biases.",
    METRIC: 'model.compile(…, metrics=["accuracy"]).',
    NO_SOFTMAX: 'The last layer gives probabilities that add up to 1: activation="softmax".',
    PARAMETERS: "model.summary() shows how many parameters each layer has.",
    ACTIVATION: "Without a ReLU between them, two layers are no better than one.",
    PADDING: 'padding="same" keeps height and width.',
    ORDER: "The layers are all there; put them in the order that is asked for.",
    DILATED: "Neighbouring pixels: leave dilation_rate and groups as they are.",
    MISSING: "Compare the layers with those that are asked for, one by one.",
    OTHER_ACTIVATION: "activation=… of the layer before: which one does the exercise ask for?",
    OTHER_POOLING: "layers.MaxPooling2D keeps the largest value of a window.",
    OTHER_NUMBERS: "Units, filters, kernel size and stride: compare them with those asked for.",
    OTHER_LAYER: "Compare the layers with those that are asked for, one by one.",
    EXTRA: "Begin with exactly what is asked for; the next exercises are for experiments.",
}


_OTHERWISE = {
    "input": INPUT,
    "output": OUTPUTS,
    "regularisers": REGULARISER,
    "loss": OTHER_LOSS,
    "optimizer": OPTIMIZER,
    "parameters": PARAMETERS,
    "metric": METRIC,
    "ends with": NO_SOFTMAX,
}
"""Entry -> what it is called if it is not as asked."""

_MANY = 20  # layers that a message lists


def _first_difference(steps: list[str], want: list[str]) -> Told:
    """Where two long lists of layers part."""
    at = next((i for i, (a, b) in enumerate(zip(steps, want, strict=False)) if a != b), None)
    if at is None:
        return Told(f"{len(steps)} layers", "", f"expected {len(want)}")
    before = f" (after {want[at - 1]})" if at else ""
    return Told(f"layer {at + 1}{before}", f"is {steps[at]}", f"expected {want[at]}")


def _steps_mistake(steps: list[str], want: list[str]) -> tuple[str, ...]:
    if steps[-2:] == ["softmax", "softmax"]:
        return (TWICE,)
    if want[-1:] == ["softmax"] != steps[-1:] and steps[: len(want) - 1] == want[:-1]:
        return (NO_SOFTMAX,)
    if sorted(steps) == sorted(want):
        return (ORDER,)
    if [s for s in want if s != "relu"] == [s for s in steps if s != "relu"]:
        return (ACTIVATION,)
    if [s.replace(" same", " valid") for s in want] == steps:
        return (PADDING,)
    if [re.sub(r" (dilation|groups) \S+", "", s) for s in steps] == want:
        return (DILATED,)
    if _within(want, steps):
        return (EXTRA,)
    if _within(steps, want):
        return (MISSING,)
    others = [(s, w) for s, w in zip(steps, want, strict=False) if s != w]
    named = {_other_step(*pair) for pair in others}
    if len(steps) != len(want) or (len(others) > 1 and named != {OTHER_NUMBERS}):
        return ()
    return tuple(named)


def _within(some: list[str], steps: list[str]) -> bool:
    """Do these steps come in this order among the others?"""
    rest = iter(steps)
    return all(step in rest for step in some)


def _other_step(step: str, want: str) -> str:
    """What is to be said where one step stands in the place of another."""
    kind, wanted = step.split()[0], want.split()[0]
    if kind == wanted:
        return OTHER_NUMBERS
    if kind.endswith("pool") and wanted.endswith("pool"):
        return OTHER_POOLING
    others = ("flatten", "batchnorm")
    functions = all(" " not in word and word not in others for word in (step, want))
    return OTHER_ACTIVATION if functions else OTHER_LAYER


def _float(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else float("nan")


def results_table(case: Case, answer: Any) -> CaseVerdict:
    """Rows of a table of results, each re-evaluated.

    expected: labels (N,), or the name of public images; column: of the table, "train" or
    "validation"; within: how far a claim may be off; floors: accuracy from which a row counts;
    rows: how many different nets are asked for.
    """
    facts = case.expected
    if facts.get("unavailable"):
        return CaseVerdict(case.label, 0.0, Told(str(facts["unavailable"])))
    rows = answer.get("rows") if isinstance(answer, dict) else None
    if not isinstance(rows, dict) or not rows:
        raise ValueError("there are no rows: give the functions that build your nets")
    dataset = str(answer.get("dataset", ""))[:40]
    labels = facts["labels"]
    if isinstance(labels, (str, int)):
        if dataset not in exam_images.DATASETS:
            raise ValueError(f"trained on unknown data {dataset!r}")
        labels, floor = public_images(dataset, labels)[1], facts["floors"][dataset]
    else:
        floor = facts["floors"]
    labels = np.asarray(labels)
    parts, seen = [], set()
    for name, row in list(rows.items())[:8]:
        part, steps = _row(str(name)[:40], row, labels, float(floor), facts)
        if part.ok and steps in seen:
            part = PartVerdict(part.part, False, Told("the same architecture as a row above"))
        seen.add(steps)
        parts.append(part)
    score = min(1.0, sum(p.ok for p in parts) / int(facts["rows"]))
    if len(parts) < int(facts["rows"]):
        parts.append(
            PartVerdict("rows", False, Told(f"{len(parts)}, expected {facts['rows']} or more"))
        )
    return replace(of_parts(case.label, parts, score), score=score)  # more rows than asked for


def _row(
    name: str, row: Any, labels: np.ndarray, floor: float, facts: dict[str, Any]
) -> tuple[PartVerdict, str]:
    if not isinstance(row, dict):
        raise ValueError(f"row {name!r} is malformed")
    steps = " · ".join(str(s)[:60] for s in row.get("steps", [])[:60])
    classes = np.asarray(row.get("classes"))
    if classes.shape != labels.shape or classes.dtype.kind not in "iu":
        return PartVerdict(name, False, Told("has no class for each image")), steps
    claimed, trained = _float(row.get(facts["column"])), _float(row.get("train"))
    reached = float(np.mean(classes == labels))
    if not claimed <= reached + float(facts["within"]):
        confused = facts["column"] != "train" and abs(claimed - trained) < 0.005
        named = (TRAINING,) if confused else ()
        told = f"says {100 * claimed:.1f} %, but reaches {100 * reached:.1f} %"
        return PartVerdict(name, False, Told(told), mistakes=named), steps
    if reached < floor:
        told = f"{100 * reached:.1f} % right, less than {100 * floor:.0f} %"
        return PartVerdict(name, False, Told(told)), steps
    return PartVerdict(name, True), steps


PEEKED = "the test set was opened more than once"
NOT_BEST = "chosen is not the best on validation images"
HINTS |= {
    PEEKED: "The first opening counts; decide nothing after it, and write what happened.",
    NOT_BEST: "Choose by the validation accuracy, in training.table().",
}


def choice(case: Case, answer: Any) -> CaseVerdict:
    """A model chosen on validation images, and the test set opened once.

    answer: what `sealed.choice` returns.  expected: candidates: least number of models compared.
    """
    if not isinstance(answer, dict) or not isinstance(answer.get("validation"), dict):
        raise ValueError("expected sealed.choice(…); the check cell was changed")
    table = {str(k): _float(v) for k, v in answer["validation"].items()}
    table = {name: value for name, value in table.items() if np.isfinite(value)}
    chosen, times = str(answer.get("chosen")), answer.get("times opened")
    least = int(case.expected["candidates"])
    parts = [
        PartVerdict(
            "compared", len(table) >= least, Told(f"{len(table)} models, expected {least}")
        ),
        PartVerdict("opened once", times == 1, Told(f"opened {times} times"), mistakes=(PEEKED,)),
    ]
    if times in (0, None) or chosen not in table:
        parts[1] = PartVerdict("opened once", False, Told("the test set has not been opened yet"))
        parts.append(PartVerdict("best chosen", False, Told("no trained model has been chosen")))
    else:
        best = max(table, key=lambda name: table[name])
        told = f"{chosen} has {100 * table[chosen]:.1f} %, {best} {100 * table[best]:.1f} %"
        parts.append(
            PartVerdict(
                "best chosen",
                table[chosen] >= table[best] - 0.005,
                Told(told),
                mistakes=(NOT_BEST,),
            )
        )
    return of_parts(case.label, parts)


OTHER_PAIR = "trained with another rate or batch size than the best of the trials"
HINTS |= {OTHER_PAIR: "best = rest_search.best has the pair to train with."}


def tuning(case: Case, answer: Any) -> CaseVerdict:
    """Trials with several learning rates and batch sizes, and the best pair used in the end.

    answer: what `searching.tuning` hands back.  expected: least number of rates and of batches.
    """
    trials = answer.get("trials") if isinstance(answer, dict) else None
    chosen = answer.get("chosen") if isinstance(answer, dict) else None
    if not isinstance(trials, list) or not isinstance(chosen, dict):
        raise ValueError("expected searching.tuning(…); the check cell was changed")
    rows = [
        tuple(_float(row.get(key)) for key in ("rate", "batch", "validation"))
        for row in trials[:200]
        if isinstance(row, dict)
    ]
    rows = [row for row in rows if np.isfinite(row).all()]
    parts = []
    for name, column, least in (
        ("rates", 0, case.expected["rates"]),
        ("batch sizes", 1, case.expected["batches"]),
    ):
        tried = len({row[column] for row in rows})
        parts.append(
            PartVerdict(name, tried >= least, Told(f"{tried} tried, expected {least} or more"))
        )
    used = (_float(chosen.get("rate")), _float(chosen.get("batch")))
    best = max((row[2] for row in rows), default=0.0)
    good = [row for row in rows if row[2] >= best - 0.01]
    fits = any(np.allclose(row[:2], used, rtol=1e-3) for row in good)
    told = f"trained with rate {used[0]:g} and batch {used[1]:g}"
    parts.append(PartVerdict("best pair used", fits, Told(told), mistakes=(OTHER_PAIR,)))
    return of_parts(case.label, parts)
