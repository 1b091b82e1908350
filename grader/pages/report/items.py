"""Exercises as items of a test: how many had them right, and whether it tells anything.

It never looks at a submission that a human has to decide about.
"""

from __future__ import annotations

import csv
import io
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from grader.classroom.standing import ESSAYS, FINAL, ClassStanding, Exercise, Standing
from grader.text import clean

FEWEST = 8
"""Answers from which on a correlation is told."""
MOST_TO_TALK_ABOUT = 3
_MANY_WRONG = 0.7  # share of right answers below which an exercise is worth talking about

HEADINGS = (
    "notebook",
    "exercise",
    "kind",
    "points",
    "answers",
    "right",
    "mean",
    "discrimination",
    "case",
    "failed",
    "mistake",
    "made by",
)


@dataclass(frozen=True)
class Item:
    """One exercise in a class."""

    notebook: str
    name: str
    kind: str
    """"check" or "essay"."""
    worth: float
    answers: int
    """Those that have a mark."""
    right: float
    """Share of them with all points, in [0, 1]."""
    mean: float
    """Mean share of the points."""
    discrimination: float | None
    """Point-biserial correlation of being right with the share of the notebook's other points, in
    [-1, 1]; None for few answers, or where all are alike.  Below 0, those who did well elsewhere
    were wrong here: look at the exercise itself."""
    cases: tuple[tuple[str, float], ...]
    """Label of a case, and the share of answers that failed it; the hardest first."""
    mistakes: tuple[tuple[str, int], ...]
    """Named mistakes and how many made them, the most frequent first."""
    hint: str
    """To the first of them."""


def of_class(everyone: ClassStanding) -> list[Item]:
    """All exercises that somebody has a mark for, by notebook."""
    found = []
    for notebook in everyone.notebooks:
        rows = [r for r in everyone.of_notebook(notebook.name) if r.state in (ESSAYS, FINAL)]
        by_name: dict[str, list[tuple[Standing, Exercise]]] = defaultdict(list)
        for row in rows:
            for exercise in row.exercises:
                if not exercise.waiting and exercise.max_points > 0:
                    by_name[exercise.name].append((row, exercise))
        found += [_item(notebook.name, answers) for answers in by_name.values()]
    return found


def to_talk_about(items: Sequence[Item]) -> list[Item]:
    """The exercises that most had wrong, the hardest first."""
    hard = [item for item in items if item.answers >= FEWEST and item.right < _MANY_WRONG]
    return sorted(hard, key=lambda item: (item.mean, item.right))[:MOST_TO_TALK_ABOUT]


def table(items: Iterable[Item]) -> str:
    """Items as CSV: a row each, shares from 0 to 1, empty where a number can't be told."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADINGS)
    for item in items:
        told = "" if item.discrimination is None else round(item.discrimination, 3)
        case, failed = item.cases[0] if item.cases else ("", None)
        mistake, made_by = item.mistakes[0] if item.mistakes else ("", None)
        writer.writerow(
            [
                item.notebook,
                item.name,
                item.kind,
                item.worth,
                item.answers,
                round(item.right, 3),
                round(item.mean, 3),
                told,
                clean(case, 200),
                "" if failed is None else round(failed, 3),
                clean(mistake, 200),
                made_by,
            ]
        )
    return text.getvalue()


def _item(notebook: str, answers: list[tuple[Standing, Exercise]]) -> Item:
    first = answers[0][1]
    shares = [exercise.points / exercise.max_points for _, exercise in answers]
    right = [share >= 1 for share in shares]
    others = [_elsewhere(row, exercise) for row, exercise in answers]
    checks = [exercise.check for _, exercise in answers if exercise.check is not None]
    judged = [check for check in checks if check.status == "judged"]
    failed = Counter(case.label for check in judged for case in check.cases if case.score < 1)
    mistakes = Counter(check.mistake for check in judged if check.mistake).most_common()
    hints = {check.mistake: check.hint for check in judged}
    return Item(
        notebook,
        first.name,
        first.kind,
        first.max_points,
        len(answers),
        statistics.fmean(right),
        statistics.fmean(shares),
        _correlation([float(one) for one in right], others),
        tuple((label, count / len(judged)) for label, count in failed.most_common()),
        tuple(mistakes),
        hints[mistakes[0][0]] if mistakes else "",
    )


def _elsewhere(row: Standing, exercise: Exercise) -> float:
    """Share of the points of a notebook's other exercises."""
    others = [one for one in row.exercises if one is not exercise and not one.waiting]
    worth = sum(one.max_points for one in others)
    return sum(one.points for one in others) / worth if worth else 0.0


def _correlation(one: list[float], other: list[float]) -> float | None:
    if len(one) < FEWEST or len(set(one)) < 2 or len(set(other)) < 2:
        return None
    return statistics.correlation(one, other)
