"""The command that judges one submission, without a class."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader import config
from grader.classroom.folder import ClassFolder
from grader.classroom.results import points
from grader.classroom.roster import team_id
from grader.commands import REFUSED, completion, console, errors, named
from grader.errors import ConfigError
from grader.text import shown

if TYPE_CHECKING:
    from grader.grading.judgement import Judgement


LONGEST = 500
"""Letters of a line on the terminal; what a student's code says is as long as it likes."""


def _print_schema(wanted: bool) -> None:
    if wanted:
        from grader.grading import judgement  # help need not wait for it

        print(judgement.schema(), end="")
        raise typer.Exit()


def judge(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE", help="A notebook, an archive, a folder, or files that belong together."
        ),
    ],
    notebook: Annotated[
        str,
        typer.Option(
            "--notebook",
            help="The notebook that is meant; 01 is enough.",
            autocompletion=completion.notebooks,
        ),
    ],
    team: Annotated[str, typer.Option("--team", help="Whose it is.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the result goes: result.json.")],
    secret: Annotated[
        Path | None,
        typer.Option(
            "--secret", metavar="FILE", help="Draw the cases from what is in this file: class/seed."
        ),
    ] = None,
    member: Annotated[
        list[str] | None,
        typer.Option(
            "--member", metavar="ID", help="One of the team, whose own numbers count as the team's."
        ),
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(
            "--settings",
            metavar="DIR",
            help="A class folder, or one like it: its settings and roster count.",
        ),
    ] = None,
    _: Annotated[
        bool,
        typer.Option(
            "--schema",
            help="Print the JSON Schema of the result, and do nothing.",
            is_eager=True,
            callback=_print_schema,
        ),
    ] = False,
) -> None:
    """Judge one submission, without a class.

    ./course judge team_7.tar.gz --notebook 01 --team team_7 --out result.json

    For other graders, scripts, and a look at a single case.  It is taken in, executed in the
    sandbox and judged as ./course grade does it; nothing is kept but the result, a JSON object for
    programs (docs/judge.md).  In it stand points, maximum, state, needs_human, and for each check
    the verdict twice: for_students, which may be shown to them, and for_markers, with hidden
    values.  So the file is readable by its owner alone.

    FILE is a notebook of any name, an archive as collect_submission.sh makes it, or a folder that
    counts like one.  Files named beside a notebook, trained weights for instance, count as if they
    lay in its folder handin/; modules (.py) lie beside the notebook.

    Cases are drawn from a secret, the team and the files: the same three give the same cases, so
    --secret class/seed gives the verdicts of that class.  Without --secret they are drawn afresh
    for this run, and the result says so: let nobody try until a draw is kind.

    When it came, and what lateness costs, is for a class to say.

    Exit status: 0; 1 if a human must look at it, or it was rejected; 125 if it was not judged, by
    no fault of the submission's: then there are no points, and the result says why.
    """
    # help need not wait for it
    from grader.grading import judgement

    for path in [*files, *([secret] if secret else [])]:
        if out.resolve() == path.resolve():
            raise ConfigError(f"--out {out}: the result would take the place of what is judged")
    with judgement.written(out, team, notebook) as write:
        whose = team_id(team)
        if not whose:
            raise ConfigError(f"--team {team}: no letter or digit of it can be a team's name")
        course = config.load(_folder(settings))
        name = named.notebooks([notebook], course)[0]
        drawn_from = secret_in(secret) if secret is not None else ""

        from grader.grading import warm  # help need not wait for the sandbox

        warm.start([course.notebooks[name].kernel])
        with warm.quick_imports():  # meanwhile the parent imports its libraries
            from grader.grading import single  # nbgrader takes its time to import

        members = {*(member or ()), *_members(settings, whose, name)}
        asking = single.Asking(name, whose, drawn_from, tuple(members), settings)
        found = single.judge(files, course, asking)
        write(found)
    _say(found)
    if found.state == judgement.NOT_GRADABLE:
        raise typer.Exit(REFUSED)
    raise typer.Exit(bool(found.needs_human))


def _folder(settings: Path | None) -> Path | None:
    if settings is not None and not settings.is_dir():
        raise ConfigError(f"--settings {settings}: there is no such folder")
    return settings


def _members(settings: Path | None, team: str, notebook: str) -> list[str]:
    """Ids of those in a team, as far as a class folder is named that knows them."""
    if settings is None or not (settings / "roster.csv").is_file():
        return []
    from grader.grading import tasks  # what reads a class takes its time to import

    broken: list[str] = []
    found = tasks.members(ClassFolder(settings), broken)(team, notebook)
    if broken:
        raise ConfigError(broken[0])
    return found


def secret_in(path: Path) -> str:
    """What is in a file with a secret.  Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--secret {path} can't be read: {error}") from error
    if not text:
        raise ConfigError(f"--secret {path} is empty: write a line into it that nobody can guess")
    return text


def _say(found: Judgement) -> None:
    """The result for people: points, what cost some, and what a human must look at."""
    where = f"{found.notebook} of {found.team}"
    if found.points is None or found.maximum is None:
        for line in (f"{where}: {found.state}", *(f"  {reason}" for reason in found.needs_human)):
            errors.print(shown(line, LONGEST), markup=False)
        return
    worth = f"{points(found.points)} of {points(found.maximum)} points"
    essays = f", {found.essays_to_mark} essays to mark" if found.essays_to_mark else ""
    lines = [f"{where}: {worth}{essays}"]
    for check in found.checks:
        if check.points < check.maximum:
            cases = (case.message for case in check.for_markers.cases if case.score < 1)
            told = check.for_markers.message or check.for_markers.mistake or next(cases, "")
            earned = f"{points(check.points)} of {points(check.maximum)}"
            lines.append(f"  {check.name}: {earned}{': ' if told else ''}{told}")
    lines += [f"  NEEDS A HUMAN {reason}" for reason in found.needs_human]
    for line in lines:
        console.print(shown(line, LONGEST), markup=False, soft_wrap=True)
