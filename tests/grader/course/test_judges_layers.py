"""The judges of the layers: right answers keep everything, each mistake is called by its name."""

from __future__ import annotations

import numpy as np
import pytest

from grader.contract.judge import Judge
from grader.contract.sample import Sample
from grader.course.judges.implementing_cnn.layers import JUDGES_LAYERS
from grader.course.truth.implementing_cnn_layers import SAMPLES
from utils.checks.cases import CaseSet
from utils.checks.compare import compare
from utils.checks.handover import call_each
from utils.checks.verdicts import CheckVerdict, Reply

JUDGES = {judge.name: judge for judge in JUDGES_LAYERS}
PUBLIC = {name: judge.public_cases() for name, judge in JUDGES.items()}
FRESH = {name: judge.cases(np.random.default_rng()) for name, judge in JUDGES.items()}


def replies_of_mistake(cases: CaseSet, mistake: str) -> list[Reply]:
    return [
        Reply(case.mistakes[mistake]) if mistake in case.mistakes else Reply(error="IndexError")
        for case in cases.cases
    ]


def judged(sample: Sample, cases: CaseSet) -> CheckVerdict:
    calls, shares = [c.inputs for c in cases.cases], [c.share for c in cases.cases]
    return compare(cases, call_each(sample.answer, calls, shares=shares).replies)


@pytest.mark.parametrize("judge", JUDGES_LAYERS, ids=lambda j: j.name)
def test_the_reference_keeps_all_points(judge: Judge) -> None:
    for cases in (PUBLIC[judge.name], FRESH[judge.name]):
        assert compare(cases, [Reply(case.expected) for case in cases.cases]).score == 1


@pytest.mark.parametrize(
    ("check", "mistake"), [(judge.name, name) for judge in JUDGES_LAYERS for name in judge.mistakes]
)
def test_a_mistake_loses_points_and_is_named(check: str, mistake: str) -> None:
    for cases in (PUBLIC[check], FRESH[check]):
        verdict = compare(cases, replies_of_mistake(cases, mistake))
        assert verdict.score < 1
        assert verdict.mistake == mistake
        assert verdict.hint == JUDGES[check].mistakes[mistake].hint != ""


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: f"{s.check}: {s.title}")
def test_what_students_write_is_judged_as_it_deserves(sample: Sample) -> None:
    verdict = judged(sample, FRESH[sample.check])
    if sample.right:
        assert verdict.score == 1, [case.message for case in verdict.cases]
    else:
        assert verdict.score < 1
        assert verdict.mistake == sample.diagnosis


def test_enough_bugs_are_known_by_name() -> None:
    wrong = [sample for sample in SAMPLES if not sample.right]
    assert len(wrong) >= 24
    assert sum(bool(sample.diagnosis) for sample in wrong) >= 15
    assert sum(sample.right for sample in SAMPLES) >= 7


def test_fresh_cases_differ_from_public_ones() -> None:
    for name, public in PUBLIC.items():
        pairs = zip(public.cases, FRESH[name].cases, strict=True)
        assert any(not np.array_equal(a.inputs[k], b.inputs[k]) for a, b in pairs for k in a.inputs)


def test_partial_credit_for_parts_of_the_gradient() -> None:
    cases = PUBLIC["conv2d_backward"]
    replies = [Reply(dict(case.expected) | {"dx": np.zeros(1)}) for case in cases.cases]
    # of dw and db: db alone, a sum, is where the scale begins
    assert compare(cases, replies).score == pytest.approx(1 / 2)


@pytest.mark.parametrize("check", ["conv2d_forward", "conv2d_backward", "maxpool_backward"])
def test_the_grid_covers_what_hides_bugs(check: str) -> None:
    settings = [case.inputs for case in PUBLIC[check].cases]
    windows = [tuple(s["size"]) if "size" in s else s["w"].shape[:2] for s in settings]
    strides = [s["stride"] for s in settings]
    images = [s["x"].shape[1:3] for s in settings]
    pairs = list(zip(windows, strides, images, strict=True))
    assert any(h != w for h, w in images) and any(a != b for a, b in windows)
    assert any(a != b for a, b in strides)
    assert any(k > s for (k, _), (s, _), _ in pairs), "overlap"
    assert any(k < s for (k, _), (s, _), _ in pairs), "gaps"
    assert any((n - k) % s for (k, _), (s, _), (n, _) in pairs), "doesn't tile"
    assert (1, 1) in windows
    assert any(k % 2 == 0 for k, _ in windows)
    assert any(s["x"].max() < 0 for s in settings), "all negative"
    assert any(np.ptp(s["x"]) == 0 for s in settings), "constant"
    assert {s["x"].dtype for s in settings} == {np.dtype("float32"), np.dtype("float64")}
    assert {s["padding"] for s in settings} == {"VALID", "SAME"}
