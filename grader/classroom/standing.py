"""Where every submission stands: what was taken in, what grading found, what the gradebook says.

Feedback, report and export all read the class through this module, so that they never disagree.
It only reads; a damaged file becomes a reason for a human to look, never an exception.
"""

from __future__ import annotations

import gc
import statistics
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from grader.cells import id_of_check
from grader.classroom import identity, marks, membership, questions, releases, results, version
from grader.classroom.account import Question
from grader.classroom.folder import ClassFolder
from grader.classroom.identity import Person
from grader.classroom.marks import CellMark, NotebookMark
from grader.classroom.membership import NOTHING_NOTED, Membership
from grader.classroom.questions import Asked
from grader.classroom.results import CheckResult, Ignored, Rejected, Result, Settled, Submission
from grader.classroom.roster import read_roster
from grader.classroom.states import ESSAYS as ESSAYS
from grader.classroom.states import FINAL as FINAL
from grader.classroom.states import HUMAN as HUMAN
from grader.classroom.states import MISSING as MISSING
from grader.classroom.states import UNGRADED as UNGRADED
from grader.config import Course, Notebook
from grader.config.zones import MACHINES, Zone


class Exercise(msgspec.Struct, frozen=True):
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
    bonus: bool = False
    """Optional: its points come on top of the maximum."""

    @property
    def waiting(self) -> bool:
        """Is a human's mark still to come?"""
        return self.mark is not None and self.mark.needs_manual

    @property
    def marked_by_hand(self) -> bool:
        """Has a human given it points?"""
        return self.mark is not None and self.mark.manual is not None

    @property
    def to_confirm(self) -> Question:
        """What to ask where a mark by hand stands on something that is not what it was."""
        automatic = self.mark.auto if self.mark else None
        checked = "nothing" if automatic is None else f"{automatic:g}"
        reason = (
            f"it was marked by hand with {self._by_hand}, and is not what it was then; the check "
            f"now gives {checked}"
        )
        remedy = "save its mark anew in formgrader, the same points or others"
        return Question(questions.CONFIRM, reason, remedy, self.name)

    @property
    def confirmed(self) -> bool:
        """Stands whatever a human gave for it on what he or she saw?"""
        given = self.mark is not None and (self.mark.manual is not None or self.mark.extra)
        return not (given and self.waiting)

    @property
    def _by_hand(self) -> str:
        manual, extra = (self.mark.manual, self.mark.extra) if self.mark else (None, 0.0)
        told = [] if manual is None else [f"{manual:g}"]
        return " and ".join(told + ([f"{extra:g} of extra credit"] if extra else []))

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
    damaged: tuple[Question, ...] = ()
    """Files of this submission that can't be read."""
    exercises: tuple[Exercise, ...] = ()
    settled: tuple[Settled, ...] = ()
    """What somebody answered about this very work."""
    zone: Zone = MACHINES
    """In which times are shown."""

    @cached_property
    def state(self) -> str:
        """One of `states`."""
        if self.asked:
            return HUMAN
        if self.result is None and self.submission is not None:
            return UNGRADED  # what the gradebook says is about an earlier one
        if self.result is None and self.mark is None:
            return MISSING
        return ESSAYS if self.essays_to_mark else FINAL

    @cached_property
    def asked(self) -> tuple[Asked, ...]:
        """What only a human can decide and nobody has, wherever it came up."""
        batch = self.result.batch if self.result is not None else ""
        found = [self._ask(question, "") for question in self.damaged]
        checks = [x for x in self.exercises if x.kind == "check"]
        if checks and all(x.marked_by_hand and not x.waiting for x in checks):
            return tuple(found)
        if self.submission is not None:
            on_the_way = self.submission.batch
            found += [self._ask(question, on_the_way) for question in self.submission.questions]
        if self.result is not None:
            found += [self._ask(question, batch) for question in self._open(self.result)]
        found += [self._ask(x.to_confirm, batch) for x in checks if not x.confirmed]
        return tuple(a for a in found if not questions.answered(a.question, self.settled))

    @property
    def questions(self) -> tuple[Question, ...]:
        """The same, without when they came up."""
        return tuple(entry.question for entry in self.asked)

    @property
    def needs_human(self) -> str:
        """Why a person must look at it, or ""."""
        return "; ".join(map(str, self.questions))

    def _ask(self, question: Question, batch: str) -> Asked:
        return Asked(self.team, self.notebook.name, question, batch)

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
        """What the exercises are worth, without those that are bonus."""
        return sum(x.max_points for x in self.exercises if not x.bonus)

    @property
    def penalty(self) -> float:
        """Points taken off for lateness."""
        return self.mark.late_penalty if self.mark is not None else 0.0

    @property
    def score(self) -> float:
        """Points less the penalty, never below 0 (nbgrader's rule); with bonus maybe above all."""
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
        """When it arrived, in the course's zone; None if that is not known."""
        if self.arrival != "known":
            return None
        moment = self.submission.received if self.submission is not None else None
        if moment is None and self.mark is not None:
            moment = self.mark.received
        if moment is not None and moment.tzinfo is None:  # nbgrader's database holds naive UTC
            moment = moment.replace(tzinfo=UTC)
        return moment and self.zone.shown(moment)

    @property
    def late_by(self) -> timedelta | None:
        """How long after the due date it arrived; None if it was in time, or that is not known."""
        if self.notebook.due is None or self.received is None:
            return None
        late = self.received - self.notebook.due
        return late if late > timedelta(0) else None


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
    ignored: tuple[Ignored, ...] = ()
    """What lies among the submissions, or came with them, and is none."""
    problems: tuple[str, ...] = field(default=())
    """Files of the class folder itself that can't be read."""
    membership: Membership = NOTHING_NOTED
    questions: tuple[Question, ...] = ()
    """About who is in which team."""
    remarks: tuple[str, ...] = ()
    """The same, of what needs nobody to look."""

    def of_person(self, person: Person, notebook: Notebook) -> Standing:
        """What counts for a student: of the team that he or she was in then."""
        team = self.membership.team_of(person.student, notebook.name, person.team)
        return self.rows.get((team, notebook.name)) or Standing(person.team, notebook)

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

    def turned_away(self, row: Standing) -> bool:
        """Was something of this team handed in that could not be taken in, and nothing else?"""
        return row.state == MISSING and any(
            entry.team == row.team and entry.notebook in ("", row.notebook.name)
            for entry in self.rejected
        )

    def worth(self, notebook: str) -> float:
        """What a notebook is worth, the same for all: the largest found, 0 if none is graded."""
        return max((row.max_points for row in self.of_notebook(notebook)), default=0.0)


