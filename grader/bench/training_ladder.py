"""What each trick of the fast recipe gains: switched on in turn, each on top of all before it.

    python -m grader.bench.training_ladder [photodigits | cifar10] [number of seeds]

prints the table of docs/fast_training.md.  Accuracies are of validation images.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from utils.fast import training as fast_training
from utils.fast.recipe import LADDER, PLAIN, Recipe
from utils.images import datasets

IMAGES = 10_000
"""For training; fewer than there are, so that twelve rows stay affordable."""
VALIDATION = {"cifar10": 10_000, "photodigits": 2_000}


@dataclass(frozen=True)
class Rung:
    """One row: a recipe with one trick more than the row before."""

    name: str
    recipe: Recipe


@dataclass(frozen=True)
class Result:
    """What a recipe reached with every seed."""

    accuracies: list[float]
    cpu_s: list[float]


def rungs(changes: tuple[tuple[str, dict[str, Any]], ...] = LADDER) -> Iterator[Rung]:
    """The recipes, from none of the tricks to all of them."""
    recipe = PLAIN
    for name, change in changes:
        recipe = replace(recipe, **change)
        yield Rung(name, recipe)


def _print_at_once(line: str) -> None:
    print(line, flush=True)


def climb(
    data: datasets.Dataset,
    seeds: int,
    steps: list[Rung],
    show: Callable[[str], None] = _print_at_once,
) -> list[Result]:
    """Train every recipe with every seed, showing a row of the table as soon as it is known."""
    show("| switched on | validation accuracy | gain | CPU-seconds | factor |")
    show("|---|---|---|---|---|")
    results: list[Result] = []
    for rung in steps:
        results.append(_measure(rung.recipe, data, seeds))
        show(row(rung.name, results[-1], results[-2] if len(results) > 1 else None))
    return results


def row(name: str, result: Result, before: Result | None) -> str:
    """One row in Markdown: means over the seeds, and what changed since the row before."""
    accuracy, cpu = np.mean(result.accuracies), np.mean(result.cpu_s)
    gain = factor = ""
    if before:
        gain = f"{100 * (accuracy - np.mean(before.accuracies)):+.1f}"
        factor = f"×{cpu / np.mean(before.cpu_s):.2f}"
    return f"| {name} | {100 * accuracy:.1f} % | {gain} | {cpu:.0f} | {factor} |"


def _measure(recipe: Recipe, data: datasets.Dataset, seeds: int) -> Result:
    accuracies, seconds = [], []
    for seed in range(seeds):
        trained = fast_training.train(recipe, data.x_train, data.y_train, seed)
        seconds.append(trained.cpu_s)
        accuracies.append(fast_training.accuracy(trained.model, data.x_val, data.y_val))
    return Result(accuracies, seconds)


def main(dataset: str, seeds: int) -> None:
    """Print the table."""
    started = time.perf_counter()
    data = datasets.load(dataset, train=IMAGES, validation=VALIDATION[dataset], test=0)
    steps = list(rungs())
    if dataset == "photodigits":  # a mirrored digit is another digit, or none
        steps = [replace(s, recipe=replace(s.recipe, mirror="never")) for s in steps]
    climb(data, seeds, steps)
    print(f"{data.description}; {seeds} seeds; {time.perf_counter() - started:.0f} s", flush=True)


if __name__ == "__main__":
    chosen, count = [*sys.argv[1:], *("photodigits", "1")[len(sys.argv) - 1 :]]
    main(chosen, int(count))
