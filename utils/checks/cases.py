"""Cases: inputs, what should come out, and what comes out after a known mistake.

A check is a set of cases.  The grader draws fresh ones for each run; the public ones, drawn once
with a fixed seed, are exported to `data/checks/` as plain arrays, so that a student without a
network gets the same diagnosis and no solution code is shipped.  Hand calculations are exported
sealed: their expected values are digests, which can be compared with an answer but not read.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from utils import codec

PUBLIC_CASES = Path(__file__).resolve().parents[2] / "data" / "checks"
"""Where the public cases of every check lie."""

_SEAL = "sealed:"


@dataclass(frozen=True)
class Case:
    """One question to an answer."""

    label: str
    """What is special about it, in a few words: "SAME, stride (2, 1), 5×7 input"."""
    inputs: dict[str, Any]
    """Arguments in the order of the function's signature; empty where the answer is a value."""
    expected: dict[str, Any]
    """Part name -> right value.  A function with one result has one part."""
    mistakes: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    """Name of a known mistake -> part name -> the value it leads to."""
    rtol: float = 1e-6
    """Largest accepted error, relative to the largest absolute value expected in the part."""
    types: Mapping[str, str] = field(default_factory=dict)
    """Part -> the type of array that the text asks for: "float32", "uint8", or "integer"."""
    same_as: int = -1
    """Place of an earlier case with the same inputs, seed and all: the answer must come again."""
    unlike: int = -1
    """Place of an earlier case with another seed: the answer must be another one."""
    share: float = 1.0
    """So much of the time of a call has this one, at home too where it is less than all: the case
    is so large that what the text forbids can't end in it."""


@dataclass(frozen=True)
class CaseSet:
    """All that is needed to try one answer."""

    name: str
    """Name of the check, as in `check("conv2d_forward", conv2d_forward)`."""
    kind: Literal["function", "value"]
    """Is the answer called with each case's inputs, or is it itself what is asked for?"""
    parts: tuple[str, ...]
    """Names of the results: a function with parts ("dx", "dw", "db") returns three things."""
    cases: tuple[Case, ...]
    hints: dict[str, str] = field(default_factory=dict)
    """Name of a known mistake -> what to think about next."""
    section: str = ""
    """Heading in the notebook that explains what is asked."""
    by_student: bool = False
    """Does each student have own numbers?  Then `cases[variant]` is the one that counts."""
    measure: str = ""
    """Name of a rule, as `rule_name` gives it: (inputs, answer) -> the parts compared."""
    assess: str = ""
    """Name of a rule, where an answer is not equal to anything, but good to a degree:
    (case, answer) -> its verdict."""
    patience: float = 1.0
    """So many times longer than others may a call take, when it is graded."""
    core: tuple[str, ...] = ()
    """Mistakes that miss the idea: with one of them, half is the most that is earned."""
    needed: tuple[str, ...] = ()
    """Parts without which the others count for nothing."""
    floor: float | Callable[[], float] = field(default=0.0, compare=False)
    """What an answer without the idea would earn, where points are given: the scale begins there.
    Fresh cases compute it when it is needed, since most answers are right."""
    evidence: Callable[[Case, Any], Any] | None = field(default=None, compare=False)
    """What the grader holds an answer to a case against, see grader.contract.judge.Weighed."""

    def zero(self) -> float:
        """Where the scale begins, in [0, 1]."""
        return self.floor if isinstance(self.floor, (int, float)) else self.floor()


def rule_name(rule: Callable[..., Any]) -> str:
    """What a rule is called where no code can be written: "utils.rules.training.accuracy"."""
    return f"{rule.__module__}.{rule.__qualname__}"


def rule_called(name: str) -> Callable[..., Any]:
    """The rule of that name.  Its module is imported here, so that cases alone stay light."""
    module, _, function = name.rpartition(".")
    rule: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return rule


def seal(value: Any, salt: str) -> str:
    """Digest of a value: equal values, written as lists, tuples or arrays, have equal seals."""
    if isinstance(value, str):
        canonical = " ".join(value.casefold().split()).encode()
    else:
        array = np.asarray(value)
        if array.dtype.kind not in "biuf":
            raise codec.CodecError("expected numbers or text")
        rounded = np.round(array.astype(np.float64), 6) + 0.0  # + 0.0: minus zero is zero
        canonical = f"{rounded.shape}".encode() + np.ascontiguousarray(rounded).tobytes()
    return _SEAL + hashlib.sha256(salt.encode() + b"\0" + canonical).hexdigest()[:16]


def is_sealed(value: Any) -> bool:
    """Is this expected value a digest?"""
    return isinstance(value, str) and value.startswith(_SEAL)


def sealed(case: Case, check: str) -> Case:
    """The same case with digests in place of values; inputs are dropped, too."""

    def cover(parts: Mapping[str, Any]) -> dict[str, Any]:
        return {p: seal(v, salt_of(check, case.label, p)) for p, v in parts.items()}

    mistakes = {name: cover(parts) for name, parts in case.mistakes.items()}
    return Case(case.label, {}, cover(case.expected), mistakes, case.rtol)


def salt_of(check: str, label: str, part: str) -> str:
    """What keeps equal values in different places from having equal seals."""
    return f"{check}|{label}|{part}"


def save(cases: CaseSet, path: Path) -> None:
    """Write a set of cases to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(dump(cases))


def dump(cases: CaseSet) -> bytes:
    """A set of cases as npz bytes; equal cases give equal bytes."""
    rows = [
        {
            "label": c.label,
            "inputs": c.inputs,
            "expected": c.expected,
            "mistakes": dict(c.mistakes),
            "rtol": c.rtol,
        }
        | ({"types": dict(c.types)} if c.types else {})
        | ({"same_as": c.same_as} if c.same_as >= 0 else {})
        | ({"unlike": c.unlike} if c.unlike >= 0 else {})
        | ({"share": c.share} if c.share < 1 else {})
        for c in cases.cases
    ]
    head = {
        "name": cases.name,
        "kind": cases.kind,
        "parts": list(cases.parts),
        "hints": cases.hints,
        "section": cases.section,
        "by_student": cases.by_student,
        "measure": cases.measure,
    }
    if cases.assess:
        head["assess"] = cases.assess
    if floor := round(cases.zero(), 6):
        head["floor"] = floor
    for name in ("core", "needed"):
        if given := getattr(cases, name):
            head[name] = list(given)
    return codec.pack({"head": head, "cases": rows})


def load(name: str, folder: Path | None = None) -> CaseSet:
    """Read the public cases of a check.  Raises LookupError with advice if there are none."""
    folder = folder or PUBLIC_CASES
    path = folder / f"{name}.npz"
    if not name.isidentifier() or not path.is_file():
        raise LookupError(
            f"there is no check called {name!r}; was the check cell changed, "
            f"or is the folder {folder} incomplete?  Unpack the course again."
        )
    stored = codec.unpack(path.read_bytes())
    head = stored["head"] | {"parts": tuple(stored["head"]["parts"])}
    head |= {name: tuple(head.get(name, ())) for name in ("core", "needed")}
    return CaseSet(cases=tuple(Case(**row) for row in stored["cases"]), **head)
