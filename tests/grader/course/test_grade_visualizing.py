"""Notebook 04 the whole way through a sandboxed kernel and the gradebook."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from grader import config
from grader.authoring import build
from grader.bench.small_course import hand_in, reference
from grader.classroom import results
from grader.classroom.folder import ClassFolder
from grader.grading.run import grade
from tests.grader.course import sample_class

NOTEBOOK = "04_visualizing_cnn"

FORGED = """
def class_images(net, classes, seed):
    object.__setattr__(net, "model", lambda x, **k: tf.one_hot(classes, 10) * 99.0)
    return np.full((len(classes), 32, 32, 3), 0.5)
"""
"""The net in the kernel is taught to see every class in grey; the judge's own net is another."""


def test_pictures_are_graded_by_a_net_outside_the_kernel(tmp_path: Path) -> None:
    course = config.load()
    course = replace(course, notebooks={NOTEBOOK: course.notebooks[NOTEBOOK]})
    folder = ClassFolder(tmp_path / "class")
    team = sample_class.team("team_23")
    forged = reference(NOTEBOOK, "team_2", {"class_images": FORGED, **team.changes})
    hand_in(folder, NOTEBOOK, "team_2", forged)
    released = build.released(NOTEBOOK).read_bytes()
    hand_in(folder, NOTEBOOK, "team_3", released)

    summary = grade(folder, course, workers=2, seed="fixed")
    found = {r.team: {check.name: check for check in r.checks} for r in results.graded(folder)}
    assert summary.need_human == 0

    lost = sample_class.lost(found["team_2"])
    driven = {"drive_unit", "drive_smoothly", "drive_naturally"}  # with the net that was taught
    assert lost.keys() == {"class_images", "saliency", "own_maps", *driven}
    assert found["team_2"]["class_images"].points == 0
    assert team.diagnosis in found["team_2"]["saliency"].mistake
    assert lost["saliency"] == sample_class.cost(team, NOTEBOOK, found["team_2"])
    (told,) = {case.message for case in found["team_2"]["own_maps"].cases}
    assert "hand in handin/04_visualizing_cnn/own.npz with this notebook" in told
    assert {check.points for check in found["team_3"].values()} == {0}
