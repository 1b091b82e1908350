"""Values of any kind in a few plain words: what came, and what was asked for instead."""

from __future__ import annotations

from typing import Any

import numpy as np

LONGEST = 60
"""Letters of a text that are quoted."""
_MOST = 4


def described(value: Any) -> str:
    """What somebody handed over: "one number, 2.5", "a list of 2 texts", "the text “abc”"."""
    if value is None:
        return "None"
    if isinstance(value, str):
        return f"the text “{_cut(value)}”"
    if isinstance(value, (bool, np.bool_)):
        return f"{bool(value)}, a truth value"
    if isinstance(value, dict):
        return f"a dictionary with {_keys(value)}" if value else "an empty dictionary"
    if isinstance(value, (list, tuple)):
        return _sequence(value)
    if isinstance(value, (np.ndarray, np.generic, int, float, complex)):
        return _array(np.asarray(value))
    return f"a {type(value).__name__}"


def wanted(expected: Any) -> str:
    """What is asked for, without its values: "one whole number", "an array of shape (2, 3)"."""
    array = np.asarray(expected)
    kind = {"i": "whole numbers", "u": "whole numbers", "b": "truth values"}.get(
        array.dtype.kind, "numbers"
    )
    if array.ndim == 0:
        return f"one {kind.removesuffix('s')}"
    return f"an array of {kind} of shape {array.shape}"


def numeric(value: Any, what: str) -> np.ndarray:
    """The array of numbers that a value is.  Raises ValueError, worded for the student."""
    try:
        array = np.asarray(value)
    except (ValueError, TypeError):
        raise ValueError(f"expected {what}, got {described(value)}") from None
    if array.dtype.kind not in "biuf":
        raise ValueError(f"expected {what}, got {described(value)}")
    return array


def shape_of(array: np.ndarray) -> str:
    """ "has shape (2, 3)", or that there is one number."""
    return f"has shape {array.shape}" if array.ndim else "is one number"


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _keys(value: dict[Any, Any]) -> str:
    names = [_cut(str(key)) for key in list(value)[:_MOST]]
    more = f" and {len(value) - _MOST} more" if len(value) > _MOST else ""
    return f"the key{'s' if len(value) > 1 else ''} {', '.join(names)}{more}"


def _sequence(value: list[Any] | tuple[Any, ...]) -> str:
    kind = "tuple" if isinstance(value, tuple) else "list"
    if not value:
        return f"an empty {kind}"
    if any(part is None for part in value):
        return f"a {kind} of {len(value)} in which there is a None"
    if any(isinstance(part, str) for part in value):
        every = all(isinstance(part, str) for part in value)
        return f"a {kind} of {len(value)} {'text' if every else 'thing'}{_s(value)}" + (
            "" if every else ", some of them texts"
        )
    try:
        array = np.asarray(value)
    except (ValueError, TypeError):
        return f"a {kind} of {len(value)} whose parts have different shapes"
    if array.dtype.kind not in "biufc":
        return f"a {kind} of {len(value)} thing{_s(value)} that are no numbers"
    return f"a {kind} of numbers of shape {array.shape}"


def _s(value: list[Any] | tuple[Any, ...]) -> str:
    return "" if len(value) == 1 else "s"


def _array(array: np.ndarray) -> str:
    if array.ndim == 0:
        number = array.item()
        if isinstance(number, str):
            return described(number)
        return f"one number, {number:.6g}" if isinstance(number, float) else f"one number, {number}"
    kind = "texts" if array.dtype.kind in "US" else "complex numbers"
    what = "an array" if array.dtype.kind in "biuf" else f"an array of {kind}"
    return f"{what} of shape {array.shape}"
