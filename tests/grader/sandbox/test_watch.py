"""Processor time, as seen from outside: of everything that runs, however it tries to hide it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grader.sandbox.bounds import Bounds
from grader.sandbox.watch import Meter, Watch

SPINS = "import time\nwhile time.process_time() < 0.4: pass\n"

CHAINS = {
    "children that are waited for": "for _ in range(3): subprocess.run(spins)",
    "children that nobody waits for": (
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "for _ in range(3):\n"
        "    subprocess.Popen(spins)\n"
        "    time.sleep(1)"
    ),
    "all at once": ("for running in [subprocess.Popen(spins) for _ in range(3)]: running.wait()"),
}


@pytest.mark.parametrize("how", CHAINS)
def test_what_has_ended_still_counts(how: str) -> None:
    code = (
        f"import signal, subprocess, sys, time\nspins = [sys.executable, '-S', '-c', {SPINS!r}]\n"
    )
    process = subprocess.Popen([sys.executable, "-c", f"{code}{CHAINS[how]}\ntime.sleep(60)"])
    meter = Meter(process.pid)
    try:
        until = time.monotonic() + 30
        seen = [meter.look()]
        while seen[-1] < 1.0 and time.monotonic() < until:
            time.sleep(0.05)
            seen.append(meter.look())
        assert seen == sorted(seen)
        assert seen[-1] >= 1
        time.sleep(1)
        assert meter.look() < 2.5, "something was counted twice"
    finally:
        process.kill()
        process.wait()
    assert meter.look() == meter.cpu_seconds >= 1


@pytest.mark.parametrize("apart", [True, False], ids=["each in its session", "in one session"])
def test_who_starts_many_gets_no_more_than_who_starts_one(apart: bool) -> None:
    """A weight that 12 share is that of one: it is 12 times less than usual for each."""
    code = (
        "import os, subprocess, sys, time\n"
        "start, end = os.pipe()\n"  # they begin when it is closed, and what started them sleeps
        "spin = 'import sys; sys.stdin.read()\\nwhile True: pass'\n"
        "for _ in range(12):\n"
        f"    subprocess.Popen([sys.executable, '-S', '-c', spin], stdin=start,"
        f" start_new_session={apart})\n"
        "time.sleep(1)\n"
        "os.close(end)\n"
        "time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    watch = Watch(process.pid, Bounds())
    try:
        until = time.monotonic() + 20
        while watch.usage.most_at_once < 12 and time.monotonic() < until:
            assert watch.look() == ""
            time.sleep(0.1)
        spinning = [p for p in watch.processes() if p != process.pid]
        assert watch.usage.most_at_once == len(spinning) == 12
        assert {os.getpriority(os.PRIO_PROCESS, p) for p in spinning} == {11}  # 1.25 ** 11 = 12
        if apart and Path("/proc/self/autogroup").exists():
            groups = {Path(f"/proc/{p}/autogroup").read_text().split()[-1] for p in spinning}
            assert groups == {"11"}
    finally:
        for running in watch.processes():
            os.kill(running, signal.SIGKILL)
        process.wait()


def test_tables_of_pages_are_memory_too() -> None:
    code = (
        "import ctypes, sys, time\n"
        "libc = ctypes.CDLL(None)\n"
        "libc.mmap.restype = ctypes.c_void_p\n"
        "where = libc.mmap(None, ctypes.c_size_t(4 << 30), 1, 0x4022, -1, ctypes.c_long(0))\n"
        "for place in range(where, where + (4 << 30), 2 << 20):\n"
        "    ctypes.c_byte.from_address(place).value\n"
        "print('read', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-S", "-c", code], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None and process.stdout.readline() == b"read\n"
        watch = Watch(process.pid, Bounds())
        watch.look(exactly=True)
        in_sight = watch.usage.peak_mb
        tables = Path(f"/proc/{process.pid}/status").read_text().split("VmPTE:")[1].split()[0]
        share = Path(f"/proc/{process.pid}/smaps_rollup").read_text().split("Pss:")[1].split()[0]
        assert int(tables) / 1024 > 8  # 2048 tables of a page each
        assert in_sight == pytest.approx((int(tables) + int(share)) / 1024, abs=1)
    finally:
        process.kill()
        process.wait()
