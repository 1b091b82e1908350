"""Pictures of notebook 01's second half: numbers, volumes, cones of sight, chains of sums.

They show what is given and how things hang together, or draw what a student's function returns;
they work nothing out that an exercise asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, Rectangle

from utils.exercises.by_hand import BIASES, FILTERS, VOLUME, Numbers
from utils.palette import BLUE, GREEN, GREY, ORANGE, PALE, RED

Rows = Sequence[tuple[Sequence[int], Sequence[int]]]

_CHANNELS = (("R", "#F6D5CF"), ("G", "#D3EBDD"), ("B", "#D3E3F4"))


def _cell(
    axis: Axes, x: float, y: float, text: Any, fill: str = "white", **style: Any
) -> Rectangle:
    """A box with a number in it; (x, y) is its lower left corner."""
    box = Rectangle((x, y), 1, 1, facecolor=fill, edgecolor=style.pop("edge", "black"), **style)
    axis.add_patch(box)
    label = f"{text}".replace("-", "−")
    axis.text(x + 0.5, y + 0.47, label, ha="center", va="center", fontsize=11)
    return box


def _bare(axis: Axes, width: tuple[float, float], height: tuple[float, float]) -> None:
    axis.set(xlim=width, ylim=height, aspect="equal")
    axis.set_axis_off()


def draw_sliding_window() -> None:
    """One row of seven values under a window of three, for two choices of stride and padding."""
    x = [2, 0, 1, 3, 1, 0, 2]
    _, axes = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
    cases = ((axes[0], 2, 1, (-1, 1, 3, 5)), (axes[1], 3, 0, (0, 3)))
    for axis, stride, padding, starts in cases:
        for place in range(-padding, len(x) + padding):
            inside = 0 <= place < len(x)
            _cell(axis, place, 0, x[place] if inside else 0, PALE if inside else "#EEEEEE")
        used = starts[-1] + 3
        if used < len(x):
            hatch = Rectangle((used, 0), len(x) - used, 1, fill=False, hatch="///", ec=GREY)
            axis.add_patch(hatch)
            axis.text(used + 0.5, 1.25, "left over", ha="center", fontsize=10, color="#444444")
        for number, start in enumerate(starts):
            level = -0.55 - 0.62 * number
            colour = (BLUE, ORANGE, GREEN, RED)[number]
            axis.plot([start + 0.08, start + 2.92], [level, level], color=colour, lw=6)
            axis.text(9.0, level, f"output {number + 1}", ha="left", va="center", fontsize=10)
        axis.set_title(f"N = 7, F = 3, S = {stride}, P = {padding}: {len(starts)} outputs")
        _bare(axis, (-1.3, 11.4), (-3.0, 1.8))
    plt.show()


def show_sequence(numbers: Numbers) -> None:
    """The one-dimensional input and filter that belong to a student."""
    _, axis = plt.subplots(figsize=(8, 1.5), layout="constrained")
    axis.text(-0.3, 0.5, "x", ha="right", va="center", fontsize=12, style="italic")
    for place, value in enumerate(numbers.x):
        _cell(axis, place, 0, value, PALE)
    axis.text(11.2, 0.5, "w", ha="right", va="center", fontsize=12, style="italic")
    for place, value in enumerate(numbers.w):
        _cell(axis, 11.5 + place, 0, value, "#FBE8C8")
    _bare(axis, (-1, 15), (-0.2, 1.2))
    axis.set_title("Your numbers", fontsize=11)
    plt.show()


def _grid(axis: Axes, values: np.ndarray, fill: str, left: float = 0, top: float = 0) -> None:
    for (row, column), value in np.ndenumerate(values):
        _cell(axis, left + column, top - row - 1, value, fill)


def draw_volume() -> None:
    """The RGB input of the two-dimensional exercise, its two filters and their biases."""
    _, axis = plt.subplots(figsize=(10, 4.9), layout="constrained")
    height, width, _ = VOLUME.shape
    filter_tops = [-height - 0.7 - 2.6 * number for number in range(2)]
    names = ["input\n4 × 5 × 3", "filter 1\n2 × 2 × 3", "filter 2\n2 × 2 × 3"]
    middles = [-height / 2, *(top - 1 for top in filter_tops)]
    for name, middle in zip(names, middles, strict=True):
        axis.text(-0.5, middle, name, ha="right", va="center", fontsize=12)
    for channel, (name, fill) in enumerate(_CHANNELS):
        left = channel * (width + 1)
        axis.text(left + width / 2, 0.3, name, ha="center", fontsize=14)
        _grid(axis, VOLUME[:, :, channel], fill, left)
        for number, top in enumerate(filter_tops):
            _grid(axis, FILTERS[:, :, channel, number], fill, left, top)
    right = 3 * width + 2
    for top, bias in zip(filter_tops, BIASES, strict=True):
        axis.text(right - 1.25, top - 1, "bias", ha="right", va="center", fontsize=12)
        _cell(axis, right - 1, top - 1.5, bias, "white")
    _bare(axis, (-3.2, right + 0.1), (filter_tops[-1] - 2.1, 1))
    plt.show()


def draw_flip() -> None:
    """An image with a single one in it, and what comes out: the kernel turned, or as it is."""
    impulse = np.zeros((5, 5), int)
    impulse[2, 2] = 1
    kernel = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    _, axes = plt.subplots(
        1, 4, figsize=(10.5, 3.5), width_ratios=(5, 3, 3, 3), layout="constrained"
    )
    shown = (
        (impulse, "image: a single 1", "white"),
        (kernel, "kernel", "#FBE8C8"),
        (kernel[::-1, ::-1], "cross-correlation\ngives the kernel turned", PALE),
        (kernel, "convolution\ngives the kernel itself", PALE),
    )
    for axis, (values, title, fill) in zip(axes, shown, strict=True):
        _grid(axis, values, fill)
        rows, columns = values.shape
        _bare(axis, (-0.1, columns + 0.1), (-rows - 0.1, 0.1))
        axis.set_title(title, fontsize=11)
    plt.show()


def show_image_and_kernel(numbers: Numbers) -> None:
    """The image and kernel that belong to a student."""
    _, axis = plt.subplots(figsize=(6, 2.3), layout="constrained")
    _grid(axis, numbers.image, PALE)
    _grid(axis, numbers.kernel, "#FBE8C8", 6, -0.5)
    axis.text(2, 0.2, "image I", ha="center", fontsize=11)
    axis.text(7, 0.2, "kernel K", ha="center", fontsize=11)
    _bare(axis, (-0.5, 8.5), (-3.1, 0.8))
    plt.show()


def draw_cones() -> None:
    """What one unit on top sees, through two layers of 3; without a stride, and with one of 2."""
    _, axes = plt.subplots(1, 2, figsize=(10.5, 3.6), layout="constrained")
    # rows from the image up: (positions of the cells, those seen), written down, not computed

    plain: Rows = ((range(9), range(2, 7)), (range(1, 8), range(3, 6)), (range(2, 7), (4,)))
    strided: Rows = ((range(9), range(1, 8)), ((2, 4, 6), (2, 4, 6)), ((4,), (4,)))
    titles = ("two layers of 3, strides 1", "two layers of 3, the lower one with stride 2")
    for axis, rows, title in zip(axes, (plain, strided), titles, strict=True):
        for level, (places, seen) in enumerate(rows):
            for place in places:
                hit = place in seen
                axis.scatter(
                    place,
                    level,
                    s=190,
                    marker="s",
                    facecolor=ORANGE if hit else "white",
                    edgecolor="black",
                    zorder=3,
                )
                if level and hit:
                    for below in (-1, 0, 1):
                        step = 2 if level == 2 and rows is strided else 1
                        target = (place + below * step, level - 1)
                        axis.plot([place, target[0]], [level, target[1]], color=BLUE, lw=1.2)
        for level, name in enumerate(("image", "layer 1", "layer 2")):
            axis.text(-0.7, level, name, ha="right", va="center", fontsize=10)
        axis.set(xlim=(-2.4, 8.6), ylim=(-0.5, 2.4), title=title)
        axis.set_axis_off()
    plt.show()


def draw_growth(receptive_field: Callable[[Sequence[tuple[int, int]]], int]) -> None:
    """How far a student's `receptive_field` says that stacks of 3×3 layers see."""
    depths = np.arange(1, 9)
    figure, axis = plt.subplots(figsize=(7, 3.6), layout="constrained")
    lines = ((1, BLUE, "o"), (2, ORANGE, "s"), (3, GREEN, "^"))
    try:
        for stride, colour, marker in lines:
            sides = [float(receptive_field([(3, stride)] * int(depth))) for depth in depths]
            axis.plot(depths, sides, marker=marker, color=colour, label=f"stride {stride}")
            axis.annotate(
                f"{sides[-1]:g}",
                (depths[-1], sides[-1]),
                (9, 0),
                textcoords="offset points",
                va="center",
                color=colour,
                fontsize=11,
            )
    except Exception as error:  # the student's function: the check below says more
        plt.close(figure)
        print(f"Nothing to draw yet: receptive_field raised {type(error).__name__}.")
        return
    axis.set(
        yscale="log",
        xlim=(0.8, 8.9),
        xticks=depths,
        xlabel="number of 3×3 layers",
        ylabel="side of the receptive field",
        title="What your receptive_field says",
    )
    axis.grid(alpha=0.3)
    axis.legend(frameon=False)
    plt.show()


