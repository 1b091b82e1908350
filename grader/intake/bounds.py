"""What is read of an archive, and the limits that only its reader knows.

Everything that reads what students sent goes by these and by `utils.packing.accepted`; they never
look at a disk.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from utils.packing.accepted import MIB

HEADER_BYTES = 4 * MIB
"""Largest sum of a tar's extension headers (long names, attributes)."""
DIRECTORY_BYTES = 4 * MIB
"""Largest central directory of a team's zip; `zipfile` holds all of it in memory."""


@dataclass(frozen=True)
class Member:
    """One file of an archive: its path with "/" between the parts, and what it holds."""

    path: str
    content: bytes


@dataclass
class Contents:
    """What was found in an archive."""

    members: list[Member] = field(default_factory=list)
    """The files that were asked for, in the archive's order."""
    others: list[str] = field(default_factory=list)
    """Paths of the files that were not."""
