"""Known answers to filters, activation maps and saliency, in students' styles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from grader.contract.sample import Sample
from grader.contract.sample import right as plain_right
from grader.contract.sample import wrong as plain_wrong
from utils.exercises import visualizing
from utils.nets import own, quiet
from utils.nets import toy as nets
from utils.rules import maps as rules

from ..making.reference import reference_of

Array = np.ndarray


def right(what: str, answer: Any) -> Sample:
    """A right answer; a function of a net is given a net."""
    return plain_right(what, nets.on_net(answer))


def wrong(what: str, answer: Any) -> Sample:
    """A wrong answer; a function of a net is given a net."""
    return plain_wrong(what, nets.on_net(answer))


# -- filters and grids ----------------------------------------------------------------------------


def _filters(scale: Callable[[Array], Array], order: str = "moved") -> Callable[..., Array]:
    def pictures(net: Any, layer: str) -> Array:
        kernel = net.model.get_layer(layer).get_weights()[0]
        kh, kw, channels, count = kernel.shape
        if order == "moved":
            filters = np.array([kernel[:, :, :, i] for i in range(count)])
        else:
            filters = kernel.reshape(count, kh, kw, channels)
        if channels != 3:
            filters = filters[:, :, :, 0]
        return np.array([scale(f) for f in filters])

    return pictures


def _loops_grid(pictures: Array, columns: int) -> Array:
    rows = []
    height = pictures[0].shape[0]
    white = np.ones_like(pictures[0])
    for start in range(0, len(pictures), columns):
        row = list(pictures[start : start + columns])
        row += [white] * (columns - len(row))
        parts = []
        for picture in row:
            parts += [picture, np.ones((height, 1, *picture.shape[2:]))]
        whole = np.concatenate(parts[:-1], axis=1)
        rows += [whole, np.ones((1, *whole.shape[1:]))]
    return np.concatenate(rows[:-1])


def _stacked_grid(pictures: Array, columns: int) -> Array:
    """No lines, and whole rows only."""
    rows = max(len(pictures) // columns, 1)
    kept = list(pictures[: rows * columns])
    kept += [np.ones_like(kept[0])] * (rows * columns - len(kept))
    lines = [np.hstack(kept[i : i + columns]) for i in range(0, len(kept), columns)]
    return np.vstack(lines)


def _canvas(fill: float, around: int) -> Callable[..., Array]:
    def grid(pictures: Array, columns: int) -> Array:
        n, h, w = pictures.shape[:3]
        rows = int(np.ceil(n / columns))
        size = (rows * (h + 1) - 1 + 2 * around, columns * (w + 1) - 1 + 2 * around)
        out = np.ones((*size, *pictures.shape[3:])) * fill
        for i in range(n):
            y, x = (i // columns) * (h + 1) + around, (i % columns) * (w + 1) + around
            out[y : y + h, x : x + w] = pictures[i]
        return out

    return grid


# -- activation maps ------------------------------------------------------------------------------


def _one_by_one(net: Any, image: Array, layers: list[str]) -> list[Array]:
    """Layer after layer, by hand."""
    x = net.preprocess(image)
    found = {}
    if len(net.model.layers) > 40:  # not a chain
        raise RuntimeError("only for chains of layers")
    for layer in net.model.layers[1:]:
        x = layer(x)
        found[layer.name] = x.numpy()[0]
    return [found[name] for name in layers]


def _raw_maps(net: Any, image: Array, layers: list[str]) -> list[Any]:
    keras = quiet.import_keras()
    return [
        keras.Model(net.model.inputs, net.model.get_layer(name).output)(image[None])[0]
        for name in layers
    ]


def _batched_maps(net: Any, image: Array, layers: list[str]) -> list[Any]:
    keras = quiet.import_keras()
    outputs = [net.model.get_layer(name).output for name in layers]
    return keras.Model(net.model.inputs, outputs)(net.preprocess(image))


def _of_own(
    change: Callable[[Array], Any], first: bool = False, predict: bool = False
) -> Callable[..., Any]:
    """Maps of the net that the reference solution hands in, changed."""

    def maps(net: Any, image: Array, layers: list[str]) -> list[Any]:
        keras = quiet.import_keras()
        found = []
        for name in layers:
            output = net.model.get_layer(layers[0] if first else name).output
            part = keras.Model(net.model.inputs, output)
            # compiling takes most of the time of `predict`
            maps = part.predict(image[None], verbose=0) if predict else part(image[None]).numpy()
            found.append(change(maps))
        return found

    asked = visualizing.of_own(maps)

    def answer(image: Array, number: int) -> Any:
        own.use(reference_of(own.HOME))
        try:
            return asked(image, number)
        finally:
            own.use(None)

    return answer


# -- saliency -------------------------------------------------------------------------------------


def _gradient(net: Any, images: Array, target: Callable[[Any], Any], watch: str = "image") -> Array:
    tf = quiet.import_tensorflow()
    x = tf.Variable(images)
    with tf.GradientTape() as tape:
        if watch == "prepared":
            x = net.preprocess(tf.convert_to_tensor(images))
            tape.watch(x)
            scores = net.model(x)
        elif watch == "255":
            x = tf.Variable(images * 255.0)
            scores = net.logits(x / 255.0)
        else:
            scores = net.logits(x)
        loss = target(scores)
    return tape.gradient(loss, x).numpy()


def _picked(classes: Array, after: Callable[[Any], Any] = lambda s: s) -> Callable[[Any], Any]:
    """Sum of the scores of each image's class."""

    def total(scores: Any) -> Any:
        tf = quiet.import_tensorflow()
        chosen = tf.one_hot(classes, scores.shape[1])
        return tf.reduce_sum(after(scores) * chosen)

    return total


