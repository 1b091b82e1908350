"""Exercises as items: shares, discrimination, the hardest case, what to talk about."""

from __future__ import annotations

import csv
import dataclasses
import io
from pathlib import Path

import pytest

from grader.classroom import standing
from grader.pages import report
from grader.pages.report import items
from tests.grader.pages.test_report import text_of
from tests.grader.sample_class import CONV, SampleClass, judged

# how many of ten teams got which share of forward, backward and pooling
_CLASS = [(1, 1, 1)] * 4 + [(0.5, 1, 1)] * 1 + [(0.5, 0, 1)] * 3 + [(0, 0.5, 0)] * 2


def a_class(tmp_path: Path) -> SampleClass:
    sample = SampleClass(tmp_path)
    for n, (forward, backward, pool) in enumerate(_CLASS, 1):
        checks = [
            judged(
                "conv2d_forward", forward, 6, "" if forward == 1 else "kernel flipped", "Slide."
            ),
            judged("conv2d_backward", backward, 8),
            judged("maxpool_forward", pool, 4),
        ]
        sample.hand_in(f"team_{n}", checks=checks)
        sample.mark(f"team_{n}", "why_stride", 4.0)
    return sample


def found(sample: SampleClass) -> dict[str, items.Item]:
    return {one.name: one for one in items.of_class(standing.read(sample.folder, sample.course))}


def test_shares_and_correlations_are_right(tmp_path: Path) -> None:
    there = found(a_class(tmp_path))
    forward = there["conv2d_forward"]
    assert (forward.notebook, forward.answers, forward.worth) == (CONV, 10, 6)
    assert forward.right == pytest.approx(0.4)
    assert forward.mean == pytest.approx((4 + 4 * 0.5) / 10)
    right = [1.0] * 4 + [0.0] * 6
    others = [(8 * b + 4 * p + 4) / 16 for _, b, p in _CLASS]
    mean_r, mean_o = 0.4, sum(others) / 10
    covariance = sum((r - mean_r) * (o - mean_o) for r, o in zip(right, others, strict=True))
    spread = sum((r - mean_r) ** 2 for r in right) * sum((o - mean_o) ** 2 for o in others)
    assert forward.discrimination == pytest.approx(covariance / spread**0.5)
    assert forward.mistakes == (("kernel flipped", 6),)
    assert there["why_stride"].discrimination is None  # all have it right


def test_few_answers_tell_no_correlation(tmp_path: Path) -> None:
    sample = SampleClass(tmp_path)
    for n in range(items.FEWEST - 1):
        sample.hand_in(f"team_{n}", fraction=float(n % 2))
        sample.mark(f"team_{n}", "why_stride", 4.0)
    assert all(one.discrimination is None for one in found(sample).values())
    assert items.to_talk_about(list(found(sample).values())) == []


def test_what_most_had_wrong_is_what_to_talk_about(tmp_path: Path) -> None:
    sample = a_class(tmp_path)
    hard = items.to_talk_about(list(found(sample).values()))
    assert [one.name for one in hard] == ["conv2d_forward", "conv2d_backward"]
    page = text_of(report.write(sample.folder, sample.course))
    assert "To talk about in the next lecture" in page
    told = "of 10 have it right. Most frequent: kernel flipped (6). Slide."
    assert f"40 % {told}" in page.replace("\N{NO-BREAK SPACE}", " ")


def test_an_exercise_that_the_best_get_wrong_is_named(tmp_path: Path) -> None:
    sample = SampleClass(tmp_path)
    for n in range(10):
        good = float(n < 5)
        checks = [
            judged("conv2d_forward", 1 - good, 6),
            judged("conv2d_backward", good, 8),
            judged("maxpool_forward", good, 4),
        ]
        sample.hand_in(f"team_{n}", checks=checks)
        sample.mark(f"team_{n}", "why_stride", 4.0)
    assert (found(sample)["conv2d_forward"].discrimination or 0) < -0.9
    assert "look at the exercise itself" in text_of(report.write(sample.folder, sample.course))


def test_the_table_has_a_row_for_each_exercise(tmp_path: Path) -> None:
    sample = a_class(tmp_path)
    rows = list(csv.DictReader(io.StringIO(report.items_of(sample.folder, sample.course))))
    assert [row["exercise"] for row in rows][:2] == ["conv2d_forward", "conv2d_backward"]
    assert rows[0]["right"] == "0.4" and rows[0]["mistake"] == "kernel flipped"
    assert set(rows[0]) == set(items.HEADINGS)
    empty = dataclasses.replace(found(sample)["conv2d_forward"], cases=(), mistakes=())
    assert items.table([empty]).splitlines()[1].endswith(",,,,")
