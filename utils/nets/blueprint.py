"""A Keras model taken apart into rows of plain values: each step, its options, where its input
comes from, and which of the model's weights it uses.

What a net does counts, not how it is written: nested models, subclassed ones, activations as names,
functions or layers, and Keras' operations on tensors all give the same rows.  A row that nobody
could make again from its options (a layer of one's own, say) is there, too, and says so.  From rows
the grader makes a net again without a student's code; see grader.course.nets.rebuilt.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from utils.checks import raised
from utils.nets import functions
from utils.nets.quiet import import_keras

Row = dict[str, Any]

_CONVOLUTION = ("kernel_size", "strides", "padding", "dilation_rate", "use_bias")
_NORMALISING = ("axis", "epsilon", "center", "scale")
OPTIONS: dict[str, tuple[str, ...]] = {
    "Dense": ("units", "use_bias"),
    "Conv2D": ("filters", "groups", *_CONVOLUTION),
    "DepthwiseConv2D": ("depth_multiplier", *_CONVOLUTION),
    "SeparableConv2D": ("filters", "depth_multiplier", *_CONVOLUTION),
    "Conv2DTranspose": ("filters", *_CONVOLUTION),
    "MaxPooling2D": ("pool_size", "strides", "padding"),
    "AveragePooling2D": ("pool_size", "strides", "padding"),
    "GlobalAveragePooling2D": ("keepdims",),
    "GlobalMaxPooling2D": ("keepdims",),
    "Flatten": (),
    "Reshape": ("target_shape",),
    "Permute": ("dims",),
    "BatchNormalization": _NORMALISING,
    "LayerNormalization": _NORMALISING,
    "GroupNormalization": ("groups", *_NORMALISING),
    "ReLU": ("max_value", "negative_slope", "threshold"),
    "LeakyReLU": ("negative_slope",),
    "ELU": ("alpha",),
    "PReLU": ("shared_axes",),
    "Softmax": ("axis",),
    "Concatenate": ("axis",),
    "Add": (),
    "Average": (),
    "Maximum": (),
    "Minimum": (),
    "Multiply": (),
    "Subtract": (),
    "ZeroPadding2D": ("padding",),
    "Cropping2D": ("cropping",),
    "UpSampling2D": ("size", "interpolation"),
    "Rescaling": ("scale", "offset"),
    "Normalization": ("mean", "variance"),
    "Activation": ("function",),
}
"""Steps that can be made again -> their options, called as Keras calls them."""

_ONLY_WHEN_TRAINED = (
    "Dropout", "SpatialDropout2D", "AlphaDropout", "GaussianDropout", "GaussianNoise",
    "ActivityRegularization", "Identity",
)  # fmt: skip
_FUNCTIONS = ("Activation", "ReLU", "Softmax", "LeakyReLU", "ELU")
_JOINING = ("Add", "Multiply", "Maximum", "Minimum", "Subtract")
_MOST_ROWS = 600


def does_nothing(kind: str) -> bool:
    """Does such a step leave images as they are once training is over?"""
    return kind in _ONLY_WHEN_TRAINED or kind.startswith("Random")


def rows_of(model: Any, shape: Sequence[int] = (32, 32, 3)) -> list[Row]:
    """The rows of a built model, inputs first, in the order of computation.

    shape: of an image (H, W, C), for a subclassed model that doesn't know what it was built for.

    Each row has `kind`, `name`, `options`, `from` (numbers of rows), `weights` (places in
    `model.get_weights()`), `output` (its shape without the batch), `parameters`, `multiplications`,
    `penalties` (on weights, in words) and `known`, whether it can be made again.
    Raises TypeError, in words, for a model without shapes.
    """
    if not model.built:
        _build(model, shape)
    parts = _Parts()
    given = [list(t.shape) for t in getattr(model, "inputs", None) or []]
    given = given or [list(_built_for(model, shape))]
    inputs = [import_keras().KerasTensor([None, *one[1:]]) for one in given]
    for tensor in inputs:
        parts.add("Input", "input", [], tensor)
    try:
        parts.play(model, *inputs)
    except _TooMany:
        raise TypeError("the model has too many layers to be looked at") from None
    places = {id(variable): place for place, variable in enumerate(model.weights)}
    for row in parts.rows:
        row["weights"] = [places.get(id(variable), -1) for variable in row["weights"]]
        row["known"] = row["known"] and -1 not in row["weights"]
    return parts.rows


def _build(model: Any, shape: Sequence[int]) -> None:
    """Give a model its weights, as Keras' own training would with the first images."""
    try:
        model(np.zeros((1, *shape), np.float32))
    except Exception as error:
        raise TypeError(f"{_NO_SHAPES} ({raised.last_words(str(error))})") from None


_NO_SHAPES = (
    "the model has no shapes yet: begin it with keras.Input((32, 32, 3)), or call "
    "model.build((None, 32, 32, 3))"
)


