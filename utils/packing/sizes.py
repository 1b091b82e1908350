"""How large a notebook and its parts may be: for the packer, for intake, and for what shows it.

A notebook that is larger is refused, with the reason.  A cell may be longer than anybody would
read: then it runs as it is, and is shown cut.
"""

from __future__ import annotations

from utils.packing.accepted import MIB

NOTEBOOK_BYTES = 32 * MIB
"""Largest notebook."""
TOKENS = 2_000_000
"""Most lists, dictionaries and commas in a notebook's JSON: bounds the memory that it takes."""
CELLS = 2000
"""Most cells in a notebook."""
NESTING = 100
"""Deepest nesting of a notebook's JSON; nbformat's own code recurses."""

SHOWN_CHARACTERS = 400_000
"""Of one cell that are shown; some 10,000 lines of code."""
SHOWN_LINES = 20_000
"""Of one cell that are shown."""
SHOWN_IN_ALL = 2_000_000
"""Characters of a notebook's cells that are shown."""


def is_long(text: str) -> bool:
    """Is a cell longer than what is shown of one?"""
    return len(text) > SHOWN_CHARACTERS or text.count("\n") >= SHOWN_LINES


def shortened(text: str, room: int = SHOWN_CHARACTERS) -> str:
    """So much of a cell as is shown; the text itself if that is all of it.

    room: characters.
    """
    kept = text[: min(room, SHOWN_CHARACTERS)]
    if kept.count("\n") >= SHOWN_LINES:
        kept = "\n".join(kept.split("\n", SHOWN_LINES)[:SHOWN_LINES])
    return text if len(kept) == len(text) else kept
