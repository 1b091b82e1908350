"""The overview of a class, kept until anything that it was read from is another.

A class of thousands takes seconds to read, and status is asked for often.  What is kept counts only
if every file that was read is the very same as then: it is never an older truth.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from grader import places
from grader.classroom import questions
from grader.classroom.folder import ClassFolder
from grader.classroom.overview import Overview
from grader.config import Course
from grader.files import write_atomically

if TYPE_CHECKING:  # the database takes its time to import
    from grader.classroom.standing import ClassStanding

FILE = ".status"
"""In the class folder."""
_SMALL = (".csv", ".json", ".toml")
"""Of files that people edit: what is in them counts, not when they were written."""
_CHANGES = slice(24, 28)
"""Bytes of an SQLite file that count the changes to it."""
_ELSEWHERE = "COURSE_GRADEBOOK"
"""`database.VARIABLE`, without what that imports."""


class _Kept(msgspec.Struct, frozen=True):
    key: str
    overview: Overview


def overview(folder: ClassFolder, course: Course) -> Overview:
    """Where everything stands.  Raises WrongVersion for a folder of a newer program."""
    key = _key(folder.root, course)
    if key and (kept := _read(folder.root / FILE)) and kept.key == key:
        return kept.overview
    from grader.classroom import overview as room  # the database takes its time to import

    return room.of(standing(folder, course))


def standing(folder: ClassFolder, course: Course) -> ClassStanding:
    """All that is known of a class, which is read; its overview is kept."""
    # the database takes its time to import
    from grader.classroom import overview as room
    from grader.classroom import standing as whole

    before = _key(folder.root, course)
    found = whole.read(folder, course)
    if before and _key(folder.root, course) == before:  # else something changed meanwhile
        with suppress(OSError):  # whoever may only read gets an answer, too
            data = msgspec.msgpack.encode(_Kept(before, room.of(found)))
            write_atomically(folder.root / FILE, data, durable=False, secret=True)
    return found


def _read(path: Path) -> _Kept | None:
    try:
        return msgspec.msgpack.decode(path.read_bytes(), type=_Kept)
    except (OSError, msgspec.MsgspecError):
        return None


def _key(root: Path, course: Course) -> str:
    """Digest of what an overview is made from; "" where that can't be told without reading all."""
    gradebook = _gradebook(root)
    if not gradebook:
        return ""
    digest = hashlib.sha256(repr((course, str(course.times.zone), gradebook)).encode())
    for path in sorted(path for path in root.glob("*.*") if path.suffix in _SMALL):
        with suppress(OSError):
            digest.update(f"{path.name}\0".encode() + path.read_bytes())
    for text in (*_program(), *_files(root), *_settled(root)):
        digest.update(f"{text}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _gradebook(root: Path) -> str:
    """The state of the gradebook; "" for one on a server, or that is being written."""
    with suppress(OSError, ValueError):
        if tomllib.loads((root / "course.toml").read_text(encoding="utf-8")).get("gradebook"):
            return ""
    path = root / "gradebook.db"
    if os.environ.get(_ELSEWHERE) or any((root / f"{path.name}-{x}").exists() for x in _OPEN):
        return ""
    try:
        with path.open("rb") as file:
            return f"{_state(path)} {file.read(28)[_CHANGES].hex()}"
    except OSError:
        return _state(path)


_OPEN = ("journal", "wal")


def _program() -> Iterator[str]:
    """The code that makes an overview."""
    for folder in ("", "classroom", "config"):
        for path in sorted((places.ROOT / "grader" / folder).glob("*.py")):
            yield _state(path)


def _files(root: Path) -> Iterator[str]:
    """What was handed in, what grading found, and the releases."""
    for path in sorted((root / "release").glob("*/*.ipynb")):
        yield _state(path)
    for folder, name in (("submitted", "submission.json"), ("results", "result.json")):
        for team in _in(root / folder):
            for notebook in _in(team):
                yield f"{notebook} {_state(f'{notebook}/{name}')}"


def _settled(root: Path) -> Iterator[str]:
    """The work that was looked at: an answer holds for it alone."""
    with suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError):
        for team, notebook in sorted({(s.team, s.notebook) for s in questions.read(root)}):
            for path in sorted((root / "submitted" / team / notebook).rglob("*")):
                yield _state(path)


def _in(folder: Path | str) -> list[str]:
    try:
        with os.scandir(folder) as found:
            return sorted(entry.path for entry in found)
    except OSError:
        return []


def _state(path: Path | str) -> str:
    """What tells a file from what it was."""
    try:
        facts = os.stat(path)  # noqa: PTH116  (a Path for each of ten thousand takes time)
    except OSError:
        return f"{path} -"
    return f"{path} {facts.st_mtime_ns} {facts.st_size} {facts.st_ino} {facts.st_mode}"
