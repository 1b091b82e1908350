"""What is looked at before a model is trained: beginners' mistakes, and whether it can be saved."""

from __future__ import annotations

from typing import Any

import numpy as np

from utils.checks import raised
from utils.images.datasets import Dataset
from utils.nets.describe import labels_problem, loss_problem
from utils.nets.quiet import import_keras
from utils.training import models


class NotReady(raised.OneLine, ValueError):
    """Training would not work.  The text says why, and what to change."""


def look_for_mistakes(
    model: Any, description: dict[str, Any], data: Dataset, shuffle: bool
) -> None:
    """Raise NotReady for what can't work, named; say what may be a mistake and may be none."""
    x, y = np.asarray(data.x_train), np.asarray(data.y_train)
    if len(x) == 0 or len(x) != len(y):
        raise NotReady(f"there are {len(x)} training images and {len(y)} labels")
    _look_at_pixels(x[:1000])
    takes = description["input"]
    if len(takes) != x.ndim - 1 or any(
        n not in (-1, side) for n, side in zip(takes, x.shape[1:], strict=True)
    ):
        raise NotReady(f"the images have shape {x.shape[1:]}, the model takes {tuple(takes)}")
    if not description["loss"]:
        raise NotReady("the model isn't compiled: call model.compile(…) in build()")
    problem = labels_problem(description, y)
    if problem:
        raise NotReady(problem)
    if problem := loss_problem(description):
        _tell_or_refuse(model, description, x, problem)
    if not shuffle and len(set(_classes(y)[:256].tolist())) < 3 < len(set(_classes(y).tolist())):
        raise NotReady(
            "the images are sorted by class, and shuffle is off: every batch would show one class "
            "only.  Leave shuffle=True"
        )
    if _same_images(x, np.asarray(data.x_val)):
        raise NotReady(
            "there are training images among the validation images: the accuracy would say how "
            "well they were learned by heart"
        )


def _look_at_pixels(x: np.ndarray) -> None:
    """Raise NotReady for images that are not in 0 … 1, by what was probably done to them."""
    low, high = float(x.min()), float(x.max())
    if high > 20:
        raise NotReady(
            f"pixels go up to {high:g}: divide the images by 255 first, nets learn badly from "
            "numbers that large, and yours will be judged on images in 0 … 1"
        )
    if low < -0.5 or high > 1.5:
        raise NotReady(
            f"pixels go from {low:.3g} to {high:.3g}, and your net will be judged on images in "
            "0 … 1: what you do to them first must be a layer of the net, such as "
            "layers.Rescaling(…) or layers.Normalization(mean=…, variance=…)"
        )


def _tell_or_refuse(model: Any, description: dict[str, Any], x: np.ndarray, problem: str) -> None:
    """Raise NotReady where loss and outputs surely don't fit; else say it, and go on."""
    steps, loss = description["steps"], description["loss"]
    softmax = steps[-1:] == ["softmax"]
    if softmax and "twice" not in problem:  # learns, and by another loss than is usual
        print(f"Careful: {problem}.")
        return
    if not softmax and _probabilities(model, x[:8]):
        return
    if not description["net"][-1]["known"] or not hasattr(import_keras().losses, loss):
        print(f"Careful: {problem}.  (Is it right?  Then go on; a layer or loss of your own.)")
        return
    raise NotReady(problem)


def _probabilities(model: Any, images: np.ndarray) -> bool:
    """Are its outputs probabilities, whatever makes them so?"""
    said = models.outputs_of(model, np.asarray(images, np.float32))
    return said.ndim == 2 and bool(
        (said >= 0).all() and np.allclose(said.sum(axis=1), 1, atol=1e-3)
    )


def _classes(y: np.ndarray) -> np.ndarray:
    return y.argmax(axis=1) if y.ndim == 2 else y


def _same_images(x: np.ndarray, x_val: np.ndarray) -> bool:
    if not len(x_val):
        raise NotReady("there are no validation images")
    some = {image.tobytes() for image in x_val[:300]}
    return any(image.tobytes() in some for image in x)


def try_out(name: str, model: Any, data: Dataset, save: bool) -> None:
    """Raise for a model that could not be measured or saved, before it is trained."""
    try:
        models.accuracy(model, data.x_val[:4], data.y_val[:4])
    except Exception as error:  # a student's own layers raise anything
        raise NotReady(f"what this model says can't be measured: {raised.told(error)}") from error
    if save:
        models.refuse_unsavable(name, model.get_weights())
