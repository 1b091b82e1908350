"""The two rules by which a fast training step changes weights: Muon for kernels, SGD for the rest.

Muon takes the momentum of a kernel's gradient and replaces it by the nearest matrix whose singular
values are all equal: rare directions, which plain descent hardly follows, get the same step as
common ones.  Everything here is TensorFlow, to be traced into the graph of a training step.
Source: K. Jordan et al., Muon (2024, kellerjordan.github.io/posts/muon).
"""

from __future__ import annotations

from typing import Any

from utils.nets.quiet import import_tensorflow

tf = import_tensorflow()

_POLYNOMIAL = (3.4445, -4.7750, 2.0315)
"""Jordan's a, b, c of the iteration X ← aX + b(XXᵀ)X + c(XXᵀ)²X: it drives singular values to
0.7 … 1.2 within a few rounds, where the classical (1.5, -0.5, 0) needs many."""


def orthogonalise(matrix: Any, rounds: int = 3) -> Any:
    """The matrix (m, n) with its singular values brought near 1, by Newton and Schulz' iteration.

    Products of matrices only, so it costs little beside the convolutions.
    """
    a, b, c = _POLYNOMIAL
    tall = matrix.shape[0] > matrix.shape[1]
    x = tf.transpose(matrix) if tall else matrix
    x = x / (tf.norm(x) + 1e-7)  # no singular value above 1, or the iteration diverges
    for _ in range(rounds):
        gram = tf.matmul(x, x, transpose_b=True)
        x = a * x + tf.matmul(b * gram + c * tf.matmul(gram, gram), x)
    return tf.transpose(x) if tall else x


class Muon:
    """Changes kernels (kh, kw, C_in, C_out) that batch normalisation follows.

    Such a layer's output doesn't depend on the length of its kernel, so the length is held fixed
    (the root of C_out) and the rate is the relative change of a kernel per step.
    """

    def __init__(self, kernels: list[Any], rate: float, momentum: float) -> None:
        self.kernels, self.rate, self.momentum = kernels, rate, momentum
        self.velocities = [tf.Variable(tf.zeros_like(kernel)) for kernel in kernels]

    def step(self, gradients: list[Any], schedule: Any) -> None:
        """One change; `schedule` (scalar) scales the rate."""
        for kernel, velocity, gradient in zip(
            self.kernels, self.velocities, gradients, strict=True
        ):
            direction = _with_momentum(velocity, gradient, self.momentum)
            flat = tf.reshape(direction, (-1, kernel.shape[-1]))
            update = tf.reshape(orthogonalise(flat), kernel.shape)
            length = tf.sqrt(float(kernel.shape[-1]))
            value = tf.convert_to_tensor(kernel)
            kernel.assign(value * length / tf.norm(value) - self.rate * schedule * update)


class Descent:
    """Stochastic gradient descent with Nesterov's momentum and weight decay."""

    def __init__(self, weights: list[Any], rate: float, momentum: float, decay: float = 0) -> None:
        self.weights, self.rate, self.momentum, self.decay = weights, rate, momentum, decay
        self.velocities = [tf.Variable(tf.zeros_like(weight)) for weight in weights]

    def step(self, gradients: list[Any], schedule: Any) -> None:
        """One change; `schedule` (scalar) scales the rate and the decay."""
        for weight, velocity, gradient in zip(
            self.weights, self.velocities, gradients, strict=True
        ):
            direction = _with_momentum(velocity, gradient, self.momentum)
            value = tf.convert_to_tensor(weight)
            weight.assign(value * (1 - schedule * self.decay) - self.rate * schedule * direction)


def _with_momentum(velocity: Any, gradient: Any, momentum: float) -> Any:
    """Nesterov's direction: the gradient, plus what the velocity will be after it."""
    velocity.assign(momentum * velocity + gradient)
    return gradient + momentum * velocity
