"""Files written whole or not at all, and what to say when a disk is full."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from grader.errors import CourseError

_FIRST = datetime(1980, 1, 1)
"""The earliest time that a zip can hold."""


class FolderUnusable(CourseError, OSError):
    """A folder can't be written or read: a full disk, missing rights.  The text says what to do."""

    def __str__(self) -> str:
        return str(self.args[0])


def write_atomically(
    path: Path, content: bytes | str, durable: bool = True, secret: bool = False
) -> None:
    """Write a file so that whoever reads it sees the old or the new content, never half.

    durable: wait until it is on the disk; not needed for what can be made again.
    secret: only its owner may ever read it.
    Raises FolderUnusable.
    """
    data = content.encode() if isinstance(content, str) else content
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                if durable:
                    stream.flush()
                    os.fsync(stream.fileno())
            if not secret:  # it was made with 0600
                Path(partial).chmod(0o644)
            Path(partial).replace(path)
        except BaseException:
            Path(partial).unlink(missing_ok=True)
            raise


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the system says about a full disk or missing rights into FolderUnusable.

    path: what is written, for errors that don't name a file.
    """
    try:
        yield
    except FolderUnusable:
        raise
    except OSError as error:
        raise FolderUnusable(
            f"{error.filename or path}: {error.strerror or error}.  Put that right (room on the "
            "disk? rights to the folder?) and run the command again: what was done is kept"
        ) from error


def zip_entry(name: str, mode: int = 0o644, dated: datetime = _FIRST) -> zipfile.ZipInfo:
    """An entry of a zip that is the same bytes whenever, and by whomever, it is written."""
    entry = zipfile.ZipInfo(name, date_time=dated.timetuple()[:6])
    entry.external_attr = (0o100000 | mode) << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry
