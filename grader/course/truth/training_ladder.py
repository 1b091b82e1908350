"""Known answers to notebook 02 for nets beside one another: how they were trained, which is better,
what a table says.

The simple CNN of the reference solution answers for all of them; records and claims are made up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from grader.contract.sample import right, wrong
from utils.images import exam_images
from utils.rules import ladder
from utils.rules import strategies as claims
from utils.rules import training as assess
from utils.training import models

from . import training_nets as nets

Array = np.ndarray
Answer = Callable[..., Any]


# -- trained as asked -----------------------------------------------------------------------------


def _other(images: Any, known: Any) -> dict[str, Any]:
    """The simple CNN in another net's place, whose record is in the file that was handed in."""
    classes = nets.trained(models.images_for("photodigits", known))["outputs"].argmax(axis=1)
    return nets.trained(images) | {"classes of known": classes}


def _looked_up(images: Any, known: Any) -> dict[str, Any]:
    """A table of public images."""
    labels = exam_images.behind("photodigits", str(known))[1]
    return nets.looked_up(images) | {"classes of known": labels}


_ASKED = [
    right("one_layer: the reference's weights", nets.reference("one_layer", nets.one_layer)),
    right("mlp: the reference's weights", nets.reference("mlp", nets.mlp)),
    wrong(f"mlp: another net in its place -> {ladder.OTHER_CURVES}", _other),
    wrong("one_layer: an answer without the images behind the record",
          lambda images, known: nets.trained(images)),
    wrong(f"one_layer: looked up in the public images -> {assess.ONE_CLASS}", _looked_up),
]  # fmt: skip


# -- dense nets -----------------------------------------------------------------------------------

_DENSE = ("Flatten", "Dense", "Dropout", "Dense", "Activation")


def _tuned(
    kinds: tuple[str, ...] = _DENSE, worse: float = 0.2, other: Callable[[Array], Any] | None = None
) -> Answer:
    """The simple CNN as if it had these layers, beside a net that is wrong more often."""

    def answer(images: Any) -> dict[str, Any]:
        images = models.images_for("photodigits", images)
        found = nets.trained(images)
        classes = found["outputs"].argmax(axis=1)
        changed = np.arange(len(classes)) < worse * len(classes)
        beside = np.where(changed, (classes + 1) % 10, classes)
        beside = beside if other is None else other(images)
        layers = [{"type": kind} for kind in kinds]
        return found | {"layers": layers, "beside": {"mlp": beside}}

    return answer


_TUNED = [
    right("mlp_tuned: dense layers, better than mlp", _tuned()),
    right("mlp_tuned: noise and normalisation", _tuned(("Rescaling", "GaussianNoise", *_DENSE))),
    wrong(f"mlp_tuned: a convolution -> {ladder.NOT_DENSE}", _tuned(("Conv2D", *_DENSE))),
    wrong(f"mlp_tuned: pooling before the layers -> {ladder.NOT_DENSE}",
          _tuned(("AveragePooling2D", *_DENSE))),
    wrong(f"mlp_tuned: the same net under another name -> {ladder.NO_BETTER}", _tuned(worse=0.0)),
    wrong(f"mlp_tuned: worse than mlp -> {ladder.NO_BETTER}",
          _tuned(other=lambda images: nets.better(images))),
    wrong("mlp_tuned: mlp was not handed in",
          _tuned(other=lambda _: "there are no weights mlp.npz in handin")),
    wrong("mlp_tuned: an answer without mlp", nets.trained),
]  # fmt: skip


# -- what is said of several nets -----------------------------------------------------------------

_LADDER = {
    "simple_cnn": (85.9, 78.6, 72.8),
    "mlp": (50.8, 50.6, 44.7),
    "mlp_tuned": (72.9, 70.8, 64.9),
}
"""Accuracies on training, validation and test images, in percent."""


