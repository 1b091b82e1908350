"""Writing submissions into the class folder: each as a whole folder or not at all.

A submission is built beside the class' others and moved into place in one step, so that whoever
is killed when leaves the old one or the new one, never half of either.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path

import msgspec

from grader.classroom import results
from grader.classroom.folder import ClassFolder
from grader.classroom.results import Rejected, Submission
from grader.intake.bounds import Member

WORKPLACE = ".intake"
"""Folder in the class folder in which submissions are built."""
OLD = "old@"
"""Prefix, in the workplace, of a submission that is being replaced."""
AT_FDCWD, RENAME_EXCHANGE = -100, 2


@contextmanager
def exclusive(folder: ClassFolder) -> Iterator[None]:
    """Let one process at a time take submissions in; clear up after one that was killed."""
    workplace = folder.root / WORKPLACE
    workplace.mkdir(parents=True, exist_ok=True)
    with (workplace / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for leftover in workplace.iterdir():
            if leftover.name.startswith(OLD):
                _, team, notebook = leftover.name.split("@")
                place = folder.submitted(team, notebook)
                if not place.exists():
                    leftover.rename(place)
                    continue
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)
        yield


def current(folder: ClassFolder, team: str, notebook: str) -> Submission | None:
    """The submission that is there, None if there is none that can be read."""
    try:
        path = folder.submitted(team, notebook) / "submission.json"
        return results.read(path, Submission)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def files_of(folder: ClassFolder, submission: Submission) -> dict[str, bytes] | None:
    """The files that a submission has on disk, by path; None if any is missing."""
    place = folder.submitted(submission.team, submission.notebook)
    names = [f"{submission.notebook}.ipynb", *submission.files]
    try:
        return {name: (place / name).read_bytes() for name in names}
    except OSError:
        return None


def put(folder: ClassFolder, submission: Submission, notebook: bytes, files: list[Member]) -> None:
    """Write a submission, in place of an earlier one.  Paths in `files` must be safe."""
    place = folder.submitted(submission.team, submission.notebook)
    partial = Path(tempfile.mkdtemp(dir=folder.root / WORKPLACE, prefix="new@"))
    partial.chmod(0o755)
    (partial / f"{submission.notebook}.ipynb").write_bytes(notebook)
    for member in files:
        target = partial / member.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(member.content)
    if submission.arrival == "known":  # nbgrader reads this file where it computes lateness
        stamp = submission.received.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f UTC")
        (partial / "timestamp.txt").write_text(stamp)
    results.write(partial / "submission.json", submission)
    for path in partial.rglob("*"):
        if path.is_file():
            _sync(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    _move_into_place(partial, place, folder.root / WORKPLACE)
    _sync(place.parent)


def reject(
    folder: ClassFolder, rejected: list[Rejected], settled: Callable[[Rejected], bool]
) -> None:
    """Bring rejected.json up to date: what was rejected earlier stays there until it is settled."""
    path = folder.root / "rejected.json"
    try:
        earlier = results.read(path, list[Rejected])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        earlier = []
    kept = [entry for entry in earlier if not settled(entry)]
    if kept or rejected or path.exists():
        results.write(path, [*kept, *rejected])


def _move_into_place(partial: Path, place: Path, workplace: Path) -> None:
    if not place.exists():
        partial.rename(place)
    elif _exchange(partial, place):
        shutil.rmtree(partial, ignore_errors=True)
    else:
        # Two steps: `exclusive` puts the old one back if nothing comes between them any more.
        old = workplace / f"{OLD}{place.parent.name}@{place.name}"
        shutil.rmtree(old, ignore_errors=True)
        place.rename(old)
        partial.rename(place)
        shutil.rmtree(old, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders in one step, where the system can (Linux); otherwise return False."""
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        return False
    names = os.fsencode(one), os.fsencode(other)
    if libc.renameat2(AT_FDCWD, names[0], AT_FDCWD, names[1], RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
        return False
    raise OSError(code, os.strerror(code), str(other))


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
