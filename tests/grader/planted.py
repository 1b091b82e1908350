"""Answers with a known mistake in them, kept as grading keeps them."""

from __future__ import annotations

from typing import Any

import msgspec

from grader.classroom import results
from grader.classroom.results import CheckResult, Result, Submission
from grader.contract.judge import Handed
from grader.contract.judges import judges_of
from grader.files import write_atomically
from grader.grading import stored
from grader.judging import examination as judging
from tests.grader.sample_class import DUE, SampleClass
from utils import codec

SECRET, HANDED_IN = "planted", "what was handed in"
SEED = judging.seed_of(SECRET, HANDED_IN)


def mistaken(notebook: str, team: str, check: str, mistake: str) -> list[Any]:
    """What a function with this mistake hands back for the cases of a team."""
    answer = judges_of(notebook)[check].mistakes[mistake].answer
    cases = judging.cases_of(notebook, team, SEED, check, Handed())
    return [answer(**case.inputs) for case in cases.cases]


def packed(values: list[Any]) -> bytes:
    """Replies as a kernel hands them back."""
    rows = [{"value": value, "error": "", "changed": []} for value in values]
    return codec.pack({"replies": rows, "student": ""})


def plant(
    sample: SampleClass, team: str, notebook: str, check: str, answer: bytes, mistake: str = ""
) -> CheckResult:
    """A submission with one answer, judged and kept; `mistake` replaces what the judge says."""
    (sample.folder.root / "seed").write_text(SECRET)
    cases = judging.cases_of(notebook, team, SEED, check, Handed())
    examination = judging.Examination(team, {check: cases})
    (found,) = judging.judge(examination, {check: [answer]}, {check: 6.0})
    if mistake:
        found = msgspec.structs.replace(found, mistake=mistake, status="judged")
    submission = Submission(team, notebook, f"{team}.tar.gz", "0" * 64, DUE)
    results.write(sample.folder.submitted(team, notebook) / "submission.json", submission)
    place = sample.folder.result(team, notebook)
    result = Result(team, notebook, "key", [found], finished=DUE, handed_in=HANDED_IN)
    results.write(place / "result.json", result)
    kept = stored.Stored("an execution", {check: [answer]})
    write_atomically(place / stored.FILE, msgspec.msgpack.encode(kept))
    return found
