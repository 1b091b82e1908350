"""Slips in notebook 02 that a teacher sees each year, named before a judge was asked; and answers
that are right in a way of their own."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

from grader.contract.sample import right, wrong
from utils.checks.compare import OTHER_ORDER
from utils.nets import quiet
from utils.rules import training as assess
from utils.rules.by_hand import WEIGHTS
from utils.training import loading, models

Array = np.ndarray


# -- splits ---------------------------------------------------------------------------------------


def _parted(x: Array, y: Array, taken: Any, kept: Any) -> tuple[Array, ...]:
    return x[kept], y[kept], x[taken], y[taken]


def _shuffled_in_python(x: Array, y: Array, validation: int, seed: int) -> tuple[Array, ...]:
    order = list(range(len(x)))
    random.Random(seed).shuffle(order)
    return _parted(x, y, order[:validation], order[validation:])


def _with_repetition(x: Array, y: Array, validation: int, seed: int) -> tuple[Array, ...]:
    order = np.random.default_rng(seed).integers(0, len(x), len(x))
    return _parted(x, y, order[:validation], order[validation:])


def _one_lost(x: Array, y: Array, validation: int, seed: int) -> tuple[Array, ...]:
    order = np.random.default_rng(seed).permutation(len(x))
    return _parted(x, y, order[:validation], order[validation + 1 :])


def _a_block(x: Array, y: Array, validation: int, seed: int) -> tuple[Array, ...]:
    start = int(np.random.default_rng(seed).integers(len(x) - validation))
    inside = np.isin(np.arange(len(x)), np.arange(start, start + validation))
    return _parted(x, y, inside, ~inside)


def _every_third(x: Array, y: Array, validation: int, seed: int) -> tuple[Array, ...]:
    step = len(x) // validation
    taken = np.arange(seed % step, len(x), step)[:validation]
    return _parted(x, y, taken, np.setdiff1d(np.arange(len(x)), taken))


def _sklearn(x: Array, y: Array, **options: Any) -> tuple[Array, ...]:
    from sklearn.model_selection import train_test_split  # takes its time to import

    x_train, x_val, y_train, y_val = train_test_split(x, y, **options)
    return x_train, y_train, x_val, y_val


def _as_many(x: Array, y: Array, validation: int, seed: int) -> tuple[Array, ...]:
    rng, classes = np.random.default_rng(seed), np.unique(y)
    each = [len(part) for part in np.array_split(np.arange(validation), len(classes))]
    taken = [
        rng.permutation(np.flatnonzero(y == c))[:n] for c, n in zip(classes, each, strict=True)
    ]
    inside = np.isin(np.arange(len(y)), np.concatenate(taken))
    return _parted(x, y, inside, ~inside)


def _first_label() -> Any:
    (x, y), (x_test, y_test) = quiet.import_keras().datasets.cifar10.load_data()
    return (x, y[0]), (x_test, y_test[0])


# -- weights as images, one class against the rest ------------------------------------------------


def _scaled(images: Array) -> Array:
    low, high = images.min(axis=(1, 2), keepdims=True), images.max(axis=(1, 2), keepdims=True)
    return (images - low) / np.where(high > low, high - low, 1)


def _shown(weights: Array, shape: Any) -> Array:
    """Without transposing: the outputs are the last axis, and are brought to the front."""
    return np.moveaxis(weights.reshape(*shape, -1), -1, 0)


def _weights(change: Callable[[Array, Any], Array]) -> Callable[..., Array]:
    return lambda weights, shape: change(_shown(weights, shape), shape)


def _bytes(values: Array) -> Array:
    return np.round(255 * values).astype("uint8")


def _columns_of_all(labels: Array, classes: int) -> Array:
    found = np.zeros((len(labels), classes), np.float32)
    found[:, labels] = 1
    return found


def _balance_repeated(x: Array, y: Array, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    ones, zeros = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    chosen = rng.permutation(np.concatenate([ones, rng.choice(zeros, len(ones))]))
    return x[chosen], y[chosen]


def _balance_exchanged(x: Array, y: Array, seed: int) -> tuple[Array, Array]:
    order = np.random.default_rng(seed).permutation(len(y))
    zeros = order[y[order] == 0][: int(y.sum())]
    chosen = np.random.default_rng(seed).permutation([*np.flatnonzero(y == 1), *zeros])
    return x[chosen], 1 - y[chosen]


def _balance_torn(x: Array, y: Array, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    ones, zeros = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    chosen = np.concatenate([ones, rng.permutation(zeros)[: len(ones)]])
    return x[rng.permutation(chosen)], y[rng.permutation(chosen)]


def _verified(change: Callable[[Array, float], Any]) -> Callable[..., Any]:
    def verify(labels: Array, predictions: Array) -> Any:
        matrix = np.zeros((2, 2), int)
        np.add.at(matrix, (labels, predictions), 1)
        return change(matrix, float(np.mean(np.diag(matrix) / matrix.sum(axis=1))))

    return verify


# -- nets -----------------------------------------------------------------------------------------


def _built(*steps: Callable[[Any], Any], **options: Any) -> Any:
    """A description of a net of these steps, each made of keras.layers."""
    made = options.pop("input", (32, 32, 3))

    def build() -> Any:
        keras = quiet.import_keras()
        layers = [step(keras.layers) for step in steps]
        model = keras.Sequential([keras.Input(made), *layers])
        if options.get("compiled", True):
            loss = options.get("loss", "categorical_crossentropy")
            model.compile("adam", loss, metrics=["accuracy"])
        return model

    return models.configuration(build)


def _flat(layers: Any) -> Any:
    return layers.Flatten()


def _pool(layers: Any) -> Any:
    return layers.MaxPooling2D(2)


def _conv(layers: Any) -> Any:
    return layers.Conv2D(32, 3, padding="same", activation="relu")


def _dense(units: int, activation: str = "softmax", **options: Any) -> Callable[[Any], Any]:
    return lambda layers: layers.Dense(units, activation=activation, **options)


def _subclassed(layers: Any) -> Any:
    class Scores(layers.Dense):
        """A dense layer that knows what it is for."""

        def __init__(self) -> None:
            decay = quiet.import_keras().regularizers.L1L2(l2=0.05)
            super().__init__(10, activation="softmax", kernel_regularizer=decay)

    return Scores()


def _l2(strength: float = 0.05) -> Any:
    return quiet.import_keras().regularizers.L2(strength)


_NETS = [
    right("one_layer_configuration: a subclass of Dense", _built(_flat, _subclassed)),
    wrong(
        f"one_layer_configuration: L1 -> {assess.REGULARISER}",
        _built(_flat, lambda layers: _dense(10, kernel_regularizer="l1")(layers)),
    ),
    wrong(
        f"one_layer_configuration: class numbers' loss -> {assess.SPARSE}",
        _built(
            _flat,
            lambda layers: _dense(10, kernel_regularizer=_l2())(layers),
            loss="sparse_categorical_crossentropy",
        ),
    ),
    wrong(
        f"one_layer_configuration: never compiled -> {assess.UNCOMPILED}",
        _built(_flat, lambda layers: _dense(10, kernel_regularizer=_l2())(layers), compiled=False),
    ),
    wrong(
        f"one_layer_configuration: not flattened -> {assess.MISSING}",
        _built(lambda layers: _dense(10, kernel_regularizer=_l2())(layers)),
    ),
    right(
        "mlp_configuration: keras.ops.relu as the activation",
        _built(_flat, _dense(128, "relu"), _dense(10)),
    ),
    wrong(
        f"mlp_configuration: sigmoid inside -> {assess.OTHER_ACTIVATION}",
        _built(_flat, _dense(128, "sigmoid"), _dense(10)),
    ),
    wrong(
        f"mlp_configuration: softmax inside, too -> {assess.OTHER_ACTIVATION}",
        _built(_flat, _dense(128), _dense(10)),
    ),
    wrong(
        f"mlp_configuration: flattened too late -> {assess.ORDER}",
        _built(_dense(128, "relu"), _flat, _dense(10)),
    ),
    wrong(
        f"simple_cnn_configuration: average pooling -> {assess.OTHER_POOLING}",
        _built(_conv, lambda layers: layers.AveragePooling2D(2), _flat, _dense(10)),
    ),
    wrong(
        f"simple_cnn_configuration: not pooled -> {assess.MISSING}",
        _built(_conv, _flat, _dense(10)),
    ),
    wrong(
        f"simple_cnn_configuration: global average -> {assess.OTHER_LAYER}",
        _built(_conv, _pool, lambda layers: layers.GlobalAveragePooling2D(), _dense(10)),
    ),
    wrong(
        f"simple_cnn_configuration: 3 filters of 32×32 -> {assess.OTHER_NUMBERS}",
        _built(
            lambda layers: layers.Conv2D(3, 32, padding="same", activation="relu"),
            _pool,
            _flat,
            _dense(10),
        ),
    ),
    wrong(
        f"simple_cnn_configuration: grey images -> {assess.INPUT}",
        _built(_conv, _pool, _flat, _dense(10), input=(32, 32, 1)),
    ),
    right(
        "rest_configuration: binary cross-entropy of two outputs, which is the same",
        _built(_flat, _dense(2), loss="binary_crossentropy"),
    ),
    wrong(f"rest_configuration: ten outputs -> {assess.OUTPUTS}", _built(_flat, _dense(10))),
]


def _inception(
    pool: Callable[[Any], Any] = lambda layers: layers.MaxPool2D(3, 1, "same"),
    sides: tuple[int, ...] = (3, 5),
    places: tuple[int, ...] = (0, 1, 2, 3, 4, 5),
    order: tuple[int, ...] = (0, 1, 2, 3),
    reduced_by: str | None = "relu",
    pooled_last: bool = False,
) -> Any:
    """Keras' operations on tensors, with one thing or another changed."""

    def module(x: Any, filters: list[int]) -> Any:
        keras = quiet.import_keras()
        ones, r3, threes, r5, fives, after = (filters[place] for place in places)

        def conv(given: Any, count: int, side: int, function: str | None = "relu") -> Any:
            found = keras.layers.Conv2D(count, side, padding="same")(given)
            return keras.ops.relu(found) if function else found

        pooling = pool(keras.layers)
        branches = [
            conv(x, ones, 1),
            conv(conv(x, r3, 1, reduced_by), threes, sides[0]),
            conv(conv(x, r5, 1, reduced_by), fives, sides[1]),
            pooling(conv(x, after, 1)) if pooled_last else conv(pooling(x), after, 1),
        ]
        return keras.ops.concatenate([branches[place] for place in order], axis=3)

    return models.module(module)


