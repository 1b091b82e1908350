"""Notebooks in the sandbox: honest ones work, hostile ones reach nothing and leave nothing."""

from __future__ import annotations

import concurrent.futures
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from grader import sandbox
from grader.sandbox import Bounds, client, provisioner
from grader.sandbox.watch import Watch
from tests.grader.sandbox_helpers import (
    KERAS,
    NUMPY,
    ROOT,
    alive,
    becomes_true,
    require,
    run,
    running,
)


@pytest.fixture(autouse=True)
def _isolated() -> None:
    require("direct")


# Honest notebooks


def test_numpy_figures_and_shell_lines_work():
    session = run(
        "import numpy as np; print(np.ones((200, 200)).dot(np.ones((200, 200))).sum())",
        "import matplotlib.pyplot as plt; plt.plot([1, 2]); plt.show(); print(plt.get_backend())",
        "!echo from the shell; id -un",
    )
    assert "8000000.0" in session.text
    assert "<Figure size" in session.text
    assert "from the shell" in session.text and "student" in session.text


def test_tensorflow_works_in_a_forked_kernel():
    session = run(
        "import tensorflow as tf, keras, numpy as np\n"
        "x = tf.Variable(3.0)\n"
        "with tf.GradientTape() as tape:\n"
        "    y = tf.nn.conv1d(tf.ones((1, 4, 1)) * x, tf.ones((2, 1, 1)), 1, 'VALID')\n"
        "print('gradient', float(tape.gradient(y, x)))",
        "model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])\n"
        "model.compile('sgd', 'mse')\n"
        "fitted = model.fit(np.ones((8, 4)), np.ones((8, 2)), verbose=0)\n"
        "model.save('model.keras'); keras.saving.load_model('model.keras')\n"
        "print('losses', len(fitted.history['loss']))",
        profile=KERAS,
        bounds=Bounds(memory_mb=2048),
        seconds=60,
    )
    assert "gradient 6.0" in session.text
    assert "losses 1" in session.text


def test_files_travel_through_the_scratch_folder(tmp_path: Path):
    work, answers = tmp_path / "work", tmp_path / "answers"
    work.mkdir()
    (work / "given.txt").write_text("from the grader")
    session = run(
        "import os; print(os.getcwd(), '|', open('given.txt').read(), '|', os.environ['ANSWERS'])",
        "os.makedirs('../answers/deep'); _ = open('../answers/deep/a.bin', 'wb').write(b'answer')",
        "_ = open('given.txt', 'w').write('changed')",
        "os.symlink('/etc/passwd', 'link'); os.mkfifo('pipe')",
        scratch=tmp_path,
        cwd=work,
        environment={"HOME": str(work), "ANSWERS": str(answers)},
    )
    assert "/scratch/work | from the grader | /scratch/answers" in session.text
    assert (answers / "deep" / "a.bin").read_bytes() == b"answer"
    assert (work / "given.txt").read_text() == "changed"
    assert sorted(p.name for p in work.iterdir()) == ["given.txt"]


def test_forks_of_one_parent_draw_different_numbers():
    code = (
        "import random, numpy as np, tensorflow as tf, keras\n"
        "print(random.random(), np.random.rand(), float(tf.random.uniform(())),"
        " float(keras.random.uniform(())))"
    )
    first, second = (run(code, profile=KERAS, seconds=60).text.split() for _ in range(2))
    assert len(first) == len(second) == 4
    assert not set(first) & set(second)


def test_nothing_passes_from_one_notebook_to_the_next(tmp_path: Path):
    run(
        "import builtins, sys, numpy as np\n"
        "builtins.print = np.ones = None; np.stolen = 1; sys.modules['planted'] = sys",
        "for place in ('/tmp', '/dev/shm', '/scratch'): open(f'{place}/planted', 'w').close()",
        scratch=tmp_path,
    )
    session = run(
        "import os, sys, numpy as np\n"
        "print(np.ones(2), hasattr(np, 'stolen'), 'planted' in sys.modules)\n"
        "print([p for p in ('/tmp', '/dev/shm', '/scratch') if os.path.exists(f'{p}/planted')])"
    )
    assert "[1. 1.] False False\n[]" in session.text


