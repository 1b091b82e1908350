"""The numbers of notebook 03's review questions, drawn from a student's id.

Judges and notebooks take them from here.  Only what is given stands here; what comes out is for
students to find, and for the judges to know.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from functools import cache

import numpy as np

from utils.checks.identity import variant_of

NETS = ("A", "B", "C", "D")
"""Four trained nets of the question what augmentation fights."""


@dataclass(frozen=True)
class Numbers:
    """What belongs to one id."""

    variant: int
    accuracies: dict[str, tuple[float, float]]
    """Net -> (training, validation) accuracy in percent."""
    images: int
    """Training images of the second question."""
    size: int
    """Their height and width; they are RGB, one byte per value."""
    copies: int
    """Augmented copies of each image that offline augmentation stores beside it."""
    batch: int
    epochs: int

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{html.escape(net)}</th><td>{train:.1f} %</td><td>{val:.1f} %</td></tr>"
            for net, (train, val) in self.accuracies.items()
        )
        return (
            "<table><tr><th>net</th><th>training</th><th>validation</th></tr>"
            f"{rows}</table>{html.escape(self.told())}"
        )

    def __repr__(self) -> str:
        rows = [f"{n}: {t:.1f} % training, {v:.1f} % validation" for n, (t, v) in
                self.accuracies.items()]  # fmt: skip
        return "\n".join([*rows, self.told()])

    def told(self) -> str:
        """The numbers of the second question in a sentence."""
        return (
            f"{self.images:,} images of {self.size}×{self.size} pixels, RGB, one byte per value; "
            f"offline: {self.copies} augmented copies of each, stored beside it; batches of "
            f"{self.batch}; {self.epochs} epochs."
        )


def numbers_of(student: str) -> Numbers:
    """The numbers that belong to an id.  Raises ValueError for the placeholder."""
    return numbers_of_variant(variant_of(student))


@cache
def numbers_of_variant(variant: int) -> Numbers:
    """The numbers of one variant, 0 … 499."""
    rng = np.random.default_rng([variant, 53])
    order = rng.permutation(4)
    accuracies = [
        _near(rng, 99.0, 68.0),  # a large gap
        _near(rng, 49.0, 47.5),  # bad on both
        _near(rng, 93.5, 91.5),  # good on both, and close
        _near(rng, 94.0, 79.5),
    ]
    return Numbers(
        variant,
        {net: accuracies[i] for net, i in zip(NETS, order, strict=True)},
        images=int(rng.integers(40, 90)) * 500 + int(rng.integers(1, 100)),
        size=int(rng.choice([28, 32, 40, 48, 64])),
        copies=int(rng.integers(4, 12)),
        batch=int(rng.choice([50, 64, 100, 128, 200])),
        epochs=int(rng.integers(15, 40)),
    )


def _near(rng: np.random.Generator, train: float, validation: float) -> tuple[float, float]:
    moved = rng.uniform(-0.9, 0.9, 2)
    return round(train + float(moved[0]), 1), round(validation + float(moved[1]), 1)
