"""Tables of the models that were trained so far."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from utils.checks.handover import HANDOVER
from utils.training import models, sealed
from utils.training import view as training_view


def table(names: list[str] | None = None) -> training_view.Table:
    """Results of the models that were trained so far, in the order of training.

    names: which; all if left out.
    """
    rows = []
    for name in models.names() if names is None else names:
        try:
            record = models.load(name)[0]
        except models.WeightsProblem:
            record = {"name": name}
        if names is not None or "parameters" in record:  # trials have none
            rows.append(record)
    return training_view.Table(rows)


def final_table(
    builds: dict[str, Callable[[], Any]], x_test: np.ndarray, y_test: np.ndarray
) -> training_view.Table:
    """The table of results with accuracies on test images, for when the seal has been broken.

    builds: name of a saved model -> the function that builds it.
    """
    shown = table(list(builds))
    if os.environ.get(HANDOVER):
        return shown
    for name, build in builds.items():
        try:
            shown.test[name] = models.accuracy(models.restore(name, build), x_test, y_test)
        except models.WeightsProblem as problem:
            print(f"{name}: {problem}")
    sealed.keep(shown.test)
    return shown
