"""Trusted nets: what judges ask when a net's opinion counts.

Judges run in a process that should start in an instant and never imports a framework, so the mini
net, the second net and toy nets are plain NumPy here; ImageNet nets run in one process of their
own (`keras_process`).  Weights are read by the grader itself; nothing comes from a student's
kernel but the arrays that are asked about.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from utils.nets import pretrained
from utils.nets import toy as nets

from . import layers, second_net
from .base import TrustedNet
from .keras_process import KerasNet


class NumpyNet(TrustedNet):
    """A chain of layers whose last one gives the logits."""

    def __init__(
        self,
        name: str,
        input_shape: tuple[int, int, int],
        chain: Mapping[str, layers.Layer],
        scale: float = 1.0,
        offset: float = 0.0,
    ):
        """The chain is fed with scale · image + offset."""
        self.name, self.input_shape, self._chain = name, input_shape, dict(chain)
        self._scale, self._offset = np.float32(scale), np.float32(offset)
        self.layers = tuple(self._chain)
        self.classes = self._run(np.zeros((1, *input_shape), np.float32))[0].shape[1]

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Logits without preprocessing: whatever is in `x` goes into the first layer."""
        return self._in_batches(
            lambda part: self._run(part, prepared=True)[0], self._checked(x.astype(np.float32))
        )

    def _run(
        self, x: np.ndarray, last: str = "", prepared: bool = False
    ) -> tuple[np.ndarray, list[layers.Back]]:
        backs = []
        if not prepared and (self._scale != 1 or self._offset != 0):
            x = x * self._scale + self._offset
        for name, layer in self._chain.items():
            x, back = layer(x)
            backs.append(back)
            if name == last:
                break
        return x, backs

    def _logits(self, x: np.ndarray) -> np.ndarray:
        return self._run(x)[0]

    def _gradient(self, x: np.ndarray, weights: np.ndarray) -> np.ndarray:
        _, backs = self._run(x)
        gradient = weights
        for back in reversed(backs):
            gradient = back(gradient)
        return gradient * self._scale

    def _units(self, x: np.ndarray, layer: str) -> np.ndarray:
        return self._run(x, layer)[0]

    def _kernel(self, layer: str) -> np.ndarray:
        kernel = layers.weights_of(self._chain[layer])
        if kernel is None:
            raise ValueError(f"layer {layer!r} of {self.name} has no weights")
        return kernel.copy()


@cache
def net(name: str = "mini") -> TrustedNet:
    """The trusted copy of a net that `utils.nets.pretrained` knows by this name.

    "mini" is NumPy in this process; for others a process with Keras is started when they are first
    asked.  Raises ValueError for an unknown name, NetUnavailable if the weights are not at hand.
    """
    if name == "mini":
        return _mini()
    return KerasNet(name)


@cache
def second() -> TrustedNet:
    """A second net for PhotoDigits, which students never see; see `second_net`."""
    size = second_net.SIZE
    return NumpyNet("second", (size, size, 3), second_net.chain())


def toy(description: Mapping[str, Any]) -> TrustedNet:
    """The NumPy twin of the net that `utils.nets.toy.build` makes of a description."""
    plan = nets.plan(description)
    made = {
        "convolution": layers.Convolution,
        "dense": layers.Dense,
        "pooling": layers.MaxPooling,
        "batchnorm": layers.BatchNormalization,
    }
    simple = {"relu": layers.relu, "flatten": layers.flatten, "mean": layers.average}
    chain = {
        step.name: simple.get(step.kind) or made[step.kind](*step.weights, *step.options)
        for step in plan.steps
    }
    return NumpyNet(f"toy {plan.kind}", plan.shape, chain, *plan.scale)


def of(description: Any) -> TrustedNet:
    """The trusted net for a case's input `net`: a name, or the description of a toy net."""
    return toy(description) if isinstance(description, Mapping) else net(str(description))


def logits(images: np.ndarray) -> np.ndarray:
    """Class scores of the mini net before softmax.

    images: (N, 32, 32, 3), uint8 or floats in [0, 1].  Returns (N, 10) float32.
    Raises ValueError for other shapes.
    """
    return _mini().logits(images)


def probabilities(images: np.ndarray) -> np.ndarray:
    """Class probabilities of the mini net, (N, 10) float32, for images as in `logits`."""
    return _mini().probabilities(images)


def forward(x: np.ndarray) -> np.ndarray:
    """The mini net itself, without any preprocessing: (N, 32, 32, 3) of any range -> (N, 10)."""
    return _mini().forward(x)


@cache
def _mini() -> NumpyNet:
    weights = pretrained.mini_weights()
    chain: dict[str, layers.Layer] = {}
    for number, _, _ in pretrained.MINI_CONVOLUTIONS:
        name = f"conv{number}"
        chain[name] = layers.Convolution(weights[f"{name}.kernel"], weights[f"{name}.bias"])
        chain[f"relu{number}"] = layers.relu
        if number in pretrained.MINI_POOLED:
            chain[f"pool{number}"] = layers.MaxPooling()
    chain["flatten"] = layers.flatten
    last = pretrained.MINI_DENSE[-1][0]
    for number, _ in pretrained.MINI_DENSE:
        name = f"fc{number}"
        chain[name] = layers.Dense(weights[f"{name}.kernel"], weights[f"{name}.bias"])
        if number < last:
            chain[f"relu{number}"] = layers.relu
    size = pretrained.MINI_SIZE
    return NumpyNet("mini", (size, size, 3), chain)