def _built_for(model: Any, shape: Sequence[int]) -> Sequence[Any]:
    """The input shape that a subclassed model was built with."""
    known = getattr(model, "_build_shapes_dict", None)
    first = next(iter(known.values()), None) if isinstance(known, dict) else None
    usual = (None, *shape)
    usable = isinstance(first, (tuple, list)) and len(first) == len(usual)
    return list(first) if usable else usual  # type: ignore[arg-type]


class _TooMany(Exception):
    pass


@dataclass
class _Parts:
    """The rows found so far."""

    rows: list[Row] = field(default_factory=list)
    """`weights` are the variables themselves, as long as a part may still make new ones."""
    made: dict[int, int] = field(default_factory=dict)
    """id of a tensor -> the row that makes it."""
    kept: list[Any] = field(default_factory=list)
    """Tensors, so that no id is given twice."""

    def add(self, kind: str, name: str, sources: Sequence[Any], output: Any, **more: Any) -> Any:
        """A row; returns its output."""
        if len(self.rows) >= _MOST_ROWS:
            raise _TooMany
        self.made[id(output)] = len(self.rows)
        self.kept.append(output)
        row = {
            "kind": kind,
            "name": name,
            "options": {},
            "from": [self.made.get(id(source), -1) for source in sources],
            "weights": [],
            "output": [-1 if n is None else int(n) for n in output.shape[1:]],
            "parameters": 0,
            "multiplications": 0,
            "penalties": [],
            "known": True,
        }
        self.rows.append(row | more)
        return output

    def play(self, part: Any, *tensors: Any, **more: Any) -> Any:
        """Go through a model or layer as if it were called, down to what can't be opened."""
        keras = import_keras()
        if isinstance(part, keras.Sequential):
            for layer in part.layers:
                tensors = (self.play(layer, *tensors),)
            return tensors[0]
        if hasattr(part, "_nodes_by_depth"):
            return self._through(part, keras.tree.flatten(tensors))
        if _own(part) and (opened := self._opened(part, tensors)) is not None:
            return opened
        return self._leaf(part, tensors, more)

    def _through(self, part: Any, tensors: list[Any]) -> Any:
        """Go through a functional model, as Keras does, in the order of its layers."""
        place = {id(operation): number for number, operation in enumerate(part.operations)}
        known = {id(t): given for t, given in zip(part.inputs, tensors, strict=True)}
        for depth in sorted(part._nodes_by_depth, reverse=True):
            for node in sorted(part._nodes_by_depth[depth], key=lambda n: place[id(n.operation)]):
                if node.is_input or any(id(t) not in known for t in node.input_tensors):
                    continue
                positional, named = node.arguments.fill_in(known)
                made = self.play(node.operation, *positional, **named)
                flat = import_keras().tree.flatten(made)
                known |= {id(t): given for t, given in zip(node.outputs, flat, strict=True)}
        found = [known[id(t)] for t in part.outputs]
        return found[0] if len(found) == 1 else found

    def _opened(self, part: Any, tensors: tuple[Any, ...]) -> Any:
        """A model or layer of the student's, made of others: the way through it, or None."""
        keras = import_keras()
        before = len(self.rows)
        given = [keras.Input(t.shape[1:]) for t in tensors if hasattr(t, "shape")]
        try:
            inside = keras.Model(given, part.call(*given))
            output = self.play(inside, *tensors)
        except _TooMany:
            raise
        except Exception:  # it does what only TensorFlow can follow
            del self.rows[before:]
            return None
        found = {id(variable) for row in self.rows[before:] for variable in row["weights"]}
        if not found.issuperset(map(id, part.weights)):  # it has some of its own
            del self.rows[before:]
            return None
        return output

    def _leaf(self, part: Any, tensors: tuple[Any, ...], more: dict[str, Any]) -> Any:
        keras = import_keras()
        kind = _class(part).__name__
        sources = [t for t in keras.tree.flatten(tensors) if isinstance(t, keras.KerasTensor)]
        if kind == "InputLayer":
            return tensors[0]
        given = {k: v for k, v in more.items() if k not in ("training", "mask")}
        output = part.compute_output_spec(*tensors, **given)
        shape = list(sources[0].shape) if sources else []
        name = str(part.name)
        may_be = len(sources) == 1 and not getattr(part, "weights", ()) and _may_be_function(part)
        if may_be and (function := functions.named(part, shape)):
            return self._active(function, name, sources[0], output)
        if kind == "Identity":
            self.made[id(output)] = self.made.get(id(sources[0]), -1)
            self.kept.append(output)
            return output
        kind, options = _options(part, kind, tensors, output)
        kernel = getattr(part, "kernel", None)
        values = math.prod(n or 1 for n in output.shape[1:-1]) if kernel is not None else 0
        self.add(
            kind,
            name,
            sources,
            output,
            options=options or {},
            known=options is not None and len(output.shape) > 1,
            weights=list(getattr(part, "weights", ())),
            parameters=int(part.count_params()) if hasattr(part, "count_params") else 0,
            multiplications=int(values * math.prod(kernel.shape)) if kernel is not None else 0,
            penalties=_penalties(part),
        )
        applied = getattr(part, "activation", None)
        if kind not in OPTIONS or applied is None:
            return output
        function = functions.named(applied, list(output.shape))
        if function == "linear":
            return output
        called = function or functions.called(applied)
        after = keras.KerasTensor(output.shape)
        return self._active(called, f"{name}, {called}", output, after, known=bool(function))

    def _active(
        self, function: str, name: str, source: Any, output: Any, known: bool = True
    ) -> Any:
        options = {"function": function}
        return self.add("Activation", name, [source], output, options=options, known=known)


