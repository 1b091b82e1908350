"""Temporary folders that name their owner, so that those of a killed process can be removed.

Sandboxes and runs remove their own folders; a process that is killed can't.  The next one does.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

_PREFIX = "course-tmp-"
_OLD = 3600
"""Seconds after which a folder without an owner is removed: in a container that shares its
temporary folder with others, process ids mean little, and nothing runs for so long."""


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
                shutil.rmtree(folder, ignore_errors=True)
                removed += not folder.exists()
    return removed


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
