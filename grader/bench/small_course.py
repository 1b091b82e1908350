"""A course of one small notebook, put in place of the real one in this process.

For benches, and for tests that need the whole way of a submission but not a whole course.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode

from grader import cells, config, places
from grader.authoring import build, source_text
from grader.classroom import results
from grader.classroom.folder import ClassFolder
from grader.contract import visible
from grader.contract.judge import Judge
from grader.contract.kernels import PLAIN, Profile
from grader.files import write_atomically
from utils.checks.identity import normalise_id

_SETTINGS = """\
[course]
id = "{name}"
title = "{name}"

[gradebook]
url = ""

[marking]
anonymous = false

[late]
penalty_per_day = 0.10
maximum = 0.50
grace_minutes = 10
free_days = 0

[points]

[extensions]

[limits]
{bounds}

[kernels.own]
refused = {refused}
preload = {preload}

[notebooks.{name}]
use = true
title = "{name}"
kernel = "own"
"""

RECEIVED = datetime(2026, 1, 15, 12, tzinfo=UTC)
"""When every submission of a small course arrived."""


def install(
    root: Path,
    name: str,
    source: str,
    own_judges: Sequence[Judge],
    limits: config.Limits | None = None,
    kernel: Profile = PLAIN,
) -> config.Course:
    """Put a course of one notebook in place of the real one; its files go to `root`.

    Lasts as long as the process, so use it in a process that needs no other course.
    """
    _write(root, name, source, kernel, limits or config.load().limits)
    places.use(root)
    module = types.ModuleType(f"{places.PACKAGE}.judges.{name.partition('_')[2]}")
    module.JUDGES = list(own_judges)  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    course = config.load()
    if not visible.released(name).is_file():
        build.build(course)
    return course


def _write(root: Path, name: str, source: str, kernel: Profile, limits: config.Limits) -> None:
    """The course's files.  What stands there already stays, since others may read it."""
    bounds = "\n".join(f"{key} = {value}" for key, value in asdict(limits).items())
    listed = {key: list(value) for key, value in asdict(kernel).items()}  # TOML writes as Python
    files = {
        "__init__.py": "",
        "judges/__init__.py": "",
        "course.toml": _SETTINGS.format(name=name, bounds=bounds, **listed),
        f"source/{name}.py": source,
    }
    for path, content in files.items():
        if not (root / path).is_file() or (root / path).read_text() != content:
            write_atomically(root / path, content)


def reference(name: str, team: str, changes: dict[str, str] | None = None) -> NotebookNode:
    """The notebook that `team` hands in: the reference solution with some cells' text replaced."""
    notebook = source_text.with_solutions(build.source_of(name))
    for cell in notebook.cells:
        cell.source = cell.source.replace("your_id", team)
        grade_id = cells.grade_id(cell)
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
