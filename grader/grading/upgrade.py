"""Bring a class folder of an older program, or of an earlier course, up to date, without grading.

What that changes is said beforehand by `rejudge.preview`, which writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from grader import config
from grader.classroom import results
from grader.classroom.folder import ClassFolder
from grader.classroom.results import Result
from grader.files import writing
from grader.formgrader.setup import set_up


def upgrade(folder: ClassFolder, course: config.Course) -> list[str]:
    """Refresh releases, gradebook and results; returns what became of exercises, in lines.

    Marks stay as they are until `./course grade`.
    """
    with writing(folder.root):
        for path in older_results(folder):
            results.write(path, results.read(path, Result))
        return set_up(folder, course)  # the folder's version comes last


def older_results(folder: ClassFolder) -> Iterator[Path]:
    """Results in the shape that programs wrote before there were questions."""
    for path in sorted((folder.root / "results").glob("*/*/result.json")):
        try:
            entries = msgspec.json.decode(path.read_bytes(), type=dict[str, msgspec.Raw])
        except (OSError, msgspec.MsgspecError):
            continue  # grading says what is wrong with it, and does it again
        if "needs_human" in entries and "questions" not in entries:
            yield path
