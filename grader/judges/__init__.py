"""What is right: one module or package per notebook, each with a list `JUDGES`."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from grader.judges.base import Judge

MODULES = {
    "00_getting_started": "getting_started",
    "01_implementing_cnn": "implementing_cnn",
    "02_training_cnn": "training_cnn",
    "03_data_augmentation": "augmentation",
    "04_visualizing_cnn": "visualizing",
    "05_fooling_cnn": "fooling",
}
"""Notebook -> module in this package."""


@cache
def judges_of(notebook: str) -> dict[str, Judge]:
    """Name of the check -> its judge, for one notebook.  Raises ValueError on a repeated name."""
    found: dict[str, Judge] = {}
    for judge in import_module(f"grader.judges.{MODULES[notebook]}").JUDGES:
        if judge.name in found:
            raise ValueError(f"two judges are called {judge.name!r}")
        found[judge.name] = judge
    return found
