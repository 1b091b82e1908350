"""Grade a class: every submission that was taken in, once, whatever any of them does.

Jobs go to an executor, results come back as files, and one importer writes the gradebook.  Killed
at any moment and started again, it goes on where it was: a result is kept under a key made of all
it depends on, and importing it twice changes nothing.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any

import msgspec
import nbformat
from nbgrader import api

from grader import config, defuse, gradebook, judging, results, thresholds
from grader.class_setup import set_up
from grader.classroom import ClassFolder, write_atomically
from grader.execute import Job, Outcome, execute, interrupt, resume
from grader.prepare import NotANotebook, prepare, read_notebook, well_formed
from grader.results import CheckResult, Result, Submission
from grader.sandbox import SandboxUnavailable, probe, warm_parents

Progress = Callable[[str, str], None]
"""Called with (what happened: "queued", "done", "kept" or "failed"; "team/notebook")."""


MESSAGE_CHARACTERS = 2000
"""Longest text in a result; exceptions are as long as the student likes."""


@dataclass
class Summary:
    """What came of a run."""

    graded: list[Result] = field(default_factory=list)
    """All results, those kept from earlier runs included."""
    executed: int = 0
    """How many were executed this time."""
    broken: list[str] = field(default_factory=list)
    """Submissions whose own files in the class folder can't be read, each with the reason."""

    @property
    def need_human(self) -> int:
        """How many submissions a person must look at."""
        return len(self.broken) + sum(bool(r.needs_human) for r in self.graded)


def grade(
    folder: ClassFolder,
    course: config.Course,
    *,
    executor: Executor | None = None,
    workers: int | None = None,
    seed: str | None = None,
    force: bool = False,
    isolation: str = "auto",
    only: Callable[[str, str], bool] = lambda team, notebook: True,
    progress: Progress = lambda what, label: None,
) -> Summary:
    """Grade what was taken in.

    executor: where jobs run; threads of this process by default, `workers` of them (two per core).
    seed: what fresh cases are drawn from; by default a secret kept in the class folder.
    force: execute again what has a result already.
    isolation: "none" runs student code without a sandbox.

    Raises SandboxUnavailable if student code can't be isolated here.
    """
    if executor is None and isolation == "auto":
        _begin_to_import(folder, course, only)
    resume()
    set_up(folder, course)
    workers = workers or 2 * (os.cpu_count() or 1)  # kernels wait a good part of their time
    secret = seed or _seed(folder)
    summary = Summary()
    own = executor is None
    executor = executor or ThreadPoolExecutor(workers)
    running: dict[Future[Outcome], _Task] = {}
    with gradebook.open_gradebook(folder, course.id) as book:
        recorder = _Recorder(folder, course, book)
        try:
            for task in _tasks(folder, course, secret, only, summary):
                kept = None if force else _kept_result(folder, task)
                if kept is not None:
                    recorder.record(task, kept)
                    summary.graded.append(kept)
                    progress("kept", task.label)
                    continue
                job = _job(task, course, isolation)
                if job is None:
                    result = _unreadable(task)
                    recorder.store(task, result, nbformat.reads(task.release, as_version=4))
                    summary.graded.append(result)
                    progress("failed", task.label)
                    continue
                recorder.withdraw(task)
                running[executor.submit(execute, job)] = task
                progress("queued", task.label)
                if len(running) >= 2 * workers:  # back-pressure: jobs hold whole notebooks
                    _finish_some(running, recorder, summary, progress)
            while running:
                _finish_some(running, recorder, summary, progress)
        except BaseException:
            if own:  # don't wait for what runs: nobody would take the results
                executor.shutdown(wait=False, cancel_futures=True)
                interrupt()
            raise
        finally:
            if own:
                executor.shutdown()
    summary.graded.sort(key=lambda result: (result.team, result.notebook))
    return summary


def late_fraction(notebook: config.Notebook, late: config.Late, received: datetime) -> float:
    """Share of the points that lateness costs: per day begun after the due date and its grace."""
    if notebook.due is None:
        return 0.0
    seconds = (received - notebook.due).total_seconds() - 60 * late.grace_minutes
    return min(late.maximum, late.penalty_per_day * ceil(seconds / 86400)) if seconds > 0 else 0.0


@dataclass
class _Task:
    """One submission on its way."""

    submission: Submission
    key: str
    release: str
    notebook: str = ""
    notes: list[str] = field(default_factory=list)
    unreadable: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    examination: judging.Examination | None = None
    points: dict[str, float] = field(default_factory=dict)
    seed: str = ""
    limits: dict[str, Any] = field(default_factory=dict)
    """Thresholds for trained models."""

    @property
    def label(self) -> str:
        return f"{self.submission.team}/{self.submission.notebook}"

    def job(self, course: config.Course, isolation: str) -> Job:
        """The job that executes this submission, with cases drawn for it."""
        name = self.submission.notebook
        self.examination = judging.draw(
            name, self.submission.team, self.seed, self.files, self.limits
        )
        return Job(
            self.label,
            self.notebook,
            self.examination.questions(course.limits.seconds_per_call),
            course.limits,
            course.notebooks[name].imports,
            self.files,
            isolation,
        )


