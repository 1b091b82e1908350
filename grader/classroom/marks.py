"""What the gradebook says, read by plain SQL: a page about a class must not wait for nbgrader.

It only reads; `gradebook` writes.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
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


class CellMark(msgspec.Struct, frozen=True):
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
    extra: float = 0.0
    """What a marker gave beyond it."""


class NotebookMark(msgspec.Struct, frozen=True):
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
    said = {(place, name): text for place, name, text in connection.execute(comments).all()}
    cells: dict[str, list[CellMark]] = defaultdict(list)
    for place, name, auto, manual, extra, waits, worth, kind in connection.execute(grades).all():
        said_of = said.get((place, name), "")
        cells[place].append(_cell_mark(name, auto, manual, extra, waits, worth, kind, said_of))
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


def _cell_mark(
    name: str,
    auto: float | None,
    manual: float | None,
    extra: float | None,
    needs_manual: bool,
    worth: float | None,
    kind: str | None,
    comment: str,
) -> CellMark:
    """A mark as nbgrader counts it: the manual one wins, and extra credit comes on top."""
    points = manual if manual is not None else auto
    points = 0.0 if points is None else points + (extra or 0.0)
    kind = "essay" if kind == "markdown" else "check"
    return CellMark(
        name, kind, points, worth or 0.0, auto, manual, bool(needs_manual), comment, extra or 0.0
    )


@cache
def _queries() -> tuple[Select[Any], Select[Any], Select[Any]]:
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
    written = func.coalesce(comment.c.manual_comment, comment.c.auto_comment)
    comments = select(comment.c.notebook_id, cell.c.name, written).join_from(
        comment, cell, comment.c.cell_id == cell.c.id
    )
    return notebooks, grades, comments.where(written.is_not(None))


def _columns(names: str) -> list[ColumnClause[Any]]:
    return [column(name) for name in names.split()]
