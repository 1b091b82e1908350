"""Helpers and pictures of notebook 04, on the mini net and on what is known exactly."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest

from utils.exercises import comparing, visualizing
from utils.images import datasets, spectra
from utils.nets import pretrained, quiet
from utils.nets.blocks import Stage
from utils.nets.pretrained import PretrainedNet
from utils.pictures import compared
from utils.pictures import maps as plots_maps
from utils.pictures import visualizing as plots

matplotlib.use("Agg")


@pytest.fixture(scope="module")
def net() -> PretrainedNet:
    return pretrained.load("mini")


@pytest.fixture(scope="module")
def photos(net: PretrainedNet) -> visualizing.Photographs:
    return visualizing.photographs(net, 4)


def test_photographs_fit_the_net_and_show_what_it_says(
    net: PretrainedNet, photos: visualizing.Photographs
) -> None:
    assert photos.images.shape == (4, 32, 32, 3) and photos.images.dtype == np.float32
    assert photos.images.min() >= 0 and photos.images.max() <= 1
    assert len(set(photos.classes.tolist())) == 4
    for title, label in zip(photos.titles, photos.classes, strict=True):
        assert title.startswith(net.class_names[label])
    assert photos.masks is not None and photos.masks.shape == (4, 32, 32)


def test_a_photograph_is_cut_to_its_middle_square(net: PretrainedNet) -> None:
    photo = np.zeros((64, 96, 3), np.uint8)
    photo[:, 16:80] = 255
    fitted = visualizing.fitted(net, photo)
    assert fitted.shape == (32, 32, 3) and fitted.min() == 1


def test_layers_are_found_by_kind(net: PretrainedNet) -> None:
    assert visualizing.convolutions(net) == [f"conv{i}" for i in range(1, 6)]
    assert visualizing.layers(net)["conv2"] == "16 × 16 × 48"
    assert visualizing.last_layer(net) == "fc8"
    assert [s.layer for s in visualizing.stages(net, 1)] == ["conv1", "relu1", "pool1"]
    assert [s.layer for s in visualizing.stages(net, -1)] == ["conv5", "relu5", "pool5"]
    chosen = visualizing.stages(net, ["relu3", "conv4"])
    assert [s.told for s in chosen] == ["RELU: max(conv3, 0)", "CONV"]
    with pytest.raises(ValueError, match="convolutions 1 to 5, none of number 6"):
        visualizing.stages(net, 6)
    with pytest.raises(ValueError, match="no layer 'conv9' with maps; there are conv1, relu1"):
        visualizing.stages(net, ["conv9"])
    assert visualizing.unit_in_the_middle(net, "conv3", 7) == (4, 4, 7)
    assert visualizing.unit_in_the_middle(net, "fc8", 7) == (7,)


def test_reduced_copies_are_those_that_are_measured_and_let_gradients_pass() -> None:
    tf = quiet.import_tensorflow()
    images = np.random.default_rng(0).random((2, 64, 64, 3)).astype(np.float32)
    x = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(x)
        small = visualizing.reduced(x)
    np.testing.assert_allclose(small, spectra.reduced(images), atol=1e-5)
    np.testing.assert_allclose(tape.gradient(small, x), 1 / 12, rtol=1e-4)


def test_a_function_runs_with_its_strength_and_without() -> None:
    both = visualizing.with_and_without(lambda a, strength: (a, strength))
    assert both(3, 1.0) == {"with": (3, 1.0), "without": (3, 0.0)}
    assert visualizing.with_and_without(None) is None


def test_overlays_and_maps_show_the_values_they_are_given(photos: visualizing.Photographs) -> None:
    changes = [np.linspace(-0.2, 0.6, 16).reshape(4, 4)] * 2
    heats = [np.zeros((32, 32))] * 2
    figure = plots.occlusion(photos, changes, heats, 8, 8)
    shown = figure.axes[2].images[0]
    np.testing.assert_array_equal(shown.get_array(), changes[0])
    assert shown.get_clim() == (-0.6, 0.6)
    overlay = figure.axes[4].images[0].get_array()
    grey = photos.images[0].mean(axis=-1)
    np.testing.assert_allclose(overlay[..., 0], grey, atol=1e-6)  # nothing changed: the photograph
    assert "8×8" in figure.get_suptitle() and figure.axes[2].get_ylabel() == "4×4 boxes"


def test_a_training_image_is_chosen_by_its_number(net: PretrainedNet) -> None:
    image, told = visualizing.picture(net, 12)
    data = datasets.load("photodigits", train=20, validation=0, test=0)
    np.testing.assert_array_equal(image, data.x_train[12])
    assert told.startswith("training image 12: ")
    with pytest.raises(ValueError, match="IMAGE is -1; choose one from 0 to 9999"):
        visualizing.picture(net, -1)


def test_all_maps_of_a_layer_are_drawn_where_the_grid_puts_them() -> None:
    maps = np.random.default_rng(0).normal(size=(5, 6, 40))

    def grid(pictures: np.ndarray, columns: int) -> np.ndarray:
        count, h, w = pictures.shape
        whole = np.ones((-(-count // columns) * (h + 1) - 1, columns * (w + 1) - 1))
        for i, picture in enumerate(pictures):
            top, left = (i // columns) * (h + 1), (i % columns) * (w + 1)
            whole[top : top + h, left : left + w] = picture
        return whole

    stage = Stage("conv1", "CONV", "CONV")
    figure = plots_maps.activation_maps(np.zeros((5, 6, 3)), "a net", [stage], [maps], grid)
    shown = np.ma.filled(figure.axes[1].images[0].get_array(), np.nan)
    for number in range(40):
        row, column = divmod(number, 16)
        place = np.s_[6 * row : 6 * row + 5, 7 * column : 7 * column + 6]
        np.testing.assert_allclose(shown[place], maps[..., number])
    assert np.isnan(shown[5]).all() and np.isnan(shown[12:, 7 * 8 :]).all()
    assert figure.axes[1].get_title() == "CONV  (conv1, 40 maps of 5×6)"
    filters = {"conv1": np.random.default_rng(1).random((96, 5, 6))}
    drawn = plots_maps.filters(filters, grid).axes[0]
    assert drawn.images[0].get_array().shape == (17, 32 * 7 - 1)
    assert drawn.get_title().startswith("conv1: 96 filters")


def test_contrast_is_raised_and_said() -> None:
    image = np.full((8, 8, 3), 0.5)
    image[0, 0] = 0.6
    figure = plots.units([("conv1", (4, 4, 0), 1.5)], [(image, image)])
    assert "contrast × 5.0" in figure.axes[0].get_title()
    assert figure.axes[0].images[0].get_array()[0, 0, 0] == pytest.approx(1.0)


def test_nets_of_any_size_are_compared_on_boxes_that_fit_them(
    net: PretrainedNet, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keras = quiet.import_keras()
    large = keras.Sequential(
        [keras.Input((224, 224, 3)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(5)]
    )
    names = tuple("abcde")
    other = PretrainedNet("large", names, 224, large, lambda x: x / 255.0, "nothing")
    found = {"mini": net, "vgg16": other}

    def load(name: str, which: str) -> PretrainedNet:
        if name not in found:
            raise pretrained.NetUnavailable("its weights are not at hand")
        return found[name]

    monkeypatch.setattr(visualizing, "load", load)
    asked = []

    def occlusion_map(net: PretrainedNet, image: np.ndarray, *how: int) -> np.ndarray:
        asked.append((net.name, image.shape[0], *how[1:]))
        return np.ones((7, 7))

    def saliency(net: PretrainedNet, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
        return images.max(axis=-1)

    def heat_map(changes: np.ndarray, size: int, box: int, stride: int) -> np.ndarray:
        assert 6 * stride + box == size  # seven boxes reach from border to border
        return np.ones((size, size))

    seen = comparing.compare(["mini", "vgg16", "alexnet"], 4, saliency, occlusion_map, heat_map)
    assert asked == [("mini", 32, 8, 4)] * 8 + [("large", 224, 56, 28)]
    assert "alexnet is left out: its weights are not at hand" in capsys.readouterr().out
    assert [s.occlusion.shape for s in seen] == [(8, 32, 32), (1, 224, 224)]
    figure = compared.architectures(seen, lambda maps, masks: (1.0, 0.5))
    shown = [image for axis in figure.axes for image in axis.images]
    assert [image.get_array().shape[0] for image in shown] == [32] * 4 + [224] * 4
    with pytest.raises(ValueError, match="unknown net 'vgg'; known: one layer, one convolution, "):
        comparing.load("vgg")
