"""What collect saw and did not take: kept in ignored.json, each with the reason.

Together with what was taken in and what was rejected it is everything that was handed in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from grader.classroom import results
from grader.classroom.folder import ClassFolder
from grader.classroom.results import Ignored
from grader.intake.bounds import Member
from grader.intake.handin import owner
from grader.text import shown
from utils.handin import RECEIPT

FILE = "ignored.json"
NOBODYS = "belongs to no notebook of the course"
CLOSED = "an archive inside an archive, which is not opened"
UNSAID = (NOBODYS, CLOSED)
"""Of what no note of a notebook speaks."""
MOST = 200
"""Most files of one delivery that are listed one by one."""
LONGEST = 400
"""Longest place in reports, as in `delivery.LABEL`."""


@dataclass
class Leftovers:
    """What is left of a delivery when its notebooks and their files have been taken."""

    names: list[str]
    """Names of the course's notebooks."""
    unopened: list[tuple[str, bool]] = field(default_factory=list)
    """(Place, whether it is an archive) of files that were not even read."""
    copies: dict[str, str] = field(default_factory=dict)
    """Path -> notebook, of every file that holds a notebook of the course."""

    def of(
        self, members: Iterable[Member], places: dict[str, str], chosen: dict[str, str],
        accounted: set[bytes], asked: Collection[str] = (),
    ) -> list[Ignored]:  # fmt: skip
        """What was passed over.

        places: path -> where it lies.  chosen: notebook -> path of the copy that was taken.
        accounted: contents that are kept with a notebook, or stand among what was rejected.
        asked: paths of those about which a notebook's questions ask.
        """
        found = list(self._unopened())
        for member in members:
            known = member.path in chosen.values() or member.path in asked
            if not known and member.content not in accounted:
                found.append(_entry(places[member.path], self._why(member.path, chosen)))
        if len(found) > MOST:
            more = f"and {len(found) - MOST} files more that came with it"
            found[MOST:] = [_entry(found[MOST].source, more)]
        return found

    def _unopened(self) -> Iterator[Ignored]:
        for place, is_archive in self.unopened:
            if place.rpartition("/")[2] != RECEIPT:
                yield _entry(place, CLOSED if is_archive else NOBODYS)

    def _why(self, path: str, chosen: dict[str, str]) -> str:
        if notebook := owner(path, self.names):
            if notebook not in chosen:
                return f"belongs to {notebook}, which did not come with it"
            return f"is not kept with {notebook}, whose notes say why"
        if notebook := self.copies.get(path, ""):
            return f"another copy of {notebook}; {shown(chosen[notebook], 100)} was taken"
        return NOBODYS


def remember(folder: ClassFolder, found: list[Ignored], seen: set[str]) -> None:
    """Bring the class folder's list up to date.

    seen: what was looked at now; what an earlier run said of it is over.
    """
    path = folder.root / FILE
    try:
        earlier = results.read(path, list[Ignored])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        earlier = []
    kept = [entry for entry in earlier if not _is_below(entry.source, seen)]
    if kept or found or path.exists():
        results.write(path, sorted({*kept, *found}, key=lambda entry: (entry.source, entry.reason)))


def _is_below(source: str, seen: set[str]) -> bool:
    parts = source.split("/")
    return any("/".join(parts[:k]) in seen for k in range(1, len(parts) + 1))


def _entry(place: str, reason: str) -> Ignored:
    return Ignored(shown(place, LONGEST), reason)
