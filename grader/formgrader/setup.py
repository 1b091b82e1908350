"""Make a class folder's nbgrader side: release version, gradebook, and nbgrader's configuration.

Safe to interrupt: a new gradebook is made whole beside its place and then moved in, and an old one
is only refreshed where it differs from the course.  A course may move while a class is being
graded: exercises come, go and change, and the marks on all others stay.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path

import nbformat
import nbgrader
from nbformat.notebooknode import NotebookNode
from nbgrader import api

from grader import config, places
from grader.authoring import build
from grader.classroom import backup, exercises, gradebook, releases, version
from grader.classroom.folder import ClassFolder
from grader.files import write_atomically

NO_PLAIN_AUTOGRADE = (
    'c.Autograde.sanitize_preprocessors = ["grader.formgrader.plain_autograde.Refuse"]'
)
"""Line of the configuration that keeps nbgrader from running student code unguarded."""

NO_PLAIN_COLLECT = 'c.ExchangeFactory.collect = "grader.formgrader.plain_collect.Refuse"'
"""Line of the configuration that keeps nbgrader from replacing submissions."""

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


@dataclass(frozen=True)
class Plan:
    """What `set_up` would do to a class folder."""

    releases: Mapping[str, str]
    """Notebook -> text of its release, of all notebooks."""
    stale: tuple[str, ...] = ()
    """Notebooks whose release, or whose cells in the gradebook, are others."""
    moved: tuple[str, ...] = ()
    """Those of them whose cells in the gradebook are others."""
    rewritten: tuple[str, ...] = ()
    """Those of these that somebody has handed in."""
    renamed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Notebook -> old id -> new id of cells that only have another name."""
    changes: tuple[exercises.Change, ...] = ()


def plan(folder: ClassFolder, course: config.Course) -> Plan:
    """What there is to make or refresh in a class folder.  Changes nothing.

    Raises ConfigError if the course has not been built.
    """
    texts = _releases(course)
    if folder.database is not None and not folder.database.is_file():
        return Plan(texts, tuple(texts))
    with gradebook.open_gradebook(folder, course.id) as book:
        return _plan(folder, book, texts)


def _releases(course: config.Course) -> dict[str, str]:
    return {name: build.as_released(name) for name in course.notebooks}


def _plan(folder: ClassFolder, book: api.Gradebook, texts: Mapping[str, str]) -> Plan:
    stale, moved, rewritten, names, changes = [], [], [], {}, []
    for name, text in texts.items():
        release = nbformat.reads(text, as_version=4)
        current = exercises.is_current(book, name, release)
        if current and _lies_there(folder, name, text):
            continue
        stale.append(name)
        names[name] = _renamed(_there(folder, name), release)
        if current:
            continue
        moved.append(name)
        if exercises.is_used(book, name):
            rewritten.append(name)
            changes += exercises.changes(book, name, release, names[name])
    return Plan(texts, tuple(stale), tuple(moved), tuple(rewritten), names, tuple(changes))


def set_up(folder: ClassFolder, course: config.Course) -> list[str]:
    """Make or refresh what nbgrader needs in a class folder.

    Returns what became of exercises that somebody has handed in already, in lines.  Raises
    ConfigError if the course has not been built, and WrongVersion for a folder of a newer program.
    """
    version.require(folder.root)
    folder.make()
    _configure(folder, course)
    texts, own = _releases(course), folder.database
    if own is not None and not own.is_file():
        _make_gradebook(folder.root, own, course, _read(texts))
    with gradebook.open_gradebook(folder, course.id) as book:
        lines = _refresh(folder, book, _plan(folder, book, texts))
        _set_due_dates(book, course)
    version.write(folder.root)
    return lines


def _refresh(folder: ClassFolder, book: api.Gradebook, found: Plan) -> list[str]:
    """Do what is planned: the release comes last, so that what was interrupted is begun again."""
    lines = []
    for name in found.stale:  # what was handed in so far may have been made from it
        if there := _there(folder, name):
            releases.keep(folder, name, there)
    if found.rewritten:
        dropped = any(change.what == "dropped" and change.marks for change in found.changes)
        copy = backup.backup(folder.db_url, folder.root, keep=dropped)
        lines = [str(change) for change in found.changes]
        if lines and copy is not None:
            lines.append(f"the gradebook as it was before: {copy}")
    if found.moved:
        wanted = _read({name: found.releases[name] for name in found.moved})
        exercises.bring_up_to_date(book, wanted, found.renamed)
    for name in found.stale:
        source = nbformat.writes(build.source_of(name).notebook) + "\n"
        write_atomically(folder.root / "source" / name / f"{name}.ipynb", source)
        releases.keep(folder, name, found.releases[name])
        write_atomically(_place(folder, name), found.releases[name])
    return lines


def _read(texts: Mapping[str, str]) -> dict[str, NotebookNode]:
    return {name: nbformat.reads(text, as_version=4) for name, text in texts.items()}


def _make_gradebook(
    root: Path, own: Path, course: config.Course, wanted: Mapping[str, NotebookNode]
) -> None:
    """Make a new gradebook beside its place, and move it there whole."""
    with tempfile.TemporaryDirectory(dir=root, prefix=".setup-") as scratch:
        fresh = Path(scratch).resolve() / own.name
        with closing(api.Gradebook(f"sqlite:///{fresh}", course.id)) as book:
            exercises.bring_up_to_date(book, wanted)
        shutil.move(fresh, own)


def _there(folder: ClassFolder, name: str) -> str:
    """The release that lies in a class folder; "" if none does that can be read."""
    try:
        text = _place(folder, name).read_text(encoding="utf-8")
        releases.id_of(nbformat.reads(text, as_version=4))
    except (OSError, ValueError, KeyError, AttributeError):
        return ""
    return text


def _lies_there(folder: ClassFolder, name: str, text: str) -> bool:
    """Is this the release in a class folder?"""
    place = _place(folder, name)
    return place.is_file() and place.read_bytes() == text.encode()


def _place(folder: ClassFolder, name: str) -> Path:
    return folder.root / "release" / name / f"{name}.ipynb"


def _renamed(there: str, release: NotebookNode) -> dict[str, str]:
    return releases.renamed(nbformat.reads(there, as_version=4), release) if there else {}


def _set_due_dates(book: api.Gradebook, course: config.Course) -> None:
    for notebook in course.notebooks.values():
        due = notebook.due.astimezone(UTC).replace(tzinfo=None) if notebook.due else None
        assignment = book.find_assignment(notebook.name)
        if assignment.duedate != due:
            assignment.duedate = due
    if book.db.dirty:
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
        f"{NO_PLAIN_COLLECT}\n"
        f"{NO_ANSWERS_IN_FEEDBACK}\n"
        f"c.HTMLExporter.extra_template_basedirs = {_TEMPLATES!r}\n"
    )
    path = folder.root / "nbgrader_config.py"
    if not path.is_file() or path.read_text() != settings:
        # the address of a server may hold a password
        write_atomically(path, settings, secret=not folder.uses_sqlite)
