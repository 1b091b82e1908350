"""Training for students: mistakes are named before it starts, and what was learned is kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from utils import codec, training
from utils.checks.handover import HANDOVER
from utils.images import datasets
from utils.images.datasets import Dataset
from utils.nets import quiet
from utils.nets.describe import describe
from utils.training import callbacks, fitting, models, records, sealed, searching, view

keras = quiet.import_keras()
tf = quiet.import_tensorflow()
SIZE, CLASSES = 8, 4
FLATTEN = keras.layers.Flatten


@pytest.fixture(autouse=True)
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    models.use("90_training")
    return tmp_path / "handin" / "90_training"


@pytest.fixture
def data() -> Dataset:
    """Images whose class is the quadrant that is bright."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 0.5, (240, SIZE, SIZE, 3)).astype(np.float32)
    y = rng.integers(0, CLASSES, 240)
    for image, label in zip(x, y, strict=True):
        top, left = 4 * (label // 2), 4 * (label % 2)
        image[top : top + 4, left : left + 4] += 0.4
    coded = np.eye(CLASSES, dtype=np.float32)[y]
    return Dataset(
        "photodigits", x[:160], coded[:160], x[160:], coded[160:], x[:0], coded[:0],
        tuple("abcd"), "quadrants",
    )  # fmt: skip


def build(
    loss: Any = "categorical_crossentropy", last: str | None = "softmax", rate: float = 0.01
) -> Any:
    model = keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            keras.layers.Flatten(),
            keras.layers.Dense(CLASSES, activation=last),
        ]
    )
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
    return model


def fit(data: Dataset, build: Callable[[], Any] = build, **options: Any) -> training.Run:
    return training.fit("net", build, data, **({"epochs": 4, "batch": 16} | options))


