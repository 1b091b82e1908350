"""What is claimed of trained nets, held against the weights and records that were handed in.

A kernel says what a net is made of, and what it says of images; both are claims.  Nets of standard
layers are made again, from those words and the weights in the file, in the grader's own process
with Keras, and a hundred of the images are shown to them: where the answers differ, somebody else
than the net has answered.  Nets that can't be made again are believed if weights came that fit and
are no other net's, and a human is told.  Records are those of the files, whatever a kernel says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from grader.contract.judge import Handed, Weighed
from utils import codec
from utils.checks.cases import Case
from utils.images import exam_images
from utils.images.datasets import DataUnavailable
from utils.nets.describe import of_rows
from utils.training import claims, models, records, sealed, searching

from ...nets import rebuilt
from ...nets.keras_process import TrustedProcessError
from .handed import handed_in, hidden

TRIED = 100
"""Images that a net is shown again."""

_AGREE = 97  # of a hundred: rounding decides where two classes are equally likely
_OFF = 0.05  # of an output, where that is a probability
_MEASURED = 500  # of the images that a record is about
_WITHIN = 0.06  # of an accuracy on so many of them: four times what chance does
_LEARNED = 0.6  # balanced accuracy of two classes, from which a net has learned something

LAYERS: dict[str, dict[int, int]] = {
    "one_layer": {2: 1},
    "mlp": {2: 2},
    "simple_cnn": {4: 1, 2: 1},
    "plain": {4: 3, 2: 1},
    "augmented": {4: 3, 2: 1},
    "vgg": {4: 12, 2: 2},
}
"""Net that an exercise prescribes -> axes of a kernel -> how many such kernels it has."""


@dataclass
class _Weighing:
    """What was found about the nets behind an answer."""

    handed: Handed
    contradictions: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def hold(self, name: str, rows: Any, images: Any, said: Any) -> None:
        """Hold what a net is claimed to say of images against what it says when made again.

        said: (N, outputs), or (N,) classes.
        """
        name = str(name)[:40]
        images, said = np.asarray(images), np.asarray(said)
        usable = said.dtype.kind in "iuf" and 0 < len(images) == len(said)
        if not usable or not np.isfinite(said).all():
            return  # the judge says what is wrong with it
        chosen = _some(self.handed, len(images))
        weights = handed_in(self.handed, name)[1]
        if not weights:
            self.contradictions.append(f"no weights {name}.npz were handed in, yet a net answered")
            return
        try:
            found = rebuilt.outputs(_rows(self.handed, name, rows), weights, images[chosen])
        except rebuilt.CannotRebuild as problem:
            self.believe(name, rows, weights, str(problem))
            return
        except TrustedProcessError as error:
            self.notes.append(f"{name} could not be tried again: {error}")
            return
        if not _agree(found, said[chosen]):
            self.contradictions.append(
                f"{name}: what answered is not the net whose weights were handed in"
            )

    def believe(self, name: str, rows: Any, weights: list[np.ndarray], why: str) -> None:
        """A net that can't be made again: do weights that fit speak for it, and for it alone?"""
        rows = _rows(self.handed, name, rows)
        if sum(w.size for w in weights) != _parameters(rows):
            self.contradictions.append(
                f"the weights in {name}.npz don't fit what is said of {name}"
            )
        elif other := _same_weights(self.handed, name):
            self.contradictions.append(f"the weights in {name}.npz are those of {other}")
        else:
            self.notes.append(f"{name} could not be made again ({why[:120]}): its word was taken")

    def done(self, answer: Any, share: float = 1.0, told: str = "") -> Weighed:
        """What is to be judged."""
        unique = list(dict.fromkeys(self.contradictions))
        notes = "; ".join(dict.fromkeys(self.notes))
        return Weighed(answer, "; ".join(unique), notes, share, told)


def _some(handed: Handed, count: int, most: int = TRIED) -> np.ndarray:
    """Places that nobody can foresee."""
    rng = np.random.default_rng([handed.seed, count])
    return np.sort(rng.permutation(count)[:most])


