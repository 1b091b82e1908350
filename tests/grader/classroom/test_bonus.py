"""Optional exercises come on top: whoever skips them can have everything."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from grader import export
from grader.classroom import standing
from grader.pages import feedback, report
from tests.grader.sample_class import CHECKS, CONV, SampleClass, judged

OPTIONAL = "maxpool_forward"
"""4 of the notebook's 22 points; an essay of 4 is optional, too."""


@pytest.fixture
def sample(tmp_path: Path) -> SampleClass:
    """team_1 has done all, team_2 nothing that is optional, team_3 half of everything."""
    found = SampleClass(tmp_path)
    ids = ("check_conv2d_forward", f"check_{OPTIONAL}", "why_stride")
    cells = [
        {"metadata": {"nbgrader": {"grade_id": i}, "course": {"bonus": i != ids[0]}}} for i in ids
    ]
    path = found.folder.root / "release" / CONV / f"{CONV}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"cells": cells}))
    shares = {"team_1": (1.0, 1.0), "team_2": (1.0, 0.0), "team_3": (0.5, 0.5)}
    for team, (needed, optional) in shares.items():
        checks = [
            judged(name, optional if name == OPTIONAL else needed, worth)
            for name, worth in CHECKS[CONV].items()
        ]
        found.hand_in(team, checks=checks)
        found.mark(team, "why_stride", 4 * optional)
    return found


def test_the_maximum_is_what_is_not_optional(sample: SampleClass) -> None:
    everyone = standing.read(sample.folder, sample.course)
    rows = {row.team: row for row in everyone.handed_in()}
    assert everyone.worth(CONV) == 14
    assert [(rows[t].score, rows[t].max_points) for t in everyone.teams] == [
        (22, 14), (14, 14), (11, 14)
    ]  # fmt: skip
    assert [rows[team].fraction for team in everyone.teams] == [1, 1, 11 / 14]
    ungraded = replace(rows["team_1"], mark=None)
    assert {x.name for x in ungraded.exercises if x.bonus} == {OPTIONAL, "why_stride"}


def test_a_result_that_is_not_recorded_yet_has_the_same_maximum(sample: SampleClass) -> None:
    sample.hand_in("team_9", recorded=False)
    everyone = standing.read(sample.folder, sample.course)
    assert everyone.rows["team_9", CONV].max_points == 14


def test_a_course_may_count_them_like_all_others(sample: SampleClass) -> None:
    everyone = standing.read(sample.folder, replace(sample.course, bonus=False))
    assert [row.max_points for row in everyone.handed_in()] == [22] * 3


def test_moodle_gets_no_grade_above_its_maximum(sample: SampleClass) -> None:
    def column(kind: str, *names: str) -> list[list[str]]:
        chosen = export.Choices(notebook=CONV)
        path = export.write(sample.folder, sample.course, kind, choices=chosen)
        text = path.read_text(encoding="utf-8-sig")
        return [[row[name] for name in names] for row in csv.DictReader(text.splitlines())]

    moodle = column("moodle", "Grade", "Maximum Grade")
    assert moodle == [["14", "14"], ["14", "14"], ["11", "14"]]
    assert column("csv", "Total", "Total (maximum)")[0] == ["22", "14"]
    assert column("canvas", "Implementing a CNN") == [["14"], ["22"], ["14"], ["11"]]


def test_pages_call_it_bonus(sample: SampleClass) -> None:
    pages = feedback.write(sample.folder, sample.course)
    page = next(p for p in pages if p.parent.name == "team_1" and p.stem == CONV).read_text()
    assert page.count("4 / 4 bonus") == 2 and "6 / 6</td>" in page  # a check, and an essay
    assert "<b>22</b> of 14 points" in page
    assert report.write(sample.folder, sample.course).read_text().count("4 bonus</td>") == 2
