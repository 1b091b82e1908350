"""Mutants before the judges: run as the truth table runs its answers, in this process."""

from __future__ import annotations

import contextlib
import copy
import io
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from grader import places
from grader.contract import thresholds
from grader.contract.judge import Handed
from grader.contract.judges import judges_of
from grader.contract.sample import Sample
from grader.judging import truth
from grader.mutating.mutants import Mutant
from grader.mutating.operators import EMPTIED
from grader.mutating.sources import Asked, Exercise
from utils import codec
from utils.checks.cases import Case, CaseSet, rule_called
from utils.checks.clock import CallTimeout, limited
from utils.checks.handover import call_each

_SLOWER = 10
"""So many times longer than the reference may a mutant take before it counts as endless …"""
_SHORTEST = 1.0
"""… but at least these seconds a call."""


class Broken(Exception):
    """A reference solution that loses points: nothing can be learned from its mutants."""


@dataclass
class Emptying:
    """What mutants call to empty an argument that is the caller's; it notes whether it could."""

    done: bool = False

    def __call__(self, value: Any) -> Any:
        """A copy of an array, list or dictionary, which is empty afterwards."""
        kept = copy.deepcopy(value) if isinstance(value, (np.ndarray, list, dict)) else value
        if isinstance(value, np.ndarray) and value.size and value.any():
            value[...] = 0
            self.done = True
        elif isinstance(value, (list, dict)) and value:
            value.clear()
            self.done = True
        return kept


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant."""

    mutant: Mutant
    killed_by: str = ""
    """Check and seed, or why it could not be asked; "" if no judge took anything off."""
    idle: bool = False
    """It was to empty an argument, and no argument was one that can be emptied."""


@dataclass(frozen=True)
class Trial:
    """One exercise, its reference found right and timed."""

    exercise: Exercise
    seeds: Sequence[str]
    seconds: dict[str, float] = field(default_factory=dict)
    """Check -> limit for one call."""

    def of(self, mutant: Mutant) -> Verdict:
        """Ask every check with every seed, until one takes points off."""
        emptying = Emptying()
        for check in _judges_of(mutant):
            try:
                with limited(max(self.seconds.values())):
                    answer = _answer(self.exercise, check, mutant.source, emptying)
            except Exception as error:
                return Verdict(mutant, f"{check.name}: {type(error).__name__} before any call")
            for seed in self.seeds:
                score = _score(self.exercise, check, answer, seed, self.seconds[check.name])
                if score < 1:
                    return Verdict(mutant, f"{check.name}, seed {seed}: {100 * score:.0f} %")
        return Verdict(mutant, idle=EMPTIED in mutant.diff and not emptying.done)

    def differences(self, mutants: Sequence[Mutant], inputs: int) -> dict[str, str]:
        """Digest of a mutant -> where it answers otherwise than the reference on many drawn inputs,
        for those that do.  All are asked about the same inputs, one after the other."""
        found: dict[str, str] = {}
        for check in dict.fromkeys(check for mutant in mutants for check in _judges_of(mutant)):
            reference = self._answer_of(check, self.exercise.source)
            others = {
                mutant.digest: self._answer_of(check, mutant.source)
                for mutant in mutants
                if check in _judges_of(mutant) and mutant.digest not in found
            }
            asked = _asked(self.exercise.notebook, check.name)
            for number, (cases, case) in zip(range(inputs), asked, strict=False):
                right = _read(cases, case, reference)
                for digest, answer in list(others.items()):
                    if not _equal(right, _read(cases, case, answer)):
                        found[digest] = f"{check.name}: another answer to drawn input {number}"
                        del others[digest]
                if not others:
                    break
        return found

    def _answer_of(self, check: Asked, source: str) -> Callable[..., Any]:
        return _answer(self.exercise, check, source, Emptying())


def prepared(exercise: Exercise, seeds: Sequence[str]) -> Trial:
    """An exercise whose reference keeps all points with every seed.  Raises Broken."""
    seconds = {}
    for check in (*exercise.checks, *exercise.further):
        answer = _answer(exercise, check, exercise.source, Emptying())
        began = time.process_time()
        for seed in seeds:
            score = _score(exercise, check, answer, seed, 0)
            if score < 1:
                raise Broken(
                    f"the reference of {check.name} keeps {100 * score:.0f} % with seed {seed}"
                )
        took = (time.process_time() - began) / len(seeds)
        seconds[check.name] = max(_SHORTEST, _SLOWER * took)
    return Trial(exercise, seeds, seconds)


def _judges_of(mutant: Mutant) -> tuple[Asked, ...]:
    """Who is asked about a mutant: of a function that helps others, the others' checks, too."""
    exercise = mutant.exercise
    asked_for = mutant.function in exercise.asked
    return exercise.checks if asked_for else (*exercise.checks, *exercise.further)


