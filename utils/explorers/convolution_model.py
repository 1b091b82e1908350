"""What the convolution stepper knows: where windows stand, what each reads, and who reads a pixel.

One image with one channel and one kernel, taken apart into single products so that each can be
shown.  It is written to be looked at term by term and is no way to compute a layer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from utils.checks.answering import to_look_at

Padding = str | int
""""VALID", "SAME", or a number of zeros on each side."""


@dataclass(frozen=True)
class Axis:
    """Windows along one axis.  `starts` are positions in the input; zeros lie outside of it."""

    size: int
    before: int
    after: int
    starts: tuple[int, ...]


@dataclass(frozen=True)
class Setting:
    """All that is chosen."""

    image: np.ndarray
    """(H, W)."""
    kernel: np.ndarray
    """(kh, kw)."""
    bias: float = 0.0
    stride: tuple[int, int] = (1, 1)
    padding: Padding = "VALID"

    @property
    def axes(self) -> tuple[Axis, Axis]:
        """Windows down, and to the right."""
        down, right = (
            place(*measures, self.padding)
            for measures in zip(self.image.shape, self.kernel.shape, self.stride, strict=True)
        )
        return down, right

    @property
    def output_shape(self) -> tuple[int, int]:
        """Rows and columns of the output."""
        down, right = self.axes
        return len(down.starts), len(right.starts)


@dataclass(frozen=True)
class Term:
    """One product: an input value, or a zero beside the input, times a weight."""

    row: int
    column: int
    value: float
    weight: float
    inside: bool
    """Is it a pixel, and not padding?"""


@dataclass(frozen=True)
class Reader:
    """A window that reads a pixel: its output (i, j), and the weight (u, v) that lies on it."""

    i: int
    j: int
    u: int
    v: int
    weight: float


@to_look_at
def place(size: int, kernel: int, stride: int, padding: Padding) -> Axis:
    """Find the windows along one axis by laying them out, first to last.

    size, kernel, stride: cells.  No window fits: `starts` is empty.
    """
    if padding == "SAME":  # a window for each step; the input grows until they all fit
        reach = range(0, size, stride)[-1] + kernel
        missing = max(reach, size) - size
        first = -(missing // 2)
        starts = tuple(first + step for step in range(0, size, stride))
        return Axis(size, -first, missing + first, starts)
    zeros = padding if isinstance(padding, int) else 0
    starts = tuple(range(-zeros, size + zeros - kernel + 1, stride))
    return Axis(size, zeros, zeros, starts)


@to_look_at
def symmetric_zeros(kernel: int) -> int:
    """Zeros on each side where a program knows only symmetric padding: half the kernel."""
    return kernel // 2


@to_look_at
def terms(setting: Setting, i: int, j: int) -> list[Term]:
    """The products whose sum, with the bias, is output (i, j), in reading order."""
    down, right = setting.axes
    found = []
    for (u, v), weight in np.ndenumerate(setting.kernel):
        row, column = down.starts[i] + u, right.starts[j] + v
        inside = 0 <= row < down.size and 0 <= column < right.size
        value = float(setting.image[row, column]) if inside else 0.0
        found.append(Term(row, column, value, float(weight), inside))
    return found


@to_look_at
def value_at(setting: Setting, i: int, j: int) -> float:
    """Output (i, j)."""
    return sum(term.value * term.weight for term in terms(setting, i, j)) + setting.bias


@to_look_at
def outputs(setting: Setting) -> np.ndarray:
    """All outputs."""
    values = np.zeros(setting.output_shape)
    for i, j in np.ndindex(values.shape):
        values[i, j] = value_at(setting, i, j)
    return values


@to_look_at
def readers(setting: Setting, row: int, column: int) -> list[Reader]:
    """The outputs that send gradient to a pixel, each with the weight it sends it through."""
    down, right = setting.axes
    found = []
    for i, top in enumerate(down.starts):
        for j, left in enumerate(right.starts):
            u, v = row - top, column - left
            if 0 <= u < setting.kernel.shape[0] and 0 <= v < setting.kernel.shape[1]:
                found.append(Reader(i, j, u, v, float(setting.kernel[u, v])))
    return found


@to_look_at
def reader_counts(setting: Setting) -> np.ndarray:
    """How many windows read each pixel, (H, W)."""
    counts = np.zeros(setting.image.shape, int)
    for (row, column), _ in np.ndenumerate(counts):
        counts[row, column] = len(readers(setting, row, column))
    return counts


@to_look_at
def with_symmetric_padding(setting: Setting) -> Setting:
    """The same with half the kernel of zeros on each side.  Both axes get the larger number."""
    zeros = max(symmetric_zeros(side) for side in setting.kernel.shape)
    return Setting(setting.image, setting.kernel, setting.bias, setting.stride, zeros)


MOST_ROWS, MOST_KERNEL, MOST_ZEROS = 8, 5, 3


def parse(text: str, most: int) -> np.ndarray:
    """Read a table of numbers, a row a line.  Raises ValueError that says what is wrong."""
    rows = [line.replace(",", " ").replace("−", "-").split() for line in text.splitlines()]
    rows = [row for row in rows if row]
    if not rows:
        raise ValueError("is empty; write numbers, a row on each line")
    lengths = {len(row) for row in rows}
    if len(lengths) > 1:
        raise ValueError(f"has rows of {min(lengths)} and of {max(lengths)} numbers")
    if len(rows) > most or lengths.pop() > most:
        raise ValueError(f"is larger than {most}×{most}")
    values = np.zeros((len(rows), len(rows[0])))
    for (i, j), _ in np.ndenumerate(values):
        try:
            values[i, j] = float(rows[i][j])
        except ValueError:
            raise ValueError(f"holds {rows[i][j][:12]!r}, which is no number") from None
        if not abs(values[i, j]) <= 1000:  # and no nan
            raise ValueError(f"holds {rows[i][j][:12]!r}; numbers from −1000 to 1000 will do")
    return values


def resized(values: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """The same numbers with another shape: cut off, or begun anew from the other edge."""
    return values[np.ix_(np.arange(rows) % len(values), np.arange(columns) % len(values[0]))]


def written(values: np.ndarray) -> str:
    """A table of numbers as `parse` reads it."""
    return "\n".join(" ".join(f"{value:g}" for value in row) for row in values)
