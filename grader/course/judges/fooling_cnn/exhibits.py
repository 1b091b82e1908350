"""Fresh images for notebook 05: each is what its class says, and the trusted net is sure of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from utils.exercises import fooling
from utils.images import photo_digits

from ...nets import attack as attack_reference
from ...nets import trusted
from ...nets.base import TrustedNet
from ...nets.keras_process import KerasNet

_SURE = {"mini": 0.9}
_SURE_OF_A_THOUSAND = 0.5  # with a thousand classes, a net is rarely surer
_FEWER_STEPS = 60  # of the reference on an ImageNet net: nearly as good, and graders are busy
_BATCH = 24
_MOST = 20  # batches, before there must be something wrong


@dataclass(frozen=True)
class Exhibit:
    """A photograph that the net knows."""

    image: np.ndarray
    """(S, S, 3) uint8, S the net's input size."""
    label: int
    probabilities: np.ndarray
    """(classes,), as the trusted net says."""

    @property
    def likely(self) -> int:
        """The class that is second."""
        return int(np.argsort(-self.probabilities, kind="stable")[1])

    @property
    def unlikely(self) -> int:
        """The class that is last."""
        return int(np.argmin(self.probabilities))

    def any_other(self, rng: np.random.Generator) -> int:
        """A class that is neither of these, nor the right one."""
        rest = set(range(len(self.probabilities))) - {self.label, self.likely, self.unlikely}
        return int(rng.choice(sorted(rest)))


def draw(name: str, rng: np.random.Generator) -> Iterator[Exhibit]:
    """Endless exhibits for a net.  Raises RuntimeError if the net is sure of none."""
    net = trusted.net(name)
    sure = _SURE.get(name, _SURE_OF_A_THOUSAND)
    for _ in range(_MOST):
        images, right = _digits(rng) if name == "mini" else _variants(net, rng)
        table = net.probabilities(images)
        for image, labels, row in zip(images, right, table, strict=True):
            if row.argmax() in labels and row.max() >= sure:
                yield Exhibit(image, int(row.argmax()), row)
    raise RuntimeError(f"{name} is sure of hardly any photograph: are its weights the right ones?")


def _digits(rng: np.random.Generator) -> tuple[np.ndarray, list[tuple[int, ...]]]:
    drawn = photo_digits.render(_BATCH, "test", seed=int(rng.integers(2**31)), keep=False)
    return drawn.images, [(int(label),) for label in drawn.labels]


def _variants(
    net: TrustedNet, rng: np.random.Generator, count: int = 4
) -> tuple[np.ndarray, list[tuple[int, ...]]]:
    """scikit-image's photographs, cut, mirrored and exposed in other ways each time."""
    from skimage import data  # judging draws from it only where a large net is asked

    names = [str(name) for name in rng.choice(["coffee", "camera"], count)]
    images = []
    for name in names:
        photograph = getattr(data, name)()
        height, width = photograph.shape[:2]
        side = int(rng.uniform(0.8, 1) * min(height, width))
        top, left = (int(rng.integers(0, n - side + 1)) for n in (height, width))
        cut = photograph[top : top + side, left : left + side]
        cut = cut[:, ::-1] if rng.random() < 0.5 else cut
        exposed = fooling.squared(cut, net.input_size) * rng.uniform(0.85, 1.0)
        images.append(np.rint(exposed).astype(np.uint8))
    return np.stack(images), [fooling.IMAGENET_CLASSES[name] for name in names]


def steady(net: TrustedNet, images: np.ndarray, target: int) -> bool:
    """Does the score's gradient stay if the images (N, H, W, 3) change by next to nothing?

    Where two values are equal, pooling has a choice, and right programs choose differently.  An
    ImageNet net is never so steady, and needn't be: the trusted copy and the kernel's compute the
    same numbers.
    """
    if isinstance(net, KerasNet):
        return True
    weights = np.zeros((len(images), net.classes), np.float32)
    weights[:, target] = 1
    before = net.gradient(images, weights)
    length = attack_reference.sizes(before)
    for seed in range(2):
        noise = np.random.default_rng(seed).uniform(-2e-6, 2e-6, images.shape).astype(np.float32)
        after = net.gradient(images + noise, weights)
        off = np.abs(after - before).max(axis=(1, 2, 3)) / np.abs(before).max(axis=(1, 2, 3))
        if off.max() > 5e-3 or (attack_reference.sizes(after - before) > 5e-3 * length).any():
            return False
    return True


def smallest(name: str, image: np.ndarray, target: int) -> float:
    """L2 norm (pixels in [0, 1]) of the reference's change; infinite if it finds none."""
    return _smallest(name, image.tobytes(), image.shape, int(target))


@lru_cache(maxsize=512)
def _smallest(name: str, pixels: bytes, shape: tuple[int, ...], target: int) -> float:
    images, targets = np.frombuffer(pixels, np.uint8).reshape(1, *shape), np.array([target])
    net = trusted.net(name)
    if isinstance(net, KerasNet):
        found = net.smallest_change(images, targets, _FEWER_STEPS)
    else:
        found = attack_reference.smallest_change(net, images, targets)
    size = float(attack_reference.sizes(found / 255.0 - images / 255.0)[0])
    return size if size > 0 else float("inf")
