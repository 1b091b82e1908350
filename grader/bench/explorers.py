"""How long the explorers take to answer: from a control that was moved to the new picture.

Runs what a notebook's kernel runs, without a browser; the way there and back is not in it.
"""

from __future__ import annotations

import json
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from grader.bench.machine import describe
from utils.explorers.convolution_drawing import MODES
from utils.explorers.convolution_view import KERNELS, Stepper
from utils.explorers.evidence_model import Evidence
from utils.explorers.evidence_view import Explorer
from utils.explorers.shapes_view import NETS, SIDES, Builder
from utils.nets import pretrained

LIMIT_MS = 100.0


class _Stopwatch:
    """Collects times under names."""

    def __init__(self) -> None:
        self.ms: dict[str, list[float]] = defaultdict(list)

    def sweep(self, name: str, control: Any, values: Iterable[Any]) -> None:
        """Set a control to each of the values."""
        for value in values:
            self.time(name, partial(setattr, control, "value", value))

    def time(self, name: str, action: Callable[[], object]) -> None:
        """Time one action."""
        begun = time.perf_counter()
        action()
        self.ms[name].append(1e3 * (time.perf_counter() - begun))


def _convolution(watch: _Stopwatch) -> None:
    stepper = Stepper()
    for mode in MODES:
        watch.sweep("convolution mode", stepper.mode, [mode])
        watch.sweep(f"convolution {mode}", stepper.position, range(stepper.position.max + 1))
        watch.sweep("convolution size", stepper.rows, range(1, 9))
        watch.sweep("convolution size", stepper.wide, range(1, 6))
        watch.sweep("convolution stride and padding", stepper.right, (1, 2, 3))
        watch.sweep("convolution stride and padding", stepper.padding, ("VALID", "SAME"))
        watch.sweep("convolution kernel", stepper.preset, KERNELS)


def _shapes(watch: _Stopwatch) -> None:
    builder = Builder()
    for name in NETS:
        watch.sweep("shapes net", builder.preset, [name])
        watch.sweep("shapes unit", builder.row, [k / 20 for k in range(21)])
        watch.sweep("shapes layer", builder.rows[0].kernel, (1, 3, 5))
        watch.time("shapes layer", builder.more.click)
    watch.sweep("shapes image", builder.side, SIDES)


def _evidence(watch: _Stopwatch, name: str) -> None:
    evidence = Evidence(pretrained.load(name), pretrained.photographs(name)[0])
    explorer = Explorer(evidence)
    watch.sweep(f"{name} occluder", explorer.row, range(0, explorer.row.max, evidence.side // 16))
    watch.sweep(f"{name} class", explorer.label, [k for _, k in explorer.label.options[:6]])
    for _ in range(12):
        watch.time(f"{name} fooling step", explorer.step.click)
    watch.sweep(f"{name} look back", explorer.shown, range(12))
    first = explorer.size.min
    watch.sweep(f"{name} occluder size", explorer.size, range(first, first + 4))
    for size in range(first + 4, first + 8):  # none of them seen yet
        watch.time(f"{name} part of the map", partial(evidence.look_behind, size))


def main() -> None:
    """Print each kind of answer, and as the last line a JSON object."""
    watch = _Stopwatch()
    _convolution(watch)
    _shapes(watch)
    for name in pretrained.available()[:2]:
        _evidence(watch, name)
    table = {
        name: (statistics.median(times), max(times)) for name, times in watch.ms.items() if times
    }
    for name, (median, most) in table.items():
        print(
            f"{name:34} median {median:6.1f} ms, most {most:6.1f} ms, {len(watch.ms[name])} times"
        )
    slow = sum(t > LIMIT_MS for times in watch.ms.values() for t in times)
    count = sum(map(len, watch.ms.values()))
    print(
        json.dumps(
            {
                "bench": "explorers",
                "machine": describe(),
                "answers": count,
                "slower_than_100_ms": slow,
                "median_ms": {name: round(median, 1) for name, (median, _) in table.items()},
                "most_ms": {name: round(most, 1) for name, (_, most) in table.items()},
            }
        )
    )


if __name__ == "__main__":
    main()
