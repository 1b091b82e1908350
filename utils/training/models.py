"""Trained models on their way from a student's notebook to the judge.

Weights are kept as plain arrays with a record of how they were trained, in
`handin/NOTEBOOK/NAME.npz` beside the notebooks, and are handed in with them.  When graded, nothing
is trained: the student's `build()` gets the weights back and predicts images that it has not seen.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from utils import codec
from utils.checks.place import beside
from utils.checks.raised import NotYet, OneLine
from utils.images import exam_images
from utils.nets import blueprint
from utils.nets.describe import describe, of_rows
from utils.nets.quiet import import_keras
from utils.packing.accepted import told_size
from utils.packing.beside import HANDIN_BYTES
from utils.training import constants, records, stand_in

MAX_BYTES = 32 * 2**20
"""Largest unpacked file of weights, in bytes."""

Build = Callable[[], Any]

_BATCH = 200
_SMALL = 1000  # arrays up to this size keep float32's precision
_RAW_IMAGES = 100  # images that are tried with pixels in 0 … 255, too


class WeightsProblem(OneLine, RuntimeError):
    """Weights are missing, damaged, or don't fit.  The text says what to do."""


class NotTrained(NotYet, WeightsProblem):
    """There are no weights of this name yet."""


class _Place:
    """Where the notebook that is being worked on keeps its weights."""

    notebook = ""
    base = Path()


def use(notebook: str, base: Path | None = None) -> None:
    """Keep weights for this notebook, in a folder beside it, or below `base`."""
    _Place.notebook, _Place.base = notebook, base or beside(notebook)


def folder() -> Path:
    """The folder of weights; when graded, they lie in the working folder itself."""
    return _Place.base / "handin" / _Place.notebook


def path_of(name: str) -> Path:
    """The file of a model's weights, whether it exists or not."""
    inside = folder() / f"{name}.npz"
    beside = _Place.base / f"{name}.npz"
    return beside if beside.is_file() and not inside.is_file() else inside


def names() -> list[str]:
    """Names of all models that have been saved, oldest first."""
    paths = [*folder().glob("*.npz"), *_Place.base.glob("*.npz")]
    return [p.stem for p in sorted(paths, key=lambda p: p.stat().st_mtime)]


def save(
    name: str,
    weights: list[np.ndarray],
    record: dict[str, Any],
    seen: dict[str, Any] | None = None,
) -> None:
    """Write weights and their record.  Large arrays are kept as float16, see `rounded`.

    seen: "net", the rows that the model consists of, see `utils.nets.blueprint`, and what build()
    took from the data: "statistics" of the images, see `stand_in`, and "constants" of layers.
    """
    _write(folder() / f"{name}.npz", weights, record, seen or {})


def keep_unfinished(
    name: str, weights: list[np.ndarray], record: dict[str, Any], seen: dict[str, Any]
) -> None:
    """Write what a training has learned so far, beside what was saved: its kernel may end."""
    _write(_unfinished(name), weights, record, seen)


def amend(name: str, record: dict[str, Any]) -> None:
    """Give saved weights another record."""
    path = path_of(name)
    content = codec.unpack(path.read_bytes(), MAX_BYTES)
    partial = path.with_suffix(".partial")
    partial.write_bytes(codec.pack(content | {"record": record}))
    partial.replace(path)


def drop_unfinished(name: str) -> None:
    """Forget what `keep_unfinished` wrote."""
    _unfinished(name).unlink(missing_ok=True)


def adopt_unfinished(name: str) -> dict[str, Any] | None:
    """The record of a training whose kernel ended, if it left any; its weights are saved now.

    They replace only a net that is worse on the same images; what is worse than that is dropped.
    """
    left = _unfinished(name)
    try:
        record, _ = read(left.read_bytes())
    except (OSError, WeightsProblem):
        return None
    try:
        before = load(name)[0]
    except WeightsProblem:
        before = {}
    if before.get("validation", -1.0) >= record.get("validation", 0.0):
        left.unlink()
        return None
    put_aside(name)
    left.replace(folder() / f"{name}.npz")
    return record


def _unfinished(name: str) -> Path:
    return folder() / f"{name}.unfinished"


