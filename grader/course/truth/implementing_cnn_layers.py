"""Known answers to the first half of notebook 01: right ones in many styles, and typical bugs.

Wrong answers are right ones with a line rewritten, so they share no code with the judges'
mistakes; the diagnosis is what the judge has to call them.
"""

from __future__ import annotations

from grader.contract.sample import Sample, right
from utils.checks.compare import CHANGED, TOO_SLOW

from . import student_layers as by
from .implementing_cnn_pooling import POOL_BACKWARD, POOL_FORWARD
from .student_layers import wrong

_EXTRA_FIRST = "the odd row or column of SAME padding was put first (top, left)"
_FIXED = "SAME padding of k - 1 in all, whatever the stride"

SAME_PADDING = [
    right("same_padding: floats and ceil", by.padding_by_formula),
    right("same_padding: by the remainder", by.padding_by_remainder),
    wrong(
        "same_padding: negative where the stride is large -> the padding becomes negative",
        by.padding_by_formula,
        (
            "max((windows - 1) * stride + kernel - size, 0)",
            "(windows - 1) * stride + kernel - size",
        ),
        ("int(total / 2)", "total // 2"),
    ),
    wrong(
        f"same_padding: k - 1 whatever the stride -> {_FIXED}",
        by.padding_by_formula,
        ("max((windows - 1) * stride + kernel - size, 0)", "kernel - 1"),
    ),
    wrong(
        "same_padding: remainder zero forgotten -> "
        "a whole kernel is padded where the stride divides the size",
        by.padding_by_remainder,
        ("(stride if rest == 0 else rest)", "rest"),
    ),
]

CONV_FORWARD = [
    right("conv2d_forward: loops", by.forward_loops),
    right("conv2d_forward: im2col", by.forward_im2col),
    right("conv2d_forward: einsum over windows", by.forward_einsum),
    right("conv2d_forward: FFT", by.forward_fft),
    right("conv2d_forward: float32 inside, tensordot", by.forward_float32),
    wrong(
        "conv2d_forward: flips the kernel -> "
        "the kernel is flipped: that is convolution, not cross-correlation",
        by.forward_loops,
        ("w[:, :, :, f]", "w[::-1, ::-1, :, f]"),
    ),
    wrong(
        "conv2d_forward: conjugates the wrong spectrum",
        by.forward_fft,
        ("np.conj(np.fft.rfft2(w, size, axes=(0, 1)))", "np.fft.rfft2(w, size, axes=(0, 1))"),
    ),
    wrong(
        f"conv2d_forward: larger half of the padding first -> {_EXTRA_FIRST}",
        by.forward_loops,
        ("top = ph // 2", "top = ph - ph // 2"),
        ("left = pw // 2", "left = pw - pw // 2"),
    ),
    wrong(
        f"conv2d_forward: pads k - 1 at every stride -> {_FIXED}",
        by.forward_loops,
        ("max((Ho - 1) * sh + kh - H, 0)", "kh - 1"),
        ("max((Wo - 1) * sw + kw - W, 0)", "kw - 1"),
    ),
    wrong(
        "conv2d_forward: pads 1 on each side, whatever the kernel -> "
        "padding hard-coded to 1 on each side",
        by.forward_loops,
        (
            "int(np.ceil(H / sh)), int(np.ceil(W / sw))",
            "(H + 2 - kh) // sh + 1, (W + 2 - kw) // sw + 1",
        ),
        ("(top, ph - top), (left, pw - left)", "(1, 1), (1, 1)"),
    ),
    wrong("conv2d_forward: no bias -> the bias is forgotten", by.forward_loops, (" + b[f]", "")),
    wrong(
        "conv2d_forward: bias inside of the sum -> the bias is added once per weight",
        by.forward_loops,
        ("np.sum(window * w[:, :, :, f]) + b[f]", "np.sum(window * w[:, :, :, f] + b[f])"),
    ),
    wrong(
        "conv2d_forward: sw, sh = stride -> the strides are swapped",
        by.forward_loops,
        ("sh, sw = stride", "sw, sh = stride"),
    ),
    wrong(
        "conv2d_forward: one stride for both axes -> "
        "the vertical stride is used for both directions",
        by.forward_loops,
        ("sh, sw = stride", "sh = sw = stride[0]"),
    ),
    wrong(
        "conv2d_forward: window moves by one -> "
        "the stride decides how many windows there are, but not where",
        by.forward_loops,
        ("i * sh : i * sh + kh, j * sw : j * sw + kw", "i : i + kh, j : j + kw"),
    ),
    wrong(
        "conv2d_forward: mean of the products",
        by.forward_loops,
        ("np.sum(window * w", "np.average(window, weights=w"),
    ),
    wrong(
        "conv2d_forward: np.mean for np.sum -> the mean over the window in place of the sum",
        by.forward_loops,
        ("np.sum(", "np.mean("),
    ),
    wrong(
        "conv2d_forward: first channel only -> only the first input channel is used",
        by.forward_loops,
        ("window * w[:, :, :, f]", "window[:, :, 0] * w[:, :, 0, f]"),
    ),
    wrong(
        "conv2d_forward: mirrors the border -> padding mirrors the image in place of zeros",
        by.forward_loops,
        ("(left, pw - left), (0, 0))", "(left, pw - left), (0, 0)), mode='symmetric'"),
    ),
    wrong(
        "conv2d_forward: repeats the border -> padding repeats the image in place of zeros",
        by.forward_loops,
        ("(left, pw - left), (0, 0))", "(left, pw - left), (0, 0)), mode='edge'"),
    ),
    wrong(
        "conv2d_forward: kh for kw",
        by.forward_loops,
        ("kh, kw, _, F = w.shape", "kh, kw, _, F = w.shape[0], *w.shape[:1], *w.shape[2:]"),
    ),
    wrong(
        f"conv2d_forward: adds to its own input -> {CHANGED}",
        by.forward_loops,
        ("    sh, sw = stride\n", "    sh, sw = stride\n    x += 1\n    x -= 0.5\n"),
    ),
    wrong(
        "conv2d_forward: float16 inside",
        by.forward_float32,
        ("np.asarray(a, np.float32)", "np.asarray(a, np.float16)"),
    ),
]

