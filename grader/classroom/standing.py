"""Where every submission stands: what was taken in, what grading found, what the gradebook says.

Feedback, report and export all read the class through this module, so that they never disagree.
It only reads; a damaged file becomes a reason for a human to look, never an exception.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from grader.cells import id_of_check
from grader.classroom import gradebook, results, version
from grader.classroom.account import Question
from grader.classroom.folder import ClassFolder
from grader.classroom.gradebook import CellMark, NotebookMark
from grader.classroom.results import CheckResult, Rejected, Result, Submission
from grader.classroom.roster import read_roster
from grader.config import Course, Notebook

MISSING, UNGRADED, HUMAN, ESSAYS, FINAL = (
    "missing",
    "not graded",
    "needs a human",
    "essays to mark",
    "final",
)
"""The states of a submission, from nothing to done."""


@dataclass(frozen=True)
class Exercise:
    """One graded cell of one submission: what the judge found beside what the gradebook says."""

    name: str
    kind: str
    """"check" or "essay"."""
    points: float
    max_points: float
    check: CheckResult | None = None
    """What the judge found; None for essays."""
    mark: CellMark | None = None
    """The gradebook's entry; None before the result is recorded."""

    @property
    def waiting(self) -> bool:
        """Is a human's mark still to come?"""
        return self.mark is not None and self.mark.needs_manual

    @property
    def changed_by_hand(self) -> bool:
        """Did a marker set other points than the judge?"""
        return (
            self.kind == "check"
            and self.mark is not None
            and self.mark.manual is not None
            and self.mark.manual != self.mark.auto
        )

    @property
    def comment(self) -> str:
        """The markers' comment."""
        return self.mark.comment.strip() if self.mark is not None and self.mark.comment else ""


@dataclass(frozen=True)
class Standing:
    """One team's submission of one notebook."""

    team: str
    notebook: Notebook
    late_rule: Any = None
    submission: Submission | None = None
    result: Result | None = None
    mark: NotebookMark | None = None
    problem: str = ""
    """Why a file of this submission can't be read; empty if all can."""
    exercises: tuple[Exercise, ...] = ()

    @property
    def state(self) -> str:
        """One of the module's five states."""
        if self.needs_human:
            return HUMAN
        if self.result is None and self.submission is not None:
            return UNGRADED  # what the gradebook says is about an earlier one
        if self.result is None and self.mark is None:
            return MISSING
        return ESSAYS if self.essays_to_mark else FINAL

    @property
    def needs_human(self) -> str:
        """Why a person must look at it, or "": settled once all checks have a human's mark."""
        if self.problem:
            return self.problem
        checks = [x for x in self.exercises if x.kind == "check"]
        settled = bool(checks) and all(
            x.mark is not None and x.mark.manual is not None and not x.waiting for x in checks
        )
        if settled:
            return ""
        if self.result is not None and (open_ones := self._open(self.result)):
            return "; ".join(map(str, open_ones))
        doubtful = [x.name for x in checks if x.waiting]
        if doubtful:
            return f"marks by hand to confirm: {', '.join(doubtful)}"
        return ""

    def _open(self, result: Result) -> list[Question]:
        """Questions that no human has answered: one about cells is answered by marks on them."""
        cells = self.mark.cells if self.mark is not None else []
        answered = {c.cell for c in cells if c.manual is not None and not c.needs_manual}
        return [q for q in result.questions if not self._is_answered(q, answered)]

    @staticmethod
    def _is_answered(question: Question, by_hand: set[str]) -> bool:
        cells = {id_of_check(check) for check in question.checks} or {question.cell}
        return cells <= by_hand

    @property
    def essays_to_mark(self) -> int:
        """Number of essays that wait for a marker."""
        return sum(x.waiting for x in self.exercises if x.kind == "essay")

    @property
    def points(self) -> float:
        """Points of all exercises, before any penalty."""
        return sum(x.points for x in self.exercises)

    @property
    def max_points(self) -> float:
        """What the exercises are worth."""
        return sum(x.max_points for x in self.exercises)

    @property
    def penalty(self) -> float:
        """Points taken off for lateness."""
        return self.mark.late_penalty if self.mark is not None else 0.0

    @property
    def score(self) -> float:
        """Points less the penalty, never below 0 (nbgrader's rule)."""
        return max(0.0, self.points - self.penalty)

    @property
    def fraction(self) -> float:
        """Score in [0, 1]."""
        return min(1.0, self.score / self.max_points) if self.max_points > 0 else 0.0

    @property
    def arrival(self) -> str:
        """What is known about the time of arrival, as in `results.Submission`."""
        return self.submission.arrival if self.submission is not None else "known"

    @property
    def undated(self) -> bool:
        """Might it be late, and nobody knows?"""
        due, submission = self.notebook.due, self.submission
        return (
            self.arrival == "unknown"
            and submission is not None
            and due is not None
            and submission.received > due
        )

    @property
    def received(self) -> datetime | None:
        """When it arrived, with a time zone; None if that is not known."""
        if self.arrival != "known":
            return None
        moment = self.submission.received if self.submission is not None else None
        if moment is None and self.mark is not None:
            moment = self.mark.received
        if moment is not None and moment.tzinfo is None:  # nbgrader's database holds naive UTC
            moment = moment.replace(tzinfo=UTC)
        return moment

    @property
    def late_by(self) -> timedelta | None:
        """How long after the due date it arrived; None if it was in time, or that is not known."""
        if self.notebook.due is None or self.received is None:
            return None
        late = self.received - self.notebook.due
        return late if late > timedelta(0) else None


