"""From answers to points: hold what a kernel handed back against cases that only the judge knows.

This runs where no student's code has ever run.  Answers are untrusted bytes; whatever is wrong with
them costs the points of that check and nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from grader.classroom.results import CaseResult, CheckResult
from grader.contract import nets, thresholds
from grader.contract.judge import Handed, Weighed
from grader.contract.judges import judges_of
from utils import codec
from utils.checks.cases import Case, CaseSet
from utils.checks.compare import compare
from utils.checks.identity import normalise_id, variant_of
from utils.checks.shown import Shown
from utils.checks.verdicts import CaseVerdict, CheckVerdict, Reply, Told


@dataclass(frozen=True)
class Examination:
    """The cases of one submission, drawn for it alone."""

    team: str
    cases: dict[str, CaseSet]
    problem: str = ""
    """Why some of it can't be judged here: data that the grader hasn't got."""
    patience: float = 1.0
    """How many times longer calls may take on the net that was chosen."""
    members: frozenset[str] = frozenset()
    """Ids of those in the team, normalised: their own numbers are as good as the team's."""
    with_numbers_of: Callable[[str, str], CaseSet] | None = None
    """(check, id) -> its cases with the numbers of that id."""

    def asked(self, check: str, answer: bytes) -> tuple[CaseSet, str]:
        """The cases that an answer to a check is about, and whose numbers are in them.

        An answer says whose numbers it was computed with; that it may be a member's is for the
        roster to say.  Raises CodecError if it is no answer.
        """
        cases = self.cases[check]
        if cases.by_student and self.members and self.with_numbers_of is not None:
            content = codec.unpack(answer)
            student = content.get("student") if isinstance(content, dict) else None
            if isinstance(student, str) and normalise_id(student) in self.members:
                return self.with_numbers_of(check, student), student
        return cases, self.team

    def questions(self, seconds_per_call: float) -> dict[str, bytes]:
        """What the kernel gets to see: inputs, and nothing about what should come out."""
        return {
            name: codec.pack(
                {
                    "kind": cases.kind,
                    "calls": [c.inputs for c in cases.cases] if cases.kind == "function" else [],
                    "seconds_per_call": self._of_a_call(cases, seconds_per_call),
                }
                | _shares(cases)
            )
            for name, cases in self.cases.items()
        }

    def seconds(self, seconds_per_call: float) -> dict[str, float]:
        """What all calls of a check may take together, where it calls anything."""
        return {
            name: len(cases.cases) * self._of_a_call(cases, seconds_per_call)
            for name, cases in self.cases.items()
            if cases.kind == "function"
        }

    def _of_a_call(self, cases: CaseSet, seconds_per_call: float) -> float:
        return float(seconds_per_call) * self.patience * cases.patience


def _shares(cases: CaseSet) -> dict[str, list[float]]:
    """What of a call's time each case has, where that is not all of it."""
    shares = [case.share for case in cases.cases]
    return {"shares": shares} if cases.kind == "function" and min(shares, default=1) < 1 else {}


def draw(
    notebook: str,
    team: str,
    seed: str,
    files: Mapping[str, bytes] | None = None,
    limits: Mapping[str, Any] | None = None,
    net: str = "",
    members: Collection[str] = (),
    only: Collection[str] | None = None,
) -> Examination:
    """Fresh cases for every check of a notebook.  Same notebook, team, seed and files: same cases.

    files: what was handed in with the notebook; a trained model is judged on the data set that it
    names.  limits: thresholds by check and data set, the course's own if left out.  net: the
    pretrained net that the class has chosen for this notebook, the mini net if left out.
    members: ids of those who work in the team.  only: the checks that are wanted, all if left out.
    """
    shared = hashlib.sha256(f"{seed}|{notebook}|{team}".encode()).digest()
    limits = thresholds.load() if limits is None else limits
    handed = Handed(files or {}, limits, int.from_bytes(shared[:8], "big"), net)
    drawn = partial(cases_of, notebook, team, seed, handed=handed)
    cases = {name: drawn(name) for name in judges_of(notebook) if only is None or name in only}
    missing = (c.expected.get("unavailable") for s in cases.values() for c in s.cases)
    problem = next((str(text) for text in missing if text), "")
    return Examination(
        team,
        cases,
        problem,
        nets.patience(net),
        frozenset(map(normalise_id, members)),
        lambda check, student: drawn(check, student=student),
    )


def seed_of(secret: str, handed_in: str) -> str:
    """What cases are drawn from: the class's secret, and the digest of what was handed in.

    Grading it again gives the same cases.  Another attempt meets others, so what the notebook of
    an earlier one has shown of its inputs is worth nothing.
    """
    return f"{secret}|{handed_in}"