def read(folder: ClassFolder, course: Course) -> ClassStanding:
    """Read a class folder and its gradebook.  Raises WrongVersion for one of a newer program."""
    version.require(folder.root)
    collecting = gc.isenabled()
    gc.disable()  # of millions of values none is garbage: looking for it takes half of the time
    try:
        return _read(folder, course)
    finally:
        if collecting:
            gc.enable()


def _read(folder: ClassFolder, course: Course) -> ClassStanding:
    problems: list[str] = []
    found = {(mark.team, mark.notebook): mark for mark in marks.read(folder)}
    members = people(folder.root / "roster.csv", problems)
    rejected = _listed(folder.root / "rejected.json", list[Rejected], problems)
    settled = _settled(folder, problems)
    there = set(folder.submissions())
    handed_in = there | set(found) | _graded(folder)
    handed_in = {(team, name) for team, name in handed_in if name in course.notebooks}
    teams = sorted({team for team, _ in handed_in} | {person.team for person in members})
    used = {name for _, name in handed_in}
    notebooks = tuple(n for name, n in course.notebooks.items() if name in used)
    optional = {n.name: releases.bonus(folder, n.name) if course.bonus else () for n in notebooks}
    rows = {
        (team, notebook.name): _standing(
            folder,
            course,
            team,
            notebook,
            found.get((team, notebook.name)),
            settled.get((team, notebook.name), ()),
            optional[notebook.name],
        )
        for team in teams
        for notebook in notebooks
    }
    noted = membership.read(folder.root / membership.FILE, problems)
    who = identity.check(members, noted, handed_in)
    members += [Person(team, team) for team in who.strangers]
    members.sort(key=lambda person: (person.team, person.student))
    return ClassStanding(
        course,
        tuple(teams),
        notebooks,
        rows,
        tuple(members),
        tuple(rejected),
        (
            *_listed(folder.root / "ignored.json", list[Ignored], problems),
            *_aside(folder, course, there),
        ),
        tuple(problems),
        noted,
        who.questions,
        who.remarks,
    )


