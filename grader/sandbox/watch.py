"""How much memory and processor time a tree of processes uses, and whether that is too much.

Limits of the kernel of Linux bind single processes; this looks at all of a notebook's processes
from outside, where they can't see or stop it.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from grader.sandbox.bounds import DEEPEST, MIB, Bounds

_EXACT_EVERY = 1.0
"""Seconds between exact looks at memory, which cost milliseconds each."""
_MANY_FILES = 20_000
_MANY = 1.2
"""Processors that a notebook uses from which its threads are counted."""
_SESSION = 0
"""Stands for a process' session, in place of a thread."""
_NICEST, _STEP = 19, 1.25
"""Of two threads, the one that is nicer by one gets so much less (sched(7))."""


@dataclass
class Usage:
    """What was used so far."""

    peak_mb: float = 0.0
    """Largest proportional share of memory (PSS) seen, in MiB."""
    cpu_seconds: float = 0.0
    most_at_once: int = 0
    """Threads that ran at once, where more than one did."""


class Meter:
    """The processes below `root`, and the processor time that they have used.

    Two sums are made, and the larger one counts, since each misses something and neither counts
    anything twice: what every process seen so far has used itself (a process that nobody waits for
    takes its time with it when it ends), and what those that run have used with the children that
    they waited for (a process may have come and gone between two looks).
    """

    def __init__(
        self, root: int, root_is_ours: bool = False, most: int = Bounds.most_processes
    ) -> None:
        self.root = root
        self.root_is_ours = root_is_ours
        """Process 1 of a sandbox, which is not counted, or the kernel itself, which is."""
        self.most = most
        self.cpu_seconds = 0.0
        """As of the last look."""
        self._own: dict[tuple[int, int], float] = {}
        """(process id, when it started) -> seconds of its own; those that ran at the last look."""
        self._gone = 0.0

    def processes(self) -> list[int]:
        """Process ids, parents first; no more than the most and one."""
        found: list[int] = []
        waiting = [self.root]
        while waiting and len(found) <= self.most + 1:
            process = waiting.pop()
            found.append(process)
            with contextlib.suppress(OSError):
                for thread in Path(f"/proc/{process}/task").iterdir():
                    with contextlib.suppress(OSError):
                        waiting += map(int, (thread / "children").read_text().split())
        return found[1:] if self.root_is_ours else found

    def look(self, processes: list[int] | None = None) -> float:
        """Seconds of processor time used so far; never less than at the last look.

        processes: those that run, if that is known already.
        """
        running = self.processes() if processes is None else processes
        times = [found for process in running if (found := _times(process))]
        own = {(found.process, found.started): found.own for found in times}
        self._gone += sum(used for key, used in self._own.items() if key not in own)
        self._own = own
        waited_for = sum(found.own + found.children for found in times)
        if self.root_is_ours and (first := _times(self.root)):
            waited_for += first.children  # orphans, for which it waits
        self.cpu_seconds = max(self.cpu_seconds, waited_for, self._gone + sum(own.values()))
        return self.cpu_seconds


class Shares:
    """Sees to it that all that computes for a notebook gets no more than if it were one thread.

    Linux shares processors between threads, and where it groups them, between sessions: who starts
    more gets more.  So many as run at once are made so much nicer, which can't be taken back.
    """

    def __init__(self) -> None:
        self.most = 0
        """Threads that ran, or could have, at once."""
        self._nice: dict[tuple[int, int], int] = {}
        """(process, thread) -> what it was told."""

    def look(self, processes: list[int]) -> None:
        """Count, and make nice."""
        threads: list[tuple[int, int]] = []
        sessions: dict[int, int] = {}
        for process in processes:
            with contextlib.suppress(OSError):
                for folder in Path(f"/proc/{process}/task").iterdir():
                    with contextlib.suppress(OSError, IndexError):
                        told = (folder / "stat").read_text().rpartition(")")[2].split()
                        if told[0] == "R":
                            threads.append((process, int(folder.name)))
                            sessions.setdefault(int(told[3]), process)
        self.most = max(self.most, len(threads))
        for process, thread in threads:
            self._tell(process, thread, len(threads))
        for process in sessions.values():
            self._tell(process, _SESSION, len(sessions))

    def _tell(self, process: int, thread: int, among: int) -> None:
        nice = min(_NICEST, round(math.log(among, _STEP)))
        if nice > self._nice.get((process, thread), 0):
            with contextlib.suppress(OSError):  # it has ended; or no sessions here; or too soon
                if thread == _SESSION:
                    Path(f"/proc/{process}/autogroup").write_text(str(nice))
                else:
                    os.setpriority(os.PRIO_PROCESS, thread, nice)
                self._nice[process, thread] = nice


class Watch:
    """Looks after the processes below `root`."""

    def __init__(
        self, root: int, bounds: Bounds, stored: Sequence[Path] = (), root_is_ours: bool = False
    ) -> None:
        self.meter = Meter(root, root_is_ours, bounds.processes)
        self.bounds = bounds
        self.stored = stored
        """Folders whose size is bounded by looking at them, where no file system does that."""
        self.usage = Usage()
        self.shares = Shares()
        self._next_exact = time.monotonic() + _EXACT_EVERY
        self._looked = time.monotonic()

    def look(self, exactly: bool = False) -> str:
        """Which bound is exceeded, in words, or "".  exactly: whatever it costs."""
        processes = self.meter.processes()
        if len(processes) > self.bounds.processes:
            return f"more than {self.bounds.processes} processes"
        before, then = self.usage.cpu_seconds, self._looked
        self.usage.cpu_seconds = spent = self.meter.look(processes)
        self._looked = time.monotonic()
        if len(processes) > 1 or spent - before > _MANY * (self._looked - then):
            self.shares.look(processes)
            self.usage.most_at_once = self.shares.most
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
            for folder in self.stored:
                if reason := _too_much_stored(folder, self.bounds.scratch_mb):
                    return reason
        return ""

    def processes(self) -> list[int]:
        """Process ids, parents first; no more than the bound and one."""
        return self.meter.processes()


class _Times(NamedTuple):
    """Processor time of a process."""

    process: int
    started: int
    """In ticks since the machine started: with the id it tells a process from a later one."""
    own: float
    children: float
    """Of those that have ended and that it has waited for."""


def _times(process: int) -> _Times | None:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        user, system, children_user, children_system = map(int, fields[11:15])
        started = int(fields[19])
    except (OSError, ValueError, IndexError):
        return None
    tick = os.sysconf("SC_CLK_TCK")
    own, children = (user + system) / tick, (children_user + children_system) / tick
    return _Times(process, started, own, children)


def _resident(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf(
            "SC_PAGE_SIZE"
        )
    except (OSError, IndexError):
        return 0


def _share(process: int) -> int:
    """Bytes of memory, tables of pages included; what several processes share counts in parts.
    Resident size if refused."""
    tables = _told(process, "status", "VmPTE:") or 0
    share = _told(process, "smaps_rollup", "Pss:")
    return tables + (_resident(process) if share is None else share)


def _told(process: int, file: str, name: str) -> int | None:
    """Bytes that a line of a file about a process says; None if there is none."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process}/{file}").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return None


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
