"""Training in notebooks: fit a net with a live view, keep it, augment, search, seal the test set.

It never judges: what a trained net is worth is for the rules to say.
"""

from utils.training.fitting import Run, begin, estimate, fit, with_images, with_labels
from utils.training.readiness import NotReady
from utils.training.tables import final_table, table

__all__ = [
    "NotReady",
    "Run",
    "begin",
    "estimate",
    "final_table",
    "fit",
    "table",
    "with_images",
    "with_labels",
]