def _agree(found: np.ndarray, said: np.ndarray) -> bool:
    classes = found.argmax(axis=1)
    theirs = said.argmax(axis=1) if said.ndim == 2 else said
    least = _AGREE * len(found) / TRIED
    if classes.shape != theirs.shape or np.sum(classes == theirs) < least:
        return False
    if said.ndim != 2:
        return True
    if said.shape != found.shape:
        return False
    scale = max(1.0, float(np.abs(found).max()))
    near = np.abs(found - said).max(axis=1) <= _OFF * scale
    return bool(np.sum(near) >= least)


def _rows(handed: Handed, name: str, rows: Any) -> Any:
    """What a net is made of: as the kernel says, or, where that can't be made again, the file."""
    known = isinstance(rows, list) and all(isinstance(r, dict) and r.get("known") for r in rows)
    return rows if rows and known else _content(handed, name).get("net") or rows


def _parameters(rows: Any) -> int:
    """How many a description counts; -1 where it is none."""
    try:
        return int(of_rows(rows)["parameters"])
    except Exception:  # whatever a kernel has put there
        return -1


def _content(handed: Handed, name: str) -> dict[str, Any]:
    """All that is in a file of weights; empty if there is none."""
    data = next((c for p, c in handed.files.items() if p.rpartition("/")[2] == f"{name}.npz"), b"")
    return _unpacked(data)


@lru_cache(maxsize=32)
def _unpacked(data: bytes) -> dict[str, Any]:
    try:
        content = codec.unpack(data, models.MAX_BYTES)
    except codec.CodecError:
        return {}
    return content if isinstance(content, dict) else {}


def _same_weights(handed: Handed, name: str) -> str:
    """Another net with the very same weights, or nearly so; "" if there is none."""
    mine = handed_in(handed, name)[1]
    for other in _names(handed):
        theirs = handed_in(handed, other)[1] if other != name else []
        if [w.shape for w in theirs] != [w.shape for w in mine]:
            continue
        apart = sum(float(np.square(a - b).sum()) for a, b in zip(mine, theirs, strict=True))
        size = sum(float(np.square(a).sum()) for a in mine)
        if apart <= 0.01 * size:
            return other
    return ""


def _names(handed: Handed) -> Iterator[str]:
    """Names of all files of weights, as they were handed in."""
    for path in handed.files:
        if path.endswith(".npz"):
            yield path.rpartition("/")[2].removesuffix(".npz")


# -- single nets ----------------------------------------------------------------------------------


def of_answers(name: str, target: int = -1) -> Callable[[Handed, Case, Any], Weighed]:
    """For `models.answers` and what is built on it."""

    def weigh(handed: Handed, case: Case, answer: Any) -> Weighed:
        weighing = _Weighing(handed)
        if not isinstance(answer, dict) or case.expected.get("unavailable"):
            return Weighed(answer)
        record = handed_in(handed, name)[0]
        dataset = _dataset(record)
        images = case.inputs["images"]
        weighing.hold(name, answer.get("net"), images, answer.get("outputs", ()))
        if "known" in case.inputs:
            known = _shown(dataset, case.inputs["known"])
            weighing.hold(name, answer.get("net"), known, answer.get("classes of known", ()))
        changed: dict[str, Any] = {"dataset": dataset, "record": records.how(record)}
        if "again" in answer:
            weighing.hold(name, answer.get("net"), images[: len(answer["again"])], answer["again"])
        if "layers" in answer:
            changed["layers"] = _layers(handed, name, answer)
        nets = answer.get("nets")
        for other, said in _items(answer.get("beside")):
            rows = nets.get(other) if isinstance(nets, dict) else None
            if not isinstance(said, str):
                weighing.hold(other, rows, images, said)
        return weighing.done(answer | changed, *_as_prescribed(handed, name))

    return weigh


def _items(value: Any) -> list[tuple[str, Any]]:
    return list(value.items())[:16] if isinstance(value, dict) else []


def _layers(handed: Handed, name: str, answer: dict[str, Any]) -> Any:
    """The layers of a net that can be made again, by its rows."""
    try:
        return of_rows(_rows(handed, name, answer.get("net")))["layers"]
    except Exception:  # it can't be
        return answer["layers"]


