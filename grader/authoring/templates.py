"""What a new exercise, notebook and course begin with: an example that runs, to be overwritten.

`AUTHOR:` stands where an author has to write; nothing is built while it stands anywhere.  `$name`
and its like are filled in by `grader.authoring.new`.
"""

from __future__ import annotations

CELLS = '''
# %% [markdown] minutes=20
# ## $heading
#
# AUTHOR: what is to be learned, why it matters, and the formula.
#
# **Exercise.** Write `$name`. AUTHOR: what may be used, and what to look out for.

# %% solution="$name"
def $name(x):
    """Mean of each row.  AUTHOR: what your function returns, in one sentence.

    x: table (rows, columns).

    Returns means (rows,).
    """
    ### BEGIN SOLUTION
    return x.mean(axis=1)
    ### END SOLUTION


# %% check="$name" points=4
check("$name", $name)
'''
"""Of an exercise, for the end of its notebook's source."""

JUDGE = '''\
"""Judge of `$name`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from grader.contract.judge import Judge, Mistake, Question


def $name(x: np.ndarray) -> np.ndarray:
    """The mean of each row.  AUTHOR: the right answer to your exercise, from the same inputs."""
    return x.mean(axis=1)


def draw(rng: np.random.Generator, variant: int) -> Iterator[Question]:
    """Tables.  AUTHOR: inputs of your function; a mistake must show on one of them at least."""
    for rows, columns in ((2, 3), (4, 2), (3, 1)):
        yield Question(f"{rows} rows of {columns}", {"x": rng.normal(size=(rows, columns))})


def _of_columns(x: np.ndarray) -> np.ndarray:
    """AUTHOR: a mistake that you have seen."""
    return x.mean(axis=0)


JUDGES_$NAME = [
    Judge(
        "$name",
        $name,
        draw,
        {"the mean of each column": Mistake(_of_columns, "Which axis is gone in the result?")},
        section="$heading",
    )
]
'''

KNOWN = '''\
"""Known answers to `$name`."""

from __future__ import annotations

import numpy as np

from grader.contract.sample import right, wrong


def _row_by_row(x: np.ndarray) -> np.ndarray:
    """AUTHOR: a right answer that goes another way than your solution."""
    return np.array([sum(row) / len(row) for row in x])


def _column_by_column(x: np.ndarray) -> np.ndarray:
    """AUTHOR: a wrong answer, as a student would write it."""
    return np.array([sum(column) / len(column) for column in x.T])


SAMPLES_$NAME = [
    right("$name: row by row", _row_by_row),
    wrong("$name: column by column -> the mean of each column", _column_by_column),
]
'''

NOTEBOOK = """\
# %% [markdown]
# # $number · $title
#
# AUTHOR: what this notebook is about, in two or three sentences.
#
# **Begin here:** write your team's id, or your own, between the quotes below.

# %%
# Whose work this is: your team's id, such as "team_7", or your own as the class list has it.
STUDENT_ID = "your_id"

# %% locked="setup"
import numpy as np

from utils import check
"""

JUDGES = '''\
"""Judges of notebook $number."""

from grader.contract.judge import Judge

JUDGES: list[Judge] = []
'''

SAMPLES = '''\
"""Known answers to notebook $number."""

from grader.contract.sample import Sample

SAMPLES: list[Sample] = []
'''

ENTRY = """
[notebooks.$notebook]
title = "$title"
# due = 2027-01-29T23:59:00
"""
"""Of a notebook, for the end of the settings."""

COURSE = {
    "__init__.py": '"""$title: a course for the harness beside it."""\n',
    "judges/__init__.py": '"""What is right: a module or package for each notebook."""\n',
    "truth/__init__.py": '"""Answers whose worth is known."""\n',
    "public/helpers/__init__.py": '"""What this course\'s notebooks import, beside `utils`."""\n',
    "course.toml": """\
# Settings of the course.  A file of this name in a class folder overrides them.

[course]
id = "$course"
title = "$title"
contact = ""                # whom students ask, "ta@example.org"; said at the end of their guide

[late]
# Each day begun after the due date costs this fraction of the points, up to the maximum.
penalty_per_day = 0.10
maximum = 0.50
grace_minutes = 10

[limits]
# Bounds for one notebook while it is graded; seconds are processor time.
seconds_per_call = 10
seconds_per_cell = 60
seconds_per_notebook = 300
memory_mb = 2048
output_kb = 1024

[release]
# What students get: built notebooks and cases, and whatever lies in public/.
name = "$course"            # of the archives, and of the folder that they unpack to
folders = ["notebooks", "data", "helpers"]
readme = "README.md"        # in public/: their guide

[kernels.numpy]
# What has been imported before a notebook starts, and what can't be imported while it is graded.
preload = ["numpy"]
refused = []                # packages that would do an exercise's work

# ./course new notebook adds a table for each.
[notebooks]
""",
    "public/README.md": """\
# $title

## Set up, once

You need Python 3.11, 3.12 or 3.13.

    python3 -m venv .venv
    .venv/bin/pip install -r requirements.txt

On Windows write `.venv\\Scripts\\` in place of `.venv/bin/`.

## Work

    .venv/bin/jupyter lab notebooks

Write your team's id into the first code cell of each notebook. Fill in the cells that say so, and
run the check below each as often as you like: it tells you what is wrong, and often why.

## Hand in

    bash collect_submission.sh team_7

makes `team_7.tar.gz` and says what is in it, and what is still to do.
""",
}
"""Path in a course's folder -> its text, before there is a notebook."""