_MODULES = [
    right("inception_module: keras.ops on tensors", _inception()),
    wrong(
        "inception_module: bare reductions -> no ReLU after the reductions",
        _inception(reduced_by=None),
    ),
    wrong(
        "inception_module: pooled last -> the 1×1 convolution comes before pooling",
        _inception(pooled_last=True),
    ),
    wrong(
        "inception_module: means -> average pooling in place of max pooling",
        _inception(lambda layers: layers.AveragePooling2D(3, 1, "same")),
    ),
    wrong(
        "inception_module: pool 2×2 -> pooling of 2×2 in place of 3×3",
        _inception(lambda layers: layers.MaxPool2D(2, 1, "same")),
    ),
    wrong("inception_module: 5×5 first -> 3×3 and 5×5 exchanged", _inception(sides=(5, 3))),
    wrong(
        "inception_module: filters misread -> "
        "reduction and convolution exchanged: filters are read in another order",
        _inception(places=(0, 2, 1, 4, 3, 5)),
    ),
    wrong(
        "inception_module: pooling first -> stacked in another order, pooling first",
        _inception(order=(3, 0, 1, 2)),
    ),
]


# -- the small network ----------------------------------------------------------------------------


def _drawn(deviation: Callable[[tuple[int, ...]], float]) -> Callable[[int], dict[str, Array]]:
    def initial(seed: int) -> dict[str, Array]:
        rng = np.random.default_rng(seed)
        found = {}
        for name, shape in WEIGHTS.items():
            found[name] = rng.normal(0, deviation(shape), shape).astype("float32")
            found[f"{name}_bias"] = np.zeros(shape[-1], np.float32)
        return found

    return initial


