"""Whether markers agree: what second markers gave, who had not seen the first marks.

An answer on which two disagree is open until somebody gives it a mark anew, the same or another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sklearn.metrics import cohen_kappa_score

from grader.classroom.history import SECOND, UNDO, Line

Place = tuple[str, str, str]


@dataclass(frozen=True)
class Agreement:
    """Of the marks that two markers gave to the same answers, or all markers to one question."""

    of: str
    """A question, notebook/cell; or a pair of markers."""
    answers: int
    equal: int
    kappa: float | None
    """Cohen's kappa, without weights; None for one answer, or where all marks are one number."""


def unsettled(lines: Sequence[Line]) -> dict[Place, Line]:
    """Answers whose two marks differ, with the second marker's line, and no mark since.

    lines: as `history.read` gives them, oldest first.
    """
    found: dict[Place, Line] = {}
    settled: dict[tuple[str, Place], Line] = {}
    for line in lines:
        if line.how == UNDO:
            if before := settled.get((line.why, line.place)):
                found[line.place] = before
        elif line.how != SECOND:
            if line.after.waits:
                continue  # a flag or a comment
            if before := found.pop(line.place, None):
                settled[line.action, line.place] = before
        elif line.before.points != line.after.points:
            found[line.place] = line
        else:
            found.pop(line.place, None)
    return found


def measure(lines: Sequence[Line]) -> list[Agreement]:
    """By question and by pair of markers; of each answer the last pair of marks counts."""
    first: dict[Place, str] = {}
    pairs: dict[Place, tuple[Line, str]] = {}
    for line in lines:
        if line.how == SECOND:
            pairs[line.place] = line, first.get(line.place, "")
        else:
            first[line.place] = line.who
    groups: dict[str, list[Line]] = defaultdict(list)
    for (_, notebook, cell), (line, _) in sorted(pairs.items()):
        groups[f"{notebook}/{cell}"].append(line)
    for line, by in pairs.values():
        groups[" and ".join(sorted((by or "somebody outside the desk", line.who)))].append(line)
    return [_agreement(name, group) for name, group in groups.items()]


def _agreement(of: str, lines: Iterable[Line]) -> Agreement:
    marks = [(f"{line.before.points}", f"{line.after.points}") for line in lines]
    one, other = zip(*marks, strict=True)
    equal = sum(a == b for a, b in marks)
    kappa = None
    if len(marks) > 1 and len({*one, *other}) > 1:
        kappa = round(float(cohen_kappa_score(one, other)), 2)
    return Agreement(of, len(marks), equal, kappa)
