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


def backup(url: str, root: Path) -> Path | None:
    """Copy a gradebook into backups/ of the class folder, as an SQLite file that nbgrader opens.

    Returns None if there is nothing to copy.  The oldest copies go when there are too many.
    """
    folder = root / BACKUPS
    name = datetime.now(UTC).strftime("gradebook-%Y%m%d-%H%M%S-%f.db")
    if database.is_sqlite(url):
        source = database.file_of(url)
        if not source.is_file():
            return None
        folder.mkdir(0o700, parents=True, exist_ok=True)  # until the copy has its own rights
        _copy_file(source, folder / name)
    else:
        if not migrate.rows(url):
            return None
        folder.mkdir(0o700, parents=True, exist_ok=True)
        migrate.migrate(url, f"sqlite:///{folder / name}")
    (folder / name).chmod(0o600)
    for old in sorted(folder.glob("gradebook-*.db"))[:-KEPT]:
        old.unlink()
    return folder / name


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
