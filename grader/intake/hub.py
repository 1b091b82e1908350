"""The exchange of a JupyterHub, where students hand in with nbgrader's Assignment List.

Whoever submits makes the folder and its name.  What the machine says of it, its owner and when it
was last changed, is not theirs to write; nothing that they write is believed against it.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from grader.errors import ConfigError
from grader.text import shown


@dataclass
class Inbound:
    """What lies in the folder into which students submit."""

    path: Path
    seen: dict[str, datetime] = field(default_factory=dict)
    """Name of a folder -> when the machine saw it changed last."""
    refused: dict[str, str] = field(default_factory=dict)
    """Name of a folder -> why it is not believed to be whose name it bears."""
    unsure: str = ""
    """Why owners could not be held against names."""


def inbound(exchange: Path, course_id: str) -> Path:
    """The inbound folder of an exchange, of a course in it, or itself.  Raises ConfigError."""
    if not exchange.is_dir():
        raise ConfigError(f"there is no exchange {exchange}")
    courses = sorted(path.parent for path in exchange.glob("*/inbound") if path.is_dir())
    if exchange.name == "inbound":
        return exchange
    if (exchange / "inbound").is_dir():
        return exchange / "inbound"
    if exchange / course_id in courses or len(courses) == 1:
        return (exchange / course_id if exchange / course_id in courses else courses[0]) / "inbound"
    if courses:
        names = ", ".join(path.name for path in courses)
        raise ConfigError(f"{exchange} has several courses, {names}: name the folder of one")
    raise ConfigError(
        f"{exchange} is no exchange: it has no folder COURSE/inbound, which nbgrader makes when an "
        "assignment is released"
    )


def looked_at(path: Path) -> Inbound:
    """Hold the folders of students against what the machine says of them.

    Where all belong to one user, as on a hub of containers, their owner tells nothing.
    """
    found, owners = Inbound(path), dict[str, str]()
    for entry in sorted(path.iterdir()):
        status = entry.lstat()
        if stat.S_ISDIR(status.st_mode) and "+" in entry.name:
            owners[entry.name] = owner(entry)
            found.seen[entry.name] = datetime.fromtimestamp(status.st_ctime, UTC)
    if _tell(owners):
        found.refused = {
            name: f"its folder belongs to the user {shown(own)}, not to "
            f"{shown(name.partition('+')[0])}, after whom it is called; if that is right all the "
            "same, collect it by itself, with --lms exchange"
            for name, own in owners.items()
            if own != name.partition("+")[0]
        }
    elif owners:
        found.unsure = (
            "all folders belong to one user of this machine, so that nobody can tell whether "
            "somebody handed in under another name"
        )
    return found


def owner(path: Path) -> str:
    """Name of the user to whom a folder belongs, or the number of one without a name."""
    try:
        return path.owner()
    except KeyError:
        return str(path.lstat().st_uid)


def _tell(owners: Mapping[str, str]) -> bool:
    """Whether owners tell people apart: there are several, or the only one is whom names name."""
    users = {name.partition("+")[0] for name in owners}
    return len(set(owners.values())) > 1 or set(owners.values()) == users
