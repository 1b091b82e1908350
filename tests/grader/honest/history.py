"""A class to which anything happens in any order, and what must hold whatever did."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode
from nbgrader.api import Gradebook, MissingEntry

from grader import config, places
from grader.classroom import attempts, marks, overview, questions, remembered, results, standing
from grader.classroom.attempts import work_in
from grader.classroom.folder import ClassFolder
from grader.classroom.lateness import days_counted
from grader.classroom.results import Result, Submission
from grader.errors import ConfigError
from grader.grading import rejudge, run
from grader.intake import choosing, collect, store
from tests.grader import in_process
from tests.grader.honest.course import NAME
from tests.grader.honest.happenings import (
    CHECKS,
    CODE,
    ESSAYS,
    Choose,
    CollectAgain,
    Enrol,
    Grade,
    HandIn,
    Mark,
    Rejudge,
    Set,
    Settle,
    Step,
    content,
    has_own_text,
    id_of,
    seen,
    work,
)

DUE = datetime(2026, 1, 29, 23, 59, tzinfo=UTC)
NO_DATE = datetime(1979, 1, 1, tzinfo=UTC)
ROSTERS = (
    "Team,Student\nteam_1,s1\nteam_1,s2\nteam_2,s3\nteam_2,s4\n",
    "Team,Student\nteam_1,s1\nteam_2,s2\nteam_2,s3\nteam_2,s4\n",  # s2 has moved
    "Team,Student\nred,s1\nred,s2\nteam_2,s3\nteam_2,s4\n",  # team_1 has another name
)
SQUARE = ({"right": 4, "flipped": 2, "none": 0, "stopped": 4}, {"right": 2.5, "flipped": 5})
"""What `square` earns before and after the course was changed, where that is all that matters."""


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
    setting: Set = field(default_factory=Set)
    arrived: list[Arrived] = field(default_factory=list)
    read: dict[tuple[str, str], tuple[str, float | None]] = field(default_factory=dict)
    """(team, graded cell) -> what a marker saw there when the mark was saved."""
    chosen: dict[str, str] = field(default_factory=dict)
    """Team -> the work that was chosen."""

    def play(self, *steps: Step) -> None:
        """Let it all happen, and look after every grading, of which there is one at the end."""
        for step in (*steps, Grade()):
            self.happen(step)

    def happen(self, step: Step) -> None:
        """Let one thing happen."""
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
        before = self._flagged()
        found = rejudge.preview(self.folder, self.course, "secret")
        after = rejudge.apply(self.folder, self.course, found)
        told = {*found.flagged, *before}
        assert told.issuperset(after), f"not told beforehand: {set(after) - told}"

    def _flagged(self) -> set[str]:
        """Marks by hand that need another look."""
        return {
            f"{mark.team}/{mark.notebook}/{cell.cell}"
            for mark in marks.read(self.folder)
            for cell in mark.cells
            if (cell.manual is not None or cell.extra) and cell.needs_manual
        }

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
        first = self.grade()
        assert not first.broken
        self._look()
        before = self.everything()
        again = self.grade()
        done = again.executed, again.marked_again, again.changes
        assert done == (0, 0, []), done
        assert again.human == first.human, (first.human, again.human)
        after = self.everything()
        assert after == before, [k for k in after | before if after.get(k) != before.get(k)]

    def grade(self, force: bool = False) -> run.Summary:
        """Grade once, and look at nothing."""
        executor = in_process.Inline()
        return run.grade(
            self.folder,
            self.course,
            executor=executor,
            isolation="none",
            seed="secret",
            force=force,
        )

    def everything(self) -> dict[str, Any]:
        """All that a class folder says."""
        files = {
            str(path.relative_to(self.folder.root)): path.read_bytes()
            for path in self.folder.root.rglob("*")
            if path.is_file() and path.suffix not in (".db", ".log")
            if path.name != remembered.FILE
        }
        return {**files, "marks": marks.read(self.folder), "status": self._status()}

    def _status(self) -> dict[str, Any]:
        everyone = standing.read(self.folder, self.course)
        assert not everyone.problems
        found = overview.of(everyone)
        assert overview.lines(found, self.folder.root)
        return overview.as_data(found)

    def _look(self) -> None:
        status = self._status()
        assert overview.as_data(remembered.overview(self.folder, self.course)) == status
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
        code = next(c.source for c in made.cells if id_of(c) == "square")
        single = [c for c in made.cells if id_of(c) == "square"][1:] == []
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
