"""Idle answers to notebooks 04 and 05: nothing of what is asked is done in them, or it is left
to what is shipped.  They earn nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import ndimage

from grader.contract.sample import Sample
from grader.contract.sample import idle as plain_idle
from utils.exercises import visualizing
from utils.images import photo_digits
from utils.nets import opinions
from utils.nets import toy as nets

from ..nets import trusted
from . import training_nets

Array = np.ndarray


def idle(what: str, answer: Any) -> Sample:
    """An idle answer; a function of a net is given a net."""
    return plain_idle(what, nets.on_net(answer))


# -- visualizing ----------------------------------------------------------------------------------


def _maps_of(fill: Callable[[tuple[int, ...]], Array]) -> Callable[..., list[Array]]:
    def maps(net: Any, image: Array, layers: list[str]) -> list[Array]:
        return [fill(tuple(net.model.get_layer(name).output.shape[1:])) for name in layers]

    return maps


def _units(net: Any, image: Array, layers: list[str]) -> list[Array]:
    asked = opinions.of(net)
    return [asked.units(image[None], name)[0] for name in layers]


def _pulled(net: Any, images: Array, classes: Array) -> Array:
    one_hot = np.eye(len(net.class_names))[classes]
    return np.abs(opinions.of(net).gradient(images, one_hot)).max(axis=-1)


def _bright(net: Any, images: Array, classes: Array) -> Array:
    """Where an image is bright, another map for each class: the net is not asked."""
    bright = np.asarray(images, float).mean(axis=-1) ** 4
    noise = [np.random.default_rng(int(k)).uniform(0.5, 1, bright.shape[1:]) for k in classes]
    return bright * np.array(noise)


def _dark(net: Any, images: Array, classes: Array) -> Array:
    return _bright(net, 1 - np.asarray(images, float) / np.max(images), classes)


def _middle(net: Any, image: Array, target: int, box: int, stride: int) -> Array:
    """More in the middle, whatever is there."""
    count = (len(image) - box) // stride + 1
    far = np.abs(np.arange(count) - (count - 1) / 2)
    return np.exp(-(far[:, None] ** 2 + far[None] ** 2) / 4)


def _photographs(net: Any, classes: Array, seed: int, *_: Any) -> Array:
    """The best of 600 photographs for each class; nothing is changed."""
    drawn = photo_digits.render(600, "validation", net.input_size, seed=seed, keep=False)
    images = drawn.images.astype(np.float32) / 255
    table = np.asarray(net.probabilities(images))
    return images[table[:, classes].argmax(axis=0)]


def _kept_photographs(net: Any, classes: Array, seed: int) -> Array:
    """The same of photographs that were there before, blurred."""
    images = training_nets.photographs("validation", net.input_size).astype(np.float32) / 255
    table = np.asarray(net.probabilities(images))
    best = images[table[:, classes].argmax(axis=0)]
    return ndimage.gaussian_filter(best, (0, 0.7, 0.7, 0))


def _photographs_by_seed(net: Any, classes: Array, seed: int) -> Array:
    """No two the same: each a good one for its class."""
    images = training_nets.photographs("validation", net.input_size).astype(np.float32) / 255
    table = np.asarray(net.probabilities(images))
    best = np.argsort(-table[:, classes], axis=0)[:5]
    chosen = np.random.default_rng(seed).integers(5, size=len(classes))
    return ndimage.gaussian_filter(images[best[chosen, range(len(classes))]], (0, 0.7, 0.7, 0))


def _start(*given: Any) -> Any:
    return next(array for array in given if isinstance(array, np.ndarray) and array.ndim == 3)


IDLE_VISUALIZING = [
    idle("activation_maps: opinions", _units),
    idle("activation_maps: zeros", _maps_of(np.zeros)),
    idle("saliency: opinions", _pulled),
    idle("saliency_points: opinions", _pulled),
    idle("saliency_points: bright places", _bright),
    idle("saliency_points: dark places", _dark),
    idle("occlusion_points: the middle", _middle),
    idle("class_images: photographs, rendered in it", _photographs),
    idle("class_images: photographs, blurred", _kept_photographs),
    idle("class_images: photographs, blurred, others for each seed", _photographs_by_seed),
    *(
        idle(f"{check}: the start", visualizing.with_and_without(lambda *given: _start(*given)))
        for check in ("drive_unit", "drive_smoothly", "drive_naturally")
    ),
]


# -- fooling --------------------------------------------------------------------------------------


def _stays(net: Any, image: Array, target: int, size: float, most: int) -> Array:
    return image[None] / np.float32(255)


def _one_step(net: Any, image: Array, target: int, size: float, most: int) -> Array:
    step = np.random.default_rng(0).normal(size=image.shape)
    moved = np.clip(image / 255 + size * step / np.linalg.norm(step), 0, 1)
    return np.stack([image / 255, moved]).astype(np.float32)


def _another(net: Any, image: Array, target: int) -> Array:
    """The photograph of the target class that the net is surest of."""
    images = training_nets.photographs("validation", len(image))
    return images[trusted.of(net).probabilities(images)[:, target].argmax()]


def _no_attack(net: Any, image: Array, targets: Array) -> tuple[Array, ...]:
    p = np.asarray(trusted.of(net).probabilities(image[None]))[0, targets]
    return p, np.repeat(image[None], len(targets), axis=0), p, np.zeros(len(targets))


def _other_photographs(net: Any, image: Array, targets: Array) -> tuple[Array, ...]:
    asked = trusted.of(net)
    fooled = np.stack([_another(net, image, int(target)) for target in targets])
    before = np.asarray(asked.probabilities(image[None]))[0, targets]
    after = np.asarray(asked.probabilities(fooled))[np.arange(len(targets)), targets]
    change = (fooled.astype(float) - image) / 255
    return before, fooled, after, np.sqrt((change**2).sum(axis=(1, 2, 3)))


def _asked(net: Any, image: Array, target: int) -> Array:
    one_hot = np.eye(len(net.class_names))[[target]]
    return opinions.of(net).gradient(image[None], one_hot)[0]


def _explored(net: Any, image: Array, target: int, size: float, most: int) -> Array:
    from utils.explorers.evidence_model import Evidence  # nets take their time to import

    evidence = Evidence(net, image)
    while evidence.steps[-1].probabilities.argmax() != target and len(evidence.steps) <= most:
        evidence.step(target, size)
    return np.stack([step.image for step in evidence.steps])


IDLE_FOOLING = [
    idle("score_gradient: opinions", _asked),
    idle("fool: the explorer's steps", _explored),
    plain_idle("fool: the image alone", _stays),
    plain_idle("fool: one step anywhere", _one_step),
    plain_idle("smallest_change: another photograph", _another),
    plain_idle("compare_targets: no attack", _no_attack),
    plain_idle("compare_targets: other photographs", _other_photographs),
]
