"""The class in one answer: everything that was handed in, and where it stands.

Each thing is in exactly one list: submissions, what was rejected, and what was passed over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from grader.classroom import questions
from grader.classroom.account import Question
from grader.classroom.lateness import days_counted
from grader.classroom.questions import Asked
from grader.classroom.results import Ignored, Rejected
from grader.classroom.states import ESSAYS, FINAL, HUMAN, MISSING, UNGRADED
from grader.text import shown

if TYPE_CHECKING:  # the database takes its time to import
    from grader.classroom.standing import ClassStanding, Standing

STATES = (FINAL, ESSAYS, HUMAN, UNGRADED)
REJECTED = (
    "to do: ask for it again, or name it after its team (team_7.zip) or add its owner to the "
    "roster, and ./course collect it; if that is settled otherwise, take the entry out of "
    "rejected.json"
)
NAMED = 4
"""Most of one group that a line names."""


class Row(msgspec.Struct, frozen=True):
    """Where one submission stands."""

    team: str
    notebook: str
    attempt: str
    state: str
    points: float
    """Before any penalty."""
    maximum: float
    essays_to_mark: int
    received: str | None
    late_days: int
    """As far as the arrival is known."""
    open: list[tuple[Question, str]] = []
    """What only a human can decide, and the run in which it came up."""

    @property
    def asked(self) -> list[Asked]:
        """The same, with whose it is."""
        return [Asked(self.team, self.notebook, *entry) for entry in self.open]


class Overview(msgspec.Struct, frozen=True):
    """Everything that was handed in, by notebook and team."""

    rows: list[Row]
    rejected: list[Rejected] = []
    ignored: list[Ignored] = []
    problems: list[str] = []
    """Files of the class folder itself that can't be read."""

    def of(self, wanted: Callable[[str, str], bool]) -> Overview:
        """The same with the submissions alone that are wanted."""
        rows = [row for row in self.rows if wanted(row.team, row.notebook)]
        return msgspec.structs.replace(self, rows=rows)


def of(everyone: ClassStanding) -> Overview:
    """The overview of a class."""
    order = {notebook.name: place for place, notebook in enumerate(everyone.notebooks)}
    handed_in = [row for row in everyone.rows.values() if row.state != MISSING]
    handed_in.sort(key=lambda row: (order[row.notebook.name], row.team))
    return Overview(
        [_row(everyone, row) for row in handed_in],
        list(everyone.rejected),
        list(everyone.ignored),
        list(everyone.problems),
    )


def as_data(found: Overview) -> dict[str, list[dict[str, Any]]]:
    """For programs: submissions, rejected, ignored."""
    return {
        "submissions": [_as_data(row) for row in found.rows],
        "rejected": [
            {"source": entry.source or entry.archive, "reason": entry.reason}
            for entry in found.rejected
        ],
        "ignored": [{"source": entry.source, "reason": entry.reason} for entry in found.ignored],
    }


def lines(overview: Overview, root: Path) -> list[str]:
    """For people: how many in each state, what only a human can decide, and what was left out."""
    rows = overview.rows
    if not (rows or overview.rejected or overview.ignored):
        return ["nothing was handed in yet; ./course collect takes it in"]
    found = _table(rows)
    asked = [entry for row in rows for entry in row.asked]
    if asked:
        count = sum(row.state == HUMAN for row in rows)
        found += ["", f"needs a human: {_counted(count, 'submission')}"]
        found += questions.describe(questions.grouped(asked), root)
    if any(row.state == UNGRADED for row in rows):
        found += ["", f"not graded yet: {questions.here('./course grade', root)}"]
    found += _listed("rejected", [(e.archive, e.reason) for e in overview.rejected])
    if overview.rejected:
        found += questions.wrapped(questions.typed(REJECTED, root))
    found += _listed("not taken", [(e.source, e.reason) for e in overview.ignored])
    return found


def attempt_of(row: Standing) -> str:
    """Which of a team's hand-ins counts: the attempt's name, else a digest of its archive."""
    there = row.submission
    return "" if there is None else getattr(there, "attempt", "") or there.archive_sha256[:12]


def _row(everyone: ClassStanding, row: Standing) -> Row:
    there = row.submission
    return Row(
        row.team,
        row.notebook.name,
        attempt_of(row),
        row.state,
        round(row.points, 4),
        round(row.max_points, 4),
        row.essays_to_mark,
        row.received.isoformat() if row.received is not None else None,
        days_counted(everyone.course, there) if there is not None else 0,
        [(entry.question, entry.batch) for entry in row.asked],
    )


def _as_data(row: Row) -> dict[str, Any]:
    return {
        "team": row.team,
        "notebook": row.notebook,
        "attempt": row.attempt,
        "state": row.state,
        "points": row.points,
        "maximum": row.maximum,
        "essays_to_mark": row.essays_to_mark,
        "needs_human": [str(question) for question, _ in row.open],
        "received": row.received,
        "late_days": row.late_days,
    }


def _table(rows: list[Row]) -> list[str]:
    """A line for each notebook, a column for each state."""
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        counts.setdefault(row.notebook, Counter())[row.state] += 1
    used = [state for state in STATES if any(count[state] for count in counts.values())]
    heads = [*used, "all"]
    room = questions.WIDTH - sum(len(head) + 2 for head in heads)
    width = min(room, max((len(name) for name in counts), default=0))
    found = [" " * width + "".join(f"  {head}" for head in heads)]
    for name, count in counts.items():
        cells = [count[state] for state in used] + [count.total()]
        line = "".join(f"  {n or '·':>{len(head)}}" for n, head in zip(cells, heads, strict=True))
        found.append(f"{shown(name, width):<{width}}{line}")
    return found if counts else []


def _listed(what: str, entries: list[tuple[str, str]]) -> list[str]:
    """Sources by reason, the most frequent first."""
    if not entries:
        return []
    by_reason: dict[str, list[str]] = {}
    for source, reason in entries:
        by_reason.setdefault(reason, []).append(source)
    found = ["", f"{what}: {len(entries)}"]
    for reason, sources in sorted(by_reason.items(), key=lambda pair: -len(pair[1])):
        more = f" and {len(sources) - NAMED} more" if len(sources) > NAMED else ""
        named = ", ".join(shown(source, 140) for source in sources[:NAMED])
        found += questions.wrapped(f"{len(sources)} × {reason}", "  ", "      ")
        found += questions.wrapped(f"{named}{more}")
    return found


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
