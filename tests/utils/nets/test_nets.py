"""Nets as arguments of checks: a description becomes the net it describes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from utils.checks.cases import Case, CaseSet, dump, load
from utils.checks.compare import compare
from utils.checks.handover import call_each
from utils.checks.verdicts import Reply
from utils.nets import pretrained, quiet
from utils.nets import toy as nets
from utils.nets.pretrained import PretrainedNet

RNG = np.random.default_rng(4)


def test_a_linear_net_takes_images_as_they_are() -> None:
    kernel, bias = RNG.standard_normal((6, 6, 3, 2)), np.array([1.0, -1.0])
    net = nets.build(nets.linear(kernel, bias))
    image = RNG.random((6, 6, 3)).astype(np.float32)
    expected = np.einsum("hwc,hwck->k", image, kernel) + bias
    np.testing.assert_allclose(np.asarray(net.logits(image))[0], expected, atol=1e-5)
    as_bytes = (image * 255).astype(np.uint8)
    expected = np.einsum("hwc,hwck->k", as_bytes / 255, kernel) + bias
    np.testing.assert_allclose(np.asarray(net.logits(as_bytes))[0], expected, atol=1e-5)


def test_a_signed_net_sees_another_range_than_it_is_given() -> None:
    kernel = np.ones((4, 4, 3, 1))
    net = nets.build(nets.linear(kernel, range="signed"))
    grey = np.full((1, 4, 4, 3), 0.5, np.float32)
    assert float(net.logits(grey)[0, 0]) == pytest.approx(0, abs=1e-4)
    assert float(net.model(grey)[0, 0]) == pytest.approx(24)  # forgot the preprocessing


def test_functions_of_a_net_get_one_whatever_the_case_says() -> None:
    @nets.on_net
    def score(net: PretrainedNet, image: np.ndarray, label: int = 0) -> float:
        """Says what it does."""
        return float(net.logits(image)[0, label])

    toy = nets.window(5, [[0, 0, 2, 2], [0, 0, 5, 5]], [1.0, 1.0])
    assert score(toy, np.ones((5, 5, 3)), label=1) == pytest.approx(75)
    assert score(nets.build(toy), np.ones((5, 5, 3))) == pytest.approx(12)
    assert score.__doc__ == "Says what it does."
    assert isinstance(score("mini", np.zeros((32, 32, 3))), float)


def test_equal_descriptions_share_one_net_and_the_oldest_is_forgotten() -> None:
    toy = nets.linear(np.ones((2, 2, 3, 2)))
    net = nets.build(toy)
    assert nets.build({**toy, "kernel": toy["kernel"].copy()}) is net
    assert nets.build("mini") is nets.build("mini")
    for number in range(nets._KEPT):
        nets.build(nets.linear(np.full((2, 2, 3, 2), number + 2)))
    assert nets.build(toy) is not net


def test_descriptions_survive_the_way_to_a_file_and_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    toy = nets.conv(
        6,
        [rng.standard_normal((3, 3, 3, 4)), rng.standard_normal((36, 2))],
        [np.zeros(4), np.zeros(2)],
        [2],
    )
    image = rng.random((6, 6, 3)).astype(np.float32)
    case = Case("a toy", {"net": toy, "image": image}, {"output": np.zeros(2)})
    (tmp_path / "some.npz").write_bytes(dump(CaseSet("some", "function", ("output",), (case,))))
    stored = load("some", tmp_path).cases[0].inputs

    def logits(net: PretrainedNet, image: np.ndarray) -> Any:
        return np.asarray(net.logits(image))[0]

    replies = call_each(nets.on_net(logits), [stored, case.inputs]).replies
    np.testing.assert_array_equal(replies[0].value, replies[1].value)
    assert np.abs(replies[0].value).max() > 0 and not replies[0].changed


def test_what_is_no_function_is_left_for_the_check_to_name() -> None:
    replies = call_each(nets.on_net(...), [{}]).replies
    assert replies == [Reply(error="expected a function, got a ellipsis")]
    case = Case("a", {}, {"output": 1.0})
    assert compare(CaseSet("x", "function", ("output",), (case,)), replies).score == 0


@pytest.mark.parametrize(
    ("description", "reason"),
    [
        ("no_such_net", "unknown net 'no_such_net'"),
        ({"kind": "forest"}, "no net of kind 'forest'"),
        (
            nets.linear(np.zeros((3, 4, 3, 2))),
            r"must be \(S, S, 3, classes\), it is \(3, 4, 3, 2\)",
        ),
    ],
)
def test_what_describes_no_net_is_refused(description: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        nets.build(description)


def test_layers_are_named_as_in_the_mini_net() -> None:
    rng = np.random.default_rng(1)
    kernels = [rng.standard_normal((3, 3, 3, 4)), rng.standard_normal((3, 3, 4, 4))]
    toy = nets.conv(
        8, [*kernels, np.ones((64, 3))], [np.zeros(4), np.zeros(4), np.zeros(3)], [2, 0]
    )
    named = [layer.name for layer in nets.build(toy).model.layers[1:]]
    assert named == ["conv1", "relu1", "pool1", "conv2", "relu2", "flatten", "fc3"]
    assert set(named) - {"fc3"} < {layer.name for layer in pretrained.load("mini").model.layers}


def test_nets_of_the_course_keep_their_settings_whatever_a_notebook_sets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keras = quiet.import_keras()
    rng = np.random.default_rng(0)
    kernels = [rng.normal(size=(3, 3, 3, 4)), rng.normal(size=(64, 3))]
    described = nets.conv(8, kernels, [np.zeros(4), np.zeros(3)], [2])
    small = rng.uniform(size=(2, 8, 8, 3)).astype(np.float32)
    photographs = rng.uniform(size=(2, 32, 32, 3)).astype(np.float32)

    def asked() -> list[np.ndarray]:
        nets._built.clear()
        pairs = (nets.build(described), small), (nets.build("mini"), photographs)
        return [np.asarray(net.logits(images)) for net, images in pairs]

    usual = asked()
    policy = keras.config.dtype_policy()
    try:
        keras.config.set_image_data_format("channels_first")
        keras.config.set_dtype_policy("mixed_bfloat16")
        changed = asked()
        assert keras.config.image_data_format() == "channels_first"
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_image_data_format("channels_last")
        keras.config.set_dtype_policy(policy)
        nets._built.clear()
    for before, after in zip(usual, changed, strict=True):
        np.testing.assert_array_equal(before, after)
