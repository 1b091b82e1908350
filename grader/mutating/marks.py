"""What a course says of its mutants: `mutants.toml`, optional, beside its course.toml.

[left_out]
mlp_configuration = "builds a net by configuration"

[free]
drive_unit = "any way to the image is right: the image is judged"

[[equivalent]]
mutant = "1a2b3c4d5e6f"
change = ["-    return a + b", "+    return b + a"]
reason = "addition commutes"
"""

from __future__ import annotations

from dataclasses import dataclass, field

from grader import places
from grader.contract.settings import converted, read, refuse_unknown
from grader.errors import ConfigError

FILE = "mutants.toml"


@dataclass(frozen=True)
class Equivalent:
    """A mutant that answers like the reference, and why."""

    mutant: str
    """Its digest, as it is shown beside a survivor."""
    change: tuple[str, ...]
    """The lines of its difference that begin with - or +, for whoever reads the file."""
    reason: str


@dataclass(frozen=True)
class Marks:
    """The file."""

    left_out: dict[str, str] = field(default_factory=dict)
    """Check -> why its function is not mutated."""
    free: dict[str, str] = field(default_factory=dict)
    """Check -> why any way to what it judges is right: a mutant of its function that keeps all
    points is another way, and no survivor."""
    equivalent: tuple[Equivalent, ...] = ()


def load() -> Marks:
    """The course's marks.  Raises ConfigError with the place of what is wrong in them."""
    path = places.folder() / FILE
    if not path.is_file():
        return Marks()
    content = read(path)
    refuse_unknown(content, Marks, path, "")
    marks: Marks = converted(content, Marks, path, "")
    for mark in marks.equivalent:
        if not mark.reason.strip():
            raise ConfigError(f"{path}: {mark.mutant} is marked as equivalent without a reason")
    return marks
