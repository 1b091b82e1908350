"""What runs in foolbox's environment: its attacks and ours on the same net, in turns.

The net is the same Keras model for all, behind the same compiled function; foolbox sees it through
its own wrapper for TensorFlow.  Its attacks are given the aim in the way that each understands:
Carlini and Wagner's a margin of scores that guarantees the probability, DDN a criterion that tests
for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from grader.bench import peers
from grader.course.nets import attack as attack_reference
from utils.nets import pretrained

ENOUGH = attack_reference.ENOUGH


def attack(question: dict[str, Any]) -> dict[str, Any]:
    """Attack images with each attack, and hand back the images, unrounded, and the seconds.

    question: images (N, H, W, 3) uint8, targets (N,), net, rounds, and `cw`: name -> settings.
    """
    # foolbox needs it, and numpy 2 has it no more
    setattr(np, "find_common_type", lambda kinds, _: np.result_type(*kinds))  # noqa: B010
    # only foolbox's environment has these, and they look for what was just set
    import eagerpy
    import foolbox
    import tensorflow as tf

    model = pretrained.load(question["net"]).model
    images = question["images"].astype(np.float32) / np.float32(255)
    targets = question["targets"].astype(np.int64)
    given, wanted = tf.constant(images), tf.constant(targets)
    wrapped = foolbox.TensorFlowModel(tf.function(lambda x: model(x)), bounds=(0, 1))

    class Likely(foolbox.criteria.TargetedMisclassification):
        """The target's probability is enough."""

        def __call__(self, perturbed: Any, outputs: Any) -> Any:
            scores, restore = eagerpy.astensor_(outputs)
            rows = range(len(scores))
            return restore(scores.softmax(axis=-1)[rows, self.target_classes] >= ENOUGH)

    confidence = float(np.log(ENOUGH / (1 - ENOUGH) * (model.output_shape[-1] - 1)))
    margin = foolbox.criteria.TargetedMisclassification(wanted)
    carlinis = {
        name: foolbox.attacks.L2CarliniWagnerAttack(confidence=confidence, **settings)
        for name, settings in question["cw"].items()
    }
    ddn = foolbox.attacks.DDNAttack()

    @tf.function
    def likelihood(x: Any, target: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            logs = tf.gather(tf.nn.log_softmax(model(x)), target, batch_dims=1)
        return tf.exp(logs), tape.gradient(logs, x)

    def ours() -> np.ndarray:
        def ask(x: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            p, gradient = likelihood(x, target)
            return p.numpy(), gradient.numpy()

        return attack_reference.search(ask, question["images"], targets) / np.float32(255)

    contenders: dict[str, Callable[[], Any]] = {
        "ours": ours,
        "ddn": lambda: ddn.run(wrapped, given, Likely(wanted)),
    }
    for name, carlini in carlinis.items():
        contenders[name] = partial(carlini.run, wrapped, given, margin)
    likelihood(given, wanted)  # compile before the clock runs
    wrapped(given)
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    processor: dict[str, list[float]] = {name: [] for name in contenders}
    found: dict[str, np.ndarray] = {}
    for _ in range(question["rounds"]):
        for name, function in contenders.items():
            wall, busy = time.perf_counter(), time.process_time()
            found[name] = np.asarray(function(), np.float32)
            seconds[name].append(time.perf_counter() - wall)
            processor[name].append(time.process_time() - busy)
    return {"found": found, "seconds": seconds, "processor": processor}


if __name__ == "__main__":
    peers.answer(attack)
