"""What a submission costs as the class grows: seconds, and memory of the grader and the database.

Each class of a small notebook is graded in a process of its own, as a user would start it.  The
time to begin (imports, a new gradebook) is measured apart, on a class of one.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from grader import config
from grader.bench import machine, small_course
from grader.classroom import ClassFolder
from grader.grade import grade
from grader.judges.base import Judge, Question

NAME = "92_small"
SIZES = (10, 100, 500)

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

JUDGES = [
    Judge(
        "double",
        lambda x: 2 * x,
        lambda rng, _: [Question("a vector", {"x": rng.uniform(3, 4, size=3)})],
    )
]


def main() -> None:
    """Print what is measured, and the result as JSON on the last line."""
    print(json.dumps(run()))


def run(sizes: tuple[int, ...] = SIZES) -> dict[str, Any]:
    """Grade one class of each size."""
    with tempfile.TemporaryDirectory(prefix="course-bench-") as scratch:
        root = Path(scratch).resolve()
        start = _measure(root, 1)
        classes = {size: _measure(root, size) for size in sizes}
    each = {
        str(size): round((found["seconds"] - start["seconds"]) / (size - 1), 4)
        for size, found in classes.items()
    }
    return {
        "name": "scale",
        "machine": machine.describe(),
        "samples": sum(sizes),
        "ratios": {
            "cost_largest_vs_100": round(each[str(sizes[-1])] / each.get("100", each["10"]), 3)
        },
        "start_s": start["seconds"],
        "seconds_per_submission": each,
        "grader_mb": {str(size): found["grader_mb"] for size, found in classes.items()},
        "database_mb": {str(size): found["database_mb"] for size, found in classes.items()},
    }


def grade_class(root: Path, folder: Path) -> None:
    """What runs in the process of its own."""
    course = small_course.install(root / "course", NAME, SOURCE, JUDGES, imports="numpy")
    grade(ClassFolder(folder), course, seed="bench")
    print(json.dumps({"grader_mb": _peak_mb()}))


def _measure(root: Path, size: int) -> dict[str, float]:
    folder = root / f"class-{size}"
    code = (
        "import sys; from pathlib import Path; from grader.bench import scale; "
        "scale.fill(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(root), str(folder), str(size)], cwd=config.ROOT, check=True
    )
    code = (
        "import sys; from pathlib import Path; from grader.bench import scale; "
        "scale.grade_class(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, str(root), str(folder)],
        cwd=config.ROOT,
        capture_output=True,
        text=True,
    )
    seconds = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    print(f"{size} submissions: {seconds:.1f} s", flush=True)
    return {
        "seconds": round(seconds, 2),
        "grader_mb": json.loads(done.stdout.splitlines()[-1])["grader_mb"],
        "database_mb": round((folder / "gradebook.db").stat().st_size / 2**20, 2),
    }


def fill(root: Path, folder: Path, size: int) -> None:
    """Make a class of `size` honest submissions, every fourth of them wrong."""
    small_course.install(root / "course", NAME, SOURCE, JUDGES, imports="numpy")
    for number in range(1, size + 1):
        wrong = {"double": "def double(x):\n    return x + 2"} if number % 4 == 0 else None
        notebook = small_course.reference(NAME, f"team_{number}", wrong)
        small_course.hand_in(ClassFolder(folder), NAME, f"team_{number}", notebook)


def _peak_mb() -> float:
    """Largest resident size of this process so far, in MiB."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)
