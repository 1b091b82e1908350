"""Pictures of notebook 05: they can be drawn, say what they show, and move."""

from __future__ import annotations

from itertools import pairwise

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from utils.exercises import fooling
from utils.nets import pretrained
from utils.nets.pretrained import PretrainedNet
from utils.pictures import fooling as plots_fooling


@pytest.fixture(scope="module")
def net() -> PretrainedNet:
    return pretrained.load("mini")


@pytest.fixture(scope="module")
def pair(net: PretrainedNet) -> tuple[np.ndarray, np.ndarray]:
    """A photograph, and another one in place of its twin."""
    photographs, labels = fooling.photographs(net, 8)
    assert photographs.dtype == np.uint8 and labels.shape == (8,)
    return photographs[0], photographs[1]


@pytest.fixture(autouse=True)
def closed() -> object:
    yield
    plt.close("all")


def test_photographs_are_known_to_the_net(net: PretrainedNet) -> None:
    photographs, labels = fooling.photographs(net)
    p = net.probabilities(photographs).numpy()
    assert np.mean(p.argmax(axis=1) == labels) > 0.85
    assert np.sum((p.argmax(axis=1) == labels) & (p.max(axis=1) > 0.9)) >= 8


def test_a_compiled_net_says_the_same(
    net: PretrainedNet, pair: tuple[np.ndarray, np.ndarray]
) -> None:
    images = np.stack(pair) / np.float32(255)
    quick = fooling.compiled(net)
    np.testing.assert_allclose(quick(images), net.logits(images), rtol=1e-4, atol=1e-4)
    assert fooling.compiled(net) is quick


def test_a_slider_moves_the_picture_and_has_a_twin_on_paper(
    net: PretrainedNet, pair: tuple[np.ndarray, np.ndarray]
) -> None:
    box = plots_fooling.slider(net, *pair)
    control, picture = box.children
    seen = {bytes(picture.value)}
    for value in (35, 100):
        control.value = value
        seen.add(bytes(picture.value))
    assert len(seen) == 3 and all(frame.startswith(b"\x89PNG") for frame in seen)
    figure = plots_fooling.strip(net, *pair)
    titles = [axis.get_title() for axis in figure.axes]
    assert "0 % of the change" in titles and "100 % of the change" in titles


def test_a_trajectory_names_both_classes(
    net: PretrainedNet, pair: tuple[np.ndarray, np.ndarray]
) -> None:
    way = np.linspace(pair[0] / 255, pair[1] / 255, 7)
    figure = plots_fooling.trajectory(net, way, 4, 7)
    for axis, what in zip(figure.axes[-2:], ("score", "probability"), strict=True):
        named = [text.get_text() for text in axis.texts]
        assert {"four (true)", "seven (target)"} <= set(named)
        assert axis.get_ylabel() == f"{what} of each class"


def test_names_beside_lines_keep_apart_and_in_order() -> None:
    places = plots_fooling._apart([0.0, 0.1, 0.1, 5.0], 1.0)
    assert all(b - a >= 1 - 1e-9 for a, b in pairwise(places))
    assert np.mean(places) == pytest.approx(1.3)


def test_noise_has_the_size_that_was_asked_for() -> None:
    noise = plots_fooling.noise_of_size((5, 5, 3), 2.5, 0)
    assert np.linalg.norm(noise) == pytest.approx(2.5, rel=1e-5)
    assert not np.array_equal(noise, plots_fooling.noise_of_size((5, 5, 3), 2.5, 1))


def test_noise_beside_an_adversarial_change_can_be_drawn(
    net: PretrainedNet, pair: tuple[np.ndarray, np.ndarray]
) -> None:
    figure = plots_fooling.against_noise(net, *pair)
    assert "noise of the same L2" in " ".join(axis.get_title() for axis in figure.axes)
    noise, adversarial = figure.axes[-2:]
    assert "random noise" in noise.get_title() and "adversarial" in adversarial.get_title()
    assert noise.get_xlabel().startswith("L2 of what is added (dotted: ")


def test_tables_are_escaped_and_aligned() -> None:
    table = plots_fooling.table_of_targets(
        ["<a>", "b"], [0], np.array([1]), np.array([1e-9]), np.array([0.98]), np.array([1.5])
    )
    assert "&lt;a&gt;" in table._repr_html_() and "<a>" not in table._repr_html_()
    lines = repr(table).splitlines()
    assert lines[0].startswith("image  target") and "1e-09" in lines[1]
