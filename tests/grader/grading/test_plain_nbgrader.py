"""With nbgrader alone, honest submissions of notebook 01 get the same marks as from our grading."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from grader import config, places
from grader.bench import small_course
from grader.classroom import gradebook
from grader.classroom.folder import ClassFolder
from grader.demo.samples import CLASS, SECOND
from grader.formgrader import setup as class_setup
from grader.grading.run import grade
from tests import long

FEW = ("team_01", "team_07", "team_14")
"""Right; kernel flipped; noise on stderr."""
HONEST = long.choose(FEW, (*FEW, "team_10", "team_11"))
"""In a long run also ties to all maxima and half finished."""


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> tuple[ClassFolder, ClassFolder, str]:
    """The same class graded by us, and by nbgrader."""
    course = config.load()
    course = config.Course(
        course.id, course.title, course.late, course.limits, {SECOND: course.notebooks[SECOND]}
    )
    ours = ClassFolder(tmp_path_factory.mktemp("ours"))
    changes = {team.name: team.changes for team in CLASS}
    for team in HONEST:
        notebook = small_course.reference(SECOND, team, changes[team])
        figures = "training_picture", "speed_picture"  # slow, and nothing depends on them
        notebook.cells = [
            c
            for c in notebook.cells
            if c.metadata.get("nbgrader", {}).get("grade_id") not in figures
        ]
        small_course.hand_in(ours, SECOND, team, notebook)
    class_setup.set_up(ours, course)
    plain = ClassFolder(tmp_path_factory.mktemp("plain") / "class")
    shutil.copytree(ours.root, plain.root)
    settings = plain.root / "nbgrader_config.py"
    text = settings.read_text().replace(str(ours.root.resolve()), str(plain.root.resolve()))
    settings.write_text(text.replace(class_setup.NO_PLAIN_AUTOGRADE, ""))
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "autograde", SECOND],
        cwd=plain.root,
        env={**os.environ, "PYTHONPATH": str(places.ROOT), "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    summary = grade(ours, course)
    assert summary.need_human == 0
    return ours, plain, course.id


def test_marks_are_the_same(graded: tuple[ClassFolder, ClassFolder, str]) -> None:
    ours, plain, course_id = graded
    by_us, by_nbgrader = (
        {m.team: {c.cell: c.auto for c in m.cells} for m in gradebook.marks(folder, course_id)}
        for folder in (ours, plain)
    )
    assert len(by_us) == len(HONEST)
    for team, cells in by_us.items():
        assert by_nbgrader[team] == pytest.approx(cells, abs=1e-3), team
    assert by_us["team_1"]["check_conv2d_forward"] == 8
    assert 0 < by_us["team_7"]["check_conv2d_forward"] < 8


def test_in_a_class_folder_nbgrader_refuses_to_run_student_code(
    graded: tuple[ClassFolder, ClassFolder, str],
) -> None:
    ours, _, _ = graded
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "autograde", SECOND, "--student", "team_1", "--force"],
        cwd=ours.root,
        env={**os.environ, "PYTHONPATH": str(places.ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0 and "./course grade" in done.stderr
