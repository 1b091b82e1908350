"""What a judge is: questions, a reference, and known mistakes.

A judge never meets a student's code.  It draws inputs, says what should come out, and what would
come out after each mistake it knows; `utils.checks.compare` does the rest, on values alone.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, Literal

import numpy as np

from utils.checks import idle, together
from utils.checks.cases import Case, CaseSet, rule_name, sealed
from utils.checks.compare import OTHER_TYPE, OTHER_TYPE_HINT, TOO_SLOW, same_parts
from utils.checks.identity import VARIANTS
from utils.checks.verdicts import CaseVerdict

PUBLIC_SEED = 20_180_924
"""Seed of the public cases."""

_MOST_DRAWS = 400


@dataclass(frozen=True)
class Question:
    """Inputs of one case, before anybody has answered."""

    label: str
    inputs: dict[str, Any] = field(default_factory=dict)
    rtol: float = 1e-6
    expected: dict[str, Any] | None = None
    """What the answer is held against, where that is drawn with the inputs; else the reference
    computes it."""
    types: Mapping[str, str] = field(default_factory=dict)
    """Part -> the type of array that the text asks for.  In one question of several: a wrong type
    is a slip, not the idea."""
    same_as: int = -1
    """Place of an earlier question with the same inputs: what is drawn must come again."""
    unlike: int = -1
    """Place of an earlier question with another seed: something else must be drawn."""
    share: float = 1.0
    """So much of a call's time this question has.  Less where the text forbids loops, and the
    inputs are so large that they can't end in it: then half of the points is the most."""


@dataclass(frozen=True)
class Handed:
    """What questions may depend on beside chance: what was handed in, and the course's settings."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    """Untrusted files that came with the notebook, by path."""
    thresholds: Mapping[str, Any] = field(default_factory=dict)
    """Check -> data set -> {"floor": …, "goal": …}; see grader.contract.thresholds."""
    seed: int = 0
    """For what all checks of a submission share."""
    net: str = ""
    """Name of the pretrained net that the class has chosen; "": the course's own."""


@dataclass(frozen=True)
class Weighed:
    """An answer, held against what was handed in beside it."""

    answer: Any
    """What is to be judged: with what files say in place of what a kernel says of them."""
    contradiction: str = ""
    """What the evidence denies, in words: then the check earns nothing, and a human looks."""
    note: str = ""
    """What nothing could be held against: a human looks, and nothing is lost."""
    share: float = 1.0
    """Of its points, where the evidence shows something else than was asked for; `told` says what.
    """
    told: str = ""


@dataclass(frozen=True)
class Mistake:
    """A known way to go wrong: a function like the reference, and what to tell the student."""

    answer: Callable[..., Any]
    """Called like the reference.  Left out where it raises or makes no difference."""
    hint: str = ""
    core: bool = False
    """Is the idea of the exercise missed?  Then the check earns half of its points at most,
    however many cases come out right without it."""


