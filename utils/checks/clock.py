"""How long one call of a student's function may take, measured where it runs.

What counts is processor time, which a busy machine does not use up: that of this process, all its
threads and all its children.  Beside it runs a clock, since one who sleeps computes nothing.

This is there to be fair, not to be safe: whoever owns the process can stop it, or say that time was
up when it wasn't.  Neither gains anything.  The harness measures cells and notebooks from outside,
and a call whose time is up is worth nothing, or is tried again without a word about the first time.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

CLOCK = 5
"""So many times longer than it may compute may a call take by the clock."""

_SHORTEST = 0.05
_AGAIN = 1.0
"""Seconds until a call that went on after its time is told so again."""


class CallTimeout(Exception):
    """One call of a student's function took too long."""


def processor_seconds() -> float:
    """What this process, all its threads and all its children have used so far."""
    ended = os.times()
    running = sum(_used(child) for child in _below("self")) if _has_children() else 0.0
    return time.process_time() + ended.children_user + ended.children_system + running


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise CallTimeout in what takes more processor time, or five times as long by the clock.

    seconds: 0 for no limit.  On Windows and outside the main thread nothing is ended: what took
    too long is told so afterwards.
    """
    usable = hasattr(signal, "SIGALRM") and threading.current_thread() is threading.main_thread()
    if not seconds:
        yield
        return
    if not usable:
        yield from _measured(seconds)
        return
    began, used_before = time.monotonic(), processor_seconds()
    over = False

    def left() -> tuple[float, float]:
        computing = seconds - (processor_seconds() - used_before)
        return computing, CLOCK * seconds - (time.monotonic() - began)

    def ring(*_: object) -> None:
        if over:
            return
        computing, waiting = left()
        if min(computing, waiting) > 0:
            signal.setitimer(signal.ITIMER_REAL, max(_SHORTEST, min(computing, waiting)))
            return
        signal.setitimer(signal.ITIMER_REAL, _AGAIN)  # it may be caught and thrown away
        raise CallTimeout(_told(seconds, computing))

    previous = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        try:
            yield
        finally:
            over = True  # from here on nothing may be raised but what is raised here
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    computing, waiting = left()
    if min(computing, waiting) < 0:  # it didn't let itself be ended, or other processes computed
        raise CallTimeout(_told(seconds, computing))


def _measured(seconds: float) -> Iterator[None]:
    """What `limited` can do where nothing rings."""
    before = processor_seconds()
    yield
    left = seconds - (processor_seconds() - before)
    if left < 0:
        raise CallTimeout(_told(seconds, left))


def _told(seconds: float, computing: float) -> str:
    if computing <= 0:
        return f"no result after {seconds:g} seconds of processor time"
    return f"no result after {CLOCK * seconds:g} seconds"


def _has_children() -> bool:
    """Cheaper than to look for them; True where it can't be known."""
    if hasattr(os, "waitid"):
        try:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except OSError:
            return False
    return True


def _below(process: str) -> Iterator[str]:
    """The processes below one that still run, where Linux tells."""
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{process}/task").iterdir():
            children: list[str] = []
            with contextlib.suppress(OSError):
                children = (thread / "children").read_text().split()
            for child in children:
                yield child
                yield from _below(child)


def _used(process: str) -> float:
    """Seconds of a process and of its children that have ended."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return 0.0
