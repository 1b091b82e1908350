"""Judges of notebook 02: trained nets are worth what they can, and files are never believed."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader import places
from grader.authoring import source_text
from grader.cells import runs_when_graded
from grader.contract import thresholds
from grader.contract.judge import Handed, Judge
from grader.contract.sample import Sample
from grader.course.judges.training_cnn import JUDGES
from grader.course.judges.training_cnn.handed import dataset_of
from grader.course.making.reference import NOTEBOOK, REFERENCE
from grader.course.truth import training_nets
from grader.course.truth.training_cnn import SAMPLES
from grader.errors import ConfigError
from grader.judging import examination as judging
from grader.judging import truth
from utils import check, codec
from utils.checks.cases import CaseSet
from utils.checks.compare import HINTS, compare
from utils.checks.handover import HANDOVER, answer_bytes
from utils.checks.verdicts import CheckVerdict, Reply
from utils.images import cifar10, exam_images, photo_digits
from utils.nets import quiet
from utils.rules import ladder
from utils.rules import training as assess
from utils.rules.strategies import FRACTIONS
from utils.training import models

keras = quiet.import_keras()
EXACT = [judge for judge in JUDGES if not judge.assess]
MODELS = ("one_layer", "mlp", "mlp_tuned", "simple_cnn", "own_best", "rest")


@pytest.fixture(scope="module")
def fresh() -> dict[str, CaseSet]:
    files = {path.name: path.read_bytes() for path in REFERENCE.iterdir()}
    return judging.draw(NOTEBOOK, "team_1", "a seed", files).cases


def verdict_on(found: CaseSet, sample: Sample) -> CheckVerdict:
    calls = [case.inputs for case in found.cases]
    return judging.verdict_on(found, answer_bytes(sample.answer, found.kind, calls), "team_1")


def test_what_known_answers_are_called_has_a_hint(fresh: dict[str, CaseSet]) -> None:
    """What they get, and that they are called so: tests/grader/judging/test_truth.py."""
    told = [(s.check, s.diagnosis) for s in SAMPLES if s.diagnosis]
    assert told and [(c, name) for c, name in told if not _hint(fresh[c], name)] == []


def _hint(found: CaseSet, mistake: str) -> str:
    return found.hints.get(mistake) or HINTS.get(mistake, "")


@pytest.mark.parametrize("which", ["fresh", "public"])
@pytest.mark.parametrize(
    ("judge", "mistake"),
    [(j, m) for j in EXACT for m in j.mistakes],
    ids=lambda value: value.name if isinstance(value, Judge) else value,
)
def test_known_mistakes_differ_from_what_is_right(judge: Judge, mistake: str, which: str) -> None:
    found = judge.public_cases() if which == "public" else judge.cases(np.random.default_rng(1))
    telling = [
        case
        for case in found.cases
        if mistake in case.mistakes
        and any(
            np.shape(value) != np.shape(case.expected[part])
            or not np.array_equal(value, case.expected[part])
            for part, value in case.mistakes[mistake].items()
        )
    ]
    assert telling


def test_hidden_labels_stay_with_the_judge(fresh: dict[str, CaseSet]) -> None:
    asked = judging.Examination("team_1", fresh).questions(10)
    for name in MODELS:
        (call,) = codec.unpack(asked[name])["calls"]
        assert set(call) <= {"images", "known"}
        assert call["images"].shape == (600, 32, 32, 3) and call["images"].dtype == np.uint8


def test_hidden_images_are_new_for_each_team_and_shared_by_its_checks() -> None:
    one, two = (judging.draw(NOTEBOOK, team, "a seed").cases for team in ("team_1", "team_2"))
    images = [c["mlp"].cases[0].inputs["images"] for c in (one, two)]
    assert not np.array_equal(*images)
    assert np.array_equal(images[0], one["own_best"].cases[0].inputs["images"])
    known = {
        image.tobytes()
        for split in ("train", "validation", "test")
        for image in photo_digits.render(2000, split, keep=False).images  # type: ignore[arg-type]
    }
    assert not any(image.tobytes() in known for image in images[0])


def test_points_rise_from_the_floor_to_the_goal(fresh: dict[str, CaseSet]) -> None:
    case_set = fresh["own_best"]
    case = case_set.cases[0]
    limits = case.expected["limits"]
    labels = case.expected["labels"]
    scores = []
    for wanted in (limits["floor"], 0.5 * (limits["floor"] + limits["goal"]), limits["goal"]):
        right = np.arange(len(labels)) < np.ceil(wanted * len(labels))
        guesses = np.where(right, labels, (labels + 1) % 10)
        answer = {"outputs": np.eye(10)[guesses], "dataset": "photodigits"}
        scores.append(compare(case_set, [Reply(answer)]).score)
    assert scores[0] < 0.02 and scores[2] == 1
    assert scores[1] == pytest.approx(0.5, abs=0.02)


def test_a_table_of_public_images_earns_nothing(fresh: dict[str, CaseSet]) -> None:
    sample = Sample("looked up", "", False, training_nets.looked_up)
    for name in ("one_layer", "mlp", "mlp_tuned", "simple_cnn", "own_best"):
        assert verdict_on(fresh[name], sample).score == 0, name


@pytest.mark.parametrize(
    "answer",
    [
        None,
        7,
        {"outputs": "text", "dataset": "photodigits"},
        {"outputs": np.zeros((600, 10), complex), "dataset": "photodigits"},
        {"outputs": np.zeros(0), "dataset": ["a"]},
        {"rows": {"a": 3}},
        {"rows": {"a": {"classes": "x", "steps": [3]}}},
        {"steps": "text"},
        {"steps": [1, None], "loss": 3},
        {"validation": {"a": "b"}, "chosen": [1]},
        {"trials": [3, {"rate": "a"}], "chosen": {"rate": None}},
        {"layers": [1, {"name": []}], "output": "x"},
        {"events": [np.zeros(9, np.uint8)]},
    ],
)
def test_answers_of_any_kind_cost_points_and_nothing_else(
    answer: object, fresh: dict[str, CaseSet]
) -> None:
    points = dict.fromkeys(fresh, 2.0)
    rows = [{"value": answer, "error": "", "changed": []}] * 3
    packed = codec.pack({"student": None, "replies": rows})
    examination = judging.Examination("team_1", fresh)
    results = judging.judge(examination, {name: [packed] for name in fresh}, points)
    assert sum(result.points for result in results) < 8  # what fits a description by chance


def test_the_data_set_is_the_one_that_the_weights_name() -> None:
    path = f"handin/{NOTEBOOK}/mlp.npz"
    good = codec.pack({"record": {"dataset": "cifar10"}, "weights": []})
    assert dataset_of(Handed({path: good}), "mlp") == "cifar10"
    assert dataset_of(Handed({path: good}), "one_layer") == "photodigits"
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("skeleton.json", b"0" * 100_000_000)
    odd = [
        b"",
        b"junk",
        bomb.getvalue(),
        codec.pack({"record": {"dataset": "../../etc"}, "weights": []}),
        codec.pack({"record": [], "weights": 3}),
        codec.pack({"record": {"dataset": ["cifar10"]}, "weights": []}),
    ]
    for content in odd:
        assert dataset_of(Handed({path: content}), "mlp") == "photodigits"


def test_a_data_set_that_the_grader_lacks_needs_a_human(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise cifar10.DataUnavailable("put it there")

    monkeypatch.setattr(cifar10, "read", missing)
    files = {"mlp.npz": codec.pack({"record": {"dataset": "cifar10"}, "weights": []})}
    drawn = judging.draw(NOTEBOOK, "team_1", "a seed", files)
    assert "trained on cifar10" in drawn.problem and "put it there" in drawn.problem
    sample = Sample("whatever", "mlp", False, lambda images, known: {"outputs": np.zeros((0, 10))})
    assert "has not got" in verdict_on(drawn.cases["mlp"], sample).cases[0].message
    assert not judging.draw(NOTEBOOK, "team_1", "a seed").problem


def test_cifar10_is_moved_and_mirrored(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (100, 32, 32, 3), dtype=np.uint8)
    labels = np.arange(100, dtype=np.int64) % 10
    stored = cifar10.Cifar10(images, labels, images, labels, Path())
    monkeypatch.setattr(cifar10, "read", lambda: stored)
    drawn, classes = exam_images.draw("cifar10", "test", 60, np.random.default_rng(1))
    assert drawn.shape == (60, 32, 32, 3) and classes.shape == (60,)
    known = {image.tobytes() for image in images}
    assert not any(image.tobytes() in known for image in drawn)
    halves, answers = exam_images.draw("cifar10", "test", 20, np.random.default_rng(1), target=3)
    assert len(halves) == 20 and answers.sum() == 10


def test_an_instructor_changes_thresholds_in_one_file(tmp_path: Path) -> None:
    before = thresholds.load()
    path = tmp_path / thresholds.FILE
    path.write_text("[mlp]\nphotodigits = { floor = 0.1, goal = 0.2 }\n")
    changed = thresholds.load(tmp_path)
    assert changed["mlp"]["photodigits"] == {"floor": 0.1, "goal": 0.2}
    assert changed["mlp"]["cifar10"] == before["mlp"]["cifar10"]
    assert thresholds.load() == before
    drawn = judging.draw(NOTEBOOK, "team_1", "a seed", {}, changed).cases["mlp"]
    assert drawn.cases[0].expected["limits"]["goal"] == 0.2
    for text, told in (
        ("[mpl]\n", "unknown check 'mpl'"),
        ("[mlp]\nphotodigits = { floor = 0.5, goal = 0.5 }\n", "a higher goal"),
        ("[mlp]\nphotodigits = 3\n", r"mlp\.photodigits: expected a table"),
        ("[mlp", "thresholds.toml"),
    ):
        path.write_text(text)
        with pytest.raises(ConfigError, match=told):
            thresholds.load(tmp_path)


def _drop_curves(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != "history"}


def _cut_curves(record: dict[str, Any]) -> dict[str, Any]:
    history = {key: values[:3] for key, values in record["history"].items()}
    return record | {"history": history}


@pytest.mark.parametrize(
    ("change", "mistake", "told"),
    [
        (dict, "", "images right"),
        (
            lambda r: r | {"epochs": 50},
            ladder.OTHER_TRAINING,
            "epochs: 50, the exercise",
        ),
        (lambda r: r | {"batch": 7}, ladder.OTHER_TRAINING, "batch: 7, the exercise"),
        (lambda r: r | {"batch": "128"}, ladder.OTHER_TRAINING, "the record doesn't say"),
        (lambda r: _cut_curves(r) | {"epochs": 3}, ladder.OTHER_TRAINING, "epochs: 3"),
        (_cut_curves, ladder.OTHER_CURVES, "there are 3 values in the curves"),
        (_drop_curves, ladder.OTHER_CURVES, "there are 0 values in the curves"),
        (
            lambda r: r | {"history": {"loss": [1.0] * 5, "val_accuracy": [0.9] * 5}},
            ladder.OTHER_CURVES,
            "they end at 90.0 %, the net reaches 43.",
        ),
    ],
)
def test_the_record_that_was_handed_in_is_judged_with_the_net(
    change: Callable[[dict[str, Any]], dict[str, Any]], mistake: str, told: str
) -> None:
    record, weights = models.read((REFERENCE / "one_layer.npz").read_bytes())
    files = {"one_layer.npz": codec.pack({"record": change(record), "weights": weights})}
    cases = judging.draw(NOTEBOOK, "team_1", "a seed", files, only=("one_layer",)).cases
    answer = training_nets.reference("one_layer", training_nets.one_layer)
    verdict = verdict_on(cases["one_layer"], Sample("changed", "one_layer", False, answer))
    assert verdict.score == (0.5 if mistake else 1.0)
    assert verdict.mistake == mistake and told in verdict.cases[0].message


def test_weights_of_a_filter_are_no_dense_layer_whatever_the_kernel_says() -> None:
    sample = next(s for s in SAMPLES if s.check == "mlp_tuned" and s.right)
    files = {"mlp_tuned.npz": (REFERENCE / "simple_cnn.npz").read_bytes()}
    cases = judging.draw(NOTEBOOK, "team_1", "a seed", files, only=("mlp_tuned",)).cases
    verdict = verdict_on(cases["mlp_tuned"], sample)
    assert (verdict.score, verdict.mistake) == (0.5, ladder.NOT_DENSE)


def test_a_deep_net_has_limits_for_its_size_and_claiming_less_gains_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (700, 32, 32, 3), dtype=np.uint8)
    stored = cifar10.Cifar10(images, np.arange(700) % 10, images, np.arange(700) % 10, Path())
    monkeypatch.setattr(cifar10, "read", lambda: stored)
    limits = thresholds.load()["vgg"]

    def drawn(filters: int, count: object) -> object:
        weights = [np.zeros((3, 3, 3, filters)), np.zeros(filters)]
        record = {"dataset": "cifar10", "images": count}
        files = {"vgg.npz": codec.pack({"record": record, "weights": weights})}
        found = judging.draw("03_data_augmentation", "team_1", "a seed", files, only=("vgg",))
        return found.cases["vgg"].cases[0].expected["limits"]

    assert drawn(64, 40_000) == limits["cifar10_large"] != limits["cifar10"]
    for filters, count in ((16, 40_000), (64, 10_000), (64, None), (64, "40000")):
        assert drawn(filters, count) == limits["cifar10"]


def test_every_mistake_that_is_named_comes_with_a_hint() -> None:
    named = [value for key, value in vars(assess).items() if key.isupper() and key[0] != "_"]
    texts = {value for value in named if isinstance(value, str)}
    assert texts == set(assess.HINTS)
    beside = {value for key, value in vars(ladder).items() if key.isupper() and key[0] != "_"
              and isinstance(value, str) and value != FRACTIONS}  # fmt: skip
    assert beside == set(ladder.HINTS)


def test_twelve_or_more_wrong_answers_have_a_name() -> None:
    wrong = [sample for sample in truth.samples_of(NOTEBOOK) if not sample.right]
    assert len([sample for sample in wrong if sample.diagnosis]) >= 12


def test_reference_weights_are_small() -> None:
    sizes = [path.stat().st_size for path in REFERENCE.iterdir()]
    assert sum(sizes) < 3_000_000 and max(sizes) < 800_000


@pytest.mark.long
def test_the_reference_earns_everything_on_public_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Solution cells are run as in a student's notebook, with the weights in their place.

    For a long run; in an ordinary one tests/browser/test_lab.py has the same cells in JupyterLab.
    """
    work = tmp_path / "notebooks"
    shutil.copytree(REFERENCE, work / "handin" / NOTEBOOK)
    monkeypatch.chdir(work)
    monkeypatch.setattr(keras.Model, "fit", keras.Model.fit)  # put back afterwards
    source = source_text.read(places.folder() / "source" / f"{NOTEBOOK}.py")
    reached: dict[str, float] = {}

    def practise(name: str, answer: object) -> None:
        monkeypatch.delenv(HANDOVER)
        reached[name] = check(name, answer).outcome.score
        monkeypatch.setenv(HANDOVER, str(tmp_path))

    monkeypatch.setenv(HANDOVER, str(tmp_path))  # so that nothing is trained
    names: dict[str, object] = {}
    for cell in source_text.with_solutions(source).cells:
        if runs_when_graded(cell):
            exec(compile(cell.source, cell.id, "exec"), names)
            names["check"] = practise
    assert reached == {found.name: 1.0 for found in source.checks}
