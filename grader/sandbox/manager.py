"""Kernel managers and clients for sandboxed kernels, ready to be given to nbclient."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from importlib.metadata import EntryPoint
from pathlib import Path
from queue import Empty
from typing import Any

import zmq
import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from nbclient.exceptions import DeadKernelError

from grader.contract.kernels import PLAIN, Profile
from grader.sandbox.bounds import MESSAGES_WAITING, Bounds

NAME = "course-sandbox"
"""Name of the entry point in group jupyter_client.kernel_provisioners."""

_SECONDS_TO_START = 120


class ReadyClient(AsyncKernelClient):
    """A client that goes on as soon as the kernel answers on both channels, and holds few messages.

    The usual one then listens for another 0.2 s in case something was left on the channel.
    """

    def _context_default(self) -> zmq.asyncio.Context:
        context = super()._context_default()
        context.setsockopt(zmq.RCVHWM, MESSAGES_WAITING)
        return context

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until a request is answered and its end is announced.  Raises RuntimeError."""
        deadline = time.monotonic() + (timeout or _SECONDS_TO_START)
        while time.monotonic() < deadline:
            request = self.kernel_info()
            with contextlib.suppress(Empty):
                await self._answered(request)
                return
            if not await self.is_alive():
                raise DeadKernelError("the kernel died before it answered")
        raise RuntimeError("the kernel did not answer in time")

    async def _answered(self, request: str) -> None:
        """Read until the answer to a request, on both channels.  Raises Empty after a second."""
        for channel, kind in (
            (self.shell_channel, "kernel_info_reply"),
            (self.iopub_channel, "status"),
        ):
            message: dict[str, Any] = {}
            while (
                message.get("msg_type") != kind
                or message["parent_header"].get("msg_id") != request
                or message["content"].get("execution_state", "idle") != "idle"
            ):
                message = await channel.get_msg(timeout=1)


class _OneSpec(KernelSpecManager):
    """Knows a single kernel."""

    def __init__(self, spec: KernelSpec) -> None:
        super().__init__()
        self._spec = spec

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return self._spec


def kernel_manager(
    *,
    scratch: Path | None = None,
    read_only: Iterable[Path] = (),
    hidden: Iterable[Path] = (),
    profile: Profile = PLAIN,
    bounds: Bounds | None = None,
    environment: Mapping[str, str] | None = None,
    isolation: str = "auto",
) -> AsyncKernelManager:
    """A kernel manager whose kernel runs in the sandbox; give it to nbclient as `km`.

    scratch: folder whose plain files the notebook finds at /scratch (its home, and its working
    folder unless `cwd` says otherwise); what it leaves there is copied back when it has ended.
    read_only: files and folders that it may see.  hidden: parts of them that it may not.
    profile: what it can't import, and what it has imported.
    environment: all that it gets, beside safe defaults.
    isolation: "auto" for the best way that this machine offers; "none" only on an explicit wish.
    """
    register()
    config = {
        "scratch": str(scratch) if scratch else "",
        "read_only": [str(p) for p in read_only],
        "hidden": [str(p) for p in hidden],
        "profile": asdict(profile),
        "bounds": asdict(bounds or Bounds()),
        "environment": dict(environment or {}),
        "isolation": isolation,
    }
    spec = KernelSpec(
        argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        display_name="Course sandbox",
        language="python",
        metadata={"kernel_provisioner": {"provisioner_name": NAME, "config": config}},
    )
    manager = AsyncKernelManager(kernel_name="course", kernel_spec_manager=_OneSpec(spec))
    manager.client_factory = ReadyClient
    return manager


def register() -> None:
    """Make the provisioner known to Jupyter where the course is used without being installed."""
    factory = KernelProvisionerFactory.instance()
    factory.provisioners.setdefault(
        NAME,
        EntryPoint(NAME, "grader.sandbox:CourseProvisioner", KernelProvisionerFactory.GROUP_NAME),
    )
