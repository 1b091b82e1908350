"""The demonstration as a user runs it; and its class again, elsewhere, with nothing different.

An ordinary run plays what is handed in for the first two notebooks: one team for each way to hand
in, each kind of fault and each cheat.  The others' wrong answers are graded by test_grade_*.py in
tests/grader/course/, with what the sample class gets for them.  A long run plays the whole class,
and executes all of it again on a cluster, not only a part.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import nbformat
import pytest

from grader import config, export, places
from grader.classroom import database, gradebook, migrate, results
from grader.classroom.folder import ClassFolder
from grader.classroom.gradebook import NotebookMark
from grader.cluster import ClusterExecutor
from grader.demo import SEED, students, those_with
from grader.demo.samples import FIRST, FULL, SECOND
from grader.grading.run import grade
from grader.pages import report
from tests import long
from tests.grader import postgres
from tests.grader.dask_cluster import cluster, wait_until
from tests.grader.postgres import contents

pytestmark = pytest.mark.minutes

PLAYED = long.choose((FIRST, SECOND), tuple(config.load().notebooks))
"""The notebooks that are handed in and graded."""
TEAMS = those_with(PLAYED)

A_PART = ("team_07", "team_12", "team_14", "team_16", "team_19", "team_20")
"""Wrong, repeated, noisy, without notebook 01, hostile and late."""


def course(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "grader", *words],
        cwd=places.ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def demo(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[subprocess.CompletedProcess[str], Path]:
    out = tmp_path_factory.mktemp("demo") / "out"
    only = [word for name in PLAYED for word in ("--notebook", name[:2])]
    return course("demo", "--out", str(out), *long.choose(only, [])), out


def test_what_a_students_kernel_says_as_it_ends_is_not_on_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    past_the_outputs = "import os\n_ = os.write(2, b'farewell')"
    noisy = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(past_the_outputs)])
    monkeypatch.setattr(students, "with_solutions", lambda source: noisy)
    (tmp_path / "notebooks").mkdir()
    done = students.worked_through(tmp_path, "01_implementing_cnn", solved=True)
    assert done.cells[0].outputs == [], done.cells[0].outputs
    assert capfd.readouterr().err == ""


@dataclass(frozen=True)
class Found:
    """What an instructor gets out of a class."""

    marks: list[NotebookMark]
    files: dict[str, bytes]
    """The report and the exports, by name."""


def found_in(folder: ClassFolder) -> Found:
    settings = config.load(folder.root)
    page = report.write(folder, settings, datetime(2026, 2, 1, tzinfo=UTC))
    first = export.Choices(notebook=next(iter(settings.notebooks)))  # Sakai takes one at a time
    sheets = [
        export.write(folder, settings, kind, choices=first if kind == "sakai" else None)
        for kind in export.KINDS
        if kind != "xlsx"  # grades.csv as a workbook, which says when it was made
    ]
    marks = gradebook.marks(folder, settings.id)
    return Found(marks, {path.name: path.read_bytes() for path in (page, *sheets)})


@pytest.fixture(scope="module")
def here(
    demo: tuple[subprocess.CompletedProcess[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[ClassFolder, Found]:
    """A copy of the demonstration's class, on SQLite, and what is in it.  Nobody changes it."""
    folder = copy_of(ClassFolder(demo[1] / "class"), tmp_path_factory.mktemp("copy") / "here")
    return folder, found_in(folder)


def copy_of(folder: ClassFolder, where: Path, url: str = "") -> ClassFolder:
    """The same class, with its gradebook in another database if there is a URL."""
    shutil.copytree(folder.root, where)
    if url:
        (where / "gradebook.db").unlink()
        with (where / "course.toml").open("a") as settings:
            settings.write(f'\n[gradebook]\nurl = "{url}"\n')
    return ClassFolder(where)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres.server() as url:
        yield url


class Idle(Executor):
    """Runs nothing."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[NoReturn]:
        raise AssertionError("there is nothing to execute")


def test_every_score_is_as_expected(
    demo: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    done, _ = demo
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "every score is as expected" in done.stdout
    assert done.stderr == ""


def test_of_some_notebooks_only_those_who_handed_them_in_are_left() -> None:
    class_of_two = {team.name: team.expected for team in those_with((FIRST, SECOND))}
    assert len(class_of_two) == 20 and "team_21" not in class_of_two
    assert class_of_two["team_01"] == {FIRST: FULL, SECOND: FULL}
    assert class_of_two["team_17"] == {}, "damaged, and yet it was handed in"
    assert "team_17" not in {team.name for team in those_with([FIRST])}


@pytest.mark.parametrize("name", PLAYED)
def test_the_reference_solution_passes_every_check_of_a_student(
    demo: tuple[subprocess.CompletedProcess[str], Path], name: str
) -> None:
    """What nbgrader's Validate looks for, too."""
    solved = next(t.name for t in TEAMS if name in t.expected and not (t.changes or t.blank))
    path = demo[1] / "students" / solved / "notebooks" / f"{name}.ipynb"
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    assert sum(c.source.startswith("check(") and bool(c.outputs) for c in cells) > 1
    assert [out for c in cells for out in c.outputs if out.output_type == "error"] == []


