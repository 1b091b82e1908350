"""Pictures to play with: each explorer shows one idea, and answers at once when a control is moved.

They never decide anything.

An explorer puts out its widgets and a still picture that says the same; the picture is what remains
where widgets don't run.  Nothing here is graded, and nothing that is graded needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from utils.explorers import convolution_view, frame, shapes_view

if TYPE_CHECKING:
    import numpy as np

    from utils.nets.pretrained import PretrainedNet


def convolution(mode: str = "forward") -> None:
    """Step a kernel over an image, or ask of a pixel which outputs send gradient to it.

    mode: what is shown first: "forward", "backward" or "SAME and symmetric".
    """
    frame.show(
        "Convolution, step by step",
        lambda: convolution_view.Stepper(mode).widget(),
        convolution_view.twin(mode),
    )


def shapes() -> None:
    """Stack layers: sizes, parameters, multiplications, and the pixels that one unit sees."""
    frame.show("A net of your own", lambda: shapes_view.Builder().widget(), shapes_view.twin())


def evidence(net: PretrainedNet, image: np.ndarray) -> None:
    """Hide parts of an image and watch the net; see three maps side by side; fool it step by step.

    net: as `utils.nets.pretrained.load` returns it.  image: (H, W, 3), uint8 or in [0, 1].
    """
    from utils.explorers import evidence_view as view  # nets take their time to import

    view.show(net, image)
