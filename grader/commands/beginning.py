"""The command that begins an exercise, a notebook or a course."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from grader import config
from grader.commands import REFUSED, console, errors, named

_KINDS = ("exercise", "notebook", "course")


def new(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="exercise, notebook or course.")],
    name: Annotated[
        str, typer.Argument(help="A function's name, a notebook's, or a folder for a course.")
    ],
    notebook: Annotated[
        str, typer.Option("--notebook", help="Where an exercise goes: 01, or the whole name.")
    ] = "",
    title: Annotated[str, typer.Option("--title", help="For headings.")] = "",
) -> None:
    """Begin an exercise, a notebook or a course.

    `new exercise avgpool_forward --notebook 01`, `new notebook 02_broadcasting`, and
    `new course ../arrays` write what each needs into the right folders, and over nothing.

    An exercise gets its cells, a judge with a reference and one mistake, and one right and one
    wrong answer, all at the end of what is there. What it begins with is a small example that runs:
    `./course try`, `truth` and `mutate` can be tried on it at once. Wherever you have to write
    stands `AUTHOR:`, and `./course build` refuses the course, and lists the places, until you have.

    Exit status: 0; 125 if the name is taken, or is none; then nothing was written.
    """
    from grader.authoring import new as room  # jupytext takes its time to import

    if kind not in _KINDS:
        errors.print(f"{kind!r} is nothing to begin; there are {', '.join(_KINDS)}")
        raise typer.Exit(REFUSED)
    if kind == "exercise":
        course = config.load()
        if not notebook:
            known = ", ".join(course.notebooks) or "none yet: ./course new notebook"
            errors.print(f"say where it goes, --notebook 01; there are {known}")
            raise typer.Exit(REFUSED)
        (place,) = named.notebooks([notebook], course)
        written = room.exercise(name, place, title)
        following = f"write where AUTHOR: stands; then ./course build, truth {name}, mutate {name}"
    elif kind == "notebook":
        written = room.notebook(name, title)
        following = f"./course new exercise NAME --notebook {written[0].stem[:2]}"
    else:
        written = room.course(Path(name), title)
        following = f"./course --course {name} new notebook 01_NAME"
    for path in written:
        console.print(f"wrote {os.path.relpath(path)}", markup=False, soft_wrap=True)
    console.print(f"next: {following}", markup=False, soft_wrap=True)
