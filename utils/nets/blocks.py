"""What follows a convolution in a net, and what each layer of that makes of the one before.

Nets are put together in different ways: batch normalisation may stand between a convolution and its
ReLU, and a ReLU may be inside the convolution's own layer.  Here each layer is said in words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from utils.nets.chain import Step

CONV, RELU, BN, MAXP = "CONV", "RELU", "BN", "MAXP"
_PASSED_OVER = ("Dropout", "SpatialDropout2D", "ZeroPadding2D")
"""Layers that show nothing new."""
_ENDS = ("Add", "Concatenate", "Dense", "Flatten", "Reshape", "GlobalAveragePooling2D")


@dataclass(frozen=True)
class Stage:
    """One layer of a block."""

    layer: str
    """Its name."""
    what: str
    """"CONV", "BN", "RELU", "MAXP", or the kind of layer."""
    told: str
    """What it makes of the layer before it: "RELU: max(conv1, 0)"."""


def convolutions(model: Any) -> list[str]:
    """Names of the convolutional layers, first to last."""
    return [layer.name for layer in model.layers if len(getattr(kernel(layer), "shape", ())) == 4]


def kernel(layer: Any) -> Any:
    """The kernel of a convolution or a dense layer, None for all others."""
    found = getattr(layer, "kernel", None)
    if found is None:
        found = getattr(layer, "depthwise_kernel", None)
    return found if found is not None and len(found.shape) in (2, 4) else None


def block(model: Any, number: int) -> list[Stage]:
    """A convolution and what follows it, until the next one or until the net branches.

    number: which convolution, counted from 1; -1 is the last one.  Those that put out a single
    pixel don't count.  Raises ValueError if there is none of that number.
    """
    names = [n for n in convolutions(model) if max(model.get_layer(n).output.shape[1:3]) > 1]
    place = number - 1 if number > 0 else len(names) + number
    if number == 0 or not 0 <= place < len(names):
        raise ValueError(f"there are convolutions 1 to {len(names)}, none of number {number}")
    layer = model.get_layer(names[place])
    found = [_first(layer)]
    after = _followers(model)
    while len(following := after.get(layer.name, [])) == 1 and not _ends(following[0]):
        layer = following[0]
        if type(layer).__name__ not in _PASSED_OVER:
            found.append(_stage(layer, found[-1].layer))
    return found


def named(model: Any, names: Sequence[str]) -> list[Stage]:
    """Layers by name, each as it follows from the one before it.

    Raises ValueError for a name that the net has not, or a layer without maps.
    """
    with_maps = [layer.name for layer in model.layers[1:] if len(layer.output.shape) == 4]
    for name in names:
        if name not in with_maps:
            raise ValueError(f"no layer {name!r} with maps; there are {', '.join(with_maps)}")
    return [_by_itself(model.get_layer(name)) for name in names]


def _by_itself(layer: Any) -> Stage:
    if kernel(layer) is not None:
        return _first(layer)
    given = layer._inbound_nodes[0].input_tensors[0]._keras_history.operation.name
    return _stage(layer, given)


def _followers(model: Any) -> dict[str, list[Any]]:
    """Layers that take what a layer puts out, by its name."""
    after: dict[str, list[Any]] = {}
    for layer in model.layers:
        for tensor in layer._inbound_nodes[0].input_tensors:
            after.setdefault(tensor._keras_history.operation.name, []).append(layer)
    return after


def _ends(layer: Any) -> bool:
    return kernel(layer) is not None or type(layer).__name__ in _ENDS


def of_chain(steps: Sequence[Step], number: int) -> list[Stage]:
    """The same for a net whose layers are known without Keras.  Raises ValueError."""
    starts = [at for at, step in enumerate(steps) if step.kind == "convolution"]
    place = number - 1 if number > 0 else len(starts) + number
    if number == 0 or not 0 <= place < len(starts):
        raise ValueError(f"there are convolutions 1 to {len(starts)}, none of number {number}")
    found = [Stage(steps[starts[place]].name, CONV, CONV)]
    for step in steps[starts[place] + 1 :]:
        if step.kind not in _OF_CHAINS:
            break
        found.append(_OF_CHAINS[step.kind](step.name, found[-1].layer, step.options))
    return found


def _first(layer: Any) -> Stage:
    inside = getattr(getattr(layer, "activation", None), "__name__", "linear")
    if inside == "linear":
        return Stage(layer.name, CONV, CONV)
    what = f"{CONV} and {inside.upper()}"
    told = f"{what} in one layer: " + ("max(CONV, 0)" if inside == "relu" else f"{inside}(CONV)")
    return Stage(layer.name, what, told)


def _stage(layer: Any, before: str) -> Stage:
    kind, name = type(layer).__name__, layer.name
    if kind == "BatchNormalization":
        return _batch_norm(name, before)
    if kind == "ReLU" or getattr(getattr(layer, "activation", None), "__name__", "") == "relu":
        return _relu(name, before, getattr(layer, "max_value", None))
    if kind == "MaxPooling2D":
        return _pooling(name, before, layer.pool_size[0], layer.strides[0])
    return Stage(name, kind, f"{kind} of {before}")


def _batch_norm(name: str, before: str) -> Stage:
    return Stage(name, BN, f"{BN}: each map of {before} times a number, plus another")


def _relu(name: str, before: str, most: float | None = None) -> Stage:
    if most is None:
        return Stage(name, RELU, f"{RELU}: max({before}, 0)")
    return Stage(name, f"{RELU}{most:g}", f"{RELU}{most:g}: {before}, cut off at 0 and {most:g}")


def _pooling(name: str, before: str, size: int, step: int) -> Stage:
    apart = "" if step == size else f", {step} apart"
    return Stage(name, MAXP, f"{MAXP}: the largest of {size}×{size} of {before}{apart}")


_OF_CHAINS: dict[str, Callable[[str, str, Any], Stage]] = {
    "batchnorm": lambda name, before, options: _batch_norm(name, before),
    "relu": lambda name, before, options: _relu(name, before),
    "pooling": lambda name, before, options: _pooling(name, before, options[0], options[0]),
}
