"""Judges of notebook 03: images that are moved, streams, nets with and without augmentation."""

from __future__ import annotations

from .curves import JUDGES_CURVES
from .images import JUDGES_IMAGES
from .nets import JUDGES_NETS

JUDGES = [*JUDGES_IMAGES, *JUDGES_NETS, *JUDGES_CURVES]
"""Judges of notebook 03."""