def _as_prescribed(handed: Handed, name: str) -> tuple[float, str]:
    """Half where an exercise prescribes a net and another one was trained."""
    wanted = LAYERS.get(name)
    weights = handed_in(handed, name)[1]
    if wanted is None or not weights:
        return 1.0, ""
    found = Counter(w.ndim for w in weights if w.ndim > 1)
    if found == Counter(wanted):
        return 1.0, ""
    words = {2: "dense layer", 4: "convolution"}
    told = " and ".join(f"{n} {words[k]}{'s' * (n > 1)}" for k, n in wanted.items())
    return 0.5, f"half of the points: the net is another one; the exercise asks for {told}"


def _dataset(record: dict[str, Any]) -> str:
    named = record.get("dataset")
    return str(named) if named in exam_images.DATASETS else "photodigits"


def _shown(dataset: str, images: Any) -> np.ndarray:
    """Images that a kernel got, itself or by name."""
    return exam_images.behind(dataset, images)[0] if isinstance(images, str) else np.asarray(images)


# -- several nets ---------------------------------------------------------------------------------


def of_table(handed: Handed, case: Case, answer: Any) -> Weighed:
    """For `models.table_answers`."""
    weighing = _Weighing(handed)
    if not isinstance(answer, dict) or case.expected.get("unavailable"):
        return Weighed(answer)
    rows = {}
    for name, row in _items(answer.get("rows")):
        if not isinstance(row, dict):
            return Weighed(answer)
        record = handed_in(handed, name)[0]
        images = _shown(_dataset(record), case.inputs["images"])
        weighing.hold(name, row.get("net"), images, row.get("classes", ()))
        said = {which: record.get(which, float("nan")) for which in ("train", "validation")}
        rows[name] = row | said | {"steps": _steps(handed, name, row)}
    return weighing.done(answer | {"rows": rows})


def _steps(handed: Handed, name: str, row: dict[str, Any]) -> Any:
    try:
        return of_rows(_rows(handed, name, row.get("net")))["steps"]
    except Exception:  # whatever a kernel has put there
        return row.get("steps", [])


def of_claims(handed: Handed, case: Case, answer: Any) -> Weighed:
    """For `claims.about`."""
    weighing = _Weighing(handed)
    if not isinstance(answer, dict) or case.expected.get("unavailable"):
        return Weighed(answer)
    rows = {}
    for name, row in _items(answer.get("rows")):
        rows[name] = row
        if not isinstance(row, dict) or "problem" in row:
            continue
        record = handed_in(handed, name)[0]
        for which, images in case.inputs.items():
            shown = _shown(_dataset(record), images)
            weighing.hold(name, row.get("net"), shown, row.get(which, ()))
        rows[name] = row | {"record": claims.facts(record)}
    return weighing.done(answer | {"rows": rows})


# -- how a net is made ----------------------------------------------------------------------------


def of_description(name: str = "") -> Callable[[Handed, Case, Any], Weighed]:
    """For `models.configuration` and `models.module`: a description is read off rows that can be
    made again, those of the kernel or, for want of them, of the file; for others the weights of
    the net must speak.

    name: of the net that was trained with it; "" if none was.
    """

    def weigh(handed: Handed, case: Case, answer: Any) -> Weighed:
        if not isinstance(answer, dict):
            return Weighed(answer)
        weighing = _Weighing(handed)
        rows = _rows(handed, name, answer.get("net")) if name else answer.get("net")
        try:
            facts = rebuilt.facts(rows)
        except rebuilt.CannotRebuild as problem:
            weights = handed_in(handed, name)[1] if name else []
            if not name:
                weighing.notes.append(f"it could not be made again ({str(problem)[:120]})")
            elif not weights:
                told = "the net could not be made again from its description, and no weights came"
                weighing.contradictions.append(f"{told} ({str(problem)[:120]})")
            else:
                weighing.believe(name, rows, weights, str(problem))
            return weighing.done(answer)
        except TrustedProcessError as error:
            weighing.notes.append(f"the net could not be made again: {error}")
            return weighing.done(answer)
        found = of_rows(list(rows or []))
        if found["parameters"] != facts["parameters"] or found["output"] != facts["output"]:
            weighing.contradictions.append("the net has other layers than its description")
        return weighing.done(answer | found)

    return weigh