def _anew(seed: int) -> dict[str, Array]:
    """A generator of its own for each layer, with the same seed."""
    found = {}
    for name, shape in WEIGHTS.items():
        numbers = np.random.default_rng(seed).standard_normal(shape) * np.sqrt(2 / _inputs(shape))
        found[name] = numbers.astype("float32")
        found[f"{name}_bias"] = np.zeros(shape[-1], np.float32)
    return found


def _truncated(seed: int) -> dict[str, Any]:
    keras = quiet.import_keras()
    found = {}
    for place, (name, shape) in enumerate(WEIGHTS.items()):
        found[name] = keras.initializers.HeNormal(seed + place)(shape)
        found[f"{name}_bias"] = keras.ops.zeros(shape[-1])
    return found


def _inputs(shape: tuple[int, ...]) -> float:
    return float(np.prod(shape[:-1]))


def _both(shape: tuple[int, ...]) -> float:
    return float(np.prod(shape[:-2])) * (shape[-2] + shape[-1])


def _network(
    hidden: bool = True, biased: tuple[str, ...] = ("conv", "fc"), late: bool = False
) -> Callable[..., dict[str, Array]]:
    """The network in TensorFlow and numpy.  hidden: is there a ReLU in the hidden layer?  biased:
    layers with biases.  late: those of convolutions after ReLU."""

    def network(images: Array, weights: dict[str, Array]) -> dict[str, Array]:
        nn, found, x = quiet.import_tensorflow().nn, {}, images
        for number in (1, 2, 3):
            bias = weights[f"conv{number}_bias"] * ("conv" in biased)
            x = nn.conv2d(x, weights[f"conv{number}"], 1, "SAME")
            x = nn.relu(x) + bias if late else nn.relu(nn.bias_add(x, bias))
            x = found[f"stage{number}"] = nn.max_pool2d(x, 2, 2, "SAME").numpy()
        x = x.reshape(len(images), -1) @ weights["fc1"] + weights["fc1_bias"] * ("fc" in biased)
        found["hidden"] = np.maximum(x, 0) if hidden else x
        found["scores"] = found["hidden"] @ weights["fc2"] + weights["fc2_bias"] * ("fc" in biased)
        return found

    return network


