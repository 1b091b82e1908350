"""What intake refuses: the limits, the paths that are safe, and the reason in plain words.

Everything that reads what students sent goes by these rules; they never look at a disk.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from grader.errors import Refused
from grader.text import BIDI, shown

MIB = 1024 * 1024

ARCHIVE_BYTES = 64 * MIB
"""Largest archive of one team."""
UNPACKED_BYTES = 256 * MIB
"""Largest sum of the files in an archive, whether they are needed or not."""
FILE_BYTES = 64 * MIB
"""Largest single file in an archive."""
MEMBERS = 2000
"""Most files and folders in an archive."""
RATIO = 100
"""Largest ratio of unpacked to packed bytes, once more than RATIO_FREE bytes are unpacked."""
RATIO_FREE = 16 * MIB
PATH_CHARS = 240
"""Longest path in an archive."""
DEPTH = 12
"""Deepest nesting of folders in an archive."""
HEADER_BYTES = 4 * MIB
"""Largest sum of a tar's extension headers (long names, attributes)."""
DIRECTORY_BYTES = 4 * MIB
"""Largest central directory of a team's zip; `zipfile` holds all of it in memory."""

JUNK = {"__macosx", ".ds_store", ".ipynb_checkpoints", "__pycache__", "thumbs.db", "desktop.ini"}
"""Names, in lower case, that file managers and Jupyter leave behind: passed over."""


@dataclass(frozen=True)
class Member:
    """One file of an archive: its path with "/" between the parts, and what it holds."""

    path: str
    content: bytes


@dataclass
class Contents:
    """What was found in an archive."""

    members: list[Member] = field(default_factory=list)
    """The files that were asked for, in the archive's order."""
    others: list[str] = field(default_factory=list)
    """Paths of the files that were not."""


def is_junk(path: str) -> bool:
    """Whether a path is something that file managers or Jupyter leave behind."""
    return any(p.casefold() in JUNK or p.startswith("._") for p in path.split("/"))


def safe_path(name: str) -> str:
    """The path of a member without "." parts.  Raises Refused if it could lead anywhere else."""
    if len(name) > PATH_CHARS:
        raise Refused(f"a path is longer than {PATH_CHARS} characters: {shown(name, 60)}")
    if any(unicodedata.category(c) in ("Cc", "Cs") or c in BIDI for c in name):
        raise Refused(f"a file name holds control characters: {shown(name)}")
    if "\\" in name or re.match(r"[A-Za-z]:", name):
        raise Refused(f"a path is written for Windows only, pack again with zip: {shown(name)}")
    if name.startswith("/"):
        raise Refused(f"a path is absolute: {shown(name)}")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise Refused(f'a path leads out of the archive with "..": {shown(name)}')
    if len(parts) > DEPTH:
        raise Refused(f"folders are nested deeper than {DEPTH}: {shown(name)}")
    return "/".join(parts)


def folded(path: str) -> str:
    """A path as a file system sees it that ignores case and ways to write an accent."""
    return unicodedata.normalize("NFC", path).casefold()


class Register:
    """The paths seen so far: counts them and refuses two that could overwrite each other."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()
        self._seen = 0

    def add(self, name: str, is_folder: bool) -> str:
        """Check a member's path and return it cleaned.  Raises Refused."""
        self._seen += 1
        if self._seen > MEMBERS:
            raise Refused(f"more than {MEMBERS} files: hand in only what is asked for")
        path = safe_path(name)
        key = folded(path)
        if not is_folder:
            if not key:
                raise Refused("a file without a name")
            if key in self._files or key in self._folders:
                raise Refused(f"two files of the same name: {shown(path)}")
            self._files.add(key)
            key = key.rpartition("/")[0]
        while key and key not in self._folders:
            if key in self._files:
                raise Refused(f"a file and a folder of the same name: {shown(path)}")
            self._folders.add(key)
            key = key.rpartition("/")[0]
        return path


def check_total(unpacked: int, packed: int) -> None:
    """Refuse what unpacks to too much, by itself or for its size."""
    if unpacked > UNPACKED_BYTES:
        raise Refused(f"unpacks to more than {UNPACKED_BYTES // MIB} MiB")
    if unpacked > RATIO_FREE and unpacked > RATIO * packed:
        raise Refused(f"unpacks to more than {RATIO} times its size: it may be a bomb")
