"""The demonstration: a sample class from release to report, with every score checked.

It never touches a class but its own.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table

from grader import config, export, intake
from grader.authoring import build, release
from grader.classroom import database, gradebook, migrate, results
from grader.classroom.folder import ClassFolder
from grader.classroom.results import Result
from grader.classroom.roster import team_id
from grader.demo import students
from grader.demo.samples import CLASS, FIRST, FULL, SECOND, Team
from grader.errors import ConfigError
from grader.grading import run as grade
from grader.pages import feedback, report

SEED = "sample class"
"""The demonstration draws its cases from this, so that partial credit is the same each time."""

MARKER = ".made-by-course-demo"


def run(
    out: Path,
    console: Console,
    executor: Executor | None = None,
    notebooks: Collection[str] = (),
) -> int:
    """Grade the sample class in `out`.  Returns 0 if every score is as it should be.

    executor: where notebooks run, see `grade.grade`.  notebooks: only what was handed in for
    these, and only the teams that did; all if left out.
    """
    teams = those_with(notebooks)
    out = out.resolve()
    _empty(out)
    folder = ClassFolder(out / "class")
    _refuse_a_used_gradebook(folder)
    started = time.monotonic()
    course = config.load()

    def say(text: str) -> None:
        console.print(f"[dim]{time.monotonic() - started:5.0f} s[/dim]  {text}")

    changed = build.build(course)
    say(
        f"built {len(course.notebooks)} notebooks"
        + (f", {len(changed)} changed" if changed else "")
    )
    archives = release.pack(course, out / "dist", just_built=True)
    say(f"packed the release: {', '.join(path.name for path, _ in archives)}")
    handed_in = _play_students(teams, out, archives[0][0])
    say(f"{len(handed_in)} teams handed in")

    folder.make()
    (folder.root / "course.toml").write_text(_settings())
    course = config.load(folder.root)
    (folder.root / "roster.csv").write_text(_roster(teams))
    (folder.root / "seed").write_text(SEED)
    collected = intake.collect(folder, course, handed_in, None)
    say(f"collected {len(collected.taken)} notebooks, rejected {len(collected.rejected)} archives")

    before = time.monotonic()
    summary = grade.grade(folder, course, executor=executor)
    seconds = time.monotonic() - before
    say(f"graded {summary.graded} notebooks in {seconds:.0f} s")
    pages = feedback.write(folder, course)
    feedback.bundle(folder)
    page = report.write(folder, course)
    sheets = [export.write(folder, course, kind) for kind in ("csv", "moodle", "canvas")]
    say(f"wrote {len(pages)} pages of feedback, the report and {len(sheets)} exports")

    wrong = _compare(teams, folder, course, console)
    console.print(f"report:    {page}\nfeedback:  {folder.root / 'feedback'}")
    book = folder.database or database.shown(folder.db_url)
    console.print(f"exports:   {sheets[0].parent}\ngradebook: {book}")
    if wrong:
        console.print(f"[red]{wrong} scores are not as expected[/red]")
        return 1
    console.print("[green]every score is as expected[/green]")
    return 0


def those_with(notebooks: Collection[str]) -> list[Team]:
    """The sample class as far as it is about these notebooks; the whole of it if there are none."""
    if not notebooks:
        return CLASS
    return [
        replace(team, expected={n: p for n, p in team.expected.items() if n in notebooks})
        for team in CLASS
        if team.handed_in & set(notebooks)
    ]


def _empty(out: Path) -> None:
    """Start from an empty folder, and never empty one that is not ours."""
    if out.exists() and any(out.iterdir()):
        if not (out / MARKER).is_file():
            raise ConfigError(f"{out} is not empty; name another folder with --out")
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / MARKER).touch()


def _refuse_a_used_gradebook(folder: ClassFolder) -> None:
    """The sample class has no business in the gradebook of a real one."""
    if found := migrate.rows(folder.db_url):
        raise ConfigError(
            f"{database.VARIABLE} names {database.shown(folder.db_url)}, which holds {found} rows; "
            "name an empty database for the sample class, or unset it"
        )


def _play_students(teams: list[Team], out: Path, archive: Path) -> list[Path]:
    handout = out / "handout"
    handout.mkdir()
    released = students.unpack_release(archive, handout)
    names = {blank: {n for t in teams if t.blank == blank for n in t.handed_in} for blank in (0, 1)}
    solved = {n: students.worked_through(released, n, solved=True) for n in sorted(names[False])}
    blank = {n: students.worked_through(released, n, solved=False) for n in sorted(names[True])}
    where = out / "students"
    where.mkdir()
    return [
        students.hand_in(team, released, blank if team.blank else solved, where) for team in teams
    ]


def _settings() -> str:
    due = students.DUE.isoformat()
    return f"[notebooks.{FIRST}]\ndue = {due}\n\n[notebooks.{SECOND}]\ndue = {due}\n"


def _roster(teams: list[Team]) -> str:
    lines = ["team,student,name,email"]
    for team in teams:
        for letter in "ab":
            student = f"{team.name}_{letter}"
            lines.append(f"{team.name},{student},Student {student},{student}@example.org")
    return "\n".join(lines) + "\n"


def _compare(
    teams: list[Team], folder: ClassFolder, course: config.Course, console: Console
) -> int:
    """Print the table; returns how many scores differ from what is written beside the samples."""
    taken_off = {(m.team, m.notebook): m.late_penalty for m in gradebook.marks(folder, course.id)}
    by_key = {(r.team, r.notebook): r for r in results.graded(folder)}
    rejected = {r.team for r in _rejected(folder)}
    shown = sorted({name for team in teams for name in team.expected})
    table = Table(
        Column("team", no_wrap=True),
        "what it is",
        Column("points", no_wrap=True),
        "expected",
        "named mistake",
        "",
        box=None,
    )
    wrong = 0
    for team in teams:
        found = {n: by_key.get((_id(team), n)) for n in shown}
        good = team.rejected == (_id(team) in rejected)
        good &= all((found[n] is not None) == (n in team.expected) for n in found)
        for name, points in team.expected.items():
            result = found[name]
            best = result.max_points if result else 0
            good &= result is not None and abs(result.points - min(points, best)) < 0.01
            good &= result is None or (
                abs(taken_off[_id(team), name] - team.late_share * result.points) < 0.01
            )
        named = [c.mistake for r in found.values() if r for c in r.checks if c.mistake]
        good &= not team.diagnosis or any(team.diagnosis in mistake for mistake in named)
        wrong += not good
        table.add_row(
            team.name,
            team.about,
            "\n".join(_points(result) for result in found.values() if result) or "–",
            "rejected" if team.rejected else _in_words(team.expected),
            named[0] if named else "",
            "[green]ok[/green]" if good else "[red]NOT AS EXPECTED[/red]",
        )
    console.print(table)
    return wrong


def _id(team: Team) -> str:
    return team_id(team.name)


def _rejected(folder: ClassFolder) -> list[results.Rejected]:
    path = folder.root / "rejected.json"
    if not path.is_file():
        return []
    found = results.read(path, list[results.Rejected])
    assert isinstance(found, list)
    return found


def _points(result: Result) -> str:
    return f"{result.notebook[:2]}: {result.points:g}/{result.max_points:g}"


def _in_words(expected: dict[str, float]) -> str:
    points = ["all" if value == FULL else f"{value:g}" for value in expected.values()]
    return points[0] if len(set(points)) == 1 else ", ".join(points)
