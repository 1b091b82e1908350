"""Make a class folder's nbgrader side: release version, gradebook, and nbgrader's configuration.

Safe to interrupt: a new gradebook is made whole beside the folder and then moved in, and an old one
is only refreshed where it differs from the course.
"""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC
from pathlib import Path

import nbgrader
from nbgrader import api

from grader import config, places
from grader.authoring import build
from grader.classroom import backup, gradebook
from grader.classroom.folder import ClassFolder
from grader.contract import visible
from grader.errors import ConfigError
from grader.files import write_atomically

NO_PLAIN_AUTOGRADE = (
    'c.Autograde.sanitize_preprocessors = ["grader.formgrader.plain_autograde.Refuse"]'
)
"""Line of the configuration that keeps nbgrader from running student code unguarded."""

NO_ANSWERS_IN_FEEDBACK = (
    "c.GenerateFeedback.preprocessors = ["
    '"grader.formgrader.answer_key.Remove", "nbgrader.preprocessors.GetGrades", '
    '"nbconvert.preprocessors.CSSHTMLHeaderPreprocessor"]'
)
"""Line of the configuration that keeps rubrics out of the feedback that nbgrader itself writes."""

_TEMPLATES = [
    str(Path(__file__).resolve().parent / "templates"),
    str(Path(nbgrader.__file__).parent / "server_extensions" / "formgrader" / "templates"),
]
"""Where formgrader and nbgrader's feedback look for templates: ours come first."""


def set_up(folder: ClassFolder, course: config.Course) -> None:
    """Make or refresh what nbgrader needs in a class folder.

    Raises ConfigError if the course has not been built.
    """
    folder.root.mkdir(parents=True, exist_ok=True)
    _configure(folder, course)
    own = folder.database
    if own is not None and not own.is_file():
        with tempfile.TemporaryDirectory(dir=folder.root, prefix=".setup-") as scratch:
            fresh = Path(scratch).resolve()
            _release(fresh, course, list(course.notebooks), f"sqlite:///{fresh / 'gradebook.db'}")
            for name in ("source", "release"):
                shutil.rmtree(folder.root / name, ignore_errors=True)
                (fresh / name).replace(folder.root / name)
            shutil.move(fresh / "gradebook.db", own)
    with gradebook.open_gradebook(folder, course.id) as book:
        stale = [name for name in course.notebooks if _is_stale(folder, book, name)]
        used = book.db.query(api.SubmittedAssignment).first() is not None
    if stale and used:
        backup.backup(folder.db_url, folder.root)  # cells that are gone take their marks along
    if stale:
        _release(folder.root.resolve(), course, stale, folder.db_url)
    _set_due_dates(folder, course)


def _release(root: Path, course: config.Course, names: list[str], db_url: str) -> None:
    sources = {name: build.source_of(name).notebook for name in names}
    build.release_into(root, course.id, sources, db_url)


def _is_stale(folder: ClassFolder, book: api.Gradebook, name: str) -> bool:
    """Does the folder's release, or the gradebook, differ from what the course has built?"""
    built = visible.released(name)
    if not built.is_file():
        raise ConfigError(f"{built} is missing; run ./course build")
    released = folder.root / "release" / name / f"{name}.ipynb"
    if not released.is_file() or released.read_bytes() != built.read_bytes():
        return True
    try:
        notebook = book.find_notebook(name, name)
    except api.MissingEntry:
        return True
    source = build.source_of(name)
    expected = {f"check_{c.name}": c.points for c in source.checks}
    expected |= {essay.name: essay.points for essay in source.essays}
    return {c.name: c.max_score for c in notebook.grade_cells} != expected


def _set_due_dates(folder: ClassFolder, course: config.Course) -> None:
    with gradebook.open_gradebook(folder, course.id) as book:
        for notebook in course.notebooks.values():
            due = notebook.due.astimezone(UTC).replace(tzinfo=None) if notebook.due else None
            assignment = book.find_assignment(notebook.name)
            if assignment.duedate != due:
                assignment.duedate = due
        book.db.commit()


def _where_the_course_is() -> str:
    """What a process needs that nbgrader starts: rubrics stand in the course's sources."""
    if not places.is_elsewhere():
        return ""
    return f"import os\nos.environ[{places.VARIABLE!r}] = {str(places.folder())!r}\n"


def _configure(folder: ClassFolder, course: config.Course) -> None:
    settings = (
        "# Written by ./course: lets nbgrader's own commands and formgrader work in this folder.\n"
        "c = get_config()  # noqa: F821\n"
        f"c.CourseDirectory.course_id = {course.id!r}\n"
        f"c.CourseDirectory.root = {str(folder.root.resolve())!r}\n"
        f"c.CourseDirectory.db_url = {folder.db_url!r}\n"
        f"{_where_the_course_is()}{NO_PLAIN_AUTOGRADE}\n"
        f"{NO_ANSWERS_IN_FEEDBACK}\n"
        f"c.HTMLExporter.extra_template_basedirs = {_TEMPLATES!r}\n"
    )
    path = folder.root / "nbgrader_config.py"
    if not path.is_file() or path.read_text() != settings:
        # the address of a server may hold a password
        write_atomically(path, settings, secret=not folder.uses_sqlite)
