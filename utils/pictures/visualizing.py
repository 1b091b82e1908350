"""Pictures of notebook 04: filters, activation maps, saliency, ascended images, spectra, heat maps.

Every map says what its colours mean.  Values of both signs are purple and orange around white,
values from zero are drawn in "cividis": both can be read with any colour vision, and in grey.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from utils.exercises.visualizing import Photographs
from utils.images import spectra as measured
from utils.palette import BLUE, GREY, ORANGE

BOTH_SIGNS = "PuOr_r"
FROM_ZERO = "cividis"

_TEXT = 12
_WIDTH = 11.0  # inches of a figure that fills the notebook

Unit = tuple[str, tuple[int, ...], float]
"""Layer, index and activation."""


def photographs(photos: Photographs) -> Figure:
    """Photographs with the class that the net believes in most, and its probability."""
    return pictures(list(photos.images), photos.titles, "What the net takes them for")


def pictures(
    images: Sequence[np.ndarray], titles: Sequence[str], heading: str = "", columns: int = 6
) -> Figure:
    """Images in rows, each with a title."""
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    width = _WIDTH / max(columns, 4)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(width * columns, (width + 0.32) * rows + 0.35 * bool(heading)),
        squeeze=False,
        layout="constrained",
    )
    for axis in axes.flat[len(images) :]:
        axis.set_axis_off()
    for axis, image, title in zip(axes.flat, images, titles, strict=False):
        _image(axis, image, title)
    if heading:
        figure.suptitle(heading, fontsize=_TEXT + 1)
    return figure


def filters(grids: Mapping[str, np.ndarray]) -> Figure:
    """Filters in grids, one below the other, by layer; middle grey is a weight of zero."""
    heights = [_WIDTH * grid.shape[0] / grid.shape[1] for grid in grids.values()]
    figure, axes = plt.subplots(
        len(grids),
        1,
        figsize=(_WIDTH, sum(heights) + 0.4 * len(grids) + 0.4),
        height_ratios=heights,
        squeeze=False,
        layout="constrained",
    )
    for axis, (name, grid) in zip(axes[:, 0], grids.items(), strict=True):
        what = "all three colours" if grid.ndim == 3 else "weights of the first input map"
        _image(axis, np.clip(grid, 0, 1), f"{name}: {what}")
        for side in axis.spines.values():
            side.set_visible(False)
    figure.suptitle("Filters, each scaled by itself; middle grey is zero", fontsize=_TEXT + 1)
    return figure


def activation_maps(
    image: np.ndarray,
    layers: Sequence[str],
    maps: Sequence[np.ndarray],
    grid: Callable[[np.ndarray, int], np.ndarray],
    most: int = 16,
) -> Figure:
    """The first maps of several layers in grids beside the image, on one scale of activation.

    grid: the student's own function; maps: (H, W, C) each.
    """
    columns = 4
    chosen = [np.moveaxis(np.asarray(m), -1, 0)[:most] for m in maps]
    largest = max(float(np.abs(m).max()) for m in chosen)
    figure, axes = plt.subplots(
        1,
        1 + len(chosen),
        figsize=(_WIDTH + 1, 4.1),
        width_ratios=[0.62] + [1] * len(chosen),
        layout="constrained",
    )
    _image(axes[0], image, "the image")
    drawn: AxesImage | None = None
    for axis, name, stack in zip(axes[1:], layers, chosen, strict=True):
        grid_of_maps = _with_lines(grid(_to_unit(stack, largest), columns), stack, columns, largest)
        drawn = axis.imshow(grid_of_maps, cmap=_with_grey(BOTH_SIGNS), vmin=-largest, vmax=largest)
        height, width = stack.shape[1:]
        _bare(axis, f"{name}: {height}×{width} pixels each")
    if drawn is not None:
        bar = figure.colorbar(drawn, ax=list(axes), shrink=0.8, pad=0.01)
        bar.set_label("activation", fontsize=_TEXT)
    figure.suptitle(f"The first {len(chosen[0])} maps of each layer", fontsize=_TEXT + 1)
    return figure


def _to_unit(stack: np.ndarray, largest: float) -> np.ndarray:
    return 0.5 + stack / (2 * largest)


def _with_lines(grid: np.ndarray, stack: np.ndarray, columns: int, largest: float) -> np.ndarray:
    """Back to activations, with NaN where the grid has lines and empty places."""
    values = (np.asarray(grid, float) - 0.5) * 2 * largest
    height, width = stack.shape[1] + 1, stack.shape[2] + 1
    for number in range(-(-len(stack) // columns) * columns):
        row, column = divmod(number, columns)
        if number >= len(stack):
            values[row * height : (row + 1) * height, column * width : (column + 1) * width] = (
                np.nan
            )
    values[height - 1 :: height] = np.nan
    values[:, width - 1 :: width] = np.nan
    return values


def _with_grey(name: str) -> Any:
    return plt.get_cmap(name).with_extremes(bad="#4d4d4d")


def saliency(photos: Photographs, maps: np.ndarray, most: int = 4) -> Figure:
    """Photographs, their saliency maps, and both together."""
    count = min(most, len(maps))
    figure, axes = plt.subplots(
        3, count, figsize=(2.55 * count + 1.2, 7.9), squeeze=False, layout="constrained"
    )
    largest = float(np.max(maps[:count])) or 1.0
    drawn: AxesImage | None = None
    for column in range(count):
        image, single = photos.images[column], np.asarray(maps[column])
        _image(axes[0, column], image, photos.titles[column])
        drawn = axes[1, column].imshow(single, cmap=FROM_ZERO, vmin=0, vmax=largest)
        _bare(axes[1, column])
        strength = single / (float(single.max()) or 1.0)
        _overlay(axes[2, column], image, strength, FROM_ZERO, 0, 1, np.clip(1.8 * strength, 0, 1))
    for axis, name in zip(axes[:, 0], ("image", "saliency", "both"), strict=True):
        axis.set_ylabel(name, fontsize=_TEXT)
    if drawn is not None:
        bar = figure.colorbar(drawn, ax=list(axes[1]), shrink=0.9, pad=0.01)
        bar.set_label("score per unit of pixel", fontsize=_TEXT - 1)
    size = len(maps[0])
    told = "in the overlay each map goes from 0 (clear) to its maximum"
    figure.suptitle(f"Saliency, {size}×{size} values; {told}", fontsize=_TEXT + 1)
    return figure


def maps_of_classes(image: np.ndarray, maps: np.ndarray, names: Sequence[str]) -> Figure:
    """One image, and its saliency maps for several classes, on one scale."""
    figure, axes = plt.subplots(
        1, len(maps) + 1, figsize=(_WIDTH + 0.6, 2.75), layout="constrained"
    )
    _image(axes[0], image, "the image")
    largest = float(np.max(maps)) or 1.0
    drawn: AxesImage | None = None
    for axis, single, name in zip(axes[1:], maps, names, strict=True):
        drawn = axis.imshow(single, cmap=FROM_ZERO, vmin=0, vmax=largest)
        _bare(axis, f"“{name}”")
    if drawn is not None:
        bar = figure.colorbar(drawn, ax=list(axes), shrink=0.8, pad=0.01)
        bar.set_label("score per unit of pixel", fontsize=_TEXT - 1)
    figure.suptitle("Saliency for the four best classes of one image", fontsize=_TEXT + 1)
    return figure


def classes(
    images: np.ndarray, names: Sequence[str], table: np.ndarray, shown: np.ndarray
) -> Figure:
    """Images made for classes, with what the net itself says of them.

    table: (N, classes) probabilities.  shown: (N,) the class that each image was made for.
    """
    likely = np.asarray(table)[np.arange(len(images)), shown]
    titles = [f"{name}  {p:.2f}" for name, p in zip(names, likely, strict=True)]
    heading = "Made from noise: class, and the net's probability for it"
    return pictures(list(images), titles, heading, columns=5 if len(images) > 6 else 3)


def units(chosen: Sequence[Unit], pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> Figure:
    """Images that drive units, without and with a small norm: columns are units."""
    figure, axes = plt.subplots(
        2, len(chosen), figsize=(2.3 * len(chosen) + 0.4, 5.8), squeeze=False, layout="constrained"
    )
    for column, ((layer, unit, value), pair) in enumerate(zip(chosen, pairs, strict=True)):
        for row, image in enumerate(pair):
            stronger, factor = _contrast(image)
            norm = float(np.linalg.norm(image - 0.5))
            told = f"norm {norm:.2f}, contrast × {factor:.1f}"
            title = f"{layer} {_index(unit)} = {value:g}\n{told}" if row == 0 else told
            _image(axes[row, column], stronger, title)
    for axis, name in zip(axes[:, 0], ("no regulariser", "small norm"), strict=True):
        axis.set_ylabel(name, fontsize=_TEXT)
    figure.suptitle("One unit, one activation, two images", fontsize=_TEXT + 1)
    return figure


def regularisers(chosen: Sequence[Unit], versions: Mapping[str, Sequence[np.ndarray]]) -> Figure:
    """Images that drive units: columns are regularisers, rows are units."""
    figure, axes = plt.subplots(
        len(chosen),
        len(versions),
        figsize=(3.1 * len(versions) + 0.5, 3.05 * len(chosen) + 0.4),
        squeeze=False,
        layout="constrained",
    )
    for column, (name, images) in enumerate(versions.items()):
        for row, ((layer, unit, value), image) in enumerate(zip(chosen, images, strict=True)):
            stronger, factor = _contrast(image)
            told = f"contrast × {factor:.1f}"
            _image(axes[row, column], stronger, f"{name}\n{told}" if row == 0 else told)
            if column == 0:
                axes[row, 0].set_ylabel(f"{layer} {_index(unit)} = {value:g}", fontsize=_TEXT)
    return figure


def spectra(images: Mapping[str, np.ndarray]) -> Figure:
    """Images beside the falloff of their spectra, on logarithmic axes, with a line for 1/f."""
    figure, axes = plt.subplots(
        2, len(images), figsize=(_WIDTH + 0.6, 5.9), height_ratios=(1, 1.05), layout="constrained"
    )
    small = [measured.reduced(np.asarray(i)[None]) for i in images.values()]
    falls = [measured.falloff(s) for s in small]
    low = min(float(m.min()) for _, m in falls) / 1.5
    high = max(float(m.max()) for _, m in falls) * 1.5
    for column, (title, image) in enumerate(images.items()):
        _image(axes[0, column], image, title, size=_TEXT - 2)
        waves, levels = falls[column]
        axis = axes[1, column]
        level = float(np.exp(np.mean(np.log(levels[0] * waves))))
        axis.loglog(waves, level / waves, color=ORANGE, lw=3, ls="--", label="1/f")
        axis.loglog(waves, levels[0], color=BLUE, lw=2.5, label="this image")
        slope = float(measured.slope(small[column])[0])
        axis.set_title(f"slope {slope:.2f}", fontsize=_TEXT)
        axis.set(ylim=(low, high), xlabel="frequency, waves per image")
        axis.set_xticks([1, 2, 4, 8, 16], ["1", "2", "4", "8", "16"])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
        if column:
            axis.set_yticklabels([])
    axes[1, 0].set_ylabel("mean magnitude", fontsize=_TEXT)
    axes[1, 0].legend(fontsize=_TEXT - 2)
    return figure


def occlusion(
    photos: Photographs,
    changes: Sequence[np.ndarray],
    heats: Sequence[np.ndarray],
    box: int,
    stride: int,
) -> Figure:
    """Photographs, maps of boxes, heat maps laid over the photographs; one scale for all."""
    largest = max(float(np.abs(c).max()) for c in changes) or 1.0
    figure, axes = plt.subplots(
        len(changes),
        3,
        figsize=(10.4, 3.2 * len(changes) + 0.5),
        squeeze=False,
        layout="constrained",
    )
    drawn: AxesImage | None = None
    for row, (change, heat) in enumerate(zip(changes, heats, strict=True)):
        image = photos.images[row]
        _image(axes[row, 0], image, photos.titles[row])
        count = len(change)
        drawn = axes[row, 1].imshow(change, cmap=BOTH_SIGNS, vmin=-largest, vmax=largest)
        _bare(axes[row, 1], f"{count}×{count} boxes")
        clear = np.clip(1.8 * np.abs(heat) / largest, 0, 1)
        _overlay(axes[row, 2], image, heat, BOTH_SIGNS, -largest, largest, clear)
        axes[row, 2].set_title(f"{len(heat)}×{len(heat)} pixels, on the photograph", fontsize=_TEXT)
    if drawn is not None:
        bar = figure.colorbar(drawn, ax=list(axes.flat), shrink=0.75, pad=0.01)
        bar.set_label("by which fraction the score falls", fontsize=_TEXT)
        bar.ax.yaxis.set_major_formatter(lambda v, _: f"{100 * v:.0f} %")
        bar.ax.set_ylim(min(float(c.min()) for c in changes), max(float(c.max()) for c in changes))
    figure.suptitle(f"A grey box of {box}×{box} pixels, moved by {stride}", fontsize=_TEXT + 1)
    return figure


def probabilities(
    photos: Photographs,
    tables: Sequence[np.ndarray],
    heats: Sequence[np.ndarray],
    block: int,
    stride: int,
) -> Figure:
    """Photographs, maps of the class's probability, and both together, from 0 to 1."""
    figure, axes = plt.subplots(
        len(tables),
        3,
        figsize=(10.4, 3.2 * len(tables) + 0.5),
        squeeze=False,
        layout="constrained",
    )
    drawn: AxesImage | None = None
    for row, (table, heat) in enumerate(zip(tables, heats, strict=True)):
        image = photos.images[row]
        _image(axes[row, 0], image, photos.titles[row])
        drawn = axes[row, 1].imshow(table, cmap=FROM_ZERO, vmin=0, vmax=1)
        lowest = float(np.min(table))
        _bare(axes[row, 1], f"{len(table)}×{len(table)} blocks, lowest {lowest:.2f}")
        clear = np.clip(2.5 * (1 - heat), 0, 1)
        _overlay(axes[row, 2], image, heat, FROM_ZERO, 0, 1, clear)
        axes[row, 2].set_title(f"{len(heat)}×{len(heat)} pixels, on the photograph", fontsize=_TEXT)
    if drawn is not None:
        bar = figure.colorbar(drawn, ax=list(axes.flat), shrink=0.75, pad=0.01)
        bar.set_label("probability of the class with the block", fontsize=_TEXT)
    figure.suptitle(
        f"A black block of {block}×{block} pixels, moved by {stride}", fontsize=_TEXT + 1
    )
    return figure


