"""Assess what is said of trained nets in notebook 03: accuracies, strategies, findings.

Every number is measured again on what the nets say of the same images; what is claimed beyond
that, or against it, loses points and is told so.  See utils.rules.training.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from utils.checks.cases import Case
from utils.checks.verdicts import CaseVerdict, PartVerdict, Told, of_parts
from utils.images import exam_images
from utils.rules.training import TRAINING, accuracy

RESTLESS = "augmented when evaluated, too"
SWAPPED = "training and validation accuracy swapped"
FRACTIONS = "fractions in place of percent"
ERRORS = "error rates in place of accuracies"
OTHER_MODEL = "the number belongs to another model"
NOT_MEASURED = "the number is not what the model reaches"
BUDGET = "not all strategies had the same budget"
ALIKE = "two strategies are the same"
NO_COMPARISON = "nothing to compare with: no row without augmentation"
BEST = "the table names another strategy as the best"
GAIN = "the gain is not the difference that the table shows"
HELPS = "said to help, though its own numbers deny it"
UNHELPFUL = "not said to help, though its own numbers show it"
GAP = "the gap is not what the accuracies say"

HINTS = {
    RESTLESS: "Two looks at the same image gave two answers: augment the training stream alone, "
    "or let the layers obey training=False.",
    SWAPPED: "record['train'] and record['validation'] tell which is which.",
    FRACTIONS: "The table wants percent: 83.2, not 0.832.",
    ERRORS: "How many are right, not how many are wrong: 100 minus the error.",
    OTHER_MODEL: "Was the cell run after the last training?",
    NOT_MEASURED: "Copy the numbers from the run's sentence, or take them from run.record.",
    BUDGET: "Same epochs, batch, seed and images for every row: else it is they that you compare.",
    ALIKE: "Each row needs an augmenter of its own; was one trained under two names?",
    NO_COMPARISON: "Whether augmentation helps shows only beside the same training without it.",
    BEST: "Look for the highest validation accuracy in the table.",
    GAIN: "Validation accuracy of the best strategy minus that of none, in points.",
    HELPS: "Only what beats `none` by more than a point on validation images helps.",
    UNHELPFUL: "Whatever beats `none` by more than a point on validation images helps.",
    GAP: "Training accuracy minus validation accuracy, both measured on images as they are.",
}
"""What to think about next, for each mistake named here."""

_COLUMNS = ("train", "validation", "test")
_MOST_ROWS = 16
_REPORTED = 1.0  # points
_CLEAR = 2.0  # points by which one may be off where two measurements are compared


def steady_accuracy(case: Case, answer: Any) -> CaseVerdict:
    """`accuracy` of a model that must say the same of an image each time it sees it."""
    verdict = accuracy(case, answer)
    again = np.asarray(answer.get("again", ()))
    outputs = np.asarray(answer["outputs"])[: len(again)]
    if again.shape == outputs.shape and np.allclose(again, outputs, atol=1e-3):
        return verdict
    return CaseVerdict(
        case.label,
        verdict.score / 2,
        Told(f"half the points, since a second look gave other outputs; {verdict.told.measured}"),
        mistakes=(RESTLESS,),
    )


class Measured:
    """Accuracies in percent of the models of `claims.about`, measured by the judge."""

    def __init__(self, case: Case, answer: Any):
        facts = case.expected
        rows = answer.get("rows") if isinstance(answer, dict) else None
        if not isinstance(rows, dict) or not rows:
            raise ValueError("expected claims.about(…); the check cell was changed")
        self.said = answer.get("said")
        self.problems: dict[str, str] = {}
        """Why a net can't be asked."""
        self.records: dict[str, dict[str, Any]] = {}
        self.percent: dict[str, dict[str, float]] = {}
        self.classes: dict[str, np.ndarray] = {}
        labels = _labels(facts, str(answer.get("dataset", ""))[:40])
        for name, row in list(rows.items())[:_MOST_ROWS]:
            name = str(name)[:40]
            if isinstance(row, dict) and isinstance(row.get("problem"), str):
                self.problems[name] = row["problem"][:300]
                continue
            if not isinstance(row, dict) or not isinstance(row.get("record"), dict):
                raise ValueError(f"row {name!r} is malformed")
            self.records[name] = row["record"]
            self.percent[name] = {}
            for which, truth in labels.items():
                classes = np.asarray(row.get(which))
                if classes.shape != truth.shape or classes.dtype.kind not in "iu":
                    raise ValueError(f"{name} has no class for each of the {which} images")
                self.percent[name][which] = 100 * float(np.mean(classes == truth))
            self.classes[name] = np.asarray(row.get("validation"))

    def whole(self) -> Measured:
        """Itself, where all nets can be asked.  Raises ValueError, worded for the student."""
        for problem in self.problems.values():
            raise ValueError(problem)
        return self


