"""Every mutant of a course, or some of them, and what survives: the measure of its judges."""

from __future__ import annotations

import json
import multiprocessing
import random
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, astuple, dataclass, field, replace
from functools import partial

from rich.console import Console
from rich.markup import escape

from grader import places
from grader.errors import CourseError
from grader.mutating import marks
from grader.mutating.mutants import Mutant, mutants_of
from grader.mutating.sources import Exercise, exercises
from grader.mutating.trial import Broken, Trial, in_notebooks, prepared


@dataclass(frozen=True)
class Asking:
    """What is wanted."""

    notebooks: Sequence[str]
    checks: Collection[str] = ()
    """Names of checks; all if empty."""
    seeds: int = 5
    sample: int = 0
    """So many mutants, drawn; 0: all."""
    seed: str = "mutants"
    """What cases and the sample are drawn from."""
    inputs: int = 200
    """On so many drawn inputs an equivalent mutant must answer like the reference."""
    everything: bool = True
    """Are these all notebooks?  Then every mark must fit a mutant."""
    only_marked: bool = False
    """Only those that are marked as equivalent."""
    processes: int = 1
    """So many exercises are tried at once, each in a process of its own."""


@dataclass(frozen=True)
class Count:
    """Figures of a notebook, or of all."""

    checks: int = 0
    mutants: int = 0
    killed: int = 0
    equivalent: int = 0
    another_way: int = 0
    """Where any way to what is judged is right: those that got there."""
    survived: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(*(mine + theirs for mine, theirs in zip(_row(self), _row(other), strict=True)))

    def as_dict(self) -> dict[str, int]:
        """For the JSON line."""
        return asdict(self)


def _row(count: Count) -> tuple[int, ...]:
    return astuple(count)


@dataclass(frozen=True)
class _Tried:
    """What came of one exercise."""

    exercise: Exercise
    count: Count
    problems: list[str]
    shown: list[tuple[Mutant, str]] = field(default_factory=list)
    """Who survived, and where one that is marked answers otherwise."""
    seconds: float = 0.0


def run(console: Console, asking: Asking) -> int:
    """Print survivors with their difference and the JSON summary, with processor seconds for each
    notebook.  Returns the exit status."""
    known = marks.load()
    by_exercise = _chosen(asking, known)
    by_notebook = {name[:2]: Count() for name in asking.notebooks}
    problems = _stale(known, by_exercise) if asking.everything else []
    seconds = dict.fromkeys(by_notebook, 0.0)
    for tried in _one_by_one(asking, known, by_exercise):
        _show(console, tried)
        by_notebook[tried.exercise.notebook[:2]] += tried.count
        seconds[tried.exercise.notebook[:2]] += tried.seconds
        problems += tried.problems
    for problem in problems:
        console.print(problem, markup=False)
    total = sum(by_notebook.values(), Count())
    rows = {
        name: count.as_dict() | {"seconds": round(seconds[name])}
        for name, count in by_notebook.items()
    }
    print(json.dumps({**total.as_dict(), "by_notebook": rows}))
    return 1 if problems or total.survived else 0


def _one_by_one(
    asking: Asking, known: marks.Marks, by_exercise: Sequence[tuple[Exercise, list[Mutant]]]
) -> Iterator[_Tried]:
    trying = partial(_try, asking=asking, known=known)
    if asking.processes == 1:
        yield from map(trying, by_exercise)
        return
    spawning = multiprocessing.get_context("spawn")  # frameworks that have run survive no fork
    course = places.folder()
    with ProcessPoolExecutor(asking.processes, spawning, places.use, (course,)) as pool:
        yield from pool.map(trying, by_exercise)


def _try(pair: tuple[Exercise, list[Mutant]], asking: Asking, known: marks.Marks) -> _Tried:
    exercise, mutants = pair
    began = time.process_time()
    with in_notebooks():
        try:
            trial = prepared(exercise, [f"{asking.seed}-{n}" for n in range(asking.seeds)])
        except Broken as error:
            return _Tried(exercise, Count(), [str(error)])
        tried = _tried(trial, mutants, known, asking.inputs)
    return replace(tried, seconds=time.process_time() - began)


