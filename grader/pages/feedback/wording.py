"""What a judge's message may tell the student: what is wrong and where, not what would be right.

Messages of `utils.checks.compare` show single values of the worst entry, which an instructor wants
to see. Feedback goes to everyone and stays, so expected values, shapes and the like are taken out
here.
"""

from __future__ import annotations

import re

from grader.text import clean

LIMIT = 300
"""Longest message shown; an exception's text is as long as the student likes."""

# "; the worst: [0, 1] is 3.2, expected 2.5": the place helps, the pair of values gives it away
_WORST = re.compile(r"the worst: (?P<place>\[[\d, ]*\]) is [^;()]*?, expected [^;()\s]+")
_FACTOR = re.compile(r"\(off by a constant factor of [^)]*\)")
_SHAPE = re.compile(r", expected \([\d, ]*\)")
# "ValueError: …", as `check` hands back what a student's function raised
_ERROR = re.compile(r"[A-Za-z_][\w.]*(?::|\w*(?:Error|Exception|Timeout|Warning|Exit)\b)")
# a number with a point or an exponent: data; whole numbers are mostly sizes and indices
_DECIMAL = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+|\d+(?=[eE][-+]?\d))(?:[eE][-+]?\d+)?")
_BRACKETS = re.compile(r"(?:array\()?\[[^\[\]]*\d[^\[\]]*\]\)?")
_BOUND = r"(?!\s+(?:at least|at most|more than|less than|fewer than|between|above|below)\b)"
_GIVES_AWAY = re.compile(
    r"(?:,|\bbut)?\s*\b(?:"
    r"(?:it\s+|was\s+|were\s+|is\s+)?expect(?:ed|ing|s)?|should\s+(?:be|have\s+been)|must\s+be"
    r"|instead\s+of|rather\s+than|(?:the\s+)?(?:right|correct|true|reference)\s+(?:value|answer|result)"
    r")\b"
    rf"{_BOUND}(?!\s+\d+\s+results?\b)(?P<rest>[^;]*)"
)
_AFTER = " (not what was expected)"


def without_values(message: str) -> str:
    """A judge's message without expected values.

    Kept: how many entries are off and where the worst is, what the student's own value is like,
    named relations ("the sign is reversed"), bounds that the exercise states ("at least 0.98").
    Text of the student's own exceptions keeps its words and whole numbers; decimals and lists are
    dropped, because it may quote the hidden inputs.

    >>> without_values("3 of 9 values are off; the worst: [0, 1] is 3.2, expected 2.5")
    '3 of 9 values are off; the worst is at [0, 1]'
    """
    message = " ".join(clean(message, 4 * LIMIT).split())
    if _ERROR.match(message):
        for _ in range(4):  # nested lists, from the inside out
            message = _BRACKETS.sub("…", message)
        return _shorten(_DECIMAL.sub("…", message))
    message = _WORST.sub(r"the worst is at \g<place>", message)
    message = _FACTOR.sub("(off by a constant factor)", message)
    message = _SHAPE.sub(", which is not the expected one", message)
    return _shorten(_GIVES_AWAY.sub(_drop_numbers, message).strip())


def _drop_numbers(found: re.Match[str]) -> str:
    """Remove a phrase that names what was expected, if there is a number in it."""
    if not any(character.isdigit() for character in found["rest"]):
        return found.group()
    kept = re.findall(r"\((?:the sign is|height and width are|off by)[^()\d]*\)", found["rest"])
    return " ".join([_AFTER, *kept])


def _shorten(message: str) -> str:
    return message if len(message) <= LIMIT else message[: LIMIT - 1].rstrip() + "…"
