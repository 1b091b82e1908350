"""A test set under seal: it can be opened, and every opening is written down.

An accuracy on test images is worth something only if no decision was made with them.  So they are
kept apart from the rest of the data, and each opening is recorded beside the weights, with what it
was for.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from utils.checks.handover import HANDOVER
from utils.training import models

FILE = "test_set.json"
"""Where openings are recorded, in the folder that is handed in."""

REACHED = "test_accuracies.json"
"""Where the last table's accuracies on test images are kept, beside it."""


class SealedTest:
    """Test images that count how often they were used."""

    def __init__(self, x: np.ndarray, y: np.ndarray):
        self._x, self._y = x, y

    def __repr__(self) -> str:
        used = sum(row["times"] for row in openings().values())
        state = "never opened" if not used else f"opened {used} time{'s' * (used > 1)}"
        return f"{len(self._x)} test images under seal, {state}"

    def __len__(self) -> int:
        return len(self._x)

    def open(self, purpose: str, chosen: str) -> tuple[np.ndarray, np.ndarray]:
        """Test images (N, H, W, 3) in [0, 1] and their labels (N,), for one purpose, once.

        purpose: what for, in a word.  chosen: the model that you decided for beforehand.
        A second opening for the same purpose is possible, and recorded, too.  Running a notebook
        again counts only if the choice, or how the model is made and trained, has changed.
        """
        if os.environ.get(HANDOVER):
            return self._x, self._y
        rows = openings()
        row = rows.setdefault(purpose, {"times": 0, "chosen": chosen, "decisions": []})
        decision = _decision(chosen)
        if decision not in row["decisions"]:
            row["decisions"].append(decision)
        row["times"] = len(row["decisions"])
        if row["times"] > 1:
            print(
                f"The test set has been opened {row['times']} times for {purpose!r}.  Whatever you "
                "changed since the first time, you may have changed because of what you saw then. "
                "What counts is the first choice: " + str(row["chosen"])
            )
        path = models.folder() / FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
        return self._x, self._y


def openings() -> dict[str, Any]:
    """Purpose -> {"times": for how many decisions, "decisions": which, "chosen": the first}."""
    for path in (models.folder() / FILE, Path(FILE)):
        try:
            return read(path.read_bytes())
        except (OSError, ValueError):
            continue
    return {}


def read(data: bytes) -> dict[str, Any]:
    """Openings, as they were written down.  Raises ValueError for anything else."""
    rows = json.loads(data)
    if isinstance(rows, dict) and all(
        isinstance(row, dict)
        and isinstance(row.get("times"), int)
        and isinstance(row.get("decisions"), list)
        for row in rows.values()
    ):
        return rows
    raise ValueError("no record of openings")


def keep(reached: dict[str, float]) -> None:
    """Write down accuracies on test images, model -> fraction, as they stand in the last table."""
    path = models.folder() / REACHED
    path.parent.mkdir(parents=True, exist_ok=True)
    rounded = {name: round(value, 4) for name, value in (kept() | reached).items()}
    path.write_text(json.dumps(rounded, indent=1) + "\n", encoding="utf-8")


def kept() -> dict[str, float]:
    """Model -> fraction of test images that are right, as they were written down."""
    for path in (models.folder() / REACHED, Path(REACHED)):
        try:
            rows = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(rows, dict) and all(isinstance(value, float) for value in rows.values()):
            return rows
    return {}


def reported(names: Iterable[str]) -> dict[str, dict[str, float]]:
    """What the last table says of models, in percent: training, validation and test accuracy.

    For `check`, beside what the models say of the same images.
    """
    test = kept()
    told: dict[str, dict[str, float]] = {}
    for name in names:
        try:
            record = models.load(name)[0]
        except models.WeightsProblem:
            continue
        found = {which: record.get(which) for which in ("train", "validation")}
        found["test"] = test.get(name)
        told[name] = {w: 100 * v for w, v in found.items() if isinstance(v, float)}
    return told


def _decision(chosen: str) -> str:
    """What was decided, in words: the model, how it is made and how it was trained."""
    try:
        record = models.load(chosen)[0]
    except models.WeightsProblem:
        return chosen
    facts = ("epochs", "batch", "rate", "falling", "optimizer", "seed", "dataset", "architecture")
    return f"{chosen}: " + ", ".join(f"{fact} {record.get(fact)}" for fact in facts)


def choice(purpose: str, candidates: list[str] | None = None) -> dict[str, Any]:
    """What `check` asks for where choosing counts: the choice, the candidates' accuracies on
    validation images, and how often the test set was opened.

    candidates: names of models; if left out, all that were saved and have as many outputs as the
    chosen one.
    """
    records: dict[str, Any] = {}
    for name in models.names() if candidates is None else candidates:
        try:
            records[name] = models.load(name)[0]
        except models.WeightsProblem:
            continue
    return chosen_among(openings(), purpose, records)


def chosen_among(
    opened: dict[str, Any], purpose: str, records: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """What `choice` hands back, of openings and of records: model -> what is known of it."""
    row = opened.get(purpose, {"times": 0, "chosen": ""})
    wanted = records.get(row.get("chosen", ""), {}).get("outputs")
    validation: dict[str, float] = {}
    for name, record in records.items():
        if record.get("outputs") != wanted:
            continue  # it answers another question
        try:
            validation[name] = float(record["validation"])
        except (KeyError, TypeError, ValueError):
            continue
    return {
        "purpose": purpose,
        "chosen": str(row.get("chosen", "")),
        "times opened": int(row["times"]),
        "validation": validation,
    }
