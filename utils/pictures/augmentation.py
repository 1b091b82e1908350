"""Pictures of notebook 03: images through several epochs, masks that follow, curves with their
gaps, and strategies side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from utils.images.datasets import Dataset
from utils.palette import BLUE, GREY, ORANGE
from utils.training import augmenters, models

_GAP = "#E69F00"


def through_epochs(
    data: Dataset, streams: Callable[..., Any], augmenter: Any, images: int = 4, epochs: int = 7
) -> Figure:
    """Some training images as the training stream delivers them, epoch by epoch.

    Each image is recognised by its label, so they are of different classes.
    """
    labels = data.y_train.argmax(axis=1) if data.y_train.ndim == 2 else data.y_train
    chosen = [int(np.flatnonzero(labels == c)[0]) for c in range(10)][2 : 2 + images]
    few = Dataset(
        data.name,
        data.x_train[chosen],
        data.y_train[chosen],
        data.x_val[:4],
        data.y_val[:4],
        data.x_val[:0],
        data.y_val[:0],
        data.class_names,
        data.description,
    )
    training, _ = streams(few, augmenter, images, 0)
    figure, axes = plt.subplots(
        images, epochs + 1, figsize=(1.12 * (epochs + 1) + 0.5, 1.12 * images + 0.4),
        squeeze=False, layout="constrained",
    )  # fmt: skip
    for row, index in enumerate(chosen):
        axes[row][0].imshow(data.x_train[index])
        axes[row][0].set_ylabel(data.class_names[labels[index]], fontsize=10)
    for column in range(1, epochs + 1):
        seen, told = _all_of(training)
        classes = told.argmax(axis=1) if told.ndim == 2 else told
        for row, index in enumerate(chosen):
            found = np.flatnonzero(classes == labels[index])
            if len(found):
                axes[row][column].imshow(np.clip(seen[found[0]], 0, 1))
        axes[0][column].set_title(f"epoch {column}", fontsize=10)
    axes[0][0].set_title("original", fontsize=10)
    _bare(axes)
    return figure


def _all_of(stream: Any) -> tuple[np.ndarray, np.ndarray]:
    batches = [stream[i] for i in range(len(stream))] if _indexed(stream) else list(stream)
    images, labels = zip(*((np.asarray(x), np.asarray(y)) for x, y in batches), strict=True)
    return np.concatenate(images), np.concatenate(labels)


def _indexed(stream: Any) -> bool:
    return hasattr(stream, "__getitem__") and hasattr(stream, "__len__")


def ways_to_fill(image: np.ndarray, shift: Callable[..., Any], down: int, right: int) -> Figure:
    """An image, and three ways to fill what a shift leaves open: the last one is `shift`'s."""
    rolled = np.roll(image, (down, right), (0, 1))
    zeros = rolled.copy()
    zeros[: max(down, 0)] = zeros[len(zeros) + min(down, 0) :] = 0
    zeros[:, : max(right, 0)] = zeros[:, zeros.shape[1] + min(right, 0) :] = 0
    own = np.asarray(shift(image[None], np.array([down]), np.array([right])))[0]
    pictures = {
        "original": image,
        "np.roll: comes back\non the other side": rolled,
        "zeros: a black bar": zeros,
        "shift: the edge\nis repeated": own,
    }
    figure, axes = plt.subplots(1, 4, figsize=(8.4, 2.6), layout="constrained", squeeze=False)
    for axis, (title, picture) in zip(axes[0], pictures.items(), strict=True):
        axis.imshow(np.clip(picture, 0, 1))
        axis.set_title(title, fontsize=10)
    _bare(axes)
    return figure


def mirrored(data: Dataset, classes: Sequence[int] = (2, 3, 4, 5, 6, 7)) -> Figure:
    """One image of each class above its mirror image."""
    figure, axes = plt.subplots(
        2, len(classes), figsize=(1.35 * len(classes), 3.0), layout="constrained", squeeze=False
    )
    for column, label in enumerate(classes):
        image = data.x_train[np.flatnonzero(data.y_train == label)[0]]
        axes[0][column].imshow(image)
        axes[0][column].set_title(data.class_names[label], fontsize=10)
        axes[1][column].imshow(image[:, ::-1])
        axes[1][column].set_title("mirrored", fontsize=10, color=GREY)
    _bare(axes)
    return figure


def masks_follow(
    images: np.ndarray, masks: np.ndarray, moved: np.ndarray, moved_masks: np.ndarray
) -> Figure:
    """Images with the outlines of their masks, before and after both were moved."""
    figure, axes = plt.subplots(
        2, len(images), figsize=(1.35 * len(images) + 0.4, 3.0), layout="constrained", squeeze=False
    )
    for row, (pictures, outlines, title) in enumerate(
        ((images, masks, "before"), (moved, moved_masks, "moved"))
    ):
        axes[row][0].set_ylabel(title, fontsize=10)
        for axis, picture, outline in zip(axes[row], pictures, outlines, strict=True):
            axis.imshow(np.clip(np.asarray(picture), 0, 1))
            if np.asarray(outline).any():
                axis.contour(np.asarray(outline, float), [0.5], colors="white", linewidths=3.0)
                axis.contour(np.asarray(outline, float), [0.5], colors=ORANGE, linewidths=1.6)
    _bare(axes)
    return figure


