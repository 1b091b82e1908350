"""Judges of notebook 05: steps and gradients, images that fool the trusted net, and how small a
change can be."""

from __future__ import annotations

from .arrays import JUDGES_ARRAYS
from .attacks import JUDGES_ATTACKS
from .steps import JUDGES_STEPS

JUDGES = [*JUDGES_ARRAYS, *JUDGES_STEPS, *JUDGES_ATTACKS]
