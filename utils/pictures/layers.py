"""Pictures of notebook 01: windows, patches, gradients, and a network learning.

Pictures that explain are drawn from numbers written down here; nothing in this module convolves or
pools.  Pictures that show a student's layers at work call them, and say so in a sentence if a layer
is not written yet.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from utils.checks import raised
from utils.exercises import tiny_training
from utils.palette import BLUE, GREEN, ORANGE, PALE, PURPLE, RED

_WINDOW_COLOURS = (BLUE, ORANGE, GREEN, RED, PURPLE)

_AIR = 0.12
"""Inches above and below titles, so that a figure's heading stands clear of those of its parts."""

_PADDINGS = (  # size, kernel, stride, zeros before, zeros after, windows
    (5, 3, 1, 1, 1, 5),
    (5, 2, 1, 0, 1, 5),
    (6, 3, 2, 0, 1, 3),
    (7, 3, 2, 1, 1, 4),
)


def draw_padding() -> None:
    """Where TensorFlow's SAME padding puts windows and zeros along one axis, four examples."""
    rows = [
        -0.65 - 0.42 * (max(p[-1] for p in pair) - 1) for pair in (_PADDINGS[:2], _PADDINGS[2:])
    ]
    figure, axes = plt.subplots(
        2, 2, figsize=(10, 5.4), layout="constrained", height_ratios=[1.1 - low for low in rows]
    )
    for axis, low, (size, kernel, stride, before, after, windows) in zip(
        axes.flat, np.repeat(rows, 2), _PADDINGS, strict=True
    ):
        for place in range(-before, size + after):
            inside = 0 <= place < size
            axis.add_patch(
                Rectangle(
                    (place, 0),
                    1,
                    1,
                    facecolor=PALE if inside else "white",
                    edgecolor="black",
                    hatch=None if inside else "///",
                )
            )
            label = str(place) if inside else "0"
            box = None if inside else {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
            axis.text(place + 0.5, 0.5, label, ha="center", va="center", fontsize=11, bbox=box)
        for number in range(windows):
            left, level = number * stride - before, -0.4 - 0.42 * number
            colour = _WINDOW_COLOURS[number]
            axis.plot([left + 0.08, left + kernel - 0.08], [level, level], color=colour, lw=5)
        middle = (size + after - before) / 2
        axis.set(xlim=(middle - 4.6, middle + 4.6), ylim=(low, 1.1))
        axis.set_title(
            f"n = {size}, k = {kernel}, s = {stride}:  {before} before, {after} after, "
            f"{windows} windows",
            fontsize=11,
        )
        axis.set_axis_off()
    _head(figure, "SAME padding along one axis: numbered cells are the input, hatched ones zeros")
    plt.show()


def draw_convolution_step() -> None:
    """One window of an image, the kernel, and the one output value that they give."""
    image = np.array(
        [[1, 0, 2, 1, 0], [0, 1, 3, 0, 1], [2, 1, 0, 1, 2], [1, 0, 1, 2, 0], [0, 2, 1, 0, 1]]
    )
    kernel = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])
    window = image[0:3, 2:5]
    figure, axes = plt.subplots(
        1, 3, figsize=(10, 3.9), width_ratios=(5, 3, 3), layout="constrained"
    )
    _cells(axes[0], image, "x: one channel of an image")
    axes[0].add_patch(Rectangle((2, 0), 3, 3, fill=False, edgecolor=RED, lw=4))
    _cells(axes[1], kernel, "w: a kernel")
    _cells(axes[2], np.full((3, 3), np.nan), "y (bias b = 0)")
    axes[2].add_patch(Rectangle((2, 0), 1, 1, facecolor="#FBE3D3", edgecolor=RED, lw=4))
    axes[2].text(2.5, 0.5, str(int(np.vdot(window, kernel))), ha="center", va="center", fontsize=15)
    _head(figure, "y[0, 2] = sum of the nine products of the framed window and w, cell by cell")
    plt.show()


