"""Sakai: "Download All" of an assignment.

`ASSIGNMENT/Last, First(eid)/Submission attachment(s)/FILE`, `timestamp.txt` in UTC, typed text and
comments beside them, and `grades.csv` on top; a group has `Group (id)/` (zipSubmissions and
zipGroupSubmissions in Sakai's AssignmentServiceImpl.java).  The folders' names follow the site's
language: all that lie below somebody's are attachments, except those with "feedback" in their name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from grader.classroom.whose import Claim
from grader.config.zones import Zone
from grader.intake.downloads.reader import Item, Reading, Stamped, stamped, text_of

_PERSON = re.compile(r"(?P<name>[^/]+?) ?\((?P<id>[^()/]+)\)/(?P<rest>.+)")
_ON_TOP = re.compile(r"grades\.(?:csv|xlsx?)", re.IGNORECASE)
_TYPED = re.compile(r"_submissionText\.(?:html?|txt)$", re.IGNORECASE)


class Sakai(Stamped):
    """Who is in a folder's name, when in a file."""

    name, title = "sakai", "Sakai"
    form = "Last, First(eid)/Submission attachment(s)/… and timestamp.txt"
    tells = zoned = True
    folder = _PERSON

    def found_in(self, paths: Sequence[str]) -> int:
        """The same, and its own list of grades."""
        found = super().found_in(paths)
        return found and found + sum(_ON_TOP.fullmatch(path) is not None for path in paths)

    def read(self, items: Sequence[Item], zone: Zone) -> Reading:
        """Put together what lies in one folder."""
        reading = Reading()
        folders: dict[tuple[str, str], list[tuple[str, Item]]] = {}
        stamps: dict[tuple[str, str], str] = {}
        for item in items:
            match = _PERSON.fullmatch(item.path)
            if match is None:
                if _ON_TOP.fullmatch(item.path):
                    reading.own.append((item, "Sakai's own list of grades"))
                else:
                    reading.others.append(item)
                continue
            key, rest = (match["name"], match["id"]), match["rest"]
            folder, _, file = rest.rpartition("/")
            if folder and "feedback" not in folder.casefold():
                folders.setdefault(key, []).append((file, item))
            elif rest == self.STAMP:
                stamps[key] = text_of(item)
                reading.own.append((item, "Sakai's own note of the time"))
            elif _TYPED.search(rest):
                reading.passed.append((item, "text typed online, no file"))
            else:
                reading.own.append((item, "Sakai's own, of the instructor or of the group"))
        for key, files in folders.items():
            claim = Claim((key[0],), logins=(key[1],))
            reading.uploads.append(stamped(claim, files, stamps.get(key, ""), zone))
        return reading
