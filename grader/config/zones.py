"""Time zones: what a date without one means, what is shown, and days by the calendar.

Moments that leave here carry a fixed offset: two of one `ZoneInfo` would be subtracted by the clock
on the wall, which is wrong in the night when clocks change.
"""

from __future__ import annotations

import difflib
import os
import zoneinfo
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from pathlib import Path

_NONE = timedelta(0)


class UnknownZone(ValueError):
    """No zone has that name.  The text says what may have been meant."""


@dataclass(frozen=True)
class Zone:
    """A time zone by its IANA name; this machine's if the name is empty."""

    name: str = ""

    def __str__(self) -> str:
        return self.name or f"this machine's zone, {_machines()}"

    def shown(self, moment: datetime) -> datetime:
        """The same moment as clocks in this zone have it."""
        if not self.name:
            return moment.astimezone()
        local = moment.astimezone(zoneinfo.ZoneInfo(self.name))
        return local.replace(tzinfo=timezone(local.utcoffset() or _NONE, local.tzname() or ""))

    def batch(self) -> str:
        """What a run that begins now is called: the time on a clock of this zone."""
        return f"{self.shown(datetime.now().astimezone()):%Y-%m-%dT%H:%M:%S}"

    def earliest(self, wall: datetime) -> datetime:
        """The first moment at which clocks here show a date and time, which has no zone.

        In the night when clocks go back, an hour comes twice; when they go forward, one is left
        out, and is read as if they had not, or had already.
        """
        return min(self._both(wall), key=_in_utc)

    def latest(self, wall: datetime) -> datetime:
        """The last such moment."""
        return max(self._both(wall), key=_in_utc)

    def later(self, moment: datetime, days: float) -> datetime:
        """So many days later by the calendar: at the same time of the day, whatever clocks do."""
        if not days:
            return moment
        return self.latest(self.shown(moment).replace(tzinfo=None) + timedelta(days=days))

    def _both(self, wall: datetime) -> tuple[datetime, datetime]:
        one, other = (self._read(wall.replace(fold=fold)) for fold in (0, 1))
        return one, other

    def _read(self, wall: datetime) -> datetime:
        if not self.name:
            return self.shown(wall.astimezone(UTC))
        return self.shown(wall.replace(tzinfo=zoneinfo.ZoneInfo(self.name)).astimezone(UTC))


MACHINES = Zone()


def named(name: str) -> Zone:
    """The zone of that name, "" being the machine's.  Raises UnknownZone."""
    if name and name not in _known():
        raise UnknownZone(f"no time zone is called {name!r}; {_near(name, _known())}")
    return Zone(name)


@cache
def _known() -> frozenset[str]:
    """Names of all zones: found in hundreds of files, and every reading of settings asks."""
    return frozenset(zoneinfo.available_timezones())


def _near(name: str, known: frozenset[str]) -> str:
    """ "did you mean Europe/Berlin?", for "berlin", too."""
    if not known:
        return "this machine knows none by name: install the package tzdata"
    spellings = {zone.casefold(): zone for zone in sorted(known, reverse=True)}
    spellings |= {zone.rpartition("/")[2].casefold(): zone for zone in sorted(known) if "/" in zone}
    plain = name.strip().replace(" ", "_").casefold()
    near = difflib.get_close_matches(plain, spellings, n=1, cutoff=0.75)
    return f"did you mean {spellings[near[0]]}?" if near else "names are like Europe/Berlin"


def _machines() -> str:
    """What this machine's zone is called: its IANA name where that can be told."""
    now = datetime.now(UTC).astimezone()
    place = os.environ.get("TZ", "").removeprefix(":")
    if not place and Path("/etc/localtime").is_symlink():
        place = str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2]
    return place if place in _known() else f"{now:%Z (UTC%z)}"


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
