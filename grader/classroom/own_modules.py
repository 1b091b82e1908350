"""Modules of a student's own, as they are kept with a submission: as text that nothing imports.

Graders put them beside the notebook again, show them to markers, and compare them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from grader.classroom.results import Submission
from grader.text import well_formed

FOLDER = "modules"
"""Folder in a submission's folder."""
AS_TEXT = ".txt"
"""Ending that keeps Python from finding them there."""


def place_of(stored: str, notebook: str) -> str:
    """Where a file of a submission lies, as seen from the notebook's folder while it is graded."""
    if stored.startswith(f"{FOLDER}/"):
        return stored.removeprefix(f"{FOLDER}/").removesuffix(AS_TEXT)
    return f"handin/{notebook}/{stored.removeprefix('files/')}"


def read(folder: Path, submission: Submission) -> Iterator[tuple[str, str]]:
    """(path as seen from the notebook's folder, text) of each.

    folder: the submission's.  Raises OSError.
    """
    for stored in submission.files:
        if stored.startswith(f"{FOLDER}/"):
            text = (folder / stored).read_bytes().decode("utf-8-sig", "replace")
            yield place_of(stored, submission.notebook), well_formed(text)