@dataclass(frozen=True)
class Person:
    """One student, as the exports need them."""

    team: str
    student: str
    name: str = ""
    email: str = ""
    moodle_id: str = ""
    canvas_id: str = ""


@dataclass(frozen=True)
class ClassStanding:
    """The whole class."""

    course: Course
    teams: tuple[str, ...]
    notebooks: tuple[Notebook, ...]
    """Those that somebody handed in, in the course's order."""
    rows: dict[tuple[str, str], Standing]
    """(team, notebook) -> standing, with a row for every pair, missing ones too."""
    people: tuple[Person, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    problems: tuple[str, ...] = field(default=())
    """Files of the class folder itself that can't be read."""

    def of_team(self, team: str) -> list[Standing]:
        """A team's standings, in the course's order."""
        return [self.rows[team, notebook.name] for notebook in self.notebooks]

    def of_notebook(self, notebook: str) -> list[Standing]:
        """A notebook's standings, by team, without missing ones."""
        rows = [self.rows[team, notebook] for team in self.teams]
        return [row for row in rows if row.state != MISSING]

    def handed_in(self) -> list[Standing]:
        """All standings but the missing ones."""
        return [row for row in self.rows.values() if row.state != MISSING]

    def worth(self, notebook: str) -> float:
        """What a notebook is worth, the same for all: the largest found, 0 if none is graded."""
        return max((row.max_points for row in self.of_notebook(notebook)), default=0.0)


def read(folder: ClassFolder, course: Course) -> ClassStanding:
    """Read a class folder and its gradebook.  Raises WrongVersion for one of a newer program."""
    version.require(folder.root)
    problems: list[str] = []
    marked = {(mark.team, mark.notebook): mark for mark in marks(folder, course)}
    members = people(folder.root / "roster.csv", problems)
    rejected = _rejected(folder.root / "rejected.json", problems)
    handed_in = set(folder.submissions()) | set(marked) | _graded(folder)
    handed_in = {(team, name) for team, name in handed_in if name in course.notebooks}
    teams = sorted({team for team, _ in handed_in} | {person.team for person in members})
    used = {name for _, name in handed_in}
    notebooks = tuple(n for name, n in course.notebooks.items() if name in used)
    rows = {
        (team, notebook.name): _standing(
            folder, course, team, notebook, marked.get((team, notebook.name))
        )
        for team in teams
        for notebook in notebooks
    }
    known = {person.team for person in members}
    members += [Person(team, team) for team in teams if team not in known]
    members.sort(key=lambda person: (person.team, person.student))
    return ClassStanding(
        course, tuple(teams), notebooks, rows, tuple(members), tuple(rejected), tuple(problems)
    )


def mean_and_median(fractions: list[float]) -> tuple[float, float] | None:
    """Mean and median, or None if there is nothing to average."""
    if not fractions:
        return None
    return statistics.fmean(fractions), statistics.median(fractions)


def marks(folder: ClassFolder, course: Course) -> list[NotebookMark]:
    """The gradebook's marks; nbgrader would make a new gradebook where there is none."""
    if folder.database is not None and not folder.database.is_file():
        return []
    return gradebook.marks(folder, course.id)


def _graded(folder: ClassFolder) -> set[tuple[str, str]]:
    found = (folder.root / "results").glob("*/*/result.json")
    return {(path.parent.parent.name, path.parent.name) for path in found}


def _standing(
    folder: ClassFolder,
    course: Course,
    team: str,
    notebook: Notebook,
    mark: NotebookMark | None,
) -> Standing:
    problems: list[str] = []
    submission = _read(
        folder.submitted(team, notebook.name) / "submission.json", Submission, problems
    )
    result = _read(folder.result(team, notebook.name) / "result.json", Result, problems)
    exercises = _exercises(result, mark)
    return Standing(
        team, notebook, course.late, submission, result, mark, "; ".join(problems), exercises
    )


def _exercises(result: Result | None, mark: NotebookMark | None) -> tuple[Exercise, ...]:
    """The gradebook's cells in its order, joined with the judge's findings."""
    checks = {check.name: check for check in result.checks} if result is not None else {}
    if mark is None:
        return tuple(Exercise(c.name, "check", c.points, c.max_points, c) for c in checks.values())
    found = []
    for cell in mark.cells:
        # an autograde cell's id in the notebook is check_NAME, the check itself is called NAME
        name = cell.cell.removeprefix("check_") if cell.kind == "check" else cell.cell
        check = checks.get(name) if cell.kind == "check" else None
        found.append(Exercise(name, cell.kind, cell.points, cell.max_points, check, cell))
    order = {name: position for position, name in enumerate(checks)}
    found.sort(key=lambda x: (x.kind == "essay", order.get(x.name, len(order))))
    return tuple(found)


def people(path: Path, problems: list[str]) -> list[Person]:
    """Who is in the class, by roster.csv; nobody if there is none.  Adds to `problems`."""
    if not path.is_file():
        return []
    try:
        students = read_roster(path).students
    except (OSError, ValueError) as error:
        problems.append(f"roster.csv can't be read: {error}")
        return []
    return [Person(s.team, s.id, s.name, s.email, s.moodle, s.canvas) for s in students]


def _rejected(path: Path, problems: list[str]) -> list[Rejected]:
    found = _read(path, list[Rejected], problems)
    return found or []


def _read(path: Path, kind: Any, problems: list[str]) -> Any:
    try:
        return results.read(path, kind)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        problems.append(f"{path.name} can't be read ({error}); grade this submission again")
        return None
