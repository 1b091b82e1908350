"""Execute one notebook: a pure function from a job to an outcome.

A job carries everything as bytes and an outcome brings everything back as bytes, so `execute` runs
on a thread, on a process or on a machine far away.  It reads no database and no shared folder, and
what it returns is untrusted: it was produced by a process in which a student's code ran.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat.notebooknode import NotebookNode

from grader import sandbox
from grader.config import ROOT, Limits
from grader.prepare import runs_when_graded
from utils.check import HANDOVER, MAX_ANSWERS

ANSWER_BYTES = 16 * 1024 * 1024
"""Largest packed answer that is taken back from a kernel."""


class Job(msgspec.Struct, frozen=True):
    """All that it takes to execute one submission."""

    label: str
    """For messages: "team_7/01_implementing_cnn"."""
    notebook: str
    """The prepared notebook, as JSON."""
    questions: dict[str, bytes]
    """Name of a check -> packed inputs, without any expected output."""
    limits: Limits
    imports: str = "all"
    files: dict[str, bytes] = {}
    """Files handed in with the notebook, by relative path."""
    isolation: str = "auto"
    """"none" runs student code without a sandbox; only on an instructor's explicit wish."""


class Outcome(msgspec.Struct, frozen=True):
    """What came of it."""

    notebook: str
    """The executed notebook, as JSON."""
    answers: dict[str, list[bytes]]
    """Name of a check -> what it handed back, once per time it ran."""
    problem: str = ""
    """Why execution ended early, if it did."""
    seconds: float = 0.0
    cell_seconds: float = 0.0
    """How much of it the cells themselves took."""
    peak_mb: float = 0.0


class _OutOfTime(Exception):
    """The notebook as a whole took too long."""


class _TooMuchOutput(Exception):
    """The notebook printed more than anybody will read."""


class BoundedClient(NotebookClient):
    """nbclient with a bound on output and on the time of the notebook as a whole."""

    def __init__(self, nb: NotebookNode, limits: Limits, **options: Any):
        super().__init__(
            nb,
            allow_errors=True,
            interrupt_on_timeout=True,
            timeout_func=self._seconds_left,
            error_on_timeout={
                "ename": "CellTimeout",
                "evalue": f"the cell took more than {limits.seconds_per_cell:g} seconds",
                "traceback": [f"CellTimeout: more than {limits.seconds_per_cell:g} seconds"],
            },
            startup_timeout=60,
            shutdown_kernel="immediate",
            store_widget_state=False,
            record_timing=False,
            iopub_timeout=4,
            raise_on_iopub_timeout=False,
            **options,
        )
        self.owns_km = True  # the kernel ends with the notebook, whoever made its manager
        self.cell_seconds = 0.0
        self.ended: sandbox.Ended | None = None
        self.limits = limits
        self.deadline = time.monotonic() + limits.seconds_per_notebook
        self.room = limits.output_kb * 1024

    def _seconds_left(self, cell: NotebookNode) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise _OutOfTime
        return min(left, self.limits.seconds_per_cell)

    async def _async_cleanup_kernel(self) -> None:
        provisioner = self.km.provisioner if self.km is not None else None
        try:
            await super()._async_cleanup_kernel()
        finally:
            self.ended = getattr(provisioner, "ended", None)

    async def async_execute_cell(
        self, cell: NotebookNode, cell_index: int, *args: Any, **kwargs: Any
    ) -> NotebookNode:
        if not runs_when_graded(cell):
            return cell
        started = time.monotonic()
        try:
            return await super().async_execute_cell(cell, cell_index, *args, **kwargs)
        finally:
            self.cell_seconds += time.monotonic() - started

    def process_message(self, msg: dict, cell: NotebookNode, cell_index: int) -> Any:
        if msg["msg_type"] in ("stream", "display_data", "execute_result", "error"):
            size = _size(msg["content"])
            before, self.room = self.room, self.room - size
            if self.room < -64 * 1024 * 1024:
                raise _TooMuchOutput
            if self.room < 0:
                if before >= 0:
                    note = "\n[more output than is kept]\n"
                    cell.outputs.append(nbformat.v4.new_output("stream", name="stdout", text=note))
                return None
        return super().process_message(msg, cell, cell_index)


def execute(job: Job) -> Outcome:
    """Run a job in a kernel of its own.  Never raises for what a student's code does.

    Raises SandboxUnavailable if the kernel can't be isolated here.
    """
    started = time.monotonic()
    scratch = Path(tempfile.mkdtemp(prefix="course-run-")).resolve()
    try:
        notebook = nbformat.reads(job.notebook, as_version=4)
        handover = scratch / "handover"
        handover.mkdir()
        for name, data in job.questions.items():
            (handover / f"{name}.inputs.npz").write_bytes(data)
        work = scratch / "work"
        work.mkdir()
        for name, data in job.files.items():
            target = work / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        client = BoundedClient(notebook, job.limits, km=_kernel_manager(job, scratch))
        problem = _run(client, work)
        ended = client.ended
        answers = {name: _collect(handover, name) for name in job.questions}
        return Outcome(
            nbformat.writes(notebook),
            answers,
            problem + (f" ({ended.reason})" if problem and ended and ended.reason else ""),
            round(time.monotonic() - started, 3),
            round(client.cell_seconds, 3),
            ended.peak_mb if ended else 0.0,
        )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _kernel_manager(job: Job, scratch: Path) -> AsyncKernelManager:
    limits = job.limits
    return sandbox.kernel_manager(
        scratch=scratch,
        read_only=[ROOT / "utils", ROOT / "data"],
        hidden=[ROOT / "data" / "checks"],
        modules=job.imports,
        bounds=sandbox.Bounds(
            memory_mb=limits.memory_mb, cpu_seconds=2 * limits.seconds_per_notebook
        ),
        environment={
            HANDOVER: str(scratch / "handover"),
            "PYTHONPATH": str(ROOT),
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        },
        isolation=job.isolation,
    )


def _run(client: BoundedClient, work: Path) -> str:
    """Execute the notebook in place; returns why it ended early, or ""."""
    try:
        asyncio.run(client.async_execute(cwd=str(work)))
    except sandbox.SandboxUnavailable:
        raise
    except _OutOfTime:
        return (
            f"stopped: the notebook took more than {client.limits.seconds_per_notebook:g} seconds"
        )
    except _TooMuchOutput:
        return "stopped: it printed without end"
    except DeadKernelError:
        return "stopped: the kernel died, by its own doing or at a limit"
    except Exception as error:  # whatever a hostile kernel makes the client raise
        return f"stopped: {type(error).__name__}: {str(error)[:300]}"
    return ""


def _collect(handover: Path, name: str) -> list[bytes]:
    """Read what a check left, trusting neither the kind nor the size of the file."""
    found = []
    for attempt in range(1, MAX_ANSWERS + 1):
        try:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
            handle = os.open(handover / f"{name}.answer{attempt}.npz", flags)
        except OSError:
            continue
        with os.fdopen(handle, "rb") as stream:
            facts = os.fstat(handle)
            if stat.S_ISREG(facts.st_mode) and facts.st_size <= ANSWER_BYTES:
                found.append(stream.read(ANSWER_BYTES))
            else:
                found.append(b"")
    return found


def _size(content: dict) -> int:
    """Bytes of a message's text and data."""
    size = len(content.get("text") or "") + sum(len(x) for x in content.get("traceback") or [])
    data = content.get("data")
    return size + (sum(len(str(v)) for v in data.values()) if isinstance(data, dict) else 0)
