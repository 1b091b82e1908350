"""Commands for what was handed in: which attempt counts, and what is kept no longer."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader import config
from grader.classroom import questions
from grader.classroom.folder import ClassFolder
from grader.commands import CLASS, ClassOption, alone, console, named
from grader.config.zones import Zone
from grader.errors import ConfigError

if TYPE_CHECKING:
    from grader.intake.choosing import Entry


def choose(
    context: typer.Context,
    team: Annotated[str, typer.Argument(help="The team.")],
    notebook: Annotated[str, typer.Argument(help="The notebook; 01 is enough.")],
    attempt: Annotated[
        str, typer.Argument(help="The attempt that is to count: its name, or the end of it.")
    ] = "",
    folder: ClassOption = CLASS,
    by_setting: Annotated[
        bool, typer.Option("--by-setting", help="Let the setting decide again.")
    ] = False,
) -> None:
    """Say which of a team's attempts at a notebook counts; without an attempt, list them.

    A choice stands whatever the team hands in later; then a human is asked.  The setting is
    [attempts] in course.toml: the better of the last on time and the last late one, the last, or
    the last on time.  Marks follow with the next ./course grade.

    Exit status: 0; 125 if there is no such attempt.
    """
    from grader.intake import choosing as room  # help needs none of it

    if attempt and by_setting:
        raise ConfigError("name an attempt or --by-setting, not both")
    course = config.load(folder)
    place = _class_folder(folder)
    (team,) = named.teams([team], place, "TEAM")
    (name,) = named.notebooks([notebook], course, "NOTEBOOK")
    alone(context, place, "./course choose")
    if attempt:
        room.choose(place, course, team, name, attempt)
    elif by_setting:
        room.by_setting(place, course, team, name)
    for entry in room.listed(place, course, team, name):
        console.print(_line(entry, course.times.zone), markup=False, soft_wrap=True)
    if attempt or by_setting:
        typed = questions.here("./course grade", place.root)
        console.print(f"{typed} brings the marks up to date", markup=False, soft_wrap=True)


def _line(entry: Entry, zone: Zone) -> str:
    submission = entry.submission
    words = [f"{'*' if entry.counts else ' '} {submission.attempt}"]
    came = f"{zone.shown(submission.received):%Y-%m-%d %H:%M}"
    words.append(f"came {came}" if submission.arrival == "known" else f"downloaded {came}")
    words.append(
        f"{entry.days} day{'' if entry.days == 1 else 's'} late" if entry.days else "on time"
    )
    if entry.points is None or entry.score is None:
        words.append("not graded")
    else:
        words.append(f"{entry.score:g} of {entry.maximum:g} points from checks")
    if submission.uploaders:
        words.append(f"from {' and '.join(submission.uploaders)}")
    words.append(submission.archive)
    counts = "; it counts, chosen by hand" if entry.by_hand else "; it counts"
    return ", ".join(words) + (counts if entry.counts else "")


def purge(
    context: typer.Context,
    before: Annotated[
        datetime, typer.Option(help="Remove what was handed in before this: 2027-01-29")
    ],
    folder: ClassOption = CLASS,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove it without asking.")] = False,
    marks: Annotated[
        bool, typer.Option("--marks", help="Take the marks out of the gradebook, too.")
    ] = False,
    unfinished: Annotated[
        bool, typer.Option("--unfinished", help="Remove also what is not finally marked.")
    ] = False,
) -> None:
    """Remove what was handed in before a date, and everything that shows it.

    Attempts, submissions, results, executed notebooks and feedback go, and the pages about the
    whole class that show them.  Marks stay in the gradebook, and so exports stay as they were.
    With --marks they go, and with them all backups of the gradebook and grade.log.  It says first
    what would go, in numbers, and removes it only when you agree.

    Exit status: 0; 1 if there is something to remove and it was not removed.
    """
    from grader.classroom import purge as room  # nbgrader takes its time to import

    course = config.load(folder)
    place = _class_folder(folder)
    if not dry_run:
        alone(context, place, "./course purge")
    found = room.plan(
        place, course, course.times.zone.earliest(before), marks=marks, unfinished=unfinished
    )
    for line in found.lines():
        console.print(line, markup=False, soft_wrap=True)
    if found.empty:
        return
    agreed = yes and not dry_run
    if not agreed and not dry_run and sys.stdin.isatty():
        agreed = typer.confirm("Remove this for good?")
    if not agreed:
        console.print("nothing was removed" + ("" if dry_run else "; --yes removes it"))
        raise typer.Exit(1)
    room.carry_out(place, course, found)
    console.print("removed; write feedback and report anew")


def _class_folder(folder: Path) -> ClassFolder:
    if not folder.is_dir():
        raise ConfigError(f"there is no class folder {folder}; run ./course collect first")
    return ClassFolder(folder.resolve())
