"""Moodle's grading worksheet as the source of times of arrival, which its downloads don't hold.

A date that could mean two days is refused: nobody is made late by a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from grader.classroom import tables
from grader.classroom.roster import Roster
from grader.classroom.whose import Claim, whose
from grader.config.zones import Zone
from grader.errors import ConfigError
from grader.intake import dates
from grader.intake.delivery import Delivery
from grader.text import shown
from utils.packing.accepted import Refused

NUMBER, NAME, TIME = "identifier", "full name", "last modified (submission)"
"""Headings, as Moodle writes them in English."""


@dataclass(frozen=True)
class Row:
    """One participant."""

    number: str
    name: str
    submitted: datetime | None
    """None: nothing was."""


@dataclass
class Dated:
    """What became of the times of a run."""

    lines: list[str] = field(default_factory=list)
    """For each delivery whose time it is and where that was taken from."""
    left: list[str] = field(default_factory=list)
    """Participants with a time of whom nothing was collected."""


def read(path: Path, zone: Zone) -> list[Row]:
    """Read a worksheet.  zone: in which Moodle writes.  Raises ConfigError."""
    lines = tables.read(path).lines
    heads = [head.strip().casefold() for head in lines[0]] if lines else []
    missing = [head for head in (NUMBER, TIME) if head not in heads]
    if missing:
        raise ConfigError(
            f"{path}: no column {missing[0]!r}: it must be Moodle's grading worksheet, downloaded "
            'with Moodle in English ("View all submissions", "Download grading worksheet")'
        )
    found = []
    for place, line in enumerate(lines[1:], 2):
        cells = dict(zip(heads, map(str.strip, line), strict=False))
        number = re.search(r"\d+", cells.get(NUMBER, ""))
        when = cells.get(TIME, "")
        if number is not None:
            moment = _moment(when, zone, f"{path}, line {place}") if _tells(when) else None
            found.append(Row(number.group(), cells.get(NAME, ""), moment))
    return found


def date(deliveries: Iterable[Delivery], rows: list[Row], roster: Roster, zone: Zone) -> Dated:
    """Give uploads to Moodle the times that the worksheet has of them.

    zone: in which times are shown.
    """
    told, used = Dated(), set[str]()
    by_number = {row.number: row for row in rows}
    teams = [(row, team) for row in rows if row.submitted and (team := _team(roster, row))]
    for delivery in deliveries:
        if delivery.system != "moodle":
            told.lines.append(f"{delivery.team}: {_own(delivery, zone)}")
            continue
        own = by_number.get(delivery.number) if not delivery.group else None
        mine = [own] if own is not None else [row for row, team in teams if team == delivery.team]
        times = sorted({row.submitted for row in mine if row.submitted})
        if not times:
            told.lines.append(
                f"{delivery.team}: {_own(delivery, zone)}; the worksheet has none of it"
            )
            continue
        used |= {row.number for row in mine}
        used |= {row.number for row, team in teams if team == delivery.team and delivery.group}
        delivery.dated_by("LMS", times[-1], in_zone=True)
        others = "" if len(times) == 1 else ", the last of those of its members"
        who = ", ".join(f"participant {row.number}" for row in mine if row.submitted == times[-1])
        told.lines.append(
            f"{delivery.team}: {zone.shown(times[-1]):%Y-%m-%d %H:%M}, from the worksheet "
            f"({who}{others})"
        )
    left = [row for row in rows if row.submitted and row.number not in used]
    told.left = [shown(row.name or row.number) for row in left]
    return told


def _team(roster: Roster, row: Row) -> str:
    try:
        return whose(roster, [Claim((row.name,), row.number)], "moodle").student.team
    except Refused:
        return ""


def _own(delivery: Delivery, zone: Zone) -> str:
    arrival, _ = delivery.arrival(None)
    when = f"{zone.shown(delivery.arrived):%Y-%m-%d %H:%M}"
    return f"{when}, from the date of its file" if arrival == "known" else "not known"


def _tells(text: str) -> bool:
    return bool(re.search(r"\d", text))


def _moment(text: str, zone: Zone, where: str) -> datetime:
    """A date as Moodle writes it.  Raises ConfigError for one that could mean two days, or none."""
    found = dates.read(text)
    if found is None:
        raise ConfigError(
            f"{where}: {shown(text, 60)!r} is no date that can mean but one day: download the "
            "worksheet with Moodle in English, or write 2027-01-29 23:02"
        )
    return found if found.tzinfo else zone.earliest(found)
