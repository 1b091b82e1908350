"""Notebook 02 with trained weights, the whole way through a sandboxed kernel and the gradebook."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from grader import config
from grader.authoring import build
from grader.bench.small_course import hand_in, reference
from grader.classroom import results
from grader.classroom.folder import ClassFolder
from grader.classroom.results import CheckResult
from grader.course.making.reference import NOTEBOOK, REFERENCE
from grader.grading.run import grade
from tests.grader.course import sample_class
from utils import codec
from utils.rules import ladder
from utils.training import models

LOOK_UP = """
import hashlib
from utils.images import photo_digits

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


DENSE_BY_WORD = """
models.describe = lambda model, *_: {"steps": ["dense"], "layers": [{"type": "Dense"}]}


def build_mlp_tuned():
    model = keras.Sequential([
        keras.Input((32, 32, 3)),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(10, activation="softmax"),
    ])
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    return model
"""
"""A convolution handed in as dense layers, and a helper in the kernel that says they are."""


def edited(content: bytes, **changes: object) -> bytes:
    """A file of weights with another record."""
    known = codec.unpack(content, models.MAX_BYTES)
    return codec.pack(known | {"record": known["record"] | changes})


@pytest.fixture(scope="module")
def course() -> config.Course:
    course = config.load()
    return replace(course, notebooks={NOTEBOOK: course.notebooks[NOTEBOOK]})


def weights() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in REFERENCE.iterdir()}


def test_trained_models_are_graded_and_broken_ones_are_told_why(
    course: config.Course, tmp_path: Path
) -> None:
    folder = ClassFolder(tmp_path / "class")
    without = weights()
    del without["mlp.npz"]
    without["simple_cnn.npz"] = without["two_pairs.npz"]  # renamed
    record, arrays = models.read(without["own_best.npz"])
    arrays[0][:] = float("nan")
    without["own_best.npz"] = codec.pack({"record": record, "weights": arrays})
    without["one_layer.npz"] = without["one_layer.npz"][:1000]
    sorted_split = sample_class.team("team_21")
    two = reference(NOTEBOOK, "team_2", sorted_split.changes)
    hand_in(folder, NOTEBOOK, "team_2", two, without)

    forged = weights()
    forged["mlp_tuned.npz"] = edited(forged["simple_cnn.npz"], name="mlp_tuned")
    forged["mlp.npz"] = edited(forged["mlp_tuned.npz"], name="mlp", epochs=30)  # of 10
    forged["one_layer.npz"] = edited(forged["one_layer.npz"], batch=64)
    forged["test_accuracies.json"] = forged["test_accuracies.json"].replace(b"0.925", b"0.985")
    changed = {"build_rest": LOOK_UP, "build_mlp_tuned": DENSE_BY_WORD}
    hand_in(folder, NOTEBOOK, "team_3", reference(NOTEBOOK, "team_3", changed), forged)

    released = build.released(NOTEBOOK).read_bytes()
    hand_in(folder, NOTEBOOK, "team_4", released)

    summary = grade(folder, course, workers=2, seed="fixed")
    found: dict[str, dict[str, CheckResult]] = {
        result.team: {check.name: check for check in result.checks}
        for result in results.graded(folder)
    }
    assert summary.need_human == 0

    broken = found["team_2"]
    told = {name: broken[name].cases[0].message for name in ("mlp", "simple_cnn", "own_best")}
    assert "no weights mlp.npz" in told["mlp"]
    assert "the weights of 'two_pairs', not of 'simple_cnn'" in told["simple_cnn"]
    assert "NaN" in told["own_best"]
    assert "train again" in broken["one_layer"].cases[0].message
    assert all(broken[n].points == 0 for n in ("mlp", "simple_cnn", "own_best", "one_layer"))
    assert broken["mlp_tuned"].points == broken["mlp_tuned"].max_points / 2
    assert "mlp can't be asked: there are no weights" in broken["mlp_tuned"].cases[0].message
    assert sorted_split.diagnosis in broken["split"].mistake
    lost = sample_class.lost(broken)
    assert lost["split"] == sample_class.cost(sorted_split, NOTEBOOK, broken)

    cheat = found["team_3"]
    described = cheat["simple_cnn_configuration"]  # by what is in the file
    assert 0 < described.points < described.max_points
    assert cheat["rest"].points == 0
    assert cheat["one_layer"].points == cheat["one_layer"].max_points / 2
    assert "batch: 64, the exercise asks for 128" in cheat["one_layer"].cases[0].message
    assert cheat["mlp_tuned"].points <= cheat["mlp_tuned"].max_points / 2
    assert cheat["mlp_tuned"].mistake == ladder.NOT_DENSE
    assert "own_best, test: you say 98." in cheat["tested"].cases[0].message
    everywhere = lost.keys() & sample_class.lost(cheat).keys()
    broken_weights = {"mlp", "mlp_tuned", "one_layer", "tested", "cnn_gain"}
    assert everywhere == broken_weights, "what is right in one of them gets all its points"
    assert {check.points for check in found["team_4"].values()} == {0}
    again = grade(folder, course, workers=2, seed="fixed")
    assert again.executed == 0
