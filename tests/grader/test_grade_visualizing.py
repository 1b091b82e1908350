"""Notebook 04 the whole way through a sandboxed kernel and the gradebook."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from nbformat.notebooknode import NotebookNode

from grader import build, config, results, source_text
from grader.bench.small_course import RECEIVED
from grader.classroom import ClassFolder, write_atomically
from grader.grade import grade

NOTEBOOK = "04_visualizing_cnn"

FORGED = """
def class_images(net, classes, seed):
    object.__setattr__(net, "model", lambda x, **k: tf.one_hot(classes, 10) * 99.0)
    return np.full((len(classes), 32, 32, 3), 0.5)
"""
"""The net in the kernel is taught to see every class in grey; the judge's own net is another."""


@pytest.fixture(autouse=True)
def real_course(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Other tests put a small course in place of this one."""
    monkeypatch.setattr(build, "SOURCES", config.HERE / "source")
    monkeypatch.setattr(build, "RELEASED", config.ROOT / "notebooks")
    yield


def reference(changes: dict[str, str] | None = None) -> NotebookNode:
    source = source_text.read(config.HERE / "source" / f"{NOTEBOOK}.py")
    notebook = source_text.with_solutions(source)
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        cell.source = (changes or {}).get(grade_id, cell.source)
    return notebook


def hand_in(folder: ClassFolder, team: str, notebook: NotebookNode) -> None:
    """Put a submission where intake would."""
    place = folder.submitted(team, NOTEBOOK)
    write_atomically(place / f"{NOTEBOOK}.ipynb", nbformat.writes(notebook).encode())
    archive = f"{team}.tar.gz"
    submission = results.Submission(team, NOTEBOOK, archive, "0" * 64, RECEIVED, [])
    results.write(place / "submission.json", submission)


def test_pictures_are_graded_by_a_net_outside_the_kernel(tmp_path: Path) -> None:
    course = config.load()
    course = replace(course, notebooks={NOTEBOOK: course.notebooks[NOTEBOOK]})
    folder = ClassFolder(tmp_path / "class")
    hand_in(folder, "team_1", reference())
    hand_in(folder, "team_2", reference({"class_images": FORGED}))
    released = (build.RELEASED / f"{NOTEBOOK}.ipynb").read_text()
    hand_in(folder, "team_3", nbformat.reads(released, as_version=4))

    summary = grade(folder, course, workers=2, seed="fixed")
    found = {r.team: {check.name: check for check in r.checks} for r in results.graded(folder)}
    assert summary.need_human == 0

    best = {name: (check.points, check.message, check.cases)
            for name, check in found["team_1"].items()
            if check.points != check.max_points}  # fmt: skip
    assert best == {}
    assert found["team_2"]["class_images"].points == 0
    others = [c for name, c in found["team_2"].items() if name.startswith(("grid", "occlusion"))]
    assert others and all(check.points == check.max_points for check in others)
    assert {check.points for check in found["team_3"].values()} == {0}
