"""Commands about what is stored: moving a gradebook to another database."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

console = Console(highlight=False)


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(migrate)


def migrate(
    source: Annotated[str, typer.Argument(metavar="FROM", help="Path or URL of a gradebook.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="Path or URL, of nothing or empty.")],
) -> None:
    """Copy a gradebook to another database: class/gradebook.db to postgresql://…, or back.

    Every row is copied and compared; then counts and contents are equal, or the target is as it was
    and the command says why.  The source is only read.  Close formgrader meanwhile.

    Exit status: 0; 125 if it could not be copied.
    """
    from grader import database
    from grader import migrate as room

    target = database.normalised(target)
    counts = room.migrate(database.normalised(source), target)
    for line in room.describe(target, counts):
        console.print(line, markup=False, soft_wrap=True)
