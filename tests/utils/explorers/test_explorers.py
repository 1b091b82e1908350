"""What the explorers say is right, and they say it without widgets, too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from utils.explorers import convolution_drawing, convolution_view, shapes_view
from utils.explorers import convolution_model as model
from utils.explorers.canvas import Drawing, Panel
from utils.explorers.convolution_model import Setting
from utils.explorers.shapes_model import DoesNotFit, Layer, build, seen, side_seen, totals


@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", ["VALID", "SAME"])
def test_the_stepper_computes_what_tensorflow_computes(
    kernel: int, stride: int, padding: str
) -> None:
    tf = pytest.importorskip("tensorflow")
    rng = np.random.default_rng(kernel)
    x, w = rng.normal(size=(7, 6)), rng.normal(size=(kernel, 2))
    steps = (stride, 1 + stride % 2)
    expected = tf.nn.conv2d(x[None, :, :, None], w[:, :, None, None], steps, padding)
    found = model.outputs(Setting(x, w, 0.5, steps, padding))
    np.testing.assert_allclose(found, expected.numpy()[0, :, :, 0] + 0.5)


def test_zeros_on_every_side_are_a_padded_image_without_padding() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(5, 4)), rng.normal(size=(3, 2))
    padded = Setting(np.pad(x, 2), w, stride=(2, 1))
    np.testing.assert_allclose(
        model.outputs(Setting(x, w, stride=(2, 1), padding=2)), model.outputs(padded)
    )


@pytest.mark.parametrize("padding", ["VALID", "SAME", 2])
@pytest.mark.parametrize("stride", [(1, 1), (2, 3), (4, 1)])
def test_a_pixels_readers_are_the_outputs_that_change_with_it(
    padding: model.Padding, stride: tuple[int, int]
) -> None:
    rng = np.random.default_rng(1)
    setting = Setting(rng.normal(size=(5, 6)), rng.normal(size=(3, 2)), 0, stride, padding)
    before = model.outputs(setting)
    for row, column in np.ndindex(5, 6):
        image = setting.image.copy()
        image[row, column] += 1
        change = model.outputs(Setting(image, setting.kernel, 0, stride, padding)) - before
        told = np.zeros_like(change)
        for reader in model.readers(setting, row, column):
            told[reader.i, reader.j] += reader.weight
        np.testing.assert_allclose(told, change, atol=1e-12)


def test_same_is_told_apart_from_symmetric_zeros() -> None:
    x = np.arange(36.0).reshape(6, 6)
    setting = Setting(x, np.ones((3, 3)), stride=(2, 2), padding="SAME")
    words = " ".join(convolution_drawing.compare(setting).words)
    assert "0 above, 1 below, 0 to the left, 1 to the right" in words
    assert "9 of 9 differ" in words and "1 row later and 1 column later" in words
    same = Setting(x, np.ones((3, 3)), padding="SAME")
    assert "both give the same" in " ".join(convolution_drawing.compare(same).words)


def test_a_kernel_that_fits_nowhere_is_said_in_a_sentence() -> None:
    setting = Setting(np.ones((2, 2)), np.ones((3, 3)))
    for mode in ("forward", "SAME and symmetric"):
        assert isinstance(convolution_drawing.draw(setting, mode, 0), Drawing)
    assert "no output" in convolution_drawing.draw(setting, "forward", 0).words[0]
    assert "No window covers" in convolution_drawing.draw(setting, "backward", 0).words[1]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        ("1 2\n3", "rows of 1 and of 2"),
        ("1 a", "'a', which is no number"),
        ("1 nan", "numbers from"),
        ("1e9", "numbers from"),
        (" ".join("1" * 9), "larger than 8×8"),
    ],
)
def test_what_is_typed_wrong_is_named(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        model.parse(text, 8)


def test_what_is_written_is_read_again() -> None:
    values = np.array([[1, -2.5], [0, 3]])
    np.testing.assert_array_equal(model.parse(model.written(values).replace("-", "−"), 8), values)
    assert model.resized(values, 3, 1).tolist() == [[1], [0], [1]]


def test_moving_the_controls_changes_what_is_said() -> None:
    stepper = convolution_view.Stepper()
    said = {stepper.screen.widget.value}
    stepper.position.value += 1
    said.add(stepper.screen.widget.value)
    stepper.rows.value = 3
    assert stepper.image.value.count("\n") == 2
    said.add(stepper.screen.widget.value)
    stepper.padding.value = "a number"
    assert not stepper.zeros.disabled
    stepper.zeros.value = 2
    said.add(stepper.screen.widget.value)
    stepper.preset.value = "outline"
    assert stepper.kernel.value.split()[4] == "4"
    said.add(stepper.screen.widget.value)
    stepper.kernel.value = "1 2 3\n4"
    assert "rows of 1 and of 3" in stepper.screen.widget.value
    said.add(stepper.screen.widget.value)
    stepper.mode.value = "backward"
    said.add(stepper.screen.widget.value)
    assert len(said) == 7


def test_what_is_typed_reaches_the_page_as_text() -> None:
    stepper = convolution_view.Stepper()
    stepper.kernel.value = "<img/src=x>"
    assert "<img" not in stepper.screen.widget.value and "&lt;img" in stepper.screen.widget.value


def test_sizes_and_costs_are_those_of_keras() -> None:
    keras = pytest.importorskip("keras")
    side, layers = shapes_view.NETS["three convolutions, pooled"]
    stages = build(side, 3, layers)
    net = keras.Sequential([keras.Input((side, side, 3))])
    for layer in layers:
        if layer.kind == "conv":
            net.add(keras.layers.Conv2D(layer.units, layer.kernel, padding="same"))
        elif layer.kind == "pool":
            net.add(keras.layers.MaxPooling2D(layer.kernel, layer.stride, padding="same"))
        else:
            if len(net.output_shape) == 4:
                net.add(keras.layers.Flatten())
            net.add(keras.layers.Dense(layer.units))
    shapes = [x.output.shape[1:] for x in net.layers if "flatten" not in x.name]
    found = [
        (s.side, s.side, s.depth) if s.axis else (s.depth,)
        for s in stages[1:]
    ]  # fmt: skip
    assert found == shapes
    assert totals(stages)[0] == net.count_params()
    assert stages[1].multiplications == 32 * 32 * 25 * 3 * 32


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_a_unit_sees_the_pixels_that_change_it(padding: str) -> None:
    rng = np.random.default_rng(2)
    layers = [Layer("conv", 3, 2, padding, 1), Layer("conv", 2, 1, padding, 1)]
    layers.append(Layer("conv", 3, 1, padding, 1))
    stages = build(17, 1, layers)
    kernels = [rng.uniform(1, 2, size=(1, layer.kernel)) for layer in layers]

    def forward(row: np.ndarray) -> np.ndarray:
        for layer, kernel in zip(layers, kernels, strict=True):
            setting = Setting(row, kernel, 0, (1, layer.stride), padding)
            row = model.outputs(setting)
        return row[0]

    before = forward(np.zeros((1, 17)))
    changed = np.array([forward(np.eye(17)[k : k + 1]) - before for k in range(17)])
    for unit in range(stages[-1].side):
        pixels = np.flatnonzero(changed[:, unit])
        assert seen(stages, 3, unit)[0] == (pixels[0], pixels[-1])
    assert side_seen(stages, 3) == 3 + 1 * 2 + 2 * 2


def test_a_layer_that_does_not_fit_is_named() -> None:
    with pytest.raises(DoesNotFit, match="Layer 2: a window of 5 doesn't fit into 4"):
        build(8, 3, [Layer("pool", 2, 2), Layer("conv", 5, padding="VALID")])
    with pytest.raises(DoesNotFit, match="Layer 2: a conv layer needs a map"):
        build(8, 3, [Layer("dense"), Layer("conv")])
    assert build(8, 3, [Layer("conv", 8, padding="VALID"), Layer("conv", 1)])[-1].side == 1


def test_the_builder_follows_its_controls() -> None:
    builder = shapes_view.Builder()
    assert "176,506 parameters" in builder.screen.widget.value
    builder.less.click()
    assert "175,216 parameters" in builder.screen.widget.value
    builder.preset.value = "a large first layer"
    assert "“3 conv 5×5”" in builder.screen.widget.value
    builder.rows[0].padding.value = "SAME"
    builder.side.value = 12
    assert builder.top.max == builder.layers == 3
    builder.rows[1].kernel.value = 9
    assert "Layer 2: a window of 9 doesn't fit into 3" in builder.screen.widget.value


def test_a_picture_is_drawn_twice_with_the_same_words() -> None:
    for drawing in (convolution_view.twin(), convolution_view.twin("backward"), shapes_view.twin()):
        figure = drawing.figure()
        texts = {t.get_text() for t in figure.texts} | {
            t.get_text() for axis in figure.axes for t in axis.texts
        }
        html = drawing.html()
        for panel in drawing.panels:
            assert panel.title in texts and panel.title in html
            assert all(i.text in texts and i.text in html for i in panel.items if i.kind == "text")
        shown = " ".join(t.get_text() for t in figure.texts)
        assert all(" ".join(line.split()) in shown for line in drawing.words)


def test_svg_escapes_its_texts() -> None:
    panel = Panel("<b>", 10, 10)
    panel.text(0, 0, "a < b")
    assert "<b>" not in panel.svg() and "a &lt; b" in panel.svg()


@pytest.fixture(scope="module")
def evidence() -> Any:
    """The explorer's view of one unseen digit, with the mini net."""
    pytest.importorskip("tensorflow")
    from utils.explorers.evidence_model import Evidence
    from utils.nets import pretrained

    return Evidence(pretrained.load("mini"), pretrained.photographs("mini")[0])