def _labels(facts: dict[str, Any], dataset: str) -> dict[str, np.ndarray]:
    labels = {}
    for which, known in facts["labels"].items():
        if isinstance(known, (str, int)):
            if dataset not in exam_images.DATASETS:
                raise ValueError(f"trained on unknown data {dataset!r}")
            if isinstance(known, int):
                known = exam_images.public(dataset, known)[1]
            else:
                known = exam_images.behind(dataset, known)[1]
        labels[which] = np.asarray(known)
    return labels


def _verdict(case: Case, parts: list[PartVerdict]) -> CaseVerdict:
    return of_parts(case.label, [PartVerdict(p.part, True) if p.ok else p for p in parts])


def number_of(value: Any) -> float:
    """A number that a student wrote, whatever it was written as; NaN for anything else."""
    try:
        return float(np.asarray(value).item())
    except (TypeError, ValueError):
        return float("nan")


def report(case: Case, answer: Any) -> CaseVerdict:
    """Accuracies in percent that a student reports, each measured again.

    answer: `claims.about`; said: model -> {"train": percent, "validation": percent, …}.
    expected: labels for "validation", "train" and maybe "test" (arrays, or names of public images),
    within: points that each of them may be off, by data set where none is known yet; rows: how many
    models are asked for, where each of them counts as a whole.
    """
    if case.expected.get("unavailable"):
        return CaseVerdict(case.label, 0.0, Told(str(case.expected["unavailable"])))
    found = Measured(case, answer)
    said = found.said if isinstance(found.said, dict) else {}
    parts = [PartVerdict(name, False, Told(told)) for name, told in found.problems.items()]
    for name, percent in found.percent.items():
        row = said.get(name)
        for which in (column for column in _COLUMNS if column in percent):
            within = _within(case.expected["within"], answer, which)
            value = number_of(row.get(which)) if isinstance(row, dict) else float("nan")
            if abs(value - percent[which]) <= within:
                parts.append(PartVerdict(f"{name}, {which}", True))
                continue
            named = _misreported(value, name, which, found.percent, within)
            told = f"you say {value:.1f} %, it reaches {percent[which]:.1f} %"
            told = "is not filled in yet" if np.isnan(value) else told
            parts.append(
                PartVerdict(
                    f"{name}, {which}", False, Told(told), mistakes=(named,) if named else ()
                )
            )
    asked = int(case.expected.get("rows", 0))
    return _by_row(case, parts, [*found.percent, *found.problems], asked)


def _by_row(case: Case, parts: list[PartVerdict], rows: list[str], asked: int) -> CaseVerdict:
    """Each part for itself or, where a number of rows is asked for, each row for itself."""
    if not asked:
        return _verdict(case, parts)
    wrong = {part.part.rpartition(", ")[0] or part.part for part in parts if not part.ok}
    score = (len(rows) - len(wrong)) / max(len(rows), asked)
    if len(rows) < asked:
        told = f"{len(rows)} models, expected {asked} or more"
        parts = [*parts, PartVerdict("rows", False, Told(told))]
    return replace(_verdict(case, parts), score=score)


