"""The command line of ./course: which commands there are, and what becomes of errors."""

from __future__ import annotations

import sys

import typer

from grader.commands import REFUSED, errors, grading, making, returning
from grader.errors import CourseError

app = typer.Typer(
    help="Build the notebooks, collect what students hand in, grade it, and send it back.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)

for _command in (  # in the order of --help: the way of a course, then what is needed now and then
    making.build,
    making.release,
    grading.collect,
    grading.grade,
    returning.feedback,
    returning.report,
    returning.similar,
    returning.export,
    grading.rejudge,
    grading.migrate,
    making.demo,
    making.truth,
    making.doctor,
    making.bench,
):
    app.command()(_command)


def main() -> None:
    """Run the command line; expected errors become one line on stderr."""
    try:
        app()
    except CourseError as error:
        errors.print(f"[red]error:[/red] {error}", soft_wrap=True)
        sys.exit(REFUSED)
