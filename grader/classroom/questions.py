"""Questions to a human: which stand open, which were answered, and how they come in groups.

An answer says that somebody has looked and lets the marks stand.  It changes no mark, it holds for
the work that was looked at, and it can be taken back.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from grader.classroom import results
from grader.classroom.account import Question
from grader.classroom.folder import ClassFolder
from grader.classroom.results import Settled, Submission
from grader.errors import ConfigError
from grader.text import shown

FILE = "settled.json"
DAMAGED = "file damaged"
"""Cause of the questions that looking can't answer: there is nothing to let stand."""
CONFIRM = "mark to confirm"
"""Cause where a mark by hand was given to something that has changed since."""
WIDTH = 80
_IN = " " * 6
_COMMAND = re.compile(r"\./course [a-z]+")


@dataclass(frozen=True)
class Asked:
    """One question about one submission."""

    team: str
    notebook: str
    question: Question
    batch: str = ""
    """The run in which it came up, as in `results.Submission`."""

    @property
    def label(self) -> str:
        """team_7/01_implementing_cnn"""
        return f"{self.team}/{self.notebook}"


@dataclass(frozen=True)
class Group:
    """The same cause in the same run: what is likely to have one answer."""

    cause: str
    batch: str
    asked: tuple[Asked, ...]

    @property
    def remedy(self) -> str:
        """What to do about it, as the first says."""
        return self.asked[0].question.remedy

    @property
    def submissions(self) -> list[str]:
        """Labels of those that it is about, in order."""
        return list(dict.fromkeys(entry.label for entry in self.asked))

    def command(self, root: Path) -> str:
        """What answers all of them; "" if nothing but putting it right does."""
        if self.cause == DAMAGED:
            return ""
        batch = ["--batch", self.batch] if self.batch else []
        return here(shlex.join(["./course", "settle", self.cause, *batch]), root)

    def as_data(self, root: Path) -> dict[str, Any]:
        """For programs."""
        return {
            "cause": self.cause,
            "batch": self.batch,
            "remedy": self.remedy,
            "submissions": self.submissions,
            "reason": self.asked[0].question.reason,
            "command": self.command(root),
        }


@dataclass(frozen=True)
class Chosen:
    """Which questions are meant."""

    cause: str
    teams: tuple[str, ...] = ()
    notebooks: tuple[str, ...] = ()
    cell: str = ""
    batch: str = ""

    def fits(self, entry: Asked | Settled) -> bool:
        """Is it one of them?"""
        about = entry.question if isinstance(entry, Asked) else entry
        return (
            about.cause == self.cause
            and entry.team in (self.teams or (entry.team,))
            and entry.notebook in (self.notebooks or (entry.notebook,))
            and about.cell == (self.cell or about.cell)
            and entry.batch == (self.batch or entry.batch)
        )


def grouped(asked: Iterable[Asked]) -> list[Group]:
    """Questions by cause and run, the largest group first."""
    found: dict[tuple[str, str], list[Asked]] = {}
    for entry in asked:
        found.setdefault((entry.question.cause, entry.batch), []).append(entry)
    groups = [Group(cause, batch, tuple(entries)) for (cause, batch), entries in found.items()]
    return sorted(groups, key=lambda g: (-len(g.asked), g.cause, g.batch))


def describe(groups: Iterable[Group], root: Path) -> list[str]:
    """Groups as lines for a terminal: how many, one of them, what to do, and the command."""
    lines, commands = [], 0
    for group in groups:
        first, where = group.asked[0], len(group.submissions)
        told = f" (run of {group.batch.replace('T', ' ')})" if group.batch else ""
        lines.append(f"  {where} × {shown(group.cause)}{told}")
        cell = f"{first.question.cell}: " if first.question.cell else ""
        others = f" (and {where - 1} more)" if where > 1 else ""
        lines += wrapped(f"{first.label}{others}: {cell}{first.question.reason}")
        if where > 1:  # each by its name, however many
            rest = f"also: {', '.join(map(shown, group.submissions[1:]))}"
            lines += textwrap.wrap(rest, WIDTH, initial_indent=_IN, subsequent_indent=_IN)
        lines += _to_do(group.remedy, root)
        if command := group.command(root):
            commands += 1
            lines.append(f"      {command}")  # whole, however long: to be copied
    if commands:
        lines.append("  ./course settle: somebody has looked, and the marks stand as they are")
    return lines


