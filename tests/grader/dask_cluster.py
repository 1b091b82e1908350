"""A Dask cluster of real processes, for tests that stop and kill them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from grader import places

_SECONDS = 60


class DaskCluster:
    """A scheduler and workers; each is a session of its own and ends with the test."""

    def __init__(self, folder: Path, host: str = "127.0.0.1", prefix: Sequence[str] = ()) -> None:
        """prefix: what the scheduler's command begins with, to run it elsewhere."""
        self.folder, self.host, self.prefix = folder, host, list(prefix)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.processes: list[subprocess.Popen] = []
        self.scheduler: subprocess.Popen | None = None

    @property
    def address(self) -> str:
        return f"tcp://{self.host}:{self.port}"

    def start_scheduler(self, **settings: str) -> None:
        command = ["scheduler", "--host", self.host, "--port", str(self.port), "--no-dashboard"]
        self.scheduler = self._start(command, settings, self.prefix)

    def start_worker(
        self, threads: int = 1, prefix: Sequence[str] = (), **settings: str
    ) -> subprocess.Popen:
        command = ["worker", self.address, "--nthreads", str(threads), "--no-dashboard"]
        command += ["--no-nanny", "--memory-limit", "0", "--death-timeout", "120"]
        command += ["--local-directory", str(self.folder)]
        return self._start(command, settings, prefix)

    def stop(self, process: subprocess.Popen, how: signal.Signals = signal.SIGKILL) -> None:
        process.send_signal(how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        if process.poll() is None:
            process.kill()
            process.wait()

    def close(self) -> None:
        for process in reversed(self.processes):
            if process.poll() is None:
                process.kill()
            process.wait()

    def log(self) -> str:
        return "\n".join(p.read_text(errors="replace") for p in self.folder.glob("*.log"))

    def _start(
        self, command: list[str], settings: dict[str, str], prefix: Sequence[str]
    ) -> subprocess.Popen:
        environment = {**os.environ, "PYTHONPATH": str(places.ROOT)}
        if places.is_elsewhere():
            environment[places.VARIABLE] = str(places.folder())
        environment |= {f"DASK_DISTRIBUTED__{k.upper()}": v for k, v in settings.items()}
        handle, _ = tempfile.mkstemp(dir=self.folder, prefix=f"{command[0]}-", suffix=".log")
        with os.fdopen(handle, "w") as log:
            process = subprocess.Popen(
                [*prefix, sys.executable, "-m", "dask", *command],
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process


@contextlib.contextmanager
def cluster(folder: Path, workers: int = 2, **settings: Any) -> Iterator[DaskCluster]:
    """A scheduler and so many workers of one thread each, on loopback."""
    running = DaskCluster(folder)
    try:
        running.start_scheduler(**settings)
        for _ in range(workers):
            running.start_worker()
        yield running
    finally:
        running.close()


def wait_until(true: Any, seconds: float = _SECONDS) -> None:
    """Wait until `true()` is."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
