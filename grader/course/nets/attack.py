"""The reference attack: the smallest change that makes a net see a target, in an 8-bit image.

The search walks along the gradient of the target's log-probability, on a sphere around the image
whose radius shrinks whenever the aim is reached and grows whenever it is not (Rony et al.,
*Decoupling direction and norm*, 2019, arxiv.org/abs/1811.09600).  Three things are its own: the aim
is a probability and not a mere majority; every candidate is rounded to 8 bits *before* the net is
asked, so that what is found is what survives saving; and the radius, too, moves ever more slowly,
which ends nearer to the smallest one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

ENOUGH = 0.98
"""The probability that the target must have."""

MARGIN = 2e-4
"""Asked for on top of it: other machines round floats in other ways."""

STEPS = 100


class Net(Protocol):
    """What an attack needs to know of a net; images are floats in [0, 1]."""

    def logits(self, images: np.ndarray) -> np.ndarray:
        """(N, H, W, 3) -> (N, classes)."""

    def gradient(self, images: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Derivative of sum(weights · logits) with respect to the images."""


Likelihood = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""(images, targets) -> the targets' probabilities (N,), and the gradient of their logarithms."""


def smallest_change(
    net: Net, images: np.ndarray, targets: np.ndarray, steps: int = STEPS, enough: float = ENOUGH
) -> np.ndarray:
    """Images that the net takes for the targets, as near to the given ones as can be found.

    images: (N, H, W, 3) uint8.  targets: (N,) class numbers.  Returns uint8 images; where nothing
    was found, the image as it was.
    """
    return search(lambda x, t: likelihood(net, x, t), images, targets, steps, enough)


def search(
    likelihood: Likelihood,
    images: np.ndarray,
    targets: np.ndarray,
    steps: int = STEPS,
    enough: float = ENOUGH,
) -> np.ndarray:
    """The same with a net of any make, see `Likelihood`."""
    originals = images.astype(np.float32) / np.float32(255)
    change = np.zeros_like(originals)
    radius = np.ones(len(images), np.float32)
    found = images.copy()
    smallest = np.full(len(images), np.inf)
    for number in range(steps):
        candidates = to_8_bit(originals + change)
        p, gradient = likelihood(candidates / np.float32(255), targets)
        reached = p >= enough + MARGIN
        size = sizes(candidates / 255.0 - images / 255.0)
        better = reached & (size < smallest)
        found[better], smallest[better] = candidates[better], size[better]
        pace = (1 + np.cos(np.pi * number / steps)) / 2  # from 1 down to 0
        radius *= (1 + np.where(reached, -1, 1) * (0.1 * pace + 0.003)).astype(np.float32)
        change += (0.99 * pace + 0.01) * unit(gradient)
        change = radius[:, None, None, None] * unit(change)
        change = np.clip(originals + change, 0, 1) - originals
    return found


def likelihood(net: Net, images: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The targets' probabilities, and the gradient of their logarithms: that of z_t - Σ p z."""
    scores = net.logits(images).astype(np.float64)
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    p = powers / powers.sum(axis=1, keepdims=True)
    wanted = np.eye(p.shape[1])[targets]
    return p[np.arange(len(p)), targets], net.gradient(images, (wanted - p).astype(np.float32))


def to_8_bit(images: np.ndarray) -> np.ndarray:
    """Images in [0, 1] as they come back from a file: rounded to steps of 1/255, uint8."""
    return np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)


def sizes(changes: np.ndarray) -> np.ndarray:
    """L2 norm of each change, (N, H, W, 3) -> (N,)."""
    return np.sqrt(np.sum(np.square(changes, dtype=np.float64), axis=(1, 2, 3)))


def unit(directions: np.ndarray) -> np.ndarray:
    """Each direction with length 1; a direction of length 0 stays as it is."""
    length = sizes(directions).astype(directions.dtype)
    return directions / np.maximum(length, 1e-12)[:, None, None, None]


def ascend(net: Net, image: np.ndarray, target: int, size: float, most: int) -> np.ndarray:
    """The way from an image to where the target wins, in steps of one length along the gradient
    of the target's score.

    image: (H, W, 3) uint8.  size: L2 norm of a step, before pixels are clipped to [0, 1].
    Returns (T + 1, H, W, 3) float32, T <= most.
    """
    images = [image.astype(np.float32)[None] / np.float32(255)]
    for _ in range(most):
        scores = net.logits(images[-1])
        if scores.argmax() == target:
            break
        gradient = net.gradient(images[-1], np.eye(scores.shape[1], dtype=np.float32)[[target]])
        images.append(np.clip(images[-1] + np.float32(size) * unit(gradient), 0, 1))
    return np.concatenate(images)
