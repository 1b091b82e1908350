"""nbgrader: its folder `submitted/`, and the inbound folder of its exchange.

`USER/ASSIGNMENT/…` with `timestamp.txt` (nbgrader's exchange/default/collect.py), and folders
`USER+ASSIGNMENT+2026-11-28 23:25:32.794718 UTC+SECRET/` (exchange/default/submit.py).  Whoever
submits writes both, with a program of nbgrader's or by hand: the time is the student's word.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from grader.classroom.whose import Claim
from grader.config.zones import Zone
from grader.intake.downloads.reader import (
    ByName,
    Item,
    Part,
    Reading,
    Stamped,
    stamped,
    text_of,
    timed,
)

_OWN = "nbgrader's own note of the time"
_SUBMITTED = re.compile(r"(?P<user>[^/+]+)/(?P<assignment>[^/+]*[^/+)])/(?P<rest>.+)")
_INBOUND = re.compile(
    r"(?P<user>[^/+]+)\+(?P<assignment>[^/+]+)\+(?P<when>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[^/+]*"
    r"(?:\+\d{4})?)(?:\+[^/+]*)?/(?P<rest>.+)"
)


class Exchange(ByName):
    """What students submitted on a hub, as it lies in the exchange."""

    name, title = "exchange", "nbgrader's exchange"
    form = "user+assignment+2026-11-28 23:25:32.794718 UTC+secret/…"
    tells = zoned = True
    teller, needs_roster = "student", False

    def part(self, path: str) -> Part | None:
        """What a path tells; None if nbgrader did not write it."""
        match = _INBOUND.fullmatch(path)
        if match is None:
            return None
        user, when = match["user"], timed(match["when"])
        left_out = _OWN if match["rest"] == Stamped.STAMP else ""
        key = (user, match["assignment"], match["when"])
        claim = Claim(logins=(user,))
        return Part(
            (claim,), match["rest"], key, when[0], left_out=left_out, own=True, notes=when[1]
        )


class Submitted(Stamped):
    """What nbgrader collected from the exchange, or made of a download."""

    name, title = "nbgrader", "nbgrader's submitted/"
    form = "user/assignment/… with timestamp.txt"
    tells = zoned = True
    teller, needs_roster = "student", False
    folder = _SUBMITTED

    def read(self, items: Sequence[Item], zone: Zone) -> Reading:
        """Put together what a user has for an assignment."""
        reading = Reading()
        folders: dict[tuple[str, str], list[tuple[str, Item]]] = {}
        stamps: dict[tuple[str, str], str] = {}
        for item in items:
            match = _SUBMITTED.fullmatch(item.path)
            if match is None:
                reading.others.append(item)
            elif match["rest"] == Stamped.STAMP:
                reading.own.append((item, _OWN))
                stamps[match["user"], match["assignment"]] = text_of(item)
            else:
                key = match["user"], match["assignment"]
                folders.setdefault(key, []).append((match["rest"], item))
        for key, files in folders.items():
            claim = Claim(logins=(key[0],))
            reading.uploads.append(stamped(claim, files, stamps.get(key, ""), zone))
        return reading
