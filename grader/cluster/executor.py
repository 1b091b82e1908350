"""An executor whose jobs run on a Dask cluster, and come back whatever happens there.

A job that is lost, with its worker or with the scheduler, runs elsewhere: a bounded number of
times, and then it is reported.  Jobs are kept here until their outcome is, so that a scheduler may
be stopped and started while a class is graded.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, InvalidStateError
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import msgspec

from grader.cluster.errors import ClusterUnavailable, JobLost, OtherVersion
from grader.cluster.version import course_version
from grader.cluster.worker import ASIDE, WorkerTrouble, differing, run_job
from grader.errors import CourseError
from grader.executing.execute import Job, Outcome

TRIES = 3
"""How often a job is run before it is given up."""
RESTARTS = 5
"""How often a job is sent again because the scheduler was gone."""
PATIENCE = 60.0
"""Seconds to wait for a scheduler that is not there."""
LEAST_IN_FLIGHT = 4

_PULSE = 2.0
"""Seconds between looks at the scheduler."""
_ANSWER = 10.0
"""Seconds in which a scheduler must answer."""

log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Sent:
    """A job that has no outcome yet."""

    data: bytes
    label: str
    seconds: float
    future: Future[Outcome] = field(default_factory=Future)
    inner: Future[bytes] | None = None
    """Its run on the cluster; None while there is none."""
    tries: int = 0
    restarts: int = 0
    failures: list[str] = field(default_factory=list)


class ClusterExecutor(Executor):
    """Runs `grader.executing.execute.execute` on the workers of a Dask cluster."""

    def __init__(
        self,
        address: str,
        *,
        patience: float = PATIENCE,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Connect.

        address: of the scheduler, tcp://host:port or tls://host:port, or the path of the file
        that it wrote (`dask scheduler --scheduler-file`).
        say: is told, in a line, what happens to the cluster.
        Raises ClusterUnavailable, or OtherVersion if workers have another version of the course.
        """
        self.address, self.patience, self.say = address, patience, say
        self.threads = self.workers = 0
        self._lock = threading.RLock()
        self._sent: dict[int, _Sent] = {}
        self._ended: queue.SimpleQueue[tuple[_Sent, Future[bytes]] | None] = queue.SimpleQueue()
        self._closing = False
        self._fatal: BaseException | None = None
        self._client: Any = None
        self._pool: Any = None
        self._scheduler = ""
        """Identity of the scheduler; another one at the same address has another."""
        self._connect(time.monotonic() + patience)
        self._supervisor = threading.Thread(target=self._supervise, name="cluster", daemon=True)
        self._supervisor.start()

    @property
    def in_flight(self) -> int:
        """How many jobs to have on the way: enough for every worker to find the next one there."""
        return max(LEAST_IN_FLIGHT, 2 * self.threads)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run `execute(job)` on a worker.  The future is that of its Outcome."""
        (job,) = args
        assert isinstance(job, Job) and fn.__name__ == "execute" and not kwargs
        # a job may run twice, see `execute`
        seconds = 2 * (job.allowed.clock + ASIDE)
        sent = _Sent(msgspec.msgpack.encode(job), job.label, seconds)
        with self._lock:
            if self._fatal is not None:
                raise self._fatal
            if self._closing:
                raise RuntimeError("the connection to the cluster is closed")
            self._sent[id(sent)] = sent
            self._send(sent)
        return sent.future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let go of the cluster, which stays as it is.

        wait: for the jobs on their way.  cancel_futures: take back those that have not begun.
        """
        with self._lock:
            waiting = list(self._sent.values())
        if wait and not cancel_futures:
            for sent in waiting:
                with contextlib.suppress(Exception):
                    sent.future.exception()
        self._closing = True
        self._ended.put(None)
        for sent in waiting:
            sent.future.cancel()
        self._supervisor.join(2 * _ANSWER)
        self._let_go()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.shutdown(wait=error is None, cancel_futures=error is not None)

    def __enter__(self) -> Self:
        return self

    # ----- the connection

    def _connect(self, deadline: float) -> None:
        """Find the scheduler, and see that its workers have this version of the course."""
        # Dask takes its time to import, and this module is imported for its errors, too
        import dask
        from distributed import Client

        # trained weights are some dozen megabytes, sent once; Dask has advice for other cases
        dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"})
        where: dict[str, Any] = (
            {"address": self.address} if "://" in self.address else {"scheduler_file": self.address}
        )
        while True:
            left = deadline - time.monotonic()
            try:
                if "scheduler_file" in where and not Path(self.address).is_file():
                    raise OSError(
                        "there is no such file, and an address looks like tcp://host:port"
                    )
                client = Client(**where, timeout=max(1.0, min(left, _ANSWER)), set_as_default=False)
                break
            except (OSError, ValueError) as error:
                if left <= 0 or self._closing:
                    raise ClusterUnavailable(
                        f"there is no Dask scheduler at {self.address} ({error}).  Start it "
                        "(docs/cluster.md), and run the command again: what was graded is kept"
                    ) from error
                time.sleep(min(1.0, max(0.0, left)))
        try:
            info = client.scheduler_info(n_workers=0)
            self._check_versions(client)
        except BaseException:
            client.close(timeout=_ANSWER)
            raise
        with self._lock:
            self._client, self._pool = client, client.get_executor(pure=False)
            self._scheduler = info["id"]
        self._count(info)

    def _check_versions(self, client: Any) -> None:
        try:
            found: dict[str, Any] = client.run(course_version, on_error="return")
        except Exception as error:  # the scheduler itself has stumbled
            raise ClusterUnavailable(f"the scheduler at {self.address} can't: {error}") from error
        ours = course_version()
        wrong = {name: str(theirs) for name, theirs in found.items() if theirs != ours}
        if wrong:
            raise OtherVersion(differing(ours, wrong))

    def _count(self, info: dict[str, Any]) -> None:
        found = info["n_workers"], info["total_threads"]
        if found != (self.workers, self.threads):
            self.workers, self.threads = found
            self.say(f"{self.workers} workers, {self.threads} jobs at a time")

    def _let_go(self) -> None:
        with self._lock:
            client, self._client, self._pool = self._client, None, None
        if client is not None:
            logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
            with contextlib.suppress(Exception):
                client.close(timeout=_ANSWER)

    # ----- the jobs

    def _send(self, sent: _Sent, elsewhere: list[str] | None = None) -> None:
        """Put a job on its way; without a connection it waits for one.  Needs the lock.

        elsewhere: workers that should have it, if they can.
        """
        sent.inner = None
        if self._pool is None:
            return
        where: dict[str, Any] = (
            {"workers": elsewhere, "allow_other_workers": True} if elsewhere else {}
        )
        inner: Future[bytes] = self._pool.submit(
            run_job, sent.data, course_version(), sent.seconds, key=f"grade-{uuid4().hex}", **where
        )
        sent.inner = inner
        inner.add_done_callback(lambda done: self._ended.put((sent, done)))

    def _supervise(self) -> None:
        """Take what came back, and look after the connection, until `shutdown`."""
        next_look = time.monotonic() + _PULSE
        while not self._closing:
            try:
                with contextlib.suppress(queue.Empty):
                    ended = self._ended.get(timeout=max(0.0, next_look - time.monotonic()))
                    if ended is not None:
                        self._take(*ended)
                if time.monotonic() >= next_look and not self._closing:
                    self._look()
                    next_look = time.monotonic() + _PULSE
            except BaseException as error:  # nobody else would tell those who wait
                self._give_up(error)
                return

    def _take(self, sent: _Sent, inner: Future[bytes]) -> None:
        """One run of a job has ended."""
        if sent.inner is not inner:
            return  # it was sent again meanwhile
        if inner.cancelled():
            if not self._closing:
                self._reconnect()
            return
        error = inner.exception()
        if error is None:
            try:
                outcome = msgspec.msgpack.decode(inner.result(), type=Outcome)
            except (msgspec.MsgspecError, TypeError) as wrong:  # one worker's, and nobody else's
                self._again(sent, wrong)
            else:
                self._settle(sent, partial(sent.future.set_result, outcome))
        elif isinstance(error, CourseError):
            self._give_up(error)
        elif isinstance(error, WorkerTrouble):  # whatever a student's file is called in its text
            self._again(sent, error)
        elif isinstance(error, ImportError) or "deserialization" in str(error):
            self._give_up(
                ClusterUnavailable(
                    f"the workers or the scheduler can't import this course ({error}).  Install "
                    "the same version on all of them: docs/cluster.md"
                )
            )
        else:
            self._again(sent, error)

    def _again(self, sent: _Sent, error: BaseException) -> None:
        """A run has failed, not by the student's doing: once more, or give it up."""
        sent.tries += 1
        trouble = isinstance(error, WorkerTrouble)
        sent.failures.append(str(error) if trouble else f"{type(error).__name__}: {error}")
        if type(error).__name__ == "KilledWorker":  # Dask has tried on several workers by itself
            sent.tries = TRIES
        if sent.tries >= TRIES:
            lost = JobLost(f"given up after {len(sent.failures)} failures: {sent.failures[-1]}")
            self._settle(sent, partial(sent.future.set_exception, lost))
            return
        self.say(f"{sent.label} runs again: {sent.failures[-1]}")
        others = self._other_workers(error.args[1]) if isinstance(error, WorkerTrouble) else None
        with self._lock:
            self._send(sent, others)

    def _other_workers(self, address: str) -> list[str]:
        with contextlib.suppress(Exception):  # no more than a wish
            return [name for name in self._client.scheduler_info()["workers"] if name != address]
        return []

    def _settle(self, sent: _Sent, how: Callable[[], None]) -> None:
        with self._lock:
            self._sent.pop(id(sent), None)
        with contextlib.suppress(InvalidStateError):  # it was cancelled
            how()

    def _look(self) -> None:
        """Is the scheduler there, and is it the same?"""
        with self._lock:
            for sent in [s for s in self._sent.values() if s.future.cancelled()]:
                del self._sent[id(sent)]
                inner, sent.inner = sent.inner, None  # so that nobody takes it for lost
                if inner is not None:
                    inner.cancel()
        client = self._client
        try:
            info = client.sync(client.scheduler.identity, n_workers=0, callback_timeout=_ANSWER)
        except Exception as error:  # whatever a broken connection raises
            log.debug("no answer from the scheduler: %r", error)
            info = None
        if info is None or info["id"] != self._scheduler or client.status != "running":
            self._reconnect()
        else:
            self._count(info)

    def _reconnect(self) -> None:
        """The scheduler is gone: wait for one, and send it what has no outcome yet."""
        self.say(f"the scheduler at {self.address} is gone; waiting for it")
        self._let_go()
        self.workers = self.threads = 0
        self._connect(time.monotonic() + self.patience)
        self.say("the scheduler is back")
        with self._lock:
            for sent in list(self._sent.values()):
                sent.restarts += 1
                if sent.restarts > RESTARTS:
                    lost = JobLost(f"given up: the scheduler was gone {sent.restarts} times")
                    self._settle(sent, partial(sent.future.set_exception, lost))
                else:
                    self._send(sent)

    def _give_up(self, error: BaseException) -> None:
        """Nothing more can come of this cluster."""
        with self._lock:
            self._fatal, self._closing = error, True
            waiting = list(self._sent.values())
            self._sent.clear()
        for sent in waiting:
            with contextlib.suppress(InvalidStateError):
                sent.future.set_exception(error)
