"""What students do wrong in `conv2d_forward` and `conv2d_backward`: see `window_mistakes`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import numpy as np

from grader.contract.judge import Mistake

from . import reference as ref
from .reference import Pair, Placement, place_windows
from .window_mistakes import (
    EXTRA_FIRST,
    FIXED,
    HALF,
    IN_FRONT,
    ONE,
    by_rule,
    by_stride,
    by_stride_backward,
    result,
    turned,
    variant,
)

Arrays = dict[str, np.ndarray]


def _flipped(w: np.ndarray, **_: Any) -> np.ndarray:
    return w[::-1, ::-1]


def _transposed(w: np.ndarray, **_: Any) -> np.ndarray:
    return w.transpose(1, 0, 2, 3)


def _no_bias(b: np.ndarray, **_: Any) -> np.ndarray:
    return np.zeros_like(b)


def _bias_per_channel(b: np.ndarray, w: np.ndarray, **_: Any) -> np.ndarray:
    return b * w.shape[2]


def _bias_per_element(b: np.ndarray, w: np.ndarray, **_: Any) -> np.ndarray:
    return b * w[..., 0].size


def _bias_per_pixel(b: np.ndarray, w: np.ndarray, **_: Any) -> np.ndarray:
    return b * w[..., 0, 0].size


def _first_channel(w: np.ndarray, **_: Any) -> np.ndarray:
    return np.where(np.arange(w.shape[2])[:, None] == 0, w, 0)


def _last_channel(w: np.ndarray, **_: Any) -> np.ndarray:
    return np.where(np.arange(w.shape[2])[:, None] == w.shape[2] - 1, w, 0)


def _mean_of_window(w: np.ndarray, **_: Any) -> np.ndarray:
    return w / w[..., 0].size


def _first_filter(w: np.ndarray, **_: Any) -> np.ndarray:
    return np.repeat(w[..., :1], w.shape[3], axis=3)


def _filters_first(w: np.ndarray, **_: Any) -> np.ndarray:
    return w.reshape(w.shape[3], -1).T.reshape(w.shape)


def _channels_first_rows(w: np.ndarray, **_: Any) -> np.ndarray:
    kh, kw, channels, filters = w.shape
    return w.reshape(channels, kh, kw, filters).transpose(1, 2, 0, 3)


def _columns_first(w: np.ndarray, **_: Any) -> np.ndarray:
    kh, kw, *rest = w.shape
    return w.reshape(kw, kh, *rest).swapaxes(0, 1)


def _square_kernel(w: np.ndarray, **_: Any) -> np.ndarray:
    if w.shape[0] >= w.shape[1]:
        raise IndexError("a taller kernel has no such columns")
    return w[:, : w.shape[0]]


def _height_for_width(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: Pair, padding: str
) -> np.ndarray:
    """Right windows, but the number of columns and the padding follow from the kernel's height."""
    calls = iter((w.shape[0], w.shape[0]))

    def rule(size: int, kernel: int, step: int, mode: str) -> Placement:
        return place_windows(size, next(calls), step, mode)

    return ref.conv2d(x, w, b, stride, padding, rule)


def _padded_by(mode: Literal["edge", "symmetric", "reflect"]) -> Callable[..., np.ndarray]:
    """Convolution of an image that numpy has padded in another way."""
    return partial(_padded, mode=mode)


def _padded(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    stride: Pair,
    padding: str,
    mode: Literal["edge", "symmetric", "reflect"],
) -> np.ndarray:
    (top, bottom, _), (left, right, _) = (
        place_windows(x.shape[a + 1], w.shape[a], stride[a], padding) for a in (0, 1)
    )
    padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), mode=mode)
    return ref.conv2d(padded, w, b, stride, "VALID")