def test_a_cell_can_be_interrupted_and_a_kernel_restarted():
    import asyncio

    async def play() -> list[str]:
        manager = sandbox.kernel_manager(profile=NUMPY)
        await manager.start_kernel()
        client_ = manager.client()
        client_.start_channels()
        try:
            await client_.wait_for_ready(timeout=60)
            sleeping = asyncio.ensure_future(
                client_.execute_interactive("import time; time.sleep(60)", timeout=30)
            )
            await asyncio.sleep(0.3)
            await manager.interrupt_kernel()
            interrupted = await sleeping
            await manager.restart_kernel(now=True)
            await client_.wait_for_ready(timeout=60)
            restarted = await client_.execute_interactive("1 + 1", timeout=30)
        finally:
            client_.stop_channels()
            await manager.shutdown_kernel(now=True)
        return [interrupted["content"]["ename"], restarted["content"]["status"]]

    assert asyncio.run(play()) == ["KeyboardInterrupt", "ok"]


def test_kernels_start_from_several_threads_at_once():
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        texts = list(pool.map(lambda n: run(f"print({n} ** 2)").text, range(6)))
    assert texts == [f"{n**2}\n" for n in range(6)]


# What hostile ones reach


def test_every_attempt_to_get_out_fails(tmp_path: Path):
    (tmp_path / "gradebook.db").write_text("grades")
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix:
        unix.bind("\0course-probe-service")
        unix.listen()
        rows = sandbox.probe_table(
            NUMPY, forbidden=(tmp_path,), port=tcp.getsockname()[1], isolation="direct"
        )
    assert len(rows) >= 20
    assert {row.what: row.outcome for row in rows if not row.held} == {}


def test_the_probe_notices_what_is_visible(tmp_path: Path):
    tmp_path.chmod(0o755)
    (tmp_path / "gradebook.db").write_text("grades")
    rows = sandbox.probe_table(
        NUMPY, isolation="direct", read_only=(ROOT / "utils", tmp_path), forbidden=(tmp_path,)
    )
    assert {row.what: row.outcome for row in rows if not row.held} == {
        "read the grader, other students' work, home folders": f"['{tmp_path}']"
    }


def test_the_probe_is_not_let_loose_without_isolation():
    with pytest.raises(ValueError, match="isolation"):
        sandbox.probe_table(isolation="none")


def test_course_modules_are_visible_and_checks_are_not():
    session = run(
        "import utils.codec, os; print(utils.codec.__file__)",
        f"print(os.path.exists({str(ROOT / 'grader')!r}))",
        "import sys; print([m for m in sys.modules if m.startswith('grader')])",
        "import grader",
        read_only=[ROOT / "utils"],
        environment={"PYTHONPATH": str(ROOT)},
    )
    assert f"{ROOT / 'utils' / 'codec.py'}\nFalse\n[]\n" in session.text
    assert "ModuleNotFoundError" in session.text


# What hostile ones use up


def test_a_giant_message_does_not_fill_the_grader():
    session = run("print('x' * 70_000_000)", seconds=2)
    assert len(session.text) < 70_000_000


def test_a_memory_bomb_is_an_error_in_the_notebook():
    session = run(
        "import numpy as np; x = np.ones(2 * 10**9, dtype=np.uint8)",
        "print('goes on')",
        bounds=Bounds(memory_mb=300),
    )
    assert "MemoryError" in session.text and "goes on" in session.text


def test_memory_is_bounded_for_all_processes_together():
    session = run(
        "import os, time\n"
        "for _ in range(8):\n"
        "    if os.fork() == 0:\n"
        "        kept = bytearray(os.urandom(1 << 20)) * 100\n"
        "        time.sleep(60)\n"
        "time.sleep(60)",
        bounds=Bounds(memory_mb=400),
    )
    assert session.ended.reason == "more than 400 MB of memory"


