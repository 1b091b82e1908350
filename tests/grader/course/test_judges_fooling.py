"""Judges of notebook 05: it is the trusted net that must be fooled, and by as little as can be."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from grader.contract.judge import Handed, Judge
from grader.course.judges.fooling_cnn import JUDGES, exhibits
from grader.course.nets import attack as attack_reference
from grader.course.nets import keras_process as trusted_keras
from grader.course.nets import of_class, trusted
from grader.course.truth import fooling_attacks
from grader.judging import examination as judging
from utils import codec
from utils.checks.cases import CaseSet
from utils.checks.compare import compare
from utils.checks.verdicts import Reply
from utils.exercises import fooling
from utils.nets import opinions
from utils.nets import toy as nets
from utils.rules.fooling import ENOUGH, LEAST, WON

NOTEBOOK = "05_fooling_cnn"
EXACT = [judge for judge in JUDGES if not judge.assess]


@pytest.fixture(scope="module")
def fresh() -> dict[str, CaseSet]:
    return judging.draw(NOTEBOOK, "team_1", "a seed").cases


@pytest.mark.parametrize("which", ["fresh", "public"])
@pytest.mark.parametrize(
    ("judge", "mistake"),
    [(j, m) for j in EXACT for m in j.mistakes],
    ids=lambda value: value.name if isinstance(value, Judge) else value,
)
def test_known_mistakes_differ_from_what_is_right(judge: Judge, mistake: str, which: str) -> None:
    found = judge.public_cases() if which == "public" else judge.cases(np.random.default_rng(1))
    assert any(
        mistake in case.mistakes
        and any(
            np.shape(value) != np.shape(case.expected[part])
            or not np.allclose(value, case.expected[part], rtol=0, atol=case.rtol)
            for part, value in case.mistakes[mistake].items()
        )
        for case in found.cases
    )
    assert judge.mistakes[mistake].hint


def test_originals_are_classified_correctly_and_confidently(fresh: dict[str, CaseSet]) -> None:
    asked = [case.inputs for case in fresh["smallest_change"].cases]
    asked += [case.inputs for case in fresh["compare_targets"].cases]
    asked += [case.inputs for case in fresh["fool"].cases if case.inputs["net"] == "mini"]
    assert len(asked) == 8
    for inputs in asked:
        p = trusted.net("mini").probabilities(inputs["image"][None])[0]
        assert p.max() >= 0.9
        targets = np.atleast_1d(inputs["targets" if "targets" in inputs else "target"])
        assert p.argmax() not in targets


def test_kernels_get_images_and_nothing_that_tells_what_is_small(
    fresh: dict[str, CaseSet],
) -> None:
    asked = judging.Examination("team_1", fresh).questions(10)
    for call in codec.unpack(asked["smallest_change"])["calls"]:
        assert set(call) == {"net", "image", "target"}


def test_images_are_new_for_each_team() -> None:
    one, two = (judging.draw(NOTEBOOK, team, "a seed").cases["fool"] for team in ("a1", "b2"))
    images = [cases.cases[1].inputs["image"] for cases in (one, two)]
    assert not np.array_equal(*images)


def test_points_fall_as_the_change_grows(fresh: dict[str, CaseSet]) -> None:
    found = fresh["smallest_change"]
    case = found.cases[0]
    image, target = case.inputs["image"], case.inputs["target"]
    twin = fooling_attacks.sphere("mini", image, target, 40)
    change = twin.astype(float) - image
    scores = []
    for factor in (1, 1.2, 1.6, 2.4, 3.2):
        picture = np.rint(np.clip(image + factor * change, 0, 255)).astype(np.uint8)
        assert trusted.net("mini").probabilities(picture[None])[0, target] >= ENOUGH
        scores.append(compare(found, [Reply(picture)]).cases[0].score)
    assert scores[0] == scores[1] == 1
    assert all(a > b for a, b in itertools.pairwise(scores[1:]))
    assert all(score >= LEAST for score in scores)


def test_who_asks_an_own_net_convinces_nobody(fresh: dict[str, CaseSet]) -> None:
    found = fresh["smallest_change"]
    claims = [
        {"image": case.inputs["image"], "probability": 0.99, "net": "mini"} for case in found.cases
    ]
    assert compare(found, [Reply(claim) for claim in claims]).score == 0
    untouched = compare(found, [Reply(case.inputs["image"]) for case in found.cases])
    assert untouched.score == 0 and untouched.mistake == "the image is as it was"


def test_a_majority_is_worth_a_little(fresh: dict[str, CaseSet]) -> None:
    found = fresh["smallest_change"]
    inputs = found.cases[0].inputs
    way = attack_reference.ascend(
        trusted.net("mini"), inputs["image"], inputs["target"], 0.05, most=120
    )
    picture = attack_reference.to_8_bit(way[-1])
    p = trusted.net("mini").probabilities(picture[None])[0]
    assert p.argmax() == inputs["target"] and p.max() < ENOUGH
    assert compare(found, [Reply(picture)]).cases[0].score == WON


@pytest.mark.parametrize(
    "answer",
    [
        None,
        7,
        "text",
        np.zeros(0),
        np.full((32, 32, 3), np.nan),
        np.zeros((32, 32, 3), complex),
        np.zeros((41, 32, 32, 3)),
        np.zeros((60, 32, 32, 3)),
        np.full((2, 32, 32, 3), 1e300),
        [np.zeros((32, 32, 3)), np.zeros((3, 3))],
        [1, [2, 3]],
        {"before": [1, 2], "fooled": "x", "after": None, "size": []},
        ([1.0, 2.0], np.zeros((2, 32, 32, 3)), [[1.0]], [2.0, 3.0]),
    ],
    ids=lambda value: str(np.shape(value)) if isinstance(value, np.ndarray) else str(value)[:30],
)
@pytest.mark.filterwarnings("error")
def test_answers_of_any_kind_cost_points_and_nothing_else(
    answer: object, fresh: dict[str, CaseSet]
) -> None:
    rows = [{"value": answer, "error": "", "changed": []}] * 4
    packed = codec.pack({"student": None, "replies": rows})
    examination = judging.Examination("team_1", fresh)
    for result in judging.judge(
        examination, {name: [packed] for name in fresh}, dict.fromkeys(fresh, 2.0)
    ):
        assert 0 <= result.points < 1, (result.name, result.points)
        assert result.mistake != "damaged answer", (result.name, result.message)


def test_the_reference_reaches_its_aim_on_every_image() -> None:
    shown = exhibits.draw("mini", np.random.default_rng(3))
    chosen = [next(shown) for _ in range(5)]
    images = np.stack([exhibit.image for exhibit in chosen])
    targets = np.array([exhibit.likely for exhibit in chosen])
    net = trusted.net("mini")
    found = attack_reference.smallest_change(net, images, targets, 60)
    assert found.dtype == np.uint8
    p = net.probabilities(found)[np.arange(5), targets]
    assert (p >= ENOUGH).all()
    changes = found / 255.0 - images / 255.0
    halved = attack_reference.to_8_bit(images / 255.0 + 0.9 * changes)
    assert (net.probabilities(halved)[np.arange(5), targets] < ENOUGH).all()


def test_the_reference_gives_up_where_nothing_can_be_found() -> None:
    kernel = np.zeros((4, 4, 3, 2))
    net = trusted.of(nets.linear(kernel))
    image = np.full((1, 4, 4, 3), 100, np.uint8)
    assert np.array_equal(attack_reference.smallest_change(net, image, np.array([1]), 5), image)


def test_both_sides_hold_the_same_opinion() -> None:
    shown = exhibits.draw("mini", np.random.default_rng(5))
    image = next(shown).image[None]
    at_hand, ours = opinions._AtHand("mini"), trusted.net("mini")
    np.testing.assert_allclose(
        at_hand.probabilities(image), ours.probabilities(image), rtol=1e-3, atol=1e-6
    )
    weights = np.eye(10, dtype=np.float32)[[3]]
    x = image / np.float32(255) + np.random.default_rng(0).uniform(0, 1e-3, image.shape)
    have = at_hand.gradient(x.astype(np.float32), weights)
    want = ours.gradient(x.astype(np.float32), weights)
    np.testing.assert_allclose(have, want, atol=0.02 * np.abs(want).max())


def test_photographs_for_a_large_net_are_those_that_it_knows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Knowing(trusted.TrustedNet):
        """Takes bright photographs for an espresso and others for a tripod, surely."""

        name, input_shape, classes, layers = "large", (24, 24, 3), 1000, ()

        def _logits(self, x: np.ndarray) -> np.ndarray:
            scores = np.zeros((len(x), 1000), np.float32)
            coloured = np.ptp(x, axis=3).mean(axis=(1, 2)) > 0.01
            scores[np.arange(len(x)), np.where(coloured, 967, 872)] = 20
            return scores

        _gradient = _units = _kernel = _logits  # type: ignore[assignment]

    monkeypatch.setattr(trusted, "net", lambda name: Knowing())
    shown = exhibits.draw("large", np.random.default_rng(0))
    found = [next(shown) for _ in range(6)]
    assert {exhibit.label for exhibit in found} <= {872, 967}
    assert all(exhibit.image.shape == (24, 24, 3) for exhibit in found)
    assert len({exhibit.image.tobytes() for exhibit in found}) == 6
    assert of_class(Handed()) == of_class(None) == "mini"


class Nervous(trusted_keras.KerasNet):
    """An ImageNet net that knows a coffee, and whose gradient the least noise changes."""

    def __init__(self) -> None:
        self.name, self.input_shape, self.classes = "mobilenet_0.25", (32, 32, 3), 1000

    def _logits(self, x: np.ndarray) -> np.ndarray:
        scores = np.linspace(0, 1, self.classes)
        scores[list(fooling.IMAGENET_CLASSES["coffee"])] = 20
        return np.tile(scores, (len(x), 1)).astype(np.float32)

    def _gradient(self, x: np.ndarray, weights: np.ndarray) -> np.ndarray:
        seed = np.frombuffer(x.tobytes(), np.uint8).sum()
        return np.random.default_rng(seed).standard_normal(x.shape).astype(np.float32)


def test_an_imagenet_net_need_not_be_steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its kernel computes what the trusted copy does; no photograph of any would be left."""
    nervous = Nervous()
    monkeypatch.setattr(trusted, "net", lambda name: nervous)
    (judge,) = (judge for judge in JUDGES if judge.name == "score_gradient")
    questions = list(judge.draw(np.random.default_rng(1), 0, Handed(net="mobilenet_0.25")))
    assert [q.label for q in questions[2:]] == [
        "a photograph, the second likeliest class",
        "a photograph, the least likely",
    ]