def architectures(
    photos: Photographs,
    comparison: Mapping[str, Mapping[str, np.ndarray]],
    pointing: Callable[[np.ndarray, np.ndarray], tuple[float, float]],
    picture: int = 0,
) -> Figure:
    """Maps of several nets for the same photographs, and how well they point.

    comparison: net -> method -> maps (N, S, S).  pointing: the student's own function.
    picture: number of the photograph whose maps are shown.
    """
    methods = list(next(iter(comparison.values())))
    figure = plt.figure(figsize=(_WIDTH + 0.6, 7.4), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=(1.75, 1))
    upper, lower = parts
    axes = upper.subplots(len(methods), 1 + len(comparison), squeeze=False)
    for row, method in enumerate(methods):
        _image(axes[row, 0], photos.images[picture], photos.titles[picture] if row == 0 else "")
        axes[row, 0].set_ylabel(method, fontsize=_TEXT)
        for axis, (name, maps) in zip(axes[row, 1:], comparison.items(), strict=True):
            single = np.maximum(maps[method][picture], 0)
            axis.imshow(single, cmap=FROM_ZERO, vmin=0, vmax=float(single.max()) or 1.0)
            _bare(axis, name if row == 0 else "")
    upper.suptitle("The same photograph; each map from 0 (dark) to its maximum", fontsize=_TEXT + 1)
    if photos.masks is None:
        return figure
    bars = lower.subplots(1, 2)
    chance = float(photos.masks.mean())
    for axis, number, name in zip(bars, (0, 1), ("hits", "mass"), strict=True):
        places = np.arange(len(comparison))
        for method, colour, shift in zip(methods, (BLUE, ORANGE), (-0.2, 0.2), strict=False):
            heights = [
                float(pointing(maps[method], photos.masks)[number]) for maps in comparison.values()
            ]
            drawn = axis.bar(places + shift, heights, 0.38, color=colour, label=method)
            axis.bar_label(drawn, fmt="%.2f", fontsize=_TEXT - 2)
        axis.axhline(chance, color=GREY, ls="--", lw=1.5, label="by chance")
        axis.set(ylim=(0, 1.12), title=f"{name}, mean of {len(photos.images)} photographs")
        axis.set_xticks(places, list(comparison), fontsize=_TEXT - 1)
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
    bars[1].legend(fontsize=_TEXT - 2, loc="upper right")
    return figure


