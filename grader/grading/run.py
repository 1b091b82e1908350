"""Grade a class: every submission that was taken in, once, whatever any of them does.

Jobs go to an executor, results come back as files, and one importer writes the gradebook.  Killed
at any moment and started again, it goes on where it was: a result is kept under a key made of all
it depends on, and importing it twice changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from grader import config
from grader.classroom import attempts, gradebook
from grader.classroom.folder import ClassFolder
from grader.classroom.lateness import days_counted, due_first
from grader.classroom.results import Result, Submission
from grader.executing.execute import Outcome, execute, threads
from grader.files import writing
from grader.formgrader.setup import set_up
from grader.grading import better, marking, rejudge, warm
from grader.grading.decide import Again, Kept, decide, stored_result
from grader.grading.recorder import Recorder
from grader.grading.runlog import RunLog
from grader.grading.task import Asked, Task, Unreadable
from grader.grading.tasks import Chosen, class_seed, tasks
from grader.intake import settling, store

AGAIN = "a time limit was reached while others ran, so it was run once more, alone, and that counts"

ENDED = ("stopped", "no cases", "unreadable")
"""Causes of questions about what could not be executed, or not to its end."""

Progress = Callable[[str, str], None]
"""Called with what happened ("queued", "done", "kept", "marked again" or "failed") to which
"team/notebook"."""


@dataclass
class Summary:
    """What came of a run, in numbers; the results lie in the class folder, see `results.graded`.

    It holds no results, so that it stays small however large the class is.
    """

    graded: int = 0
    """How many have a result, those kept from earlier runs included."""
    executed: int = 0
    """How many were executed this time."""
    marked_again: int = 0
    """How many had answers to the same questions, and were marked again without executing."""
    changes: list[rejudge.Change] = field(default_factory=list)
    """Those of them whose marks changed."""
    human: dict[str, str] = field(default_factory=dict)
    """"team/notebook" -> why a person must look at it, for those whose result says so."""
    moved: list[str] = field(default_factory=list)
    """What became of exercises that changed since somebody was graded, in lines."""
    flagged: list[str] = field(default_factory=list)
    """Marks by hand in the class that need another look: "team/notebook/cell"."""
    broken: list[str] = field(default_factory=list)
    """Submissions whose own files in the class folder can't be read, each with the reason."""
    failed: list[str] = field(default_factory=list)
    """Submissions that could not be executed to their end, each with the reason."""
    late: dict[str, str] = field(default_factory=dict)
    """"team/notebook" -> the late attempt that counts, since it is better after the penalty."""

    @property
    def need_human(self) -> int:
        """How many submissions a person must look at."""
        return len(self.broken) + len(self.human)

    def as_data(self) -> dict[str, Any]:
        """For programs; who needs a human is for `questions` to say."""
        return {
            "graded": self.graded,
            "executed": self.executed,
            "marked_again": self.marked_again,
            "kept": self.graded - self.executed - self.marked_again,
            "changes": [asdict(change) for change in self.changes],
            "flagged": self.flagged,
            "broken": self.broken,
            "failed": self.failed,
        }

    def count(self, task: Task, result: Result) -> None:
        """Take note of a result.  What is contested is asked about when it is settled."""
        self.graded += 1
        if not task.contested:
            self.ask(task.submission, result)

    def ask(self, submission: Submission, result: Result) -> None:
        """Take note of what a human must decide about a submission and its result."""
        questions = dict.fromkeys([*submission.questions, *result.questions])
        if questions:
            label = f"{submission.team}/{submission.notebook}"
            self.human[label] = "; ".join(map(str, questions))


