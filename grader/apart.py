"""Work on hostile text in a process of its own, which ends when its time is up.

Other people's parsers of Markdown and code promise nothing about odd text.  What they are given
here costs so many seconds of the processor and so much memory, and never the run.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

MEMORY_MB = 2048
"""Of the process: more than that of a grader that reads the largest notebook."""

_BY_THE_CLOCK = 20
"""So many times its processor time may a task take by the clock, on a machine that is busy."""
_ROOT = Path(__file__).resolve().parents[1]
_MAIN = "import sys; sys.path.insert(0, {root!r}); from grader import apart; apart._serve({handle})"


class TooMuch(Exception):
    """A task took more time or memory than it was given, or raised."""


def call(seconds: float, function: Callable[..., T], *arguments: Any) -> T:
    """The value of a function of a module, with arguments and a value that can be pickled.

    seconds: of processor time.  Raises TooMuch.
    """
    with _lock:
        return _worker().ask(seconds, function, arguments)


class _Worker:
    """One process, warm until a task is too much for it."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.line, theirs = Pipe()
        command = _MAIN.format(root=str(_ROOT), handle=theirs.fileno())
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-B", "-c", command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C is for the grader to handle
            )

    def ask(self, seconds: float, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        try:
            self.line.send((seconds, function, arguments))
            if not self.line.poll(_BY_THE_CLOCK * (seconds + 1)):
                raise EOFError
            raised, value = self.line.recv()
        except (EOFError, OSError):
            self.end()
            raise TooMuch(f"it took more than {seconds:g} seconds") from None
        except BaseException:  # an answer is under way that nobody waits for any more
            self.end()
            raise
        if raised:
            raise TooMuch(value)
        return value

    def end(self) -> None:
        self.line.close()
        if self.owner == os.getpid():
            self.process.kill()
            self.process.wait()


_lock = threading.Lock()
_kept: list[_Worker] = []


def _worker() -> _Worker:
    if _kept and (_kept[0].line.closed or _kept[0].owner != os.getpid()):
        _kept.clear()  # ended, or that of the process from which this one was forked
    if not _kept:
        _kept.append(_Worker())
    return _kept[0]


@atexit.register
def close() -> None:
    """End the process, if there is one."""
    while _kept:
        _kept.pop().end()


def _serve(handle: int) -> None:
    import resource  # not on Windows, where it is read and never run

    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_MB * 2**20, MEMORY_MB * 2**20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    line = Connection(handle)
    with contextlib.suppress(EOFError, OSError):
        while True:
            seconds, function, arguments = line.recv()
            signal.setitimer(signal.ITIMER_PROF, seconds)  # nothing catches it: the process ends
            try:
                answer = False, function(*arguments)
            except (Exception, RecursionError) as error:
                answer = True, f"{type(error).__name__}: {error}"[:300]
            signal.setitimer(signal.ITIMER_PROF, 0)
            line.send(answer)
