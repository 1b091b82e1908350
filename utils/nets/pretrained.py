"""Pretrained nets behind one function: `load("mini")` works offline, ImageNet nets where they are.

The mini net is part of the course: five convolutions and three dense layers, as in AlexNet, trained
on PhotoDigits.  The real AlexNet is built from its public file, where somebody has put that.  The
others come from Keras, with weights that lie in `~/.keras/models` or can be downloaded.  A net that
can't be had is an error that says what to do, never another net.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from utils.checks import raised
from utils.checks.answering import aside, to_look_at
from utils.images import photo_digits
from utils.images.photo_digits import CLASS_NAMES, DATA
from utils.nets import alexnet
from utils.nets.quiet import import_keras, silent_stderr, usual_settings

MINI_WEIGHTS = DATA / "mini_net.npz"
"""Weights of the mini net: `conv1.kernel`, `conv1.bias`, … as float16."""

MINI_SIZE = 32
MINI_CONVOLUTIONS = ((1, 5, 32), (2, 3, 48), (3, 3, 64), (4, 3, 64), (5, 3, 64))
"""(number, kernel size, filters) of the mini net's convolutions, all SAME with stride 1."""
MINI_POOLED = (1, 2, 5)
"""Convolutions that are followed by max pooling of 2×2, stride 2."""
MINI_DENSE = ((6, 128), (7, 64), (8, 10))
"""(number, neurons) of the mini net's fully connected layers."""


class NetUnavailable(raised.OneLine, RuntimeError):
    """A net's weights are damaged, or neither at hand nor to be had.  The text says which."""


@dataclass(frozen=True)
class _Application:
    """A net that `keras.applications` builds, trained on ImageNet."""

    module: str
    function: str
    weights: str
    """File name of the weights in `~/.keras/models`."""
    size: int
    options: tuple[tuple[str, Any], ...] = ()


_APPLICATIONS = {
    "mobilenet_0.25": _Application(
        "mobilenet", "MobileNet", "mobilenet_2_5_224_tf.h5", 224, (("alpha", 0.25),)
    ),
    "mobilenet": _Application("mobilenet", "MobileNet", "mobilenet_1_0_224_tf.h5", 224),
    "mobilenet_v2": _Application(
        "mobilenet_v2",
        "MobileNetV2",
        "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5",
        224,
    ),
    "inception_v3": _Application(
        "inception_v3",
        "InceptionV3",
        "inception_v3_weights_tf_dim_ordering_tf_kernels.h5",
        299,
    ),
    "resnet50": _Application(
        "resnet", "ResNet50", "resnet50_weights_tf_dim_ordering_tf_kernels.h5", 224
    ),
    "vgg16": _Application("vgg16", "VGG16", "vgg16_weights_tf_dim_ordering_tf_kernels.h5", 224),
}
_CLASS_INDEX = "imagenet_class_index.json"

NAMES = ("mini", "alexnet", *_APPLICATIONS)
"""Every name that `load` knows."""


@dataclass(frozen=True)
class PretrainedNet:
    """A trained classifier."""

    name: str
    class_names: tuple[str, ...]
    input_size: int
    """Height and width of the images that `model` takes, in pixels."""
    model: Any
    """Functional Keras model: preprocessed images -> logits (N, classes), that is, before softmax.
    The mini net's layers are conv1, relu1, pool1, … conv5, relu5, pool5, flatten, fc6, relu6, fc7,
    relu7, fc8, and AlexNet's are the same and norm1 and norm2; conv and fc layers are without
    activation."""
    scale: Callable[[Any], Any]
    """What the net's makers do to images in [0, 255] of the right size."""
    source: str
    """What it was trained on."""

    def preprocess(self, images: Any) -> Any:
        """Make photographs fit for `model`: cut to the middle square, the net's size and range.

        images: (N, H, W, 3) or (H, W, 3), uint8 in 0 … 255 or floats in [0, 1], as an array or a
        tensor (gradients pass).  Returns a float32 tensor (N, input_size, input_size, 3).
        Raises ValueError for other shapes, and for float arrays that exceed [0, 1].
        """
        import tensorflow as tf  # takes seconds to import

        if not tf.is_tensor(images):
            images = np.asarray(images)
            if images.dtype.kind == "f" and images.size and np.nanmax(np.abs(images)) > 1.5:
                raise ValueError(
                    "float images are in [0, 1]; divide by 255, or pass the uint8 array as it is"
                )
        integers = tf.as_dtype(images.dtype).is_integer
        x = tf.cast(images, tf.float32)
        x = x if integers else x * 255.0
        if x.shape.rank == 3:
            x = x[None]
        if x.shape.rank != 4 or x.shape[-1] != 3:
            raise ValueError(f"expected images of shape (N, H, W, 3), got {tuple(images.shape)}")
        height, width = x.shape[1:3]
        if height != width:
            side = min(height, width)
            top, left = (height - side) // 2, (width - side) // 2
            x = x[:, top : top + side, left : left + side]
        if x.shape[1] != self.input_size:
            x = tf.image.resize(x, (self.input_size, self.input_size), antialias=True)
        return self.scale(x)

    def logits(self, images: Any) -> Any:
        """Class scores before softmax, (N, classes): preprocessing included, gradients pass."""
        return self._compiled(self.preprocess(images))

    def probabilities(self, images: Any) -> Any:
        """Class probabilities, (N, classes): preprocessing included, gradients pass."""
        import tensorflow as tf  # takes seconds to import

        return tf.nn.softmax(self.logits(images))

    @cached_property
    def _compiled(self) -> Any:
        """The model, compiled once for any number of images: twice as fast as layer by layer."""
        import tensorflow as tf  # takes seconds to import

        model = self.model  # kept here, so that its variables last as long as the graph
        images = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)
        return tf.function(lambda x: model(x, training=False), input_signature=[images])

    @to_look_at
    def top(self, images: Any, k: int = 5) -> list[list[tuple[str, float]]]:
        """The k likeliest classes of each image, likeliest first, as (class name, probability)."""
        tables = np.asarray(self.probabilities(images))
        order = np.argsort(-tables, axis=1, kind="stable")[:, :k]
        return [
            [(self.class_names[i], float(row[i])) for i in best]
            for row, best in zip(tables, order, strict=True)
        ]


