"""A busy machine: processes that compute and are nobody's children."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SPIN = "while True: pass"


@contextmanager
def busy_machine(spinners: int) -> Iterator[None]:
    """So many processes compute meanwhile, which the calling one is not asked to answer for."""
    start = f"for _ in $(seq {spinners}); do '{sys.executable}' -S -c '{SPIN}' >&- & echo $!; done"
    told = subprocess.run(["sh", "-c", start], stdout=subprocess.PIPE, check=True, text=True)
    try:
        yield
    finally:
        for process in map(int, told.stdout.split()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
