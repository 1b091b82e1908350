"""The fast recipe: its parts do what their chapter says, and the whole learns, repeatably."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from utils.fast import net as fast_net
from utils.fast import training as fast_training
from utils.fast.images import Stream, as_bytes, shrink
from utils.fast.muon import Descent, Muon, orthogonalise
from utils.fast.recipe import FOR_DIGITS, TO_85, TO_90, Recipe, multiplies_bfloat16
from utils.images import datasets

TINY = Recipe(sizes=(32,), batch=20, widths=(8, 16, 16))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    data = datasets.load(train=400, validation=0, test=0)
    return data.x_train, data.y_train


def numbered(count: int, size: int = 6) -> np.ndarray:
    """Images that can be told apart, and from their mirror image, in any position."""
    images = np.zeros((count, size, size, 3), np.uint8)
    images[:, 2:4, 2, 0] = 1 + np.arange(count)[:, None]
    images[:, 2:4, 3, 1] = 200
    return images


# Muon


@pytest.mark.parametrize("shape", [(40, 12), (12, 40), (20, 20)])
def test_orthogonalised_keeps_directions_and_evens_lengths(
    rng: np.random.Generator, shape: tuple[int, int]
) -> None:
    matrix = rng.standard_normal(shape).astype(np.float32)
    found = orthogonalise(tf.constant(matrix), rounds=6).numpy()
    u, lengths, vt = np.linalg.svd(matrix, full_matrices=False)
    kept = lengths > lengths.max() / 20
    seen = np.einsum("ik,ij,kj->k", u, found, vt)[kept]
    assert seen.min() > 0.6 and seen.max() < 1.3
    assert lengths[kept].max() / lengths[kept].min() > 3


def test_muon_goes_downhill_and_keeps_the_length(rng: np.random.Generator) -> None:
    kernel = tf.Variable(rng.standard_normal((3, 3, 4, 16)).astype(np.float32))
    gradient = tf.constant(rng.standard_normal(kernel.shape).astype(np.float32))
    before = kernel.numpy() * 4 / np.linalg.norm(kernel.numpy())
    Muon([kernel], rate=0.01, momentum=0.6).step([gradient], tf.constant(1.0))
    change = kernel.numpy() - before
    assert np.sum(change * gradient.numpy()) < 0
    assert np.linalg.norm(change) < 0.02 * np.linalg.norm(before)


def test_descent_is_that_of_keras(rng: np.random.Generator) -> None:
    start = rng.standard_normal(5).astype(np.float32)
    ours, theirs = tf.Variable(start), keras.Variable(start)
    descent = Descent([ours], rate=0.1, momentum=0.9)
    keras_descent = keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True)
    for _ in range(4):
        gradient = tf.constant(rng.standard_normal(5).astype(np.float32))
        descent.step([gradient], tf.constant(1.0))
        keras_descent.apply([gradient], [theirs])
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-5)


def test_decay_follows_the_schedule() -> None:
    weight = tf.Variable([2.0])
    Descent([weight], rate=1.0, momentum=0.0, decay=0.1).step([tf.zeros(1)], tf.constant(0.5))
    assert weight.numpy() == pytest.approx([1.9])


# The net


def test_whitened_patches_are_uncorrelated(digits: tuple[np.ndarray, np.ndarray]) -> None:
    images = digits[0][:200] - digits[0][:200].mean((0, 1, 2))
    kernel = fast_net.whitening_kernel(10 * images)
    y = tf.nn.conv2d(10 * images, kernel, 1, "VALID").numpy()
    np.testing.assert_allclose(y[..., :12], -y[..., 12:], atol=1e-3)
    covariance = np.cov(y[..., :12].reshape(-1, 12), rowvar=False)
    np.testing.assert_allclose(covariance, np.eye(12), atol=0.1)


def test_fused_normalization_is_batch_normalization(rng: np.random.Generator) -> None:
    x = tf.constant(3 + 2 * rng.standard_normal((8, 5, 5, 4)).astype(np.float32))
    ours = fast_net.FusedNormalization()
    theirs = keras.layers.BatchNormalization(momentum=0.6, epsilon=1e-5, scale=False)
    upstream = tf.constant(rng.standard_normal(x.shape).astype(np.float32))
    results = []
    for layer in (ours, theirs):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
        results.append((y, tape.gradient(y, x, output_gradients=upstream)))
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)
    # the fused kernel's variance has n - 1 in its denominator, here 199 for 200
    np.testing.assert_allclose(ours(x), theirs(x), atol=0.01)


def test_a_block_begins_as_nearly_the_identity() -> None:
    kernel = fast_net.nearly_identity((3, 3, 8, 16)).numpy()
    x = np.random.default_rng(0).random((1, 5, 5, 8)).astype(np.float32)
    y = tf.nn.conv2d(x, kernel, 1, "SAME").numpy()
    np.testing.assert_allclose(y[..., :8], x, atol=1e-6)
    assert y[..., 8:].std() > 0.01


def test_operations_are_counted_from_shapes() -> None:
    model = keras.Sequential(
        [
            keras.Input((None, None, 3)),
            keras.layers.Conv2D(4, 3, padding="same", strides=2),
            keras.layers.MaxPooling2D(2),
            keras.layers.Conv2D(5, 3, padding="valid"),
            keras.layers.GlobalMaxPooling2D(),
            keras.layers.Dense(7),
        ]
    )
    by_hand = 2 * (3 * 3 * 3 * 4 * 8 * 8 + 3 * 3 * 4 * 5 * 2 * 2 + 5 * 7)
    assert fast_net.flops(model, 16) == by_hand


# The stream


def test_every_image_once_an_epoch_with_its_label(rng: np.random.Generator) -> None:
    stream = Stream(numbered(60), np.arange(60), 20, 2, "random", rng)
    for number in range(3):
        batches = list(stream.epoch(number))
        labels = np.concatenate([y for _, y in batches])
        images = np.concatenate([x for x, _ in batches])
        assert sorted(labels) == list(range(60))
        assert (images[..., 0].max((1, 2)) == labels + 1).all()


def test_alternating_mirrors_show_both_sides_in_two_epochs(rng: np.random.Generator) -> None:
    stream = Stream(numbered(40), np.arange(40), 20, 0, "alternating", rng)
    turned = np.zeros((4, 40), bool)
    for number in range(4):
        for images, labels in stream.epoch(number):
            turned[number, labels] = images[:, 2, 3, 0] > 0
    assert 5 < turned[0].sum() < 35
    assert (turned[0] != turned[1]).all()
    assert (turned[0] == turned[2]).all() and (turned[1] == turned[3]).all()


def test_mirrors_alternate_from_one_size_to_another(rng: np.random.Generator) -> None:
    stream = Stream(numbered(40, 8), np.arange(40), 20, 0, "alternating", rng)
    turned = np.zeros((3, 40), bool)
    for number, size in enumerate((8, 4, 8)):
        for images, labels in stream.epoch(number, size):
            assert images.shape == (20, size, size, 3)
            turned[number, labels] = images[:, size // 4, size // 2, 1] > 0
    assert (turned[0] != turned[1]).all() and (turned[0] == turned[2]).all()


def test_shifts_fill_the_border_with_its_mirror_image(rng: np.random.Generator) -> None:
    images = rng.integers(256, size=(300, 8, 8, 3)).astype(np.uint8)
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)), "reflect")
    stream = Stream(images, np.arange(300), 300, 2, "never", rng)
    (moved, labels), *rest = stream.epoch(0)
    assert not rest
    seen = set()
    for image, label in zip(moved, labels, strict=True):
        places = [
            (i, j)
            for i in range(5)
            for j in range(5)
            if np.array_equal(image, padded[label, i : i + 8, j : j + 8])
        ]
        assert len(places) == 1
        seen |= set(places)
    assert len(seen) == 25


def test_the_stream_leaves_its_images_alone(rng: np.random.Generator) -> None:
    images = numbered(40)
    before = images.copy()
    for _ in Stream(images, np.arange(40), 20, 0, "alternating", rng).epoch(1):
        pass
    assert np.array_equal(images, before)


def test_shrinking_takes_the_mean_of_what_a_pixel_covers(rng: np.random.Generator) -> None:
    images = rng.integers(256, size=(3, 8, 8, 3)).astype(np.uint8)
    means = images.reshape(3, 4, 2, 4, 2, 3).mean((2, 4))
    assert np.abs(shrink(images, 4) - means).max() <= 0.5
    assert shrink(images, 8) is images


def test_bytes_and_unit_floats_are_the_same_images() -> None:
    images = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    assert np.array_equal(as_bytes(images / np.float32(255)), images)


# The whole


def test_it_learns_and_a_seed_repeats_it(digits: tuple[np.ndarray, np.ndarray]) -> None:
    recipe = replace(TINY, sizes=(16, 32, 32, 32, 32, 32), mirror="never", widths=(16, 32, 32))
    epochs: list[int] = []
    first = fast_training.train(recipe, *digits, 1, lambda n, _: epochs.append(n))
    again, other = (fast_training.train(recipe, *digits, seed) for seed in (1, 2))
    assert epochs == [1, 2, 3, 4, 5, 6]
    assert first.losses[-1] < first.losses[0] - 0.4
    assert first.losses == again.losses != other.losses
    assert first.pflop == again.pflop and first.cpu_s > 0
    plain = fast_training.accuracy(first.model, *digits)
    assert plain > 0.5
    assert plain == fast_training.accuracy(first.model, as_bytes(digits[0]), digits[1])


def test_scores_of_copies_are_their_mean(digits: tuple[np.ndarray, np.ndarray]) -> None:
    images = as_bytes(digits[0][:7])
    model = fast_net.build(TINY, as_bytes(digits[0]))
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), "reflect")
    up_left, down_right = padded[:, :-2, :-2], padded[:, 2:, 2:]
    expected = sum(
        weight * (fast_training.scores_of(model, x) + fast_training.scores_of(model, x[:, :, ::-1]))
        for weight, x in ((0.25, images), (0.125, up_left), (0.125, down_right))
    )
    found = fast_training.scores_of(model, images, copies=True)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    "change",
    [
        {"muon": False, "falling": False},
        {"fused": False, "pool_early": False, "whitening": False, "identity": False},
        {"bfloat16": True, "smoothing": 0.0, "shift": 0, "mirror": "random"},
    ],
    ids=["plain descent", "plain net", "bfloat16"],
)
def test_every_switch_can_be_turned(
    digits: tuple[np.ndarray, np.ndarray], change: dict[str, object]
) -> None:
    images, labels = digits[0][:40], digits[1][:40]
    trained = fast_training.train(replace(TINY, **change), images, labels)
    assert np.isfinite(trained.losses).all()
    assert fast_training.scores_of(trained.model, images).shape == (40, 10)


def test_smoothed_labels_are_probabilities() -> None:
    rows = fast_training.smooth(tf.constant([2]), 5, 0.2).numpy()
    np.testing.assert_allclose(rows, [[0.04, 0.04, 0.84, 0.04, 0.04]], atol=1e-6)


def test_digits_are_never_mirrored_and_photographs_are() -> None:
    assert FOR_DIGITS.mirror == "never"
    assert TO_85.mirror == TO_90.mirror == "alternating"


@pytest.mark.parametrize(
    ("listing", "expected"),
    [
        ("processor : 0\nflags\t\t: fpu avx512f avx512_bf16 sse2\n", True),
        ("Features\t: fp asimd bf16\n", True),
        ("flags\t\t: fpu avx512f sse2\nmodel name : avx512_bf16 fan\n", False),
    ],
)
def test_bfloat16_is_asked_of_the_processor(tmp_path: Path, listing: str, expected: bool) -> None:
    (tmp_path / "cpuinfo").write_text(listing)
    assert multiplies_bfloat16(tmp_path / "cpuinfo") is expected
    assert multiplies_bfloat16(tmp_path / "absent") is False
