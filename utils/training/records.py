"""What a record says of a training, in a form that a judge can hold against something.

A record is written by `fit` and lies in a file that is handed in, so all of it is a claim.  Its
curves have a length, which must be the number of epochs, and they end at an accuracy, which the
weights must reach on the same images.
"""

from __future__ import annotations

import math
from typing import Any


def how(record: Any) -> dict[str, Any]:
    """How a net was trained: epochs, batch and images, the length of its curves, and the accuracy
    on validation images at their end.  What a record lacks is NaN, and never an error.
    """
    known = record if isinstance(record, dict) else {}
    curves = known.get("history")
    curves = curves if isinstance(curves, dict) else {}
    losses, reached = (_values(curves.get(name)) for name in ("loss", "val_accuracy"))
    return {
        "epochs": _number(known.get("epochs")),
        "batch": _number(known.get("batch")),
        "images": _number(known.get("images")),
        "length of its curves": len(losses),
        "end of its curves": reached[-1] if reached else _number(known.get("validation")),
    }


def _values(value: Any) -> list[float]:
    return [_number(entry) for entry in value] if isinstance(value, list) else []


def _number(value: Any) -> float:
    usable = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if usable else math.nan