def test_what_lies_in_sockets_is_bounded_for_all_processes_together():
    session = run(
        "import os, socket\n"
        "pipe = os.pipe()\n"
        "for _ in range(5):\n"
        "    if os.fork() == 0:\n"
        "        os.close(pipe[0])\n"
        "        held, kept = 0, []\n"
        "        try:\n"
        "            while held < 200 << 20:\n"
        "                kept += socket.socketpair()\n"
        "                for end in kept[-2:]:\n"
        "                    end.setblocking(False)\n"
        "                    try:\n"
        "                        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 24)\n"
        "                    except PermissionError:\n"
        "                        pass\n"
        "                    try:\n"
        "                        while True:\n"
        "                            held += end.send(bytes(1 << 16))\n"
        "                    except BlockingIOError:\n"
        "                        pass\n"
        "        except OSError as error:\n"
        "            os.write(pipe[1], f'{held} {error.errno},'.encode())\n"
        "        os._exit(0)\n"
        "os.close(pipe[1])\n"
        "while said := os.read(pipe[0], 200):\n"
        "    print(said.decode(), end='')",
        bounds=Bounds(memory_mb=400),
    )
    held = [int(n) for n in re.findall(r"(\d+) 24,", session.text)]  # 24: no more handles
    assert len(held) == 5, session.text
    assert sum(held) < (400 << 20) / 2


@pytest.mark.parametrize("memory_mb", [100, 300, 1024, 1500, 4096, 65536])
def test_all_handles_that_a_notebook_may_have_fit_into_its_memory(memory_mb: int):
    bounds = Bounds(memory_mb=memory_mb)
    buffers = (bounds.processes + 1) * bounds.open_files * 213 * 1024
    assert buffers <= memory_mb << 20 or bounds.processes == 1
    assert bounds.open_files >= 128 and (memory_mb < 4096 or bounds.processes == 64)


def test_a_fork_bomb_ends_the_notebook_and_nothing_else():
    session = run("import os\nwhile True:\n    os.fork()", bounds=Bounds(most_processes=20))
    assert session.ended.reason == "more than 20 processes"
    assert becomes_true(lambda: not alive(session.process))


def test_processor_time_is_bounded_for_all_processes_together():
    session = run("import os\nos.fork(), os.fork()\nwhile True: pass", bounds=Bounds(cpu_seconds=1))
    assert session.ended.reason == "more than 1 seconds of processor time"


def test_storage_is_bounded(tmp_path: Path):
    session = run(
        "import os\nwritten = 0\n"
        "try:\n"
        "    for n in range(1000):\n"
        "        written += open(f'/tmp/{n}', 'wb').write(bytes(4 << 20))\n"
        "except OSError as error:\n"
        "    print('full:', error.strerror)\n",
        "try:\n    open('/scratch/one', 'wb').write(bytes(9 << 20))\n"
        "except OSError as error:\n    print('one file:', error.strerror)",
        scratch=tmp_path,
        bounds=Bounds(scratch_mb=64, files_mb=8),
    )
    assert "full: No space left on device" in session.text
    assert "one file:" in session.text
    assert not (tmp_path / "one").exists() or (tmp_path / "one").stat().st_size <= 8 << 20


# What hostile ones leave behind


def test_a_daemon_does_not_outlive_its_notebook():
    marker = f"{os.getpid()}.25"
    found: list[int] = []
    looking = threading.Thread(
        target=lambda: becomes_true(
            lambda: bool(found.extend(running(f"sleep\0{marker}")) or found)
        )
    )
    looking.start()
    run(
        "import os, subprocess, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        f"        os.execvp('sleep', ['sleep', '{marker}'])\n"
        "    os._exit(0)\n"
        "time.sleep(1)",
    )
    looking.join()
    assert found, "the daemon was never seen, so its end means nothing"
    assert running(f"sleep\0{marker}") == []


def test_exit_hooks_and_deaf_kernels_are_not_waited_for(tmp_path: Path):
    session = run(
        "import atexit, signal, time\n"
        "atexit.register(lambda: open('/scratch/hook', 'w').close())\n"
        "for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):\n"
        "    signal.signal(number, signal.SIG_IGN)",
        scratch=tmp_path,
    )
    assert not (tmp_path / "hook").exists()
    assert not alive(session.process)


def test_a_kernel_that_stops_itself_is_ended():
    session = run("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)", seconds=1)
    assert session.timed_out
    assert not alive(session.process)


def test_a_notebook_that_kills_all_it_can_ends_only_itself():
    session = run("import os\nos.kill(-1, 9); os.kill(1, 9); os.kill(os.getpid(), 9)")
    assert session.ended is not None and session.ended.reason == ""
    assert run("print(1 + 1)").text == "2\n"


