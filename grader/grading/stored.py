"""Answers kept from an execution, so that a new judge or threshold can mark them again.

They are as untrusted as on the day they came, and they count only for the very same job: the same
notebook, inputs, files, net and limits, executed by the same code with the same libraries.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import nbformat

from grader.cells import runs_when_graded
from grader.classroom.folder import ClassFolder
from grader.executing.execute import Job, Outcome
from grader.files import write_atomically
from grader.freshness import execution_version, libraries, net_version

FILE = "answers.msgpack"
LARGEST = 32 * 1024 * 1024
"""Bytes of answers of one submission that are kept; larger ones must be executed again."""


class Stored(msgspec.Struct, frozen=True):
    """What the judge needs beside the executed notebook.  The answers are packed already."""

    execution: str
    """Digest of the job that it came from."""
    answers: dict[str, list[bytes]]
    problem: str = ""


def keep(place: Path, execution: str, outcome: Outcome) -> None:
    """Keep the answers of an outcome in a folder of results, in place of older ones."""
    path = place / FILE
    stored = Stored(execution, outcome.answers, outcome.problem)
    if sum(len(part) for parts in outcome.answers.values() for part in parts) > LARGEST:
        path.unlink(missing_ok=True)
    else:
        write_atomically(path, msgspec.msgpack.encode(stored), durable=False)


def find(place: Path, execution: str) -> Stored | None:
    """The answers kept in a folder of results from the same job, if there are any."""
    stored = _read(place)
    return stored if stored is not None and stored.execution == execution else None


def read(folder: ClassFolder, team: str, notebook: str) -> Stored | None:
    """The answers that are kept, whatever job they came from; None if there are none."""
    return _read(folder.result(team, notebook))


def _read(place: Path) -> Stored | None:
    try:
        return msgspec.msgpack.decode((place / FILE).read_bytes(), type=Stored)
    except (OSError, msgspec.MsgspecError):
        return None


def execution_key(job: Job) -> str:
    """Digest of all that the outcome of a job depends on."""
    course = [execution_version(), libraries(), net_version(job.net)]
    digest = hashlib.sha256(", ".join(course).encode())
    bare = msgspec.structs.replace(job, isolation="", notebook=_executed_part(job.notebook))
    digest.update(msgspec.msgpack.encode(bare))
    return digest.hexdigest()


def _executed_part(notebook: str) -> str:
    """What a kernel gets of a notebook: other words, points and ids around it don't matter."""
    cells = nbformat.reads(notebook, as_version=4).cells
    return repr([(c.source, c.metadata.get("tags")) for c in cells if runs_when_graded(c)])
