"""Moodle: "Download all submissions" of an assignment.

Folders `Full Name_54321_assignsubmission_file_/` up to 4.0, without the last "_" since 4.1, or
flat, `Full Name_54321_assignsubmission_file_FILE` (Moodle's mod/assign/classes/downloader.php).
"_" in a name becomes a blank.  A group stands before the name with a "-", or, where groups hand in,
in its place, with the group's number; those without a group share one folder that has no number.
Blind, names are "Participant" in the site's language.
"""

from __future__ import annotations

import re

from grader.classroom.whose import Claim
from grader.intake.downloads.reader import ByName, Part
from grader.text import shown

_PATH = re.compile(
    r"(?P<name>[^_/]*)(?:_(?P<number>\d+))?_assignsubmission_(?P<kind>[a-z]+)(?:_?/|_)(?P<rest>.*)"
)
_SHARED = (
    "Moodle's folder for students without a group: it does not say whose it is; collect it as "
    "team_7.zip, after the team"
)
TYPED = "text typed online, no file"


class Moodle(ByName):
    """Everything but times: those of its files are the download's."""

    name, title = "moodle", "Moodle"
    groups = True
    form = "Full Name_54321_assignsubmission_file/…"

    def part(self, path: str) -> Part | None:
        """What a path tells; None if Moodle did not write it."""
        match = _PATH.fullmatch(path)
        if match is None:
            return None
        name, number = match["name"], match["number"] or ""
        pieces = name.split("-")
        vague = "" if number else f"{shown(name)} is {_SHARED}"
        names = tuple("-".join(pieces[k:]) for k in range(len(pieces)))
        typed = TYPED if match["kind"] != "file" else ""
        claim = Claim(names, number, vague=vague)
        return Part((claim,), match["rest"], (name, number), left_out=typed)