def test_kernels_die_with_a_killed_grader(tmp_path: Path):
    code = (
        "import asyncio, tempfile, time\n"
        f"tempfile.tempdir = {str(tmp_path)!r}\n"
        "from grader import sandbox\n"
        "from grader.contract.kernels import PLAIN\n"
        "async def main():\n"
        "    manager = sandbox.kernel_manager(profile=PLAIN)\n"
        "    await manager.start_kernel()\n"
        "    parent = sandbox.warm_parents.processes()[PLAIN]\n"
        "    print(manager.provisioner.pid, parent, flush=True)\n"
        "    time.sleep(60)\n"
        "asyncio.run(main())"
    )
    grader = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE)
    assert grader.stdout is not None
    processes = [int(word) for word in grader.stdout.readline().split()]
    assert len(processes) == 2 and all(alive(p) for p in processes)
    grader.send_signal(signal.SIGKILL)
    grader.wait()
    grader.stdout.close()
    assert becomes_true(lambda: not any(alive(p) for p in processes))
    assert list(tmp_path.iterdir()) == []


# The warm parents


def test_a_killed_warm_parent_takes_its_kernels_along_and_is_replaced():
    before = sandbox.warm_parents.processes().get(NUMPY)
    session = run("print('first')")
    parent = sandbox.warm_parents.processes()[NUMPY]

    def kill() -> None:
        processes = Watch(parent, Bounds()).processes
        becomes_true(lambda: len(processes()) >= 4)  # parent, keeper, process 1, kernel
        time.sleep(3)  # by now it listens
        os.kill(parent, signal.SIGKILL)

    threading.Thread(target=kill).start()
    session = run("import time; time.sleep(30)")
    assert session.ended.reason == "killed"
    assert becomes_true(lambda: not alive(session.process))
    assert run("print('again')").text == "again\n"
    assert sandbox.warm_parents.processes()[NUMPY] not in (before, parent)


@pytest.mark.parametrize("bound", ["FORKS_PER_PARENT", "MB_PER_PARENT"])
def test_a_warm_parent_is_replaced_after_many_forks_or_when_it_has_grown(
    monkeypatch: pytest.MonkeyPatch, bound: str
):
    run("pass")
    before = sandbox.warm_parents.processes()[NUMPY]
    monkeypatch.setattr(client, bound, 1)
    assert run("print('fresh')").text == "fresh\n"
    monkeypatch.undo()
    assert sandbox.warm_parents.processes()[NUMPY] != before
    assert becomes_true(lambda: not alive(before))


# Other machines


def test_without_isolation_grading_refuses_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch):
    report = sandbox.Report((), ("Namespaces: not available (Operation not permitted).",), "Do so.")
    monkeypatch.setattr(provisioner, "probe", lambda: report)
    monkeypatch.setattr(provisioner, "way", lambda: report.way)
    with pytest.raises(sandbox.SandboxUnavailable, match=r"not permitted(.|\n)*Do so"):
        run("print('never')")


def test_without_isolation_on_explicit_wish_a_plain_kernel_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COURSE_SECRET", "known to the grader")
    session = run(
        "import os; print(os.getcwd(), os.environ.get('COURSE_SECRET'))",
        "import numpy as np; print(np.ones(3).sum())",
        "import scipy",
        "_ = open('left.txt', 'w').write('here')",
        isolation="none",
        scratch=tmp_path,
        seconds=60,
    )
    assert f"{tmp_path} None\n3.0\n" in session.text
    assert "ModuleNotFoundError" in session.text
    assert (tmp_path / "left.txt").read_text() == "here"
    assert session.ended is not None


def test_bubblewrap_holds_as_well(tmp_path: Path):
    require("bubblewrap")
    (tmp_path / "gradebook.db").write_text("grades")
    rows = sandbox.probe_table(NUMPY, isolation="bubblewrap", forbidden=(tmp_path,))
    assert len(rows) >= 18
    assert {row.what: row.outcome for row in rows if row.promised and not row.held} == {}
    assert [row.what for row in rows if not row.promised] == ["run machine code that was handed in"]
