"""One command at a time changes a class folder; who waits is told for whom."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.classroom import lock
from grader.classroom.folder import ClassFolder

HOLD = """
import sys
from pathlib import Path
from grader.classroom import lock
from grader.classroom.folder import ClassFolder
with lock.held(ClassFolder(Path(sys.argv[1])), "./course grade", print, sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


class Other:
    """Another process that holds the lock of a class folder."""

    def __init__(self, root: Path, part: str = "") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(root), part],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "held\n"

    def end(self, by: int = 0) -> None:
        if by:
            self.process.send_signal(by)
        self.process.communicate()


@pytest.fixture
def others() -> Iterator[list[Other]]:
    found: list[Other] = []
    yield found
    for other in found:
        other.end()


def test_the_second_waits_and_says_for_whom(tmp_path, others):
    folder, said = ClassFolder(tmp_path), []
    others.append(Other(tmp_path))
    (holder,) = lock.holders(folder)
    assert (holder.command, holder.process) == ("./course grade", others[0].process.pid)
    waiting, done = threading.Event(), threading.Event()

    def say(line: str) -> None:
        said.append(line)
        waiting.set()

    def second() -> None:
        with lock.held(folder, "./course collect", say):
            done.set()

    thread = threading.Thread(target=second)
    thread.start()
    assert waiting.wait(60) and not done.wait(0.3)
    others.pop().end()
    thread.join(60)
    assert done.is_set()
    (line,) = said
    assert "waiting for ./course grade (process " in line and str(holder.process) in line
    assert holder.host in line and "since 20" in line and "Ctrl-C" in line
    assert lock.holders(folder) == []


def test_a_killed_holder_blocks_nobody(tmp_path, others):
    other = Other(tmp_path)
    other.end(signal.SIGKILL)
    folder = ClassFolder(tmp_path)
    assert list((tmp_path / lock.FOLDER).glob("holder-*"))  # it could not take this back
    assert lock.holders(folder) == []
    with lock.held(folder, "./course grade", pytest.fail):
        (holder,) = lock.holders(folder)
        assert holder.process == os.getpid()


def test_graders_of_different_parts_work_side_by_side(tmp_path, others):
    others.append(Other(tmp_path, "1/16"))
    folder, said = ClassFolder(tmp_path), []
    with lock.held(folder, "./course grade --part 2/16", pytest.fail, "2/16"):
        assert len(lock.holders(folder)) == 2

    def give_up(line: str) -> None:
        said.append(line)
        raise KeyboardInterrupt

    for part in ("1/16", ""):  # the same part waits, and so does who wants the whole class
        with (
            pytest.raises(KeyboardInterrupt),
            lock.held(folder, "./course grade", give_up, part),
        ):
            pytest.fail("nobody waited")
    assert len(said) == 2


def test_where_files_cannot_be_locked_that_is_said_and_nobody_waits(tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    said: list[str] = []
    with lock.held(ClassFolder(tmp_path), "./course grade", said.append):
        pass
    assert "can't be locked" in said[0] and "no two commands" in said[0]


def test_a_class_folder_is_made_for_its_owner_alone_and_a_shared_one_stays_shared(
    tmp_path: Path,
) -> None:
    for name, mode in (("new", 0o700), ("shared", 0o770)):
        folder = ClassFolder(tmp_path / name)
        if name == "shared":
            folder.root.mkdir()
            folder.root.chmod(mode)
        with lock.held(folder, "./course grade", print):
            assert stat.S_IMODE(folder.root.stat().st_mode) == mode
