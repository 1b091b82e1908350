"""Nets as arguments of checks: a case carries a plain description, `on_net` turns it into a net.

A description is a name that `utils.nets.pretrained` knows ("mini"), or a small net whose answers
can be worked out exactly, written as a dictionary of arrays.  `linear`, `window`, `mlp` and `conv`
write such dictionaries, `trained` one for a net that somebody has trained; `build` makes a net.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

import numpy as np

from utils import codec
from utils.nets import chain, pretrained
from utils.nets.chain import Step
from utils.nets.pretrained import PretrainedNet
from utils.nets.quiet import import_tensorflow, usual_settings

RANGES = {"unit": (1.0, 0.0), "signed": (2.0, -1.0)}
"""What a toy net's preprocessing makes of images in [0, 1]: (factor, summand)."""

NET = "COURSE_NET"
"""Environment variable: the net that the harness is going to ask for."""

_KEPT = 12
_built: OrderedDict[str, PretrainedNet] = OrderedDict()


def on_net(function: Any) -> Any:
    """Let a function of a net be checked: its first argument may be a description.

    `check("saliency", on_net(saliency))` calls `saliency(net, …)` with a PretrainedNet, whatever
    the case says which.  What can't be called is handed on as it is, and the check says so.
    """
    if not callable(function):
        return function
    if coming := os.environ.get(NET):
        _warm_up(build(coming))  # now, and not in the time of the first call

    @wraps(function)
    def with_net(net: Any, *arguments: Any, **named: Any) -> Any:
        try:
            return function(build(net), *arguments, **named)
        except (AttributeError, TypeError, ValueError) as error:
            if _of_nothing(str(error)):  # the line in the student's code stays with it
                error.args = (f"{error} {NOT_WATCHED}",)
            raise

    return with_net


NOT_WATCHED = "(A gradient? tape.gradient gives None for what was not watched: tape.watch(x).)"


def _of_nothing(text: str) -> bool:
    """Is it about None where a tensor should be?"""
    return bool(re.search(r"NoneType|value \(None\)", text)) and "unpack" not in text


def build(description: Any) -> PretrainedNet:
    """The net that a description means; the same net for the same description.

    description: a name, a dictionary as `linear` and its like write it, or a net, which is
    returned as it is.  Raises ValueError for anything else.
    """
    if isinstance(description, PretrainedNet):
        return description
    if isinstance(description, Mapping):
        key = hashlib.sha256(codec.pack(dict(description))).hexdigest()
    else:
        key = str(description)
    if key not in _built:
        made = _toy(plan(description)) if isinstance(description, Mapping) else pretrained.load(key)
        _built[key] = made
        while len(_built) > _KEPT:
            _built.popitem(last=False)
    _built.move_to_end(key)
    return _built[key]


def _warm_up(net: PretrainedNet) -> None:
    """Let TensorFlow compile the net and its gradient."""
    tf = import_tensorflow()
    images = tf.zeros((1, net.input_size, net.input_size, 3))
    with tf.GradientTape() as tape:
        tape.watch(images)
        scores = net.logits(images)
    tape.gradient(scores, images)


def linear(
    kernel: np.ndarray, bias: np.ndarray | None = None, range: str = "unit"
) -> dict[str, Any]:
    """A net whose logits are sums over the pixels, weighted.

    kernel: (S, S, 3, classes).  bias: (classes,).  range: "unit" if the net takes [0, 1] as it is,
    "signed" if its preprocessing makes [-1, 1] of it.  Layers: flatten, fc1.
    """
    kernel = np.asarray(kernel, np.float32)
    bias = np.zeros(kernel.shape[-1], np.float32) if bias is None else np.asarray(bias, np.float32)
    return {"kind": "linear", "kernel": kernel, "bias": bias, "range": range}


def window(
    size: int, boxes: np.ndarray, weights: np.ndarray, bias: np.ndarray | None = None
) -> dict[str, Any]:
    """A net whose score for a class is the weighted sum over all pixels of one box.

    boxes: (classes, 4) rows of top, left, height, width.  weights: (classes,) or (classes, 3) for
    one weight per colour.  Layers: flatten, fc1.
    """
    boxes = np.asarray(boxes, np.int64)
    weights = np.asarray(weights, np.float32)
    bias = np.zeros(len(boxes), np.float32) if bias is None else np.asarray(bias, np.float32)
    return {"kind": "window", "size": size, "boxes": boxes, "weights": weights, "bias": bias}


def mlp(
    size: int, kernels: Sequence[np.ndarray], biases: Sequence[np.ndarray], range: str = "unit"
) -> dict[str, Any]:
    """Dense layers on the flattened image, ReLU between them.

    kernels: (inputs, neurons) each.  Layers: flatten, fc1, relu1, fc2, …
    """
    return {"kind": "mlp", "size": size, **_layers(kernels, biases), "range": range}


def conv(
    size: int,
    kernels: Sequence[np.ndarray],
    biases: Sequence[np.ndarray],
    pools: Sequence[int],
    range: str = "unit",
) -> dict[str, Any]:
    """Convolutions (SAME, stride 1), each with ReLU, some with max pooling, and one dense layer.

    kernels: (kh, kw, C_in, C_out) each, the last one (inputs, classes).  pools: for each
    convolution the size of its pooling, 0 for none.
    Layers: conv1, relu1, pool1, conv2, …, flatten, and fc with the next number.
    """
    pools = [int(p) for p in pools]
    return {
        "kind": "conv", "size": size, **_layers(kernels, biases), "pools": pools, "range": range
    }  # fmt: skip


