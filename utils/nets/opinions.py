"""Which net is asked how good an image is: the one at hand in a notebook, the trusted one in the
grader.

Assessments run on both sides, and an image that fools a net is only as good as that net says.
The grader names its own nets with `trust` before it judges; nothing in a kernel is asked then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from utils.checks.answering import to_look_at
from utils.nets import toy as nets
from utils.nets.quiet import import_keras


class Opinion(Protocol):
    """A net that can be asked.  Images are (N, H, W, 3), uint8 or floats in units of [0, 1]."""

    def logits(self, images: np.ndarray) -> np.ndarray:
        """Class scores before softmax, (N, classes)."""

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Class probabilities, (N, classes)."""

    def gradient(self, images: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Derivative of sum(weights · logits), weights (N, classes), with respect to images."""

    def units(self, images: np.ndarray, layer: str) -> np.ndarray:
        """What a layer puts out, (N, …).  Raises ValueError for an unknown layer."""


@to_look_at
def of(description: Any) -> Opinion:
    """The net that a case's input `net` describes, see `utils.nets.toy`."""
    return _source(description)


def trust(source: Callable[[Any], Opinion]) -> None:
    """From now on, ask the nets of this source: description -> net."""
    global _source
    _source = source


@to_look_at
class _AtHand:
    """A net in this process."""

    def __init__(self, description: str | Mapping[str, Any]):
        self._net = nets.build(description)

    def logits(self, images: np.ndarray) -> np.ndarray:
        return np.asarray(self._net.logits(images))

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        return np.asarray(self._net.probabilities(images))

    def gradient(self, images: np.ndarray, weights: np.ndarray) -> np.ndarray:
        import tensorflow as tf  # takes seconds to import

        given = tf.constant(images, tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(given)
            total = tf.reduce_sum(self._net.logits(given) * tf.constant(weights, tf.float32))
        return tape.gradient(total, given).numpy()

    def units(self, images: np.ndarray, layer: str) -> np.ndarray:
        model = self._net.model
        part = import_keras().Model(model.inputs, model.get_layer(layer).output)
        return np.asarray(part(self._net.preprocess(images)))


_source: Callable[[Any], Opinion] = _AtHand