def _within(within: Any, answer: dict[str, Any], which: str) -> float:
    """Points that a number may be off; where the test set is large, only a part is looked at."""
    if not isinstance(within, dict):
        return float(within)
    return float(within[str(answer.get("dataset", ""))].get(which, _REPORTED))


def _misreported(
    value: float, name: str, which: str, percent: dict[str, dict[str, float]], within: float
) -> str:
    def near(other: float) -> bool:
        return abs(value - other) <= within

    if np.isnan(value):
        return ""
    other = "validation" if which == "train" else "train"
    if which != "test" and near(percent[name][other]):
        return SWAPPED if which == "train" else TRAINING
    if abs(100 * value - percent[name][which]) <= within:
        return FRACTIONS
    if near(100 - percent[name][which]):
        return ERRORS
    if any(near(row[which]) for model, row in percent.items() if model != name):
        return OTHER_MODEL
    return NOT_MEASURED


def strategies(case: Case, answer: Any) -> CaseVerdict:
    """Strategies of augmentation, compared under one budget, each row measured again.

    answer: `claims.about`, whose records hold what the table says.
    expected: labels of "validation" images, within, floor, rows (that are asked for beside `none`).
    """
    facts = case.expected
    if facts.get("unavailable"):
        return CaseVerdict(case.label, 0.0, Told(str(facts["unavailable"])))
    found = Measured(case, answer).whole()
    which = str(facts["which"])
    floor = facts["floor"]
    if isinstance(floor, dict):
        floor = floor[str(answer.get("dataset", ""))]
    plain = [n for n, record in found.records.items() if not _augmentation(record)]
    parts = [PartVerdict("none", bool(plain), Told("is missing"), mistakes=(NO_COMPARISON,))]
    budgets = {_budget(record) for record in found.records.values()}
    told = "rows differ in epochs, batch, seed, rate or number of images"
    parts.append(PartVerdict("budget", len(budgets) == 1, Told(told), mistakes=(BUDGET,)))
    seen: set[str] = set()
    rows = []
    for name, record in found.records.items():
        does = _augmentation(record)
        if not does:
            continue
        claimed, reached = 100 * number_of(record.get("validation")), found.percent[name][which]
        rows.append(PartVerdict(name, True))
        if does in seen or _copied(found.classes, name):
            rows[-1] = PartVerdict(name, False, Told("the same as a row above"), mistakes=(ALIKE,))
        elif not claimed <= reached + 100 * float(facts["within"]):
            told = f"the table says {claimed:.1f} %, but it reaches {reached:.1f} %"
            claimed_training = abs(claimed - 100 * number_of(record.get("train"))) < 0.5
            named = TRAINING if claimed_training else NOT_MEASURED
            rows[-1] = PartVerdict(name, False, Told(told), mistakes=(named,))
        elif reached < 100 * float(floor):
            told = f"{reached:.1f} % right, less than {100 * float(floor):.0f} %"
            rows[-1] = PartVerdict(name, False, Told(told))
        seen.add(does)
    asked = int(facts["rows"])
    good = sum(row.ok for row in rows) / max(asked, len(rows))
    if len(rows) < asked:
        rows.append(PartVerdict("rows", False, Told(f"{len(rows)} strategies, expected {asked}")))
    fair = 0.5 ** sum(not part.ok for part in parts)
    return replace(_verdict(case, parts + rows), score=good * fair)


def _augmentation(record: dict[str, Any]) -> str:
    told = str(record.get("augmentation", ""))[:400]
    return "" if told == "nothing" else told


def _budget(record: dict[str, Any]) -> tuple[str, ...]:
    keys = ("epochs", "batch", "seed", "images", "rate", "falling", "architecture")
    return tuple(str(record.get(key))[:400] for key in keys)


def _copied(classes: dict[str, np.ndarray], name: str) -> bool:
    """Does a row above say the very same of all images?  Two trainings never do."""
    for other, said in classes.items():
        if other == name:
            return False
        if np.array_equal(said, classes[name]):
            return True
    return False


