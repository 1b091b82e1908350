"""What the shape builder knows: sizes, parameters, multiplications, and which pixels a unit sees.

Which pixels a unit sees is found by asking each layer, from the top down, what it reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from utils.checks.answering import to_look_at
from utils.explorers.convolution_model import Axis, place

Kind = Literal["conv", "pool", "dense"]
Span = tuple[int, int]
"""First and last position, both included."""


@dataclass(frozen=True)
class Layer:
    """One layer as it is chosen; square windows, the same padding in both directions."""

    kind: Kind
    kernel: int = 3
    stride: int = 1
    padding: str = "SAME"
    units: int = 16
    """Filters of a convolution, units of a dense layer."""


@dataclass(frozen=True)
class Stage:
    """What comes out of a layer; the first stage is the image."""

    name: str
    side: int
    """Height and width; 1 for what is no map."""
    depth: int
    parameters: int = 0
    multiplications: int = 0
    """For one image, biases not counted."""
    axis: Axis | None = None
    """Where the layer's windows stand along one axis; None if it reads everything."""
    kernel: int = 1

    @property
    def values(self) -> int:
        """How many numbers it holds."""
        return self.side * self.side * self.depth


class DoesNotFit(ValueError):
    """A layer can't stand where it stands.  The text names it and says why."""


@to_look_at
def build(side: int, channels: int, layers: list[Layer]) -> list[Stage]:
    """Stack layers on a square image of `side` pixels.  Raises DoesNotFit."""
    stages = [Stage("image", side, channels)]
    for number, layer in enumerate(layers, 1):
        stages.append(_stack(stages[-1], layer, number))
    return stages


def _stack(below: Stage, layer: Layer, number: int) -> Stage:
    if layer.kind == "dense":
        weights = below.values * layer.units
        return Stage(f"{number} dense", 1, layer.units, weights + layer.units, weights)
    if below.side == 1 and below.axis is None and below.name.endswith("dense"):
        raise DoesNotFit(
            f"Layer {number}: a {layer.kind} layer needs a map, and a dense layer gives none."
        )
    axis = place(below.side, layer.kernel, layer.stride, layer.padding)
    side = len(axis.starts)
    if side == 0:
        raise DoesNotFit(
            f"Layer {number}: a window of {layer.kernel} doesn't fit into {below.side} without "
            "padding."
        )
    window = layer.kernel * layer.kernel
    name = f"{number} {layer.kind} {layer.kernel}×{layer.kernel}"
    name += f" /{layer.stride}" if layer.stride > 1 else ""
    if layer.kind == "pool":
        return Stage(name, side, below.depth, axis=axis, kernel=layer.kernel)
    weights = window * below.depth * layer.units
    return Stage(
        name, side, layer.units, weights + layer.units, weights * side * side, axis, layer.kernel
    )  # fmt: skip


@to_look_at
def seen(stages: list[Stage], top: int, unit: int) -> list[Span]:
    """What a unit depends on, along one axis, in every stage from the image to its own.

    top: number of the unit's stage.  unit: its position there.  Zeros beside a map are left out.
    """
    spans: list[Span] = [(unit, unit)]
    for level in range(top, 0, -1):
        stage, below = stages[level], stages[level - 1]
        first, last = spans[0]
        if stage.axis is None:
            spans.insert(0, (0, below.side - 1))
            continue
        begin = stage.axis.starts[first]
        end = stage.axis.starts[last] + stage.kernel - 1
        begin = min(max(begin, 0), below.side - 1)
        spans.insert(0, (begin, max(min(end, below.side - 1), begin)))
    return spans


@to_look_at
def side_seen(stages: list[Stage], top: int) -> int:
    """The most pixels, along one axis, that any unit of a stage sees."""
    positions = range(stages[top].side)
    return max(last - first + 1 for first, last in (seen(stages, top, p)[0] for p in positions))


@to_look_at
def totals(stages: list[Stage]) -> tuple[int, int]:
    """(parameters, multiplications) of all layers."""
    return sum(s.parameters for s in stages), sum(s.multiplications for s in stages)
