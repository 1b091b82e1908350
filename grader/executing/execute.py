"""Execute one notebook: a pure function from a job to an outcome.

A job carries everything as bytes and an outcome brings everything back as bytes, so `execute` runs
on a thread, on a process or on a machine far away.  It reads no database and no shared folder, and
what it returns is untrusted: it was produced by a process in which a student's code ran.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import msgspec
import nbformat
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import ensure_async
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat.notebooknode import NotebookNode

from grader import config, sandbox
from grader.cells import runs_when_graded
from grader.config import Limits
from grader.contract import nets, visible
from grader.contract.kernels import PLAIN, Profile
from grader.executing.allowed import Allowed
from grader.sandbox import leftovers
from grader.text import shown, well_formed
from utils.checks.handover import HANDOVER, LATE, MAX_ANSWERS

ANSWER_BYTES = 16 * 1024 * 1024
"""Largest packed answer that is taken back from a kernel."""
OUTPUT_BYTES = 64 * 1024 * 1024
"""Output of a notebook, kept or not, after which it is stopped."""
MESSAGE_OVERHEAD = 200
"""Bytes that a message counts beside its content: a million empty outputs are output, too."""

_OWN_END = 10
"""Seconds that a cell has to end after it was interrupted; then the notebook is ended."""
_LOOK = 0.25
"""Seconds between looks at the processor time of a cell."""
_START = 30
"""Seconds of processor time for what a kernel imports where it can't be forked."""
_interrupted = threading.Event()

DIED = "stopped: the kernel died, by its own doing or at a limit"


class Job(msgspec.Struct, frozen=True):
    """All that it takes to execute one submission."""

    label: str
    """For messages: "team_7/01_implementing_cnn"."""
    notebook: str
    """The prepared notebook, as JSON."""
    questions: dict[str, bytes]
    """Name of a check -> packed inputs, without any expected output."""
    limits: Limits
    kernel: Profile = PLAIN
    files: dict[str, bytes] = {}
    """Files handed in with the notebook, by relative path."""
    isolation: str = "auto"
    """"none" runs student code without a sandbox; only on an instructor's explicit wish."""
    net: str = ""
    """Pretrained net that the notebook is graded on; its kernel may read that net's files."""
    seconds: dict[str, float] = {}
    """Name of a check -> processor time of all its calls together."""

    @property
    def allowed(self) -> Allowed:
        """How long its parts may take."""
        return Allowed(self.limits, self.seconds)


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
    most_at_once: int = 0
    """Threads that ran at once, if more than one did."""
    late: bool = False
    """Whether any time limit was reached, as seen from outside or as the kernel says.  To say so
    without need gains nothing: the notebook is tried once more with the same inputs, and what
    comes of that counts instead."""
    ours: bool = False
    """Whether the problem came before any cell began: then it is no doing of the student's."""


class _OutOfTime(Exception):
    """The notebook as a whole took too long."""


class _TooMuchOutput(Exception):
    """The notebook printed more than anybody will read."""


