"""GitHub Classroom: checkouts `ASSIGNMENT-TEAM/`, or `ASSIGNMENT-TEAM-main.zip`, of a class.

A name says where the assignment ends no better than where a team begins, so every end of it is a
reading, and the roster decides; and so common are such names that they are looked for only when
asked.  The date of a commit is what the student's machine said, and that of a checkout the
instructor's: when it came, nobody knows from it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from grader.classroom.whose import Claim
from grader.config.zones import Zone
from grader.intake.downloads.reader import ByName, Item, Part, Reading

_ZIP = re.compile(r"(?P<stem>[^/]+?)(?:-(?:main|master))?(?:\.zip|\.tar\.gz)", re.IGNORECASE)
_BRANCH = re.compile(r"-(?:main|master)$", re.IGNORECASE)
MOST = 8
"""Most parts of a name that are looked at."""


class GitHub(ByName):
    """It tells whose a checkout is."""

    name, title = "github", "GitHub Classroom"
    form = "assignment-team/… or assignment-team-main.zip"
    bold = False

    def outer(self, paths: Sequence[str]) -> int:
        """All folders that the checkouts have in common: their names look like checkouts'."""
        common = os.path.commonpath(paths) if len(paths) > 1 else ""
        return len(common) + 1 if common else 0

    def read(self, items: Sequence[Item], zone: Zone) -> Reading:
        """Put together what is one checkout's, without what git keeps of it."""
        kept = [item for item in items if ".git" not in item.path.split("/")]
        reading = super().read(kept, zone)
        if len(kept) < len(items):
            first = next(item for item in items if item not in kept)
            count = len(items) - len(kept)
            reading.own.append((first, f"one of {count} files in which git keeps its history"))
        return reading

    def part(self, path: str) -> Part | None:
        """What a path tells; None if it can't be a checkout's."""
        folder, slash, rest = path.partition("/")
        if slash:
            stem = _BRANCH.sub("", folder)
        elif match := _ZIP.fullmatch(path):
            stem, rest = match["stem"], path
        else:
            return None
        words = stem.split("-")
        if len(words) < 2 or not rest:
            return None
        ends = ["-".join(words[-k:]) for k in range(1, min(len(words), MOST) + 1)]
        return Part(tuple(Claim(logins=(end,)) for end in ends), rest, (stem,))
