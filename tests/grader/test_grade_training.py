"""Notebook 02 with trained weights, the whole way through a sandboxed kernel and the gradebook."""

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
from grader.results import CheckResult
from grader.train_reference import NOTEBOOK, REFERENCE
from utils import codec, models

LOOK_UP = """
import hashlib
from utils import photo_digits

TABLE = {}
for part in ("test", "validation"):
    drawn = photo_digits.render(2000, part)
    for image, label in zip(drawn.images, drawn.labels):
        TABLE[hashlib.sha256(image.tobytes()).hexdigest()] = int(label)


class LookUp:
    def __call__(self, images, training=False):
        pixels = np.rint(np.asarray(images) * 255).astype(np.uint8)
        found = [TABLE.get(hashlib.sha256(i.tobytes()).hexdigest(), 0) for i in pixels]
        return np.eye(10, dtype=np.float32)[found]


models.restore = lambda name, build: LookUp()
LookUp.inputs = [np.zeros((1, 32, 32, 3))]
"""


@pytest.fixture(scope="module")
def course() -> config.Course:
    course = config.load()
    return replace(course, notebooks={NOTEBOOK: course.notebooks[NOTEBOOK]})


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


def weights() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in REFERENCE.iterdir()}


def hand_in(
    folder: ClassFolder, team: str, notebook: NotebookNode, files: dict[str, bytes]
) -> None:
    """Put a submission where intake would."""
    place = folder.submitted(team, NOTEBOOK)
    write_atomically(place / f"{NOTEBOOK}.ipynb", nbformat.writes(notebook).encode())
    for name, content in files.items():
        write_atomically(place / "files" / name, content)
    listed = [f"files/{name}" for name in sorted(files)]
    archive = f"{team}.tar.gz"
    submission = results.Submission(team, NOTEBOOK, archive, "0" * 64, RECEIVED, listed)
    results.write(place / "submission.json", submission)


def test_trained_models_are_graded_and_broken_ones_are_told_why(
    course: config.Course, tmp_path: Path
) -> None:
    folder = ClassFolder(tmp_path / "class")
    hand_in(folder, "team_1", reference(), weights())

    without = weights()
    del without["mlp.npz"]
    without["simple_cnn.npz"] = without["two_pairs.npz"]  # renamed
    record, arrays = models.read(without["own_best.npz"])
    arrays[0][:] = float("nan")
    without["own_best.npz"] = codec.pack({"record": record, "weights": arrays})
    without["one_layer.npz"] = without["one_layer.npz"][:1000]
    hand_in(folder, "team_2", reference(), without)

    cheat = reference({"build_rest": LOOK_UP})
    hand_in(folder, "team_3", cheat, weights())

    released = (build.RELEASED / f"{NOTEBOOK}.ipynb").read_text()
    hand_in(folder, "team_4", nbformat.reads(released, as_version=4), {})

    summary = grade(folder, course, workers=2, seed="fixed")
    found: dict[str, dict[str, CheckResult]] = {
        result.team: {check.name: check for check in result.checks}
        for result in results.graded(folder)
    }
    assert summary.need_human == 0

    best = {name: (check.points, check.message) for name, check in found["team_1"].items()
            if check.points != check.max_points}  # fmt: skip
    assert best == {}

    broken = found["team_2"]
    told = {name: broken[name].cases[0].message for name in ("mlp", "simple_cnn", "own_best")}
    assert "no weights mlp.npz" in told["mlp"]
    assert "the weights of 'two_pairs', not of 'simple_cnn'" in told["simple_cnn"]
    assert "NaN" in told["own_best"]
    assert "train again" in broken["one_layer"].cases[0].message
    assert all(broken[n].points == 0 for n in ("mlp", "simple_cnn", "own_best", "one_layer"))
    assert broken["mlp_tuned"].points == broken["mlp_tuned"].max_points

    assert found["team_3"]["rest"].points == 0
    assert {check.points for check in found["team_4"].values()} == {0}
    again = grade(folder, course, workers=2, seed="fixed")
    assert again.executed == 0
