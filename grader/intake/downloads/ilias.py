"""ILIAS: all submissions of an exercise's unit.

`EXERCISE/Submissions/LAST_FIRST_LOGIN_ID/FILE`, and teams' `…/Team 12345/LAST_FIRST_LOGIN_ID/FILE`,
the folders between in the site's language (inferred from tools that read them, and from users).
Names may have "_" in them: login and id are the last two parts, and a login with "_" is another
reading.  A team of ILIAS is a number that nobody else knows: whose it is, the member's name says.
"""

from __future__ import annotations

import re

from grader.classroom.whose import Claim
from grader.intake.downloads.reader import ByName, Part

_FOLDER = re.compile(r"(?:Team[ _]\d+/)?(?P<folder>(?:[^/_]+_){3,}\d+)/(?P<rest>.+)")


class Ilias(ByName):
    """It tells whose, not when."""

    name, title = "ilias", "ILIAS"
    form = "Last_First_login_12345/… or Team 12/Last_First_login_12345/…"
    bold = False

    def part(self, path: str) -> Part | None:
        """What a path tells; None if ILIAS did not write it."""
        match = _FOLDER.fullmatch(path)
        if match is None:
            return None
        words = match["folder"].split("_")[:-1]
        claims = tuple(
            Claim((", ".join((words[0], " ".join(words[1:k]))),), logins=("_".join(words[k:]),))
            for k in range(len(words) - 1, 1, -1)
        )
        return Part(claims, match["rest"], (match["folder"],))
