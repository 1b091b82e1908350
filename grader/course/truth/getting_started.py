"""Known answers to notebook 00, written as students do: with TensorFlow and the net itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from grader.contract.sample import right, wrong
from utils.nets import quiet

from .idle_nets import IDLE_STARTED
from .slips_started import INSTALLED, SLIPS_STARTED, net, scores_of, tf

Array = np.ndarray


def _softmax(scores: Array) -> Array:
    return tf().nn.softmax(scores).numpy()


def _pick(table: Array, order: Array) -> tuple[Array, Array]:
    return order, np.take_along_axis(table, order, axis=1)


# -- installation ---------------------------------------------------------------------------------


def _installation(**changes: Any) -> dict[str, Any]:
    return INSTALLED | changes


# -- one convolution ------------------------------------------------------------------------------


def _conv2d(images: Array, kernels: Array, **options: Any) -> Any:
    return tf().nn.conv2d(images, kernels, **({"strides": 1, "padding": "VALID"} | options))


def _conv_keras(images: Array, kernels: Array) -> Any:
    return quiet.import_keras().ops.conv(images, kernels, padding="valid")


def _conv_loops(images: Array, kernels: Array) -> Array:
    kh, kw, _, filters = kernels.shape
    count, height, width, _ = images.shape
    out = np.zeros((count, height - kh + 1, width - kw + 1, filters))
    for y in range(out.shape[1]):
        for x in range(out.shape[2]):
            window = images[:, y : y + kh, x : x + kw, :]
            out[:, y, x] = np.tensordot(window, kernels, axes=3)
    return out


def _conv_first_channel(images: Array, kernels: Array) -> Any:
    return _conv2d(images[..., 0:1], kernels[:, :, 0:1, :])


def _conv_scipy_style(images: Array, kernels: Array) -> Any:
    return _conv2d(images, np.flip(kernels, axis=(0, 1)))


# -- classify -------------------------------------------------------------------------------------


def _classify_one_by_one(images: Array) -> list[int]:
    return [int(np.argmax(scores_of(image[None])[0])) for image in images]


def _classify_by_name(images: Array) -> list[int]:
    names = net().class_names
    best = [names[row.argmax()] for row in np.asarray(net().probabilities(images))]
    return [names.index(name) for name in best]


def _classify_raw(images: Array) -> Array:
    return np.argmax(net().model(images.astype(np.float32)), axis=1)


def _names(images: Array) -> list[str]:
    return [net().class_names[i] for i in np.argmax(scores_of(images), axis=1)]


# -- top 5 ----------------------------------------------------------------------------------------


def _top5_numpy(images: Array) -> tuple[Array, Array]:
    powers = np.exp(scores_of(images))
    table = powers / powers.sum(axis=1, keepdims=True)
    return _pick(table, np.argsort(-table, axis=1)[:, :5])


def _top5_tensorflow(images: Array) -> tuple[Any, Any]:
    values, indices = tf().math.top_k(net().probabilities(images), k=5)
    return indices, values


def _top5_lists(images: Array) -> tuple[list[list[int]], list[list[float]]]:
    tables = np.asarray(net().probabilities(images)).tolist()
    best = [sorted(zip(row, range(len(row)), strict=True), reverse=True)[:5] for row in tables]
    return [[k for _, k in row] for row in best], [[p for p, _ in row] for row in best]


def _top5_of(table_of: Callable[[Array], Array]) -> Callable[[Array], tuple[Array, Array]]:
    def top5(images: Array) -> tuple[Array, Array]:
        table = table_of(images)
        return _pick(table, np.argsort(table, axis=1)[:, ::-1][:, :5])

    return top5


def _top5_sliced(cut: slice) -> Callable[[Array], tuple[Array, Array]]:
    def top5(images: Array) -> tuple[Array, Array]:
        table = _softmax(scores_of(images))
        return _pick(table, np.argsort(table, axis=1)[:, cut])

    return top5


def _top5_partition(images: Array) -> tuple[Array, Array]:
    table = _softmax(scores_of(images))
    return _pick(table, np.sort(np.argpartition(table, -5, axis=1)[:, -5:], axis=1))


def _top5_from_one(images: Array) -> tuple[Array, Array]:
    classes, likely = _top5_numpy(images)
    return classes + 1, likely


def _top5_swapped(images: Array) -> tuple[Array, Array]:
    classes, likely = _top5_numpy(images)
    return likely, classes


def _top5_only_best(images: Array) -> tuple[Array, Array]:
    table = _softmax(scores_of(images))
    best = np.argmax(table, axis=1)[:, None]
    return _pick(table, np.tile(best, 5))


def _top5_misplaced(images: Array) -> tuple[Array, Array]:
    table = _softmax(scores_of(images))
    return np.argsort(-table, axis=1)[:, :5], table[:, 0:5]


def _top5_three(images: Array) -> tuple[Array, Array]:
    classes, likely = _top5_numpy(images)
    return classes[:, :3], likely[:, :3]


_RAW = "preprocessing left out"
_SAME_CLASS = "the same class for all images"


SAMPLES = [
    right("installation: as it is", _installation()),
    wrong(
        "installation: version strings -> "
        "whole version numbers; only the part before the first point is asked for",
        _installation(tensorflow="2.21.0", keras="3.15.1"),
    ),
    wrong("installation: blank", dict.fromkeys(_installation())),
    wrong(
        "installation: channels first -> channels first, which is not what this installation says",
        _installation(image_data_format="channels_first"),
    ),
    right("one_convolution: tf.nn.conv2d", _conv2d),
    right("one_convolution: keras.ops.conv", _conv_keras),
    right("one_convolution: loops in float64", _conv_loops),
    wrong(
        "one_convolution: padding SAME -> padding SAME, though VALID was asked for",
        lambda images, kernels: _conv2d(images, kernels, padding="SAME"),
    ),
    wrong(
        "one_convolution: flips the kernels -> "
        "kernels flipped: that is convolution, not cross-correlation",
        _conv_scipy_style,
    ),
    wrong(
        "one_convolution: stride 2 -> stride 2",
        lambda images, kernels: _conv2d(images, kernels, strides=2),
    ),
    wrong(
        "one_convolution: with ReLU -> a ReLU too many",
        lambda images, kernels: tf().nn.relu(_conv2d(images, kernels)),
    ),
    wrong(
        "one_convolution: first channel only -> the sum over the channels is missing",
        _conv_first_channel,
    ),
    wrong(
        "one_convolution: kernels transposed -> kernel height and width swapped",
        lambda images, kernels: _conv2d(images, np.swapaxes(kernels, 0, 1)),
    ),
    right("classify: argmax of the scores", lambda images: np.argmax(scores_of(images), axis=1)),
    right("classify: image by image, a list", _classify_one_by_one),
    right("classify: by way of the names", _classify_by_name),
    wrong(f"classify: raw pixels -> {_RAW}", _classify_raw),
    wrong(
        "classify: argmin -> the least likely class",
        lambda images: scores_of(images).argmin(axis=1),
    ),
    wrong(
        "classify: axis 0 -> the best image of each class, not the best class of each image",
        lambda images: np.argmax(scores_of(images), axis=0),
    ),
    wrong(
        "classify: counts from one -> classes counted from one",
        lambda images: 1 + scores_of(images).argmax(axis=1),
    ),
    wrong(
        "classify: last but one of the sorted -> the second best class",
        lambda images: np.argsort(scores_of(images))[:, -2],
    ),
    wrong("classify: scores -> scores in place of classes", scores_of),
    wrong(
        "classify: probabilities -> probabilities in place of classes",
        lambda images: net().probabilities(images),
    ),
    wrong(
        f"classify: first image only -> {_SAME_CLASS}",
        lambda images: np.repeat(scores_of(images)[:1].argmax(axis=1), len(images)),
    ),
    wrong("classify: names of the classes", _names),
    wrong("classify: returns nothing", lambda images: None),
    right("top5: softmax by hand, argsort", _top5_numpy),
    right("top5: tf.math.top_k", _top5_tensorflow),
    right("top5: lists, sorted in pairs", _top5_lists),
    wrong(
        f"top5: raw pixels -> {_RAW}",
        _top5_of(lambda images: _softmax(net().model(images.astype(np.float32)))),
    ),
    wrong(
        "top5: last five of argsort -> the likeliest class comes last",
        _top5_sliced(slice(-5, None)),
    ),
    wrong(
        "top5: first five of argsort -> the five least likely classes", _top5_sliced(slice(0, 5))
    ),
    wrong("top5: logits -> logits in place of probabilities", _top5_of(scores_of)),
    wrong(
        "top5: softmax of net.probabilities -> softmax applied twice",
        _top5_of(lambda images: _softmax(net().probabilities(images))),
    ),
    wrong(
        "top5: softmax along axis 0 -> softmax over the images, not over the classes",
        _top5_of(lambda images: tf().nn.softmax(scores_of(images), axis=0).numpy()),
    ),
    wrong(
        "top5: sigmoid -> sigmoid in place of softmax",
        _top5_of(lambda images: tf().sigmoid(scores_of(images)).numpy()),
    ),
    wrong(
        "top5: exponentials -> not divided by the sum",
        _top5_of(lambda images: np.exp(scores_of(images))),
    ),
    wrong(
        "top5: percent -> percent in place of fractions",
        _top5_of(lambda images: _softmax(scores_of(images)) * 100),
    ),
    wrong("top5: argpartition -> the right five, but not sorted by probability", _top5_partition),
    wrong(
        "top5: slice begins at -2 -> the best class is left out", _top5_sliced(slice(-2, -7, -1))
    ),
    wrong("top5: counts from one -> classes counted from one", _top5_from_one),
    wrong("top5: argmax five times -> the best class five times", _top5_only_best),
    wrong(
        "top5: first five columns -> probabilities that belong to other classes", _top5_misplaced
    ),
    wrong("top5: swapped -> classes and probabilities swapped", _top5_swapped),
    wrong("top5: three only", _top5_three),
    *SLIPS_STARTED,
    *IDLE_STARTED,
]
