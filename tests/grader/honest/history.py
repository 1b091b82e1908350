"""A class to which anything happens in any order, and what must hold whatever did.

Everything is the real thing but for execution, which is a pure function here, and for what only
takes time: processes, the disk's cache, and reading again what does not change.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import io
import os
import re
import shutil
import sys
import zoneinfo
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import nbformat
import nbgrader.api
import pytest
import sqlalchemy
from nbformat import v4
from nbformat.notebooknode import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from PIL import Image

from grader import config, places
from grader.authoring import build
from grader.bench import small_course
from grader.classroom import attempts, marks, overview, questions, results, standing
from grader.classroom.attempts import work_in
from grader.classroom.folder import ClassFolder
from grader.classroom.lateness import days_counted
from grader.classroom.results import Result, Submission
from grader.errors import ConfigError
from grader.executing.execute import Job, Outcome
from grader.formgrader import answer_key, setup
from grader.grading import rejudge, run
from grader.intake import choosing, collect, store
from tests.grader import in_process
from tests.grader.honest import course as honest
from tests.grader.honest.course import NAME

DUE = datetime(2026, 1, 29, 23, 59, tzinfo=UTC)
NO_DATE = datetime(1979, 1, 1, tzinfo=UTC)
TEAMS = ("team_1", "team_2", "red")
ESSAYS, CHECKS = ("why", "how"), ("check_square", "check_cube", "check_sums")
ROSTERS = (
    "Team,Student\nteam_1,s1\nteam_1,s2\nteam_2,s3\nteam_2,s4\n",
    "Team,Student\nteam_1,s1\nteam_2,s2\nteam_2,s3\nteam_2,s4\n",  # s2 has moved
    "Team,Student\nred,s1\nred,s2\nteam_2,s3\nteam_2,s4\n",  # team_1 has another name
)
CODE = {
    "right": "def square(x):\n    return x * x",
    "flipped": "def square(x):\n    return x * abs(x)",
    "none": "",
    "stopped": "def square(x):\n    return x * x  # STOP",
}
SQUARE = ({"right": 4, "flipped": 2, "none": 0, "stopped": 4}, {"right": 2.5, "flipped": 5})
"""What `square` earns before and after the course was changed, where that is all that matters."""


# ---------------------------------------------------------------- what may happen


@dataclass(frozen=True)
class HandIn:
    """A file with this name arrives, and is collected."""

    who: str = "s1"
    why: str = "One."
    """The first essay; "" is as released."""
    code: str = "right"
    form: str = "plain"
    hours: float | None = -1
    """After it was due; None: nobody knows."""


@dataclass(frozen=True)
class CollectAgain:
    """Everything that ever arrived is collected again."""


@dataclass(frozen=True)
class Grade:
    """./course grade"""


@dataclass(frozen=True)
class Mark:
    """A marker reads a cell and saves its mark, as formgrader does."""

    team: str = "team_1"
    cell: str = "why"
    points: float | None = 2.0
    extra: float | None = None


@dataclass(frozen=True)
class Enrol:
    """Another roster."""

    roster: int = 0


@dataclass(frozen=True)
class Set:
    """Other settings."""

    counts: str = "better"
    per_day: float = 0.1
    free_days: int = 0
    more_days: float = 0.0
    """To hand in."""
    moved: bool = False
    """Is the course another one: points, and a judge?"""


@dataclass(frozen=True)
class Choose:
    """./course choose; None: the setting decides again."""

    team: str = "team_1"
    which: int | None = 0


@dataclass(frozen=True)
class Settle:
    """Somebody looks at all questions that are open."""


@dataclass(frozen=True)
class Rejudge:
    """./course rejudge --apply"""


Step = HandIn | CollectAgain | Grade | Mark | Enrol | Set | Choose | Settle | Rejudge


# ---------------------------------------------------------------- what is handed in


@cache
def _reference(student: str) -> str:
    return nbformat.writes(small_course.reference(NAME, student))


def notebook(step: HandIn) -> NotebookNode:
    """What somebody hands in."""
    made = nbformat.reads(_reference(step.who), as_version=4)
    released = {c.metadata.nbgrader.grade_id: c.source for c in _released().cells if _id(c)}
    at = {_id(cell): number for number, cell in enumerate(made.cells) if _id(cell)}
    made.cells[at["square"]].source = CODE[step.code] or released["square"]
    made.cells[at["why"]].source = step.why or released["why"]
    made.cells[at["how"]].source = "With care." if step.why else released["how"]
    if step.form in FORMS:
        FORMS[step.form](made, at)
    return made


def _beside(made: NotebookNode, at: dict[str, int]) -> None:
    made.cells.insert(at["why"] + 1, v4.new_markdown_cell("My answer stands here."))


def _beside_otherwise(made: NotebookNode, at: dict[str, int]) -> None:
    made.cells.insert(at["why"] + 1, v4.new_markdown_cell("No, it stands here."))


def _picture(size: tuple[int, int]) -> Callable[[NotebookNode, dict[str, int]], None]:
    buffer = io.BytesIO()
    Image.new("RGB", size).save(buffer, "PNG")
    data = base64.b64encode(buffer.getvalue()).decode()

    def paste(made: NotebookNode, at: dict[str, int]) -> None:
        cell = made.cells[at["why"]]
        cell.source += "\n![](attachment:a.png)"
        cell.attachments = {"a.png": {"image/png": data}}

    return paste


def _twice(made: NotebookNode, at: dict[str, int]) -> None:
    again = nbformat.from_dict(made.cells[at["square"]])
    again.source = "def square(x):\n    return 0"
    made.cells.insert(at["square"], again)


FORMS = {
    "beside": _beside,
    "beside otherwise": _beside_otherwise,
    "picture": _picture((3, 2)),
    "other picture": _picture((2, 3)),
    "twice": _twice,
}


def content(step: HandIn) -> bytes:
    """The same as a file."""
    if step.form == "broken":
        return b"{"
    if step.form == "endless":  # intake takes it, and nobody can open it
        made = notebook(step)
        made.cells += [v4.new_markdown_cell("more") for _ in range(2001)]
        return nbformat.writes(made).encode()
    return nbformat.writes(notebook(step)).encode()


@cache
def _released() -> NotebookNode:
    return nbformat.read(build.released(NAME), as_version=4)


def _id(cell: NotebookNode) -> str:
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))


def work(made: NotebookNode) -> str:
    """All that a student put into a notebook."""
    return repr([(c.cell_type, c.source, c.get("attachments") or None) for c in made.cells])


def seen(shown: NotebookNode, name: str) -> str:
    """What a marker reads who marks a cell: an essay with what stands around it, or code."""
    cells = [cell for cell in shown.cells if answer_key.MARK not in cell.metadata]
    at = [_id(cell) for cell in cells].index(name.removeprefix("check_"))
    if name in CHECKS:
        return str(cells[at].source)
    return repr([*map(_shown, _around(cells, at))])


def _shown(cell: NotebookNode) -> tuple[str, list[object]]:
    """Text and pictures of a cell, whatever those are called."""
    words = re.sub(r"\(attachment:.*?\)", "(a picture)", cell.source)
    return words, [cell.attachments[name] for name in sorted(cell.get("attachments") or {})]


def _around(cells: list[NotebookNode], at: int) -> list[NotebookNode]:
    first, last = at, at + 1
    while first and not _id(cells[first - 1]):
        first -= 1
    while last < len(cells) and not _id(cells[last]):
        last += 1
    return cells[first:last]


def has_own_text(submitted: NotebookNode, essay: str) -> bool:
    """Is anything of a student's in an essay or beside it?"""
    return seen(submitted, essay) != seen(_released(), essay)