def _saliency(
    colours: Callable[[Array], Array] = lambda g: np.abs(g).max(axis=3),
    after: Callable[[Any], Any] = lambda s: s,
    choose: Callable[[Array, Array], Array] = lambda classes, scores: classes,
    watch: str = "image",
) -> Callable[..., Array]:
    def saliency(net: Any, images: Array, classes: Array) -> Array:
        chosen = choose(np.asarray(classes), np.asarray(net.logits(images)))
        return colours(_gradient(net, images, _picked(chosen, after), watch))

    return saliency


def _loop(net: Any, images: Array, classes: Array) -> Array:
    """An image at a time, with a persistent tape."""
    tf = quiet.import_tensorflow()
    maps = []
    for image, number in zip(images, classes, strict=True):
        x = tf.convert_to_tensor(image[None])
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            score = net.logits(x)[0, int(number)]
        gradient = tape.gradient(score, x)[0].numpy()
        maps.append(np.maximum(gradient.max(axis=-1), (-gradient).max(axis=-1)))
    return np.array(maps)


def _jacobian(net: Any, images: Array, classes: Array) -> Any:
    """All derivatives of all scores, of which those of the class are taken."""
    tf = quiet.import_tensorflow()
    x = tf.convert_to_tensor(images)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        scores = net.logits(x)
    every = tape.batch_jacobian(scores, x, experimental_use_pfor=False)
    chosen = tf.gather(every, classes, batch_dims=1)
    return tf.reduce_max(tf.math.abs(chosen), -1)


def _cross_entropy(net: Any, images: Array, classes: Array) -> Array:
    tf = quiet.import_tensorflow()

    def loss(scores: Any) -> Any:
        return tf.reduce_sum(
            tf.nn.sparse_softmax_cross_entropy_with_logits(classes.astype(np.int32), scores)
        )

    return np.abs(_gradient(net, images, loss)).max(axis=-1)


def _everything(net: Any, images: Array, classes: Array) -> Array:
    tf = quiet.import_tensorflow()
    return np.abs(_gradient(net, images, tf.reduce_sum)).max(axis=-1)


def _softmax(scores: Any) -> Any:
    return quiet.import_tensorflow().nn.softmax(scores)


def _moved(net: Any, images: Array, classes: Array) -> Array:
    return np.fft.fftshift(_loop(net, images, classes), axes=(1, 2))


def _noise(net: Any, images: Array, classes: Array) -> Array:
    return np.random.default_rng(0).random(images.shape[:3])


