"""The commands of ./course, by what they are for: making the course, grading, giving back.

They never do work themselves.

Each does its work in one room and ends with an honest exit status.  Rooms are imported when a
command runs, so that help comes at once.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from grader.classroom.folder import ClassFolder
from grader.commands import completion

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False, soft_wrap=True)

REFUSED = 125
"""Exit status when a command could not do its work at all."""

MOST_COUNTED = 120
"""Largest exit status that is a count of submissions."""

ClassOption = Annotated[
    Path, typer.Option("--class", "-c", help="The class folder.", envvar="COURSE_CLASS")
]
CLASS = Path("class")

JsonOption = Annotated[
    bool,
    typer.Option("--json", help="For programs: one JSON object on stdout, else nothing."),
]
TeamsOption = Annotated[
    list[str] | None,
    typer.Option("--team", help="Only these teams.", autocompletion=completion.teams),
]
NotebooksOption = Annotated[
    list[str] | None,
    typer.Option(
        "--notebook",
        help="Only these notebooks; 01 is enough.",
        autocompletion=completion.notebooks,
    ),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]


def tell(value: object) -> None:
    """Print the one JSON object of a command."""
    print(json.dumps(value, ensure_ascii=False))


def alone(context: typer.Context, place: ClassFolder, command: str, part: str = "") -> None:
    """Let no other command change a class folder until this one ends; says for whom it waits."""
    from grader.classroom import lock  # help needs none

    def say(line: str) -> None:
        errors.print(line, markup=False)

    context.with_resource(lock.held(place, command, say, part))
