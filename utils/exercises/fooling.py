"""What notebook 05 starts from: photographs whose class is known, at the size that a net takes, and
nets that answer quickly.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from utils.images import photo_digits
from utils.nets.pretrained import PretrainedNet

IMAGENET_CLASSES = {"coffee": (967,), "camera": (872,), "chelsea": (281, 282, 285)}
"""scikit-image's photographs, and the classes of ImageNet that are right for them: an espresso, a
tripod (which stands before a man with a camera), a tabby, tiger or Egyptian cat."""


def photographs(net: PretrainedNet, count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Photographs that a net has never seen, and their classes.

    count: how many, for the mini net.
    Returns (N, S, S, 3) uint8, where S is the net's input size, and (N,) class numbers.
    """
    if net.name == "mini":
        drawn = photo_digits.render(count, "test", net.input_size, seed=5, keep=False)
        return drawn.images, drawn.labels.astype(np.int64)
    from skimage import data  # kernels without frameworks have none

    images = [squared(getattr(data, photo)(), net.input_size) for photo in IMAGENET_CLASSES]
    return np.stack(images), np.array([right[0] for right in IMAGENET_CLASSES.values()])


def squared(photograph: np.ndarray, size: int) -> np.ndarray:
    """The middle square of a photograph (H, W, 3) or (H, W) uint8, as (size, size, 3) uint8."""
    from skimage import transform  # kernels without frameworks have none

    if photograph.ndim == 2:
        photograph = np.repeat(photograph[..., None], 3, axis=2)
    side = min(photograph.shape[:2])
    top, left = ((n - side) // 2 for n in photograph.shape[:2])
    cut = photograph[top : top + side, left : left + side]
    small = transform.resize(cut, (size, size), anti_aliasing=True)
    return np.rint(255 * np.clip(small, 0, 1)).astype(np.uint8)


@lru_cache(maxsize=12)
def compiled(net: PretrainedNet) -> Callable[[Any], Any]:
    """`net.logits`, compiled once: the same values and gradients, several times as fast."""
    import tensorflow as tf  # takes seconds to import

    return tf.function(lambda images: net.logits(images), reduce_retracing=True)