def test_evidence_says_what_the_net_says(evidence: Any) -> None:
    image = evidence.image
    np.testing.assert_allclose(
        evidence.probabilities, np.asarray(evidence.net.probabilities(image))[0], atol=1e-5
    )
    label = evidence.likeliest()[0]
    size = 8
    row, column = evidence.strongest(size, label)
    hidden = image.copy()
    hidden[row : row + size, column : column + size] = 0.5
    left = np.asarray(evidence.net.probabilities(hidden))[0, label]
    assert evidence.occlusion(size, label).max() == pytest.approx(
        evidence.probabilities[label] - left, abs=1e-4
    )
    assert evidence.places(size)[0] == 0 and evidence.places(size)[-1] == 32 - size


def test_saliency_is_the_gradients_size(evidence: Any) -> None:
    import tensorflow as tf

    label = evidence.likeliest()[0]
    x = tf.constant(evidence.image[None])
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = evidence.net.logits(x)[0, label]
    expected = np.abs(tape.gradient(score, x).numpy()[0]).max(axis=-1)
    np.testing.assert_allclose(evidence.saliency(label), expected, rtol=1e-3, atol=1e-5)
    assert evidence.activation(label).shape == (8, 8) and evidence.activation(label).min() >= 0


def test_steps_lead_to_the_target_and_can_be_taken_back(evidence: Any) -> None:
    evidence.start_over()
    target = evidence.likeliest(3)[-1]
    steps = [evidence.step(target, 0.2) for _ in range(15)]
    assert steps[0].distance == pytest.approx(0.2, abs=0.01)
    assert steps[-1].probabilities.argmax() == target
    assert steps[-1].image.min() >= 0 and steps[-1].image.max() <= 1
    evidence.start_over()
    assert [s.distance for s in evidence.steps] == [0.0]


