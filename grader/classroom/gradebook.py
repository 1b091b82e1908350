"""The gradebook: a plain nbgrader gradebook, with one importer that writes a submission at a time.

Each submission is written in one transaction, so that an interruption leaves it as it was or as it
should be.  Marks given by hand are never touched.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from nbformat.notebooknode import NotebookNode
from nbgrader import api
from sqlalchemy import or_, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from grader.cells import grade_id, id_of_check, is_essay
from grader.classroom import database, history
from grader.classroom.answered import to_mark
from grader.classroom.folder import ClassFolder
from grader.classroom.marks import NotebookMark
from grader.classroom.marks import read as read_marks
from grader.classroom.results import NOT_ASKED, Result, Submission

NO_ANSWER = "No response."
"""nbgrader's own comment on an answer that was left as released."""


@contextmanager
def open_gradebook(folder: ClassFolder, course_id: str) -> Iterator[api.Gradebook]:
    """nbgrader's gradebook of a class, closed again whatever happens.

    Raises GradebookUnavailable, also for what the body of the `with` meets: a lock that another
    program holds for longer than database.PATIENCE, a full disk, a server that is gone.
    """
    patience = f"?timeout={database.PATIENCE}" if folder.uses_sqlite else ""
    try:
        gradebook = api.Gradebook(folder.db_url + patience, course_id)
        try:
            yield gradebook
        finally:
            gradebook.close()
    except OperationalError as error:
        raise database.unavailable(folder.db_url, error) from error


def record(
    gradebook: api.Gradebook,
    submission: Submission,
    result: Result,
    executed: NotebookNode,
    late_fraction: float,
    changed: frozenset[str] = frozenset(),
) -> None:
    """Write one graded notebook in one transaction.

    late_fraction: share of the points, in [0, 1], that lateness costs.
    changed: graded cells whose answer isn't the one that was there before; a mark by hand on one
    of them needs another look, and is flagged until somebody saves it in formgrader.
    """
    session: Session = gradebook.db
    try:
        begin(session)
        _write(session, gradebook, submission, result, executed, late_fraction, changed)
        session.commit()
    except BaseException:
        session.rollback()
        raise


def fail(gradebook: api.Gradebook, submission: Submission) -> None:
    """Take back the automatic marks of a submission that is about to be graded anew.

    A mark from an earlier run would be stale.  Marks given by hand stay, with what they were held
    against, so that `record` can tell whether they need another look.
    """
    session: Session = gradebook.db
    try:
        begin(session)
        notebook = _submitted_notebook(session, gradebook, submission)
        for _, grade in _of(session, notebook, api.Grade):
            if grade.manual_score is None:
                grade.auto_score = None
                grade.needs_manual_grade = True
        session.commit()
    except BaseException:
        session.rollback()
        raise


def refresh_late_penalties(
    folder: ClassFolder, course_id: str, fraction: Callable[[str, str, datetime], float]
) -> None:
    """Work out what lateness costs from the points as they are now, marks given by hand included.

    fraction: (team, notebook, time of arrival with zone) -> share of the points, in [0, 1].
    """
    with open_gradebook(folder, course_id) as gradebook:
        for submitted in gradebook.db.query(api.SubmittedNotebook).all():
            received = submitted.assignment.timestamp
            if received is None:
                continue
            team = submitted.assignment.student_id
            share = fraction(team, submitted.name, received.replace(tzinfo=UTC))
            earned = sum(grade.score for grade in submitted.grades)
            submitted.late_submission_penalty = round(share * earned, 4) or None
        gradebook.db.commit()


def by_hand(gradebook: api.Gradebook, team: str, notebook: str) -> dict[str, float]:
    """Graded cell -> what a human gave for it, where that needs no other look."""
    query = gradebook.db.query(api.Grade).filter(
        api.Grade.manual_score.is_not(None), api.Grade.needs_manual_grade.is_(False)
    )
    found = query.join(api.SubmittedNotebook).join(api.SubmittedAssignment)
    found = found.filter(api.SubmittedAssignment.student_id == team)
    return {g.name: g.manual_score for g in found if g.notebook.name == notebook}


def remove(folder: ClassFolder, course_id: str, pairs: list[tuple[str, str]]) -> None:
    """Take the marks of some (team, notebook) out of the gradebook for good."""
    with open_gradebook(folder, course_id) as gradebook:
        for team, notebook in pairs:
            with contextlib.suppress(api.MissingEntry):
                gradebook.remove_submission(notebook, team)
            history.forget(gradebook.db, team, notebook)
        gradebook.db.commit()


def flagged(gradebook: api.Gradebook) -> list[str]:
    """Marks by hand that need another look, as "team/notebook/cell", sorted."""
    found = (
        gradebook.db.query(api.Grade)
        .filter(
            or_(api.Grade.manual_score.is_not(None), api.Grade.extra_credit != 0),
            api.Grade.needs_manual_grade,
        )
        .all()
    )
    return sorted(
        f"{grade.notebook.assignment.student_id}/{grade.notebook.name}/{grade.name}"
        for grade in found
    )


