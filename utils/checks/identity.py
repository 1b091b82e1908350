"""Who is working: the id of a student or team, and the numbers that belong to it.

Hand calculations use numbers drawn from the id, so that neighbours can talk about the method but
not copy the result.  "team_7", "Team 07" and "TEAM-7 " are the same team.
"""

from __future__ import annotations

import hashlib
import re

from utils.checks.raised import NotYet

VARIANTS = 500
"""Number of different sets of numbers in use."""


def normalise_id(student_id: str) -> str:
    """Write an id in one way: lower case, words joined by "_", numbers without leading zeros.

    >>> normalise_id(" Team-07 ")
    'team_7'
    """
    words = re.findall(r"\d+|[^\W\d_]+", str(student_id).casefold())
    return "_".join(str(int(word)) if word.isdecimal() else word for word in words)


class NoId(NotYet, ValueError):
    """No id is given, or the placeholder still stands there.  The text says what to do."""


def variant_of(student_id: str) -> int:
    """The set of numbers that belongs to an id: an integer in [0, VARIANTS).

    Raises NoId if the id is empty or still the placeholder.
    """
    name = normalise_id(student_id)
    if not name or name == "your_id":
        raise NoId('set STUDENT_ID in the first code cell to your own id, such as "team_7"')
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:8], "big") % VARIANTS