def grade(
    folder: ClassFolder,
    course: config.Course,
    *,
    executor: Executor | None = None,
    workers: int | None = None,
    seed: str | None = None,
    force: bool = False,
    isolation: str = "auto",
    only: Chosen = lambda team, notebook: True,
    progress: Progress = lambda what, label: None,
) -> Summary:
    """Grade what was taken in.

    executor: where jobs run; threads of this process by default, `workers` of them (two per core).
    seed: what fresh cases are drawn from; by default a secret kept in the class folder.
    force: execute again what has a result already.
    isolation: "none" runs student code without a sandbox.

    Raises SandboxUnavailable if student code can't be isolated here, and FolderUnusable if the
    class folder can't be written: a full disk, say.
    """
    if executor is None and isolation == "auto":
        warm.begin(folder, course, only)
    workers = workers or 2 * (os.cpu_count() or 1)  # kernels wait a good part of their time
    side_by_side = executor is not None or workers > 1
    on = threads(workers) if executor is None else nullcontext(executor)
    summary = Summary()
    with writing(folder.root), on as executor:
        summary.moved = set_up(folder, course)
        settle(folder, course, only)
        secret = seed or class_seed(folder)
        with gradebook.open_gradebook(folder, course.id) as book:
            recorder = Recorder(folder, course, book)
            run = _Run(executor, recorder, summary, progress, side_by_side)
            try:
                for task in tasks(folder, course, secret, only, summary.broken):
                    run.take(task, force, isolation)
                    # back-pressure: jobs hold whole notebooks
                    if len(run.running) >= getattr(executor, "in_flight", 2 * workers):
                        run.finish_some()
                run.finish()
                late = {(team, notebook) for team, notebook, _ in run.to_try_again}.__contains__
                again = tasks(folder, course, secret, lambda *which: late(which), summary.broken)
                for task in again if run.to_try_again else ():
                    if task.place in run.to_try_again:
                        run.take(task, True, isolation, alone=True)
                        run.finish()
                run.settle()
                run.end()
                summary.flagged = gradebook.flagged(book)
            except BaseException as error:
                run.log.write(f"grading stops: {type(error).__name__}: {error}")
                for future in run.running:
                    future.cancel()
                raise
    summary.human = dict(sorted(summary.human.items()))
    return summary


def settle(folder: ClassFolder, course: config.Course, only: Chosen) -> int:
    """Put what counts where it is graded; returns how many attempts there are to grade."""
    with store.exclusive(folder):
        found = settling.settle_all(folder, course, only)
    for settled in found.values():
        attempts.unshelve(folder, settled.counts)
    rivals = sum(settled.rival is not None for settled in found.values())
    return rivals + sum(only(*pair) for pair in folder.submissions())