def draw_partial_sums() -> None:
    """Terms of both signs: the sum on the way becomes negative, and what ReLU makes of it."""
    x = np.linspace(-3, 3, 400)
    terms = ((-1.5, 1.0, 1.0), (2.0, -1.0, 0.5), (1.0, 1.0, -0.5))  # a, w, b
    parts = [a * np.maximum(w * x + b, 0) for a, w, b in terms]
    _, axes = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained", sharey=True)
    styles = ((BLUE, "-"), (ORANGE, "--"), (GREEN, ":"))
    for (a, _, _), part, (colour, line) in zip(terms, parts, styles, strict=True):
        axes[0].plot(x, part, line, color=colour, lw=2, label=f"a = {a:g}".replace("-", "−"))
    axes[0].set_title("three terms  a · ReLU(w x + b)")
    total, kept = sum(parts), np.zeros_like(x)
    for part in parts[:-1]:
        kept = np.maximum(kept + part, 0)
    axes[1].plot(x, total, color="black", lw=2, label="their sum")
    axes[1].plot(x, kept + parts[-1], "--", color=RED, lw=2, label="running sum through ReLU")
    axes[1].set_title("a running sum that goes through ReLU forgets")
    for axis in axes:
        axis.axhline(0, color=GREY, lw=0.8)
        axis.set_xlabel("x")
        axis.legend(frameon=False, fontsize=9)
    plt.show()


