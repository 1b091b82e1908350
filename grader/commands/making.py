"""Commands that make the course, and show that it and this machine are in order."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from grader import config
from grader.classroom.folder import ClassFolder
from grader.commands import (
    CLASS,
    REFUSED,
    ClassOption,
    NotebooksOption,
    cluster,
    console,
    errors,
    named,
)
from grader.contract.kernels import PLAIN

Checks = Annotated[list[str] | None, typer.Argument(help="Names of checks; all if left out.")]
OnlyNotebook = Annotated[
    str, typer.Option("--notebook", help="Only this notebook: 01, or its whole name.")
]
Seeds = Annotated[int, typer.Option(min=1, help="So many times are cases drawn.")]


def build(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; show what is stale and exit with 1.")
    ] = False,
) -> None:
    """Make notebooks/ and the public cases in data/checks/ from the course's sources and judges.

    Sources are text (jupytext py:percent) with solutions, points and rubrics; nbgrader's own
    release step takes the solutions out.  A source with a repeated id, a missing point or a check
    without a judge is refused, with the line.

    Exit status: 0 if all is well, 1 if --check found stale files, 125 for a source that is refused.
    """
    from grader.authoring import build as room  # nbgrader takes its time to import

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
        console.print(f"wrote {room.name_of(path)}")
    console.print("everything is up to date" if not changed else f"{len(changed)} files changed")


def release(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the archives.")] = Path(
        "dist"
    ),
) -> None:
    """Pack what students get: course.tar.gz and course.zip, without grader/, tests/ or solutions.

    The archives hold notebooks/, utils/, data/, environment.yml, requirements.txt,
    collect_submission.sh and a README for students.  They are the same bytes for the same content.

    Exit status: 0; 125 if notebooks are stale or hold a solution.
    """
    from grader.authoring import release as room  # nbgrader takes its time to import

    for path, digest in room.pack(config.load(), out):
        console.print(f"{path}  sha256 {digest}")


def demo(
    folder: Annotated[Path, typer.Option("--out", "-o", help="Where to put the class.")] = Path(
        "demo"
    ),
    scheduler: cluster.SchedulerOption = "",
    notebook: NotebooksOption = None,
) -> None:
    """Grade a sample class from end to end, and check every score.

    Builds, releases, makes sample submissions with collect_submission.sh, collects and grades them,
    writes feedback, report and exports, and prints a table.  With --scheduler its notebooks run on
    a cluster; with COURSE_GRADEBOOK its marks go to the empty database named there.  With
    --notebook 01 it takes a fraction of the time: training is what later notebooks wait for.

    Exit status: 0 if every sample got the score written beside it, else 1.
    """
    from grader.demo import run  # nbgrader takes its time to import

    chosen = named.notebooks(notebook or (), config.load())
    with cluster.executor(scheduler, ClassFolder(folder.resolve() / "class")) as executor:
        status = run(folder, console, executor, chosen)
    raise typer.Exit(status)


def truth(
    checks: Checks = None,
    notebook: OnlyNotebook = "",
    seeds: Seeds = 1,
    seed: Annotated[
        str, typer.Option("--seed", help="Draw the cases from this text, to compare two runs.")
    ] = "",
    right: Annotated[
        bool, typer.Option("--right", help="Only the right answers: does one lose a point?")
    ] = False,
    idle: Annotated[
        bool, typer.Option("--idle", help="Show what is earned without doing anything.")
    ] = False,
) -> None:
    """Try the judges on known wrong and known right answers.

    Prints each with its points and the diagnosis it got, and as the last line a JSON summary; with
    several seeds only what is unexpected, and with which seed.

    With --idle: for each check the points of the best answer that does nothing (zeros, an input
    handed back, noise, the public cases looked up, what the course marks as idle), and their sum
    for each notebook.

    Exit status: 0; 1 if a wrong answer keeps all its points, a right one loses any, or a mistake is
    called by the wrong name; with --idle, if a notebook gives more than 3 % of its points away.
    """
    # help need not wait for judges
    from grader.judging import doing_nothing
    from grader.judging.truth import run

    if idle:
        known = _notebooks_called(notebook)
        raise typer.Exit(doing_nothing.run(console, known, seed or "idle", checks or ()))
    raise typer.Exit(run(console, _notebooks_called(notebook), seed, seeds, checks or (), right))


def mutate(
    checks: Checks = None,
    notebook: OnlyNotebook = "",
    seeds: Seeds = 5,
    sample: Annotated[int, typer.Option(min=0, help="Only so many mutants, drawn.")] = 0,
    seed: Annotated[str, typer.Option(help="What cases and sample are drawn from.")] = "mutants",
    inputs: Annotated[
        int, typer.Option(min=0, help="On so many inputs is an equivalent mutant tried.")
    ] = 200,
    marked: Annotated[
        bool, typer.Option("--marked", help="Only mutants that are marked as equivalent.")
    ] = False,
    processes: Annotated[
        int, typer.Option(min=1, help="So many exercises at once.")
    ] = os.cpu_count() or 1,
    operators: Annotated[
        bool, typer.Option("--operators", help="List the kinds of changes, and try nothing.")
    ] = False,
) -> None:
    """Change reference solutions a little, and see which changes the judges don't notice.

    Every function that students write is changed in many small ways (axes swapped, off by one, =
    for +=, ceil for floor, …), and each mutant is judged as an answer is.  What keeps all points
    with all seeds is shown with its difference: a judge is too weak there.  A mutant that answers
    like the reference whatever it is asked is marked once, with a reason, in the course's
    mutants.toml.  The last line is a JSON summary.

    Exit status: 0; 1 if a mutant survives, a mark is wrong, or a reference loses points.
    """
    if operators:
        from grader.mutating.operators import OPERATORS  # help need not wait for it

        for operator in OPERATORS:
            console.print(f"{operator.name}: {operator.does}", markup=False, highlight=False)
        return
    from grader.mutating.run import Asking, run  # help need not wait for judges

    known = _notebooks_called(notebook)
    chosen = bool(checks or sample or marked)
    everything = known == list(config.load().notebooks) and not chosen
    asking = Asking(known, checks or (), seeds, sample, seed, inputs, everything, marked, processes)
    raise typer.Exit(run(console, asking))


def _notebooks_called(beginning: str) -> list[str]:
    """Notebooks whose names begin so; all, if nothing is said."""
    known = [name for name in config.load().notebooks if name.startswith(beginning)]
    if not known:
        errors.print(f"no notebook is called {beginning!r}")
        raise typer.Exit(REFUSED)
    return known


def doctor(
    folder: ClassOption = CLASS,
    inside: Annotated[
        bool, typer.Option(help="Also try from inside the sandbox what must not work there.")
    ] = False,
) -> None:
    """Say what this machine offers for grading, and what is missing.

    Exit status: 0 if grading can work here, 1 if something that it needs is missing.
    """
    from grader.commands import doctor as room  # help need not wait for the sandbox

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


def bench(
    name: Annotated[str, typer.Argument(help="explorers, fooling, grading, layers, scale, …")],
    full: Annotated[
        bool,
        typer.Option("--full", help="training: on CIFAR-10, hours; scale: 5,000 submissions"),
    ] = False,
) -> None:
    """Measure ours against a peer in one run; the last line is a JSON object with the ratios.

    Exit status: 0; 125 if there is no bench of that name.
    """
    known = ("explorers", "fooling", "grading", "layers", "scale", "training", "visualizing")
    if name not in known:
        errors.print(f"no bench called {name!r}; there are {', '.join(known)}")
        raise typer.Exit(REFUSED)
    if full and name not in ("training", "scale"):
        errors.print(f"the bench {name!r} has no --full")
        raise typer.Exit(REFUSED)
    import_module(f"grader.bench.{name}").main(**({"full": True} if full else {}))


def _print_probe_from_inside() -> bool:
    """Print what hostile code gets hold of in the sandbox; returns whether it got nothing."""
    from grader.sandbox import probe_table  # jupyter_client takes its time to import

    table = Table("tried from inside", "held", "what came of it", box=None)
    kernels = [entry.kernel for entry in config.load().notebooks.values()]
    strictest = max(kernels, key=lambda profile: len(profile.refused), default=PLAIN)
    attempts = probe_table(strictest)
    for attempt in attempts:
        held = "[green]yes[/green]" if attempt.held else "[red]NO[/red]"
        held = held if attempt.promised else "not promised"
        table.add_row(attempt.what, held, Text(attempt.outcome))
    console.print(table)
    return all(attempt.held or not attempt.promised for attempt in attempts)
