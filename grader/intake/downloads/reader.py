"""What a reader of downloads is: from the files that a system wrote to who, when and which files.

A name is read where the system writes it; what follows was chosen by a student and may imitate one.
"""

from __future__ import annotations

import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from grader.classroom.whose import Claim
from grader.config.zones import Zone
from grader.intake import dates
from grader.text import shown
from utils.packing import accepted


@dataclass(frozen=True)
class Item:
    """One file in a download."""

    path: str
    """From where the download begins."""
    label: str
    """What it is called in reports: its path from what was collected."""
    changed: datetime | None
    read: Callable[[], bytes]
    """Raises Refused."""
    zoned: bool = True
    """Whether its date says in which zone it is."""


@dataclass(frozen=True)
class Upload:
    """What one person or group handed in at one time, by the system's word."""

    claims: tuple[Claim, ...]
    """Readings of the name; with `together`, people."""
    files: tuple[tuple[str, Item], ...]
    """(what the student called it, the file)."""
    together: bool = False
    when: datetime | None = None
    """When it arrived, if the system says so."""
    late: bool | None = None
    """Whether it was late, if the system says that, and not when it arrived."""
    notes: tuple[str, ...] = ()
    """What is odd about it."""


@dataclass
class Reading:
    """What a reader makes of a download."""

    uploads: list[Upload] = field(default_factory=list)
    passed: list[tuple[Item, str]] = field(default_factory=list)
    """Text typed online and links, each with the reason why it is left out."""
    own: list[tuple[Item, str]] = field(default_factory=list)
    """The system's own files, of which nobody asks, with what they are."""
    refused: list[tuple[Item, str]] = field(default_factory=list)
    """What can't be taken, each with the reason."""
    others: list[Item] = field(default_factory=list)
    """What is not named as this system names."""


class Reader(ABC):
    """One system's downloads."""

    name: str
    """As in --lms NAME."""
    title: str
    form: str
    """How it names files, for messages."""
    tells: bool = False
    """Does it say when each upload arrived?"""
    zoned: bool = False
    """Does it say in which zone?"""
    teller: str = "LMS"
    """Who says that, as in `results.Submission.told_by`."""
    bold: bool = True
    """Are its names so odd that they are known by themselves, without --lms?"""
    groups: bool = False
    """Does it number groups, so that two of them may not be one team?"""
    needs_roster: bool = True
    everywhere: bool = False
    """May its names begin at any depth of folders, not only where a download begins?"""

    @abstractmethod
    def own(self, path: str) -> bool:
        """Whether the system names files so."""

    @abstractmethod
    def read(self, items: Sequence[Item], zone: Zone) -> Reading:
        """Tell apart what came.  zone: in which the system writes times.  Raises Refused."""

    def found_in(self, paths: Sequence[str]) -> int:
        """How many of the files of a download are named as this system names them."""
        return sum(map(self.own, paths))

    def outer(self, paths: Sequence[str]) -> int:
        """Length of the folders around a download that was packed again, "a/b/"."""
        start = 0
        for _ in range(accepted.DEPTH if paths else 0):
            first, slash, _ = paths[0][start:].partition("/")
            length = start + len(first) + 1
            around = slash and all(path[:length] == paths[0][:length] for path in paths)
            if not around or self.found_in([path[start:] for path in paths]):
                break
            start = length
        return start


@dataclass(frozen=True)
class Part:
    """What the path of one file tells."""

    claims: tuple[Claim, ...]
    rest: str
    """What the student called it."""
    key: tuple[str, ...]
    """What the files of one upload have in common."""
    when: datetime | None = None
    """By clocks in the system's zone, unless it says in which."""
    late: bool | None = None
    left_out: str = ""
    """Why it is no file that was handed in."""
    own: bool = False
    """Is it the system's own?"""
    notes: tuple[str, ...] = ()


class ByName(Reader):
    """A system that says everything in the names of files or folders."""

    @abstractmethod
    def part(self, path: str) -> Part | None:
        """What a path tells; None if the system did not write it."""

    def own(self, path: str) -> bool:
        """Whether the system names files so."""
        return self.part(path) is not None

    def read(self, items: Sequence[Item], zone: Zone) -> Reading:
        """Put together what belongs to one upload."""
        reading, parts = Reading(), dict[tuple[str, ...], list[tuple[Part, Item]]]()
        for item in items:
            part = self.part(item.path)
            if part is None:
                reading.others.append(item)
            elif part.left_out:
                (reading.own if part.own else reading.passed).append((item, part.left_out))
            else:
                parts.setdefault(part.key, []).append((part, item))
        for together in parts.values():
            first = together[0][0]
            lates = [part.late for part, _ in together if part.late is not None]
            reading.uploads.append(
                Upload(
                    first.claims,
                    tuple((part.rest, item) for part, item in together),
                    when=in_zone(first.when, zone),
                    late=any(lates) if lates else None,
                    notes=first.notes,
                )
            )
        return reading


class Stamped(Reader):
    """A system that puts a file with the time into each folder of somebody's."""

    STAMP = "timestamp.txt"
    folder: re.Pattern[str]
    """What a path in such a folder is: somebody, and as `rest` what lies below."""

    def own(self, path: str) -> bool:
        """Whether a path is that of a time stamp where the system puts it."""
        match = self.folder.fullmatch(path)
        return match is not None and match["rest"] == self.STAMP

    def found_in(self, paths: Sequence[str]) -> int:
        """All that lie in somebody's folder, if one has a time stamp."""
        fitting = sum(self.folder.fullmatch(path) is not None for path in paths)
        return fitting if any(map(self.own, paths)) else 0


def stamped(claim: Claim, files: Sequence[tuple[str, Item]], stamp: str, zone: Zone) -> Upload:
    """What somebody's folder holds.  stamp: what the file with the time says; "" without one."""
    when, notes = timed(stamp) if stamp else (None, ())
    return Upload((claim,), tuple(files), when=in_zone(when, zone), notes=tuple(notes))


def text_of(item: Item) -> str:
    """A short text; "" if it can't be read."""
    try:
        return item.read()[:200].decode("utf-8", "replace").strip()
    except accepted.Refused:
        return ""


def in_zone(when: datetime | None, zone: Zone) -> datetime | None:
    """A moment; a time without a zone is one on clocks of `zone`."""
    return when if when is None or when.tzinfo else zone.earliest(when)


def is_word(text: str) -> bool:
    """Whether a text is letters, digits, combining marks and "_" alone, as Ruby's [[:word:]] is."""
    return bool(text) and all(
        c == "_" or c.isalnum() or unicodedata.category(c)[0] in "MN" for c in text
    )


def timed(text: str) -> tuple[datetime | None, tuple[str, ...]]:
    """A time as it is written, and what is to be noted if nobody can read it."""
    when = dates.read(text)
    return when, () if when else (f"its time, {shown(text, 60)}, can't be read",)


def unjunked(paths: Iterable[str]) -> list[str]:
    """Paths without what file managers leave behind."""
    return [path for path in paths if not accepted.is_junk(path)]
