"""How good a trained model must be: the course's thresholds.toml, overridden in the class folder.

For each check and data set there is a floor, up to which there are no points, and a goal, from
which there are all; between them points rise in a straight line.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from grader import places
from grader.errors import ConfigError

FILE = "thresholds.toml"

_KEYS = {"floor", "goal"}


def load(folder: Path | None = None) -> dict[str, Any]:
    """Check -> data set -> {"floor": fraction, "goal": fraction}.

    folder: the class folder, whose own thresholds.toml wins where it speaks.
    Raises ConfigError for unknown checks, and for a goal that isn't above its floor.
    """
    limits = {check: dict(sets) for check, sets in _own(places.folder() / FILE).items()}
    path = folder / FILE if folder is not None else None
    if path is None or not path.is_file():
        return limits
    for check, sets in _read(path).items():
        if check not in limits:
            raise ConfigError(f"{path}: unknown check {check!r}; known: {', '.join(limits)}")
        limits[check] = limits[check] | _checked(path, check, sets)
    return limits


@cache
def _own(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}  # a course in which nothing is trained
    return {check: _checked(path, check, sets) for check, sets in _read(path).items()}


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} can't be read: {error}") from None


def _checked(path: Path, check: str, sets: Any) -> dict[str, Any]:
    for dataset, limits in sets.items() if isinstance(sets, dict) else [("", None)]:
        good = (
            isinstance(limits, dict)
            and set(limits) == _KEYS
            and all(isinstance(v, (int, float)) for v in limits.values())
            and 0 <= limits["floor"] < limits["goal"] <= 1
        )
        if not good:
            raise ConfigError(
                f"{path}: {check}.{dataset} needs a floor and a higher goal, between 0 and 1: "
                "{ floor = 0.3, goal = 0.45 }"
            )
    return dict(sets)
