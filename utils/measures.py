"""Measures: what is read off an answer that can be right in many ways.

Where an exercise has no single right result (any network that equals a given one, any image that
fools a net), the answer is measured, and the measurements are compared with what a case expects.
A measure takes the case's inputs and the answer as plain arrays, never runs code that belongs to
the student, and raises ValueError, worded for the student, if the answer can't be measured.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Measure = Callable[[dict[str, Any], Any], dict[str, Any]]

MEASURES: dict[str, Measure] = {}
"""Name -> measure.  Filled by the `measure` decorator."""


def measure(function: Measure) -> Measure:
    """Register a measure under its own name."""
    MEASURES[function.__name__] = function
    return function
