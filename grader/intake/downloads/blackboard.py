"""Blackboard: "Assignment File Download" of the Grade Center.

Flat, `ASSIGNMENT_USERNAME_attempt_2025-05-18-12-24-59_FILE`, and for each attempt a text file
without _FILE, which holds what was typed (from users' files; for groups the group's name in place
of the user's is inferred).  Assignments and users may have "_" in their names, so every end of what
stands before "_attempt_" is a reading, and the roster decides.
"""

from __future__ import annotations

import re

from grader.classroom.whose import Claim
from grader.intake.downloads.reader import ByName, Part, timed

_PATH = re.compile(
    r"(?P<before>[^/]+?)_attempt_(?P<when>\d{4}(?:-\d\d){5})(?:_(?P<rest>.+)|\.txt)", re.DOTALL
)
_OWN = "Blackboard's note on an attempt, with what was typed"
MOST = 8
"""Most parts of a name that are looked at."""


class Blackboard(ByName):
    """Everything is in the file's name."""

    name, title = "blackboard", "Blackboard"
    form = "Assignment_username_attempt_2025-05-18-12-24-59_name.zip"
    tells = True

    def part(self, path: str) -> Part | None:
        """What a path tells; None if Blackboard did not write it."""
        match = _PATH.fullmatch(path)
        if match is None:
            return None
        words = match["before"].split("_")
        ends = ["_".join(words[-k:]) for k in range(1, min(len(words), MOST) + 1)]
        claims = tuple(Claim(logins=(end,)) for end in ends)
        when, notes = timed(match["when"])
        left_out = "" if match["rest"] else _OWN
        key = (match["before"], match["when"])
        return Part(claims, match["rest"] or path, key, when, left_out=left_out, notes=notes)
