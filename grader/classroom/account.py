"""The account of a submission: where each answer came from, and what became of everything else.

It only says what was done; what follows for marks is for the rooms that do it.  All of it is plain
data, kept in result.json.
"""

from __future__ import annotations

import msgspec


class Question(msgspec.Struct, frozen=True):
    """What only a human can decide."""

    cause: str
    """A few words that are the same wherever this happened, so that it can be answered at once for
    all: "copies differ", "cells missing", "stopped"."""
    reason: str
    """What is the case, in one sentence without its full stop."""
    remedy: str = ""
    """What to do about it."""
    cell: str = ""
    """nbgrader's id of the cell that it is about; "" if it is about all of them."""
    checks: tuple[str, ...] = ()
    """Those whose points it may have cost: where all of them earned everything, nobody is asked.
    None: it is asked whatever was earned."""

    def __str__(self) -> str:
        where = f"{self.cell}: " if self.cell else ""
        return f"{where}{self.reason}{': ' if self.remedy else ''}{self.remedy}"


class Source(msgspec.Struct, frozen=True):
    """Where the answer of one released cell came from."""

    cell: str
    """nbgrader's id."""
    by: str = ""
    """What it was known by: "grade id", "cell id", "definition", "check", "text", "order"; "" if
    nothing that was handed in answers it, and it stands as released."""
    places: tuple[int, ...] = ()
    """Numbers, from 1, of the cells handed in that it was made of."""
    note: str = ""
    """What was done beyond taking it over: parts joined, put behind another cell."""


class Other(msgspec.Struct, frozen=True):
    """A cell, file or archive that is none of the release's, and what was done with it."""

    what: str
    """"cell 7", "helpers.py", "old.zip"."""
    fate: str
    """"executed", "shown to markers", "kept", "left out"."""
    why: str = ""
    cell: str = ""
    """The released cell beside which it stands, if that tells who sees it."""


class Account(msgspec.Struct, frozen=True):
    """Every released cell, and everything else that came."""

    sources: tuple[Source, ...] = ()
    others: tuple[Other, ...] = ()


NOTHING_SAID = Account()
"""Of what could not even be read."""
