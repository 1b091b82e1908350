"""The log of grading, `grade.log` in the class folder: a second terminal follows it with tail -F.

It is for people.  Nothing reads it back, and a line that can't be written stops nothing.
"""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path

from grader.classroom.results import Result
from grader.config.zones import MACHINES, Zone

FILE = "grade.log"
LARGEST = 8 * 1024 * 1024
"""Bytes; a longer log is put aside as grade.log.1, in place of an older one."""


class RunLog:
    """Adds lines to the log of a class folder."""

    def __init__(self, root: Path, zone: Zone = MACHINES) -> None:
        """zone: in which its times are."""
        self.path, self.zone = root / FILE, zone

    def write(self, text: str) -> None:
        """Add a line with the time."""
        line = f"{self.zone.shown(datetime.now(UTC)):%Y-%m-%d %H:%M:%S} {' '.join(text.split())}\n"
        with contextlib.suppress(OSError):
            if self.path.is_file() and self.path.stat().st_size > LARGEST:
                self.path.replace(self.path.with_suffix(".log.1"))
            with self.path.open("a", encoding="utf-8", errors="replace") as stream:
                stream.write(line)

    def result(self, what: str, label: str, result: Result) -> None:
        """Add a line about a new result."""
        text = f"{what} {label}: {result.points:g} of {result.max_points:g} points"
        text += f", {result.seconds:.1f} s, {result.peak_mb:.0f} MB"
        self.write(f"{text}; NEEDS A HUMAN: {result.needs_human}" if result.needs_human else text)
