"""What an attack is, and how it becomes a submission to the tiny course.

Every attack rides on solutions that honestly earn nothing, so whatever it gets it has stolen.
Texts may hold places: {CLASS} and {ROOT} are the class folder and the course, {PLACE} is a folder
of the host that nobody may touch, {PORT} a service of the host, {MATE} an honest classmate.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode

from grader.classroom import results
from grader.classroom.folder import ClassFolder
from grader.files import write_atomically
from tests.grader.tiny_course import NAME, reference
from utils.checks.identity import normalise_id

WRONG = "def square(x):\n    return x + 100\n"
"""Earns 0 of 4 points: wrong everywhere, and no mistake that anybody knows."""
WRONG_SUMS = 'sums = {"a": -1, "b": -1}\n'
"""Earns 0 of 2 points."""
FULL = 6.0
RIGHT = "def square(x):\n    return x * x\n"

NOT_RUN = "tests never run"
FORGED = "forged outcome"
PATCHED = "patched judge"
READING = "reading the answers"
WRITING = "writing the grades"
THEFT = "somebody else's work"
STALE = "stale marks"
LEAKS = "leaks"
STOPS = "one stops all"
RESOURCES = "resources"
VICTIMS = "innocent victims"

Change = Callable[[NotebookNode], NotebookNode | bytes]


@dataclass(frozen=True)
class Attack:
    """One hostile submission."""

    name: str
    threat: str
    """A class of attacks, as named above."""
    cell: str = ""
    """Code in a cell of the attacker's own, before the solutions."""
    square: str = WRONG
    sums: str = WRONG_SUMS
    essay: str = "Because."
    change: Change | None = None
    """Turns the notebook into something else, or into bytes."""
    files: dict[str, bytes] = field(default_factory=dict)
    """Files handed in with it, by path below its hand-in folder."""
    points: float = 0.0
    """What it honestly earns."""
    human: str = ""
    """What the reason for a human's look must say; "" if none is needed, "?" if it depends."""
    says: str = ""
    """What the result must say about the checks, somewhere."""
    plain: str = ""
    """What happens under plain nbgrader: it "gains" points, "leaks", "harms" others, "stops" the
    batch, or honest work "loses" points; "" for nothing, or nothing that was tried."""
    long: bool = False
    """Only a long run tries it: it takes long, and an ordinary run tries another of its kind."""


@dataclass(frozen=True)
class Places:
    """What the places in an attack's text stand for."""

    folder: Path
    root: Path
    place: Path
    port: int
    mate: str = "honest_1"

    def fill(self, text: str) -> str:
        """Replace the places in a text."""
        values = {
            "{CLASS}": self.folder,
            "{ROOT}": self.root,
            "{PLACE}": self.place,
            "{PORT}": self.port,
            "{MATE}": self.mate,
        }
        for name, value in values.items():
            text = text.replace(name, str(value))
        return text


def team_of(attack: Attack) -> str:
    """The team that hands an attack in."""
    return normalise_id(f"attacker {attack.name}")


def notebook_of(attack: Attack, places: Places) -> bytes:
    """What the attacker hands in."""
    texts = {"square": attack.square, "sums": attack.sums, "why": attack.essay}
    changes = {name: places.fill(text) for name, text in texts.items() if text}
    notebook = reference(team_of(attack), changes)
    if attack.cell:
        at = next(i for i, c in enumerate(notebook.cells) if c.source == changes["square"])
        notebook.cells.insert(at, nbformat.v4.new_code_cell(places.fill(attack.cell)))
    changed = attack.change(notebook) if attack.change else notebook
    # ASCII, so that half characters survive as escapes
    return changed if isinstance(changed, bytes) else json.dumps(changed).encode()


def hand_in(
    folder: ClassFolder, team: str, notebook: bytes, files: dict[str, bytes] | None = None
) -> None:
    """Put a submission where intake would, without the checks that intake makes."""
    place = folder.submitted(team, NAME)
    write_atomically(place / f"{NAME}.ipynb", notebook)
    paths = []
    for name, content in (files or {}).items():
        write_atomically(place / "files" / name, content)
        paths.append(f"files/{name}")
    received = datetime(2027, 1, 15, 12, tzinfo=UTC)
    submission = results.Submission(team, NAME, f"{team}.tar.gz", "0" * 64, received, paths)
    results.write(place / "submission.json", submission)


def honest(team: str, note: str = "") -> bytes:
    """A right solution."""
    notebook = reference(team, {"square": f"{RIGHT}# {note}\n"})
    return nbformat.writes(notebook).encode()


def everything_in(root: Path) -> dict[str, bytes | str]:
    """All that lies in a folder, by path: content, or where a link leads."""
    found: dict[str, bytes | str] = {}
    for where, folders, names in os.walk(root):
        for name in (*folders, *names):
            path = Path(where, name)
            key = str(path.relative_to(root))
            if path.is_symlink():
                found[key] = f"-> {path.readlink()}"
            elif path.is_file():
                found[key] = path.read_bytes()
            else:
                found[key] = "folder"
    return found