def show_edges(conv2d: Callable[..., np.ndarray]) -> None:
    """A digit under three kernels, convolved by the student's own function."""
    digit = tiny_training.load_digits()["x_train"][10:11]
    kernels = {
        "brightness rises to the right": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
        "brightness rises downwards": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
        "mean of the neighbours": [[1 / 9] * 3] * 3,
    }
    w = np.stack([np.array(k, dtype=float) for k in kernels.values()], axis=-1)[:, :, None, :]
    maps = _run("conv2d_forward", conv2d, digit, w, np.zeros(3), (1, 1), "SAME")
    if maps is None:
        return
    figure, axes = plt.subplots(2, 2, figsize=(7.4, 6), layout="constrained")
    pictures = [axes[0, 0].imshow(digit[0, :, :, 0], cmap="gray")]
    for axis, feature_map in zip(axes.flat[1:], np.moveaxis(maps[0], -1, 0), strict=True):
        largest = float(np.abs(feature_map).max()) or 1.0
        pictures.append(axis.imshow(feature_map, cmap="PuOr_r", vmin=-largest, vmax=largest))
    for axis, picture, title in zip(axes.flat, pictures, ["input", *kernels], strict=True):
        axis.set(xticks=[], yticks=[], title=title)
        bar = figure.colorbar(picture, ax=axis, shrink=0.9, ticks=MaxNLocator(5))
        bar.set_label("value of x" if title == "input" else "value of y", fontsize=11)
        bar.ax.tick_params(labelsize=11)
    _head(figure, "Your convolution at work: three feature maps of one digit")
    plt.show()


def draw_patch_matrix() -> None:
    """A 3×4 image, its six 2×2 windows as rows of a matrix, and the product with the kernel."""
    image = np.arange(12).reshape(3, 4)
    corners = [(i, j) for i in range(2) for j in range(3)]
    patches = np.array([image[i : i + 2, j : j + 2].ravel() for i, j in corners])
    figure, axes = plt.subplots(
        1, 4, figsize=(11, 4.2), width_ratios=(4, 4, 1.3, 1.3), layout="constrained"
    )
    _cells(axes[0], image, "x (3×4)")
    _cells(axes[1], patches, "patches: a row per window (6×4)")
    for number, colour in ((0, BLUE), (4, RED)):
        i, j = corners[number]
        axes[0].add_patch(
            Rectangle((j + 0.06, i + 0.06), 1.88, 1.88, fill=False, edgecolor=colour, lw=4)
        )
        axes[1].add_patch(
            Rectangle((0.06, number + 0.06), 3.88, 0.88, fill=False, edgecolor=colour, lw=4)
        )
    _texts(axes[2], ["w₀₀", "w₀₁", "w₁₀", "w₁₁"], "w (4×1)")
    _texts(axes[3], ["y₀₀", "y₀₁", "y₀₂", "y₁₀", "y₁₁", "y₁₂"], "y (6×1)")
    _head(figure, "patches @ w = y: all windows at once, as one product of matrices")
    plt.show()


def show_speed(slow: Callable[..., np.ndarray], fast: Callable[..., np.ndarray]) -> None:
    """How long two convolutions take for the same 2 images of 40×40×4, 8 filters of 3×3.

    They take turns, and the shortest time of each counts: what else the machine does can only
    lengthen a run.
    """
    rng = np.random.default_rng(0)
    inputs = (rng.normal(size=(2, 40, 40, 4)), rng.normal(size=(3, 3, 4, 8)), np.zeros(8))
    seconds, begun, rounds = [np.inf, np.inf], time.perf_counter(), 0
    while rounds < 3 or (rounds < 20 and time.perf_counter() - begun < 3):
        for place, (name, function) in enumerate((("conv2d_forward", slow), ("conv2d_fast", fast))):
            started = time.perf_counter()
            if _run(name, function, *inputs, (1, 1), "SAME") is None:
                return
            seconds[place] = min(seconds[place], time.perf_counter() - started)
        rounds += 1
    ratio = seconds[0] / seconds[1]
    _, axis = plt.subplots(figsize=(8, 2.3), layout="constrained")
    bars = axis.barh(["with loops", "vectorised"], [s * 1e3 for s in seconds], color=[ORANGE, BLUE])
    axis.bar_label(bars, fmt=" %.1f ms")
    axis.margins(x=0.15)
    axis.invert_yaxis()
    axis.set(
        xlabel="milliseconds for two images",
        title=f"The same result, {ratio:.{0 if ratio > 10 else 1}f} times as fast",
    )
    plt.show()


