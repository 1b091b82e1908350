"""Grade a class: every submission that was taken in, once, whatever any of them does.

Jobs go to an executor, results come back as files, and one importer writes the gradebook.  Killed
at any moment and started again, it goes on where it was: a result is kept under a key made of all
it depends on, and importing it twice changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from grader import config
from grader.classroom import gradebook
from grader.classroom.folder import ClassFolder
from grader.classroom.results import Result
from grader.executing.execute import Outcome, execute, interrupt, resume
from grader.files import writing
from grader.formgrader.setup import set_up
from grader.grading import marking, rejudge, warm
from grader.grading.decide import Again, Kept, decide, stored_result
from grader.grading.recorder import Recorder
from grader.grading.runlog import RunLog
from grader.grading.tasks import Asked, Chosen, Task, Unreadable, class_seed, tasks

Progress = Callable[[str, str], None]
"""Called with (what happened: "queued", "done", "kept" or "failed"; "team/notebook")."""


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

    @property
    def need_human(self) -> int:
        """How many submissions a person must look at."""
        return len(self.broken) + len(self.human)

    def count(self, label: str, result: Result) -> None:
        """Take note of a result."""
        self.graded += 1
        if result.needs_human:
            self.human[label] = result.needs_human


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
    resume()
    workers = workers or 2 * (os.cpu_count() or 1)  # kernels wait a good part of their time
    own = executor is None
    executor = executor or ThreadPoolExecutor(workers)
    summary = Summary()
    with writing(folder.root):
        summary.moved = set_up(folder, course)
        secret = seed or class_seed(folder)
        with gradebook.open_gradebook(folder, course.id) as book:
            run = _Run(executor, Recorder(folder, course, book), summary, progress)
            try:
                for task in tasks(folder, course, secret, only, summary.broken):
                    run.take(task, force, isolation)
                    # back-pressure: jobs hold whole notebooks
                    if len(run.running) >= getattr(executor, "in_flight", 2 * workers):
                        run.finish_some()
                while run.running:
                    run.finish_some()
                run.end()
                summary.flagged = gradebook.flagged(book)
            except BaseException as error:
                run.log.write(f"grading stops: {type(error).__name__}: {error}")
                for future in run.running:
                    future.cancel()
                if own:  # don't wait for what runs: nobody would take the results
                    executor.shutdown(wait=False, cancel_futures=True)
                    interrupt()
                raise
            finally:
                if own:
                    executor.shutdown()
    summary.human = dict(sorted(summary.human.items()))
    return summary


class _Run:
    """One run: what is on its way, and where its results go."""

    def __init__(
        self, executor: Executor, recorder: Recorder, summary: Summary, progress: Progress
    ):
        self.executor, self.recorder = executor, recorder
        self.summary, self.progress = summary, progress
        self.running: dict[Future[Outcome], Asked] = {}
        self.before: dict[str, Result] = {}
        """Results of what is executed again, though nothing else was handed in."""
        self.log = RunLog(recorder.folder.root)
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

    def take(self, task: Task, force: bool, isolation: str) -> None:
        """Keep the result that there is, or send the task on its way."""
        match decide(self.recorder.folder, task, self.recorder.course, isolation, force):
            case Kept(result):
                self.recorder.record(task.submission, result)
                self.summary.count(task.label, result)
                self.progress("kept", task.label)
            case Again(old, new):
                self._mark_again(task, old, new)
            case Unreadable() as found:
                result, shown = marking.unreadable(found)
                self.recorder.store(task.submission, result, shown)
                self.summary.count(task.label, result)
                self._tell("failed", task.label, result)
            case Asked() as asked:
                before = stored_result(self.recorder.folder, task)
                if before is not None and before.key and before.handed_in == task.handed_in:
                    self.before[task.label] = before
                self.recorder.withdraw(task.submission)
                self.running[self.executor.submit(execute, asked.job)] = asked
                self.progress("queued", task.label)

    def _mark_again(self, task: Task, old: Result, new: Result) -> None:
        if not self.recorder.mark_again(task, old, new):
            self.recorder.record(task.submission, new)
        self.summary.count(task.label, new)
        self.summary.marked_again += 1
        self._compare(old, new)
        self.progress("kept", task.label)

    def _compare(self, old: Result, new: Result) -> None:
        """Take note of marks that changed, though what was handed in did not."""
        if change := rejudge.difference(old, new):
            self.summary.changes.append(change)
            self.log.write(f"changed {change}")

    def finish_some(self) -> None:
        """Wait until something is done, and record it."""
        done, _ = wait(self.running, return_when=FIRST_COMPLETED)
        for future in done:
            asked = self.running.pop(future)
            task, error = asked.task, future.exception()
            outcome = future.result() if error is None else marking.no_outcome(task, error)
            try:
                result, executed = marking.judged(asked, outcome, final=error is None)
            except Exception as wrong:  # one outcome must not stop all, whatever is in it
                none = marking.no_outcome(task, wrong)
                result, executed = marking.judged(asked, none, final=False)
            self.recorder.store(task.submission, result, executed, asked.execution, outcome)
            self.summary.count(task.label, result)
            self.summary.executed += 1
            if old := self.before.pop(task.label, None):
                self._compare(old, result)
            self._tell("failed" if result.needs_human else "done", task.label, result)

    def _tell(self, what: str, label: str, result: Result) -> None:
        self.log.result(what, label, result)
        self.progress(what, label)
