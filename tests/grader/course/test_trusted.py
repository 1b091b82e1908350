"""Trusted nets say what Keras says: scores, gradients, units; also in a process of their own."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader import config, places
from grader.authoring import release
from grader.course.making import second_net as train_second_net
from grader.course.nets import keras_process as trusted_keras
from grader.course.nets import layers as trusted_layers
from grader.course.nets import second_net, trusted
from utils.images import photo_digits
from utils.nets import pretrained
from utils.nets import toy as nets
from utils.nets.pretrained import NetUnavailable, PretrainedNet

RNG = np.random.default_rng(3)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """With noise: on plateaus max pooling is a tie, which rounding decides, and gradients jump."""
    drawn = photo_digits.render(40, "test", seed=21, keep=False).images[:6] / np.float32(255)
    return np.clip(drawn + RNG.normal(0, 0.02, drawn.shape), 0, 1).astype(np.float32)


@pytest.fixture(scope="module")
def mini() -> PretrainedNet:
    return pretrained.load("mini")


@pytest.fixture(scope="module")
def through_keras() -> Any:
    yield trusted_keras.KerasNet("mini")
    trusted_keras.close()


def keras_gradient(net: PretrainedNet, images: np.ndarray, weights: np.ndarray) -> np.ndarray:
    import tensorflow as tf

    x = tf.constant(images, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = tf.reduce_sum(net.model(net.scale(x * 255.0), training=False) * weights)
    return tape.gradient(score, x).numpy()


def toys() -> dict[str, dict[str, Any]]:
    rng = np.random.default_rng(8)

    def draw(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape).astype(np.float32) / np.sqrt(shape[0])

    boxes = np.array([[0, 0, 4, 3], [2, 5, 6, 3], [7, 1, 2, 8]])
    words = ["conv 4 3×2 valid stride 2", "batchnorm", "relu", "maxpool 2×2", "conv 5 3×3 same",
             "relu", "batchnorm", "dropout 0.2", "global average", "dense 3"]  # fmt: skip
    normal = [[draw(n), draw(n), draw(n), np.abs(draw(n)) + 0.1] for n in (4, 5)]
    arrays = [draw(3, 2, 3, 4), draw(4), *normal[0], draw(3, 3, 4, 5), draw(5), *normal[1],
              draw(5, 3), draw(3)]  # fmt: skip
    conv = [draw(3, 5, 3, 4), draw(2, 2, 4, 6), draw(4 * 4 * 6, 5)]
    return {
        "linear": nets.linear(draw(8, 8, 3, 4), draw(4)),
        "signed": nets.linear(draw(8, 8, 3, 4), draw(4), range="signed"),
        "window": nets.window(9, boxes, draw(3, 3), draw(3)),
        "mlp": nets.mlp(8, [draw(192, 20), draw(20, 5)], [draw(20), draw(5)]),
        "conv": nets.conv(9, conv, [draw(4), draw(6), draw(5)], [2, 0]),
        "trained": nets.trained(12, words, arrays),
    }


@pytest.mark.parametrize("kind", toys())
def test_a_toy_net_and_its_twin_agree(kind: str) -> None:
    description = toys()[kind]
    net, twin = nets.build(description), trusted.of(description)
    x = RNG.random((5, net.input_size, net.input_size, 3)).astype(np.float32)
    weights = RNG.standard_normal((5, twin.classes)).astype(np.float32)
    np.testing.assert_allclose(twin.logits(x), net.logits(x), rtol=1e-5, atol=1e-4)
    expected = keras_gradient(net, x, weights)
    np.testing.assert_allclose(twin.gradient(x, weights), expected, rtol=1e-4, atol=1e-5)
    assert twin.layers == tuple(layer.name for layer in net.model.layers[1:])
    assert twin.input_size == net.input_size and twin.classes == len(net.class_names)


def test_a_window_net_sums_over_its_boxes() -> None:
    description = nets.window(6, [[1, 2, 3, 2], [0, 0, 6, 6]], [2.0, -1.0], [0.5, 0.0])
    x = RNG.random((3, 6, 6, 3)).astype(np.float32)
    by_hand = np.stack(
        [2 * x[:, 1:4, 2:4].sum(axis=(1, 2, 3)) + 0.5, -x.sum(axis=(1, 2, 3))], axis=1
    )
    np.testing.assert_allclose(trusted.toy(description).logits(x), by_hand, rtol=1e-5)


def test_the_mini_nets_gradient_is_that_of_keras(images: np.ndarray, mini: PretrainedNet) -> None:
    weights = RNG.standard_normal((len(images), 10)).astype(np.float32)
    weights[0] = np.eye(10)[3]
    expected = keras_gradient(mini, images, weights)
    got = trusted.net("mini").gradient(images, weights)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected, atol=2e-5 * np.abs(expected).max())


def test_units_are_those_of_keras_for_every_layer(images: np.ndarray, mini: PretrainedNet) -> None:
    import keras

    layers = [layer for layer in mini.model.layers if layer.name != "images"]
    probe = keras.Model(mini.model.inputs, [layer.output for layer in layers])
    net = trusted.net("mini")
    assert net.layers == tuple(layer.name for layer in layers)
    for layer, expected in zip(layers, probe([images]), strict=True):
        np.testing.assert_allclose(net.units(images, layer.name), expected, atol=1e-4)
        if layer.weights:
            np.testing.assert_array_equal(net.kernel(layer.name), layer.get_weights()[0])


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize(("size", "kernel", "stride"), [(9, 3, 2), (8, 5, 2), (8, 3, 3), (7, 2, 1)])
def test_convolutions_follow_tensorflow(padding: str, size: int, kernel: int, stride: int) -> None:
    import tensorflow as tf

    x = RNG.standard_normal((2, size, size + 2, 3)).astype(np.float32)
    w = RNG.standard_normal((kernel, kernel, 3, 4)).astype(np.float32)
    layer = trusted_layers.Convolution(w, np.zeros(4, np.float32), stride, padding)
    y, back = layer(x)
    dy = RNG.standard_normal(y.shape).astype(np.float32)
    tensor = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        theirs = tf.nn.conv2d(tensor, w, stride, padding)
    np.testing.assert_allclose(y, theirs, atol=1e-4)
    np.testing.assert_allclose(back(dy), tape.gradient(theirs, tensor, dy), atol=1e-4)


def test_pooling_gives_a_tie_to_the_first_maximum_and_leaves_the_rest_out() -> None:
    x = np.zeros((1, 5, 4, 1), np.float32)
    y, back = trusted_layers.MaxPooling()(x)
    assert y.shape == (1, 2, 2, 1)
    dx = back(np.ones_like(y))
    np.testing.assert_array_equal(np.argwhere(dx[0, ..., 0]), [[0, 0], [0, 2], [2, 0], [2, 2]])


def test_smooth_layers_have_the_slope_that_differences_show() -> None:
    x = RNG.standard_normal((1, 3, 3, 2))
    for layer in (trusted_layers.silu, trusted_layers.average):
        y, back = layer(x)
        dy, step = RNG.standard_normal(y.shape), 1e-6 * RNG.standard_normal(x.shape)
        change = np.sum(dy * (layer(x + step)[0] - layer(x - step)[0])) / 2
        assert np.sum(back(dy) * step) == pytest.approx(change, rel=1e-5)


def test_shapes_and_names_that_do_not_fit_are_named() -> None:
    net = trusted.net("mini")
    with pytest.raises(ValueError, match=r"weights of shape \(2, 10\), got \(2, 9\)"):
        net.gradient(np.zeros((2, 32, 32, 3)), np.zeros((2, 9)))
    with pytest.raises(ValueError, match="mini has no layer 'conv9'; it has conv1, relu1"):
        net.units(np.zeros((1, 32, 32, 3)), "conv9")
    with pytest.raises(ValueError, match="'relu1' of mini has no weights"):
        net.kernel("relu1")
    with pytest.raises(ValueError, match="no net of kind 'tree'; there are linear, window"):
        trusted.toy({"kind": "tree"})
    with pytest.raises(ValueError, match="unknown net 'alex'; known: mini"):
        trusted.net("alex")


def test_no_images_give_no_scores() -> None:
    assert trusted.net("mini").logits(np.zeros((0, 32, 32, 3))).shape == (0, 10)


def test_the_process_with_keras_says_the_same(images: np.ndarray, through_keras: Any) -> None:
    net, weights = trusted.net("mini"), np.eye(10, dtype=np.float32)[[3] * len(images)]
    assert (through_keras.classes, through_keras.input_size) == (10, 32)
    assert through_keras.layers == net.layers
    beyond = images * 4 - 1  # a class image need not stay within [0, 1]
    for x in (images, beyond, (images * 255).astype(np.uint8)):
        np.testing.assert_allclose(through_keras.logits(x), net.logits(x), atol=1e-3)
    np.testing.assert_allclose(
        through_keras.gradient(images, weights), net.gradient(images, weights), atol=1e-4
    )
    np.testing.assert_allclose(
        through_keras.units(images, "relu3"), net.units(images, "relu3"), atol=1e-4
    )
    np.testing.assert_array_equal(through_keras.kernel("conv2"), net.kernel("conv2"))


def test_the_process_reports_what_it_could_not_do_and_goes_on(
    images: np.ndarray, through_keras: Any
) -> None:
    with pytest.raises(trusted_keras.TrustedProcessError, match="'relu1' has no weights"):
        through_keras.kernel("relu1")
    assert through_keras.logits(images).shape == (len(images), 10)


def test_a_process_that_was_killed_is_replaced(images: np.ndarray, through_keras: Any) -> None:
    process = trusted_keras._process
    assert process is not None
    before = process._child.pid
    process._child.kill()
    process._child.wait()
    assert through_keras.logits(images).shape == (len(images), 10)
    assert trusted_keras._process is not None and trusted_keras._process._child.pid != before


def test_the_process_ends_with_the_grader() -> None:
    program = (
        "from grader.course.nets import keras_process as trusted_keras\n"
        "trusted_keras._process = trusted_keras._Process()\n"
        "print(trusted_keras._process._child.pid)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    pid = int(done.stdout)
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists():
            break
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists(), done.stderr


def test_missing_weights_are_named_before_any_process_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(trusted_keras, "_process", None)
    with pytest.raises(
        NetUnavailable, match=r"'vgg16' is not at hand: .*vgg16_weights.* is missing"
    ):
        trusted_keras.KerasNet("vgg16")
    assert trusted_keras._process is None


def test_judging_with_nets_in_numpy_needs_no_framework() -> None:
    program = (
        "import json, sys, numpy as np\n"
        "from grader.course.nets import trusted\n"
        "net = trusted.net()\n"
        "net.gradient(np.zeros((1, 32, 32, 3)), np.ones((1, 10)))\n"
        "print(json.dumps([m for m in ('tensorflow', 'keras', 'skimage') if m in sys.modules]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=os.environ
    )
    assert json.loads(done.stdout) == [], done.stderr


def test_the_second_net_is_as_good_as_the_file_beside_it_says() -> None:
    told = json.loads(second_net.WEIGHTS.with_suffix(".json").read_text())
    unseen = photo_digits.render(500, "test", seed=31, keep=False)
    found = trusted.second().logits(unseen.images).argmax(axis=1)
    assert told["accuracy"]["test"] >= 0.85
    assert abs(np.mean(found == unseen.labels) - told["accuracy"]["test"]) < 0.045
    with np.load(second_net.WEIGHTS) as stored:
        assert told["parameters"] == sum(stored[name].size for name in stored.files)


def test_the_second_net_computes_what_was_trained() -> None:
    """A normalisation that is folded into a convolution changes nothing."""
    import keras

    keras.utils.set_random_seed(4)
    model = train_second_net.build()
    for layer in model.layers:
        if layer.name.startswith("norm"):
            layer.set_weights([RNG.uniform(0.5, 2, w.shape) for w in layer.get_weights()])
    folded = train_second_net.folded(model)
    x = RNG.random((3, 32, 32, 3)).astype(np.float32)
    weights = {name: array.astype(np.float32) for name, array in folded.items()}
    net = trusted.NumpyNet("copy", (32, 32, 3), second_net.chain(weights))
    expected = np.asarray(model(x, training=False))
    np.testing.assert_allclose(net.logits(x), expected, atol=2e-3 * np.abs(expected).max())


def test_students_get_nothing_of_the_second_net() -> None:
    assert places.folder() in second_net.WEIGHTS.parents
    assert not any("second_net" in name for name in release._members(config.load().release))
