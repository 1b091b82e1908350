"""What goes along with a notebook: files in handin/NOTEBOOK/, and modules of a student's own.

A module may lie beside the notebook, in a folder there, or in handin/NOTEBOOK/.  Of those beside
it only the ones count that the notebook's code mentions, itself or through another of them: what
one notebook needs must not make another one late.  When graded they come last on sys.path.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from utils.packing.accepted import MIB, told, told_size
from utils.packing.exported import is_export

HANDIN_BYTES = 20 * MIB
"""Most bytes in handin/NOTEBOOK/."""
HANDIN_FILES = 200
"""Most files in handin/NOTEBOOK/."""
NAME_BYTES = 200
"""Longest name of a file or folder; file systems take 255 bytes, and some of ours are longer."""
MODULE_BYTES = 200 * 1024
"""Most bytes of own modules that one notebook may need."""
MODULE_FILES = 100
"""Most own modules that one notebook may need."""

NEVER = ("sitecustomize", "usercustomize", "conftest")
"""Names that Python or its tools import by themselves, whoever wrote them."""
PROGRAM = re.compile(r"(?i).*\.(?:pyc|pyd|so|ipynb|sh|pth)|.*config[^/]*\.json")
"""Files that are never kept: Jupyter's own programs would load a configuration that they find in a
folder, and an instructor's formgrader can be sent to any folder by a link."""
SUFFIX = ".py"

_WORD = re.compile(r"\w+")


class SortedOut(NamedTuple):
    """What becomes of the files that lie beside a notebook."""

    kept: list[str]
    unneeded: list[str]
    """Modules that nothing mentions."""
    ours: list[str]
    """Copies of the course's own packages; the graders' count."""
    refused: list[tuple[str, str]]
    """(what, why not and what to do): one file, or all that were too many together."""


def is_module(path: str) -> bool:
    """Does a file call itself a module of Python?"""
    return path.endswith(SUFFIX)


def name_of(path: str) -> str:
    """What a module is imported by: its own name, or that of the folder in which it lies."""
    parts = path.split("/")
    if parts[0].casefold() == "handin":
        parts = parts[2:]
    first = parts[0] if parts else ""
    return first[: -len(SUFFIX)] if len(parts) == 1 and is_module(first) else first


class Names(NamedTuple):
    """Names that no module of a student's own may have."""

    course: frozenset[str]
    """The course's own packages."""
    taken: frozenset[str]
    """All names: those, Python's, and of installed packages."""

    @classmethod
    def of(cls, course: Iterable[str], installed: Iterable[str]) -> Names:
        """From what a release says."""
        standard = getattr(sys, "stdlib_module_names", ())  # none before Python 3.10
        own = frozenset(course)
        return cls(own, own.union(installed, NEVER, standard))


def sort_out(notebook: str, code: str, files: Mapping[str, bytes], names: Names) -> SortedOut:
    """Which files go along with a notebook.

    code: of its cells.  files: by path as seen from the notebook's folder, "helpers.py",
    "handin/NOTEBOOK/net.npz"; of handin/ its own folder alone.
    """
    own = f"handin/{notebook}/"
    files = {path: content for path, content in files.items() if not is_export(path)}
    inside = [p for p in files if p.startswith(own)]
    ours = sorted(
        p for p in files if not p.startswith(own) and "/" in p and name_of(p) in names.course
    )
    modules = {p: files[p] for p in files if is_module(p) and p not in ours}
    refused = {p: no for p, content in modules.items() if (no := _no(p, content, names.taken))}
    refused.update(
        {path: _PROGRAM.format(told(path)) for path in inside if PROGRAM.fullmatch(path)}
    )
    refused.update(
        {path: _LONG.format(told(path, 60)) for path in (*inside, *modules) if _is_long(path)}
    )
    sound = {path: content for path, content in modules.items() if path not in refused}
    needed = _needed(code, sound, own)
    problems = sorted(refused.items())
    data = [p for p in inside if not is_module(p) and p not in refused]
    if reason := _too_much(f"notebooks/handin/{notebook}", data, files, HANDIN_FILES, HANDIN_BYTES):
        problems.append((f"handin/{notebook}", reason))
        data = []
    what = f"own modules of {notebook} ({', '.join(told(path, 40) for path in needed[:5])})"
    if reason := _too_much(what, needed, files, MODULE_FILES, MODULE_BYTES):
        problems.append((f"own modules of {notebook}", reason))
        kept = data
    else:
        kept = data + needed
    return SortedOut(sorted(kept), sorted(set(sound) - set(needed)), ours, problems)


_LONG = "{}: a name is longer than any disk takes: shorten it"


def _is_long(path: str) -> bool:
    return any(len(part.encode("utf-8", "replace")) > NAME_BYTES for part in path.split("/"))


_PROGRAM = (
    "{}: programs, archives of Python and Jupyter's configurations are not taken: leave it out, "
    "or call it otherwise"
)


def _no(path: str, content: bytes, taken: frozenset[str]) -> str:
    """Why a module can't be taken, "" if it can."""
    name = name_of(path)
    if name in taken:
        return (
            f"{told(path)}: Python, an installed package or the course has a module {name!r}, "
            f"which would be imported in its place: call yours otherwise, such as my_{name}, also "
            "where you import it"
        )
    if len(content) > MODULE_BYTES:
        return ""  # too much if it is needed, whatever is in it
    try:
        sound = "\0" not in content.decode("utf-8-sig")
    except UnicodeDecodeError:
        sound = False
    return "" if sound else f"{told(path)}: not UTF-8 text, as modules must be: save it as UTF-8"


def _needed(code: str, modules: Mapping[str, bytes], own: str) -> list[str]:
    """Modules that code mentions, and those that these mention; all in `own` are needed.

    Stops where there are more than may be.
    """
    words = set(_WORD.findall(code))
    waiting = {path: set(_WORD.findall(name_of(path))) for path in sorted(modules)}
    needed: list[str] = []
    size = 0
    while found := [p for p, name in waiting.items() if p.startswith(own) or name <= words]:
        for path in found:
            del waiting[path]
            needed.append(path)
            size += len(modules[path])
            if size > MODULE_BYTES or len(needed) > MODULE_FILES:
                return sorted(needed)
            words |= set(_WORD.findall(modules[path].decode("utf-8-sig")))
    return sorted(needed)


def _too_much(
    what: str, paths: list[str], files: Mapping[str, bytes], most: int, bytes_: int
) -> str:
    """Why so many files can't be taken, "" if they can."""
    if len(paths) > most:
        return f"{what}: more than {most} files: leave out what the notebook does not need"
    if sum(len(files[path]) for path in paths) > bytes_:
        return (
            f"{what}: together more than the limit, {told_size(bytes_)}: leave out what the "
            "notebook does not need"
        )
    return ""