def _made_up(said: Any, rows: dict[str, tuple[float, float, float]]) -> Answer:
    """`claims.about` of nets that are as good as a table says: they look public labels up.

    Of hidden images the reference's nets tell: the simple CNN, and the same with errors.
    """

    def answer(*shown: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, (train, validation, test) in rows.items():
            row: dict[str, Any] = {"record": {"train": train / 100, "validation": validation / 100}}
            reached = {"validation": validation, "train": train, "test": test}
            for which, images in zip(("validation", "train", "test"), shown, strict=False):
                row[which] = _classes(name, images, which, reached[which])
            found[name] = row
        return {"rows": found, "said": said, "dataset": "photodigits"}

    return answer


def _classes(name: str, images: Any, which: str, percent: float) -> Array:
    if isinstance(images, str):
        labels = exam_images.behind("photodigits", images)[1]
    else:
        labels = nets.better(models.images_for("photodigits", images))  # right nine times in ten
    rng = np.random.default_rng(sum(f"{name} {which}".encode()))
    wrong = rng.permutation(len(labels))[: round((1 - percent / 100) * len(labels))]
    said = np.array(labels)
    said[wrong] = (said[wrong] + rng.integers(1, 10, len(wrong))) % 10
    return said


def _gained(points: Any, best: Any = "mlp_tuned") -> Answer:
    return _made_up({"best dense net": best, "points": points}, _LADDER)


_GAINS = [
    right("cnn_gain: as measured", _gained(7.8)),
    right("cnn_gain: a numpy number", _gained(np.float32(7.9))),
    wrong(f"cnn_gain: over the first dense net -> {ladder.OTHER_NET}", _gained(28.0, "mlp")),
    wrong(f"cnn_gain: the right net, the other's gain -> {ladder.OTHER_NET}", _gained(28.0)),
    wrong(f"cnn_gain: a fraction -> {claims.FRACTIONS}", _gained(0.078)),
    wrong(f"cnn_gain: training accuracies -> {ladder.TRAINING_GAIN}", _gained(13.0)),
    wrong(f"cnn_gain: a wish -> {ladder.GAIN}", _gained(3.0)),
    wrong(f"cnn_gain: percent of percent -> {ladder.GAIN}", _gained(11.0)),
    wrong("cnn_gain: not filled in", _gained(None, None)),
    wrong("cnn_gain: only the net", _gained(None)),
]

_ROWS = {f"net_{number}": (90.0 - number, 80.0 - number, 75.0 - number) for number in range(8)}


def _tested(rows: dict[str, tuple[float, float, float]], **said: Any) -> Answer:
    columns = ("train", "validation", "test")
    told = {name: dict(zip(columns, row, strict=True)) for name, row in rows.items()}
    for change, value in said.items():
        name, _, column = change.rpartition("_")
        told[name][column] = value
    return _made_up(told, rows)


_UNOPENED = {name: {"train": a, "validation": b} for name, (a, b, _) in _ROWS.items()}

_TESTED = [
    right("tested: as measured", _tested(_ROWS)),
    right("tested: nine nets", _tested(_ROWS | {"one_more": (50.0, 40.0, 35.0)})),
    wrong(f"tested: a better test accuracy -> {claims.NOT_MEASURED}",
          _tested(_ROWS, net_3_test=82.0)),
    wrong(f"tested: a better training accuracy -> {claims.NOT_MEASURED}",
          _tested(_ROWS, net_3_train=97.0)),
    wrong(f"tested: validation accuracy is that of training -> {assess.TRAINING}",
          _tested(_ROWS, net_3_validation=87.0)),
    wrong("tested: the seal was never opened", _made_up(_UNOPENED, _ROWS)),
    wrong("tested: three nets", _tested(dict(list(_ROWS.items())[:3]))),
]  # fmt: skip

SAMPLES_LADDER = [*_ASKED, *_TUNED, *_GAINS, *_TESTED]
"""Known answers."""