# -- records --------------------------------------------------------------------------------------


def of_choice(everything: bool) -> Callable[[Handed, Case, Any], Weighed]:
    """For `sealed.choice`: openings and accuracies as they were handed in, of nets that are there
    and as good as their records say.

    everything: whether all nets count that were handed in, or those that the answer names.
    """

    def weigh(handed: Handed, case: Case, answer: Any) -> Weighed:
        if not isinstance(answer, dict) or not isinstance(answer.get("validation"), dict):
            return Weighed(answer)
        weighing = _Weighing(handed)
        known = {}
        for name in _names(handed) if everything else map(str, list(answer["validation"])[:64]):
            record, weights = handed_in(handed, name)
            if weights:
                known[name] = record
        purpose = str(answer.get("purpose", ""))
        found = sealed.chosen_among(_openings(handed), purpose, known)
        found["validation"] = {
            name: value
            for name, value in found["validation"].items()
            if _as_recorded(weighing, name, known[name])
        }
        return weighing.done(answer | found)

    return weigh


def _openings(handed: Handed) -> dict[str, Any]:
    data = next((c for p, c in handed.files.items() if p.endswith(sealed.FILE)), b"{}")
    try:
        return sealed.read(data)
    except ValueError:
        return {}


def _as_recorded(weighing: _Weighing, name: str, record: dict[str, Any]) -> bool:
    """Is a net as good on validation images as its record says?  One that can't be asked is."""
    rows, weights = _content(weighing.handed, name).get("net"), handed_in(weighing.handed, name)[1]
    if not all(np.isfinite(w).all() for w in weights):
        return False  # damaged
    try:
        images, labels = exam_images.behind(_dataset(record), "validation")
        chosen = _some(weighing.handed, len(images), _MEASURED)
        said = rebuilt.outputs(rows, weights, images[chosen])
    except rebuilt.CannotRebuild as problem:
        weighing.notes.append(f"{name} could not be made again ({str(problem)[:120]})")
        return True
    except (TrustedProcessError, DataUnavailable) as error:
        weighing.notes.append(f"{name} could not be tried again: {error}")
        return True
    if said.shape[1] < 10:
        return True  # another question, which another check asks
    reached = float(np.mean(said.argmax(axis=1) == labels[chosen]))
    if not abs(reached - float(record.get("validation", np.nan))) <= _WITHIN:
        weighing.contradictions.append(
            f"{name} is right on {100 * reached:.0f} % of {len(chosen)} validation images, not on "
            "as many as its record says"
        )
        return False
    return True


def of_tuning(search: str, name: str, target: int) -> Callable[[Handed, Case, Any], Weighed]:
    """For `searching.tuning`: trials and the pair that was used, as they were handed in, and a net
    that has learned something with it."""

    def weigh(handed: Handed, case: Case, answer: Any) -> Weighed:
        if not isinstance(answer, dict):
            return Weighed(answer)
        weighing = _Weighing(handed)
        record, weights = handed_in(handed, name)
        trials = handed_in(handed, search)[0].get("rows")
        if not weights:
            weighing.contradictions.append(f"no weights {name}.npz were handed in")
        else:
            _has_learned(weighing, name, record, weights, target)
        found = {"trials": trials if isinstance(trials, list) else []}
        return weighing.done(answer | found | {"chosen": searching.used_in(record)})

    return weigh


def _has_learned(
    weighing: _Weighing, name: str, record: dict[str, Any], weights: list[np.ndarray], target: int
) -> None:
    rows = _content(weighing.handed, name).get("net")
    try:
        images, labels = hidden(_dataset(record), weighing.handed.seed, target)
        said = rebuilt.outputs(rows, weights, images).argmax(axis=1)
    except rebuilt.CannotRebuild as problem:
        weighing.notes.append(f"{name} could not be made again ({str(problem)[:120]})")
        return
    except (TrustedProcessError, DataUnavailable) as error:
        weighing.notes.append(f"{name} could not be tried again: {error}")
        return
    reached = float(np.mean([np.mean(said[labels == c] == c) for c in (0, 1)]))
    if reached < _LEARNED:
        weighing.contradictions.append(f"the net in {name}.npz has not learned anything")