def mean_and_median(fractions: list[float]) -> tuple[float, float] | None:
    """Mean and median, or None if there is nothing to average."""
    if not fractions:
        return None
    return statistics.fmean(fractions), statistics.median(fractions)


def _graded(folder: ClassFolder) -> set[tuple[str, str]]:
    found = (folder.root / "results").glob("*/*/result.json")
    return {(path.parent.parent.name, path.parent.name) for path in found}


def _standing(
    folder: ClassFolder,
    course: Course,
    team: str,
    notebook: Notebook,
    mark: NotebookMark | None,
    settled: tuple[Settled, ...],
    optional: Collection[str] = (),
) -> Standing:
    damaged: list[Question] = []
    submission = _part(
        folder.submitted(team, notebook.name) / "submission.json",
        Submission,
        "collect this submission again",
        damaged,
    )
    result = _part(
        folder.result(team, notebook.name) / "result.json",
        Result,
        "grade this submission again",
        damaged,
    )
    if settled:  # reading what was handed in takes time
        work = questions.work_of(folder, team, notebook.name)
        settled = tuple(entry for entry in settled if work and entry.work == work)
    exercises = _exercises(result, mark, optional)
    return Standing(
        team,
        notebook,
        course.late,
        submission,
        result,
        mark,
        tuple(damaged),
        exercises,
        settled,
        course.times.zone,
    )


def _exercises(
    result: Result | None, mark: NotebookMark | None, optional: Collection[str]
) -> tuple[Exercise, ...]:
    """The gradebook's cells in its order, joined with the judge's findings.

    optional: ids of the cells that are bonus.
    """
    checks = {check.name: check for check in result.checks} if result is not None else {}
    if mark is None:
        return tuple(
            Exercise(
                c.name, "check", c.points, c.max_points, c, bonus=id_of_check(c.name) in optional
            )
            for c in checks.values()
        )
    found = []
    for cell in mark.cells:
        # an autograde cell's id in the notebook is check_NAME, the check itself is called NAME
        name = cell.cell.removeprefix("check_") if cell.kind == "check" else cell.cell
        check = checks.get(name) if cell.kind == "check" else None
        worth = cell.points, cell.max_points
        found.append(Exercise(name, cell.kind, *worth, check, cell, cell.cell in optional))
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
    return [Person(s.team, s.id, s.name, s.email, s.moodle, s.canvas, s.login) for s in students]


def _aside(folder: ClassFolder, course: Course, there: set[tuple[str, str]]) -> list[Ignored]:
    """Folders among the submissions that nothing grades, each with the reason.

    there: (team, notebook) of what was taken in.
    """
    found = []
    for place in sorted((folder.root / "submitted").glob("*/*")):
        known = (place.parent.name, place.name) in there
        if (known and place.name in course.notebooks) or not place.is_dir():
            continue
        source = f"submitted/{place.parent.name}/{place.name}"
        if place.name not in course.notebooks:
            reason = "the settings of this class have no notebook of that name in use"
            found.append(Ignored(source, reason))
        else:
            reason = "it was put there by hand: ./course collect takes in what is graded"
            found.append(Ignored(source, reason))
    return found


def _settled(
    folder: ClassFolder, problems: list[str]
) -> dict[tuple[str, str], tuple[Settled, ...]]:
    """(team, notebook) -> what was answered about it."""
    found: dict[tuple[str, str], tuple[Settled, ...]] = defaultdict(tuple)
    for entry in _listed(folder.root / questions.FILE, list[Settled], problems):
        found[entry.team, entry.notebook] += (entry,)
    return found


def _listed(path: Path, kind: Any, problems: list[str]) -> list[Any]:
    """Entries of a file of the class folder itself.  Adds to `problems`."""
    try:
        return list(results.read(path, kind))
    except FileNotFoundError:
        return []
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        problems.append(f"{path.name} can't be read ({error}); mend it or take it away")
        return []


def _part(path: Path, kind: Any, remedy: str, damaged: list[Question]) -> Any:
    """A file of a submission; None if there is none.  Adds to `damaged`."""
    try:
        return results.read(path, kind)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        reason = f"{path.name} can't be read ({error})"
        damaged.append(Question(questions.DAMAGED, reason, remedy))
        return None
