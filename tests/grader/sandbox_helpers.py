"""Run lines of code in a real sandboxed kernel, and look for what they leave behind."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from grader import config, sandbox

ROOT = Path(__file__).resolve().parents[2]
NUMPY = config.load().notebooks["01_implementing_cnn"].kernel
"""A profile that refuses every framework."""
KERAS = config.load().notebooks["02_training_cnn"].kernel


@dataclass
class Session:
    """What came of a few cells."""

    text: str = ""
    """All that was printed, shown or raised."""
    ended: sandbox.Ended | None = None
    timed_out: bool = False
    process: int = 0
    """Id of the kernel's process on the host, while it ran."""


def require(way: str) -> None:
    """Skip where this machine can't isolate; on a build server the first way must work."""
    report = sandbox.probe()
    if way in report.ways:
        return
    if os.environ.get("CI") and way == "direct":
        pytest.fail(str(report))
    pytest.skip(str(report))


def run(*cells: str, seconds: float = 20, cwd: Path | None = None, **settings: Any) -> Session:
    """Execute cells in one kernel and end it; each may take so many seconds."""
    settings.setdefault("profile", NUMPY)
    settings.setdefault("bounds", sandbox.Bounds(memory_mb=1024))
    return asyncio.run(_run(cells, seconds, cwd, settings))


async def _run(
    cells: tuple[str, ...], seconds: float, cwd: Path | None, settings: dict[str, Any]
) -> Session:
    manager = sandbox.kernel_manager(**settings)
    session = Session()
    await manager.start_kernel(**({"cwd": str(cwd)} if cwd else {}))
    client = manager.client()
    client.start_channels()

    def take(message: dict[str, Any]) -> None:
        content = message["content"]
        session.text += content.get("text", "") + "\n".join(content.get("traceback", ()))
        session.text += str(content.get("data", {}).get("text/plain", ""))

    try:
        await client.wait_for_ready(timeout=60)
        session.process = manager.provisioner.pid
        for cell in cells:
            if session.timed_out or not await manager.is_alive():
                break
            asked = asyncio.ensure_future(
                client.execute_interactive(cell, output_hook=take, timeout=seconds)
            )
            while not asked.done() and await manager.is_alive():
                await asyncio.wait([asked], timeout=0.05)
            if not asked.done():
                asked.cancel()
                break
            session.timed_out = isinstance(asked.exception(), TimeoutError)
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)
    session.ended = manager.provisioner.ended
    return session


def running(marker: str) -> list[int]:
    """Processes of this machine whose command line holds a text."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if marker in (folder / "cmdline").read_text():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def becomes_true(condition: Callable[[], bool], seconds: float = 10) -> bool:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def alive(process: int) -> bool:
    """Whether a process exists and is more than an entry waiting for its parent."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
