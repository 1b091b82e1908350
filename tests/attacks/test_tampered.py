"""Outcomes and answers that somebody has changed on their way: from a worker, and where they are
kept.  Each costs its own submission at most."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import msgspec
import nbformat
import numpy as np
import pytest

from grader import config, sandbox
from grader.classroom import gradebook, results
from grader.classroom.folder import ClassFolder
from grader.cluster import ClusterExecutor, JobLost, executor
from grader.cluster.worker import WorkerTrouble
from grader.executing import execute
from grader.executing.execute import Job, Outcome
from grader.grading import rejudge, stored, task
from grader.grading.run import grade
from grader.pages import feedback, report
from tests.attacks import small_class
from tests.attacks.base import RIGHT, hand_in
from tests.grader.tiny_course import NAME, reference
from utils import codec

Tampering = Callable[[Job, Outcome], Any]
replace = msgspec.structs.replace


def _notebook(text: str) -> Tampering:
    return lambda _, outcome: replace(outcome, notebook=text)


def _edited(change: Callable[[dict[str, Any]], None]) -> Tampering:
    def tamper(_: Job, outcome: Outcome) -> Outcome:
        content = json.loads(outcome.notebook)
        change(content)
        return replace(outcome, notebook=json.dumps(content))

    return tamper


def _answers(make: Callable[[Job], Any]) -> Tampering:
    return lambda job, outcome: replace(outcome, answers=make(job))


def _with(**values: Any) -> Tampering:
    return lambda _, outcome: replace(outcome, **values)


def _claims(content: dict[str, Any]) -> None:
    for cell in content["cells"]:
        about = cell["metadata"].get("nbgrader", {})
        about.update(points=1000, grade=True, locked=False, grade_id="check_square")


def _outputs(content: dict[str, Any]) -> None:
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [{"output_type": "hologram", "data": [[[]]]}] * 50
            cell["execution_count"] = {"a": [1] * 1000}


OUTCOMES: dict[str, Tampering] = {
    "no notebook": _notebook(""),
    "a list for a notebook": _notebook("[]"),
    "a notebook without cells": _notebook("{}"),
    "nested without end": _notebook("[" * 100_000),
    "a notebook of another time": _notebook('{"nbformat": 99, "cells": 7}'),
    "half characters": _edited(lambda n: n["cells"].append(
        {"cell_type": "markdown", "id": "x", "metadata": {}, "source": "\ud83d"})),
    "all cells are gone": _edited(lambda n: n["cells"].clear()),
    "cells in another order": _edited(lambda n: n["cells"].reverse()),
    "points that it gives itself": _edited(_claims),
    "odd outputs": _edited(_outputs),
    "answers to other questions": _answers(lambda job: {"../seed": [b"x"], "other": [b"y"]}),
    "no answers": _answers(lambda job: {}),
    "empty lists of answers": _answers(lambda job: {name: [] for name in job.questions}),
    "thousands of answers": _answers(lambda job: dict.fromkeys(job.questions, [b""] * 5000)),
    "answers of others": _answers(lambda job: {
        name: [codec.pack({"student": "team_2", "replies": [{"value": [4.0]}] * 3})]
        for name in job.questions}),
    "questions for answers": _answers(lambda job: {n: [q] for n, q in job.questions.items()}),
    "a reason with markup": _with(problem="stopped: <script>alert(31337)</script> \x1b[2J"),
    "time that is no number": _with(seconds=float("nan"), cell_seconds=float("inf")),
    "memory that is no number": _with(peak_mb=float("-inf"), most_at_once=-(10**6)),
    "late, whatever is done": _with(late=True, seconds=-1e300),
    "an error of its own making": lambda *_: UnicodeError("<script>31337</script> \ud800"),
}  # fmt: skip
"""Name -> what comes in place of an outcome."""


class Tampered(Executor):
    """Makes up an outcome that answers nothing, and tampers with it."""

    def __init__(self, by_team: dict[str, Tampering]) -> None:
        self.by_team = by_team

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        job: Job = args[0]
        team = job.label.partition("/")[0]
        found: Any = (
            self.by_team[team](job, Outcome(job.notebook, {}))
            if team in self.by_team
            else function(job)
        )
        if isinstance(found, Exception):
            future.set_exception(found)
        else:
            future.set_result(found)
        return future


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> config.Course:
    if not sandbox.probe().way and not os.environ.get("CI"):
        pytest.skip(str(sandbox.probe()))
    return small_class.install(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def folder(course: config.Course, tmp_path_factory: pytest.TempPathFactory) -> ClassFolder:
    """A class whose outcomes were tampered with, but for one honest team."""
    folder = ClassFolder(tmp_path_factory.mktemp("class").resolve())
    by_team = {f"team_{number}": how for number, how in enumerate(OUTCOMES.values(), 1)}
    for team in (*by_team, "honest"):
        notebook = reference(team, {"square": RIGHT})
        hand_in(folder, team, nbformat.writes(notebook).encode())
    summary = grade(folder, course, executor=Tampered(by_team), workers=1, seed="fixed")
    assert summary.graded == len(by_team) + 1
    return folder


@pytest.mark.parametrize("number", range(1, len(OUTCOMES) + 1), ids=lambda n: [*OUTCOMES][n - 1])
def test_a_tampered_outcome_earns_nothing(
    number: int, folder: ClassFolder, course: config.Course
) -> None:
    (result,) = [r for r in results.graded(folder) if r.team == f"team_{number}"]
    assert result.points == 0
    assert result.max_points == 6
    (mark,) = [m for m in gradebook.marks(folder, course.id) if m.team == f"team_{number}"]
    assert sum(cell.auto or 0 for cell in mark.cells) == 0


def test_others_and_pages_are_not_touched(folder: ClassFolder, course: config.Course) -> None:
    (honest,) = [r for r in results.graded(folder) if r.team == "honest"]
    assert (honest.points, honest.needs_human) == (6, "")
    pages = feedback.write(folder, course)
    assert len(pages) >= len(OUTCOMES) + 1
    assert "<script>alert(31337)" not in report.write(folder, course).read_text()


KEPT: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda data: data[:-7],
    "empty": lambda _: b"",
    "a pickle": lambda _: b"cos\nsystem\n(S'touch attacked_by'\ntR.",
    "a map that says it holds all of memory": lambda _: b"\xdf\xff\xff\xff\xff",
    "nested without end": lambda _: b"\x91" * 200_000,
    "a number for the answers": lambda data: _kept(data, answers={"square": 7}),
    "texts for the answers": lambda data: _kept(data, answers={"square": ["right"]}),
    "answers that are no packed values": lambda data: _kept(data, answers={"square": [b"x"]}),
    "more answers than were asked for": lambda data: _kept(
        data, answers={name: [codec.pack({"replies": []})] * 999 for name in ("square", "none")}
    ),
    "bombs": lambda data: _kept(
        data, answers={"square": [codec.pack({"replies": [{"value": np.zeros(7_999_999)}]})]}
    ),
    "another job's": lambda data: _kept(data, execution="0" * 64),
    "a reason that is too long": lambda data: _kept(data, problem="x" * 3_000_000),
}
"""Name -> what somebody makes of the file in which answers are kept."""


def _kept(data: bytes, **changes: Any) -> bytes:
    return msgspec.msgpack.encode(msgspec.msgpack.decode(data) | changes)


def test_kept_answers_that_were_tampered_with_earn_nothing_and_stop_nothing(
    course: config.Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = ClassFolder(tmp_path / "class")
    notebook = nbformat.writes(reference("team_1")).encode()
    teams = [f"team_{number}" for number in range(len(KEPT) + 1)]
    for team in teams:
        hand_in(folder, team, notebook)
    wrong = codec.pack({"student": None, "replies": [{"value": [1.0]}] * 2})
    answered = Tampered(
        dict.fromkeys(teams, _answers(lambda job: {name: [wrong] for name in job.questions}))
    )
    assert grade(folder, course, executor=answered, workers=1, seed="fixed").broken == []
    monkeypatch.setattr(task, "code_version", lambda notebook: "of another year")
    for number, tamper in enumerate(KEPT.values(), 1):
        path = folder.result(f"team_{number}", NAME) / stored.FILE
        path.write_bytes(tamper(path.read_bytes()))
    found = rejudge.preview(folder, course, "fixed")
    assert found.broken == []
    marked, again = {place[0] for place in found.pending}, set(found.to_execute)
    assert len(marked) + len(again) == len(KEPT) + 1
    assert "team_0" in marked
    assert all(change.after <= change.before for change in found.changes), found.changes
    rejudge.apply(folder, course, found)
    points = {result.team: result.points for result in results.graded(folder)}
    assert points == dict.fromkeys(teams, 0.0)
    assert not list(tmp_path.rglob("attacked_by")) and not Path("attacked_by").exists()


@pytest.mark.parametrize(
    "came",
    [
        b"outcome",
        b"",
        7,
        msgspec.msgpack.encode({"notebook": "{}", "answers": {"square": "right"}}),
        msgspec.msgpack.encode(["{}"]),
        WorkerTrouble("OSError: no file is called deserialization.npz", "tcp://worker"),
    ],
    ids=repr,
)
def test_what_is_no_outcome_costs_one_job_and_not_the_cluster(came: Any) -> None:
    said: list[str] = []
    cluster = object.__new__(ClusterExecutor)  # without a scheduler
    cluster.say = said.append
    cluster._lock, cluster._sent, cluster._pool = threading.RLock(), {}, None
    cluster._client, cluster._fatal, cluster._closing = None, None, False
    sent = executor._Sent(b"", "team_1/90_tiny", 1.0)
    for _ in range(executor.TRIES):
        sent.inner = Future()
        if isinstance(came, Exception):
            sent.inner.set_exception(came)
        else:
            sent.inner.set_result(came)
        cluster._take(sent, sent.inner)
    assert isinstance(sent.future.exception(0), JobLost)
    assert cluster._fatal is None
    assert len(said) == executor.TRIES - 1


def test_what_a_kernel_has_shown_can_be_sent_by_a_worker(
    course: config.Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])

    def run(client: execute.BoundedClient, work: Path) -> str:
        shown = nbformat.v4.new_output("display_data", data={"text/plain": "cut \ud83d"})
        client.nb.cells[0].outputs.append(shown)
        return ""

    monkeypatch.setattr(execute, "_run", run)
    outcome = execute.execute(Job("x", nbformat.writes(notebook), {}, course.limits))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(outcome), type=Outcome) == outcome
