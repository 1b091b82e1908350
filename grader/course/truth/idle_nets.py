"""Idle answers to notebooks 00, 02 and 03: nothing of what is asked is done in them, or it is left
to what is shipped.  They earn nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from grader.contract.sample import idle
from utils.nets import pretrained
from utils.training import augmenting, models

from . import training_nets

Array = np.ndarray


def _names_of(images: Array) -> list[int]:
    net = pretrained.load("mini")
    return [net.class_names.index(name) for ((name, _),) in net.top(images, 1)]


def _best_five(images: Array) -> tuple[list[list[int]], list[list[float]]]:
    net = pretrained.load("mini")
    best = net.top(images)
    classes = [[net.class_names.index(name) for name, _ in row] for row in best]
    return classes, [[p for _, p in row] for row in best]


IDLE_STARTED = [
    idle("classify: net.top", _names_of),
    idle("top5: net.top", _best_five),
    idle("top5: five classes, alike", lambda images: (
        np.tile(np.arange(5), (len(images), 1)), np.full((len(images), 5), 0.2))),
]  # fmt: skip


# -- nets that are described or trained -----------------------------------------------------------


def _untrained(build: Callable[[], Any]) -> Callable[..., dict[str, Any]]:
    """What a net with its first weights says, as if it were the one that was handed in."""

    def answer(images: Any, known: Any = None) -> dict[str, Any]:
        shown = models.images_for("photodigits", images)
        model = build()
        return {
            "outputs": models.outputs_of(model, shown),
            "outputs_255": models.outputs_of(model, shown[:100] * 255.0),
            "dataset": "photodigits",
        }

    return answer


def _module(module: Callable[[Any, list[int]], Any]) -> Any:
    return models.module(module)


def _four_points(image: Any, filters: list[int]) -> Any:
    """Four 1×1 convolutions beside each other."""
    steps = training_nets._layers()
    last = [filters[0], filters[2], filters[4], filters[5]]
    return steps.Concatenate()([steps.Conv2D(n, 1, activation="relu")(image) for n in last])


IDLE_TRAINING = [
    *(
        idle(f"{check}: the one-layer net", models.configuration(training_nets.one_layer))
        for check in ("mlp_configuration", "simple_cnn_configuration", "rest_configuration")
    ),
    *(
        idle(f"{check}: never trained", _untrained(build))
        for check, build in (
            ("one_layer", training_nets.one_layer),
            ("mlp", training_nets.mlp),
            ("mlp_tuned", training_nets.mlp),
            ("simple_cnn", training_nets.simple_cnn),
            ("own_best", training_nets.simple_cnn),
            ("rest", training_nets.rest_net),
        )
    ),
    idle("inception_module: the image", _module(lambda image, filters: image)),
    idle("inception_module: four 1×1 convolutions", _module(_four_points)),
    idle("split: nothing left out", lambda x, y, *_: (x, y, x, y)),
    idle("split: the rest is empty", lambda x, y, *_: (x, y, x[:0], y[:0])),
    idle("balance: nothing taken away", lambda x, y, *_: (x, y)),
]


# -- augmentation ---------------------------------------------------------------------------------


def _augmenter(change: Callable[[Array], Any]) -> Any:
    return augmenting.tried(lambda dataset: lambda images, training=True: change(images))


_NOISE = np.random.default_rng(7)


IDLE_AUGMENTATION = [
    *(
        idle(f"{check}: the one-layer net", configured(training_nets.one_layer))
        for check, configured in (
            ("three_convolutions", models.configuration),
            ("vgg_configuration", lambda build: augmenting.configured(lambda filters: build())),
        )
    ),
    *(
        idle(f"{check}: never trained", _untrained(training_nets.simple_cnn))
        for check in ("plain", "augmented", "vgg")
    ),
    idle("augmenter: images as they are", _augmenter(lambda images: images)),
    idle("augmenter: black", _augmenter(lambda images: images * 0)),
    idle("augmenter: noise alone", _augmenter(
        lambda images: _NOISE.uniform(0, 1, images.shape).astype(np.float32))),
    idle("augmenter: next to no noise", _augmenter(
        lambda images: np.clip(images + _NOISE.normal(0, 1e-3, images.shape), 0, 1))),
    idle("move_with_masks: as they are", lambda images, masks, seed: (images, masks)),
    idle("move_with_masks: in another order", lambda images, masks, seed: (
        images[::-1], masks[::-1])),
    idle("move_with_masks: noise", lambda images, masks, seed: (
        np.random.default_rng(seed).uniform(0, 1, images.shape).astype(np.float32), masks)),
]  # fmt: skip