def test_what_was_learned_is_saved_and_restored_with_its_record(
    data: Dataset, notebook: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = fit(data)
    assert run.record["validation"] > 0.9
    record, _ = models.read((notebook / "net.npz").read_bytes())
    for key, value in {"dataset": "photodigits", "seed": 0, "epochs": 4, "parameters": 772}.items():
        assert record[key] == value
    restored = models.restore("net", build)
    np.testing.assert_allclose(
        models.outputs_of(restored, data.x_val), models.outputs_of(run.model, data.x_val), atol=1e-6
    )
    told = capsys.readouterr().out
    assert "net: 4 epochs, about" in told and "on two CPU cores" in told
    assert "of validation images right" in told
    with np.load(notebook / "net.npz", allow_pickle=False) as plain:
        assert plain["a0.npy" if "a0.npy" in plain.files else "a0"].shape == (192, 4)


def test_the_same_seed_gives_the_same_training(data: Dataset) -> None:
    first, second, other = (fit(data, epochs=1, seed=seed) for seed in (1, 1, 2))
    weights = [run.model.get_weights()[0] for run in (first, second, other)]
    assert np.array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


def test_a_falling_rate_ends_near_zero(data: Dataset) -> None:
    run = fit(data, falling=True, epochs=2)
    assert 0 < float(run.model.optimizer.learning_rate) < 0.001
    assert (run.record["rate"], run.record["falling"]) == (pytest.approx(0.01), True)
    assert "falling" in repr(training.table())


def test_interrupting_keeps_what_was_learned(
    data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def callback(view: Any) -> Any:
        class Stop(keras.callbacks.Callback):  # type: ignore[misc, name-defined]
            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                view._epoch(logs)
                if epoch == 1:
                    raise KeyboardInterrupt

        return Stop()

    monkeypatch.setattr("utils.training.view.LiveView.callback", callback)
    run = fit(data, epochs=50)
    assert (run.record["epochs"], run.record["interrupted"]) == (2, True)
    assert models.load("net")[0]["interrupted"]
    assert run.record["validation"] > 0.3


@pytest.mark.parametrize(
    ("change", "build", "told"),
    [
        ({"x_train": lambda d: d.x_train * 255}, build, "divide the images by 255"),
        ({"y_train": lambda d: d.y_train.argmax(1)}, build, "one-hot labels of shape"),
        (
            {},
            lambda: build("sparse_categorical_crossentropy"),
            "class numbers of shape",
        ),
        ({}, lambda: build(last=None), "takes probabilities"),
        (
            {},
            lambda: build(keras.losses.CategoricalCrossentropy(from_logits=True)),
            "softmax twice",
        ),
        ({"x_train": lambda d: (d.x_train - 0.3) / 0.2}, build, "must be a layer of the net"),
        ({"x_val": lambda d: d.x_train[:9], "y_val": lambda d: d.y_train[:9]}, build, "by heart"),
        ({"x_train": lambda d: d.x_train[:, :4]}, build, "the model takes"),
        ({"x_train": lambda d: d.x_train[:9]}, build, "9 training images and 160 labels"),
        ({}, lambda: keras.Sequential([keras.Input((8, 8, 3)), FLATTEN()]), "isn't compiled"),
    ],
)
def test_a_mistake_is_named_before_training(
    data: Dataset, change: dict[str, Any], build: Callable[[], Any], told: str
) -> None:
    data = replace(data, **{name: new(data) for name, new in change.items()})
    with pytest.raises(training.NotReady, match=told):
        fit(data, build)


def _subclassed() -> Any:
    class Net(keras.Model):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(CLASSES)

        def call(self, x: Any) -> Any:
            return keras.ops.softmax(self.dense(keras.ops.reshape(x, (-1, SIZE * SIZE * 3))))

    model = Net()
    model.compile(keras.optimizers.Adam(0.01), ["categorical_crossentropy"], metrics=["accuracy"])
    return model


def _own_softmax(scores: Any) -> Any:
    powers = keras.ops.exp(scores)
    return powers / keras.ops.sum(powers, axis=-1, keepdims=True) * keras.ops.ones_like(scores)


def _any_size() -> Any:
    steps = [
        keras.Input((None, None, 3)),
        keras.layers.Conv2D(8, 5),
        keras.layers.GlobalMaxPooling2D(),
        keras.layers.Dense(CLASSES),
        keras.layers.Lambda(lambda scores: tf.nn.softmax(scores * tf.ones(CLASSES))),
    ]
    model = keras.Sequential(steps)
    model.compile(keras.optimizers.Adam(0.01), "categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.mark.parametrize(
    ("build", "warned"),
    [
        (lambda: build(last=tf.nn.softmax), ""),
        (lambda: build(last=keras.layers.Softmax()), ""),
        (lambda: build(last=_own_softmax), ""),
        (_subclassed, ""),
        (_any_size, ""),
        (lambda: build("mean_squared_error"), "Careful: softmax and mean_squared_error"),
        (lambda: build("binary_crossentropy"), "Careful: softmax and binary_crossentropy"),
    ],
)
def test_nets_that_learn_are_trained_however_they_are_written(
    data: Dataset, capsys: pytest.CaptureFixture[str], build: Callable[[], Any], warned: str
) -> None:
    assert fit(data, build, epochs=8).record["validation"] > 0.5
    told = capsys.readouterr().out
    assert warned in told and ("Careful" in told) == bool(warned)
    said = models.answers("net", build)(data.x_val)["outputs"]
    assert models.accuracy(models.restore("net", build), data.x_val, data.y_val) > 0.5
    np.testing.assert_allclose(said.sum(axis=1), 1, atol=1e-4)


def test_class_numbers_in_a_column_are_class_numbers(data: Dataset) -> None:
    column = replace(data, y_train=data.y_train.argmax(1)[:, None], y_val=data.y_val.argmax(1))
    fit(column, lambda: build("sparse_categorical_crossentropy"), epochs=1)


def test_sorted_images_without_shuffling_are_refused(data: Dataset) -> None:
    order = np.argsort(data.y_train.argmax(1))
    many = replace(
        data, x_train=data.x_train[order].repeat(8, 0), y_train=data.y_train[order].repeat(8, 0)
    )
    with pytest.raises(training.NotReady, match="sorted by class, and shuffle is off"):
        fit(many, shuffle=False)


def test_a_build_without_return_is_named(data: Dataset) -> None:
    with pytest.raises(TypeError, match="is the return missing"):
        fit(data, lambda: None)


def test_diverged_training_is_not_saved(data: Dataset, notebook: Path) -> None:
    with pytest.raises(models.WeightsProblem, match=r"diverged in epoch 1: .* smaller learning"):
        fit(data, lambda: build(rate=float("inf")))
    assert not (notebook / "net.npz").exists()


def test_when_graded_nothing_is_trained(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = fit(data)
    monkeypatch.setenv(HANDOVER, str(tmp_path))
    own_fit = keras.Model.fit
    monkeypatch.setattr(keras.Model, "fit", own_fit)  # put back afterwards
    given, test = training.begin("90_training", "cifar10")
    assert given.x_train.shape[1:] == (32, 32, 3) and len(test) == 50
    again = fit(data, epochs=1000)
    assert again.record["epochs"] == 4
    assert np.array_equal(again.model.get_weights()[0], run.model.get_weights()[0])
    model = build()
    before = model.get_weights()[0].copy()
    model.fit(data.x_train, data.y_train, epochs=1)
    assert np.array_equal(model.get_weights()[0], before)


def test_weights_that_are_missing_foreign_damaged_or_unfit_are_named(
    data: Dataset, notebook: Path
) -> None:
    with pytest.raises(models.WeightsProblem, match=r"no weights net.npz.*run the training cell"):
        models.restore("net", build)
    fit(data, epochs=1)
    path = notebook / "net.npz"
    good = path.read_bytes()
    (notebook / "other.npz").write_bytes(good)
    with pytest.raises(models.WeightsProblem, match="holds the weights of 'net', not of 'other'"):
        models.restore("other", build)

    def larger() -> Any:
        return keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(3, 3)])

    with pytest.raises(models.WeightsProblem, match=r"array 0 has shape \(3, 3, 3, 3\) there"):
        models.restore("net", larger)
    record, weights = models.read(good)
    weights[0][0, 0] = np.nan
    path.write_bytes(codec.pack({"record": record, "weights": weights}))
    with pytest.raises(models.WeightsProblem, match="NaN"):
        models.restore("net", build)
    for junk in (good[:200], b"", b"PK\x03\x04", codec.pack([1, 2])):
        path.write_bytes(junk)
        with pytest.raises(models.WeightsProblem, match="train again"):
            models.restore("net", build)


def test_the_table_fills_itself(data: Dataset) -> None:
    fit(data, epochs=1)
    shown = training.table(["net", "later"])
    assert "flatten · dense 4 · softmax" in repr(shown) and "772" in repr(shown)
    assert "not trained yet" in repr(shown)
    assert "<script" not in view.Table([{"name": "<script>"}])._repr_html_()


def test_a_search_keeps_its_trials_and_the_best(data: Dataset) -> None:
    found = searching.search(
        "trials", lambda rate: build(rate=rate), data, rates=[0.01, 1e-6], batches=[8, 80], epochs=1
    )
    assert len(found.rows) == 4
    assert found.best["rate"] == 0.01 and found.best["batch"] == 8
    fit(data, lambda: build(rate=0.01), epochs=1, batch=8)
    handed = searching.tuning("trials", "net")()
    assert len(handed["trials"]) == 4
    assert handed["chosen"] == {"rate": pytest.approx(0.01), "batch": 8.0}
    assert "trials" not in repr(training.table())


def test_a_search_of_rates_that_the_model_does_not_take_says_so(
    data: Dataset, notebook: Path
) -> None:
    with pytest.raises(training.NotReady, match=r"build\(0.001\) makes .* rate of 0.01: hand"):
        searching.search(
            "trials", lambda rate: build(), data, rates=[0.01, 1e-3], batches=[8], epochs=1
        )
    assert not list(notebook.glob("trials*"))

    def falling(rate: float) -> Any:
        model = build()
        schedule = keras.optimizers.schedules.ExponentialDecay(rate, 100, 0.9)
        model.compile(keras.optimizers.Adam(schedule), "categorical_crossentropy")
        return model

    found = searching.search("trials", falling, data, rates=[0.01], batches=[80], epochs=1)
    assert len(found.rows) == 1


def test_every_opening_of_the_test_set_is_recorded(
    data: Dataset, notebook: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fit(data, epochs=1)
    test = sealed.SealedTest(data.x_val, data.y_val)
    assert repr(test) == "80 test images under seal, never opened"
    test.open("choosing", "net")
    assert capsys.readouterr().out.count("opened") == 0
    test.open("choosing", "net")  # the notebook is run once more
    fit(data, epochs=1)
    test.open("choosing", "net")
    assert capsys.readouterr().out.count("has been opened") == 0
    test.open("choosing", "other")
    assert "opened 2 times for 'choosing'" in capsys.readouterr().out
    rows = json.loads((notebook / sealed.FILE).read_text())
    assert rows["choosing"]["times"] == 2 and rows["choosing"]["chosen"] == "net"
    fit(data, epochs=2)
    test.open("choosing", "net")
    assert sealed.openings()["choosing"]["times"] == 3
    chosen = sealed.choice("choosing")
    assert (chosen["chosen"], chosen["times opened"]) == ("net", 3)
    assert list(chosen["validation"]) == ["net"]
    (notebook / sealed.FILE).write_text('{"choosing": 7}')
    assert sealed.openings() == {}


def test_the_last_table_is_written_down_for_the_check(data: Dataset, notebook: Path) -> None:
    run = fit(data)
    shown = training.final_table({"net": build, "later": build}, data.x_val, data.y_val)
    assert shown.test == {"net": pytest.approx(run.record["validation"], abs=1e-3)}
    told = sealed.reported(["net", "later"])
    assert told == {
        "net": {
            "train": 100 * run.record["train"],
            "validation": 100 * run.record["validation"],
            "test": pytest.approx(100 * run.record["validation"], abs=0.1),
        }
    }
    (notebook / sealed.REACHED).write_text('{"net": "all of them"}')
    assert "test" not in sealed.reported(["net"])["net"]


@pytest.mark.parametrize(
    "record",
    [None, 3, {}, {"epochs": "30", "batch": [1], "history": 3}, {"history": {"loss": [None, "x"]}},
     {"epochs": True, "history": {"loss": {}, "val_accuracy": []}}],
)  # fmt: skip
def test_what_a_record_lacks_is_unknown(record: object) -> None:
    found = records.how(record)
    assert np.isnan([found["epochs"], found["batch"], found["end of its curves"]]).all()


def test_a_record_tells_how_it_was_trained(data: Dataset) -> None:
    found = records.how(fit(data).record)
    assert (found["epochs"], found["batch"], found["length of its curves"]) == (4, 16, 4)
    assert found["end of its curves"] == pytest.approx(
        models.load("net")[0]["validation"], abs=0.01
    )


def test_more_training_images_begin_with_those_that_there_were() -> None:
    few = datasets.load(train=40, validation=20, test=5)
    coded = training.with_labels(few, lambda labels: np.eye(10, dtype=np.float32)[labels])
    many = training.with_images(coded, 70)
    assert many.x_train.shape == (70, 32, 32, 3) and many.y_train.shape == (70, 10)
    np.testing.assert_array_equal(many.x_train[:40], few.x_train)
    np.testing.assert_array_equal(many.y_train[:40], coded.y_train)
    assert many.x_val is coded.x_val and "70 training" in many.description
    assert training.with_images(coded, 40) is coded


def test_a_net_is_compared_with_another_on_the_same_images(data: Dataset) -> None:
    fit(data)
    training.fit("worse", build, data, epochs=1, batch=160)
    found = models.compared("net", build, worse=build, missing=build)(data.x_val)
    assert [layer["type"] for layer in found["layers"]] == ["Flatten", "Dense", "Activation"]
    assert found["beside"]["worse"].shape == (80,)
    assert "no weights missing.npz" in found["beside"]["missing"]


def test_two_ways_to_write_a_net_are_described_alike() -> None:
    layers = keras.layers
    short = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(5, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(4, activation="softmax", kernel_regularizer=keras.regularizers.L2(0.05)),
        ]
    )
    images = keras.Input((8, 8, 3))
    inner = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(5, (3, 3), padding="same")])
    x = layers.ReLU()(inner(images))
    x = layers.Reshape((80,))(layers.MaxPool2D((2, 2))(x))
    x = layers.Dense(4, kernel_regularizer=keras.regularizers.L2(0.05))(x)
    long = keras.Model(images, layers.Softmax()(x))
    one, two = describe(short), describe(long)
    for key in ("steps", "parameters", "multiplications", "input", "output", "regularisers"):
        assert one[key] == two[key], key
    assert one["steps"][0] == "conv 5 3×3 same"
    assert one["multiplications"] == 8 * 8 * 5 * 27 + 80 * 4


