"""Where the gradebook's database is, and how to keep a copy of it before anything rewrites it.

SQLite in the class folder by default; a class that several people mark at once can have it on a
PostgreSQL server, by URL.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from grader.errors import CourseError

VARIABLE = "COURSE_GRADEBOOK"
"""Environment variable that holds the URL and wins over the class folder's course.toml."""

PATIENCE = 30
"""Seconds to wait for other users of an SQLite file; formgrader may be open."""

_BACKENDS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}


class DatabaseError(CourseError):
    """A database can't be used as the gradebook.  The text says why and what to do."""


class GradebookUnavailable(CourseError):
    """The gradebook can't be read or written now.  The text says why and what to do."""


def unavailable(url: str, error: DBAPIError) -> GradebookUnavailable:
    """What to say of a lock that is held too long, a full disk, a server that is gone."""
    return GradebookUnavailable(
        f"the gradebook {shown(url)} can't be used: {str(error.orig).strip()}.  Close other "
        "programs that have it open, make room on the disk, or start the server, and run the "
        "command again: what was graded is kept"
    )


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


def _configured(path: Path) -> str:
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""  # config.load says what is wrong with it
    entry = settings.get("gradebook")
    url = entry.get("url", "") if isinstance(entry, dict) else ""
    return url if isinstance(url, str) else ""