class _Recorder:
    """Writes results: first the files, then the gradebook, so that a rerun can finish the job."""

    def __init__(self, folder: ClassFolder, course: config.Course, book: api.Gradebook):
        self.folder, self.course, self.book = folder, course, book

    def store(self, task: _Task, result: Result, executed: nbformat.NotebookNode) -> None:
        """Keep a new result, and record it."""
        target = self.folder.result(result.team, result.notebook)
        text = nbformat.writes(executed) + "\n"
        write_atomically(target / "executed.ipynb", text, durable=False)
        results.write(target / "result.json", result)
        self.record(task, result)

    def record(self, task: _Task, result: Result) -> None:
        """Bring the gradebook and formgrader's folder up to date with a stored result."""
        text = (self.folder.result(result.team, result.notebook) / "executed.ipynb").read_text()
        executed = nbformat.reads(text, as_version=4)
        shown = self.folder.autograded(result.team, result.notebook) / f"{result.notebook}.ipynb"
        before = shown.read_text() if shown.is_file() else ""
        submission = task.submission
        notebook = self.course.notebooks[result.notebook]
        fraction = late_fraction(notebook, self.course.late, submission.received)
        changed = _changed_answers(before, executed)
        gradebook.record(self.book, submission, result, executed, fraction, changed)
        if before != text:
            write_atomically(shown, text, durable=False)

    def withdraw(self, task: _Task) -> None:
        """Take back the mark of an older result before grading anew: a stale mark never stays."""
        stored = self.folder.result(task.submission.team, task.submission.notebook) / "result.json"
        if stored.is_file():
            gradebook.fail(self.book, task.submission)
            stored.unlink()


def _begin_to_import(
    folder: ClassFolder, course: config.Course, only: Callable[[str, str], bool]
) -> None:
    """Let the parents of the kernels import their libraries while the class is set up."""
    if probe().way != "direct":
        return
    names = {name for team, name in folder.submissions() if only(team, name)}
    for modules in {course.notebooks[name].imports for name in names & set(course.notebooks)}:
        warm_parents.start(modules)


def _tasks(
    folder: ClassFolder,
    course: config.Course,
    seed: str,
    only: Callable[[str, str], bool],
    summary: Summary,
) -> Iterator[_Task]:
    for team, name in folder.submissions():
        if name not in course.notebooks or not only(team, name):
            continue
        try:
            yield _task(folder, course, seed, team, name)
        except (OSError, msgspec.MsgspecError) as error:
            summary.broken.append(f"{team}/{name}: {error}")


def _task(folder: ClassFolder, course: config.Course, seed: str, team: str, name: str) -> _Task:
    place = folder.submitted(team, name)
    submission = results.read(place / "submission.json", Submission)
    assert isinstance(submission, Submission)
    data = (place / f"{name}.ipynb").read_bytes()
    # where the student had them, as seen from the folder of the notebooks
    files = {
        f"handin/{name}/{path.removeprefix('files/')}": (place / path).read_bytes()
        for path in submission.files
    }
    released = (folder.root / "release" / name / f"{name}.ipynb").read_text()
    release = nbformat.reads(released, as_version=4)
    parts = [data, released.encode(), repr(course.limits).encode(), _code_version().encode()]
    parts += [f"{seed}|{team}|{name}|{course.notebooks[name].imports}".encode()]
    parts += [path.encode() + content for path, content in sorted(files.items())]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    points = {
        c.metadata.nbgrader.grade_id.removeprefix("check_"): float(c.metadata.nbgrader.points)
        for c in release.cells
        if c.cell_type == "code" and c.metadata.get("nbgrader", {}).get("grade")
    }
    limits = thresholds.load(folder.root)
    digest.update(repr(limits).encode())
    task = _Task(
        submission, digest.hexdigest(), released, files=files, points=points, seed=seed,
        limits=limits,
    )  # fmt: skip
    try:
        prepared = prepare(read_notebook(data), release)
    except NotANotebook as error:
        task.unreadable = str(error)
    except Exception as error:  # one file must not stop all, whatever it found a way to do
        task.unreadable = f"it can't be prepared ({type(error).__name__}: {error})"
    else:
        task.notebook = nbformat.writes(prepared.notebook)
        task.notes = [*submission.notes, *prepared.notes]
    return task


def _job(task: _Task, course: config.Course, isolation: str) -> Job | None:
    """The job of a task, or None if there is none and `unreadable` says why."""
    if task.unreadable:
        return None
    try:
        return task.job(course, isolation)
    except Exception as error:  # judges read files that were handed in, and those are hostile
        task.key = ""
        task.unreadable = f"no cases can be drawn for it ({type(error).__name__}: {error})"
        return None