def marks(folder: ClassFolder, course_id: str) -> list[NotebookMark]:
    """All marks in the gradebook, sorted by team and notebook; see `marks.read`."""
    return read_marks(folder)


def begin(session: Session) -> None:
    """Begin a transaction in which nobody else changes what it has read.

    Of importers there is one at a time.  Markers wait: on SQLite for the file, which can't be
    locked in parts; on a server for the grades of this submission alone, see `_hold`.
    """
    if session.get_bind().dialect.name == "sqlite":
        if not session.connection().connection.dbapi_connection.in_transaction:  # type: ignore[union-attr]
            session.execute(text("BEGIN IMMEDIATE"))
    else:
        session.execute(
            text("SELECT pg_advisory_xact_lock(hashtext('grader.classroom.gradebook'))")
        )


def _hold(session: Session, row: api.SubmittedNotebook) -> None:
    """Let no marker change the grades of a submission until the transaction ends."""
    if session.get_bind().dialect.name != "sqlite":
        held = select(api.Grade.id).where(api.Grade.notebook_id == row.id).with_for_update()
        session.execute(held).all()
        session.expire_all()  # what was read before may have been changed since


def _write(
    session: Session,
    gradebook: api.Gradebook,
    submission: Submission,
    result: Result,
    executed: NotebookNode,
    late_fraction: float,
    changed: frozenset[str],
) -> None:
    notebook = _submitted_notebook(session, gradebook, submission)
    grades, comments = (_of(session, notebook, kind) for kind in (api.Grade, api.Comment))
    cells = {grade_id(cell): cell for cell in executed.cells if grade_id(cell)}
    checked = {
        id_of_check(check.name): check.points if check.status != NOT_ASKED else None
        for check in result.checks
    }
    earned = 0.0
    for name, grade in grades:
        cell = cells.get(name)
        other = name in changed
        if name in checked:
            other = other or grade.auto_score != checked[name]
            grade.auto_score = checked[name]
        elif cell is not None and not to_mark(cell, result.elsewhere):
            grade.auto_score = 0.0
        elif grade.cell.max_score == 0 and cell is not None and is_essay(cell):
            grade.auto_score = 0.0  # nobody need be asked for a mark on what counts nothing
        else:
            grade.auto_score = None
        if grade.manual_score is None and not grade.extra_credit:
            grade.needs_manual_grade = grade.auto_score is None
        else:  # a flag that stands is for a human to take away
            open_still = grade.manual_score is None and grade.auto_score is None
            grade.needs_manual_grade = bool(grade.needs_manual_grade) or other or open_still
        score = grade.manual_score if grade.manual_score is not None else grade.auto_score
        earned += (score or 0.0) + (grade.extra_credit or 0.0)
    for name, comment in comments:
        cell = cells.get(name)
        blank = cell is not None and not to_mark(cell, result.elsewhere)
        comment.auto_comment = NO_ANSWER if blank else None
    notebook.late_submission_penalty = round(late_fraction * earned, 4) or None


def _of(session: Session, notebook: api.SubmittedNotebook, kind: Any) -> list[tuple[str, Any]]:
    """Grades or comments of a submission as they are now, each with the name of its cell."""
    found = session.query(api.BaseCell.name, kind).join(kind, kind.cell_id == api.BaseCell.id)
    return list(found.filter(kind.notebook_id == notebook.id).populate_existing())


def _submitted_notebook(
    session: Session, gradebook: api.Gradebook, submission: Submission
) -> api.SubmittedNotebook:
    """The row of a submission, with a grade for every graded cell; made where it is missing."""
    notebook = gradebook.find_notebook(submission.notebook, submission.notebook)
    student = session.get(api.Student, submission.team)
    if student is None:
        student = api.Student(id=submission.team, last_name=submission.team, first_name="team")
        session.add(student)
    submitted = (
        session.query(api.SubmittedAssignment)
        .filter_by(assignment_id=notebook.assignment_id, student_id=submission.team)
        .one_or_none()
    )
    if submitted is None:
        submitted = api.SubmittedAssignment(assignment_id=notebook.assignment_id, student=student)
        session.add(submitted)
    submitted.timestamp = submission.received.astimezone(UTC).replace(tzinfo=None)
    session.flush()
    row = (
        session.query(api.SubmittedNotebook)
        .filter_by(assignment_id=submitted.id, notebook_id=notebook.id)
        .one_or_none()
    )
    if row is None:
        row = api.SubmittedNotebook(notebook_id=notebook.id, assignment=submitted)
        session.add(row)
        session.flush()
    tasks = _ids(session, api.TaskCell, notebook)
    for kind, cells in ((api.Grade, api.GradeCell), (api.Comment, api.SolutionCell)):
        have = {cell for (cell,) in session.query(kind.cell_id).filter_by(notebook_id=row.id)}
        for cell in [*_ids(session, cells, notebook), *tasks]:
            if cell not in have:
                session.add(kind(cell_id=cell, notebook_id=row.id))
    session.flush()
    _hold(session, row)
    return row


def _ids(session: Session, cells: Any, notebook: api.Notebook) -> list[str]:
    return [cell for (cell,) in session.query(cells.id).filter_by(notebook_id=notebook.id)]
