"""What a judge is: questions, a reference, and known mistakes.

A judge never meets a student's code.  It draws inputs, says what should come out, and what would
come out after each mistake it knows; `utils.compare` does the rest, on values alone.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Literal

import numpy as np

from utils.cases import Case, CaseSet, sealed
from utils.identity import VARIANTS

PUBLIC_SEED = 20_180_924
"""Seed of the public cases."""


@dataclass(frozen=True)
class Question:
    """Inputs of one case, before anybody has answered."""

    label: str
    inputs: dict[str, Any] = field(default_factory=dict)
    rtol: float = 1e-6


@dataclass(frozen=True)
class Mistake:
    """A known way to go wrong: a function like the reference, and what to tell the student."""

    answer: Callable[..., Any]
    """Called like the reference.  Left out where it raises or makes no difference."""
    hint: str = ""


class _Lazy(Mapping[str, dict[str, Any]]):
    """A mapping that is computed when somebody looks: most answers are right, and nobody does."""

    def __init__(self, compute: Callable[[], dict[str, dict[str, Any]]]):
        self._compute = compute

    @cached_property
    def _content(self) -> dict[str, dict[str, Any]]:
        return self._compute()

    def __getitem__(self, key: str) -> dict[str, Any]:
        return self._content[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._content)

    def __len__(self) -> int:
        return len(self._content)


@dataclass(frozen=True)
class Judge:
    """Everything needed to judge one check."""

    name: str
    """The check's name, unique in the course."""
    reference: Callable[..., Any]
    """Right answer: takes a question's inputs by keyword, returns its parts."""
    draw: Callable[[np.random.Generator, int], Iterable[Question]]
    """Questions from a random generator and, for judges by student, the number of the variant."""
    mistakes: Mapping[str, Mistake] = field(default_factory=dict)
    """What the student did, in a few words -> the mistake.  Order matters: likelier ones first."""
    kind: Literal["function", "value"] = "function"
    parts: tuple[str, ...] = ("output",)
    section: str = ""
    """Heading in the notebook to read again."""
    by_student: bool = False
    measure: str = ""

    def cases(self, rng: np.random.Generator, variant: int = 0) -> CaseSet:
        """Fresh cases.  A judge by student gives one case: that of the variant."""
        return self._case_set([self._case(q) for q in self.draw(rng, variant)])

    def public_cases(self) -> CaseSet:
        """The cases that students get; values to be found by hand are sealed."""
        variants = range(VARIANTS) if self.by_student else [0]
        rows = []
        for variant in variants:
            rng = np.random.default_rng(PUBLIC_SEED)
            rows += [self._case(q) for q in self.draw(rng, variant)]
        if self.kind == "value":
            rows = [sealed(case, self.name) for case in rows]
        return self._case_set(rows)

    def _case(self, question: Question) -> Case:
        expected = self._parts(self.reference(**copy.deepcopy(question.inputs)))
        mistakes = _Lazy(partial(self._mistaken, question))
        return Case(question.label, question.inputs, expected, mistakes, question.rtol)

    def _mistaken(self, question: Question) -> dict[str, dict[str, Any]]:
        outputs = {}
        for name, mistake in self.mistakes.items():
            try:
                outputs[name] = self._parts(mistake.answer(**copy.deepcopy(question.inputs)))
            except Exception:  # a mistake that crashes here names nothing here
                continue
        return outputs

    def _parts(self, value: Any) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        if len(self.parts) == 1:
            return {self.parts[0]: value}
        return dict(zip(self.parts, value, strict=True))

    def _case_set(self, rows: list[Case]) -> CaseSet:
        hints = {name: m.hint for name, m in self.mistakes.items() if m.hint}
        return CaseSet(
            self.name,
            self.kind,
            self.parts,
            tuple(rows),
            hints,
            self.section,
            self.by_student,
            self.measure,
        )
