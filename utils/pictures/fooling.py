"""Pictures of notebook 05: the way to an adversarial image, what was changed, and what noise does.

They show what the student's functions return; what nets think of it is asked here.  Nothing is
decided by a picture, and none is needed when work is graded.
"""

from __future__ import annotations

import html
import io
from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from utils.exercises.fooling import compiled
from utils.explorers.frame import name_sliders
from utils.nets.pretrained import PretrainedNet
from utils.palette import BLUE, GREY, ORANGE

# Colours that remain distinct with any colour vision: Okabe and Ito, jfly.uni-koeln.de/color

ENOUGH = 0.98
"""The probability that the target must have."""

_DARK_ORANGE = "#B35900"
"""For letters and lines on white, which the palette's orange is too bright for."""
_SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_FRAMES = 21
_NOISES = 16


def pictures(images: Sequence[np.ndarray], titles: Sequence[str]) -> Figure:
    """Images side by side, each pixel as a square, with a title each."""
    count = len(images)
    figure, axes = plt.subplots(
        1, count, figsize=(min(2.5 * count, 10), 2.9), squeeze=False, layout="constrained"
    )
    for axis, image, title in zip(axes[0], images, titles, strict=True):
        _show(axis, image)
        axis.set_title(title, fontsize=10)
    return figure


def captions(net: PretrainedNet, images: np.ndarray) -> list[str]:
    """What a net takes each image for, and how sure it is."""
    return [f"{best[0][0]}\np = {best[0][1]:.3f}" for best in net.top(images, 1)]


def trajectory(net: PretrainedNet, way: np.ndarray, label: int, target: int) -> Figure:
    """Scores and probabilities along a way (T + 1, H, W, 3), and pictures from it."""
    scores = np.asarray(net.logits(np.asarray(way, np.float32)))
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    figure = plt.figure(figsize=(11, 6.4), layout="constrained")
    rows = figure.add_gridspec(2, 1, height_ratios=[1, 2.1])
    chosen = np.unique(np.linspace(0, len(way) - 1, min(6, len(way))).round().astype(int))
    top = rows[0].subgridspec(1, len(chosen))
    for place, number in enumerate(chosen):
        axis = figure.add_subplot(top[place])
        _show(axis, way[number])
        axis.set_title(f"step {number}", fontsize=11)
    bottom = rows[1].subgridspec(1, 2)
    for place, (values, name) in enumerate(((scores, "score"), (probabilities, "probability"))):
        axis = figure.add_subplot(bottom[place])
        _lines(axis, values, net.class_names, label, target)
        axis.set_xlabel("step", fontsize=11)
        axis.set_ylabel(f"{name} of each class", fontsize=11)
    axis.axhline(ENOUGH, color="black", linewidth=0.8, linestyle=":")
    axis.set_ylim(-0.03, 1.05)
    axis.text(0, ENOUGH - 0.02, f"{ENOUGH}, the aim", fontsize=10, va="top")
    return figure


def _lines(axis: Axes, values: np.ndarray, names: Sequence[str], label: int, target: int) -> None:
    """A line for each class that matters, with its name where it ends."""
    steps = np.arange(len(values))
    moves = np.ptp(values, axis=0) > 0.04 * np.ptp(values)
    others = [k for k in np.argsort(-values.max(axis=0)) if moves[k] and k not in (label, target)]
    for k in others[:8]:
        axis.plot(steps, values[:, k], color=GREY, linewidth=1, label=names[k])
    marks: dict[str, Any] = {"markersize": 4, "linewidth": 2}
    true, wanted = f"{names[label]} (true)", f"{names[target]} (target)"
    axis.plot(steps, values[:, label], "s--", color=BLUE, label=true, **marks)
    axis.plot(steps, values[:, target], "o-", color=_DARK_ORANGE, label=wanted, **marks)
    axis.spines[["top", "right"]].set_visible(False)
    lines = sorted(axis.get_lines(), key=lambda line: float(np.asarray(line.get_ydata())[-1]))
    low, high = axis.get_ylim()
    ends = [float(np.asarray(line.get_ydata())[-1]) for line in lines]
    places = _apart(ends, (high - low) / 19)
    for line, end, place in zip(lines, ends, places, strict=True):
        axis.annotate(
            str(line.get_label()),
            (steps[-1], end),
            (1.03, place),
            textcoords=axis.get_yaxis_transform(),
            arrowprops={"arrowstyle": "-", "color": line.get_color(), "linewidth": 0.7},
            color=line.get_color(),
            fontsize=10,
            va="center",
        )


