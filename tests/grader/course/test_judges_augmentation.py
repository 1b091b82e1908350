"""Judges of notebook 03: augmentation is judged by what it does, claims by what nets really say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from grader.contract.judge import Handed, Judge
from grader.contract.sample import Sample
from grader.course.judges.data_augmentation import JUDGES
from grader.course.truth import augmentation_nets as nets
from grader.course.truth.data_augmentation import SAMPLES
from grader.judging import examination as judging
from utils import codec
from utils.checks.cases import CaseSet
from utils.checks.compare import compare
from utils.checks.handover import answer_bytes
from utils.checks.identity import variant_of
from utils.checks.verdicts import CheckVerdict, Reply
from utils.images import cifar10, exam_images
from utils.nets import quiet
from utils.rules import augmented as assess_observed
from utils.rules import strategies as claims
from utils.rules import training as assess

quiet.import_keras()
NOTEBOOK = "03_data_augmentation"
BY_NAME = {judge.name: judge for judge in JUDGES}
EXACT = [judge for judge in JUDGES if not judge.assess]


@pytest.fixture(scope="module")
def fresh() -> dict[str, CaseSet]:
    return judging.draw(NOTEBOOK, "team_1", "a seed").cases


def verdict_on(found: CaseSet, sample: Sample) -> CheckVerdict:
    calls = [case.inputs for case in found.cases]
    student = sample.student if found.by_student else None
    packed = answer_bytes(sample.answer, found.kind, calls, student)
    return judging.verdict_on(found, packed, "team_1")


def test_what_spoils_augmentation_costs_at_least_a_quarter(fresh: dict[str, CaseSet]) -> None:
    wrong = [s for s in SAMPLES if not s.right and s.check in ("augmenter", "streams")]
    assert len(wrong) >= 25 and len({s.diagnosis for s in wrong}) >= 18
    for sample in wrong:
        if sample.title in ("a generator", "flips for digits, too", "one shift for a batch"):
            assert verdict_on(fresh[sample.check], sample).score <= 0.75


@pytest.mark.parametrize("which", ["fresh", "public"])
@pytest.mark.parametrize(
    ("judge", "mistake"),
    [(j, m) for j in EXACT if not j.by_student for m in j.mistakes],
    ids=lambda value: value.name if isinstance(value, Judge) else value,
)
def test_known_mistakes_differ_from_what_is_right(judge: Judge, mistake: str, which: str) -> None:
    found = judge.public_cases() if which == "public" else judge.cases(np.random.default_rng(1))
    assert any(
        mistake in case.mistakes and not _equal(case.mistakes[mistake], case.expected)
        for case in found.cases
    )


def _equal(some: dict[str, Any], expected: dict[str, Any]) -> bool:
    return all(np.array_equal(value, expected[part]) for part, value in some.items())


def test_each_mistake_that_is_named_has_a_hint() -> None:
    named = {v for k, v in vars(claims).items() if k.isupper() and isinstance(v, str)}
    assert named - {assess.TRAINING} == set(claims.HINTS)
    assert all(claims.HINTS.values()) and all(assess_observed.HINTS.values())


def test_every_student_has_four_nets_of_three_kinds() -> None:
    judge = BY_NAME["four_nets"]
    seen = set()
    for variant in range(0, 500, 7):
        (case,) = judge.cases(np.random.default_rng(0), variant).cases
        kinds = list(case.expected.values())
        assert sorted(kinds) == ["fits", "overfits", "overfits", "underfits"]
        seen.add(tuple(kinds))
    assert len(seen) > 6


def test_a_neighbours_numbers_are_recognised() -> None:
    found = BY_NAME["offline_online"].cases(np.random.default_rng(0), variant_of("team_2"))
    sample = next(s for s in SAMPLES if s.check == "offline_online" and s.right)
    packed = answer_bytes(sample.answer, "value", [], "team_1")
    verdict = judging.verdict_on(found, packed, "team_2")
    assert verdict.score < 1 and "team_1" in verdict.mistake


def test_claims_about_cifar10_need_its_images(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise cifar10.DataUnavailable("put it there")

    monkeypatch.setattr(cifar10, "read", missing)
    files = {"none.npz": codec.pack({"record": {"dataset": "cifar10"}, "weights": []})}
    for name in ("report", "strategies", "findings"):
        found = BY_NAME[name].cases(np.random.default_rng(0), 0, Handed(files))
        for case in found.cases:
            assert "trained on cifar10" in case.expected["unavailable"]
            verdict = compare(found, [Reply({"rows": {}, "said": {}})])
            assert verdict.score == 0 and "put it there" in verdict.cases[0].message


def test_hidden_labels_of_strategies_stay_with_the_judge(fresh: dict[str, CaseSet]) -> None:
    asked = judging.Examination("team_1", fresh).questions(10)
    calls = codec.unpack(asked["strategies"])["calls"]
    assert [set(call) for call in calls] == [{"validation"}, {"validation"}]
    known = {image.tobytes() for image in exam_images.behind("photodigits", "validation")[0]}
    assert calls[0]["validation"] == "validation"
    assert not any(image.tobytes() in known for image in calls[1]["validation"])


@pytest.mark.parametrize(
    "answer",
    [
        None,
        7,
        "text",
        {"rows": 3},
        {"rows": {"a": 3}},
        {"rows": {"a": {"record": {"train": "x"}, "validation": "y"}}, "said": 3},
        {"rows": {"none": {"record": {}, "validation": np.zeros(3), "train": np.zeros(3)}}},
        {"first": np.zeros(3), "second": "x", "repeated": np.zeros(2)},
        {"first": np.full((48, 32, 32, 3), np.nan), "second": np.zeros((48, 32, 32, 3)),
         "repeated": np.zeros((2, 32, 32, 3))},
        {"training": [1, 2], "validation": []},
        {"training": [{"images": "x", "labels": 3}] * 2, "validation": [{}, {}]},
        {"training": [], "validation": []},
        {"outputs": np.zeros((600, 10)), "again": "x", "dataset": "photodigits"},
        [np.zeros((16, 32, 32, 3)), "x"],
    ],
    ids=range(14),
)  # fmt: skip
def test_answers_of_any_kind_cost_points_and_nothing_else(
    answer: object, fresh: dict[str, CaseSet]
) -> None:
    rows = [{"value": answer, "error": "", "changed": []}] * 4
    packed = codec.pack({"student": None, "replies": rows})
    examination = judging.Examination("team_1", fresh)
    results = judging.judge(
        examination, {name: [packed] for name in fresh}, dict.fromkeys(fresh, 1.0)
    )
    assert sum(result.points for result in results) == 0


def test_a_claim_is_measured_and_not_believed(fresh: dict[str, CaseSet]) -> None:
    modest = nets.made_up({"best": "none", "gain": 0.0, "helps": [], "gap": {}})
    verdict = verdict_on(fresh["findings"], Sample("modest", "findings", False, modest))
    assert verdict.mistake == claims.BEST
    told = verdict.cases[0].message
    assert "none has 84.0 %, but augmented 88.5 %" in told
    assert "augmented gains 4.5 points, and isn't named" in told
