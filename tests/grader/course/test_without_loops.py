"""Where the text forbids loops: they run out of time, and what is taught has time to spare."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from grader.contract.judges import judges_of
from grader.contract.sample import right
from grader.judging import truth
from utils.checks import cases, compare
from utils.checks.clock import CallTimeout, processor_seconds
from utils.checks.compare import TOO_SLOW
from utils.checks.handover import USUAL_SECONDS, call_each
from utils.checks.verdicts import Reply

NOTEBOOK, CHECK = "01_implementing_cnn", "conv2d_fast"
Array = np.ndarray


def by_cells(x: Array, w: Array, b: Array, stride: Any, padding: str) -> Array:
    """A loop over the kernel's cells, as the text has it.  VALID, every position."""
    (kh, kw), (rows, columns) = w.shape[:2], np.subtract(x.shape[1:3], w.shape[:2]) + 1
    y = np.zeros((len(x), rows, columns, w.shape[3])) + b
    for u, v in np.ndindex(kh, kw):
        y += x[:, u : u + rows, v : v + columns] @ w[u, v]
    return y


def by_positions(x: Array, w: Array, b: Array, stride: Any, padding: str) -> Array:
    (kh, kw), (rows, columns) = w.shape[:2], np.subtract(x.shape[1:3], w.shape[:2]) + 1
    y, flat = np.zeros((len(x), rows, columns, w.shape[3])), w.reshape(-1, w.shape[3])
    for i, j in np.ndindex(rows, columns):
        y[:, i, j] = x[:, i : i + kh, j : j + kw].reshape(len(x), -1) @ flat + b
    return y


def by_images(x: Array, w: Array, b: Array, stride: Any, padding: str) -> Array:
    return np.concatenate([by_cells(image[None], w, b, stride, padding) for image in x])


def by_filters(x: Array, w: Array, b: Array, stride: Any, padding: str) -> Array:
    maps = [by_cells(x, w[..., [f]], b[[f]], stride, padding)[..., 0] for f in range(w.shape[3])]
    return np.stack(maps, axis=-1)


def large() -> list[cases.Case]:
    public = judges_of(NOTEBOOK)[CHECK].public_cases()
    return [case for case in public.cases if case.share < 1]


@pytest.mark.parametrize("forbidden", [by_positions, by_images, by_filters])
def test_each_loop_runs_out_of_time_in_the_case_that_is_about_it(
    forbidden: Callable[..., Array],
) -> None:
    what = forbidden.__name__.removeprefix("by_")
    (case,) = (case for case in large() if f"no loop over {what}" in case.label)
    (reply,) = call_each(forbidden, [case.inputs], shares=[case.share]).replies
    assert reply.error.startswith(CallTimeout.__name__)


def test_a_loop_over_the_kernels_cells_needs_less_than_a_fifth() -> None:
    for case in large():
        before = processor_seconds()
        assert np.allclose(by_cells(**case.inputs), case.expected["output"])
        assert processor_seconds() - before < USUAL_SECONDS * case.share / 5


def test_who_loops_has_half_of_the_points_and_is_told_why() -> None:
    public = judges_of(NOTEBOOK)[CHECK].public_cases()
    replies = [
        Reply(error="CallTimeout: no result after 1 seconds") if case.share < 1 else Reply(value)
        for case in public.cases
        for value in case.expected.values()
    ]
    verdict = compare.compare(public, replies)
    assert (verdict.score, verdict.mistake) == (0.5, TOO_SLOW)
    assert "kernel" in verdict.hint
    sample = right(f"{CHECK}: cells where there are many", by_cells)
    assert all(c.score == 1 for c in truth.find(NOTEBOOK, sample, "s").verdict.cases[-3:])