_SMALL = [
    right("initial_weights: Keras' own, cut off at two deviations", _truncated),
    wrong(
        "initial_weights: the variance -> 2/n, which is the variance, in place of its root",
        _drawn(lambda shape: 2 / _inputs(shape)),
    ),
    wrong(
        "initial_weights: outputs -> n counts the outputs",
        _drawn(lambda shape: np.sqrt(2 / shape[-1])),
    ),
    wrong(
        "initial_weights: outputs of windows -> "
        "n counts the outputs, times the cells of the kernel",
        _drawn(lambda shape: np.sqrt(2 / (np.prod(shape[:-2]) * shape[-1]))),
    ),
    wrong(
        "initial_weights: channels -> n without the cells of the kernel",
        _drawn(lambda shape: np.sqrt(2 / shape[-2])),
    ),
    wrong(
        "initial_weights: w.size -> n counts all weights of a layer",
        _drawn(lambda shape: np.sqrt(2 / np.prod(shape))),
    ),
    wrong(
        "initial_weights: Glorot -> inputs and outputs in n: Glorot's rule, not He's",
        _drawn(lambda shape: np.sqrt(2 / _both(shape))),
    ),
    wrong(
        "initial_weights: a generator for each layer -> the same numbers again and again",
        _anew,
    ),
    right("small_network: TensorFlow, then numpy", _network()),
    wrong(
        "small_network: hidden layer without ReLU -> ReLU left out in the hidden layer",
        _network(hidden=False),
    ),
    wrong("small_network: ReLU, then biases -> biases added after ReLU", _network(late=True)),
    wrong(
        "small_network: no biases at the end -> biases left out in the fully connected layers",
        _network(biased=("conv",)),
    ),
    wrong(
        "small_network: no biases at first -> biases left out in the convolutions",
        _network(biased=("fc",)),
    ),
]


