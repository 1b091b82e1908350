"""Reports that came along with notebooks, as they are kept: for markers to open, and nobody else.

What a browser would run is kept as plain text.  Which of an archive's files is one
`utils.packing.enclosed` says, to the packer as well.
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.classroom import attempts
from grader.classroom.folder import ClassFolder
from grader.classroom.results import Submission

FOLDER = "report"
"""Folder in a submission's folder."""
WHY = "the report, for its marker"
"""What is said of one in the list of what came along."""
_RUNS = (".html",)


def is_one(stored: str) -> bool:
    """Is a file of a submission a report?"""
    return stored.startswith(f"{FOLDER}/")


def stored_as(paths: Sequence[str]) -> list[str]:
    """Where the reports of one archive are kept: names that say nothing of who wrote them."""
    places = []
    for number, path in enumerate(paths, 1):
        suffix = f".{path.rpartition('.')[2].lower()}"
        text = ".txt" if suffix in _RUNS else ""
        places.append(f"{FOLDER}/report{f'-{number}' if number > 1 else ''}{suffix}{text}")
    return places


def of(submission: Submission) -> list[str]:
    """Reports of a submission, by their paths in its folder."""
    return [stored for stored in submission.files if is_one(stored)]


def places(folder: ClassFolder, submission: Submission) -> list[str]:
    """Where they lie, as seen from the class folder: those of the attempt that counts."""
    place = folder.submitted(submission.team, submission.notebook).relative_to(folder.root)
    return [(place / stored).as_posix() for stored in of(submission)]


def attempts_with(folder: ClassFolder, team: str, notebook: str) -> list[str]:
    """Attempts at a notebook that came with a report."""
    return [entry.attempt for entry in attempts.of(folder, team, notebook) if of(entry)]


def names(submission: Submission) -> list[str]:
    """What they were called where they came from."""
    return [other.what for other in submission.others if other.why == WHY]
