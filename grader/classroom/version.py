"""The version of a class folder: which program can read what lies in it.

A folder without version.json is of version 1.  An older one is brought up to date by the first
command that grades, or by ./course upgrade, which says beforehand what that changes.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from grader.classroom import results
from grader.errors import CourseError

FILE = "version.json"
VERSION = 2
"""What this program writes.  2: questions in result.json, and every release is kept."""


class _File(msgspec.Struct, frozen=True):
    version: int


class WrongVersion(CourseError):
    """A class folder is of a version that this program doesn't know.  The text says what to do."""


def of_folder(root: Path) -> int:
    """Version of a class folder.  Raises WrongVersion if its file can't be read."""
    try:
        return results.read(root / FILE, _File).version
    except FileNotFoundError:
        return 1
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise WrongVersion(
            f"{root / FILE} can't be read ({error}); if the folder was never graded by a newer "
            f'program, write {{"version": {VERSION}}} into it'
        ) from error


def require(root: Path) -> None:
    """Raise WrongVersion for a class folder that a newer program has written."""
    found = of_folder(root)
    if found > VERSION:
        raise WrongVersion(
            f"{root} is a class folder of version {found}, and this program knows up to {VERSION}: "
            "update the course (git pull), or use the copy of it that graded this class"
        )


def write(root: Path) -> None:
    """Note that a class folder is of this program's version."""
    if of_folder(root) != VERSION:
        results.write(root / FILE, _File(VERSION))
