"""The same submissions through `nbgrader autograde` and through our grading, in one run.

Two classes: a trivial TensorFlow notebook, and notebook 01.  Both sides are started as a user would
start them, as processes of their own, on copies of the same class folder.  nbgrader executes the
figures, too, since it can't know that nothing depends on them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from nbgrader.api import Gradebook

from grader import config, places
from grader.bench import machine, small_course
from grader.classroom import results
from grader.classroom.folder import ClassFolder
from grader.contract.judge import Judge, Question
from grader.contract.kernels import Profile
from grader.demo.samples import CLASS, SECOND
from grader.formgrader import setup as class_setup
from grader.grading.run import grade

TRIVIAL = "91_trivial"
COUNT = 24
"""Submissions in each class."""

SOURCE = """\
# %% locked="setup"
import sys

sys.path.insert(0, "..")
import tensorflow as tf
from utils import check

# %% solution="double"
def double(x):
    ### BEGIN SOLUTION
    return tf.constant(x) * 2
    ### END SOLUTION

# %% check="double" points=4
check("double", double)
"""

WRONG = "def double(x):\n    return tf.constant(x) ** 2"

JUDGES = [
    Judge(
        "double",
        lambda x: 2 * x,
        lambda rng, _: [
            Question("a vector", {"x": rng.uniform(3, 4, size=3)}),
            Question("twos", {"x": np.full(2, 2.0)}),
        ],
    )
]

KERNEL = Profile(preload=("tensorflow", "keras.layers"))


def main() -> None:
    """Print what is measured, and the result as JSON on the last line."""
    print(json.dumps(run()))


def run(count: int = COUNT) -> dict[str, Any]:
    """Measure both classes."""
    with tempfile.TemporaryDirectory(prefix="course-bench-") as scratch:
        root = Path(scratch).resolve()
        trivial = _compare(root / "trivial", TRIVIAL, count)
        whole = _compare(root / "notebook01", SECOND, count)
    return {
        "name": "grading",
        "machine": machine.describe(),
        "samples": count,
        "ratios": {
            "speedup_trivial": trivial["speedup"],
            "speedup_notebook01": whole["speedup"],
        },
        "overhead_s_per_notebook": max(trivial["overhead"], whole["overhead"]),
        "kernel_peak_mb": max(trivial["peak_mb"], whole["peak_mb"]),
        "same_marks": trivial["same_marks"] and whole["same_marks"],
        "trivial": trivial,
        "notebook01": whole,
    }


def prepare_class(root: Path, name: str, count: int) -> tuple[ClassFolder, config.Course]:
    """A class whose submissions are all honest, some of them wrong."""
    folder = ClassFolder(root / "class")
    if name == TRIVIAL:
        course = small_course.install(root / "course", TRIVIAL, SOURCE, JUDGES, kernel=KERNEL)
        changes: list[dict[str, str]] = [{}, {}, {}, {"double": WRONG}]
    else:
        course = config.load()
        course = config.Course(
            course.id, course.title, course.late, course.limits, {name: course.notebooks[name]}
        )
        teams = {team.name: team for team in CLASS}
        changes = [teams[n].changes for n in ("team_01", "team_03", "team_04", "team_11")]
    for number in range(1, count + 1):
        team = f"team_{number}"
        notebook = small_course.reference(name, team, changes[number % len(changes)])
        small_course.hand_in(folder, name, team, notebook)
    class_setup.set_up(folder, course)
    return folder, course


def grade_class(root: Path, name: str) -> None:
    """What runs in our process: grade, and print how long cells took on their own."""
    if name == TRIVIAL:
        course = small_course.install(root / "course", TRIVIAL, SOURCE, JUDGES, kernel=KERNEL)
    else:
        course = config.load()
    folder = ClassFolder(root / "class")
    grade(folder, course)
    graded = list(results.graded(folder))
    cells = [result.cell_seconds for result in graded]
    peak = max(result.peak_mb for result in graded)
    print(json.dumps({"cell_seconds": sum(cells), "peak_mb": peak}))


def _compare(root: Path, name: str, count: int) -> dict[str, Any]:
    try:
        folder, course = prepare_class(root, name, count)
    finally:
        places.use(None)
    _lay_course_beside(root, name)
    shutil.copytree(folder.root, root / "plain")
    print(f"{name}: {count} submissions through nbgrader autograde …", flush=True)
    theirs = _time_nbgrader(root / "plain", name)
    print(f"{name}: {theirs:.1f} s; through ours …", flush=True)
    profile = json.dumps(asdict(course.notebooks[name].kernel))
    command = [sys.executable, "-c", _OURS, str(root), name, profile]
    started = time.perf_counter()
    done = subprocess.run(command, cwd=places.ROOT, capture_output=True, text=True, check=False)
    ours = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    numbers = json.loads(done.stdout.splitlines()[-1])
    workers = os.cpu_count() or 1
    overhead = (ours * workers - numbers["cell_seconds"]) / count / workers
    print(f"{name}: {ours:.1f} s", flush=True)
    return {
        "nbgrader_s": round(theirs, 2),
        "ours_s": round(ours, 2),
        "speedup": round(theirs / ours, 2),
        "cells_s_per_notebook": round(numbers["cell_seconds"] / count, 3),
        "overhead": round(overhead, 3),
        "peak_mb": numbers["peak_mb"],
        "same_marks": _scores(root / "plain", name) == _scores(folder.root, name),
    }


_OURS = """\
import json, sys
from pathlib import Path

from grader.contract.kernels import Profile
from grader.grading import warm

root, name, profile = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
warm.start([Profile.of(json.loads(profile))])
with warm.quick_imports():
    from grader.bench.grading import grade_class
grade_class(root, name)
"""
"""What `./course grade` does, for a course that `config.load` would not find."""


def _time_nbgrader(root: Path, name: str) -> float:
    """Seconds of `nbgrader autograde` on a class folder."""
    settings = (root / "nbgrader_config.py").read_text()
    settings = settings.replace(f"{root.parent}/class", str(root))
    settings = settings.replace(class_setup.NO_PLAIN_AUTOGRADE, "")
    settings += "c.ExecutePreprocessor.timeout = c.Execute.timeout = 600\n"
    (root / "nbgrader_config.py").write_text(settings)
    course = root.parent / "course" / "public" if name == TRIVIAL else places.ROOT
    environment = {**os.environ, "PYTHONPATH": str(course)}
    command = [sys.executable, "-m", "nbgrader", "autograde", name]
    started = time.perf_counter()
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return seconds


def _lay_course_beside(root: Path, name: str) -> None:
    """What the trivial notebook imports under plain nbgrader: utils, with its own public cases."""
    if name == TRIVIAL:
        shutil.copytree(places.ROOT / "utils", root / "course" / "public" / "utils")


def _scores(root: Path, name: str) -> dict[str, dict[str, float | None]]:
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as book:
        return {
            submission.student.id: {
                grade.name: grade.auto_score and round(grade.auto_score, 3)
                for grade in submission.grades
            }
            for submission in book.notebook_submissions(name, name)
        }
