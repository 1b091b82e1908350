"""Commands for whoever marks: the desk, and the history of marks."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from grader import config
from grader.classroom.folder import ClassFolder
from grader.commands import (
    CLASS,
    ClassOption,
    JsonOption,
    NotebooksOption,
    completion,
    console,
    named,
    tell,
)
from grader.errors import ConfigError


def desk(
    folder: ClassOption = CLASS,
    notebook: NotebooksOption = None,
    marker: Annotated[
        str, typer.Option(help="Who marks, as the history is to say; else your user name.")
    ] = "",
    comments: Annotated[
        list[Path] | None,
        typer.Option(metavar="CLASS", help="Offer the comments of an earlier class, too."),
    ] = None,
    port: Annotated[int, typer.Option(help="Port on this machine; 0 takes a free one.")] = 0,
    browser: Annotated[bool, typer.Option(help="Open a browser.")] = True,
) -> None:
    """Mark essays in the browser: one question, all its answers, a key or two for each.

    Like stands beside like; what says the same is marked once. The levels of the rubric are keys,
    comments given before are offered, and every mark can be taken back. It writes into nbgrader's
    gradebook, formgrader lies beside it, and ./course history says who gave what.

    Only this machine can reach it, with the token in the address that it prints. Ctrl-C ends it.

    Exit status: 0; 125 for a class that was not graded.
    """
    # nbgrader and scikit-learn take their time to import
    from grader.desk.room import Desk
    from grader.desk.server import serve

    course = config.load(folder)
    place = _graded(folder)
    earlier = [_graded(path) for path in comments or ()]
    who = marker.strip() or getpass.getuser()
    chosen = named.notebooks(notebook or (), course)

    def say(line: str) -> None:
        console.print(line, markup=False, soft_wrap=True)

    say("opening the desk; Ctrl-C ends it")
    serve(Desk(place, course, who, chosen, earlier), say, port, browser)


def history(
    team: Annotated[str, typer.Argument(help="The team.", autocompletion=completion.teams)],
    folder: ClassOption = CLASS,
    notebook: NotebooksOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say who gave a team which marks by hand: when, from what to what, and with which comment.

    Marks set in formgrader are found by comparing; of them nobody knows who set them, and when is
    the moment at which they were found. With --json one object: lines.

    Exit status: 0; 125 for a class that was not graded, or a team that is not in it.
    """
    # nbgrader takes its time to import
    from grader.classroom import gradebook
    from grader.classroom import history as room
    from grader.classroom.results import points

    course = config.load(folder)
    place = _graded(folder)
    (known,) = named.teams([team], place, what="history")
    chosen = named.notebooks(notebook or (), course)
    with gradebook.open_gradebook(place, course.id) as book:
        gradebook.begin(book.db)
        room.catch_up(book.db)
        book.db.commit()
        lines = [
            line
            for line in room.read(book.db, team=known)
            if line.notebook in (chosen or course.notebooks)
        ]
    if as_json:
        tell({"lines": msgspec.to_builtins(lines)})
        return
    if not lines:
        console.print(f"{known}: no mark by hand")

    def told(given: room.Given) -> str:
        mark = "no mark" if given.points is None else f"{points(given.points)} points"
        extra = f" and {points(given.extra)} of extra credit" if given.extra else ""
        return f"{mark}{extra}{', flagged' if given.flagged else ''}"

    for line in lines:
        who = line.who or "somebody, outside the desk (found then)"
        what = "took back: " if line.how == room.UNDO else ""
        when = course.times.zone.shown(line.at).strftime("%Y-%m-%d %H:%M")
        change = f"{what}{told(line.before)} → {told(line.after)}"
        why = f" ({line.why})" if line.why and line.how == room.DESK else ""
        text = f"{when}  {line.notebook}/{line.cell}: {change}, by {who}{why}"
        console.print(text, markup=False, soft_wrap=True)
        if line.after.comment != line.before.comment:
            console.print(f"    comment: {line.after.comment or 'none'}", markup=False)


def _graded(folder: Path) -> ClassFolder:
    place = ClassFolder(folder.resolve())
    if place.database is not None and not place.database.is_file():
        raise ConfigError(f"{folder} holds no gradebook; run ./course grade first")
    return place
