"""The visualizing bench without its peers: what it asks them, and what it makes of their answer."""

import json
from typing import Any

import numpy as np
import pytest

from grader.bench import peers, visualizing, visualizing_peers
from grader.course.nets import trusted
from utils.nets import toy as nets

SMALL = visualizing.Size(photographs=6, occluded=3, rounds=3, class_images=4, steps=2)


@pytest.fixture(scope="module")
def asked() -> dict[str, Any]:
    return visualizing.question(SMALL)


@pytest.fixture(scope="module")
def ours(asked: dict[str, Any]) -> dict[str, Any]:
    """Our functions, as the other process gets them."""
    import keras
    import tensorflow as tf

    space: dict[str, Any] = {"np": np, "tf": tf, "keras": keras}
    exec(asked["functions"], space)
    return space


@pytest.fixture(scope="module")
def told(asked: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    """An answer: theirs is what ours is, or noise."""
    net = nets.build("mini")
    saliency = ours["saliency"](net, asked["images"], asked["classes"])
    few = slice(0, asked["occluded"])
    maps = visualizing_peers._our_heat_maps(
        net, ours, asked, asked["images"][few], asked["classes"][few]
    )
    noise = np.random.default_rng(0).random((4, 32, 32, 3))
    perfect = asked["images"][[int(np.argmax(asked["classes"] == c)) for c in asked["classes"][:4]]]
    return {
        "maps": {
            "ours saliency": saliency,
            "tf_keras_vis saliency": saliency,
            "xplique saliency": np.zeros_like(saliency),
        },
        "heat_maps": {"ours": maps, "xplique": maps + 0.25},
        "wall": {"ours": [3.0, 1.0, 2.0], "xplique": [4.0, 4.0, 9.0]},
        "busy": {"ours": [1.0, 1.0, 1.0], "xplique": [4.0, 4.0, 4.0]},
        "xplique_batch": 64,
        "class_images": {"ours": perfect, "tf_keras_vis": noise, "xplique": noise},
        "defaults": {"tf_keras_vis": noise, "xplique": noise},
        "settings": {"tf_keras_vis": "rate 0.05", "xplique": "rate 0.02"},
        "settings_tried": {"tf_keras_vis": 12, "xplique": 12},
    }


def test_the_last_line_is_json_with_the_ratios(
    asked: dict[str, Any],
    told: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(
        visualizing, "question", lambda size: {**asked, "class_images": asked["classes"][:4]}
    )
    monkeypatch.setattr(peers.Peer, "ask", lambda self, module, question, environment: told)
    visualizing.main()
    printed = capsys.readouterr().out.splitlines()
    result = json.loads(printed[-1], parse_constant=pytest.fail)  # NaN is no JSON
    ratios = result["ratios"]
    assert ratios["occlusion_max_abs_diff"] == pytest.approx(0.25)
    assert ratios["occlusion_time"] == pytest.approx(0.5)
    assert result["measured"]["occlusion"]["time_by_processor_time"] == pytest.approx(0.25)
    assert ratios["saliency_pointing"]["ours"] == ratios["saliency_pointing"]["tf_keras_vis"] > 0.3
    assert ratios["saliency_pointing"]["xplique"] == 0
    recognised = ratios["class_image_recognised"]
    assert recognised["ours"] >= 0.75 and recognised["xplique"] < 0.75
    assert result["name"] == "visualizing" and result["samples"] == 6
    assert any("rate 0.05" in line for line in printed)


def test_the_question_holds_photographs_that_the_net_gets_right(asked: dict[str, Any]) -> None:
    assert asked["images"].shape == (6, 32, 32, 3) and asked["masks"].shape == (6, 32, 32)
    found = trusted.logits(asked["images"]).argmax(axis=1)
    np.testing.assert_array_equal(found, asked["classes"])
    assert peers.codec.unpack(peers.codec.pack(asked)).keys() == asked.keys()


def test_pointing_counts_maxima_and_shares_inside_the_mask() -> None:
    masks = np.zeros((3, 4, 4), bool)
    masks[:, :2] = True
    maps = np.zeros((3, 4, 4))
    maps[0, 0, 0], maps[0, 3, 3] = 3, 1
    maps[1, 3, 0], maps[1, 0, 0] = 2, -5
    assert visualizing.points_at(maps, masks) == [round(1 / 3, 4), 0.25]


def test_a_sum_of_falls_becomes_our_mean_of_rates(
    asked: dict[str, Any], ours: dict[str, Any]
) -> None:
    """What xplique's documentation says, written out, is the reference's map after conversion."""
    net, wide = nets.build("mini"), {**asked, "stride": 6}
    box, images, classes = asked["box"], asked["images"][:2], asked["classes"][:2]
    places = [(top, left) for top in range(0, 25, 6) for left in range(0, 25, 6)]
    sums = np.zeros((2, 32, 32))
    for number, (image, target) in enumerate(zip(images, classes, strict=True)):
        covered = np.repeat(image[None], len(places), axis=0)
        for copy, (top, left) in zip(covered, places, strict=True):
            copy[top : top + box, left : left + box] = 0.5
        falls = trusted.logits(image[None])[0, target] - trusted.logits(covered)[:, target]
        for fall, (top, left) in zip(falls, places, strict=True):
            sums[number, top : top + box, left : left + box] += fall
    expected = visualizing_peers._our_heat_maps(net, ours, wide, images, classes)
    converted = visualizing_peers._as_ours(net, wide, sums)
    np.testing.assert_allclose(converted, expected, atol=1e-5)


def test_a_solution_that_is_not_there_is_named() -> None:
    with pytest.raises(LookupError, match="no solution called tree_map"):
        visualizing.solutions("saliency", "tree_map")


def test_what_is_installed_without_its_requirements_names_a_version() -> None:
    with pytest.raises(ValueError, match="'xplique' names no version"):
        peers.Peer("some", ("numpy==2.4.6",), ("xplique",)).python()
