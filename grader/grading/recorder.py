"""Write results: first the files, then the gradebook, so that a rerun can finish the job.

Recording the same result twice changes nothing, and a mark given by hand is never touched.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache

import msgspec
import nbformat
from nbformat.notebooknode import NotebookNode
from nbgrader import api

from grader import config
from grader.cells import grade_id, id_of_check, is_essay, runs_when_graded
from grader.classroom import gradebook, membership, own_modules, releases, results, standing
from grader.classroom.answered import left_as_released
from grader.classroom.folder import ClassFolder
from grader.classroom.identity import Person
from grader.classroom.lateness import Lateness
from grader.classroom.results import Result, Submission
from grader.executing.beside import around
from grader.executing.execute import Outcome
from grader.files import write_atomically
from grader.formgrader import anonymity, answer_key, modules_shown, reports_shown
from grader.grading import defuse, stored
from grader.grading.task import Task


class Recorder:
    """Brings result files, gradebook and formgrader's folder up to date."""

    def __init__(self, folder: ClassFolder, course: config.Course, book: api.Gradebook):
        self.folder, self.course, self.book = folder, course, book
        self.lateness = Lateness(folder, course)
        self._answer_key = cache(answer_key.of_notebook)
        self._released = cache(self._texts_released)
        self._people: list[Person] | None = None
        self._noted = membership.NOTHING_NOTED
        self.batch = course.times.zone.batch()

    def look_again(self) -> None:
        """Take note that other submissions count now, which may have used up free days."""
        self.lateness = Lateness(self.folder, self.course)

    def store(
        self,
        submission: Submission,
        result: Result,
        executed: NotebookNode,
        execution: str = "",
        outcome: Outcome | None = None,
        *,
        shelf: str = "",
        final: bool = True,
    ) -> None:
        """Keep a new result, and record it.

        outcome: what it was made from, whose answers are kept for `execution`, see `stored`.
        shelf: where it is kept if it does not count, see `ClassFolder.result`.
        final: whether it is known to count; else it is recorded by `better.settle`.
        """
        target = self.folder.result(result.team, result.notebook, shelf)
        result = msgspec.structs.replace(result, batch=self.batch)
        text = nbformat.writes(executed) + "\n"
        write_atomically(target / "executed.ipynb", text, durable=False)
        if outcome is not None:
            stored.keep(target, execution, outcome)
        results.write(target / "result.json", result)
        if final:
            self.record(submission, result, executed)

    def mark_again(self, task: Task, old: Result, new: Result) -> bool:
        """Put a new verdict on the same answers in place of the old one.

        Returns False if it is no other: then there was nothing to record.
        """
        target = self.folder.result(new.team, new.notebook, task.shelf)
        new = msgspec.structs.replace(new, batch=old.batch)
        before = nbformat.reads((target / "executed.ipynb").read_text(), as_version=4)
        executed = _as_executed(task.notebook, before)
        defuse.show_verdicts(executed, new.checks)
        if executed == before and msgspec.structs.replace(old, key=new.key) == new:
            results.write(target / "result.json", new, durable=False)
            return False
        self.store(task.submission, new, executed, shelf=task.shelf, final=not task.contested)
        return True

    def record(
        self, submission: Submission, result: Result, executed: NotebookNode | None = None
    ) -> None:
        """Bring the gradebook and formgrader's folder up to date with a stored result.

        executed: its notebook, if it is at hand.
        """
        if executed is None:
            stored_at = self.folder.result(result.team, result.notebook) / "executed.ipynb"
            executed = nbformat.reads(stored_at.read_text(), as_version=4)
        shown = self.folder.autograded(result.team, result.notebook) / f"{result.notebook}.ipynb"
        before = shown.read_text() if shown.is_file() else ""
        fraction = self.lateness.fraction(result.team, result.notebook, submission.received)
        key = self._answer_key(result.notebook)
        beside = reports_shown.with_places(result.beside, self.folder, submission)
        seen = answer_key.beside_essays(executed, key, result.elsewhere, beside)
        place = self.folder.submitted(result.team, result.notebook)
        seen = modules_shown.at_the_end(seen, own_modules.read(place, submission))
        seen = reports_shown.at_the_end(seen, self.folder, submission, beside)
        if self.course.anonymous:
            seen = anonymity.without_names(seen, self._names(result.team, result.notebook))
        changed = _changed_answers(before, seen, self._released(result.notebook))
        text = nbformat.writes(seen)
        coming = self.folder.coming(result.team, result.notebook)
        if before != text:  # the gradebook first, so that what changed is flagged for certain
            write_atomically(coming, text, durable=False)
        gradebook.record(self.book, submission, result, executed, fraction, changed)
        if before != text:
            coming.replace(shown)
        else:
            coming.unlink(missing_ok=True)  # of a run that was ended

    def answers_in(self, name: str, notebook: NotebookNode) -> dict[str, str]:
        """Graded cell -> its answer, in a team's version of a notebook of that name."""
        return dict(_answers(notebook.cells, self._released(name)))

    def _texts_released(self, name: str) -> frozenset[str]:
        """What is nobody's answer, wherever it stands: texts of the release and of older ones."""
        known = releases.kept(self.folder, name).values()
        return frozenset(cell.source for release in known for cell in release.cells)

    def _names(self, team: str, notebook: str) -> set[str]:
        """What a team and its members are called, those of today and those who handed in."""
        if self._people is None:
            self._people = standing.people(self.folder.root / "roster.csv", [])
            self._noted = membership.read(self.folder.root / membership.FILE, [])
        members = [
            person
            for person in self._people
            if team in (person.team, self._noted.team_of(person.student, notebook, ""))
        ]
        return {team}.union(*({p.student, p.name, p.email} for p in members))

    def withdraw(self, submission: Submission, shelf: str = "") -> None:
        """Take back the mark of an older result before grading anew: a stale mark never stays."""
        place = self.folder.result(submission.team, submission.notebook, shelf)
        result = place / "result.json"
        there = result.is_file()
        if not shelf and (there or (place / "attempts").is_dir()):  # that of another attempt, or so
            gradebook.fail(self.book, submission)
        if there:
            result.unlink()


