"""The class folder: where everything about one class lies.  It is a plain nbgrader course folder.

attempts/TEAM/NOTEBOOK/TIME-WORK/  every attempt: NOTEBOOK.ipynb, its files, submission.json
submitted/TEAM/NOTEBOOK/       a copy of the attempt that counts
results/TEAM/NOTEBOOK/         result.json and executed.ipynb, written by grade
autograded/TEAM/NOTEBOOK/      the executed notebook, for formgrader
feedback/TEAM/                 HTML for the students
exports/, report.html          for the instructor
similar.html                   pairs of teams that share much, if they were looked for
gradebook.db                   nbgrader's gradebook
roster.csv, course.toml        who is in the class; settings that differ from the course's
membership.csv                 who was in which team when a notebook was handed in
releases/NOTEBOOK/             every release that the class was graded against
version.json                   which program can read the folder
rejected.json                  archives that could not be taken in, each with the reason
settled.json                   questions that somebody has answered
ignored.json                   what was seen and not taken, since it is older, say
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ClassFolder:
    """Paths in a class folder."""

    root: Path

    def make(self) -> None:
        """Make the folder itself, which holds answers, marks and a secret, for its owner alone.

        One that is there stays as it is: assistants may share it.  Raises OSError.
        """
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def db_url(self) -> str:
        """The gradebook's address for SQLAlchemy.  Raises DatabaseError."""
        from grader.classroom import database  # SQLAlchemy takes its time to import

        return database.url_of(self.root)

    @property
    def uses_sqlite(self) -> bool:
        """Is the gradebook a file?"""
        return self.db_url.startswith("sqlite:")

    @property
    def database(self) -> Path | None:
        """File of the gradebook; None if it is on a server."""
        from grader.classroom import database  # SQLAlchemy takes its time to import

        return database.file_of(self.db_url) if self.uses_sqlite else None

    def submitted(self, team: str, notebook: str) -> Path:
        """Folder of one submission."""
        return self.root / "submitted" / team / notebook

    def attempts(self, team: str, notebook: str) -> Path:
        """Folder of all that a team handed in for a notebook, and of what was decided about it."""
        return self.root / "attempts" / team / notebook

    def result(self, team: str, notebook: str, shelf: str = "") -> Path:
        """Folder of one submission's results.

        shelf: the work of an attempt that does not count, see `attempts`; its results lie below.
        """
        place = self.root / "results" / team / notebook
        return place / "attempts" / shelf if shelf else place

    def autograded(self, team: str, notebook: str) -> Path:
        """Folder that formgrader reads."""
        return self.root / "autograded" / team / notebook

    def coming(self, team: str, notebook: str) -> Path:
        """What formgrader is about to read: there while a submission is being recorded."""
        return self.autograded(team, notebook) / f"{notebook}.coming"

    def feedback(self, team: str) -> Path:
        """Folder of one team's feedback."""
        return self.root / "feedback" / team

    def submissions(self) -> list[tuple[str, str]]:
        """(team, notebook) of everything that was taken in, sorted."""
        found = (self.root / "submitted").glob("*/*/submission.json")
        return sorted((path.parent.parent.name, path.parent.name) for path in found)
