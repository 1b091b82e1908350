"""What a bundle carries: this harness, the course, and what an instructor knows of a class.

All of it is the instructor's: it holds judges and known answers.  What can be fetched or made again
stays here, and so do the marks and submissions of a class.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from grader import config, places
from grader.classroom import releases
from grader.classroom.roster import read_roster
from grader.contract import thresholds, visible
from grader.errors import ConfigError

HARNESS = "harness"
"""Where harness and course lie in a bundle; `places.ROOT` there."""
COURSE = "this_course"
"""Where a course lies there that is not the harness's own."""
_AROUND = ("pyproject.toml", "LICENSE", "course", *visible.AROUND)
_MADE = ("data/downloads/", "data/cache/")
"""What can be fetched or made again."""
ROSTER = "roster.csv"
_OF_A_CLASS = (config.FILE, thresholds.FILE, ROSTER, releases.FOLDER)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a bundle is for.  It lies in the bundle, as JSON."""

    notebook: str
    values: str = "hidden"
    """Who sees hidden values, and when; in Gradescope's words."""
    course: str = ""
    """Folder of the course beside harness/grader/; "" for the harness's own."""


def read(path: Path) -> Settings:
    """The settings that lie in a bundle.  Raises ConfigError if they can't be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Settings)
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigError(f"{path}: {error}; make the bundle again") from error


def settings(course: config.Course, notebook: str, values: str = "hidden") -> Settings:
    """Those of a bundle for one notebook.  Raises ConfigError if it can't be judged elsewhere."""
    if net := course.notebooks[notebook].net:
        raise ConfigError(
            f"course.toml: notebooks.{notebook}.net: a bundle doesn't carry {net}; judge this "
            "notebook here, or leave net out for the mini net"
        )
    if not visible.released(notebook).is_file():
        raise ConfigError(f"{notebook} is not built: run ./course build")
    return Settings(notebook, values, COURSE if places.is_elsewhere() else "")


def harness(course: config.Course) -> dict[str, bytes]:
    """Name below `HARNESS` -> content, of all that judging needs."""

    def is_ours(name: str) -> bool:
        made = name.startswith(_MADE) or visible.is_foreign(name, course.release.foreign)
        return not (name.startswith("data/") and made)

    found: dict[str, bytes] = {}
    for name in (*_AROUND, "utils"):
        found |= _below(places.ROOT, name)
    if not places.is_elsewhere():
        for name in ("grader", "notebooks", "data"):
            found |= _below(places.ROOT, name, is_ours)
        return found
    found |= _below(places.ROOT, "grader", lambda name: not name.startswith("grader/course/"))
    inside = _below(places.folder().parent, places.folder().name)
    return found | {f"{COURSE}/{n.partition('/')[2]}": content for n, content in inside.items()}


def of_class(folder: Path) -> dict[str, bytes]:
    """What judging reads of a class folder, by name.

    Raises ConfigError, or RosterError: here, and not before students.
    """
    if not folder.is_dir():
        raise ConfigError(f"--settings {folder}: there is no such folder")
    thresholds.load(folder)
    if (folder / ROSTER).is_file():
        read_roster(folder / ROSTER)
    found: dict[str, bytes] = {}
    for name in _OF_A_CLASS:
        if (folder / name).exists():
            found |= _below(folder, name)
    return found


def _below(
    root: Path, name: str, wanted: Callable[[str], bool] = lambda name: True
) -> dict[str, bytes]:
    """A file, or the files of a folder, by name; no links, nothing hidden, nothing compiled."""
    top = root / name
    if not top.exists():
        raise ConfigError(f"{top} is missing; a bundle needs it")
    if top.is_file():
        return {name: top.read_bytes()}
    found = {}
    for folder, inside, names in os.walk(top):
        inside[:] = sorted(n for n in inside if n != "__pycache__" and not n.startswith("."))
        for path in (Path(folder, n) for n in sorted(names)):
            place = path.relative_to(root).as_posix()
            if path.name.startswith(".") or path.is_symlink() or not wanted(place):
                continue
            found[place] = path.read_bytes()
    return found