def _as_executed(notebook: str, before: NotebookNode) -> NotebookNode:
    """A prepared notebook with the outputs of an earlier execution of the same code.

    Its words may be others by now, and what its cells are worth.
    """
    executed = nbformat.reads(notebook, as_version=4)
    defuse.defuse(executed)
    ran = [cell for cell in before.cells if runs_when_graded(cell)]
    runs = [cell for cell in executed.cells if runs_when_graded(cell)]
    if [cell.source for cell in ran] != [cell.source for cell in runs]:
        return before
    for cell, old in zip(runs, ran, strict=True):
        cell.outputs, cell.execution_count = old.outputs, old.execution_count
    return executed


def _changed_answers(
    before: str, seen: NotebookNode, released: frozenset[str] = frozenset()
) -> frozenset[str]:
    """Ids of graded cells whose answer differs from the one that was there to be marked.

    An essay is answered by its own cell and by what a student put beside it, pictures included, or
    by what its marker looks at; a check by the solution of that name.
    """
    if not before:
        return frozenset()
    old, changed = dict(_answers(_cells(before), released)), set()
    for name, text in _answers(seen.cells, released):
        if old.get(name) != text:
            changed.add(name)
    return frozenset(changed)


def _answers(cells: list[NotebookNode], released: frozenset[str]) -> Iterator[tuple[str, str]]:
    """(graded cell, text of its answer).  What code calls in own modules is part of it."""
    modules = modules_shown.in_cells(cells)
    looked_at = answer_key.looked_at(cells)
    cells = [cell for cell in cells if answer_key.MARK not in cell.metadata]
    for index, cell in enumerate(cells):
        name = grade_id(cell)
        if is_essay(cell):
            own = [] if left_as_released(cell) else [cell]
            own += [c for c in around(cells, index) if c.source not in released]
            yield name, "\n".join([*map(_with_pictures, own), *looked_at.get(name, ())])
        elif name:  # what is as released is no answer, whatever the release says there
            code = "" if left_as_released(cell) else cell.source
            yield id_of_check(name), f"{code}\n{modules}" if modules else code


def _with_pictures(cell: NotebookNode) -> str:
    pictures = cell.get("attachments")
    return f"{cell.source}\n{json.dumps(pictures, sort_keys=True)}" if pictures else cell.source


def _cells(text: str) -> list[NotebookNode]:
    return list(nbformat.reads(text, as_version=4).cells)
