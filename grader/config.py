"""The course's settings: `grader/course.toml`, overridden by `course.toml` in the class folder."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from grader.errors import CourseError
from utils.identity import normalise_id

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
"""The course's own folder."""

_OPEN_TABLES = ("extensions", "points")  # their keys are the instructor's


class ConfigError(CourseError, ValueError):
    """A setting is missing or wrong.  The text names the file and what to change."""


@dataclass(frozen=True)
class Limits:
    """Bounds for one notebook while it is graded."""

    seconds_per_call: float
    seconds_per_cell: float
    seconds_per_notebook: float
    memory_mb: int
    output_kb: int


@dataclass(frozen=True)
class Late:
    """What lateness costs, as fractions of the points."""

    penalty_per_day: float
    maximum: float
    grace_minutes: float
    free_days: int = 0
    """Days of lateness that each team may spread over the course at no cost."""


@dataclass(frozen=True)
class Extensions:
    """More time for single teams: "team_7" or "team_7/02_training_cnn" -> days."""

    table: dict[str, float]

    def days(self, team: str, notebook: str) -> float:
        """Days that a team has more for a notebook; what is said of the notebook wins."""
        return self.table.get(f"{team}/{notebook}", self.table.get(team, 0.0))


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


def load(folder: Path | None = None) -> Course:
    """Read the settings; the class folder's own course.toml wins where it speaks."""
    settings = _read(HERE / "course.toml")
    if folder is not None and (folder / "course.toml").is_file():
        own = _read(folder / "course.toml")
        if "points" in own:
            raise ConfigError(
                f"{folder / 'course.toml'}: points stand in the notebooks that students get; set "
                f"them in {HERE / 'course.toml'} and run ./course build"
            )
        settings = _merge(settings, own, folder / "course.toml")
    try:
        return Course(
            settings["course"]["id"],
            settings["course"]["title"],
            Late(**settings["late"]),
            Limits(**settings["limits"]),
            {
                name: _notebook(name, entry)
                for name, entry in settings["notebooks"].items()
                if entry["use"]
            },
            _extensions(settings),
            _points(settings["points"]),
            _switch(settings, "marking", "anonymous"),
        )
    except (KeyError, TypeError) as error:
        raise ConfigError(f"course.toml: {error}") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: save it as UTF-8: {error}") from None


def _merge(base: dict[str, Any], top: dict[str, Any], path: Path) -> dict[str, Any]:
    merged = dict(base)
    for key, value in top.items():
        if key in _OPEN_TABLES and isinstance(value, dict):
            merged[key] = {**base[key], **value}
        elif isinstance(base.get(key), dict) and isinstance(value, dict):
            merged[key] = _merge(base[key], value, path)
        elif key not in base and key != "due":
            raise ConfigError(f"{path}: unknown setting {key!r}; known here: {', '.join(base)}")
        else:
            merged[key] = value
    return merged


def _extensions(settings: dict[str, Any]) -> Extensions:
    table = {}
    for key, days in settings["extensions"].items():
        team, _, notebook = key.partition("/")
        if notebook and notebook not in settings["notebooks"]:
            raise ConfigError(f"extensions: {key!r}: there is no notebook {notebook!r}")
        if not isinstance(days, int | float) or isinstance(days, bool) or days < 0:
            raise ConfigError(f"extensions: {key!r} needs a number of days, not {days!r}")
        table[f"{normalise_id(team)}/{notebook}" if notebook else normalise_id(team)] = float(days)
    return Extensions(table)


def _points(table: dict[str, Any]) -> dict[str, float]:
    for check, points in table.items():
        if not isinstance(points, int | float) or isinstance(points, bool) or points < 0:
            raise ConfigError(f"points: {check!r} needs a number of points, not {points!r}")
    return {check: float(points) for check, points in table.items()}


def _switch(settings: dict[str, Any], table: str, key: str) -> bool:
    value = settings[table][key]
    if not isinstance(value, bool):
        raise ConfigError(f"{table}: {key} is true or false, not {value!r}")
    return value


def _notebook(name: str, entry: dict[str, Any]) -> Notebook:
    due = entry.get("due")
    if due is not None and (not isinstance(due, datetime) or due.tzinfo is None):
        raise ConfigError(
            f"notebooks.{name}: due needs a time and a zone: 2027-01-29T23:59:00+01:00"
        )
    return Notebook(name, entry["title"], entry["imports"], due, _net(name, entry))


def _net(name: str, entry: dict[str, Any]) -> str:
    """The pretrained net of a notebook, "" if it needs none."""
    if not (net := entry.get("net", "")):
        return ""
    from utils import pretrained

    if net not in pretrained.NAMES:
        known = ", ".join(pretrained.NAMES)
        raise ConfigError(f"notebooks.{name}: no net is called {net!r}; known: {known}")
    return net
