"""Convolution and pooling as different students write them: all of these are right.

They share nothing with the judges.  `with_bug` rewrites a line of one of them, as a slip would.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from grader.contract.sample import Sample
from grader.contract.sample import wrong as wrong_answer

Pair = tuple[int, int]


def with_bug(function: Callable[..., Any], *changes: tuple[str, str]) -> Callable[..., Any]:
    """The function with some of its text replaced: each (old, new) where old occurs.

    Raises ValueError if an old text does not occur, so that no sample is right by accident.
    """
    text = inspect.getsource(function)
    for old, new in changes:
        if old not in text:
            raise ValueError(f"{function.__name__} does not contain {old!r}")
        text = text.replace(old, new)
    room = dict(function.__globals__)
    exec(compile(text, f"<{function.__name__} with a bug>", "exec"), room)
    return room[function.__name__]


def wrong(what: str, function: Callable[..., Any], *changes: tuple[str, str]) -> Sample:
    """A right answer with a bug.  what: "check: title -> what the judge should call it"."""
    return wrong_answer(what, with_bug(function, *changes))


def padding_by_formula(size: int, kernel: int, stride: int) -> tuple[int, int, int]:
    """With floating point and math.ceil."""
    windows = int(np.ceil(size / stride))
    total = max((windows - 1) * stride + kernel - size, 0)
    before = int(total / 2)
    return before, total - before, windows


def padding_by_remainder(size: int, kernel: int, stride: int) -> tuple[int, int, int]:
    """The form with a remainder that many know from forums."""
    rest = size % stride
    total = max(kernel - (stride if rest == 0 else rest), 0)
    return total // 2, total - total // 2, (size + stride - 1) // stride


def padded_to_fit(
    x: np.ndarray, kh: int, kw: int, stride: Pair, padding: str, fill: float = 0.0
) -> tuple[np.ndarray, int, int, int, int]:
    """Helper of several of the answers below: padded x, top, left, rows, columns."""
    sh, sw = stride
    H, W = x.shape[1:3]
    if padding == "VALID":
        return x, 0, 0, (H - kh) // sh + 1, (W - kw) // sw + 1
    Ho, Wo = -(-H // sh), -(-W // sw)
    ph, pw = max((Ho - 1) * sh + kh - H, 0), max((Wo - 1) * sw + kw - W, 0)
    widths = ((0, 0), (ph // 2, ph - ph // 2), (pw // 2, pw - pw // 2), (0, 0))
    return np.pad(x, widths, constant_values=fill), ph // 2, pw // 2, Ho, Wo


def forward_loops(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: Pair, padding: str
) -> np.ndarray:
    """Loops over everything that the output has."""
    N, H, W, _ = x.shape
    kh, kw, _, F = w.shape
    sh, sw = stride
    if padding == "SAME":
        Ho, Wo = int(np.ceil(H / sh)), int(np.ceil(W / sw))
        ph = max((Ho - 1) * sh + kh - H, 0)
        pw = max((Wo - 1) * sw + kw - W, 0)
        top = ph // 2
        left = pw // 2
        x = np.pad(x, ((0, 0), (top, ph - top), (left, pw - left), (0, 0)))
    else:
        Ho = (H - kh) // sh + 1
        Wo = (W - kw) // sw + 1
    y = np.zeros((N, Ho, Wo, F))
    for n in range(N):
        for i in range(Ho):
            for j in range(Wo):
                window = x[n, i * sh : i * sh + kh, j * sw : j * sw + kw, :]
                for f in range(F):
                    y[n, i, j, f] = np.sum(window * w[:, :, :, f]) + b[f]
    return y


def forward_im2col(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: Pair, padding: str
) -> np.ndarray:
    """A matrix of patches, filled from the cells of the kernel."""
    kh, kw, C, F = w.shape
    sh, sw = stride
    xp, _, _, Ho, Wo = padded_to_fit(x, kh, kw, stride, padding)
    columns = np.zeros((len(x), Ho, Wo, kh, kw, C))
    for u in range(kh):
        for v in range(kw):
            columns[:, :, :, u, v] = xp[:, u : u + sh * Ho : sh, v : v + sw * Wo : sw]
    y = columns.reshape(-1, kh * kw * C) @ w.reshape(-1, F)
    return y.reshape(len(x), Ho, Wo, F) + b


def forward_einsum(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: Pair, padding: str
) -> np.ndarray:
    """einsum over a view of all windows."""
    kh, kw = w.shape[:2]
    xp = padded_to_fit(x, kh, kw, stride, padding)[0]
    windows = np.lib.stride_tricks.sliding_window_view(xp, (kh, kw), axis=(1, 2))
    windows = windows[:, :: stride[0], :: stride[1]]
    return np.einsum("nijcuv,uvcf->nijf", windows, w) + b


def forward_matmul(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: Pair, padding: str
) -> np.ndarray:
    """All windows in a view, sorted and flattened for one product."""
    kh, kw, C, F = w.shape
    xp = padded_to_fit(x, kh, kw, stride, padding)[0]
    windows = np.lib.stride_tricks.sliding_window_view(xp, (kh, kw), axis=(1, 2))
    windows = windows[:, :: stride[0], :: stride[1]]
    windows = windows.transpose(0, 1, 2, 4, 5, 3)
    return windows.reshape(*windows.shape[:3], kh * kw * C) @ w.reshape(kh * kw * C, F) + b


def forward_fft(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: Pair, padding: str
) -> np.ndarray:
    """Correlation as a product of spectra."""
    kh, kw = w.shape[:2]
    xp, _, _, Ho, Wo = padded_to_fit(x, kh, kw, stride, padding)
    size = xp.shape[1:3]
    spectrum = np.fft.rfft2(xp, size, axes=(1, 2))
    kernels = np.conj(np.fft.rfft2(w, size, axes=(0, 1)))
    full = np.fft.irfft2(np.einsum("nijc,ijcf->nijf", spectrum, kernels), size, axes=(1, 2))
    return (
        full[:, : (Ho - 1) * stride[0] + 1 : stride[0], : (Wo - 1) * stride[1] + 1 : stride[1]] + b
    )


def forward_float32(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: Pair, padding: str
) -> np.ndarray:
    """float32 inside, tensordot for each shift of the kernel."""
    kh, kw, _, F = w.shape
    x, w, b = (np.asarray(a, np.float32) for a in (x, w, b))
    sh, sw = stride
    xp, _, _, Ho, Wo = padded_to_fit(x, kh, kw, stride, padding)
    y = np.zeros((len(x), Ho, Wo, F), np.float32) + b
    for u in range(kh):
        for v in range(kw):
            y += np.tensordot(xp[:, u : u + sh * Ho : sh, v : v + sw * Wo : sw], w[u, v], axes=1)
    return y


def backward_loops(
    dy: np.ndarray, x: np.ndarray, w: np.ndarray, stride: Pair, padding: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Loops over images and positions."""
    kh, kw = w.shape[:2]
    sh, sw = stride
    xp, top, left, Ho, Wo = padded_to_fit(x, kh, kw, stride, padding)
    bottom = xp.shape[1] - x.shape[1] - top
    right = xp.shape[2] - x.shape[2] - left
    dxp = np.zeros_like(xp)
    dw = np.zeros(w.shape)
    db = dy.sum(axis=(0, 1, 2))
    for n in range(len(x)):
        dw_n = np.zeros(w.shape)
        for i in range(Ho):
            for j in range(Wo):
                g = dy[n, i, j]
                r, c = i * sh, j * sw
                dw_n += xp[n, r : r + kh, c : c + kw, :, None] * g
                dxp[n, r : r + kh, c : c + kw] += (w * g).sum(axis=3)
        dw += dw_n
    dx = dxp[:, top : dxp.shape[1] - bottom, left : dxp.shape[2] - right]
    return dx, dw, db


