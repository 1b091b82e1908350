"""Every known wrong answer loses points under its name, and every known right one keeps all."""

from __future__ import annotations

import pytest

from grader import truth


@pytest.mark.parametrize("notebook", list(truth.MODULES))
@pytest.mark.parametrize("seed", ["one", "two"])
def test_answers_get_what_they_are_worth(notebook: str, seed: str) -> None:
    findings = [truth.find(notebook, sample, seed) for sample in truth.samples_of(notebook)]
    unexpected = [
        (f.sample.title, f.verdict.score, f.verdict.mistake) for f in findings if not f.good
    ]
    assert not unexpected


def test_there_are_enough_of_them() -> None:
    samples = [s for notebook in truth.MODULES for s in truth.samples_of(notebook)]
    wrong = [s for s in samples if not s.right]
    assert len(wrong) >= 30 and sum(bool(s.diagnosis) for s in wrong) >= 15
    assert len(samples) - len(wrong) >= 6
