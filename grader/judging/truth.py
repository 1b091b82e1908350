"""The truth table: known wrong and known right answers, and what the judges say about them.

Answers run in this process, since they are ours; their values take the same way through bytes as a
student's, and the cases are drawn as for a submission.
"""

from __future__ import annotations

import json
import random
import secrets
import sys
import zlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from rich.console import Console
from rich.table import Table

from grader import places
from grader.contract.judges import samples_of
from grader.contract.sample import Sample
from grader.judging import examination
from utils.checks.cases import CaseSet
from utils.checks.handover import answer_bytes
from utils.checks.verdicts import CheckVerdict

NOTHING = 0.05
"""An answer that earns at most so much of a check earns nothing of it."""


@dataclass(frozen=True)
class Finding:
    """What the judge said about one sample."""

    sample: Sample
    verdict: CheckVerdict

    @property
    def good(self) -> bool:
        """Right answers keep all points; wrong ones lose some, under the right name."""
        if self.sample.right:
            return self.verdict.score == 1
        if self.sample.idle:
            return self.verdict.score <= NOTHING
        return self.verdict.score < 1 and self.verdict.mistake == self.sample.diagnosis


def find(notebook: str, sample: Sample, seed: str, seconds_per_call: float = 0) -> Finding:
    """Judge one sample on fresh cases; chance in the answer itself is drawn from the seed, too.

    seconds_per_call: limit for one call in processor time; without it calls end by themselves.
    """
    _seed_libraries(f"{seed}|{sample.check}|{sample.title}")
    cases = drawn(notebook, sample.student, seed, sample.check).cases[sample.check]
    return Finding(sample, _verdict(cases, sample, seconds_per_call))


@lru_cache(maxsize=64)
def drawn(notebook: str, student: str, seed: str, check: str) -> examination.Examination:
    return examination.draw(notebook, student, seed, _handed_in(notebook), only=(check,))


@lru_cache(maxsize=8)
def _handed_in(notebook: str) -> dict[str, bytes]:
    """What the reference solution brings along; known answers are judged as if they did, too."""
    folder = places.folder() / "reference" / notebook
    return {path.name: path.read_bytes() for path in folder.glob("*") if path.is_file()}


def run(
    console: Console,
    notebooks: Iterable[str],
    seed: str = "",
    seeds: int = 1,
    checks: Collection[str] = (),
    only_right: bool = False,
) -> int:
    """Print the table and the JSON summary.  Returns the exit status.

    seed: what cases are drawn from; the same seed, the same cases.  Another one each time if it is
    left out.  seeds: so many times; of more than one only what is unexpected is printed.
    checks: only these.  only_right: leave wrong answers and idle ones out.
    """
    seed = seed or secrets.token_hex(8)
    table = Table("notebook", "check", "answer", "kind", "points", "diagnosis", "", box=None)
    by_notebook = {}
    bad = 0
    for notebook in notebooks:
        findings = []
        for each in [seed, *(f"{seed} {number}" for number in range(2, seeds + 1))]:
            for sample in samples_of(notebook):
                if (checks and sample.check not in checks) or (only_right and not sample.right):
                    continue
                findings.append(finding := find(notebook, sample, each))
                bad += not finding.good
                if seeds == 1 or not finding.good:
                    table.add_row(notebook[:2], *_row(finding, f"seed {each}" * (seeds > 1)))
        by_notebook[notebook[:2]] = _count(findings)
    console.print(table)
    counts = ("wrong", "caught", "named", "right", "kept")
    total = {key: sum(row[key] for row in by_notebook.values()) for key in counts}
    print(json.dumps({**total, "seed": seed, "seeds": seeds, "by_notebook": by_notebook}))
    return 1 if bad else 0


def _row(finding: Finding, place: str) -> tuple[str, ...]:
    sample, verdict = finding.sample, finding.verdict
    return (
        sample.check,
        sample.title,
        "right" if sample.right else "idle" if sample.idle else "wrong",
        f"{100 * verdict.score:.0f} %",
        verdict.mistake or "–",
        "" if finding.good else f"UNEXPECTED {place}".rstrip(),
    )


def _seed_libraries(text: str) -> None:
    number = zlib.crc32(text.encode())
    random.seed(number)
    np.random.seed(number)
    if keras := sys.modules.get("keras"):  # whoever needs no framework shan't wait for one
        keras.utils.set_random_seed(number)


def _count(findings: list[Finding]) -> dict[str, int]:
    wrong = [f for f in findings if not f.sample.right]
    right = [f for f in findings if f.sample.right]
    return {
        "wrong": len(wrong),
        "caught": sum(f.verdict.score < 1 for f in wrong),
        "named": sum(bool(f.verdict.mistake) and f.good for f in wrong),
        "right": len(right),
        "kept": sum(f.verdict.score == 1 for f in right),
    }


def _verdict(cases: CaseSet, sample: Sample, seconds_per_call: float) -> CheckVerdict:
    student = sample.student if cases.by_student else None
    calls = [case.inputs for case in cases.cases]
    shares = [case.share for case in cases.cases]
    packed = answer_bytes(sample.answer, cases.kind, calls, student, seconds_per_call, shares)
    return examination.verdict_on(cases, packed, sample.student)
