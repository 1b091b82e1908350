"""The class in one answer: everything that was handed in, and where it stands.

Each thing is in exactly one list: submissions, what was rejected, and what was passed over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from grader.classroom import questions
from grader.classroom.lateness import days_counted
from grader.classroom.standing import (
    ESSAYS,
    FINAL,
    HUMAN,
    MISSING,
    UNGRADED,
    ClassStanding,
    Standing,
)
from grader.text import shown

STATES = (FINAL, ESSAYS, HUMAN, UNGRADED)
REJECTED = (
    "to do: ask for it again, or name it after its team (team_7.zip) or add its owner to the "
    "roster, and ./course collect it; if that is settled otherwise, take the entry out of "
    "rejected.json"
)
NAMED = 4
"""Most of one group that a line names."""


def as_data(everyone: ClassStanding, rows: Iterable[Standing]) -> dict[str, list[dict[str, Any]]]:
    """For programs: submissions, rejected, ignored.

    points: before any penalty.  late_days: as far as the arrival is known.
    """
    return {
        "submissions": [_submission(everyone, row) for row in rows],
        "rejected": [
            {"source": entry.source or entry.archive, "reason": entry.reason}
            for entry in everyone.rejected
        ],
        "ignored": [{"source": entry.source, "reason": entry.reason} for entry in everyone.ignored],
    }


def lines(everyone: ClassStanding, rows: list[Standing], root: Path) -> list[str]:
    """For people: how many in each state, what only a human can decide, and what was left out."""
    if not (rows or everyone.rejected or everyone.ignored):
        return ["nothing was handed in yet; ./course collect takes it in"]
    found = _table(rows)
    asked = [entry for row in rows for entry in row.asked]
    if asked:
        count = sum(row.state == HUMAN for row in rows)
        found += ["", f"needs a human: {_counted(count, 'submission')}"]
        found += questions.describe(questions.grouped(asked), root)
    if any(row.state == UNGRADED for row in rows):
        found += ["", f"not graded yet: {questions.here('./course grade', root)}"]
    found += _listed("rejected", [(e.archive, e.reason) for e in everyone.rejected])
    if everyone.rejected:
        found += questions.wrapped(questions.typed(REJECTED, root))
    found += _listed("not taken", [(e.source, e.reason) for e in everyone.ignored])
    return found


def attempt_of(row: Standing) -> str:
    """Which of a team's hand-ins counts: the attempt's name, else a digest of its archive."""
    there = row.submission
    return "" if there is None else getattr(there, "attempt", "") or there.archive_sha256[:12]


def _submission(everyone: ClassStanding, row: Standing) -> dict[str, Any]:
    there = row.submission
    return {
        "team": row.team,
        "notebook": row.notebook.name,
        "attempt": attempt_of(row),
        "state": row.state,
        "points": round(row.points, 4),
        "maximum": round(row.max_points, 4),
        "essays_to_mark": row.essays_to_mark,
        "needs_human": [str(question) for question in row.questions],
        "received": row.received.isoformat() if row.received is not None else None,
        "late_days": days_counted(everyone.course, there) if there is not None else 0,
    }


def _table(rows: list[Standing]) -> list[str]:
    """A line for each notebook, a column for each state."""
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        counts.setdefault(row.notebook.name, Counter())[row.state] += 1
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


def handed_in(everyone: ClassStanding, wanted: Callable[[str, str], bool]) -> list[Standing]:
    """Standings of what was handed in and is wanted, by notebook and team."""
    rows = [
        row
        for row in everyone.rows.values()
        if row.state != MISSING and wanted(row.team, row.notebook.name)
    ]
    order = {notebook.name: place for place, notebook in enumerate(everyone.notebooks)}
    return sorted(rows, key=lambda row: (order[row.notebook.name], row.team))
