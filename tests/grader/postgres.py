"""A PostgreSQL server of its own for tests, from the distribution's packages."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from nbgrader.api import Base
from sqlalchemy import create_engine, text

from grader.classroom import database, migrate

_SECONDS = 60


def programs() -> Path | None:
    """Folder of initdb and postgres, the newest version there is."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    if found := shutil.which("initdb"):
        folders.insert(0, Path(found).resolve().parent)
    return next((p for p in reversed(folders) if (p / "postgres").is_file()), None)


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Start a server; yields the URL of its database "postgres".  Skips where there is none."""
    found = programs()
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("PostgreSQL is missing, and in CI its tests must run")
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    # a socket's path is short, and another user must be able to get there
    with tempfile.TemporaryDirectory(prefix="course-pg-", dir="/tmp") as place:
        root = Path(place)
        as_user: list[str] = []
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(root, "postgres")
            as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        root.chmod(0o755)
        data = root / "data"
        command = [*as_user, str(found / "initdb"), "-D", str(data), "-A", "trust", "-N"]
        command += ["-U", "grader", "-E", "UTF8", "--locale=C"]
        subprocess.run(command, check=True, capture_output=True, cwd="/")
        command = [*as_user, str(found / "postgres"), "-D", str(data), "-k", str(root), "-F"]
        command += ["-c", "listen_addresses="]
        process = subprocess.Popen(command, cwd="/", stderr=subprocess.DEVNULL)
        try:
            _wait(found, root, process)
            yield f"postgresql://grader@/postgres?host={root}"
        finally:
            process.terminate()
            process.wait(_SECONDS)


def new_database(server: str, name: str) -> str:
    """Make an empty database; returns its URL."""
    engine = create_engine(database.normalised(server), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.replace("/postgres?", f"/{name}?")


def contents(url: str) -> dict[str, list[tuple]]:
    """Every row of every table of a gradebook, sorted, with all values."""
    engine = create_engine(url)
    tables = [*Base.metadata.sorted_tables, migrate._VERSION]
    with engine.connect() as connection:
        found = {
            t.name: sorted(map(tuple, connection.execute(t.select())), key=repr) for t in tables
        }
    engine.dispose()
    return found


def _wait(found: Path, root: Path, process: subprocess.Popen) -> None:
    command = [str(found / "pg_isready"), "-q", "-h", str(root), "-U", "grader"]
    deadline = time.monotonic() + _SECONDS
    while subprocess.run(command).returncode:
        assert process.poll() is None and time.monotonic() < deadline, "PostgreSQL does not start"
        time.sleep(0.1)
