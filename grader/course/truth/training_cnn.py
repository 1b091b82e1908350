"""Known answers to notebook 02: data, configurations, trained nets, the small network."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from grader.contract.sample import Sample, right, wrong
from utils.nets import quiet
from utils.rules import training as assess
from utils.training import loading, models

from . import training_nets as nets
from .idle_nets import IDLE_TRAINING
from .slips_training import SLIPS_TRAINING
from .training_by_hand import SAMPLES_BY_HAND
from .training_ladder import SAMPLES_LADDER
from .training_styles import SAMPLES_STYLES

Array = np.ndarray


# -- data -----------------------------------------------------------------------------------------


def _split_keras(x: Array, y: Array, validation: int, seed: int) -> tuple[Array, ...]:
    from sklearn.model_selection import train_test_split  # takes its time to import

    x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=validation, random_state=seed)
    return x_train, y_train, x_val, y_val


def _split_masks(x: Array, y: Array, validation: int, seed: int | None) -> list[Array]:
    mask = np.zeros(len(x), bool)
    mask[np.random.RandomState(seed).choice(len(x), validation, replace=False)] = True
    return [x[~mask], y[~mask], x[mask], y[mask]]


def _split_first(x: Array, y: Array, validation: int, seed: int) -> tuple[Array, ...]:
    return x[validation:], y[validation:], x[:validation], y[:validation]


def _split_torn(x: Array, y: Array, validation: int, seed: int) -> tuple[Array, ...]:
    rng = np.random.default_rng(seed)
    x, y = rng.permutation(x), rng.permutation(y)
    return x[validation:], y[validation:], x[:validation], y[:validation]


def _split_overlap(x: Array, y: Array, validation: int, seed: int) -> tuple[Array, ...]:
    chosen = np.random.default_rng(seed).permutation(len(x))[:validation]
    return x, y, x[chosen], y[chosen]


def _split_swapped(x: Array, y: Array, validation: int, seed: int) -> tuple[Array, ...]:
    order = np.random.default_rng(seed).permutation(len(x))
    return (
        x[order[:validation]],
        y[order[:validation]],
        x[order[validation:]],
        y[order[validation:]],
    )


def _evenly_by_class(x: Array, y: Array, validation: int, seed: int) -> tuple[Array, ...]:
    rng = np.random.default_rng(seed)
    taken: list[int] = []
    for label in np.unique(y):
        places = rng.permutation(np.flatnonzero(y == label))
        taken += places[: round(validation * len(places) / len(y))].tolist()
    kept = np.setdiff1d(np.arange(len(y)), taken)
    return x[kept], y[kept], x[taken], y[taken]


def _evenly_by_sklearn(x: Array, y: Array, validation: int, seed: int | None = None) -> list[Array]:
    from sklearn.model_selection import StratifiedShuffleSplit  # takes its time to import

    splitter = StratifiedShuffleSplit(1, test_size=validation, random_state=seed)
    kept, taken = next(splitter.split(x.reshape(len(x), -1), y))
    return [x[kept], y[kept], x[taken], y[taken]]


def _evenly_swapped(x: Array, y: Array, validation: int, seed: int) -> tuple[Array, ...]:
    from sklearn.model_selection import train_test_split  # takes its time to import

    parts = train_test_split(x, y, train_size=validation, random_state=seed, stratify=y)
    return parts[0], parts[2], parts[1], parts[3]


def _evenly_unordered(x: Array, y: Array, validation: int, seed: int) -> list[Array]:
    from sklearn.model_selection import train_test_split  # takes its time to import

    return train_test_split(x, y, test_size=validation, random_state=seed, stratify=y)


# Keras' loader, as `loading.tried` wants it: nothing is given, and a small set comes.


def _loading(load: Callable[[Any], Any]) -> Any:
    """load: of Keras' loader."""
    return loading.tried(lambda: load(quiet.import_keras().datasets.cifar10.load_data))


_load_as_it_is = _loading(lambda load: load())
_load_squeezed = _loading(lambda load: [(x, np.squeeze(y, 1)) for x, y in load()])
_load_swapped = _loading(lambda load: [(x, y[:, 0]) for x, y in load()[::-1]])
_load_divided = _loading(lambda load: [(x / 255, y[:, 0]) for x, y in load()])
_load_flat = _loading(lambda load: [array for pair in load() for array in pair])


def _by_tensorflow() -> Any:
    load = quiet.import_tensorflow().keras.datasets.cifar10.load_data
    return [[x, y.reshape(-1).tolist()] for x, y in load()]


