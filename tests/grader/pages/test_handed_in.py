"""Feedback says which of several attempts counts, by which rule, and what is still asked."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from grader.classroom import attempts, results
from grader.classroom.account import Question
from grader.classroom.attempts import MEMBERS, Decided
from grader.classroom.results import Submission
from grader.config import Attempts
from grader.pages import feedback
from tests.grader.pages.test_feedback import Page
from tests.grader.sample_class import CONV, DUE, SampleClass

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def handed_in(
    sample: SampleClass, work: str, late: timedelta, counts: bool = False, **values: object
) -> None:
    """One attempt of team_1, which may be the one that counts."""
    path = sample.folder.submitted("team_1", CONV) / "submission.json"
    entry = msgspec.structs.replace(results.read(path, Submission), received=DUE + late)
    entry = msgspec.structs.replace(entry, attempt=attempts.name_of(entry.received, work), **values)
    results.write(sample.folder.attempts("team_1", CONV) / entry.attempt / path.name, entry)
    if counts:
        results.write(path, entry)


def told(sample: SampleClass) -> str:
    feedback.write(sample.folder, sample.course)
    html = (sample.folder.feedback("team_1") / f"{CONV}.html").read_text(encoding="utf-8")
    return " ".join(Page(html).text.split())


@pytest.fixture
def sample(tmp_path: Path) -> SampleClass:
    sample = SampleClass(tmp_path)
    sample.hand_in("team_1")
    return sample


def test_times_and_the_one_that_counts_are_told_with_the_rule(sample: SampleClass) -> None:
    handed_in(sample, "a" * 12, -HOUR)
    handed_in(sample, "b" * 12, DAY, counts=True)
    page = told(sample)
    assert "You handed this in 2 times" in page
    assert "22:59 UTC, on time" in page
    assert "1 day late – this one counts" in page
    assert "more points after the late penalty counts." in page


@pytest.mark.parametrize(
    ("setting", "rule"),
    [("better", "The last one counts."), ("last on time", "The last one that came on time")],
)
def test_the_rule_is_that_of_the_settings(sample: SampleClass, setting: str, rule: str) -> None:
    settings = Attempts(setting)  # type: ignore[arg-type]
    sample.course = dataclasses.replace(sample.course, attempts=settings)
    handed_in(sample, "a" * 12, -2 * HOUR)
    handed_in(sample, "b" * 12, -HOUR, counts=True)
    assert rule in told(sample)


def test_a_choice_by_hand_is_told_in_place_of_the_rule(sample: SampleClass) -> None:
    handed_in(sample, "a" * 12, -2 * HOUR, counts=True)
    handed_in(sample, "b" * 12, -HOUR)
    known = ["a" * 12, "b" * 12]
    attempts.decide(sample.folder, "team_1", CONV, Decided("a" * 12, "hand", known))
    page = told(sample)
    assert "Your instructors chose which one counts." in page and "The last one" not in page


def test_members_with_different_work_hear_that_somebody_asks(sample: SampleClass) -> None:
    question = Question(MEMBERS, "members handed in different work", "ask them")
    handed_in(sample, "a" * 12, -HOUR, uploaders=["s1"], arrival="unknown")
    handed_in(
        sample, "b" * 12, -HOUR, True, uploaders=["s2"], arrival="unknown", questions=[question]
    )
    page = told(sample)
    assert "counts as on time, from s2 – this one counts" in page
    assert "The last one counts, as far as their times are known." in page
    assert "handed in different work, so a person asks which is to count." in page


def test_of_a_single_attempt_nothing_is_said(sample: SampleClass) -> None:
    handed_in(sample, "a" * 12, -HOUR, counts=True)
    assert "You handed this in" not in told(sample)