def load(name: str = "mini") -> PretrainedNet:
    """Load a pretrained net; ImageNet weights are downloaded if they are not at hand.

    Raises ValueError for an unknown name, NetUnavailable if the weights can't be had.
    """
    if name not in NAMES:
        raise raised.Unknown(f"unknown net {name!r}; known: {', '.join(NAMES)}")
    with usual_settings():
        if name == "mini":
            return _load_mini()
        if name == "alexnet":
            return _load_alexnet()
        return _load_application(name, _APPLICATIONS[name])


def available() -> tuple[str, ...]:
    """Names of the nets that load without a network."""
    return tuple(name for name in NAMES if all(path.is_file() for path in files(name)))


def files(name: str) -> tuple[Path, ...]:
    """The files that a net is made of, whether they are there or not.

    Raises ValueError for an unknown name.
    """
    if name == "mini":
        return (MINI_WEIGHTS,)
    if name == "alexnet":
        return (_alexnet_file(), _keras_models() / _CLASS_INDEX)
    if name not in _APPLICATIONS:
        raise raised.Unknown(f"unknown net {name!r}; known: {', '.join(NAMES)}")
    return (_keras_models() / _APPLICATIONS[name].weights, _keras_models() / _CLASS_INDEX)


def require(name: str) -> None:
    """Make sure that a net loads without a network.

    Raises ValueError for an unknown name, NetUnavailable with advice if a file is missing.
    """
    for path in files(name):
        if not path.is_file():
            by_itself = f'load the net once with a network (utils.nets.pretrained.load("{name}"))'
            advice = f"get it from {alexnet.URL}" if path.name == alexnet.FILE else by_itself
            raise NetUnavailable(
                f"the net {name!r} is not at hand: {path} is missing; put it there, {advice}, "
                f"or choose one of: {', '.join(available())}"
            )


@aside
def photographs(name: str = "mini") -> list[np.ndarray]:
    """A few photographs, (H, W, 3) uint8, that show what a net of this name was trained for.

    Unseen PhotoDigits for the mini net; scikit-image's cat, coffee and rocket for ImageNet nets.
    """
    if name == "mini":
        drawn = photo_digits.render(400, "test", MINI_SIZE, seed=3, keep=False)
        return [drawn.images[i] for i in (0, 389, 17, 46, 382, 364)]
    from skimage import data  # kernels without frameworks have none

    return [data.chelsea(), data.coffee(), data.rocket()]


def build_mini(dropout: float = 0.0) -> Any:
    """The mini net with random weights: images in [0, 1], (N, 32, 32, 3) -> logits (N, 10).

    dropout: rate before each dense layer, for training.
    """
    keras = import_keras()
    layers = keras.layers
    x = images = keras.Input((MINI_SIZE, MINI_SIZE, 3), name="images")
    for number, kernel, filters in MINI_CONVOLUTIONS:
        x = layers.Conv2D(filters, kernel, padding="same", name=f"conv{number}")(x)
        x = layers.ReLU(name=f"relu{number}")(x)
        if number in MINI_POOLED:
            x = layers.MaxPooling2D(2, name=f"pool{number}")(x)
    x = layers.Flatten(name="flatten")(x)
    for number, neurons in MINI_DENSE:
        if dropout:
            x = layers.Dropout(dropout, name=f"drop{number}")(x)
        x = layers.Dense(neurons, name=f"fc{number}")(x)
        if number < 8:
            x = layers.ReLU(name=f"relu{number}")(x)
    return keras.Model(images, x, name="mini")


