"""The gradebook's exercises: brought in line with a release, whoever has handed in already.

nbgrader refuses to add or remove cells once there are submissions.  Here what is unchanged keeps
its marks and comments, also those given by hand; what is gone takes its marks along, so make a copy
of the gradebook first; what is new waits to be graded.  All of it is one transaction, and doing it
again changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from nbformat.notebooknode import NotebookNode
from nbgrader import api
from sqlalchemy import BindParameter, Select, bindparam, select
from sqlalchemy.orm import Session

from grader.cells import about, grade_id, is_locked
from grader.classroom import gradebook, releases


@dataclass(frozen=True)
class Change:
    """One graded cell that is not what it was, in a notebook that somebody has handed in."""

    notebook: str
    cell: str
    what: str
    """"new", "dropped", "worth" or "renamed"."""
    before: str = ""
    after: str = ""
    marks: int = 0
    """How many submissions have a mark on it."""
    by_hand: tuple[str, ...] = ()
    """Teams whose mark was given by hand."""

    def __str__(self) -> str:
        where = f"{self.notebook}/{self.cell}"
        hands = f", {len(self.by_hand)} of them by hand" if self.by_hand else ""
        marks = f"{self.marks} mark{'' if self.marks == 1 else 's'}{hands}"
        match self.what:
            case "new":
                return f"{where} is new, {self.after} points"
            case "dropped":
                return f"{where} was dropped, with {marks}"
            case "renamed":
                return f"{where} is now called {self.after}, and keeps {marks}"
        again = "; those are flagged for another look" if self.by_hand else ""
        return f"{where} is worth {self.after} points instead of {self.before} ({marks}{again})"


@dataclass(frozen=True)
class _Cell:
    """What nbgrader's tables hold of one cell."""

    cell_type: str
    points: float | None
    solution: bool
    locked: bool
    source: str
    checksum: str


def is_current(book: api.Gradebook, name: str, release: NotebookNode) -> bool:
    """Does the gradebook hold just the cells of a release?"""
    notebook = _id_of(book.db, name)
    return notebook is not None and _held(book.db, notebook) == _wanted(release)


def is_used(book: api.Gradebook, name: str) -> bool:
    """Has anybody handed in a notebook?"""
    submitted = book.db.query(api.SubmittedNotebook.id).filter_by(notebook_id=_id_of(book.db, name))
    return submitted.first() is not None


def changes(
    book: api.Gradebook, name: str, release: NotebookNode, names: Mapping[str, str]
) -> list[Change]:
    """What `bring_up_to_date` would change for those who have handed in; reads only.

    names: old id -> new id of cells that were renamed.
    """
    notebook = _find(book.db, name)
    if notebook is None or not notebook.submissions:
        return []
    before = {n: c for n, c in _held(book.db, notebook.id).items() if c.points is not None}
    after = {n: c for n, c in _wanted(release).items() if c.points is not None}
    marks = {cell.name: _marks(cell) for cell in notebook.grade_cells}
    found, taken = [], set()
    for cell, old in before.items():
        then = names.get(cell, cell) if names.get(cell) not in before else cell
        new = after.get(then)
        count, by_hand = marks[cell]
        if new is None or new.cell_type != old.cell_type:
            found.append(Change(name, cell, "dropped", "", "", count, by_hand))
            continue
        taken.add(then)
        if then != cell:
            found.append(Change(name, cell, "renamed", cell, then, count, by_hand))
        if new.points != old.points:
            values = f"{old.points:g}", f"{new.points:g}"
            found.append(Change(name, then, "worth", *values, count, by_hand))
    new_ones = (cell for cell in after if cell not in taken)
    return [*found, *(Change(name, c, "new", "", f"{after[c].points:g}") for c in new_ones)]


def bring_up_to_date(
    book: api.Gradebook,
    wanted: Mapping[str, NotebookNode],
    names: Mapping[str, Mapping[str, str]] | None = None,
) -> None:
    """Make the gradebook's cells those of the releases, in one transaction.

    wanted: notebook -> its release.  names: notebook -> old id -> new id of renamed cells.
    """
    session: Session = book.db
    try:
        gradebook.begin(session)
        session.expire_all()  # what was read before may have changed since
        for name, release in wanted.items():
            notebook = _find(session, name) or _make(session, book, name, release)
            _rename(notebook, (names or {}).get(name, {}))
            session.flush()
            session.expire_all()
            _remove(session, notebook, _wanted(release))
            session.expire_all()
            _add(session, notebook, _wanted(release))
            session.flush()
        session.commit()
    except BaseException:
        session.rollback()
        raise


def _find(session: Session, name: str) -> api.Notebook | None:
    """The row of a notebook, which is an assignment of its own."""
    found = _id_of(session, name)
    return session.get(api.Notebook, found) if found is not None else None


def _id_of(session: Session, name: str) -> str | None:
    found: str | None = session.connection().execute(_queries()[0], {"notebook": name}).scalar()
    return found


def _make(session: Session, book: api.Gradebook, name: str, release: NotebookNode) -> api.Notebook:
    assignment = session.query(api.Assignment).filter_by(name=name).one_or_none()
    if assignment is None:
        assignment = api.Assignment(name=name, course_id=book.course_id)
        session.add(assignment)
    kernel = json.dumps(release.metadata.get("kernelspec", {}))
    notebook = api.Notebook(name=name, assignment=assignment, kernelspec=kernel)
    session.add(notebook)
    return notebook


def _rename(notebook: api.Notebook, names: Mapping[str, str]) -> None:
    rows = [*notebook.grade_cells, *notebook.solution_cells, *notebook.source_cells]
    there = {row.name for row in rows}
    for row in rows:
        new = names.get(row.name, "")
        if new and new not in there:  # else it was done already, before an interruption
            row.name = new


