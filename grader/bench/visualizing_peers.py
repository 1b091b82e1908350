"""The other end of the visualizing bench: runs where tf-keras-vis and xplique are installed.

Everything happens in this one process: the mini net is built once, our functions are compiled from
the text that came with the question, and each library is asked as its documentation says.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from grader.bench import peers
from grader.course.nets import trusted
from utils.images import photo_digits
from utils.nets import pretrained
from utils.nets.quiet import import_keras, import_tensorflow

LAYERS = ("relu2", "relu3", "relu4", "relu5")
"""Where Grad-CAM looks: each of them is measured."""
SAMPLES, NOISE = 20, 0.2
"""SmoothGrad's noisy copies and their standard deviation, the same for both libraries."""
BATCHES = (32, 64, 128, None)
"""Batch sizes tried for xplique's occlusion; the fastest is measured."""

Setting = dict[str, Any]
Ascent = Callable[..., np.ndarray]


def measure(question: dict[str, Any]) -> dict[str, Any]:
    """Everything that is measured; see `grader.bench.visualizing` for the question."""
    net = _net(question["weights"])
    ours: dict[str, Any] = {"np": np, "tf": import_tensorflow(), "keras": import_keras()}
    exec(question["functions"], ours)  # our own source, from the grader
    told = {"maps": _maps(net, ours, question)}
    told |= _occlusion(net, ours, question)
    return told | _class_images(net, ours, question)


def _net(weights: dict[str, np.ndarray]) -> pretrained.PretrainedNet:
    model = pretrained.build_mini()
    for layer in model.layers:
        if layer.weights:
            layer.set_weights([weights[f"{layer.name}.{part}"] for part in ("kernel", "bias")])
    model.trainable = False
    size = pretrained.MINI_SIZE
    return pretrained.PretrainedNet(
        "mini", photo_digits.CLASS_NAMES, size, model, lambda x: x / 255.0, "PhotoDigits"
    )


def _maps(
    net: pretrained.PretrainedNet, ours: dict[str, Any], question: dict[str, Any]
) -> dict[str, np.ndarray]:
    """Maps (N, 32, 32) by name of the method."""
    # only the peers' environment has these
    from tf_keras_vis import gradcam, gradcam_plus_plus, saliency
    from tf_keras_vis.utils.scores import CategoricalScore
    from xplique import attributions

    images, classes = question["images"], question["classes"]
    score, one_hot = CategoricalScore(classes.tolist()), np.eye(10, dtype=np.float32)[classes]
    box, stride = question["box"], question["stride"]
    options = {"model_modifier": None, "clone": False}
    gradients = saliency.Saliency(net.model, **options)
    found = {
        "ours saliency": ours["saliency"](net, images, classes),
        f"ours occlusion {box}/{stride}": _our_heat_maps(net, ours, question, images, classes),
        "tf_keras_vis saliency": gradients(score, images),
        "tf_keras_vis SmoothGrad": gradients(
            score, images, smooth_samples=SAMPLES, smooth_noise=NOISE
        ),
        "xplique saliency": attributions.Saliency(net.model).explain(images, one_hot),
        "xplique SmoothGrad": attributions.SmoothGrad(
            net.model, nb_samples=SAMPLES, noise=NOISE
        ).explain(images, one_hot),
    }
    for layer in LAYERS:
        for name, kind in (
            ("Grad-CAM", gradcam.Gradcam),
            ("Grad-CAM++", gradcam_plus_plus.GradcamPlusPlus),
        ):
            found[f"tf_keras_vis {name} {layer}"] = kind(net.model, **options)(
                score, images, penultimate_layer=layer
            )
        for name, kind in (
            ("Grad-CAM", attributions.GradCAM),
            ("Grad-CAM++", attributions.GradCAMPP),
        ):
            found[f"xplique {name} {layer}"] = kind(net.model, conv_layer=layer).explain(
                images, one_hot
            )
    return {name: np.asarray(maps).reshape(images.shape[:3]) for name, maps in found.items()}