def findings(case: Case, answer: Any) -> CaseVerdict:
    """What is concluded from a table of strategies, held against the very same nets.

    answer: `claims.about`; said: {"best": name, "gain": points, "helps": names,
    "gap": {name: points}}.  expected: labels of "validation" and "train" images.
    """
    if case.expected.get("unavailable"):
        return CaseVerdict(case.label, 0.0, Told(str(case.expected["unavailable"])))
    found = Measured(case, answer).whole()
    said = found.said if isinstance(found.said, dict) else {}
    plain = [n for n, record in found.records.items() if not _augmentation(record)]
    if not plain:
        return CaseVerdict(case.label, 0.0, Told("there is no row without augmentation"))
    reached = {name: row["validation"] for name, row in found.percent.items()}
    gains = {n: v - reached[plain[0]] for n, v in reached.items() if n not in plain}
    gaps = {n: row["train"] - row["validation"] for n, row in found.percent.items()}
    return _verdict(case, [
        _said_best(said.get("best"), reached),
        _said_gain(number_of(said.get("gain")), gains),
        _said_helps(said.get("helps"), gains),
        _said_gaps(said.get("gap"), gaps),
    ])  # fmt: skip


_TIE = 0.3  # points within which two rows are equally good
_MATTERS = 1.0  # points that count as help


def _said_best(best: Any, reached: dict[str, float]) -> PartVerdict:
    if not isinstance(best, str) or best not in reached:
        told = "is not filled in yet" if best is None else f"{str(best)[:40]!r} is no row"
        return PartVerdict("best", False, Told(told))
    top = max(reached, key=lambda name: reached[name])
    told = f"{best} has {reached[best]:.1f} %, but {top} {reached[top]:.1f} %"
    return PartVerdict("best", reached[best] >= reached[top] - _TIE, Told(told), mistakes=(BEST,))


def _said_gain(gain: float, gains: dict[str, float]) -> PartVerdict:
    if np.isnan(gain):
        return PartVerdict("gain", False, Told("is not filled in yet"))
    actual = max(gains.values(), default=0.0)
    told = f"you say {gain:.1f} points, the table {actual:.1f}"
    named = FRACTIONS if actual > 0.5 and abs(100 * gain - actual) < 0.5 else GAIN
    return PartVerdict("gain", abs(gain - actual) <= 0.5, Told(told), mistakes=(named,))


def _said_helps(helps: Any, gains: dict[str, float]) -> PartVerdict:
    if isinstance(helps, np.ndarray):
        helps = helps.tolist()
    if not isinstance(helps, (list, tuple)) or helps == [None]:
        return PartVerdict("helps", False, Told("expected a list of names"))
    names = {str(name) for name in helps}
    for name in sorted(names):
        if name not in gains:
            return PartVerdict("helps", False, Told(f"{name[:40]!r} is no strategy of the table"))
        if gains[name] < _MATTERS - _TIE:
            told = f"{name} is said to help, but changes validation by {gains[name]:+.1f} points"
            return PartVerdict("helps", False, Told(told), mistakes=(HELPS,))
    for name, gain in gains.items():
        if name not in names and gain > _MATTERS + _TIE:
            told = f"{name} gains {gain:.1f} points, and isn't named"
            return PartVerdict("helps", False, Told(told), mistakes=(UNHELPFUL,))
    return PartVerdict("helps", True)


def _said_gaps(said: Any, gaps: dict[str, float]) -> PartVerdict:
    if not isinstance(said, dict) or not said:
        return PartVerdict("gap", False, Told("expected a dictionary: name -> points"))
    for name, gap in gaps.items():
        value = number_of(said.get(name))
        if np.isnan(value):
            return PartVerdict("gap", False, Told(f"{name} is missing"))
        if abs(value - gap) > _CLEAR / 2:
            told = f"{name}: you say {value:.1f} points, its accuracies {gap:.1f}"
            named = FRACTIONS if abs(100 * value - gap) < _CLEAR / 2 and abs(gap) > 1.5 else GAP
            return PartVerdict("gap", False, Told(told), mistakes=(named,))
    return PartVerdict("gap", True)
