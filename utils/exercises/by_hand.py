"""The numbers of notebook 01's hand calculations: the same for all, or drawn from a student's id.

Judges and notebooks take them from here, so both speak of the same exercise.  Only what is given
stands here; what comes out is for students to find, and for the judges to know.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from utils.checks.identity import variant_of

LENGTH, WINDOW = 9, 3
"""Number of values in the one-dimensional input, and in its filter."""

STEPS = {
    "S=1, P=0": (1, 0),
    "S=2, P=0": (2, 0),
    "S=4, P=0": (4, 0),
    "S=1, P=1": (1, 1),
    "S=4, P=1": (4, 1),
}
"""Name -> (stride, zeros on each side) of the one-dimensional exercise."""

SIZES = {
    "F=3, S=1, P=0": (3, 1, 0),
    "F=5, S=1, P=2": (5, 1, 2),
    "F=5, S=2, P=2": (5, 2, 2),
    "F=4, S=3, P=1": (4, 3, 1),
}
"""Name -> (filter size, stride, zeros on each side) of the review question on sizes."""

VOLUME = np.stack(
    [
        [[1, 2, 0, 1, 3], [0, 1, 3, 2, 0], [2, 0, 1, 0, 1], [1, 3, 0, 2, 2]],
        [[0, 1, 1, 2, 0], [3, 0, 2, 1, 1], [1, 2, 0, 0, 3], [0, 1, 2, 3, 0]],
        [[2, 0, 1, 0, 1], [1, 1, 0, 3, 2], [0, 2, 3, 1, 0], [2, 0, 1, 1, 3]],
    ],
    axis=-1,
)
"""Input of the two-dimensional exercise, (height 4, width 5, channels R, G, B)."""

FILTERS = np.stack(
    [
        np.stack([[[1, 0], [-1, 2]], [[0, 1], [1, 0]], [[2, -1], [0, 1]]], axis=-1),
        np.stack([[[0, -1], [1, 1]], [[1, 2], [0, -1]], [[-1, 0], [1, 0]]], axis=-1),
    ],
    axis=-1,
)
"""Its two filters, (height 2, width 2, channels R, G, B, filters)."""

BIASES = np.array([2, -3])
"""Its biases, one for each filter."""


@dataclass(frozen=True)
class Numbers:
    """What belongs to one id."""

    variant: int
    x: np.ndarray
    """One-dimensional input, (9,)."""
    w: np.ndarray
    """One-dimensional filter, (3,)."""
    image: np.ndarray
    """Image in which the filter's orientation shows, (3, 4)."""
    kernel: np.ndarray
    """Its filter, (2, 2)."""
    padding: dict[str, tuple[int, int]]
    """Row of the padding table -> (input width m, filter width k)."""
    side: int
    """Height and width of the image whose multiplications are counted."""
    width: int
    """Width of the input in the review question on sizes, even."""
    unit: tuple[int, int]
    """(row, column) of the unit in the review question on receptive fields."""


def numbers_of(student_id: str) -> Numbers:
    """The numbers of a student or team.  Raises NoId while the id is a placeholder."""
    return numbers_of_variant(variant_of(student_id))


@cache
def numbers_of_variant(variant: int) -> Numbers:
    """The numbers with which the ids of one variant work; arrays are read-only."""
    # RandomState, since numpy promises that its stream never changes from version to version.
    rng = np.random.RandomState(variant)
    x = _no_equal_neighbours_but_one(rng)
    w = rng.permutation([-2, -1, 1, 2, 3])[:WINDOW]  # no two alike: orientation always shows
    image = rng.randint(-2, 5, (3, 4))
    image[:, 2] = image[:, 0] + rng.choice([-2, -1, 1, 2], 3)  # never symmetric
    kernel = rng.permutation([-2, -1, 0, 1, 2, 3])[:4].reshape(2, 2)
    rows = {
        "VALID, odd k": (rng.randint(8, 20), rng.choice([3, 5, 7])),
        "VALID, even k": (rng.randint(8, 20), rng.choice([2, 4, 6])),
        "SAME, odd k": (rng.randint(8, 20), rng.choice([3, 5, 7])),
        "SAME, even k": (rng.randint(8, 20), rng.choice([2, 4, 6])),
    }
    for array in (x, w, image, kernel):
        array.setflags(write=False)  # they are given, and kept for the next call
    return Numbers(
        variant,
        x,
        w,
        image,
        kernel,
        {name: (int(m), int(k)) for name, (m, k) in rows.items()},
        side=int(rng.randint(20, 41)),
        width=2 * int(rng.randint(12, 33)),  # even, so that a stride of 2 leaves a column over
        unit=_in_another_column(int(rng.randint(8, 21)), int(rng.randint(8, 21))),
    )


def _in_another_column(row: int, column: int) -> tuple[int, int]:
    """A row and a column, both from 8 to 20 and not the same, so that swapping them shows."""
    return row, column if column != row else 8 + (row - 8 + 1) % 13


def _no_equal_neighbours_but_one(rng: np.random.RandomState) -> np.ndarray:
    """Nine small integers: no zero at the ends, no value equal to the one two places before.

    So a flipped filter, a repeated edge and a shifted window all change what comes out.
    """
    values: list[int] = []
    for position in range(LENGTH):
        excluded = {values[-2]} if position > 1 else set()
        if position in (0, 1, LENGTH - 2, LENGTH - 1):
            excluded.add(0)
        values.append(int(rng.choice([v for v in range(-3, 6) if v not in excluded])))
    return np.array(values)
