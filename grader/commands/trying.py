"""The command that tries one answer to one check."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer

from grader import config
from grader.classroom.results import points
from grader.commands import console
from grader.text import shown


def try_(
    check: Annotated[str, typer.Argument(metavar="NAME", help="The check: conv2d_forward.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Python text with the answer.")],
    seed: Annotated[
        str, typer.Option("--seed", help="Draw the fresh cases from this text, to see them again.")
    ] = "",
    team: Annotated[
        str, typer.Option("--team", help="Whose numbers count, where they are a student's own.")
    ] = "team_1",
) -> None:
    """Try an answer to one check: what the student reads, and what the marker does.

    FILE is a text like answer.py that defines what the check asks for, as the solution's cell does.
    It runs in the sandbox below the reference solutions of what it builds on, with the files that
    the reference hands in.  First comes what the check shows at home, on the public cases; then
    what grading says of cases drawn for this run: the points, and for each case the verdict for the
    student and the one for markers.  Nothing is kept.

    Exit status: 0 if it keeps all points, 1 if it loses any, 125 if it could not be tried.
    """
    from grader.grading import warm  # help need not wait for the sandbox

    course, seed = config.load(), seed or secrets.token_hex(8)
    with warm.quick_imports():
        from grader.grading import trying as room  # nbgrader takes its time to import

    warm.start([course.notebooks[room.notebook_of(check, course)].kernel])
    found = room.attempt(check, file, course, seed, team)

    def say(line: str) -> None:
        console.print(shown(line, 1000), markup=False, soft_wrap=True)  # it may quote an answer

    say("at home, on the public cases:")
    for line in found.at_home or ["the check was not reached"]:
        say(f"  {line}")
    worth = f"{points(found.check.points)} of {points(found.check.max_points)} points"
    say(f"graded, on cases drawn from {seed}: {worth}")
    for line in room.described(found):
        say(f"  {line}")
    raise typer.Exit(found.check.points < found.check.max_points)
