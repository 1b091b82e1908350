"""What the gradebook says, read by plain SQL: a page about a class must not wait for nbgrader.

It only reads; `gradebook` writes.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnClause,
    DateTime,
    Select,
    column,
    create_engine,
    func,
    inspect,
    select,
    table,
)
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DatabaseError

from grader.classroom import database
from grader.classroom.folder import ClassFolder


@dataclass(frozen=True)
class CellMark:
    """What one graded cell of one submission earned."""

    cell: str
    """nbgrader's grade id; a check's starts with "check_"."""
    kind: str
    """"check" or "essay"."""
    points: float
    """What counts: the manual mark where there is one, and extra credit."""
    max_points: float
    auto: float | None
    manual: float | None
    needs_manual: bool
    comment: str


@dataclass(frozen=True)
class NotebookMark:
    """What one notebook of one team earned."""

    team: str
    notebook: str
    received: datetime | None
    """In UTC."""
    late_penalty: float
    """Points taken off for lateness."""
    cells: list[CellMark]


def read(folder: ClassFolder) -> list[NotebookMark]:
    """All marks in the gradebook, sorted by team and notebook; none if nothing was graded yet.

    Raises GradebookUnavailable.
    """
    if folder.database is not None and not folder.database.is_file():
        return []
    url = folder.db_url
    options = {"timeout": database.PATIENCE} if folder.uses_sqlite else {}
    try:
        engine = create_engine(url, connect_args=options)
        try:
            with engine.connect() as connection:
                if not inspect(connection).has_table("submitted_notebook"):
                    return []
                return _read(connection)
        finally:
            engine.dispose()
    except DatabaseError as error:
        raise database.unavailable(url, error) from error


def _read(connection: Connection) -> list[NotebookMark]:
    notebooks, grades, comments = _queries()
    said = {(row.notebook_id, row.name): row for row in connection.execute(comments).all()}
    cells: dict[str, list[CellMark]] = defaultdict(list)
    for row in connection.execute(grades).all():
        remark = said.get((row.notebook_id, row.name))
        cells[row.notebook_id].append(_cell_mark(row, remark))
    found = [
        NotebookMark(
            row.student_id,
            row.name,
            row.timestamp.replace(tzinfo=UTC) if row.timestamp else None,
            row.late_submission_penalty or 0.0,
            sorted(cells[row.id], key=lambda mark: mark.cell),
        )
        for row in connection.execute(notebooks)
    ]
    return sorted(found, key=lambda mark: (mark.team, mark.notebook))


def _cell_mark(row: Any, remark: Any) -> CellMark:
    """A mark as nbgrader counts it: the manual one wins, and extra credit comes on top."""
    points = row.manual_score if row.manual_score is not None else row.auto_score
    if points is not None:
        points += row.extra_credit or 0.0
    comment = ""
    if remark is not None:
        written = remark.manual_comment
        comment = (written if written is not None else remark.auto_comment) or ""
    return CellMark(
        row.name,
        "essay" if row.cell_type == "markdown" else "check",
        points or 0.0,
        row.max_score or 0.0,
        row.auto_score,
        row.manual_score,
        bool(row.needs_manual_grade),
        comment,
    )


@cache
def _queries() -> tuple[Select, Select, Select]:
    """Of submitted notebooks, their grades, and the comments on them: nbgrader's own tables."""
    submitted = table(
        "submitted_notebook", *_columns("id assignment_id notebook_id late_submission_penalty")
    )
    assignment = table(
        "submitted_assignment", *_columns("id student_id"), column("timestamp", DateTime)
    )
    notebook = table("notebook", *_columns("id name"))
    grade = table(
        "grade",
        *_columns("notebook_id cell_id auto_score manual_score extra_credit"),
        column("needs_manual_grade", Boolean),
    )
    comment = table("comment", *_columns("notebook_id cell_id auto_comment manual_comment"))
    cell = table("base_cell", *_columns("id name"))
    graded = table("grade_cells", *_columns("id max_score cell_type"))
    task = table("task_cells", *_columns("id max_score cell_type"))

    notebooks = (
        select(
            submitted.c.id,
            notebook.c.name,
            assignment.c.student_id,
            assignment.c.timestamp,
            submitted.c.late_submission_penalty,
        )
        .join_from(submitted, assignment, submitted.c.assignment_id == assignment.c.id)
        .join(notebook, submitted.c.notebook_id == notebook.c.id)
    )
    grades = (
        select(
            grade.c.notebook_id,
            cell.c.name,
            grade.c.auto_score,
            grade.c.manual_score,
            grade.c.extra_credit,
            grade.c.needs_manual_grade,
            func.coalesce(graded.c.max_score, task.c.max_score).label("max_score"),
            func.coalesce(graded.c.cell_type, task.c.cell_type).label("cell_type"),
        )
        .join_from(grade, cell, grade.c.cell_id == cell.c.id)
        .outerjoin(graded, graded.c.id == cell.c.id)
        .outerjoin(task, task.c.id == cell.c.id)
    )
    comments = select(
        comment.c.notebook_id, cell.c.name, comment.c.auto_comment, comment.c.manual_comment
    ).join_from(comment, cell, comment.c.cell_id == cell.c.id)
    written = func.coalesce(comment.c.manual_comment, comment.c.auto_comment).is_not(None)
    return notebooks, grades, comments.where(written)


def _columns(names: str) -> list[ColumnClause]:
    return [column(name) for name in names.split()]
