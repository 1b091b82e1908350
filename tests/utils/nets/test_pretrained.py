"""Pretrained nets: the embedded one is as good as it says, and an absent one is an error."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from utils.images import photo_digits
from utils.nets import pretrained, quiet
from utils.nets.pretrained import NetUnavailable, PretrainedNet, load

MODELS = pretrained._keras_models()
HAS_MOBILENET = "mobilenet_0.25" in pretrained.available()


@pytest.fixture(scope="module")
def mini() -> PretrainedNet:
    return load("mini")


@pytest.fixture(scope="module")
def unseen() -> photo_digits.PhotoDigits:
    return photo_digits.render(500, "test", seed=5, keep=False)


def test_the_mini_net_is_as_good_as_the_file_beside_it_says(
    mini: PretrainedNet, unseen: photo_digits.PhotoDigits
) -> None:
    told = json.loads(pretrained.MINI_WEIGHTS.with_suffix(".json").read_text())
    right = np.mean(np.argmax(mini.logits(unseen.images), axis=1) == unseen.labels)
    assert told["accuracy"]["test"] >= 0.85
    assert abs(right - told["accuracy"]["test"]) < 0.03  # three standard errors are 0.023
    assert told["parameters"] == mini.model.count_params()


def test_the_mini_net_has_the_layers_of_alexnet(mini: PretrainedNet) -> None:
    named = [layer.name for layer in mini.model.layers]
    weighted = [n for n in named if n.startswith(("conv", "fc"))]
    assert weighted == ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"]
    assert [n for n in named if n.startswith("pool")] == ["pool1", "pool2", "pool5"]


def test_embedded_files_are_small() -> None:
    assert pretrained.MINI_WEIGHTS.stat().st_size < 1_000_000


def test_bytes_and_fractions_mean_the_same_image(
    mini: PretrainedNet, unseen: photo_digits.PhotoDigits
) -> None:
    images = unseen.images[:20]
    as_floats = mini.logits(images / np.float32(255))
    np.testing.assert_allclose(mini.logits(images), as_floats, atol=1e-3)
    np.testing.assert_allclose(
        mini.preprocess(images), images / np.float32(255), atol=1e-6, err_msg="mini takes [0, 1]"
    )


def test_floats_in_0_to_255_are_refused(
    mini: PretrainedNet, unseen: photo_digits.PhotoDigits
) -> None:
    with pytest.raises(ValueError, match=r"float images are in \[0, 1\]; divide by 255"):
        mini.preprocess(unseen.images[:2].astype(np.float32))
    with pytest.raises(ValueError, match=r"expected images of shape \(N, H, W, 3\)"):
        mini.preprocess(np.zeros((4, 32, 32), np.uint8))


def test_a_wide_photograph_is_cut_to_its_middle_and_shrunk(mini: PretrainedNet) -> None:
    wide = np.zeros((64, 128, 3), np.uint8)
    wide[:, 32:96] = 200
    x = np.asarray(mini.preprocess(wide))
    assert x.shape == (1, 32, 32, 3)
    np.testing.assert_allclose(x, 200 / 255, atol=1e-5)


def test_gradients_pass_through_preprocessing(
    mini: PretrainedNet, unseen: photo_digits.PhotoDigits
) -> None:
    import tensorflow as tf

    images = tf.constant(unseen.images[:3] / np.float32(255))
    with tf.GradientTape() as tape:
        tape.watch(images)
        score = tf.reduce_sum(mini.logits(images)[:, 0])
    gradient = tape.gradient(score, images).numpy()
    assert gradient.shape == images.shape and np.abs(gradient).max() > 1e-3


def test_top_lists_the_likeliest_first(
    mini: PretrainedNet, unseen: photo_digits.PhotoDigits
) -> None:
    table = np.asarray(mini.probabilities(unseen.images[:50]))
    np.testing.assert_allclose(table.sum(axis=1), 1, atol=1e-5)
    for row, best in zip(table, mini.top(unseen.images[:50], k=3), strict=True):
        assert [p for _, p in best] == sorted((float(p) for p in row), reverse=True)[:3]
        assert best[0][0] == mini.class_names[int(row.argmax())]


def test_an_unknown_net_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown net 'alexnet9'; known: mini, "):
        load("alexnet9")


@pytest.mark.parametrize("damage", ["missing", "cut short", "other arrays"])
def test_damaged_weights_of_the_mini_net_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    path = tmp_path / "mini_net.npz"
    if damage == "cut short":
        path.write_bytes(pretrained.MINI_WEIGHTS.read_bytes()[:100_000])
    elif damage == "other arrays":
        np.savez(path, **{"conv1.kernel": np.zeros((3, 3, 3, 32), np.float16)})
    monkeypatch.setattr(pretrained, "MINI_WEIGHTS", path)
    with pytest.raises(NetUnavailable, match=r"mini_net\.npz .*unpack the course again"):
        load("mini")


def test_an_absent_net_and_a_damaged_file_are_one_clear_sentence_offline(tmp_path: Path) -> None:
    damaged = tmp_path / "models" / "mobilenet_2_5_224_tf.h5"
    damaged.parent.mkdir()
    damaged.write_bytes(b"not weights")
    dead = "http://127.0.0.1:9"
    program = (
        "from utils.nets import pretrained\n"
        "print(pretrained.available())\n"
        "for name in ('mobilenet', 'mobilenet_0.25'):\n"
        "    try: pretrained.load(name)\n"
        "    except pretrained.NetUnavailable as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=os.environ | {"KERAS_HOME": str(tmp_path), "https_proxy": dead, "http_proxy": dead},
    )
    at_hand, downloading, absent, unusable = done.stdout.splitlines()
    assert at_hand == "('mini',)"
    assert downloading.startswith("Downloading data from https://")
    assert "weights of 'mobilenet' are not at hand and could not be downloaded" in absent
    assert f"put mobilenet_1_0_224_tf.h5 into {damaged.parent}" in absent
    assert absent.endswith("or choose one of: mini")
    assert unusable.startswith(f"{damaged} can't be used") and "delete it" in unusable
    assert done.stderr == ""


@pytest.mark.skipif(not HAS_MOBILENET, reason=f"no weights of MobileNet(alpha=0.25) in {MODELS}")
def test_mobilenet_knows_a_cat_and_a_coffee() -> None:
    net = load("mobilenet_0.25")
    cat, coffee = (net.top(photo)[0][0] for photo in pretrained.photographs(net.name)[:2])
    assert cat[0] == "tabby" and cat[1] == pytest.approx(0.42, abs=0.02)
    assert coffee[0] == "espresso" and coffee[1] == pytest.approx(0.87, abs=0.02)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras' own
def test_inception_v3_opens_a_file_of_the_real_ones_shape(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With random weights: the real file has not been tried."""
    import h5py
    from keras.src.legacy.saving import legacy_h5_format  # as whoever made the real file

    models = tmp_path / "models"
    models.mkdir()
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    made = quiet.import_keras().applications.InceptionV3(weights=None)
    weights, names = pretrained.files("inception_v3")
    with h5py.File(weights, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, made)
    names.write_text(json.dumps({n: [f"n{n}", f"thing_{n}"] for n in range(1000)}))
    assert round(weights.stat().st_size / 1e6) == 96  # as the students are told
    net = load("inception_v3")
    assert all(
        np.array_equal(a, b)
        for a, b in zip(net.model.get_weights(), made.get_weights(), strict=True)
    )
    assert net.model.layers[-1].activation.__name__ == "linear"  # scores, not probabilities
    assert net.class_names[879] == "thing 879"
    prepared = np.asarray(net.preprocess(np.uint8([[[0, 51, 255]]])))
    assert prepared.shape == (1, 299, 299, 3)
    np.testing.assert_allclose(prepared[0, 0, 0], [-1, -0.6, 1], atol=1e-5)
