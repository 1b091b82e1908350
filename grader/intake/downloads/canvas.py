"""Canvas: "Download submissions" of an assignment.

Flat, `sortablename[_LATE]_USER_FILE_DISPLAYNAME`; typed text is `…_USER_text.html`, a link
`…_USER_link.html` (Canvas' lib/content_zipper.rb).  Names are in lower case and keep Ruby's
[[:word:]]: letters, digits, "_" and combining marks.  Groups hand in under the group's name.  Since
names and display names may hold "_12_34_" as well, every such place is a reading, and the roster
decides.
Anonymous: `anon_XXXXX_FILE_…`, late `LATE_anon_XXXXX_FILE_…`.
"""

from __future__ import annotations

import re

from grader.classroom.whose import Claim
from grader.intake.downloads.reader import ByName, Part, is_word

_ANONYMOUS = re.compile(
    r"(?:LATE_)?anon(?:_LATE)?_[A-Za-z0-9]{5}_(?:\d+_.+|text\.html|link\.html)",
    re.DOTALL | re.IGNORECASE,
)
_ONLINE = re.compile(r"(?P<name>.+?)(?P<late>_LATE)?_(?P<number>\d+)_(?P<kind>text|link)\.html")
_LATE = "_LATE"
_KINDS = {"text": "text typed online, no file", "link": "a link handed in online, no file"}
_NOBODY = ("team", "group")
"""Nobody's name: team_7_01_implementing_cnn.ipynb is a team's file, which Canvas never saw."""
MOST = 8
"""Most readings of one name."""


class Canvas(ByName):
    """It marks what was late, not by how much; times of its files are the download's."""

    name, title = "canvas", "Canvas"
    groups = True
    form = "lastnamefirstname_USER_FILE_name.zip"

    def part(self, path: str) -> Part | None:
        """What a path tells; None if Canvas did not write it."""
        if "/" in path:
            return None
        if _ANONYMOUS.fullmatch(path):
            vague = "an anonymous download does not say whose upload it is: turn that off"
            return Part((Claim((path,), vague=vague),), path, (path,))
        if (match := _ONLINE.fullmatch(path)) and is_word(match["name"]):
            claim = Claim((match["name"],), match["number"])
            return Part((claim,), path, (path,), left_out=_KINDS[match["kind"]])
        claims: list[Claim] = []
        late, rest = False, ""
        words = path.split("_")
        for k in range(1, len(words) - 2):
            number, file = words[k], words[k + 1]
            name = "_".join(words[:k])
            if not (_is_number(number) and _is_number(file) and is_word(name)):
                continue
            if name.casefold() in _NOBODY:
                continue
            if not claims:
                late, rest = name.endswith(_LATE), "_".join(words[k + 2 :])
            if name.endswith(_LATE):
                name = name[: -len(_LATE)]
            claims.append(Claim((name,), number))
        if not claims or not rest or len(claims) > MOST:
            return None
        key = (claims[0].names[0], claims[0].number)
        return Part(tuple(claims), rest, key, late=late)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()