def test_what_makes_another_net_of_the_same_layers_is_told() -> None:
    layers, regularizers = keras.layers, keras.regularizers

    def told(
        metrics: Any = None, loss: Any = "categorical_crossentropy", **more: Any
    ) -> dict[str, Any]:
        model = keras.Sequential([keras.Input((8, 8, 4)), layers.Conv2D(4, 3, **more)])
        model.compile("adam", loss, metrics=metrics)
        return describe(model)

    l2, ours = regularizers.L2(0.05), lambda w: 0.05 * keras.ops.sum(w * w)
    for options, regularisers in (
        ({}, []),
        ({"kernel_regularizer": l2}, ["conv2d weights L2 0.05"]),
        ({"kernel_regularizer": ours}, ["conv2d weights L2 0.05"]),
        ({"kernel_regularizer": regularizers.L1L2(0.1, 0.05)}, ["conv2d weights L1 0.1 L2 0.05"]),
        ({"kernel_regularizer": lambda w: keras.ops.max(w)}, ["conv2d weights of its own"]),
        ({"bias_regularizer": l2}, ["conv2d biases L2 0.05"]),
        ({"activity_regularizer": l2}, ["conv2d outputs L2 0.05"]),
    ):
        assert told(**options)["regularisers"] == regularisers
    for metrics, name in (
        (None, "none"),
        (["mse"], "mse"),
        (["mse", "acc"], "accuracy"),
        ([keras.metrics.CategoricalAccuracy(name="mine")], "accuracy"),
        ([keras.metrics.Accuracy()], "equality"),
    ):
        assert told(metrics)["metric"] == name
    assert told(dilation_rate=2)["steps"] == ["conv 4 3×3 valid dilation 2"]
    assert told(groups=2, strides=(2, 1))["steps"] == ["conv 4 3×3 valid stride 2×1 groups 2"]
    smoothed = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)
    assert told(loss=smoothed)["smoothing"] == 0.1 and told()["smoothing"] == 0