def _write(
    target: Path, weights: list[np.ndarray], record: dict[str, Any], seen: dict[str, Any]
) -> None:
    small = [_rounded(np.asarray(w)) for w in weights]
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    partial.write_bytes(codec.pack({"record": record, "weights": small, **seen}))
    partial.replace(target)


def refuse_unsavable(name: str, weights: list[np.ndarray]) -> None:
    """Raise WeightsProblem for what could not be saved or handed in, before it is trained."""
    if not name.isidentifier():
        raise WeightsProblem(f"{name!r} is no name for a model: use letters, digits and _")
    size = sum(np.size(w) * (2 if np.size(w) > _SMALL else 4) for w in weights)
    if size > HANDIN_BYTES:
        raise WeightsProblem(
            f"the weights of {name} would take {told_size(size)}, and a notebook's handed-in files "
            f"{told_size(HANDIN_BYTES)} at most: use fewer units or filters"
        )
    try:
        folder().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder()):
            pass
    except OSError as error:
        raise WeightsProblem(f"weights can't be saved in {folder()}: {error.strerror}") from None


def put_aside(name: str) -> None:
    """Keep a model's weights beside those that will take their place."""
    path = path_of(name)
    if path.is_file():
        path.replace(path.with_suffix(".before"))


def put_back(name: str) -> None:
    """Take the weights that were put aside again; those of today take their place.

    Raises WeightsProblem if there are none.
    """
    path = folder() / f"{name}.npz"
    aside = path.with_suffix(".before")
    if not aside.is_file():
        raise WeightsProblem(f"no earlier weights of {name!r} have been put aside")
    today = path.with_suffix(".partial")
    if path.is_file():
        path.replace(today)
    aside.replace(path)
    if today.is_file():
        today.replace(aside)


def rounded(weights: list[np.ndarray]) -> list[np.ndarray]:
    """Weights (float32) as they will be read from the file: large arrays with float16's precision,
    which halves the file and costs no accuracy to speak of.

    Raises WeightsProblem if there are values that are NaN or infinite.
    """
    if not all(np.isfinite(w).all() for w in weights):
        raise WeightsProblem(
            "the weights have become NaN or infinite: training diverged.  Try a smaller learning "
            "rate, and see that the pixels are in 0 … 1"
        )
    return [_rounded(np.asarray(w)).astype(np.float32) for w in weights]


def _rounded(weights: np.ndarray) -> np.ndarray:
    if weights.size > _SMALL and np.abs(weights).max() < 6e4:
        return weights.astype(np.float16)
    return weights.astype(np.float32)


def read(data: bytes) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Record and weights from a file's bytes.  Raises WeightsProblem for anything else."""
    try:
        content = codec.unpack(data, MAX_BYTES)
        record, weights = content["record"], content["weights"]
        if not isinstance(record, dict) or not isinstance(weights, list):
            raise ValueError("no record")
        arrays = [np.asarray(w, np.float32) for w in weights]
    except Exception as error:  # the file is a student's: anything can be in it
        raise WeightsProblem(f"not a file of weights that fit() saved ({error})") from None
    return record, arrays