def _remove(session: Session, notebook: api.Notebook, wanted: Mapping[str, _Cell]) -> None:
    """Take away cells that are gone, or of another kind, with all that hangs on them."""
    session.flush()
    held = _held(session, notebook.id)
    other = {n for n, c in held.items() if n not in wanted or wanted[n].cell_type != c.cell_type}
    unmarked = {n for n, c in wanted.items() if c.points is None}
    unanswered = {n for n, c in wanted.items() if not c.solution}
    gone: list[api.BaseCell] = list(notebook.task_cells)
    gone += [cell for cell in notebook.grade_cells if cell.name in other | unmarked]
    gone += [cell for cell in notebook.solution_cells if cell.name in other | unanswered]
    for cell in gone:
        for table in (api.Grade, api.Comment):
            session.query(table).filter_by(cell_id=cell.id).delete()
    session.flush()
    for row in [*gone, *(cell for cell in notebook.source_cells if cell.name in other)]:
        session.delete(row)
    session.flush()


def _add(session: Session, notebook: api.Notebook, wanted: Mapping[str, _Cell]) -> None:
    graded = {cell.name: cell for cell in notebook.grade_cells}
    answers = {cell.name for cell in notebook.solution_cells}
    sources = {cell.name: cell for cell in notebook.source_cells}
    for name, want in wanted.items():
        if want.points is not None:
            _worth(session, notebook, graded.get(name), name, want)
        if want.solution and name not in answers:
            cell = api.SolutionCell(name=name, notebook_id=notebook.id)
            session.add(cell)
            session.flush()
            for submitted in notebook.submissions:
                session.add(api.Comment(cell_id=cell.id, notebook_id=submitted.id))
        row = sources.get(name) or api.SourceCell(name=name, notebook_id=notebook.id)
        row.cell_type, row.locked = want.cell_type, want.locked
        row.source, row.checksum = want.source, want.checksum
        session.add(row)


def _worth(
    session: Session,
    notebook: api.Notebook,
    cell: api.GradeCell | None,
    name: str,
    want: _Cell,
) -> None:
    """Make a graded cell worth what it is worth now; a mark by hand was given for other points."""
    if cell is None:
        cell = api.GradeCell(
            name=name, notebook_id=notebook.id, cell_type=want.cell_type, max_score=want.points
        )
        session.add(cell)
        session.flush()
        for submitted in notebook.submissions:
            session.add(api.Grade(cell_id=cell.id, notebook_id=submitted.id))
    elif cell.max_score != want.points:
        cell.max_score = want.points
        for grade in cell.grades:
            if grade.manual_score is not None or grade.extra_credit:
                grade.needs_manual_grade = True


def _wanted(release: NotebookNode) -> dict[str, _Cell]:
    worth = releases.worth(release.cells)
    return {
        name: _Cell(
            cell.cell_type,
            worth.get(name),
            bool(about(cell).get("solution")),
            is_locked(cell),
            cell.source,
            str(about(cell).get("checksum") or ""),
        )
        for cell in release.cells
        if (name := grade_id(cell))
    }


def _held(session: Session, notebook: str) -> dict[str, _Cell]:
    """What the gradebook holds, by name; cells that nbgrader knows by halves count as other.

    notebook: id of its row.
    """
    _, marked, sources = _queries()
    connection = session.connection()
    rows = connection.execute(marked, {"notebook": notebook}).all()
    points = {name: worth for name, kind, _, worth, _ in rows if kind == "GradeCell"}
    answers = {name for name, kind, *_ in rows if kind == "SolutionCell"}
    held: dict[str, _Cell] = {}
    for name, _, graded, _, task in rows:
        kind = graded or task or (held[name].cell_type if name in held else "")
        held[name] = _Cell(kind, points.get(name), name in answers, False, "", "")
    for name, kind, locked, text, digest in connection.execute(sources, {"notebook": notebook}):
        known = points.get(name), name in answers
        held[name] = _Cell(kind, *known, bool(locked), text or "", digest or "")
    return held


@cache
def _queries() -> tuple[Select[Any], Select[Any], Select[Any]]:
    """Id of a notebook; its cells that are marked or answered; its cells as released.

    Plain ones, and made once: each grading looks at all cells before it does anything.
    """
    tables = (api.Notebook, api.Assignment, api.BaseCell, api.GradeCell, api.TaskCell)
    notebook, assignment, cell, graded, task = (kind.__table__ for kind in tables)
    called: BindParameter[str] = bindparam("notebook")
    ids = select(notebook.c.id).join_from(notebook, assignment)
    source = api.SourceCell.__table__
    kinds = graded.c.cell_type, graded.c.max_score, task.c.cell_type
    marked = select(cell.c.name, cell.c.type, *kinds).where(cell.c.notebook_id == called)
    marked = marked.outerjoin_from(cell, graded, graded.c.id == cell.c.id)
    released = source.c.name, source.c.cell_type, source.c.locked, source.c.source
    return (
        ids.where(notebook.c.name == called, assignment.c.name == called),
        marked.outerjoin(task, task.c.id == cell.c.id),
        select(*released, source.c.checksum).where(source.c.notebook_id == called),
    )


def _marks(cell: api.GradeCell) -> tuple[int, tuple[str, ...]]:
    """How many marks a graded cell has, and whose were given by hand."""
    hands = [g for g in cell.grades if g.manual_score is not None or g.extra_credit]
    marked = [g for g in cell.grades if g.auto_score is not None or g in hands]
    by_hand = (g.notebook.assignment.student_id for g in hands)
    return len(marked), tuple(sorted(by_hand))