def _our_heat_maps(
    net: pretrained.PretrainedNet,
    ours: dict[str, Any],
    question: dict[str, Any],
    images: np.ndarray,
    classes: np.ndarray,
) -> np.ndarray:
    box, stride = question["box"], question["stride"]
    maps = [
        ours["heat_map"](
            ours["occlusion_map"](net, image, int(target), box, stride), len(image), box, stride
        )
        for image, target in zip(images, classes, strict=True)
    ]
    return np.stack(maps)


def _occlusion(
    net: pretrained.PretrainedNet, ours: dict[str, Any], question: dict[str, Any]
) -> dict[str, Any]:
    """The same heat maps by both, and the seconds that they took, taking turns."""
    from xplique.attributions import Occlusion  # only the peers' environment has it

    few = slice(0, question["occluded"])
    images, classes = question["images"][few], question["classes"][few]
    one_hot = np.eye(10, dtype=np.float32)[classes]
    box, stride = question["box"], question["stride"]

    def theirs(batch: int | None) -> np.ndarray:
        explainer = Occlusion(
            net.model, batch_size=batch, patch_size=box, patch_stride=stride, occlusion_value=0.5
        )
        return np.asarray(explainer.explain(images, one_hot))

    def mine() -> np.ndarray:
        return _our_heat_maps(net, ours, question, images, classes)

    speed = {}
    for batch in BATCHES:
        theirs(batch)
        speed[batch] = min(_seconds(partial(theirs, batch))[0] for _ in range(2))
    best = min(speed, key=lambda batch: speed[batch])
    mine()
    times: dict[str, list[tuple[float, float]]] = {"ours": [], "xplique": []}
    for _ in range(question["rounds"]):
        times["ours"].append(_seconds(mine))
        times["xplique"].append(_seconds(partial(theirs, best)))
    return {
        "heat_maps": {"ours": mine(), "xplique": _as_ours(net, question, theirs(best))},
        "wall": {name: [wall for wall, _ in pairs] for name, pairs in times.items()},
        "busy": {name: [busy for _, busy in pairs] for name, pairs in times.items()},
        "xplique_batch": best or 0,
    }


def _as_ours(
    net: pretrained.PretrainedNet, question: dict[str, Any], maps: np.ndarray
) -> np.ndarray:
    """xplique adds up the scores' falls; ours is their mean, as a fraction of the score."""
    box, stride, few = question["box"], question["stride"], len(maps)
    size = maps.shape[1]
    count = np.zeros((size, size))
    for top, left in itertools.product(range(0, size - box + 1, stride), repeat=2):
        count[top : top + box, left : left + box] += 1
    scores = np.asarray(net.logits(question["images"][:few]))
    before = np.abs(scores[np.arange(few), question["classes"][:few]])
    return maps.reshape(few, size, size) / np.maximum(count, 1) / before[:, None, None]


def _seconds(function: Callable[[], Any]) -> tuple[float, float]:
    """By the clock, and of processor time."""
    wall, busy = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - wall, time.process_time() - busy


def _class_images(
    net: pretrained.PretrainedNet, ours: dict[str, Any], question: dict[str, Any]
) -> dict[str, Any]:
    """Class images by ours and by both libraries, with their best settings and their defaults."""
    classes, steps = question["class_images"], question["steps"]
    made = {"ours": np.asarray(ours["class_images"](net, classes, 1))}
    defaults, chosen, tried = {}, {}, {}
    contenders: dict[str, tuple[Ascent, list[Setting], Setting]] = {
        "tf_keras_vis": (_by_tf_keras_vis, _settings_of_tf_keras_vis(), {}),
        "xplique": (_by_xplique, _settings_of_xplique(), {}),
    }
    for name, (ascend, settings, default) in contenders.items():
        searched = question["searched"]
        shares = [_recognised(ascend(net, searched, steps, 1000, s), searched) for s in settings]
        best = int(np.argmax(shares))
        made[name] = ascend(net, classes, steps, 1, settings[best])
        defaults[name] = ascend(net, classes, steps, 1, default)
        chosen[name] = ", ".join(f"{key} {value}" for key, value in settings[best].items())
        tried[name] = len(settings)
    return {
        "class_images": made, "defaults": defaults, "settings": chosen, "settings_tried": tried
    }  # fmt: skip


