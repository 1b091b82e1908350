"""Downloads of a whole class: one reader for each system that makes them, all behind one interface.

A reader says who handed something in, when, which files it is, and what it is sure of.  It never
looks into what a student made, and never decides whose it is: the roster does (`classroom.whose`).
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.errors import ConfigError
from grader.intake.downloads.blackboard import Blackboard
from grader.intake.downloads.brightspace import Brightspace
from grader.intake.downloads.canvas import Canvas
from grader.intake.downloads.github import GitHub
from grader.intake.downloads.gradescope import Gradescope
from grader.intake.downloads.ilias import Ilias
from grader.intake.downloads.moodle import Moodle
from grader.intake.downloads.nbgrader import Exchange, Submitted
from grader.intake.downloads.reader import Reader, unjunked
from grader.intake.downloads.rule import Rule
from grader.intake.downloads.sakai import Sakai

__all__ = ["READERS", "Rule", "is_of", "named", "recognised", "unjunked"]

READERS: tuple[Reader, ...] = (
    Moodle(), Canvas(), Brightspace(), Blackboard(), Gradescope(), GitHub(), Submitted(),
    Exchange(), Sakai(), Ilias(),
)  # fmt: skip
"""The first that fits best is taken."""


def named(name: str) -> Reader:
    """The reader of a system.  Raises ConfigError."""
    for reader in READERS:
        if reader.name == name.casefold():
            return reader
    known = ", ".join(reader.name for reader in READERS)
    raise ConfigError(f"no system is called {name!r}; there are {known}")


def recognised(paths: Sequence[str]) -> Reader | None:
    """The system whose download a zip is: most of its files are named as that system names."""
    best = max(READERS, key=lambda reader: _share(reader, paths) if reader.bold else 0)
    return best if best.bold and is_of(best, paths) else None


def is_of(reader: Reader, paths: Sequence[str]) -> bool:
    """Whether most of a zip's files are named as a system names them; some, for an own rule."""
    return _share(reader, paths) > (0 if reader.everywhere else 1 / 2)


def _share(reader: Reader, paths: Sequence[str]) -> float:
    start = reader.outer(paths)
    return reader.found_in([path[start:] for path in paths]) / len(paths) if paths else 0.0
