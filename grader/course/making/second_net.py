"""Train the second net on PhotoDigits and write its weights and what is known about them.

Run by whoever maintains the course, a few minutes on one core:  python -m
grader.course.making.second_net Beside turns and changes of size, its training images differ in
contrast and brightness and carry noise, so that it judges shapes and is not put off by the look of
an image that was computed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from utils.images import photo_digits
from utils.nets.quiet import import_keras

from ..nets import second_net, trusted
from .photographs import save

SEED = 2718
EPOCHS = 14
IMAGES_PER_EPOCH = 16_000
BATCH = 128
PEAK_RATE = 4e-3
DROPOUT = 0.2
NOISE = 0.08
"""Largest standard deviation of noise, of images in [0, 1]."""
MEASURED = 5000


def main() -> None:
    """Train, fold the normalisation into the convolutions, round to float16, measure, write."""
    keras = import_keras()
    import tensorflow as tf  # takes seconds to import

    keras.utils.set_random_seed(SEED)
    model = build()
    augment = keras.Sequential(
        [
            keras.layers.RandomRotation(0.04, fill_mode="reflect"),
            keras.layers.RandomZoom(0.12, 0.12, fill_mode="reflect"),
        ]
    )
    steps = EPOCHS * (IMAGES_PER_EPOCH // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(
        PEAK_RATE / 20, steps * 4 // 5, alpha=0.01, warmup_target=PEAK_RATE, warmup_steps=steps // 5
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=1e-3)
    loss_of = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.05)

    @tf.function
    def step(images: Any, labels: Any) -> Any:
        images = augment(images, training=True)
        one = (tf.shape(images)[0], 1, 1, 1)
        contrast, brightness = tf.random.uniform(one, 0.6, 1.4), tf.random.uniform(one, -0.15, 0.15)
        noise = tf.random.uniform(one, 0, NOISE) * tf.random.normal(tf.shape(images))
        images = tf.clip_by_value((images - 0.5) * contrast + 0.5 + brightness + noise, 0, 1)
        with tf.GradientTape() as tape:
            loss = loss_of(tf.one_hot(labels, 10), model(images, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    for epoch in range(EPOCHS):
        losses = [float(step(x, y)) for x, y in _batches(epoch)]
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.3f}", flush=True)

    save(second_net.WEIGHTS, folded(model))
    trusted.second.cache_clear()
    facts = {
        "net": "five convolutions 3×3, two of them with stride 2, SiLU; mean over the image",
        "parameters": sum(int(array.size) for array in folded(model).values()),
        "trained_on": f"PhotoDigits 32×32, {EPOCHS} × {IMAGES_PER_EPOCH} images, seed {SEED}",
        "accuracy": {split: accuracy(split) for split in ("train", "validation", "test")},
        "measured_on": f"{MEASURED} images of each split, seed 0",
    }
    text = json.dumps(facts, indent=1, ensure_ascii=False)
    second_net.WEIGHTS.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    print(text)


def build() -> Any:
    """The net as it is trained, with batch normalisation: (N, 32, 32, 3) in [0, 1] -> logits."""
    keras = import_keras()
    x = images = keras.Input((second_net.SIZE, second_net.SIZE, 3), name="images")
    for number, (kernel, stride, filters) in enumerate(second_net.CONVOLUTIONS, 1):
        x = keras.layers.Conv2D(
            filters, kernel, stride, padding="same", use_bias=False, name=f"conv{number}"
        )(x)
        x = keras.layers.BatchNormalization(momentum=0.95, name=f"norm{number}")(x)
        x = keras.layers.Activation("silu", name=f"silu{number}")(x)
    x = keras.layers.GlobalAveragePooling2D(name="average")(x)
    x = keras.layers.Dropout(DROPOUT, name="dropout")(x)
    return keras.Model(images, keras.layers.Dense(10, name="scores")(x), name="second")


def folded(model: Any) -> dict[str, np.ndarray]:
    """Weights with the normalisation in the convolutions' kernels and biases, as float16."""
    parts = {}
    for number in range(1, len(second_net.CONVOLUTIONS) + 1):
        (kernel,) = model.get_layer(f"conv{number}").get_weights()
        norm = model.get_layer(f"norm{number}")
        gamma, beta, mean, variance = norm.get_weights()
        factor = gamma / np.sqrt(variance + norm.epsilon)
        parts[f"conv{number}.kernel"] = (kernel * factor).astype(np.float16)
        parts[f"conv{number}.bias"] = (beta - mean * factor).astype(np.float16)
    kernel, bias = model.get_layer("scores").get_weights()
    return parts | {
        "scores.kernel": kernel.astype(np.float16),
        "scores.bias": bias.astype(np.float16),
    }


def accuracy(split: photo_digits.Split) -> float:
    """Share of images of a split that the net, as it was written, gets right."""
    drawn = photo_digits.render(MEASURED, split, keep=False)
    found = trusted.second().logits(drawn.images).argmax(axis=1)
    return round(float(np.mean(found == drawn.labels)), 4)


def _batches(epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    drawn = photo_digits.render(IMAGES_PER_EPOCH, "train", seed=5000 + epoch, keep=False)
    for start in range(0, IMAGES_PER_EPOCH - BATCH + 1, BATCH):
        part = slice(start, start + BATCH)
        yield drawn.images[part] / np.float32(255), drawn.labels[part]


if __name__ == "__main__":
    main()