def _chosen(asking: Asking, known: marks.Marks) -> list[tuple[Exercise, list[Mutant]]]:
    """The exercises that are asked for, with mutants.  Raises CourseError for no such check."""
    found = [e for n in asking.notebooks for e in exercises(n, known.left_out, known.free)]
    wanted = set(asking.checks)
    if unknown := wanted - {check.name for e in found for check in e.checks}:
        raise CourseError(f"no function is asked for by {', '.join(sorted(unknown))}")
    found = [e for e in found if not wanted or wanted & {c.name for c in e.checks}]
    mutants = [(e, m) for e in found for m in mutants_of(e)]
    if asking.only_marked:
        marked = {mark.mutant for mark in known.equivalent}
        mutants = [(e, m) for e, m in mutants if m.digest in marked]
    if asking.sample:
        drawn = random.Random(asking.seed).sample(mutants, min(asking.sample, len(mutants)))
        mutants = [pair for pair in mutants if pair in drawn]
    by_name: dict[str, tuple[Exercise, list[Mutant]]] = {}
    for exercise, mutant in mutants:
        by_name.setdefault(f"{exercise.notebook}/{exercise.name}", (exercise, []))[1].append(mutant)
    return list(by_name.values())


def _stale(known: marks.Marks, chosen: Iterable[tuple[Exercise, list[Mutant]]]) -> list[str]:
    """Marks that fit no mutant any more."""
    made = {mutant.digest: mutant.change for _, mutants in chosen for mutant in mutants}
    return [
        f"{marks.FILE} marks {mark.mutant}, and no mutant is called so and changes "
        f"{' '.join(mark.change)}: take it out"
        for mark in known.equivalent
        if made.get(mark.mutant) != mark.change
    ]


def _tried(trial: Trial, mutants: Sequence[Mutant], known: marks.Marks, inputs: int) -> _Tried:
    marked = {mark.mutant for mark in known.equivalent}
    free = trial.exercise.free
    verdicts = [verdict for mutant in mutants if not (verdict := trial.of(mutant)).idle]
    killed = [verdict for verdict in verdicts if verdict.killed_by]
    survivors = [verdict.mutant for verdict in verdicts if not verdict.killed_by]
    equivalent = [mutant for mutant in survivors if mutant.digest in marked]
    different = trial.differences(equivalent, inputs)
    problems = [
        f"{verdict.mutant.digest} is marked as equivalent: {verdict.killed_by}"
        for verdict in killed
        if verdict.mutant.digest in marked
    ]
    unmarked = [mutant for mutant in survivors if mutant.digest not in marked]
    others = unmarked if free else []
    shown = [m for m in equivalent if m.digest in different] + ([] if free else unmarked)
    count = Count(
        checks=len(trial.exercise.checks),
        mutants=len(verdicts),
        killed=len(killed),
        equivalent=len(survivors) - len(others) - len(shown),
        another_way=len(others),
        survived=len(shown),
    )
    survivors_shown = [(mutant, different.get(mutant.digest, "")) for mutant in shown]
    return _Tried(trial.exercise, count, problems, survivors_shown)


def _show(console: Console, tried: _Tried) -> None:
    exercise, others = tried.exercise, tried.count.another_way
    if others:
        console.print(f"{exercise.name}: {others} mutants go another way: {exercise.free}")
    for mutant, different in tried.shown:
        head = f"{exercise.notebook[:2]} {exercise.name}, {mutant.function}: {mutant.operator}"
        head += f" ({mutant.digest})"
        if different:
            head += f", marked as equivalent, gives {different}"
        console.print(f"[bold]survives: {escape(head)}[/bold]")
        console.print(mutant.diff, markup=False, highlight=False)