def draw_window_counts() -> None:
    """How many 3×3 windows see each pixel of a 7×7 image, at strides 1 and 2."""
    along = {1: [1, 2, 3, 3, 3, 2, 1], 2: [1, 1, 2, 1, 2, 1, 1]}
    figure, axes = plt.subplots(1, 2, figsize=(9, 4.3), layout="constrained")
    for axis, (stride, counts) in zip(axes, along.items(), strict=True):
        both = np.outer(counts, counts)
        axis.imshow(both, cmap="Blues", vmin=0, vmax=14)
        for (i, j), count in np.ndenumerate(both):
            axis.text(j, i, str(count), ha="center", va="center", fontsize=12)
        for left, inset, colour in ((0, 0.06, RED), (stride, 0.13, "black")):
            corner, side = (left - 0.5 + inset, -0.5 + inset), 3 - 2 * inset
            axis.add_patch(Rectangle(corner, side, side, fill=False, edgecolor=colour, lw=3))
        axis.set(xticks=[], yticks=[], title=f"stride ({stride}, {stride})")
    _head(
        figure,
        "Number of 3×3 windows (two are framed) that read a pixel: as many gradients meet there",
    )
    plt.show()


def draw_pooling() -> None:
    """Two overlapping windows, the maximum of each, and where their gradients go."""
    image = np.array([[1, 3, 2, 0, 1], [0, 2, 9, 4, 2], [5, 1, 3, 4, 0]])
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.9), layout="constrained")
    _cells(axes[0], image, "forward: each window keeps its largest value")
    _cells(axes[1], np.full(image.shape, np.nan), "backward: dy goes where the maximum was")
    for axis in axes:
        axis.add_patch(Rectangle((2, 1), 1, 1, facecolor=PALE, edgecolor="#777777"))
        axis.add_patch(Rectangle((0.07, 0.07), 2.86, 2.86, fill=False, edgecolor=BLUE, lw=4))
        axis.add_patch(
            Rectangle((2.12, 0.14), 2.81, 2.72, fill=False, edgecolor=ORANGE, lw=4, ls="--")
        )
        axis.set_ylim(3.7, -0.1)
    axes[1].text(2.52, 1.5, "dy₀\n+ dy₁", ha="center", va="center", fontsize=10)
    for axis, texts in zip(axes, (("y₀ = 9", "y₁ = 9"), ("dy₀", "dy₁")), strict=True):
        for place, text, colour in zip((1.5, 3.5), texts, (BLUE, "#8A5F00"), strict=True):
            axis.text(place, 3.35, text, color=colour, ha="center", va="center", fontsize=13)
    _head(figure, "3×3 windows at stride 2 share a column, and here a maximum")
    plt.show()


_TRAINING_WIDTH = 9.0
"""Inches; both pictures of the training stand one below the other."""


def watch_training(
    conv2d: Callable[..., np.ndarray],
    conv2d_backward: Callable[..., Any],
    maxpool: Callable[..., np.ndarray],
    maxpool_backward: Callable[..., np.ndarray],
    epochs: int = 12,
) -> None:
    """Train the small network with the student's layers, drawing its loss as it falls."""
    layers = tiny_training.Layers(conv2d, conv2d_backward, maxpool, maxpool_backward)
    figure, axis = plt.subplots(figsize=(_TRAINING_WIDTH, 3.4), layout="constrained")
    show = _live(figure)

    def draw(history: tiny_training.History) -> None:
        _draw_loss(axis, history, epochs)
        show()

    try:
        history = tiny_training.train(layers, epochs, on_epoch=draw)
    except tiny_training.NotReady as reason:
        print(f"No training yet. {reason}")
        return
    finally:
        plt.close(figure)
    short = "" if history.epochs == epochs else f" (stopped after {history.epochs} epochs: slow)"
    print(
        f"Right on {history.test_accuracy:.1%} of digits by writers it has never seen, "
        f"after {history.seconds:.0f} seconds{short}."
    )
    _show_learned(layers, history)