def backward_scatter(
    dy: np.ndarray, x: np.ndarray, w: np.ndarray, stride: Pair, padding: str
) -> list[np.ndarray]:
    """Shares of all windows, scattered with np.add.at; a list is returned, not a tuple."""
    kh, kw = w.shape[:2]
    xp, top, left, Ho, Wo = padded_to_fit(x, kh, kw, stride, padding)
    rows = (np.arange(Ho) * stride[0])[:, None, None, None] + np.arange(kh)[:, None]
    columns = (np.arange(Wo) * stride[1])[:, None, None] + np.arange(kw)
    rows, columns = np.broadcast_arrays(rows, columns)  # (Ho, Wo, kh, kw)
    patches = xp[:, rows, columns]
    dxp = np.zeros(xp.shape)
    images = np.arange(len(x))[:, None, None, None, None]
    np.add.at(dxp, (images, rows, columns), np.einsum("nijf,uvcf->nijuvc", dy, w))
    dw = np.einsum("nijuvc,nijf->uvcf", patches, dy)
    dx = dxp[:, top:, left:][:, : x.shape[1], : x.shape[2]]
    return [dx, dw, np.einsum("nijf->f", dy)]


def backward_transposed(
    dy: np.ndarray, x: np.ndarray, w: np.ndarray, stride: Pair, padding: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """dx as a convolution of the spread-out dy with the kernel turned round."""
    kh, kw, _, F = w.shape
    sh, sw = stride
    xp, top, left, Ho, Wo = padded_to_fit(x, kh, kw, stride, padding)
    spread = np.zeros((len(x), xp.shape[1] + kh - 1, xp.shape[2] + kw - 1, F))
    spread[:, kh - 1 : kh - 1 + sh * Ho : sh, kw - 1 : kw - 1 + sw * Wo : sw] = dy
    windows = np.lib.stride_tricks.sliding_window_view(spread, (kh, kw), axis=(1, 2))
    dxp = np.einsum("nijfuv,uvcf->nijc", windows, w[::-1, ::-1])
    views = np.lib.stride_tricks.sliding_window_view(xp, (kh, kw), axis=(1, 2))[:, ::sh, ::sw]
    dw = np.einsum("nijcuv,nijf->uvcf", views[:, :Ho, :Wo], dy)
    dx = dxp[:, top : top + x.shape[1], left : left + x.shape[2]]
    return dx, dw, dy.reshape(-1, F).sum(0)


def pool_loops(x: np.ndarray, size: Pair, stride: Pair, padding: str) -> np.ndarray:
    """Loops over positions."""
    ph, pw = size
    sh, sw = stride
    xp, _, _, Ho, Wo = padded_to_fit(x, ph, pw, stride, padding, -np.inf)
    y = np.zeros((len(x), Ho, Wo, x.shape[3]))
    for i in range(Ho):
        for j in range(Wo):
            window = xp[:, i * sh : i * sh + ph, j * sw : j * sw + pw]
            y[:, i, j] = np.max(window, axis=(1, 2))
    return y


def pool_windows(x: np.ndarray, size: Pair, stride: Pair, padding: str) -> np.ndarray:
    """Maximum over a view of all windows; the lowest float in place of minus infinity."""
    low = np.finfo(x.dtype).min
    xp = padded_to_fit(x, size[0], size[1], stride, padding, low)[0]
    windows = np.lib.stride_tricks.sliding_window_view(xp, size, axis=(1, 2))
    return windows[:, :: stride[0], :: stride[1]].max(axis=(4, 5))


def pool_backward_loops(
    dy: np.ndarray, x: np.ndarray, size: Pair, stride: Pair, padding: str
) -> np.ndarray:
    """The maximum looked for by hand."""
    ph, pw = size
    sh, sw = stride
    xp, top, left, Ho, Wo = padded_to_fit(x, ph, pw, stride, padding, -np.inf)
    dxp = np.zeros_like(xp)
    for n in range(len(x)):
        for i in range(Ho):
            for j in range(Wo):
                for c in range(x.shape[3]):
                    best, where = -np.inf, (0, 0)
                    for u in range(ph):
                        for v in range(pw):
                            if xp[n, i * sh + u, j * sw + v, c] > best:
                                best, where = xp[n, i * sh + u, j * sw + v, c], (u, v)
                    dxp[n, i * sh + where[0], j * sw + where[1], c] += dy[n, i, j, c]
    return dxp[:, top : top + x.shape[1], left : left + x.shape[2]]


def pool_backward_windows(
    dy: np.ndarray, x: np.ndarray, size: Pair, stride: Pair, padding: str
) -> np.ndarray:
    """One window at a time for all images and channels, with a mask."""
    ph, pw = size
    sh, sw = stride
    xp, top, left, Ho, Wo = padded_to_fit(x, ph, pw, stride, padding, -np.inf)
    dxp = np.zeros_like(xp)
    for i in range(Ho):
        for j in range(Wo):
            here = np.s_[:, i * sh : i * sh + ph, j * sw : j * sw + pw]
            window = xp[here].reshape(len(x), -1, x.shape[3])
            mask = np.arange(window.shape[1])[:, None] == window.argmax(axis=1)[:, None]
            dxp[here] += (mask * dy[:, i, j][:, None]).reshape(xp[here].shape)
    return dxp[:, top : top + x.shape[1], left : left + x.shape[2]]


def pool_backward_scatter(
    dy: np.ndarray, x: np.ndarray, size: Pair, stride: Pair, padding: str
) -> np.ndarray:
    """argmax over a view of all windows, scattered with np.add.at."""
    xp, top, left = padded_to_fit(x, size[0], size[1], stride, padding, -np.inf)[:3]
    windows = np.lib.stride_tricks.sliding_window_view(xp, size, axis=(1, 2))
    windows = windows[:, :: stride[0], :: stride[1]]
    winner = windows.reshape(*windows.shape[:4], -1).argmax(axis=-1)
    n, i, j, c = np.indices(winner.shape)
    dxp = np.zeros(xp.shape)
    places = (n, i * stride[0] + winner // size[1], j * stride[1] + winner % size[1], c)
    np.add.at(dxp, places, dy)
    return dxp[:, top : top + x.shape[1], left : left + x.shape[2]]
