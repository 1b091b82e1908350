"""Copies of the gradebook, made before anything rewrites it."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from grader.classroom import database, migrate

BACKUPS = "backups"
"""Folder in the class folder."""
KEPT = 10
"""How many backups are kept."""
_MARKS = "-marks"
"""At the end of the names of those that hold marks on exercises that were dropped."""


def backup(url: str, root: Path, keep: bool = False) -> Path | None:
    """Copy a gradebook into backups/ of the class folder, as an SQLite file that nbgrader opens.

    keep: it will hold marks that are nowhere else, and is never thrown away.
    Returns the newest copy where that holds the very same, and None if there is nothing to copy.
    The oldest copies go when there are too many.
    """
    if database.is_sqlite(url) and not database.file_of(url).is_file():
        return None
    folder = root / BACKUPS
    last = _newest(folder)
    if last is not None and (_MARKS in last.stem) >= keep and _is_same(url, last):
        return last
    name = datetime.now(UTC).strftime(f"gradebook-%Y%m%d-%H%M%S-%f{_MARKS if keep else ''}.db")
    if database.is_sqlite(url):
        folder.mkdir(0o700, parents=True, exist_ok=True)  # until the copy has its own rights
        _copy_file(database.file_of(url), folder / name)
    else:
        if not migrate.rows(url):
            return None
        folder.mkdir(0o700, parents=True, exist_ok=True)
        migrate.migrate(url, f"sqlite:///{folder / name}")
    (folder / name).chmod(0o600)
    for old in [p for p in _copies(folder) if not p.stem.endswith(_MARKS)][:-KEPT]:
        old.unlink()
    return folder / name


def _copies(folder: Path) -> list[Path]:
    """All copies, the oldest first."""
    return sorted(folder.glob("gradebook-*.db"))


def _newest(folder: Path) -> Path | None:
    return next(reversed(_copies(folder)), None)


def _is_same(url: str, copy: Path) -> bool:
    """Does a copy hold what the gradebook holds now?"""
    try:
        return migrate.is_same(url, f"sqlite:///{copy}")
    except database.DatabaseError:  # of an older nbgrader, or damaged
        return False


def _copy_file(source: Path, target: Path) -> None:
    """SQLite's own copy: whole, even while others write."""
    partial = target.with_suffix(".partial")
    try:
        read, write = sqlite3.connect(source), sqlite3.connect(partial)
        try:
            read.backup(write)
        finally:
            write.close()
            read.close()
        partial.replace(target)
    except sqlite3.Error as error:
        raise database.DatabaseError(
            f"{source} can't be copied before it is changed: {error}"
        ) from error
    finally:
        partial.unlink(missing_ok=True)
