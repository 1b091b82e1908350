"""Augmenters and streams from outside, training with streams, and what is shown of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from utils import training
from utils.exercises.augmentation_numbers import numbers_of, numbers_of_variant
from utils.images import datasets, exam_images
from utils.images.datasets import Dataset
from utils.nets import quiet
from utils.pictures import augmentation as plots
from utils.rules import observing
from utils.training import augmentation_view, augmenters, augmenting, claims, models

keras = quiet.import_keras()
tf = quiet.import_tensorflow()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    before = models._Place.notebook, models._Place.base
    models.use("03_data_augmentation", tmp_path)
    yield tmp_path
    models._Place.notebook, models._Place.base = before


@pytest.fixture(scope="module")
def few() -> Dataset:
    data = datasets.load("photodigits", train=60, validation=30, test=10)
    return training.with_labels(data, lambda labels: np.eye(10, dtype=np.float32)[labels])


def build() -> Any:
    steps = [keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")]
    model = keras.Sequential(steps)
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return model


def streams(data: Dataset, augmenter: Any, batch: int, seed: int) -> tuple[Any, Any]:
    stream = tf.data.Dataset.from_tensor_slices((data.x_train, data.y_train))
    stream = stream.shuffle(100, seed=seed).batch(batch)
    held_back = tf.data.Dataset.from_tensor_slices((data.x_val, data.y_val)).batch(batch)
    return stream.map(lambda x, y: (augmenter(x, training=True), y)), held_back


def shifting() -> Any:
    return keras.Sequential([keras.layers.RandomTranslation(0.1, 0.1, fill_mode="nearest")])


def test_an_augmenter_is_told_in_words() -> None:
    assert augmenters.in_words(shifting()) == "random translation 0.1 0.1 nearest"
    assert augmenters.in_words(keras.layers.RandomFlip("horizontal")) == "random flip horizontal"
    assert augmenters.in_words(keras.Sequential([])) == "nothing"


def test_a_changed_function_is_told_differently() -> None:
    def brighter(images: Any) -> Any:
        return images + 0.1

    one = augmenters.in_words(brighter)

    def brighter(images: Any) -> Any:  # type: ignore[no-redef]
        return images + 0.2

    assert one.startswith("brighter ") and one != augmenters.in_words(brighter)


def test_training_is_passed_on_where_it_is_taken() -> None:
    images = np.ones((2, 4, 4, 3), np.float32)

    def doubled(images: Any, training: bool = True) -> Any:
        return images * 2 if training else images

    assert augmenters.apply(doubled, images, True).max() == 2
    assert augmenters.apply(doubled, images, False).max() == 1
    assert augmenters.apply(lambda images: images * 3, images, False).max() == 3
    with pytest.raises(TypeError, match="is the return missing"):
        augmenters.apply(None, images, True)  # type: ignore[arg-type]


def test_marked_images_are_recognised_with_and_without_stamp() -> None:
    numbers = np.array([0, 1, 77, 4095])
    images = augmenters.marked(numbers, validation=True)
    found, held_back, stamps = augmenters.numbers_of(images)
    assert found.tolist() == numbers.tolist() and held_back.all() and not stamps.any()
    stamp = augmenters.stamp()
    found, _, stamps = augmenters.numbers_of(np.asarray(stamp(images, training=True)))
    assert found.tolist() == numbers.tolist()
    assert len(set(stamps.tolist())) == 4 and stamps.min() >= augmenters.STAMP - 1e-6
    assert np.array_equal(stamp(images, training=False), images)
    with pytest.raises(ValueError, match="are not those"):
        augmenters.numbers_of(images * 0.3)


def test_spots_can_be_found_again_by_their_colour() -> None:
    images, masks = observing.spotted(30, 5)
    assert np.array_equal(observing._red_spot(images), masks)
    assert images.min() >= 0 and images.max() <= 1
    assert not masks[:, :4].any() and not masks[:, :, -4:].any()


def test_training_reads_the_streams_and_records_the_augmentation(place: Path, few: Dataset) -> None:
    run = training.fit("shifted", build, few, epochs=2, batch=20, streams=streams, augment=shifting)
    assert run.record["augmentation"] == "random translation 0.1 0.1 nearest"
    assert len(run.record["history"]["val_loss"]) == 2
    again = training.fit(
        "shifted", build, few, epochs=2, batch=20, streams=streams, augment=shifting
    )
    assert again.record == run.record  # kept, not trained anew
    flips = lambda: keras.layers.RandomFlip("horizontal")  # noqa: E731
    other = training.fit("shifted", build, few, epochs=2, batch=20, streams=streams, augment=flips)
    assert other.record["augmentation"] == "random flip horizontal"


def test_the_net_gets_to_see_what_the_stream_delivers(place: Path, few: Dataset) -> None:
    seen = []

    def watching(data: Dataset, augmenter: Any, batch: int, seed: int) -> tuple[Any, Any]:
        stream, held_back = streams(data, augmenter, batch, seed)

        def watched(x: Any, y: Any) -> Any:
            tf.py_function(lambda x: seen.append(float(tf.reduce_max(x))), [x], [])
            return x, y

        return stream.map(watched), held_back

    black = lambda: lambda images, training=True: images * 0  # noqa: E731
    training.fit("black", build, few, epochs=3, batch=30, streams=watching, augment=black)
    assert len(seen) == 6 and set(seen) == {0.0}


def test_endless_streams_are_cut_into_epochs(place: Path, few: Dataset) -> None:
    def endless(data: Dataset, augmenter: Any, batch: int, seed: int) -> tuple[Any, Any]:
        stream, held_back = streams(data, augmenter, batch, seed)
        return stream.repeat(), held_back

    run = training.fit("endless", build, few, epochs=2, batch=20, streams=endless, augment=shifting)
    assert run.record["epochs"] == 2


def test_one_stream_is_not_enough(place: Path, few: Dataset) -> None:
    with pytest.raises(training.NotReady, match="two streams"):
        training.fit("one", build, few, epochs=1, streams=lambda *_: None, augment=shifting)  # type: ignore[arg-type,return-value]


def test_claims_hold_classes_for_all_images_asked_for(place: Path, few: Dataset) -> None:
    training.fit("net", build, few, epochs=1, batch=30)
    found = claims.about({"net": build}, {"x": 1})(few.x_val, few.x_train)
    assert found["said"] == {"x": 1} and found["dataset"] == "photodigits"
    assert found["rows"]["net"]["validation"].shape == (30,)
    assert found["rows"]["net"]["train"].shape == (60,)
    assert found["rows"]["net"]["record"]["epochs"] == 1


def test_a_second_look_shows_whether_a_net_is_steady(place: Path, few: Dataset) -> None:
    training.fit("net", build, few, epochs=1, batch=30)
    found = augmenting.answers("net", build)(few.x_val)
    assert np.array_equal(found["outputs"], found["again"])


def test_records_of_training_images_are_those_of_the_judge(few: Dataset) -> None:
    images, labels = exam_images.behind("photodigits", "train")
    assert np.array_equal(images[:60] / np.float32(255), few.x_train)
    assert np.array_equal(labels[:60], few.y_train.argmax(axis=1))


def test_numbers_belong_to_an_id_and_make_whole_answers() -> None:
    assert numbers_of("Team 07") == numbers_of("team_7")
    with pytest.raises(ValueError, match="STUDENT_ID"):
        numbers_of("your_id")
    told = {numbers_of_variant(v).told() for v in range(100)}
    assert len(told) == 100
    assert "<table>" in numbers_of("team_7")._repr_html_()


def test_every_figure_is_drawn(place: Path, few: Dataset) -> None:
    plain = replace(few, y_train=few.y_train.argmax(axis=1))
    training.fit("none", build, few, epochs=2, batch=30)
    training.fit("shift", build, few, epochs=2, batch=30, streams=streams, augment=shifting)
    some, masks = augmenting.with_masks(3)
    figures = [
        plots.through_epochs(few, streams, shifting(), images=3, epochs=2),
        plots.ways_to_fill(few.x_train[0], lambda images, down, right: images, 3, -2),
        plots.mirrored(plain),
        plots.masks_follow(some, masks, some, masks & False),
        plots.curves(["none", "shift"]),
        plots.strategies(["none", "shift"]),
    ]
    for figure in figures:
        figure.canvas.draw()
        assert figure.axes
        plt.close(figure)
    images = [axis.images[0].get_array() for axis in figures[0].axes if axis.images]
    assert len(images) == 9 and not np.array_equal(images[1], images[2])


def test_the_table_tells_what_was_done_and_the_gap(place: Path, few: Dataset) -> None:
    training.fit("shift", build, few, epochs=1, batch=30, streams=streams, augment=shifting)
    shown = augmentation_view.table(["shift", "missing"])
    head, row = shown.lines()
    assert head[-1] == "gap" and row[1] == "random translation 0.1 0.1 nearest"
    record = models.load("shift")[0]
    assert row[-1] == f"{100 * (record['train'] - record['validation']):+.1f}"
    assert "random translation" in shown._repr_html_()
