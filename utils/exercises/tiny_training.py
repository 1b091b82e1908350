"""Train a small network on 8×8 digits with layers that somebody wrote in plain numpy.

The network is convolution, ReLU, max pooling, dense, softmax.  Convolution and pooling are handed
in; the rest is here.  Before training, each layer is tried on a small input, so that one that is
missing or returns the wrong shape is named in a sentence.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from utils.checks import raised

DIGITS = Path(__file__).resolve().parents[2] / "data" / "digits.npz"
"""Handwritten digits, 8×8: see grader/course/making/digits.py for their source."""

_WINDOW, _STEP, _PADDING = (2, 2), (2, 2), "SAME"


class NotReady(RuntimeError):
    """A layer can't be used for training yet.  The text says which, and why."""


@dataclass(frozen=True)
class Layers:
    """The four functions of notebook 01, with the arguments described there."""

    conv2d: Callable[..., np.ndarray]
    conv2d_backward: Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]
    maxpool: Callable[..., np.ndarray]
    maxpool_backward: Callable[..., np.ndarray]


@dataclass
class Network:
    """Weights of the network, and its velocity for training with momentum."""

    weights: dict[str, np.ndarray]
    velocity: dict[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def initial(cls, rng: np.random.Generator, filters: int = 12) -> Network:
        """Random weights with the variance of He et al. (2015, arxiv.org/abs/1502.01852)."""
        features = 4 * 4 * filters
        weights = {
            "kernel": rng.normal(0, np.sqrt(2 / 9), (3, 3, 1, filters)),
            "kernel_bias": np.zeros(filters),
            "dense": rng.normal(0, np.sqrt(1 / features), (features, 10)),
            "dense_bias": np.zeros(10),
        }
        return cls(weights, {name: np.zeros_like(value) for name, value in weights.items()})


@dataclass
class History:
    """What happened during training."""

    losses: list[float] = field(default_factory=list)
    """One per batch."""
    epochs: int = 0
    test_accuracy: float = float("nan")
    """Fraction of the test digits that the network gets right at the end."""
    seconds: float = 0.0
    network: Network | None = None


def load_digits() -> dict[str, np.ndarray]:
    """x_train, x_test (N, 8, 8, 1) float64 in [0, 1]; y_train, y_test (N,) integers."""
    with np.load(DIGITS, allow_pickle=False) as stored:
        return {
            name: stored[name] / 16.0 if name.startswith("x") else stored[name].astype(int)
            for name in stored.files
        }


def forward(layers: Layers, network: Network, x: np.ndarray) -> dict[str, np.ndarray]:
    """All activations for images x (N, 8, 8, 1): conv, relu, pool, probabilities (N, 10)."""
    w = network.weights
    conv = layers.conv2d(x, w["kernel"], w["kernel_bias"], (1, 1), "SAME")
    relu = np.maximum(conv, 0)
    pool = layers.maxpool(relu, _WINDOW, _STEP, _PADDING)
    scores = pool.reshape(len(x), -1) @ w["dense"] + w["dense_bias"]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    return {"conv": conv, "relu": relu, "pool": pool, "probabilities": probabilities}


def gradients(
    layers: Layers, network: Network, x: np.ndarray, y: np.ndarray
) -> tuple[float, dict[str, np.ndarray]]:
    """Mean cross-entropy of a batch, and its gradient for each weight."""
    w = network.weights
    acts = forward(layers, network, x)
    chosen = acts["probabilities"][np.arange(len(x)), y]
    dscores = acts["probabilities"].copy()
    dscores[np.arange(len(x)), y] -= 1
    dscores /= len(x)
    dpool = (dscores @ w["dense"].T).reshape(acts["pool"].shape)
    drelu = layers.maxpool_backward(dpool, acts["relu"], _WINDOW, _STEP, _PADDING)
    dconv = drelu * (acts["conv"] > 0)
    _, dkernel, dbias = layers.conv2d_backward(dconv, x, w["kernel"], (1, 1), "SAME")
    slopes = {
        "kernel": dkernel,
        "kernel_bias": dbias,
        "dense": acts["pool"].reshape(len(x), -1).T @ dscores,
        "dense_bias": dscores.sum(axis=0),
    }
    return float(-np.mean(np.log(np.maximum(chosen, 1e-12)))), slopes


def accuracy(layers: Layers, network: Network, x: np.ndarray, y: np.ndarray) -> float:
    """Fraction of images whose most probable class is right."""
    guesses = [
        forward(layers, network, x[i : i + 120])["probabilities"].argmax(axis=1)
        for i in range(0, len(x), 120)
    ]
    return float(np.mean(np.concatenate(guesses) == y))


def train(
    layers: Layers,
    epochs: int = 12,
    batch: int = 32,
    rate: float = 0.1,
    momentum: float = 0.9,
    seed: int = 0,
    max_seconds: float = 45.0,
    on_epoch: Callable[[History], None] | None = None,
) -> History:
    """Train with stochastic gradient descent and momentum; the rate falls to zero linearly.

    max_seconds: no new epoch begins if it would end later than this (slow layers, slow machine).
    on_epoch: called after each epoch.  Raises NotReady if a layer can't be used.
    """
    try_layers(layers)
    digits = load_digits()
    rng = np.random.default_rng(seed)
    network = Network.initial(rng)
    history = History(network=network)
    started = time.monotonic()
    steps = epochs * -(-len(digits["x_train"]) // batch)
    for epoch in range(1, epochs + 1):
        for chosen in _batches(rng, len(digits["x_train"]), batch):
            loss, slopes = gradients(
                layers, network, digits["x_train"][chosen], digits["y_train"][chosen]
            )
            _descend(network, slopes, rate * (1 - len(history.losses) / steps), momentum)
            history.losses.append(loss)
        history.epochs = epoch
        history.seconds = time.monotonic() - started
        if on_epoch is not None:
            on_epoch(history)
        if history.seconds * (epoch + 1) / epoch > max_seconds:
            break
    history.test_accuracy = accuracy(layers, network, digits["x_test"], digits["y_test"])
    return history


def try_layers(layers: Layers) -> None:
    """Call each layer once on a small input.  Raises NotReady if one can't be used."""
    x, kernel = np.arange(32.0).reshape(2, 4, 4, 1), np.ones((3, 3, 1, 3))
    wide, narrow = np.arange(96.0).reshape(2, 4, 4, 3), np.ones((2, 2, 2, 3))
    conv = (x, kernel, np.zeros(3), (1, 1), "SAME")
    pool = (_WINDOW, _STEP, _PADDING)
    shapes = [x.shape, kernel.shape, (3,)]
    _expect("conv2d_forward", layers.conv2d, conv, [wide.shape])
    _expect("conv2d_backward", layers.conv2d_backward, (wide, x, kernel, (1, 1), "SAME"), shapes)
    _expect("maxpool_forward", layers.maxpool, (wide, *pool), [narrow.shape])
    _expect("maxpool_backward", layers.maxpool_backward, (narrow, wide, *pool), [wide.shape])


def _expect(
    name: str, layer: Callable[..., Any], arguments: tuple[Any, ...], shapes: list[tuple[int, ...]]
) -> None:
    try:
        returned = layer(*arguments)
    except NotImplementedError:
        raise NotReady(f"{name} is not written yet: finish its exercise, then come back.") from None
    except Exception as error:
        raise NotReady(f"{name} fails: {raised.told(error)}") from error
    results = list(returned) if len(shapes) > 1 and isinstance(returned, tuple) else [returned]
    found = [np.shape(result) for result in results]
    if found != shapes:
        raise NotReady(
            f"{name} returned {_shapes(found)}, expected {_shapes(shapes)}: "
            "its check says more about what is wrong."
        )


def _shapes(shapes: list[tuple[int, ...]]) -> str:
    return "shape " + ", ".join(map(str, shapes))


def _batches(rng: np.random.Generator, count: int, size: int) -> Iterator[np.ndarray]:
    order = rng.permutation(count)
    for start in range(0, count, size):
        yield order[start : start + size]


def _descend(network: Network, slopes: dict[str, np.ndarray], rate: float, momentum: float) -> None:
    for name, slope in slopes.items():
        network.velocity[name] = momentum * network.velocity[name] - rate * slope
        network.weights[name] = network.weights[name] + network.velocity[name]
