"""Notebook 03 with trained weights, the whole way through a sandboxed kernel and the gradebook."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from grader import config
from grader.bench.small_course import hand_in, reference
from grader.classroom import results
from grader.classroom.folder import ClassFolder
from grader.course.making.reference import reference_of
from grader.grading.run import grade
from tests.grader.course import sample_class
from utils import codec
from utils.rules import strategies as assess_augmentation
from utils.training import models

NOTEBOOK = "03_data_augmentation"

FLIPS = """
def build_augmenter(dataset):
    return keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomTranslation(0.1, 0.1)])
"""

WISHES = """
findings = {"best": "none", "gain": 20.0, "helps": list(strategies), "gap": {}}
"""


def weights() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in reference_of(NOTEBOOK).iterdir()}


def test_wishes_are_held_against_the_nets(tmp_path: Path) -> None:
    course = config.load()
    course = replace(course, notebooks={NOTEBOOK: course.notebooks[NOTEBOOK]})
    folder = ClassFolder(tmp_path / "class")
    forged = weights()
    known = codec.unpack(forged["shift.npz"], models.MAX_BYTES)
    better = known["record"] | {"validation": 0.99, "train": 0.995}
    forged["shift.npz"] = codec.pack(known | {"record": better})
    team = sample_class.team("team_22")
    changed = {"build_augmenter": FLIPS, "findings": WISHES, **team.changes}
    wrong = reference(NOTEBOOK, "team_2", changed)
    hand_in(folder, NOTEBOOK, "team_2", wrong, forged)

    summary = grade(folder, course, workers=2, seed="fixed")
    assert summary.need_human == 1
    (question,) = next(r.questions for r in results.graded(folder))
    assert question.cause == "claim denied" and "as many as its record says" in str(question)
    found = {r.team: {check.name: check for check in r.checks} for r in results.graded(folder)}

    wrong_ones = found["team_2"]
    assert wrong_ones["augmenter"].mistake == "digits are mirrored"
    lost = sample_class.lost(wrong_ones)
    claimed = {"strategies", "findings", "strategy_choice", "tested_strategies"}
    assert lost.keys() == {"augmenter", "streams", *claimed}
    assert team.diagnosis in wrong_ones["streams"].mistake
    assert lost["streams"] == sample_class.cost(team, NOTEBOOK, wrong_ones)
    assert wrong_ones["strategies"].mistake == assess_augmentation.NOT_MEASURED
    assert "the table says 99.0 %" in wrong_ones["strategies"].cases[0].message
    assert wrong_ones["findings"].points == 0
    assert "none has 84" in wrong_ones["findings"].cases[0].message
