"""Notebook 05 the whole way through a sandboxed kernel and the gradebook."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from grader import config
from grader.bench.small_course import hand_in, reference
from grader.classroom import results
from grader.classroom.folder import ClassFolder
from grader.demo import SEED
from grader.grading.run import grade
from tests.grader.course import sample_class

NOTEBOOK = "05_fooling_cnn"


def test_targets_that_are_swapped_cost_what_they_cost_the_sample_class(
    tmp_path: Path,
) -> None:
    course = config.load()
    course = replace(course, notebooks={NOTEBOOK: course.notebooks[NOTEBOOK]})
    folder = ClassFolder(tmp_path / "class")
    team = sample_class.team("team_24")
    hand_in(folder, NOTEBOOK, "team_24", reference(NOTEBOOK, "team_24", team.changes))

    summary = grade(folder, course, workers=1, seed=SEED)
    (result,) = results.graded(folder)
    checks = {check.name: check for check in result.checks}
    lost = sample_class.lost(checks)
    assert summary.need_human == 0
    assert lost.keys() == {"likely_and_unlikely"}
    assert sum(lost.values()) == pytest.approx(sample_class.cost(team, NOTEBOOK, checks))
