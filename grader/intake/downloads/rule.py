"""A rule of the instructor's own: a regular expression that finds the team, and maybe the time.

It is tried at the beginning of each path in a process that is ended when it takes too long.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from grader import apart
from grader.classroom.whose import Claim
from grader.config.zones import Zone
from grader.errors import ConfigError
from grader.intake.downloads.reader import ByName, Item, Part, Reading
from grader.text import shown

SECONDS = 5.0
"""Of the processor, for all names of a run's folder or zip."""
_GROUPS = ("team", "time", "file")

Found = tuple[int, dict[str, str]]
"""(where the match ends, what its groups hold)."""


class Rule(ByName):
    """Files that are named as `--names` says."""

    name, title = "names", "--names"
    teller = "name"
    needs_roster = False
    everywhere = True

    def __init__(self, pattern: str, time_format: str = "") -> None:
        """pattern: with (?P<team>…), which may be a student's id as well, and at will (?P<time>…)
        and (?P<file>…), what the student called it.  time_format: as for `datetime.strptime`.

        Raises ConfigError.
        """
        try:
            groups = re.compile(pattern).groupindex
        except (re.error, RecursionError, OverflowError) as error:
            raise ConfigError(f"--names: no regular expression: {error}") from None
        if "team" not in groups:
            raise ConfigError("--names needs (?P<team>…), which finds the team in a name")
        if unknown := set(groups) - set(_GROUPS):
            raise ConfigError(f"--names knows team, time and file, not (?P<{sorted(unknown)[0]}>…)")
        if ("time" in groups) != bool(time_format):
            raise ConfigError(
                "(?P<time>…) in --names and --time-format go together: "
                "--names '(?P<team>.+?)_(?P<time>[-0-9]+)' --time-format %Y-%m-%d-%H-%M"
            )
        self.pattern, self.time_format = pattern, time_format
        self.form = pattern
        self.tells = bool(time_format)
        self._known: dict[str, Found | None] = {}

    def found_in(self, paths: Sequence[str]) -> int:
        """How many of some paths it finds a team in."""
        self._look_at(paths)
        return super().found_in(paths)

    def outer(self, paths: Sequence[str]) -> int:
        """It says itself where names begin."""
        return 0

    def read(self, items: Sequence[Item], zone: Zone) -> Reading:
        """Put together what has the same team and time."""
        self._look_at([item.path for item in items])
        return super().read(items, zone)

    def part(self, path: str) -> Part | None:
        """What a path tells by the rule; None if it does not fit.  Raises ConfigError."""
        self._look_at([path])
        found = self._known[path]
        if found is None:
            return None
        end, groups = found
        team, time = groups["team"], groups.get("time", "")
        start = path.rfind("/", 0, end) + 1
        below = path.find("/", end)
        rest = groups.get("file") or path[start if below < 0 else below + 1 :]
        when = self._time(time, path) if time else None
        return Part((Claim((team,), logins=(team,)),), rest, (team, time), when)

    def _time(self, text: str, path: str) -> datetime:
        try:
            return datetime.strptime(text, self.time_format)
        except ValueError:
            raise ConfigError(
                f"--time-format: {shown(text, 60)!r} in {shown(path)} is no time of the form "
                f"{self.time_format}"
            ) from None

    def _look_at(self, paths: Sequence[str]) -> None:
        """Try the rule on what was not tried yet."""
        new = [path for path in paths if path not in self._known]
        if not new:
            return
        try:
            self._known |= zip(new, apart.call(SECONDS, tried, self.pattern, new), strict=True)
        except apart.TooMuch:
            raise ConfigError(
                f"--names takes too long on names like {shown(max(new, key=len))}: make its parts "
                "exclude one another, [^_]+ in place of .*"
            ) from None


def tried(pattern: str, paths: list[str]) -> list[Found | None]:
    """What a pattern finds at the beginning of each path, or None."""
    compiled = re.compile(pattern)
    found: list[Found | None] = []
    for path in paths:
        match = compiled.match(path)
        team = match["team"] if match is not None else None
        if match is None or not team:
            found.append(None)
        else:
            found.append((match.end(), {k: v for k, v in match.groupdict().items() if v}))
    return found
