"""Where the gradebook's database is, and how to keep a copy of it before anything rewrites it.

SQLite in the class folder by default; a class that several people mark at once can have it on a
PostgreSQL server, by URL.
"""

from __future__ import annotations

import os
import sqlite3
import tomllib
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from grader.errors import CourseError

VARIABLE = "COURSE_GRADEBOOK"
"""Environment variable that holds the URL and wins over the class folder's course.toml."""
BACKUPS = "backups"
"""Folder in the class folder."""
KEPT = 10
"""How many backups are kept."""

_BACKENDS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}


class DatabaseError(CourseError):
    """A database can't be used as the gradebook.  The text says why and what to do."""


def url_of(root: Path) -> str:
    """Address of the gradebook of a class folder, for SQLAlchemy.

    From the environment, from `[gradebook] url = …` in the folder's course.toml, or the folder's
    own file.  Raises DatabaseError for something that is no such address.
    """
    given = os.environ.get(VARIABLE) or _configured(root / "course.toml")
    return normalised(given) if given else f"sqlite:///{root / 'gradebook.db'}"


def normalised(address: str) -> str:
    """A URL with the driver that the course installs; a path stands for an SQLite file.

    >>> normalised("postgresql://grader@db.example.org/cnn")
    'postgresql+psycopg://grader@db.example.org/cnn'
    """
    if "://" not in address:
        return f"sqlite:///{Path(address).resolve()}"
    try:
        url = make_url(address)
        driver = _BACKENDS[url.get_backend_name()]
    except (ArgumentError, ValueError, KeyError):
        raise DatabaseError(
            f"{shown(address)} is no gradebook: postgresql://user@host/name, sqlite:////path/to/"
            "gradebook.db or a path"
        ) from None
    return url.set(drivername=driver).render_as_string(hide_password=False)


def is_sqlite(url: str) -> bool:
    """Is it a file?"""
    return url.startswith("sqlite:")


def file_of(url: str) -> Path:
    """The file of an SQLite gradebook."""
    return Path(make_url(url).database or "")


def shown(url: str) -> str:
    """The URL without its password, for messages."""
    try:
        parsed: URL = make_url(url)
    except (ArgumentError, ValueError):
        return url.partition("://")[0] + "://…"
    return parsed.render_as_string(hide_password=True)


def backup(url: str, root: Path) -> Path | None:
    """Copy a gradebook into backups/ of the class folder, as an SQLite file that nbgrader opens.

    Returns None if there is nothing to copy.  The oldest copies go when there are too many.
    """
    from grader import migrate

    folder = root / BACKUPS
    name = datetime.now(UTC).strftime("gradebook-%Y%m%d-%H%M%S-%f.db")
    if is_sqlite(url):
        source = file_of(url)
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
        raise DatabaseError(f"{source} can't be copied before it is changed: {error}") from error
    finally:
        partial.unlink(missing_ok=True)


def _configured(path: Path) -> str:
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""  # config.load says what is wrong with it
    entry = settings.get("gradebook")
    url = entry.get("url", "") if isinstance(entry, dict) else ""
    return url if isinstance(url, str) else ""
