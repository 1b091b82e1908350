"""The net of the fast recipe: whitened patches, then three blocks of two convolutions each.

Its plan is that of K. Jordan's airbench (2024, arxiv.org/abs/2404.00498); its sizes were chosen for
a processor.  The convolutions are where the time goes, so everything else is there to make every
one of them count: the first layer needs no training, pooling comes before normalisation, and a
block begins as nearly the identity.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from utils.fast.recipe import Recipe
from utils.nets.quiet import import_keras, import_tensorflow

tf, keras = import_tensorflow(), import_keras()

_PATCH = 2
_SAMPLE = 5_000
_EPSILON = 5e-4
"""Added to a patch's variances before the root: directions that hold only noise stay small."""


def whitening_kernel(images: np.ndarray) -> np.ndarray:
    """Kernel (2, 2, C, 8 C) whose outputs are uncorrelated over images (N, H, W, C) and of equal
    variance; the second half is the first with its sign changed, since ReLU cuts off half of it.

    The filters are the eigenvectors of the covariance of 2×2 patches, divided by their spread.
    """
    views = np.lib.stride_tricks.sliding_window_view(images[:_SAMPLE], (_PATCH, _PATCH), (1, 2))
    patches = np.moveaxis(views, 3, -1).reshape(-1, _PATCH * _PATCH * images.shape[-1])
    variances, vectors = np.linalg.eigh(np.cov(patches, rowvar=False))
    filters = vectors / np.sqrt(variances + _EPSILON)
    shape = (_PATCH, _PATCH, images.shape[-1], -1)
    return np.concatenate([filters, -filters], axis=1).reshape(shape).astype(np.float32)


@keras.saving.register_keras_serializable("course")
class FusedNormalization(keras.layers.Layer):  # type: ignore[name-defined]
    """Batch normalisation without a scale, in TensorFlow's fused kernel.

    Keras 3 computes its BatchNormalization step by step, which on a processor costs several times
    as much, since each step reads and writes all activations.  Input and output (N, H, W, C).
    """

    def __init__(self, momentum: float = 0.6, epsilon: float = 1e-5, **settings: Any) -> None:
        super().__init__(**settings)
        self.momentum, self.epsilon = momentum, epsilon

    def build(self, shape: tuple[int, ...]) -> None:
        """One offset, mean and variance for each channel, all float32 whatever is computed in."""
        size = {"shape": (shape[-1],), "dtype": "float32", "autocast": False}
        self.offset = self.add_weight(name="offset", initializer="zeros", **size)
        self.mean = self.add_weight(name="mean", initializer="zeros", trainable=False, **size)
        self.variance = self.add_weight(
            name="variance", initializer="ones", trainable=False, **size
        )

    def call(self, x: Any, training: bool = False) -> Any:
        """Normalise by the batch when training, else by the running averages."""
        one = tf.ones_like(self.offset)
        settings = {"epsilon": self.epsilon, "is_training": training}
        if not training:
            mean, variance = (tf.convert_to_tensor(v) for v in (self.mean, self.variance))
            return tf.compat.v1.nn.fused_batch_norm(
                x, one, self.offset, mean, variance, **settings
            )[0]
        y, mean, variance = tf.compat.v1.nn.fused_batch_norm(x, one, self.offset, **settings)
        for average, now in ((self.mean, mean), (self.variance, variance)):
            average.assign(self.momentum * average + (1 - self.momentum) * now)
        return y

    def compute_output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """That of the input."""
        return shape

    def get_config(self) -> dict[str, Any]:
        """What a saved model needs to be built again."""
        return {**super().get_config(), "momentum": self.momentum, "epsilon": self.epsilon}


def build(recipe: Recipe, images: np.ndarray) -> Any:
    """The model for images like these (N, H, W, C) uint8: pixels 0 … 255 in, a score a class out.

    It takes squares of any size, since only the last pooling, over everything, sees the size.
    """
    policy = "mixed_bfloat16" if recipe.bfloat16 else "float32"
    sample = images[:_SAMPLE].astype(np.float32)
    mean, spread = sample.mean((0, 1, 2)), sample.std((0, 1, 2))
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((None, None, images.shape[-1])),
            layers.Rescaling(1 / spread, -mean / spread, dtype="float32"),
            _first_layer(recipe, (sample - mean) / spread, policy),
            layers.Activation("relu", dtype=policy),
            *(layer for width in recipe.widths for layer in _block(recipe, width, policy)),
            layers.GlobalMaxPooling2D(dtype=policy),
            layers.Dense(recipe.classes, use_bias=False, dtype=policy),
            layers.Rescaling(1 / recipe.widths[-1], dtype="float32"),
        ]
    )


def _first_layer(recipe: Recipe, sample: np.ndarray, policy: str) -> Any:
    channels = sample.shape[-1]
    layer = keras.layers.Conv2D(
        8 * channels, _PATCH, padding="same", use_bias=False, dtype=policy, name="patches"
    )
    if recipe.whitening:
        layer.build((None, None, None, channels))
        layer.set_weights([whitening_kernel(sample)])
        layer.trainable = False
    return layer


def _block(recipe: Recipe, width: int, policy: str) -> list[Any]:
    """Convolution, pooling, convolution; each convolution is normalised and rectified."""
    start = nearly_identity if recipe.identity else "he_uniform"

    def convolution() -> Any:
        return keras.layers.Conv2D(
            width, 3, padding="same", use_bias=False, kernel_initializer=start, dtype=policy
        )

    def normalisation() -> Any:
        if recipe.fused:
            return FusedNormalization(dtype=policy)
        return keras.layers.BatchNormalization(
            momentum=0.6, epsilon=1e-5, scale=False, dtype=policy
        )

    def rectifier() -> Any:
        return keras.layers.Activation("relu", dtype=policy)

    pool = keras.layers.MaxPooling2D(2, dtype=policy)
    first = [convolution(), pool, normalisation(), rectifier()]
    second = [convolution(), normalisation(), rectifier()]
    if not recipe.pool_early:
        first.remove(pool)
        second.append(pool)
    return [*first, *second]


def nearly_identity(shape: tuple[int, ...], dtype: Any = None) -> Any:
    """A kernel (kh, kw, C_in, C_out) whose first C_in filters hand their channel on unchanged;
    the others are random (uniform, with the variance 1 / 3 fan-in)."""
    kh, kw, c_in, c_out = shape
    limit = 1 / np.sqrt(kh * kw * c_in)
    kernel = keras.random.uniform(shape, -limit, limit, dtype="float32")
    same = np.zeros(shape, np.float32)
    kept = np.arange(min(c_in, c_out))
    same[kh // 2, kw // 2, kept, kept] = 1
    chosen = np.arange(c_out) < len(kept)
    return tf.cast(tf.where(chosen, same, kernel), dtype or "float32")


def flops(model: Any, size: int) -> int:
    """Operations for one image of size × size, forward: two for each weight of a convolution or
    dense layer and each place where it is used.  The model is a Sequential."""
    shape = (1, size, size, model.inputs[0].shape[-1])
    total = 0
    for layer in model.layers:
        shape = layer.compute_output_shape(shape)
        if hasattr(layer, "kernel"):
            total += 2 * int(np.prod(layer.kernel.shape)) * int(np.prod(shape[1:-1]))
    return total
