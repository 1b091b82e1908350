"""Writing attempts and submissions into the class folder: each as a whole folder or not at all.

One is built beside the class' others and moved into place in one step, so that whoever is killed
when leaves the old one or the new one, never half of either.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import filecmp
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path

import msgspec

from grader.classroom import attempts, results
from grader.classroom.folder import ClassFolder
from grader.classroom.results import Rejected, Submission
from grader.files import FolderUnusable
from grader.intake import notebooks
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
    folder.make()
    workplace.mkdir(exist_ok=True)
    with (workplace / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for leftover in workplace.iterdir():
            if leftover.name.startswith(OLD):
                _, *inside = leftover.name.split("@")
                top = () if len(inside) > 2 else ("submitted",)  # as older versions named it
                place = folder.root.joinpath(*top, *inside)
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
    return files_in(folder.submitted(submission.team, submission.notebook), submission)


def work_of(notebook: bytes, files: Mapping[str, bytes]) -> str:
    """Digest of the work in a notebook and its files: outputs alone make no other work."""
    written = notebooks.work_of(notebook)
    digest = hashlib.sha256(notebook if written is None else repr(written).encode())
    for path, content in sorted(files.items()):
        digest.update(path.encode() + b"\0" + hashlib.sha256(content).digest())
    return digest.hexdigest()[:12]


def keep(
    folder: ClassFolder, submission: Submission, notebook: bytes, files: list[Member]
) -> Submission:
    """Write an attempt, in place of one with the same work; returns it with its name."""
    work = work_of(notebook, {member.path: member.content for member in files})
    name = attempts.name_of(submission.received, work)
    submission = msgspec.structs.replace(submission, attempt=name)
    shelf = folder.attempts(submission.team, submission.notebook)
    earlier = [path for path in shelf.glob(f"*-{work}") if path.name != name]
    _put(folder, submission, notebook, files, shelf / name)
    for path in earlier:
        drop(folder, path)
    return submission


def say_uploaders(folder: ClassFolder, entry: Submission, uploaders: list[str]) -> None:
    """Note who else handed in the work of an attempt."""
    changed = msgspec.structs.replace(entry, uploaders=uploaders)
    results.write(attempts.place_of(folder, entry) / "submission.json", changed)


def drop(folder: ClassFolder, place: Path) -> None:
    """Remove a folder, or be killed and have it removed by the next that works here."""
    if place.exists():
        (folder.root / WORKPLACE).mkdir(parents=True, exist_ok=True)
        gone = Path(tempfile.mkdtemp(dir=folder.root / WORKPLACE, prefix="gone@"))
        place.rename(gone / place.name)
        shutil.rmtree(gone, ignore_errors=True)


def bring(folder: ClassFolder, submission: Submission) -> None:
    """Make `submitted/` hold an attempt, as `submission` describes it."""
    there = current(folder, submission.team, submission.notebook)
    place = attempts.place_of(folder, submission)
    if there == submission:
        return
    same = there is not None and there.attempt == submission.attempt
    if same and untouched(folder, submission):
        describe(folder, submission)
        return
    files = files_in(place, submission)
    if files is None:
        raise FolderUnusable(f"{place} lacks files that it was taken in with; put them back")
    notebook = files.pop(f"{submission.notebook}.ipynb")
    target = folder.submitted(submission.team, submission.notebook)
    _put(folder, submission, notebook, [Member(*entry) for entry in files.items()], target, place)


def untouched(folder: ClassFolder, submission: Submission) -> bool:
    """Whether `submitted/` holds the very files of an attempt."""
    one = folder.submitted(submission.team, submission.notebook)
    other = attempts.place_of(folder, submission)
    names = [f"{submission.notebook}.ipynb", *submission.files]
    try:  # files of one size and time need not be read
        return all(filecmp.cmp(one / name, other / name) for name in names)
    except OSError:
        return False


def describe(folder: ClassFolder, submission: Submission) -> None:
    """Say something else of what lies in `submitted/` already."""
    _describe(folder.submitted(submission.team, submission.notebook), submission)


def put(folder: ClassFolder, submission: Submission, notebook: bytes, files: list[Member]) -> None:
    """Write what counts, in place of an earlier submission.  Paths in `files` must be safe."""
    _put(
        folder, submission, notebook, files, folder.submitted(submission.team, submission.notebook)
    )


def files_in(place: Path, submission: Submission) -> dict[str, bytes] | None:
    """The files that a submission has in some folder, by path; None if any is missing."""
    names = [f"{submission.notebook}.ipynb", *submission.files]
    try:
        return {name: (place / name).read_bytes() for name in names}
    except OSError:
        return None


def _put(
    folder: ClassFolder,
    submission: Submission,
    notebook: bytes,
    files: list[Member],
    place: Path,
    like: Path | None = None,
) -> None:
    """like: the folder that it is a copy of, whose files' times it gets."""
    partial = Path(tempfile.mkdtemp(dir=folder.root / WORKPLACE, prefix="new@"))
    partial.chmod(0o755)
    (partial / f"{submission.notebook}.ipynb").write_bytes(notebook)
    for member in files:
        target = partial / member.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(member.content)
    for path in partial.rglob("*") if like else ():
        if like and path.is_file():
            times = (like / path.relative_to(partial)).stat()
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    _describe(partial, submission)
    for path in partial.rglob("*"):
        if path.is_file():
            _sync(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    _move_into_place(partial, place, folder.root / WORKPLACE)
    _sync(place.parent)


def _describe(place: Path, submission: Submission) -> None:
    """Write what is known about a submission beside its files."""
    stamp = place / "timestamp.txt"
    if submission.arrival == "known":  # nbgrader reads this file where it computes lateness
        moment = submission.received.astimezone(UTC)
        stamp.write_text(moment.strftime("%Y-%m-%d %H:%M:%S.%f UTC"))
    else:
        stamp.unlink(missing_ok=True)
    results.write(place / "submission.json", submission)


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
        old = workplace / f"{OLD}{'@'.join(place.relative_to(workplace.parent).parts)}"
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
