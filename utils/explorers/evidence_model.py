"""What the evidence explorer knows: what a net says of an image that is hidden in part or changed.

Everything a control can ask for is either kept or computed in one small call of the net; calls are
compiled once, when the explorer is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from utils.checks.answering import to_look_at
from utils.nets.pretrained import PretrainedNet
from utils.nets.quiet import import_tensorflow

GREY = 0.5
"""What the occluder is filled with."""

_FINE, _COARSE = 12, 7
"""Positions of the occluder along each side, for small images and for large ones."""

_AT_ONCE = 48, 3
"""Images of either kind that a net looks at in one call, so that a call stays short."""


@dataclass(frozen=True, eq=False)
class Step:
    """One image on the way to being taken for something else."""

    image: np.ndarray
    """(H, W, 3), in [0, 1]."""
    probabilities: np.ndarray
    distance: float
    """Euclidean distance from the first image, pixels in [0, 1]."""


@to_look_at
class Evidence:
    """One image before one net."""

    def __init__(self, net: PretrainedNet, image: np.ndarray):
        self.net = net
        tf: Any = import_tensorflow()
        self._tf = tf
        side = net.input_size
        self.image = _square(np.asarray(image), side)
        shape = (1, side, side, 3)
        self._last = _last_map(net.model)
        keras_inputs = net.model.inputs
        self._inside = (
            type(net.model)(keras_inputs, [self._last.output, net.model.outputs[0]])
            if self._last is not None
            else None
        )
        spec = tf.TensorSpec((None, *shape[1:]), tf.float32)
        vector = tf.TensorSpec((len(net.class_names),), tf.float32)
        self._probabilities = to_look_at(tf.function(self._ask, input_signature=[spec]))
        self._looked = to_look_at(tf.function(self._look, input_signature=[spec, vector]))
        self._seen: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._hidden: dict[int, np.ndarray] = {}
        self.probabilities = self.ask(self.image)
        self._look_at(int(self.probabilities.argmax()))
        self.start = Step(self.image, self.probabilities, 0.0)
        self.start_over()

    @property
    def side(self) -> int:
        """Height and width of the image, in pixels."""
        return self.net.input_size

    def likeliest(self, count: int = 5) -> list[int]:
        """The classes that the net believes in most, best first."""
        return [int(k) for k in np.argsort(-self.probabilities, kind="stable")[:count]]

    def ask(self, image: np.ndarray) -> np.ndarray:
        """Class probabilities of one image (H, W, 3)."""
        return self._probabilities(image[None]).numpy()[0]

    def occluded(self, row: int, column: int, size: int) -> np.ndarray:
        """The image with a grey square whose upper left corner is at (row, column)."""
        hidden = self.image.copy()
        hidden[row : row + size, column : column + size] = GREY
        return hidden

    def occlusion(self, size: int, label: int) -> np.ndarray:
        """How much of a class's probability a grey square takes away, by the square's place.

        Returns (n, n): rows and columns of `places`, NaN where `look_behind` has not been yet.
        """
        return self.probabilities[label] - self._table(size)[:, :, label]

    def look_behind(self, size: int) -> bool:
        """Ask about the next few places of a grey square; returns whether all are known."""
        places, table = self.places(size), self._table(size)
        few = _AT_ONCE[0 if self.side <= 64 else 1]
        unknown = np.argwhere(np.isnan(table[:, :, 0]))[:few]
        if len(unknown):
            images = np.stack([self.occluded(places[i], places[j], size) for i, j in unknown])
            table[unknown[:, 0], unknown[:, 1]] = self._probabilities(images).numpy()
        return not np.isnan(table[-1, -1, 0])

    def strongest(self, size: int, label: int) -> tuple[int, int]:
        """Where a grey square costs a class most, (row, column)."""
        while not self.look_behind(size):
            pass
        values, places = self.occlusion(size, label), self.places(size)
        row, column = np.unravel_index(values.argmax(), values.shape)
        return places[int(row)], places[int(column)]

    def _table(self, size: int) -> np.ndarray:
        if size not in self._hidden:
            count = len(self.places(size))
            classes = len(self.net.class_names)
            self._hidden[size] = np.full((count, count, classes), np.nan, np.float32)
        return self._hidden[size]

    def places(self, size: int) -> list[int]:
        """Where the occluder's upper edge is put for `occlusion`."""
        count = min(_FINE if self.side <= 64 else _COARSE, self.side - size + 1)
        return [round(p) for p in np.linspace(0, self.side - size, count)]

    def saliency(self, label: int) -> np.ndarray:
        """How strongly each pixel moves the score of a class, (H, W), not negative."""
        return self._look_at(label)[0]

    def activation(self, label: int) -> np.ndarray:
        """Where the last maps speak for a class (Grad-CAM), (h, w), not negative; coarse."""
        return self._look_at(label)[1]

    def start_over(self) -> None:
        """Forget the steps taken."""
        self.steps = [self.start]

    def step(self, target: int, length: float) -> Step:
        """Change the image a little more towards a target class.

        length: Euclidean length of the change, before pixels are cut to [0, 1].
        """
        here = self.steps[-1].image
        pull = self._looked(here[None], self._one(target))[0].numpy()[0]
        size = float(np.linalg.norm(pull))
        moved = np.clip(here + (length / size if size else 0.0) * pull, 0, 1).astype(np.float32)
        distance = float(np.linalg.norm(moved - self.image))
        self.steps.append(Step(moved, self.ask(moved), distance))
        return self.steps[-1]

    def _one(self, label: int) -> np.ndarray:
        return np.eye(len(self.net.class_names), dtype=np.float32)[label]

    def _look_at(self, label: int) -> tuple[np.ndarray, np.ndarray]:
        if label not in self._seen:
            pull, maps = self._looked(self.image[None], self._one(label))
            self._seen[label] = (np.abs(pull.numpy()[0]).max(axis=-1), maps.numpy())
        return self._seen[label]

    def _ask(self, images: Any) -> Any:
        return self._tf.nn.softmax(self.net.model(self._scaled(images), training=False))

    def _look(self, images: Any, weights: Any) -> tuple[Any, Any]:
        """Gradient of a weighted sum of scores by the pixels, and Grad-CAM."""
        tf = self._tf
        if self._inside is None:  # a net without maps: nothing to show there
            logits = self.net.model(self._scaled(images), training=False)
            return tf.gradients(tf.reduce_sum(logits * weights), images)[0], tf.zeros((1, 1))
        maps, logits = self._inside(self._scaled(images), training=False)
        by_pixel, by_map = tf.gradients(tf.reduce_sum(logits * weights), [images, maps])
        worth = tf.reduce_mean(by_map, axis=(1, 2), keepdims=True)
        return by_pixel, tf.nn.relu(tf.reduce_sum(maps * worth, -1))[0]

    def _scaled(self, images: Any) -> Any:
        return self.net.scale(images * 255.0)


def _square(image: np.ndarray, side: int) -> np.ndarray:
    """The middle square of a photograph, `side` pixels high and wide, in [0, 1]."""
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"expected one image (H, W, 3), got {image.shape}")
    pixels = image if image.dtype == np.uint8 else np.round(np.clip(image, 0, 1) * 255)
    short = min(pixels.shape[:2])
    top, left = (pixels.shape[0] - short) // 2, (pixels.shape[1] - short) // 2
    pixels = pixels[top : top + short, left : left + short].astype(np.uint8)
    if short != side:
        from PIL import Image  # most images have their size

        pixels = np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.BOX))
    return (pixels / 255.0).astype(np.float32)


def _last_map(model: Any) -> Any:
    """The last layer, pooling left aside, whose output still has height and width."""
    for layer in reversed(model.layers):
        shape: Any = getattr(getattr(layer, "output", None), "shape", ())
        if len(shape) == 4 and (shape[1] or 0) > 1 and "Pool" not in type(layer).__name__:
            return layer
    return None
