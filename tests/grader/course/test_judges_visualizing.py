"""Judges of notebook 04: pictures are measured by nets that no student's code has touched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from grader.contract.judge import Handed, Judge
from grader.course.judges.visualizing_cnn import JUDGES, draws
from grader.course.making.reference import reference_of
from grader.course.nets import trusted
from grader.judging import examination as judging
from grader.judging import truth
from utils import codec
from utils.checks import cases
from utils.checks.cases import CaseSet
from utils.checks.compare import compare
from utils.checks.verdicts import Reply
from utils.exercises import visualizing
from utils.nets import opinions, own, quiet
from utils.nets import toy as nets
from utils.nets.pretrained import PretrainedNet
from utils.rules.visualizing import HINTS, SURE, driven_unit

NOTEBOOK = "04_visualizing_cnn"
EXACT = [judge for judge in JUDGES if not judge.assess]
MEASURED = [judge.name for judge in JUDGES if judge.assess]


@pytest.fixture(scope="module")
def fresh() -> dict[str, CaseSet]:
    return judging.draw(NOTEBOOK, "team_1", "a seed").cases


@pytest.mark.parametrize(
    ("judge", "mistake"),
    [(j, m) for j in EXACT for m in j.mistakes],
    ids=lambda value: value.name if isinstance(value, Judge) else value,
)
def test_known_mistakes_differ_from_what_is_right(judge: Judge, mistake: str) -> None:
    telling = [
        case
        for case in cases.load(judge.name).cases
        if mistake in case.mistakes
        and any(
            not isinstance(case.expected[part], str) or value != case.expected[part]
            if isinstance(value, str)
            else np.shape(value) != np.shape(case.expected[part])
            or not np.allclose(value, case.expected[part], rtol=1e-3, atol=1e-6)
            for part, value in case.mistakes[mistake].items()
        )
    ]
    assert telling


def test_every_mistake_comes_with_a_hint() -> None:
    assert all(m.hint for judge in EXACT for m in judge.mistakes.values())
    assert all(HINTS.values())


def test_twenty_or_more_wrong_answers_have_a_name_and_seven_are_about_saliency() -> None:
    named = [s for s in truth.samples_of(NOTEBOOK) if not s.right and s.diagnosis]
    assert len(named) >= 20
    assert len([s for s in named if s.check == "saliency"]) >= 7
    checked = {sample.check for sample in truth.samples_of(NOTEBOOK)}
    assert checked == {judge.name for judge in JUDGES}


def test_saliency_of_a_linear_net_is_its_weights() -> None:
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(4, 4, 3, 2)).astype(np.float32)
    judge = next(j for j in JUDGES if j.name == "saliency")
    images = rng.random((2, 4, 4, 3)).astype(np.float32)
    maps = judge.reference(net=nets.linear(kernel), images=images, classes=np.array([1, 0]))
    np.testing.assert_allclose(maps[0], np.abs(kernel[..., 1]).max(axis=-1), rtol=1e-5)
    np.testing.assert_allclose(maps[1], np.abs(kernel[..., 0]).max(axis=-1), rtol=1e-5)


def test_occlusion_of_a_window_is_known_by_hand() -> None:
    net = nets.window(6, np.array([[1, 1, 2, 2]]), np.ones(1), np.zeros(1))
    image = np.full((6, 6, 3), 1.0, np.float32)
    judge = next(j for j in JUDGES if j.name == "occlusion_map")
    found = judge.reference(net=net, image=image, target=0, box=2, stride=2)
    # each box covers one of the window's four pixels, and takes half of it
    expected = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 0]]) / 8
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_pictures_are_shown_to_trusted_nets(
    fresh: dict[str, CaseSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(description: object) -> None:
        raise AssertionError("a judge asked for a net of the kernel's kind")

    monkeypatch.setattr(nets, "build", refuse)
    assert opinions.of(draws.MINI) is trusted.net(draws.MINI)
    case = fresh["class_images"].cases[0]
    grey = np.full((len(case.inputs["classes"]), 32, 32, 3), 0.5)
    verdict = compare(fresh["class_images"], [Reply(grey)])
    assert verdict.score == 0 and "0 of 11" in verdict.cases[0].message


def test_photographs_of_the_class_earn_nothing(fresh: dict[str, CaseSet]) -> None:
    """Photographs are recognised and smooth, but of their class no more than others are."""
    case = fresh["class_images"].cases[0]
    classes = case.inputs["classes"]
    found = draws.photographs(np.random.default_rng(1), draws.Subject(draws.MINI), 40)
    table = trusted.net(draws.MINI).probabilities(found.images)
    images = found.images[table[:, classes].argmax(axis=0)]
    assert (table.max(axis=0) > SURE).all()
    verdict = compare(fresh["class_images"], [Reply(images)])
    assert verdict.score == 0
    assert verdict.mistake == "of their class no more than photographs are"
    assert "as photographs have them; expected 45, or 4.2 times" in verdict.cases[0].message


def test_activations_may_be_off_by_five_percent(fresh: dict[str, CaseSet]) -> None:
    case = fresh["drive_unit"].cases[0]  # a weighted sum: the image can be worked out
    net, unit, value = case.inputs["net"], case.inputs["unit"], case.inputs["value"]
    asked = draws.ask(net)
    grey = np.full((1, 6, 6, 3), 0.5, np.float32)
    slope = asked.gradient(grey, np.eye(asked.classes)[list(unit)])[0]
    base = float(asked.logits(grey)[0, unit[0]])
    for share, good in ((1.0, True), (1.04, True), (0.96, True), (1.07, False), (0.9, False)):
        image = 0.5 + (share * value - base) * slope / np.sum(slope**2)
        farther = image + _beside(slope, case.inputs["start"])
        verdict = compare(
            CaseSet(
                "drive_unit", "function", ("output",), (case,), assess=cases.rule_name(driven_unit)
            ),
            [Reply({"with": image, "without": np.clip(farther, 0, 1)})],
        )
        assert (verdict.cases[0].parts[0].ok) == good, share
        assert verdict.score > 0.7 if good else verdict.score < 0.3


def _beside(slope: np.ndarray, start: np.ndarray) -> np.ndarray:
    """A part of the noise that makes no difference to the unit."""
    noise = start - 0.5
    return noise - slope * np.sum(noise * slope) / np.sum(slope**2)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        7,
        "text",
        np.zeros((3, 3), complex),
        np.full((11, 32, 32, 3), np.nan),
        np.full((11, 32, 32, 3), 1e30),
        {"with": None, "without": 3},
        {"with": np.zeros((32, 32, 3)), "without": np.full((32, 32, 3), 300.0)},
        [np.zeros(3), "a", None],
    ],
    ids=repr,
)
def test_answers_of_any_kind_cost_points_and_nothing_else(
    answer: object, fresh: dict[str, CaseSet]
) -> None:
    rows = [{"value": answer, "error": "", "changed": []}] * 5
    packed = codec.pack({"student": None, "replies": rows})
    examination = judging.Examination("team_1", fresh)
    points = dict.fromkeys([*MEASURED, "activation_maps", "grid"], 2.0)
    results = judging.judge(examination, {name: [packed] for name in points}, points)
    assert [(r.name, r.points) for r in results if r.points] == []


def test_a_net_that_the_grader_lacks_needs_a_human(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    drawn = {
        judge.name: judge.cases(np.random.default_rng(0), 0, Handed(net="vgg16"))
        for judge in JUDGES
        if judge.by_files
    }
    told = [
        str(case.expected["unavailable"])
        for found in drawn.values()
        for case in found.cases
        if "unavailable" in case.expected
    ]
    assert len(told) >= 9 and all("vgg16" in text for text in told)


def _asked_about(data: bytes, tmp_path: Path) -> tuple[float, str]:
    """What right maps of a net of one's own earn, and what is said of the first."""
    judge = next(judge for judge in JUDGES if judge.name == "own_maps")
    drawn = judge.cases(np.random.default_rng(0), 0, Handed({"files/own.npz": data}))
    (tmp_path / "own.npz").write_bytes(data)
    own.use(tmp_path)

    def maps(net: PretrainedNet, image: np.ndarray, layers: list[str]) -> list[np.ndarray]:
        outputs = [net.model.get_layer(name).output for name in layers]
        part = quiet.import_keras().Model(net.model.inputs, outputs)
        return [np.asarray(m)[0] for m in part(net.preprocess(image))]

    try:
        asked = visualizing.of_own(maps)
        replies = [Reply(asked(*case.inputs.values())) for case in drawn.cases]
    except own.NoOwnNet as error:
        replies = [Reply({"layers": [], "maps": [], "said": str(error)})] * 2
    finally:
        own.use(None)
    verdict = compare(drawn, replies)
    return verdict.score, verdict.cases[0].message


def test_the_own_net_is_the_one_that_was_handed_in_and_must_have_been_trained(
    tmp_path: Path,
) -> None:
    data = (reference_of(NOTEBOOK) / "own.npz").read_bytes()
    score, told = _asked_about(data, tmp_path)
    assert score == 1 and "relu1: RELU: max(conv1, 0); norm1: BN: each map of relu1" in told
    content = codec.unpack(data)
    rng = np.random.default_rng(0)
    untrained = [rng.normal(0, 0.1, w.shape) ** 2 for w in content["weights"]]
    score, told = _asked_about(codec.pack(content | {"weights": untrained}), tmp_path)
    assert score == 0.5 and "your net: recognises" in told
    content["record"]["architecture"] = "lambda · dense 10"
    assert _asked_about(codec.pack(content), tmp_path) == (
        0.0,
        "own.npz can't be opened: it has a layer 'lambda'",
    )
    assert _asked_about(b"PK", tmp_path)[0] == 0
