"""Commands that take in what was handed in, grade it, mark it again, and move the gradebook."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from grader import config
from grader.classroom import membership, questions
from grader.classroom.folder import ClassFolder
from grader.classroom.roster import keep_roster
from grader.commands import (
    CLASS,
    MOST_COUNTED,
    REFUSED,
    ClassOption,
    DryRunOption,
    JsonOption,
    NotebooksOption,
    TeamsOption,
    alone,
    cluster,
    console,
    errors,
    named,
    tell,
)
from grader.commands.display import Display
from grader.errors import ConfigError

if TYPE_CHECKING:
    from grader.grading import rejudge as rejudging

MOVED_FOR_ALL = (
    "  formgrader shows everybody else's work as it was: ./course grade brings it up to date"
)
WHICHEVER = "any"
"""Value of --lms where no name follows: the files tell from which LMS they are."""
MOST_NAMED = 30
"""Marks that are named in one line."""


class OptionalNames(TyperCommand):
    """A command whose option --lms may be followed by a name, or by none."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Click's, with the value that stands for none put in."""
        for k, word in reversed(list(enumerate(args))):
            if word == "--lms" and not _is_system("".join(args[k + 1 : k + 2])):
                args[k] = f"--lms={WHICHEVER}"
        return super().parse_args(ctx, args)


def _is_system(word: str) -> bool:
    from grader.intake import downloads  # help need not wait for what reads archives

    return word.casefold() in {reader.name for reader in downloads.READERS}