def mini_weights() -> dict[str, np.ndarray]:
    """Weights of the mini net as float32 arrays: `conv1.kernel` (kh, kw, C_in, C_out), …

    Raises NetUnavailable if the file is missing or damaged.
    """
    try:
        with np.load(MINI_WEIGHTS, allow_pickle=False) as stored:
            return {name: stored[name].astype(np.float32) for name in stored.files}
    except Exception as error:  # zip and numpy raise many types on malformed bytes
        raise NetUnavailable(
            f"{MINI_WEIGHTS} is missing or damaged ({type(error).__name__}); it is part of the "
            "course: unpack the course again"
        ) from None


def _load_mini() -> PretrainedNet:
    weights = mini_weights()
    model = build_mini()
    try:
        for layer in model.layers:
            if layer.weights:
                layer.set_weights([weights[f"{layer.name}.{part}"] for part in ("kernel", "bias")])
    except (KeyError, ValueError):
        raise NetUnavailable(
            f"{MINI_WEIGHTS} does not fit the net; unpack the course again"
        ) from None
    model.trainable = False
    return PretrainedNet(
        "mini", CLASS_NAMES, MINI_SIZE, model, lambda x: x / 255.0, "PhotoDigits, 32×32"
    )


def _load_alexnet() -> PretrainedNet:
    path = _alexnet_file()
    if not path.is_file():
        raise NetUnavailable(
            f"the weights of AlexNet are not at hand; put {alexnet.FILE} from {alexnet.URL} into "
            f"{path.parent}, or choose one of: {', '.join(available())}"
        )
    try:
        model = alexnet.load(path)
    except (OSError, alexnet.DamagedWeights) as error:
        raise NetUnavailable(
            f"{path} can't be used: {error}; delete it, and put it there again from {alexnet.URL}"
        ) from None
    model.trainable = False
    return PretrainedNet(
        "alexnet", _imagenet_classes(), alexnet.SIZE, model, alexnet.preprocess_input, "ImageNet"
    )


def _alexnet_file() -> Path:
    """Where AlexNet's weights lie, or where they should."""
    places = [folder / alexnet.FILE for folder in (DATA, DATA / "downloads", _keras_models())]
    return next((path for path in places if path.is_file()), places[0])


def _load_application(name: str, net: _Application) -> PretrainedNet:
    keras = import_keras()
    path = _keras_models() / net.weights
    module = getattr(keras.applications, net.module)
    at_hand = path.is_file()
    try:
        with silent_stderr():
            model = getattr(keras.applications, net.function)(
                # by its path: Keras remembers its folder from when it was imported
                weights=str(path) if at_hand else "imagenet",
                classifier_activation=None,
                **dict(net.options),
            )
    except Exception as error:  # h5py, urllib and Keras raise many types here
        first = (str(error).splitlines() or [""])[0][:200]
        if at_hand:
            advice = f"{path} can't be used ({first}); delete it, and it is downloaded again"
        else:
            advice = (
                f"the weights of {name!r} are not at hand and could not be downloaded ({first}); "
                f"put {net.weights} into {path.parent}, or choose one of: {', '.join(available())}"
            )
        raise NetUnavailable(advice) from None
    model.trainable = False
    scale = partial(module.preprocess_input, data_format="channels_last")
    return PretrainedNet(name, _imagenet_classes(), net.size, model, scale, "ImageNet")


def _imagenet_classes() -> tuple[str, ...]:
    keras = import_keras()
    path = _keras_models() / _CLASS_INDEX
    try:
        if not path.is_file():
            with silent_stderr():
                keras.applications.imagenet_utils.decode_predictions(np.zeros((1, 1000)), top=1)
        index = json.loads(path.read_text())
        return tuple(index[str(number)][1].replace("_", " ") for number in range(1000))
    except Exception as error:
        first = (str(error).splitlines() or [""])[0][:200]
        raise NetUnavailable(
            f"the names of the ImageNet classes can't be read ({first}); "
            f"put {_CLASS_INDEX} into {path.parent}"
        ) from None


def keras_home() -> Path:
    """Keras' folder: `~/.keras`, or what the environment variable KERAS_HOME says."""
    home = os.environ.get("KERAS_HOME")
    return Path(home).absolute() if home else Path.home() / ".keras"


def _keras_models() -> Path:
    return keras_home() / "models"
