"""Commands that say where a class stands, and answer what it asks of a human."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from grader import config
from grader.classroom.folder import ClassFolder
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


def status(
    folder: ClassOption = CLASS, team: TeamsOption = None, notebook: NotebooksOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Say where everything stands that was handed in.

    How many submissions are in which state; what only a human can decide, by cause and run, each
    with what to do and the command that answers all of it (./course settle); what could not be
    taken in, and what was passed over, by reason.  It only reads.

    With --json: {"submissions": […], "rejected": […], "ignored": […]}; everything that was handed
    in is in exactly one of the lists.  Points are before any penalty; --team and --notebook choose
    submissions, and leave the other two lists whole.

    Exit status: 0; 1 if a file of the class folder can't be read, so that something may be missing
    here.
    """
    from grader.classroom import overview, remembered  # help needs none of it

    course = config.load(folder)
    place = ClassFolder(folder.resolve())
    teams, notebooks = named.teams(team or (), place), named.notebooks(notebook or (), course)
    everything = remembered.overview(place, course)
    found = everything.of(lambda t, n: t in (teams or [t]) and n in (notebooks or [n]))
    if as_json:
        tell(overview.as_data(found))
    else:
        for line in overview.lines(found, place.root):
            console.print(line, markup=False, soft_wrap=True)
    for problem in found.problems:
        errors.print(f"warning: {problem}", markup=False)
    raise typer.Exit(bool(found.problems))


def settle(
    cause: Annotated[str, typer.Argument(help='As ./course status names it: "copies differ".')],
    folder: ClassOption = CLASS,
    team: TeamsOption = None,
    notebook: NotebooksOption = None,
    cell: Annotated[str, typer.Option(help="Only about this cell.")] = "",
    batch: Annotated[str, typer.Option(help="Only what came up in this run.")] = "",
    note: Annotated[str, typer.Option(help="Why, to remember it by.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Take the answer back.")] = False,
    dry_run: DryRunOption = False,
) -> None:
    """Say that a human has looked, and lets the marks stand.

    Answers questions of one cause, all of them or those that the options choose.  It changes no
    mark.  It holds for the work that was looked at: what is handed in later, or asked for another
    reason, is asked anew.  Kept in settled.json of the class folder; --undo takes it back.

    Exit status: 0; 125 if there is no such question.
    """
    from grader.classroom import questions, standing  # the database takes its time to import

    course = config.load(folder)
    place = ClassFolder(folder.resolve())
    teams, names = named.teams(team or (), place), named.notebooks(notebook or (), course)
    chosen = questions.Chosen(cause, tuple(teams), tuple(names), cell, batch)
    if undo:
        gone = questions.undo(place, chosen, dry_run)
        for entry in gone:
            console.print(f"  {entry.team}/{entry.notebook}: {entry.reason}", markup=False)
        found = len(gone)
    else:
        asked = [x for row in standing.read(place, course).handed_in() for x in row.asked]
        fitting = [entry for entry in asked if chosen.fits(entry)]
        if fitting and cause == questions.DAMAGED:
            errors.print(f"{fitting[0].label}: {fitting[0].question}; looking can't settle it")
            raise typer.Exit(REFUSED)
        if fitting and not dry_run:
            questions.settle(place, fitting, note, datetime.now().astimezone())
        for asking in fitting:
            console.print(f"  {asking.label}: {asking.question.reason}", markup=False)
        found = len(fitting)
    if not found:
        what = "was settled" if undo else "stands open"
        errors.print(f"no question {what} that fits; ./course status shows them", markup=False)
        raise typer.Exit(REFUSED)
    done = "would be " if dry_run else ""
    console.print(f"{found} {done}{'asked again' if undo else 'settled; marks stay as they are'}")