_load_by_tensorflow = loading.tried(_by_tensorflow)


def _samples_loop(labels: Array, classes: int, count: int) -> list[list[int]]:
    rows: list[list[int]] = [[] for _ in range(classes)]
    for position, label in enumerate(labels):
        if len(rows[label]) < count:
            rows[label].append(position)
    return rows


def _scaled(weights: Array, shape: Any, axes: Any) -> Array:
    images = np.moveaxis(np.asarray(weights).reshape(*shape, -1), -1, 0)
    low, high = images.min(axes, keepdims=True), images.max(axes, keepdims=True)
    return (images - low) / (high - low)


def _weights_loop(weights: Array, shape: Any) -> Array:
    out = np.zeros((weights.shape[1], *shape), np.uint8)
    for k in range(weights.shape[1]):
        image = weights[:, k].reshape(shape)
        for c in range(3):
            channel = image[:, :, c] - image[:, :, c].min()
            out[k, :, :, c] = np.round(channel / channel.max() * 255)
    return out


# -- one class against the rest -------------------------------------------------------------------


def _balance_lists(x: Array, y: Array, seed: int | None) -> tuple[Array, Array]:
    rng = np.random.RandomState(seed)
    inside = [i for i in range(len(y)) if y[i]]
    outside = rng.permutation([i for i in range(len(y)) if not y[i]])[: len(inside)]
    order = inside + outside.tolist()
    rng.shuffle(order)
    return x[order], y[order]