def test_the_evidence_explorer_follows_its_controls(evidence: Any) -> None:
    from utils.explorers import evidence_view

    evidence.start_over()
    explorer = evidence_view.Explorer(evidence)
    explorer.row.value = 3
    explorer.column.value = 5
    assert "grey square at [3, 5]" in explorer.screen.widget.value
    explorer.step.click()
    explorer.step.click()
    assert "After 2 steps towards" in explorer.screen.widget.value
    explorer.shown.value = 1
    assert "After 1 step towards" in explorer.screen.widget.value
    explorer.target.value = explorer.target.options[4][1]
    assert "After 0 steps towards" in explorer.screen.widget.value
    explorer.size.value = 16
    assert explorer.row.max == 16
    still = evidence_view.twin(evidence)
    assert "After 12 steps" in still.words[1] and len(evidence.steps) == 1


@pytest.mark.parametrize("shape", [(50, 32, 3), (32, 32, 3), (20, 40, 3)])
def test_any_photograph_is_cut_to_the_nets_size(shape: tuple[int, int, int]) -> None:
    from utils.explorers.evidence_model import _square

    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert _square(image, 32).shape == (32, 32, 3)
    np.testing.assert_allclose(_square(image / 255.0, 32), _square(image, 32), atol=1e-6)
    with pytest.raises(ValueError, match="one image"):
        _square(image[0], 32)
