"""Where things lie: this harness, and the course that it works on.

A course is a folder with the content of a package: settings, sources, judges, known answers.  It is
loaded by its path as the package `grader.course`, whatever the folder is called, so that modules of
a course find one another by relative imports and the harness needs no course to be imported.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

from grader.errors import ConfigError

ROOT = Path(__file__).resolve().parents[1]
"""The folder that was cloned or unpacked: notebooks/, utils/ and data/ lie in it."""
VARIABLE = "COURSE_FOLDER"
"""Environment variable: the course that is worked on, if it isn't the one that lies here."""
PACKAGE = "grader.course"

_chosen: Path | None = None
_own_modules: dict[str, ModuleType] = {}


def use(folder: Path | None) -> None:
    """Work on another course from here on; None: on the one that lies in `grader/`.

    Its modules are imported anew.  Raises ConfigError if there is no course in that folder.
    """
    global _chosen
    if folder is not None:
        folder = folder.resolve()
        if not (folder / "course.toml").is_file():
            raise ConfigError(f"{folder} is no course: it has no course.toml")
    loaded = {n: m for n, m in sys.modules.items() if f"{n}.".startswith(f"{PACKAGE}.")}
    if _chosen is None and not os.environ.get(VARIABLE):
        _own_modules.update(loaded)  # others hold them: they are put back, not imported twice
    for name in loaded:
        del sys.modules[name]
    if folder is None and not os.environ.get(VARIABLE):
        sys.modules.update(_own_modules)
    _chosen = folder
    package.cache_clear()


def folder() -> Path:
    """The course that is worked on."""
    if _chosen is not None:
        return _chosen
    return Path(os.environ[VARIABLE]).resolve() if os.environ.get(VARIABLE) else _own()


def is_elsewhere() -> bool:
    """Is it another course than the one that lies in `grader/`?"""
    return folder() != _own()


def public() -> Path:
    """Where that lies which students get of the course: its notebooks/, its data/, its helpers."""
    return folder() / "public" if is_elsewhere() else ROOT


@cache
def package() -> ModuleType:
    """The course as the package `grader.course`.  Raises ConfigError if there is none."""
    place = folder()
    entry = place / "__init__.py"
    if not entry.is_file():
        raise ConfigError(
            f"there is no course in {place}: it has no __init__.py; name one, "
            "./course --course FOLDER …"
        )
    if place == _own():
        return importlib.import_module(PACKAGE)
    spec = importlib.util.spec_from_file_location(
        PACKAGE, entry, submodule_search_locations=[str(place)]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = module
    spec.loader.exec_module(module)
    return module


def module(name: str) -> ModuleType:
    """A module of the course: "judges.implementing_cnn".  Raises ModuleNotFoundError without it."""
    package()
    return importlib.import_module(f"{PACKAGE}.{name}")


def optional(name: str) -> ModuleType | None:
    """A module of the course, or None if it has none of that name."""
    try:
        return module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{PACKAGE}.{name}.".startswith(f"{error.name}."):
            return None
        raise


def _own() -> Path:
    return ROOT / "grader" / "course"
