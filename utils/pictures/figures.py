"""Pictures for the notebooks: samples of each class, a mask, and a net's five best guesses."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from utils.images.datasets import Dataset
from utils.palette import BLUE

FAINT = "#a9bcd0"


def samples_per_class(data: Dataset, per_class: int = 8) -> Figure:
    """A row for each class with its first training images.  Classes without images stay empty."""
    size = len(data.class_names)
    figure, axes = plt.subplots(
        size, per_class, figsize=(0.72 * per_class + 1.2, 0.72 * size), squeeze=False
    )
    for label, row in enumerate(axes):
        chosen = np.flatnonzero(data.y_train == label)[:per_class]
        for axis in row:
            _bare(axis)
        for axis, index in zip(row, chosen, strict=False):
            axis.imshow(data.x_train[index])
        row[0].set_ylabel(
            data.class_names[label], rotation=0, ha="right", va="center", labelpad=8, fontsize=10
        )
    figure.suptitle(f"{data.name}: the first training images of each class", fontsize=11)
    figure.tight_layout(pad=0.3, rect=(0, 0, 1, 0.975))
    return figure


def images_in_rows(images: Sequence[np.ndarray], titles: Sequence[str] = ()) -> Figure:
    """Images side by side, of more than six five in a row; a two-dimensional one is grey."""
    columns = len(images) if len(images) <= 6 else 5
    rows = -(-len(images) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(2 * columns, 2.3 * rows), squeeze=False, layout="constrained"
    )
    for axis in axes.flat:
        _bare(axis)
    for number, (axis, image) in enumerate(zip(axes.flat, images, strict=False)):
        axis.imshow(image, cmap="gray" if np.ndim(image) == 2 else None)
        if number < len(titles):
            axis.set_title(titles[number], fontsize=12)
    return figure


def best_guesses(
    images: Sequence[np.ndarray],
    classes: np.ndarray,
    probabilities: np.ndarray,
    class_names: Sequence[str],
    columns: int = 3,
) -> Figure:
    """Each image beside bars for its likeliest classes, the best one on top.

    images: N images (H, W, 3), of whatever sizes.  classes, probabilities: (N, k), best first.
    """
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    figure = plt.figure(figsize=(3.9 * columns, 1.75 * rows), layout="constrained")
    grid = figure.add_gridspec(rows, 2 * columns, width_ratios=[1, 1.15] * columns)
    for number, image in enumerate(images):
        row, column = divmod(number, columns)
        picture = figure.add_subplot(grid[row, 2 * column])
        _bare(picture)
        picture.imshow(image)
        bars = figure.add_subplot(grid[row, 2 * column + 1])
        _draw_bars(
            bars, np.asarray(classes)[number], np.asarray(probabilities)[number], class_names
        )
    return figure


def confusion(matrix: np.ndarray, class_names: Sequence[str]) -> Figure:
    """A confusion matrix (classes, classes): rows are what images are, columns what they were
    taken for; shades show the fraction of the row."""
    matrix = np.asarray(matrix)
    size = len(class_names)
    figure, axis = plt.subplots(figsize=(1.1 * size + 1.6, 0.9 * size + 1.2), layout="constrained")
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(matrix.shape):
        share = shares[row, column]
        axis.text(
            column,
            row,
            f"{matrix[row, column]}\n{100 * share:.0f} %",
            ha="center",
            va="center",
            color="white" if share > 0.55 else "black",
        )
    axis.set(xticks=range(size), yticks=range(size), xlabel="taken for", ylabel="is")
    axis.set_xticklabels(class_names)
    axis.set_yticklabels(class_names)
    return figure


def _draw_bars(
    axis: Axes, classes: np.ndarray, likely: np.ndarray, class_names: Sequence[str]
) -> None:
    places = np.arange(len(classes))
    axis.barh(places, likely, color=[BLUE] + [FAINT] * (len(classes) - 1), height=0.72)
    axis.set(ylim=(len(classes) - 0.4, -0.6), xlim=(0, 1.0), xticks=[], yticks=[])
    for side in ("top", "right", "bottom"):
        axis.spines[side].set_visible(False)
    for place, (index, p) in enumerate(zip(classes, likely, strict=True)):
        name = class_names[int(index)]
        inside = p > 0.75
        axis.text(
            0.03 if inside else p + 0.03,
            place,
            f"{name}  {p:.2f}",
            va="center",
            fontsize=9,
            color="white" if inside else "black",
            clip_on=False,
        )


def _bare(axis: Axes) -> None:
    axis.set(xticks=[], yticks=[])
    for spine in axis.spines.values():
        spine.set_visible(False)
