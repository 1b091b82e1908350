"""The course's settings: its course.toml, overridden by course.toml in the class folder.

A wrong setting is refused with its place, and never passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta

from grader import places
from grader.config import zones
from grader.config.zones import MACHINES, Zone
from grader.contract import nets
from grader.contract.kernels import PLAIN, Profile
from grader.contract.settings import Fraction, converted, read, refuse_endless, refuse_unknown
from grader.errors import ConfigError
from utils.checks.identity import normalise_id

FILE = "course.toml"

Positive = Annotated[float, Meta(gt=0)]
Amount = Annotated[float, Meta(ge=0)]


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

    @property
    def takes_nothing(self) -> bool:
        """Does nothing that comes late earn anything?"""
        return self.penalty_per_day >= 1 and self.maximum >= 1 and not self.free_days


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
    dated: date = date(1980, 1, 1)
    """Day that files in the archives have, from 1980 on."""


@dataclass(frozen=True)
class Pairs:
    """Notebooks that may be handed in by two, as PREFIX_NameOne_NameTwo.zip with a PDF."""

    prefix: str = ""
    notebooks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Times:
    """In which zones times are read and shown, and from when on anything can have arrived."""

    zone: Zone = MACHINES
    """Of due dates without one, of days late, and of all times that are shown."""
    lms: Zone = MACHINES
    """In which the LMS writes times into its downloads."""
    begins: datetime | None = None
    """When the course begins; a file with an earlier date did not arrive then."""


@dataclass(frozen=True)
class Attempts:
    """Which of a team's attempts at a notebook counts, and how many are kept."""

    counts: Literal["better", "last", "last on time"] = "better"
    """"better": of the last on time and the last late one, after the penalty."""
    kept: Annotated[int, Meta(ge=3)] = 20
    """Most that are kept; the oldest go first, but never one that counts or may yet count."""


@dataclass(frozen=True)
class Notebook:
    """One notebook: an nbgrader assignment of its own."""

    name: str
    title: str
    due: datetime | None = None
    """With a time zone, or None if there is no due date."""
    net: str = ""
    """Name of the pretrained net on which it is graded; "" where none is needed."""
    kernel: Profile = PLAIN
    """What its kernel can't import, and what that has imported when it starts."""
    feedback: datetime | None = None
    """From when on its feedback may be given, with a time zone; None: at once."""


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
    """Check or essay -> points, where they are not those in the notebook's source."""
    anonymous: bool = False
    """Markers must not know whose work they mark."""
    bonus: bool = True
    """Optional exercises come on top of the maximum; else they count like all others."""
    release: Release = Release()
    pairs: Pairs = Pairs()
    times: Times = Times()
    attempts: Attempts = Attempts()
    contact: str = ""
    """Whom students ask: said in the guide that they get."""


@dataclass(frozen=True)
class _Id:
    id: str
    title: str
    contact: str = ""


@dataclass(frozen=True)
class _Gradebook:
    url: str = ""  # read by `grader.classroom.database`, before there is a course


@dataclass(frozen=True)
class _Marking:
    anonymous: bool = False
    bonus: bool = True


@dataclass(frozen=True)
class _Kernel:
    """A profile; names can lead to no other folder."""

    refused: tuple[Annotated[str, Meta(pattern=r"^[A-Za-z_]\w*$")], ...] = ()
    preload: tuple[Annotated[str, Meta(pattern=r"^[A-Za-z_][\w.]*$")], ...] = ()


@dataclass(frozen=True)
class _Times:
    zone: str = ""
    lms_zone: str = ""
    begins: datetime | None = None


@dataclass(frozen=True)
class _Entry:
    title: str
    use: bool = True
    due: datetime | None = None
    feedback: datetime | None = None
    net: str = ""
    kernel: str = ""


@dataclass(frozen=True)
class _File:
    """course.toml as it is written."""

    course: _Id
    limits: Limits
    late: Late
    notebooks: dict[str, _Entry]
    kernels: dict[str, _Kernel] = field(default_factory=dict)
    gradebook: _Gradebook = _Gradebook()
    marking: _Marking = _Marking()
    points: dict[str, Amount] = field(default_factory=dict)
    extensions: dict[str, Amount] = field(default_factory=dict)
    release: Release = Release()
    pairs: Pairs = Pairs()
    times: _Times = _Times()
    attempts: Attempts = Attempts()


