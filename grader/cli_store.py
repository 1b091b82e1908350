"""Where work is done and kept: on a cluster, marked again, in another database."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from grader.classroom import ClassFolder
from grader.config import ConfigError

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(rejudge)
    app.command()(migrate)


def rejudge(
    folder: Annotated[
        Path, typer.Option("--class", "-c", help="The class folder.", envvar="COURSE_CLASS")
    ] = Path("class"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Change it without asking.")] = False,
    seed: Annotated[
        str | None, typer.Option(help="What the cases were drawn from, if it was given.")
    ] = None,
) -> None:
    """Mark again what is stored, with the judges and thresholds of today, without executing it.

    Says whose marks would change, and changes them when you agree.  Marks given by hand stay, and
    are flagged for another look where the mark under them changed.  What has no answers to the
    questions of today is listed; ./course grade executes it.

    Exit status: 0; 1 if marks would change and were not changed; 125 if nothing could be done.
    """
    from grader import config
    from grader import rejudge as room

    course = config.load(folder)
    place = ClassFolder(folder.resolve())
    found = room.preview(place, course, seed)
    for change in found.changes:
        console.print(f"  {change}", markup=False, soft_wrap=True)
    for label in found.to_execute:
        console.print(f"  to be executed again: {label}", markup=False)
    for line in found.broken:
        console.print(f"  NEEDS A HUMAN {line}", markup=False)
    console.print(
        f"{len(found.changes)} marks change, {len(found.pending) - len(found.changes)} stay under "
        f"new judges, {found.current} are current, {len(found.to_execute)} must be executed again"
    )
    if not found.pending or dry_run:
        raise typer.Exit(bool(found.changes))
    agreed = yes or not found.changes
    if not agreed and not (sys.stdin.isatty() and typer.confirm("Change these marks?")):
        console.print("nothing was changed; --yes changes it without asking")
        raise typer.Exit(1)
    room.apply(place, course, found)
    console.print("done; write feedback, report and exports anew")


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


@contextmanager
def executor(scheduler: str, place: ClassFolder) -> Iterator[Executor | None]:
    """The workers of a cluster, or None for this machine."""
    if not scheduler:
        yield None
        return
    from grader.cluster import ClusterExecutor
    from grader.runlog import RunLog

    def say(text: str) -> None:
        errors.print(text, markup=False)
        RunLog(place.root).write(text)

    with ClusterExecutor(scheduler, say=say) as workers:
        yield workers


def part(text: str) -> Callable[[str], bool]:
    """Whether a team belongs to a part: "2/16" is the second of sixteen, "" is everybody.

    Each team belongs to one part, whoever else is in the class.  Raises ConfigError.
    """
    if not text:
        return lambda team: True
    number, _, parts = text.partition("/")
    if not (number.isdecimal() and parts.isdecimal() and 1 <= int(number) <= int(parts)):
        raise ConfigError(f"--part {text}: write 2/16 for the second of sixteen parts")
    return lambda team: zlib.crc32(team.encode()) % int(parts) == int(number) - 1
