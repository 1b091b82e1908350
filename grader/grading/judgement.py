"""What `./course judge` writes: one submission and its verdict, as JSON for programs.

Its schema is docs/judgement.schema.json, made from here.  What may be shown to students stands
apart from what is for markers; nothing else of it is theirs to see.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from grader.classroom.results import Ignored
from grader.classroom.told import Told
from grader.errors import CourseError
from grader.files import write_atomically

REJECTED: Final = "rejected"
NOT_GRADABLE: Final = "not gradable"
State = Literal["final", "essays to mark", "needs a human", "rejected", "not gradable"]
"""Those of a class (`classroom.states`) that follow judging, and two that end it."""

Points = Annotated[float, Meta(ge=0)]
Text = Annotated[str, Meta(description='In plain words; "" if there is nothing to say.')]


class Case(msgspec.Struct, frozen=True):
    """One case of a check, for markers."""

    label: str
    score: Annotated[float, Meta(ge=0, le=1)]
    message: Annotated[str, Meta(description="With what was expected.")]
    mistake: Annotated[str, Meta(description="The known mistake that leads to this value.")]


class ForMarkers(msgspec.Struct, frozen=True):
    """The verdict with hidden values in it."""

    message: Text
    mistake: Annotated[str, Meta(description="What explains most of what is wrong.")]
    hint: str
    cases: list[Case]
    numbers_of: Annotated[
        str, Meta(description="Whose numbers it is right for, if those are not the team's.")
    ]
    denied: Annotated[str, Meta(description="What the files handed in deny of the answer.")]
    unproven: Annotated[str, Meta(description="What nothing could be held against.")]


class Check(msgspec.Struct, frozen=True):
    """One exercise that is judged."""

    name: str
    points: Points
    maximum: Points
    bonus: Annotated[bool, Meta(description="Do its points come on top of the maximum?")]
    status: Annotated[
        str, Meta(description='"judged", "not run", "damaged answer" or "not asked".')
    ]
    for_markers: ForMarkers
    for_students: Told


class Essay(msgspec.Struct, frozen=True):
    """One exercise that a human marks.  It has earned nothing so far."""

    name: str
    maximum: Points
    bonus: bool
    to_mark: Annotated[bool, Meta(description="Is there an answer to mark?")]


class Drawn(msgspec.Struct, frozen=True):
    """What the cases were drawn from."""

    secret: Annotated[
        Literal["given", "fresh"],
        Meta(description='"fresh": made for this run; another run draws other cases.'),
    ]
    id: Annotated[str, Meta(description="Equal for equal cases; it gives nothing away.")]


class Times(msgspec.Struct, frozen=True):
    """When, and how many seconds it took."""

    began: datetime
    ended: datetime
    seconds: Annotated[float, Meta(description="All of it.")]
    kernel: Annotated[float, Meta(description="The kernel, from its start to its end.")] = 0.0
    cells: Annotated[float, Meta(description="Of that, the cells themselves.")] = 0.0
    judging: float = 0.0


class Versions(msgspec.Struct, frozen=True):
    """What the verdict depends on beside what was handed in."""

    program: str
    judges: Annotated[str, Meta(description="Digest of all code and data that decide marks.")]
    kernel: Annotated[str, Meta(description="Digest of what decides a kernel's answers.")]
    libraries: str
    release: Annotated[str, Meta(description="Of the notebook that it was held against.")]
    net: Annotated[str, Meta(description='The net that it was judged on; "" for the course\'s.')]


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """One submission of one notebook, and what came of it.

    "final": the points stand.  "essays to mark": those of the checks stand.  "needs a human": the
    points stand unless who reads the reasons decides otherwise.  "rejected": the notebook could not
    be taken, and there are no points.  "not gradable": a fault that is not the submission's; there
    are no points, and the same files may be judged again.
    """

    format: Annotated[int, Meta(description="Of this object: 1.")] = 1
    team: str
    notebook: str
    state: State
    points: Annotated[
        Points | None, Meta(description="Of all checks; null where nothing was judged, never 0.")
    ] = None
    maximum: Annotated[
        Points | None,
        Meta(description="Of checks and essays without bonus; null where that is not known."),
    ] = None
    essays_to_mark: int = 0
    needs_human: Annotated[list[str], Meta(description="Reasons, each with what to do.")] = []
    checks: list[Check] = []
    essays: list[Essay] = []
    notes: Annotated[list[str], Meta(description="What was mended, or is odd.")] = []
    ignored: Annotated[list[Ignored], Meta(description="What was seen and not taken.")] = []
    handed_in: Annotated[str, Meta(description="Digest of what was judged.")] = ""
    drawn: Drawn | None = None
    times: Times | None = None
    peak_mb: Annotated[float, Meta(description="Most memory of the kernel at once.")] = 0.0
    versions: Versions | None = None


def failed(team: str, notebook: str, reason: str) -> Judgement:
    """What is said where a fault of ours kept a submission from being judged."""
    return Judgement(team=team, notebook=notebook, state=NOT_GRADABLE, needs_human=[reason])


@contextmanager
def written(out: Path, team: str, notebook: str) -> Iterator[Callable[[Judgement], None]]:
    """Yields what writes a judgement to a file, which from now on tells the truth, come what may.

    An older one never stays; who is killed, or fails, leaves one that says so.  It holds hidden
    values, so it is its owner's alone.  Raises FolderUnusable.
    """

    def write(found: Judgement) -> None:
        content = msgspec.json.format(msgspec.json.encode(found), indent=1)
        write_atomically(out, content + b"\n", secret=True)

    write(failed(team, notebook, "judging was ended before it was done; judge it again"))
    try:
        yield write
    except Exception as error:
        told = str(error) if isinstance(error, CourseError) else f"{type(error).__name__}: {error}"
        write(failed(team, notebook, told))
        raise


def schema() -> str:
    """JSON Schema (2020-12) of a judgement, as text."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    found = dialect | msgspec.json.schema(Judgement)
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"