CONV_FAST = [
    right("conv2d_fast: product of matrices", by.forward_matmul),
    right("conv2d_fast: im2col", by.forward_im2col),
    right("conv2d_fast: tensordot for each cell", by.forward_float32),
    wrong(f"conv2d_fast: conv2d_forward again -> {TOO_SLOW}", by.forward_loops),
    wrong(
        f"conv2d_fast: image by image -> {TOO_SLOW}",
        by.forward_matmul,
        (
            "    xp = padded_to_fit(x, kh, kw, stride, padding)[0]",
            "    if len(x) > 1:\n"
            "        own = [forward_matmul(x[[n]], w, b, stride, padding) for n in range(len(x))]\n"
            "        return np.concatenate(own)\n"
            "    xp = padded_to_fit(x, kh, kw, stride, padding)[0]",
        ),
    ),
    wrong(
        "conv2d_fast: axes of the windows not sorted -> "
        "patches and kernel are flattened in different orders",
        by.forward_matmul,
        ("    windows = windows.transpose(0, 1, 2, 4, 5, 3)\n", ""),
    ),
    wrong(
        "conv2d_fast: kernel reshaped to (F, -1) -> "
        "the kernel is reshaped to (F, …) although F is its last axis",
        by.forward_matmul,
        ("w.reshape(kh * kw * C, F)", "w.reshape(F, -1).T"),
    ),
    wrong(
        "conv2d_fast: all windows kept -> the stride is ignored",
        by.forward_matmul,
        (
            "xp = padded_to_fit(x, kh, kw, stride, padding)[0]",
            "stride = (1, 1)\n    xp = padded_to_fit(x, kh, kw, stride, padding)[0]",
        ),
    ),
]

CONV_BACKWARD = [
    right("conv2d_backward: loops", by.backward_loops),
    right("conv2d_backward: scatter with np.add.at", by.backward_scatter),
    right("conv2d_backward: kernel turned round", by.backward_transposed),
    wrong(
        "conv2d_backward: = for += in dx -> dx: windows that overlap overwrite each other",
        by.backward_loops,
        ("c : c + kw] += (w", "c : c + kw] = (w"),
    ),
    wrong(
        "conv2d_backward: padding left in dx -> dx: the gradient of the padding is still there",
        by.backward_loops,
        ("return dx,", "return dxp,"),
    ),
    wrong(
        "conv2d_backward: cuts off [top:-top] -> dx: cut off as [p:-p] with the padding before",
        by.backward_loops,
        ("top : dxp.shape[1] - bottom, left : dxp.shape[2] - right", "top:-top, left:-left"),
    ),
    wrong(
        "conv2d_backward: cuts off [top:-bottom] -> "
        "dx: cut off as [p:-q], which is empty where q = 0",
        by.backward_loops,
        ("top : dxp.shape[1] - bottom, left : dxp.shape[2] - right", "top:-bottom, left:-right"),
    ),
    wrong(
        "conv2d_backward: kernel not turned round -> "
        "dx: the kernel is turned by 180° once too often or too little",
        by.backward_transposed,
        ("w[::-1, ::-1]", "w"),
    ),
    wrong(
        "conv2d_backward: dw of the last image -> dw: only the last image counts",
        by.backward_loops,
        ("dw += dw_n", "dw = dw_n"),
    ),
    wrong(
        "conv2d_backward: mean over the batch in db -> db: averaged over the batch",
        by.backward_loops,
        ("dy.sum(axis=(0, 1, 2))", "dy.sum(axis=(1, 2)).mean(axis=0)"),
    ),
    wrong(
        "conv2d_backward: db keeps the positions -> db: summed over the images only",
        by.backward_loops,
        ("dy.sum(axis=(0, 1, 2))", "dy.sum(axis=0)"),
    ),
    wrong(
        "conv2d_backward: everything divided by N -> "
        "all gradients are divided by the number of images",
        by.backward_loops,
        ("return dx, dw, db", "return dx / len(x), dw / len(x), db / len(x)"),
    ),
    wrong(
        "conv2d_backward: dw before dx -> dw and dx are returned in the wrong order",
        by.backward_loops,
        ("return dx, dw, db", "return dw, dx, db"),
    ),
    wrong(
        "conv2d_backward: sw, sh = stride -> the strides are swapped",
        by.backward_scatter,
        ("    kh, kw = w.shape[:2]\n", "    kh, kw = w.shape[:2]\n    stride = stride[::-1]\n"),
        (
            "padded_to_fit(x, kh, kw, stride, padding)",
            "padded_to_fit(x, kh, kw, stride, padding)[:3] + dy.shape[1:3]",
        ),
    ),
    wrong(
        "conv2d_backward: buffered += loses repeated places -> "
        "dx: windows that overlap overwrite each other",
        by.backward_scatter,
        ("np.add.at(dxp, (images, rows, columns), ", "dxp[:, rows, columns] += ("),
    ),
    wrong(
        "conv2d_backward: two results", by.backward_loops, ("return dx, dw, db", "return dx, dw")
    ),
]

SAMPLES: list[Sample] = [
    *SAME_PADDING,
    *CONV_FORWARD,
    *CONV_FAST,
    *CONV_BACKWARD,
    *POOL_FORWARD,
    *POOL_BACKWARD,
]
"""All of them."""
