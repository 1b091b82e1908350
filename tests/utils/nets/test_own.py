"""A net of the student's own, rebuilt from what was saved, and what its layers are called."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from grader.course.making.reference import reference_of
from utils import codec
from utils.checks.handover import HANDOVER
from utils.nets import blocks, chain, own, quiet, toy
from utils.nets.describe import describe

TRAINED, HOME = own.TRAINED_IN[0], own.HOME


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where a student works; nothing has been trained yet."""
    own.use(tmp_path)
    yield tmp_path
    own.use(None)


def bring(folder: Path, *names: str, **changes: object) -> None:
    """Nets that notebook 03 has saved, with other facts in their records."""
    target = folder / "handin" / TRAINED
    target.mkdir(parents=True, exist_ok=True)
    for name in names:
        content = codec.unpack((reference_of(TRAINED) / f"{name}.npz").read_bytes())
        content["record"] |= changes
        (target / f"{name}.npz").write_bytes(codec.pack(content))


def test_a_chain_answers_as_the_model_that_it_was_made_of() -> None:
    keras = quiet.import_keras()
    layers = keras.layers
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.BatchNormalization(),
            layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(5, (2, 3), activation="relu", bias_initializer="random_normal"),
            layers.Dropout(0.5),
            layers.GlobalAveragePooling2D(),
            layers.Dense(7, activation="relu"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    rng = np.random.default_rng(0)
    weights = [rng.uniform(0.2, 1, w.shape).astype(np.float32) for w in model.get_weights()]
    weights[2] -= 0.5
    model.set_weights(weights)
    net = toy.build(toy.trained(16, describe(model)["steps"], weights))
    images = rng.random((2, 16, 16, 3)).astype(np.float32)
    np.testing.assert_allclose(net.probabilities(images), model(images), rtol=1e-4)
    names = [layer.name for layer in net.model.layers[1:]]
    assert names == [
        *("norm0", "conv1", "norm1", "relu1", "pool1", "conv2", "relu2"),
        *("mean", "fc3", "relu3", "fc4"),
    ]


@pytest.mark.parametrize(
    ("words", "shapes", "told"),
    [
        (["concatenate", "dense 2"], [], "it has a layer 'concatenate'"),
        (["flatten", "dense 2"], [(48, 3), (3,)], r"shape \(48, 2\), there are \(48, 3\)"),
        (["flatten", "dense 2"], [(48, 2), (2,), (2,)], "1 arrays of weights belong to no"),
        (["flatten", "dense 2", "relu"], [(48, 2), (2,)], "does not end with a dense layer"),
        (["dense 2"], [(48, 2), (2,)], "'dense 2' without flatten before it"),
        (["conv 2 5×5 valid", "flatten"], [(5, 5, 3, 2), (2,)], "larger than maps of 4×4×3"),
        (["relu"] * 201, [], "more than 200 layers"),
    ],
)
def test_what_is_no_chain_is_refused_with_the_reason(
    words: list[str], shapes: list[tuple[int, ...]], told: str
) -> None:
    with pytest.raises(chain.NotAChain, match=told):
        chain.steps(words, [np.ones(shape) for shape in shapes], (4, 4, 3))


def test_the_best_net_is_opened_and_a_copy_is_kept(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bring(folder, "none", "augmented")
    (folder / "handin" / TRAINED / "search.npz").write_bytes(codec.pack({"record": {}}))
    net = own.take()
    told = capsys.readouterr().out
    assert told.startswith(
        "Your net 'augmented', trained in 03_data_augmentation on photodigits: 88.8"
    )
    assert net.name == "own" and net.class_names[5] == "five"
    copy = folder / "handin" / HOME / "own.npz"
    assert copy.read_bytes() == (folder / "handin" / TRAINED / "augmented.npz").read_bytes()
    written = copy.stat().st_mtime_ns
    own.take()
    assert copy.stat().st_mtime_ns == written
    own.take("none")
    assert own.kept().name == "none"
    with pytest.raises(
        own.NoOwnNet, match="no net 'vgg' has been saved; there are augmented, none"
    ):
        own.take("vgg")
    shutil.rmtree(folder / "handin" / TRAINED)
    own.take("vgg")
    assert "is the one that was taken before" in capsys.readouterr().out.splitlines()[-1]


def test_without_any_net_one_sentence_says_what_to_do(folder: Path) -> None:
    with pytest.raises(own.NoOwnNet, match="train one in notebook 03"):
        own.take()


def test_a_net_that_cannot_be_rebuilt_is_left_out_and_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bring(folder, "none")
    bring(folder, "augmented", architecture="conv 32 3×3 same · gelu · flatten · dense 10")
    own.take()
    told = capsys.readouterr().out
    assert told.startswith(
        "'augmented' is better, but can't be opened here: it has a layer 'gelu'."
    )
    with pytest.raises(own.NoOwnNet, match="can't be opened here: it has a layer 'gelu'; choose"):
        own.take("augmented")
    bring(folder, "none", validation=0.7)  # not what these weights do
    with pytest.raises(own.NoOwnNet, match="% of validation images, and not on 70 %"):
        own.take("none")


def test_when_graded_there_is_only_the_copy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It lies in the working folder then."""
    monkeypatch.setenv(HANDOVER, str(folder))
    bring(folder, "augmented")
    with pytest.raises(own.NoOwnNet, match=r"hand in handin/04_visualizing_cnn/own\.npz"):
        own.take()
    shutil.copy(reference_of(HOME) / "own.npz", folder / "own.npz")
    assert own.take().name == "own" and own.kept().name == "vgg"
    (folder / "own.npz").write_bytes(b"nothing")
    with pytest.raises(own.NoOwnNet, match=r"own\.npz can't be opened: it holds no net"):
        own.take()


def test_layers_say_what_they_make_of_the_one_before() -> None:
    own.use(reference_of(HOME))
    try:
        net, steps = own.load(), own.kept().steps
    finally:
        own.use(None)
    for number in (1, 3, -1):
        found = blocks.block(net.model, number)
        assert found == blocks.of_chain(steps, number)
    assert [(s.what, s.told) for s in found] == [
        ("CONV", "CONV"),
        ("RELU", "RELU: max(conv12, 0)"),
        ("BN", "BN: each map of relu12 times a number, plus another"),
        ("MAXP", "MAXP: the largest of 2×2 of norm12"),
    ]


def test_relu_inside_a_layer_and_branches_are_seen() -> None:
    keras = quiet.import_keras()
    layers = keras.layers
    x = images = keras.Input((16, 16, 3))
    x = layers.Conv2D(4, 3, activation="relu", name="fused")(x)
    x = layers.MaxPooling2D(3, 2, name="pool")(x)
    x = layers.Conv2D(4, 1, name="plain")(x)
    x = layers.ReLU(6.0, name="cut")(x)
    x = layers.Add(name="sum")([x, layers.Conv2D(4, 1, name="beside")(x)])
    x = layers.Conv2D(4, 6, name="pixel")(x)
    model = keras.Model(images, layers.Flatten()(x))
    assert [(s.layer, s.told) for s in blocks.block(model, 1)] == [
        ("fused", "CONV and RELU in one layer: max(CONV, 0)"),
        ("pool", "MAXP: the largest of 3×3 of fused, 2 apart"),
    ]
    assert [s.told for s in blocks.block(model, 2)] == ["CONV", "RELU6: plain, cut off at 0 and 6"]
    assert [s.layer for s in blocks.block(model, -1)] == ["beside"]  # a single pixel has no map
