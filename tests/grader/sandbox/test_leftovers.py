"""What a killed grader left in the temporary folder goes, and nothing else does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.grading import warm
from grader.sandbox import Bounds, leftovers
from grader.sandbox.watch import Watch

HOURS_AGO = time.time() - 7200
NOBODY = 999_999_999
"""A process id that no process has."""
LEVELS = 1500


def nest(folder: Path, levels: int = LEVELS) -> None:
    """Lay folders into each other, too deep for recursion and for any path, with files inside."""
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    for level in range(levels):
        name = f"{level}" * 20
        os.mkdir(name, dir_fd=here)
        inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=here)
        if level % 100 == 99:
            os.close(os.open("file", os.O_CREAT, 0o400, dir_fd=here))
            os.fchmod(here, 0)
        os.close(here)
        here = inner
    os.close(os.open("at the end", os.O_CREAT, 0o400, dir_fd=here))
    os.close(here)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder of the machine in which sweeping is tried."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    yield tmp_path
    subprocess.run(["rm", "-rf", *tmp_path.glob("course-tmp-*")], check=False)


def left_by_the_dead(parent: Path, levels: int = LEVELS) -> Path:
    """What a process left that was killed two hours ago."""
    folder = parent / f"course-tmp-{NOBODY}-run-x"
    folder.mkdir()
    nest(folder, levels)
    os.utime(folder, (HOURS_AGO, HOURS_AGO))
    return folder


def test_folders_of_dead_processes_go_and_those_of_living_ones_stay(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from grader.sandbox import leftovers; "
        "print(leftovers.make('run', Path(sys.argv[1])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    dead = Path(done.stdout.strip())
    (dead / "inside").mkdir()
    (dead / "inside" / "file").write_text("x")
    living = leftovers.make("run", tmp_path)
    foreign = tmp_path / "course-tmp-notes"
    foreign.mkdir()
    assert leftovers.sweep((tmp_path,)) == 0 and dead.exists()  # it has only just ended

    for folder in (dead, living, foreign):
        os.utime(folder, (HOURS_AGO, HOURS_AGO))
    assert leftovers.sweep((tmp_path,)) == 1
    assert (dead.exists(), living.exists(), foreign.exists()) == (False, True, True)


def test_a_link_that_looks_like_a_leftover_leads_nowhere(tmp_path: Path) -> None:
    treasure = tmp_path / "treasure"
    treasure.mkdir()
    (treasure / "marks").write_text("x")
    (tmp_path / "course-tmp-999999999-run-x").symlink_to(treasure)
    os.utime(tmp_path / "course-tmp-999999999-run-x", (HOURS_AGO, HOURS_AGO), follow_symlinks=False)
    leftovers.sweep((tmp_path,))
    assert (treasure / "marks").read_text() == "x"


def test_a_folder_too_deep_for_recursion_is_removed_when_grading_begins(temporary: Path) -> None:
    treasure = temporary / "treasure"
    treasure.mkdir()
    (treasure / "marks").write_text("x")
    folder = left_by_the_dead(temporary)
    (folder / "link").symlink_to(treasure)
    (folder / "dangling").symlink_to("nowhere")
    os.mkfifo(folder / "pipe")
    os.utime(folder, (HOURS_AGO, HOURS_AGO))
    warm.start([])
    assert not folder.exists()
    assert (treasure / "marks").read_text() == "x"


def test_a_folder_that_stays_is_named_once_and_grading_goes_on(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = left_by_the_dead(temporary, levels=20)
    with monkeypatch.context() as patch:
        patch.setattr(leftovers, "_PATIENCE", -1)  # seconds: no folder is removed in time
        warm.start([])
        warm.start([])
    said = capsys.readouterr().err
    assert said.count(str(folder)) == said.count("rm -rf") == 1
    assert folder.exists()
    warm.start([])
    assert not folder.exists()


def test_nesting_does_not_blind_the_watch_over_a_cold_kernel(tmp_path: Path) -> None:
    idle = subprocess.Popen(["sleep", "60"])
    try:
        watch = Watch(idle.pid, Bounds(scratch_mb=1), [tmp_path])
        for name, levels in (("flat", 10), ("deep", LEVELS)):
            (tmp_path / name).mkdir()
            assert watch.look(exactly=True) == ""
            nest(tmp_path / name, levels)
        assert "nested" in watch.look(exactly=True)
    finally:
        idle.kill()
        idle.wait()
        subprocess.run(["rm", "-rf", tmp_path], check=True)  # more than pytest can remove