CONV_FORWARD = {
    "the kernel is flipped: that is convolution, not cross-correlation": Mistake(
        variant(ref.conv2d, w=_flipped),
        "In which corner of the window does w[0, 0] lie?",
    ),
    **by_rule(ref.conv2d),
    **by_stride(ref.conv2d),
    "the bias is forgotten": Mistake(
        variant(ref.conv2d, b=_no_bias), "Each filter has one number besides its weights."
    ),
    "the bias is added once per input channel": Mistake(
        variant(ref.conv2d, b=_bias_per_channel), "Inside or outside of the sum over channels?"
    ),
    "the bias is added once per kernel position": Mistake(
        variant(ref.conv2d, b=_bias_per_pixel), "Inside or outside of the sum over the window?"
    ),
    "the bias is added once per weight": Mistake(
        variant(ref.conv2d, b=_bias_per_element), "Inside or outside of the sum?"
    ),
    "only the first input channel is used": Mistake(
        variant(ref.conv2d, w=_first_channel), "A window reaches through all channels."
    ),
    "each channel overwrites the one before": Mistake(
        variant(ref.conv2d, w=_last_channel), "A sum needs += somewhere."
    ),
    "the mean over the window in place of the sum": Mistake(
        variant(ref.conv2d, w=_mean_of_window), "The formula has a sum and no division."
    ),
    "the first filter is used for every map": Mistake(
        variant(ref.conv2d, w=_first_filter), "Which axis of w counts the filters?"
    ),
    "all filters are added up to one map": Mistake(
        result(lambda y: np.broadcast_to(y.sum(axis=3, keepdims=True), y.shape), ref.conv2d),
        "One map for each filter: which axis of w is not summed over?",
    ),
    "the kernel is reshaped to (F, …) although F is its last axis": Mistake(
        variant(ref.conv2d, w=_filters_first),
        "reshape keeps the order in memory. Which axis must stay last?",
    ),
    "patches and kernel are flattened in different orders": Mistake(
        variant(ref.conv2d, w=_channels_first_rows),
        "A row of patches lists its values in some order of (kh, kw, C). And a column of w?",
    ),
    "patches list a window column by column, the kernel row by row": Mistake(
        variant(ref.conv2d, w=_columns_first),
        "A row of patches lists its values in some order of (kh, kw, C). And a column of w?",
    ),
    "the kernel's rows and columns are swapped": Mistake(
        variant(ref.conv2d, w=_transposed), "w[i, j]: i counts rows."
    ),
    "the kernel's height is used for its width": Mistake(
        variant(ref.conv2d, w=_square_kernel), "Kernels need not be square."
    ),
    "the number of columns follows from the kernel's height": Mistake(
        _height_for_width, "Kernels need not be square: which size belongs to which axis?"
    ),
    "padding repeats the image in place of zeros": Mistake(
        _padded_by("edge"), "SAME pads a convolution with zeros."
    ),
    "padding mirrors the image in place of zeros": Mistake(
        _padded_by("symmetric"), "SAME pads a convolution with zeros."
    ),
    "padding reflects the image in place of zeros": Mistake(
        _padded_by("reflect"), "SAME pads a convolution with zeros."
    ),
    "height and width are swapped in the output": Mistake(
        result(turned, ref.conv2d), "The output is (N, H', W', F)."
    ),
    "the filters come second in the output, as in NCHW": Mistake(
        result(lambda y: np.moveaxis(y, 3, 1), ref.conv2d), "The output is (N, H', W', F)."
    ),
    "negative outputs are cut off": Mistake(
        result(lambda y: np.maximum(y, 0), ref.conv2d), "The activation is a layer of its own."
    ),
}
"""Known mistakes of a forward convolution, likelier ones first."""


def _part(name: str, change: Callable[..., np.ndarray]) -> Callable[..., Any]:
    """The one part that is wrong, which `change` makes from inputs and right gradients."""

    def answer(**inputs: Any) -> Arrays:
        right = ref.conv2d_gradients(**inputs)
        return {name: change(right=right, **inputs)}

    return answer


def _uncropped(right: Arrays, **inputs: Any) -> np.ndarray:
    return ref.padded_input_gradient(**inputs)


def _cropped_by(side: int) -> Callable[..., np.ndarray]:
    """Cut off as [p:-p], with p taken from one side of the padding."""

    def change(
        right: Arrays, x: np.ndarray, w: np.ndarray, stride: Pair, padding: str, **rest: Any
    ) -> np.ndarray:
        padded = ref.padded_input_gradient(x=x, w=w, stride=stride, padding=padding, **rest)
        down, along = (
            place_windows(x.shape[a + 1], w.shape[a], stride[a], padding)[side] for a in (0, 1)
        )
        return padded[:, down:-down, along:-along]

    return change


def _cropped_before_after(
    right: Arrays, x: np.ndarray, w: np.ndarray, stride: Pair, padding: str, **rest: Any
) -> np.ndarray:
    padded = ref.padded_input_gradient(x=x, w=w, stride=stride, padding=padding, **rest)
    (top, bottom, _), (left, right_side, _) = (
        place_windows(x.shape[a + 1], w.shape[a], stride[a], padding) for a in (0, 1)
    )
    return padded[:, top:-bottom, left:-right_side]


