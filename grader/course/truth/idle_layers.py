"""Idle answers to notebook 01: nothing of what is asked is done in them, or it is left
to what is shipped.  They earn nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from grader.contract.sample import idle
from utils.exercises import gradient_check
from utils.explorers import convolution_model, shapes_model

from ..judges.implementing_cnn import reference

Array = np.ndarray


def _placed(size: int, kernel: int, stride: int) -> tuple[int, int, int]:
    axis = convolution_model.place(size, kernel, stride, "SAME")
    return axis.before, axis.after, len(axis.starts)


def _stepped(x: Array, w: Array, b: Array, stride: tuple[int, int], padding: str) -> Array:
    """The explorer's convolution, of one channel, for each channel."""

    def one(image: Array, kernel: Array) -> Array:
        setting = convolution_model.Setting(image, kernel, 0.0, stride, padding)
        return convolution_model.outputs(setting)

    maps = [
        [sum(one(image[..., c], w[..., c, f]) for c in range(x.shape[3])) for f in range(len(b))]
        for image in x
    ]
    return np.moveaxis(np.array(maps), 1, -1) + b


def _nudged(dy: Array, x: Array, w: Array, stride: Any, padding: str) -> tuple[Array, ...]:
    """The layer is linear, so numeric gradients are exact, whatever convolves."""
    bias = np.zeros(w.shape[3])

    def loss(image: Array, kernel: Array) -> float:
        return float(np.sum(dy * reference.conv2d(image, kernel, bias, stride, padding)))

    dx = gradient_check.numeric_gradient(lambda a: loss(a, w), x, 1.0)
    dw = gradient_check.numeric_gradient(lambda a: loss(x, a), w, 1.0)
    return dx, dw, dy.sum(axis=(0, 1, 2))


def _read_back(dy: Array, x: Array, w: Array, stride: Any, padding: str) -> tuple[Array, ...]:
    """The gradient of the image from the explorer's readers, zeros for the kernel."""
    dx = np.zeros(x.shape)
    setting = convolution_model.Setting(x[0, :, :, 0], w[:, :, 0, 0], 0.0, stride, padding)
    for row, column in np.ndindex(x.shape[1:3]):
        for reader in convolution_model.readers(setting, row, column):
            weights = w[reader.u, reader.v]
            dx[:, row, column] += dy[:, reader.i, reader.j] @ weights.T
    return dx, np.zeros(w.shape), dy.sum(axis=(0, 1, 2))


def _side(net: list[tuple[int, int]]) -> int:
    stack = [shapes_model.Layer("conv", kernel, stride, "VALID") for kernel, stride in net]
    stages = shapes_model.build(400, 1, stack)
    return shapes_model.side_seen(stages, len(stack))


def _counted(kernel: tuple[int, int], channels: int, filters: int, use_bias: bool) -> Any:
    stack = [shapes_model.Layer("conv", kernel[0], 1, "SAME", filters)]
    total, weights = shapes_model.totals(shapes_model.build(1, channels, stack))
    return weights, (total - weights) * use_bias


IDLE_LAYERS = [
    idle("same_padding: the explorer's windows", _placed),
    idle("same_padding: nothing padded", lambda size, kernel, stride: (0, 0, size // stride)),
    idle("same_padding: half a kernel", lambda size, kernel, stride: (
        kernel // 2, kernel // 2, size)),
    idle("conv2d_forward: the explorer's outputs", _stepped),
    idle("conv2d_fast: the explorer's outputs", _stepped),
    idle("conv2d_backward: numeric gradients", _nudged),
    idle("conv2d_backward: the explorer's readers", _read_back),
    idle("conv2d_backward: biases alone", lambda dy, x, w, stride, padding: (
        np.zeros_like(x), np.zeros_like(w), dy.sum(axis=(0, 1, 2)))),
    idle("receptive_field: the explorer's side", _side),
    idle("receptive_field: one", lambda layers: 1),
    idle("conv_parameters: the explorer's totals", _counted),
    idle("conv_parameters: as many biases as filters", lambda kernel, channels, filters, b: (
        0, filters)),
]  # fmt: skip
