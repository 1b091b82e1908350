"""One submission on its way: merged with its release, asked its cases, made into a job.

It needs what was handed in and the settings, and no class.  Whatever is wrong with a submission's
own files costs that submission; what is wrong with the course's files or settings ends the run with
a clear error, since it would cost everybody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import msgspec
import nbformat
from nbformat.notebooknode import NotebookNode

from grader import config
from grader.cells import about, check_of, grade_id
from grader.classroom import own_modules, releases, reports
from grader.classroom.account import NOTHING_SAID, Account, Question
from grader.classroom.results import Beside, Submission
from grader.contract import nets
from grader.contract.judges import judges_of
from grader.errors import ConfigError
from grader.executing import older
from grader.executing.execute import Job
from grader.executing.older import Older
from grader.executing.prepare import NotANotebook, prepare, read_notebook
from grader.freshness import code_version, net_version
from grader.grading import looked_at, stored
from grader.grading.looked_at import Reports
from grader.judging import examination as judging


@dataclass(frozen=True)
class Release:
    """The released version of one notebook, read once for all its submissions."""

    name: str
    text: str
    notebook: NotebookNode
    points: dict[str, float]
    """What each check is worth."""
    known: Mapping[str, NotebookNode] = field(default_factory=dict)
    """Id -> release, of this one and of all older ones that the class folder holds."""

    @cached_property
    def id(self) -> str:
        """Which release it is."""
        return releases.id_of(self.notebook)

    @cached_property
    def asks_for_report(self) -> bool:
        """Is there an essay in it whose marker looks at a report?"""
        return looked_at.asks_for_report(self.notebook)

    def had_by(self, claimed: str, submitted: NotebookNode) -> str:
        """Id of the release that a notebook was made from, by what it says or by its cells."""
        if claimed in self.known:
            return claimed
        return releases.likeliest(submitted, self.id, self.known) if self.known else self.id


@dataclass(frozen=True)
class Task:
    """One submission on its way, merged with its release."""

    submission: Submission
    key: str
    """Digest of all that the result depends on."""
    release: Release
    notebook: str = ""
    """Ready to be executed, as JSON; empty if it is unreadable."""
    notes: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    """Essays whose answer may stand beside their cell."""
    questions: tuple[Question, ...] = ()
    """What a person must look at, whatever comes of it."""
    account: Account = NOTHING_SAID
    unreadable: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)
    seed: str = ""
    """What its cases are drawn from."""
    members: tuple[str, ...] = ()
    """Ids of those in the team, where numbers of their own are asked for."""
    limits: Mapping[str, Any] = field(default_factory=dict)
    """Thresholds for trained models."""
    contested: bool = False
    """Is it one of two attempts of which the better counts?"""
    shelf: str = ""
    """Where its result is kept, if another attempt counts so far, see `ClassFolder.result`."""
    older: Older | None = None
    """What the release that the team had lacks, if it was an older one."""
    handed_in: str = ""
    """Digest of what was handed in."""
    beside: tuple[Beside, ...] = ()
    """What markers of some essays look at beside the answer."""

    @property
    def label(self) -> str:
        """For messages: "team_7/01_implementing_cnn"."""
        return f"{self.submission.team}/{self.submission.notebook}"

    @property
    def place(self) -> tuple[str, str, str]:
        """Tells it from all others: team, notebook, shelf."""
        return self.submission.team, self.submission.notebook, self.shelf

    @property
    def called(self) -> str:
        """The same, with the attempt where it is not the one that counts."""
        return f"{self.label}, attempt {self.submission.attempt}" if self.shelf else self.label

    @property
    def points(self) -> dict[str, float]:
        """What each check is worth."""
        return self.release.points


@dataclass(frozen=True)
class Asked:
    """A task with the cases that were drawn for it, and the job that executes it."""

    task: Task
    examination: judging.Examination
    job: Job

    @property
    def execution(self) -> str:
        """Digest of all that the outcome of the job depends on."""
        return stored.execution_key(self.job)


@dataclass(frozen=True)
class Unreadable:
    """A task that can't be executed, and why."""

    task: Task
    reason: str


def ask(task: Task, course: config.Course, isolation: str) -> Asked | Unreadable:
    """Draw the cases of a task, and make the job that executes it."""
    if task.unreadable:
        return Unreadable(task, task.unreadable)
    name = task.submission.notebook
    net = course.notebooks[name].net
    try:
        examination = judging.draw(
            name, task.submission.team, task.seed, task.files, task.limits, net, task.members
        )
        questions = examination.questions(course.limits.seconds_per_call)
        seconds = examination.seconds(course.limits.seconds_per_call)
    except Exception as error:  # judges read files that were handed in, and those are hostile
        reason = f"no cases can be drawn for it ({type(error).__name__}: {error})"
        return Unreadable(replace(task, key=""), reason)
    kernel, files = course.notebooks[name].kernel, dict(task.files)
    job = Job(
        task.label, task.notebook, questions, course.limits, kernel, files, isolation, net, seconds
    )
    return Asked(task, examination, job)


def released(name: str, text: str, earlier: Mapping[str, NotebookNode]) -> Release:
    """A release from its text.  earlier: id -> release, of those that teams may have had instead.

    Raises ValueError if it is no notebook.
    """
    notebook = nbformat.reads(text, as_version=4)
    points = {
        check: float(about(cell)["points"]) for cell in notebook.cells if (check := check_of(cell))
    }
    known = {**earlier, releases.id_of(notebook): notebook}
    return Release(name, text, notebook, points, known)


