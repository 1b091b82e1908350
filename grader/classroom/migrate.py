"""Copy a gradebook from one database to another, row by row, and prove that nothing was lost.

The copy is one transaction: it is there as a whole, with every value equal, or not at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from nbgrader import api
from nbgrader.api import Base
from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    String,
    Table,
    create_engine,
    insert,
    inspect,
    select,
)
from sqlalchemy.exc import SQLAlchemyError

from grader.classroom import database, history
from grader.classroom.database import DatabaseError

CHUNK = 1000
"""Rows that are held at a time."""

_VERSION = Table("alembic_version", MetaData(), Column("version_num", String(32), nullable=False))
_TABLES = (*Base.metadata.sorted_tables, history.TABLE)
"""nbgrader's tables and ours; ours is made when the first mark is given at the desk."""


def migrate(source: str, target: str) -> dict[str, int]:
    """Copy every row; returns table -> number of rows.

    source, target: URLs for SQLAlchemy; the target must be empty, or not exist.
    Raises DatabaseError, and then the target is as it was.
    """
    if source == target:
        raise DatabaseError("that is the same database twice")
    if database.is_sqlite(source) and not database.file_of(source).is_file():
        raise DatabaseError(f"there is no gradebook {database.file_of(source)}")
    fresh = database.is_sqlite(target) and not database.file_of(target).exists()
    try:
        with _connected(source) as old, _connected(target) as new:
            _check_version(old, source)
            if found := sum(_rows(new).values()):
                raise DatabaseError(
                    f"{database.shown(target)} holds {found} rows already; name an empty database"
                )
            for table in (*_TABLES, _VERSION):
                table.create(new, checkfirst=True)
                _copy(table, old, new)
            counts = _compare(old, new)
            new.commit()
        return counts
    except BaseException:
        if fresh:
            database.file_of(target).unlink(missing_ok=True)
        raise


def rows(url: str) -> int:
    """How many rows a gradebook holds; 0 if it isn't there."""
    if database.is_sqlite(url) and not database.file_of(url).is_file():
        return 0
    with _connected(url) as connection:
        return sum(_rows(connection).values())


def is_same(one: str, other: str) -> bool:
    """Do two gradebooks hold the same rows?  Raises DatabaseError."""
    with _connected(one) as a, _connected(other) as b:
        return all(_digest(table, a) == _digest(table, b) for table in _TABLES)


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            if connection.dialect.name == "postgresql":  # one state of things, whoever writes
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            else:
                connection.exec_driver_sql("BEGIN")
            yield connection
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise DatabaseError(f"{database.shown(url)}: {reason}") from error
    finally:
        engine.dispose()


def _check_version(connection: Connection, url: str) -> None:
    names = set(inspect(connection).get_table_names())
    missing = {table.name for table in Base.metadata.sorted_tables} - names
    version = connection.scalar(select(_VERSION)) if _VERSION.name in names else None
    wanted = _newest_version()
    if missing or version != wanted:
        raise DatabaseError(
            f"{database.shown(url)} is no gradebook of this nbgrader: its version is {version}, "
            f"not {wanted}.  nbgrader db upgrade brings an older one up to date"
        )


@cache
def _newest_version() -> str:
    """What nbgrader writes into a new gradebook; it starts a process to find out."""
    return str(api.get_alembic_version())


def _copy(table: Table, old: Connection, new: Connection) -> None:
    for chunk in _read(table, old):
        try:
            new.execute(insert(table), chunk)
        except (SQLAlchemyError, ValueError) as error:
            reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            raise DatabaseError(
                f"a row of {table.name} can't be written there, and nothing was: {reason}"
            ) from error


def _read(table: Table, connection: Connection) -> Iterator[list[dict[str, Any]]]:
    if table is history.TABLE and not inspect(connection).has_table(table.name):
        return
    result = connection.execution_options(stream_results=True).execute(select(table))
    for chunk in result.mappings().partitions(CHUNK):
        yield [dict(row) for row in chunk]


def _rows(connection: Connection) -> dict[str, int]:
    names = set(inspect(connection).get_table_names())
    return {
        table.name: sum(len(chunk) for chunk in _read(table, connection))
        for table in _TABLES
        if table.name in names
    }


def _compare(old: Connection, new: Connection) -> dict[str, int]:
    """Number of rows by table.  Raises DatabaseError unless both hold the same."""
    counts: dict[str, int] = {}
    for table in (*_TABLES, _VERSION):
        before, after = _digest(table, old), _digest(table, new)
        if before != after:
            raise DatabaseError(
                f"{table.name} is not the same after copying ({before[0]} rows and {after[0]}); "
                "nothing was changed"
            )
        counts[table.name] = before[0]
    return counts


def _digest(table: Table, connection: Connection) -> tuple[int, int]:
    """(number of rows, sum of their digests): the same in whatever order they come."""
    total = count = 0
    for chunk in _read(table, connection):
        count += len(chunk)
        for row in chunk:
            digest = hashlib.sha256(repr(sorted(row.items())).encode()).digest()
            total = (total + int.from_bytes(digest, "big")) % 2**256
    return count, total


def describe(target: str, counts: dict[str, int]) -> list[str]:
    """What was copied, and what to do next, in lines."""
    students = counts.get("student", 0)
    lines = [
        f"copied {sum(counts.values())} rows of {len(counts)} tables to {database.shown(target)}: "
        f"{students} students, {counts.get('submitted_notebook', 0)} submissions, "
        f"{counts.get('grade', 0)} grades; counts and contents are equal",
    ]
    if database.is_sqlite(target):
        lines.append(f"it lies in {Path(database.file_of(target))}")
    else:
        lines.append("to use it, put this into course.toml of the class folder:")
        lines.append(f'  [gradebook]\n  url = "{database.shown(target)}"')
    return lines
