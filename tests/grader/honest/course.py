"""A course of one notebook with everything that a notebook can ask for, in little."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from grader import config
from grader.bench import small_course
from grader.contract.judge import Judge, Question

NAME = "90_forms"

SOURCE = '''\
# %% [markdown]
# # Forms

# %%
STUDENT_ID = "your_id"

# %% locked="setup"
import numpy as np
from utils import check

# %% [markdown]
# ## Squares
# Square an array.

# %% solution="square"
def square(x):
    """x: any array.  Returns its square."""
    ### BEGIN SOLUTION
    return x * x
    ### END SOLUTION

# %% check="square" points=4
check("square", square)

# %% figure="picture"
print("a picture of", square)

# %% [markdown]
# ## Cubes
# Cube an array, with the function above.

# %% solution="cube"
def cube(x):
    """x: any array.  Returns its cube."""
    ### BEGIN SOLUTION
    return np.asarray(x) * square(x)
    ### END SOLUTION

# %% check="cube" points=3
check("cube", cube)

# %% [markdown]
# ## Your own numbers
# Add one, and add two.

# %% solution="sums"
sums = {"a": None, "b": None}
### BEGIN SOLUTION
from utils.checks.identity import variant_of
sums = {"a": variant_of(STUDENT_ID) + 1, "b": variant_of(STUDENT_ID) + 2}
### END SOLUTION

# %% check="sums" points=2
check("sums", sums, student=STUDENT_ID)

# %% [markdown]
# ## Why?
# Why is that so?

# %% [markdown] essay="why" points=3
# ### BEGIN SOLUTION
# Because the first answer says WHYWORD.
#
# **Rubric**
# - 3 points: says because
# - 1 points: says something
# - 0 points: says nothing
# ### END SOLUTION

# %% [markdown]
# ## How?
# And how?

# %% [markdown] essay="how" points=2
# ### BEGIN SOLUTION
# It is done with care, says HOWWORD.
#
# **Rubric**
# - 2 points: says how
# - 1 points: says something
# - 0 points: says nothing
# ### END SOLUTION

# %% [markdown]
# That is all.
'''

ESSAYS = {
    "why": "Because the first answer says WHYWORD.",
    "how": "It is done with care, says HOWWORD.",
}
POINTS = 9.0


def _arrays(rng: np.random.Generator, _: int) -> list[Question]:
    return [
        Question("positive", {"x": rng.uniform(1, 2, size=3)}),
        Question("negative", {"x": -rng.uniform(1, 2, size=(2, 2))}),
    ]


JUDGES = [
    Judge("square", lambda x: x * x, _arrays, {}, section="Squares"),
    Judge("cube", lambda x: x * x * x, _arrays, {}, section="Cubes"),
    Judge(
        "sums",
        lambda variant: {"a": variant + 1, "b": variant + 2},
        lambda rng, variant: [Question(f"numbers {variant}", {"variant": variant})],
        {},
        kind="value",
        parts=("a", "b"),
        by_student=True,
    ),
]


def install(root: Path) -> config.Course:
    """Put the course in place of the real one, in this process."""
    limits = config.Limits(10, 30, 90, 4096, 64)
    return small_course.install(root, NAME, SOURCE, JUDGES, limits)
