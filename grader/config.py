"""The course's settings: its course.toml, overridden by course.toml in the class folder."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import msgspec
from msgspec import Meta

from grader import places
from grader.contract import nets
from grader.errors import ConfigError
from utils.checks.identity import normalise_id

FILE = "course.toml"

Positive = Annotated[float, Meta(gt=0)]
Amount = Annotated[float, Meta(ge=0)]
Fraction = Annotated[float, Meta(ge=0, le=1)]
Moment = Annotated[datetime, Meta(tz=True)]

_WORDS = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "str": "a text in quotes",
    "object": "a table",
    "array": "a list",
    "datetime": "a date with time and zone, 2027-01-29T23:59:00+01:00",
    "null": "nothing",
}
"""What msgspec's names of types are called in a TOML file."""


@dataclass(frozen=True)
class Limits:
    """Bounds for one notebook while it is graded."""

    seconds_per_call: Positive
    seconds_per_cell: Positive
    seconds_per_notebook: Positive
    memory_mb: Annotated[int, Meta(gt=0)]
    output_kb: Annotated[int, Meta(gt=0)]


@dataclass(frozen=True)
class Late:
    """What lateness costs, as fractions of the points."""

    penalty_per_day: Fraction
    maximum: Fraction
    grace_minutes: Amount
    free_days: Annotated[int, Meta(ge=0)] = 0
    """Days of lateness that each team may spread over the course at no cost."""


@dataclass(frozen=True)
class Extensions:
    """More time for single teams: "team_7" or "team_7/02_training_cnn" -> days."""

    table: dict[str, float]

    def days(self, team: str, notebook: str) -> float:
        """Days that a team has more for a notebook; what is said of the notebook wins."""
        return self.table.get(f"{team}/{notebook}", self.table.get(team, 0.0))


@dataclass(frozen=True)
class Release:
    """What students get, and what it is called."""

    name: str = "course"
    """Of the archives, and of the folder that they unpack to."""
    folders: tuple[str, ...] = ("notebooks", "data")
    files: tuple[str, ...] = ()
    readme: str = ""
    """The guide that becomes README.md, with its pictures."""
    foreign: tuple[str, ...] = ()
    """Patterns of files that somebody may put into data/, and that are no part of the course."""


@dataclass(frozen=True)
class Pairs:
    """Notebooks that may be handed in by two, as PREFIX_NameOne_NameTwo.zip with a PDF."""

    prefix: str = ""
    notebooks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Notebook:
    """One notebook: an nbgrader assignment of its own."""

    name: str
    title: str
    imports: str
    due: datetime | None
    """With a time zone, or None if there is no due date."""
    net: str = ""
    """Name of the pretrained net on which it is graded; "" where none is needed."""


@dataclass(frozen=True)
class Course:
    """All settings."""

    id: str
    title: str
    late: Late
    limits: Limits
    notebooks: dict[str, Notebook]
    extensions: Extensions = Extensions({})
    points: Mapping[str, float] = field(default_factory=dict)
    """Check -> points, where they are not those in the notebook's source."""
    anonymous: bool = False
    """Markers must not know whose work they mark."""
    release: Release = Release()
    pairs: Pairs = Pairs()


@dataclass(frozen=True)
class _Id:
    id: str
    title: str


@dataclass(frozen=True)
class _Gradebook:
    url: str = ""  # read by `grader.classroom.database`, before there is a course


@dataclass(frozen=True)
class _Marking:
    anonymous: bool = False


@dataclass(frozen=True)
class _Entry:
    title: str
    imports: Literal["all", "numpy"] = "all"
    use: bool = True
    due: Moment | None = None
    net: str = ""


@dataclass(frozen=True)
class _File:
    """course.toml as it is written."""

    course: _Id
    limits: Limits
    late: Late
    notebooks: dict[str, _Entry]
    gradebook: _Gradebook = _Gradebook()
    marking: _Marking = _Marking()
    points: dict[str, Amount] = field(default_factory=dict)
    extensions: dict[str, Amount] = field(default_factory=dict)
    release: Release = Release()
    pairs: Pairs = Pairs()


def load(folder: Path | None = None) -> Course:
    """Read the settings; the class folder's own course.toml wins where it speaks.

    Raises ConfigError, with the file, the setting, and what it should be.
    """
    places.package()  # is there a course at all?
    path = places.folder() / FILE
    settings = _read(path)
    file = _decoded(settings, path)
    own = folder / FILE if folder is not None else path
    if folder is not None and own.is_file():
        changed = _read(own)
        if "points" in changed:
            raise ConfigError(
                f"{own}: points stand in the notebooks that students get; set them in {path} and "
                "run ./course build"
            )
        for name in changed.get("notebooks", {}):
            if name not in file.notebooks:
                known = ", ".join(file.notebooks)
                raise ConfigError(f"{own}: there is no notebook {name!r}; there are {known}")
        file = _decoded(_merged(settings, changed), own)
    return Course(
        file.course.id,
        file.course.title,
        file.late,
        file.limits,
        {n: _notebook(n, entry, own) for n, entry in file.notebooks.items() if entry.use},
        _extensions(file, own),
        file.points,
        file.marking.anonymous,
        file.release,
        file.pairs,
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: save it as UTF-8: {error}") from None
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}") from None


def _merged(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    """Settings of `base`, where `top` says nothing else."""
    both = dict(base)
    for key, value in top.items():
        under = both.get(key)
        both[key] = (
            _merged(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
        )
    return both


def _decoded(settings: dict[str, Any], path: Path) -> _File:
    _refuse_unknown(settings, _File, path, "")
    _refuse_endless(settings, path, "")
    for table, kind in (("notebooks", _Entry), ("extensions", Amount), ("points", Amount)):
        entries = settings.get(table)
        for key, value in entries.items() if isinstance(entries, dict) else ():
            _converted(value, kind, path, f"{table}.{key}")  # which one, a table's path leaves out
    file: _File = _converted(settings, _File, path, "")
    return file


def _refuse_endless(value: Any, path: Path, where: str) -> None:
    """Raise ConfigError for inf and nan, which TOML has."""
    if isinstance(value, dict):
        for key, inner in value.items():
            _refuse_endless(inner, path, f"{where}.{key}" if where else key)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{path}: {where}: expected a number with an end, got {value}")


def _converted(value: Any, kind: Any, path: Path, where: str) -> Any:
    """A value as its setting wants it.  Raises ConfigError with the setting and what it wants."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        said, _, inside = str(error).partition(" - at `$")
        said = re.sub(r"`(\w+)`", lambda m: _WORDS.get(m[1], m[1]), said)
        said = said.replace(" with a timezone component", "")
        if said.startswith("Invalid enum value"):
            said = f"{said.removeprefix('Invalid enum value ')} is no choice here"
        setting = (where + inside.rstrip("`")).strip(".")
        told = f"{said[0].lower()}{said[1:]}"
        raise ConfigError(f"{path}: {setting}: {told}" if setting else f"{path}: {told}") from None


def _refuse_unknown(settings: Any, kind: Any, path: Path, where: str) -> None:
    """Raise ConfigError for a key that no setting has: a slip would else change nothing."""
    if not isinstance(settings, dict):
        return
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        for key, value in settings.items():
            if key not in hints:
                known = ", ".join(f.name for f in fields(kind))
                raise ConfigError(f"{path}: unknown setting {where}{key}; known here: {known}")
            _refuse_unknown(value, hints[key], path, f"{where}{key}.")
    elif kind == dict[str, _Entry]:
        for key, value in settings.items():
            _refuse_unknown(value, _Entry, path, f"{where}{key}.")


def _extensions(file: _File, path: Path) -> Extensions:
    table = {}
    for key, days in file.extensions.items():
        team, _, notebook = key.partition("/")
        if notebook and notebook not in file.notebooks:
            raise ConfigError(f"{path}: extensions: {key!r}: there is no notebook {notebook!r}")
        table[f"{normalise_id(team)}/{notebook}" if notebook else normalise_id(team)] = days
    return Extensions(table)


def _notebook(name: str, entry: _Entry, path: Path) -> Notebook:
    if entry.net and entry.net not in nets.names():
        known = ", ".join(nets.names())
        raise ConfigError(
            f"{path}: notebooks.{name}: no net is called {entry.net!r}; known: {known}"
        )
    return Notebook(name, entry.title, entry.imports, entry.due, entry.net)
