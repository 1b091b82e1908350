"""What is taken: names, sizes and counts of files.

One validator for both ends: the packer asks it before it packs, intake asks it about whatever
comes, and both say what is wrong in the same words.
"""

from __future__ import annotations

import re
import unicodedata

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

JUNK = {"__macosx", ".ds_store", ".ipynb_checkpoints", "__pycache__", "thumbs.db", "desktop.ini"}
"""Names, in lower case, that file managers and Jupyter leave behind: passed over."""
BIDI = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of writing, and so can disguise a name."""


class Refused(Exception):
    """An archive or a file that is not taken.  The text gives the reason and what to do."""


def told(name: object, width: int = 100) -> str:
    """A name made fit for a message: one line, no control characters, not endless."""
    text = str(name).encode("utf-8", "replace").decode("utf-8")
    text = "".join(c if c.isprintable() and c not in BIDI else "?" for c in text)
    return text if len(text) <= width else text[: width - 1] + "…"


def told_size(size: int) -> str:
    """A number of bytes in words: "1.5 MB", "12 kB"."""
    return f"{size / MIB:.1f} MB" if size >= MIB else f"{size / 1024:.0f} kB"


def is_junk(path: str) -> bool:
    """Whether a path is something that file managers or Jupyter leave behind."""
    return any(p.casefold() in JUNK or p.startswith("._") for p in path.split("/"))


def link(path: str) -> Refused:
    """What is said of a link."""
    return Refused(f"a link, hand in the file itself: {told(path)}")


def safe_path(name: str) -> str:
    """The path of a member without "." parts.  Raises Refused if it could lead anywhere else."""
    if len(name) > PATH_CHARS:
        raise Refused(f"a path is longer than {PATH_CHARS} characters: {told(name, 60)}")
    if any(unicodedata.category(c) in ("Cc", "Cs") or c in BIDI for c in name):
        raise Refused(f"a file name holds control characters: {told(name)}")
    if "\\" in name or re.match(r"[A-Za-z]:", name):
        raise Refused(f"a path is written for Windows only, pack again with zip: {told(name)}")
    if name.startswith("/"):
        raise Refused(f"a path is absolute: {told(name)}")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise Refused(f'a path leads out of the archive with "..": {told(name)}')
    if len(parts) > DEPTH:
        raise Refused(f"folders are nested deeper than {DEPTH}: {told(name)}")
    return "/".join(parts)


def folded(path: str) -> str:
    """A path as a file system sees it that ignores case and ways to write an accent."""
    return unicodedata.normalize("NFC", path).casefold()


class Register:
    """The paths seen so far: counts them and refuses two that could overwrite each other."""

    def __init__(self, most: int = MEMBERS) -> None:
        self._most = most
        self._files: set[str] = set()
        self._folders: set[str] = set()
        self._seen = 0

    def add(self, name: str, is_folder: bool) -> str:
        """Check a member's path and return it cleaned.  Raises Refused."""
        self._seen += 1
        if self._seen > self._most:
            raise Refused(f"more than {self._most} files: hand in only what is asked for")
        path = safe_path(name)
        key = folded(path)
        if not is_folder:
            if not key:
                raise Refused("a file without a name")
            if key in self._files or key in self._folders:
                raise Refused(f"two files of the same name: {told(path)}")
            self._files.add(key)
            key = key.rpartition("/")[0]
        while key and key not in self._folders:
            if key in self._files:
                raise Refused(f"a file and a folder of the same name: {told(path)}")
            self._folders.add(key)
            key = key.rpartition("/")[0]
        return path


def check_file(path: str, size: int) -> None:
    """Refuse a file that is too large, whatever it is."""
    if size > FILE_BYTES:
        raise Refused(f"larger than {FILE_BYTES // MIB} MiB: {told(path)}")


def check_total(unpacked: int, packed: int) -> None:
    """Refuse what unpacks to too much, by itself or for its size."""
    if unpacked > UNPACKED_BYTES:
        raise Refused(f"unpacks to more than {UNPACKED_BYTES // MIB} MiB")
    if is_bomb(unpacked, packed):
        raise Refused(f"unpacks to more than {RATIO} times its size: it may be a bomb")


def is_bomb(unpacked: int, packed: int) -> bool:
    """Does something unpack to suspiciously much?"""
    return unpacked > RATIO_FREE and unpacked > RATIO * packed


def check_archive(size: int) -> None:
    """Refuse an archive that is too large."""
    if size > ARCHIVE_BYTES:
        raise Refused(f"larger than {ARCHIVE_BYTES // MIB} MiB")
