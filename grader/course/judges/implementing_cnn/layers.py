"""Judges of the layers: padding, convolution and max pooling, forward and backward.

The questions are a grid on which typical bugs show: nothing is square, windows overlap, leave gaps
or don't tile, values are negative, equal or of type float32.  Numbers are multiples of 1/16, so
that a correct answer is exact in whatever order it adds, and the public cases are small on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from grader.contract.judge import PUBLIC_SEED, Judge, Mistake, Question
from utils.checks.compare import TOO_SLOW

from . import reference
from .convolution_mistakes import CONV_BACKWARD, CONV_FORWARD
from .pooling_mistakes import POOL_BACKWARD, POOL_FORWARD
from .window_mistakes import SAME_PADDING

Pair = tuple[int, int]


@dataclass(frozen=True)
class Setting:
    """Shapes of one question."""

    label: str
    padding: str
    image: Pair
    window: Pair
    stride: Pair = (1, 1)
    images: int = 2
    channels: int = 3
    filters: int = 2
    dtype: str = "float64"
    values: str = "mixed"

    @property
    def title(self) -> str:
        """What is shown to the student."""
        (h, w), (kh, kw) = self.image, self.window
        text = f"{self.padding}, {h}×{w} input, window {kh}×{kw}, stride {self.stride}"
        return f"{text}: {self.label}" if self.label else text


CONVOLUTIONS = (
    Setting("one image, channel, filter", "VALID", (5, 5), (3, 3), images=1, channels=1, filters=1),
    Setting("channels and filters", "VALID", (4, 6), (3, 3), filters=4),
    Setting("wide kernel", "VALID", (6, 7), (2, 3)),
    Setting("tall kernel", "VALID", (7, 5), (4, 2)),
    Setting("windows don't tile", "VALID", (8, 9), (3, 2), (2, 3)),
    Setting("gaps between windows", "VALID", (9, 7), (2, 1), (3, 2)),
    Setting("one column of windows", "VALID", (8, 3), (2, 3), (3, 1)),
    Setting("as many channels as filters", "VALID", (5, 6), (3, 3), channels=3, filters=3),
    Setting("", "SAME", (5, 6), (3, 3)),
    Setting("large kernel", "SAME", (6, 5), (5, 5), images=1),
    Setting("even kernel", "SAME", (5, 7), (2, 4)),
    Setting("even kernel", "SAME", (7, 8), (4, 2), (2, 3)),
    Setting("three images", "SAME", (8, 7), (3, 5), (2, 3), images=3),
    Setting("gaps between windows", "SAME", (7, 8), (1, 2), (3, 3)),
    Setting("1×1 kernel", "SAME", (4, 5), (1, 1), channels=4),
    Setting("float32", "SAME", (6, 7), (3, 2), (2, 1), dtype="float32"),
    Setting("constant, negative input", "SAME", (5, 4), (3, 3), values="constant"),
)

POOLINGS = (
    Setting("one image and channel", "VALID", (4, 6), (2, 2), (2, 2), images=1, channels=1),
    Setting("overlapping windows", "VALID", (7, 9), (3, 3), (2, 2)),
    Setting("overlapping windows", "VALID", (6, 5), (2, 4), (1, 1)),
    Setting("windows don't tile", "VALID", (8, 10), (3, 2), (2, 3)),
    Setting("gaps between windows", "VALID", (9, 8), (2, 1), (3, 2)),
    Setting("one window", "VALID", (4, 3), (4, 3), (1, 1)),
    Setting("one column of windows", "VALID", (8, 3), (2, 3), (3, 1)),
    Setting("overlapping windows", "SAME", (5, 7), (3, 2), (1, 1)),
    Setting("", "SAME", (7, 8), (3, 5), (2, 3)),
    Setting("even window", "SAME", (6, 7), (4, 2), (3, 1)),
    Setting("gaps between windows", "SAME", (7, 8), (1, 2), (3, 3)),
    Setting("1×1 window", "SAME", (4, 5), (1, 1), (2, 2)),
    Setting("window larger than the input", "SAME", (3, 4), (5, 6), (2, 2)),
    Setting("all values negative", "SAME", (5, 6), (3, 3), (2, 2), values="negative"),
    Setting("constant input", "SAME", (5, 4), (3, 2), (2, 1), values="constant"),
    Setting("many equal values", "VALID", (6, 7), (3, 4), (1, 2), values="few"),
    Setting("many equal values", "SAME", (7, 6), (3, 3), (2, 2), values="few"),
    Setting("float32", "SAME", (6, 7), (3, 2), (2, 1), dtype="float32"),
)

_LARGE = Setting("many images", "SAME", (30, 34), (5, 5), (1, 1), 4, 8, 8, "float32")


def _any_setting(rng: np.random.Generator, padding: str) -> Setting:
    """Shapes that nobody has thought of beforehand."""
    image = rng.integers(5, 9), rng.integers(5, 9)
    window = rng.integers(1, 5), rng.integers(1, 5)
    stride = rng.integers(1, 4), rng.integers(1, 4)
    pairs = [(int(a), int(b)) for a, b in (image, window, stride)]
    return Setting("", padding, pairs[0], pairs[1], pairs[2], filters=int(rng.integers(1, 5)))


def _settings(grid: tuple[Setting, ...]) -> Iterator[Setting]:
    """The grid and two more.  Values are drawn anew each time but shapes are not, so that the same
    mistake costs the same share of the points in every draw."""
    yield from grid
    shapes = np.random.default_rng(PUBLIC_SEED)
    for padding in ("VALID", "SAME"):
        yield _any_setting(shapes, padding)


def _numbers(rng: np.random.Generator, shape: tuple[int, ...], setting: Setting) -> np.ndarray:
    """Multiples of 1/16, exact in float32."""
    return (rng.integers(-32, 33, shape) / 16).astype(setting.dtype)


def _image(rng: np.random.Generator, setting: Setting) -> np.ndarray:
    """Input (N, H, W, C).  Without ties unless the setting asks for them."""
    shape = (setting.images, *setting.image, setting.channels)
    if setting.values == "constant":
        values = np.full(shape, -rng.integers(8, 33) / 16)
    elif setting.values == "few":
        values = rng.integers(-3, 0, shape) / 4
    else:
        size = int(np.prod(shape))
        values = (rng.permutation(size).reshape(shape) - size // 2) / 16
        if setting.values == "negative":
            values -= values.max() + 1000  # no number that is merely low will do as padding
    return values.astype(setting.dtype)


def _rtol(setting: Setting) -> float:
    return 1e-6 if setting.dtype == "float64" else 1e-4


def _convolution(rng: np.random.Generator, setting: Setting) -> Question:
    inputs = {
        "x": _image(rng, setting),
        "w": _numbers(rng, (*setting.window, setting.channels, setting.filters), setting),
        "b": _numbers(rng, (setting.filters,), setting),
        "stride": setting.stride,
        "padding": setting.padding,
    }
    return Question(setting.title, inputs, _rtol(setting))


def _outer(rng: np.random.Generator, setting: Setting, maps: int) -> np.ndarray:
    """A gradient dy of the output's shape."""
    rows, columns = (
        reference.place_windows(n, k, s, setting.padding)[2]
        for n, k, s in zip(setting.image, setting.window, setting.stride, strict=True)
    )
    return _numbers(rng, (setting.images, rows, columns, maps), setting)


