"""Which notebook of the course a file is, and whether it is one at all.

Names come first, in any of the ways that browsers, Jupyter and the LMS change them; a file with
another name is known by nbgrader's cell ids.  Nothing in a notebook is executed or believed here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grader.cells import about, grade_id, text_of
from grader.classroom.releases import claimed
from grader.intake.bounds import Member
from grader.text import shown
from utils.checks.identity import normalise_id
from utils.packing.accepted import Refused
from utils.packing.notebooks import cleared, code_cells, code_of, long_cells, parse, silent

SHARE = 0.5
"""Share of a notebook's cell ids that must be there to know it by them."""
FILE_NAME = re.compile(r"(.+?)\.ipynb(?:\.json|\.txt)?", re.IGNORECASE | re.DOTALL)
COPY = re.compile(r"\s*\(\d+\)$|[\s_-]*(?:copy|kopie)\s*\d*$|-\d{1,2}$", re.IGNORECASE)
"""What browsers, Jupyter and Canvas append to the name of a second copy."""


@dataclass(frozen=True)
class Candidate:
    """A file of an archive that is a notebook of the course."""

    notebook: str
    path: str
    content: bytes
    rank: int
    """0 if it lies where it should, 1 for the exact name, more the less the name says."""
    progress: tuple[int, int, int]
    """(cells of the course found, solution cells worked on, cells executed): more is better."""
    code: str
    """All code in it."""
    work: Any
    """What the student wrote, without outputs: equal for notebooks that were only run again."""
    notes: tuple[str, ...] = ()
    release: str = ""
    """Id of the release that it says it was made from."""


@dataclass
class Releases:
    """What the released notebooks hold: cell ids by notebook."""

    ids: dict[str, set[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path, names: Iterable[str]) -> Releases:
        """Read the released notebooks, as far as they exist."""
        found = cls()
        for name in names:
            path = folder / f"{name}.ipynb"
            if path.is_file():
                with suppress(Refused):  # a release that is broken helps nobody here
                    found.ids[name] = set(_grade_ids(parse(path.read_bytes())[0]))
        return found

    def by_ids(self, ids: set[str]) -> str:
        """The notebook that has these cell ids; "" if none or several might be meant."""
        shares = {
            name: len(ids & own) / len(own) for name, own in self.ids.items() if len(own & ids) > 1
        }
        likely = [name for name, share in shares.items() if share >= SHARE]
        return likely[0] if len(likely) == 1 else ""


def is_notebook_name(path: str) -> bool:
    """Whether a file calls itself a notebook."""
    return FILE_NAME.fullmatch(path.rpartition("/")[2]) is not None


def by_name(path: str, names: Iterable[str]) -> tuple[str, int]:
    """The notebook that a file's name means, and how far the name is off; ("", 9) if none."""
    base = path.rpartition("/")[2]
    match = FILE_NAME.fullmatch(base)
    if match is None:
        return "", 9
    stem = match.group(1)
    names = list(names)
    if base in [f"{name}.ipynb" for name in names]:
        return stem, 0 if path.endswith(f"notebooks/{base}") or path == base else 1
    while (shorter := COPY.sub("", stem)) != stem:
        stem = shorter
    wanted = normalised(stem)
    for name in names:
        if wanted == normalised(name):
            return name, 2
    inside = [name for name in names if f"_{normalised(name)}_" in f"_{wanted}_"]
    return (inside[0], 3) if len(inside) == 1 else ("", 9)


def normalised(text: str) -> str:
    """`normalise_id`, but "" for numbers too long to be converted."""
    try:
        return normalise_id(text)
    except ValueError:
        return ""


def candidate(member: Member, names: Iterable[str], releases: Releases) -> Candidate | None:
    """What a file is; None if it is no notebook of the course.  Raises Refused if it is broken."""
    names = list(names)
    name, rank = by_name(member.path, names)
    try:
        notebook, content, mended = parse(member.content)
    except Refused as reason:
        if not name:
            return None
        raise Refused(f"{shown(member.path)}: {reason}") from None
    notes = [f"{shown(member.path)}: {note}" for note in mended]
    ids = _grade_ids(notebook)
    by_ids = releases.by_ids(set(ids))
    if by_ids and by_ids != name and not releases.ids.get(name, set()) & set(ids):
        notes.append(f"{shown(member.path)} was known by its cells to be {by_ids}")
        name, rank = by_ids, 4
    elif rank >= 2:
        notes.append(f"{shown(member.path)} was taken as {name}.ipynb")
    if not name:
        return None
    if cleared(notebook):
        notes.append("the outputs were cleared, or it was never run")
    elif missing := silent(notebook):
        notes.append(f"without outputs of checks and figures: {shown(', '.join(missing), 300)}")
    if long := long_cells(notebook):
        notes.append(f"longer than what is shown of a cell: {long}; they run as they are")
    expected = releases.ids.get(name, set(ids))
    progress = (len(expected & set(ids)), _worked_on(notebook), _executed(notebook))
    code, work, made_from = code_of(notebook), _work(notebook), claimed(notebook)
    return Candidate(
        name, member.path, content, rank, progress, code, work, tuple(notes), made_from
    )


def best(candidates: list[Candidate]) -> Candidate:
    """Of several files for one notebook the one with the best name, then the most complete."""
    chosen, *others = sorted(
        candidates, key=lambda c: (c.rank, [-n for n in c.progress], c.path.count("/"), c.path)
    )
    if not others:
        return chosen
    passed_over = ", ".join(shown(other.path, 60) for other in others[:5])
    note = f"{shown(chosen.path)} was taken, not {passed_over}"
    return Candidate(**{**vars(chosen), "notes": (*chosen.notes, note)})


def _grade_ids(notebook: dict[str, Any]) -> list[str]:
    return [name for cell in notebook["cells"] if (name := grade_id(cell))]


def _worked_on(notebook: dict[str, Any]) -> int:
    return sum(
        1
        for cell in notebook["cells"]
        if about(cell).get("solution") is True
        and "raise NotImplementedError" not in text_of(cell)
        and "YOUR ANSWER HERE" not in text_of(cell)
    )


def _executed(notebook: dict[str, Any]) -> int:
    return sum(1 for c in code_cells(notebook) if c.get("outputs") or c.get("execution_count"))


def _work(notebook: dict[str, Any]) -> list[tuple[str, ...]]:
    return [
        (cell["cell_type"], grade_id(cell), text_of(cell), *_pictures(cell))
        for cell in notebook["cells"]
    ]


def _pictures(cell: dict[str, Any]) -> list[str]:
    """What was pasted into a cell, as one text."""
    pasted = cell.get("attachments")
    return [json.dumps(pasted, sort_keys=True)] if pasted else []


def work_of(content: bytes) -> Any:
    """`Candidate.work` of a notebook that was taken in; None if it can't be read."""
    try:
        return _work(parse(content)[0])
    except Refused:
        return None