def trained(size: int, words: Sequence[str], weights: Sequence[np.ndarray]) -> dict[str, Any]:
    """A net of standard layers, one after the other, see `utils.nets.chain`.

    words: what `utils.nets.describe` calls its steps.  weights: all of them, in Keras' order.
    """
    arrays = [np.asarray(w, np.float32) for w in weights]
    return {"kind": "trained", "size": size, "words": list(words), "weights": arrays}


@dataclass(frozen=True)
class Plan:
    """What a description says, layer by layer."""

    kind: str
    shape: tuple[int, int, int]
    steps: tuple[Step, ...]
    scale: tuple[float, float]
    """(factor, summand) from [0, 1] to what the first layer takes."""


def plan(description: Mapping[str, Any]) -> Plan:
    """Read a description.  Raises ValueError if it is none."""
    kind = str(description.get("kind"))
    if kind not in _READERS:
        raise ValueError(f"no net of kind {kind!r}; there are {', '.join(_READERS)}")
    size, steps = _READERS[kind](description)
    return Plan(kind, (size, size, 3), tuple(steps), RANGES[description.get("range", "unit")])


def _layers(kernels: Sequence[np.ndarray], biases: Sequence[np.ndarray]) -> dict[str, Any]:
    return {
        "kernels": [np.asarray(k, np.float32) for k in kernels],
        "biases": [np.asarray(b, np.float32) for b in biases],
    }


def _linear_steps(kernel: np.ndarray, bias: np.ndarray) -> list[Step]:
    matrix = np.asarray(kernel, np.float32).reshape(-1, kernel.shape[-1])
    return [Step("flatten", "flatten"), Step("fc1", "dense", (matrix, np.asarray(bias)))]


def _read_linear(description: Mapping[str, Any]) -> tuple[int, list[Step]]:
    kernel = np.asarray(description["kernel"])
    if kernel.ndim != 4 or kernel.shape[0] != kernel.shape[1] or kernel.shape[2] != 3:
        raise ValueError(f"the kernel must be (S, S, 3, classes), it is {kernel.shape}")
    return len(kernel), _linear_steps(kernel, description["bias"])


def _read_window(description: Mapping[str, Any]) -> tuple[int, list[Step]]:
    size, boxes = int(description["size"]), np.asarray(description["boxes"])
    weights = np.asarray(description["weights"], np.float32)
    kernel = np.zeros((size, size, 3, len(boxes)), np.float32)
    for number, (top, left, height, width) in enumerate(boxes):
        kernel[top : top + height, left : left + width, :, number] = weights[number]
    return size, _linear_steps(kernel, description["bias"])


def _read_mlp(description: Mapping[str, Any]) -> tuple[int, list[Step]]:
    steps = [Step("flatten", "flatten")]
    pairs = list(zip(description["kernels"], description["biases"], strict=True))
    for number, pair in enumerate(pairs, 1):
        steps.append(Step(f"fc{number}", "dense", pair))
        if number < len(pairs):
            steps.append(Step(f"relu{number}", "relu"))
    return int(description["size"]), steps


def _read_conv(description: Mapping[str, Any]) -> tuple[int, list[Step]]:
    steps = []
    *pairs, last = zip(description["kernels"], description["biases"], strict=True)
    for number, (pair, pool) in enumerate(zip(pairs, description["pools"], strict=True), 1):
        steps += [
            Step(f"conv{number}", "convolution", pair, (1, "SAME")),
            Step(f"relu{number}", "relu"),
        ]
        if pool:
            steps.append(Step(f"pool{number}", "pooling", (), (int(pool),)))
    steps += [Step("flatten", "flatten"), Step(f"fc{len(pairs) + 1}", "dense", last)]
    return int(description["size"]), steps


def _read_trained(description: Mapping[str, Any]) -> tuple[int, list[Step]]:
    size = int(description["size"])
    return size, chain.steps(description["words"], description["weights"], (size, size, 3))


_READERS: dict[str, Callable[[Mapping[str, Any]], tuple[int, list[Step]]]] = {
    "linear": _read_linear,
    "window": _read_window,
    "mlp": _read_mlp,
    "conv": _read_conv,
    "trained": _read_trained,
}


def _toy(plan: Plan) -> PretrainedNet:
    with usual_settings() as keras:
        x = images = keras.Input(plan.shape, name="images")
        for step in plan.steps:
            x = _keras_layer(keras, step)(x)
        model = keras.Model(images, x, name=f"toy_{plan.kind}")
    for step in plan.steps:
        if step.weights:
            model.get_layer(step.name).set_weights([np.asarray(a) for a in step.weights])
    model.trainable = False
    factor, summand = plan.scale
    return PretrainedNet(
        f"toy {plan.kind}",
        tuple(f"class {number}" for number in range(model.output_shape[-1])),
        plan.shape[0],
        model,
        lambda x: x * (factor / 255.0) + summand,
        "nothing: its weights were drawn",
    )


def _keras_layer(keras: Any, step: Step) -> Any:
    layers, name = keras.layers, step.name
    if step.kind == "convolution":
        *size, _, filters = np.shape(step.weights[0])
        stride, padding = step.options
        return layers.Conv2D(filters, size, stride, padding.lower(), name=name)
    if step.kind == "dense":
        return layers.Dense(np.shape(step.weights[0])[1], name=name)
    if step.kind == "pooling":
        return layers.MaxPooling2D(step.options[0], name=name)
    simple = {
        "relu": layers.ReLU,
        "flatten": layers.Flatten,
        "mean": layers.GlobalAveragePooling2D,
        "batchnorm": layers.BatchNormalization,
    }
    return simple[step.kind](name=name)
