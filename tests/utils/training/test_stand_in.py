"""Nets whose build() looks at the data are the same net when they are graded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from utils import codec
from utils.checks.handover import HANDOVER
from utils.images import cifar10, datasets
from utils.images.datasets import Dataset
from utils.nets import quiet
from utils.training import fitting, models, stand_in

keras = quiet.import_keras()
layers = keras.layers
NOTEBOOK = "90_training"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    stand_in.remember(None)
    return tmp_path / "handin" / NOTEBOOK


def bright(name: str, **_: int) -> Dataset:
    """A data set whose statistics are none that one could guess: dark, and unlike in each pixel."""
    rng = np.random.default_rng(0)
    x = rng.beta(0.4, 3, (1200, 32, 32, 3)).astype(np.float32) * rng.uniform(0.2, 1, (32, 32, 3))
    x = np.clip(x, 0, 1).astype(np.float32)
    x[:, 0] = 0.25  # a border that never changes
    y = np.eye(10, dtype=np.float32)[rng.integers(0, 10, len(x))]
    return Dataset(
        name, x[:1000], y[:1000], x[1000:], y[1000:], x[:9], y[:9], cifar10.CLASS_NAMES, "dark"
    )


def ended(*first: Any) -> Any:
    model = keras.Sequential(
        [keras.Input((32, 32, 3)), *first, layers.Flatten(), layers.Dense(10, activation="softmax")]
    )
    model.compile("adam", "categorical_crossentropy")
    return model


def rescaled(data: Dataset) -> Any:
    mean, std = data.x_train.mean(axis=(0, 1, 2)), data.x_train.std(axis=(0, 1, 2))
    return ended(layers.Rescaling(1 / std, -mean / std))


def by_pixel(data: Dataset) -> Any:
    mean, std = data.x_train.mean(axis=0), data.x_train.std(axis=0)
    return ended(layers.Lambda(lambda x: (x - mean) / (std + 1e-3)))


def by_extremes(data: Dataset) -> Any:
    low, high = data.x_train.min(), data.x_train.max()
    return ended(layers.Rescaling(float(1 / (high - low)), -float(low)))


def adapted(data: Dataset) -> Any:
    normalization = layers.Normalization()
    normalization.adapt(data.x_train)
    return ended(normalization)


def adapted_within(data: Dataset) -> Any:
    normalization = layers.Normalization(axis=(1, 2, 3))
    normalization.adapt(data.x_train)
    return ended(keras.Sequential([keras.Input((32, 32, 3)), normalization]))


@pytest.mark.parametrize("dataset", ["photodigits", "cifar10"])
@pytest.mark.parametrize("make", [rescaled, by_pixel, by_extremes, adapted, adapted_within])
def test_a_net_that_depends_on_the_data_is_the_same_when_graded(
    make: Callable[[Dataset], Any], dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as at_home:
        at_home.setattr(datasets, "load", bright)
        data, _ = fitting.begin(NOTEBOOK, dataset)
        run = fitting.fit("net", lambda: make(data), data, epochs=1)
        images = data.x_val[:50]
        trained = models.outputs_of(run.model, images)
    monkeypatch.setenv(HANDOVER, str(tmp_path))
    monkeypatch.setattr(keras.Model, "fit", keras.Model.fit)  # put back afterwards
    stand_in.remember(None)
    given, _ = fitting.begin(NOTEBOOK, dataset)
    assert len(given.x_train) == stand_in.COUNT
    answer = models.answers("net", lambda: make(given))(images)
    np.testing.assert_allclose(answer["outputs"], trained, atol=2e-3)


def test_images_that_stand_in_have_the_same_statistics() -> None:
    x = bright("photodigits").x_train
    images = stand_in.images_with(stand_in.statistics_of(x))
    assert images.dtype == np.float32
    for axis in (0, (0, 1, 2), None):
        np.testing.assert_allclose(images.mean(axis=axis), x.mean(axis=axis), atol=1e-4)
        np.testing.assert_allclose(images.std(axis=axis), x.std(axis=axis), atol=1e-4)
    assert (images.min(), images.max()) == pytest.approx((x.min(), x.max()))


def test_without_statistics_nothing_is_divided_by_zero(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HANDOVER, str(tmp_path))
    monkeypatch.setattr(keras.Model, "fit", keras.Model.fit)  # put back afterwards
    data, _ = fitting.begin(NOTEBOOK, "cifar10")
    assert data.x_train.std(axis=(0, 1, 2)) == pytest.approx((0.2470, 0.2435, 0.2616), abs=1e-4)


@pytest.mark.parametrize(
    "change",
    [
        {"mean": np.zeros((8, 8, 3), np.float32)},
        {"std": np.full((32, 32, 3), np.nan, np.float32)},
        {"std": "wide"},
        {"lowest": float("inf")},
        {"highest": 0.1},
    ],
)
def test_statistics_that_are_none_are_left_out(change: dict[str, Any], place: Path) -> None:
    models.use(NOTEBOOK)
    shape = (32, 32, 3)
    good = {
        "mean": np.full(shape, 0.5, np.float32),
        "std": np.full(shape, 0.2, np.float32),
        "lowest": 0.0,
        "highest": 1.0,
    }
    models.save("net", [], {"dataset": "cifar10"}, {"statistics": good})
    assert models.statistics("cifar10", shape) is not None
    assert models.statistics("photodigits", shape) is None
    models.save("net", [], {"dataset": "cifar10"}, {"statistics": good | change})
    assert models.statistics("cifar10", shape) is None
    (place / "net.npz").write_bytes(codec.pack([1]))
    assert models.statistics("cifar10", shape) is None


def given(data: Dataset) -> Any:
    mean, variance = data.x_train.mean(axis=(0, 1, 2)), data.x_train.var(axis=(0, 1, 2))
    return ended(layers.Normalization(mean=mean, variance=variance))


@pytest.mark.parametrize("make", [rescaled, given, adapted, adapted_within])
def test_layers_keep_the_numbers_that_they_were_given(make: Callable[[Dataset], Any]) -> None:
    data = bright("photodigits")
    models.use(NOTEBOOK)
    run = fitting.fit("net", lambda: make(data), data, epochs=1)
    images = data.x_val[:50]
    other = replace(data, x_train=data.x_train[:10] * 0.5)
    answer = models.answers("net", lambda: make(other))(images)
    np.testing.assert_allclose(answer["outputs"], models.outputs_of(run.model, images), atol=1e-5)


@pytest.mark.parametrize("kept", [None, 7, [], [{}], [{"scale": 1, "offset": 2}], [3], [{}, {}]])
def test_constants_that_are_none_are_left_out(kept: Any) -> None:
    data = bright("photodigits")
    model = rescaled(data)
    before = models.outputs_of(model, data.x_val[:5])
    models.put_weights(model, model.get_weights(), kept)
    np.testing.assert_array_equal(models.outputs_of(model, data.x_val[:5]), before)


def test_a_net_that_answers_with_nan_is_told_so() -> None:
    def divides(data: Dataset) -> Any:
        std = data.x_train.std(axis=(0, 1, 2))
        return ended(layers.Lambda(lambda x: (x - x) / std))

    data = bright("photodigits")
    models.use(NOTEBOOK)
    fitting.fit("net", lambda: divides(data), data, epochs=1)
    grey = replace(data, x_train=np.full((9, 32, 32, 3), 0.5, np.float32))
    with pytest.raises(models.WeightsProblem, match=r"'net' answers with NaN.*build\(\) divide"):
        models.answers("net", lambda: divides(grey))(data.x_val[:5])
