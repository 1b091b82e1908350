"""The command line of ./course: which commands there are, and what becomes of errors."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.markup import escape

from grader import places
from grader.commands import (
    REFUSED,
    beginning,
    bundling,
    completion,
    errors,
    grading,
    handed_in,
    making,
    marking,
    returning,
    single,
    standing,
    trying,
)
from grader.errors import CourseError

PIPE_CLOSED = 141
"""Exit status when nobody reads on, as in `./course build --check | head`; a shell's own for it."""
TOLD_TO_END = 143
"""Exit status after SIGTERM, which a system sends that goes down, or a limit of time."""

_LONGEST = 300  # letters of an error; databases tell theirs on pages

app = typer.Typer(
    name="./course",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)

for _command in (  # in the order of --help: the way of a course, then what is needed now and then
    beginning.new,
    making.build,
    making.release,
    grading.collect,
    grading.grade,
    standing.status,
    standing.settle,
    handed_in.choose,
    marking.desk,
    marking.history,
    marking.agreement,
    returning.feedback,
    returning.report,
    returning.similar,
    returning.export,
    single.judge,
    bundling.bundle,
    grading.rejudge,
    grading.upgrade,
    grading.migrate,
    handed_in.purge,
    making.demo,
    making.truth,
    trying.try_,
    making.mutate,
    making.doctor,
    making.bench,
):
    app.command(
        _command.__name__.rstrip("_"),  # "try" is a word of Python's
        cls=grading.OptionalNames if _command is grading.collect else None,
    )(_command)


def _tell_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # help need not wait for it

        print(f"course {version('cnn-course')}")
        raise typer.Exit()


@app.callback()
def course(
    folder: Annotated[
        Path | None,
        typer.Option("--course", metavar="DIR", help="Work on the course in this folder."),
    ] = None,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Say which version this is.", is_eager=True, callback=_tell_version
        ),
    ] = False,
) -> None:
    """Build the notebooks, collect what students hand in, grade it, and send it back."""
    if folder is not None:
        places.use(folder)
        os.environ[places.VARIABLE] = str(places.folder())  # for processes that are started


def main() -> None:
    """Run the command line; whatever goes wrong becomes one line on stderr, and status 125."""
    signal.signal(signal.SIGTERM, _end)
    try:
        try:
            app(prog_name=completion.name_of_program())
        finally:
            sys.stdout.flush()  # what fails only when Python ends can't be told any more
    except SystemExit as ending:
        sys.exit(_status(ending))
    except BrokenPipeError:
        _let_go_of_output()
        sys.exit(PIPE_CLOSED)
    except CourseError as error:
        _tell(error, str(error))
        sys.exit(REFUSED)
    except Exception as error:  # a count of submissions must never come of it
        _tell(error, f"{_in_one_line(error)}.  COURSE_DEBUG=1 ./course … shows where it happened")
        _let_go_of_output()
        sys.exit(REFUSED)


def _end(number: int, _: object) -> NoReturn:
    """Clear up and end, as after Ctrl-C; who is told again ends at once."""
    signal.signal(number, signal.SIG_DFL)
    sys.exit(TOLD_TO_END)


def _status(ending: SystemExit) -> int | str | None:
    """Exit status of a command.  What Typer and Rich end by themselves would be a count, too."""
    if isinstance(ending.__context__, BrokenPipeError):
        return PIPE_CLOSED
    wrong_usage = ending.code == 2 and not isinstance(ending.__context__, typer.Exit)
    return REFUSED if wrong_usage else ending.code


def _tell(error: Exception, text: str) -> None:
    """Print an error, below its traceback for those who asked for it."""
    with contextlib.suppress(OSError):  # stderr may lie on the full disk
        if os.environ.get("COURSE_DEBUG") == "1":
            traceback.print_exception(error)
        errors.print(f"[red]error:[/red] {escape(text)}", soft_wrap=True)


def _in_one_line(error: Exception) -> str:
    """What happened, for an error that nobody foresaw."""
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        return f"{where}{error.strerror}{'; make room and run the command again' if full else ''}"
    text = " ".join(str(error).split())
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _let_go_of_output() -> None:
    """Drop what stdout could not take: Python would try again at its end, and make it 120."""
    with contextlib.suppress(OSError, ValueError):
        try:
            sys.stdout.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
