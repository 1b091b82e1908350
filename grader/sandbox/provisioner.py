"""The kernel provisioner: how Jupyter's own machinery starts kernels in the sandbox.

It refuses to start a kernel that wouldn't be isolated, unless it is told `isolation="none"`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Dict, List, Unicode

from grader.contract.kernels import Profile
from grader.sandbox import bubblewrap, leftovers
from grader.sandbox.bounds import Bounds
from grader.sandbox.client import warm_parents
from grader.sandbox.errors import SandboxUnavailable
from grader.sandbox.plan import Plan, draw_up, unreadable
from grader.sandbox.probe import probe, way
from grader.sandbox.relay import Relay
from grader.sandbox.watch import Meter, Watch

_CHANNELS = ("hb", "shell", "control", "stdin", "iopub")
_SOCKETS = ("sockets", "held", "counted")
"""Folders: of a kernel's sockets; of links to those of a cold kernel, which could replace its own;
and of those that the grader connects to."""
_SECONDS_TO_START = 120
_SECONDS_TO_END = 20
_LONGEST_SOCKET_PATH = 90


@dataclass(frozen=True)
class Ended:
    """How a kernel ended."""

    code: int
    reason: str
    """Which bound it exceeded, in words; "" if it ended by itself or was told to."""
    peak_mb: float
    """Its own memory and its part of what it shares with the warm parent, in MiB."""
    cpu_seconds: float
    most_at_once: int = 0
    """Threads that ran at once, see `watch.Shares`; 0 where one did."""


class CourseProvisioner(LocalProvisioner):
    """Starts kernels in the sandbox; each setting comes from the kernelspec's metadata."""

    scratch = Unicode("", help="Folder copied to /scratch, and back when the kernel has ended.")
    read_only = List(Unicode(), help="Files and folders to be seen, at the same paths.")
    hidden = List(Unicode(), help="Files and folders among them not to be seen.")
    profile = Dict(help="Fields of grader.contract.kernels.Profile.")
    bounds = Dict(help="Fields of grader.sandbox.Bounds.")
    environment = Dict(help="Environment, beside safe defaults.  Paths in scratch are translated.")
    isolation = Unicode("auto", help='"auto", "direct", "bubblewrap" or "none".')

    ended: Ended | None = None
    """Set when the kernel has ended."""
    way = ""
    """"direct", "bubblewrap" or "none", once a kernel was asked for."""
    kernel_process = 0
    """Process id of a forked kernel, as the host counts."""

    _line: socket.socket | None = None
    _folder: Path | None = None
    _watcher: threading.Thread | None = None
    _looks: Watch | None = None
    _meter: Meter | None = None
    _relay: Relay | None = None

    @property
    def has_process(self) -> bool:
        """Whether a kernel runs, or has ended and was not waited for."""
        return self._line is not None or super().has_process

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Choose the way and the sockets.  Raises SandboxUnavailable if there is no isolation."""
        self.way = _choose(self.isolation)
        self.ended = self._meter = None
        if self._folder is None:
            self._folder = _private_folder()
        for left_over in (p for name in _SOCKETS for p in (self._folder / name).iterdir()):
            left_over.unlink()
        manager: Any = self.parent
        manager.transport = "ipc"
        manager.ip = str(self._folder / "counted" / "k")
        manager.connection_file = str(self._folder / "connection.json")
        kwargs["env"] = {}
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel; it listens when this returns.  Raises SandboxUnavailable."""
        try:
            return await self._launch(**kwargs)
        except BaseException:
            await self.cleanup()
            raise

    async def _launch(self, **kwargs: Any) -> KernelConnectionInfo:
        assert self._folder is not None
        bounds = Bounds(**self.bounds)
        plan = draw_up(
            self._folder,
            bounds,
            Profile.of(self.profile),
            Path(self.scratch) if self.scratch else None,
            map(Path, self.read_only),
            map(Path, self.hidden),
            self.environment,
            Path(kwargs["cwd"]) if kwargs.get("cwd") else None,
        )
        plan.connection = {
            key: value.decode() if isinstance(value, bytes) else value
            for key, value in self.connection_info.items()
        }
        if self.way == "direct":
            await self._fork(plan, bounds)
            await self._count_messages("sockets")
            return self.connection_info
        command = bubblewrap.cold_command(plan, bounds, isolated=self.way == "bubblewrap")
        kwargs.update(env={"PATH": os.defpath}, cwd=bubblewrap.start_folder(plan, self.way))
        # what it prints goes over its sockets; nothing may reach the grader's terminal
        kwargs.update(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        await super().launch_kernel(command, **kwargs)
        self._watch(bounds)
        await self._hold_sockets()
        await self._count_messages("held")
        return self.connection_info

    async def poll(self) -> int | None:
        """Exit code, or None while the kernel runs."""
        if self._line is None:
            return await super().poll() if super().has_process else (self._code() or 0)
        try:
            data = self._line.recv(65536)
        except BlockingIOError:
            return None
        except OSError:
            data = b""
        return self._take(data)

    async def wait(self) -> int | None:
        """Wait until the kernel has ended and its scratch folder is back."""
        if self._line is None:
            code = await super().wait() if super().has_process else self._code()
            while self._watcher is not None and self._watcher.is_alive():
                await asyncio.sleep(0.005)  # it takes down how the kernel ended
            return code
        while (code := await self.poll()) is None:
            await asyncio.sleep(0.005)
        self._line.close()
        self._line = None
        return code

    def cpu_seconds(self) -> float:
        """Processor time that everything which runs for this notebook has used, seen from outside;
        0 where that can't be seen."""
        return self._meter.look() if self._meter is not None else 0.0

    async def send_signal(self, signum: int) -> None:
        """Send a signal: to the kernel, or to everything if it is SIGKILL."""
        if self._line is None and self.way == "bubblewrap" and signum != signal.SIGKILL:
            if self._looks is not None and (inner := self._looks.processes()[1:]):
                with contextlib.suppress(OSError):
                    os.kill(inner[0], signum)  # bubblewrap itself would just end
        elif self._line is None:
            await super().send_signal(signum)
        elif self.ended is None:
            with contextlib.suppress(OSError):
                self._line.send(json.dumps({"signal": int(signum)}).encode())

    async def kill(self, restart: bool = False) -> None:
        """End everything that runs for this notebook; nothing does any more when this returns."""
        if self._line is None:
            if self._looks is not None:
                self._looks.look(exactly=True)  # for the record
            await super().kill(restart)
        else:
            await self.send_signal(signal.SIGKILL)
        deadline = time.monotonic() + _SECONDS_TO_END
        while await self.poll() is None and time.monotonic() < deadline:
            await asyncio.sleep(0.002)

    async def terminate(self, restart: bool = False) -> None:
        """The same: student code gets no say in when it ends."""
        await self.kill(restart)

    async def cleanup(self, restart: bool = False) -> None:
        """Make sure that nothing runs, and remove what belonged to it."""
        if self.has_process:
            await self.kill()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.wait(), _SECONDS_TO_END)
        if self._relay is not None:
            await self._relay.close()
            self._relay = None
        if self._folder is not None and not restart:
            leftovers.remove(self._folder)
            self._folder = None
        await super().cleanup(restart)

    async def _count_messages(self, place: str) -> None:
        """Put a relay between the kernel's sockets, in that folder, and whoever connects."""
        assert self._folder is not None
        names = [f"k-{self.connection_info[f'{c}_port']}" for c in _CHANNELS]  # type: ignore[literal-required]
        backs = [self._folder / place / name for name in names]
        fronts = [self._folder / "counted" / name for name in names]
        self._relay = Relay(backs, fronts, self._end_at_once)
        await self._relay.open()

    def _end_at_once(self) -> None:
        """End everything, from any thread."""
        with contextlib.suppress(OSError):
            if self._line is not None:
                self._line.send(json.dumps({"signal": int(signal.SIGKILL)}).encode())
            elif self.process is not None:
                os.killpg(self.process.pid, signal.SIGKILL)

    @property
    def _sent_too_much(self) -> str:
        return self._relay.reason if self._relay is not None else ""

    async def _hold_sockets(self) -> None:
        """Wait until a cold kernel listens, and link its sockets where it can't replace them.

        No student code has run by then.  Later it could lay links to sockets of the host in their
        place, and the grader would connect to those.
        """
        assert self._folder is not None
        deadline = time.monotonic() + _SECONDS_TO_START
        for name in [f"k-{self.connection_info[f'{c}_port']}" for c in _CHANNELS]:  # type: ignore[literal-required]
            source, target = self._folder / "sockets" / name, self._folder / "held" / name
            while not source.is_socket():
                if await self.poll() is not None or time.monotonic() > deadline:
                    raise SandboxUnavailable("the kernel ended or hangs before it listens")
                await asyncio.sleep(0.01)
            os.link(source, target, follow_symlinks=False)

    async def _fork(self, plan: Plan, bounds: Bounds) -> None:
        if path := unreadable(plan):
            raise SandboxUnavailable(
                f"{path} can't be read by others, and the kernel isn't run as root: "
                f"chmod -R a+rX {path}"
            )
        file = Path(plan.folder) / "plan.json"
        plan.save(file)
        self._line, parent = warm_parents.ask(Profile.of(self.profile), file, bounds)
        loop = asyncio.get_running_loop()
        try:
            data = await asyncio.wait_for(loop.sock_recv(self._line, 65536), _SECONDS_TO_START)
        except (TimeoutError, OSError):
            data = b""
        if not data:
            words = parent.last_words()
            self._line.close()
            self._line = None
            raise SandboxUnavailable(f"the warm parent ended or hangs; it said: {words[-1500:]}")
        message = json.loads(data)
        if "listening" not in message:
            self._take(data)
            self._line.close()
            self._line = None
            reason = message.get("reason") or message.get("error") or message
            raise SandboxUnavailable(f"no sandbox could be built: {reason}")
        self.kernel_process = message["kernel"]
        self._meter = Meter(message["first"], root_is_ours=True, most=bounds.processes)
        self.pid = message["kernel"]

    def _take(self, data: bytes) -> int | None:
        """Take a message; no data means that the warm parent is gone, and the kernel with it."""
        message: dict[str, Any] = (
            json.loads(data) if data else {"ended": -signal.SIGKILL, "reason": "killed"}
        )
        if self.ended is None and "ended" in message:
            self.ended = Ended(
                message["ended"],
                self._sent_too_much or message["reason"],
                message.get("peak_mb", 0.0),
                message.get("cpu_seconds", 0.0),
                message.get("most_at_once", 0),
            )
        return self._code()

    def _code(self) -> int | None:
        return self.ended.code if self.ended else None

    def _watch(self, bounds: Bounds) -> None:
        """Look after a kernel that no warm parent looks after, until it has ended."""
        if not sys.platform.startswith("linux"):
            return
        process = self.process
        assert process is not None
        assert self._folder is not None
        stored = [self._folder / "sockets", *([Path(self.scratch)] if self.scratch else [])]
        watch = self._looks = Watch(process.pid, bounds, stored)
        self._meter = Meter(process.pid, most=bounds.processes)

        def look() -> None:
            reason = ""
            while process.poll() is None:
                if not reason and (reason := watch.look()):
                    with contextlib.suppress(OSError):
                        os.killpg(process.pid, signal.SIGKILL)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.1)
            usage = watch.usage
            code = process.poll() or 0
            reason = self._sent_too_much or reason
            peak, spent = round(usage.peak_mb, 1), round(usage.cpu_seconds, 2)
            self.ended = Ended(code, reason, peak, spent, usage.most_at_once)

        self._watcher = threading.Thread(target=look, name="sandbox-watch", daemon=True)
        self._watcher.start()


def _choose(isolation: str) -> str:
    if isolation not in ("auto", "direct", "bubblewrap", "none"):
        raise ValueError(f"isolation {isolation!r}: choose auto, direct, bubblewrap or none")
    if isolation == "none":
        return isolation
    if isolation == "auto" and (best := way()):
        return best
    report = probe()
    if isolation in report.ways:
        return isolation
    raise SandboxUnavailable(str(report))


def _private_folder() -> Path:
    folder = leftovers.make("kernel")
    if len(str(folder)) > _LONGEST_SOCKET_PATH:  # paths of Unix sockets are short
        folder.rmdir()
        folder = leftovers.make("kernel", Path("/tmp"))
    for name in (*_SOCKETS, "root"):
        (folder / name).mkdir(mode=0o700)
    return folder
