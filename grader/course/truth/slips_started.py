"""Slips in notebook 00 that a teacher sees each year, named before a judge was asked; and answers
that are right in a way of their own."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from grader.contract.sample import right, wrong
from utils.nets import pretrained, quiet

Array = np.ndarray


@cache
def net() -> pretrained.PretrainedNet:
    return pretrained.load("mini")


def tf() -> Any:
    return quiet.import_tensorflow()


def scores_of(images: Array) -> Array:
    """What `net.model` says of preprocessed photographs."""
    return net().model(net().preprocess(images)).numpy()


def _one_by_one(images: Array) -> list[int]:
    return [int(tf().argmax(scores_of(image[None])[0])) for image in images]


def _keras_layer(images: Array, kernels: Array) -> Any:
    keras = quiet.import_keras()
    layer = keras.layers.Conv2D(kernels.shape[3], kernels.shape[:2], use_bias=False)
    layer.build(images.shape)
    layer.set_weights([kernels])
    return layer(images)


def _sorted_in_python(images: Array) -> tuple[Any, Any]:
    scores = np.float64(scores_of(images))
    likely = np.exp(scores - scores.max(axis=1, keepdims=True))
    likely /= likely.sum(axis=1, keepdims=True)
    classes = [sorted(range(len(row)), key=lambda k: -row[k])[:5] for row in likely.tolist()]
    pairs = zip(likely.tolist(), classes, strict=True)
    return classes, [[row[k] for k in five] for row, five in pairs]


def _softmax_of_five(images: Array) -> tuple[Array, Array]:
    scores = scores_of(images)
    classes = np.argsort(-scores, axis=1)[:, :5]
    return classes, tf().nn.softmax(np.take_along_axis(scores, classes, axis=1)).numpy()


INSTALLED = {
    "tensorflow": 2,
    "keras": 3,
    "backend": "tensorflow",
    "image_data_format": "channels_last",
    "cpus": 1,
}

SLIPS_STARTED = [
    wrong(
        "installation: 2.21 -> "
        "two numbers of a version; only the part before the first point is asked for",
        INSTALLED | {"tensorflow": 2.21, "keras": 3.15},
    ),
    wrong("installation: the list of devices", INSTALLED | {"cpus": ["/device:CPU:0"]}),
    right("installation: numpy's numbers", INSTALLED | {"keras": np.int64(3), "cpus": np.ones(())}),
    right("one_convolution: a Keras layer with its weights set", _keras_layer),
    wrong(
        "one_convolution: depthwise_conv2d -> "
        "each channel convolved by itself, and nothing added up",
        lambda images, kernels: tf().nn.depthwise_conv2d(images, kernels, [1, 1, 1, 1], "VALID"),
    ),
    right("classify: image by image, as a list", _one_by_one),
    wrong(
        "classify: argmax without an axis -> one number for all images: argmax without an axis",
        lambda images: int(np.argmax(scores_of(images))),
    ),
    wrong(
        "classify: max of scores -> the highest score in place of its class",
        lambda images: np.max(scores_of(images), axis=1),
    ),
    wrong(
        "classify: max of probabilities -> the highest probability in place of its class",
        lambda images: np.max(net().probabilities(images), axis=1),
    ),
    right("top5: float64, sorted in Python", _sorted_in_python),
    wrong("top5: softmax after choosing -> softmax over the best five only", _softmax_of_five),
]
