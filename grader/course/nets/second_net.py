"""The second net: another opinion on pictures that were made for the first one.

A class representative image may please the net it was made for by means that no other net
understands.  This one has another architecture (strides instead of pooling, a smooth activation,
the mean over the image instead of dense layers), another seed and other training images.  It stays
with the grader: students never see it, and the release holds nothing of it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from . import layers

WEIGHTS = Path(__file__).with_name("second_net.npz")
"""`conv1.kernel`, `conv1.bias`, … as float16, written by grader.course.making.second_net."""
SIZE = 32
CONVOLUTIONS = ((3, 1, 24), (3, 2, 48), (3, 1, 64), (3, 2, 96), (3, 1, 96))
"""(kernel size, stride, filters), all SAME and followed by SiLU."""


def chain(weights: dict[str, np.ndarray] | None = None) -> dict[str, layers.Layer]:
    """Its layers by name: conv1, silu1, …, average, scores.

    weights: those in its file if left out.  Raises OSError without the file.
    """
    if weights is None:
        with np.load(WEIGHTS, allow_pickle=False) as stored:
            weights = {name: stored[name].astype(np.float32) for name in stored.files}
    made: dict[str, layers.Layer] = {}
    for number, (_, stride, _) in enumerate(CONVOLUTIONS, 1):
        kernel, bias = weights[f"conv{number}.kernel"], weights[f"conv{number}.bias"]
        made[f"conv{number}"] = layers.Convolution(kernel, bias, stride)
        made[f"silu{number}"] = layers.silu
    made["average"] = layers.average
    made["scores"] = layers.Dense(weights["scores.kernel"], weights["scores.bias"])
    return made
