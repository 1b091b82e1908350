"""A course of one small notebook, put in place of the real one in this process.

For benches, and for tests that need the whole way of a submission but not a whole course.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode

from grader import build, config, judges, results, source_text
from grader.classroom import ClassFolder, write_atomically
from grader.judges.base import Judge
from utils.identity import normalise_id

RECEIVED = datetime(2026, 1, 15, 12, tzinfo=UTC)
"""When every submission of a small course arrived."""


def install(
    root: Path,
    name: str,
    source: str,
    own_judges: Sequence[Judge],
    limits: config.Limits | None = None,
    imports: str = "all",
) -> config.Course:
    """Put a course of one notebook in place of the real one; its files go to `root`.

    Lasts as long as the process, so use it in a process that needs no other course.
    """
    module = types.ModuleType(f"grader.judges.small_{name}")
    module.JUDGES = list(own_judges)  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    judges.MODULES[name] = f"small_{name}"
    judges.judges_of.cache_clear()
    build.SOURCES, build.RELEASED = root / "source", root / "notebooks"
    build.PUBLIC_CASES = root / "data" / "checks"
    course = config.load()
    notebook = config.Notebook(name, name, imports, None)
    course = config.Course(name, name, course.late, limits or course.limits, {name: notebook})
    path = build.SOURCES / f"{name}.py"
    if not path.is_file() or path.read_text() != source:
        write_atomically(path, source)
    if not (build.RELEASED / f"{name}.ipynb").is_file():
        build.build(course)
    return course


def reference(name: str, team: str, changes: dict[str, str] | None = None) -> NotebookNode:
    """The notebook that `team` hands in: the reference solution with some cells' text replaced."""
    notebook = source_text.with_solutions(build.source_of(name))
    for cell in notebook.cells:
        cell.source = cell.source.replace("your_id", team)
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        cell.source = (changes or {}).get(grade_id, cell.source)
    return notebook


def hand_in(
    folder: ClassFolder,
    name: str,
    team: str,
    notebook: NotebookNode | bytes,
    files: Mapping[str, bytes] | None = None,
) -> None:
    """Put a submission where intake would.  files: what is handed in with it, by name."""
    team = normalise_id(team)
    data = notebook if isinstance(notebook, bytes) else nbformat.writes(notebook).encode()
    place = folder.submitted(team, name)
    write_atomically(place / f"{name}.ipynb", data)
    for path, content in (files or {}).items():
        write_atomically(place / "files" / path, content)
    listed = [f"files/{path}" for path in sorted(files or {})]
    submission = results.Submission(team, name, f"{team}.tar.gz", "0" * 64, RECEIVED, listed)
    results.write(place / "submission.json", submission)
