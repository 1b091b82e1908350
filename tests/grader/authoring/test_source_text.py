"""Sources become nbgrader notebooks, and mistakes in them are refused with their line."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.authoring import source_text
from grader.cells import grade_id, is_bonus
from tests.grader.tiny_course import SOURCE


def read(tmp_path: Path, text: str) -> source_text.Source:
    path = tmp_path / "90_tiny.py"
    path.write_text(text)
    return source_text.read(path)


def test_headers_become_nbgrader_metadata(tmp_path: Path) -> None:
    source = read(tmp_path, SOURCE)
    meta = {
        c.metadata.nbgrader.grade_id: c.metadata.nbgrader
        for c in source.notebook.cells
        if "nbgrader" in c.metadata
    }
    assert meta["check_square"].grade and meta["check_square"].locked
    assert meta["check_square"].points == 4
    assert meta["square"].solution and not meta["square"].grade
    assert meta["why"].grade and meta["why"].solution and meta["why"].points == 3
    assert meta["setup"].locked and not meta["setup"].grade
    assert [c.name for c in source.checks] == ["square", "sums"]


def test_the_reference_has_solutions_but_no_rubric(tmp_path: Path) -> None:
    text = "\n".join(c.source for c in source_text.with_solutions(read(tmp_path, SOURCE)).cells)
    assert "return x * x" in text and "Because." in text
    assert "SOLUTION" not in text and "Rubric" not in text


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ('solution="sums"', 'solution="square"', 24, "is taken by the cell in line 11"),
        (" points=4", "", 18, "needs points"),
        ("points=4", "points=0", 18, "needs points"),
        ("points=4", "points=4 bonus=1", 18, "bonus is true or false"),
        ('solution="sums"', 'solution="sums" bonus=true', 24, "bonus is true or false"),
        ("points=4", "pionts=4", 18, "unknown key 'pionts'"),
        ('check("square", square)', 'check("sqare", square)', 18, 'must call check("square"'),
        ("    ### END SOLUTION\n\n# %% check", "\n# %% check", 11, "has no ### BEGIN SOLUTION"),
        ("# - 1 points: says something\n", "", 34, "three lines"),
        ('solution="sums"', 'solution="su ms"', 24, "is no id"),
        ('locked="setup"', 'locked="setup" figure="f"', 7, "can't be both"),
        ("# %% [markdown]\n# # Tiny", "# # Tiny", 1, "every cell"),
    ],
)
def test_a_wrong_source_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    assert old in SOURCE
    with pytest.raises(source_text.SourceError) as refused:
        read(tmp_path, SOURCE.replace(old, new, 1))
    assert message in str(refused.value)
    assert str(refused.value).startswith(f"90_tiny.py:{line}:")


def test_optional_exercises_are_marked_in_their_cells(tmp_path: Path) -> None:
    cells = read(tmp_path, SOURCE.replace("points=3", "points=3 bonus=true")).notebook.cells
    assert [grade_id(cell) for cell in cells if is_bonus(cell)] == ["why"]
