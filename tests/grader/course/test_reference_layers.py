"""The reference layers against TensorFlow: forward values, and gradients from its tape."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.course.judges.implementing_cnn import layers, reference
from grader.course.judges.implementing_cnn.layers import Setting

RTOL = 1e-9


@st.composite
def any_setting(draw: st.DrawFn) -> Setting:
    """Shapes of a layer; VALID windows fit into the image."""
    padding = draw(st.sampled_from(["VALID", "SAME"]))
    window = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    smallest = window if padding == "VALID" else (1, 1)
    image = tuple(draw(st.integers(least, 9)) for least in smallest)
    stride = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    images, channels, filters = (draw(st.integers(1, 3)) for _ in range(3))
    values = draw(st.sampled_from(["mixed", "negative", "few", "constant"]))
    return Setting("", padding, image, window, stride, images, channels, filters, values=values)


def assert_close(got: np.ndarray, wanted: object) -> None:
    wanted = np.asarray(wanted)
    assert got.shape == wanted.shape
    assert np.max(np.abs(got - wanted)) <= RTOL * max(1e-3, np.max(np.abs(wanted)))


def check_convolution(setting: Setting, seed: int = 0) -> None:
    rng = np.random.default_rng(seed)
    inputs = layers._convolution(rng, setting).inputs
    x, w, b = (tf.constant(inputs[name], tf.float64) for name in "xwb")
    with tf.GradientTape() as tape:
        tape.watch([x, w, b])
        y = tf.nn.conv2d(x, w, setting.stride, setting.padding) + b
    dy = rng.normal(size=y.shape)
    wanted = tape.gradient(y, [x, w, b], output_gradients=tf.constant(dy))
    arguments = x.numpy(), w.numpy(), setting.stride, setting.padding
    assert_close(reference.conv2d(x.numpy(), w.numpy(), b.numpy(), *arguments[2:]), y)
    got = reference.conv2d_gradients(dy, *arguments)
    for name, gradient in zip(("dx", "dw", "db"), wanted, strict=True):
        assert_close(got[name], gradient)


def check_pooling(setting: Setting, seed: int = 0) -> None:
    rng = np.random.default_rng(seed)
    x = tf.constant(layers._pooling(rng, setting).inputs["x"], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.nn.max_pool2d(x, setting.window, setting.stride, setting.padding)
    dy = rng.normal(size=y.shape)
    dx = tape.gradient(y, x, output_gradients=tf.constant(dy))
    arguments = setting.window, setting.stride, setting.padding
    assert_close(reference.max_pool(x.numpy(), *arguments), y)
    assert_close(reference.max_pool_gradient(dy, x.numpy(), *arguments), dx)


@pytest.mark.parametrize("setting", layers.CONVOLUTIONS, ids=lambda s: s.title)
def test_convolution_equals_tensorflow_on_the_grid(setting: Setting) -> None:
    check_convolution(setting)


@pytest.mark.parametrize("setting", layers.POOLINGS, ids=lambda s: s.title)
def test_pooling_equals_tensorflow_on_the_grid(setting: Setting) -> None:
    check_pooling(setting)


@settings(max_examples=40, deadline=None)
@given(any_setting(), st.integers(0, 2**32 - 1))
def test_convolution_equals_tensorflow_on_any_shape(setting: Setting, seed: int) -> None:
    check_convolution(setting, seed)


@settings(max_examples=40, deadline=None)
@given(any_setting(), st.integers(0, 2**32 - 1))
def test_pooling_equals_tensorflow_on_any_shape(setting: Setting, seed: int) -> None:
    check_pooling(setting, seed)


def test_a_patch_matrix_in_several_blocks_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    setting = Setting("", "SAME", (5, 6), (3, 2), images=7)
    inputs = layers._convolution(np.random.default_rng(0), setting).inputs
    whole = reference.conv2d(**inputs)
    monkeypatch.setattr(reference, "_PATCH_BYTES", 3 * 5 * 6 * 3 * 2 * 3 * 8)  # three images
    np.testing.assert_array_equal(reference.conv2d(**inputs), whole)
    check_convolution(setting)


def test_float32_stays_float32() -> None:
    setting = Setting("", "SAME", (5, 6), (3, 3), dtype="float32")
    inputs = layers._convolution(np.random.default_rng(0), setting).inputs
    y = reference.conv2d(**inputs)
    assert y.dtype == np.float32
    del inputs["b"]
    gradients = reference.conv2d_gradients(y, **inputs)
    assert {g.dtype for g in gradients.values()} == {np.dtype(np.float32)}


def test_inputs_are_left_alone() -> None:
    setting = Setting("", "SAME", (5, 6), (3, 3))
    inputs = layers._convolution(np.random.default_rng(0), setting).inputs
    before = {name: np.array(inputs[name]) for name in "xwb"}
    y = reference.conv2d(**inputs)
    reference.conv2d_gradients(y, inputs["x"], inputs["w"], (1, 1), "SAME")
    reference.max_pool_gradient(inputs["x"], inputs["x"], (1, 1), (1, 1), "SAME")
    for name, value in before.items():
        np.testing.assert_array_equal(inputs[name], value)