def test_the_same_training_is_not_done_twice_unless_asked_for(
    data: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    first = training.fit("net", build, data, epochs=2)
    capsys.readouterr()
    second = training.fit("net", build, data, epochs=2)
    assert "kept" in capsys.readouterr().out and second.record == first.record
    for mine, kept in zip(second.model.get_weights(), first.model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, kept)
    for changed in ({"epochs": 3}, {"epochs": 2, "seed": 1}, {"epochs": 2, "again": True}):
        training.fit("net", build, data, **changed)  # type: ignore[arg-type]
        assert "kept" not in capsys.readouterr().out, changed


@pytest.fixture
def interrupt(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, type[BaseException]], None]:
    """Make training end after an epoch, as an interrupting student or a dying kernel does."""
    begun = fitting._train

    def prepare(after: int, by: type[BaseException] = KeyboardInterrupt) -> None:
        class _Interrupt(keras.callbacks.Callback):  # type: ignore[misc, name-defined]
            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                if epoch + 1 == after:
                    raise by

        def train(model: Any, feed: Any, epochs: int, callbacks: list[Any], *done: int) -> bool:
            return begun(model, feed, epochs, [*callbacks, _Interrupt()], *done)

        monkeypatch.setattr(fitting, "_train", train)

    return prepare


def test_an_interrupted_run_does_not_replace_a_better_net(
    data: Dataset, capsys: pytest.CaptureFixture[str], interrupt: Any
) -> None:
    good = training.fit("net", build, data, epochs=6)
    interrupt(1)
    capsys.readouterr()
    worse = training.fit("net", build, data, epochs=7)
    assert "trained before is better and is kept" in capsys.readouterr().out
    assert worse.record == good.record == models.load("net")[0]
    for mine, kept in zip(worse.model.get_weights(), models.load("net")[1], strict=True):
        np.testing.assert_array_equal(mine, kept)
    training.fit("net", build, data, epochs=7, again=True)
    assert models.load("net")[0]["interrupted"]
    models.put_back("net")
    assert models.load("net")[0] == good.record


