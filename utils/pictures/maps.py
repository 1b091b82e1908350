"""Pictures of what is inside a net: all filters of a layer, and all maps that layers put out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from utils.nets.blocks import Stage
from utils.pictures.visualizing import BOTH_SIGNS, TEXT, WIDTH, bare, show

_PHOTO = 1.3
"""Inches of the image above its maps."""

Grid = Callable[[np.ndarray, int], np.ndarray]
"""A student's own function: pictures, and how many stand in a row."""


def filters(pictures: Mapping[str, np.ndarray], grid: Grid) -> Figure:
    """All filters of some layers in grids, one below the other; middle grey is a weight of zero.

    pictures: layer -> (N, kh, kw, 3) or (N, kh, kw), values in [0, 1].
    """
    grids = {name: grid(p, in_a_row(len(p))) for name, p in pictures.items()}
    heights = [WIDTH * g.shape[0] / g.shape[1] for g in grids.values()]
    figure, axes = plt.subplots(
        len(grids),
        1,
        figsize=(WIDTH, sum(heights) + 0.4 * len(grids) + 0.4),
        height_ratios=heights,
        squeeze=False,
        layout="constrained",
    )
    for axis, (name, whole) in zip(axes[:, 0], grids.items(), strict=True):
        what = "all three colours" if whole.ndim == 3 else "weights of the first input map"
        show(axis, np.clip(whole, 0, 1), f"{name}: {len(pictures[name])} filters, {what}")
        for side in axis.spines.values():
            side.set_visible(False)
    figure.suptitle("Filters, each scaled by itself; middle grey is zero", fontsize=TEXT + 1)
    return figure


def activation_maps(
    image: np.ndarray, title: str, stages: Sequence[Stage], maps: Sequence[np.ndarray], grid: Grid
) -> Figure:
    """All maps of some layers in grids, one below the other, on one scale of activation.

    The image stands above them.  maps: (H, W, C) each.  The scale ends where all but 3 in
    1,000 values are.
    """
    stacks = [np.moveaxis(np.asarray(m), -1, 0) for m in maps]
    largest = max(float(np.abs(s).max()) for s in stacks) or 1.0
    drawn = [_values(s, grid, largest) for s in stacks]
    heights = [_PHOTO, *(max(WIDTH * d.shape[0] / d.shape[1], 0.5) + 0.3 for d in drawn)]
    figure = plt.figure(figsize=(WIDTH, sum(heights) + 0.4), layout="constrained")
    places = figure.add_gridspec(len(heights), 4, height_ratios=heights)
    top = figure.add_subplot(places[0, 0])
    show(top, image)
    top.set_anchor("W")
    most = float(np.percentile(np.concatenate([np.abs(s).ravel() for s in stacks]), 99.7)) or 1.0
    colours = plt.get_cmap(BOTH_SIGNS).with_extremes(bad="#4d4d4d")
    rows = [figure.add_subplot(places[row + 1, :]) for row in range(len(stages))]
    for axis, stage, stack, values in zip(rows, stages, stacks, drawn, strict=True):
        last = axis.imshow(values, cmap=colours, vmin=-most, vmax=most)
        count, height, width = stack.shape
        bare(axis, f"{stage.told}  ({stage.layer}, {count} maps of {height}×{width})")
    place = figure.add_subplot(places[0, 1:3])
    place.set_axis_off()
    bar = figure.colorbar(last, ax=place, location="bottom", fraction=0.5, aspect=28, extend="both")
    bar.set_label("activation: orange is positive, purple negative, grey lines part the maps",
                  fontsize=TEXT - 1)  # fmt: skip
    figure.suptitle(title, fontsize=TEXT + 1)
    return figure


def in_a_row(count: int) -> int:
    """How many of so many pictures stand side by side: a power of two, several times the rows."""
    return int(2 ** np.ceil(np.log2(max(2 * np.sqrt(count), 4))))


def _values(stack: np.ndarray, grid: Grid, largest: float) -> np.ndarray:
    """Maps where the student's grid puts them, with NaN for lines and empty places."""
    columns = in_a_row(len(stack))
    values = (np.asarray(grid(0.5 + stack / (2 * largest), columns), float) - 0.5) * 2 * largest
    height, width = stack.shape[1] + 1, stack.shape[2] + 1
    for number in range(len(stack), -(-len(stack) // columns) * columns):
        row, column = divmod(number, columns)
        values[row * height : (row + 1) * height, column * width : (column + 1) * width] = np.nan
    values[height - 1 :: height] = np.nan
    values[:, width - 1 :: width] = np.nan
    return values