# ---------------------------------------------------------------- the class


@dataclass(frozen=True)
class Arrived:
    """A file that was collected."""

    path: Path
    step: HandIn
    digest: str


@dataclass
class History:
    """One class, and what its markers have read."""

    folder: ClassFolder
    courses: tuple[config.Course, config.Course]
    use: Callable[[bool], None]
    inbox: Path
    setting: Set = Set()
    arrived: list[Arrived] = field(default_factory=list)
    read: dict[tuple[str, str], tuple[str, float | None]] = field(default_factory=dict)
    """(team, graded cell) -> what a marker saw there when the mark was saved."""
    chosen: dict[str, str] = field(default_factory=dict)
    """Team -> the work that was chosen."""

    def play(self, *steps: Step) -> None:
        """Let it all happen, and look after every grading, of which there is one at the end."""
        for step in (*steps, Grade()):
            getattr(self, f"_{type(step).__name__.lower()}")(step)

    @property
    def course(self) -> config.Course:
        """The settings of today."""
        now, found = self.setting, self.courses[self.setting.moved]
        due = DUE + timedelta(days=now.more_days)
        return dataclasses.replace(
            found,
            notebooks={NAME: dataclasses.replace(found.notebooks[NAME], due=due)},
            attempts=config.Attempts(now.counts),  # type: ignore[arg-type]
            late=dataclasses.replace(
                found.late, penalty_per_day=now.per_day, free_days=now.free_days
            ),
        )

    def _handin(self, step: HandIn) -> None:
        path = self.inbox / str(len(self.arrived)) / f"{step.who}.ipynb"
        if step.form == "broken":
            path = path.with_suffix(".zip")
        path.parent.mkdir(parents=True)
        path.write_bytes(content(step))
        when = NO_DATE if step.hours is None else DUE + timedelta(hours=step.hours)
        os.utime(path, (when.timestamp(), when.timestamp()))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        self.arrived.append(Arrived(path, step, digest))
        self._collect([path])

    def _collectagain(self, _: CollectAgain) -> None:
        self._collect([arrived.path for arrived in self.arrived])

    def _collect(self, paths: list[Path]) -> None:
        if paths:
            collect(self.folder, self.course, paths, None, releases=places.public() / "notebooks")

    def _enrol(self, step: Enrol) -> None:
        (self.folder.root / "roster.csv").write_text(ROSTERS[step.roster])

    def _set(self, step: Set) -> None:
        self.setting = step
        self.use(step.moved)

    def _choose(self, step: Choose) -> None:
        entries = attempts.of(self.folder, step.team, NAME)
        with suppress(ConfigError):  # nothing was handed in
            if step.which is None:
                choosing.by_setting(self.folder, self.course, step.team, NAME)
                self.chosen.pop(step.team, None)
            elif entries:
                name = entries[step.which % len(entries)].attempt
                choosing.choose(self.folder, self.course, step.team, NAME, name)
                self.chosen[step.team] = work_in(name)

    def _settle(self, _: Settle) -> None:
        rows = standing.read(self.folder, self.course).handed_in()
        asked = [x for row in rows for x in row.asked if x.question.cause != questions.DAMAGED]
        questions.settle(self.folder, asked, "", datetime.now(UTC))

    def _rejudge(self, _: Rejudge) -> None:
        found = rejudge.preview(self.folder, self.course, "secret")
        rejudge.apply(self.folder, self.course, found)

    def _mark(self, step: Mark) -> None:
        """What formgrader's page shows, and what its server does when a mark is saved."""
        page = self.folder.autograded(step.team, NAME) / f"{NAME}.ipynb"
        with Gradebook(self.folder.db_url, self.course.id) as book, suppress(MissingEntry):
            grade = book.find_grade(step.cell, NAME, NAME, step.team)
            grade.manual_score, grade.extra_credit = step.points, step.extra
            grade.needs_manual_grade = step.points is None and grade.auto_score is None
            shown = seen(nbformat.read(page, as_version=4), step.cell)
            self.read[step.team, step.cell] = shown, grade.auto_score
            book.db.commit()

    # ------------------------------------------------------------ what must hold

    def _grade(self, _: Grade) -> None:
        first = self._run()
        assert not first.broken
        self._look()
        before = self.everything()
        again = self._run()
        done = again.executed, again.marked_again, again.changes
        assert done == (0, 0, []), done
        assert again.human == first.human, (first.human, again.human)
        after = self.everything()
        assert after == before, [k for k in after | before if after.get(k) != before.get(k)]

    def _run(self) -> run.Summary:
        executor = in_process.Inline()
        return run.grade(
            self.folder, self.course, executor=executor, isolation="none", seed="secret"
        )

    def everything(self) -> dict[str, Any]:
        """All that a class folder says."""
        files = {
            str(path.relative_to(self.folder.root)): path.read_bytes()
            for path in self.folder.root.rglob("*")
            if path.is_file() and path.suffix not in (".db", ".log")
        }
        return {**files, "marks": marks.read(self.folder), "status": self._status()}

    def _status(self) -> dict[str, Any]:
        everyone = standing.read(self.folder, self.course)
        assert not everyone.problems
        rows = overview.handed_in(everyone, lambda team, name: True)
        assert overview.lines(everyone, rows, self.folder.root)
        return overview.as_data(everyone, rows)

    def _look(self) -> None:
        status = self._status()
        rows = {row["team"]: row for row in status["submissions"]}
        given = {mark.team: mark for mark in marks.read(self.folder)}
        there = {team for team, _ in self.folder.submissions()}
        assert there == rows.keys() == given.keys()
        for team, mark in given.items():
            counts = self._what_counts(team)
            submitted = (self.folder.submitted(team, NAME) / f"{NAME}.ipynb").read_bytes()
            shown = nbformat.read(
                self.folder.autograded(team, NAME) / f"{NAME}.ipynb", as_version=4
            )
            cells = {cell.cell: cell for cell in mark.cells}
            assert cells.keys() == {*ESSAYS, *CHECKS}
            for cell in mark.cells:
                self._look_at_mark(team, cell, seen(shown, cell.cell))
            self._look_at_essays(submitted, shown, cells)
            self._look_at_checks(counts, submitted, cells)
            waiting = any(cells[essay].needs_manual for essay in ESSAYS)
            assert bool(rows[team]["essays_to_mark"]) == waiting
            asked = any(cell.needs_manual for cell in mark.cells)
            assert not (asked and rows[team]["state"] == standing.FINAL)
        self._look_for_everything(status)

    def _what_counts(self, team: str) -> Submission:
        """What lies in `submitted/`, which is one of those that may."""
        counts = store.current(self.folder, team, NAME)
        entries = attempts.of(self.folder, team, NAME)
        assert counts is not None and store.untouched(self.folder, counts)
        late = [e.attempt for e in entries if days_counted(self.course, e)]
        on_time = [e.attempt for e in entries if e.attempt not in late]
        may = {
            "last": [entries[-1].attempt],
            "last on time": (on_time or late)[-1:],
            "better": on_time[-1:] + late[-1:],
        }[self.setting.counts]
        if team in self.chosen:
            assert work_in(counts.attempt) == self.chosen[team]
        else:
            assert counts.attempt in may
        return counts

    def _look_at_mark(self, team: str, cell: marks.CellMark, shown: str) -> None:
        """No mark by hand stands on what nobody has read."""
        if (cell.manual is not None or cell.extra) and not cell.needs_manual:
            text, auto = self.read[team, cell.cell]
            assert text == shown, f"{team}/{cell.cell} was marked for another answer"
            assert auto == cell.auto, f"{team}/{cell.cell} was marked beside another verdict"

    def _look_at_essays(
        self, submitted: bytes, shown: NotebookNode, cells: dict[str, marks.CellMark]
    ) -> None:
        """Markers see what was handed in, and nothing of it is 0 before somebody has read it."""
        made = nbformat.reads(submitted.decode(), as_version=4)
        readable = len(made.cells) <= 2000
        for essay in ESSAYS:
            own = has_own_text(made, essay)
            if readable:
                there = seen(shown, essay)
                assert seen(made, essay) == there, f"{essay} is shown as {there}"
            if cells[essay].manual is None and (own or not readable):
                assert cells[essay].needs_manual and cells[essay].auto is None
            if cells[essay].auto is not None:
                assert not own and cells[essay].auto == 0

    def _look_at_checks(
        self, counts: Submission, submitted: bytes, cells: dict[str, marks.CellMark]
    ) -> None:
        """What the gradebook holds is what the judge found about what counts."""
        path = self.folder.result(counts.team, NAME) / "result.json"
        result = results.read(path, Result)
        assert result.handed_in == hashlib.sha256(submitted).hexdigest()
        for check in result.checks:
            auto = cells[f"check_{check.name}"].auto
            assert auto == check.points, f"{check.name} has {auto} instead of {check.points}"
        made = nbformat.reads(submitted.decode(), as_version=4)
        code = next(c.source for c in made.cells if _id(c) == "square")
        single = [c for c in made.cells if _id(c) == "square"][1:] == []
        kind = next((name for name, text in CODE.items() if text == code), "none")
        if single and len(made.cells) <= 2000 and kind in SQUARE[self.setting.moved]:
            auto = cells["check_square"].auto
            assert auto == SQUARE[self.setting.moved][kind], f"square has {auto}"

    def _look_for_everything(self, status: dict[str, Any]) -> None:
        """Whatever arrived is an attempt, or stands where it says why not."""
        there = {
            work(nbformat.read(path, as_version=4))
            for path in (self.folder.root / "attempts").glob(f"*/*/*/{NAME}.ipynb")
        }
        bad = {a.path for a in self.arrived if a.step.form in ("broken", "endless")}
        told = {
            entry["source"]
            for entry in status["rejected"]
            if "not in the roster" in entry["reason"] or Path(entry["source"]) in bad
        }
        for number, arrived in enumerate(self.arrived):
            if str(arrived.path) in told:
                continue
            if arrived.path in bad:  # which holds until the team has handed in something else
                assert self.arrived[number + 1 :], f"{arrived.path} is nowhere"
                continue
            made = work(nbformat.reads(content(arrived.step).decode(), as_version=4))
            assert made in there, f"{arrived.path} is nowhere"


