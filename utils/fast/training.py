"""Train a net to 85 or 90 % on CIFAR-10 with a processor, in minutes.

`train(recipe, images, labels)` is the whole of it: data in, trained model out, with what it cost.
Each trick is a switch of the Recipe; docs/fast_training.md says what each gains.  The same recipe,
seed, machine and number of threads give the same model.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from utils.fast import net as fast_net
from utils.fast.images import Stream, as_bytes
from utils.fast.muon import Descent, Muon
from utils.fast.recipe import Recipe
from utils.nets.quiet import import_keras, import_tensorflow

tf, keras = import_tensorflow(), import_keras()


@dataclass(frozen=True)
class Trained:
    """A trained model, and what it cost."""

    model: Any
    """Pixels 0 … 255 (N, H, W, C) in, scores (N, classes) out."""
    cpu_s: float
    """Processor time of the whole process, all threads: from bytes to the trained model, the
    tracing of graphs and the drawing of shifted copies included."""
    wall_s: float
    pflop: float
    """10¹⁵ operations of convolutions and dense layers; backward counts as twice forward."""
    losses: list[float]
    """Mean loss of each epoch."""


def train(
    recipe: Recipe,
    images: np.ndarray,
    labels: np.ndarray,
    seed: int = 0,
    after_epoch: Callable[[int, Any], None] | None = None,
) -> Trained:
    """Train a new net on images (N, H, W, C), uint8 or in [0, 1], and labels (N,).

    seed: for everything that is random; Keras' and numpy's global generators are set to it, too.
    after_epoch: called with the number of the epoch (1 for the first) and the model; what it takes
    counts as training.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    images, labels = as_bytes(images), np.asarray(labels, np.int32)
    model = fast_net.build(recipe, images)
    steps_an_epoch = len(images) // recipe.batch
    step = training_step(recipe, model)
    stream = Stream(images, labels, recipe.batch, recipe.shift, recipe.mirror, rng)
    losses: list[float] = []
    operations = 0
    for epoch, size in enumerate(recipe.sizes):
        total = tf.constant(0.0)
        for number, (x, y) in enumerate(stream.epoch(epoch, size)):
            done = (epoch * steps_an_epoch + number) / (len(recipe.sizes) * steps_an_epoch)
            rate = 1 - done if recipe.falling else 1.0
            total += step(tf.constant(x), tf.constant(y), tf.constant(rate, tf.float32))
        losses.append(float(total) / steps_an_epoch)
        operations += 3 * fast_net.flops(model, size) * steps_an_epoch * recipe.batch
        if after_epoch:
            after_epoch(epoch + 1, model)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Trained(model, cpu, wall, operations / 1e15, losses)


def training_step(recipe: Recipe, model: Any) -> Callable[[Any, Any, Any], Any]:
    """One step as a graph: images, labels and the schedule's factor in, mean loss out."""
    weights = model.trainable_variables
    kernels = [w for w in weights if len(w.shape) == 4]
    offsets = [w for w in weights if len(w.shape) == 1]
    head = [w for w in weights if len(w.shape) == 2]
    decay = recipe.decay * recipe.batch
    rules = [
        _kernel_rule(recipe, kernels),
        Descent(offsets, recipe.offset_rate, recipe.momentum, decay),
        Descent(head, recipe.head_rate, recipe.momentum, decay),
    ]
    groups = [kernels, offsets, head]

    @tf.function
    def step(images: Any, labels: Any, schedule: Any) -> Any:
        wanted = smooth(labels, recipe.classes, recipe.smoothing)
        with tf.GradientTape() as tape:
            scores = model(images, training=True)
            loss = tf.reduce_sum(tf.nn.softmax_cross_entropy_with_logits(wanted, scores))
        gradients = tape.gradient(loss, groups)
        for rule, found in zip(rules, gradients, strict=True):
            rule.step(found, schedule)
        return loss / recipe.batch

    return step


def _kernel_rule(recipe: Recipe, kernels: list[Any]) -> Muon | Descent:
    if recipe.muon:
        return Muon(kernels, recipe.kernel_rate, recipe.kernel_momentum)
    decay = recipe.decay * recipe.batch
    return Descent(kernels, recipe.descent_rate, recipe.momentum, decay)


def smooth(labels: Any, classes: int, amount: float) -> Any:
    """Labels (N,) as rows of probabilities: 1 - amount for the class, the rest spread over all."""
    return tf.one_hot(labels, classes) * (1 - amount) + amount / classes


def scores_of(model: Any, images: np.ndarray, copies: bool = False) -> np.ndarray:
    """Scores (N, classes) of images (N, H, W, C), uint8 or in [0, 1].

    copies: the mean over six copies of an image: as it is and moved by a pixel along each diagonal,
    each of them mirrored, too.  The unmoved ones count as much as the moved ones together.
    """
    images = as_bytes(images)
    forward = tf.function(lambda x: model(x, training=False))

    def both_sides(x: Any) -> Any:
        return (forward(x) + forward(x[:, :, ::-1])) / 2

    def all_copies(x: Any) -> Any:
        height, width = x.shape[1:3]
        padded = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], "REFLECT")
        moved = (padded[:, i : i + height, i : i + width] for i in (0, 2))
        return both_sides(x) / 2 + sum(both_sides(part) / 4 for part in moved)

    ask = all_copies if copies else forward
    parts = [ask(tf.constant(images[i : i + 500])) for i in range(0, len(images), 500)]
    return np.concatenate(parts)


def accuracy(model: Any, images: np.ndarray, labels: np.ndarray, copies: bool = False) -> float:
    """Fraction of images whose highest score is that of their class.  copies: see scores_of."""
    guesses = scores_of(model, images, copies).argmax(axis=1)
    return float(np.mean(guesses == np.asarray(labels).reshape(-1)))
