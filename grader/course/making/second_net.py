"""Train the second net on PhotoDigits and write its weights and what is known about them.

Run by whoever maintains the course, a few minutes on one core:  python -m
grader.course.making.second_net Beside turns and changes of size, its training images differ in
contrast and brightness and carry noise, so that it judges shapes and is not put off by the look of
an image that was computed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from utils.nets.quiet import import_keras, import_tensorflow

from ..nets import second_net, trusted
from .photographs import save
from .training import Recipe, train, write_facts

RECIPE = Recipe(seed=2718, first_images=5000, peak_rate=4e-3, turn=0.04, zoom=0.12)
DROPOUT = 0.2
NOISE = 0.08
"""Largest standard deviation of noise, of images in [0, 1]."""


def main() -> None:
    """Train, fold the normalisation into the convolutions, round to float16, measure, write."""
    keras, tf = import_keras(), import_tensorflow()
    smoothed = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.05)
    model = train(
        RECIPE, build, lambda labels, scores: smoothed(tf.one_hot(labels, 10), scores), _disturbed
    )
    weights = folded(model)
    save(second_net.WEIGHTS, weights)
    trusted.second.cache_clear()
    write_facts(
        second_net.WEIGHTS,
        RECIPE,
        "five convolutions 3×3, two of them with stride 2, SiLU; mean over the image",
        sum(int(array.size) for array in weights.values()),
        trusted.second().logits,
    )


def _disturbed(images: Any) -> Any:
    """Images with another contrast and brightness, and with noise."""
    tf = import_tensorflow()
    one = (tf.shape(images)[0], 1, 1, 1)
    contrast, brightness = tf.random.uniform(one, 0.6, 1.4), tf.random.uniform(one, -0.15, 0.15)
    noise = tf.random.uniform(one, 0, NOISE) * tf.random.normal(tf.shape(images))
    return tf.clip_by_value((images - 0.5) * contrast + 0.5 + brightness + noise, 0, 1)


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


if __name__ == "__main__":
    main()