def _apart(values: Sequence[float], gap: float) -> list[float]:
    """Increasing values, moved until neighbours are at least a gap apart."""
    places: list[float] = []
    for value in values:
        places.append(max(value, places[-1] + gap) if places else value)
    shift = float(np.mean(places) - np.mean(values))
    return [place - shift for place in places]


# -- from the image to its twin -------------------------------------------------------------------


def strip(net: PretrainedNet, image: np.ndarray, fooled: np.ndarray) -> Figure:
    """Pictures between an image and its twin, (H, W, 3) uint8, and the probabilities below."""
    between = _between(image, fooled, np.array(_SHARES))
    table = np.asarray(net.probabilities(between))
    shown, colours = _classes(table)
    figure, axes = plt.subplots(
        2, len(_SHARES), figsize=(10, 4.4), layout="constrained", height_ratios=[1, 1.15]
    )
    for place, share in enumerate(_SHARES):
        _show(axes[0, place], between[place])
        axes[0, place].set_title(f"{100 * share:.0f} % of the change", fontsize=9)
        _bars(axes[1, place], table[place, shown], colours)
        axes[1, place].set_yticks(range(len(shown)), [])
        axes[1, place].set_xlabel("probability", fontsize=8)
    axes[1, 0].set_yticks(range(len(shown)), [net.class_names[k] for k in shown], fontsize=8)
    return figure