def here(command: str, root: Path) -> str:
    """A command as it must be typed to work on this class folder."""
    if root == Path(os.environ.get("COURSE_CLASS", "class")).resolve():
        return command
    return f"{command} -c {shlex.quote(_near(root))}"


def typed(text: str, root: Path) -> str:
    """A text with the commands in it as they must be typed to work on this class folder."""
    added = here("", root)
    return _COMMAND.sub(lambda found: f"{found[0]}{added}", text) if added else text


def _to_do(remedy: str, root: Path) -> list[str]:
    """The remedy, and a command at its end on a line of its own, to be copied."""
    if not remedy:
        return []
    words, typed, rest = remedy.partition("./course ")
    lines = wrapped(f"to do: {words}".rstrip()) if words else []
    return [*lines, f"{_IN}{here(typed + rest, root)}"] if typed else lines


def read(root: Path) -> list[Settled]:
    """What was answered in a class folder.  Raises OSError or msgspec.ValidationError."""
    try:
        return results.read(root / FILE, list[Settled])
    except FileNotFoundError:
        return []


def answered(question: Question, settled: Iterable[Settled]) -> bool:
    """Did somebody look at this question?  settled: of the same work."""
    about = question.cause, question.cell, question.reason
    return any((s.cause, s.cell, s.reason) == about for s in settled)


def settle(folder: ClassFolder, asked: Iterable[Asked], note: str, when: datetime) -> None:
    """Record that somebody has looked at these.

    Raises ConfigError if the file is damaged, or what was handed in can't be read.
    """
    new = [
        Settled(
            entry.team,
            entry.notebook,
            work_of(folder, entry.team, entry.notebook),
            entry.question.cause,
            entry.question.reason,
            entry.question.cell,
            entry.batch,
            when,
            note,
        )
        for entry in asked
    ]
    for entry in new:
        if not entry.work:
            raise ConfigError(
                f"{entry.team}/{entry.notebook}: what was handed in can't be read, so nobody can "
                "have looked at it; collect it again"
            )
    about = {_about(entry) for entry in new}
    kept = [entry for entry in _there(folder) if _about(entry) not in about]
    results.write(folder.root / FILE, kept + new)


def undo(folder: ClassFolder, chosen: Chosen, dry_run: bool = False) -> list[Settled]:
    """Take answers back; returns them.  Raises ConfigError if the file is damaged."""
    there = _there(folder)
    gone = [entry for entry in there if chosen.fits(entry)]
    if gone and not dry_run:
        results.write(folder.root / FILE, [entry for entry in there if entry not in gone])
    return gone


def work_of(folder: ClassFolder, team: str, notebook: str) -> str:
    """Digest of what lies in the class folder of a submission: the work, not when it came.

    Empty if it can't be read.
    """
    place = folder.submitted(team, notebook)
    try:
        submission = results.read(place / "submission.json", Submission)
        names = [f"{notebook}.ipynb", *sorted(submission.files)]
        digest = hashlib.sha256()
        for name in names:
            content = (place / name).read_bytes()
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return ""
    return digest.hexdigest()


def _there(folder: ClassFolder) -> list[Settled]:
    try:
        return read(folder.root)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{folder.root / FILE} can't be read ({error}); mend it, or move it away and settle "
            "again what was settled"
        ) from None


def _about(entry: Settled) -> tuple[str, ...]:
    return entry.team, entry.notebook, entry.work, entry.cause, entry.reason, entry.cell


def _near(root: Path) -> str:
    """A path as one would type it here."""
    here = Path.cwd()
    return str(root.relative_to(here) if root.is_relative_to(here) else root)


def wrapped(text: str, first: str = "      ", rest: str = "      ") -> list[str]:
    """A text from wherever in lines that a terminal has room for."""
    return textwrap.wrap(shown(text, 600), WIDTH, initial_indent=first, subsequent_indent=rest)
