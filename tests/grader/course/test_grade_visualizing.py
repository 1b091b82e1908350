"""Notebook 04 the whole way through a sandboxed kernel and the gradebook.

The reference solution goes there in tests/grader/demo/test_demo.py.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from grader import config
from grader.authoring import build
from grader.bench.small_course import hand_in, reference
from grader.classroom import results
from grader.classroom.folder import ClassFolder
from grader.grading.run import grade

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
    forged = reference(NOTEBOOK, "team_2", {"class_images": FORGED})
    hand_in(folder, NOTEBOOK, "team_2", forged)
    released = build.released(NOTEBOOK).read_bytes()
    hand_in(folder, NOTEBOOK, "team_3", released)

    summary = grade(folder, course, workers=2, seed="fixed")
    found = {r.team: {check.name: check for check in r.checks} for r in results.graded(folder)}
    assert summary.need_human == 0

    assert found["team_2"]["class_images"].points == 0
    others = [c for name, c in found["team_2"].items() if name.startswith(("grid", "occlusion"))]
    assert others and all(check.points == check.max_points for check in others)
    (told,) = {case.message for case in found["team_2"]["own_maps"].cases}
    assert "hand in handin/04_visualizing_cnn/own.npz with this notebook" in told
    assert {check.points for check in found["team_3"].values()} == {0}
