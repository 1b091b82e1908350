"""Train the mini net on PhotoDigits and write its weights and what is known about them to `data/`.

Run by whoever maintains the course, a few minutes on one core:

    python -m grader.course.making.mini_net
"""

from __future__ import annotations

from typing import Any

import numpy as np

from utils.nets import pretrained
from utils.nets.quiet import import_keras

from .photographs import save
from .training import Recipe, train, write_facts

RECIPE = Recipe(seed=7, first_images=1000, peak_rate=2e-3, turn=0.03, zoom=0.1)
DROPOUT = 0.3


def main() -> None:
    """Train, round to float16, measure, write."""
    loss_of = import_keras().losses.SparseCategoricalCrossentropy(from_logits=True)
    model = train(RECIPE, lambda: pretrained.build_mini(DROPOUT), loss_of)
    save(pretrained.MINI_WEIGHTS, _weights(model))
    net = pretrained.load("mini")
    write_facts(
        pretrained.MINI_WEIGHTS,
        RECIPE,
        "conv1-5 with pooling after 1, 2 and 5, fc6-8",
        int(net.model.count_params()),
        lambda images: np.asarray(net.logits(images)),
    )


def _weights(model: Any) -> dict[str, np.ndarray]:
    parts = {}
    for layer in model.layers:
        if layer.weights:
            kernel, bias = layer.get_weights()
            parts[f"{layer.name}.kernel"] = kernel.astype(np.float16)
            parts[f"{layer.name}.bias"] = bias.astype(np.float16)
    return parts


if __name__ == "__main__":
    main()
