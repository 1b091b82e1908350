"""Known answers to notebook 03: streams of training and of validation images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from grader.contract.sample import right, wrong
from utils.images.datasets import Dataset
from utils.nets import quiet
from utils.training import augmenting

Array = np.ndarray


def _pairs(x: Any, y: Any) -> Any:
    return quiet.import_tensorflow().data.Dataset.from_tensor_slices((x, y))


def _validation(data: Dataset, batch: int) -> Any:
    return _pairs(data.x_val, data.y_val).batch(batch)


def _mapped(augmenter: Any) -> Callable[[Any, Any], Any]:
    return lambda x, y: (augmenter(x, training=True), y)


def _usual(data: Dataset, augmenter: Any, batch: int, seed: int) -> Any:
    stream = _pairs(data.x_train, data.y_train).shuffle(len(data.x_train), seed=seed).batch(batch)
    return stream.map(_mapped(augmenter), num_parallel_calls=2)


def _single_images(data: Dataset, augmenter: Any, batch: int, seed: int) -> tuple[Any, Any]:
    stream = _pairs(data.x_train, data.y_train).map(_mapped(augmenter))
    stream = stream.shuffle(200, seed=seed).batch(batch, drop_remainder=True)
    return stream, (data.x_val, data.y_val)


def _endless(data: Dataset, augmenter: Any, batch: int, seed: int) -> tuple[Any, Any]:
    stream = _pairs(data.x_train, data.y_train).shuffle(200, seed=seed).repeat().batch(batch)
    return stream.map(_mapped(augmenter)), _validation(data, batch)


def _py_dataset(data: Dataset, augmenter: Any, batch: int, seed: int) -> tuple[Any, Any]:
    keras = quiet.import_keras()

    class Batches(keras.utils.PyDataset):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.rng = np.random.default_rng(seed)
            self.on_epoch_end()

        def __len__(self) -> int:
            return -(-len(data.x_train) // batch)

        def on_epoch_end(self) -> None:
            self.order = self.rng.permutation(len(data.x_train))

        def __getitem__(self, number: int) -> tuple[Any, Any]:
            chosen = self.order[number * batch : (number + 1) * batch]
            return augmenter(data.x_train[chosen], training=True), data.y_train[chosen]

    return Batches(), _validation(data, batch)


def _generated(data: Dataset, augmenter: Any, batch: int, seed: int) -> tuple[Any, Any]:
    tf = quiet.import_tensorflow()

    rng = np.random.default_rng(seed)

    def batches() -> Iterator[Any]:
        order = rng.permutation(len(data.x_train))
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            yield np.asarray(augmenter(data.x_train[chosen])), data.y_train[chosen]

    shapes = ((None, 32, 32, 3), (None, 10))
    signature = tuple(tf.TensorSpec(shape, tf.float32) for shape in shapes)
    stream = tf.data.Dataset.from_generator(batches, output_signature=signature)
    return stream, _validation(data, batch)


def _used_up(data: Dataset, augmenter: Any, batch: int, seed: int) -> tuple[Any, Any]:
    order = np.random.default_rng(seed).permutation(len(data.x_train))
    chosen = [order[i : i + batch] for i in range(0, len(order), batch)]
    stream = ((augmenter(data.x_train[c], training=True), data.y_train[c]) for c in chosen)
    return stream, _validation(data, batch)


def _torn(data: Dataset, augmenter: Any, batch: int, seed: int) -> tuple[Any, Any]:
    tf = quiet.import_tensorflow()
    parts = [
        tf.data.Dataset.from_tensor_slices(part).shuffle(200, seed=seed + number)
        for number, part in enumerate((data.x_train, data.y_train))
    ]
    stream = tf.data.Dataset.zip(tuple(parts)).batch(batch).map(_mapped(augmenter))
    return stream, _validation(data, batch)


def _beforehand(data: Dataset, augmenter: Any, batch: int, seed: int) -> tuple[Any, Any]:
    changed = np.asarray(augmenter(data.x_train, training=True))
    return _pairs(changed, data.y_train).shuffle(200, seed=seed).batch(batch), _validation(
        data, batch
    )


def _with_validation(data: Dataset, augmenter: Any, batch: int, seed: int) -> tuple[Any, Any]:
    x = np.concatenate([data.x_train, data.x_val])
    y = np.concatenate([data.y_train, data.y_val])
    stream = _pairs(x, y).shuffle(200, seed=seed).batch(batch).map(_mapped(augmenter))
    return stream, _validation(data, batch)


def _shuffled(
    among: int = 200,
    seed: Callable[[int], int | None] = lambda seed: seed,
    anew: bool = True,
    times: int = 1,
    validation_times: int = 1,
) -> Callable[..., tuple[Any, Any]]:
    """The usual streams, with something changed in how they are shuffled or repeated."""

    def answer(data: Dataset, augmenter: Any, batch: int, given: int) -> tuple[Any, Any]:
        stream = _pairs(data.x_train, data.y_train)
        stream = stream.shuffle(among, seed=seed(given), reshuffle_each_iteration=anew)
        stream = stream.repeat(times).batch(batch).map(_mapped(augmenter))
        return stream, _validation(data, batch).repeat(validation_times)

    return answer


def _stream(answer: Callable[..., Any]) -> Any:
    return augmenting.read(answer)


SAMPLES_STREAMS = [
    right("streams: image by image, last batch dropped", _stream(_single_images)),
    right("streams: without an end", _stream(_endless)),
    right("streams: keras.utils.PyDataset", _stream(_py_dataset)),
    right("streams: from_generator", _stream(_generated)),
    right(
        "streams: cached before it is augmented",
        _stream(
            lambda data, augmenter, batch, seed: (
                _pairs(data.x_train, data.y_train)
                .cache()
                .shuffle(200, seed=seed)
                .batch(batch)
                .map(_mapped(augmenter))
                .prefetch(2),
                _validation(data, batch).cache(),
            )
        ),
    ),
    wrong(
        "streams: not augmented -> training images are not augmented",
        _stream(
            lambda data, augmenter, batch, seed: (
                _pairs(data.x_train, data.y_train).shuffle(200, seed=seed).batch(batch),
                _validation(data, batch),
            )
        ),
    ),
    wrong(
        "streams: training=False -> training images are not augmented",
        _stream(
            lambda data, augmenter, batch, seed: (
                _pairs(data.x_train, data.y_train)
                .shuffle(200, seed=seed)
                .batch(batch)
                .map(lambda x, y: (augmenter(x, training=False), y)),
                _validation(data, batch),
            )
        ),
    ),
    wrong(
        "streams: validation augmented -> validation images are augmented",
        _stream(
            lambda data, augmenter, batch, seed: (
                _usual(data, augmenter, batch, seed),
                _validation(data, batch).map(_mapped(augmenter)),
            )
        ),
    ),
    wrong("streams: shuffled apart -> labels torn from their images", _stream(_torn)),
    wrong(
        "streams: augmented beforehand -> augmented once: the same images in each epoch",
        _stream(_beforehand),
    ),
    wrong(
        "streams: cached after the map -> augmented once: the same images in each epoch",
        _stream(
            lambda data, augmenter, batch, seed: (
                _usual(data, augmenter, batch, seed).cache(),
                _validation(data, batch),
            )
        ),
    ),
    wrong("streams: a generator -> the stream can be read only once", _stream(_used_up)),
    wrong(
        "streams: not shuffled -> training images are not shuffled",
        _stream(
            lambda data, augmenter, batch, seed: (
                _pairs(data.x_train, data.y_train).batch(batch).map(_mapped(augmenter)),
                _validation(data, batch),
            )
        ),
    ),
    wrong(
        "streams: only the first batches -> images are missing from an epoch",
        _stream(
            lambda data, augmenter, batch, seed: (
                _usual(data, augmenter, batch, seed).take(1),
                _validation(data, batch),
            )
        ),
    ),
    wrong(
        "streams: trained with all images -> validation images in the training stream",
        _stream(_with_validation),
    ),
    wrong(
        "streams: training labels for validation -> labels of validation images are wrong",
        _stream(
            lambda data, augmenter, batch, seed: (
                _usual(data, augmenter, batch, seed),
                _pairs(data.x_val, data.y_train[: len(data.x_val)]).batch(batch),
            )
        ),
    ),
    *(
        wrong(f"streams: {title} -> {name}", _stream(_shuffled(**options)))
        for title, name, options in (
            ("shuffle(2)", "shuffled among few neighbours", {"among": 2}),
            ("no seed", "drawn without the seed", {"seed": lambda seed: None}),
            ("always seed 0", "the seed makes no difference", {"seed": lambda seed: 0}),
            ("not reshuffled", "the same order in each epoch", {"anew": False}),
            ("three epochs in one", "an epoch goes on after all images", {"times": 3}),
            (
                "validation repeated",
                "validation does not end after all images",
                {"validation_times": 2},
            ),
            (
                "validation without an end",
                "validation does not end after all images",
                {"validation_times": -1},
            ),
        )
    ),
    wrong(
        "streams: validation in batches of 7",
        _stream(
            lambda data, augmenter, batch, seed: (
                _usual(data, augmenter, batch, seed),
                _validation(data, 7),
            )
        ),
    ),
    wrong(
        "streams: one stream",
        _stream(lambda data, augmenter, batch, seed: [_usual(data, augmenter, batch, seed)]),
    ),
]
