"""Pictures of notebook 04: saliency, ascended images, spectra, heat maps.

Every map says what its colours mean.  Values of both signs are purple and orange around white,
values from zero are drawn in "cividis": both can be read with any colour vision, and in grey.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from utils.exercises.visualizing import Photographs
from utils.images import spectra as measured
from utils.palette import BLUE, ORANGE

BOTH_SIGNS = "PuOr_r"
FROM_ZERO = "cividis"

TEXT = 12
"""Size of letters."""
WIDTH = 11.0
"""Inches of a figure that fills the notebook."""

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
    width = WIDTH / max(columns, 4)
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
        show(axis, image, title)
    if heading:
        figure.suptitle(heading, fontsize=TEXT + 1)
    return figure


def saliency(photos: Photographs, maps: np.ndarray, most: int = 4) -> Figure:
    """Photographs, their saliency maps, and both together."""
    count = min(most, len(maps))
    figure, axes = plt.subplots(
        3, count, figsize=(2.1 * count + 1.3, 6.6), squeeze=False, layout="constrained"
    )
    largest = float(np.max(maps[:count])) or 1.0
    drawn: AxesImage | None = None
    for column in range(count):
        image, single = photos.images[column], np.asarray(maps[column])
        show(axes[0, column], image, photos.titles[column])
        drawn = axes[1, column].imshow(single, cmap=FROM_ZERO, vmin=0, vmax=largest)
        bare(axes[1, column])
        strength = single / (float(single.max()) or 1.0)
        overlay(axes[2, column], image, strength, FROM_ZERO, 0, 1, np.clip(1.8 * strength, 0, 1))
    for axis, name in zip(axes[:, 0], ("image", "saliency", "both"), strict=True):
        axis.set_ylabel(name, fontsize=TEXT)
    if drawn is not None:
        bar = figure.colorbar(drawn, ax=list(axes.flat), shrink=0.4, pad=0.01)
        bar.set_label("saliency: score per unit of pixel", fontsize=TEXT)
    size = len(maps[0])
    told = "in the overlay each map goes from 0 (clear) to its maximum"
    figure.suptitle(f"Saliency, {size}×{size} values; {told}", fontsize=TEXT + 1)
    return figure


def maps_of_classes(image: np.ndarray, maps: np.ndarray, names: Sequence[str]) -> Figure:
    """One image, and its saliency maps for several classes, on one scale."""
    figure, axes = plt.subplots(1, len(maps) + 1, figsize=(WIDTH + 0.6, 2.75), layout="constrained")
    show(axes[0], image, "the image")
    largest = float(np.max(maps)) or 1.0
    drawn: AxesImage | None = None
    for axis, single, name in zip(axes[1:], maps, names, strict=True):
        drawn = axis.imshow(single, cmap=FROM_ZERO, vmin=0, vmax=largest)
        bare(axis, f"“{name}”")
    if drawn is not None:
        bar = figure.colorbar(drawn, ax=list(axes), shrink=0.8, pad=0.01)
        bar.set_label("score per unit of pixel", fontsize=TEXT - 1)
    figure.suptitle("Saliency for the four best classes of one image", fontsize=TEXT + 1)
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
            show(axes[row, column], stronger, title)
    for axis, name in zip(axes[:, 0], ("no regulariser", "small norm"), strict=True):
        axis.set_ylabel(name, fontsize=TEXT)
    figure.suptitle("One unit, one activation, two images", fontsize=TEXT + 1)
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
            show(axes[row, column], stronger, f"{name}\n{told}" if row == 0 else told)
            if column == 0:
                axes[row, 0].set_ylabel(f"{layer} {_index(unit)} = {value:g}", fontsize=TEXT)
    return figure


def spectra(images: Mapping[str, np.ndarray]) -> Figure:
    """Images beside the falloff of their spectra, on logarithmic axes, with a line for 1/f."""
    figure, axes = plt.subplots(
        2, len(images), figsize=(WIDTH + 0.6, 5.9), height_ratios=(1, 1.05), layout="constrained"
    )
    small = [measured.reduced(np.asarray(i)[None]) for i in images.values()]
    falls = [measured.falloff(s) for s in small]
    low = min(float(m.min()) for _, m in falls) / 1.5
    high = max(float(m.max()) for _, m in falls) * 1.5
    for column, (title, image) in enumerate(images.items()):
        show(axes[0, column], image, title, size=TEXT - 2)
        waves, levels = falls[column]
        axis = axes[1, column]
        level = float(np.exp(np.mean(np.log(levels[0] * waves))))
        axis.loglog(waves, level / waves, color=ORANGE, lw=3, ls="--", label="1/f")
        axis.loglog(waves, levels[0], color=BLUE, lw=2.5, label="this image")
        slope = float(measured.slope(small[column])[0])
        axis.set_title(f"slope {slope:.2f}", fontsize=TEXT)
        axis.set(ylim=(low, high), xlabel="frequency, waves per image")
        axis.set_xticks([1, 2, 4, 8, 16], ["1", "2", "4", "8", "16"])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
        if column:
            axis.set_yticklabels([])
    axes[1, 0].set_ylabel("mean magnitude", fontsize=TEXT)
    axes[1, 0].legend(fontsize=TEXT - 2)
    return figure


def occlusion(
    photos: Photographs,
    changes: Sequence[np.ndarray],
    heats: Sequence[np.ndarray],
    box: int,
    stride: int,
) -> Figure:
    """Photographs, maps of boxes, heat maps laid over the photographs; one scale for all.

    changes: (n, n) each.  heats: as large as the photographs.
    """
    largest = max(float(np.abs(c).max()) for c in changes) or 1.0
    figure, axes = _in_columns(photos, len(changes), (_squares("boxes", changes), "laid over"))
    drawn: AxesImage | None = None
    for column, (change, heat) in enumerate(zip(changes, heats, strict=True)):
        drawn = axes[1, column].imshow(change, cmap=BOTH_SIGNS, vmin=-largest, vmax=largest)
        clear = np.clip(1.8 * np.abs(heat) / largest, 0, 1)
        image = photos.images[column]
        overlay(axes[2, column], image, heat, BOTH_SIGNS, -largest, largest, clear)
    if drawn is not None:
        bar = figure.colorbar(drawn, ax=list(axes.flat), shrink=0.6, pad=0.01)
        bar.set_label("the score falls by", fontsize=TEXT)
        bar.ax.yaxis.set_major_formatter(lambda v, _: f"{100 * v:.0f} %")
        bar.ax.set_ylim(min(float(c.min()) for c in changes), max(float(c.max()) for c in changes))
    figure.suptitle(f"A grey box of {box}×{box} pixels, moved by {stride}", fontsize=TEXT + 1)
    return figure


def probabilities(
    photos: Photographs,
    tables: Sequence[np.ndarray],
    heats: Sequence[np.ndarray],
    block: int,
    stride: int,
) -> Figure:
    """Photographs, maps of the class's probability, and both together, from 0 to 1.

    Colours are those of `occlusion`: orange is where the block takes the class away.
    """
    figure, axes = _in_columns(photos, len(tables), (_squares("blocks", tables), "laid over"))
    colours = colormaps[BOTH_SIGNS](np.linspace(1, 0.5, 256))
    falls = ListedColormap(colours, name="falls")
    drawn: AxesImage | None = None
    for column, (table, heat) in enumerate(zip(tables, heats, strict=True)):
        drawn = axes[1, column].imshow(table, cmap=falls, vmin=0, vmax=1)
        bare(axes[1, column], f"lowest {float(np.min(table)):.2f}")
        clear = np.clip(2.5 * (1 - heat), 0, 1)
        overlay(axes[2, column], photos.images[column], heat, falls, 0, 1, clear)
    if drawn is not None:
        bar = figure.colorbar(drawn, ax=list(axes.flat), shrink=0.6, pad=0.01)
        bar.set_label("probability with the block", fontsize=TEXT)
    figure.suptitle(
        f"A black block of {block}×{block} pixels, moved by {stride}", fontsize=TEXT + 1
    )
    return figure


# -- parts ----------------------------------------------------------------------------------------


def _in_columns(photos: Photographs, count: int, names: Sequence[str]) -> tuple[Figure, np.ndarray]:
    """A figure with a column for each photograph, which stands on top, and a row for each name."""
    rows = 1 + len(names)
    figure, axes = plt.subplots(
        rows, count, figsize=(2.1 * count + 1.5, 2.15 * rows + 0.2), squeeze=False,
        layout="constrained",
    )  # fmt: skip
    for column in range(count):
        show(axes[0, column], photos.images[column], photos.titles[column])
        for axis in axes[1:, column]:
            bare(axis)
    for axis, name in zip(axes[:, 0], ("photograph", *names), strict=True):
        axis.set_ylabel(name, fontsize=TEXT)
    return figure, axes


def _squares(what: str, maps: Sequence[np.ndarray]) -> str:
    return f"{len(maps[0])}×{len(maps[0])} {what}"


def show(axis: Axes, image: np.ndarray, title: str = "", size: int = TEXT) -> None:
    """An image without ticks, grey if it has no colours."""
    grey = np.ndim(image) == 2
    axis.imshow(np.clip(image, 0, 1), cmap="gray" if grey else None, vmin=0, vmax=1)
    bare(axis, title, size)


def bare(axis: Axes, title: str = "", size: int = TEXT) -> None:
    """No ticks, and a title."""
    axis.set(xticks=[], yticks=[])
    axis.set_title(title, fontsize=size)


def overlay(
    axis: Axes,
    image: np.ndarray,
    values: np.ndarray,
    colours: str | Colormap,
    low: float,
    high: float,
    clear: np.ndarray,
) -> None:
    """A map on the photograph in grey; `clear` (0 … 1) is how much of the map covers it."""
    grey = np.repeat(np.asarray(image).mean(axis=-1)[..., None], 3, axis=-1)
    shades = plt.get_cmap(colours)(np.clip((values - low) / (high - low), 0, 1))[..., :3]
    opaque = 0.8 * clear[..., None]
    axis.imshow((1 - opaque) * grey + opaque * shades, vmin=0, vmax=1)
    bare(axis)


def _contrast(image: np.ndarray) -> tuple[np.ndarray, float]:
    """An image with as much contrast around grey as fits, at most tenfold, and the factor."""
    extent = float(np.abs(np.asarray(image) - 0.5).max())
    factor = min(10.0, 0.5 / extent) if extent > 0 else 1.0
    return 0.5 + factor * (np.asarray(image) - 0.5), factor


def _index(unit: Sequence[int]) -> str:
    return "[" + ", ".join(str(i) for i in unit) + "]"
