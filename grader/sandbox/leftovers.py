"""Temporary folders that name their owner, so that those of a killed process can be removed.

Sandboxes and runs remove their own folders; a process that is killed can't.  The next one does.
What a student's code left in them may be nested deeper than recursion or any path reaches.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "course-tmp-"
_OLD = 3600
"""Seconds after which a folder without an owner is removed: in a container that shares its
temporary folder with others, process ids mean little, and nothing runs for so long."""
_PATIENCE = 60.0
"""Longest time in seconds that removing one folder may take."""
_named: set[Path] = set()
"""Folders that could not be removed, and were named."""


def make(purpose: str, parent: Path | None = None) -> Path:
    """A new private folder, its path resolved.  parent: where, if not the usual place."""
    prefix = f"{_PREFIX}{os.getpid()}-{purpose}-"
    return Path(os.path.realpath(tempfile.mkdtemp(prefix=prefix, dir=parent)))


def sweep(parents: tuple[Path, ...] = ()) -> int:
    """Remove what processes that are gone have left here.  Returns the number of folders."""
    removed = 0
    for parent in parents or {Path(tempfile.gettempdir()), Path("/tmp")}:
        for folder in parent.glob(f"{_PREFIX}*"):
            owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
            if owner.isdigit() and not _lives(int(owner)) and _is_old_and_ours(folder):
                removed += remove(folder)
    return removed


def remove(folder: Path) -> bool:
    """Remove a folder, whatever a student's code left in it.  Returns whether it is gone.

    Never raises; a folder that stays is named on the terminal, once.
    """
    with contextlib.suppress(OSError):
        _flatten(folder, time.monotonic() + _PATIENCE)
        folder.rmdir()
    gone = not os.path.lexists(folder)
    if not gone and folder not in _named:
        _named.add(folder)
        print(f"can't remove what a notebook left; do it: rm -rf {folder}", file=sys.stderr)
    return gone


def _flatten(folder: Path, deadline: float) -> None:
    """Empty a folder without recursion or long paths: what is nested moves up until it is on top.

    No link is followed, neither here nor below.
    """
    if not stat.S_ISDIR(folder.lstat().st_mode):
        return
    folder.chmod(0o700)
    prefix, changed = secrets.token_hex(8), True
    fresh_names = (f"{prefix}-{number}" for number in itertools.count())
    top = _opened(folder)
    try:
        while changed:
            changed = False
            for name in _names(top):
                if time.monotonic() > deadline:
                    return
                with contextlib.suppress(OSError):
                    if _is_folder(name, top):
                        changed |= _lift(name, top, fresh_names)
                        os.rmdir(name, dir_fd=top)
                    else:
                        os.unlink(name, dir_fd=top)
                    changed = True
    finally:
        os.close(top)


def _lift(name: str, top: int, fresh_names: Iterator[str]) -> bool:
    """Move the folders in a folder to the top, and remove its files.  Returns whether any went."""
    os.chmod(name, 0o700, dir_fd=top)
    folder, changed = _opened(name, top), False
    try:
        for inner in _names(folder):
            with contextlib.suppress(OSError):
                if _is_folder(inner, folder):
                    os.chmod(inner, 0o700, dir_fd=folder)  # else its owner may not move it
                    os.rename(inner, next(fresh_names), src_dir_fd=folder, dst_dir_fd=top)
                else:
                    os.unlink(inner, dir_fd=folder)
                changed = True
    finally:
        os.close(folder)
    return changed


def _opened(folder: str | Path, parent: int | None = None) -> int:
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)


def _names(folder: int) -> list[str]:
    return [entry.name for entry in os.scandir(folder)]


def _is_folder(name: str, parent: int) -> bool:
    return stat.S_ISDIR(os.lstat(name, dir_fd=parent).st_mode)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _is_old_and_ours(folder: Path) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    return found.st_uid == os.getuid() and time.time() - found.st_mtime > _OLD
