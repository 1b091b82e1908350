"""Pictures to play with: each explorer shows one idea, and answers at once when a control is moved.

They never decide anything.

An explorer puts out its widgets and a still picture that says the same; the picture is what remains
where widgets don't run.  Nothing here is graded, and nothing that is graded needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from utils.explorers import frame

if TYPE_CHECKING:
    import numpy as np

    from utils.nets.pretrained import PretrainedNet


def convolution(mode: str = "forward") -> None:
    """Step a kernel over an image, or ask of a pixel which outputs send gradient to it.

    mode: what is shown first: "forward", "backward" or "SAME and symmetric".
    """
    from utils.explorers import convolution_view as view

    frame.show("Convolution, step by step", lambda: view.Stepper(mode).widget(), view.twin(mode))


def shapes() -> None:
    """Stack layers: sizes, parameters, multiplications, and the pixels that one unit sees."""
    from utils.explorers import shapes_view as view

    frame.show("A net of your own", lambda: view.Builder().widget(), view.twin())


def evidence(net: PretrainedNet, image: np.ndarray) -> None:
    """Hide parts of an image and watch the net; see three maps side by side; fool it step by step.

    net: as `utils.nets.pretrained.load` returns it.  image: (H, W, 3), uint8 or in [0, 1].
    """
    from utils.explorers import evidence_view as view

    view.show(net, image)