def _cropped_at_the_end(right: Arrays, x: np.ndarray, w: np.ndarray, **inputs: Any) -> np.ndarray:
    padded = ref.padded_input_gradient(x=x, w=w, **inputs)
    return padded[:, : x.shape[1], : x.shape[2]]


def _overwritten_dx(
    right: Arrays,
    dy: np.ndarray,
    x: np.ndarray,
    w: np.ndarray,
    stride: Pair,
    padding: str,
    backwards: bool = False,
) -> np.ndarray:
    """Windows visited row by row, each overwriting what it covers.

    backwards: from the last one on; whoever goes through the kernel's cells keeps the last of them
    for each pixel, which is that of the first window.
    """
    places = [place_windows(x.shape[a + 1], w.shape[a], stride[a], padding) for a in (0, 1)]
    padded = np.zeros_like(ref.padded_input_gradient(dy, x, w, stride, padding))
    order = list(np.ndindex(places[0][2], places[1][2]))
    for i, j in order[::-1] if backwards else order:
        top, left = i * stride[0], j * stride[1]
        window = padded[:, top : top + w.shape[0], left : left + w.shape[1]]
        window[...] = np.einsum("nf,ijcf->nijc", dy[:, i, j], w)
    top, left = places[0][0], places[1][0]
    return padded[:, top : top + x.shape[1], left : left + x.shape[2]]


def _last_position_dw(
    right: Arrays, dy: np.ndarray, x: np.ndarray, w: np.ndarray, stride: Pair, padding: str
) -> np.ndarray:
    only = np.zeros_like(dy)
    only[:, -1, -1] = dy[:, -1, -1]
    return ref.conv2d_gradients(only, x, w, stride, padding)["dw"]


def _of_one_image(part: str, index: int) -> Callable[..., np.ndarray]:
    def change(right: Arrays, dy: np.ndarray, x: np.ndarray, **inputs: Any) -> np.ndarray:
        image = slice(index, None) if index == -1 else slice(index, index + 1)
        return ref.conv2d_gradients(dy[image], x[image], **inputs)[part]

    return change


def _turned_kernel_dx(right: Arrays, w: np.ndarray, **inputs: Any) -> np.ndarray:
    return ref.conv2d_gradients(w=w[::-1, ::-1], **inputs)["dx"]


def _channels_not_swapped_dx(right: Arrays, w: np.ndarray, **inputs: Any) -> np.ndarray:
    return ref.conv2d_gradients(w=w.swapaxes(2, 3), **inputs)["dx"]


def _last_filter_dx(right: Arrays, dy: np.ndarray, **inputs: Any) -> np.ndarray:
    only = np.zeros_like(dy)
    only[..., -1] = dy[..., -1]
    return ref.conv2d_gradients(only, **inputs)["dx"]


def _turned_dw(right: Arrays, **_: Any) -> np.ndarray:
    return right["dw"][::-1, ::-1]


def _per_image_dw(right: Arrays, dy: np.ndarray, x: np.ndarray, **inputs: Any) -> np.ndarray:
    images = [_of_one_image("dw", n)(right, dy, x, **inputs) for n in range(len(x))]
    return np.stack(images)


def _divided(parts: tuple[str, ...], by: Callable[[np.ndarray], int]) -> Callable[..., Any]:
    def answer(dy: np.ndarray, **inputs: Any) -> Arrays:
        right = ref.conv2d_gradients(dy, **inputs)
        return {part: right[part] / by(dy) for part in parts}

    return answer


def _images(dy: np.ndarray) -> int:
    return len(dy)


def _positions(dy: np.ndarray) -> int:
    return dy[0, ..., 0].size


def _images_and_positions(dy: np.ndarray) -> int:
    return dy[..., 0].size


def _summed_over(*axes: int) -> Callable[..., np.ndarray]:
    return lambda right, dy, **_: dy.sum(axis=axes)


def _one_for_all_db(right: Arrays, dy: np.ndarray, **_: Any) -> np.ndarray:
    return np.full_like(right["db"], dy.sum())


def _count_db(right: Arrays, dy: np.ndarray, **_: Any) -> np.ndarray:
    return np.full_like(right["db"], dy[..., 0].size)


def _upstream_ignored(dy: np.ndarray, **inputs: Any) -> Arrays:
    return ref.conv2d_gradients(np.ones_like(dy), **inputs)


def _other_order(**inputs: Any) -> Arrays:
    right = ref.conv2d_gradients(**inputs)
    return {"dx": right["dw"], "dw": right["dx"], "db": right["db"]}


