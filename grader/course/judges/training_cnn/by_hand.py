"""Judges of notebook 02 for the inception module, the small network by hand, and its graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from grader.contract.judge import Judge, Mistake, Question
from utils.rules import by_hand
from utils.rules.by_hand import WEIGHTS

from . import evidence

# -- inception ------------------------------------------------------------------------------------

_MODULES = (
    # (H, W, C), [1×1, reduce 3, 3×3, reduce 5, 5×5, after pooling]
    ((28, 28, 192), [64, 96, 128, 16, 32, 32]),
    ((9, 14, 24), [8, 6, 12, 4, 10, 5]),
)


def _draw_inception(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    yield Question("28×28×192, as in the paper", _inputs(*_MODULES[0]))
    (height, width, channels), filters = _MODULES[1]
    changed = [n + int(rng.integers(0, 4)) for n in filters]
    shape = (height + int(rng.integers(4)), width, channels + int(rng.integers(6)))
    yield Question("another input, other filters", _inputs(shape, changed))


def _inputs(shape: tuple[int, int, int], filters: list[int]) -> dict[str, Any]:
    return {"shape": np.array(shape), "filters": np.array(filters)}


Branches = list[list[tuple[str, int]]]


def _branches(filters: np.ndarray, reductions: bool = True, projected: bool = True) -> Branches:
    """Steps of each branch: ("conv k×k", filters) or ("pool", 0)."""
    a, r3, b, r5, c, d = (int(n) for n in filters)
    return [
        [("1×1", a)],
        [("1×1", r3)] * reductions + [("3×3", b)],
        [("1×1", r5)] * reductions + [("5×5", c)],
        [("pool", 0)] + [("1×1", d)] * projected,
    ]


def _exchanged(filters: np.ndarray) -> Branches:
    """3×3 where 5×5 belongs, and the other way round."""
    other = {"3×3": "5×5", "5×5": "3×3"}
    return [
        [(other.get(kind, kind), count) for kind, count in branch] for branch in _branches(filters)
    ]


def _described(
    shape: np.ndarray,
    branches: Branches,
    relu: bool = True,
    bare: bool = False,
    pool: str = "maxpool 3×3",
) -> dict[str, Any]:
    """What is said of branches.  bare: reductions without ReLU."""
    height, width, channels = (int(n) for n in shape)
    outputs, parameters, texts = 0, 0, []
    for branch in branches:
        depth, steps = channels, []
        for place, (kind, filters) in enumerate(branch):
            if kind == "pool":
                steps.append(f"{pool} same stride 1")
                continue
            side = int(kind[0])
            parameters += side * side * depth * filters + filters
            depth = filters
            bends = relu and not (bare and place == 0 and branch[1:] and branch[1][0] != "pool")
            steps += [f"conv {filters} {kind} same"] + ["relu"] * bends
        outputs += depth
        texts.append(", ".join(steps))
    return {
        "output": np.array([height, width, outputs]),
        "parameters": parameters,
        "branches": " | ".join(texts),
    }


_INCEPTION_MISTAKES = {
    "without the reductions": Mistake(
        lambda shape, filters: _described(shape, _branches(filters, reductions=False)),
        "A 1×1 convolution comes before the 3×3 and the 5×5.",
    ),
    "no 1×1 convolution after pooling": Mistake(
        lambda shape, filters: _described(shape, _branches(filters, projected=False)),
        "Pooling keeps all channels; filters[5] maps are wanted of it.",
    ),
    "no ReLU": Mistake(
        lambda shape, filters: _described(shape, _branches(filters), relu=False),
        'activation="relu" for every convolution.',
    ),
    "no ReLU after the reductions": Mistake(
        lambda shape, filters: _described(shape, _branches(filters), bare=True),
        'activation="relu" for every convolution, those that reduce included.',
    ),
    "the 1×1 convolution comes before pooling": Mistake(
        lambda shape, filters: _described(
            shape, [*_branches(filters)[:3], _branches(filters)[3][::-1]]
        ),
        "The fourth branch pools first, and reduces what comes out.",
    ),
    "average pooling in place of max pooling": Mistake(
        lambda shape, filters: _described(shape, _branches(filters), pool="avgpool 3×3"),
        "layers.MaxPooling2D keeps the largest value of a window.",
    ),
    "pooling of 2×2 in place of 3×3": Mistake(
        lambda shape, filters: _described(shape, _branches(filters), pool="maxpool 2×2"),
        'layers.MaxPooling2D(3, strides=1, padding="same").',
    ),
    "3×3 and 5×5 exchanged": Mistake(
        lambda shape, filters: _described(shape, _exchanged(filters)),
        "The second branch has the kernel of 3×3, the third that of 5×5.",
    ),
    "reduction and convolution exchanged: filters are read in another order": Mistake(
        lambda shape, filters: _described(
            shape, _branches(np.asarray(filters)[[0, 2, 1, 4, 3, 5]])
        ),
        "filters[1] and filters[3] are for the reductions, which come first.",
    ),
    "stacked in another order, pooling first": Mistake(
        lambda shape, filters: _described(shape, [_branches(filters)[i] for i in (3, 0, 1, 2)]),
        "1×1, 3×3, 5×5, pooling.",
    ),
    "the pooling branch is missing": Mistake(
        lambda shape, filters: _described(shape, _branches(filters)[:3]), "Four branches."
    ),
    "stacked in another order": Mistake(
        lambda shape, filters: _described(shape, [_branches(filters)[i] for i in (0, 1, 3, 2)]),
        "1×1, 3×3, 5×5, pooling.",
    ),
    "reductions of 3×3 and 5×5 swapped": Mistake(
        lambda shape, filters: _described(
            shape, _branches(np.asarray(filters)[[0, 3, 2, 1, 4, 5]])
        ),
        "filters[1] comes before the 3×3, filters[3] before the 5×5.",
    ),
}


def _of_four_points(shape: np.ndarray, filters: np.ndarray) -> dict[str, Any]:
    """Four 1×1 convolutions beside each other have the right output, and nothing else."""
    height, width, channels = map(int, shape)
    last = [int(filters[n]) for n in (0, 2, 4, 5)]
    rows = [_row("Input", [], [height, width, channels])]
    for n in last:
        options = {"filters": n, "kernel_size": [1, 1], "strides": [1, 1], "padding": "valid",
                   "dilation_rate": [1, 1], "groups": 1, "use_bias": True}  # fmt: skip
        own = {"options": options, "parameters": (channels + 1) * n, "weights": [len(rows)]}
        rows += [
            _row("Conv2D", [0], [height, width, n]) | own,
            _row("Activation", [len(rows)], [height, width, n]) | {"options": {"function": "relu"}},
        ]
    stacked = list(range(2, len(rows), 2))
    rows += [_row("Concatenate", stacked, [height, width, sum(last)]) | {"options": {"axis": -1}}]
    return {"net": rows}


def _row(kind: str, sources: list[int], output: list[int]) -> dict[str, Any]:
    """A step of a net, as `utils.nets.describe` has it."""
    return {"kind": kind, "name": kind, "from": sources, "output": output, "options": {},
            "known": True, "parameters": 0, "multiplications": 0, "weights": [],
            "penalties": []}  # fmt: skip


# -- the small network ----------------------------------------------------------------------------


def _draw_initial(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    seed = int(rng.integers(1000))
    yield Question("new weights", {"seed": seed})
    yield Question("the same seed once more", {"seed": seed}, same_as=0)
    yield Question("another seed", {"seed": seed + 1}, unlike=0)


def _initial(seed: int) -> dict[str, Any]:
    return {
        "shapes": "as asked",
        "standard deviations": by_hand.AS_ASKED,
        "values": "normal",
        "biases": "zero",
        "type": "float32",
    }


def _all_equal(value: float) -> Callable[..., dict[str, np.ndarray]]:
    """Weights that are all the same: shapes as listed, and nothing drawn."""

    def weights(seed: int) -> dict[str, np.ndarray]:
        kernels = {name: np.full(shape, value, np.float32) for name, shape in WEIGHTS.items()}
        biases = {f"{k}_bias": np.zeros(w.shape[-1], np.float32) for k, w in kernels.items()}
        return kernels | biases

    return weights


_INITIAL_MISTAKES = {
    "all weights are the same": Mistake(
        lambda seed: {"standard deviations": by_hand.NO_SPREAD},
        "Then all units of a layer would stay alike: they need different numbers to begin with.",
    ),
    "standard deviation 1": Mistake(
        lambda seed: {"standard deviations": by_hand.TOO_LARGE}, "rng.normal(0, deviation, shape)."
    ),
    "1/n in place of 2/n": Mistake(
        lambda seed: {"standard deviations": by_hand.HALF}, "ReLU halves the signal: √(2/n)."
    ),
    "2/n, which is the variance, in place of its root": Mistake(
        lambda seed: {"standard deviations": by_hand.VARIANCE},
        "The standard deviation is the root of the variance: np.sqrt(2 / n).",
    ),
    "n without the cells of the kernel": Mistake(
        lambda seed: {"standard deviations": by_hand.CHANNELS},
        "A unit of a convolution has an input for each cell and channel: kh · kw · C_in.",
    ),
    "n counts the outputs": Mistake(
        lambda seed: {"standard deviations": by_hand.OF_OUTPUTS},
        "n is the number of inputs of one unit: all axes of the weights but the last.",
    ),
    "n counts the outputs, times the cells of the kernel": Mistake(
        lambda seed: {"standard deviations": by_hand.OF_WINDOWS},
        "n is the number of inputs of one unit: all axes of the weights but the last.",
    ),
    "n counts all weights of a layer": Mistake(
        lambda seed: {"standard deviations": by_hand.OF_ALL},
        "n is the number of inputs of one unit: all axes of the weights but the last.",
    ),
    "inputs and outputs in n: Glorot's rule, not He's": Mistake(
        lambda seed: {"standard deviations": by_hand.GLOROT},
        "n is the number of inputs of one unit alone.",
    ),
    "a deviation other than √(2/n)": Mistake(
        lambda seed: {"standard deviations": by_hand.ANOTHER},
        "n is the number of inputs of one unit: kh · kw · C_in, or the inputs of the FC layer.",
    ),
    "biases that are not zero": Mistake(
        lambda seed: {"biases": "not zero"}, "np.zeros for the biases."
    ),
    "not around zero": Mistake(
        lambda seed: {"values": "not around zero"}, "The mean of the normal distribution is 0."
    ),
    "not normally distributed": Mistake(
        lambda seed: {"values": "not normal"}, "rng.normal(0, deviation, shape)."
    ),
    "the same numbers again and again": Mistake(
        lambda seed: {"values": "repeated"},
        "Make one generator before the loop, and draw from it for each layer.",
    ),
    "another type than float32": Mistake(
        lambda seed: {"type": "another than float32"},
        "TensorFlow computes with float32: .astype(np.float32), for kernels and biases.",
    ),
}


def _draw_network(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    images = rng.integers(0, 17, (2, 64, 64, 3)).astype(np.float32) / 16
    weights: dict[str, np.ndarray] = {}
    for name, shape in WEIGHTS.items():
        deviation = np.sqrt(2 / np.prod(shape[:-1]))
        steps = np.rint(rng.normal(0, 3, shape)).astype(np.float32)  # few values: they pack well
        weights[name] = steps * np.float32(deviation / 3)
        weights[f"{name}_bias"] = np.rint(rng.normal(0, 4, shape[-1:])).astype(np.float32) / 8
    yield Question("two images", {"images": images, "weights": weights}, rtol=1e-4)


def _network(
    images: np.ndarray,
    weights: dict[str, np.ndarray],
    relu: bool | str = True,
    biases: bool | str = True,
    pool: Any = np.max,
    channels_first: bool = False,
    same: bool = True,
    late: bool = False,
) -> dict[str, np.ndarray]:
    """The small network.  relu, biases: everywhere, nowhere, or in layers of one kind, "conv" or
    "fc".  late: biases after ReLU."""

    def layer(x: np.ndarray, name: str, last: bool = False) -> np.ndarray:
        kind = name.rstrip("123")
        bias = weights[f"{name}_bias"] * (biases in (True, kind))
        bends = relu in (True, kind) and not last
        if late and not last:
            return np.maximum(x, 0) + bias
        return np.maximum(x + bias, 0) if bends else x + bias

    maps: dict[str, np.ndarray] = {}
    x = np.asarray(images, np.float64)
    for number in (1, 2, 3):
        kernel = np.asarray(weights[f"conv{number}"], np.float64)
        x = layer(_convolution(x, kernel, same), f"conv{number}")
        n, height, width, depth = x.shape
        x = x[:, : height // 2 * 2, : width // 2 * 2]
        x = pool(x.reshape(n, height // 2, 2, width // 2, 2, depth), axis=(2, 4))
        maps[f"stage{number}"] = x.astype(np.float32)
    flat = (x.transpose(0, 3, 1, 2) if channels_first else x).reshape(len(x), -1)
    if not same:
        return maps
    maps["hidden"] = layer(flat @ weights["fc1"], "fc1")
    maps["scores"] = layer(maps["hidden"] @ weights["fc2"], "fc2", last=True)
    return maps


def _convolution(x: np.ndarray, kernel: np.ndarray, same: bool) -> np.ndarray:
    margin = kernel.shape[0] // 2 if same else 0
    padded = np.pad(x, ((0, 0), (margin, margin), (margin, margin), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[:2], axis=(1, 2))
    n, height, width = windows.shape[:3]
    rows = windows.transpose(0, 1, 2, 4, 5, 3).reshape(n * height * width, -1)
    return (rows @ kernel.reshape(-1, kernel.shape[-1])).reshape(n, height, width, -1)


def _softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


_AT_THE_END = ("hidden", "scores")
"""What tells mistakes in some layers from those in all: large maps need not be listed twice."""


def _only(names: tuple[str, ...], found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: found[name] for name in names}


_NETWORK_MISTAKES = {
    "ReLU left out": Mistake(
        lambda images, weights: _network(images, weights, relu=False),
        "Every stage but the last has one.",
    ),
    "ReLU left out after the convolutions": Mistake(
        lambda images, weights: _only(_AT_THE_END, _network(images, weights, relu="fc")),
        "Every stage but the last has one.",
    ),
    "ReLU left out in the hidden layer": Mistake(
        lambda images, weights: _only(_AT_THE_END, _network(images, weights, relu="conv")),
        "Every stage but the last has one.",
    ),
    "biases added after ReLU": Mistake(
        lambda images, weights: _only(("stage1", "stage3"), _network(images, weights, late=True)),
        "A layer's biases are part of its result, to which ReLU is applied.",
    ),
    "biases left out in the fully connected layers": Mistake(
        lambda images, weights: _only(_AT_THE_END, _network(images, weights, biases="conv")),
        "Every layer has biases.",
    ),
    "biases left out in the convolutions": Mistake(
        lambda images, weights: _only(_AT_THE_END, _network(images, weights, biases="fc")),
        "Every layer has biases.",
    ),
    "biases left out": Mistake(
        lambda images, weights: _network(images, weights, biases=False),
        "Each layer adds its biases to its result, before ReLU.",
    ),
    "padding VALID": Mistake(
        lambda images, weights: _network(images, weights, same=False),
        'padding="SAME" keeps height and width.',
    ),
    "average in place of maximum": Mistake(
        lambda images, weights: _network(images, weights, pool=np.mean), "tf.nn.max_pool2d."
    ),
    "flattened with the channels first": Mistake(
        lambda images, weights: _only(_AT_THE_END, _network(images, weights, channels_first=True)),
        "tf.reshape(x, (-1, 8 * 8 * 32)) of the maps as they are.",
    ),
    "softmax at the end": Mistake(
        lambda images, weights: {"scores": _softmax(_network(images, weights)["scores"])},
        "Scores are asked for; softmax belongs to the loss.",
    ),
    "a ReLU too many, at the end": Mistake(
        lambda images, weights: {"scores": np.maximum(_network(images, weights)["scores"], 0)},
        "Scores may be negative.",
    ),
}


# -- its graph ------------------------------------------------------------------------------------

_GRAPH_MISTAKES = {
    "ReLU left out": Mistake(lambda: {"ReLUs": 0}, "Is it missing in small_network, too?"),
    "no graph in the file": Mistake(
        lambda: dict.fromkeys(
            ("convolutions", "ReLUs", "poolings", "reshapes", "matrix products"), 0
        ),
        "tf.summary.graph(graph) inside `with writer.as_default():`, then writer.close().",
    ),
    "the graph ends before the scores": Mistake(
        lambda: {"matrix products": 1, "ReLUs": 3},
        "The second FC layer belongs to the network, too.",
    ),
}


def _draw_graph(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    yield Question("the event file", {})


JUDGES_BY_HAND = [
    Judge(
        "inception_module",
        lambda shape, filters: _described(shape, _branches(filters)),
        _draw_inception,
        _INCEPTION_MISTAKES,
        parts=("output", "parameters", "branches"),
        section="Exercise 02.8: the Inception module",
        measure=by_hand.inception,
        evidence=evidence.of_description(),
        idle=(_of_four_points,),
    ),
    Judge(
        "initial_weights",
        _initial,
        _draw_initial,
        _INITIAL_MISTAKES,
        parts=tuple(_initial(0)),
        section="Exercise 02.10: a small network, by hand",
        measure=by_hand.small_network_weights,
        idle=(_all_equal(0.0), _all_equal(1.0)),
    ),
    Judge(
        "small_network",
        _network,
        _draw_network,
        _NETWORK_MISTAKES,
        parts=("stage1", "stage2", "stage3", "hidden", "scores"),
        section="Exercise 02.10: a small network, by hand",
    ),
    Judge(
        "tensorboard_graph",
        lambda: {
            "convolutions": 3,
            "ReLUs": 4,
            "poolings": 3,
            "reshapes": 1,
            "matrix products": 2,
        },
        _draw_graph,
        _GRAPH_MISTAKES,
        parts=("convolutions", "ReLUs", "poolings", "reshapes", "matrix products"),
        section="Exercise 02.11: its graph",
        measure=by_hand.graph_of_small_network,
    ),
]
"""Judges of what is built by hand."""