def _kept_result(folder: ClassFolder, task: _Task) -> Result | None:
    """The result of an earlier run, if it is still what this run would find."""
    place = folder.result(task.submission.team, task.submission.notebook)
    try:
        result = results.read(place / "result.json", Result)
    except (OSError, msgspec.MsgspecError):
        return None
    assert isinstance(result, Result)
    executed = place / "executed.ipynb"
    whole = executed.is_file() and executed.stat().st_size > 0  # empty after a power cut
    return result if result.key == task.key and whole else None


def _finish_some(
    running: dict[Future[Outcome], _Task],
    recorder: _Recorder,
    summary: Summary,
    progress: Progress,
) -> None:
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        task = running.pop(future)
        error = future.exception()
        outcome = future.result() if error is None else _no_outcome(task, error)
        try:
            result, executed = _judged(task, outcome)
        except Exception as wrong:  # one outcome must not stop all, whatever is in it
            result, executed = _judged(task, _no_outcome(task, wrong))
        recorder.store(task, result, executed)
        summary.graded.append(result)
        summary.executed += 1
        progress("failed" if result.needs_human else "done", task.label)


def _no_outcome(task: _Task, error: BaseException) -> Outcome:
    if not isinstance(error, Exception) or isinstance(error, SandboxUnavailable):
        raise error
    task.key = ""  # it wasn't the student's doing: the next run tries again
    return Outcome(task.notebook, {}, f"could not be graded: {type(error).__name__}: {error}")


def _judged(task: _Task, outcome: Outcome) -> tuple[Result, nbformat.NotebookNode]:
    assert task.examination is not None
    checks = judging.judge(task.examination, outcome.answers, task.points)
    executed = nbformat.reads(outcome.notebook, as_version=4)
    checks = [_explained(check, executed) for check in checks]
    submission = task.submission
    result = _well_formed(
        submission.team,
        submission.notebook,
        task.key,
        checks,
        outcome.problem or task.examination.problem,
        task.notes,
        outcome.seconds,
        outcome.peak_mb,
        datetime.now(UTC),
        outcome.cell_seconds,
    )
    defuse.defuse(executed)
    defuse.show_verdicts(executed, result.checks)
    return result, executed


def _explained(check: CheckResult, executed: nbformat.NotebookNode) -> CheckResult:
    """Say why a check did not run, from what its cell shows."""
    if check.status != "not run":
        return check
    for cell in executed.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == f"check_{check.name}":
            for output in cell.get("outputs", []):
                if output.output_type == "error":
                    reason = f"{output.ename}: {output.evalue}".strip()[:300]
                    return msgspec.structs.replace(check, message=reason)
    return check


def _unreadable(task: _Task) -> Result:
    checks = [
        CheckResult(name, 0.0, worth, "not run", task.unreadable)
        for name, worth in task.points.items()
    ]
    return _well_formed(
        task.submission.team,
        task.submission.notebook,
        task.key,
        checks,
        task.unreadable,
        list(task.submission.notes),
        finished=datetime.now(UTC),
    )


def _well_formed(*args: Any, **kwargs: Any) -> Result:
    """A Result whose texts can be written, whatever a student put into them."""

    def mended(value: Any) -> Any:
        if isinstance(value, str):
            return well_formed(value[:MESSAGE_CHARACTERS])
        if isinstance(value, dict):
            return {key: mended(item) for key, item in value.items()}
        return [mended(item) for item in value] if isinstance(value, list) else value

    return msgspec.convert(mended(msgspec.to_builtins(Result(*args, **kwargs))), Result)


def _changed_answers(before: str, executed: nbformat.NotebookNode) -> frozenset[str]:
    """Ids of essays whose text differs from the one that was there to be marked."""
    if not before:
        return frozenset()
    old = {c.metadata.get("nbgrader", {}).get("grade_id"): c.source for c in _cells(before)}
    changed = set()
    for cell in executed.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name and cell.cell_type == "markdown" and old.get(name) != cell.source:
            changed.add(name)
    return frozenset(changed)


def _cells(text: str) -> list[nbformat.NotebookNode]:
    return list(nbformat.reads(text, as_version=4).cells)


def _seed(folder: ClassFolder) -> str:
    """The class's secret, made once: cases are fresh for the class and the same in a rerun."""
    path = folder.root / "seed"
    if not path.is_file():
        write_atomically(path, secrets.token_hex(16))
        path.chmod(0o600)
    return path.read_text().strip()


@cache
def _code_version() -> str:
    """Digest of the code that decides marks: judges and comparison."""
    digest = hashlib.sha256()
    names: tuple[str, ...] = ("cases", "check", "codec", "compare", "identity", "measures")
    names += ("assess", "describe", "exam_images", "graphs", "models", "photo_digits")
    paths = [p for n in names if (p := config.ROOT / "utils" / f"{n}.py").is_file()]
    paths += sorted((config.HERE / "judges").rglob("*.py"))
    for path in [*paths, Path(judging.__file__)]:
        digest.update(path.read_bytes())
    return digest.hexdigest()
