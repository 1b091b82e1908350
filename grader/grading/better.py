"""Of what came on time and what came late, the better after the penalty counts.

Both are graded.  An essay that nobody has marked may be worth nothing or all: where that could turn
the choice, what is known decides, and a human is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import nbformat

from grader.cells import about, grade_id, is_essay
from grader.classroom import attempts, gradebook, results
from grader.classroom.account import Question
from grader.classroom.answered import to_mark
from grader.classroom.attempts import OTHER, POINTS, Decided, command, work_in
from grader.classroom.results import Result, Submission
from grader.grading.recorder import Recorder
from grader.intake import settling, store

_NOTHING = 1e-9


@dataclass(frozen=True)
class Essay:
    """An essay that only a human can mark."""

    text: str
    worth: float
    mark: float | None = None
    """What a human gave for this very text, if any has."""

    @property
    def most(self) -> float:
        """What it may be worth."""
        return self.worth if self.mark is None else self.mark

    @property
    def least(self) -> float:
        """What it is worth at least."""
        return self.mark or 0.0


@dataclass(frozen=True)
class Graded:
    """An attempt with what grading found."""

    submission: Submission
    points: float
    """Of what the judges marked."""
    keeps: float
    """Share of the points that lateness leaves."""
    essays: Mapping[str, Essay]
    reasons: tuple[str, ...] = ()
    """Why a human must look at it."""

    @property
    def score(self) -> float:
        """Points after the penalty, as far as they are known."""
        return (self.points + sum(essay.least for essay in self.essays.values())) * self.keeps


_NONE = Essay("", 0.0)


def better(one: Graded, other: Graded) -> tuple[Graded, tuple[Question, ...]]:
    """Which of two attempts counts, the first if they are worth the same, and what stays open."""
    low = high = known = one.score - other.score
    for name in {*one.essays, *other.essays}:
        mine, others = one.essays.get(name, _NONE), other.essays.get(name, _NONE)
        more, less = (
            (mine.most - mine.least) * one.keeps,
            (others.most - others.least) * other.keeps,
        )
        if mine.text == others.text:  # whatever it is worth, it is so in both
            more, less = max(0.0, more - less), max(0.0, less - more)
        low, high = low - less, high + more
    wins, loses = (one, other) if known > -_NOTHING else (other, one)
    certain = low > -_NOTHING if wins is one else high < _NOTHING
    return wins, tuple(_questions(wins, loses, certain))


def _questions(wins: Graded, loses: Graded, certain: bool) -> list[Question]:
    decide = f"to decide: {command(wins.submission)}"
    found = []
    if not certain:
        reason = (
            f"which is better hangs on essays: {_told(wins)}, {_told(loses)}; "
            f"{wins.submission.attempt} counts"
        )
        found.append(Question(POINTS, reason, f"read the essays of both; {decide}"))
    if loses.reasons:
        reason = (
            f"{wins.submission.attempt} counts, but the other one, {loses.submission.attempt}, "
            f"needs a human, too: {'; '.join(loses.reasons)}"
        )
        found.append(Question(OTHER, reason, decide))
    return found


def _told(graded: Graded) -> str:
    taken = f" after {1 - graded.keeps:.0%} for lateness" if graded.keeps < 1 else ""
    return f"{graded.submission.attempt} has {graded.score:g} points{taken} without them"


def settle(recorder: Recorder, team: str, notebook: str) -> tuple[Submission, Result] | None:
    """Choose between two attempts that were graded, and record the better one.

    Returns what counts, None if a result is missing: then what counts stays as it is.
    """
    folder, course = recorder.folder, recorder.course
    entries = attempts.of(folder, team, notebook)
    now = attempts.counting(course, entries, None)
    recorder.look_again()
    there = store.current(folder, team, notebook)
    if there is None:
        return None
    if now.rival is not None:
        one, other = _graded(recorder, now.first, there), _graded(recorder, now.rival, there)
        if one is not None and other is not None:
            wins, questions = better(*_marked(recorder, there, one, other))
            known = attempts.pair(now.first, now.rival)
            work = work_in(wins.submission.attempt)
            decision = Decided(work, "points", known, list(questions))
            attempts.decide(folder, team, notebook, decision)
            with store.exclusive(folder):
                settling.settle(folder, course, team, notebook)
    counts = store.current(folder, team, notebook)
    assert counts is not None  # it was there, or has just been put there
    attempts.unshelve(folder, counts)
    try:
        result = results.read(folder.result(team, notebook) / "result.json", Result)
    except OSError:
        return None
    recorder.look_again()
    recorder.record(counts, result)
    return counts, result


def _graded(recorder: Recorder, entry: Submission, there: Submission) -> Graded | None:
    """What grading found about an attempt; None if it found nothing."""
    work = work_in(entry.attempt)
    shelf = "" if work == work_in(there.attempt) else work
    place = recorder.folder.result(entry.team, entry.notebook, shelf)
    try:
        result = results.read(place / "result.json", Result)
        executed = nbformat.reads((place / "executed.ipynb").read_text(), as_version=4)
    except (OSError, ValueError):
        return None
    texts = recorder.answers_in(entry.notebook, executed)
    open_ones = {
        grade_id(cell): Essay(texts[grade_id(cell)], float(about(cell).get("points", 0)))
        for cell in executed.cells
        if is_essay(cell) and to_mark(cell, result.elsewhere)
    }
    keeps = 1 - recorder.lateness.of(entry)
    reasons = tuple(str(question) for question in result.questions)
    return Graded(entry, result.points, keeps, open_ones, reasons)


def _marked(recorder: Recorder, there: Submission, *both: Graded) -> list[Graded]:
    """The same with what humans gave for essays of the one that counted, wherever they stand."""
    marks = gradebook.by_hand(recorder.book, there.team, there.notebook)
    seen = next(g.essays for g in both if work_in(g.submission.attempt) == work_in(there.attempt))

    def marked(name: str, essay: Essay) -> Essay:
        same = name in seen and seen[name].text == essay.text
        return replace(essay, mark=marks.get(name)) if same else essay

    return [replace(g, essays={n: marked(n, e) for n, e in g.essays.items()}) for g in both]
