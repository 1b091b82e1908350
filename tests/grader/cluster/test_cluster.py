"""A Dask cluster of real processes gives the gradebook of this machine, come what may.

COURSE_TEAMS sets the size of the class, 200 say, which a long run has.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import msgspec
import pytest

from grader import config, places, sandbox
from grader.classroom import gradebook
from grader.classroom.folder import ClassFolder
from grader.classroom.gradebook import NotebookMark
from grader.cluster import ClusterExecutor, ClusterUnavailable, JobLost, OtherVersion, worker
from grader.cluster.version import course_version
from grader.contract.nets import NetUnavailable
from grader.errors import CourseError
from grader.executing.execute import Job, Outcome, execute
from grader.grading.run import grade
from grader.sandbox import SandboxUnavailable
from tests import long
from tests.attacks import small_class
from tests.attacks.base import hand_in
from tests.attacks.small_class import fill
from tests.grader.dask_cluster import DaskCluster, cluster, wait_until

pytestmark = pytest.mark.minutes

TEAMS = int(os.environ.get("COURSE_TEAMS", long.choose(small_class.TEAMS, 200)))
BROKEN = "team_0"


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> config.Course:
    if not sandbox.probe().way and not os.environ.get("CI"):
        pytest.skip(str(sandbox.probe()))
    return small_class.install(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def here(course: config.Course, tmp_path_factory: pytest.TempPathFactory) -> list[NotebookMark]:
    """Marks of the class, graded on this machine."""
    folder = a_class(tmp_path_factory.mktemp("here"))
    assert grade(folder, course, workers=2, seed="fixed").need_human == 1
    return gradebook.marks(folder, course.id)


def a_class(root: Path, seconds: float = 0) -> ClassFolder:
    """Honest teams, and one that handed in something else.

    seconds: what each notebook takes; less in a large class.
    """
    folder = fill(root, min(seconds, 10 / TEAMS), TEAMS)
    hand_in(folder, BROKEN, b"PDF")
    return folder


def stored(folder: ClassFolder) -> list[Path]:
    """Results so far, without that of the broken submission."""
    return [p for p in folder.root.glob("results/*/*/result.json") if BROKEN not in p.parts]


def wait_for(count: int, folder: ClassFolder) -> None:
    """Wait until so many of a class have their result."""
    wait_until(lambda: len(stored(folder)) >= count, 60 + 2 * TEAMS)


@pytest.fixture
def two_workers(tmp_path: Path) -> Iterator[DaskCluster]:
    """Two workers on machines of their own as far as networks go; where nobody may make network
    namespaces all of them run on loopback, as in the other tests."""
    (where := tmp_path / "cluster").mkdir()
    with contextlib.ExitStack() as stack:
        try:
            host, machines = stack.enter_context(two_machines())
        except (OSError, subprocess.CalledProcessError) as error:
            warnings.warn(f"no network namespaces: {getattr(error, 'stderr', error)}", stacklevel=1)
            yield stack.enter_context(cluster(where))
            return
        running = DaskCluster(where, host)
        stack.callback(running.close)
        running.start_scheduler()
        for machine in machines:
            running.start_worker(prefix=["ip", "netns", "exec", machine])
        yield running


@contextlib.contextmanager
def two_machines() -> Iterator[tuple[str, list[str]]]:
    """Two network namespaces with a cable to this one: (its address there, their names)."""
    own = f"10.213.{os.getpid() % 250}"
    bridge = f"ct{os.getpid()}"  # others may run the same test
    machines = [f"course-test-{os.getpid()}-{n}" for n in (1, 2)]

    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True, text=True)

    try:
        ip("link", "add", bridge, "type", "bridge")
        ip("addr", "add", f"{own}.254/24", "dev", bridge)
        ip("link", "set", bridge, "up")
        for number, machine in enumerate(machines, 1):
            cable, end = f"{bridge}v{number}", f"{bridge}w{number}"
            ip("netns", "add", machine)
            ip("link", "add", cable, "type", "veth", "peer", "name", end, "netns", machine)
            ip("link", "set", cable, "master", bridge, "up")
            ip("-n", machine, "addr", "add", f"{own}.{number}/24", "dev", end)
            ip("-n", machine, "link", "set", end, "up")
            ip("-n", machine, "link", "set", "lo", "up")
        yield f"{own}.254", machines
    finally:
        take_down(bridge, machines)


def take_down(bridge: str, machines: list[str]) -> None:
    if shutil.which("ip"):
        for machine in machines:
            subprocess.run(["ip", "netns", "del", machine], capture_output=True)
        subprocess.run(["ip", "link", "del", bridge], capture_output=True)


def test_two_workers_give_the_gradebook_of_this_machine(
    course: config.Course, tmp_path: Path, here: list[NotebookMark], two_workers: DaskCluster
) -> None:
    folder = a_class(tmp_path / "class")
    on_the_way: set[str] = set()
    most = 0

    def progress(what: str, label: str) -> None:
        nonlocal most
        if what == "queued":
            on_the_way.add(label)
        on_the_way.difference_update({label} if what in ("done", "failed") else ())
        most = max(most, len(on_the_way))

    with ClusterExecutor(two_workers.address) as executor:
        wait_until(lambda: (executor.workers, executor.threads) == (2, 2))
        summary = grade(folder, course, executor=executor, seed="fixed", progress=progress)
        assert (summary.executed, summary.need_human) == (TEAMS, 1)
        assert most <= executor.in_flight == 4
        assert gradebook.marks(folder, course.id) == here
        # nothing is done again, here or there, until somebody says so
        assert grade(folder, course, executor=executor, seed="fixed").executed == 0
        assert grade(folder, course, workers=1, seed="fixed").executed == 0
        only = {"only": lambda team, _: team == "team_1"}
        again = grade(folder, course, executor=executor, seed="fixed", force=True, **only)
        assert again.executed == 1
    assert gradebook.marks(folder, course.id) == here


def test_a_killed_worker_and_a_scheduler_that_restarts_cost_nobody_anything(
    course: config.Course, tmp_path: Path, here: list[NotebookMark]
) -> None:
    folder = a_class(tmp_path / "class", seconds=1.5)
    said: list[str] = []
    (tmp_path / "cluster").mkdir()
    with cluster(tmp_path / "cluster") as running:

        def disturb() -> None:
            wait_for(max(1, TEAMS // 4), folder)
            running.stop(running.processes[1])
            wait_for(TEAMS // 2, folder)
            assert running.scheduler is not None
            running.stop(running.scheduler)
            running.start_scheduler()
            running.start_worker()

        thread = threading.Thread(target=disturb)
        with ClusterExecutor(running.address, say=said.append) as executor:
            thread.start()
            summary = grade(folder, course, executor=executor, seed="fixed")
        thread.join()
    assert len(stored(folder)) == summary.executed == TEAMS
    assert summary.need_human == 1
    assert any("is gone" in line for line in said) and "the scheduler is back" in said
    assert gradebook.marks(folder, course.id) == here


def test_a_scheduler_that_stays_away_ends_the_run_and_the_next_one_goes_on(
    course: config.Course, tmp_path: Path, here: list[NotebookMark]
) -> None:
    folder = a_class(tmp_path / "class", seconds=0.5)
    (tmp_path / "cluster").mkdir()
    with cluster(tmp_path / "cluster", workers=1) as running:

        def disturb() -> None:
            wait_until(lambda: stored(folder))
            assert running.scheduler is not None
            running.stop(running.scheduler, signal.SIGTERM)

        thread = threading.Thread(target=disturb)
        executor = ClusterExecutor(running.address)
        executor.patience = 0
        with executor, pytest.raises(ClusterUnavailable, match="what was graded is kept"):
            thread.start()
            grade(folder, course, executor=executor, seed="fixed")
        thread.join()
    before = len(stored(folder))
    assert 1 <= before < TEAMS
    assert grade(folder, course, workers=2, seed="fixed").executed == TEAMS - before
    assert gradebook.marks(folder, course.id) == here


def test_what_its_workers_do_not_survive_is_reported_and_graded_by_the_next_run(
    course: config.Course, tmp_path: Path, here: list[NotebookMark]
) -> None:
    folder = a_class(tmp_path / "class", seconds=1)
    (tmp_path / "cluster").mkdir()
    settings = {"scheduler__worker_ttl": "6s", "scheduler__allowed_failures": "0"}
    with cluster(tmp_path / "cluster", workers=1, **settings) as running:

        def disturb() -> None:
            wait_until(lambda: stored(folder))
            time.sleep(0.3)
            running.processes[1].send_signal(signal.SIGSTOP)  # a machine that hangs
            running.start_worker()

        thread = threading.Thread(target=disturb)
        with ClusterExecutor(running.address) as executor:
            thread.start()
            summary = grade(folder, course, executor=executor, seed="fixed")
            thread.join()
            lost = [why for who, why in summary.human.items() if not who.startswith(BROKEN)]
            assert lost and all("given up after" in why for why in lost)
            assert len(lost) < TEAMS
            again = grade(folder, course, executor=executor, seed="fixed")
    assert (again.executed, again.need_human) == (len(lost), 1)
    assert gradebook.marks(folder, course.id) == here


def test_a_worker_of_another_version_is_refused_with_both_named(
    course: config.Course, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    for name in ("grader", "utils", "data"):
        shutil.copytree(
            places.ROOT / name, other / name, ignore=shutil.ignore_patterns("*.npz", "__pycache__")
        )
    with (other / "grader" / "executing" / "execute.py").open("a") as changed:
        changed.write("# of another year\n")
    folder = a_class(tmp_path / "class")
    (tmp_path / "cluster").mkdir()
    with cluster(tmp_path / "cluster", workers=0) as running:
        with ClusterExecutor(running.address) as executor:  # the worker comes later
            running.start_worker(prefix=["env", f"PYTHONPATH={other}"])
            with pytest.raises(OtherVersion) as caught:
                grade(folder, course, executor=executor, seed="fixed")
        assert course_version() in str(caught.value)
        assert len(re.findall(r"has  course [0-9a-f]{12}, Python", str(caught.value))) == 2
        with pytest.raises(OtherVersion):
            ClusterExecutor(running.address)
    assert stored(folder) == []


def test_no_scheduler_is_said_in_one_line() -> None:
    with pytest.raises(ClusterUnavailable, match=r"no Dask scheduler at tcp://127\.0\.0\.1:9 "):
        ClusterExecutor("tcp://127.0.0.1:9", patience=0)
    with pytest.raises(ClusterUnavailable, match="no such file"):
        ClusterExecutor("scheduler.json", patience=0)


def a_job() -> Job:
    return Job("team_1/90_tiny", "{}", {}, config.Limits(1, 1, 1, 100, 1))


def test_a_job_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr("grader.executing.execute.execute", lambda job: ended.wait(30))
    with pytest.raises(worker.WorkerTrouble, match="no end after 0 seconds"):
        worker.run_job(msgspec.msgpack.encode(a_job()), course_version(), 0.05)
    ended.set()


class Workers:
    """In place of Dask: runs nothing, and fails as often as it shall."""

    def __init__(self, failures: int, error: BaseException | None = None) -> None:
        self.failures = failures
        self.error = error or worker.WorkerTrouble("OSError: no space", "tcp://a:1")
        self.preferred: list[list[str]] = []

    def submit(self, function: object, *args: object, key: str, **where: object) -> Future:
        self.preferred.append(where.get("workers", []))  # type: ignore[arg-type]
        done: Future = Future()
        if len(self.preferred) <= self.failures:
            done.set_exception(self.error)
        else:
            done.set_result(msgspec.msgpack.encode(Outcome("{}", {"square": [b"4"]})))
        return done

    def scheduler_info(self) -> dict:
        return {"workers": {"tcp://a:1": {}, "tcp://b:2": {}}}

    def close(self, timeout: float) -> None:
        """Nothing to let go of."""


@pytest.mark.parametrize("failures", [2, 3])
def test_trouble_on_a_worker_is_tried_elsewhere_three_times_in_all(
    failures: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers = Workers(failures)

    def connect(executor: ClusterExecutor, deadline: float) -> None:
        executor._client = executor._pool = workers

    monkeypatch.setattr(ClusterExecutor, "_connect", connect)
    monkeypatch.setattr("grader.cluster.executor._PULSE", 60)
    said: list[str] = []
    with ClusterExecutor("tcp://nowhere", say=said.append) as executor:
        future = executor.submit(execute, a_job())
        if failures == 2:
            assert future.result(10).answers == {"square": [b"4"]}
        else:
            with pytest.raises(JobLost, match=r"after 3 failures: OSError: no space, on tcp://a:1"):
                future.result(10)
    assert workers.preferred == [[], ["tcp://b:2"], ["tcp://b:2"]]
    assert len(said) == 2 and all("runs again" in line for line in said)


@pytest.mark.parametrize(
    "missing", [NetUnavailable("no weights"), SandboxUnavailable("no namespaces")], ids=repr
)
def test_what_a_human_must_put_right_on_a_worker_ends_the_run_at_once(
    missing: CourseError, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tried elsewhere it would only be said later, and of every job."""
    workers = Workers(9, missing)

    def connect(executor: ClusterExecutor, deadline: float) -> None:
        executor._client = executor._pool = workers

    monkeypatch.setattr(ClusterExecutor, "_connect", connect)
    monkeypatch.setattr("grader.cluster.executor._PULSE", 60)
    with ClusterExecutor("tcp://nowhere") as executor, pytest.raises(type(missing), match="no "):
        executor.submit(execute, a_job()).result(10)
    assert workers.preferred == [[]]
