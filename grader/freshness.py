"""What results depend on beside what was handed in: digests of the harness and of the course.

Whole folders count, so that no new module is forgotten.  A file too many costs marking again; one
too few would let old marks stay.
"""

from __future__ import annotations

import ast
import hashlib
import os
import platform
from collections.abc import Collection, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from grader import config, places
from grader.contract import nets, visible
from grader.contract.judges import stem
from grader.errors import ConfigError

_BESIDE = ("data/checks", "data/downloads", "data/cache")
"""Made from the rest: public cases, and what can be fetched or drawn again."""
NO_MARKS = {
    "authoring": "what sources release is compared as released",
    "bench": "measures",
    "bundles": "carry the judge elsewhere, and show what it said",
    "commands": "call the rooms",
    "demo": "makes a class of its own",
    "export": "writes marks that are final",
    "formgrader": "shows notebooks to a marker",
    "intake": "what was taken in is compared as it lies there",
    "pages": "show marks",
}
"""Rooms of the harness that come before grading or after it, and why they decide no mark."""
NO_JUDGES = {
    "making": "made data and weights, which count themselves",
    "reference": "weights for tests and the demo",
    "source": "what it releases is compared as released",
    "truth": "answers that only tests judge",
    "course.toml": "settings count by what they say",
    "thresholds.toml": "settings count by what they say",
}
"""What of a course decides no mark, and why."""
_EXECUTING = (
    *("sandbox", "cluster", "executing", "contract", "config", "cells.py", "errors.py"),
    *("places.py", "text.py"),
)
"""Rooms of the harness that ask a kernel.  Judges don't count, so that a new one can mark kept
answers."""
_PACKAGES = ("numpy", "tensorflow", "keras", "nbclient", "ipykernel")
"""Another one of these may give another outcome."""


def code_version(notebook: str) -> str:
    """Digest of the code and data that decide the marks of a notebook.  Raises ConfigError."""
    return _code_version(places.folder(), notebook)


def execution_version() -> str:
    """Digest of the code and data that decide what a kernel answers.  Raises ConfigError."""
    return _execution_version(places.folder())


def forget() -> None:
    """Look at all files anew, as a process does that starts now."""
    for remembered in (_code_version, _execution_version, _imported_packages, _content):
        remembered.cache_clear()


@cache
def libraries() -> str:
    """What students' code calls, as one line of text: "Python 3.11, numpy 2.4.6, …"."""
    python = ".".join(platform.python_version_tuple()[:2])
    return ", ".join([f"Python {python}", *(f"{name} {_version(name)}" for name in _PACKAGES)])


def net_version(net: str) -> str:
    """Name of the net that a notebook is graded on, and digests of its files; "" without one.

    Raises OSError, or NetUnavailable if it is not at hand.
    """
    if not net:
        return ""
    nets.require(net)
    facts = [(path, path.stat()) for path in nets.files(net)]
    return net + "".join(_file_digest(path, f.st_mtime_ns, f.st_size) for path, f in facts)


def deciding(notebook: str) -> dict[str, Path]:
    """The files that may decide a mark in a notebook, by name.

    All that notebooks import, the harness but for `NO_MARKS`, and of the course the judges of the
    notebook with every package that they import.  Settings count by what they say, see `tasks`.
    """
    harness = places.ROOT / "grader"
    found = _shown() | _files("grader", harness, {*NO_MARKS, "course"})
    course = places.folder()
    judges = course / "judges"
    wanted = {judges / name for name in _judging(notebook)}
    others = {f"judges/{p.name}" for p in judges.glob("*/") if p not in wanted}
    others |= {f"judges/{p.name}" for p in judges.glob("*.py") if p.with_suffix("") not in wanted}
    return found | _files(
        "course", course, {*NO_JUDGES, "public", *others} - {"judges/__init__.py"}
    )


def executing() -> dict[str, Path]:
    """The files that may decide what a kernel answers, by name."""
    found = _shown()
    for room in _EXECUTING:
        found |= _files(f"grader/{room}", places.ROOT / "grader" / room)
    course = places.folder()
    known = ("__init__.py", "nets.py", "nets/__init__.py")  # what is asked about a net
    return found | {f"course/{n}": course / n for n in known if (course / n).is_file()}


@cache
def _code_version(_: Path, notebook: str) -> str:
    return _digest(deciding(notebook))


@cache
def _execution_version(_: Path) -> str:
    return _digest(executing())


def _shown() -> dict[str, Path]:
    """What notebooks import and read."""
    release = config.load().release
    found: dict[str, Path] = {}
    for top in visible.readable(release.folders):
        base = places.public() if top.is_relative_to(places.public()) else places.ROOT
        name = top.relative_to(base).as_posix()
        found |= _files(name, top, foreign=release.foreign if name == "data" else ())
    return found


def _files(
    name: str, top: Path, without: Collection[str] = (), foreign: Collection[str] = ()
) -> dict[str, Path]:
    """A file, or all files in a folder but for some; each with its name.

    without: paths in the folder; the same name deeper in it is another thing.  foreign: patterns of
    names, wherever they are.
    """
    if not top.is_dir():
        return {name: top}

    def counts(inside: str) -> bool:
        last = inside.rpartition("/")[2]
        ours = (
            not last.startswith(".")
            and last != "__pycache__"
            and not visible.is_foreign(last, foreign)
        )
        return ours and inside not in without and f"{name}/{inside}" not in _BESIDE

    found: dict[str, Path] = {}
    for folder, inside, names in os.walk(top):  # pathlib takes ten times as long
        place = folder.removeprefix(str(top))[1:].replace(os.sep, "/")
        at = f"{place}/" if place else ""
        inside[:] = [n for n in inside if counts(f"{at}{n}")]
        found |= {f"{name}/{at}{n}": Path(folder, n) for n in names if counts(f"{at}{n}")}
    return dict(sorted(found.items()))


def _judging(notebook: str) -> set[str]:
    """The judges of a notebook and those that they import: names in the folder judges."""
    found, waiting = set(), [stem(notebook)]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _imported_packages(places.folder() / "judges", name)
    return found


@cache
def _imported_packages(judges: Path, name: str) -> tuple[str, ...]:
    """What the modules of one notebook's judges import of those of others."""
    package = judges / name
    paths = sorted(package.rglob("*.py")) if package.is_dir() else [package.with_suffix(".py")]
    return tuple(sorted({found for p in paths if p.is_file() for found in _imports(judges, p)}))


def _imports(judges: Path, path: Path) -> Iterator[str]:
    """Names in the folder judges that a module imports, as relative imports say it."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        base = path.parents[node.level - 1]
        for alias in node.names:
            wanted = base.joinpath(*(node.module or "").split("."), alias.name)
            if wanted.is_relative_to(judges) and wanted != judges:
                yield wanted.relative_to(judges).parts[0]


def _digest(files: dict[str, Path]) -> str:
    """Digest of files and of what they are called.  Raises ConfigError."""
    digest = hashlib.sha256()
    for name, path in files.items():
        digest.update(f"{name} ".encode() + _content(path))
    return digest.hexdigest()


@cache
def _content(path: Path) -> bytes:
    """Digest of what is in a file, which most notebooks share.  Raises ConfigError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"the course's own file can't be read: {error}") from error
    if b"\0" not in content:  # text, which a checkout on Windows ends its own way
        content = content.replace(b"\r\n", b"\n")
    return hashlib.sha256(content).digest()


@cache
def _file_digest(path: Path, changed: int, size: int) -> str:
    """Digest of a file that was last changed at some time; hundreds of megabytes are read once."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"
