"""Every known wrong answer loses points under its name, and every known right one keeps all."""

from __future__ import annotations

import json
from functools import cache

import pytest
from rich.console import Console

from grader import config, freshness
from grader.judging import truth
from tests.grader import opened as opened_files

pytestmark = pytest.mark.minutes

NOTEBOOKS = list(config.load().notebooks)
FIND = """
from grader.judging import truth

notebook, seed = sys.argv[1:]
for sample in truth.samples_of(notebook):
    found = truth.find(notebook, sample, seed)
    if not found.good:
        print(sample.check, sample.title, found.verdict.score, found.verdict.mistake)
    for case in found.verdict.cases:
        for told in (case.told, *(part.told for part in case.parts)):
            if told.expected and told.expected in case.message_for_student:
                print(sample.check, sample.title, "tells a student", told.expected)
"""


@cache
def judged(notebook: str, seed: str) -> tuple[str, set[str]]:
    """(What is wrong with the verdicts on its answers, files that were opened meanwhile).

    In a process of its own, as students' answers are: other tests leave TensorFlow in states.
    """
    return opened_files.by(FIND, notebook, seed)


@pytest.mark.parametrize("notebook", NOTEBOOKS)
@pytest.mark.parametrize("seed", ["one", pytest.param("two", marks=pytest.mark.long)])
def test_answers_get_what_they_are_worth(notebook: str, seed: str) -> None:
    """A long run draws a second time."""
    said, _ = judged(notebook, seed)
    assert said == ""


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_whatever_is_opened_to_judge_a_notebook_counts(notebook: str) -> None:
    _, opened = judged(notebook, "one")
    assert {"grader/judging/examination.py", "utils/checks/compare.py"} <= opened
    assert opened_files.without_reason(opened, freshness.deciding(notebook)) == []


def test_right_answers_can_be_tried_alone(capsys: pytest.CaptureFixture[str]) -> None:
    samples = [s for s in truth.samples_of("01_implementing_cnn") if s.check == "same_padding"]
    arguments = (Console(quiet=True), ["01_implementing_cnn"], "one", 2, ["same_padding"])
    assert truth.run(*arguments, only_right=True) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["wrong"] == 0 < figures["right"] == 2 * sum(s.right for s in samples)
    assert figures["right"] < 2 * len(samples)


def test_the_same_seed_draws_the_same_cases() -> None:
    """So that the tables of two runs can be held against each other."""
    sample = truth.samples_of("01_implementing_cnn")[0]

    def drawn(seed: str) -> dict[str, bytes]:
        examination = truth.drawn("01_implementing_cnn", sample.student, seed, sample.check)
        return examination.questions(1)

    first, again, other = drawn("one"), drawn("one"), drawn("two")
    truth.drawn.cache_clear()
    assert drawn("one") == first
    assert again == first != other


def test_there_are_enough_of_them() -> None:
    samples = [s for notebook in config.load().notebooks for s in truth.samples_of(notebook)]
    wrong = [s for s in samples if not s.right]
    assert len(wrong) >= 30 and sum(bool(s.diagnosis) for s in wrong) >= 15
    assert len(samples) - len(wrong) >= 6