@contextlib.contextmanager
def in_notebooks() -> Iterator[None]:
    """Be in an empty folder for notebooks, beside what they import and read: a mutant may forget
    where it was to write."""
    public = places.public()
    before, path = Path.cwd(), list(sys.path)
    with tempfile.TemporaryDirectory() as room:
        for entry in public.iterdir():
            if entry.name != "notebooks":
                Path(room, entry.name).symlink_to(entry)
        notebooks = Path(room, "notebooks")
        notebooks.mkdir()
        os.chdir(notebooks)
        sys.path.insert(0, str(public))
        try:
            yield
        finally:
            os.chdir(before)
            sys.path[:] = path


def _answer(
    exercise: Exercise, check: Asked, source: str, emptying: Emptying
) -> Callable[..., Any]:
    """What a notebook with this text in the exercise's cell hands to the check."""
    place = check.cells.index(exercise.source)
    names = _names_after(check.cells[:place]) | {EMPTIED: emptying}
    _execute((source, *check.cells[place + 1 :]), names)
    answer: Callable[..., Any] = eval(check.answer, names)
    return answer


@lru_cache(maxsize=4)
def _names_after(cells: tuple[str, ...]) -> dict[str, Any]:
    """What cells leave behind that all mutants of an exercise share."""
    names: dict[str, Any] = {"__name__": "__main__"}
    _execute(cells, names)
    return names


def _execute(cells: Sequence[str], names: dict[str, Any]) -> None:
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(action="ignore"):
        for cell in cells:
            exec(compile(cell, "cell", "exec"), names)


def _score(exercise: Exercise, check: Asked, answer: Any, seed: str, seconds: float) -> float:
    sample = Sample("mutant", check.name, False, answer)
    try:
        return truth.find(exercise.notebook, sample, seed, seconds).verdict.score
    except (codec.CodecError, CallTimeout):  # as a damaged answer when it is graded
        return 0.0


def _asked(notebook: str, check: str) -> Iterator[tuple[CaseSet, Case]]:
    """Cases of a check, drawn anew for ever; what is expected is of no interest."""
    judge = judges_of(notebook)[check]
    nothing = dict.fromkeys(judge.parts, 0)
    judge = replace(judge, alike=False, reference=lambda **_: dict(nothing))
    seed = 0
    while True:
        rng = np.random.default_rng([seed, 20_180_924])
        drawn = judge.cases(rng, seed, Handed(thresholds=thresholds.load(), seed=seed))
        yield from ((drawn, case) for case in drawn.cases)
        seed += 1


def _read(cases: CaseSet, case: Case, answer: Callable[..., Any]) -> Any:
    """What a judge reads off an answer, as far as it has a rule for it; else the answer."""
    reply = call_each(answer, [case.inputs]).replies[0]
    if reply.error or reply.changed:
        return [reply.error, list(reply.changed)]
    if cases.assess:
        return rule_called(cases.assess)(case, reply.value).score
    if cases.measure:
        return rule_called(cases.measure)(case.inputs, reply.value)
    return reply.value


def _equal(one: Any, other: Any) -> bool:
    """Are two plain values the same, but for the order in which numbers were added?"""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[k], other[k]) for k in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        same = type(one) is type(other) and len(one) == len(other)
        return same and all(map(_equal, one, other))
    if isinstance(one, (str, type(None))) or isinstance(other, (str, type(None))):
        return bool(one == other)
    left, right = np.asarray(one), np.asarray(other)
    if left.shape != right.shape:
        return False
    if "U" in left.dtype.kind + right.dtype.kind:
        return bool(np.array_equal(left, right))
    return bool(np.allclose(left, right, rtol=1e-9, atol=1e-12, equal_nan=True))
