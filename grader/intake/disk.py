"""What lies on the instructor's disk: files and folders within bounds.  Links are not followed."""

from __future__ import annotations

import os
import stat
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from grader.intake import downloads
from grader.intake.delivery import File
from grader.intake.downloads import zips
from grader.text import shown
from utils.packing import accepted
from utils.packing.accepted import ARCHIVE_BYTES, Refused, Register, is_junk

SHALLOW = 3
"""How deep a folder is looked into for the form of an LMS' download."""
GIT = ".git"
"""What git keeps of a checkout: thousands of files of which none is asked for."""


def labelled(paths: list[Path]) -> dict[str, Path]:
    """Paths by what reports call them: the name, with as much before it as tells them apart."""
    places = (path.absolute() if path.is_symlink() else path.resolve() for path in paths)
    pending = list(dict.fromkeys(places))
    found: dict[str, Path] = {}
    length = 1
    while pending:
        names = ["/".join(path.parts[-length:]) for path in pending]
        count = Counter(names)
        found.update((n, p) for n, p in zip(names, pending, strict=True) if count[n] == 1)
        pending = [p for n, p in zip(names, pending, strict=True) if count[n] > 1]
        length += 1
    return found


def shallow(path: Path) -> list[str]:
    """Paths of a file, or of what lies in a folder down to three levels, from beside it."""
    found = [path.name]
    if stat.S_ISDIR(path.lstat().st_mode):
        for folder, folders, names in os.walk(path, followlinks=False):
            inner = Path(folder).relative_to(path.parent)
            found += [(inner / name).as_posix() for name in names + folders]
            if len(inner.parts) >= SHALLOW or len(found) > zips.BULK_MEMBERS:
                folders.clear()
    return downloads.unjunked(found)


def below(root: Path, label: str, most: int = accepted.MEMBERS) -> list[File]:
    """All files below a folder.  Raises Refused for links and for too much of anything."""
    files, register = [], Register(most)
    for folder, folders, names in os.walk(root, followlinks=False):
        entries = sorted(names + folders)
        folders[:] = [name for name in folders if not is_junk(name) and name != GIT]
        for name in entries:
            path = Path(folder) / name
            inner = path.relative_to(root).as_posix()
            mode = path.lstat().st_mode
            if is_junk(inner) or name == GIT:
                continue
            if stat.S_ISLNK(mode):
                raise accepted.link(inner)
            if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                raise Refused(f"neither file nor folder: {shown(inner)}")
            inner = register.add(inner, stat.S_ISDIR(mode))
            if stat.S_ISREG(mode):
                files.append(on_disk(path, inner, f"{label}/{inner}"))
    return files


def on_disk(path: Path, inner: str, label: str) -> File:
    """A file on disk, read later.  Raises Refused if it is no plain file."""
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        raise Refused("a symbolic link, links are not followed")
    if not stat.S_ISREG(status.st_mode):
        raise Refused("neither file nor folder")

    def read() -> bytes:
        accepted.check_archive(status.st_size)
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(handle, "rb") as stream:
                return stream.read(ARCHIVE_BYTES + 1)
        except OSError as error:
            raise Refused(f"can't be read: {error.strerror or error}") from None

    return File(inner, label, _time(status.st_mtime), read)


def _time(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None
