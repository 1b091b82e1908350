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
from grader.intake.downloads.nbgrader import text_of
from grader.intake.downloads.reader import Item, Reader, Reading, Upload, in_zone, timed

_PERSON = re.compile(r"(?P<name>[^/]+?) ?\((?P<id>[^()/]+)\)/(?P<rest>.+)")
_ON_TOP = re.compile(r"grades\.(?:csv|xlsx?)", re.IGNORECASE)
_STAMP = "timestamp.txt"
_TYPED = re.compile(r"_submissionText\.(?:html?|txt)$", re.IGNORECASE)


class Sakai(Reader):
    """Who is in a folder's name, when in a file."""

    name, title = "sakai", "Sakai"
    form = "Last, First(eid)/Submission attachment(s)/… and timestamp.txt"
    tells = zoned = True

    def own(self, path: str) -> bool:
        """Whether a path is that of a time stamp where Sakai puts it."""
        match = _PERSON.fullmatch(path)
        return match is not None and match["rest"] == _STAMP

    def found_in(self, paths: Sequence[str]) -> int:
        """All that lie below somebody's folder, if one has a time stamp."""
        fitting = sum(bool(_PERSON.fullmatch(p) or _ON_TOP.fullmatch(p)) for p in paths)
        return fitting if any(map(self.own, paths)) else 0

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
            elif rest == _STAMP:
                stamps[key] = text_of(item)
                reading.own.append((item, "Sakai's own note of the time"))
            elif _TYPED.search(rest):
                reading.passed.append((item, "text typed online, no file"))
            else:
                reading.own.append((item, "Sakai's own, of the instructor or of the group"))
        for key, files in folders.items():
            when, notes = timed(stamps[key]) if key in stamps else (None, ())
            claim = Claim((key[0],), logins=(key[1],))
            upload = Upload((claim,), tuple(files), when=in_zone(when, zone), notes=tuple(notes))
            reading.uploads.append(upload)
        return reading
