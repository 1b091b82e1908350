"""The command that carries the judge to other graders."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated, Literal

import typer

from grader import config
from grader.classroom.results import points
from grader.commands import completion, console, named
from grader.commands.single import secret_in

Visibility = Literal["hidden", "after_due_date", "after_published", "visible"]


def bundle(
    kind: Annotated[Literal["gradescope"], typer.Argument(help="For which grader.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The zip that is written.")],
    notebook: Annotated[
        str,
        typer.Option(
            "--notebook",
            help="The notebook that is judged there; 01 is enough.",
            autocompletion=completion.notebooks,
        ),
    ],
    secret: Annotated[
        Path | None,
        typer.Option(
            "--secret", metavar="FILE", help="Draw the cases from what is in this file: class/seed."
        ),
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(
            "--settings",
            metavar="DIR",
            help="A class folder: its settings, thresholds, older releases and roster go along.",
        ),
    ] = None,
    values: Annotated[
        Visibility,
        typer.Option("--values", help="When students see hidden values, in Gradescope's words."),
    ] = "hidden",
) -> None:
    """Pack judges and sandbox for another grader, to judge one notebook there.

    ./course bundle gradescope --notebook 01 autograder.zip

    Upload the zip as the assignment's autograder (docs/gradescope.md).  Each submission is judged
    there as ./course judge does it: students see verdicts and named mistakes at once, hidden values
    as --values says, and essays are left for a person to mark.

    Cases are drawn from the secret, the team and the files.  Without --secret one is made for this
    zip, and another zip draws other cases.  The zip holds judges, known answers and the secret:
    keep it from students.

    Exit status: 0; 125 if the notebook can't be judged elsewhere, or the zip can't be written.
    """
    # help need not wait for nbgrader
    from grader.bundles import carried, gradescope

    course = config.load(settings)
    name = named.notebooks([notebook], course)[0]
    asked = carried.settings(course, name, values)
    of_a_class = carried.of_class(settings) if settings is not None else {}
    drawn_from = secret_in(secret) if secret is not None else secrets.token_hex(16)
    gradescope.write(out, course, asked, drawn_from, of_a_class)
    worth = gradescope.worth(course, name)
    console.print(f"wrote {out}, for instructors alone", markup=False)
    console.print(f"autograder points: {points(worth.checks)}", markup=False)
    if worth.essays:
        each = ", ".join(f"{essay} {points(most)}" for essay, most in worth.essays.items())
        console.print(f"marked by hand: {each}", markup=False, soft_wrap=True)
    if secret is None:
        console.print("cases are drawn from a secret that only this zip has", markup=False)