def _draw_loss(axis: Axes, history: tiny_training.History, epochs: int) -> None:
    per_epoch = len(history.losses) / history.epochs
    batches = (np.arange(len(history.losses)) + 1) / per_epoch
    width = min(20, len(history.losses))
    smooth = np.convolve(history.losses, np.ones(width) / width, mode="valid")
    axis.clear()
    axis.semilogy(batches, history.losses, color="#9CC3DD", lw=0.8, label="each batch")
    axis.semilogy(batches[width - 1 :], smooth, color=BLUE, lw=2, label=f"mean of {width} batches")
    axis.set(
        xlim=(0, epochs),
        xlabel="epoch",
        ylabel="cross-entropy",
        title=f"Training with your own layers: epoch {history.epochs} of {epochs}",
    )
    axis.grid(alpha=0.3)
    axis.legend(loc="upper right")


def _show_learned(layers: tiny_training.Layers, history: tiny_training.History) -> None:
    """The kernels after training, and the first test digits with what the network says."""
    assert history.network is not None
    digits = tiny_training.load_digits()
    x, y = digits["x_test"][:12], digits["y_test"][:12]
    guesses = tiny_training.forward(layers, history.network, x)["probabilities"].argmax(axis=1)
    kernels = history.network.weights["kernel"][:, :, 0]
    largest = float(np.abs(kernels).max())
    figure, axes = plt.subplots(2, 12, figsize=(_TRAINING_WIDTH, 2.4), layout="constrained")
    for number in range(12):
        axes[0, number].imshow(kernels[..., number], cmap="PuOr_r", vmin=-largest, vmax=largest)
        axes[1, number].imshow(x[number, :, :, 0], cmap="gray_r")
        right = guesses[number] == y[number]
        axes[1, number].set_xlabel(
            f"{guesses[number]}" if right else f"{guesses[number]} (is {y[number]})",
            color="black" if right else RED,
        )
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
    _head(figure, "Above: the kernels it learned.  Below: test digits and what it takes them for")
    plt.show()


def _run(name: str, function: Callable[..., np.ndarray], *arguments: Any) -> np.ndarray | None:
    try:
        return function(*arguments)
    except NotImplementedError:
        print(f"{name} is not written yet. Finish its exercise, then run this cell again.")
    except Exception as error:  # the check below explains it better than a traceback through here
        print(f"{name} fails here: {raised.told(error)}")
    return None


def _live(figure: Figure) -> Callable[[], None]:
    """How to show the figure anew: in its place in a notebook, not at all elsewhere."""
    try:
        from IPython import display, get_ipython  # not everywhere, and slow to import
    except ImportError:
        return lambda: None
    if get_ipython() is None:
        return lambda: None
    plt.close(figure)  # else the notebook shows it once more at the end of the cell
    handles: list[Any] = []

    def show() -> None:
        if handles:
            handles[0].update(figure)
        else:
            handles.append(display.display(figure, display_id=True))

    return show


def _head(figure: Figure, text: str) -> None:
    """A heading for the whole figure."""
    engine = figure.get_layout_engine()
    assert isinstance(engine, ConstrainedLayoutEngine)
    engine.set(h_pad=_AIR)
    figure.suptitle(text)


def _cells(axis: Axes, values: np.ndarray, title: str) -> None:
    """A grid of numbers; NaN leaves a cell empty."""
    rows, columns = values.shape
    for (i, j), value in np.ndenumerate(values):
        axis.add_patch(Rectangle((j, i), 1, 1, facecolor="white", edgecolor="#777777"))
        if np.isfinite(value):
            axis.text(j + 0.5, i + 0.5, f"{value:g}", ha="center", va="center", fontsize=13)
    axis.set(xlim=(-0.1, columns + 0.1), ylim=(rows + 0.1, -0.1), aspect="equal")
    axis.set_title(title, fontsize=12)
    axis.set_axis_off()


def _texts(axis: Axes, texts: list[str], title: str) -> None:
    _cells(axis, np.full((len(texts), 1), np.nan), title)
    for row, text in enumerate(texts):
        axis.text(0.5, row + 0.5, text, ha="center", va="center", fontsize=13)
