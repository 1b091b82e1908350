"""The peer of the training bench: the VGG-like net that course handouts propose, as they train it.

Four blocks of three 64-filter convolutions with ReLU and batch normalisation, pooling and dropout;
Adam, batches of 128, Keras' own augmentation layers and `fit`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from utils.fast import net as fast_net
from utils.nets.quiet import import_keras

keras = import_keras()

BLOCKS, CONVOLUTIONS, FILTERS = 4, 3, 64
DROPOUT, DENSE, BATCH = 0.2, 256, 128
MOMENTUM = 0.9
"""Of the averages that normalisation uses in the test.  With Keras' 0.99 they hadn't settled after
the short bench's few steps, and the peer guessed at random: that is no comparison."""
SHIFT = 0.1
"""Images are moved by up to this fraction of their size."""


@dataclass(frozen=True)
class Stopped:
    """Where training stood when it was stopped."""

    accuracy: float
    """Of the test images, after the last epoch."""
    cpu_s: float
    wall_s: float
    pflop: float
    epochs: list[float]
    """Accuracy after each epoch."""


def build(mirror: bool, shape: tuple[int, ...] = (32, 32, 3), classes: int = 10) -> Any:
    """The net, compiled, with its augmentation in front.  Images are in [0, 1]."""
    layers = keras.layers
    parts = [keras.Input(shape), layers.RandomTranslation(SHIFT, SHIFT, fill_mode="reflect")]
    if mirror:
        parts.append(layers.RandomFlip("horizontal"))
    for _ in range(BLOCKS):
        for _ in range(CONVOLUTIONS):
            parts.append(layers.Conv2D(FILTERS, 3, padding="same", activation="relu"))
            parts.append(layers.BatchNormalization(momentum=MOMENTUM))
        parts += [layers.MaxPooling2D(2), layers.Dropout(DROPOUT)]
    parts += [layers.Flatten(), layers.Dense(DENSE, activation="relu"), layers.Dropout(DROPOUT)]
    model = keras.Sequential([*parts, layers.Dense(classes, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def train(
    images: np.ndarray,
    labels: np.ndarray,
    test: tuple[np.ndarray, np.ndarray],
    *,
    mirror: bool,
    seed: int,
    target: float,
    stop_s: float,
) -> Stopped:
    """Train until an epoch ends with `target` accuracy on the test images, or later than `stop_s`
    seconds of processor time.  What the test takes isn't counted.

    The test images decide when to stop: that flatters the peer a little, and nobody else.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    keras.utils.set_random_seed(seed)
    model = build(mirror, images.shape[1:], int(labels.max()) + 1)
    an_epoch = 3 * fast_net.flops(model, images.shape[1]) * len(images) / 1e15
    wall_s, cpu_s = time.perf_counter() - wall, time.process_time() - cpu
    reached: list[float] = []
    while not reached or (reached[-1] < target and cpu_s < stop_s):
        wall, cpu = time.perf_counter(), time.process_time()
        model.fit(images, labels, batch_size=BATCH, verbose=0)
        wall_s += time.perf_counter() - wall
        cpu_s += time.process_time() - cpu
        guesses = model.predict(test[0], batch_size=500, verbose=0).argmax(axis=1)
        reached.append(float(np.mean(guesses == test[1])))
        print(f"  epoch {len(reached)}: {reached[-1]:.4f} after {cpu_s:.0f} CPU-s", flush=True)
    return Stopped(reached[-1], cpu_s, wall_s, an_epoch * len(reached), reached)