CONV_BACKWARD = {
    "dx: windows that overlap overwrite each other": Mistake(
        _part("dx", _overwritten_dx),
        "A pixel that several windows see collects a gradient from each of them.",
        core=True,
    ),
    "dx: = in place of += where several cells of the kernel meet a pixel": Mistake(
        _part("dx", partial(_overwritten_dx, backwards=True)),
        "A pixel that several windows see collects a gradient from each of them.",
        core=True,
    ),
    "dx: the gradient of the padding is still there": Mistake(
        _part("dx", _uncropped), "dx is as large as x. Which part of the padded array is x?"
    ),
    "dx: cut off as [p:-q], which is empty where q = 0": Mistake(
        _part("dx", _cropped_before_after), "What is a[0:-0]? Say where the image ends instead."
    ),
    "dx: cut off as [p:-p] with the padding before": Mistake(
        _part("dx", _cropped_by(0)),
        "What is a[0:-0]? And is the padding the same on both sides?",
    ),
    "dx: cut off as [p:-p] with the padding after": Mistake(
        _part("dx", _cropped_by(1)),
        "What is a[0:-0]? And is the padding the same on both sides?",
    ),
    "dx: the padding is cut off at the end only": Mistake(
        _part("dx", _cropped_at_the_end), "Where in the padded array does the image begin?"
    ),
    "dx: the kernel is turned by 180° once too often or too little": Mistake(
        _part("dx", _turned_kernel_dx),
        "Each window hands its share back to the very pixels it read: which weight goes where?",
        core=True,
    ),
    "dx: input channels and filters of the kernel are swapped": Mistake(
        _part("dx", _channels_not_swapped_dx),
        "Which axis of w is summed with the last axis of dy?",
    ),
    "dx: each filter overwrites the one before": Mistake(
        _part("dx", _last_filter_dx), "A pixel feeds every filter: its gradients add up."
    ),
    "dw: only the last image counts": Mistake(
        _part("dw", _of_one_image("dw", -1)),
        "All images share the same weights: add up.",
        core=True,
    ),
    "dw: only the first image counts": Mistake(
        _part("dw", _of_one_image("dw", 0)),
        "All images share the same weights: add up.",
        core=True,
    ),
    "dw: only the last position counts": Mistake(
        _part("dw", _last_position_dw), "All positions share the same weights: add up."
    ),
    "dw: one gradient per image, not summed": Mistake(
        _part("dw", _per_image_dw), "All images share the same weights. What shape has w?"
    ),
    "dw: the kernel's gradient is flipped": Mistake(
        _part("dw", _turned_dw), "w[0, 0] meets the top left pixel of each window."
    ),
    "dw: averaged over the batch": Mistake(
        _divided(("dw",), _images), "The loss decides about averages; dy already knows."
    ),
    "db: averaged over the batch": Mistake(
        _divided(("db",), _images), "The loss decides about averages; dy already knows."
    ),
    "dw and db: averaged over the batch": Mistake(
        _divided(("dw", "db"), _images), "The loss decides about averages; dy already knows."
    ),
    "all gradients are divided by the number of images": Mistake(
        _divided(("dx", "dw", "db"), _images), "The loss decides about averages; dy knows."
    ),
    "db: averaged over the positions": Mistake(
        _divided(("db",), _positions), "b is added at every position: add up."
    ),
    "db: averaged over images and positions": Mistake(
        _divided(("db",), _images_and_positions), "b is added at every position: add up."
    ),
    "db: summed over the images only": Mistake(
        _part("db", _summed_over(0)), "There is one bias per filter: which axes are left?"
    ),
    "db: not summed over the images": Mistake(
        _part("db", _summed_over(1, 2)), "There is one bias per filter: which axes are left?"
    ),
    "db: only the last image counts": Mistake(
        _part("db", _of_one_image("db", -1)), "All images share the same bias: add up."
    ),
    "db: all filters share one sum": Mistake(
        _part("db", _one_for_all_db), "There is one bias per filter."
    ),
    "db: counts positions instead of adding gradients": Mistake(
        _part("db", _count_db), "The chain rule multiplies by dy."
    ),
    "the gradient dy from above is ignored": Mistake(
        _upstream_ignored, "The chain rule multiplies by dy."
    ),
    "dw and dx are returned in the wrong order": Mistake(
        _other_order, "The function returns dx, dw, db."
    ),
    **by_rule(ref.conv2d_gradients, EXTRA_FIRST, FIXED, HALF, IN_FRONT, ONE),
    **by_stride_backward(ref.conv2d_gradients),
}
"""Known mistakes of a backward convolution, likelier ones first."""
