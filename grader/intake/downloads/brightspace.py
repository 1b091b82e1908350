"""Brightspace (D2L): "Download" of an assignment's submissions.

Folders `USER-FOLDER - First Last - May 18, 2025 1224 PM/`, or files of that name, and `index.html`
on top (from users' files).  The number is Brightspace's own of the user; several folders of one
person are several attempts.  Times are in the site's zone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from grader.classroom.whose import Claim
from grader.intake.downloads.reader import ByName, Part, timed

_PATH = re.compile(
    r"(?P<user>\d+)-(?P<folder>\d+) ?- (?P<name>[^/]+?) - "
    r"(?P<when>(?:[^\W\d]+\.? \d\d?|\d\d?\.? [^\W\d]+\.?),? \d{4},? [^/-]+?)(?:/| - )(?P<rest>.+)"
)


class Brightspace(ByName):
    """Everything is in the folder's name."""

    name, title = "brightspace", "Brightspace"
    form = "12345-67890 - First Last - May 18, 2025 1224 PM/…"
    tells = True

    def part(self, path: str) -> Part | None:
        """What a path tells; None if Brightspace did not write it."""
        if path == "index.html":
            return Part((), path, (path,), left_out="Brightspace's own list of what came", own=True)
        match = _PATH.fullmatch(path)
        if match is None:
            return None
        when, notes = timed(match["when"])
        key = (match["user"], match["name"], match["when"])
        return Part((Claim((match["name"],)),), match["rest"], key, when, notes=notes)

    def own(self, path: str) -> bool:
        """Whether Brightspace names files so; others have an index.html, too."""
        return path != "index.html" and super().own(path)

    def found_in(self, paths: Sequence[str]) -> int:
        """How many of some files it names so; its list counts where there is another."""
        found = super().found_in(paths)
        return found + ("index.html" in paths) if found else 0