@dataclass(frozen=True)
class Depiction:
    """How the answers to a check become pictures, for a page that shows typical wrong ones."""

    before: str = ""
    """The input that is shown beside them."""
    chosen: Callable[[Any], Any] = lambda value: value
    """What of an answer is shown, if it is more than one thing."""
    amounts: bool = False
    """Numbers in colours, from the lowest to the highest; otherwise brightness, from 0 to 1."""
    white: float = 1.0
    """Where brightness ends."""


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
    draw: Callable[..., Iterable[Question]]
    """Questions from a random generator and, for judges by student, the number of the variant.
    With `by_files` a third argument: Handed, or None for the public cases."""
    mistakes: Mapping[str, Mistake] = field(default_factory=dict)
    """What the student did, in a few words -> the mistake.  Order matters: likelier ones first."""
    kind: Literal["function", "value"] = "function"
    parts: tuple[str, ...] = ("output",)
    section: str = ""
    """Heading in the notebook to read again."""
    by_student: bool = False
    measure: Callable[[dict[str, Any], Any], dict[str, Any]] | None = None
    """Where there is no single right answer: what is read off it, (inputs, answer) -> the parts
    that are compared.  It raises ValueError, worded for the student, where there is nothing."""
    assess: Callable[[Case, Any], CaseVerdict] | None = None
    """Where an answer is good to a degree: (case, answer) -> its verdict.  May raise, too."""
    hints: Mapping[str, str] = field(default_factory=dict)
    """What to think about next, for mistakes that `assess` names."""
    core: tuple[str, ...] = ()
    """Those among them that miss the idea, see Mistake.core."""
    needed: tuple[str, ...] = ()
    """Parts without which the others count for nothing."""
    idle: tuple[Callable[..., Any], ...] = ()
    """Answers without the idea: what they would earn is the zero of the scale, so that they earn
    nothing.  Beside zeros and the inputs themselves, which are tried for every function."""
    by_files: bool = False
    alike: bool = False
    """Draw until each known mistake passes or fails on a fresh question as it does on the public
    one in its place, so that partial credit does not depend on luck.  For cheap references."""
    evidence: Callable[[Handed, Case, Any], Weighed] | None = None
    """Where an answer claims something that what was handed in can prove or deny: what becomes of
    it.  Asked by the grader alone.  May raise what concerns the grader's machine."""
    patience: float = 1.0
    """So many times longer than others may a call take: several nets, many images, many steps."""
    depicted: Depiction | None = None
    """For answers that are pictures."""

    def cases(
        self, rng: np.random.Generator, variant: int = 0, handed: Handed | None = None
    ) -> CaseSet:
        """Fresh cases.  A judge by student gives one case: that of the variant."""
        questions = list(self._questions(rng, variant, handed or Handed()))
        if self.alike:
            questions = self._alike(questions, rng)
        drawn = self._case_set([self._case(q) for q in questions])
        held = None if self.evidence is None else partial(self.evidence, handed or Handed())
        return replace(drawn, floor=lambda: self.zero, evidence=held)

    def public_cases(self) -> CaseSet:
        """The cases that students get; values to be found by hand are sealed."""
        others = range(1, VARIANTS if self.by_student else 1)
        rows = [*self._first, *(row for variant in others for row in self._public(variant))]
        if self.kind == "value" and self.assess is None:
            rows = [sealed(case, self.name) for case in rows]
        return replace(self._case_set(rows), floor=lambda: self.zero)

    def unnoticed(self) -> list[str]:
        """Known mistakes that make no difference to any public case."""
        left: set[str] = set(self.mistakes)
        for variant in range(VARIANTS if self.by_student else 1):
            for case in self._public(variant) if left else ():
                left &= _harmless(case) | (left - case.mistakes.keys())
        return [name for name in self.mistakes if name in left]

    @cached_property
    def zero(self) -> float:
        """Where the scale begins: what the best answer without the idea would earn.

        Of public cases, for fresh ones too, so that points do not depend on luck.
        """
        return idle.score(self.idle, self._case_set(self._first))

    @cached_property
    def _first(self) -> list[Case]:
        """The public cases, of the first variant if there are several."""
        return self._public(0)

    def _public(self, variant: int) -> list[Case]:
        rng = np.random.default_rng(PUBLIC_SEED)
        return [self._case(question) for question in self._questions(rng, variant, None)]

    def _questions(
        self, rng: np.random.Generator, variant: int, handed: Handed | None
    ) -> Iterable[Question]:
        return self.draw(rng, variant, handed) if self.by_files else self.draw(rng, variant)

    def _alike(self, questions: list[Question], rng: np.random.Generator) -> list[Question]:
        wanted = self._harmless_in_public
        chosen = list(questions)
        open_places = set(range(len(questions)))
        for _ in range(_MOST_DRAWS):
            found = {i for i in open_places if _harmless(self._case(questions[i])) == wanted[i]}
            for place in found:
                chosen[place] = questions[place]
            open_places -= found
            if not open_places:
                break
            questions = list(self.draw(rng, 0))
        return chosen

    @cached_property
    def _harmless_in_public(self) -> list[frozenset[str]]:
        """For each public case, the mistakes that make no difference to it."""
        return [_harmless(case) for case in self._first]

    def _case(self, question: Question) -> Case:
        expected = question.expected
        if expected is None:
            expected = self._parts(self.reference(**copy.deepcopy(question.inputs)))
        mistakes = _Lazy(partial(self._mistaken, question))
        return Case(
            question.label,
            question.inputs,
            expected,
            mistakes,
            question.rtol,
            question.types,
            question.same_as,
            question.unlike,
            question.share,
        )

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
        core = self.core + tuple(name for name, m in self.mistakes.items() if m.core)
        core += (TOO_SLOW,) if any(case.share < 1 for case in rows) else ()
        hints = {name: m.hint for name, m in self.mistakes.items() if m.hint} | dict(self.hints)
        if any(case.same_as >= 0 or case.unlike >= 0 for case in rows):
            hints |= together.HINTS
        if any(case.types for case in rows):
            hints[OTHER_TYPE] = OTHER_TYPE_HINT
        return CaseSet(
            self.name,
            self.kind,
            self.parts,
            tuple(rows),
            hints,
            self.section,
            self.by_student,
            rule_name(self.measure) if self.measure is not None else "",
            rule_name(self.assess) if self.assess is not None else "",
            self.patience,
            core,
            self.needed,
        )


def _harmless(case: Case) -> frozenset[str]:
    """The mistakes that make no difference to a case."""
    return frozenset(n for n, outputs in case.mistakes.items() if same_parts(case, outputs))
