"""Judges of notebook 04: filters and maps, saliency, pictures made by ascent, occlusion."""

from __future__ import annotations

from .ascent import JUDGES_ASCENT
from .layers import JUDGES_LAYERS
from .occlusion import JUDGES_OCCLUSION
from .saliency import JUDGES_SALIENCY

JUDGES = [*JUDGES_LAYERS, *JUDGES_SALIENCY, *JUDGES_ASCENT, *JUDGES_OCCLUSION]
