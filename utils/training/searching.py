"""Try several learning rates and batch sizes, and keep what came out.

The trials are short trainings; only their accuracies on validation images are kept, in a file that
is handed in like the weights.  When graded, nothing is tried: the file is read.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from utils.checks.handover import HANDOVER
from utils.images.datasets import Dataset
from utils.nets.describe import describe
from utils.training import fitting, models
from utils.training.readiness import NotReady


class Search:
    """What came of some trials; a notebook shows it as a table."""

    def __init__(self, rows: list[dict[str, float]]):
        self.rows = rows

    @property
    def best(self) -> dict[str, float]:
        """The trial with the highest accuracy on validation images: rate, batch, validation."""
        return max(self.rows, key=lambda row: row["validation"])

    def _repr_html_(self) -> str:
        batches = sorted({row["batch"] for row in self.rows})
        head = "".join(f"<th>batch {batch:g}</th>" for batch in batches)
        lines = [f"<tr><th>rate</th>{head}</tr>"]
        for rate in sorted({row["rate"] for row in self.rows}):
            found = {r["batch"]: r for r in self.rows if r["rate"] == rate}
            cells = ""
            for batch in batches:
                row = found.get(batch)
                text = f"{100 * row['validation']:.1f} %" if row else ""
                cells += f"<td>{f'<b>{text}</b>' if row is self.best else text}</td>"
            lines.append(f"<tr><th>{rate:g}</th>{cells}</tr>")
        return f"<table>{''.join(lines)}</table>"

    def __repr__(self) -> str:
        return "\n".join(
            f"rate {row['rate']:g}, batch {row['batch']:g}: {100 * row['validation']:.1f} %"
            for row in self.rows
        )


def search(
    name: str,
    build: Callable[[float], Any],
    data: Dataset,
    *,
    rates: Sequence[float],
    batches: Sequence[int],
    epochs: int,
    seed: int = 0,
    more: bool = False,
) -> Search:
    """Train `build(rate)` for a few epochs with each rate and batch size.

    Returns the accuracies on validation images, also saved under `name`.
    Interrupt the kernel to stop early: the trials done so far are kept, and `more` goes on from
    there; without it a search that was interrupted stays as it is.
    Raises readiness.NotReady if model and data don't fit together, or a model has another rate.
    """
    if os.environ.get(HANDOVER):
        return Search(_read(name))
    pairs = [(float(rate), float(batch)) for rate, batch in itertools.product(rates, batches)]
    rows, interrupted = _tried(name, pairs, epochs)
    if len(rows) == len(pairs) or (interrupted and not more):
        if len(rows) == len(pairs):
            print(f"Tried before and kept; delete handin/…/{name}.npz to repeat it.")
        else:
            done = f"after {len(rows)} of {len(pairs)} trials"
            print(f"Interrupted {done}, and kept; search({name!r}, …, more=True) goes on.")
        return Search(rows)
    for rate in rates:
        _look_at_rate(build, rate, np.shape(data.x_train)[1:])
    for rate, batch in list(itertools.product(rates, batches))[len(rows) :]:
        try:
            run = fitting.fit(
                f"{name} with rate {rate:g}, batch {batch}",
                lambda rate=rate: build(rate),  # type: ignore[misc]
                data,
                epochs=epochs,
                batch=batch,
                seed=seed,
                save=False,
            )
        except models.WeightsProblem:  # diverged: that is a result, too
            reached = 0.0
        else:
            if run.record["interrupted"]:
                models.save(name, [], _record(name, rows, epochs, interrupted=True))
                break
            reached = float(run.record["validation"])
        rows.append({"rate": float(rate), "batch": float(batch), "validation": reached})
        models.save(name, [], _record(name, rows, epochs))
    return Search(rows)


def _look_at_rate(build: Callable[[float], Any], rate: float, shape: tuple[int, ...]) -> None:
    """Trials of rates that a model doesn't take would all be the same."""
    taken = describe(build(rate), shape)["rate"]  # 0: a schedule, or not compiled
    if taken and not math.isclose(taken, rate, rel_tol=1e-3, abs_tol=1e-8):
        raise NotReady(
            f"build({rate:g}) makes a model with a learning rate of {taken:g}: hand the argument "
            "to the optimiser, keras.optimizers.Adam(rate)"
        )


def tuning(name: str, model: str) -> Callable[[], dict[str, Any]]:
    """What `check` asks for where tuning counts: the trials of `search(name, …)`, and the rate and
    batch size with which `model` was trained in the end."""

    def answer() -> dict[str, Any]:
        return {"trials": _read(name), "chosen": used_in(models.load(model)[0])}

    return answer


def used_in(record: dict[str, Any]) -> dict[str, float]:
    """Rate and batch size that a model was trained with."""
    return {key: _number(record.get(key)) for key in ("rate", "batch")}


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else math.nan


def _record(
    name: str, rows: list[dict[str, float]], epochs: int, interrupted: bool = False
) -> dict[str, Any]:
    return {"name": name, "rows": rows, "epochs": epochs, "interrupted": interrupted}


def _tried(
    name: str, pairs: list[tuple[float, float]], epochs: int
) -> tuple[list[dict[str, float]], bool]:
    """The trials of the same search that have been done, and whether it was interrupted then."""
    try:
        rows, record = _read(name), models.load(name)[0]
    except models.WeightsProblem:
        return [], False
    tried = [(row.get("rate"), row.get("batch")) for row in rows]
    if not rows or tried != pairs[: len(rows)] or record.get("epochs") != epochs:
        return [], False
    return rows, bool(record.get("interrupted"))


def _read(name: str) -> list[dict[str, float]]:
    rows = models.load(name)[0].get("rows")
    if not isinstance(rows, list):
        raise models.WeightsProblem(f"{name}.npz holds no trials: run search({name!r}, …)")
    return rows
