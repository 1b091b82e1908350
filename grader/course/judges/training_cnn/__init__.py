"""Judges of notebook 02: data, trained models, tables, a network by hand and its graph."""

from __future__ import annotations

from .by_hand import JUDGES_BY_HAND
from .data import JUDGES_DATA
from .loading import JUDGES_LOADING
from .nets import JUDGES_NETS
from .tables import JUDGES_TABLES

JUDGES = [*JUDGES_LOADING, *JUDGES_DATA, *JUDGES_NETS, *JUDGES_TABLES, *JUDGES_BY_HAND]
