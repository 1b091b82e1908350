"""Marks read by plain SQL are what nbgrader itself says, and reading them makes nothing."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC
from pathlib import Path

import pytest
from nbgrader import api

from grader import places
from grader.classroom import database, marks
from grader.classroom.folder import ClassFolder
from grader.classroom.marks import CellMark, NotebookMark
from tests.grader.sample_class import CONV, START, SampleClass


def by_nbgrader(sample: SampleClass) -> list[NotebookMark]:
    """The same marks, from nbgrader's own objects."""
    found = []
    for row in sample.gradebook.db.query(api.SubmittedNotebook).all():
        said = {remark.name: remark.comment for remark in row.comments}
        cells = [
            CellMark(
                grade.name,
                "essay" if grade.cell.cell_type == "markdown" else "check",
                grade.score,
                grade.max_score,
                grade.auto_score,
                grade.manual_score,
                grade.needs_manual_grade,
                said.get(grade.name) or "",
                grade.extra_credit or 0.0,
            )
            for grade in row.grades
        ]
        received = row.assignment.timestamp.replace(tzinfo=UTC)
        cells.sort(key=lambda mark: mark.cell)
        late = row.late_submission_penalty or 0.0
        found.append(NotebookMark(row.assignment.student_id, row.name, received, late, cells))
    return sorted(found, key=lambda mark: (mark.team, mark.notebook))


def test_marks_are_those_that_nbgrader_counts(tmp_path: Path) -> None:
    sample = SampleClass(tmp_path)
    sample.hand_in("team_1", fraction=0.5, late_fraction=0.1)
    sample.hand_in("team_2")
    sample.hand_in("team_1", START)
    sample.mark("team_1", "why_stride", 3, "well said")
    sample.mark("team_2", "check_conv2d_forward", 0)
    for cell, extra in (("check_conv2d_forward", 1.5), ("why_stride", 0.25)):
        sample.gradebook.find_grade(cell, CONV, CONV, "team_2").extra_credit = extra
    sample.gradebook.db.commit()
    found = marks.read(sample.folder)
    assert found == by_nbgrader(sample) and len(found) == 3
    cells = {cell.cell: cell for cell in found[2].cells}
    assert (cells["check_conv2d_forward"].points, cells["check_maxpool_forward"].points) == (1.5, 4)
    assert {cell.cell: cell.comment for cell in found[1].cells}["why_stride"] == "well said"


def test_where_nothing_was_graded_there_are_no_marks_and_no_database_is_made(
    tmp_path: Path,
) -> None:
    place = ClassFolder(tmp_path)
    assert marks.read(place) == [] and not list(tmp_path.iterdir())
    (tmp_path / "gradebook.db").write_bytes(b"")
    assert marks.read(place) == []
    (tmp_path / "gradebook.db").write_bytes(b"no database " * 100)
    with pytest.raises(database.GradebookUnavailable, match="can't be used"):
        marks.read(place)


def test_where_everybody_stands_is_read_without_nbgrader() -> None:
    code = "import sys; import grader.classroom.standing; print('nbgrader' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=places.ROOT, capture_output=True, text=True
    )
    assert done.stdout.strip() == "False", done.stderr