def _balance_repeating(x: Array, y: Array, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    ones, zeros = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    order = rng.permutation(np.concatenate([zeros, rng.choice(ones, len(zeros))]))
    return x[order], y[order]


def _balance_first(x: Array, y: Array, seed: int) -> tuple[Array, Array]:
    """Of a sorted heap the first ones, of a mixed one the first ones, too."""
    ones, zeros = np.flatnonzero(y == 1), np.flatnonzero(y == 0)[: int(y.sum())]
    order = np.random.default_rng(seed).permutation(np.concatenate([ones, zeros]))
    return x[order], y[order]


def _balance_evenly(x: Array, y: Array, seed: int) -> tuple[Array, Array]:
    ones, zeros = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    chosen = zeros[:: len(zeros) // len(ones)][: len(ones)]
    order = np.random.default_rng(seed).permutation(np.concatenate([ones, chosen]))
    return x[order], y[order]


def _balance_in_turn(x: Array, y: Array, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    ones, zeros = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    pairs = np.stack([rng.permutation(ones), rng.choice(zeros, len(ones), replace=False)], axis=1)
    return x[pairs.ravel()], y[pairs.ravel()]


def _balance_unshuffled(x: Array, y: Array, seed: int) -> tuple[Array, Array]:
    ones, zeros = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    chosen = np.random.default_rng(seed).choice(zeros, len(ones), replace=False)
    order = np.concatenate([ones, chosen])
    return x[order], y[order]


def _verify_sklearn(labels: Array, predictions: Array) -> tuple[Array, float]:
    from sklearn import metrics  # takes its time to import

    recall = metrics.recall_score(labels, predictions, average="macro")
    return metrics.confusion_matrix(labels, predictions), recall


def _verify_swapped(labels: Array, predictions: Array) -> tuple[Array, float]:
    from sklearn import metrics  # takes its time to import

    return (
        metrics.confusion_matrix(predictions, labels),
        metrics.balanced_accuracy_score(predictions, labels),
    )


def _verify_plain(labels: Array, predictions: Array) -> tuple[Array, float]:
    from sklearn import metrics  # takes its time to import

    matrix = metrics.confusion_matrix(labels, predictions)
    return matrix, metrics.accuracy_score(labels, predictions)


_DATA = [
    right("split: sklearn's train_test_split", _split_keras),
    right("split: a mask", _split_masks),
    wrong("split: the first images -> not drawn at random", _split_first),
    wrong("split: x and y permuted apart -> images and labels shuffled separately", _split_torn),
    wrong(
        "split: taken, but not away -> validation images are training images, too", _split_overlap
    ),
    wrong("split: sizes exchanged -> training and validation swapped", _split_swapped),
    right("split_evenly: class by class", _evenly_by_class),
    right("split_evenly: StratifiedShuffleSplit", _evenly_by_sklearn),
    wrong(
        "split_evenly: without stratify -> classes left to chance",
        _split_keras,
    ),
    wrong(
        "split_evenly: train_size -> training and validation swapped",
        _evenly_swapped,
    ),
    wrong(
        "split_evenly: without random_state -> drawn without the seed",
        lambda x, y, validation, seed: _evenly_by_sklearn(x, y, validation),
    ),
    wrong(
        "split_evenly: random_state=0 -> the seed makes no difference",
        lambda x, y, validation, seed: _evenly_by_sklearn(x, y, validation, 0),
    ),
    wrong("split_evenly: as train_test_split returns it", _evenly_unordered),
    wrong("split_evenly: the split of another exercise -> classes left to chance", _split_masks),
    right("load_cifar10: Keras by way of TensorFlow, as lists", _load_by_tensorflow),
    right("load_cifar10: squeezed", _load_squeezed),
    wrong("load_cifar10: as Keras returns it -> labels still in a column", _load_as_it_is),
    wrong("load_cifar10: the pairs swapped -> training and test images swapped", _load_swapped),
    wrong("load_cifar10: divided by 255 -> pixels divided already", _load_divided),
    wrong("load_cifar10: four values", _load_flat),
    wrong(
        "split: everything, twice -> validation images are training images, too",
        lambda x, y, validation, seed: (x, y, x, y),
    ),
    wrong(
        "split: chance of its own -> drawn without the seed",
        lambda x, y, validation, seed: _split_masks(x, y, validation, None),
    ),
    wrong(
        "split: always seed 0 -> the seed makes no difference",
        lambda x, y, validation, seed: _split_masks(x, y, validation, 0),
    ),
    right("samples: a loop, as lists", _samples_loop),
    wrong(
        "samples: floats -> another type than asked for",
        lambda *given: np.array(_samples_loop(*given), float),
    ),
    wrong(
        "samples: labels -> labels in place of positions",
        lambda labels, classes, count: [[c] * count for c in range(classes)],
    ),
    right(
        "one_hot: keras.utils.to_categorical",
        lambda labels, classes: (
            quiet.import_keras().utils.to_categorical(labels, classes).astype("f4")
        ),
    ),
    right(
        "one_hot: a comparison",
        lambda labels, classes: (labels[:, None] == np.arange(classes)).astype(np.float32),
    ),
    wrong(
        "one_hot: float64 -> another type than asked for",
        lambda labels, classes: np.eye(classes)[labels],
    ),
    wrong(
        "one_hot: labels.max() + 1 columns -> as many columns as classes that occur",
        lambda labels, classes: np.eye(labels.max() + 1, dtype=np.float32)[labels],
    ),
    wrong("one_hot: labels as they are -> labels as they were", lambda labels, classes: labels),
    wrong(
        "one_hot: counts from one -> classes counted from one",
        lambda labels, classes: np.roll(np.eye(classes), 1, axis=0)[labels],
    ),
    right("weight_images: loops", _weights_loop),
    wrong(
        "weight_images: floats -> another type than asked for",
        lambda w, shape: np.round(255 * _scaled(w, shape, (1, 2))),
    ),
    right(
        "weight_images: moveaxis, plus a half",
        lambda w, shape: (255 * _scaled(w, shape, (1, 2)) + 0.5).astype(np.uint8),
    ),
    wrong(
        "weight_images: one scale for three channels -> all channels scaled together",
        lambda w, shape: np.round(255 * _scaled(w, shape, (1, 2, 3))).astype(np.uint8),
    ),
    wrong(
        "weight_images: astype without rounding -> cut off in place of rounded",
        lambda w, shape: (255 * _scaled(w, shape, (1, 2))).astype(np.uint8),
    ),
    wrong(
        "rest_labels: booleans -> another type than asked for",
        lambda labels, target: labels == target,
    ),
    right("rest_labels: a list", lambda labels, target: [int(c == target) for c in labels]),
    wrong(
        "rest_labels: 0 for the class -> the two classes swapped",
        lambda labels, target: np.where(labels == target, 0, 1),
    ),
    right("balance: lists", _balance_lists),
    wrong("balance: over-sampling -> images of the class repeated", _balance_repeating),
    wrong("balance: the first of the rest -> the rest not drawn at random", _balance_first),
    wrong("balance: one after the other -> not shuffled", _balance_unshuffled),
    wrong("balance: every k-th of the rest -> the rest not drawn at random", _balance_evenly),
    wrong("balance: in turn -> one of each in turn, not shuffled", _balance_in_turn),
    wrong(
        "balance: chance of its own -> drawn without the seed",
        lambda x, y, seed: _balance_lists(x, y, None),
    ),
    wrong(
        "balance: always seed 0 -> the seed makes no difference",
        lambda x, y, seed: _balance_lists(x, y, 0),
    ),
    wrong("balance: as it was -> not balanced", lambda x, y, seed: (x, y)),
    wrong(
        "balance: only shuffled -> not balanced",
        lambda x, y, seed: [a[np.random.RandomState(seed).permutation(len(y))] for a in (x, y)],
    ),
    right("verify: macro recall", _verify_sklearn),
    wrong("verify: predictions first -> rows and columns swapped", _verify_swapped),
    wrong("verify: accuracy_score -> plain accuracy", _verify_plain),
]


# -- configurations -------------------------------------------------------------------------------


def _configured(
    right: bool, check: str, title: str, build: Callable[[], Any], diagnosis: str = ""
) -> Sample:
    return Sample(title, f"{check}_configuration", right, models.configuration(build), diagnosis)


_CONFIGURED = [
    _configured(True, "one_layer", "activation as a layer", nets.one_layer),
    _configured(True, "one_layer", "functional, reshaped", nets.one_layer_functional),
    _configured(
        False, "one_layer", "softmax, and from_logits", nets.one_layer_logits, assess.TWICE
    ),
    _configured(False, "one_layer", "softmax as a layer, too", nets.two_softmaxes, assess.TWICE),
    _configured(False, "one_layer", "L2 0.01", lambda: nets.one_layer(0.01), assess.REGULARISER),
    _configured(
        False, "one_layer", "not regularised", lambda: nets.one_layer(None), assess.UNREGULARISED
    ),
    _configured(
        False,
        "one_layer",
        "squared error",
        lambda: nets.one_layer(loss="mean_squared_error"),
        assess.OTHER_LOSS,
    ),
    _configured(
        True, "one_layer", "a regulariser of one's own", lambda: nets.one_layer_with("a function")
    ),
    *(
        _configured(False, "one_layer", f"L2 {kind}", partial(nets.one_layer_with, kind), name)
        for kind, name in (
            ("L1, too", assess.REGULARISER),
            ("of biases, too", assess.REGULARISER),
            ("of outputs", assess.REGULARISER),
            ("its mean", assess.REGULARISER),
            ("no biases", assess.PARAMETERS),
        )
    ),
    *(
        _configured(
            False,
            "one_layer",
            f"metrics {metrics}",
            partial(nets.one_layer, metrics=metrics),
            assess.METRIC,
        )
        for metrics in ((), ("mse",))
    ),
    _configured(
        False, "one_layer", "labels smoothed", nets.one_layer_smoothed, assess.OTHER_ENTROPY
    ),
    _configured(
        False,
        "one_layer",
        "optimiser SGD",
        lambda: nets.one_layer(optimizer="sgd"),
        assess.OPTIMIZER,
    ),
    _configured(True, "mlp", "as asked", nets.mlp),
    _configured(False, "mlp", "no ReLU", lambda: nets.mlp(None), assess.ACTIVATION),
    _configured(False, "mlp", "no softmax", lambda: nets.mlp(last=None), assess.NO_SOFTMAX),
    _configured(False, "mlp", "64 units", lambda: nets.mlp(units=64), assess.OTHER_NUMBERS),
    _configured(False, "mlp", "L2", lambda: nets.mlp(kernel_regularizer="l2"), assess.REGULARISED),
    _configured(
        False, "mlp", "L2 of biases", lambda: nets.mlp(bias_regularizer="l2"), assess.REGULARISED
    ),
    _configured(False, "mlp", "forgotten return", lambda: None),
    _configured(True, "simple_cnn", "ReLU as a layer", nets.simple_cnn),
    _configured(False, "simple_cnn", "VALID", lambda: nets.simple_cnn("valid"), assess.PADDING),
    _configured(
        False, "simple_cnn", "with dropout", lambda: nets.simple_cnn(dropout=True), assess.EXTRA
    ),
    _configured(
        False, "simple_cnn", "16 filters", lambda: nets.simple_cnn(filters=16), assess.OTHER_NUMBERS
    ),
    _configured(
        False, "simple_cnn", "dilated", lambda: nets.simple_cnn(dilation=2), assess.DILATED
    ),
    _configured(
        False, "simple_cnn", "no metric", lambda: nets.simple_cnn(metrics=()), assess.METRIC
    ),
    _configured(True, "rest", "global average", nets.rest_net),
    *(
        _configured(False, "rest", title, partial(nets.rest_net, 2, last, loss), assess.NO_SOFTMAX)
        for title, last, loss in (
            ("two sigmoids", "sigmoid", "binary_crossentropy"),
            ("squared error of scores", None, "mse"),
        )
    ),
    _configured(False, "rest", "one output", lambda: nets.rest_net(1, "sigmoid"), assess.OUTPUTS),
]


# -- trained nets ---------------------------------------------------------------------------------


def _changed(change: Callable[[Array], Array]) -> Callable[[Any], Any]:
    return lambda images: nets.trained(images, change)


def _nan(outputs: Array) -> Array:
    outputs = outputs.copy()
    outputs[5:] = np.nan
    return outputs


_OWN = {"own_best": 0.9, "simple_cnn": 0.7, "mlp": 0.5, "one_layer": 0.4}


def _choice(chosen: str, times: int, **changes: float) -> dict[str, Any]:
    return {"chosen": chosen, "times opened": times, "validation": _OWN | changes}


def _trials(rates: tuple[float, ...], batches: tuple[int, ...], used: float) -> Any:
    rows = [
        {"rate": r, "batch": float(b), "validation": 0.9 if r == 1e-3 else 0.7}
        for r in rates
        for b in batches
    ]
    return lambda: {"trials": rows, "chosen": {"rate": used, "batch": float(batches[0])}}


def _half_trained(outputs: Array) -> Array:
    """Right more often than by chance, but not often enough."""
    noise = np.random.default_rng(0).normal(0, 0.45, outputs.shape)
    return outputs + noise


_TRAINED = [
    right("simple_cnn: the reference's weights", nets.trained),
    right("simple_cnn: logits", _changed(lambda p: np.log(p + 1e-9))),
    wrong(f"simple_cnn: trained on bytes -> {assess.RANGE}", nets.trained_on_bytes),
    wrong(f"simple_cnn: outputs rolled -> {assess.PERMUTED}", _changed(lambda p: np.roll(p, 1, 1))),
    wrong(
        f"simple_cnn: always 7 -> {assess.ONE_CLASS}", _changed(lambda p: np.eye(10)[[7] * len(p)])
    ),
    wrong(
        f"simple_cnn: not shuffled -> {assess.SORTED}", _changed(lambda p: p * (np.arange(10) > 6))
    ),
    wrong(f"simple_cnn: NaN -> {assess.NOT_FINITE}", _changed(_nan)),
    wrong("simple_cnn: nine outputs", _changed(lambda p: p[:, :9])),
    wrong("simple_cnn: classes in place of outputs", _changed(lambda p: p.argmax(axis=1))),
    wrong(f"own_best: looked up in the public images -> {assess.ONE_CLASS}", nets.looked_up),
    wrong("own_best: half trained", _changed(_half_trained)),
    wrong(
        f"rest: the two outputs swapped -> {assess.INVERTED}",
        _changed(lambda p: np.stack([p[:, 3], p[:, [0, 1, 2, 4, 5, 6, 7, 8, 9]].max(1)], 1)),
    ),
    right("results_table: three rows", nets.table()),
    right("results_table: modest claims", nets.table(lambda reached: reached - 0.1)),
    wrong(
        f"results_table: training accuracy -> {assess.TRAINING}", nets.table(nets.training_accuracy)
    ),
    wrong("results_table: five points too many", nets.table(lambda r: r + 0.05)),
    wrong("results_table: better on training images than it is", nets.table(honest=False)),
    wrong("results_table: two rows", nets.table(rows=2)),
    wrong("results_table: one net three times", nets.table(copies=True)),
    right("own_choice: the best, opened once", _choice("own_best", 1)),
    wrong(f"own_choice: opened three times -> {assess.PEEKED}", _choice("own_best", 3)),
    wrong(f"own_choice: not the best -> {assess.NOT_BEST}", _choice("mlp", 1)),
    wrong("own_choice: never opened", _choice("", 0)),
    right("rest_tuned: two rates, two batches", _trials((1e-3, 1e-2), (32, 64), 1e-3)),
    wrong("rest_tuned: one rate", _trials((1e-3,), (32, 64), 1e-3)),
    wrong(
        f"rest_tuned: not the best -> {assess.OTHER_PAIR}", _trials((1e-3, 1e-2), (32, 64), 1e-2)
    ),
]

SAMPLES = [
    *_DATA,
    *_CONFIGURED,
    *_TRAINED,
    *SAMPLES_LADDER,
    *SAMPLES_BY_HAND,
    *SAMPLES_STYLES,
    *SLIPS_TRAINING,
    *IDLE_TRAINING,
]
"""Known answers."""
