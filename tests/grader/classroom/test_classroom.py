"""The class folder: what is secret in it is never for others to read, not even for a moment."""

from __future__ import annotations

import dataclasses
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from grader import config
from grader.classroom import backup, standing
from grader.classroom.folder import ClassFolder
from grader.config.zones import Zone
from grader.files import write_atomically
from grader.formgrader import setup as class_setup
from grader.grading.tasks import class_seed
from grader.pages.page import when
from tests.grader.sample_class import CONV, SampleClass


def modes_of(path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[], object]) -> set[str]:
    """Every mode that a file, or what becomes of it, has once something stands in it."""
    seen: set[str] = set()

    def watched(name: str) -> None:
        original = getattr(Path, name)

        def act(self: Path, *arguments: object, **options: object) -> object:
            done = original(self, *arguments, **options)
            for file in path.parent.glob(f"*{path.name}*"):
                seen.add(oct(stat.S_IMODE(file.stat().st_mode)))
            return done

        monkeypatch.setattr(Path, name, act)

    for name in ("chmod", "replace"):
        watched(name)
    make()
    monkeypatch.undo()
    return seen | {oct(stat.S_IMODE(path.stat().st_mode))}


def test_the_class_secret_is_its_owners_alone_from_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = ClassFolder(tmp_path / "class")
    made = modes_of(folder.root / "seed", monkeypatch, lambda: class_seed(folder))
    assert made == {"0o600"}
    assert len(class_seed(folder)) == 32 and class_seed(folder) == class_seed(folder)


def test_so_are_settings_with_a_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql+psycopg://grader:secret@localhost/marks"
    monkeypatch.setenv("COURSE_GRADEBOOK", url)
    folder = ClassFolder(tmp_path)
    course = config.load()
    path = folder.root / "nbgrader_config.py"
    with monkeypatch.context() as patch:
        made = modes_of(path, patch, lambda: class_setup._configure(folder, course))
    assert made == {"0o600"} and "secret" in path.read_text()


def test_other_files_are_for_all_to_read(tmp_path: Path) -> None:
    write_atomically(tmp_path / "report.html", "a report")
    assert stat.S_IMODE((tmp_path / "report.html").stat().st_mode) == 0o644


def test_copies_of_the_gradebook_lie_where_only_their_owner_may_look(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "gradebook.db").execute("CREATE TABLE marks (points)")
    copy = backup.backup(f"sqlite:///{tmp_path / 'gradebook.db'}", tmp_path)
    assert copy is not None
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (copy.parent, copy)]
    assert modes == [0o700, 0o600]


def test_times_are_shown_in_the_courses_zone(tmp_path: Path) -> None:
    made = SampleClass(tmp_path)
    made.hand_in("team_1")
    times = config.Times(Zone("Asia/Tokyo"))
    rows = standing.read(made.folder, dataclasses.replace(made.course, times=times)).rows
    assert when(rows["team_1", CONV].received) == "2027-01-30 07:59 JST"
