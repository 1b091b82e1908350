"""AlexNet as it was trained with Caffe, from its public weights `bvlc_alexnet.npy`.

Five convolutions, three of them in two groups that do not see each other's channels, local response
normalisation after the first two, and three dense layers: Krizhevsky, Sutskever and Hinton, 2012.
The weights are read without unpickling anything (`utils.nets.pickled_arrays`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from utils.nets import pickled_arrays
from utils.nets.quiet import import_keras, import_tensorflow, silent_stderr

FILE = "bvlc_alexnet.npy"
URL = "http://www.cs.toronto.edu/~guerzhoy/tf_alexnet/bvlc_alexnet.npy"
BYTES = 243_860_896
"""What its numbers alone take; the file has a little more."""
PARAMETERS = 60_965_224
SIZE = 227
"""Height and width of the images it takes."""
MEAN_BGR = (104.007, 116.669, 122.679)
"""Mean colour of ImageNet's images, in 0 … 255, blue first."""

SHAPES = {
    "conv1": (11, 11, 3, 96),
    "conv2": (5, 5, 48, 256),
    "conv3": (3, 3, 256, 384),
    "conv4": (3, 3, 192, 384),
    "conv5": (3, 3, 192, 256),
    "fc6": (9216, 4096),
    "fc7": (4096, 4096),
    "fc8": (4096, 1000),
}
"""Layer -> shape of its weights, (kh, kw, C_in per group, C_out) or (inputs, neurons)."""

_GROUPS = {2: 2, 4: 2, 5: 2}
_STRIDES = {1: 4}
_NORMALISED = (1, 2)
_POOLED = (1, 2, 5)
RADIUS, ALPHA, BETA, BIAS = 2, 2e-5, 0.75, 1.0
"""Local response normalisation over 2·2 + 1 channels.  Caffe writes alpha = 1e-4 and divides it by
the number of channels."""


class DamagedWeights(ValueError):
    """A file is not AlexNet's weights, or not all of them.  The text says what is wrong."""


def build(
    shapes: dict[str, tuple[int, ...]] = SHAPES,
    size: int = SIZE,
    initializer: str = "glorot_uniform",
) -> Any:
    """The net before it gets its weights, as a functional Keras model.

    Images (N, 227, 227, 3), BGR with the mean colour taken off (`preprocess_input`), -> logits
    (N, 1000).  Layers: conv1, relu1, norm1, pool1, conv2, relu2, norm2, pool2, conv3, relu3, conv4,
    relu4, conv5, relu5, pool5, flatten, fc6, relu6, fc7, relu7, fc8.
    """
    keras = import_keras()
    layers = keras.layers
    grouped, normalisation = _own_layers()
    x = images = keras.Input((size, size, 3), name="images")
    for number in range(1, 6):
        height, width, _, filters = shapes[f"conv{number}"]
        x = grouped(
            filters,
            (height, width),
            strides=_STRIDES.get(number, 1),
            padding="valid" if number in _STRIDES else "same",
            groups=_GROUPS.get(number, 1),
            kernel_initializer=initializer,
            name=f"conv{number}",
        )(x)
        x = layers.ReLU(name=f"relu{number}")(x)
        if number in _NORMALISED:
            x = normalisation(name=f"norm{number}")(x)
        if number in _POOLED:
            x = layers.MaxPooling2D(3, 2, name=f"pool{number}")(x)
    x = layers.Flatten(name="flatten")(x)
    for number in (6, 7, 8):
        neurons = shapes[f"fc{number}"][1]
        x = layers.Dense(neurons, kernel_initializer=initializer, name=f"fc{number}")(x)
        if number < 8:
            x = layers.ReLU(name=f"relu{number}")(x)
    return keras.Model(images, x, name="alexnet")


def load(path: Path) -> Any:
    """The net with the weights of a file.  Raises DamagedWeights, or OSError."""
    weights = read(path)
    with silent_stderr():
        model = build(initializer="zeros")  # sixty million random numbers take their time
    for name, pair in weights.items():
        model.get_layer(name).set_weights(pair)
    return model


def read(
    path: Path, shapes: dict[str, tuple[int, ...]] = SHAPES
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Layer -> (weights, biases), float32, checked against the shapes that AlexNet has.

    Raises DamagedWeights if the file is cut short or something else, OSError if it is missing.
    """
    try:
        stored = pickled_arrays.read(path)
    except pickled_arrays.NotArrays as error:
        here = path.stat().st_size
        short = f"; it has {here:,} bytes, AlexNet's has {BYTES:,} or a little more"
        raise DamagedWeights(f"{error}{short if here < BYTES else ''}") from None
    found = {}
    for name, shape in shapes.items():
        pair = stored.get(name)
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise DamagedWeights(f"it holds no weights and biases for {name}")
        if not all(isinstance(part, np.ndarray) and part.dtype.kind == "f" for part in pair):
            raise DamagedWeights(f"{name} holds something else than floating point numbers")
        weights, biases = pair
        if weights.shape != shape or biases.size != shape[-1]:
            raise DamagedWeights(
                f"{name} has weights {weights.shape} and {biases.size} biases, "
                f"AlexNet's has {shape} and {shape[-1]}"
            )
        found[name] = (weights.astype(np.float32, copy=False), _float32(biases).reshape(-1))
    if unknown := sorted(set(stored) - set(shapes)):
        raise DamagedWeights(f"it holds layers that AlexNet has not: {', '.join(unknown[:5])}")
    return found


def _float32(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32, copy=False)


def count(weights: dict[str, tuple[np.ndarray, np.ndarray]]) -> int:
    """Number of parameters."""
    return sum(part.size for pair in weights.values() for part in pair)


def preprocess_input(images: Any) -> Any:
    """RGB in 0 … 255 -> BGR with ImageNet's mean colour taken off, as Caffe's nets want it."""
    tf = import_tensorflow()
    return images[..., ::-1] - tf.constant(MEAN_BGR, tf.float32)


def _own_layers() -> tuple[Any, Any]:
    """Classes of the two layers that Keras hasn't got like this."""
    keras, tf = import_keras(), import_tensorflow()

    class GroupedConv2D(keras.layers.Conv2D):  # type: ignore[name-defined]
        """Conv2D whose groups are convolved one by one, so that no compiler need be waited for."""

        def convolution_op(self, inputs: Any, kernel: Any) -> Any:
            parts = [
                tf.nn.conv2d(x, w, self.strides, self.padding.upper())
                for x, w in zip(
                    tf.split(inputs, self.groups, axis=-1),
                    tf.split(kernel, self.groups, axis=-1),
                    strict=True,
                )
            ]
            return tf.concat(parts, axis=-1)

    class LocalResponseNormalisation(keras.layers.Layer):  # type: ignore[name-defined]
        """x / (1 + α · sum of squares over neighbouring channels)^β."""

        def call(self, inputs: Any) -> Any:
            return tf.nn.local_response_normalization(inputs, RADIUS, BIAS, ALPHA, BETA)

        def compute_output_shape(self, input_shape: Any) -> Any:
            return input_shape

    return GroupedConv2D, LocalResponseNormalisation
