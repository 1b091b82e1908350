"""Classes for histories, one after the other, made and graded quickly.

Everything is the real thing but for execution, which is a pure function here, and for what only
takes time: processes, the disk, and reading again what does not change.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import nbgrader.api
import pytest
import sqlalchemy

from grader import config, places
from grader.authoring import build
from grader.bench import small_course
from grader.classroom import marks
from grader.classroom.folder import ClassFolder
from grader.executing.execute import Job, Outcome
from grader.formgrader import setup
from grader.grading import run
from tests.grader import in_process
from tests.grader.honest import course as honest
from tests.grader.honest.course import NAME
from tests.grader.honest.history import ROSTERS, History

MEMORY = Path("/dev/shm")
"""A folder on no disk, where there is one."""


@contextmanager
def histories() -> Iterator[Callable[[], History]]:
    """What gives a new class whenever it is called; all lie in the same place, one at a time."""
    where = MEMORY if os.access(MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=where) as place, pytest.MonkeyPatch.context() as patch:
        root = Path(place).resolve()
        patch.setattr(run, "execute", _pure(in_process.execute))
        _remember(patch)
        courses = {moved: _Course(root, moved) for moved in (False, True)}
        folder = ClassFolder(root / "class")
        folder.root.mkdir()
        settings = courses[False].use(), courses[True].settings
        setup.set_up(folder, settings[False])
        (folder.root / "roster.csv").write_text(ROSTERS[0])
        template = folder.root.rename(root / "template")
        engines = _keep_open(patch)

        def new() -> History:
            for engine in engines.values():
                engine.pool.dispose()
            shutil.rmtree(folder.root, ignore_errors=True)
            shutil.rmtree(root / "inbox", ignore_errors=True)
            shutil.copytree(template, folder.root)
            courses[False].use()
            return History(folder, settings, lambda moved: courses[moved].use(), root / "inbox")

        yield new


class _Course:
    """The small course, before or after it was changed: points, and what a square is."""

    def __init__(self, root: Path, moved: bool) -> None:
        self.root = root / ("moved" if moved else "course")
        self.source, self.judges = honest.SOURCE, list(honest.JUDGES)
        if moved:
            square = dataclasses.replace(self.judges[0], reference=lambda x: x * abs(x))
            self.judges[0] = square
            self.source = self.source.replace('"square" points=4', '"square" points=5')
            self.source = self.source.replace('"why" points=3', '"why" points=4')
            if not self.root.exists():  # what is built once serves both
                shutil.copytree(root / "course", self.root)
            (self.root / "judges" / "forms.py").write_text("# another judge\n")
        self.settings = self._install()

    def use(self) -> config.Course:
        """Put it in place."""
        return self.settings if places.folder() == self.root else self._install()

    def _install(self) -> config.Course:
        limits = config.Limits(10, 30, 90, 4096, 64)
        return small_course.install(self.root, NAME, self.source, self.judges, limits)


def _pure(execute: Callable[[Job], Outcome]) -> Callable[[Job], Outcome]:
    """The same outcome for the same job, and a kernel that dies where it is told to."""
    known: dict[str, Outcome] = {}

    def pure(job: Job) -> Outcome:
        key = repr((job.notebook, sorted(job.questions.items()), sorted(job.files.items())))
        if key not in known:
            known[key] = execute(job)
            if "# STOP" in job.notebook:
                known[key] = msgspec.structs.replace(known[key], problem="the kernel died")
        return known[key]

    return pure


def _remember(patch: pytest.MonkeyPatch) -> None:
    """Find out once what comes out the same each time, and don't wait for a disk."""
    patch.setattr(os, "fsync", lambda handle: None)
    made = cache(lambda place, name, read: read(name))
    for name in ("source_of", "as_released"):
        read = getattr(build, name)
        patch.setattr(build, name, lambda n, read=read: made(places.folder(), n, read))
    for module in [m for n, m in sys.modules.items() if n.startswith("nbformat")]:
        if hasattr(module, "validate"):
            patch.setattr(module, "validate", lambda *args, **options: None)


def _keep_open(patch: pytest.MonkeyPatch) -> dict[str, sqlalchemy.Engine]:
    """Open a gradebook once, which has its tables and this one course; returns what is open."""
    engines: dict[str, sqlalchemy.Engine] = {}

    def engine(url: str, **options: Any) -> sqlalchemy.Engine:
        url = url.partition("?")[0]
        if url not in engines:
            made = sqlalchemy.create_engine(url, poolclass=sqlalchemy.QueuePool, future=True)
            sqlalchemy.event.listen(made, "connect", _without_a_disk)
            made.dispose = lambda: None  # type: ignore[method-assign]
            engines[url] = made
        return engines[url]

    for module in (nbgrader.api, marks):
        patch.setattr(module, "create_engine", engine)
    patch.setattr(nbgrader.api.Base.metadata, "create_all", lambda bind: None)
    patch.setattr(nbgrader.api.Gradebook, "check_course", lambda book, course_id: course_id)
    return engines


def _without_a_disk(connection: Any, _: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")
