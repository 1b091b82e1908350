"""Judges of notebook 00: right answers keep all points, wrong ones lose some and are told why."""

import numpy as np
import pytest

from grader.contract.sample import Sample
from grader.course.judges.getting_started import JUDGES
from grader.course.nets import trusted
from grader.course.truth.getting_started import SAMPLES
from utils.checks import compare
from utils.checks.cases import CaseSet
from utils.checks.handover import call_each
from utils.images import photo_digits
from utils.nets import pretrained


@pytest.fixture(scope="module")
def public() -> dict[str, CaseSet]:
    return {judge.name: judge.public_cases() for judge in JUDGES}


def verdict_on(cases: CaseSet, sample: Sample) -> compare.CheckVerdict:
    if cases.kind == "value":
        return compare.compare(cases, [compare.Reply(sample.answer)])
    replies = call_each(sample.answer, [case.inputs for case in cases.cases]).replies
    return compare.compare(cases, replies)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: f"{s.check}: {s.title}")
def test_a_student_offline_is_told_the_same(sample: Sample, public: dict[str, CaseSet]) -> None:
    """On fresh cases: tests/grader/judging/test_truth.py."""
    verdict = verdict_on(public[sample.check], sample)
    assert (verdict.score == 1) == sample.right
    assert verdict.mistake == sample.diagnosis


def test_every_named_mistake_has_a_sample() -> None:
    told = {(s.check, s.diagnosis) for s in SAMPLES if s.diagnosis}
    assert told == {(judge.name, name) for judge in JUDGES for name in judge.mistakes}


def test_the_trusted_copy_says_what_keras_says() -> None:
    images = photo_digits.render(60, "test", seed=99, keep=False).images
    keras_says = np.asarray(pretrained.load("mini").logits(images))
    np.testing.assert_allclose(trusted.logits(images), keras_says, atol=1e-4)
    np.testing.assert_allclose(trusted.logits(images / np.float32(255)), keras_says, atol=1e-4)


def test_the_trusted_copy_refuses_other_sizes() -> None:
    with pytest.raises(ValueError, match=r"\(N, 32, 32, 3\), got \(2, 64, 64, 3\)"):
        trusted.logits(np.zeros((2, 64, 64, 3), np.uint8))


def test_hidden_photographs_are_new_each_time_and_without_near_ties() -> None:
    classify = next(judge for judge in JUDGES if judge.name == "classify")
    first, second = (
        [c.inputs["images"] for c in classify.cases(np.random.default_rng(s)).cases] for s in (1, 2)
    )
    assert not any(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    for images in (*first, *second):
        ranked = -np.sort(-trusted.logits(images), axis=1)
        assert (ranked[:, :5] - ranked[:, 1:6]).min() >= 0.05