SAMPLES_MAPS = [
    right("filter_pictures: a list", _filters(lambda f: 0.5 + f / abs(f).max() / 2)),
    wrong(
        "filter_pictures: min and max -> from the lowest to the highest weight: zero is not grey",
        _filters(lambda f: (f - f.min()) / (f.max() - f.min()))),
    wrong("filter_pictures: as they are -> weights as they are", _filters(lambda f: f)),
    wrong(
        "filter_pictures: reshape -> reshaped in place of transposed",
        _filters(lambda f: 0.5 + f / abs(f).max() / 2, "reshaped")),
    plain_right("grid: concatenation", _loops_grid),
    plain_wrong("grid: hstack and vstack -> no line between pictures", _stacked_grid),
    plain_wrong("grid: zeros -> black lines", _canvas(0.0, 0)),
    plain_wrong("grid: a frame -> a line around the whole, too", _canvas(1.0, 1)),
    wrong("activation_maps: no preprocessing -> preprocessing left out", _raw_maps),
    wrong(
        "activation_maps: as they come -> the axis of the batch is still there", _batched_maps),
    right("activation_maps: layer by layer", _one_by_one),
    plain_right("own_maps: a model for each layer", _of_own(lambda maps: maps[0], predict=True)),
    plain_wrong(f"own_maps: as they come -> {rules.BATCH_AXIS}", _of_own(lambda maps: maps)),
    plain_wrong(
        f"own_maps: channels first -> {rules.CHANNELS_FIRST}",
        _of_own(lambda maps: maps[0].transpose(2, 0, 1))),
    plain_wrong(
        f"own_maps: for drawing -> {rules.SCALED}",
        _of_own(lambda maps: maps[0] / np.abs(maps).max())),
    plain_wrong(
        f"own_maps: upside down -> {rules.UPSIDE_DOWN}", _of_own(lambda maps: maps[0][::-1])),
    plain_wrong(
        f"own_maps: always the convolution -> {rules.OTHER_LAYER}",
        _of_own(lambda maps: maps[0], first=True)),
    right("saliency: one by one, a persistent tape", _loop),
    right("saliency: a Jacobian", _jacobian),
    right("saliency: one-hot and sum", _saliency()),
    wrong("saliency: no abs -> no absolute value", _saliency(lambda g: g.max(axis=-1))),
    wrong(
        "saliency: abs of the maximum -> absolute value after the maximum",
        _saliency(lambda g: np.abs(g.max(axis=-1)))),
    wrong(
        "saliency: sum -> sum over the colours in place of the maximum",
        _saliency(lambda g: np.abs(g).sum(axis=-1))),
    wrong(
        "saliency: mean -> mean over the colours in place of the maximum",
        _saliency(lambda g: np.abs(g).mean(axis=-1))),
    wrong(
        "saliency: probabilities -> gradient of the probability, not of the score",
        _saliency(after=_softmax)),
    wrong(
        "saliency: a loss -> gradient of the cross-entropy, not of the score", _cross_entropy),
    wrong("saliency: all scores -> gradient of all scores together", _everything),
    wrong(
        "saliency: argmax -> always the net's best class",
        _saliency(choose=lambda classes, scores: scores.argmax(axis=1))),
    wrong(
        "saliency: after preprocessing -> gradient with respect to the preprocessed image",
        _saliency(watch="prepared")),
    wrong(
        "saliency: bytes -> pixels in 0 … 255 in place of 0 … 1", _saliency(watch="255")),
    wrong(
        "saliency: stretched -> each map stretched to 0 … 1",
        lambda net, images, classes: np.array(
            [(m - m.min()) / np.ptp(m) for m in _loop(net, images, classes)]
        )),
    right("saliency_points: one by one", _loop),
    wrong("saliency_points: moved by half -> the map points beside the digit", _moved),
    wrong("saliency_points: noise -> the map points beside the digit", _noise),
    wrong(
        "saliency_points: always the best class -> the map is the same for every class",
        _saliency(choose=lambda classes, scores: scores.argmax(axis=1))),
]  # fmt: skip
"""Known answers to filters, activation maps and saliency."""
