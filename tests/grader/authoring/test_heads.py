"""Below headings stands what is to be known: points as they are, time, and what comes before."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.authoring import source_text
from grader.authoring.heads import with_heads

TEXT = """\
# %% [markdown] needs="notebook 89"
# # 90 · Tiny

# %% [markdown] minutes=60
# Words before it.
#
# ## Exercise 90.1: squares

# %% solution="square"
def square(x):
    ### BEGIN SOLUTION
    return x * x
    ### END SOLUTION

# %% check="square" points=1
check("square", square)

# %% [markdown] minutes=45 needs="90.1"
# ## Exercises 90.2 to 90.3: words
#
# **Question.** Why?

# %% [markdown] essay="why" points=4 bonus=true
# ### BEGIN SOLUTION
# Because.
#
# **Rubric**
#
# - 4 points: all
# - 2 points: half
# - 0 points: none
# ### END SOLUTION
"""


def read(tmp_path: Path, text: str = TEXT) -> source_text.Source:
    path = tmp_path / "90_tiny.py"
    path.write_text(text)
    return source_text.read(path)


def test_headings_questions_and_the_title_say_what_is_to_be_known(tmp_path: Path) -> None:
    cells = with_heads(read(tmp_path)).notebook.cells
    assert cells[0].source == (
        "# 90 · Tiny\n\n*1 point · 4 bonus points · about 2 hours · after notebook 89*"
    )
    assert cells[1].source.endswith("90.1: squares\n\n*1 point · about 60 minutes*")
    assert "words\n\n*4 bonus points · about 45 minutes · after 90.1*\n" in cells[4].source
    assert "**Question.** *(4 bonus points, about 10 sentences)* Why?" in cells[4].source
    assert "minutes" not in cells[1].metadata


def test_points_are_those_of_the_settings(tmp_path: Path) -> None:
    source = source_text.with_points(read(tmp_path), {"square": 7, "why": 0})
    cells = with_heads(source).notebook.cells
    assert "*7 points · about 2 hours" in cells[0].source
    assert "**Question.** Why?" in cells[4].source


def test_without_heads_nothing_changes(tmp_path: Path) -> None:
    bare = TEXT.replace(' needs="notebook 89"', "").replace(" minutes=60", "")
    bare = bare.replace(' minutes=45 needs="90.1"', "")
    source = read(tmp_path, bare)
    assert with_heads(source) is source


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("minutes=60", 'minutes="long"', 4),
        ("minutes=60", "minutes=-1", 4),
        ("# ## Exercise 90.1", "# Exercise 90.1", 4),
        ('check="square" points=1', 'check="square" points=1 minutes=3', 15),
    ],
)
def test_a_wrong_head_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, line: int
) -> None:
    with pytest.raises(source_text.SourceError, match=rf"^90_tiny\.py:{line}: minutes"):
        read(tmp_path, TEXT.replace(old, new, 1))
