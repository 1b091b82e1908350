"""Processor time, as seen from outside: of everything that runs, however it tries to hide it."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from grader.sandbox.watch import Meter

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
