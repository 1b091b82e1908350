"""The history of marks given by hand: who gave what, when, from what to what, and why.

It is a table of its own in the gradebook's database, so that a mark and its line are written
together or not at all.  Lines are only added; who purges a team's marks takes its lines along.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
from nbgrader import api
from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Float,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    inspect,
    select,
)
from sqlalchemy.orm import Session

DESK, UNDO, ELSEWHERE, SECOND = "desk", "undo", "elsewhere", "second"
"""How a mark came: at the desk, taken back there, found not to be as the last line says; or what a
second marker would give, who has not seen the mark: `before` is that mark, and it stays."""

TABLE = Table(
    "mark_history",
    MetaData(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", DateTime, nullable=False),  # UTC
    Column("action", String(32), nullable=False),  # lines that were written together
    Column("who", Text, nullable=False),
    Column("how", String(16), nullable=False),
    Column("why", Text, nullable=False),
    Column("team", Text, nullable=False),
    Column("notebook", Text, nullable=False),
    Column("cell", Text, nullable=False),
    *(
        Column(f"{when}_{name}", kind)
        for when in ("before", "after")
        for name, kind in (
            ("points", Float),
            ("extra", Float),
            ("comment", Text),
            ("waits", Boolean),
            ("flagged", Boolean),
        )
    ),
)


class Given(msgspec.Struct, frozen=True):
    """What a human has given for one answer."""

    points: float | None = None
    """None: no mark by hand."""
    extra: float = 0.0
    """On top of them."""
    comment: str = ""
    waits: bool = True
    """Does it wait for a mark, or for another look?"""
    flagged: bool = False
    """Has a marker put it aside for somebody else to see?"""


class Line(msgspec.Struct, frozen=True):
    """One change of one answer's mark."""

    at: datetime
    who: str
    """The marker; "" where nobody knows."""
    how: str
    team: str
    notebook: str
    cell: str
    before: Given
    after: Given
    why: str = ""
    action: str = ""

    @property
    def place(self) -> tuple[str, str, str]:
        """Team, notebook and cell."""
        return self.team, self.notebook, self.cell


def add(session: Session, lines: Iterable[Line]) -> None:
    """Add lines, in a transaction that `gradebook.begin` began: nobody else adds any meanwhile."""
    if rows := [_row(line) for line in lines]:
        TABLE.create(session.connection(), checkfirst=True)
        last = session.scalar(select(func.max(TABLE.c.number))) or 0
        session.execute(
            insert(TABLE), [row | {"number": n} for n, row in enumerate(rows, last + 1)]
        )


def read(session: Session, **only: str) -> list[Line]:
    """Lines, oldest first.  only: team, notebook, cell, who or action that they must have."""
    if not inspect(session.connection()).has_table(TABLE.name):
        return []
    wanted = [TABLE.c[name] == value for name, value in only.items()]
    query = select(TABLE).where(*wanted).order_by(TABLE.c.number)
    return [_line(dict(row)) for row in session.execute(query).mappings()]


def latest(session: Session, **only: str) -> dict[tuple[str, str, str], Given]:
    """(team, notebook, cell) -> what the last line about its mark says; if there is one."""
    return {line.place: line.after for line in read(session, **only) if line.how != SECOND}


def catch_up(session: Session) -> int:
    """Note marks that are not as the last line says: whoever gives them in formgrader leaves none.

    Returns how many.
    """
    known, lines = latest(session), []
    now, nothing = datetime.now(UTC), Given()
    for place, given in marks(session).items():
        last = known.get(place, nothing)
        given = msgspec.structs.replace(given, flagged=last.flagged)
        same = msgspec.structs.replace(given, waits=last.waits) == last
        if not same:
            lines.append(Line(now, "", ELSEWHERE, *place, last, given))
    add(session, lines)
    return len(lines)


def marks(session: Session, **only: str) -> dict[tuple[str, str, str], Given]:
    """(team, notebook, cell) -> what the gradebook has, for all graded cells; only: team, notebook
    or cell.
    """
    comments = {
        row[:3]: row[3] or ""
        for row in session.execute(of_places(api.Comment, api.Comment.manual_comment, **only))
    }
    grade = api.Grade
    values = grade.manual_score, grade.extra_credit, grade.needs_manual_grade
    return {
        row[:3]: Given(row[3], row[4] or 0.0, comments.get(row[:3], ""), bool(row[5]))
        for row in session.execute(of_places(grade, *values, **only))
    }


def of_places(kind: type[api.Grade] | type[api.Comment], *values: Any, **only: str) -> Select[Any]:
    """A query for (team, notebook, cell, *values) of grades or comments; only: team, notebook or
    cell.
    """
    columns = {
        "team": api.SubmittedAssignment.student_id,
        "notebook": api.Notebook.name,
        "cell": api.BaseCell.name,
    }
    submitted = api.SubmittedNotebook
    return (
        select(*columns.values(), *values)
        .select_from(kind)
        .join(api.BaseCell, api.BaseCell.id == kind.cell_id)
        .join(submitted, submitted.id == kind.notebook_id)
        .join(api.SubmittedAssignment, api.SubmittedAssignment.id == submitted.assignment_id)
        .join(api.Notebook, api.Notebook.id == submitted.notebook_id)
        .where(*(columns[name] == value for name, value in only.items()))
    )


def forget(session: Session, team: str, notebook: str) -> None:
    """Take away the lines of one submission."""
    if inspect(session.connection()).has_table(TABLE.name):
        session.execute(delete(TABLE).where(TABLE.c.team == team, TABLE.c.notebook == notebook))


def _row(line: Line) -> dict[str, object]:
    row = msgspec.structs.asdict(line)
    for when in ("before", "after"):
        given = row.pop(when)
        row |= {f"{when}_{name}": value for name, value in msgspec.structs.asdict(given).items()}
    return row | {"at": line.at.astimezone(UTC).replace(tzinfo=None)}


def _line(row: dict[str, object]) -> Line:
    row.pop("number")
    sides = {
        when: Given(**{n: row.pop(f"{when}_{n}") for n in Given.__struct_fields__})  # type: ignore[arg-type]
        for when in ("before", "after")
    }
    at = row.pop("at")
    assert isinstance(at, datetime)
    return Line(at=at.replace(tzinfo=UTC), **row, **sides)  # type: ignore[arg-type]
