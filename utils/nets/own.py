"""A net that the student trained: the best of an earlier notebook, opened in this one.

What that notebook saved (a record in words, and plain arrays) is copied to the folder that is
handed in with this one, and rebuilt from its standard layers; no code of the earlier notebook is
run for it.  When graded there is only the copy.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from utils import codec
from utils.checks.handover import HANDOVER
from utils.checks.place import beside
from utils.checks.raised import NotYet
from utils.images import cifar10, exam_images, photo_digits
from utils.images.datasets import DataUnavailable
from utils.nets import chain, toy
from utils.nets.pretrained import PretrainedNet

NAME = "own"
"""What the net is called, and its file."""
BEST = "best"
HOME = "04_visualizing_cnn"
"""The notebook that it is opened in and handed in with."""
TRAINED_IN = ("03_data_augmentation", "02_training_cnn")
"""Notebooks that train nets; the second one is asked where the first has saved none."""
SIZE = 32
"""Height and width of the images that those notebooks train on."""
MAX_BYTES = 32 * 2**20
"""Largest unpacked file of weights, in bytes."""

CLASS_NAMES = {"photodigits": photo_digits.CLASS_NAMES, "cifar10": cifar10.CLASS_NAMES}

_TRIED = 500  # validation images on which a rebuilt net must be as good as its record says
_WITHIN = 0.05  # four times what chance does to so many


class NoOwnNet(NotYet, RuntimeError):
    """There is no net to open, or none that can be.  The text says what to do."""

    def _render_traceback_(self) -> list[str]:
        return [f"NoOwnNet: {self}"]


@dataclass(frozen=True)
class Kept:
    """A trained net as a file has it."""

    name: str
    dataset: str
    validation: float
    """Fraction of validation images that were right after training."""
    description: dict[str, Any]
    """For `toy.build`, and for judges."""
    steps: tuple[chain.Step, ...]
    """Its layers."""


class _Place:
    """Where notebooks and handin/ lie."""

    base: Path | None = None


def use(base: Path | None) -> None:
    """Look for nets below this folder; None: where the notebook runs."""
    _Place.base = base


def read(data: bytes) -> Kept:
    """The net in a file that `training.fit` has saved.

    Raises NoOwnNet for anything else, and for nets that can't be rebuilt from standard layers.
    """
    try:
        content = codec.unpack(data, MAX_BYTES)
        record, weights = content["record"], content["weights"]
        words = str(record["architecture"]).split(" · ")
        dataset, validation = str(record["dataset"]), float(record["validation"])
        name = str(record["name"])[:40]
        arrays = [np.asarray(w, np.float32) for w in weights]
    except Exception as error:  # the file is a student's: anything can be in it
        told = str(error) if isinstance(error, codec.CodecError) else type(error).__name__
        raise NoOwnNet(f"it holds no net that fit(…) has trained ({told[:80]})") from None
    if dataset not in CLASS_NAMES:
        raise NoOwnNet(f"it was trained on unknown data {dataset[:40]!r}")
    description = toy.trained(SIZE, words, arrays)
    try:
        steps = toy.plan(description).steps
    except chain.NotAChain as error:
        raise NoOwnNet(str(error)) from None
    if len(steps[-1].weights[1]) != len(CLASS_NAMES[dataset]):
        raise NoOwnNet(f"it tells {len(steps[-1].weights[1])} classes apart, not ten")
    if not any(step.kind == "convolution" for step in steps):
        raise NoOwnNet("it has no convolution")
    return Kept(name, dataset, validation, description, steps)


def take(which: str = BEST) -> PretrainedNet:
    """Open a net that the student trained, and keep a copy of it to be handed in.

    which: "best", the one with the highest accuracy on validation images, or a name that was given
    to `training.fit`.  When graded it is the copy, whatever is asked for.  Says which net it is.
    Raises NoOwnNet.
    """
    if os.environ.get(HANDOVER):
        return load()
    found = _chosen(which)
    if found is None:
        net = load()
        print(f"No net of notebook 03 lies here; {_file()} is the one that was taken before.")
        return net
    notebook, data, trained = found
    net = _built(trained)
    tried = _as_recorded(net, trained)
    target = _home() / "handin" / HOME / f"{NAME}.npz"
    if not target.is_file() or target.read_bytes() != data:  # an unchanged copy keeps its time
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    print(
        f"Your net {trained.name!r}, trained in {notebook} on {trained.dataset}: "
        f"{100 * trained.validation:.1f} % of validation images right{tried}.  "
        f"A copy is handed in with this notebook, as handin/{HOME}/{NAME}.npz."
    )
    return net


def load() -> PretrainedNet:
    """The net of which `take` has kept a copy.  Raises NoOwnNet."""
    return _built(kept())


def kept() -> Kept:
    """What is known of the net of which `take` has kept a copy.  Raises NoOwnNet."""
    path = _file()
    if path is None:
        raise NoOwnNet(
            "there is no net of your own: train one in notebook 03, whose weights then lie in "
            f"handin/{TRAINED_IN[0]}, run the cell with visualizing.load(…) of exercise 04.2, and "
            f"hand in handin/{HOME}/{NAME}.npz with this notebook"
        )
    try:
        return read(path.read_bytes())
    except NoOwnNet as error:
        raise NoOwnNet(f"{path.name} can't be opened: {error}; take another net") from None


def _built(found: Kept) -> PretrainedNet:
    names = CLASS_NAMES[found.dataset]
    return replace(toy.build(found.description), name=NAME, class_names=names, source=found.dataset)


def _home() -> Path:
    return _Place.base or beside(HOME)


def _file() -> Path | None:
    """The copy: in its folder, or, when graded, in the working folder itself."""
    places = (_home() / "handin" / HOME / f"{NAME}.npz", _home() / f"{NAME}.npz")
    return next((path for path in places if path.is_file()), None)


def _chosen(which: str) -> tuple[str, bytes, Kept] | None:
    """Notebook, file and net; None where no notebook has saved any."""
    known: list[str] = []
    for notebook in TRAINED_IN:
        saved = _saved(notebook)
        known += saved
        usable, left_out = {}, {}
        for name in saved if which == BEST else {which} & set(saved):
            try:
                usable[name] = read(saved[name])
            except NoOwnNet as error:
                left_out[name] = str(error)
        if usable:
            best = max(usable, key=lambda name: usable[name].validation)
            _tell(left_out, saved, usable[best].validation)
            return notebook, saved[best], usable[best]
        if which in left_out:
            raise NoOwnNet(f"{which!r} can't be opened here: {left_out[which]}; choose another one")
    if known and which != BEST:
        raise NoOwnNet(f"no net {which!r} has been saved; there are {', '.join(known)}")
    return None


def _tell(left_out: dict[str, str], saved: dict[str, bytes], validation: float) -> None:
    """Say why a net that is better was not taken."""
    for name, why in left_out.items():
        try:
            record = codec.unpack(saved[name], MAX_BYTES)["record"]
            same_task = int(record["outputs"]) == len(CLASS_NAMES[record["dataset"]])
            better = same_task and float(record["validation"]) > validation
        except Exception:  # no net at all
            continue
        if better:
            print(f"{name!r} is better, but can't be opened here: {why}.")


def _saved(notebook: str) -> dict[str, bytes]:
    """Files of weights that a notebook has saved, by the names of their nets."""
    folder = _home() / "handin" / notebook
    return {path.stem: path.read_bytes() for path in sorted(folder.glob("*.npz"))}


def _as_recorded(net: PretrainedNet, trained: Kept) -> str:
    """What the rebuilt net does on validation images, in words.

    Raises NoOwnNet if that is not what the record says.
    """
    try:
        images, labels = exam_images.validation(trained.dataset)
    except DataUnavailable:
        return ""  # CIFAR-10 was there when it was trained
    images, labels = images[:_TRIED], labels[:_TRIED]
    right = np.asarray(net.logits(images)).argmax(axis=1) == labels
    if abs(float(right.mean()) - trained.validation) > _WITHIN:
        raise NoOwnNet(
            f"rebuilt from its layers, {trained.name!r} is right on {100 * right.mean():.0f} % of "
            f"validation images, and not on {100 * trained.validation:.0f} %: it has options that "
            "can't be opened here; choose another one"
        )
    return f" (rebuilt layer by layer: {100 * right.mean():.1f} % of {len(labels)})"