def test_what_was_interrupted_is_trained_on_only_when_asked_for(
    data: Dataset, capsys: pytest.CaptureFixture[str], interrupt: Any
) -> None:
    interrupt(2)
    first = fit(data)
    assert first.record["epochs"] == 2
    again = fit(data)
    assert again.record == first.record
    assert "Interrupted after 2 of 4 epochs" in capsys.readouterr().out
    more = fit(data, more=True, falling=False)
    assert more.record["epochs"] == 4 and not more.record["interrupted"]
    assert more.record["history"]["loss"][:2] == first.record["history"]["loss"]
    assert more.record["seconds"] >= first.record["seconds"]
    assert max(more.record["history"]["loss"][2:]) < first.record["history"]["loss"][0]
    capsys.readouterr()
    assert fit(data, more=True).record == more.record
    assert "Trained before" in capsys.readouterr().out
    assert fit(data, epochs=6, more=True).record["epochs"] == 6


def test_a_kernel_that_ends_leaves_what_it_has_learned(
    data: Dataset, monkeypatch: pytest.MonkeyPatch, interrupt: Any, notebook: Path
) -> None:
    monkeypatch.setattr(callbacks, "_KEEP_EVERY", 0.0)
    interrupt(3, SystemExit)
    with pytest.raises(SystemExit):
        fit(data)
    assert not (notebook / "net.npz").exists()
    found = fit(data)
    assert (found.record["epochs"], found.record["interrupted"]) == (3, True)
    assert found.record["train"] == round(
        models.accuracy(found.model, data.x_train, data.y_train), 4
    )
    assert models.load("net")[0] == found.record
    assert [path.name for path in notebook.iterdir()] == ["net.npz"]
    with pytest.raises(SystemExit):
        fit(data, lambda: build(rate=1e-7))
    assert fit(data).record == found.record, "a worse one replaces nothing"


