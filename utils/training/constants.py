"""Numbers in a net that are no weights, though build() may have computed them from the data: scale
and offset of Rescaling layers, mean and variance that a Normalization layer was given.

They are kept with the weights, as NumPy gave them: a mean over many images in float32 depends on
how many there are, by more than a tenth for 40,000.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from utils.nets.quiet import import_keras


def of(model: Any) -> list[dict[str, Any]]:
    """The constants of a model's layers, in the order of layers."""
    return [
        {name: np.asarray(getattr(layer, name), np.float32) for name in names}
        for layer, names in _layers(model)
    ]


def put(model: Any, kept: Any) -> None:
    """Give a model's layers the constants that were kept, if they are those of such layers.

    Then let Normalization layers use their weights: Keras itself leaves such a layer with what it
    was adapted to when it was made.
    """
    layers = list(_layers(model))
    if isinstance(kept, list) and _fit(layers, kept):
        for (layer, names), numbers in zip(layers, kept, strict=True):
            for name in names:
                setattr(layer, name, import_keras().ops.convert_to_tensor(numbers[name]))
    for layer in model._flatten_layers():
        if isinstance(layer, import_keras().layers.Normalization):
            layer.finalize_state()


def _layers(model: Any) -> list[tuple[Any, tuple[str, str]]]:
    keras = import_keras()
    found = []
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.Rescaling):
            found.append((layer, ("scale", "offset")))
        elif isinstance(layer, keras.layers.Normalization) and layer.input_mean is not None:
            found.append((layer, ("mean", "variance")))
    return found


def _fit(layers: list[tuple[Any, tuple[str, str]]], kept: list[Any]) -> bool:
    """Are these constants of such layers?  They come from a file that somebody handed in."""
    return len(layers) == len(kept) and all(
        isinstance(numbers, dict)
        and isinstance(number := numbers.get(name), np.ndarray)
        and number.dtype.kind == "f"
        and number.shape == np.shape(getattr(layer, name))
        and bool(np.isfinite(number).all())
        for (layer, names), numbers in zip(layers, kept, strict=True)
        for name in names
    )