def load(name: str) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Record and weights of a model by name.  Raises WeightsProblem."""
    path = path_of(name)
    if not path.is_file():
        raise NotTrained(
            f"there are no weights {name}.npz in handin/{_Place.notebook}: run the training cell "
            f'fit("{name}", …), and hand in again'
        )
    try:
        return read(path.read_bytes())
    except WeightsProblem as problem:
        raise WeightsProblem(f"{path.name}: {problem}; train again") from None


def statistics(dataset: str, shape: tuple[int, ...]) -> dict[str, Any] | None:
    """Statistics of the training images (H, W, C) of a data set, if some were kept with weights.

    They are those of the net that was saved last; nets of one notebook share their images.
    """
    for name in reversed(names()):
        try:
            content = codec.unpack(path_of(name).read_bytes(), MAX_BYTES)
            known = content.get("statistics")
            if content["record"]["dataset"] == dataset and stand_in.usable(known, shape):
                assert isinstance(known, dict)
                return known
        except Exception:  # whatever is wrong with it is said when its net is asked for
            continue
    return None


def put_weights(model: Any, weights: list[np.ndarray], kept: Any = None) -> None:
    """Give a model its weights, and the constants that were kept with them, see `constants`."""
    model.set_weights(weights)
    constants.put(model, kept)


def restore(name: str, build: Build) -> Any:
    """The model that `build()` makes, with the weights that were saved.  Raises WeightsProblem."""
    record, weights = load(name)
    if record.get("name") != name:
        raise WeightsProblem(
            f"{name}.npz holds the weights of {record.get('name')!r}, not of {name!r}: "
            "was a file renamed?"
        )
    model = build()
    content = codec.unpack(path_of(name).read_bytes(), MAX_BYTES)
    describe(model, _trained_on(content))  # says in words if this is no model
    want = [tuple(w.shape) for w in model.get_weights()]
    have = [w.shape for w in weights]
    if want != have:
        raise WeightsProblem(
            f"the weights in {name}.npz don't fit build(): {_difference(want, have)}.  "
            "Was build() changed after training?  Train again"
        )
    if not all(np.isfinite(w).all() for w in weights):
        raise WeightsProblem(f"{name}.npz has weights that are NaN or infinite: train again")
    put_weights(model, weights, content.get("constants"))
    return model


def _trained_on(content: dict[str, Any]) -> tuple[int, ...]:
    """The shape of the images (H, W, C) that a net was trained on."""
    try:
        height, width, channels = (int(n) for n in content["net"][0]["output"])
    except (KeyError, IndexError, TypeError, ValueError):
        return (32, 32, 3)
    return (height, width, channels) if min(height, width, channels) > 0 else (32, 32, 3)


def _difference(want: list[tuple[int, ...]], have: list[tuple[int, ...]]) -> str:
    if len(want) != len(have):
        return f"it has {len(want)} arrays of weights, the file {len(have)}"
    at = next(i for i, (a, b) in enumerate(zip(want, have, strict=True)) if a != b)
    return f"array {at} has shape {want[at]} there and {have[at]} in the file"


def outputs_of(model: Any, images: np.ndarray) -> np.ndarray:
    """What a model says of images (N, H, W, 3), uint8 or in [0, 1]: (N, outputs) float32."""
    images = np.asarray(images)
    scale = np.float32(255 if images.dtype.kind in "ui" else 1)
    return _outputs(model, images, scale)


def _float32(tensor: Any) -> np.ndarray:
    """Values of a tensor of any precision; NumPy itself knows no bfloat16."""
    return np.asarray(import_keras().ops.cast(tensor, "float32"))


def _outputs(model: Any, images: np.ndarray, scale: np.float32) -> np.ndarray:
    parts = [
        _float32(model(images[i : i + _BATCH].astype(np.float32) / scale, training=False))
        for i in range(0, len(images), _BATCH)
    ]
    return np.concatenate(parts)


def accuracy(model: Any, images: np.ndarray, labels: np.ndarray) -> float:
    """Fraction of images whose highest output is that of their class.

    labels: (N,) class numbers, or (N, classes) with a one for the class.
    """
    labels = np.asarray(labels)
    labels = labels.argmax(axis=1) if labels.ndim == 2 else labels
    return float(np.mean(outputs_of(model, images).argmax(axis=1) == labels))


def configuration(build: Build) -> Callable[[], dict[str, Any]]:
    """What `check` asks for where the configuration counts: describes the model that is built."""
    return lambda: describe(build())


def module(function: Callable[[Any, list[int]], Any]) -> Callable[..., dict[str, Any]]:
    """What `check` asks for where a part of a net counts: describes what `function` makes of an
    input of a given shape (H, W, C) with given numbers of filters."""

    def answer(shape: Any, filters: Any) -> dict[str, Any]:
        keras = import_keras()
        given = keras.Input([int(n) for n in shape], name="given")
        return describe(keras.Model(given, function(given, [int(n) for n in filters])))

    return answer


def answers(name: str, build: Build, target: int | None = None) -> Callable[..., dict[str, Any]]:
    """What `check` asks for where accuracy counts: the saved model's outputs for given images.

    target: the class, for a model that tells one class from the rest.
    Where the training counts, too, what it says of the images behind its record is added.
    """

    def answer(images: Any, known: Any = None) -> dict[str, Any]:
        model = restore(name, build)
        record, _ = load(name)
        dataset = str(record.get("dataset", ""))
        rows = blueprint.rows_of(model)
        images = images_for(dataset, images, rows[0]["output"][0], target)
        outputs = outputs_of(model, images)
        if not np.isfinite(outputs).all():
            raise WeightsProblem(
                f"the net {name!r} answers with NaN or infinite numbers: does build() divide by "
                "something that can be 0?"
            )
        more: dict[str, Any] = {}
        if known is not None:
            classes = outputs_of(model, images_for(dataset, known)).argmax(axis=1)
            more["classes of known"] = classes
        return more | {
            "outputs": outputs,
            "outputs_255": _outputs(model, images[:_RAW_IMAGES], np.float32(1)),
            "dataset": dataset,
            "name": name,
            "net": rows,
            "record": records.how(record),
            "filters": int(model.get_weights()[0].shape[-1]) if model.get_weights() else 0,
        }

    return answer


def compared(name: str, build: Build, **others: Build) -> Callable[[Any], dict[str, Any]]:
    """`answers`, with the layers of the net, and what other nets say of the same images.

    others: name of a saved net -> the function that builds it.  One that can't be asked is
    represented by the reason.
    """
    once = answers(name, build)

    def answer(images: Any) -> dict[str, Any]:
        found = once(images)
        beside = {
            other: _beside(other, build_other, found["dataset"], images)
            for other, build_other in others.items()
        }
        said = {other: classes for other, (classes, _) in beside.items()}
        nets = {other: rows for other, (_, rows) in beside.items()}
        layers = of_rows(found["net"])["layers"]
        return found | {"layers": layers, "beside": said, "nets": nets}

    return answer


def _beside(
    name: str, build: Build, dataset: str, images: Any
) -> tuple[np.ndarray | str, list[blueprint.Row]]:
    """Classes that a net says, or why it says none, and its rows."""
    try:
        trained_on = str(load(name)[0].get("dataset", ""))
        if trained_on != dataset:
            return f"was trained on {trained_on}, not on {dataset}", []
        model = restore(name, build)
    except Exception as error:  # whatever is wrong with the other net, this one can be judged
        return (str(error).splitlines() or [type(error).__name__])[0][:300], []
    said = outputs_of(model, images_for(dataset, images)).argmax(axis=1)
    return said, blueprint.rows_of(model)


def table_answers(builds: dict[str, Build]) -> Callable[[Any], dict[str, Any]]:
    """What `check` asks for where a table of results counts: claims, and predictions to hold
    them against.

    builds: name of a row -> the function that builds its model.
    """

    def answer(images: Any) -> dict[str, Any]:
        rows: dict[str, Any] = {}
        dataset = ""
        for name, build in builds.items():
            record, _ = load(name)
            dataset = str(record.get("dataset", ""))
            shown = images_for(dataset, images)
            model = restore(name, build)
            net = blueprint.rows_of(model)
            rows[name] = {
                "steps": of_rows(net)["steps"],
                "net": net,
                "train": float(record.get("train", np.nan)),
                "validation": float(record.get("validation", np.nan)),
                "classes": outputs_of(model, shown).argmax(axis=1),
            }
        return {"rows": rows, "dataset": dataset}

    return answer


def public_images(dataset: str, which: int | str) -> tuple[np.ndarray, np.ndarray]:
    """So many public images and their labels, or those behind a table's numbers, by name."""
    if isinstance(which, str):
        return exam_images.behind(dataset, which)
    return exam_images.public(dataset, int(which))


def images_for(dataset: str, images: Any, size: int = 32, target: int | None = None) -> np.ndarray:
    """The images (uint8) that a check asks about: the judge's, so many public ones, or those behind
    a table's numbers, by name."""
    if isinstance(images, int):  # of the data set that the net was trained on
        return exam_images.public(dataset, images, size, target)[0]
    if isinstance(images, str):
        return exam_images.behind(dataset, images)[0]
    return np.asarray(images)
