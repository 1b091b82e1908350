"""The picture of GoogLeNet's module: what is stacked is what the branches give."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pytest

from utils.pictures import architectures


def test_the_stack_is_as_high_as_it_has_maps() -> None:
    figure = architectures.inception_module()
    figure.canvas.draw()
    (axis,) = figure.axes
    bars = [patch for patch in axis.patches if patch.get_facecolor() != (1, 1, 1, 1)
            and type(patch).__name__ == "Rectangle"]  # fmt: skip
    heights = [bar.get_height() for bar in bars]  # type: ignore[attr-defined]
    last = [int(steps[-1][0].split(", ")[1]) for steps in architectures._BRANCHES]
    assert [256 * height / sum(heights) for height in heights] == pytest.approx(last)
    said = {text.get_text() for text in axis.texts}
    assert {"input\n28×28×192", "28×28×256", "3×3, 128", "max pooling\n3×3, stride 1"} <= said
    plt.close(figure)
