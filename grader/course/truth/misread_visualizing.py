"""Known answers to notebook 04 of whoever misreads its text, or reads it in a way of their own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from grader.contract.sample import right as plain_right
from grader.contract.sample import wrong as plain_wrong
from utils.exercises import visualizing
from utils.nets import quiet
from utils.rules import maps as rules
from utils.rules import visualizing as points

from .visualizing_maps import right, wrong

Array = np.ndarray


# -- filters, grids, maps -------------------------------------------------------------------------


def _filters(net: Any, layer: str, of_all: bool = False) -> Array:
    """One after the other; scaled by what is shown, or by all weights of the filter."""
    kernel = net.model.get_layer(layer).get_weights()[0].astype(np.float64)
    found = []
    for filter in np.moveaxis(kernel, -1, 0):
        shown = filter if kernel.shape[2] == 3 else filter[:, :, 0]
        found.append(0.5 + shown / np.abs(filter if of_all else shown).max() / 2)
    return np.array(found)


def _reshaped_grid(pictures: Array, columns: int, end: int | None = -1) -> Array:
    """Each picture with a line below and on the right; the last ones are cut off, or stay."""
    count, height, width = pictures.shape[:3]
    rows, rest = int(np.ceil(count / columns)), [(0, 0)] * (pictures.ndim - 3)
    lined = np.pad(
        pictures,
        ((0, rows * columns - count), (0, 1), (0, 1), *rest),
        constant_values=1.0,
    )
    placed = lined.reshape(rows, columns, height + 1, width + 1, *pictures.shape[3:])
    size = (rows * (height + 1), columns * (width + 1), *pictures.shape[3:])
    whole: Array = placed.swapaxes(1, 2).reshape(size)[:end, :end]
    return whole


def _maps(
    net: Any, image: Array, layers: list[str], times: int = 1, squeezed: bool = False
) -> tuple[Array, ...]:
    keras = quiet.import_keras()
    prepared = image[None]
    for _ in range(times):
        prepared = np.asarray(net.preprocess(prepared))
    found = []
    for name in layers:
        part = keras.Model(net.model.inputs, net.model.get_layer(name).output)
        maps = part.predict(prepared, verbose=0)
        found.append(np.squeeze(maps) if squeezed else maps[0])
    return tuple(found)


# -- gradients ------------------------------------------------------------------------------------


def _slopes(net: Any, images: Array, target: Callable[[Any], Any]) -> Array:
    tf = quiet.import_tensorflow()
    x = tf.Variable(np.asarray(images, np.float32))
    with tf.GradientTape() as tape:
        wanted = tf.reduce_sum(target(net.logits(x)))
    return np.asarray(tape.gradient(wanted, x))


def _chosen(classes: Array) -> Callable[[Any], Any]:
    return lambda scores: scores * np.eye(scores.shape[1], dtype=np.float32)[classes]


def _largest_of_both_signs(net: Any, images: Array, classes: Array) -> Array:
    slopes = _slopes(net, images, _chosen(classes))
    return np.maximum(slopes.max(axis=-1), -slopes.min(axis=-1))


def _mean_first(net: Any, images: Array, classes: Array) -> Array:
    return np.abs(_slopes(net, images, _chosen(classes)).mean(axis=-1))


def _all_columns(net: Any, images: Array, classes: Array) -> Array:
    tf = quiet.import_tensorflow()
    slopes = _slopes(net, images, lambda scores: tf.gather(scores, classes, axis=1))
    return np.abs(slopes).max(axis=-1)


def _unwatched(net: Any, images: Array, classes: Array) -> Array:
    tf = quiet.import_tensorflow()
    x = tf.constant(images, tf.float32)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(tf.gather(net.logits(x), classes, batch_dims=1))
    found: Array = tape.gradient(total, x).numpy()
    return np.abs(found).max(axis=-1)


def _penalty_by_hand(net: Any, x: Array, classes: Array, weight: float) -> tuple[Array, Array]:
    x = np.asarray(x)
    scores = np.asarray(net.logits(0.5 + x))[np.arange(len(x)), np.asarray(classes)]
    slopes = _slopes(net, 0.5 + x, _chosen(np.asarray(classes)))
    return scores - weight * (x**2).sum(axis=(1, 2, 3)), slopes - 2 * weight * x


# -- blur, pixels, spectra ------------------------------------------------------------------------


def _separable(images: Array, sigma: float) -> Array:
    reach = int(np.ceil(4 * sigma))
    bell = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    out = images.astype(np.float64)
    for axis in (1, 2):
        wide = np.pad(out, [(reach, reach) if a == axis else (0, 0) for a in range(4)], mode="edge")
        places = np.arange(images.shape[axis])
        parts = [w * wide.take(places + k, axis) for k, w in enumerate(bell / bell.sum())]
        out = np.sum(parts, axis=0)
    return out


def _smallest_sorted(x: Array, share: float) -> Array:
    """Exactly the share, by position in the order."""
    left = x.copy().reshape(-1, 3)
    order = np.linalg.norm(left, axis=1).argsort()
    left[order[: round(share * len(order))]] = 0
    return left.reshape(x.shape)


def _dropped(size: Callable[[Array, Array], Array]) -> Callable[..., Array]:
    def answer(x: Array, gradient: Array, share: float) -> Array:
        found = size(x, gradient)
        return np.where((found < np.quantile(found, share))[..., None], 0, x)

    return answer


def _below_a_share_of_the_largest(x: Array, share: float) -> Array:
    norms = np.linalg.norm(x, axis=-1)
    return x * (norms >= share * norms.max())[..., None]


def _rings(
    nearest: Callable[[Array], Array] = np.rint, last: int = 0, logs_first: bool = False
) -> Any:
    """A ring at a time."""
    tf = quiet.import_tensorflow()

    def penalty(greys: Any) -> Any:
        side = int(greys.shape[-1])
        along = np.fft.fftfreq(side, 1 / side)
        distances = np.sqrt(along[:, None] ** 2 + along[None] ** 2)
        magnitudes = tf.abs(tf.signal.fft2d(tf.cast(greys, tf.complex64)))
        weighted = magnitudes * tf.constant(distances, tf.float32)
        levels = []
        for ring in range(1, side // 2 + 1 - last):
            inside = tf.boolean_mask(weighted, nearest(distances) == ring, axis=1)
            if logs_first:
                levels.append(tf.reduce_mean(tf.math.log(inside + 1e-9), axis=1))
            else:
                levels.append(tf.math.log(tf.reduce_mean(inside, axis=1)))
        return tf.math.reduce_variance(tf.stack(levels, axis=1), axis=1)

    return visualizing.with_gradient(penalty)


def _with_noise(greys: Array) -> dict[str, Any]:
    """The right penalty, and in place of its gradient numbers that nobody computed."""
    found = _rings()(greys)
    noise = np.random.default_rng(0).normal(size=greys.shape)
    return {"penalty": found["penalty"], "gradient": noise.astype(np.float32)}


# -- boxes ----------------------------------------------------------------------------------------


def _places(size: int, box: int, stride: int, short: bool) -> range:
    return range(0, size - box + (not short), stride)


def _one_by_one(
    net: Any, image: Array, target: int, box: int, stride: int, short: bool = False
) -> Array:
    places = _places(len(image), box, stride, short)
    before = float(net.logits(image[None])[0, target])
    found = np.zeros((len(places), len(places)))
    for i, top in enumerate(places):
        for j, left in enumerate(places):
            copy = image.copy()
            copy[top : top + box, left : left + box] = 0.5
            found[i, j] = (before - float(net.logits(copy[None])[0, target])) / abs(before)
    return found


def _without_block(
    net: Any,
    image: Array,
    target: int,
    block: int,
    stride: int,
    short: bool = False,
    any_class: bool = False,
) -> Array:
    """The image times masks, all at once."""
    places = _places(len(image), block, stride, short)
    left = np.ones((len(places), len(places), *image.shape), np.float32)
    for i, y in enumerate(places):
        for j, x in enumerate(places):
            left[i, j, y : y + block, x : x + block] = 0
    covered = (left * image).reshape(-1, *image.shape)
    likely = np.asarray(quiet.import_tensorflow().nn.softmax(net.logits(covered)))
    chosen = likely.max(axis=1) if any_class else likely[:, target]
    return chosen.reshape(len(places), len(places))


def _pixel_by_pixel(changes: Array, size: int, box: int, stride: int) -> Array:
    found = np.zeros((size, size), np.float32)
    starts = stride * np.arange(len(changes))
    for y, x in np.ndindex(size, size):
        rows = (starts <= y) & (y < starts + box)
        columns = (starts <= x) & (x < starts + box)
        over = np.asarray(changes)[rows][:, columns]
        found[y, x] = over.mean() if over.size else 0
    return found


def _heat(divide: str) -> Callable[..., Array]:
    def answer(changes: Array, size: int, box: int, stride: int) -> Array:
        total, count = np.zeros((size, size)), np.zeros((size, size))
        for (i, j), change in np.ndenumerate(changes):
            part = np.s_[i * stride : i * stride + box, j * stride : j * stride + box]
            total[part] += change
            count[part] += 1
        with np.errstate(invalid="ignore"):
            return total / (count.max() if divide == "by the most" else count)

    return answer


def _largest(changes: Array, size: int, box: int, stride: int) -> Array:
    found = np.zeros((size, size))
    for (i, j), change in np.ndenumerate(changes):
        part = np.s_[i * stride : i * stride + box, j * stride : j * stride + box]
        found[part] = np.maximum(found[part], change)
    return found


def _pointing(maps: Array, masks: Array) -> list[float]:
    hits, mass = [], []
    for single, mask in zip(maps, masks, strict=True):
        positive = single.clip(0)
        hits.append(bool(mask[np.unravel_index(single.argmax(), single.shape)]))
        mass.append(positive[mask].sum() / positive.sum())
    return [float(np.mean(hits)), float(np.mean(mass))]


MISREAD_VISUALIZING = [
    right("filter_pictures: one filter after the other", _filters),
    wrong(
        "filter_pictures: the filter's largest weight of all -> "
        "scaled by the weights of all input maps, not of the one that is shown",
        partial(_filters, of_all=True),
    ),
    plain_right("grid: padded, reshaped, transposed", _reshaped_grid),
    plain_wrong(
        "grid: the last lines stay -> a line below and to the right of the whole, too",
        partial(_reshaped_grid, end=None),
    ),
    right("activation_maps: predict, a tuple", _maps),
    wrong("activation_maps: prepared by hand, too -> preprocessed twice", partial(_maps, times=2)),
    wrong(f"activation_maps: np.squeeze -> {rules.SQUEEZED}", partial(_maps, squeezed=True)),
    right("saliency: the largest of both signs", _largest_of_both_signs),
    wrong("saliency: mean first -> absolute value of the mean over the colours", _mean_first),
    wrong(
        "saliency: axis=1 for batch_dims=1 -> every image is asked about the classes of all",
        _all_columns,
    ),
    wrong("saliency: no tape.watch", _unwatched),
    wrong(
        f"saliency_points: the best class -> {points.NO_CLASS}",
        lambda net, images, classes: _largest_of_both_signs(
            net, images, np.asarray(net.logits(images)).argmax(axis=1)
        ),
    ),
    right("class_objective: the penalty's gradient by hand", _penalty_by_hand),
    wrong(
        "class_objective: reduce_sum over everything -> one objective for all images",
        lambda *given: (_penalty_by_hand(*given)[0].sum(), _penalty_by_hand(*given)[1]),
    ),
    plain_right("blur: a bell of one's own, one axis after the other", _separable),
    plain_right("drop_small_pixels: exactly the share", _smallest_sorted),
    plain_wrong(
        "drop_small_pixels: below a quarter of the largest -> "
        "a share of the largest norm taken for the threshold",
        _below_a_share_of_the_largest,
    ),
    plain_right(
        "drop_small_contributions: einsum",
        _dropped(lambda x, gradient: np.abs(np.einsum("ijc,ijc->ij", x, gradient))),
    ),
    plain_wrong(
        "drop_small_contributions: a sum of slopes -> the gradient alone, its colours added up",
        _dropped(lambda x, gradient: np.abs(gradient.sum(axis=-1))),
    ),
    plain_wrong(
        "drop_small_contributions: a norm -> the length of the products in place of their sum",
        _dropped(lambda x, gradient: np.linalg.norm(x * gradient, axis=-1)),
    ),
    plain_right("spectrum_penalty: ring by ring", _rings()),
    plain_wrong(
        "spectrum_penalty: log, then mean -> "
        "the mean of the logarithms in place of the logarithm of the mean",
        _rings(logs_first=True),
    ),
    plain_wrong("spectrum_penalty: floor -> distances cut off, not rounded", _rings(np.floor)),
    plain_wrong(
        "spectrum_penalty: range(1, s // 2) -> the outermost ring left out", _rings(last=1)
    ),
    plain_wrong("spectrum_penalty: a gradient out of thin air", _with_noise),
    right("occlusion_map: one copy at a time", _one_by_one),
    wrong(
        "occlusion_map: range(0, S - box, stride) -> the last row and column of boxes are missing",
        partial(_one_by_one, short=True),
    ),
    right("probability_map: times masks of zeros", _without_block),
    wrong(
        "probability_map: range(0, S - block, stride) -> "
        "the last row and column of blocks are missing",
        partial(_without_block, short=True),
    ),
    wrong(
        "probability_map: how sure the net is -> the highest probability, whatever class has it",
        partial(_without_block, any_class=True),
    ),
    plain_right("heat_map: pixel by pixel", _pixel_by_pixel),
    plain_wrong(
        "heat_map: box + 1 -> boxes one pixel too large",
        lambda changes, size, box, stride: _pixel_by_pixel(changes, size, box + 1, stride),
    ),
    plain_wrong("heat_map: 0 / 0 -> NaN where no box lies", _heat("by the count")),
    plain_wrong(
        "heat_map: by the most boxes -> divided by the same number everywhere",
        _heat("by the most"),
    ),
    plain_wrong(
        "heat_map: np.maximum, from 0 on -> the largest in place of the mean, and at least 0",
        _largest,
    ),
    plain_right("pointing: a loop, a list", _pointing),
    plain_wrong(
        "pointing: mass first -> hits and mass swapped",
        lambda maps, masks: _pointing(maps, masks)[::-1],
    ),
]
"""Known answers."""
