"""Text that came from students, made fit for a file, a terminal, a page or a table."""

from __future__ import annotations

import re

BIDI = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of writing, and so can disguise a name."""

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
# control characters, and those that turn the direction of writing and so can disguise code
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def without_codes(text: str) -> str:
    """The text without codes for a terminal."""
    return _ANSI.sub("", text)


def well_formed(text: str) -> str:
    """The text without half characters (a cut emoji), which no file and no kernel would take."""
    return text.encode("utf-8", "replace").decode()


def cut(text: str, limit: int) -> str:
    """The text if it is no longer than `limit`, else so much of it as leaves room to say so."""
    if len(text) <= limit:
        return text
    room = limit - 40
    return f"{text[:room]}\n… {len(text) - room:,} more characters"


def clean(text: object, limit: int = 20_000) -> str:
    """Text that is safe to write as UTF-8: no terminal codes, no unseen characters, not endless."""
    shown = str(text).encode("utf-8", "replace").decode("utf-8")
    cut = len(shown) - limit
    shown = _UNSEEN.sub(
        "\N{REPLACEMENT CHARACTER}", without_codes(shown[:limit].replace("\r\n", "\n"))
    )
    return f"{shown}\n… {cut:,} more characters" if cut > 0 else shown


def shown(name: object, width: int = 100) -> str:
    """A hostile name made fit for a report: one line, no control characters, not endless."""
    text = str(name).encode("utf-8", "replace").decode("utf-8")
    text = "".join(c if c.isprintable() and c not in BIDI else "?" for c in text)
    return text if len(text) <= width else text[: width - 1] + "…"
