"""What a submission costs as the class grows: seconds, and memory of the grader and the database.

Each class of a small notebook is graded in a process of its own, as a user would start it.  The
time to begin (imports, a new gradebook) is measured apart, on a class of one.  Then the largest
class is marked again with another threshold, and a class is graded on one Dask worker and on two.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grader import places
from grader.bench import machine, small_course
from grader.classroom.folder import ClassFolder
from grader.cluster import ClusterExecutor
from grader.contract.judge import Judge, Question
from grader.files import write_atomically
from grader.grading import rejudge
from grader.grading.run import grade

NAME = "92_small"
SIZES = (10, 100, 500)
FULL = (10, 100, 1000, 5000)
ON_WORKERS = 60
"""Submissions of the class that is graded on one worker and on two."""
STRICT, LAX = 1e-6, 0.5
"""Relative errors that the judge lets pass: before, and when the class is marked again."""

SOURCE = """\
# %% locked="setup"
import sys

sys.path.insert(0, "..")
import numpy as np
from utils import check

# %% solution="double"
def double(x):
    ### BEGIN SOLUTION
    return x * 2
    ### END SOLUTION

# %% check="double" points=4
check("double", double)

# %% [markdown] essay="why" points=2
# ### BEGIN SOLUTION
# Twice is two times.
#
# **Rubric**
# - 2 points: says why
# - 1 points: says something
# - 0 points: says nothing
# ### END SOLUTION
"""

_THRESHOLDS = "[anything]\nimages = {{ floor = 0.25, goal = {goal} }}\n"


def judges(rtol: float) -> list[Judge]:
    """The notebook's one judge."""
    return [
        Judge(
            "double",
            lambda x: 2 * x,
            lambda rng, _: [Question("a vector", {"x": rng.uniform(3, 4, size=3)}, rtol)],
        )
    ]


def main(full: bool = False, sizes: tuple[int, ...] = ()) -> None:
    """Print what is measured, and the result as JSON on the last line.

    full: classes of up to 5,000 submissions.
    """
    print(json.dumps(run(sizes or (FULL if full else SIZES))))


def run(sizes: tuple[int, ...] = SIZES, on_workers: int = ON_WORKERS) -> dict[str, Any]:
    """Grade one class of each size."""
    with tempfile.TemporaryDirectory(prefix="course-bench-") as scratch:
        root = Path(scratch).resolve()
        start = _measure(root, 1)
        classes = {size: _measure(root, size) for size in sizes}
        again = _in_process(root, "mark_again", root / f"class-{sizes[-1]}")
        print(f"{sizes[-1]} marked again: {again['seconds']:.1f} s", flush=True)
        alone, together = (_on_cluster(root, on_workers, count) for count in (1, 2))
    each = {
        str(size): round((found["seconds"] - start["seconds"]) / (size - 1), 4)
        for size, found in classes.items()
    }
    cpu = {
        str(size): round((found["cpu_s"] - start["cpu_s"]) / (size - 1), 4)
        for size, found in classes.items()
    }
    middle = "100" if "100" in each else str(sizes[0])
    return {
        "name": "scale",
        "machine": machine.describe(),
        "samples": sum(sizes),
        "ratios": {
            "cost_largest_vs_100": round(each[str(sizes[-1])] / each[middle], 3),
            "cpu_largest_vs_100": round(cpu[str(sizes[-1])] / cpu[middle], 3),
            "two_workers_vs_one": round(alone["seconds"] / together["seconds"], 3),
        },
        "start_s": start["seconds"],
        "grader_cpu_s_per_submission": round(together["grader_cpu_s"], 4),
        "seconds_per_submission": each,
        "cpu_s_per_submission": cpu,
        "grader_mb": {str(size): found["grader_mb"] for size, found in classes.items()},
        "database_mb": {str(size): found["database_mb"] for size, found in classes.items()},
        "class_mb": {str(size): found["class_mb"] for size, found in classes.items()},
        "mark_again_s": {str(sizes[-1]): again["seconds"]},
        "marks_changed": again["changed"],
    }


def grade_class(root: Path, folder: Path) -> dict[str, float]:
    """What runs in the process of its own."""
    course = small_course.install(root / "course", NAME, SOURCE, judges(STRICT))
    grade(ClassFolder(folder), course, seed="bench")
    return {"grader_mb": _peak_mb()}


