"""How much memory and processor time a tree of processes uses, and whether that is too much.

Limits of the kernel of Linux bind single processes; this looks at all of a notebook's processes
from outside, where they can't see or stop it.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

from grader.sandbox.bounds import DEEPEST, MIB, Bounds

_EXACT_EVERY = 1.0
"""Seconds between exact looks at memory, which cost milliseconds each."""
_MANY_FILES = 20_000


@dataclass
class Usage:
    """What was used so far."""

    peak_mb: float = 0.0
    """Largest proportional share of memory (PSS) seen, in MiB."""
    cpu_seconds: float = 0.0


class Watch:
    """Looks after the processes below `root`."""

    def __init__(
        self, root: int, bounds: Bounds, scratch: Path | None = None, root_is_ours: bool = False
    ) -> None:
        self.root = root
        self.root_is_ours = root_is_ours
        """Process 1 of a sandbox, which is not counted, or the kernel itself, which is."""
        self.bounds = bounds
        self.scratch = scratch
        """A folder whose size is bounded by looking at it, where no file system does that."""
        self.usage = Usage()
        self._next_exact = time.monotonic() + _EXACT_EVERY

    def look(self, exactly: bool = False) -> str:
        """Which bound is exceeded, in words, or "".  exactly: whatever it costs."""
        processes = self.processes()
        if len(processes) > self.bounds.processes:
            return f"more than {self.bounds.processes} processes"
        spent = sum(_cpu_seconds(p) for p in processes)
        self.usage.cpu_seconds = max(self.usage.cpu_seconds, spent)
        if spent > self.bounds.cpu_seconds:
            return f"more than {self.bounds.cpu_seconds:g} seconds of processor time"
        now = time.monotonic()
        resident = sum(_resident(p) for p in processes)
        if exactly or resident > self.bounds.memory_mb * MIB or now >= self._next_exact:
            self._next_exact = now + _EXACT_EVERY
            share = sum(_share(p) for p in processes)
            self.usage.peak_mb = max(self.usage.peak_mb, share / MIB)
            if share > self.bounds.memory_mb * MIB:
                return f"more than {self.bounds.memory_mb} MB of memory"
            if self.scratch is not None:
                return _too_much_stored(self.scratch, self.bounds.scratch_mb)
        return ""

    def processes(self) -> list[int]:
        """Process ids, parents first; no more than the bound and one."""
        found: list[int] = []
        waiting = [self.root]
        while waiting and len(found) <= self.bounds.processes + 1:
            process = waiting.pop()
            found.append(process)
            with contextlib.suppress(OSError):
                for thread in Path(f"/proc/{process}/task").iterdir():
                    with contextlib.suppress(OSError):
                        waiting += map(int, (thread / "children").read_text().split())
        return found[1:] if self.root_is_ours else found


def _cpu_seconds(process: int) -> float:
    """User and system time of a process and of its children that have ended."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _resident(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf(
            "SC_PAGE_SIZE"
        )
    except (OSError, IndexError):
        return 0


def _share(process: int) -> int:
    """Bytes of memory; what several processes share counts in parts.  Resident size if refused."""
    try:
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return _resident(process)


def _too_much_stored(folder: Path, most_mb: int) -> str:
    """What there is too much of in a folder, in words, or ""."""
    total = files = 0
    for where, folders, names in os.walk(folder, followlinks=False):
        files += len(folders) + len(names)
        for name in names:
            with contextlib.suppress(OSError):
                facts = Path(where, name).lstat()
                total += facts.st_blocks * 512
        if files > _MANY_FILES or total > most_mb * MIB:
            return f"more than {most_mb} MB stored"
        if folders and len(Path(where).relative_to(folder).parts) >= DEEPEST:
            return f"folders nested more than {DEEPEST} deep"
    return ""
