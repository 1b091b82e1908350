"""What somebody handed in, as it came: its files, unopened, and what is known of when.

It never opens a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from grader.intake.arrivals import Batch

ARCHIVE_NAME = re.compile(
    r"(.+?)(?:\.tar(?:-\d+)?\.gz|\.tgz|\.tar|\.zip|\.gz|\.rar|\.7z|\.bz2|\.tbz2?|\.xz|\.txz)",
    re.IGNORECASE | re.DOTALL,
)
"""Endings of archives; those that are not opened are refused by what they hold."""
NOT_KNOWN = "when it arrived is not known"
LABEL = 400
"""Longest name of an archive in reports: long enough to tell two apart in deep folders."""


@dataclass(frozen=True)
class File:
    """One file as it was delivered: an archive, or a file by itself."""

    path: str
    """Where it lies in the delivery."""
    label: str
    """What it is called in reports: its path from what was collected."""
    changed: datetime | None
    read: Callable[[], bytes]
    """Raises Refused."""

    @property
    def is_archive(self) -> bool:
        """Whether it calls itself an archive."""
        return ARCHIVE_NAME.fullmatch(self.path.rpartition("/")[2]) is not None


@dataclass
class Delivery:
    """What one team handed in at one time."""

    label: str
    team: str
    files: list[File]
    arrived: datetime
    """When the newest file arrived, as this machine or the LMS knows it."""
    notes: list[str] = field(default_factory=list)
    group: str = ""
    """The LMS' number of the group that it is from, if it goes by groups."""
    batch: Batch | None = None
    """What else came with it, or lies beside it."""
    uploader: str = ""
    """The student who handed it in, if the LMS or the name of a file or folder tells."""
    in_time: bool | None = None
    """Whether it arrived on time by the LMS' word; None if it says nothing."""

    doubt: str = ""
    """Why its date can't be that of an arrival."""
    person: str = ""
    """Who uploaded it, as the LMS calls that student or group."""
    system: str = ""
    """Which LMS, as in --lms NAME."""
    number: str = ""
    """The LMS' number of whoever uploaded it."""
    dated: str = ""
    """Who says when it arrived, if not the date of a file: as in `results.Submission.told_by`."""
    in_zone: bool = False
    """Was that time read in a zone of the settings, which may be put right?"""
    rule: str = ""
    """What says whose it is."""

    @property
    def seen(self) -> datetime | None:
        """The newest date of its files on our side, if any has one."""
        return max((file.changed for file in self.files if file.changed), default=None)

    def dated_by(self, who: str, moment: datetime, in_zone: bool) -> None:
        """Take somebody's word for when it arrived, in place of the dates of its files.

        in_zone: whether it was said without a zone.
        """
        self.arrived, self.dated, self.doubt, self.in_zone = moment, who, "", in_zone
        self.notes = [note for note in self.notes if not note.endswith(NOT_KNOWN)]

    def arrival(self, due: datetime | None) -> tuple[str, str]:
        """What is known about its arrival, and who says so, as in `results.Submission`."""
        if self.dated:
            return "known", self.dated
        if self.batch is not None and self.batch.unvouched:
            return "unknown", "nobody"
        downloads = self.batch is not None and self.batch.is_downloads(self.arrived, due)
        if not self.doubt and not downloads:
            return "known", "LMS" if self.batch and self.batch.zipped else "file"
        if self.in_time is None:
            return "unknown", "nobody"
        return "on time" if self.in_time else "late", "LMS"
