"""What judges of trained nets know of what was handed in, and the images that nets are shown.

Which data set a net was trained on is what its weights name; what else those files say is a claim.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from grader.contract.judge import Handed, Question
from utils.images import exam_images
from utils.training import models

HIDDEN = 600
"""Hidden images per model: the standard error of an accuracy is two points at most."""

UNSEEN = "images that nobody has seen"
NOTHING = np.zeros((0, 32, 32, 3), np.uint8)
"""What is asked about where the grader lacks the data."""

Draw = Callable[[np.random.Generator, int, Handed | None], Iterator[Question]]


def unused(**_: Any) -> None:
    """The reference of judges whose expected values are drawn with the questions."""
    raise NotImplementedError("expected values are drawn with the questions")


def handed_in(handed: Handed, name: str) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Record and weights of a model as they were handed in; empty if there are none."""
    for path, content in handed.files.items():
        if path.rpartition("/")[2] == f"{name}.npz":
            try:
                return _read(content)
            except models.WeightsProblem:
                continue
    return {}, []


@lru_cache(maxsize=32)
def _read(content: bytes) -> tuple[dict[str, Any], list[np.ndarray]]:
    return models.read(content)


def dataset_of(handed: Handed, name: str) -> str:
    """The data set that a file of weights names; PhotoDigits if it names none that there is."""
    named = handed_in(handed, name)[0].get("dataset")
    return str(named) if named in exam_images.DATASETS else "photodigits"


@lru_cache(maxsize=8)
def hidden(dataset: str, seed: int, target: int) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels, the same for all checks of a submission."""
    rng = np.random.default_rng([seed, target + 1])
    return exam_images.draw(dataset, "test", HIDDEN, rng, target=None if target < 0 else target)


def shown(dataset: str, which: str) -> np.ndarray | str:
    """The images behind a table's numbers, as a kernel gets them: by name where they are drawn from
    what every kernel has, which is cheaper than sending them."""
    return which if dataset == "photodigits" else exam_images.behind(dataset, which)[0]


def missing(dataset: str, error: Exception) -> dict[str, Any]:
    """What a case expects where the grader lacks the data."""
    return {
        "unavailable": f"trained on {dataset}, which the grader has not got: {error}",
    }


def dataset_of_all(handed: Handed) -> str:
    """The data set of the nets behind a table: CIFAR-10 if any of them was trained on it."""
    stems = (path.rpartition("/")[2].removesuffix(".npz") for path in handed.files)
    return "cifar10" if "cifar10" in (dataset_of(handed, stem) for stem in stems) else "photodigits"


def asked_about(
    handed: Handed | None, dataset: str, which: str, target: int = -1
) -> tuple[Any, Any]:
    """Images and their labels for a question: "train", "validation", "test" or "hidden" ones.

    target: the class that is told from the rest among hidden images, if it is not -1.

    handed: None for public cases, which name the images.  Raises DataUnavailable.
    """
    if handed is None:
        public = HIDDEN if which == "hidden" else which
        return public, public
    if which == "hidden":
        return hidden(dataset, handed.seed, target)
    return shown(dataset, which), exam_images.behind(dataset, which)[1]


def label_of(handed: Handed | None, which: str, told: str = "") -> str:
    """What a question about these images is called."""
    if which != "hidden":
        return told or f"the {which.replace('train', 'training')} images of the table"
    return "validation images, moved a little" if handed is None else UNSEEN