class BoundedClient(NotebookClient):
    """nbclient with bounds on output, and on the time of cells and of the notebook as a whole."""

    def __init__(self, nb: NotebookNode, job: Job, **options: Any):
        super().__init__(
            nb,
            allow_errors=True,
            timeout=None,  # its clock stands still while a kernel floods it with messages
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
        self.allowed = job.allowed
        self.deadline = float("inf")
        """Set when the first cell begins: starting a kernel is not the student's time."""
        self.late = False
        """Whether a cell, or the notebook, has reached a limit."""
        self.room = job.limits.output_kb * 1024

    @property
    def begun(self) -> bool:
        """Whether any cell has begun: until then nothing that goes wrong is the student's doing."""
        return self.deadline < float("inf")

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
        self.deadline = min(self.deadline, started + self.allowed.clock)
        execution = asyncio.ensure_future(
            super().async_execute_cell(cell, cell_index, *args, **kwargs)
        )
        try:
            reason = await self._reached(cell, execution, started)
            if reason:
                self.late = True
                await self._stop(execution)
            done = await execution
            if reason:
                done.outputs.insert(0, _timeout_shown(reason))
            return done
        finally:
            self.cell_seconds += time.monotonic() - started
            execution.cancel()
            await asyncio.wait([execution])
            if not execution.cancelled():
                execution.exception()  # or asyncio says that nobody asked

    async def _reached(
        self, cell: NotebookNode, running: asyncio.Future[NotebookNode], started: float
    ) -> str:
        """Wait for the end of a cell, or for a limit; returns which, in words."""
        until = min(self.deadline, started + self.allowed.cell_clock(cell))
        before: float | None = None
        while True:
            await asyncio.wait([running], timeout=max(0.0, min(_LOOK, until - time.monotonic())))
            if running.done():
                return ""
            if self.room < -OUTPUT_BYTES:
                raise _TooMuchOutput
            if time.monotonic() >= until:
                return f"the cell took more than {self.allowed.cell_clock(cell):g} seconds"
            used = self._cpu_seconds()
            before = used if before is None else before  # most cells have ended by now
            if used - before > self.allowed.cell(cell):
                return (
                    f"the cell took more than {self.allowed.cell(cell):g} seconds of processor time"
                )

    def _cpu_seconds(self) -> float:
        provisioner = self.km.provisioner if self.km is not None else None
        assert isinstance(provisioner, sandbox.CourseProvisioner)
        return provisioner.cpu_seconds()

    async def _stop(self, running: asyncio.Future[NotebookNode]) -> None:
        """Interrupt a cell.  Raises _OutOfTime if it goes on, or if all time is up."""
        assert self.km is not None
        await ensure_async(self.km.interrupt_kernel())
        await asyncio.wait([running], timeout=_OWN_END)
        if not running.done() or time.monotonic() >= self.deadline:
            raise _OutOfTime

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:
        if msg["msg_type"] not in ("status", "execute_input"):
            size = MESSAGE_OVERHEAD + len(str(msg["content"]))
            before, self.room = self.room, self.room - size
            if self.room < -OUTPUT_BYTES:
                raise _TooMuchOutput
            if self.room < 0:
                if before >= 0:
                    note = "\n[more output than is kept]\n"
                    cell.outputs.append(nbformat.v4.new_output("stream", name="stdout", text=note))
                return None
            if not _sound(msg):
                return None  # widgets are nothing that a graded notebook can show
        return super().process_message(msg, cell, cell_index)


class _Stream(msgspec.Struct):
    name: Literal["stdout", "stderr"]
    text: str


class _Display(msgspec.Struct):
    data: dict[str, Any]
    metadata: dict[str, Any] = {}
    transient: dict[str, Any] = {}


class _Error(msgspec.Struct):
    ename: str
    evalue: str
    traceback: list[str]


class _Clearing(msgspec.Struct):
    wait: bool = False


_CONTENTS: dict[str, type[msgspec.Struct]] = {
    "stream": _Stream,
    "display_data": _Display,
    "execute_result": _Display,
    "update_display_data": _Display,
    "error": _Error,
    "clear_output": _Clearing,
}
"""What a notebook keeps of what a kernel sends: type of message -> what it must hold."""


def _sound(message: dict[str, Any]) -> bool:
    """Can a notebook with this in it be written and read again?"""
    wanted = _CONTENTS.get(message["msg_type"])
    if wanted is None:
        return False
    try:
        msgspec.convert(message["content"], wanted)
    except msgspec.ValidationError:
        return False
    return True


def _timeout_shown(reason: str) -> NotebookNode:
    return nbformat.v4.new_output(
        "error", ename="CellTimeout", evalue=reason, traceback=[f"CellTimeout: {reason}"]
    )


def execute(job: Job) -> Outcome:
    """Run a job in a kernel of its own.  Never raises for what a student's code does.

    A kernel that died without having reached a limit gets a second chance: the machine may have
    ended it (short of memory, or somebody killed its warm parent).
    Raises SandboxUnavailable if the kernel can't be isolated here, NetUnavailable if the job's net
    is not at hand here.
    """
    if job.net:
        nets.require(job.net)
    try:
        outcome, lost = _attempt(job)
    except sandbox.SandboxUnavailable:  # or its warm parent was killed while it started
        return _attempt(job)[0]
    if lost and not _interrupted.is_set():
        outcome, _ = _attempt(job)
    return outcome


@contextlib.contextmanager
def threads(workers: int) -> Iterator[Executor]:
    """Threads that jobs run on.  An exception ends what runs: nobody would take the outcomes."""
    _interrupted.clear()
    executor = ThreadPoolExecutor(workers)
    try:
        yield executor
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        _interrupted.set()
        sandbox.warm_parents.close()
        raise
    finally:
        executor.shutdown()


def _attempt(job: Job) -> tuple[Outcome, bool]:
    """The outcome, and whether the kernel was lost for no reason that is known."""
    started = time.monotonic()
    place = leftovers.make("run")
    # below a folder that no kernel sees: of its own one it may change the mode
    scratch = place / "scratch"
    try:
        scratch.mkdir()
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
        client = BoundedClient(notebook, job, km=_kernel_manager(job, scratch))
        # opened before the kernel runs: later something else may have this name
        answered = os.open(handover, os.O_RDONLY | os.O_DIRECTORY)
        try:
            problem = _run(client, work)
            answers = {name: _collect(answered, name) for name in job.questions}
            late = client.late or _is_there(answered, LATE)
        finally:
            os.close(answered)
        ended = client.ended
        reason = ended.reason if ended else ""
        outcome = Outcome(
            well_formed(nbformat.writes(notebook)),  # a kernel may have shown half characters
            answers,
            problem + (f" ({reason})" if problem and reason else ""),
            round(time.monotonic() - started, 3),
            round(client.cell_seconds, 3),
            ended.peak_mb if ended else 0.0,
            ended.most_at_once if ended else 0,
            late or (problem == DIED and "processor time" in reason),
            bool(problem) and not client.begun,
        )
        lost = problem == DIED and reason in ("", "killed")
        return outcome, lost or outcome.ours
    finally:
        leftovers.remove(place)


def _kernel_manager(job: Job, scratch: Path) -> AsyncKernelManager:
    limits = job.limits
    weights = nets.files(job.net) if job.net else ()
    about_net = nets.environment(job.net) if job.net else {}
    return sandbox.kernel_manager(
        scratch=scratch,
        # of Keras' folder nothing but the files of the net
        read_only=[*visible.readable(config.load().release.folders), *weights],
        hidden=visible.hidden(),
        profile=job.kernel,
        bounds=sandbox.Bounds(
            memory_mb=limits.memory_mb, cpu_seconds=job.allowed.notebook + _START
        ),
        environment={
            HANDOVER: str(scratch / "handover"),
            "PYTHONPATH": os.pathsep.join(map(str, visible.on_path())),
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            **about_net,
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
        if time.monotonic() < client.deadline:
            return "stopped: a cell went on after its time was up"
        return f"stopped: the notebook took more than {client.allowed.clock:g} seconds"
    except _TooMuchOutput:
        return "stopped: it printed without end"
    except DeadKernelError:
        return DIED
    except Exception as error:  # whatever a hostile kernel makes the client raise
        return f"stopped: {type(error).__name__}: {shown(error, 300)}"
    return ""


def _is_there(handover: int, name: str) -> bool:
    with contextlib.suppress(OSError):
        os.stat(name, dir_fd=handover, follow_symlinks=False)
        return True
    return False


def _collect(handover: int, name: str) -> list[bytes]:
    """Read what a check left, trusting neither the kind nor the size of the file.

    handover: the open folder.  Only the first answer counts; of others there is no more than a
    sign.
    """
    found: list[bytes] = []
    for attempt in range(1, MAX_ANSWERS + 1):
        try:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
            handle = os.open(f"{name}.answer{attempt}.npz", flags, dir_fd=handover)
        except OSError:
            continue
        facts = os.fstat(handle)
        plain = stat.S_ISREG(facts.st_mode) and facts.st_size <= ANSWER_BYTES
        if not plain or found:
            os.close(handle)
            found.append(b"")
            continue
        with os.fdopen(handle, "rb") as stream:
            found.append(stream.read(ANSWER_BYTES))
    return found
