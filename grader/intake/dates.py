"""Dates as systems write them, read only where they can mean but one day.

01/02/2027 is none: nobody is made late by a guess.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_CLOCK = r"(?P<hour>\d\d?):?(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<part>\d{1,9}))?)?"
_HALF = r"(?: ?(?P<half>[AP])\.?M\.?)?"
_ZONE = r"(?: ?(?P<zone>Z|UTC|[+-]\d\d:?\d\d))?"
_WORD = r"[^\W\d]{1,20}"
_ISO = rf"(?P<year>\d{{4}})-(?P<number>\d\d?)-(?P<day>\d\d?)[ T,-]+{_CLOCK}{_ZONE}"
_DASHED = (
    r"(?P<year>\d{4})-(?P<number>\d\d)-(?P<day>\d\d)-(?P<hour>\d\d)-(?P<minute>\d\d)"
    r"-(?P<second>\d\d)"
)
_YEAR = rf"(?P<year>\d{{4}}),? {_CLOCK}{_HALF}"
_DAY_FIRST = rf"(?:{_WORD}\.?,? )?(?P<day>\d\d?)\.? (?P<month>{_WORD})\.?,? {_YEAR}"
_MONTH_FIRST = rf"(?:{_WORD}\.?,? )?(?P<month>{_WORD})\.? (?P<day>\d\d?),? {_YEAR}"
_FORMS = (
    re.compile(_ISO, re.IGNORECASE),
    re.compile(_DASHED, re.IGNORECASE),
    re.compile(_DAY_FIRST, re.IGNORECASE),
    re.compile(_MONTH_FIRST, re.IGNORECASE),
)
_MONTHS = (
    "jan january januar jänner, feb february februar, mar march märz mär, apr april, may mai, "
    "jun june juni, jul july juli, aug august, sep sept september, oct october oktober okt, "
    "nov november, dec december dezember dez"
)
_MONTH = {
    name: number for number, names in enumerate(_MONTHS.split(", "), 1) for name in names.split()
}
"""English and German."""


def read(text: str) -> datetime | None:
    """A date and time, with a zone if it says one; None if it is none, or could mean two.

    >>> read("May 18, 2025 1224 PM"), read("01/02/2027, 23:02")
    (datetime.datetime(2025, 5, 18, 12, 24), None)
    """
    text = " ".join(text.split())
    if len(text) > 100:
        return None
    match = next((match for form in _FORMS if (match := form.fullmatch(text))), None)
    if match is None:
        return None
    parts = match.groupdict()
    month = parts.get("number") or _MONTH.get((parts.get("month") or "").casefold())
    hour = int(parts["hour"])
    if half := parts.get("half"):
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half.upper() == "P" else 0)
    try:
        numbers = (int(parts["year"]), int(month or 0), int(parts["day"]), hour)
        second, part = int(parts["second"] or 0), (parts.get("part") or "0").ljust(6, "0")[:6]
        found = datetime(*numbers, int(parts["minute"]), second, int(part))
        return found.replace(tzinfo=_zone(parts.get("zone")))
    except ValueError:
        return None


def _zone(text: str | None) -> timezone | None:
    if not text:
        return None
    if text.upper() in ("Z", "UTC"):
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(-offset if text[0] == "-" else offset)
