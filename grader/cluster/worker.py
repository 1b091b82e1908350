"""What runs on a worker: one job, given and handed back as bytes.

A worker process never runs a student's code; `execute` does that in a sandbox, as it does on the
grader's own machine.  This module imports little, since the scheduler imports it, too.
"""

from __future__ import annotations

import socket
import threading
from typing import Any

import msgspec

from grader.cluster.errors import OtherVersion
from grader.cluster.version import course_version
from grader.errors import CourseError

ASIDE = 240
"""Seconds that a job may take beside its cells: a warm parent imports, a kernel starts and ends."""


class WorkerTrouble(Exception):
    """A job failed, or hangs, by no doing of its notebook's: (what happened, address)."""

    def __str__(self) -> str:
        return f"{self.args[0]}, on {self.args[1]}"


def run_job(data: bytes, version: str, seconds: float) -> bytes:
    """Execute a packed job; returns the packed outcome.

    version: the grader's; raises OtherVersion if it isn't this worker's, too.
    seconds: after which something other than its notebook must be stuck.
    Raises WorkerTrouble for what may go well on another worker, SandboxUnavailable for what won't.
    """
    mine = course_version()
    if mine != version:
        raise OtherVersion(differing(version, {socket.gethostname(): mine}))
    # the scheduler imports this module, and has no use for kernels
    from grader.executing.execute import Job, execute

    job = msgspec.msgpack.decode(data, type=Job)
    found: dict[str, Any] = {}

    def run() -> None:
        try:
            found["outcome"] = msgspec.msgpack.encode(execute(job))
        except BaseException as error:
            found["error"] = error

    # a thread that can be left behind: what hangs in the system can't be ended from here
    thread = threading.Thread(target=run, name=f"job {job.label}", daemon=True)
    thread.start()
    thread.join(seconds)
    if isinstance(found.get("error"), CourseError):
        raise found["error"]  # no sandbox here: a human must see to it
    if "outcome" not in found:
        error = found.get("error", TimeoutError(f"no end after {seconds:.0f} seconds"))
        raise WorkerTrouble(f"{type(error).__name__}: {error}", _address())
    return found["outcome"]


def _address() -> str:
    from distributed import get_worker  # Dask takes its time to import

    try:
        return get_worker().address
    except ValueError:  # called without a cluster
        return socket.gethostname()


def differing(ours: str, theirs: dict[str, str]) -> str:
    """Words for versions that differ.  theirs: name of a worker -> its version."""
    lines = [f"worker {name} has  {version}" for name, version in sorted(theirs.items())]
    return "\n  ".join(
        [
            "the workers have another version of the course than the grader; install the same one:",
            f"the grader has  {ours}",
            *lines[:8],
        ]
    )
