"""The truth table: known wrong and known right answers, and what the judges say about them.

Answers run in this process, since they are ours; their values take the same way through bytes as a
student's, and the cases are drawn as for a submission.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module

from rich.console import Console
from rich.table import Table

from grader import judging
from grader.truth.base import Sample
from utils.cases import CaseSet
from utils.check import answer_bytes
from utils.compare import CheckVerdict

MODULES = {
    "00_getting_started": ["getting_started"],
    "01_implementing_cnn": ["implementing_cnn_layers", "by_hand"],
    "02_training_cnn": ["training_cnn"],
    "03_data_augmentation": ["augmentation"],
    "04_visualizing_cnn": ["visualizing"],
    "05_fooling_cnn": ["fooling"],
}
"""Notebook -> modules in this package, each with a list `SAMPLES`."""


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
        return self.verdict.score < 1 and self.verdict.mistake == self.sample.diagnosis


def samples_of(notebook: str) -> list[Sample]:
    """All samples of a notebook."""
    modules = [import_module(f"grader.truth.{name}") for name in MODULES[notebook]]
    return [sample for module in modules for sample in module.SAMPLES]


def find(notebook: str, sample: Sample, seed: str) -> Finding:
    """Judge one sample on fresh cases."""
    cases = _drawn(notebook, sample.student, seed).cases[sample.check]
    return Finding(sample, _verdict(cases, sample))


@lru_cache(maxsize=4)
def _drawn(notebook: str, student: str, seed: str) -> judging.Examination:
    return judging.draw(notebook, student, seed)


def run(console: Console, seed: str = "") -> int:
    """Print the table and the JSON summary.  Returns the exit status.

    seed: what cases are drawn from; the same seed, the same cases.  Another one each time if it is
    left out.
    """
    seed = seed or secrets.token_hex(8)
    table = Table("notebook", "check", "answer", "kind", "points", "diagnosis", "", box=None)
    by_notebook = {}
    bad = 0
    for notebook in MODULES:
        findings = [find(notebook, sample, seed) for sample in samples_of(notebook)]
        for finding in findings:
            sample, verdict = finding.sample, finding.verdict
            bad += not finding.good
            table.add_row(
                notebook[:2],
                sample.check,
                sample.title,
                "right" if sample.right else "wrong",
                f"{100 * verdict.score:.0f} %",
                verdict.mistake or "–",
                "" if finding.good else "UNEXPECTED",
            )
        by_notebook[notebook[:2]] = _count(findings)
    console.print(table)
    counts = ("wrong", "caught", "named", "right", "kept")
    total = {key: sum(row[key] for row in by_notebook.values()) for key in counts}
    print(json.dumps({**total, "by_notebook": by_notebook}))
    return 1 if bad else 0


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


def _verdict(cases: CaseSet, sample: Sample) -> CheckVerdict:
    student = sample.student if cases.by_student else None
    calls = [case.inputs for case in cases.cases]
    packed = answer_bytes(sample.answer, cases.kind, calls, student)
    return judging.verdict_on(cases, packed, sample.student)