def _recognised(images: np.ndarray, classes: np.ndarray) -> float:
    """Share that the second net recognises, and a little for how sure it is, to break ties."""
    table = trusted.second().probabilities(images)
    sure = table[np.arange(len(classes)), classes].mean()
    return float(np.mean(table.argmax(axis=1) == classes) + 1e-3 * sure)


def _settings_of_tf_keras_vis() -> list[Setting]:
    return [
        {"rate": rate, "total variation": variation, "jitter": jitter}
        for rate, variation, jitter in itertools.product((0.02, 0.05), (0.1, 1.0, 10.0), (0, 2))
    ]


def _by_tf_keras_vis(
    net: pretrained.PretrainedNet, classes: np.ndarray, steps: int, seed: int, setting: Setting
) -> np.ndarray:
    """ActivationMaximization; an empty setting means its defaults, but for the range of pixels."""
    # only the peers' environment has these, and TensorFlow takes seconds to import
    import tensorflow as tf
    from tf_keras_vis.activation_maximization import ActivationMaximization
    from tf_keras_vis.activation_maximization.input_modifiers import Jitter, Rotate2D
    from tf_keras_vis.activation_maximization.regularizers import Norm, TotalVariation2D
    from tf_keras_vis.utils.scores import CategoricalScore

    np.random.seed(seed)
    tf.random.set_seed(seed)
    rng = np.random.default_rng(seed)
    start = rng.normal(0.5, 0.1, (len(classes), net.input_size, net.input_size, 3))
    options: dict[str, Any] = {}
    if setting:
        options = {
            "regularizers": [TotalVariation2D(setting["total variation"]), Norm(0.3)],
            "input_modifiers": [Jitter(setting["jitter"]), Rotate2D(1)]
            if setting["jitter"]
            else [],
            "optimizer": tf.keras.optimizers.Adam(setting["rate"]),
        }
    maximization = ActivationMaximization(net.model, model_modifier=None, clone=False)
    found = maximization(
        CategoricalScore(classes.tolist()),
        seed_input=start.astype(np.float32),
        input_range=(0.0, 1.0),
        steps=steps,
        **options,
    )
    return np.asarray(found)


def _settings_of_xplique() -> list[Setting]:
    return [
        {"rate": rate, "decay": decay, "transformations": transformations}
        for rate, decay, transformations in itertools.product(
            (0.02, 0.05), (0.85, 1.0, 1.5), ("none", "jitter 2")
        )
    ]


def _by_xplique(
    net: pretrained.PretrainedNet, classes: np.ndarray, steps: int, seed: int, setting: Setting
) -> np.ndarray:
    """features_visualizations.optimize; an empty setting means its defaults, at the net's size."""
    # only the peers' environment has these, and TensorFlow takes seconds to import
    import tensorflow as tf
    from xplique import features_visualizations as features
    from xplique.features_visualizations.transformations import random_jitter

    options: dict[str, Any] = {}
    if setting:

        def shaken(images: Any) -> Any:
            margins = [[0, 0], [2, 2], [2, 2], [0, 0]]
            return random_jitter(4)(tf.pad(images, margins, constant_values=0.5))

        options = {
            "optimizer": tf.keras.optimizers.Adam(setting["rate"]),
            "fft_decay": setting["decay"],
            "transformations": shaken if setting["transformations"] == "jitter 2" else None,
        }
    tf.random.set_seed(seed)
    objective = features.Objective.neuron(net.model, "fc8", classes.tolist())
    images, _ = features.optimize(objective, nb_steps=steps, custom_shape=None, **options)
    return np.asarray(images[-1])


if __name__ == "__main__":
    peers.answer(measure)