def test_a_better_net_of_other_settings_is_put_aside(
    data: Dataset, capsys: pytest.CaptureFixture[str], notebook: Path
) -> None:
    good = training.fit("net", build, data, epochs=6)
    training.fit("net", lambda: build(rate=1e-7), data, epochs=1)
    assert "models.put_back('net') brings it back" in capsys.readouterr().out
    assert models.load("net")[0]["rate"] == pytest.approx(1e-7) and models.names() == ["net"]
    models.put_back("net")
    assert models.load("net")[0] == good.record
    models.put_back("net")
    assert models.load("net")[0]["rate"] == pytest.approx(1e-7)
    with pytest.raises(models.WeightsProblem, match="put aside"):
        models.put_back("other")


@pytest.mark.parametrize("problem", ["measured", "large", "name", "closed"])
def test_what_can_not_be_measured_or_saved_is_refused_before_it_trains(
    data: Dataset, monkeypatch: pytest.MonkeyPatch, problem: str, notebook: Path
) -> None:
    monkeypatch.setattr(fitting, "_train", lambda *_: pytest.fail("it trains"))

    def fails(*_: Any) -> float:
        raise ValueError("zero-dimensional arrays cannot be concatenated")

    if problem == "measured":
        monkeypatch.setattr(models, "accuracy", fails)
    if problem == "large":
        monkeypatch.setattr(models, "HANDIN_BYTES", 1000)
    if problem == "closed":
        notebook.parent.write_text("a file")
    told = {
        "measured": "can't be measured: ValueError: zero-dim",
        "large": "would take 3 kB, and a notebook's handed-in files 1 kB at most",
        "name": "'my net' is no name for a model",
        "closed": "weights can't be saved in",
    }
    with pytest.raises((training.NotReady, models.WeightsProblem), match=told[problem]):
        training.fit("my net" if problem == "name" else "net", build, data, epochs=1)


def test_an_interrupted_search_keeps_its_trials_and_goes_on_when_asked_for(
    data: Dataset, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def search(**options: Any) -> list[dict[str, float]]:
        return searching.search(
            "trials", lambda rate: build(rate=rate), data, rates=[0.01, 0.02], batches=[80],
            epochs=1, **options,
        ).rows  # fmt: skip

    train, calls = fitting._train, []

    def second_is_interrupted(*arguments: Any) -> bool:
        calls.append(1)
        return train(*arguments) or len(calls) == 2

    monkeypatch.setattr(fitting, "_train", second_is_interrupted)
    assert len(search()) == len(search()) == 1
    assert "Interrupted after 1 of 2 trials" in capsys.readouterr().out
    assert len(search(more=True)) == 2 and len(calls) == 3
    assert len(search()) == 2 and len(calls) == 3


@pytest.fixture(params=["mixed_float16", "mixed_bfloat16", "float64"])
def policy(request: pytest.FixtureRequest) -> Iterator[str]:
    """A precision that the student's notebook has chosen."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy(before)


def test_a_net_of_another_precision_is_described_and_judged_alike(
    policy: str, data: Dataset
) -> None:
    run = fit(data, falling=True)
    assert run.record["validation"] > 0.9 and run.record["precision"] == policy
    assert (run.record["optimizer"], run.record["rate"]) == ("adam", pytest.approx(0.01))
    found = models.configuration(build)()
    assert (found["optimizer"], found["rate"]) == ("adam", pytest.approx(0.01))
    restored = models.restore("net", build)
    outputs = models.outputs_of(restored, data.x_val)
    assert outputs.dtype == np.float32
    handed = codec.unpack(codec.pack(models.answers("net", build)(data.x_val)))
    assert handed["outputs"].dtype == handed["outputs_255"].dtype == np.float32
    np.testing.assert_array_equal(handed["outputs"], outputs)
