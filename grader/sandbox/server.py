"""The warm parent: imports once, then forks one sandboxed kernel per request.

It is a process of its own with a clean environment and no secrets, and it never runs a student's
code.  It reads where a plan lies and never what is in it, so that no kernel can find in its memory
what was meant for another.  It ends with the grader, and its kernels end with it.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import selectors
import shutil
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from grader.sandbox import child, kernel
from grader.sandbox.bounds import Bounds
from grader.sandbox.watch import Usage, Watch

_TICK = 0.1
_SECONDS_TO_START = 60
_MESSAGE = 65536


@dataclass
class _Kernel:
    """One running sandbox, as the warm parent sees it."""

    line: socket.socket
    """To the grader; when it closes, the kernel ends."""
    reports: socket.socket
    """From the sandbox, until it listens."""
    folder: Path
    keeper: int
    keeper_handle: int
    bounds: Bounds
    started: float = field(default_factory=time.monotonic)
    first: int = 0
    first_handle: int = -1
    kernel_handle: int = -1
    listening: bool = False
    watch: Watch | None = None
    reason: str = ""


class Server:
    """Accepts requests on `line`, which only the grader holds the other end of."""

    def __init__(self, line: socket.socket, grader: int) -> None:
        self.line = line
        self.grader = os.pidfd_open(grader)
        self.selector = selectors.DefaultSelector()
        self.selector.register(line, selectors.EVENT_READ, self._request)
        self.selector.register(self.grader, selectors.EVENT_READ, self._orphaned)
        self.kernels: list[_Kernel] = []
        self.retired = False
        self.next_look = 0.0

    def run(self) -> socket.socket | None:
        """Serve.  Returns a socket in each forked kernel, and None in the server at the end."""
        while not (self.retired and not self.kernels):
            for key, _ in self.selector.select(_TICK):
                forked = key.data(key)
                if forked is not None:
                    return forked
            if time.monotonic() >= self.next_look:
                self.next_look = time.monotonic() + _TICK
                for running in list(self.kernels):
                    self._look_after(running)
        return None

    def _orphaned(self, _: selectors.SelectorKey) -> NoReturn:
        """The grader is gone: end what runs for it, and remove what it can't remove any more."""
        for running in self.kernels:
            self._kill(running)
        for running in self.kernels:
            os.waitpid(running.keeper, 0)
            shutil.rmtree(running.folder, ignore_errors=True)
        os._exit(0)

    def _request(self, key: selectors.SelectorKey) -> socket.socket | None:
        try:
            data, handles, _, _ = socket.recv_fds(self.line, _MESSAGE, 4)
        except ConnectionError:
            data, handles = b"", []
        if not data:
            self._orphaned(key)
        request = json.loads(data)
        if "retire" in request:
            self.retired = True
            self.selector.unregister(self.line)
            return None
        line = socket.socket(fileno=handles[0])
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        parent = os.getpid()
        try:
            process = os.fork()
        except OSError as error:
            _tell(line, {"error": f"fork: {error}"})
            for end in (line, ours, theirs):
                end.close()
            return None
        if process == 0:
            self._let_go()
            line.close()
            ours.close()
            return child.keeper(request["plan"], theirs, parent)
        theirs.close()
        ours.setblocking(False)
        line.setblocking(False)
        bounds = Bounds(**request["bounds"])
        folder = Path(request["plan"]).parent
        running = _Kernel(line, ours, folder, process, os.pidfd_open(process), bounds)
        self.kernels.append(running)
        self.selector.register(ours, selectors.EVENT_READ, lambda _: self._reported(running))
        self.selector.register(line, selectors.EVENT_READ, lambda _: self._command(running))
        self.selector.register(
            running.keeper_handle, selectors.EVENT_READ, lambda _: self._ended(running)
        )
        return None

    def _let_go(self) -> None:
        """In a fork: close what is the server's, before its numbers are used for something else."""
        self.selector.close()
        self.line.close()
        for running in self.kernels:
            running.line.close()
            running.reports.close()

    def _reported(self, running: _Kernel) -> None:
        try:
            space = socket.CMSG_SPACE(struct.calcsize("3i"))
            data, ancillary, _, _ = running.reports.recvmsg(_MESSAGE, space)
        except OSError:
            data, ancillary = b"", []
        if not data:
            self.selector.unregister(running.reports)
            running.reports.close()
            return
        message = json.loads(data)
        process = struct.unpack("3i", ancillary[0][2])[0] if ancillary else 0
        if "error" in message:
            running.reason = message["error"]
            self._kill(running)
        elif "first" in message and not running.first:
            running.first, running.first_handle = process, os.pidfd_open(process)
            running.watch = Watch(process, running.bounds, root_is_ours=True)
        elif "listening" in message and not running.listening:
            running.listening = True
            with contextlib.suppress(OSError):  # a trial has ended by now
                running.kernel_handle = os.pidfd_open(process)
            _tell(running.line, {"listening": True, "first": running.first, "kernel": process})

    def _command(self, running: _Kernel) -> None:
        try:
            data = running.line.recv(_MESSAGE)
        except OSError:
            data = b""
        if not data:
            self.selector.unregister(running.line)
            self._kill(running)
            return
        number = json.loads(data)["signal"]
        if number == signal.SIGKILL:
            self._kill(running)
        elif running.kernel_handle >= 0:
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(running.kernel_handle, number)

    def _look_after(self, running: _Kernel) -> None:
        if not running.listening and time.monotonic() - running.started > _SECONDS_TO_START:
            running.reason = running.reason or "the sandbox could not be built in time"
            self._kill(running)
        elif running.watch is not None and (reason := running.watch.look()):
            running.reason = running.reason or reason
            self._kill(running)

    def _kill(self, running: _Kernel) -> None:
        """End process 1 and with it all in its namespace; the keeper then ends by itself."""
        if running.watch is not None:
            running.watch.look(exactly=True)  # for the record
        handle = running.first_handle if running.first_handle >= 0 else running.keeper_handle
        with contextlib.suppress(OSError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)

    def _ended(self, running: _Kernel) -> None:
        _, status = os.waitpid(running.keeper, 0)
        self._reported_late(running)
        usage = running.watch.usage if running.watch else Usage()
        _tell(
            running.line,
            {
                "ended": os.waitstatus_to_exitcode(status),
                "reason": running.reason,
                "peak_mb": round(usage.peak_mb, 1),
                "cpu_seconds": round(usage.cpu_seconds, 2),
                "most_at_once": usage.most_at_once,
            },
        )
        self.kernels.remove(running)
        for registered in (running.line, running.reports, running.keeper_handle):
            with contextlib.suppress(KeyError, ValueError):
                self.selector.unregister(registered)
        for end in (running.line, running.reports):
            end.close()
        for handle in (running.keeper_handle, running.first_handle, running.kernel_handle):
            if handle >= 0:
                os.close(handle)

    def _reported_late(self, running: _Kernel) -> None:
        """Reports that came together with the end."""
        while running.reports.fileno() >= 0 and select.select([running.reports], [], [], 0)[0]:
            self._reported(running)


def _tell(line: socket.socket, message: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):  # the grader has let go
        line.send(json.dumps(message).encode())


def main(handle: int, grader: int, wanted: str) -> Callable[[], None]:
    """Serve; returns what is left to do, which in each kernel is to be one.

    handle: of the socket.  grader: its process id.  wanted: a profile as JSON, or null for no
    imports.
    """
    line = socket.socket(fileno=handle)
    profile = json.loads(wanted)
    if os.getppid() != grader:
        return _nothing
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the grader to handle
    gc.disable()  # imports make no garbage, and looking for it takes a third of their time
    if profile is not None:
        try:
            blocker = kernel.preload(profile["preload"], profile["refused"])
        except ImportError as error:  # the grader hands this on
            sys.exit(f"the notebook's kernel profile can't be had: {error}")
        sys.meta_path.remove(blocker)  # in a sandbox the file system refuses
    gc.freeze()  # so that a collection in a child doesn't copy every page
    gc.enable()
    return _nothing if Server(line, grader).run() is None else _be_a_kernel


def _nothing() -> None:
    """The server has come to its end."""


def _be_a_kernel() -> None:
    """The frames and objects of the server are behind it."""
    kernel.forget_the_grader()
    kernel.serve()
    os._exit(0)
