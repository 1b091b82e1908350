"""How good a trained model must be: the course's thresholds.toml, overridden in the class folder.

For each check and data set there is a floor, up to which there are no points, and a goal, from
which there are all; between them points rise in a straight line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from grader import places
from grader.contract.settings import Fraction, converted, read, refuse_endless, refuse_unknown
from grader.errors import ConfigError

FILE = "thresholds.toml"

Limits = dict[str, dict[str, dict[str, float]]]
"""Check -> data set -> {"floor": fraction, "goal": fraction}."""


@dataclass(frozen=True)
class _Threshold:
    floor: Fraction
    goal: Fraction


def load(folder: Path | None = None) -> Limits:
    """The thresholds.  folder: the class folder, whose own thresholds.toml wins where it speaks.

    Raises ConfigError for checks and data sets that the course has no thresholds for, for what is
    no fraction, and for a goal that isn't above its floor.
    """
    limits = {check: dict(sets) for check, sets in _own(places.folder() / FILE).items()}
    path = folder / FILE if folder is not None else None
    if path is None or not path.is_file():
        return limits
    for check, sets in _read(path).items():
        _refuse_other(check, limits, f"{path}: unknown check")
        for dataset in sets:
            _refuse_other(dataset, limits[check], f"{path}: {check}: unknown data set")
        limits[check] |= sets
    return limits


def _refuse_other(name: str, known: Mapping[str, Any], what: str) -> None:
    if name not in known:
        raise ConfigError(f"{what} {name!r}; known: {', '.join(known)}")


@cache
def _own(path: Path) -> Limits:
    return _read(path) if path.is_file() else {}  # a course in which nothing is trained


def _read(path: Path) -> Limits:
    settings = read(path)
    refuse_endless(settings, path, "")
    return {
        check: {
            dataset: _threshold(entry, path, f"{check}.{dataset}")
            for dataset, entry in converted(sets, dict[str, Any], path, check).items()
        }
        for check, sets in settings.items()
    }


def _threshold(entry: Any, path: Path, where: str) -> dict[str, float]:
    refuse_unknown(entry, _Threshold, path, f"{where}.")
    threshold = converted(entry, _Threshold, path, where)
    if threshold.floor >= threshold.goal:
        raise ConfigError(f"{path}: {where}: needs a higher goal: {{ floor = 0.3, goal = 0.45 }}")
    return asdict(threshold)
