"""The files that pass between the rooms: what was taken in, and what grading found.

All are JSON, read back with their types checked; a malformed file raises msgspec.ValidationError.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from grader.classroom.account import Account, Other, Question
from grader.classroom.folder import ClassFolder
from grader.files import write_atomically

_Kind = TypeVar("_Kind")

NOT_ASKED = "not asked"
"""Status of a check that the release of the team did not hold: what it earns is for a human."""


class Submission(msgspec.Struct, frozen=True):
    """submission.json: one notebook as it was taken in.  Written by intake."""

    team: str
    notebook: str
    archive: str
    """File name of the archive it came from."""
    archive_sha256: str
    received: datetime
    """With a time zone: when the archive arrived, as the instructor's side knows it."""
    files: list[str] = []
    """Other files handed in with the notebook, relative to the submission's folder."""
    notes: list[str] = []
    """What was mended on the way in, or is odd: renamed notebook, UTF-8 BOM, cleared outputs."""
    arrival: str = "known"
    """"known" if it arrived at `received`; else that is when an LMS' download was made, and it
    arrived before, "on time" or "late" by the LMS' word, or at an "unknown" time."""
    told_by: str = "file"
    """Who says so: the "instructor", the "LMS", a "name" by the instructor's rule, the "student"'s
    own program, the date of the "file" on our side; "nobody" if it is unknown.  A receipt that came
    with it names digests, no time, and is the student's word."""
    questions: list[Question] = []
    """What only a human can decide about the way it came."""
    given: bool = False
    """Was `received` given by hand?  Then it stands until another one is."""
    attempt: str = ""
    """Name of its folder in attempts/: when it came, and a digest of the work."""
    uploaders: list[str] = []
    """Students who handed in this very work, as far as the LMS or the file's name tells."""
    others: list[Other] = []
    """Files that came with it and are not among `files`, and what was done with each."""
    batch: str = ""
    """When the run that took it in began, by a clock of the course's zone: 2027-01-29T20:00:03."""
    release: str = ""
    """Id of the release that it says it was made from; "" if it says none."""
    unvouched: str = ""
    """The zip that says whose it is, if that only looks like a download from an LMS."""


class Rejected(msgspec.Struct, frozen=True):
    """One entry of rejected.json: an archive, or a file in one, that could not be taken in."""

    archive: str
    """Its path from what was collected: downloads/Ann Example/work.zip."""
    team: str
    """The team it would have belonged to, or "" if unknown."""
    reason: str
    notebook: str = ""
    """The notebook that could not be taken in; "" if that is unknown, or all."""
    source: str = ""
    """Where it lay on this machine, which tells two of one name apart."""
    sha256: str = ""
    """Of a file of which nobody could tell whose it is: it may come again under another name."""
    person: str = ""
    """Who uploaded it by the LMS' word: Ann Example, moodle 54321; "" if it came in another way."""


class Ignored(msgspec.Struct, frozen=True):
    """One entry of ignored.json: what collect saw and did not take."""

    source: str
    """Where it lay: a path on this machine, with what is below it in an archive."""
    reason: str


class Settled(msgspec.Struct, frozen=True):
    """One entry of settled.json: somebody has looked at a question, and lets the marks stand.

    It holds for this question about this very work; about another one it is asked anew.
    """

    team: str
    notebook: str
    work: str
    """Digest of the files that were looked at."""
    cause: str
    reason: str
    cell: str = ""
    batch: str = ""
    when: datetime | None = None
    note: str = ""


class CaseResult(msgspec.Struct, frozen=True):
    """One case of one check."""

    label: str
    score: float
    message: str = ""
    """What is said of it, for markers: with what was expected."""
    mistake: str = ""
    for_student: str = ""
    """What is said of it to the student."""


