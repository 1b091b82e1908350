"""What a course says of the kernels in which its notebooks are graded: `[kernels.NAME]`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """What a kernel can't import, and what it has imported before a notebook starts."""

    refused: tuple[str, ...] = ()
    """Packages that raise when they are imported, such as those that do an exercise's work."""
    preload: tuple[str, ...] = ()
    """Modules that take long to import: once in the parent of all kernels of this profile."""

    @classmethod
    def of(cls, fields: Mapping[str, Iterable[str]]) -> Profile:
        """Back from JSON."""
        return cls(**{name: tuple(listed) for name, listed in fields.items()})


PLAIN = Profile()
"""Nothing refused, nothing preloaded: where a course says nothing."""
