"""A course of one small notebook, for tests that need the whole way but not the whole course."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from nbformat.notebooknode import NotebookNode

from grader import config
from grader.bench import small_course
from grader.classroom.folder import ClassFolder
from grader.contract.judge import Judge, Mistake, Question
from grader.grading import run as grade

NAME = "90_tiny"

SOURCE = '''\
# %% [markdown]
# # Tiny

# %%
STUDENT_ID = "your_id"

# %% locked="setup"
import numpy as np
from utils import check

# %% solution="square"
def square(x):
    """x: any array.  Returns its square."""
    ### BEGIN SOLUTION
    return x * x
    ### END SOLUTION

# %% check="square" points=4
check("square", square)

# %% figure="never_run"
raise RuntimeError("figures are not executed when graded")

# %% solution="sums"
sums = {"a": None, "b": None}
### BEGIN SOLUTION
from utils.checks.identity import variant_of
sums = {"a": variant_of(STUDENT_ID) + 1, "b": variant_of(STUDENT_ID) + 2}
### END SOLUTION

# %% check="sums" points=2
check("sums", sums, student=STUDENT_ID)

# %% [markdown] essay="why" points=3
# ### BEGIN SOLUTION
# Because.
#
# **Rubric**
# - 3 points: says because
# - 1 points: says something
# - 0 points: says nothing
# ### END SOLUTION
'''


def _draw_square(rng: np.random.Generator, _: int) -> list[Question]:
    return [
        Question("positive", {"x": rng.uniform(1, 2, size=3)}),
        Question("negative", {"x": -rng.uniform(1, 2, size=(2, 2))}),
    ]


JUDGES = [
    Judge(
        "square",
        lambda x: x * x,
        _draw_square,
        {
            "absolute value": Mistake(lambda x: np.abs(x), "a square grows faster"),
            "sign kept": Mistake(lambda x: x * np.abs(x), "minus times minus is plus"),
        },
        section="Tiny",
    ),
    Judge(
        "sums",
        lambda variant: {"a": variant + 1, "b": variant + 2},
        lambda rng, variant: [Question(f"numbers {variant}", {"variant": variant})],
        {"one off": Mistake(lambda variant: {"a": variant, "b": variant + 1})},
        kind="value",
        parts=("a", "b"),
        by_student=True,
    ),
]


def install(root: Path, limits: config.Limits | None = None) -> config.Course:
    """Put the tiny course in place of the real one, in this process, with its files in `root`."""
    limits = limits or config.Limits(3, 10, 60, 4096, 64)
    return small_course.install(root, NAME, SOURCE, JUDGES, limits)


def reference(team: str, changes: dict[str, str] | None = None) -> NotebookNode:
    """The notebook that `team` hands in: the reference solution with some cells' text replaced."""
    return small_course.reference(NAME, team, changes)


def hand_in(folder: ClassFolder, team: str, notebook: NotebookNode | bytes) -> None:
    """Put a submission where intake would."""
    small_course.hand_in(folder, NAME, team, notebook)


def run(root: Path, folder: Path, workers: int = 2) -> None:
    """Grade `folder`: what tests start as a process of its own, to kill it."""
    course = install(root)
    grade.grade(ClassFolder(folder), course, workers=workers, seed="fixed")


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]))
