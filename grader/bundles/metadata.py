"""What Gradescope says of a submission: whose it is, when it came, and which attempt it is.

The form: gradescope-autograders.readthedocs.io, "Submission Metadata".  What is missing there, or
is written otherwise than it says, is not known; nothing is decided by it.  Names are not believed:
people write their own.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from grader.classroom.roster import Roster, team_id
from grader.classroom.whose import Claim, whose
from grader.errors import ConfigError
from utils.packing.accepted import Refused

FILE = "submission_metadata.json"


@dataclass(frozen=True)
class Metadata:
    """As far as it is known."""

    number: str
    """Gradescope's own, of this submission."""
    people: tuple[tuple[str, ...], ...]
    """For each of the group: number at the university, what is before the mail's "@", the mail."""
    attempt: int
    late: timedelta
    """After the latest date at which anybody of the group had it due; 0 if in time, or unknown."""


@dataclass(frozen=True)
class Whose:
    """A submission's team, and whose numbers may stand in it."""

    team: str
    members: tuple[str, ...]
    note: str = ""
    """Why the roster did not tell."""


def read(path: Path) -> Metadata:
    """Read the metadata.  Raises ConfigError if there are none."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{path.name} can't be read ({error}): run the autograder again"
        ) from None
    found = _table(found)
    users = [_table(user) for user in _list(found.get("users"))]
    assignments = [_table(user.get("assignment")) for user in users]
    return Metadata(
        str(found.get("id", "")),
        tuple(_ids(user) for user in users),
        1 + len(_list(found.get("previous_submissions"))),
        _late(found, [*assignments, _table(found.get("assignment"))]),
    )


def whose_is(metadata: Metadata, roster: Roster | None) -> Whose:
    """Who handed in: by the roster's mail addresses and ids, else by Gradescope's.

    Each id that belongs to somebody of the group has numbers of its own, and all of them count.
    """
    ids = tuple(dict.fromkeys(one for person in metadata.people for one in person))
    logins = sorted(person[-2] for person in metadata.people if person)
    alone = Whose(_name(logins, metadata.number), ids)
    if roster is None or not ids:
        return alone
    try:
        meant = whose(roster, [Claim(logins=p) for p in metadata.people if p], "", together=True)
    except Refused as reason:
        return Whose(alone.team, ids, str(reason))
    team = meant.student.team
    listed = [student.id for student in roster.students if student.team == team]
    return Whose(team, tuple(dict.fromkeys([*listed, *ids])))


def _name(logins: list[str], number: str) -> str:
    """A team's id: those who are in it, or a digest where that is too long."""
    joined = "_".join(logins)
    digest = hashlib.sha256(joined.encode()).hexdigest()[:16]
    return team_id(joined) or (f"group_{digest}" if logins else f"submission_{number}")


def _ids(user: dict[str, Any]) -> tuple[str, ...]:
    """() for somebody of whom nothing is known."""
    sid, mail = (str(user.get(key) or "").strip() for key in ("sid", "email"))
    named = [sid] if sid else []
    return (*named, mail.partition("@")[0], mail) if mail else (sid, sid) if sid else ()


def _late(found: dict[str, Any], assignments: list[dict[str, Any]]) -> timedelta:
    came = _moment(found.get("created_at"))
    due = [date for each in assignments if (date := _moment(each.get("due_date")))]
    if came is None or not due:
        return timedelta()
    return max(came - max(due), timedelta())


def _moment(text: Any) -> datetime | None:
    """A time with a zone."""
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else None


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
