"""A class folder is worked on by one command at a time: who comes second waits, and is told why.

The kernel keeps the lock and lets go of it when a process ends, however it ends, so that none is
ever stale.  Linux does so over NFS, too; where a file system can't, that is said, and nobody waits.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

import msgspec

from grader.classroom import results
from grader.classroom.folder import ClassFolder
from grader.files import writing

FOLDER = ".lock"
"""In the class folder."""
_WHOLE = "class"
_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)


class Holder(msgspec.Struct, frozen=True):
    """Who works on a class folder, for whoever has to wait."""

    command: str
    process: int
    host: str
    since: datetime

    def __str__(self) -> str:
        where = f"process {self.process} on {self.host}"
        return f"{self.command} ({where}, since {self.since:%Y-%m-%d %H:%M:%S})"


@contextmanager
def held(
    folder: ClassFolder, command: str, say: Callable[[str], None], part: str = ""
) -> Iterator[None]:
    """Let no other command change a class folder meanwhile; waits until none does.

    command: what others are told that runs.  say: is told why one waits.
    part: "2/16" for one of several that work side by side, each on teams of its own; only the
    same part waits, and whoever wants the whole class.
    """
    place = folder.root / FOLDER
    with writing(place):
        folder.make()
        place.mkdir(exist_ok=True)
    own = re.sub(r"\W+", "-", part)
    kind = fcntl.LOCK_SH if part else fcntl.LOCK_EX
    with _open(place / _WHOLE) as whole, _open(place / f"part-{own}" if part else None) as piece:
        locked = _lock(whole, kind, place, say)
        if piece is not None:
            _lock(piece, fcntl.LOCK_EX, place, say)
        # beside the locked file: over NFS, closing it a second time would let go of the lock
        note = place / f"holder-{own or _WHOLE}.json"
        here = Holder(command, os.getpid(), socket.gethostname(), datetime.now().astimezone())
        results.write(note, here, durable=False)
        try:
            yield
        finally:
            if locked:
                note.unlink(missing_ok=True)


def holders(folder: ClassFolder) -> list[Holder]:
    """Who said that they work on a class folder; who was killed could not take it back."""
    found = []
    for path in sorted((folder.root / FOLDER).glob("holder-*.json")):
        try:
            holder = results.read(path, Holder)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            continue
        if holder.host != socket.gethostname() or _runs(holder.process):
            found.append(holder)
    return sorted(found, key=lambda holder: holder.since)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


@contextmanager
def _open(path: Path | None) -> Iterator[IO[bytes] | None]:
    if path is None:
        yield None
        return
    with writing(path):
        stream = path.open("ab")  # NFS locks only what is open for writing
    with stream:
        yield stream


def _lock(stream: IO[bytes] | None, kind: int, place: Path, say: Callable[[str], None]) -> bool:
    """Wait for a lock.  Returns False if this file system has none."""
    assert stream is not None
    try:
        try:
            fcntl.flock(stream, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            say(_why(place))
            fcntl.flock(stream, kind)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        say(
            f"{place.parent} lies where files can't be locked ({error.strerror}): see to it that "
            "no two commands change it at once"
        )
        return False
    return True


def _why(place: Path) -> str:
    who = "; ".join(map(str, holders(ClassFolder(place.parent)))) or "another ./course"
    return (
        f"waiting for {who}, which works on {place.parent}.  Ctrl-C ends this command; what the "
        "other one does goes on"
    )