def load(folder: Path | None = None) -> Course:
    """Read the settings; the class folder's own course.toml wins where it speaks.

    Raises ConfigError, with the file, the setting, and what it should be.
    """
    places.package()  # is there a course at all?
    path = places.folder() / FILE
    settings = read(path)
    file = _decoded(settings, path)
    own = folder / FILE if folder is not None else path
    if folder is not None and own.is_file():
        changed = read(own)
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
    times = _times(file.times, own)
    return Course(
        file.course.id,
        file.course.title,
        file.late,
        file.limits,
        _notebooks(file, own, times.zone),
        _extensions(file, own),
        file.points,
        file.marking.anonymous,
        file.marking.bonus,
        file.release,
        file.pairs,
        times,
        file.attempts,
        " ".join(file.course.contact.split()),
    )


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
    refuse_unknown(settings, _File, path, "")
    refuse_endless(settings, path, "")
    tables = {"notebooks": _Entry, "kernels": _Kernel, "extensions": Amount, "points": Amount}
    for table, kind in tables.items():
        entries = settings.get(table)
        for key, value in entries.items() if isinstance(entries, dict) else ():
            converted(value, kind, path, f"{table}.{key}")  # which one, a table's path leaves out
    file: _File = converted(settings, _File, path, "")
    return file


def _extensions(file: _File, path: Path) -> Extensions:
    table = {}
    for key, days in file.extensions.items():
        team, _, notebook = key.partition("/")
        if notebook and notebook not in file.notebooks:
            raise ConfigError(f"{path}: extensions: {key!r}: there is no notebook {notebook!r}")
        table[f"{normalise_id(team)}/{notebook}" if notebook else normalise_id(team)] = days
    return Extensions(table)


def _notebooks(file: _File, path: Path, zone: Zone) -> dict[str, Notebook]:
    """The notebooks that are in use.  Raises ConfigError for a net or kernel that isn't known."""
    kernels = {"": PLAIN} | {name: _profile(name, k, path) for name, k in file.kernels.items()}
    used = {name: entry for name, entry in file.notebooks.items() if entry.use}
    for name, entry in used.items():
        if entry.net and entry.net not in nets.names():
            known = ", ".join(nets.names())
            raise ConfigError(
                f"{path}: notebooks.{name}: no net is called {entry.net!r}; known: {known}"
            )
        if entry.kernel not in kernels:
            known = ", ".join(file.kernels) or "none; add a table [kernels.NAME]"
            raise ConfigError(
                f"{path}: notebooks.{name}.kernel: no kernel is called {entry.kernel!r}; "
                f"known: {known}"
            )

    def dates(key: str) -> dict[str, datetime | None]:
        return {
            n: _moment(getattr(entry, key), zone, path, f"notebooks.{n}.{key}")
            for n, entry in used.items()
        }

    due, told = dates("due"), dates("feedback")
    return {
        name: Notebook(name, entry.title, due[name], entry.net, kernels[entry.kernel], told[name])
        for name, entry in used.items()
    }


def _profile(name: str, kernel: _Kernel, path: Path) -> Profile:
    for module in kernel.preload:
        if module.partition(".")[0] in kernel.refused:
            raise ConfigError(f"{path}: kernels.{name}: {module} is preloaded and refused")
    return Profile(kernel.refused, kernel.preload)


def _times(settings: _Times, path: Path) -> Times:
    zone = _zone(settings.zone, path, "times.zone")
    lms = _zone(settings.lms_zone or settings.zone, path, "times.lms_zone")
    return Times(zone, lms, _moment(settings.begins, zone, path, "times.begins"))


def _zone(name: str, path: Path, where: str) -> Zone:
    try:
        return zones.named(name)
    except zones.UnknownZone as error:
        raise ConfigError(f"{path}: {where}: {error}") from None


def _moment(moment: datetime | None, zone: Zone, path: Path, where: str) -> datetime | None:
    """A date as clocks in the zone have it, in which it is read if it names none.

    Where clocks go back and show it twice, the second is meant: nobody is late for that.
    """
    try:
        if moment is None or moment.tzinfo is not None:
            return moment and zone.shown(moment)
        return zone.latest(moment)
    except OverflowError:
        raise ConfigError(f"{path}: {where}: {moment} is out of the calendar's reach") from None
