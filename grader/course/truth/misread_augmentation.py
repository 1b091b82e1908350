"""Known answers to notebook 03 of whoever misreads its text, or reads it in a way of their own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from grader.contract.sample import right, wrong
from utils.exercises.augmentation_numbers import numbers_of
from utils.images.datasets import Dataset
from utils.nets import quiet
from utils.rules import augmented, strategies, training
from utils.training import augmenting, models

from .augmentation_nets import made_up, three_convolutions, vgg
from .training_nets import net

Array = np.ndarray


# -- images ---------------------------------------------------------------------------------------


def _rows_and_columns(images: Array, d: int, r: int) -> tuple[Array, Array]:
    height, width = images.shape[1:3]
    rows = np.clip(np.arange(height) - d, 0, height - 1)
    return rows, np.clip(np.arange(width) - r, 0, width - 1)


def _moved(images: Array, down: Array, right: Array, crossed: bool = True) -> Array:
    moved = np.empty_like(images)
    for n, (d, r) in enumerate(zip(down, right, strict=True)):
        rows, columns = _rows_and_columns(images, d, r)
        moved[n] = images[n][rows][:, columns] if crossed else images[n][rows, columns]
    return moved


def _padded(images: Array, down: Array, right: Array) -> Array:
    most = int(max(np.abs(down).max(), np.abs(right).max()))
    wide = np.pad(images, ((0, 0), (most, most), (most, most), (0, 0)), mode="edge")
    height, width = images.shape[1:3]
    corners = zip(most - np.asarray(down), most - np.asarray(right), strict=True)
    return np.array(
        [w[y : y + height, x : x + width] for w, (y, x) in zip(wide, corners, strict=True)]
    )


def _fourth_channel(images: Array, masks: Array, seed: int) -> list[Array]:
    rng = np.random.default_rng(seed)
    down, right = (rng.integers(-4, 5, len(images)) for _ in "yx")
    both = np.concatenate([images, masks[..., None].astype(images.dtype)], axis=-1)
    moved = _moved(both, down, right)
    return [moved[..., :3], moved[..., 3] > 0.5]


def _crosswise(images: Array, masks: Array, seed: int) -> tuple[Array, Array]:
    down, right = np.random.default_rng(seed).integers(-4, 5, (2, len(images)))
    return _moved(images, down, right), _moved(masks[..., None], right, down)[..., 0]


def _cropped(dataset: str) -> Any:
    """A frame of zeros, and a part of it as large as the image, image by image."""
    keras, tf = quiet.import_keras(), quiet.import_tensorflow()
    frame, crop = keras.layers.ZeroPadding2D(2), keras.layers.RandomCrop(32, 32)

    def augmenter(images: Any, training: bool = True) -> Any:
        if not training:
            return images
        singles = tf.convert_to_tensor(images)
        return tf.stack([crop(frame(i[None]), training=True)[0] for i in singles])

    return augmenter


def _flipped_both_ways(dataset: str) -> Any:
    keras = quiet.import_keras()
    layers = keras.layers
    move = layers.RandomTranslation(0.1, 0.1, fill_mode="nearest")
    return keras.Sequential([layers.RandomFlip() if dataset == "cifar10" else move])


# -- streams --------------------------------------------------------------------------------------


def _stream(change: Callable[..., Any]) -> Any:
    """change: (pairs of single images, the augmenter as a function of pairs, count, batch, seed) ->
    the training stream."""

    def streams(data: Dataset, augmenter: Any, batch: int, seed: int) -> tuple[Any, Any]:
        of = quiet.import_tensorflow().data.Dataset.from_tensor_slices
        pairs = of((data.x_train, data.y_train))

        def augment(x: Any, y: Any) -> tuple[Any, Any]:
            return augmenter(x, training=True), y

        made = change(pairs, augment, len(data.x_train), batch, seed)
        return made, of((data.x_val, data.y_val)).batch(batch)

    return augmenting.read(streams)


def _twice_as_long(pairs: Any, augment: Any, count: int, batch: int, seed: int) -> Any:
    plain = pairs.shuffle(count, seed=seed).batch(batch)
    return plain.concatenate(plain.map(augment))


# -- curves, nets, numbers ------------------------------------------------------------------------


def _gap(history: dict[str, Any], at: int | None = None, best: str = "epoch") -> dict[str, Any]:
    place = int(np.argmin(history["val_loss"]))
    at = place if at is None else at
    return {
        "best epoch": place + 1 if best == "epoch" else min(history["val_loss"]),
        "loss gap": history["val_loss"][at] - history["loss"][at],
        "accuracy gap": history["accuracy"][at] - history["val_accuracy"][at],
    }


def _against(history: dict[str, Any]) -> dict[str, Any]:
    found = _gap(history, -1)
    return found | {"accuracy gap": -found["accuracy gap"]}


def _convolutions(*filters: int, last: str = "softmax", **compiled: Any) -> Any:
    layers = quiet.import_keras().layers
    steps: list[Any] = []
    for number, count in enumerate(filters):
        steps += [layers.Conv2D(count, 3, padding="same", activation="relu")]
        steps += [layers.MaxPooling2D(2)] if number else []
    return net(*steps, layers.Flatten(), layers.Dense(10, activation=last), **compiled)


def _uncompiled() -> Any:
    keras = quiet.import_keras()
    return keras.Sequential([keras.Input((32, 32, 3)), *three_convolutions().layers])


def _without_metric(filters: int) -> Any:
    model = vgg(filters)
    model.compile("adam", "categorical_crossentropy", metrics=[])
    return model


_NETS = [
    wrong(f"three_convolutions: {title} -> {name}", models.configuration(build))
    for title, name, build in (
        ("two of them", training.MISSING, partial(_convolutions, 32, 32)),
        ("64 filters in the last", training.OTHER_NUMBERS, partial(_convolutions, 32, 32, 64)),
        ("sigmoid", training.NO_SOFTMAX, partial(_convolutions, 32, 32, 32, last="sigmoid")),
        (
            "labels as numbers",
            training.SPARSE,
            partial(_convolutions, 32, 32, 32, loss="sparse_categorical_crossentropy"),
        ),
        (
            "SGD",
            training.OPTIMIZER,
            partial(_convolutions, 32, 32, 32, optimizer="sgd"),
        ),
        ("returned before it is compiled", training.UNCOMPILED, _uncompiled),
    )
]

_OWN = numbers_of("team_1")
_STORED = _OWN.images * (_OWN.copies + 1)
_EACH = _OWN.size**2 * 3 / 1e6
_STORAGE = {
    "images on disk, offline": _STORED,
    "megabytes on disk, offline": _STORED * _EACH,
    "megabytes on disk, online": _OWN.images * _EACH,
    "versions of an image seen, offline": _OWN.copies + 1,
    "versions of an image seen, online": _OWN.epochs,
    "updates per epoch, offline": -(-_STORED // _OWN.batch),
    "updates per epoch, online": -(-_OWN.images // _OWN.batch),
}

_REPORTED = {"none": (97.0, 84.0), "augmented": (91.0, 88.5)}
_ERRORS = {
    name: {"train": 100 - trained, "validation": 100 - held_back}
    for name, (trained, held_back) in _REPORTED.items()
}

MISREAD_AUGMENTATION = [
    right("shift: the edge padded, then cut", _padded),
    wrong(
        "shift: one index for both -> rows and columns fetched in pairs: a diagonal",
        partial(_moved, crossed=False),
    ),
    wrong(
        "shift: columns alone -> only moved to the right",
        lambda images, down, right: _moved(images, 0 * down, right),
    ),
    right("move_with_masks: the mask as a fourth channel", _fourth_channel),
    wrong(
        "move_with_masks: the mask the other way round -> "
        "the masks are moved by other amounts than the images",
        _crosswise,
    ),
    right("augmenter: a frame and a crop", augmenting.tried(_cropped)),
    wrong(f"augmenter: RandomFlip() -> {augmented.TURNED}", augmenting.tried(_flipped_both_ways)),
    right(
        "streams: image by image, and a buffer that is smaller than the set",
        _stream(
            lambda pairs, augment, count, batch, seed: (
                pairs.shuffle(100, seed=seed)
                .map(lambda x, y: (augment(x[None], y)[0][0], y))
                .batch(batch)
            )
        ),
    ),
    wrong(
        "streams: shuffle after batch -> whole batches are shuffled, not images",
        _stream(
            lambda pairs, augment, count, batch, seed: (
                pairs.batch(batch).shuffle(count, seed=seed).map(augment)
            )
        ),
    ),
    wrong(
        "streams: a buffer of one batch -> shuffled among few neighbours",
        _stream(
            lambda pairs, augment, count, batch, seed: (
                pairs.shuffle(16, seed=seed).batch(batch).map(augment)
            )
        ),
    ),
    wrong(
        "streams: the images, and then augmented -> the first images of an epoch are not "
        "augmented, and it goes on after all of them",
        _stream(_twice_as_long),
    ),
    wrong("gap: at the lowest loss -> the gaps in the best epoch", _gap),
    wrong(
        "gap: min for argmin -> the lowest loss, not its epoch",
        partial(_gap, at=-1, best="loss"),
    ),
    wrong(
        "gap: validation minus training, both -> the accuracy gap has the sign of the loss gap",
        _against,
    ),
    *_NETS,
    wrong(
        f"vgg_configuration: no metric -> {training.METRIC}",
        augmenting.configured(_without_metric),
    ),
    wrong(
        f"vgg_configuration: three blocks -> {training.MISSING}",
        augmenting.configured(partial(vgg, blocks=3)),
    ),
    wrong(
        f"report: what goes wrong -> {strategies.ERRORS}",
        made_up(_ERRORS, dict(_REPORTED)),
    ),
    wrong(
        "offline_online: augmented, so nothing is stored -> nothing on the disk, online",
        _STORAGE | {"megabytes on disk, online": 0},
    ),
    wrong(
        "offline_online: the image, too -> the image itself counted among the versions seen online",
        _STORAGE | {"versions of an image seen, online": _OWN.epochs + 1},
    ),
    wrong(
        "offline_online: times epochs -> offline versions counted anew in each epoch",
        _STORAGE | {"versions of an image seen, offline": (_OWN.copies + 1) * _OWN.epochs},
    ),
]
"""Known answers."""