def draw_paddings(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    """Sizes, kernels and strides for SAME padding.

    Sizes of the grid are drawn a few strides larger, which changes nothing but the number of
    windows: so public cases are no table to look answers up in.  The others need padding.
    """
    grid = [(5, 3, 1), (6, 3, 2), (7, 3, 2), (5, 2, 1), (8, 4, 3), (9, 5, 2)]
    grid += [(9, 6, 1), (7, 1, 1), (7, 2, 3), (9, 1, 3), (8, 1, 2), (6, 2, 2)]
    more = rng.integers(0, 40, len(grid))
    larger = [(n + int(m) * s, k, s) for (n, k, s), m in zip(grid, more, strict=True)]
    drawn = (tuple(map(int, rng.integers([4, 2, 2], [90, 8, 5]))) for _ in range(1000))
    padded = (row for row in drawn if sum(reference.same_padding(*row)[:2]))
    for size, kernel, stride in [*larger, *islice(padded, 6)]:
        yield Question(
            f"size {size}, kernel {kernel}, stride {stride}",
            {"size": size, "kernel": kernel, "stride": stride},
        )


def draw_convolutions(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    """Inputs of conv2d_forward."""
    for setting in _settings(CONVOLUTIONS):
        yield _convolution(rng, setting)


def draw_large_convolutions(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    """Inputs of conv2d_fast: a few small ones, and arrays on which loops take their time."""
    labels = {"channels and filters", "windows don't tile", "even kernel", "float32"}
    for setting in _settings(tuple(s for s in CONVOLUTIONS if s.label in labels)):
        yield _convolution(rng, setting)
    for setting in (_LARGE, replace(_LARGE, padding="VALID", stride=(2, 1), window=(3, 4))):
        question = _convolution(rng, setting)
        x, w, b = (np.round(question.inputs[name] * 2) for name in "xwb")  # small on disk
        yield replace(question, inputs=question.inputs | {"x": x % 64 - 32, "w": w, "b": b})
    yield from _without_loops(rng)


_MANY = 600_000


def _without_loops(rng: np.random.Generator) -> Iterator[Question]:
    """So many outputs that a Python loop over them takes longer than it has, by two microseconds a
    turn, and one over the cells of the kernel a tenth of it.  They repeat themselves, since what
    repeats itself is small on disk.  Fourier transforms of many small images take half as long as a
    loop over them, so there is more time for those."""
    for what, x, w, seconds, share in (
        ("positions", (1, 801, 1002, 1), (2, 3, 1, 1), "a second", 0.1),
        ("images", (_MANY, 2, 2, 1), (2, 2, 1, 1), "two seconds", 0.2),
        ("filters", (1, 2, 2, 1), (2, 2, 1, _MANY), "a second", 0.1),
    ):
        inputs = {
            "x": _repeated(rng, x),
            "w": _repeated(rng, w),
            "b": _repeated(rng, w[3:]),
            "stride": (1, 1),
            "padding": "VALID",
        }
        outputs = f"{x[0] * (x[1] - w[0] + 1) * (x[2] - w[1] + 1) * w[3]:,} outputs"
        label = f"{outputs} in {seconds}: no loop over {what} ends in that time"
        yield Question(label, inputs, 1e-4, share=share)


def _repeated(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Multiples of 1/16, the same ones again and again."""
    return np.resize((rng.integers(-32, 33, 120) / 16).astype(np.float32), shape)


def draw_convolution_gradients(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    """Inputs of conv2d_backward."""
    for setting in _settings(CONVOLUTIONS):
        question = _convolution(rng, setting)
        inputs = {"dy": _outer(rng, setting, setting.filters)} | question.inputs
        del inputs["b"]
        yield replace(question, inputs=inputs)


def _pooling(rng: np.random.Generator, setting: Setting) -> Question:
    inputs = {
        "x": _image(rng, setting),
        "size": setting.window,
        "stride": setting.stride,
        "padding": setting.padding,
    }
    return Question(setting.title, inputs, _rtol(setting))


def draw_poolings(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    """Inputs of maxpool_forward."""
    for setting in _settings(POOLINGS):
        yield _pooling(rng, setting)


def draw_pooling_gradients(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    """Inputs of maxpool_backward."""
    for setting in _settings(POOLINGS):
        question = _pooling(rng, setting)
        inputs = {"dy": _outer(rng, setting, setting.channels)} | question.inputs
        yield replace(question, inputs=inputs)


def _in_float64(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function on float64 copies: what is expected never suffers from rounding."""

    def answer(**inputs: Any) -> Any:
        exact = {
            name: value.astype(np.float64) if isinstance(value, np.ndarray) else value
            for name, value in inputs.items()
        }
        return function(**exact)

    return answer


def _on_small_arrays(mistake: Mistake) -> Mistake:
    """The mistake, left out for large inputs: their outputs would fill the disk."""

    def answer(**inputs: Any) -> Any:
        if max(inputs[name].size for name in "xw") > 2000:
            raise ValueError("too large to be worth storing")
        return mistake.answer(**inputs)

    return replace(mistake, answer=answer)


def _exact(known: dict[str, Mistake]) -> dict[str, Mistake]:
    return {name: replace(m, answer=_in_float64(m.answer)) for name, m in known.items()}


def _biases_alone(dy: np.ndarray, x: np.ndarray, w: np.ndarray, **_: Any) -> dict[str, np.ndarray]:
    """The gradient that is a sum, and zeros."""
    return {"dx": np.zeros_like(x), "dw": np.zeros_like(w), "db": dy.sum(axis=(0, 1, 2))}


def _nothing_padded(size: int, kernel: int, stride: int) -> tuple[int, int, int]:
    return 0, 0, size // stride


def _half_a_kernel(size: int, kernel: int, stride: int) -> tuple[int, int, int]:
    return kernel // 2, kernel // 2, size


JUDGES_LAYERS = [
    Judge(
        "same_padding",
        reference.same_padding,
        draw_paddings,
        SAME_PADDING,
        parts=("before", "after", "windows"),
        idle=(_nothing_padded, _half_a_kernel),
        section="Exercise 01.1: where a window fits",
        alike=True,
    ),
    Judge(
        "conv2d_forward",
        _in_float64(reference.conv2d),
        draw_convolutions,
        _exact(CONV_FORWARD),
        section="Exercise 01.2: convolution, forward",
    ),
    Judge(
        "conv2d_fast",
        _in_float64(reference.conv2d),
        draw_large_convolutions,
        {name: _on_small_arrays(m) for name, m in _exact(CONV_FORWARD).items()},
        section="Exercise 01.3: the same without loops",
        hints={
            TOO_SLOW: "A loop over the few cells of the kernel is fast enough; so is one product "
            "with a matrix of all windows.  One over images, positions or filters is not."
        },
    ),
    Judge(
        "conv2d_backward",
        _in_float64(reference.conv2d_gradients),
        draw_convolution_gradients,
        _exact(CONV_BACKWARD),
        parts=("dx", "dw", "db"),
        section="Exercise 01.4: convolution, backward",
        idle=(_biases_alone,),
    ),
    Judge(
        "maxpool_forward",
        _in_float64(reference.max_pool),
        draw_poolings,
        _exact(POOL_FORWARD),
        section="Exercise 01.5: max pooling, forward",
    ),
    Judge(
        "maxpool_backward",
        _in_float64(reference.max_pool_gradient),
        draw_pooling_gradients,
        _exact(POOL_BACKWARD),
        section="Exercise 01.6: max pooling, backward",
    ),
]
"""One judge per check of the notebook's first half."""
