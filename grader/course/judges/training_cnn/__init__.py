"""Judges of notebook 02: data, configurations, trained models, a network by hand and its graph."""

from __future__ import annotations

from .by_hand import JUDGES_BY_HAND
from .data import JUDGES_DATA
from .nets import JUDGES_NETS

JUDGES = [*JUDGES_DATA, *JUDGES_NETS, *JUDGES_BY_HAND]
