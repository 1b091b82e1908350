"""What became of what was handed in, as the student reads it: the part that is worth a word.

It names cells and files of the student's own, never a solution or another's work.
"""

from __future__ import annotations

from grader.cells import id_of_check
from grader.classroom.account import Other, Source
from grader.classroom.standing import Exercise, Standing
from grader.text import clean

OWN = frozenset({"grade id", "cell id", ""})
"""What an answer is known by that stood in its own cell, or is none."""

GONE = (
    "The cell for this answer was not in the notebook that you handed in, and no other cell was "
    "recognised as it, so it stands as released."
)
_KNOWN = {
    "definition": "it defines the function",
    "check": "it holds the check",
    "text": "its text begins as the cell's does",
    "order": "it stands where the cell belongs",
}
_LINE, _MOST = 300, 60


def of_exercise(row: Standing, exercise: Exercise) -> list[str]:
    """Where the answer of one exercise was found, if not in its own cell alone."""
    if row.result is None:
        return []
    names = {exercise.name, id_of_check(exercise.name)} if exercise.kind == "check" else set()
    names.add(exercise.name)
    account = row.result.account
    gone = {source.cell for source in account.sources if not source.by and not source.places}
    if exercise.name in gone:
        found = [GONE]
    else:
        found = [line for s in account.sources if s.cell in names and (line := _source(s))]
    found += [clean(one.words, _LINE) for one in row.result.beside if one.cell == exercise.name]
    return found + [_other(o) for o in account.others if o.cell in names and o.fate != "executed"]


def of_rest(row: Standing) -> list[str]:
    """What became of everything that belongs to no exercise."""
    others = list(row.submission.others) if row.submission is not None else []
    if row.result is not None:
        shown = {x.name for x in row.exercises} | {
            id_of_check(x.name) for x in row.exercises if x.kind == "check"
        }
        others += [o for o in row.result.account.others if o.cell not in shown]
    told = list(dict.fromkeys(_other(o) for o in others if o.fate != "executed"))
    more = [f"and {len(told) - _MOST} more"] if len(told) > _MOST else []
    return told[:_MOST] + more


def notes(row: Standing) -> list[str]:
    """What was noticed on the way in, less what stands among the rest with the same reason."""
    if row.submission is None:
        return []
    told = {f"{other.fate}: {other.why}" for other in row.submission.others}
    return [clean(note, _LINE) for note in row.submission.notes if note not in told]


def _source(source: Source) -> str:
    """Empty where the answer stood in its own cell and nothing was done to it."""
    cells = ", ".join(str(place) for place in source.places)
    said = ""
    if not source.by and source.cell.startswith(id_of_check("")):
        said = "Its check was not in the notebook that you handed in, and was put back"
    if source.by not in OWN and cells:
        where = f"cell{'s' if len(source.places) > 1 else ''} {cells} of your notebook"
        why = _KNOWN.get(source.by, source.by)
        said = f"Your answer was taken from {where}, since {why}"
    elif len(source.places) > 1:
        said = f"Your answer was put together from cells {cells} of your notebook"
    note = clean(source.note, _LINE)
    if not said:
        return f"{note[:1].upper()}{note[1:]}." if note else ""
    return f"{said}: {note}." if note else f"{said}."


def _other(other: Other) -> str:
    why = other.why.removeprefix(f"{other.what}: ")
    why = f": {clean(why, _LINE)}" if why else ""
    return f"{clean(other.what, 120)} – {clean(other.fate, 60)}{why}"