SLIPS_TRAINING = [
    right("split: random.shuffle", _shuffled_in_python),
    wrong("split: rng.integers -> drawn with repetition", _with_repetition),
    wrong("split: order[validation + 1:] -> some images got lost", _one_lost),
    wrong("split: a block somewhere -> not drawn at random", _a_block),
    wrong("split: x[k::3] -> every k-th image, not drawn at random", _every_third),
    wrong(
        "split: in train_test_split's order",
        lambda x, y, validation, seed: [
            _shuffled_in_python(x, y, validation, seed)[place] for place in (0, 2, 1, 3)
        ],
    ),
    wrong(
        "split_evenly: shuffle=False -> the last images, not drawn at random",
        lambda x, y, validation, seed: _sklearn(x, y, test_size=validation, shuffle=False),
    ),
    wrong("split_evenly: as many of each -> as many of each class, not its share", _as_many),
    wrong(
        "load_cifar10: y[0] -> the first label in place of the first column",
        loading.tried(_first_label),
    ),
    right(
        "samples: a stable argsort",
        lambda labels, classes, count: np.argsort(labels, kind="stable")[
            np.searchsorted(np.sort(labels), np.arange(classes))[:, None] + np.arange(count)
        ],
    ),
    wrong(
        "samples: from one -> positions counted from one",
        lambda labels, classes, count: [
            np.flatnonzero(labels == c)[:count] + 1 for c in range(classes)
        ],
    ),
    wrong(
        "samples: backwards -> in decreasing order",
        lambda labels, classes, count: [
            np.flatnonzero(labels == c)[:count][::-1] for c in range(classes)
        ],
    ),
    wrong(
        "samples: any images -> the first images of all, whatever their class",
        lambda labels, classes, count: np.arange(classes * count).reshape(classes, -1),
    ),
    wrong(
        "one_hot: found[:, labels] = 1 -> a one in the columns of all labels, in every row",
        _columns_of_all,
    ),
    right(
        "weight_images: the outputs moved to the front", _weights(lambda w, _: _bytes(_scaled(w)))
    ),
    wrong(
        "weight_images: maximum(w, 0) -> negative weights taken for zeros",
        _weights(lambda w, _: _bytes(_scaled(np.maximum(w, 0)))),
    ),
    wrong(
        "weight_images: 128 is zero -> scaled around zero, so that a weight of 0 is grey",
        _weights(lambda w, _: _bytes(0.5 + 0.5 * w / np.abs(w).max(axis=(1, 2), keepdims=True))),
    ),
    wrong(
        "weight_images: a negative -> light and dark exchanged",
        _weights(lambda w, _: 255 - _bytes(_scaled(w))),
    ),
    wrong(
        "weight_images: (C, H, W) -> reshaped with the channels first",
        lambda weights, shape: _bytes(
            _scaled(weights.T.reshape(-1, shape[2], *shape[:2]).transpose(0, 2, 3, 1))
        ),
    ),
    wrong(
        "weight_images: never moved -> the outputs come last",
        _weights(lambda w, _: np.moveaxis(_bytes(_scaled(w)), 0, -1)),
    ),
    wrong(
        "weight_images: times 256 -> 256 in place of 255, cut off",
        _weights(lambda w, _: (256 * _scaled(w)).astype(int).astype("uint8")),
    ),
    wrong(
        "rest_labels: minus one -> -1 in place of 0",
        lambda labels, target: [1 if label == target else -1 for label in labels],
    ),
    wrong("balance: rng.choice as it is -> the rest drawn with repetition", _balance_repeated),
    wrong(
        "balance: one minus the labels -> labels 0 and 1 exchanged",
        _balance_exchanged,
    ),
    wrong("balance: two orders -> images and labels torn apart", _balance_torn),
    right("verify: by hand, as lists", _verified(lambda m, b: [m.tolist(), b])),
    wrong(f"verify: the other way round -> {OTHER_ORDER}", _verified(lambda m, b: (b, m))),
    wrong(
        "verify: recall_score -> what is right of the class alone",
        _verified(lambda m, b: (m, m[1, 1] / m[1].sum())),
    ),
    wrong(
        "verify: precision -> the mean of what is right of each prediction, not of each class",
        _verified(lambda m, b: (m, float(np.mean(np.diag(m) / m.sum(axis=0))))),
    ),
    wrong(
        "verify: adjusted=True -> balanced accuracy adjusted for chance",
        _verified(lambda m, b: (m, 2 * b - 1)),
    ),
    wrong(
        "verify: labels=[1, 0] -> the class comes before the rest in the matrix",
        _verified(lambda m, b: (m[::-1, ::-1], b)),
    ),
    *_NETS,
    *_MODULES,
    *_SMALL,
]