def slider(net: PretrainedNet, image: np.ndarray, fooled: np.ndarray) -> Any:
    """A slider from an image to its twin, (H, W, 3) uint8: the picture, and the probabilities.

    Returns a widget; where there are no widgets, a sentence.  `strip` shows the same on paper.
    """
    try:
        import ipywidgets  # not everywhere, and what is graded needs none
    except ImportError:
        return _Sentence("There are no widgets here; the next picture shows the same.")
    frames = _render(net, image, fooled)
    picture = ipywidgets.Image(
        value=frames[0], format="png", layout=ipywidgets.Layout(width="640px", max_width="98%")
    )
    step = 100 // (_FRAMES - 1)
    control = ipywidgets.IntSlider(
        value=0,
        min=0,
        max=100,
        step=step,
        description="change, %",
        layout=ipywidgets.Layout(width="480px", max_width="98%"),
    )
    control.observe(lambda event: setattr(picture, "value", frames[event["new"] // step]), "value")
    name_sliders()
    return ipywidgets.VBox([control, picture])


class _Sentence:
    def __init__(self, text: str):
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _render(net: PretrainedNet, image: np.ndarray, fooled: np.ndarray) -> list[bytes]:
    """The frames behind the slider, as PNG files."""
    shares = np.linspace(0, 1, _FRAMES)
    between = _between(image, fooled, shares)
    table = np.asarray(net.probabilities(between))
    shown, colours = _classes(table)
    figure = Figure(figsize=(6.4, 2.9))
    left = figure.add_axes((0.01, 0.05, 0.40, 0.80))
    right = figure.add_axes((0.60, 0.17, 0.37, 0.68))
    size = _l2(image, fooled)
    frames = []
    for share, picture, row in zip(shares, between, table, strict=True):
        left.clear()
        right.clear()
        _show(left, picture)
        left.set_title(f"{100 * share:.0f} % of the change: L2 = {share * size:.2f}", fontsize=10)
        _bars(right, row[shown], colours)
        right.set_yticks(range(len(shown)), [net.class_names[k] for k in shown], fontsize=9)
        right.set_xlabel("probability")
        right.set_title(f"the net sees: {net.class_names[int(row.argmax())]}", fontsize=10)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=100)
        frames.append(buffer.getvalue())
    return frames


def _between(image: np.ndarray, fooled: np.ndarray, shares: np.ndarray) -> np.ndarray:
    first, last = (np.asarray(a, np.float32) / np.float32(255) for a in (image, fooled))
    return np.stack([first + np.float32(share) * (last - first) for share in shares])


def _classes(table: np.ndarray, most: int = 10) -> tuple[np.ndarray, list[str]]:
    """Classes that matter along a way, and their colours: the first winner and the last differ."""
    chosen = np.sort(np.argsort(-table.max(axis=0), kind="stable")[:most])
    first, last = table[0].argmax(), table[-1].argmax()
    return chosen, [BLUE if k == first else ORANGE if k == last else GREY for k in chosen]


def _bars(axis: Axes, values: np.ndarray, colours: list[str]) -> None:
    axis.barh(range(len(values)), values, color=colours, height=0.75)
    axis.set(xlim=(0, 1), ylim=(len(values) - 0.4, -0.6), xticks=[0, 0.5, 1])
    axis.tick_params(labelsize=8)
    axis.axvline(ENOUGH, color="black", linewidth=0.8, linestyle=":")
    axis.spines[["top", "right"]].set_visible(False)


# -- several targets ------------------------------------------------------------------------------


class Table:
    """Rows under headings, for notebooks and for paper."""

    def __init__(self, headings: Sequence[str], rows: Sequence[Sequence[str]]):
        self.headings, self.rows = list(headings), [list(row) for row in rows]

    def _repr_html_(self) -> str:
        style = "text-align:left;padding:2px 14px 2px 0"
        lines = [
            "".join(f'<{tag} style="{style}">{html.escape(cell)}</{tag}>' for cell in row)
            for tag, row in (("th", self.headings), *(("td", row) for row in self.rows))
        ]
        return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"

    def __repr__(self) -> str:
        table = [self.headings, *self.rows]
        widths = [max(len(row[i]) for row in table) for i in range(len(self.headings))]
        return "\n".join(
            "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()
            for row in table
        )


def table_of_targets(
    names: Sequence[str],
    labels: Sequence[int],
    targets: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
    size: np.ndarray,
) -> Table:
    """What it took to turn images into targets, one row each."""
    rows = [
        [names[int(label)], names[int(t)], f"{float(p):.2g}", f"{float(q):.4f}", f"{float(s):.2f}"]
        for label, t, p, q, s in zip(labels, targets, before, after, size, strict=True)
    ]
    return Table(
        ["image", "target", "its probability before", "and after", "L2 of the change"], rows
    )


def likely_against_unlikely(likely: np.ndarray, unlikely: np.ndarray) -> Figure:
    """Sizes of the changes for the same images: a likely target on the left, an unlikely right."""
    figure, axis = plt.subplots(figsize=(5.6, 3.6), layout="constrained")
    for pair in zip(likely, unlikely, strict=True):
        axis.plot([0, 1], pair, color=GREY, linewidth=1)
    for place, values, colour, marker in ((0, likely, BLUE, "s"), (1, unlikely, ORANGE, "o")):
        axis.plot(np.full(len(values), place), values, marker, color=colour, markersize=6)
        axis.plot([place - 0.12, place + 0.12], [np.median(values)] * 2, color=colour, linewidth=3)
    axis.set(
        xlim=(-0.4, 1.4),
        ylim=(0, None),
        xticks=[0, 1],
        xticklabels=["likely target", "unlikely target"],
        ylabel="L2 of the smallest change",
        title="Each line is one image; bars are medians",
    )
    axis.spines[["top", "right"]].set_visible(False)
    return figure


# -- how small is small ---------------------------------------------------------------------------


def noise_of_size(shape: tuple[int, ...], size: float, seed: int) -> np.ndarray:
    """Normally distributed noise with exactly this L2 norm."""
    noise = np.random.default_rng(seed).standard_normal(shape)
    return (size * noise / np.linalg.norm(noise)).astype(np.float32)


def against_noise(net: PretrainedNet, image: np.ndarray, fooled: np.ndarray) -> Figure:
    """An adversarial change beside noise of the same size, and what both do when they grow.

    image, fooled: (H, W, 3) uint8.
    """
    first = np.asarray(image, np.float32) / np.float32(255)
    change = np.asarray(fooled, np.float32) / np.float32(255) - first
    size = _l2(image, fooled)
    label = int(np.asarray(net.probabilities(first[None]))[0].argmax())
    target = int(np.asarray(net.probabilities((first + change)[None]))[0].argmax())
    factors = np.geomspace(0.1, 16, 23)
    ask = compiled(net)
    grown = [_softmax(np.asarray(ask(first + np.float32(f) * change[None]))) for f in factors]
    noisy = []
    for factor in factors:
        noises = [noise_of_size(first.shape, factor * size, seed) for seed in range(_NOISES)]
        noisy.append(_softmax(np.asarray(ask(np.clip(first + np.stack(noises), 0, 1)))))
    figure = plt.figure(figsize=(11, 6.4), layout="constrained")
    rows = figure.add_gridspec(2, 1, height_ratios=[1, 1.4])
    top = rows[0].subgridspec(1, 4)
    one = np.clip(first + noise_of_size(first.shape, size, 0), 0, 1)
    ten = np.clip(first + noise_of_size(first.shape, 10 * size, 0), 0, 1)
    images = [first, first + change, one, ten]
    titles = [
        "image",
        f"adversarial, L2 {size:.2f}",
        "noise of the same L2",
        "noise, 10 times the L2",
    ]
    for place, (picture, title, caption) in enumerate(
        zip(images, titles, captions(net, np.stack(images)), strict=True)
    ):
        axis = figure.add_subplot(top[place])
        _show(axis, picture)
        axis.set_title(f"{title}\n{caption.replace(chr(10), ', ')}", fontsize=11)
    bottom = rows[1].subgridspec(1, 2)
    lengths, names = factors * size, net.class_names
    p = np.stack([several[:, label] for several in noisy])
    left, right = (figure.add_subplot(bottom[place]) for place in range(2))
    left.fill_between(lengths, p.min(axis=1), p.max(axis=1), color=BLUE, alpha=0.2, linewidth=0)
    true = f"{names[label]} (true)"
    left.plot(lengths, np.median(p, axis=1), "s-", color=BLUE, markersize=4, label=true)
    for k, marks, name in ((label, "s-", true), (target, "o-", f"{names[target]} (target)")):
        colour = BLUE if k == label else _DARK_ORANGE
        right.plot(lengths, [row[0, k] for row in grown], marks, color=colour, markersize=4,
                   label=name)  # fmt: skip
    left.set_title(f"random noise: median and range of {_NOISES}", fontsize=11)
    right.set_title("the adversarial change, made smaller and larger", fontsize=11)
    ticks = [t for t in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50) if lengths[0] <= t <= lengths[-1]]
    for axis in (left, right):
        axis.axvline(size, color=GREY, linewidth=1, linestyle=":")
        axis.set(xscale="log", ylim=(-0.03, 1.05), xlim=(lengths[0], lengths[-1]))
        axis.set_xlabel(f"L2 of what is added (dotted: {size:.2f})", fontsize=11)
        axis.set_xticks(ticks, [f"{t:g}" for t in ticks])
        axis.minorticks_off()
        axis.legend(loc="center left", fontsize=10, frameon=False)
        axis.spines[["top", "right"]].set_visible(False)
    left.set_ylabel("probability", fontsize=11)
    return figure


def _softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _l2(image: np.ndarray, fooled: np.ndarray) -> float:
    return float(np.linalg.norm(np.asarray(fooled) / 255.0 - np.asarray(image) / 255.0))


def _show(axis: Axes, image: np.ndarray) -> None:
    """An image, uint8 or in [0, 1], without axes."""
    image = np.asarray(image)
    axis.imshow(image if image.dtype == np.uint8 else np.clip(image, 0, 1), interpolation="nearest")
    axis.set(xticks=[], yticks=[])
    for spine in axis.spines.values():
        spine.set_visible(False)
