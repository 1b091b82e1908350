"""Known answers to the pooling exercises of notebook 01: see `implementing_cnn_layers`."""

from __future__ import annotations

from grader.contract.sample import right

from . import student_layers as by
from .student_layers import wrong

_ZEROS_WIN = "padding takes part in the maximum: zeros win over negative values"
_STEP = "the window's size is taken as the stride"

POOL_FORWARD = [
    right("maxpool_forward: loops", by.pool_loops),
    right("maxpool_forward: view of all windows", by.pool_windows),
    wrong(f"maxpool_forward: pads with zeros -> {_ZEROS_WIN}", by.pool_loops, ("-np.inf", "0.0")),
    wrong(
        f"maxpool_forward: stride = size -> {_STEP}",
        by.pool_windows,
        ("    low =", "    stride = size\n    low ="),
    ),
    wrong(
        "maxpool_forward: starts at zero -> the maximum starts at 0",
        by.pool_loops,
        ("np.max(window, axis=(1, 2))", "np.max(window, axis=(1, 2), initial=0)"),
    ),
    wrong(
        "maxpool_forward: one window too many -> "
        "VALID with one window too many: the last hangs over the edge",
        by.pool_loops,
        (
            "    y = np.zeros",
            "    if padding == 'VALID':\n"
            "        Ho = int(np.ceil((x.shape[1] - ph) / sh)) + 1\n"
            "        Wo = int(np.ceil((x.shape[2] - pw) / sw)) + 1\n"
            "    y = np.zeros",
        ),
    ),
    wrong(
        "maxpool_forward: mean -> the mean in place of the maximum",
        by.pool_loops,
        ("np.max(", "np.mean("),
        ("-np.inf", "0.0"),
    ),
    wrong(
        "maxpool_forward: one maximum for all channels -> one maximum for all channels",
        by.pool_loops,
        ("np.max(window, axis=(1, 2))", "np.max(window, axis=(1, 2, 3))[:, None]"),
    ),
    wrong(
        "maxpool_forward: pw, ph = size -> the window's height and width are swapped",
        by.pool_loops,
        ("ph, pw = size", "pw, ph = size"),
    ),
]

POOL_BACKWARD = [
    right("maxpool_backward: search by hand", by.pool_backward_loops),
    right("maxpool_backward: mask per window", by.pool_backward_windows),
    right("maxpool_backward: scatter with np.add.at", by.pool_backward_scatter),
    wrong(
        "maxpool_backward: mask of all maxima -> "
        "ties: every maximum of a window gets the whole gradient",
        by.pool_backward_windows,
        (
            "np.arange(window.shape[1])[:, None] == window.argmax(axis=1)[:, None]",
            "window == window.max(axis=1, keepdims=True)",
        ),
    ),
    wrong(
        "maxpool_backward: >= for > -> ties: the last maximum gets the gradient",
        by.pool_backward_loops,
        ("c] > best", "c] >= best"),
    ),
    wrong(
        "maxpool_backward: columns before rows -> "
        "ties: the first maximum column by column, not row by row",
        by.pool_backward_loops,
        ("for u in range(ph)", "for q in range(pw)"),
        ("for v in range(pw)", "for u in range(ph)"),
        ("for q in range(pw)", "for v in range(pw)"),
    ),
    wrong(
        "maxpool_backward: = for += -> windows that overlap overwrite each other",
        by.pool_backward_windows,
        ("dxp[here] +=", "dxp[here] ="),
    ),
    wrong(
        "maxpool_backward: = for += at the maximum -> "
        "= in place of += where a value wins in several windows",
        by.pool_backward_loops,
        ("c] += dy", "c] = dy"),
    ),
    wrong(
        "maxpool_backward: spread evenly -> the gradient is spread evenly over the window",
        by.pool_backward_windows,
        (
            "mask * dy[:, i, j][:, None]",
            "np.ones(mask.shape) / mask.shape[1] * dy[:, i, j][:, None]",
        ),
    ),
    wrong(
        f"maxpool_backward: pads with zeros -> {_ZEROS_WIN}",
        by.pool_backward_windows,
        ("-np.inf", "0.0"),
    ),
    wrong(
        "maxpool_backward: one winner for all channels -> one winner for all channels",
        by.pool_backward_windows,
        ("window.argmax(axis=1)[:, None]", "window.max(axis=2).argmax(axis=1)[:, None, None]"),
    ),
    wrong(
        "maxpool_backward: place taken apart by the height -> "
        "the place in the window is taken apart by its height",
        by.pool_backward_scatter,
        ("winner // size[1]", "winner // size[0]"),
        ("winner % size[1]", "winner % size[0]"),
    ),
    wrong(
        "maxpool_backward: times the maximum -> the gradient is multiplied by the maximum",
        by.pool_backward_loops,
        ("+= dy[n, i, j, c]", "+= dy[n, i, j, c] * best"),
    ),
]
