"""Pictures of several nets side by side: where each looks, and how well it points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure, SubFigure

from utils.exercises.comparing import Seen
from utils.palette import BLUE, GREY, ORANGE
from utils.pictures.visualizing import BOTH_SIGNS, FROM_ZERO, TEXT, WIDTH, bare, overlay, show

Pointing = Callable[[np.ndarray, np.ndarray], tuple[float, float]]
"""A student's own function: maps and masks to hits and mass."""


def architectures(nets: Sequence[Seen], pointing: Pointing, photo: int = 0) -> Figure:
    """A row for each net: a photograph, and both maps of it; below, how well maps point.

    pointing: the student's own function, used for nets whose photographs have masks.
    photo: number of the photograph, counted round.
    """
    measured = [seen for seen in nets if seen.photos.masks is not None]
    tall = 2.55 * len(nets) + 0.4
    figure = plt.figure(figsize=(WIDTH, tall + 3.2 * bool(measured)), layout="constrained")
    heights = (tall, 3.2) if measured else (tall,)
    parts: Any = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    _rows(parts[0], nets, photo)
    if measured:
        _bars(parts[1], measured, pointing)
    return figure


def _rows(figure: SubFigure, nets: Sequence[Seen], photo: int) -> None:
    axes = figure.subplots(len(nets), 4, squeeze=False)
    for row, seen in zip(axes, nets, strict=True):
        at = photo % len(seen.photos.images)
        image = seen.photos.images[at]
        show(row[0], image, seen.photos.titles[at])
        row[0].set_ylabel(f"{seen.name}\n{seen.told}", fontsize=TEXT - 1)
        single = seen.saliency[at]
        # a few pixels far above all others would leave the rest dark
        most = float(np.percentile(single, 99.7)) or 1.0
        row[1].imshow(single, cmap=FROM_ZERO, vmin=0, vmax=most)
        bare(row[1])
        heat = seen.occlusion[at]
        most = float(np.abs(heat).max()) or 1.0
        row[2].imshow(heat, cmap=BOTH_SIGNS, vmin=-most, vmax=most)
        bare(row[2])
        overlay(
            row[3], image, heat, BOTH_SIGNS, -most, most, np.clip(1.8 * np.abs(heat) / most, 0, 1)
        )
    for axis, title in zip(axes[0, 1:], ("saliency", "occlusion", "occlusion, on it"), strict=True):
        axis.set_title(title, fontsize=TEXT)
    figure.suptitle("Each map on a scale of its own; orange: covering lowers the score",
                    fontsize=TEXT + 1)  # fmt: skip


def _bars(figure: SubFigure, nets: Sequence[Seen], pointing: Pointing) -> None:
    axes = figure.subplots(1, 2)
    places = np.arange(len(nets))
    chances = [float(np.mean(_masks(seen))) for seen in nets]
    for axis, number, name in zip(axes, (0, 1), ("hits", "mass"), strict=True):
        for method, colour, shift in (("saliency", BLUE, -0.2), ("occlusion", ORANGE, 0.2)):
            heights = [
                float(pointing(getattr(seen, method), _masks(seen))[number]) for seen in nets
            ]
            drawn = axis.bar(places + shift, heights, 0.38, color=colour, label=method)
            axis.bar_label(drawn, fmt="%.2f", fontsize=TEXT - 2)
        axis.axhline(np.mean(chances), color=GREY, ls="--", lw=1.5, label="by chance")
        count = len(nets[0].photos.images)
        axis.set(ylim=(0, 1.12), title=f"{name}, mean of {count} photographs")
        axis.set_xticks(places, [seen.name for seen in nets], fontsize=TEXT - 1)
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
    axes[1].legend(fontsize=TEXT - 2, loc="upper right")


def _masks(seen: Seen) -> np.ndarray:
    assert seen.photos.masks is not None
    return seen.photos.masks
