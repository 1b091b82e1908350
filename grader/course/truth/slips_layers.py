"""Slips in the first half of notebook 01 that a teacher sees each year, named before a judge was
asked; and layers that are right in a way of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from grader.contract.sample import right
from grader.contract.sample import wrong as plain_wrong
from utils.checks.compare import CHANGED, OTHER_ORDER

from . import student_layers as by
from .student_layers import Pair, padded_to_fit, wrong

Array = np.ndarray


def padding_by_counting(size: int, kernel: int, stride: int) -> list[int]:
    """Cells added one by one, first behind, until the last window fits."""
    windows = len(range(0, size, stride))
    before = after = 0
    while before + size + after < (windows - 1) * stride + kernel:
        if after <= before:
            after += 1
        else:
            before += 1
    return [before, after, windows]


def fast_by_strides(x: Array, w: Array, b: Array, stride: Pair, padding: str) -> Array:
    """Windows by as_strided, products by einsum."""
    kh, kw, channels, _ = w.shape
    xp, _, _, rows, columns = padded_to_fit(x, kh, kw, stride, padding)
    xp = np.ascontiguousarray(xp)
    n, down, along, deep = xp.strides
    steps = (n, down * stride[0], along * stride[1], down, along, deep)
    windows = as_strided(xp, (len(x), rows, columns, kh, kw, channels), steps)
    return np.einsum("nijuvc,uvcf->nijf", windows, w, optimize=True) + b


def fast_by_index(x: Array, w: Array, b: Array, stride: Pair, padding: str) -> Array:
    """Patches by arrays of indices."""
    kh, kw, _, filters = w.shape
    xp, _, _, rows, columns = padded_to_fit(x, kh, kw, stride, padding)
    i = np.arange(rows)[:, None] * stride[0] + np.arange(kh)
    j = np.arange(columns)[:, None] * stride[1] + np.arange(kw)
    patches = xp[:, i[:, None, :, None], j[None, :, None, :]]
    flat = patches.reshape(len(x), rows, columns, -1)
    return flat @ w.reshape(-1, filters) + b


def backward_by_cells(
    dy: Array, x: Array, w: Array, stride: Pair, padding: str
) -> tuple[Array, Array, Array]:
    """A loop over the cells of the kernel."""
    kh, kw = w.shape[:2]
    (sh, sw), dw = stride, np.zeros(w.shape)
    xp, top, left, rows, columns = padded_to_fit(x, kh, kw, stride, padding)
    dxp = np.zeros(xp.shape)
    for u, v in np.ndindex(kh, kw):
        at = np.s_[:, u : u + sh * rows : sh, v : v + sw * columns : sw]
        dw[u, v] = np.einsum("nijc,nijf->cf", xp[at], dy)
        dxp[at] += dy @ w[u, v].T
    dx = dxp[:, top : top + x.shape[1], left : left + x.shape[2]]
    return dx, dw, np.einsum("nijf->f", dy)


def pool_clipped(x: Array, size: Pair, stride: Pair, padding: str) -> Array:
    """No padding: windows end where the image does."""
    _, top, left, rows, columns = padded_to_fit(x, *size, stride, padding)
    found = np.empty((len(x), rows, columns, x.shape[3]))
    for i, j in np.ndindex(rows, columns):
        r, c = i * stride[0] - top, j * stride[1] - left
        window = x[:, max(r, 0) : r + size[0], max(c, 0) : c + size[1]]
        found[:, i, j] = window.max(axis=(1, 2))
    return found


def pool_above_lowest(x: Array, size: Pair, stride: Pair, padding: str) -> Array:
    """Padded with the lowest value that there is: it may be equal to a maximum, never above."""
    return _pooled(padded_to_fit(x, *size, stride, padding, fill=x.min()), size, stride)


def pool_without_nan(x: Array, size: Pair, stride: Pair, padding: str) -> Array:
    """Padded with NaN, which np.nanmax passes over."""
    padded = padded_to_fit(x.astype(float), *size, stride, padding, fill=np.nan)
    return _pooled(padded, size, stride)


def _pooled(padded: Any, size: Pair, stride: Pair) -> Array:
    xp, _, _, rows, columns = padded
    found = np.empty((len(xp), rows, columns, xp.shape[3]))
    for i, j in np.ndindex(rows, columns):
        r, c = i * stride[0], j * stride[1]
        found[:, i, j] = np.nanmax(xp[:, r : r + size[0], c : c + size[1]], axis=(1, 2))
    return found


def _changing(x: Array, w: Array, b: Array, stride: Pair, padding: str) -> Array:
    y = by.forward_matmul(x, w, b, stride, padding)
    x -= 0.5
    return y


def _half_in_front(x: Array, w: Array, b: Array, stride: Pair, padding: str) -> Array:
    """Right windows behind k // 2 zeros, whatever is missing."""
    if padding == "VALID":
        return by.forward_matmul(x, w, b, stride, padding)
    kh, kw = w.shape[:2]
    rows, columns = (-(-n // s) for n, s in zip(x.shape[1:3], stride, strict=True))
    xp = np.pad(x, ((0, 0), (kh // 2, kh), (kw // 2, kw), (0, 0)))
    y = np.zeros((len(x), rows, columns, w.shape[3]))
    for i, j in np.ndindex(rows, columns):
        r, c = i * stride[0], j * stride[1]
        y[:, i, j] = np.tensordot(xp[:, r : r + kh, c : c + kw], w, 3) + b
    return y


_COUNTED = "padded, but only windows inside the input are counted"
_LAST_CELL = "dx: = in place of += where several cells of the kernel meet a pixel"
_LOW = "padding takes part in the maximum: -1 wins over lower values"

SLIPS_LAYERS = [
    right("same_padding: cell by cell, as a list", padding_by_counting),
    plain_wrong(
        f"same_padding: windows first -> {OTHER_ORDER}",
        lambda size, kernel, stride: np.roll(padding_by_counting(size, kernel, stride), 1),
    ),
    plain_wrong(
        "same_padding: half of k - 1, twice -> "
        "(k - 1) // 2 on both sides, whatever kernel and stride",
        lambda size, kernel, stride: (kernel // 2 - (kernel % 2 == 0),) * 2 + (-(-size // stride),),
    ),
    plain_wrong(
        "same_padding: nothing in front -> all that is missing comes after the input",
        lambda size, kernel, stride: [
            0,
            sum(padding_by_counting(size, kernel, stride)[:2]),
            padding_by_counting(size, kernel, stride)[2],
        ],
    ),
    plain_wrong(
        "same_padding: the whole of it twice -> all that is missing, on both sides",
        lambda size, kernel, stride: [
            sum(padding_by_counting(size, kernel, stride)[:2]),
            sum(padding_by_counting(size, kernel, stride)[:2]),
            padding_by_counting(size, kernel, stride)[2],
        ],
    ),
    plain_wrong(
        f"same_padding: VALID's windows -> {_COUNTED}",
        lambda size, kernel, stride: (
            *padding_by_counting(size, kernel, stride)[:2],
            (size - kernel) // stride + 1,
        ),
    ),
    plain_wrong(
        "same_padding: half, rounded down, twice -> "
        "half on each side, rounded down: an odd cell gets lost",
        lambda size, kernel, stride: (
            padding_by_counting(size, kernel, stride)[0],
            padding_by_counting(size, kernel, stride)[0],
            padding_by_counting(size, kernel, stride)[2],
        ),
    ),
    plain_wrong(f"conv2d_forward: takes 0.5 off its input -> {CHANGED}", _changing),
    plain_wrong(
        "conv2d_forward: k // 2 in front, right windows -> "
        "SAME padding that begins with k // 2, whatever kernel and stride",
        _half_in_front,
    ),
    plain_wrong(
        "conv2d_forward: one map, repeated -> all filters are added up to one map",
        lambda *given: np.repeat(
            by.forward_matmul(*given).sum(axis=3, keepdims=True), given[1].shape[3], axis=3
        ),
    ),
    right("conv2d_fast: as_strided and einsum", fast_by_strides),
    right("conv2d_fast: arrays of indices", fast_by_index),
    wrong(
        "conv2d_fast: patches turned -> "
        "patches list a window column by column, the kernel row by row",
        fast_by_index,
        ("patches.reshape", "patches.swapaxes(3, 4).reshape"),
    ),
    right("conv2d_backward: cell by cell of the kernel", backward_by_cells),
    wrong(
        f"conv2d_backward: cells overwrite each other -> {_LAST_CELL}",
        backward_by_cells,
        ("] += dy", "] = dy"),
    ),
    wrong(
        "conv2d_backward: the kernel turned for dx -> "
        "dx: the kernel is turned by 180° once too often or too little",
        backward_by_cells,
        ("w[u, v].T", "w[::-1, ::-1][u, v].T"),
    ),
    plain_wrong(
        "conv2d_backward: dx left at zero",
        lambda dy, x, w, stride, padding: (
            0 * x,
            *backward_by_cells(dy, x, w, stride, padding)[1:],
        ),
    ),
    right("maxpool_forward: windows cut at the edge", pool_clipped),
    right("maxpool_forward: padded with the lowest value", pool_above_lowest),
    right("maxpool_forward: NaN and nanmax", pool_without_nan),
    wrong(f"maxpool_forward: -1 -> {_LOW}", pool_above_lowest, ("x.min()", "-1.0")),
    wrong("maxpool_forward: -999", pool_above_lowest, ("x.min()", "-999.0")),
    plain_wrong(
        "maxpool_forward: maximum over images, too -> one maximum for all images",
        lambda *given: np.broadcast_to(
            pool_clipped(*given).max(axis=0), pool_clipped(*given).shape
        ),
    ),
]