def curves(names: Sequence[str]) -> Figure:
    """Loss and accuracy of trained models side by side, with the gap between training and
    validation marked at the end.

    names: of models that were trained with `training.fit`; a column for each.
    """
    records = [models.load(name)[0] for name in names]
    figure, axes = plt.subplots(
        2, len(records), figsize=(4.3 * len(records) + 0.4, 5.4), squeeze=False,
        layout="constrained", sharex="col", sharey="row",
    )  # fmt: skip
    for column, record in enumerate(records):
        for row, key in enumerate(("loss", "accuracy")):
            axis = axes[row][column]
            _pair(axis, record["history"], key)
            axis.grid(alpha=0.25)
            if row == 0:
                axis.set_title(_titled(record), fontsize=10.5)
            if column == 0:
                axis.set_ylabel(key)
        axes[1][column].set_xlabel("epoch")
        last = len(record["history"]["loss"])
        axes[1][column].set_xticks(range(1, last + 1, max(1, last // 5)))
    axes[0][0].legend(fontsize=9, loc="upper right")
    return figure


def _titled(record: dict[str, Any]) -> str:
    return str(record["name"]) + ("" if record.get("augmentation") else " (no augmentation)")


def _pair(axis: Axes, history: dict[str, list[float]], key: str) -> None:
    train, held_back = (np.asarray(history[name]) for name in (key, f"val_{key}"))
    count = min(len(train), len(held_back))
    epochs = np.arange(1, count + 1)
    train, held_back = train[:count], held_back[:count]
    axis.fill_between(epochs, train, held_back, color=_GAP, alpha=0.22, lw=0, label="gap")
    axis.plot(epochs, train, "o-", ms=3, color=BLUE, label="training")
    axis.plot(epochs, held_back, "s-", ms=3, color=ORANGE, label="validation")
    worse = held_back[-1] - train[-1] if key == "loss" else train[-1] - held_back[-1]
    axis.annotate(
        "",
        (count + 0.35, train[-1]),
        (count + 0.35, held_back[-1]),
        arrowprops={"arrowstyle": "<->", "color": "black", "lw": 1.1, "shrinkA": 0, "shrinkB": 0},
        annotation_clip=False,
    )
    told = f"{worse:+.2f}" if key == "loss" else f"{100 * worse:+.1f}\npoints"
    middle = (train[-1] + held_back[-1]) / 2
    axis.text(count + 0.7, middle, told, fontsize=9, va="center")
    axis.set_xlim(0.5, count + max(2.2, 0.2 * count))


def strategies(names: Sequence[str]) -> Figure:
    """Training and validation accuracy of each strategy, the best at the top; the line between the
    two is the gap."""
    records = sorted((models.load(name)[0] for name in names), key=lambda r: r["validation"])
    figure, axis = plt.subplots(figsize=(8.2, 0.52 * len(records) + 1.2), layout="constrained")
    for place, record in enumerate(records):
        train, held_back = 100 * record["train"], 100 * record["validation"]
        axis.plot([train, held_back], [place] * 2, color=_GAP, lw=4, alpha=0.6, zorder=1)
        axis.scatter([train], [place], color=BLUE, s=46, zorder=2, label="training" * (not place))
        axis.scatter(
            [held_back], [place], color=ORANGE, marker="s", s=46, zorder=2,
            label="validation" * (not place),
        )  # fmt: skip
        left, right = sorted((train, held_back))
        for value, side, shift in ((left, "right", -7), (right, "left", 7)):
            axis.annotate(
                f"{value:.1f}", (value, place), (shift, 0), textcoords="offset points",
                ha=side, va="center", fontsize=9,
            )  # fmt: skip
    plain = [r for r in records if not r.get("augmentation")]
    if plain:
        reached = 100 * plain[0]["validation"]
        axis.axvline(reached, color=GREY, lw=1, ls="--", zorder=0)
        axis.text(
            reached, len(records) - 0.45, f" {plain[0]['name']}, validation", fontsize=8,
            color=GREY, va="top",
        )  # fmt: skip
    low = min(min(r["train"], r["validation"]) for r in records)
    high = max(max(r["train"], r["validation"]) for r in records)
    margin = 0.12 * (high - low) + 0.01
    axis.set(
        yticks=range(len(records)), yticklabels=[r["name"] for r in records],
        ylim=(-0.6, len(records) - 0.3), xlabel="images right, percent",
        xlim=(100 * (low - margin), 100 * (high + margin)),
    )  # fmt: skip
    axis.grid(axis="x", alpha=0.25)
    figure.legend(loc="outside upper center", ncols=2, fontsize=9, frameon=False)
    return figure


def told_of(augmenter: Any) -> None:
    """Print what an augmenter does, a line for each step."""
    for step in augmenters.in_words(augmenter).split(", "):
        print("·", step)


def _bare(axes: np.ndarray) -> None:
    for axis in axes.ravel():
        axis.set(xticks=[], yticks=[])
        for spine in axis.spines.values():
            spine.set_visible(False)
