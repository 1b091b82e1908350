"""What a call may take: processor time, wherever it is used, and five times that by the clock."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from utils.checks.clock import CLOCK, CallTimeout, limited, processor_seconds

SPIN = "while True: pass"


def compute(seconds: float) -> None:
    """Use processor time of this thread."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def test_waiting_for_a_processor_costs_nothing() -> None:
    began = time.monotonic()
    with limited(1.2):
        compute(0.2)
        time.sleep(1.5)  # as on a machine that is busy with others
        compute(0.2)
    assert time.monotonic() - began > 1.5


def test_a_call_that_computes_too_long_ends() -> None:
    began = processor_seconds()
    with pytest.raises(CallTimeout, match=r"0\.3 seconds of processor time"), limited(0.3):
        compute(60)
    assert processor_seconds() - began < 1


def test_a_sleeper_ends_by_the_clock() -> None:
    began = time.monotonic()
    with pytest.raises(CallTimeout, match=r"no result after 1 seconds$"), limited(1 / CLOCK):
        time.sleep(60)
    assert 0.9 < time.monotonic() - began < 20


@pytest.mark.parametrize("waits", [True, False], ids=["waits for them", "leaves them alone"])
def test_what_children_compute_counts(waits: bool) -> None:
    processes = []
    try:
        with pytest.raises(CallTimeout, match="processor time"), limited(0.5):
            processes = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(2)]
            while waits:
                time.sleep(0.1)
            time.sleep(2.4)
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_a_call_that_catches_its_end_is_told_again_and_what_it_returns_is_late() -> None:
    caught = []
    with pytest.raises(CallTimeout), limited(0.1):
        while len(caught) < 2:
            try:
                compute(60)
            except CallTimeout as error:
                caught.append(error)
    with pytest.raises(CallTimeout), limited(0.1):
        signal.setitimer(signal.ITIMER_REAL, 0)
        compute(0.3)


def test_nothing_rings_afterwards_and_there_may_be_no_limit() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with limited(0.2):
        pass
    with limited(0):
        assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    compute(0.5)
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    assert signal.getsignal(signal.SIGALRM) is before