class _Run:
    """One run: what is on its way, and where its results go."""

    def __init__(
        self,
        executor: Executor,
        recorder: Recorder,
        summary: Summary,
        progress: Progress,
        side_by_side: bool,
    ):
        """side_by_side: whether jobs that are on their way at the same time may run so."""
        self.side_by_side = side_by_side
        self.executor, self.recorder = executor, recorder
        self.summary, self.progress = summary, progress
        self.running: dict[Future[Outcome], Asked] = {}
        self.beside: set[Future[Outcome]] = set()
        """Those that are on their way, or were, while another one was."""
        self.to_try_again: set[tuple[str, str, str]] = set()
        """`Task.place` of those that reached a time limit while others ran.  They cost the
        machine something, and so may have been somebody else's time: they run again at the end,
        one at a time, before that costs a student anything."""
        self.contested: set[tuple[str, str]] = set()
        self.before: dict[tuple[str, str, str], Result] = {}
        """Results of what is executed again, though nothing else was handed in."""
        self.log = RunLog(recorder.folder.root, recorder.course.times.zone)
        self.log.write("grading begins")
        for line in summary.moved:
            self.log.write(f"exercises changed: {line}")

    def end(self) -> None:
        """Say in the log what came of it."""
        found = self.summary
        self.log.write(
            f"grading ends: {found.graded} graded, {found.executed} executed, "
            f"{found.marked_again} marked again, {found.need_human} need a human"
        )

    def take(self, task: Task, force: bool, isolation: str, alone: bool = False) -> None:
        """Keep the result that there is, or send the task on its way.

        alone: whether nothing else will be on its way until it is done.
        """
        if task.contested:
            self.contested.add((task.submission.team, task.submission.notebook))
        match decide(self.recorder.folder, task, self.recorder.course, isolation, force):
            case Kept(result):
                if not task.contested:
                    self.recorder.record(task.submission, result)
                self.summary.count(task, result)
                self.progress("kept", task.called)
            case Again(old, new):
                self._mark_again(task, old, new)
            case Unreadable() as found:
                result, shown = marking.unreadable(found)
                final = not task.contested
                self.recorder.store(task.submission, result, shown, shelf=task.shelf, final=final)
                self.summary.count(task, result)
                self._tell("failed", task.called, result)
            case Asked() as asked:
                before = stored_result(self.recorder.folder, task)
                if before is not None and before.key and before.handed_in == task.handed_in:
                    self.before[task.place] = before
                self.recorder.withdraw(task.submission, task.shelf)
                if alone:
                    asked = replace(asked, task=_again(task))
                else:
                    self.progress("queued", task.called)
                self.running[self.executor.submit(execute, asked.job)] = asked
                if len(self.running) > 1 and self.side_by_side:
                    self.beside |= self.running.keys()

    def _mark_again(self, task: Task, old: Result, new: Result) -> None:
        if not self.recorder.mark_again(task, old, new) and not task.contested:
            self.recorder.record(task.submission, new)
        self.summary.count(task, new)
        self.summary.marked_again += 1
        self._compare(task, old, new)
        self.progress("marked again", task.called)

    def _compare(self, task: Task, old: Result, new: Result) -> None:
        """Take note of marks that changed, though what was handed in did not."""
        if change := rejudge.difference(old, new, task.submission.attempt if task.shelf else ""):
            self.summary.changes.append(change)
            self.log.write(f"changed {change}")

    def settle(self) -> None:
        """Choose between attempts of which the better counts, in the order of the due dates."""
        course = self.recorder.course
        for team, notebook in sorted(self.contested, key=lambda pair: due_first(course, *pair)):
            found = better.settle(self.recorder, team, notebook)
            if found is None:
                continue
            self.summary.ask(*found)
            if days_counted(course, found[0]):
                self.summary.late[f"{team}/{notebook}"] = found[0].attempt

    def finish(self) -> None:
        """Wait until nothing is on its way any more, and record it."""
        while self.running:
            self.finish_some()

    def finish_some(self) -> None:
        """Wait until something is done, and record it."""
        done, _ = wait(self.running, return_when=FIRST_COMPLETED)
        for future in done:
            asked, beside = self.running.pop(future), future in self.beside
            self.beside.discard(future)
            task, error = asked.task, future.exception()
            if error is None and beside and future.result().late:
                self.to_try_again.add(task.place)
                self.log.write(f"a time limit: {task.called} is tried once more, alone")
                continue
            came = future.result() if error is None else error
            result, executed, outcome = marking.result_of(asked, came)
            self.recorder.store(
                task.submission, result, executed, asked.execution, outcome,
                shelf=task.shelf, final=not task.contested,
            )  # fmt: skip
            self.summary.count(task, result)
            self.summary.executed += 1
            if old := self.before.pop(task.place, None):
                self._compare(task, old, result)
            self._tell("failed" if _stopped(result) else "done", task.called, result)

    def _tell(self, what: str, label: str, result: Result) -> None:
        if what == "failed":
            self.summary.failed.append(f"{label}: {_stopped(result)}")
        self.log.result(what, label, result)
        self.progress(what, label)


def _stopped(result: Result) -> str:
    """Why a submission was not executed to its end, "" if it was; other questions are others'."""
    return "; ".join(q.reason for q in result.questions if q.cause in ENDED)


def _again(task: Task) -> Task:
    return replace(task, notes=(*task.notes, AGAIN))
