"""A judgement in lines of text: for students, and, with hidden values, for markers.

What students' code says is cut and made safe here, whichever grader shows it.
"""

from __future__ import annotations

from collections.abc import Iterator

from grader.classroom.results import points
from grader.classroom.states import HUMAN
from grader.grading.judgement import REJECTED, Check, Judgement
from grader.text import clean

A_PERSON = (
    "A person will look at this submission. Something about it could not be decided without one, "
    "so the points are not final."
)
_MOST = 20
"""Files of which it is said that they were not taken."""
_LONGEST = 1000
_ALL = 20_000


def at_once(found: Judgement) -> list[str]:
    """What its team should know, beside its checks.  Nothing in it is hidden."""
    if found.state == REJECTED:
        reasons = [clean(reason, _LONGEST) for reason in found.needs_human]
        return [
            "Nothing was judged, so there are no points yet. Put this right and hand in again:",
            *reasons,
            *_ignored(found),
        ]
    lines = [A_PERSON] if found.state == HUMAN else []
    if waiting := [essay for essay in found.essays if essay.to_mark]:
        worth = ", ".join(f"{e.name} ({points(e.maximum)})" for e in waiting)
        lines.append(f"Marked by a person, and not in these points: {worth}.")
    return lines + _ignored(found)


def _ignored(found: Judgement) -> list[str]:
    named = [f"Not taken: {i.source}: {i.reason}" for i in found.ignored[:_MOST]]
    more = len(found.ignored) - len(named)
    return [*named, *([f"Not taken: {more} files more"] if more > 0 else [])]


def for_student(check: Check) -> str:
    """What is told of a check: which cases failed and how, what it is called, what to read."""
    told = check.for_students
    lines = [told.message] if told.message else []
    lines += [f"{c.verdict}: {c.label}{f': {c.message}' if c.message else ''}" for c in told.cases]
    for what, text in (("Mistake", told.mistake), ("Hint", told.hint), ("Read", told.section)):
        lines += [f"{what}: {text}"] if text else []
    return clean("\n".join(lines), _ALL)


def for_marker(check: Check) -> str:
    """All that is known of a check, with what was expected."""
    return clean("\n".join(_hidden(check)), _ALL)


def _hidden(check: Check) -> Iterator[str]:
    told = check.for_markers
    yield check.status
    for what, text in (
        ("", told.message),
        ("Mistake: ", told.mistake),
        ("Right for the numbers of: ", told.numbers_of),
        ("Denied by what was handed in: ", told.denied),
        ("Unproven: ", told.unproven),
    ):
        if text:
            yield f"{what}{clean(text, _LONGEST)}"
    for case in told.cases:
        said = clean("; ".join(filter(None, (case.message, case.mistake))), _LONGEST)
        yield f"{case.score:.0%} {case.label}{f': {said}' if said else ''}"
