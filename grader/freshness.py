"""What results depend on beside what was handed in: the course's own code and data, as digests.

Whole folders count, so that no new module is forgotten.  A file too many costs marking again; one
too few would let old marks stay.
"""

from __future__ import annotations

import hashlib
import os
import platform
from fnmatch import fnmatch
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from grader import config
from utils import alexnet, pretrained

NOT_OURS = (
    *("cifar10.npz", "cifar-10-*", alexnet.FILE),
    *("*.h5", "*.keras", "*.partial", "imagenet_class_index.json"),
)
"""What somebody may put into `data/`; git ignores it, too.  CIFAR-10 is checked when it is read,
and a net's files count where a notebook is graded on it, see `net_version`."""

_BESIDE = ("data/checks", "data/downloads", "data/cache")
"""Made from the rest: public cases, and what can be fetched or drawn again."""
_NO_MARKS = (
    *("grader/bench", "grader/commands", "grader/demo", "grader/export", "grader/feedback"),
    *("grader/formgrader", "grader/intake", "grader/reference", "grader/report"),
    *("grader/similar", "grader/source", "grader/truth"),
)
"""Folders that come before grading or after it.  What sources release is compared as released."""
_EXECUTING = (
    *("utils", "data", "grader/sandbox", "grader/cluster"),
    *("grader/execute.py", "grader/prepare.py", "grader/beside.py", "grader/source_text.py"),
)
"""What a kernel may call or read, and what asks it.  Judges don't count, so that a new one can mark
kept answers."""
_PACKAGES = ("numpy", "tensorflow", "keras", "nbclient", "ipykernel")
"""Another one of these may give another outcome."""


@cache
def code_version() -> str:
    """Digest of the code and data that decide marks.  Raises ConfigError."""
    return _digest(deciding())


@cache
def execution_version() -> str:
    """Digest of the code and data that decide what a kernel answers.  Raises ConfigError."""
    return _digest(executing())


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
    pretrained.require(net)
    facts = [(path, path.stat()) for path in pretrained.files(net)]
    return net + "".join(_file_digest(path, f.st_mtime_ns, f.st_size) for path, f in facts)


def deciding() -> list[str]:
    """The course's files that may decide a mark.  Settings count by what they say, see `tasks`."""
    names = [name for top in ("utils", "data", "grader") for name in _files(top, _NO_MARKS)]
    return [name for name in names if not name.endswith(".toml")]


def executing() -> list[str]:
    """The course's files that may decide what a kernel answers."""
    return [name for top in _EXECUTING for name in _files(top)]


def _files(top: str, without: tuple[str, ...] = ()) -> list[str]:
    """A file of the course, or all files in one of its folders that are its own."""
    if not (config.ROOT / top).is_dir():
        return [top]
    skipped = {*_BESIDE, *without}
    found = []
    for folder, inside, names in os.walk(config.ROOT / top):  # pathlib takes ten times as long
        place = folder.removeprefix(str(config.ROOT))[1:].replace(os.sep, "/")
        inside[:] = [n for n in inside if _counts(n) and f"{place}/{n}" not in skipped]
        found += [f"{place}/{name}" for name in names if _counts(name)]
    return sorted(name for name in found if top != "data" or not _is_foreign(name))


def _counts(name: str) -> bool:
    return not name.startswith(".") and name != "__pycache__"


def _is_foreign(name: str) -> bool:
    return any(fnmatch(name.rpartition("/")[2], pattern) for pattern in NOT_OURS)


def _digest(names: list[str]) -> str:
    """Digest of files of the course and of what they are called.  Raises ConfigError."""
    digest = hashlib.sha256()
    for name in names:
        try:
            content = (config.ROOT / name).read_bytes()
        except OSError as error:
            raise config.ConfigError(f"the course's own file can't be read: {error}") from error
        if b"\0" not in content:  # text, which a checkout on Windows ends its own way
            content = content.replace(b"\r\n", b"\n")
        digest.update(f"{name} {len(content)} ".encode() + content)
    return digest.hexdigest()


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
