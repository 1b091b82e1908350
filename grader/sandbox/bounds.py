"""What one notebook may use of the machine, and the part of it that the kernel of Linux enforces.

Resource limits bind each process alone; what several processes use together is bounded by
`grader.sandbox.watch`.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

with contextlib.suppress(ImportError):  # Windows: `probe` says that notebooks can't be graded there
    import resource

MIB = 1024 * 1024
DEEPEST = 50
"""Levels of folders in a notebook's scratch space that are looked into from outside."""
MESSAGE_BYTES = 32 * MIB
"""Largest message that a kernel may send, all of its parts together."""
MESSAGES_WAITING = 4
"""Most messages received from a kernel on one channel and not yet looked at."""
THREADS_PER_CPU = 16
"""TensorFlow and its libraries start several pools with one thread per processor."""

_FEWEST_HANDLES = 128
"""A kernel with TensorFlow has about 65."""
_ONE_MESSAGE = 64 * 1024
"""Bytes; a socket takes one more message when its buffer is nearly full."""


@dataclass(frozen=True)
class Bounds:
    """Bounds for everything that runs on behalf of one notebook."""

    memory_mb: int = 4096
    """Memory of all its processes together, beyond what the warm parent shares with them."""
    cpu_seconds: float = 600
    """Processor time of all its processes together."""
    most_processes: int = 64
    files_mb: int = 128
    """Largest single file."""
    scratch_mb: int = 512
    """Everything it may store: scratch folder, /tmp and shared memory together."""

    @property
    def processes(self) -> int:
        """How many it may have: so many that all their handles fit into `memory_mb`."""
        fitting = self.memory_mb * MIB // (_FEWEST_HANDLES * _held_by_a_socket()) - 1
        return max(1, min(self.most_processes, fitting))

    @property
    def open_files(self) -> int:
        """Handles of each process.

        What lies in sockets is memory that no process is charged with.  Larger buffers are refused
        by `seccomp`, so all together hold at most `processes` + 1 times `open_files` sockets; the
        one more is for handles under way from one to another, of which Linux allows a user as many
        as one process may have.  Pipes have a bound for each user of their own.
        """
        fitting = self.memory_mb * MIB // ((self.processes + 1) * _held_by_a_socket())
        return max(_FEWEST_HANDLES, min(1024, fitting))

    @property
    def threads(self) -> int:
        """Bound that RLIMIT_NPROC gets, which counts threads."""
        return self.processes + 256 + THREADS_PER_CPU * (os.cpu_count() or 1)


def apply_limits(bounds: Bounds, others: int) -> None:
    """Limit the calling process and its children to come; can't be undone without privileges.

    others: threads of the same user that the kernel of Linux counts together with this notebook's.
    """
    used_data, used_all = _memory_in_use()
    memory = bounds.memory_mb * MIB
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: bounds.files_mb * MIB,
        resource.RLIMIT_NOFILE: bounds.open_files,
        resource.RLIMIT_CPU: int(bounds.cpu_seconds) + 1,
        resource.RLIMIT_DATA: used_data + memory,
        # Thread stacks and allocator arenas reserve address space that is never touched.
        resource.RLIMIT_AS: used_all + 2 * memory + 8192 * MIB,
        resource.RLIMIT_NPROC: bounds.threads + others,
        getattr(resource, "RLIMIT_MSGQUEUE", -1): 0,
        getattr(resource, "RLIMIT_MEMLOCK", -1): 8 * MIB,
    }
    for which, value in limits.items():
        if which < 0:
            continue
        _, hard = resource.getrlimit(which)
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        try:
            resource.setrlimit(which, (value, value))
        except (ValueError, OSError):  # macOS refuses some of them; the watch still holds
            continue


@cache
def _held_by_a_socket() -> int:
    """Bytes that a socket holds at most if nobody asks for more."""
    try:
        usual = int(Path("/proc/sys/net/core/wmem_default").read_text())
    except (OSError, ValueError):
        usual = 208 * 1024
    return usual + _ONE_MESSAGE


def _memory_in_use() -> tuple[int, int]:
    """Bytes of writable private memory and of address space that this process has now."""
    try:
        fields = Path("/proc/self/statm").read_text().split()
    except OSError:
        return 256 * MIB, 1024 * MIB
    page = resource.getpagesize()
    return int(fields[5]) * page, int(fields[0]) * page