class CheckResult(msgspec.Struct, frozen=True):
    """One autograde cell."""

    name: str
    points: float
    max_points: float
    status: str = "judged"
    """"judged", or why there is nothing to judge: "not run", "damaged answer", or NOT_ASKED."""
    message: str = ""
    """In plain words, for student and instructor, when the status is not "judged"."""
    mistake: str = ""
    hint: str = ""
    section: str = ""
    cases: list[CaseResult] = []
    numbers_of: str = ""
    """Whose numbers it is right for, if those are not the team's."""
    denied: str = ""
    """What the files that were handed in deny of the answer."""
    unproven: str = ""
    """What of the answer nothing could be held against."""


class Beside(msgspec.Struct, frozen=True):
    """What the marker of an essay looks at beside the answer: a report, or the code itself."""

    cell: str
    kind: str
    """REPORT or CODE, as in `cells.beside_of`."""
    words: str
    """What is known of it, for marker and student alike."""
    digest: str = ""
    """Of what is looked at; "" if there is nothing, and then an answer as released earns 0."""


class Result(msgspec.Struct, frozen=True):
    """result.json: one graded notebook.  Written by grade."""

    team: str
    notebook: str
    key: str
    """Digest of everything the result depends on: submission, judges, settings, seed."""
    checks: list[CheckResult]
    questions: list[Question] = []
    """What a person must look at; none if all went by itself."""
    notes: list[str] = []
    """What the instructor may want to know: restored cells, a check that ran twice."""
    seconds: float = 0.0
    peak_mb: float = 0.0
    finished: datetime | None = None
    cell_seconds: float = 0.0
    """How much of the seconds the cells themselves took."""
    judging_seconds: float = 0.0
    """What judging took, after them."""
    elsewhere: list[str] = []
    """Essays that a marker must read though their cell is as released: the answer may stand
    elsewhere in the notebook."""
    account: Account = Account()
    """Where each answer came from, and what became of everything else."""
    batch: str = ""
    """When the run that it came of began, as in `Submission`."""
    handed_in: str = ""
    """Digest of what was handed in, to tell another verdict from another answer."""
    beside: list[Beside] = []

    @property
    def needs_human(self) -> str:
        """Why a person must look at it; empty if all went by itself."""
        return "; ".join(map(str, self.questions))

    @property
    def points(self) -> float:
        """Sum over the autograde cells."""
        return sum(check.points for check in self.checks)

    @property
    def max_points(self) -> float:
        """Sum of what the autograde cells are worth."""
        return sum(check.max_points for check in self.checks)


def points(value: float) -> str:
    """A number of points, as pages and exports write it: two decimals at most.

    >>> points(12.5), points(3.0), points(1 / 3)
    ('12.5', '3', '0.33')
    """
    return f"{value:.2f}".rstrip("0").rstrip(".") if value == value else "?"


def write(path: Path, value: msgspec.Struct | list[Any], durable: bool = True) -> None:
    """Write one of the structures above, atomically."""
    write_atomically(path, msgspec.json.format(msgspec.json.encode(value), indent=1), durable)


def read(path: Path, kind: type[_Kind]) -> _Kind:
    """Read a structure back.  Raises OSError or msgspec.ValidationError."""
    data = path.read_bytes()
    found = msgspec.json.decode(data, type=kind)
    if not isinstance(found, Result) or found.questions or b'"needs_human"' not in data:
        return found
    reason = msgspec.json.decode(data, type=_Older).needs_human
    questions = [Question("stopped", reason)] if reason else []
    return msgspec.structs.replace(found, questions=questions)


class _Older(msgspec.Struct, frozen=True):
    """What result.json held before there were questions."""

    needs_human: str = ""


def graded(folder: ClassFolder) -> Iterator[Result]:
    """What grading found, for every submission that has a result, by team and notebook.

    One at a time, since a class may be large.  Raises OSError or msgspec.ValidationError.
    """
    for path in sorted((folder.root / "results").glob("*/*/result.json")):
        yield read(path, Result)
