"""The gradebook on PostgreSQL, the way there and back, and the copies made before it changes."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from grader import config, places, sandbox
from grader.classroom import backup, database, gradebook, migrate
from grader.classroom.database import DatabaseError
from grader.classroom.folder import ClassFolder
from grader.formgrader import setup as class_setup
from grader.grading.run import grade
from tests.attacks import small_class
from tests.attacks.small_class import TEAMS, fill
from tests.grader import postgres, typed
from tests.grader.postgres import contents
from tests.grader.tiny_course import NAME


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> config.Course:
    if not sandbox.probe().way and not os.environ.get("CI"):
        pytest.skip(str(sandbox.probe()))
    return small_class.install(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres.server() as url:
        yield url


@pytest.fixture
def empty(server: str, request: pytest.FixtureRequest) -> str:
    """URL of a new database."""
    return postgres.new_database(server, f"test_{abs(hash(request.node.name))}")


@pytest.fixture(scope="module")
def graded(course: config.Course, tmp_path_factory: pytest.TempPathFactory) -> ClassFolder:
    """A class on SQLite, with marks by hand, comments, and text that databases stumble over."""
    folder = fill(tmp_path_factory.mktemp("graded"))
    grade(folder, course, workers=2, seed="fixed")
    with Gradebook(folder.db_url, course.id) as book:
        mark = book.find_grade("why", NAME, NAME, "team_1")
        mark.manual_score, mark.extra_credit, mark.needs_manual_grade = 1 / 3, 0.1, False
        book.find_comment("why", NAME, NAME, "team_1").manual_comment = "well…\n\\' %s ☃ 🙂"
        book.find_submission(NAME, "team_2").extension = None
        book.add_student("nobody", email="x@example.org", lms_user_id="17")
        book.db.commit()
    return folder


def test_a_gradebook_goes_to_a_server_and_back_without_losing_anything(
    graded: ClassFolder, empty: str, tmp_path: Path
) -> None:
    url = database.normalised(empty)
    counts = migrate.migrate(graded.db_url, url)
    assert counts["submitted_notebook"] == TEAMS and counts["alembic_version"] == 1
    assert counts["student"] == TEAMS + 1
    back = database.normalised(str(tmp_path / "back.db"))
    assert migrate.migrate(url, back) == counts
    assert contents(url) == contents(graded.db_url) == contents(back)
    with Gradebook(back) as book:  # nbgrader takes it for its own
        assert book.find_grade("why", NAME, NAME, "team_1").manual_score == 1 / 3


def test_the_command_copies_and_says_how_to_go_on(
    graded: ClassFolder, empty: str, capsys: pytest.CaptureFixture
) -> None:
    done = typed.course("migrate", str(graded.database), empty)
    assert done.returncode == 0, done.stderr
    assert f"{TEAMS} submissions" in done.stdout and "[gradebook]" in done.stdout
    again = typed.course("migrate", str(graded.database), empty)
    assert again.returncode == 125
    assert "rows already; name an empty database" in again.stderr
    assert "Traceback" not in again.stderr


@pytest.mark.parametrize("how", ["old", "orphan", "missing"])
def test_what_cant_be_copied_is_named_and_nothing_is(
    graded: ClassFolder, tmp_path: Path, how: str, empty: str
) -> None:
    source = tmp_path / "source.db"
    with sqlite3.connect(source) as copy, sqlite3.connect(graded.database or "") as db:
        db.backup(copy)
        if how == "old":
            copy.execute("update alembic_version set version_num = 'abc'")
        elif how == "orphan":
            copy.execute(
                "update grade set notebook_id = 'x' where id = (select min(id) from grade)"
            )
    if how == "missing":
        source.unlink()
    target = database.normalised(empty)
    words = {"old": "nbgrader db upgrade", "orphan": "a row of grade", "missing": "no gradebook"}
    with pytest.raises(DatabaseError, match=words[how]):
        migrate.migrate(database.normalised(str(source)), target)
    assert migrate.rows(target) == 0


def test_a_class_is_graded_on_a_server_while_two_people_mark_in_formgrader(
    course: config.Course, empty: str, graded: ClassFolder, tmp_path: Path
) -> None:
    folder = fill(tmp_path, seconds=0.5)
    for team, notebook in folder.submissions():  # as intake does, for nbgrader
        stamp = folder.submitted(team, notebook) / "timestamp.txt"
        stamp.write_text("2027-01-15 12:00:00 UTC")
    (tmp_path / "course.toml").write_text(f'[gradebook]\nurl = "{empty}"\n')
    config.load(folder.root)  # a setting like any other
    url = folder.db_url
    assert url.startswith("postgresql+psycopg://") and not folder.uses_sqlite
    class_setup.set_up(folder, course)
    command = [sys.executable, "-m", "tests.grader.marker", str(folder.root), NAME]
    markers = [
        subprocess.Popen(
            [*command, name, part, "2", str(TEAMS)],
            cwd=places.ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name, part in (("ada", "0"), ("max", "1"))
    ]
    said = [marker.stdout for marker in markers if marker.stdout]
    assert [lines.readline() for lines in said] == ["ready\n"] * 2
    grade(folder, course, workers=2, seed="fixed")
    while any(marker.poll() is None for marker in markers):  # all the time that they mark
        grade(folder, course, workers=2, seed="fixed", force=True)
    assert [marker.returncode for marker in markers] == [0, 0]
    assert all(json.loads(lines.read())["PUT"] >= TEAMS // 2 * 2 for lines in said)
    assert grade(folder, course, workers=2, seed="fixed").executed == 0

    marks = gradebook.marks(folder, course.id)
    essays = [c for m in marks for c in m.cells if c.cell == "why"]
    assert [(c.points, c.needs_manual) for c in essays] == [(1.75, False)] * TEAMS
    assert sorted(c.comment for c in essays) == ["by ada"] * (TEAMS // 2) + ["by max"] * 3
    checks = [[c.auto for c in m.cells if c.kind == "check"] for m in marks]
    expected = gradebook.marks(graded, course.id)
    assert checks == [[c.auto for c in m.cells if c.kind == "check"] for m in expected]
    assert not (tmp_path / "gradebook.db").exists()
    assert {name: len(rows) for name, rows in contents(url).items()}["grade"] == 3 * TEAMS

    settings = tmp_path / "nbgrader_config.py"
    assert stat.S_IMODE(settings.stat().st_mode) == 0o600 and url in settings.read_text()
    seen = formgrader(folder, course, url).get_submissions(NAME)
    assert len(seen) == TEAMS and not any(s["needs_manual_grade"] for s in seen)
    assert sorted(s["score"] for s in seen) == [5.75, 5.75, 5.75, 7.75, 7.75]


def formgrader(folder: ClassFolder, course: config.Course, url: str) -> NbGraderAPI:
    """What formgrader's pages are made from."""
    settings = Config()
    settings.CourseDirectory.root = str(folder.root)
    settings.CourseDirectory.course_id = course.id
    settings.CourseDirectory.db_url = url
    return NbGraderAPI(CourseDirectory(config=settings), config=settings)


