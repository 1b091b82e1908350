"""What stands on the pages of feedback: a standing and the student's work, made ready to read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from markupsafe import Markup

from grader.classroom.results import Rejected, points
from grader.classroom.standing import ESSAYS, FINAL, HUMAN, Exercise, Standing
from grader.classroom.told import Told, for_student
from grader.config import Course, Late
from grader.pages.feedback import whereabouts, work
from grader.pages.feedback.handed_in import HandIns
from grader.pages.page import environment, percent, span, stylesheet, when, words
from grader.text import clean

_HERE = Path(__file__).resolve().parent
_ENV = environment(_HERE / "templates")
_ENV.globals |= {
    "style": stylesheet(_HERE / "templates" / "feedback.css"),
    "ESSAYS": ESSAYS,
    "FINAL": FINAL,
    "HUMAN": HUMAN,
}


_WITHOUT_POINTS = {
    "Full points": "Passed",
    "Partial points": "Partly right",
    "No points": "Not passed",
}
"""What is said of an exercise on a page that shows no points."""


@dataclass(frozen=True)
class Block:
    """One exercise on the page."""

    anchor: str
    title: str
    name: str
    """Name of the function or value, where the exercise has one."""
    exercise: Exercise
    tone: str
    """"good", "warn", "bad" or "info": how the headline looks."""
    verdict: str
    told: Told
    by_hand: str
    answer: Markup | None
    pieces: list[work.Piece]
    found: list[str]
    """Where the answer was found, if not simply in its cell, and what was not counted."""


def notebook(
    course: Course,
    row: Standing,
    executed: Path,
    several: HandIns | None = None,
    with_points: bool = True,
) -> str:
    """The page of one submission.  several: all attempts, if there is more than one."""
    done = work.read(executed)
    place = {name: position for position, name in enumerate(done.order)}
    exercises = sorted(row.exercises, key=lambda x: place.get(x.name, len(place)))
    return _ENV.get_template("notebook.html").render(
        course=course,
        row=row,
        several=several,
        blocks=[_block(n, x, done, row, with_points) for n, x in enumerate(exercises, 1)],
        left=whereabouts.of_rest(row),
        rest=done.pieces.get("", []),
        problem=done.problem,
        late=late_text(row, course.late) if with_points else "",
        with_points=with_points,
        notes=whereabouts.notes(row),
    )


def index(
    course: Course,
    team: str,
    rows: list[Standing],
    refused: list[Rejected],
    with_points: bool = True,
) -> str:
    """The page of one team.  refused: what it handed in that could not be taken in."""
    names = [PurePosixPath(entry.archive).name for entry in refused]
    told = list(zip(names, (entry.reason for entry in refused), strict=True))
    return _ENV.get_template("index.html").render(
        course=course, team=team, rows=rows, refused=told, with_points=with_points
    )


def late_text(row: Standing, late: Late) -> str:
    """In a sentence or two, what lateness cost; empty if it was in time."""
    if row.late_by is None and row.penalty <= 0:
        return ""
    told = "Handed in after the due date"
    if row.late_by is not None:
        told = f"Handed in {span(row.late_by)} after the due date, {when(row.notebook.due)}"
    elif row.arrival == "late":
        told += "; by how much is not known, so it counts as one day"
    if late.takes_nothing:
        rule = f"What comes more than {points(late.grace_minutes)} minutes after it earns nothing."
    else:
        rule = (
            f"Each day begun costs {percent(late.penalty_per_day)} of the points earned, at most "
            f"{percent(late.maximum)}; the first {points(late.grace_minutes)} minutes are free."
        )
    if row.penalty <= 0:
        return f"{told}. No points are taken off. {rule}"
    taken = points(row.penalty)
    are = "point is" if taken == "1" else "points are"
    return f"{told}: {taken} {are} taken off. {rule}"


def _block(
    number: int, exercise: Exercise, done: work.Work, row: Standing, with_points: bool
) -> Block:
    check = exercise.check
    full = exercise.points >= exercise.max_points
    tone, verdict = _verdict(exercise)
    if not with_points:
        verdict = _WITHOUT_POINTS.get(verdict, verdict)
    heading = done.headings.get(exercise.name, "")
    by_hand = ""
    if exercise.changed_by_hand and exercise.mark is not None:
        automatic = exercise.mark.auto
        by_hand = "A marker set these points" + (
            f"; the automatic check gave {points(automatic)}." if automatic is not None else "."
        )
    return Block(
        anchor=f"exercise-{number}",
        title=heading or words(exercise.name),
        name=clean(exercise.name, 80) if heading or exercise.kind == "check" else "",
        exercise=exercise,
        tone=tone,
        verdict=verdict,
        told=for_student(check, full) if check else Told(),
        by_hand=by_hand,
        answer=done.essays.get(exercise.name) if exercise.kind == "essay" else None,
        pieces=done.pieces.get(exercise.name, []) if exercise.kind == "check" else [],
        found=whereabouts.of_exercise(row, exercise),
    )


def _verdict(exercise: Exercise) -> tuple[str, str]:
    """(tone, a word or two)."""
    if exercise.waiting:
        return "info", "To be marked"
    if exercise.points >= exercise.max_points:
        return "good", "Full points"
    if exercise.check is not None and exercise.check.status != "judged" and not exercise.points:
        return "bad", clean(exercise.check.status, 40).capitalize()
    partly = "Partial points" if exercise.kind == "essay" else "Partly right"
    return ("warn", partly) if exercise.points > 0 else ("bad", "No points")
