"""Judges of notebook 01: the layers a student writes, and what is worked out by hand."""

from .by_hand import JUDGES_BY_HAND
from .layers import JUDGES_LAYERS

JUDGES = JUDGES_LAYERS + JUDGES_BY_HAND
