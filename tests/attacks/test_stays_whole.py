"""Whatever interrupts grading, the next run ends with the gradebook of an undisturbed one."""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from grader import config, files, places, sandbox
from grader.classroom import database, gradebook, results
from grader.classroom.folder import ClassFolder
from grader.classroom.gradebook import NotebookMark
from grader.errors import ConfigError
from grader.executing import execute
from grader.formgrader.setup import set_up
from grader.grading.run import grade
from grader.judging import examination
from grader.sandbox.watch import Watch
from tests.attacks import small_class
from tests.attacks.base import NOT_RUN, Attack, Places, hand_in, honest, notebook_of
from tests.attacks.small_class import TEAMS, fill
from tests.grader.tiny_course import NAME


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not sandbox.probe().way and not os.environ.get("CI"):
        pytest.skip(str(sandbox.probe()))
    return tmp_path_factory.mktemp("tiny")


@pytest.fixture(scope="module")
def course(home: Path) -> config.Course:
    return small_class.install(home)


@pytest.fixture(scope="module")
def undisturbed(
    course: config.Course, tmp_path_factory: pytest.TempPathFactory
) -> list[NotebookMark]:
    """Marks of a class that nothing happened to."""
    folder = fill(tmp_path_factory.mktemp("whole"))
    grade(folder, course, workers=2, seed="fixed")
    marks = gradebook.marks(folder, course.id)
    assert [sum(c.auto or 0 for c in m.cells) for m in marks] == [4, 6, 4, 6, 4]
    return marks


def graded(folder: ClassFolder) -> list[str]:
    """Teams with a result."""
    return sorted(p.parent.parent.name for p in folder.root.glob("results/*/*/result.json"))


