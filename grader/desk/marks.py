"""Marks given at the desk: written into nbgrader's gradebook with their history, or not at all.

A mark is written only over what its marker has seen: where somebody else came first, or another
answer is there, nothing is written and the marker is told.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec
from nbgrader import api
from sqlalchemy.orm import Session

from grader.classroom import gradebook, history
from grader.classroom.history import DESK, SECOND, UNDO, Given, Line
from grader.desk import agreement
from grader.errors import CourseError

LONGEST_COMMENT = 10_000
HIGHEST = 1000.0
"""Points that a mark may have at most."""


class Refused(CourseError):
    """A mark was not written.  The text says why and what to do."""


class Change(msgspec.Struct, frozen=True):
    """One answer's mark as its marker saw it, and as it is to be."""

    team: str
    seen: Given
    points: float | None
    comment: str
    flagged: bool
    waits: bool = False
    """Is it still for another look?  So it stays where only flag or comment changed."""


def save(
    session: Session, notebook: str, cell: str, changes: Sequence[Change], who: str, why: str = ""
) -> dict[str, Given]:
    """Write some marks of one question as one action; returns team -> what is there now.

    What is as it was writes no line.  Raises Refused, and then nothing was written.
    """
    wanted = {change.team: change for change in changes}
    for change in changes:
        _check(change)
    return _write(
        session,
        notebook,
        cell,
        {team: change.seen for team, change in wanted.items()},
        {
            team: msgspec.structs.replace(
                change.seen,
                points=change.points,
                comment=change.comment,
                flagged=change.flagged,
                waits=change.waits or change.points is None,
            )
            for team, change in wanted.items()
        },
        (who, DESK, why),
    )


def second(
    session: Session, notebook: str, cell: str, changes: Sequence[Change], who: str
) -> dict[str, Given]:
    """Note what a second marker would give; the marks themselves stay as they are.

    Returns team -> what was noted.  Raises Refused.
    """
    for change in changes:
        _check(change)
    try:
        gradebook.begin(session)
        there = current(session, notebook, cell)
        if not all(change.team in there for change in changes):
            raise Refused("this answer isn't in the gradebook any more; load the question anew")
        if any(there[change.team].points is None for change in changes):
            raise Refused("the first mark was taken back meanwhile; load the question anew")
        now, action = datetime.now(UTC), secrets.token_hex(8)
        noted = {
            change.team: Given(change.points, 0.0, change.comment, change.points is None)
            for change in changes
        }
        history.add(
            session,
            [
                Line(now, who, SECOND, team, notebook, cell, there[team], given, "", action)
                for team, given in noted.items()
                if given.points is not None
            ],
        )
        session.commit()
    except BaseException:
        session.rollback()
        raise
    return noted


def undo(session: Session, who: str) -> tuple[str, str, dict[str, Given]]:
    """Take back what a marker did last at the desk.

    Returns notebook, cell, and team -> what is there now.  Raises Refused.
    """
    action = _last_action(history.read(session, who=who))
    if not action:
        raise Refused("there is nothing of yours to take back")
    lines = history.read(session, action=action)
    notebook, cell = lines[0].notebook, lines[0].cell
    marks = _write(
        session,
        notebook,
        cell,
        {line.team: line.after for line in lines},
        {line.team: line.before for line in lines},
        (who, UNDO, action),
    )
    return notebook, cell, marks


def current(session: Session, notebook: str, cell: str) -> dict[str, Given]:
    """Team -> what its answer has by now."""
    flagged = history.latest(session, notebook=notebook, cell=cell)
    return {
        place[0]: msgspec.structs.replace(
            given, flagged=flagged[place].flagged if place in flagged else False
        )
        for place, given in history.marks(session, notebook=notebook, cell=cell).items()
    }


def _check(change: Change) -> None:
    points = change.points
    if points is not None and not (math.isfinite(points) and 0 <= points <= HIGHEST):
        raise Refused(f"points must be a number from 0 to {HIGHEST:g}")
    if len(change.comment) > LONGEST_COMMENT:
        raise Refused(f"a comment has at most {LONGEST_COMMENT:,} characters")


def _last_action(lines: Sequence[Line]) -> str:
    """The last action that wasn't taken back; "" if there is none."""
    undone = {line.why for line in lines if line.how == UNDO}
    done = [line.action for line in lines if line.how == DESK and line.action not in undone]
    return done[-1] if done else ""


def _write(
    session: Session,
    notebook: str,
    cell: str,
    seen: Mapping[str, Given],
    wanted: Mapping[str, Given],
    by: tuple[str, str, str],
) -> dict[str, Given]:
    """Write marks over those that were seen, with their lines.  by: who, how and why."""
    who, how, why = by
    try:
        gradebook.begin(session)
        if session.get_bind().dialect.name != "sqlite":  # formgrader waits, as for `grade`
            held = history.of_places(api.Grade, api.Grade.id, notebook=notebook, cell=cell)
            session.execute(held.with_for_update(of=api.Grade)).all()
        there = current(session, notebook, cell)
        for team, given in seen.items():
            if team not in there:
                raise Refused("this answer isn't in the gradebook any more; load the question anew")
            if there[team] not in (given, wanted[team]):  # a reply that got lost: sent again
                raise Refused(_changed(there[team]))
        now, action = datetime.now(UTC), secrets.token_hex(8)
        unsettled = agreement.unsettled(history.read(session, notebook=notebook, cell=cell))
        lines = [
            Line(now, who, how, team, notebook, cell, there[team], given, why, action)
            for team, given in wanted.items()
            if there[team] != given or how == UNDO or (team, notebook, cell) in unsettled
        ]
        for line in lines:
            _put(session, line)
        history.add(session, lines)
        session.commit()
    except BaseException:
        session.rollback()
        raise
    return dict(wanted)


def _changed(given: Given) -> str:
    now = "no mark" if given.points is None else f"{given.points:g} points"
    return f"somebody else has changed it meanwhile: it has {now} now; nothing was written"


def _put(session: Session, line: Line) -> None:
    """Bring nbgrader's rows in line with a line's end."""
    where = {"team": line.team, "notebook": line.notebook, "cell": line.cell}
    grade = session.execute(history.of_places(api.Grade, api.Grade, **where)).one()[-1]
    grade.manual_score = line.after.points
    grade.needs_manual_grade = line.after.waits
    comment = session.execute(history.of_places(api.Comment, api.Comment, **where)).one()[-1]
    comment.manual_comment = line.after.comment or None