# ---------------------------------------------------------------- how it is made


@contextmanager
def histories(root: Path) -> Iterator[Callable[[], History]]:
    """What gives a new class whenever it is called; all lie in the same place, one at a time."""
    with pytest.MonkeyPatch.context() as patch:
        _hasten(patch)
        patch.setattr(run, "execute", _pure(in_process.execute))
        courses = {moved: _Course(root, moved) for moved in (False, True)}
        folder = ClassFolder(root / "class")
        folder.root.mkdir()
        setup.set_up(folder, courses[False].settings)
        (folder.root / "roster.csv").write_text(ROSTERS[0])
        template = folder.root.rename(root / "template")

        def new() -> History:
            shutil.rmtree(folder.root, ignore_errors=True)
            shutil.rmtree(root / "inbox", ignore_errors=True)
            shutil.copytree(template, folder.root)
            courses[False].use()
            settings = courses[False].settings, courses[True].settings
            return History(folder, settings, lambda moved: courses[moved].use(), root / "inbox")

        yield new


class _Course:
    """The small course, before or after it was changed: points, and what a square is."""

    def __init__(self, root: Path, moved: bool) -> None:
        self.root = root / ("moved" if moved else "course")
        self.source, self.judges = honest.SOURCE, list(honest.JUDGES)
        if moved:
            square = dataclasses.replace(self.judges[0], reference=lambda x: x * abs(x))
            self.judges[0] = square
            self.source = self.source.replace('"square" points=4', '"square" points=5')
            self.source = self.source.replace('"why" points=3', '"why" points=4')
            if not self.root.exists():  # what is built once serves both
                shutil.copytree(root / "course", self.root)
            (self.root / "judges" / "forms.py").write_text("# another judge\n")
        self.settings = self.use()

    def use(self) -> config.Course:
        """Put it in place."""
        limits = config.Limits(10, 30, 90, 4096, 64)
        return small_course.install(self.root, NAME, self.source, self.judges, limits)


