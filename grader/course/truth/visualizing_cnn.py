"""Known answers to notebook 04."""

from __future__ import annotations

from .idle_maps import IDLE_VISUALIZING
from .misread_visualizing import MISREAD_VISUALIZING
from .visualizing_ascent import SAMPLES_ASCENT
from .visualizing_boxes import SAMPLES_BOXES
from .visualizing_maps import SAMPLES_MAPS

SAMPLES = [
    *SAMPLES_MAPS,
    *SAMPLES_ASCENT,
    *SAMPLES_BOXES,
    *MISREAD_VISUALIZING,
    *IDLE_VISUALIZING,
]
"""All of them."""
