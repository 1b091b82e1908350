"""A table of what came of several strategies: what was done to the images, and the two accuracies
with the gap between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from utils.training import models
from utils.training.view import TextTable


class Strategies(TextTable):
    """Results of trainings that differ in their augmentation; a notebook shows it as a table."""

    def __init__(self, records: list[dict[str, Any]]):
        self.records = records

    def lines(self) -> list[list[str]]:
        """The cells as text, the head first."""
        head = ["name", "augmentation", "epochs", "batch", "seed", "training", "validation", "gap"]
        return [head, *(_line(record) for record in self.records)]


def table(names: Sequence[str]) -> Strategies:
    """The results of trained models by name; those that aren't trained yet are left out."""
    records = []
    for name in names:
        try:
            records.append(models.load(name)[0])
        except models.WeightsProblem:
            print(f"{name}: not trained yet")
    return Strategies(records)


def _line(record: dict[str, Any]) -> list[str]:
    train, validation = 100 * record["train"], 100 * record["validation"]
    return [
        str(record["name"]),
        str(record.get("augmentation", "–")),
        *(str(record.get(key, "")) for key in ("epochs", "batch", "seed")),
        f"{train:.1f} %",
        f"{validation:.1f} %",
        f"{train - validation:+.1f}",
    ]
