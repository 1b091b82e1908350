"""Train the mini net on PhotoDigits and write its weights and what is known about them to `data/`.

Run by whoever maintains the course, a few minutes on one core:

    python -m grader.course.making.mini_net

Every epoch sees images that were never rendered before, but of the same handwritten training digits
on the same parts of the photographs; small turns and changes of size make up for those being few.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from utils.images import photo_digits
from utils.nets import pretrained
from utils.nets.quiet import import_keras

from .photographs import save

SEED = 7
EPOCHS = 14
IMAGES_PER_EPOCH = 16_000
BATCH = 128
PEAK_RATE = 2e-3
DROPOUT = 0.3


def main() -> None:
    """Train, round to float16, measure, write."""
    keras = import_keras()
    import tensorflow as tf  # takes seconds to import

    keras.utils.set_random_seed(SEED)
    model = pretrained.build_mini(DROPOUT)
    augment = keras.Sequential(
        [
            keras.layers.RandomRotation(0.03, fill_mode="reflect"),
            keras.layers.RandomZoom(0.1, 0.1, fill_mode="reflect"),
        ]
    )
    steps = EPOCHS * (IMAGES_PER_EPOCH // BATCH)
    optimizer = keras.optimizers.AdamW(_triangle(keras, steps), weight_decay=1e-3)
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function
    def step(images: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = loss_of(labels, model(augment(images, training=True), training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    for epoch in range(EPOCHS):
        losses = [float(step(x, y)) for x, y in _batches(epoch)]
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.3f}", flush=True)

    save(pretrained.MINI_WEIGHTS, _weights(model))
    net = pretrained.load("mini")
    facts = {
        "net": "conv1-5 with pooling after 1, 2 and 5, fc6-8",
        "parameters": int(net.model.count_params()),
        "trained_on": f"PhotoDigits 32×32, {EPOCHS} × {IMAGES_PER_EPOCH} images, seed {SEED}",
        "accuracy": {
            split: round(_accuracy(net, split), 4) for split in ("train", "validation", "test")
        },
        "measured_on": f"{_MEASURED} images of each split, seed 0",
    }
    text = json.dumps(facts, indent=1, ensure_ascii=False)
    pretrained.MINI_WEIGHTS.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    print(text)


def _batches(epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    drawn = photo_digits.render(IMAGES_PER_EPOCH, "train", seed=1000 + epoch, keep=False)
    for start in range(0, IMAGES_PER_EPOCH - BATCH + 1, BATCH):
        part = slice(start, start + BATCH)
        yield drawn.images[part] / np.float32(255), drawn.labels[part]


def _triangle(keras: Any, steps: int) -> Any:
    """Learning rate that rises for a fifth of the steps and then falls to a hundredth."""
    return keras.optimizers.schedules.CosineDecay(
        PEAK_RATE / 20, steps * 4 // 5, alpha=0.01, warmup_target=PEAK_RATE, warmup_steps=steps // 5
    )


def _weights(model: Any) -> dict[str, np.ndarray]:
    parts = {}
    for layer in model.layers:
        if layer.weights:
            kernel, bias = layer.get_weights()
            parts[f"{layer.name}.kernel"] = kernel.astype(np.float16)
            parts[f"{layer.name}.bias"] = bias.astype(np.float16)
    return parts


_MEASURED = 5000


def _accuracy(net: pretrained.PretrainedNet, split: photo_digits.Split) -> float:
    drawn = photo_digits.render(_MEASURED, split, keep=False)
    chunks = [np.asarray(net.logits(drawn.images[i : i + 500])) for i in range(0, _MEASURED, 500)]
    return float(np.mean(np.concatenate(chunks).argmax(axis=1) == drawn.labels))


if __name__ == "__main__":
    main()
