"""A small network learns with the layers it is given, and says which one is not ready."""

from __future__ import annotations

from dataclasses import replace

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

from grader.course.truth import student_layers as by
from utils.exercises import tiny_training
from utils.exercises.gradient_check import numeric_gradient
from utils.exercises.tiny_training import Layers, Network, NotReady, train
from utils.pictures import layers as plots_layers

matplotlib.use("Agg")

LAYERS = Layers(
    by.forward_matmul, by.backward_transposed, by.pool_windows, by.pool_backward_windows
)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch):
    """Count figures in place of showing them."""
    figures: list = []
    monkeypatch.setattr(plt, "show", lambda: figures.append(plt.gcf()))
    yield figures
    plt.close("all")


def unwritten(*_: object) -> np.ndarray:
    raise NotImplementedError


def test_the_digits_are_complete_and_come_in_two_parts() -> None:
    digits = tiny_training.load_digits()
    assert digits["x_train"].shape == (1437, 8, 8, 1)
    assert digits["x_test"].shape == (360, 8, 8, 1)
    assert digits["x_train"].min() == 0 and digits["x_train"].max() == 1
    assert set(digits["y_train"]) == set(digits["y_test"]) == set(range(10))


def test_it_learns_to_read_digits() -> None:
    seen: list[int] = []
    history = train(LAYERS, epochs=3, on_epoch=lambda h: seen.append(h.epochs))
    assert seen == [1, 2, 3]
    assert len(history.losses) == 3 * 45
    assert history.losses[0] > 2
    assert np.mean(history.losses[-20:]) < 0.2
    assert history.test_accuracy > 0.85


def test_the_same_seed_gives_the_same_network() -> None:
    runs = [train(LAYERS, epochs=1, seed=3).losses for _ in range(2)]
    assert runs[0] == runs[1]


def test_its_gradients_are_the_derivatives_of_its_loss() -> None:
    rng = np.random.default_rng(0)
    network = Network.initial(rng, filters=2)
    x, y = rng.normal(size=(3, 8, 8, 1)), np.array([1, 0, 7])
    _, slopes = tiny_training.gradients(LAYERS, network, x, y)
    for name in ("kernel", "kernel_bias", "dense_bias"):

        def loss(value: np.ndarray, name: str = name) -> float:
            changed = Network(network.weights | {name: value})
            return tiny_training.gradients(LAYERS, changed, x, y)[0]

        numeric = numeric_gradient(loss, network.weights[name], 1e-6)
        np.testing.assert_allclose(slopes[name], numeric, atol=1e-6)


def test_slow_layers_end_training_early() -> None:
    history = train(LAYERS, epochs=50, max_seconds=0.0)
    assert history.epochs == 1
    assert history.test_accuracy > 0.2


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("conv2d", "conv2d_forward"),
        ("conv2d_backward", "conv2d_backward"),
        ("maxpool", "maxpool_forward"),
        ("maxpool_backward", "maxpool_backward"),
    ],
)
def test_a_layer_that_is_missing_is_named(field: str, name: str) -> None:
    with pytest.raises(NotReady, match=f"^{name} is not written yet"):
        train(replace(LAYERS, **{field: unwritten}))


def test_a_layer_of_the_wrong_shape_is_named() -> None:
    flat = replace(LAYERS, maxpool=lambda x, *_: x.reshape(len(x), -1))
    with pytest.raises(NotReady, match=r"maxpool_forward returned shape \(2, 48\), expected"):
        train(flat)
    only_two = replace(LAYERS, conv2d_backward=lambda dy, x, w, *_: (x, w))
    with pytest.raises(NotReady, match="conv2d_backward returned shape"):
        train(only_two)


def test_a_layer_that_fails_is_named_with_its_error() -> None:
    with pytest.raises(NotReady, match="maxpool_forward fails: ZeroDivisionError"):
        train(replace(LAYERS, maxpool=lambda *_: 1 // 0))


def test_training_is_shown_with_its_result(shown: list, capsys) -> None:
    plots_layers.watch_training(*vars(LAYERS).values(), epochs=1)
    assert "digits by writers it has never seen" in capsys.readouterr().out
    assert len(shown) == 1


def test_training_with_a_missing_layer_is_a_sentence(shown: list, capsys) -> None:
    plots_layers.watch_training(unwritten, *list(vars(LAYERS).values())[1:])
    assert capsys.readouterr().out.startswith("No training yet. conv2d_forward is not written yet")
    assert shown == []


@pytest.mark.parametrize(
    "draw",
    [
        plots_layers.draw_padding,
        plots_layers.draw_convolution_step,
        plots_layers.draw_patch_matrix,
        plots_layers.draw_window_counts,
        plots_layers.draw_pooling,
    ],
)
def test_each_picture_has_a_title(draw, shown: list) -> None:
    draw()
    (figure,) = shown
    assert figure.get_suptitle()
    figure.canvas.draw()


def test_pictures_of_layers_wait_for_them(shown: list, capsys) -> None:
    plots_layers.show_edges(unwritten)
    plots_layers.show_speed(by.forward_loops, unwritten)
    said = capsys.readouterr().out
    assert "conv2d_forward is not written yet" in said and "conv2d_fast is not" in said
    assert shown == []
    plots_layers.show_edges(by.forward_matmul)
    plots_layers.show_speed(by.forward_loops, by.forward_matmul)
    assert len(shown) == 2


def test_the_padding_picture_tells_the_truth() -> None:
    for size, kernel, stride, *drawn in plots_layers._PADDINGS:
        assert by.padding_by_formula(size, kernel, stride) == tuple(drawn)
