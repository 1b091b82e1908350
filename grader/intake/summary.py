"""What `collect` prints: counts, and in detail only what somebody should look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from grader import config
from grader.classroom.attempts import CAUSES
from grader.classroom.lateness import days_late
from grader.classroom.results import Submission
from grader.intake import CollectReport, Replaced, Told, ignored

NAMED = 8
"""Most submissions that one line names."""


def as_data(report: CollectReport) -> dict[str, Any]:
    """The report for programs; everything stands in the class folder, too."""
    return {
        "taken": [_named(s) for s in report.taken],
        "unchanged": [_named(s) for s in report.unchanged],
        "replaced": [{**_named(e), "by": e.archive, "note": e.note} for e in report.replaced],
        "beside": [{**_named(e), "attempt": e.earlier.attempt} for e in report.beside],
        "undecided": [_named(counts) for counts, _ in report.undecided],
        "rejected": [
            {"source": e.source or e.archive, "reason": e.reason} for e in report.rejected
        ],
        "ignored": [{"source": e.source, "reason": e.reason} for e in report.ignored],
        "files": [_file(told) for told in report.told],
        "notes": report.notes,
    }


def _file(told: Told) -> dict[str, Any]:
    submission = told.submission
    return {
        "source": told.source,
        **_named(submission),
        "whose": told.rule,
        "students": submission.uploaders,
        "received": submission.received.isoformat(),
        "arrival": submission.arrival,
        "told_by": submission.told_by,
        "unsure": _unsure(told),
    }


def _unsure(told: Told) -> list[str]:
    """What somebody should look at before it counts."""
    open_ = [told.doubt] if told.doubt else []
    return open_ + [str(question) for question in told.submission.questions]


def _named(entry: Submission | Replaced) -> dict[str, str]:
    return {"team": entry.team, "notebook": entry.notebook}


def lines(report: CollectReport, course: config.Course) -> list[str]:
    """The report as lines for a terminal."""
    teams = {s.team for s in report.taken}
    head = f"took in {len(report.taken)} notebooks of {len(teams)} teams"
    if report.replaced:
        head += f"; {len({_called(entry) for entry in report.replaced})} replace earlier ones"
    new = {(entry.team, entry.notebook) for entry in report.beside}
    # of what brought another attempt the next line speaks
    if same := sum((entry.team, entry.notebook) not in new for entry in report.unchanged):
        head += f"; {same} were there already, and stay as they were"
    found = [head]
    for entry in report.replaced:
        found.append(f"  REPLACED {_called(entry)} by {entry.archive}: {entry.note}")
    found += _attempts(report)
    found += _notes(report)
    if alone := sum(entry.reason in ignored.UNSAID for entry in report.ignored):
        found.append(
            f"  note: {_counted(alone, 'file')} that came along belong to no notebook and were not "
            f"taken; {ignored.FILE} lists them"
        )
    found += _dated(report, course)
    found += _arrivals(report, course)
    found += [f"  REJECTED {entry.archive}: {entry.reason}" for entry in report.rejected]
    return found


_BY = {
    "instructor": "as you say",
    "LMS": "by the word of the LMS",
    "name": "from its name",
    "student": "by the student's word",
    "file": "from the date of its file",
}


def files(report: CollectReport, course: config.Course) -> list[str]:
    """How the roster was read; of each notebook whose it is, when it came, by which rule, and what
    is unsure; and what is left out."""
    found = [f"  ROSTER {report.roster}"] if report.roster else []
    for told in sorted(report.told, key=lambda told: told.source):
        entry = told.submission
        by = f" ({', '.join(entry.uploaders)})" if entry.uploaders else ""
        moment = f"{course.times.zone.shown(entry.received):%Y-%m-%d %H:%M}"
        if entry.arrival == "known":
            when = f"came {moment}, {_BY[entry.told_by]}"
        elif entry.arrival == "unknown":
            when = f"came by {moment}, nobody knows when"
        else:
            when = f"came {entry.arrival}, by the word of the LMS, which says no time"
        unsure = "".join(f"; UNSURE: {why}" for why in _unsure(told))
        found.append(
            f"  FILE {told.source}: {entry.notebook} of {entry.team}{by}, by {told.rule}; {when}"
            f"{unsure}"
        )
    return found + [f"  LEFT OUT {entry.source}: {entry.reason}" for entry in report.ignored]


def zone_line(course: config.Course) -> str:
    """In which zone times are read and shown."""
    zone = course.times.zone
    if zone.name:
        return f"  zone: times are read and shown in {zone}"
    return (
        f"  zone: times are read and shown in {zone}; course.toml can name another: "
        '[times], zone = "Europe/Berlin"'
    )


def _attempts(report: CollectReport) -> list[str]:
    """What was kept and does not count, or not yet, and what a human must choose between."""
    found = []
    if report.beside:
        names = _some(
            [f"{_called(e)}/{e.earlier.attempt}" for e in sorted(report.beside, key=_place)]
        )
        found.append(
            f"  {len(report.beside)} more were kept as attempts and do not count, since others do: "
            f"{names}"
        )
    if report.undecided:
        names = _names([counts for counts, _ in report.undecided])
        found.append(
            f"  {len(report.undecided)} were handed in on time and late: ./course grade grades "
            f"both, and the better counts ({names})"
        )
    for (team, notebook), gone in report.gone.items():
        many = f"{len(gone)} attempts" if len(gone) > 1 else "attempt"
        found.append(f"  too many of {team}/{notebook}: the oldest {many} went: {_some([*gone])}")
    for entry in sorted(report.taken + report.unchanged, key=_place):
        for question in entry.questions:
            if question.cause in CAUSES:
                found.append(f"  CHOOSE {_called(entry)}: {question}")
    return found


def _notes(report: CollectReport) -> list[str]:
    """What was mended, dropped or is odd: a line for each cause, however many it concerns."""
    by_note: dict[str, list[Submission]] = {}
    for submission in report.taken:
        for note in submission.notes:
            by_note.setdefault(note, []).append(submission)
    found = [
        _note(note, list(dict.fromkeys(map(_called, sorted(entries, key=_place)))))
        for note, entries in by_note.items()
    ]
    by_cause: dict[str, list[str]] = {}
    for note in report.notes:
        label, _, cause = note.rpartition(": ")
        by_cause.setdefault(cause, []).append(label)
    return found + [_note(cause, labels) for cause, labels in by_cause.items()]


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number != 1 else ''}"


def _note(cause: str, whose: list[str]) -> str:
    if len(whose) == 1:
        return f"  note: {whose[0]}: {cause}"
    return f"  note: {cause} ({len(whose)}: {_some(whose)})"


def _dated(report: CollectReport, course: config.Course) -> list[str]:
    """Where times were taken from, a line for each delivery, if a worksheet was named."""
    if report.dated is None:
        return []
    found = [f"  TIME {line}" for line in report.dated.lines]
    found.append(f"  times of the worksheet were read in {course.times.lms}")
    if left := report.dated.left:
        found.append(
            f"  {len(left)} in the worksheet have a time, and nothing of them was collected: "
            f"{_some(left)}"
        )
    return found


def _arrivals(report: CollectReport, course: config.Course) -> list[str]:
    """Whose lateness hangs on a time of arrival that nobody knows."""
    by_arrival: dict[str, list[Submission]] = {}
    for entry in report.taken + report.unchanged:
        if days_late(course, entry.team, entry.notebook, entry.received):
            by_arrival.setdefault(entry.arrival, []).append(entry)
    found = []
    if unknown := by_arrival.get("unknown"):
        moment = course.times.zone.shown(min(entry.received for entry in unknown))
        found.append(
            f"  TIMES: when {len(unknown)} of these arrived is not known: their files carry the "
            "time of a download or a copy, or none that can be true; it was "
            f"{moment:%Y-%m-%d %H:%M} at the latest, which was after the due date.  They count as "
            "on time.  If you know when they came, collect the download again with "
            "--lms if its dates tell, with --worksheet FILE, Moodle's grading worksheet, or with "
            "--received 2027-01-29T20:00, or unpack it and collect those that were late, each "
            "with its own --received"
        )
    if on_time := by_arrival.get("on time"):
        found.append(f"  {len(on_time)} count as on time, since Canvas does not mark them as late")
    if late := by_arrival.get("late"):
        found.append(
            f"  TIMES: {len(late)} are marked late by Canvas, which does not say by how much: "
            f"they count as one day late ({_names(late)}).  To set a time, unpack the download "
            "and collect each with --received 2027-01-29T20:00"
        )
    return found


def _names(entries: Sequence[Submission | Replaced]) -> str:
    """ "team_1/01_x, team_2/01_x and 7 more"."""
    return _some([_called(entry) for entry in sorted(entries, key=_place)])


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _place(entry: Submission | Replaced) -> tuple[int, str, str]:
    """Sorts team_2 before team_10."""
    return len(entry.team), entry.team, entry.notebook


def _called(entry: Submission | Replaced) -> str:
    return f"{entry.team}/{entry.notebook}"
