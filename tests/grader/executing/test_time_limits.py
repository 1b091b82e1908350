"""Time limits in real kernels: whoever keeps to the limit of each call loses nothing, whatever else
the machine does; whoever doesn't ends, however it is tried."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path

import pytest

from grader import config
from grader.classroom import results
from grader.classroom.folder import ClassFolder
from grader.classroom.results import Result
from grader.executing.allowed import Allowed
from grader.executing.execute import Job, Outcome, execute
from grader.grading import run
from grader.grading.run import grade
from tests.busy import busy_machine
from tests.grader import tiny_course
from tests.grader.sandbox_helpers import NUMPY
from tests.grader.tiny_course import NAME, hand_in, reference

COMPUTES = """\
import time
def compute(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until: pass
"""


def square(body: str, before: str = "") -> dict[str, str]:
    """A right answer that does something else first."""
    lines = body.replace("\n", "\n    ")
    return {"square": f"{COMPUTES}{before}\ndef square(x):\n    {lines}\n    return x * x"}


@pytest.fixture
def folder(tmp_path: Path) -> ClassFolder:
    return ClassFolder(tmp_path / "class")


Course = Callable[[float, float, float], config.Course]


@pytest.fixture
def limited(tmp_path: Path) -> Course:
    """The tiny course, without frameworks, with limits for a call, a cell and a notebook."""

    def install(call: float, cell: float, notebook: float) -> config.Course:
        limits = config.Limits(call, cell, notebook, 1024, 64)
        course = tiny_course.install(tmp_path / "course", limits)
        entry = replace(course.notebooks[NAME], kernel=NUMPY)
        return replace(course, notebooks={NAME: entry})

    return install


def result_of(folder: ClassFolder, team: str) -> Result:
    found = results.read(folder.result(team, NAME) / "result.json", Result)
    assert isinstance(found, Result)
    return found


class Counting(Executor):
    """Runs jobs at once, one after the other, and lets each look as if another ran beside it."""

    in_flight = 2

    def __init__(self) -> None:
        self.ran: list[tuple[str, bool]] = []
        self.waiting: list[tuple[Future[Outcome], Job]] = []

    def submit(self, _, job: Job) -> Future[Outcome]:  # type: ignore[no-untyped-def, override]
        future: Future[Outcome] = Future()
        outcome = execute(job)
        self.ran.append((job.label.partition("/")[0], outcome.late))
        future.set_result(outcome)
        return future


def test_a_busy_machine_costs_nothing(limited: Course, folder: ClassFolder) -> None:
    course = limited(3, 4, 20)
    hand_in(folder, "team_1", reference("team_1", square("compute(0.9)")))
    with busy_machine(4 * (os.cpu_count() or 1)):
        grade(folder, course, workers=1)
    assert result_of(folder, "team_1").points == 6, result_of(folder, "team_1").checks


def test_a_check_may_take_as_long_as_its_calls(limited: Course, folder: ClassFolder) -> None:
    course = limited(2, 1, 10)
    hand_in(folder, "team_1", reference("team_1", square("compute(0.7)")))
    grade(folder, course, workers=1)
    assert result_of(folder, "team_1").points == 6, result_of(folder, "team_1").checks


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (square("time.sleep(60)"), "no result after 1.5 seconds"),
        (square("compute(60)"), "0.3 seconds of processor time"),
        (
            square(
                "import subprocess, sys\n"
                "for _ in range(4): subprocess.Popen([sys.executable, '-c', 'while True: pass'],"
                " start_new_session=True)\n"
                "time.sleep(60)"
            ),
            "0.3 seconds of processor time",
        ),
    ],
    ids=["sleeps", "computes", "lets children compute"],
)
def test_a_call_that_takes_too_long_ends(
    answer: dict[str, str], says: str, limited: Course, folder: ClassFolder
) -> None:
    course = limited(0.3, 5, 30)
    hand_in(folder, "team_1", reference("team_1", answer))
    grade(folder, course, workers=1)
    result = result_of(folder, "team_1")
    assert [check.points for check in result.checks] == [0, 2]
    assert says in result.checks[0].cases[0].message


NO_ALARM = "import signal\nsignal.setitimer(signal.ITIMER_REAL, 0)"
DEAF = f"{NO_ALARM}\nsignal.signal(signal.SIGINT, signal.SIG_IGN)"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (square(f"{NO_ALARM}\ncompute(60)"), "stopped after"),
        (square(f"{DEAF}\nwhile True: time.sleep(1)"), "went on after its time was up"),
        (square(f"{DEAF}\nwhile True: pass"), "went on after its time was up"),
        (
            square(
                "pass",
                "import os\n"
                "while True:\n"
                "    try:\n"
                "        if not os.fork():\n"
                "            os.setsid(); compute(0.2); os._exit(0)\n"
                "    except OSError: pass",
            ),
            "died",
        ),
    ],
    ids=["no alarm", "deaf and asleep", "deaf and busy", "bomb of short children"],
)
def test_who_stops_our_clocks_does_not_run_forever(
    answer: dict[str, str], says: str, limited: Course, folder: ClassFolder
) -> None:
    course = limited(0.3, 1, 4)
    hand_in(folder, "team_1", reference("team_1", answer))
    grade(folder, course, workers=1)
    result = result_of(folder, "team_1")
    assert result.points < 6
    assert says in repr(result), result
    assert result.seconds < Allowed(course.limits, {"square": 0.6}).clock + 15


def test_who_was_late_beside_others_is_tried_once_more_alone(
    limited: Course, folder: ClassFolder
) -> None:
    course = limited(0.5, 5, 30)
    hand_in(folder, "team_1", reference("team_1", square("compute(60)")))
    hand_in(folder, "team_2", reference("team_2"))
    hand_in(folder, "team_3", reference("team_3", square("compute(0.05)")))
    executor = Counting()
    summary = grade(folder, course, executor=executor)
    assert executor.ran == [
        ("team_1", True),
        ("team_2", False),
        ("team_3", False),
        ("team_1", True),
    ]
    assert (summary.graded, summary.executed, summary.need_human) == (3, 3, 0)
    assert run.AGAIN in result_of(folder, "team_1").notes
    assert result_of(folder, "team_1").points == 2
    assert not result_of(folder, "team_2").notes

    assert grade(folder, course, executor=executor).executed == 0
    grade(folder, course, executor=executor, force=True)
    assert [team for team, _ in executor.ran[4:]] == ["team_1", "team_2", "team_3", "team_1"]


def test_what_a_hog_took_from_a_classmate_costs_the_classmate_nothing(
    limited: Course, folder: ClassFolder
) -> None:
    hog = (
        "import subprocess, sys\n"
        "hogs = [subprocess.Popen([sys.executable, '-S', '-c', 'while True: pass'],"
        " start_new_session=True) for _ in range(24)]\n"
        "time.sleep(9)\n"
        "for hog in hogs: hog.kill()"
    )
    course = limited(1, 5, 60)
    hand_in(folder, "team_1", reference("team_1", square("pass", hog)))
    hand_in(folder, "team_2", reference("team_2", square("compute(0.7)")))
    summary = grade(folder, course, workers=2)
    assert result_of(folder, "team_2").points == 6, result_of(folder, "team_2").checks
    assert summary.graded == 2
    notes = {team: result_of(folder, team).notes for team in ("team_1", "team_2")}
    assert "computed at once" in "".join(notes["team_1"]) and "at once" not in str(notes["team_2"])


def test_who_says_that_time_was_up_is_asked_the_same_once_more(
    limited: Course, folder: ClassFolder
) -> None:
    fake = (
        "class CallTimeout(Exception): pass\n"
        "raise CallTimeout('no result after 3 seconds of processor time')"
    )
    course = limited(0.5, 5, 30)
    hand_in(folder, "team_1", reference("team_1", square(fake)))
    hand_in(folder, "team_2", reference("team_2"))
    executor = Counting()
    grade(folder, course, executor=executor)
    assert [team for team, _ in executor.ran] == ["team_1", "team_2", "team_1"]
    assert [check.points for check in result_of(folder, "team_1").checks] == [0, 2]


def test_the_limits_add_up_and_are_bounded() -> None:
    limits = config.Limits(10, 60, 300, 4096, 64)
    check = {"cell_type": "code", "metadata": {"nbgrader": {"grade": True, "grade_id": "check_a"}}}
    other = {"cell_type": "code", "metadata": {}}
    allowed = Allowed(limits, {"a": 300.0, "b": 1300.0})
    assert (allowed.cell(check), allowed.cell_clock(check)) == (300, 1500)
    assert (allowed.cell(other), allowed.cell_clock(other)) == (60, 300)
    assert (allowed.notebook, allowed.clock) == (1900, 2375)
    assert (Allowed(limits).notebook, Allowed(limits).clock) == (300, 1500)
