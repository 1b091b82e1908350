"""Commands for whoever marks: the desk, and the history of marks."""

from __future__ import annotations

import dataclasses
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
    share: Annotated[
        str, typer.Option(metavar="PART/PARTS", help="Only one part of the answers: 2/3.")
    ] = "1/1",
    second: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="Mark this share of what others have marked once more, unseen."
        ),
    ] = 0.0,
    port: Annotated[int, typer.Option(help="Port on this machine; 0 takes a free one.")] = 0,
    browser: Annotated[bool, typer.Option(help="Open a browser.")] = True,
) -> None:
    """Mark essays in the browser: one question, all its answers, a key or two for each.

    Like stands beside like; what says the same is marked once. The levels of the rubric are keys,
    comments given before are offered, and every mark can be taken back. It writes into nbgrader's
    gradebook, formgrader lies beside it, and ./course history says who gave what.

    Several markers: each takes a part (--share 1/3, 2/3, 3/3; the same answer is in the same part),
    and with --second 0.1 a tenth of what others have marked, whose marks are not shown. Where two
    differ, the desk asks for a mark that settles it; ./course agreement says how well they agree.

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
    chosen, part = named.notebooks(notebook or (), course), _share(share)

    def say(line: str) -> None:
        console.print(line, markup=False, soft_wrap=True)

    say("opening the desk; Ctrl-C ends it")
    serve(Desk(place, course, who, chosen, earlier, part, second), say, port, browser)


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


def agreement(folder: ClassOption = CLASS, as_json: JsonOption = False) -> None:
    """Say how well markers agree, by question and by pair of markers.

    It compares the marks of `desk --second` with those that stood then: how many are equal, and
    Cohen's kappa, which is 0 where they agree as often as by chance. What differs and was not
    settled since is listed. With --json one object: agreement, unsettled.

    Exit status: 0; 125 for a class that was not graded.
    """
    # nbgrader and scikit-learn take their time to import
    from grader.classroom import gradebook
    from grader.classroom import history as marks
    from grader.desk import agreement as room

    course, place = config.load(folder), _graded(folder)
    with gradebook.open_gradebook(place, course.id) as book:
        lines = marks.read(book.db)
    measured, open_still = room.measure(lines), room.unsettled(lines)
    if as_json:
        tell(
            {
                "agreement": [dataclasses.asdict(one) for one in measured],
                "unsettled": msgspec.to_builtins(list(open_still.values())),
            }
        )
        return
    if not measured:
        console.print("nothing was marked twice; ./course desk --second 0.1 does so")
    for one in measured:
        kappa = "" if one.kappa is None else f", kappa {one.kappa:.2f}"
        said = f"{one.of}: {one.equal} of {one.answers} equal{kappa}"
        console.print(said, markup=False, soft_wrap=True)
    for (team, notebook, cell), line in open_still.items():
        told = f"{line.before.points:g} and {line.after.points:g} points"
        console.print(f"to settle: {team} {notebook}/{cell}: {told}", markup=False, soft_wrap=True)


def _share(text: str) -> tuple[int, int]:
    """(2, 3) for "2/3".  Raises ConfigError."""
    part, _, parts = text.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise ConfigError(f"--share needs PART/PARTS, such as 2/3, not {text!r}")
    return int(part), int(parts)


def _graded(folder: Path) -> ClassFolder:
    place = ClassFolder(folder.resolve())
    if place.database is not None and not place.database.is_file():
        raise ConfigError(f"{folder} holds no gradebook; run ./course grade first")
    return place
