"""The course's pretrained nets, where it has any: what its package `nets` tells about them.

NAMES           what an instructor may put into course.toml as a notebook's net
require(name)   raises, with advice, if a net's files are not at hand
files(name)     those files
environment(name)   what a kernel is told about the net, as environment variables
patience(name)  how many times longer a call on this net may take
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from grader import places
from grader.errors import ConfigError, CourseError


class NetUnavailable(CourseError):
    """A net's files are not at hand, or damaged.  The text says which, and what to do."""


def names() -> tuple[str, ...]:
    """The nets that the course knows."""
    module = places.optional("nets")
    return tuple(module.NAMES) if module is not None else ()


def require(name: str) -> None:
    """Make sure that a net can be used.  Raises NetUnavailable, ConfigError for an unknown name."""
    try:
        _nets(name).require(name)
    except (RuntimeError, OSError) as error:
        raise NetUnavailable(str(error)) from error


def files(name: str) -> tuple[Path, ...]:
    """The files that a net is made of.  Raises ConfigError for an unknown name."""
    return tuple(_nets(name).files(name))


def environment(name: str) -> dict[str, str]:
    """What a kernel is told about a net.  Raises ConfigError for an unknown name."""
    return dict(_nets(name).environment(name))


def patience(name: str) -> float:
    """How many times longer a call may take; "" is the course's own net."""
    return float(_nets(name).patience(name)) if name else 1.0


def _nets(name: str) -> ModuleType:
    module = places.optional("nets")
    if module is None or name not in module.NAMES:
        known = ", ".join(names()) or "none"
        raise ConfigError(f"no net is called {name!r}; known: {known}")
    return module