def _pure(execute: Callable[[Job], Outcome]) -> Callable[[Job], Outcome]:
    """The same outcome for the same job, and a kernel that dies where it is told to."""
    known: dict[str, Outcome] = {}

    def pure(job: Job) -> Outcome:
        key = repr((job.notebook, sorted(job.questions.items()), sorted(job.files.items())))
        if key not in known:
            known[key] = execute(job)
            if "# STOP" in job.notebook:
                known[key] = msgspec.structs.replace(known[key], problem="the kernel died")
        return known[key]

    return pure


def _hasten(patch: pytest.MonkeyPatch) -> None:
    """Do once what comes out the same each time."""
    patch.setattr(os, "fsync", lambda handle: None)
    zones = zoneinfo.available_timezones()
    patch.setattr(zoneinfo, "available_timezones", lambda: zones)
    made = cache(lambda place, name, read: read(name))
    for name in ("source_of", "as_released"):
        read = getattr(build, name)
        patch.setattr(build, name, lambda n, read=read: made(places.folder(), n, read))

    @cache
    def engine(url: str, **options: Any) -> sqlalchemy.Engine:
        return sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool, future=True)

    patch.setattr(nbgrader.api, "create_engine", lambda url, **options: engine(url))
    patch.setattr(marks, "create_engine", lambda url, **options: engine(url))
    for module in [m for n, m in sys.modules.items() if n.startswith("nbformat")]:
        if hasattr(module, "validate"):
            patch.setattr(module, "validate", lambda *args, **options: None)