def _own(part: Any) -> bool:
    """Was its class written by the student?"""
    return not _class(part).__module__.startswith("keras.") and hasattr(part, "call")


def _class(part: Any) -> type:
    """Its class, or the one of Keras' of which it is another name, or a way to make it."""
    for one in type(part).__mro__:
        if one.__module__.startswith("keras."):
            return one
        if not _SAYS_NOTHING.issuperset(vars(one)):
            break
    return type(part)


_SAYS_NOTHING = frozenset(
    ("__module__", "__qualname__", "__doc__", "__init__", "__annotations__", "__firstlineno__",
     "__static_attributes__")
)  # fmt: skip
"""What a class can define without computing anything else than the one that it comes from."""


def _may_be_function(part: Any) -> bool:
    """Could it be an activation, whatever it is called?"""
    kind = _class(part).__name__
    return kind in _FUNCTIONS or (kind not in OPTIONS and not does_nothing(kind))


def _options(
    part: Any, kind: str, tensors: tuple[Any, ...], output: Any
) -> tuple[str, dict[str, Any] | None]:
    """Kind and options of a step; None where it can't be made again."""
    ours = _class(part).__module__.startswith("keras.")
    is_layer = hasattr(part, "count_params")
    if not ours:
        return kind, None
    if not is_layer:
        return _operation(part, kind, tensors, output)
    if does_nothing(kind):
        rate = getattr(part, "rate", None)
        kept = [*output.shape[1:]] == [*import_keras().tree.flatten(tensors)[0].shape[1:]]
        return kind, ({} if rate is None else {"rate": float(rate)}) if kept else None
    if kind not in OPTIONS or getattr(part, "data_format", "channels_last") != "channels_last":
        return kind, None
    if getattr(part, "output_padding", None) is not None:
        return kind, None
    try:
        return kind, {name: _plain(getattr(part, name)) for name in OPTIONS[kind]}
    except (TypeError, ValueError, AttributeError):
        return kind, None


def _plain(value: Any) -> Any:
    """Numbers, texts, and lists of them."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (tuple, list)):
        return [_plain(entry) for entry in value]
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise TypeError(type(value).__name__)
    found = array.astype(float).tolist() if array.dtype.kind == "f" else array.tolist()
    return found


def _operation(
    part: Any, kind: str, tensors: tuple[Any, ...], output: Any
) -> tuple[str, dict[str, Any] | None]:
    """An operation on tensors, as the layer that does the same."""
    keras = import_keras()
    flat = keras.tree.flatten(tensors)
    only_tensors = all(isinstance(t, keras.KerasTensor) for t in flat)
    if kind == "Concatenate" and only_tensors:
        return kind, {"axis": int(part.axis)}
    if kind in _JOINING and only_tensors:
        return kind, {}
    if kind in ("Reshape", "Ravel") and only_tensors:
        target = [int(n) for n in output.shape[1:] if n is not None]
        known = len(target) == len(output.shape) - 1
        return "Reshape", {"target_shape": target} if known else None
    if kind in ("Mean", "Max") and only_tensors and _axes(part) == [1, 2]:
        layer = "GlobalAveragePooling2D" if kind == "Mean" else "GlobalMaxPooling2D"
        return layer, {"keepdims": bool(part.keepdims)}
    if kind in _SCALES and len(flat) == 2 and isinstance(flat[1], (int, float)):
        scale, offset = _SCALES[kind](float(flat[1]))
        return "Rescaling", {"scale": scale, "offset": offset}
    return kind, None


_SCALES: dict[str, Callable[[float], tuple[float, float]]] = {
    "Multiply": lambda number: (number, 0.0),
    "TrueDivide": lambda number: (1 / number if number else math.inf, 0.0),
    "Add": lambda number: (1.0, number),
    "Subtract": lambda number: (1.0, -number),
}


def _axes(part: Any) -> list[int]:
    axis = getattr(part, "axis", None)
    return sorted(int(n) for n in axis) if isinstance(axis, (tuple, list)) else []


def _penalties(part: Any) -> list[str]:
    """What of a layer costs something, in words."""
    kind = _class(part).__name__.lower()
    found = []
    for name, what in functions.PENALISED.items():
        regulariser = getattr(part, name, None)
        if callable(regulariser) and (told := functions.cost(regulariser)):
            found.append(f"{kind} {what} {told}")
    return found