def test_it_leaves_a_report_feedback_and_exports(
    demo: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    _, out = demo
    report = (out / "class" / "report.html").read_text()
    assert "the kernel is flipped" in report and "team_17" in report
    assert (out / "class" / "feedback" / "team_7" / "01_implementing_cnn.html").is_file()
    members = (out / "class" / "exports" / "grades.csv").read_text(encoding="utf-8-sig")
    assert "team_07_a" in members and "team_07_b" in members


def test_on_postgresql_marks_report_and_exports_are_the_same(
    here: tuple[ClassFolder, Found], server: str, tmp_path: Path
) -> None:
    url = postgres.new_database(server, "sample")
    there = copy_of(here[0], tmp_path / "there", url)
    assert not there.uses_sqlite
    summary = grade(there, config.load(there.root), executor=Idle(), seed=SEED)
    assert (summary.executed, summary.marked_again) == (0, 0)
    assert summary.graded == sum(len(team.expected) for team in TEAMS)
    found = found_in(there)
    assert found.marks == here[1].marks and len(found.marks) == summary.graded
    assert found.files == here[1].files
    assert not (there.root / "gradebook.db").exists()

    again = course("demo", "--out", str(tmp_path / "out"), **{database.VARIABLE: url})
    assert again.returncode == 125 and "name an empty database" in again.stderr
    assert gradebook.marks(there, config.load().id) == here[1].marks


def test_it_moves_to_postgresql_and_back_with_nothing_lost(
    here: tuple[ClassFolder, Found], server: str, tmp_path: Path
) -> None:
    url = postgres.new_database(server, "moved")
    there = copy_of(here[0], tmp_path / "there", url)
    before = contents(here[0].db_url)
    done = course("migrate", str(here[0].database), url)
    assert done.returncode == 0, done.stderr
    assert contents(database.normalised(url)) == before
    grade(there, config.load(there.root), executor=Idle(), seed=SEED)
    assert found_in(there) == here[1]

    back = database.normalised(str(tmp_path / "back.db"))
    migrate.migrate(there.db_url, back)
    assert contents(back) == before


def test_two_workers_find_the_same_as_this_machine(
    here: tuple[ClassFolder, Found], tmp_path: Path
) -> None:
    expected = here[1]
    folder = copy_of(here[0], tmp_path / "there")
    whole = long.asked()
    teams = {mark.team for mark in expected.marks} if whole else {*map(team_id, A_PART)}

    def chosen(team: str, notebook: str) -> bool:
        return team in teams and (whole or notebook == SECOND)

    count = sum(chosen(mark.team, mark.notebook) for mark in expected.marks)
    before = checks_of(folder)
    (tmp_path / "cluster").mkdir()
    with (
        cluster(tmp_path / "cluster") as running,
        ClusterExecutor(running.address) as executor,
    ):
        wait_until(lambda: executor.workers == 2)
        summary = grade(
            folder,
            config.load(folder.root),
            executor=executor,
            seed=SEED,
            force=True,
            only=chosen,
        )
    assert summary.executed == count >= 5
    found = found_in(folder)
    assert found.marks == expected.marks
    sheets = {f"{kind}.csv" for kind in ("grades", "moodle", "canvas")}
    assert {n: found.files[n] for n in sheets} == {n: expected.files[n] for n in sheets}
    assert checks_of(folder) == before


def checks_of(folder: ClassFolder) -> dict[tuple[str, str], list[tuple[str, float, str]]]:
    """What the judges found: (name, points, mistake) of every check."""
    return {
        (result.team, result.notebook): [(c.name, c.points, c.mistake) for c in result.checks]
        for result in results.graded(folder)
    }


def team_id(name: str) -> str:
    """ "team_07" as intake writes it."""
    from utils.checks.identity import normalise_id

    return normalise_id(name)


def test_it_does_not_empty_a_folder_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    done = course("demo", "--out", str(tmp_path))
    assert done.returncode == 125 and "not empty" in done.stderr
    assert (tmp_path / "thesis.tex").read_text() == "years of work"