# -- parts ----------------------------------------------------------------------------------------


def _image(axis: Axes, image: np.ndarray, title: str = "", size: int = _TEXT) -> None:
    grey = np.ndim(image) == 2
    axis.imshow(np.clip(image, 0, 1), cmap="gray" if grey else None, vmin=0, vmax=1)
    _bare(axis, title, size)


def _bare(axis: Axes, title: str = "", size: int = _TEXT) -> None:
    axis.set(xticks=[], yticks=[])
    axis.set_title(title, fontsize=size)


def _overlay(
    axis: Axes,
    image: np.ndarray,
    values: np.ndarray,
    colours: str,
    low: float,
    high: float,
    clear: np.ndarray,
) -> None:
    """A map on the photograph in grey; `clear` (0 … 1) is how much of the map covers it."""
    grey = np.repeat(np.asarray(image).mean(axis=-1)[..., None], 3, axis=-1)
    shades = plt.get_cmap(colours)(np.clip((values - low) / (high - low), 0, 1))[..., :3]
    opaque = 0.8 * clear[..., None]
    axis.imshow((1 - opaque) * grey + opaque * shades, vmin=0, vmax=1)
    _bare(axis)


def _contrast(image: np.ndarray) -> tuple[np.ndarray, float]:
    """An image with as much contrast around grey as fits, at most tenfold, and the factor."""
    extent = float(np.abs(np.asarray(image) - 0.5).max())
    factor = min(10.0, 0.5 / extent) if extent > 0 else 1.0
    return 0.5 + factor * (np.asarray(image) - 0.5), factor


def _index(unit: Sequence[int]) -> str:
    return "[" + ", ".join(str(i) for i in unit) + "]"
