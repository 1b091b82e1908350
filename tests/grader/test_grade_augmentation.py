"""Notebook 03 with trained weights, the whole way through a sandboxed kernel and the gradebook."""

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
from grader.train_reference import reference_of
from utils import assess_augmentation, codec, models

NOTEBOOK = "03_data_augmentation"

FLIPS = """
def build_augmenter(dataset):
    return keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomTranslation(0.1, 0.1)])
"""

WISHES = """
findings = {"best": "none", "gain": 20.0, "helps": list(strategies), "gap": {}}
"""


@pytest.fixture(autouse=True)
def real_course(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Other tests put a small course in place of this one."""
    monkeypatch.setattr(build, "SOURCES", config.HERE / "source")
    monkeypatch.setattr(build, "RELEASED", config.ROOT / "notebooks")
    yield


def solved(team: str, changes: dict[str, str] | None = None) -> NotebookNode:
    source = source_text.read(config.HERE / "source" / f"{NOTEBOOK}.py")
    notebook = source_text.with_solutions(source)
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        cell.source = (changes or {}).get(grade_id, cell.source).replace("your_id", team)
    return notebook


def weights() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in reference_of(NOTEBOOK).iterdir()}


def hand_in(
    folder: ClassFolder, team: str, notebook: NotebookNode, files: dict[str, bytes]
) -> None:
    """Put a submission where intake would."""
    place = folder.submitted(team, NOTEBOOK)
    write_atomically(place / f"{NOTEBOOK}.ipynb", nbformat.writes(notebook).encode())
    for name, content in files.items():
        write_atomically(place / "files" / name, content)
    listed = [f"files/{name}" for name in sorted(files)]
    submission = results.Submission(team, NOTEBOOK, f"{team}.tar.gz", "0" * 64, RECEIVED, listed)
    results.write(place / "submission.json", submission)


def test_the_reference_earns_everything_and_wishes_are_held_against_the_nets(
    tmp_path: Path,
) -> None:
    course = config.load()
    course = replace(course, notebooks={NOTEBOOK: course.notebooks[NOTEBOOK]})
    folder = ClassFolder(tmp_path / "class")
    hand_in(folder, "team_1", solved("team_1"), weights())

    forged = weights()
    record, arrays = models.read(forged["shift.npz"])
    better = record | {"validation": 0.99, "train": 0.995}
    forged["shift.npz"] = codec.pack({"record": better, "weights": arrays})
    wrong = solved("team_2", {"build_augmenter": FLIPS, "findings": WISHES})
    hand_in(folder, "team_2", wrong, forged)

    summary = grade(folder, course, workers=2, seed="fixed")
    assert summary.need_human == 0
    found = {r.team: {check.name: check for check in r.checks} for r in results.graded(folder)}

    lost = {
        name: (check.points, [case.message for case in check.cases])
        for name, check in found["team_1"].items()
        if check.points != check.max_points
    }
    assert lost == {}

    wrong_ones = found["team_2"]
    assert wrong_ones["augmenter"].mistake == "digits are mirrored"
    assert wrong_ones["streams"].points == wrong_ones["streams"].max_points
    assert wrong_ones["strategies"].mistake == assess_augmentation.NOT_MEASURED
    assert "the table says 99.0 %" in wrong_ones["strategies"].cases[0].message
    assert wrong_ones["findings"].points == 0
    assert "none has 84" in wrong_ones["findings"].cases[0].message