def test_a_server_that_is_gone_is_said_in_one_line(
    course: config.Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fill(tmp_path)
    monkeypatch.setenv(database.VARIABLE, "postgresql://grader:secret@127.0.0.1:9/cnn")
    with pytest.raises(database.GradebookUnavailable, match="start the server") as caught:
        grade(folder, course, workers=1, seed="fixed")
    assert "secret" not in str(caught.value) and "127.0.0.1:9" in str(caught.value)
    monkeypatch.setenv(database.VARIABLE, "mysql://somewhere/cnn")
    with pytest.raises(DatabaseError, match="is no gradebook"):
        grade(folder, course, workers=1, seed="fixed")


def test_a_copy_is_kept_before_a_gradebook_is_rewritten(
    course: config.Course,
    graded: ClassFolder,
    empty: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = contents(graded.db_url)
    settings = (places.folder() / config.FILE).read_text()
    (places.folder() / config.FILE).write_text(settings.replace("[points]", "[points]\nsums = 3"))
    try:
        (*_, last) = class_setup.set_up(graded, config.load())
    finally:
        (places.folder() / config.FILE).write_text(settings)
    (copy,) = (graded.root / backup.BACKUPS).iterdir()
    assert str(copy) in last and contents(f"sqlite:///{copy}") == before
    migrate.migrate(f"sqlite:///{copy}", database.normalised(empty))
    monkeypatch.setattr(backup, "KEPT", 2)
    monkeypatch.setenv(database.VARIABLE, empty)
    for number in range(3):
        with gradebook.open_gradebook(ClassFolder(tmp_path), course.id) as book:
            book.update_or_create_student(f"guest_{number}")
        before = contents(database.normalised(empty))
        for _ in range(2):  # it holds the very same, so there is nothing new to keep
            copy = backup.backup(database.normalised(empty), tmp_path) or copy
    assert len(list((tmp_path / backup.BACKUPS).iterdir())) == backup.KEPT
    assert contents(f"sqlite:///{copy}") == before
