"""Judges of notebook 04: filters and maps, saliency, pictures made by ascent, occlusion."""

from __future__ import annotations

from grader.judges.visualizing.ascent import JUDGES_ASCENT
from grader.judges.visualizing.layers import JUDGES_LAYERS
from grader.judges.visualizing.occlusion import JUDGES_OCCLUSION
from grader.judges.visualizing.saliency import JUDGES_SALIENCY

JUDGES = [*JUDGES_LAYERS, *JUDGES_SALIENCY, *JUDGES_ASCENT, *JUDGES_OCCLUSION]
