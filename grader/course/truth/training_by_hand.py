"""Known answers to the inception module, the small network and its graph, in students' styles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np

from grader.contract.sample import right, wrong
from utils.checks.compare import CHANGED
from utils.nets import graphs, quiet
from utils.rules.by_hand import WEIGHTS
from utils.training import models

Array = np.ndarray
Weights = dict[str, Array]


# -- inception ------------------------------------------------------------------------------------


def _module(
    order: tuple[int, ...] = (0, 1, 2, 3),
    reduced: bool = True,
    projected: bool = True,
    relu: bool = True,
    swapped: bool = False,
) -> Any:
    """Layers with an activation of their own."""

    def inception(x: Any, filters: list[int]) -> Any:
        layers = quiet.import_keras().layers

        def conv(given: Any, count: int, side: int) -> Any:
            out = layers.Conv2D(count, (side, side), padding="same" if side > 1 else "valid")(given)
            return layers.Activation("relu")(out) if relu else out

        a, r3, b, r5, c, d = filters
        r3, r5 = (r5, r3) if swapped else (r3, r5)
        pooled = layers.MaxPool2D((3, 3), (1, 1), "same")(x)
        branches = [
            conv(x, a, 1),
            conv(conv(x, r3, 1) if reduced else x, b, 3),
            conv(conv(x, r5, 1) if reduced else x, c, 5),
            conv(pooled, d, 1) if projected else pooled,
        ]
        return layers.concatenate([branches[i] for i in order])

    return models.module(inception)


def _no_stack(x: Any, filters: list[int]) -> Any:
    layers = quiet.import_keras().layers
    return layers.Conv2D(sum(filters), 3, padding="same", activation="relu")(x)


# -- the small network ----------------------------------------------------------------------------


def _keras_network(images: Array, weights: Weights) -> dict[str, Any]:
    """Keras' layers, each given its weights."""
    keras = quiet.import_keras()
    out: dict[str, Any] = {}
    x = keras.ops.convert_to_tensor(images)
    for number, filters in ((1, 8), (2, 16), (3, 32)):
        kernel, bias = weights[f"conv{number}"], weights[f"conv{number}_bias"]
        layer = keras.layers.Conv2D(filters, kernel.shape[0], padding="same", activation="relu")
        layer.build(x.shape)
        layer.set_weights([kernel, bias])
        x = keras.layers.MaxPooling2D()(layer(x))
        out[f"stage{number}"] = x
    x = keras.layers.Flatten()(x)
    out["hidden"] = keras.ops.relu(keras.ops.matmul(x, weights["fc1"]) + weights["fc1_bias"])
    out["scores"] = keras.ops.matmul(out["hidden"], weights["fc2"]) + weights["fc2_bias"]
    return out


def _network_popping(images: Array, weights: Weights) -> Any:
    found = _network()(images, weights)
    weights.pop("fc2")
    return found


def _network(
    bias: bool = True, relu: bool = True, end: Callable[[Any], Any] | None = None,
    pool: str = "max_pool2d", padding: str = "SAME", transpose: bool = False,
    as_tuple: bool = False, last: bool = True,
) -> Callable[[Array, Weights], Any]:  # fmt: skip
    """TensorFlow's functions, with something left out or added."""

    def network(images: Array, weights: Weights) -> Any:
        tf = quiet.import_tensorflow()
        stages, x = [], images
        for name in ("conv1", "conv2", "conv3"):
            x = tf.nn.convolution(x, weights[name], 1, padding)
            x = tf.nn.bias_add(x, weights[f"{name}_bias"]) if bias else x
            x = tf.nn.relu(x) if relu else x
            x = getattr(tf.nn, pool)(x, 2, 2, "VALID")
            stages.append(x)
        x = tf.transpose(x, (0, 3, 1, 2)) if transpose else x
        flat = tf.reshape(x, (x.shape[0] or -1, 2048))
        hidden = flat @ weights["fc1"] + (weights["fc1_bias"] if bias else 0)
        hidden = tf.nn.relu(hidden) if relu else hidden
        if not last:
            return {"hidden": hidden}
        scores = hidden @ weights["fc2"] + (weights["fc2_bias"] if bias else 0)
        stages += [hidden, end(scores) if end else scores]
        names = ("stage1", "stage2", "stage3", "hidden", "scores")
        return tuple(stages) if as_tuple else dict(zip(names, stages, strict=True))

    return network


def _weights(
    scale: Callable[[tuple[int, ...]], float], bias: float = 0.0
) -> Callable[[int], Weights]:
    def initial(seed: int) -> Weights:
        random = np.random.RandomState(seed)
        found: Weights = {}
        for name, shape in WEIGHTS.items():
            found[name] = (random.standard_normal(shape) * scale(shape)).astype("float32")
            found[f"{name}_bias"] = np.full(shape[-1], bias, "float32")
        return found

    return initial


def _drawn(draw: Callable[[np.random.Generator, tuple[int, ...]], Any]) -> Callable[..., Weights]:
    """He's deviation times whatever is drawn."""

    def initial(seed: int) -> Weights:
        rng = np.random.default_rng(seed)
        found: Weights = {}
        for name, shape in WEIGHTS.items():
            found[name] = (draw(rng, shape) * _he(shape)).astype("float32")
            found[f"{name}_bias"] = np.zeros(shape[-1], "float32")
        return found

    return initial


_SEVENTY_FIVE = [NormalDist().inv_cdf((k + 0.5) / 75) for k in range(75)]
"""So many numbers as the first kernel has for each filter, distributed as they should be."""


def _he(shape: tuple[int, ...]) -> float:
    return float(np.sqrt(2 / np.prod(shape[:-1])))


# -- its graph ------------------------------------------------------------------------------------


