"""The grader's end of the warm parents: starts them, replaces them, asks them for kernels."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from dataclasses import asdict
from pathlib import Path
from typing import IO

from grader.contract.kernels import Profile
from grader.sandbox.bounds import Bounds
from grader.sandbox.plan import threads_environment

FORKS_PER_PARENT = 2000
"""A warm parent that has forked this often is replaced, against whatever may pile up in it.  A new
one costs seconds, since it imports everything."""

MB_PER_PARENT = 1500
"""A warm parent that is larger is replaced; with all libraries imported, one takes 700."""

_HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
"""Memory in pages of 2 MB, where Linux has them: a fork, which copies their table, is faster."""

_ROOT = Path(__file__).resolve().parents[2]
_MAIN = "import os; exec(os.read(0, 65536)); work()"
"""What kernels see of a command line, and in their stack: what there is to do comes another way."""
_WORK = (
    "import os, sys; os.environ['HOME'] = {home!r}; "  # where matplotlib keeps its list of fonts
    "sys.path.insert(0, {root!r}); from grader.sandbox import server; "
    "sys.path.remove({root!r}); work = server.main({handle}, {grader}, {profile!r}); del server"
)


class _Parent:
    """One warm parent process."""

    def __init__(self, profile: Profile | None) -> None:
        self.forks = 0
        self.owner = os.getpid()
        self.line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the process
        work = _WORK.format(
            home=os.environ.get("HOME", "/"),
            root=str(_ROOT),
            handle=theirs.fileno(),
            grader=os.getpid(),
            profile=json.dumps(profile and asdict(profile)),
        )
        environment = {"PATH": os.defpath, "LANG": "C.UTF-8", **threads_environment()}
        environment |= _HUGE_PAGES
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-B", "-c", _MAIN],
                stdin=subprocess.PIPE,
                stdout=self.log,
                stderr=self.log,
                pass_fds=[theirs.fileno()],
                cwd="/",
                env=environment,
                start_new_session=True,
            )
        assert self.process.stdin is not None
        with contextlib.suppress(OSError), self.process.stdin as line:  # it will be missed
            line.write(work.encode())

    def usable(self) -> bool:
        alive = self.process.poll() is None
        return alive and self.forks < FORKS_PER_PARENT and self._resident_mb() < MB_PER_PARENT

    def _resident_mb(self) -> float:
        try:
            pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        except (OSError, IndexError):  # it has just ended, which asking it will show
            return 0.0
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20

    def ask(self, plan_file: Path, bounds: Bounds) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        request = {"plan": str(plan_file), "bounds": asdict(bounds)}
        try:
            socket.send_fds(self.line, [json.dumps(request).encode()], [theirs.fileno()])
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        self.forks += 1
        ours.setblocking(False)
        return ours

    def retire(self) -> None:
        """Take no more requests; end when the last kernel has."""
        with contextlib.suppress(OSError):
            self.line.send(json.dumps({"retire": True}).encode())

    def last_words(self) -> str:
        """End of what it printed, for an error message."""
        try:
            size = os.fstat(self.log.fileno()).st_size
            return os.pread(self.log.fileno(), 2000, max(0, size - 2000)).decode(errors="replace")
        except (OSError, ValueError):
            return ""


class WarmParents:
    """One warm parent per profile, for this process and all its threads.

    The profile None is for trials: its parent imports nothing, and its children are no kernels.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._parents: dict[Profile | None, _Parent] = {}
        self._retired: list[_Parent] = []

    def start(self, profile: Profile) -> None:
        """Begin to import, so that the first kernel needn't wait for it."""
        with self._lock:
            self._ready(profile)

    def ask(
        self, profile: Profile | None, plan_file: Path, bounds: Bounds
    ) -> tuple[socket.socket, _Parent]:
        """Ask for a kernel.  What comes of it is told on the socket, as JSON; see `server`."""
        with self._lock:
            parent = self._ready(profile)
            try:
                return parent.ask(plan_file, bounds), parent
            except OSError:  # it died between the look and the request
                del self._parents[profile]
                parent = self._ready(profile)
                return parent.ask(plan_file, bounds), parent

    def processes(self) -> dict[Profile | None, int]:
        """Profile -> process id of its warm parent."""
        with self._lock:
            return {name: p.process.pid for name, p in self._parents.items() if p.usable()}

    def close(self) -> None:
        """End every warm parent, and with them all kernels."""
        with self._lock:
            for parent in (*self._parents.values(), *self._retired):
                if parent.owner == os.getpid():
                    parent.line.close()
                    parent.process.kill()
                    parent.process.wait()
            self._parents.clear()
            self._retired.clear()

    def _ready(self, profile: Profile | None) -> _Parent:
        parent = self._parents.get(profile)
        if parent is not None and parent.owner != os.getpid():
            parent = None  # this process was forked; the parent belongs to another
            self._parents.clear()
            self._retired.clear()
        if parent is None or not parent.usable():
            self._retired = [p for p in self._retired if p.process.poll() is None]
            if parent is not None and parent.process.poll() is None:
                parent.retire()
                self._retired.append(parent)
            parent = self._parents[profile] = _Parent(profile)
        return parent


warm_parents = WarmParents()
atexit.register(warm_parents.close)
