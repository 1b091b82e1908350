"""The class folder: where everything about one class lies.  It is a plain nbgrader course folder.

submitted/TEAM/NOTEBOOK/       what was handed in: NOTEBOOK.ipynb, its files, submission.json
results/TEAM/NOTEBOOK/         result.json and executed.ipynb, written by grade
autograded/TEAM/NOTEBOOK/      the executed notebook, for formgrader
feedback/TEAM/                 HTML for the students
exports/, report.html          for the instructor
similar.html                   pairs of teams that share much, if they were looked for
gradebook.db                   nbgrader's gradebook
roster.csv, course.toml        who is in the class; settings that differ from the course's
rejected.json                  archives that could not be taken in, each with the reason
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from grader.errors import CourseError


class FolderUnusable(CourseError, OSError):
    """A folder can't be written or read: a full disk, missing rights.  The text says what to do."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class ClassFolder:
    """Paths in a class folder."""

    root: Path

    @property
    def db_url(self) -> str:
        """The gradebook's address for SQLAlchemy.  Raises DatabaseError."""
        from grader import database  # SQLAlchemy takes its time to import

        return database.url_of(self.root)

    @property
    def uses_sqlite(self) -> bool:
        """Is the gradebook a file?"""
        return self.db_url.startswith("sqlite:")

    @property
    def database(self) -> Path | None:
        """File of the gradebook; None if it is on a server."""
        from grader import database

        return database.file_of(self.db_url) if self.uses_sqlite else None

    def submitted(self, team: str, notebook: str) -> Path:
        """Folder of one submission."""
        return self.root / "submitted" / team / notebook

    def result(self, team: str, notebook: str) -> Path:
        """Folder of one submission's results."""
        return self.root / "results" / team / notebook

    def autograded(self, team: str, notebook: str) -> Path:
        """Folder that formgrader reads."""
        return self.root / "autograded" / team / notebook

    def feedback(self, team: str) -> Path:
        """Folder of one team's feedback."""
        return self.root / "feedback" / team

    def submissions(self) -> list[tuple[str, str]]:
        """(team, notebook) of everything that was taken in, sorted."""
        found = (self.root / "submitted").glob("*/*/submission.json")
        return sorted((path.parent.parent.name, path.parent.name) for path in found)


def write_atomically(
    path: Path, content: bytes | str, durable: bool = True, secret: bool = False
) -> None:
    """Write a file so that whoever reads it sees the old or the new content, never half.

    durable: wait until it is on the disk; not needed for what can be made again.
    secret: only its owner may ever read it.
    Raises FolderUnusable.
    """
    data = content.encode() if isinstance(content, str) else content
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                if durable:
                    stream.flush()
                    os.fsync(stream.fileno())
            if not secret:  # it was made with 0600
                Path(partial).chmod(0o644)
            Path(partial).replace(path)
        except BaseException:
            Path(partial).unlink(missing_ok=True)
            raise


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the system says about a full disk or missing rights into FolderUnusable.

    path: what is written, for errors that don't name a file.
    """
    try:
        yield
    except FolderUnusable:
        raise
    except OSError as error:
        raise FolderUnusable(
            f"{error.filename or path}: {error.strerror or error}.  Put that right (room on the "
            "disk? rights to the folder?) and run the command again: what was done is kept"
        ) from error