def _written(
    result: Callable[[Any], Any] | None = None, network: Any = None, old: bool = False
) -> Callable[[str], None]:
    """Write the graph of a network by way of a trace, or of tf.summary.graph."""

    def write(folder: str) -> None:
        tf = quiet.import_tensorflow()
        weights = _weights(_he)(0)
        function = tf.function(
            lambda images: (result or (lambda maps: maps["scores"]))(
                (network or _network())(images, weights)
            )
        )
        writer = tf.summary.create_file_writer(str(Path(folder) / "run"))
        with writer.as_default():
            if old:
                tf.summary.trace_on(graph=True, profiler=False)
                function(np.zeros((1, 64, 64, 3), np.float32))
                tf.summary.trace_export("small network", step=0)
            else:
                signature = tf.TensorSpec((None, 64, 64, 3))
                tf.summary.graph(function.get_concrete_function(signature).graph)
        writer.close()

    return write


def _empty(folder: str) -> None:
    writer = quiet.import_tensorflow().summary.create_file_writer(folder)
    writer.init()
    writer.close()


def _to_end(name: str) -> Callable[[Any], Any]:
    return lambda scores: getattr(quiet.import_tensorflow().nn, name)(scores)


SAMPLES_BY_HAND = [
    right("inception_module: activations as layers", _module()),
    wrong(
        "inception_module: 3×3 and 5×5 on the input itself -> without the reductions",
        _module(reduced=False),
    ),
    wrong(
        "inception_module: pooling as it is -> no 1×1 convolution after pooling",
        _module(projected=False),
    ),
    wrong("inception_module: linear -> no ReLU", _module(relu=False)),
    wrong("inception_module: three branches -> the pooling branch is missing", _module((0, 1, 2))),
    wrong("inception_module: another order -> stacked in another order", _module((0, 1, 3, 2))),
    wrong(
        "inception_module: filters[1] and filters[3] -> reductions of 3×3 and 5×5 swapped",
        _module(swapped=True),
    ),
    wrong("inception_module: one convolution", models.module(_no_stack)),
    right("small_network: Keras layers", _keras_network),
    right("small_network: tf.nn.convolution, as a tuple", _network(as_tuple=True)),
    wrong(f"small_network: takes the weights out of the dictionary -> {CHANGED}", _network_popping),
    wrong("small_network: no biases -> biases left out", _network(bias=False)),
    wrong("small_network: no ReLU -> ReLU left out", _network(relu=False)),
    wrong(
        "small_network: average pooling -> average in place of maximum", _network(pool="avg_pool2d")
    ),
    wrong("small_network: softmax -> softmax at the end", _network(end=_to_end("softmax"))),
    wrong(
        "small_network: ReLU everywhere -> a ReLU too many, at the end",
        _network(end=_to_end("relu")),
    ),
    wrong(
        "small_network: transposed before the reshape -> flattened with the channels first",
        _network(transpose=True),
    ),
    right("initial_weights: RandomState", _weights(_he)),
    wrong("initial_weights: zeros -> all weights are the same", _weights(lambda shape: 0.0)),
    wrong("initial_weights: as they come -> standard deviation 1", _weights(lambda shape: 1.0)),
    wrong(
        "initial_weights: Xavier's -> 1/n in place of 2/n",
        _weights(lambda shape: _he(shape) / np.sqrt(2)),
    ),
    wrong(
        "initial_weights: 0.05 everywhere -> a deviation other than √(2/n)",
        _weights(lambda shape: 0.05),
    ),
    *(
        wrong(f"initial_weights: {title}", _drawn(draw))
        for title, draw in {
            "heads or tails -> not normally distributed": lambda rng, s: rng.choice([-1, 1], s),
            "uniform -> not normally distributed": lambda rng, s: rng.uniform(-1, 1, s) * 3**0.5,
            "positive alone -> not around zero": lambda rng, s: abs(rng.normal(0, 1, s)) / 0.6,
            "the mean 1 -> not around zero": lambda rng, s: rng.normal(1 / _he(s), 1, s),
            "repeated -> the same numbers again and again": lambda rng, s: np.resize(
                rng.permutation(_SEVENTY_FIVE), s
            ),
            "chance of its own -> drawn without the seed": lambda rng, s: (
                np.random.default_rng().normal(0, 1, s)
            ),
        }.items()
    ),
    wrong(
        "initial_weights: float64 -> another type than float32",
        lambda seed: {k: v.astype(float) for k, v in _weights(_he)(seed).items()},
    ),
    wrong(
        "initial_weights: always seed 0 -> the seed makes no difference",
        lambda seed: _weights(_he)(0),
    ),
    right(
        "initial_weights: normal, cut off at two deviations",
        _drawn(lambda rng, s: np.clip(rng.normal(0, 1, s), -2, 2) * 1.05),
    ),
    wrong("initial_weights: biases 0.1 -> biases that are not zero", _weights(_he, 0.1)),
    right("tensorboard_graph: tf.summary.graph", graphs.event_file(_written())),
    right("tensorboard_graph: trace_on and trace_export", graphs.event_file(_written(old=True))),
    wrong("tensorboard_graph: an empty file -> no graph in the file", graphs.event_file(_empty)),
    wrong("tensorboard_graph: nothing written", graphs.event_file(lambda folder: None)),
    wrong(
        "tensorboard_graph: stops at the hidden layer -> the graph ends before the scores",
        graphs.event_file(_written(lambda maps: maps["hidden"], _network(last=False))),
    ),
    wrong(
        "tensorboard_graph: no ReLU -> ReLU left out",
        graphs.event_file(_written(network=_network(relu=False))),
    ),
]
"""Known answers to what is built by hand."""