def draw_chain() -> None:
    """Shallow and wide beside deep and narrow, where all aⱼ are positive and so is x."""
    _, (wide, deep) = plt.subplots(
        1, 2, figsize=(10.5, 3.8), width_ratios=(2, 3), layout="constrained"
    )
    units = range(1, 5)
    for j in units:
        place = (1.5, 4 * (4 - j) / 3)
        _arrow(wide, (0, 2), place)
        _arrow(wide, place, (3, 2))
        _unit(wide, place, f"$h_{j}$", ORANGE)
    _unit(wide, (0, 2), "$x$", PALE)
    _unit(wide, (3, 2), "$f$", "white")
    wide.set_title("shallow: n units side by side")
    # a column per layer: x below, its one hⱼ in the middle, the sum of the terms before it on top
    for j in units:
        before, here, behind = 1.5 * (j - 1), 1.5 * j, 1.5 * (j + 1)
        _arrow(deep, (before, 0), (here, 2))
        _arrow(deep, (here, 2), (behind, 4))
        _arrow(deep, (here, 4), (behind, 4))
        _unit(deep, (before, 0), "$x$", PALE)
        if j < units[-1]:
            _arrow(deep, (before, 0), (here, 0))
        _unit(deep, (here, 2), f"$h_{j}$", ORANGE)
        _unit(deep, (here, 4), "$s$" if j > 1 else "$0$", "#D3EBDD")
    _unit(deep, (7.5, 4), "$f$", "white")
    deep.set_title("deep: one unit at a time, x and the sum handed on")
    wide.set(xlim=(-0.6, 3.6), ylim=(-0.6, 4.6))
    deep.set(xlim=(-0.6, 8.1), ylim=(-0.6, 4.6))
    for axis in (wide, deep):
        axis.set_axis_off()
    plt.show()


def _unit(axis: Axes, place: tuple[float, float], name: str, fill: str) -> None:
    axis.scatter(*place, s=620, facecolor=fill, edgecolor="black", zorder=3)
    axis.text(*place, name, ha="center", va="center", fontsize=11, zorder=4)


def _arrow(axis: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axis.add_patch(
        FancyArrowPatch(
            start, end, arrowstyle="-|>", mutation_scale=11, color=GREY, shrinkA=13, shrinkB=14
        )
    )