def collect(
    context: typer.Context,
    archives: Annotated[
        list[Path] | None,
        typer.Argument(help="Archives, notebooks, folders, or LMS bulk downloads."),
    ] = None,
    folder: ClassOption = CLASS,
    exchange: Annotated[
        Path | None,
        typer.Option(help="nbgrader's exchange on a JupyterHub, in place of archives."),
    ] = None,
    roster: Annotated[
        Path | None, typer.Option(help="CSV: team, student, and optionally name, email, LMS ids.")
    ] = None,
    received: Annotated[
        datetime | None,
        typer.Option(help="When they arrived, if neither files nor LMS tell: 2027-01-29T20:00"),
    ] = None,
    worksheet: Annotated[
        Path | None,
        typer.Option(help="Moodle's grading worksheet, which tells when uploads arrived."),
    ] = None,
    lms: Annotated[
        str,
        typer.Option(
            metavar="[NAME]",
            help="You downloaded it for the whole class: from moodle, canvas, brightspace, "
            "blackboard, gradescope, github, nbgrader, exchange, sakai or ilias; without a name "
            "the files tell from which.",
        ),
    ] = "",
    no_lms: Annotated[
        bool, typer.Option("--no-lms", help="It is no such download, whatever it looks like.")
    ] = False,
    names: Annotated[
        str,
        typer.Option(
            metavar="REGEX",
            help="How files or folders are named, if nothing else fits: '(?P<team>[^_]+)_'",
        ),
    ] = "",
    time_format: Annotated[
        str,
        typer.Option(help="How (?P<time>…) in --names is to be read: %Y-%m-%d-%H-%M"),
    ] = "",
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Take in what students handed in.

    Takes tar.gz and zip archives, single notebooks, folders of those, and what an LMS gives to
    download for a whole class, zipped or unpacked.  Who handed in is decided by the
    archive's own name (team_7.tar.gz) or by the LMS, never by anything inside it.  A bad archive is
    reported with the reason and passed over; an earlier good submission of that team stays.

    What looks like such a download may have been made by anybody.  With --lms you say that it
    comes from the LMS; without, nothing in it takes the place of other work, and its dates don't
    count.

    A file's time is its time of arrival, unless it is plainly that of a download from an LMS, the
    same for all: then nobody is late until --received says so, or --worksheet with the file of
    Moodle's "Download grading worksheet"; a line for each team says whence its time is.

    With --exchange it takes what students on a JupyterHub submitted in nbgrader's Assignment List.

    With --names you say yourself how files are named: (?P<team>…) finds the team or a student's
    id, (?P<time>…) the time, in the LMS' zone.  With --dry-run nothing is taken in, and a line for
    each notebook says whose it is, when it came, by which rule, and what is unsure.

    Exit status: the number of archives or notebooks that could not be taken in (at most 120).
    """
    # help need not wait for what reads archives
    from grader import intake
    from grader.intake import downloads, rehearsal, summary

    course = config.load(folder)
    moment = course.times.zone.earliest(received) if received else None
    place = ClassFolder(folder.resolve())
    if sum(map(bool, (lms, no_lms, names, exchange))) > 1:
        raise ConfigError("name one of --lms, --no-lms, --names and --exchange")
    if bool(archives) == bool(exchange):
        raise ConfigError("name what to collect: archives and folders, or --exchange DIR")
    system = downloads.named(lms) if lms not in ("", WHICHEVER) else None
    if names or time_format:
        system = downloads.Rule(names, time_format)
    from_lms = bool(lms) if lms or no_lms else None

    def collected(target: ClassFolder) -> intake.CollectReport:
        return intake.collect(
            target, course, archives or [], roster, moment, from_lms=from_lms, sheet=worksheet,
            system=system, exchange=exchange,
        )  # fmt: skip

    if dry_run:
        with rehearsal.copy_of(place) as copy:
            report = collected(copy)
    else:
        alone(context, place, "./course collect")
        report = collected(place)
        if roster is not None:  # the way out needs it, too
            keep_roster(place.root, roster)
    if as_json:
        tell(summary.as_data(report))
    lines = [*summary.lines(report, course), summary.zone_line(course)]
    if dry_run:
        lines = summary.files(report, course) + lines
    for line in [] if as_json else lines:
        console.print(questions.typed(line, place.root), markup=False)
    named.warn_of_extensions(place, course)
    raise typer.Exit(min(len(report.rejected), MOST_COUNTED))


def grade(
    context: typer.Context,
    folder: ClassOption = CLASS,
    workers: Annotated[
        int | None,
        typer.Option("--workers", "-j", help="How many at a time; default: two per core."),
    ] = None,
    team: TeamsOption = None,
    notebook: NotebooksOption = None,
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
    scheduler: cluster.SchedulerOption = "",
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Grade everything that was taken in.

    Each notebook runs in a kernel of its own, with bounds on time, memory and output.  The kernel
    only computes; a judge outside it compares what it handed back with cases drawn for this run.
    Marks go to nbgrader's gradebook, one submission at a time.  Interrupted or killed, it goes on
    where it was when started again; marks given by hand stay.  With --scheduler, notebooks run on
    the workers of a Dask cluster (docs/cluster.md); everything else stays here.  Another terminal
    can follow: tail -F class/grade.log

    With --dry-run nothing is executed or changed: it says what would be executed, and why.

    What only a human can decide comes at the end, by cause and run, with the command that answers
    all of a group (./course settle).  With --json one object instead: graded, executed,
    marked_again, kept, changes, flagged, broken, needs_human, questions.

    Exit status: how many submissions need a human (0 if none, at most 120); 0 with --dry-run; 125
    if it could not grade at all.
    """
    from grader.grading import warm  # help need not wait for the sandbox

    course = config.load(folder)
    place = ClassFolder(folder.resolve())
    count = len(place.submissions())
    if not count:
        errors.print(f"nothing to grade in {folder}; run ./course collect first")
        raise typer.Exit(REFUSED)

    in_part = one_part(part)
    teams = named.teams(team or (), place)
    notebooks = named.notebooks(notebook or (), course)

    def asked_for(a_team: str, a_notebook: str) -> bool:
        return a_team in (teams or [a_team]) and a_notebook in (notebooks or [a_notebook])

    def wanted(a_team: str, a_notebook: str) -> bool:
        return asked_for(a_team, a_notebook) and in_part(a_team)

    if not any(asked_for(*pair) for pair in place.submissions()):
        what = ", ".join([*teams, *notebooks])
        errors.print(f"nothing to grade: nothing was handed in for {what}", markup=False)
        raise typer.Exit(REFUSED)
    named.warn_of_extensions(place, course)
    membership.catch_up(place)

    if dry_run:
        _say_plan(place, course, seed, force, wanted, as_json)
        return

    alone(context, place, f"./course grade --part {part}" if part else "./course grade", part)
    if not no_isolation and not scheduler:
        warm.begin(place, course, wanted)
    with warm.quick_imports():  # meanwhile the parents import theirs
        from grader.classroom import remembered  # the database takes its time to import
        from grader.grading import run as room  # nbgrader takes its time to import

    total = room.settle(place, course, wanted)
    with (
        cluster.executor(scheduler, place) as executor,
        Display(errors if as_json else console, total, workers) as display,
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
    everyone = remembered.standing(place, course)
    asked = [x for row in everyone.handed_in() for x in row.asked if wanted(x.team, x.notebook)]
    broken = {line.partition(": ")[0] for line in summary.broken}
    need_human = len(broken | {entry.label for entry in asked})
    groups = questions.grouped(asked)
    if as_json:
        tell(
            {
                **summary.as_data(),
                "needs_human": need_human,
                "questions": [group.as_data(place.root) for group in groups],
            }
        )
        raise typer.Exit(min(need_human, MOST_COUNTED))
    kept = summary.graded - summary.executed - summary.marked_again
    again = f", {summary.marked_again} marked again" if summary.marked_again else ""
    console.print(f"{summary.graded} graded: {summary.executed} executed{again}, {kept} kept")
    if summary.late:
        console.print(
            f"  {len(summary.late)} late attempts count, since they are better than those on time "
            f"even after the penalty: {', '.join(sorted(summary.late)[:MOST_NAMED])}",
            markup=False, soft_wrap=True,
        )  # fmt: skip
    for line in summary.moved:
        console.print(f"  EXERCISE {line}", markup=False, soft_wrap=True)
    if summary.moved and (teams or notebooks or part):
        console.print(questions.typed(MOVED_FOR_ALL, place.root), markup=False, soft_wrap=True)
    for line in summary.failed:
        console.print(f"  FAILED {line}", markup=False, soft_wrap=True)
    for change in summary.changes:
        console.print(f"  CHANGED {change}", markup=False)
    say_flagged(summary.flagged)
    if need_human:
        console.print(f"NEEDS A HUMAN: {need_human}")
    for line in [*questions.describe(groups, place.root), *(f"  {x}" for x in summary.broken)]:
        console.print(line, markup=False, soft_wrap=True)
    raise typer.Exit(min(need_human, MOST_COUNTED))


def rejudge(
    context: typer.Context,
    folder: ClassOption = CLASS,
    dry_run: DryRunOption = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Change it without asking.")] = False,
    seed: Annotated[
        str | None, typer.Option(help="What the cases were drawn from, if it was given.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Mark again what is stored, with the judges and thresholds of today, without executing it.

    Says whose marks would change, and changes them when you agree.  Marks given by hand stay, and
    are flagged for another look where the mark under them changed.  What has no answers to the
    questions of today is listed; ./course grade executes it.  With --json it asks nothing: without
    --yes nothing is changed.

    Exit status: 0; 1 if marks would change and were not changed; 125 if nothing could be done.
    """
    from grader.grading import rejudge as room  # nbgrader takes its time to import

    course = config.load(folder)
    place = ClassFolder(folder.resolve())
    named.warn_of_extensions(place, course)
    if not dry_run:
        alone(context, place, "./course rejudge")
    found = room.preview(place, course, seed)
    if as_json:
        flagged = room.apply(place, course, found) if yes and not dry_run else []
        done = bool(found.pending) and yes and not dry_run
        tell({**found.as_data(), "changed": done, "flagged": flagged or found.flagged})
        raise typer.Exit(bool(found.changes) and not done)
    _say_preview(found)
    if not found.pending or dry_run:
        raise typer.Exit(bool(found.changes))
    agreed = yes or not found.changes
    if not agreed and not (sys.stdin.isatty() and typer.confirm("Change these marks?")):
        console.print("nothing was changed; --yes changes it without asking")
        raise typer.Exit(1)
    say_flagged(room.apply(place, course, found))
    console.print("done; write feedback, report and exports anew")


def upgrade(
    folder: ClassOption = CLASS,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    seed: Annotated[
        str | None, typer.Option(help="What the cases were drawn from, if it was given.")
    ] = None,
) -> None:
    """Bring a class folder up to date with this program, and with the course as it is built now.

    Says first which exercises are new, dropped or worth other points, which marks will change, what
    the next ./course grade executes again, and which marks by hand will be flagged for another
    look.  Then it refreshes the release and the gradebook, of which it keeps a copy in backups/.
    ./course grade does the same by itself; this is for who wants to know before.

    Exit status: 0; with --dry-run 1 if it would change anything itself; 125 if it could not be
    done.
    """
    # nbgrader takes its time to import
    from grader.classroom import version
    from grader.grading import rejudge as preview
    from grader.grading import upgrade as room

    course = config.load(folder)
    place = ClassFolder(folder.resolve())
    if not place.root.is_dir():
        raise ConfigError(f"there is no class folder {folder}")
    there = version.of_folder(place.root)
    found = preview.preview(place, course, seed)
    _say_preview(found)
    old = there != version.VERSION
    if old:
        console.print(f"{folder} is of version {there}, and becomes one of {version.VERSION}")
    if found.stale:
        console.print(f"new releases of {', '.join(found.stale)}", markup=False)
    if dry_run:
        raise typer.Exit(bool(old or found.moved or found.stale))
    room.upgrade(place, course)
    left = found.pending or found.to_execute
    typed = questions.typed("./course grade", place.root)
    rest = f"; {typed} marks and executes what is named above" if left else ""
    console.print(f"done{rest}", markup=False, soft_wrap=True)


def migrate(
    source: Annotated[str, typer.Argument(metavar="FROM", help="Path or URL of a gradebook.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="Path or URL, of nothing or empty.")],
) -> None:
    """Copy a gradebook to another database: class/gradebook.db to postgresql://…, or back.

    Every row is copied and compared; then counts and contents are equal, or the target is as it was
    and the command says why.  The source is only read.  Close formgrader meanwhile.

    Exit status: 0; 125 if it could not be copied.
    """
    # SQLAlchemy and nbgrader take their time to import
    from grader.classroom import database
    from grader.classroom import migrate as room

    target = database.normalised(target)
    counts = room.migrate(database.normalised(source), target)
    for line in room.describe(target, counts):
        console.print(line, markup=False, soft_wrap=True)


def _say_plan(
    place: ClassFolder,
    course: config.Course,
    seed: str | None,
    force: bool,
    wanted: Callable[[str, str], bool],
    as_json: bool,
) -> None:
    from grader.grading.plan import plan  # nbgrader takes its time to import

    found = plan(place, course, seed, force, wanted)
    if as_json:
        tell(found.as_data())
    for line in [] if as_json else found.lines():
        console.print(line, markup=False, soft_wrap=True)


def _say_preview(found: rejudging.Preview) -> None:
    """What marking again would change, and what must be executed for it."""
    for line in found.moved:
        console.print(f"  EXERCISE {line}", markup=False, soft_wrap=True)
    for change in found.changes:
        console.print(f"  {change}", markup=False, soft_wrap=True)
    for label in found.to_execute:
        console.print(f"  to be executed again: {label}", markup=False)
    for mark in found.flagged:
        console.print(f"  mark by hand, to be flagged for another look: {mark}", markup=False)
    for line in found.broken:
        console.print(f"  NEEDS A HUMAN {line}", markup=False)
    console.print(
        f"{len(found.changes)} marks change, {len(found.pending) - len(found.changes)} stay under "
        f"new judges, {found.current} are current, {len(found.to_execute)} must be executed again"
    )


def say_flagged(flagged: list[str]) -> None:
    """Name the marks by hand that need another look, in one line."""
    if flagged:
        marks = "1 mark" if len(flagged) == 1 else f"{len(flagged)} marks"
        shown = ", ".join(flagged[:MOST_NAMED])
        more = f" and {len(flagged) - MOST_NAMED} more" if len(flagged) > MOST_NAMED else ""
        console.print(
            f"  LOOK AGAIN at {marks} by hand, since what was marked has changed: {shown}{more}; "
            "to settle one, save its mark anew in formgrader",
            markup=False, soft_wrap=True,
        )  # fmt: skip


def one_part(text: str) -> Callable[[str], bool]:
    """Whether a team belongs to a part: "2/16" is the second of sixteen, "" is everybody.

    Each team belongs to one part, whoever else is in the class.  Raises ConfigError.
    """
    if not text:
        return lambda team: True
    number, _, parts = text.partition("/")
    if not (number.isdecimal() and parts.isdecimal() and 1 <= int(number) <= int(parts)):
        raise ConfigError(f"--part {text}: write 2/16 for the second of sixteen parts")
    return lambda team: zlib.crc32(team.encode()) % int(parts) == int(number) - 1