def make(
    submission: Submission,
    content: Mapping[str, bytes],
    course: config.Course,
    seed: str,
    release: Release,
    limits: dict[str, Any],
    members: Sequence[str] = (),
    reported: Sequence[str] = (),
) -> Task:
    """The task that a submission is.

    content: its notebook and its files, by the paths at which they are kept.  seed: the secret that
    cases are drawn from.  limits: thresholds.  members: ids of those in the team.  reported:
    attempts at the notebook that came with a report, if that is asked for.
    Raises ConfigError if the net that it is graded on is not at hand.
    """
    name = release.name
    members = members if members and _asks_for_own_numbers(name) else ()
    team, data = submission.team, content[f"{name}.ipynb"]
    read = {path: content[path] for path in submission.files}
    report = {path: held for path, held in read.items() if reports.is_one(path)}
    others = tuple(attempt for attempt in reported if attempt != submission.attempt)
    # where the student had them, as seen from the folder of the notebooks
    files = {
        own_modules.place_of(path, name): held for path, held in read.items() if path not in report
    }
    handed_in = hashlib.sha256(data)
    for path, held in sorted({**files, **report}.items()):
        handed_in.update(path.encode() + len(held).to_bytes(8, "big") + held)
    parts = [data, release.text.encode(), repr(course.limits).encode(), code_version(name).encode()]
    parts += [f"{seed}|{team}|{name}|{course.notebooks[name].kernel}".encode()]
    parts += [path.encode() + held for path, held in sorted({**files, **report}.items())]
    parts += [f"report of attempt {other}".encode() for other in others]
    parts += [_net_version(course, name).encode()]
    parts += [f"member {member}".encode() for member in members]
    try:
        submitted = read_notebook(data)
        had, reason = release.had_by(submission.release, submitted), ""
    except NotANotebook as error:
        submitted, had, reason = None, release.id, str(error)
    except Exception as error:  # one file must not stop all, whatever it found a way to do
        submitted, had, reason = None, release.id, _unprepared(error)
    parts += [f"{submission.release} {had}".encode()] if had != release.id else []
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    digest.update(repr(limits).encode())
    task = Task(
        submission,
        digest.hexdigest(),
        release,
        unreadable=reason,
        files=files,
        seed=judging.seed_of(seed, handed_in.hexdigest()),
        members=tuple(members),
        limits=limits,
        handed_in=handed_in.hexdigest(),
    )
    if submitted is None:
        return task
    try:
        return _merged(task, submitted, had, Reports(report, others))
    except Exception as error:
        return replace(task, unreadable=_unprepared(error))


def _merged(task: Task, submitted: NotebookNode, had: str, came: Reports) -> Task:
    """The task with the notebook that is to be executed.

    had: id of the release that the team had.  came: what came along as a report.
    """
    release, submission = task.release, task.submission
    notes, lacks, known = [*submission.notes], None, [release.notebook]
    if had == release.id:
        prepared = prepare(submitted, release.notebook)
    else:
        then = release.known[had]
        known.append(then)
        renewed = older.renew(submitted, then, release.notebook)
        prepared = prepare(renewed.notebook, release.notebook, then)
        lacks = older.lacking(then, release.notebook, prepared.notebook)
        notes += [f"made from the older release {had}", *renewed.notes]
    beside = looked_at.of(task.submission, prepared.notebook, known, task.files, came)
    elsewhere = dict.fromkeys([*prepared.elsewhere, *(b.cell for b in beside if b.digest)])
    return replace(
        task,
        notebook=nbformat.writes(prepared.notebook),
        notes=(*notes, *prepared.notes),
        elsewhere=tuple(elsewhere),
        beside=beside,
        questions=(*prepared.questions, *_of_unknown_release(task, submitted, had)),
        account=msgspec.structs.replace(
            prepared.account, others=(*prepared.account.others, *submission.others)
        ),
        older=lacks,
    )


def _of_unknown_release(task: Task, submitted: NotebookNode, had: str) -> Iterator[Question]:
    """What to ask about a notebook of a release that nobody knows here, if it matters."""
    release, said = task.release, task.submission.release
    if not said or said in release.known:
        return
    there = {grade_id(cell) for cell in submitted.cells}
    asked = (*releases.worth(release.known[had].cells),)
    if missing := [name for name in asked if name not in there]:
        yield Question(
            "older release",
            f"it was made from release {said}, which is not at hand, and has no "
            f"cell for {', '.join(missing[:5])}{', …' if len(missing) > 5 else ''}",
            f"put the notebook of that release into {releases.FOLDER}/{release.name}/ of the class "
            "folder (of judge's --settings) and grade again, or mark those by hand",
        )


def _unprepared(error: Exception) -> str:
    return f"it can't be prepared ({type(error).__name__}: {error})"


def _asks_for_own_numbers(name: str) -> bool:
    return any(judge.by_student for judge in judges_of(name).values())


def _net_version(course: config.Course, name: str) -> str:
    """Name and digests of the net that a notebook is graded on.

    Raises ConfigError if it is not at hand.
    """
    try:
        return net_version(course.notebooks[name].net)
    except (OSError, nets.NetUnavailable) as error:
        raise ConfigError(f"notebooks.{name}: {error}") from error
