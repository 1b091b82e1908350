"""Hostile notebooks go the whole way, and each costs so much time and memory and no more.

Most meet no kernel: what one would have made of them is made up, and more hostile than any.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest

from grader import config, sandbox
from grader.classroom import results
from grader.classroom.folder import ClassFolder
from grader.executing.execute import Job, Outcome
from grader.formgrader.setup import set_up
from grader.grading.run import grade
from grader.intake import collect
from grader.pages import feedback, report, similar
from grader.sandbox.watch import Meter
from tests import long
from tests.attacks import hostile_notebooks
from tests.attacks.hostile_notebooks import Hostile
from tests.attacks.test_showing_takes_no_time import FORMGRADER, formgrader_shows
from tests.grader import tiny_course
from tests.grader.honest.quickly import MEMORY
from tests.grader.sandbox_helpers import NUMPY
from tests.grader.tiny_course import NAME

pytestmark = pytest.mark.minutes

MOST_SECONDS = 40.0
"""Of processor time, of all processes together: most is for trials that are ended."""
MOST_MB = 900.0
"""By which the grader's own process may grow."""
KEPT = 1_000_000
"""Characters of output that are kept of a notebook."""
NUMBERS = range(long.choose(8, 1000))
IN_A_KERNEL = {number for number in NUMBERS if number % 50 == 7}


class Pretending(Executor):
    """Executes nothing, and brings back what a hostile kernel would."""

    def __init__(self, hostile: Hostile) -> None:
        self.hostile = hostile

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(self._outcome(args[0]))
        except Exception as error:  # as where a real one can't be written
            future.set_exception(error)
        return future

    def _outcome(self, job: Job) -> Outcome:
        notebook = nbformat.reads(job.notebook, as_version=4)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        room = KEPT
        for number, output in enumerate(self.hostile.outputs):
            room -= len(str(output))
            if room < 0:  # as the client does with a real one's
                break
            code[number % len(code)].outputs.append(nbformat.from_dict(output))
        answers = dict.fromkeys(job.questions, self.hostile.answers)
        return Outcome(nbformat.writes(notebook), answers)


@dataclass
class Costs:
    """What one notebook cost."""

    number: int
    seconds: float = 0.0
    steps: dict[str, float] = field(default_factory=dict)
    grown_mb: float = 0.0
    ways: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        steps = ", ".join(f"{step} {spent:.1f}" for step, spent in self.steps.items())
        ways = ", ".join(self.ways)
        return f"{self.number}: {self.seconds:.1f} s ({steps}), {self.grown_mb:.0f} MB: {ways}"


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> config.Course:
    course = tiny_course.install(
        tmp_path_factory.mktemp("tiny"), config.Limits(0.5, 2, 6, 700, 1024)
    )
    entry = dataclasses.replace(course.notebooks[NAME], kernel=NUMPY)
    return dataclasses.replace(course, notebooks={NAME: entry}, anonymous=True)


@pytest.fixture(scope="module")
def empty(course: config.Course, tmp_path_factory: pytest.TempPathFactory) -> ClassFolder:
    folder = ClassFolder(tmp_path_factory.mktemp("empty") / "class")
    set_up(folder, course)
    return folder


@pytest.fixture(scope="module")
def costs() -> Iterator[list[Costs]]:
    """Those of all that ran; the slowest are printed."""
    found: list[Costs] = []
    yield found
    for one in sorted(found, key=lambda one: -one.seconds)[:10]:
        print(one)


@pytest.mark.parametrize("number", NUMBERS)
def test_it_goes_the_whole_way(
    number: int, course: config.Course, empty: ClassFolder, costs: list[Costs]
) -> None:
    hostile = hostile_notebooks.make(number)
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as place:
        folder = ClassFolder(Path(place).resolve() / "class")
        shutil.copytree(empty.root, folder.root)
        archive = Path(place) / f"team_{number}.tar.gz"
        archive.write_bytes(hostile.archive)
        one = _whole_way(folder, course, archive, hostile)
    costs.append(one)
    assert one.seconds < MOST_SECONDS, one
    assert one.grown_mb < MOST_MB, one


def _whole_way(
    folder: ClassFolder, course: config.Course, archive: Path, hostile: Hostile
) -> Costs:
    one = Costs(hostile.number, ways=hostile.ways)
    meter = Meter(os.getpid())
    before, peak = meter.look(), _peak_mb(forget=True)

    def step(name: str) -> None:
        nonlocal before
        now = meter.look()
        one.steps[name], before = now - before, now
        one.seconds += one.steps[name]

    taken = collect(folder, course, [archive], None)
    step("collect")
    assert len(taken.taken) + len(taken.rejected) == 1  # and nothing else
    real = hostile.number in IN_A_KERNEL and sandbox.probe().way
    grade(folder, course, executor=None if real else Pretending(hostile), workers=1)
    step("grade")
    pages = feedback.write(folder, course)
    report.write(folder, course)
    step("pages")
    similar.search(folder, course)
    step("similar")
    one.grown_mb = _peak_mb() - peak
    team = f"team_{hostile.number}"
    if taken.taken:
        assert len(pages) == 2
        assert [r.team for r in results.graded(folder)] == [team]
    if taken.taken and hostile.number % 10 == 0:  # nbconvert takes its time to begin
        shown = folder.autograded(team, NAME) / f"{NAME}.ipynb"
        assert formgrader_shows(nbformat.read(shown, as_version=4)) < 2 * FORMGRADER
    return one


def _peak_mb(forget: bool = False) -> float:
    if forget:
        Path("/proc/self/clear_refs").write_text("5")
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
