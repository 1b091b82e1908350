"""Pictures of how nets are built; the numbers in them are those of the papers."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from utils.palette import BLUE, GREEN, GREY, INK, ORANGE, PALE, PURPLE, SAND

_POOLED = "#E4E4E4"

_BRANCHES = (  # Szegedy et al., arxiv.org/abs/1409.4842, table 1, "inception (3a)"
    (("1×1, 64", PALE),),
    (("1×1, 96", SAND), ("3×3, 128", PALE)),
    (("1×1, 16", SAND), ("5×5, 32", PALE)),
    (("max pooling\n3×3, stride 1", _POOLED), ("1×1, 32", PALE)),
)
"""Each branch's steps from the input on, with the number of maps, and their colours."""

_MAPS = ((64, BLUE), (128, ORANGE), (32, GREEN), (32, PURPLE))
"""What each branch adds to the stack."""

_INPUT, _FIRST, _SECOND, _STACK = 0.0, 2.9, 5.7, 8.1
_WIDE, _HIGH, _ROW = 2.1, 0.9, 1.3
_TEXT = 12


def inception_module() -> Figure:
    """The first inception module of GoogLeNet: four branches between an input and a stack of maps,
    which is as high as it has maps."""
    figure, axis = plt.subplots(figsize=(9.2, 5.0), layout="constrained")
    middle = 1.5 * _ROW
    _box(axis, _INPUT, middle, "input\n28×28×192", "white")
    top, scale = 3 * _ROW + _HIGH / 2, (3 * _ROW + _HIGH) / sum(maps for maps, _ in _MAPS)
    for number, (steps, (maps, colour)) in enumerate(zip(_BRANCHES, _MAPS, strict=True)):
        level = (3 - number) * _ROW
        places = (_SECOND,) if len(steps) == 1 else (_FIRST, _SECOND)
        start = (_INPUT + _WIDE, middle)
        if len(places) == 1:  # round the boxes of the first column
            axis.plot([start[0], _FIRST], [middle, level], color=GREY, lw=1)
            start = (_FIRST, level)
        _arrow(axis, start, (places[0], level))
        for place, (text, fill) in zip(places, steps, strict=True):
            _box(axis, place, level, text, fill)
        if len(places) > 1:
            _arrow(axis, (_FIRST + _WIDE, level), (_SECOND, level))
        height = maps * scale
        axis.add_patch(Rectangle((_STACK + 0.9, top - height), 0.55, height, fc=colour, ec=INK))
        label = f"{maps} maps"
        axis.text(_STACK + 1.6, top - height / 2, label, va="center", fontsize=_TEXT)
        _arrow(axis, (_SECOND + _WIDE, level), (_STACK + 0.9, top - height / 2))
        top -= height
    axis.text(_STACK + 1.2, top - 0.4, "28×28×256", ha="center", fontsize=_TEXT)
    for place, text in (
        (_FIRST, "reduce, or pool"),
        (_SECOND, "convolve"),
        (_STACK + 0.2, "stack"),
    ):
        axis.text(place + _WIDE / 2, 3 * _ROW + 0.85, text, ha="center", fontsize=_TEXT, color=GREY)
    axis.set(xlim=(-0.1, _STACK + 2.9), ylim=(-0.95, 3 * _ROW + 1.3))
    axis.set_axis_off()
    return figure


def _box(axis: Axes, left: float, level: float, text: str, fill: str) -> None:
    corner = (left + 0.08, level - _HIGH / 2 + 0.08)
    rounded = "round,pad=0.08,rounding_size=0.12"
    wide, high = _WIDE - 0.16, _HIGH - 0.16
    axis.add_patch(FancyBboxPatch(corner, wide, high, boxstyle=rounded, fc=fill, ec=INK))
    axis.text(left + _WIDE / 2, level, text, ha="center", va="center", fontsize=_TEXT)


def _arrow(axis: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axis.add_patch(
        FancyArrowPatch(
            start, end, arrowstyle="-|>", mutation_scale=13, color=GREY, shrinkA=0, shrinkB=1
        )
    )
