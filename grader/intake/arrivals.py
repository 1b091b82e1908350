"""When something arrived, as far as its date can be that of an arrival.

What is unknown or can't be true costs nobody anything, and is said.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

from grader.config import Times

PAUSE = timedelta(minutes=10)
"""Longest pause between two files of one download, while it is packed or unpacked."""
SKEW = timedelta(minutes=10)
"""How far the clock of a server may be ahead of ours."""
YEAR_ZERO = 1980
"""Zip's first year: what bears it, or a year before, has no date."""


@dataclass(frozen=True)
class Arrival:
    """When something arrived, or why nobody knows."""

    moment: datetime
    """The last moment at which it can have arrived."""
    doubt: str = ""
    """Why its date can't be that of an arrival; "" if it can."""


def judged(times: Iterable[datetime | None], course: Times, fallback: datetime | None) -> Arrival:
    """The arrival of several files by their dates.

    fallback: a moment after they arrived, if one is known; else they did before now.
    """
    now = datetime.now(UTC)
    newest = max((moment for moment in times if moment), default=None)
    if newest is None:
        return Arrival(min(fallback or now, now), "it has no date")
    doubt = ""
    if newest > now + SKEW:
        doubt = "lies in the future"
    elif newest.astimezone(UTC).year <= YEAR_ZERO:
        doubt = "is that of a file without one"
    elif course.begins and newest < course.begins:
        doubt = "lies before the course began"
    if not doubt:
        return Arrival(newest)
    return Arrival(now, f"its date, {course.zone.shown(newest):%Y-%m-%d %H:%M}, {doubt}")


@dataclass
class Batch:
    """Files that came in one download, or lie in one folder, and their times.

    Moodle and Canvas write the moment of the download into its files, so do tools that unpack it,
    and whoever copies files gives them the moment of the copy.  Such times follow each other within
    minutes, and say nothing about a student.
    """

    download: bool
    """Whether the LMS made it, which a single upload does not show."""
    zipped: bool = False
    unvouched: str = ""
    """Name of the zip, if nobody has said that an LMS made it."""
    least: int = 2
    """So many within minutes are no accident."""
    times: list[datetime] = field(default_factory=list)

    def is_downloads(self, moment: datetime, due: datetime | None) -> bool:
        """Whether a time is the download's, not that of an arrival.

        Times of arrival may be close, too, but are not so for most of a class after it was due.
        """
        bunched = [
            bunch
            for bunch in self._bunches
            if (len(bunch) >= self.least or (self.download and len(self.times) == 1))
            and (self.zipped or due is None or bunch[0] > due)
        ]
        most = sum(map(len, bunched)) * 2 > len(self.times)
        return most and any(bunch[0] <= moment <= bunch[-1] for bunch in bunched)

    @cached_property
    def _bunches(self) -> list[list[datetime]]:
        """The times, parted where nothing happened for a while."""
        found: list[list[datetime]] = []
        for moment in sorted(self.times):
            if found and moment - found[-1][-1] <= PAUSE:
                found[-1].append(moment)
            else:
                found.append([moment])
        return found