def grade_on_cluster(root: Path, folder: Path, address: str) -> dict[str, float]:
    """The same on a cluster; the first submission, which starts everything, is not measured."""
    course = small_course.install(root / "course", NAME, SOURCE, judges(STRICT))
    place = ClassFolder(folder)
    with ClusterExecutor(address) as executor:
        while executor.workers < int(folder.name.rpartition("-")[2]):
            time.sleep(0.2)
        first = {f"team_{number}" for number in range(1, 2 * executor.threads + 1)}
        grade(place, course, executor=executor, seed="bench", only=lambda team, _: team in first)
        started, own = time.perf_counter(), time.process_time()
        rest = grade(
            place, course, executor=executor, seed="bench", only=lambda team, _: team not in first
        )
        each = (time.process_time() - own) / rest.executed
        return {"seconds": time.perf_counter() - started, "grader_cpu_s": each}


def mark_again(root: Path, folder: Path) -> dict[str, float]:
    """Mark a class again with another threshold."""
    course = small_course.install(root / "course", NAME, SOURCE, judges(LAX))
    # the settings are part of what a result depends on, so every result is marked again
    write_atomically(root / "course" / "thresholds.toml", _THRESHOLDS.format(goal=0.5))
    write_atomically(folder / "thresholds.toml", _THRESHOLDS.format(goal=0.75))
    started = time.perf_counter()
    found = rejudge.preview(ClassFolder(folder), course, "bench")
    rejudge.apply(ClassFolder(folder), course, found)
    assert not found.to_execute and not found.current
    return {
        "seconds": round(time.perf_counter() - started, 2),
        "changed": len(found.changes),
        "grader_mb": _peak_mb(),
    }


def fill(root: Path, folder: Path, size: int) -> None:
    """Make a class of `size` honest submissions, every fourth of them wrong."""
    small_course.install(root / "course", NAME, SOURCE, judges(STRICT))
    for number in range(1, size + 1):
        wrong = {"double": "def double(x):\n    return x + 2"} if number % 4 == 0 else None
        notebook = small_course.reference(NAME, f"team_{number}", wrong)
        small_course.hand_in(ClassFolder(folder), NAME, f"team_{number}", notebook)


def _measure(root: Path, size: int) -> dict[str, float]:
    folder = root / f"class-{size}"
    _in_process(root, "fill", folder, size)
    found = _in_process(root, "grade_class", folder)
    print(f"{size} submissions: {found['wall_s']:.1f} s", flush=True)
    stored = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {
        "seconds": round(found["wall_s"], 2),
        "cpu_s": round(found["cpu_s"], 2),
        "grader_mb": found["grader_mb"],
        "database_mb": round((folder / "gradebook.db").stat().st_size / 2**20, 2),
        "class_mb": round(stored / 2**20, 2),
    }


def _in_process(root: Path, what: str, *arguments: object) -> dict[str, float]:
    """Call a function of this module in a process of its own; what it returns, and its time."""
    code = (
        "import json, sys; from pathlib import Path; from grader.bench import scale; "
        "words = [int(a) if a.isdigit() else Path(a) if a[0] == '/' else a for a in sys.argv[2:]]; "
        "print(json.dumps(getattr(scale, sys.argv[1])(*words) or {}))"
    )
    command = [sys.executable, "-c", code, what, str(root), *map(str, arguments)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run(command, cwd=places.ROOT, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return {"wall_s": seconds, "cpu_s": spent, **json.loads(done.stdout.splitlines()[-1])}


def _on_cluster(root: Path, size: int, workers: int) -> dict[str, float]:
    """Seconds for a class on so many Dask workers of one thread each, on loopback.

    And the processor time, by submission, of the grader: all that no worker can take from it.
    """
    folder = root / f"workers-{workers}"
    _in_process(root, "fill", folder, size)
    with _cluster(root, workers) as address:
        found = _in_process(root, "grade_on_cluster", folder, address)
    print(f"{size} submissions on {workers} workers: {found['seconds']:.1f} s", flush=True)
    return found


@contextlib.contextmanager
def _cluster(root: Path, workers: int) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    commands = [["scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]]
    worker = ["worker", address, "--nthreads", "1", "--no-nanny", "--memory-limit", "0"]
    commands += [[*worker, "--no-dashboard", "--local-directory", str(root)]] * workers
    environment = {**os.environ, "PYTHONPATH": str(places.ROOT)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "dask", *command],
            cwd=root,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for command in commands
    ]
    try:
        yield address
    finally:
        for process in reversed(processes):
            process.kill()
            process.wait()


def _peak_mb() -> float:
    """Largest resident size of this process so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)
