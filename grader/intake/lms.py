"""Bulk downloads of Moodle and Canvas: who uploaded what, by the names that the LMS gave.

A name is read from its start only, where the LMS writes; what follows was chosen by the student
and may imitate the LMS.  Whose number or name it is, the roster says.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, cast

from grader.config.zones import Zone
from grader.intake import archives
from grader.intake.archives import Guarded
from grader.text import shown
from utils.packing import accepted
from utils.packing.accepted import ARCHIVE_BYTES, MIB, Refused

BULK_BYTES = 16 * 1024 * MIB
"""Largest download of a whole class."""
BULK_MEMBERS = 20_000
"""Most files in a download of a whole class."""
BULK_DIRECTORY_BYTES = 16 * MIB

# Moodle turns "_" in names into blanks, and Canvas keeps letters and digits only, so that the
# first "_" ends the name in both.  Moodle's folders end in "_" up to 4.0; the folder of students
# without a group has no number.
MOODLE = re.compile(
    r"(?P<name>[^_/]*)(?:_(?P<number>\d+))?_assignsubmission_(?P<kind>[a-z]+)(?:_?/|_)(?P<rest>.*)"
)
CANVAS = re.compile(
    r"(?P<name>[^\W_]+)(?P<late>_LATE)?_(?P<number>\d+)_\d+_(?P<rest>.+)", re.IGNORECASE
)
ANONYMOUS = re.compile(r"anon(_LATE)?_[A-Za-z0-9]{5}_\d+_.+", re.IGNORECASE)


@dataclass(frozen=True)
class Uploaded:
    """A file's name, taken apart."""

    lms: str
    """"moodle" or "canvas"."""
    name: str
    """The student's, or that of a group."""
    number: str
    rest: str
    """What the student called the file."""
    late: bool = False
    kind: str = "file"
    """Moodle's kind of submission: "file", or text that was typed online."""

    @property
    def uploader(self) -> tuple[str, str, str]:
        """What the files of one upload have in common."""
        return self.lms, self.number, self.name


def taken_apart(path: str) -> Uploaded | None:
    """What a path in a download, or a file's or folder's name, tells; None if no LMS wrote it."""
    if match := MOODLE.fullmatch(path):
        number = match["number"] or ""
        return Uploaded("moodle", match["name"], number, match["rest"], kind=match["kind"])
    if ANONYMOUS.fullmatch(path):
        return Uploaded("canvas", "anonymous", "", path)
    if "/" not in path and (match := CANVAS.fullmatch(path)):
        if match["name"].lower() in (
            "team",
            "group",
        ):  # team_7_2027_01.zip is the instructor's name
            return None
        late = match["late"] is not None
        return Uploaded("canvas", match["name"], match["number"], match["rest"], late)
    return None


def looks_like_download(paths: Iterable[str]) -> bool:
    """Whether most of the files in a zip are named by an LMS."""
    names = [path for path in paths if not accepted.is_junk(path)]
    start = len(outer(names))
    found = [taken_apart(path[start:]) is not None for path in names]
    return sum(found) * 2 > len(found)


def outer(paths: list[str]) -> str:
    """The folder around a download that was packed again: "a/b/", "" if there is none."""
    start = 0
    for _ in range(accepted.DEPTH if paths else 0):
        first, slash, _ = paths[0][start:].partition("/")
        if not slash or taken_apart(first + slash):
            break
        length = start + len(first) + 1
        if any(path[:length] != paths[0][:length] for path in paths):
            break
        start = length
    return paths[0][:start] if paths else ""


@dataclass(frozen=True)
class BulkMember:
    """One file in a download."""

    path: str
    changed: datetime | None
    zoned: bool
    """Whether the zip says in which zone."""
    read: Callable[[], bytes]
    """Raises Refused."""


def names_in(path: Path) -> list[str]:
    """Names of a zip's files, without looking into any; none if it is no zip or no sound one."""
    try:
        with path.open("rb") as stream:
            if stream.read(2) != b"PK":
                return []
            guarded = cast(IO[bytes], Guarded(stream, BULK_DIRECTORY_BYTES))
            with zipfile.ZipFile(guarded) as archive:
                return [info.filename for info in archive.infolist() if not info.is_dir()]
    except Exception:  # whatever is wrong with it, reading it in earnest will say
        return []


def open_bulk(
    path: Path, stack: ExitStack, zone: Zone
) -> tuple[list[BulkMember], list[tuple[str, str]]]:
    """Files of a download, and (path, reason) of those that are refused.

    zone: in which the LMS writes times.
    The files stay readable until `stack` closes.  Raises Refused if nothing can be read.
    """
    if path.stat().st_size > BULK_BYTES:
        raise Refused(f"larger than {BULK_BYTES // MIB} MiB")
    stream = stack.enter_context(path.open("rb"))
    try:
        guarded = cast(IO[bytes], Guarded(stream, BULK_DIRECTORY_BYTES))
        archive = stack.enter_context(zipfile.ZipFile(guarded))
        infos = [info for info in archive.infolist() if not info.is_dir()]
        archives.check_overlap(archive.infolist(), archive.start_dir)
    except Refused:
        raise
    except Exception as error:  # the libraries' own errors on forged bytes have no common class
        raise Refused(f"damaged ({shown(error)}): download it again") from None
    if len(infos) > BULK_MEMBERS:
        raise Refused(f"more than {BULK_MEMBERS} files")
    members, refused = [], []
    for info in infos:
        try:
            archives.check_zip_member(info)
            clean = accepted.safe_path(info.filename)
        except Refused as reason:
            refused.append((info.filename, str(reason)))
            continue
        if not accepted.is_junk(clean):
            changed, zoned = archives.zip_time(info, zone)
            members.append(BulkMember(clean, changed, zoned, _reader(archive, info)))
    return members, refused


def _reader(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            return archives.read_zip_member(archive, info, ARCHIVE_BYTES)
        except Refused:
            raise
        except Exception as error:  # see open_bulk
            raise Refused(f"damaged in the download ({shown(error)}): download it again") from None

    return read
