"""Commands that give back what grading found: to students, instructors and the LMS."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from grader import config
from grader.classroom import questions
from grader.classroom.folder import ClassFolder
from grader.classroom.lateness import Lateness
from grader.commands import (
    CLASS,
    REFUSED,
    ClassOption,
    DryRunOption,
    JsonOption,
    NotebooksOption,
    TeamsOption,
    console,
    errors,
    named,
    tell,
)
from grader.errors import ConfigError
from grader.files import write_atomically


def feedback(
    folder: ClassOption = CLASS,
    team: TeamsOption = None,
    notebook: NotebooksOption = None,
    points: Annotated[bool, typer.Option(help="Show points; without, only what passed.")] = True,
) -> None:
    """Write HTML feedback for every team into feedback/ of the class folder.

    Each page shows points, what passed and failed, the named mistake, a hint, and what markers
    wrote.  Hidden cases and solutions are never in it.  A zip in the layout of LMS feedback uploads
    lies beside it, and one in Canvas' names where hand-ins came from Canvas; both hold what was
    written now.  What has a later date as feedback under [notebooks.NAME] is held back.

    Exit status: 0; 125 for a class that was not graded.
    """
    from grader.pages import feedback as room  # nbgrader takes its time to import

    place, course = _graded_class(folder)
    chosen = room.Chosen(
        tuple(named.teams(team or (), place)),
        tuple(named.notebooks(notebook or (), course)),
        points,
        datetime.now(UTC),
    )
    pages = room.write(place, course, chosen)
    for each in course.notebooks.values():
        if each.feedback is not None and chosen.holds_back(each):
            when = course.times.zone.shown(each.feedback)
            console.print(f"held back until {when:%Y-%m-%d %H:%M}: {each.name}", markup=False)
    console.print(f"wrote {len(pages)} pages and {room.bundle(place, only=pages)}")
    if for_canvas := room.canvas_bundle(place, pages):
        console.print(f"wrote {for_canvas}, for Canvas")


def report(
    folder: ClassOption = CLASS,
    items: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a CSV with a row for each exercise, too."),
    ] = None,
) -> None:
    """Write report.html: one page about the class, to read in the evening or show in the lecture.

    It shows who needs a human, the distribution of points, each exercise, the most frequent named
    mistakes, what to talk about in the next lecture, essays still to be marked, and times. --items
    has a row for each exercise: how many had it right, the mean, how well it tells those who did
    well elsewhere from those who did not (point-biserial correlation), the hardest case, and the
    most frequent mistake.

    Exit status: 0; 125 for a class that was not graded.
    """
    from grader.pages import report as room  # nbgrader takes its time to import

    place, course = _graded_class(folder)
    console.print(f"wrote {room.write(place, course)}")
    if items is not None:
        write_atomically(items, room.items_of(place, course))
        console.print(f"wrote {items}")


def similar(
    folder: ClassOption = CLASS,
    notebook: NotebooksOption = None,
) -> None:
    """Write similar.html: pairs of teams that share more than the release and chance explain.

    Names, comments, layout and the order of functions don't count; what many teams wrote alike
    counts little.  Both texts stand side by side.  No mark depends on it: it says whom to talk to.

    Exit status: 0; 125 if nothing was handed in.
    """
    from grader.pages import similar as room  # nbgrader takes its time to import

    course = config.load(folder)
    place = ClassFolder(folder.resolve())
    found = room.search(place, course, tuple(named.notebooks(notebook or (), course)))
    if not found:
        errors.print(f"nothing to compare in {folder}; run ./course collect first")
        raise typer.Exit(REFUSED)
    for each in found:
        count = sum(pair.stands_out for pair in each.pairs)
        console.print(f"{each.notebook}: {each.teams} submissions, {count} pairs stand out")
        for pair in each.pairs[:count]:
            names = f"{pair.first.team} and {pair.second.team}"
            console.print(f"  {names}: {pair.share:.0%} of the smaller work", markup=False)
        for line in each.left_out:
            console.print(f"  not compared: {line}", markup=False)
    console.print(f"wrote {room.write(place, course, found)}")


def export(
    kind: Annotated[
        str, typer.Argument(help="csv, xlsx, moodle, canvas, brightspace, blackboard or sakai")
    ] = "csv",
    folder: ClassOption = CLASS,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write.")] = None,
    notebook: Annotated[str, typer.Option(help="Only this notebook; 01 is enough.")] = "",
    provisional: Annotated[
        bool, typer.Option(help="Write what there is, also where a human has to look or mark.")
    ] = False,
    missing_is_zero: Annotated[
        bool, typer.Option(help="Write 0, not nothing, where nothing was handed in.")
    ] = False,
    canvas_id: Annotated[
        list[str] | None,
        typer.Option(
            "--canvas-id",
            "--item-id",
            help="NOTEBOOK=NUMBER of its assignment in Canvas, if titles differ there, or of its "
            "column in Blackboard.",
        ),
    ] = None,
    european: Annotated[
        bool, typer.Option("--european", help="Semicolons and decimal commas, for csv and canvas.")
    ] = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write grades: for a spreadsheet, or in the form that an LMS imports.

    One row per student; the members of a team share its grade.  Only final grades are written: what
    needs a human, or has essays to be marked, stays empty and is listed, and so does what was
    handed in and could not be taken in.  With --json one object: file, not_final, doubts.

    Exit status: 0; 125 for a kind that does not exist or a class that was not graded.
    """
    from grader import export as room  # nbgrader takes its time to import

    place, course = _graded_class(folder)
    choices = room.Choices(
        notebook="".join(named.notebooks([notebook] if notebook else [], course)),
        provisional=provisional,
        missing_is_zero=missing_is_zero,
        canvas_ids=_canvas_ids(canvas_id or [], course),
        european=european,
    )
    try:
        sheet = room.made(place, course, kind, out, choices)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    written = sheet.path
    if not dry_run:
        write_atomically(written, sheet.content)
    unfinished, doubts = room.unfinished(place, course), room.doubts(place, course)
    if as_json:
        listed = [entry.as_data() for entry in unfinished]
        tell({"file": str(written), "not_final": listed, "doubts": list(doubts)})
        return
    did = "would write" if dry_run else "wrote"
    console.print(f"{did} {written}: {sheet.grades} grades of {sheet.students} students")
    said = "provisional" if provisional else "not final"
    for line in [*doubts, *(f"{said}: {entry}" for entry in unfinished)]:
        line = questions.typed(line, place.root)
        console.print(f"  {line}", markup=False, soft_wrap=True)


def _canvas_ids(pairs: list[str], course: config.Course) -> dict[str, int]:
    """Notebook -> number of the assignment.  Raises ConfigError."""
    found = {}
    for pair in pairs:
        name, _, number = pair.partition("=")
        if name not in course.notebooks or not number.isdecimal():
            raise ConfigError(f"--canvas-id needs NOTEBOOK=NUMBER, not {pair!r}")
        found[name] = int(number)
    return found


def _graded_class(folder: Path) -> tuple[ClassFolder, config.Course]:
    """A class that has been graded, with late penalties that fit the marks as they are now."""
    from grader.classroom import gradebook  # nbgrader takes its time to import

    course = config.load(folder)
    place = ClassFolder(folder.resolve())
    if place.database is not None and not place.database.is_file():
        raise ConfigError(f"{folder} holds no gradebook; run ./course grade first")
    named.warn_of_extensions(place, course)
    gradebook.refresh_late_penalties(place, course.id, Lateness(place, course).fraction)
    return place, course