@pytest.fixture
def disturb() -> Iterator[Any]:
    """Start something beside grading, and see that it has come to its end."""
    threads: list[threading.Thread] = []

    def start(action: Any, *args: Any) -> None:
        threads.append(threading.Thread(target=action, args=args, daemon=True))
        threads[-1].start()

    yield start
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def test_an_interrupt_ends_at_once_and_the_next_run_completes(
    course: config.Course, home: Path, tmp_path: Path, undisturbed: list[NotebookMark]
) -> None:
    folder = fill(tmp_path / "class", seconds=20)
    command = [sys.executable, "-m", "tests.attacks.small_class", str(home), str(folder.root)]
    process = subprocess.Popen(
        command,
        cwd=places.ROOT,
        stderr=subprocess.PIPE,
        start_new_session=True,
        # a shell that runs the tests in the background has told them to ignore it
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not list(folder.root.glob("gradebook.db")):
        time.sleep(0.1)
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode != 0
    assert b"KeyboardInterrupt" in said
    assert graded(folder) == []  # nobody waited for the twenty seconds

    fill(folder.root)
    assert grade(folder, course, workers=2, seed="fixed").executed == TEAMS
    assert gradebook.marks(folder, course.id) == undisturbed


def test_a_lock_that_goes_away_is_waited_for(
    course: config.Course, tmp_path: Path, undisturbed: list[NotebookMark], disturb: Any
) -> None:
    folder = fill(tmp_path)
    held = threading.Event()

    def hold() -> None:
        with sqlite3.connect(folder.root / "gradebook.db", timeout=10) as db:
            db.execute("begin exclusive")
            held.set()
            time.sleep(3)

    def progress(what: str, label: str) -> None:
        if not held.is_set():
            disturb(hold)
            held.wait(10)

    summary = grade(folder, course, workers=2, seed="fixed", progress=progress)
    assert held.is_set() and summary.need_human == 0
    assert gradebook.marks(folder, course.id) == undisturbed


def test_a_lock_that_stays_is_named_and_loses_nothing(
    course: config.Course,
    tmp_path: Path,
    undisturbed: list[NotebookMark],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = fill(tmp_path)
    monkeypatch.setattr(database, "PATIENCE", 0.5)
    lock: list[sqlite3.Connection] = []

    def progress(what: str, label: str) -> None:
        if what == "done" and not lock:
            lock.append(sqlite3.connect(folder.root / "gradebook.db", check_same_thread=False))
            lock[0].execute("begin immediate")

    with pytest.raises(database.GradebookUnavailable, match=r"locked.*run the command again"):
        grade(folder, course, workers=2, seed="fixed", progress=progress)
    before = graded(folder)
    assert before
    lock[0].rollback()
    lock[0].close()
    summary = grade(folder, course, workers=2, seed="fixed")
    assert summary.executed == TEAMS - len(before)
    assert gradebook.marks(folder, course.id) == undisturbed


def test_a_full_disk_in_the_class_folder_is_named_and_loses_nothing(
    course: config.Course,
    tmp_path: Path,
    undisturbed: list[NotebookMark],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = fill(tmp_path)
    set_up(folder, course)
    written: list[Path] = []

    def full(dir: Path, prefix: str) -> tuple[int, str]:
        written.append(dir)
        if len(written) > 4:
            raise OSError(errno.ENOSPC, "No space left on device", str(dir))
        return tempfile.mkstemp(dir=dir, prefix=prefix)

    with monkeypatch.context() as patch, pytest.raises(files.FolderUnusable) as caught:
        patch.setattr(files, "tempfile", SimpleNamespace(mkstemp=full))
        grade(folder, course, workers=2, seed="fixed")
    assert "No space left on device" in str(caught.value)
    assert "run the command again" in str(caught.value)
    assert len(graded(folder)) < TEAMS
    grade(folder, course, workers=2, seed="fixed")
    assert gradebook.marks(folder, course.id) == undisturbed


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")
def test_a_class_on_a_disk_that_is_too_small_ends_in_one_line(
    course: config.Course, home: Path, tmp_path: Path, undisturbed: list[NotebookMark]
) -> None:
    folder = fill(tmp_path / "class")
    set_up(folder, course)
    (place := folder.root / "results").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=700k", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a file system")
    try:
        ballast = place / "ballast"
        ballast.write_bytes(b"x" * 690_000)
        with pytest.raises(files.FolderUnusable, match=r"No space left.*run the command again"):
            grade(folder, course, workers=2, seed="fixed")
        ballast.unlink()
        grade(folder, course, workers=2, seed="fixed")
        assert gradebook.marks(folder, course.id) == undisturbed
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("what", ["thresholds.toml", "release"])
def test_what_is_wrong_with_the_class_itself_is_nobodys_submission(
    course: config.Course, tmp_path: Path, undisturbed: list[NotebookMark], what: str
) -> None:
    folder = fill(tmp_path)
    set_up(folder, course)
    if what == "release":
        (folder.root / "release" / NAME / f"{NAME}.ipynb").write_bytes(b"\xff")
        with (
            pytest.MonkeyPatch.context() as patch,
            pytest.raises(ConfigError, match="release"),
        ):
            patch.setattr("grader.grading.run.set_up", lambda *_: [])
            grade(folder, course, workers=2, seed="fixed")
    else:
        (folder.root / what).write_bytes(b"\xff")
        with pytest.raises(ConfigError, match=r"thresholds\.toml: save it as UTF-8"):
            grade(folder, course, workers=2, seed="fixed")
        (folder.root / what).unlink()
    assert graded(folder) == []
    assert grade(folder, course, workers=2, seed="fixed").need_human == 0
    assert gradebook.marks(folder, course.id) == undisturbed


def test_a_full_disk_where_kernels_run_costs_nobody_points(
    course: config.Course,
    tmp_path: Path,
    undisturbed: list[NotebookMark],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = fill(tmp_path)

    def full(*args: Any, **kwargs: Any) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(execute.leftovers, "make", full)
        summary = grade(folder, course, workers=2, seed="fixed")
    assert summary.need_human == TEAMS
    assert all("No space left" in reason for reason in summary.human.values())
    assert grade(folder, course, workers=2, seed="fixed").need_human == 0
    assert gradebook.marks(folder, course.id) == undisturbed


def test_a_killed_warm_parent_is_made_up_for_in_the_same_run(
    course: config.Course, tmp_path: Path, undisturbed: list[NotebookMark], disturb: Any
) -> None:
    folder = fill(tmp_path, seconds=1.5)
    killed: list[int] = []

    def kill() -> None:
        while not killed:
            for process in sandbox.warm_parents.processes().values():
                if len(Watch(process, sandbox.Bounds()).processes()) >= 4:  # a kernel runs
                    os.kill(process, signal.SIGKILL)
                    killed.append(process)
            time.sleep(0.05)

    disturb(kill)
    summary = grade(folder, course, workers=2, seed="fixed")
    assert killed and summary.need_human == 0
    assert gradebook.marks(folder, course.id) == undisturbed


def test_a_killed_kernel_is_made_up_for_in_the_same_run(
    course: config.Course, tmp_path: Path, undisturbed: list[NotebookMark], disturb: Any
) -> None:
    folder = fill(tmp_path, seconds=1.5)
    killed: list[int] = []

    def kill() -> None:
        while not killed:
            for process in sandbox.warm_parents.processes().values():
                # the parent, a keeper, process 1 of the sandbox, the kernel
                below = Watch(process, sandbox.Bounds()).processes()
                if len(below) >= 4:
                    time.sleep(0.3)
                    os.kill(below[3], signal.SIGKILL)
                    killed.append(below[3])
            time.sleep(0.05)

    disturb(kill)
    summary = grade(folder, course, workers=1, seed="fixed")
    assert killed and summary.need_human == 0
    assert gradebook.marks(folder, course.id) == undisturbed


def test_a_submission_that_a_judge_stumbles_over_stops_nobody(
    course: config.Course,
    tmp_path: Path,
    undisturbed: list[NotebookMark],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = fill(tmp_path)
    draw = examination.draw

    def stumble(notebook: str, team: str, *more: Any) -> examination.Examination:
        if team == "team_2":
            raise IndexError("a handed-in file is not what it seems")
        return draw(notebook, team, *more)

    with monkeypatch.context() as patch:
        patch.setattr(examination, "draw", stumble)
        summary = grade(folder, course, workers=2, seed="fixed")
    assert list(summary.human) == [f"team_2/{NAME}"]
    marks = gradebook.marks(folder, course.id)
    assert [m for m in marks if m.team != "team_2"] == [
        m for m in undisturbed if m.team != "team_2"
    ]
    assert grade(folder, course, workers=2, seed="fixed").executed == 1
    assert gradebook.marks(folder, course.id) == undisturbed


@pytest.mark.parametrize(
    "again",
    [
        Attack("ends the kernel", NOT_RUN, square="import os; os._exit(0)"),
        Attack("is no notebook", NOT_RUN, change=lambda _: b"PDF"),
        Attack("is wrong", NOT_RUN),
    ],
    ids=lambda a: a.name,
)
def test_no_mark_of_an_earlier_submission_stays(
    course: config.Course, tmp_path: Path, again: Attack
) -> None:
    folder = ClassFolder(tmp_path)
    hand_in(folder, "team_1", honest("team_1"))
    grade(folder, course)
    cells = {c.cell: c.points for c in gradebook.marks(folder, course.id)[0].cells}
    assert cells["check_square"] == 4
    hand_in(folder, "team_1", notebook_of(again, Places(tmp_path, tmp_path, tmp_path, 9)))
    grade(folder, course)
    assert [result.points for result in results.graded(folder)] == [0]
    cells = {c.cell: c.points for c in gradebook.marks(folder, course.id)[0].cells}
    assert cells["check_square"] == cells["check_sums"] == 0
    assert (folder.autograded("team_1", NAME) / f"{NAME}.ipynb").is_file()