def cases_of(
    notebook: str, team: str, seed: str, check: str, handed: Handed, student: str = ""
) -> CaseSet:
    """The cases of one check: those that `draw` draws for it, from the same seed.

    student: whose numbers are in them, the team's own if left out.
    """
    digest = hashlib.sha256(f"{seed}|{notebook}|{team}|{check}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:16], "big"))
    return judges_of(notebook)[check].cases(rng, variant_of(student or team), handed)


def judge(
    examination: Examination, answers: dict[str, list[bytes]], points: dict[str, float]
) -> list[CheckResult]:
    """Points for every check in `points` (name -> what it is worth)."""
    return [
        _judge_one(examination, name, answers.get(name, []), worth)
        for name, worth in points.items()
    ]


def verdict_on(cases: CaseSet, answer: bytes, team: str) -> CheckVerdict:
    """Judge one packed answer, by what it says.  Raises CodecError if it is none."""
    replies, student = _replies(cases, answer)
    return _verdict(cases, replies, student, team)


def at_home(public: CaseSet, answers: list[bytes], worth: float) -> list[str]:
    """What a check shows a student of an answer to its public cases, in lines of text."""
    if not answers:
        return []
    try:
        replies, student = _replies(public, answers[0])
        variant = variant_of(student) if public.by_student and isinstance(student, str) else 0
        return Shown(compare(public, replies, variant), public, worth).lines()
    except Exception as error:  # as hostile as any answer
        told = str(error)[:300] if isinstance(error, codec.CodecError) else type(error).__name__
        return [f"damaged answer: {told}"]


def proven(cases: CaseSet, answer: bytes, team: str) -> tuple[CheckVerdict, str, str]:
    """Judge one packed answer as far as what was handed in bears it out: the verdict, what is
    denied, and what nothing could be held against.  Raises CodecError if it is no answer."""
    replies, student = _replies(cases, answer)
    weighed = [_weighed(cases, *pair) for pair in zip(cases.cases, replies, strict=False)]
    denied = "; ".join(dict.fromkeys(w.contradiction for w in weighed if w.contradiction))
    unproven = "; ".join(dict.fromkeys(w.note for w in weighed if w.note))
    if denied:
        told = Told(f"{denied}; somebody will look at it")
        rows = tuple(CaseVerdict(case.label, 0.0, told) for case in cases.cases)
        return CheckVerdict(cases.name, 0.0, rows), denied, unproven
    held = [replace(r, value=w.answer) for r, w in zip(replies, weighed, strict=False)]
    verdict = _verdict(cases, held + replies[len(held) :], student, team)
    return _shared(verdict, weighed), denied, unproven


def _weighed(cases: CaseSet, case: Case, reply: Reply) -> Weighed:
    """An answer to a case, held against the evidence if there is any."""
    if cases.evidence is None or reply.error:
        return Weighed(reply.value)
    try:
        found: Weighed = cases.evidence(case, reply.value)
    except Exception:  # an answer is hostile input; what is wrong with it is for the judge to say
        return Weighed(reply.value, note="it could not be held against what was handed in")
    return found


def _shared(verdict: CheckVerdict, weighed: list[Weighed]) -> CheckVerdict:
    """A verdict of which the evidence leaves a share."""
    told = next((w.told for w in weighed if w.share < 1), "")
    if not told or verdict.score == 0:
        return verdict
    share = min(w.share for w in weighed)
    rows = tuple(
        replace(c, score=c.score * share, told=Told("; ".join(filter(None, [told, c.message]))))
        for c in verdict.cases
    )
    return replace(verdict, score=verdict.score * share, cases=rows)


def _replies(cases: CaseSet, answer: bytes) -> tuple[list[Reply], Any]:
    """The replies in an answer, and whose numbers it says it was computed with."""
    content = codec.unpack(answer)
    if not isinstance(content, dict) or not isinstance(content.get("replies"), list):
        raise codec.CodecError("it has no replies")
    replies = [_reply(row) for row in content["replies"][: len(cases.cases) + 1]]
    return replies, content.get("student")


def _verdict(cases: CaseSet, replies: list[Reply], student: Any, team: str) -> CheckVerdict:
    verdict = compare(cases, replies)
    if not isinstance(student, str) or normalise_id(student) == normalise_id(team):
        return verdict
    if cases.by_student and verdict.score < 1:
        mistake = f"computed with the numbers of {student[:40]!r}, not of {team!r}"
        hint = (
            "STUDENT_ID in the first code cell must be the id you hand in under, or that of a "
            "member of the team in the class list"
        )
        return CheckVerdict(cases.name, verdict.score, verdict.cases, mistake, hint)
    return verdict


def _judge_one(
    examination: Examination, name: str, answers: list[bytes], worth: float
) -> CheckResult:
    if not answers:
        return CheckResult(name, 0.0, worth, "not run", "the check was not reached")
    try:
        cases, student = examination.asked(name, answers[0])
        verdict, denied, unproven = proven(cases, answers[0], student)
    except Exception as error:  # an answer is hostile input: it may cost its points, never the run
        # what a judge stumbled over may quote what is nobody's to see
        told = str(error)[:300] if isinstance(error, codec.CodecError) else type(error).__name__
        return CheckResult(name, 0.0, worth, "damaged answer", told)
    lost = cases.by_student and verdict.score < 1
    rows = [
        CaseResult(
            c.label,
            round(c.score, 6),
            c.message,
            c.mistakes[0] if c.mistakes else "",
            c.message_for_student,
        )
        for c in verdict.cases
    ]
    return CheckResult(
        name,
        round(verdict.score * worth, 4),
        worth,
        message="" if len(answers) == 1 else "the check ran more than once; the first run counts",
        mistake=verdict.mistake,
        hint=verdict.hint,
        section=cases.section,
        cases=rows,
        numbers_of=_right_for(examination, name, answers[0], verdict.score) if lost else "",
        denied=denied,
        unproven=unproven,
    )


def _right_for(examination: Examination, name: str, answer: bytes, score: float) -> str:
    """Another id than the team's whose numbers make an answer worth more, if it says one."""
    try:
        student = codec.unpack(answer)["student"]
        assert isinstance(student, str) and examination.with_numbers_of is not None
        other = examination.with_numbers_of(name, student)
        better = verdict_on(other, answer, student).score > score
    except Exception:  # as hostile as any answer
        return ""
    return student[:40] if better else ""


def _reply(row: Any) -> Reply:
    if not isinstance(row, dict):
        raise codec.CodecError("a reply is malformed")
    error, changed = row.get("error", ""), row.get("changed", [])
    if not isinstance(error, str) or not isinstance(changed, list):
        raise codec.CodecError("a reply is malformed")
    return Reply(row.get("value"), error[:400], tuple(str(c)[:40] for c in changed[:8]))
