"""Nets that students trained, made again from plain values: rows of `utils.nets.blueprint`, and the
weights that were handed in.

Rows and weights are a student's, so each is checked before anything is made of it: only standard
layers, options that are numbers or known words, and bounds on sizes and on work.  What can't be
made again says why.  The nets live in the process of `keras_process`, see `rebuilding`.
"""

from __future__ import annotations

import hashlib
import json
import math
from functools import lru_cache
from typing import Any

import numpy as np

from utils.nets import blueprint
from utils.nets.functions import ACTIVATIONS

from . import keras_process
from .rebuilding import CannotRebuild

_LARGEST_OPTION = 2**14
_WORDS = {
    "padding": ("same", "valid"),
    "interpolation": ("nearest", "bilinear"),
    "function": ACTIVATIONS,
}

__all__ = ["CannotRebuild", "facts", "outputs"]


def outputs(rows: Any, weights: list[np.ndarray], images: np.ndarray) -> np.ndarray:
    """What the net says of images (N, H, W, 3), uint8 or in [0, 1]: (N, outputs) float32.

    rows: as somebody says they are.  weights: as they were handed in.
    Raises CannotRebuild, and TrustedProcessError if the process with Keras does not answer.
    """
    plain = _checked(rows)
    key = hashlib.sha256(json.dumps(plain, sort_keys=True).encode())
    for array in weights:
        key.update(f"{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    pixels = np.ascontiguousarray(images)
    shown = _Shown(key.hexdigest(), plain, weights, pixels)
    return _said(shown)


def facts(rows: Any) -> dict[str, Any]:
    """What a net is, made again with weights of its own: `parameters`, and the shape of `output`.

    Raises CannotRebuild, and TrustedProcessError if the process with Keras does not answer.
    """
    return dict(_facts(json.dumps(_checked(rows))))


@lru_cache(maxsize=256)
def _facts(rows: str) -> dict[str, Any]:
    request = {"do": "rebuilt facts", "net": "a rebuilt net", "rows": json.loads(rows)}
    found: dict[str, Any] = keras_process.ask(request)
    if "problem" in found:
        raise CannotRebuild(str(found["problem"]))
    return found


class _Shown:
    """A net and images, equal where their contents are."""

    def __init__(self, key: str, rows: Any, weights: list[np.ndarray], images: np.ndarray):
        self.key, self.rows, self.weights, self.images = key, rows, weights, images
        told = f"{images.shape} {images.dtype} {key}".encode()
        self.digest = hashlib.sha256(told + images.tobytes()).digest()

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Shown) and other.digest == self.digest


@lru_cache(maxsize=256)
def _said(shown: _Shown) -> np.ndarray:
    request = {"do": "rebuilt outputs", "net": "a rebuilt net", "key": shown.key}
    found = keras_process.ask(request | {"images": shown.images})
    if found is None:
        made = {"do": "rebuild", "net": "a rebuilt net", "key": shown.key}
        problem = keras_process.ask(made | {"rows": shown.rows, "weights": shown.weights})
        if problem:
            raise CannotRebuild(str(problem))
        found = keras_process.ask(request | {"images": shown.images})
    return np.asarray(found)


def _checked(rows: Any) -> list[dict[str, Any]]:
    """Rows with what is needed of them, all of known kinds."""
    if not isinstance(rows, list) or not 1 < len(rows) <= 600:
        raise CannotRebuild("it is described by no rows")
    try:
        return [_checked_row(row, number) for number, row in enumerate(rows)]
    except CannotRebuild:
        raise
    except Exception as error:  # whatever a student's kernel has put there
        raise CannotRebuild(f"its description is malformed ({type(error).__name__})") from None


def _checked_row(row: Any, number: int) -> dict[str, Any]:
    kind, options = str(row["kind"])[:40], row["options"]
    idle = blueprint.does_nothing(kind)
    if not row["known"] or not (idle or kind in blueprint.OPTIONS or kind == "Input"):
        raise CannotRebuild(f"it has a layer {kind!r} that is not a standard one")
    if (kind == "Input") != (number == 0):
        raise CannotRebuild("it has several inputs, or none")
    sources = [int(source) for source in row["from"]]
    if any(not 0 <= source < number for source in sources) or (number and not sources):
        raise CannotRebuild("the order of its layers is unknown")
    given = {} if idle or kind == "Input" else _options(kind, options)
    return {
        "kind": "Identity" if idle else kind,
        "options": given,
        "from": sources,
        "weights": [int(place) for place in row["weights"]],
        "output": [int(n) for n in row["output"]],
    }


def _options(kind: str, options: Any) -> dict[str, Any]:
    wanted = blueprint.OPTIONS[kind]
    if set(options) != set(wanted):
        raise CannotRebuild(f"the options of its layer {kind!r} are unknown")
    return {name: _option(name, options[name]) for name in wanted}


def _option(name: str, value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        if len(value) > 4096:
            raise CannotRebuild("its layers have too many options")
        return [_option(name, entry) for entry in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        if value not in _WORDS.get(name, ()):
            raise CannotRebuild(f"{name} {value[:40]!r} is unknown")
        return value
    if isinstance(value, (int, float)) and math.isfinite(value) and abs(value) <= _LARGEST_OPTION:
        return value
    raise CannotRebuild(f"the option {name!r} of a layer is out of bounds")
