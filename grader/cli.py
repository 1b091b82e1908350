"""The commands of ./course.  Each does its work in one room and ends with an honest exit status."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from grader import cli_store, config
from grader.classroom import ClassFolder, write_atomically
from grader.display import Display
from grader.errors import CourseError

app = typer.Typer(
    help="Build the notebooks, collect what students hand in, grade it, and send it back.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
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


def main() -> None:
    """Run the command line; expected errors become one line on stderr."""
    cli_store.register(app)
    try:
        app()
    except CourseError as error:
        errors.print(f"[red]error:[/red] {error}", soft_wrap=True)
        sys.exit(REFUSED)


@app.command()
def build(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; show what is stale and exit with 1.")
    ] = False,
) -> None:
    """Make notebooks/ and the public cases in data/checks/ from grader/source and the judges.

    Sources are text (jupytext py:percent) with solutions, points and rubrics; nbgrader's own
    release step takes the solutions out.  A source with a repeated id, a missing point or a check
    without a judge is refused, with the line.

    Exit status: 0 if all is well, 1 if --check found stale files, 125 for a source that is refused.
    """
    from grader import build as room

    course = config.load()
    if check:
        lines = room.differences(course)
        for line in lines:
            print(line)
        if lines:
            errors.print("stale: run ./course build and commit what it changes")
        raise typer.Exit(bool(lines))
    changed = room.build(course)
    for path in changed:
        console.print(f"wrote {path.relative_to(config.ROOT)}")
    console.print("everything is up to date" if not changed else f"{len(changed)} files changed")


@app.command()
def release(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the archives.")] = Path(
        "dist"
    ),
) -> None:
    """Pack what students get: course.tar.gz and course.zip, without grader/, tests/ or solutions.

    The archives hold notebooks/, utils/, data/, environment.yml, requirements.txt,
    collect_submission.sh and a README for students.  They are the same bytes for the same content.
    """
    from grader import release as room

    for path, digest in room.pack(config.load(), out):
        console.print(f"{path}  sha256 {digest}")


@app.command()
def collect(
    archives: Annotated[
        list[Path], typer.Argument(help="Archives, notebooks, folders, or LMS bulk downloads.")
    ],
    folder: ClassOption = CLASS,
    roster: Annotated[
        Path | None, typer.Option(help="CSV: team, student, and optionally name, email, LMS ids.")
    ] = None,
    received: Annotated[
        datetime | None,
        typer.Option(
            help="When they arrived, if the files' own times do not say: 2027-01-29T20:00"
        ),
    ] = None,
) -> None:
    """Take in what students handed in.

    Takes tar.gz and zip archives, single notebooks, folders of those, and the bulk downloads of
    Moodle and Canvas.  Who handed in is decided by the archive's own name (team_7.tar.gz) or by
    the LMS, never by anything inside it.  A bad archive is reported with the reason and passed
    over; an earlier good submission of that team stays.

    Exit status: the number of archives or notebooks that could not be taken in (at most 120).
    """
    from grader import intake

    course = config.load(folder)
    moment = received.astimezone() if received else None
    place = ClassFolder(folder.resolve())
    report = intake.collect(place, course, archives, roster, moment)
    if roster is not None:  # the way out needs it, too
        write_atomically(place.root / "roster.csv", roster.read_bytes())
    teams = {s.team for s in report.taken}
    console.print(f"took in {len(report.taken)} notebooks of {len(teams)} teams")
    for submission in report.taken:
        for note in submission.notes:
            console.print(f"  note: {submission.team}/{submission.notebook}: {note}", markup=False)
    for rejected in report.rejected:
        console.print(f"  REJECTED {rejected.archive}: {rejected.reason}", markup=False)
    raise typer.Exit(min(len(report.rejected), MOST_COUNTED))


@app.command()
def grade(
    folder: ClassOption = CLASS,
    workers: Annotated[
        int | None,
        typer.Option("--workers", "-j", help="How many at a time; default: two per core."),
    ] = None,
    team: Annotated[list[str] | None, typer.Option(help="Only these teams.")] = None,
    notebook: Annotated[list[str] | None, typer.Option(help="Only these notebooks.")] = None,
    force: Annotated[bool, typer.Option(help="Execute again what has a result.")] = False,
    no_isolation: Annotated[
        bool,
        typer.Option("--no-isolation", help="Run student code without a sandbox. Dangerous."),
    ] = False,
    seed: Annotated[
        str | None, typer.Option(help="Draw the cases from this instead of the class's secret.")
    ] = None,
    part: Annotated[
        str, typer.Option(help="Only one part of the teams, 2/16 say, beside other graders.")
    ] = "",
    scheduler: Annotated[
        str, typer.Option(help="Dask scheduler of a cluster: tcp://host:port, or its file.")
    ] = "",
) -> None:
    """Grade everything that was taken in.

    Each notebook runs in a kernel of its own, with bounds on time, memory and output.  The kernel
    only computes; a judge outside it compares what it handed back with cases drawn for this run.
    Marks go to nbgrader's gradebook, one submission at a time.  Interrupted or killed, it goes on
    where it was when started again; marks given by hand stay.  With --scheduler, notebooks run on
    the workers of a Dask cluster (docs/cluster.md); everything else stays here.  Another terminal
    can follow: tail -F class/grade.log

    Exit status: how many submissions need a human (0 if none, at most 120); 125 if it could not
    grade at all.
    """
    from grader import warm

    course = config.load(folder)
    place = ClassFolder(folder.resolve())
    count = len(place.submissions())
    if not count:
        errors.print(f"nothing to grade in {folder}; run ./course collect first")
        raise typer.Exit(REFUSED)

    in_part = cli_store.part(part)

    def wanted(a_team: str, a_notebook: str) -> bool:
        named = (not team or a_team in team) and (not notebook or a_notebook in notebook)
        return named and in_part(a_team)

    if not no_isolation and not scheduler:
        warm.begin(place, course, wanted)
    with warm.quick_imports():  # meanwhile the parents import theirs
        from grader import grade as room

    total = sum(wanted(*pair) for pair in place.submissions())
    with (
        cli_store.executor(scheduler, place) as executor,
        Display(console, total, workers) as display,
    ):
        summary = room.grade(
            place,
            course,
            executor=executor,
            workers=workers,
            seed=seed,
            force=force,
            isolation="none" if no_isolation else "auto",
            only=wanted,
            progress=display,
        )
    kept = len(summary.graded) - summary.executed - summary.marked_again
    again = f", {summary.marked_again} marked again" if summary.marked_again else ""
    console.print(f"{len(summary.graded)} graded: {summary.executed} executed{again}, {kept} kept")
    for change in summary.changes:
        console.print(f"  CHANGED {change}", markup=False)
    for result in summary.graded:
        if result.needs_human:
            line = f"  NEEDS A HUMAN {result.team}/{result.notebook}: {result.needs_human}"
            console.print(line, markup=False)
    for line in summary.broken:
        console.print(f"  NEEDS A HUMAN {line}", markup=False)
    raise typer.Exit(min(summary.need_human, MOST_COUNTED))


@app.command()
def feedback(folder: ClassOption = CLASS) -> None:
    """Write HTML feedback for every team into feedback/ of the class folder.

    Each page shows points, what passed and failed, the named mistake, a hint, and what markers
    wrote.  Hidden cases and solutions are never in it.  A zip in the layout of LMS feedback uploads
    lies beside it.
    """
    from grader import feedback as room

    place, course = _graded_class(folder)
    pages = room.write(place, course)
    console.print(f"wrote {len(pages)} pages and {room.bundle(place)}")


@app.command()
def report(folder: ClassOption = CLASS) -> None:
    """Write report.html: one page about the class, to read in the evening or show in the lecture.

    It shows who needs a human, the distribution of points, each exercise, the most frequent named
    mistakes, essays still to be marked, and times.
    """
    from grader import report as room

    console.print(f"wrote {room.write(*_graded_class(folder))}")


@app.command()
def similar(
    folder: ClassOption = CLASS,
    notebook: Annotated[list[str] | None, typer.Option(help="Only these notebooks.")] = None,
) -> None:
    """Write similar.html: pairs of teams that share more than the release and chance explain.

    Names, comments, layout and the order of functions don't count; what many teams wrote alike
    counts little.  Both texts stand side by side.  No mark depends on it: it says whom to talk to.

    Exit status: 0; 125 if nothing was handed in.
    """
    from grader import similar as room

    course = config.load(folder)
    place = ClassFolder(folder.resolve())
    found = room.search(place, course, tuple(notebook or ()))
    if not found:
        errors.print(f"nothing to compare in {folder}; run ./course collect first")
        raise typer.Exit(REFUSED)
    for each in found:
        count = sum(pair.stands_out for pair in each.pairs)
        console.print(f"{each.notebook}: {each.teams} submissions, {count} pairs stand out")
        for pair in each.pairs[:count]:
            names = f"{pair.first.team} and {pair.second.team}"
            console.print(f"  {names}: {pair.share:.0%} of the smaller work", markup=False)
        for line in each.left_out:
            console.print(f"  not compared: {line}", markup=False)
    console.print(f"wrote {room.write(place, course, found)}")


@app.command()
def export(
    kind: Annotated[str, typer.Argument(help="csv, moodle or canvas")] = "csv",
    folder: ClassOption = CLASS,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write.")] = None,
    notebook: Annotated[str, typer.Option(help="Only this notebook.")] = "",
    provisional: Annotated[
        bool, typer.Option(help="Write what there is where essays are still to be marked.")
    ] = False,
    missing_is_zero: Annotated[
        bool, typer.Option(help="Write 0, not nothing, for what was not handed in.")
    ] = False,
) -> None:
    """Write grades as CSV: for a spreadsheet, or in the form that Moodle or Canvas imports.

    One row per student; the members of a team share its grade.  Only final grades are written: what
    needs a human, or has essays to be marked, stays empty and is listed.

    Exit status: 0; 125 for a kind that does not exist or a class that was not graded.
    """
    from grader import export as room

    if kind not in ("csv", "moodle", "canvas"):
        errors.print(f"no export called {kind!r}; there are csv, moodle and canvas")
        raise typer.Exit(REFUSED)
    place, course = _graded_class(folder)
    choices = room.Choices(
        notebook=notebook, provisional=provisional, missing_is_zero=missing_is_zero
    )
    console.print(f"wrote {room.write(place, course, kind, out, choices)}")
    if not provisional:
        for line in room.unfinished(place, course):
            console.print(f"  not final: {line}", markup=False)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option("--out", "-o", help="Where to put the class.")] = Path(
        "demo"
    ),
) -> None:
    """Grade a sample class from end to end, and check every score.

    Builds, releases, makes sample submissions with collect_submission.sh, collects and grades them,
    writes feedback, report and exports, and prints a table.  Ends with 0 only if every sample got
    the score written beside it.
    """
    from grader.demo import run

    raise typer.Exit(run(folder, console))


@app.command()
def truth() -> None:
    """Try the judges on known wrong and known right answers.

    Prints each with its points and the diagnosis it got, and as the last line a JSON summary.
    Exits with 1 if a wrong answer keeps all its points, a right one loses any, or a mistake is
    called by the wrong name.
    """
    from grader.truth import run

    raise typer.Exit(run(console))


@app.command()
def doctor(
    folder: ClassOption = CLASS,
    inside: Annotated[
        bool, typer.Option(help="Also try from inside the sandbox what must not work there.")
    ] = False,
) -> None:
    """Say what this machine offers for grading, and what is missing.

    Exit status: 0 if grading can work here, 1 if something that it needs is missing.
    """
    from grader import doctor as room

    findings = room.examine(folder)
    for finding in findings:
        mark = "[green]ok[/green]  " if finding.good else "[red]NO[/red]  "
        first, *rest = finding.text.splitlines()
        console.print(f"{mark}{finding.what}: {first}")
        for line in rest:
            console.print(f"      {line}", markup=False)
    failed = any(finding.needed and not finding.good for finding in findings)
    if inside and not failed:
        failed = not _print_probe_from_inside()
    raise typer.Exit(failed)


@app.command()
def bench(
    name: Annotated[str, typer.Argument(help="fooling, grading, layers, scale, training, …")],
    full: Annotated[
        bool,
        typer.Option("--full", help="training: on CIFAR-10, hours; scale: 5,000 submissions"),
    ] = False,
) -> None:
    """Measure ours against a peer in one run; the last line is a JSON object with the ratios."""
    from importlib import import_module

    known = ("fooling", "grading", "layers", "scale", "training", "visualizing")
    if name not in known:
        errors.print(f"no bench called {name!r}; there are {', '.join(known)}")
        raise typer.Exit(REFUSED)
    if full and name not in ("training", "scale"):
        errors.print(f"the bench {name!r} has no --full")
        raise typer.Exit(REFUSED)
    import_module(f"grader.bench.{name}").main(**({"full": True} if full else {}))


def _print_probe_from_inside() -> bool:
    """Print what hostile code gets hold of in the sandbox; returns whether it got nothing."""
    from rich.table import Table
    from rich.text import Text

    from grader.sandbox import probe_table

    table = Table("tried from inside", "held", "what came of it", box=None)
    attempts = probe_table()
    for attempt in attempts:
        held = "[green]yes[/green]" if attempt.held else "[red]NO[/red]"
        table.add_row(attempt.what, held, Text(attempt.outcome))
    console.print(table)
    return all(attempt.held for attempt in attempts)


def _graded_class(folder: Path) -> tuple[ClassFolder, config.Course]:
    """A class that has been graded, with late penalties that fit the marks as they are now."""
    from grader import gradebook
    from grader.lateness import Lateness

    course = config.load(folder)
    place = ClassFolder(folder.resolve())
    if place.database is not None and not place.database.is_file():
        raise config.ConfigError(f"{folder} holds no gradebook; run ./course grade first")
    gradebook.refresh_late_penalties(place, course.id, Lateness(place, course).fraction)
    return place, course
