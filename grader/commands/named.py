"""What somebody typed, held against the class: teams, notebooks, and who was given an extension.

A slip of the pen is refused, or said aloud, with what may have been meant.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from grader import config
from grader.classroom.folder import ClassFolder
from grader.commands import errors
from grader.errors import ConfigError
from utils.checks.identity import normalise_id

_SHOWN = 5


def notebooks(asked: Iterable[str], course: config.Course, what: str = "--notebook") -> list[str]:
    """The notebooks of a course that were asked for; a beginning is enough if only one has it.

    Raises ConfigError.
    """
    found = []
    for text in asked:
        fitting = [name for name in course.notebooks if text and name.startswith(text)]
        if text not in course.notebooks and len(fitting) != 1:
            others = f"it may be {' or '.join(fitting)}" if fitting else ""
            near = others or _near(text, list(course.notebooks))
            raise ConfigError(f"{what} {text}: no notebook is called so; {near}")
        found.append(text if text in course.notebooks else fitting[0])
    return found


def teams(asked: Iterable[str], place: ClassFolder, what: str = "--team") -> list[str]:
    """The teams that were asked for, if all are in the class.  Raises ConfigError."""
    wanted = list(asked)
    known = _teams(place) if wanted else []
    for text in wanted:
        if text not in known:
            near = _near(text, known)
            raise ConfigError(f"{what} {text}: there is no such team; {near}")
    return wanted


def warn_of_extensions(place: ClassFolder, course: config.Course) -> None:
    """Say which extensions are for nobody in the class.  An empty class says nothing yet."""
    given = course.extensions.table
    known = _teams(place) if given else []
    for entry in given if known else ():
        team = entry.partition("/")[0]
        if team not in known:
            errors.print(
                f"warning: course.toml, extensions: {entry!r}: there is no such team in the roster "
                f"or among those who handed in; {_near(team, known)}",
                markup=False,
            )


def _teams(place: ClassFolder) -> list[str]:
    """All who are in the roster or have handed in."""
    from grader.classroom.standing import people  # the gradebook takes its time to import

    problems: list[str] = []
    listed = {person.team for person in people(place.root / "roster.csv", problems)}
    for problem in problems:
        errors.print(f"warning: {problem}", markup=False)
    return sorted(listed | {team for team, _ in place.submissions()})


def _near(text: str, known: list[str]) -> str:
    """ "did you mean …?" for what is almost known, else what there is."""
    same = [name for name in known if name == normalise_id(text)]
    if near := same or difflib.get_close_matches(normalise_id(text), known, n=3, cutoff=0.84):
        return f"did you mean {' or '.join(near)}?"
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN + 1 else ""
    return f"there are {', '.join(known[:_SHOWN] if more else known)}{more}" if known else "none is"
