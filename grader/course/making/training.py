"""Train a net on PhotoDigits, and write down what is known of it: the one trainer of all makers.

Every epoch sees images that were never rendered before, but of the same handwritten training digits
on the same parts of the photographs; small turns and changes of size make up for those being few.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from utils.images import photo_digits
from utils.nets.quiet import import_keras

BATCH = 128
MEASURED = 5000
"""Images of each split on which a net is measured."""
_CHUNK = 500


@dataclass(frozen=True)
class Recipe:
    """How a net is trained; the same recipe gives the same weights on the same machine."""

    seed: int
    first_images: int
    """Seed of the first epoch's images; each epoch has the next one."""
    peak_rate: float
    turn: float
    """Largest turn, as a fraction of a full one."""
    zoom: float
    """Largest change of size."""
    epochs: int = 14
    images_per_epoch: int = 16_000

    def __str__(self) -> str:
        images = f"{self.epochs} × {self.images_per_epoch} images"
        return f"PhotoDigits 32×32, {images}, seed {self.seed}"


def train(
    recipe: Recipe,
    build: Callable[[], Any],
    loss_of: Callable[[Any, Any], Any],
    alter: Callable[[Any], Any] = lambda images: images,
) -> Any:
    """A trained net.  loss_of: of labels (B,) and scores (B, 10).  alter: what else is changed."""
    keras = import_keras()
    import tensorflow as tf  # takes seconds to import

    keras.utils.set_random_seed(recipe.seed)
    model = build()
    augment = keras.Sequential(
        [
            keras.layers.RandomRotation(recipe.turn, fill_mode="reflect"),
            keras.layers.RandomZoom(recipe.zoom, recipe.zoom, fill_mode="reflect"),
        ]
    )
    optimizer = keras.optimizers.AdamW(_triangle(keras, recipe), weight_decay=1e-3)

    @tf.function
    def step(images: Any, labels: Any) -> Any:
        images = alter(augment(images, training=True))
        with tf.GradientTape() as tape:
            loss = loss_of(labels, model(images, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    for epoch in range(recipe.epochs):
        losses = [float(step(x, y)) for x, y in _batches(recipe, epoch)]
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.3f}", flush=True)
    return model


def write_facts(
    weights: Path,
    recipe: Recipe,
    net: str,
    parameters: int,
    scores_of: Callable[[np.ndarray], np.ndarray],
) -> None:
    """Write what is known of a net beside its weights, and print it.  scores_of: (N, 32, 32, 3)."""
    facts = {
        "net": net,
        "parameters": parameters,
        "trained_on": str(recipe),
        "accuracy": {s: _accuracy(scores_of, s) for s in ("train", "validation", "test")},
        "measured_on": f"{MEASURED} images of each split, seed 0",
    }
    text = json.dumps(facts, indent=1, ensure_ascii=False)
    weights.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    print(text)


def _batches(recipe: Recipe, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    count, seed = recipe.images_per_epoch, recipe.first_images + epoch
    drawn = photo_digits.render(count, "train", seed=seed, keep=False)
    for start in range(0, count - BATCH + 1, BATCH):
        part = slice(start, start + BATCH)
        yield drawn.images[part] / np.float32(255), drawn.labels[part]


def _triangle(keras: Any, recipe: Recipe) -> Any:
    """Learning rate that rises for a fifth of the steps and then falls to a hundredth."""
    steps = recipe.epochs * (recipe.images_per_epoch // BATCH)
    peak = recipe.peak_rate
    return keras.optimizers.schedules.CosineDecay(
        peak / 20, steps * 4 // 5, alpha=0.01, warmup_target=peak, warmup_steps=steps // 5
    )


def _accuracy(scores_of: Callable[[np.ndarray], np.ndarray], split: photo_digits.Split) -> float:
    """Share of images of a split that the net, as it was written, gets right."""
    drawn = photo_digits.render(MEASURED, split, keep=False)
    found = [scores_of(drawn.images[i : i + _CHUNK]) for i in range(0, MEASURED, _CHUNK)]
    return round(float(np.mean(np.concatenate(found).argmax(axis=1) == drawn.labels)), 4)
