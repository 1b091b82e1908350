"""One hand-in that somebody names: a notebook, an archive, or files that belong together.

Whose it is, and which notebook is meant, says who names it; what is in it is opened as for a class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from grader import config, places
from grader.classroom.results import Ignored, Submission
from grader.errors import ConfigError
from grader.intake import notebooks, opening
from grader.intake.bounds import Member
from grader.intake.delivery import ARCHIVE_NAME, LABEL, Delivery, File
from grader.intake.disk import below, on_disk
from grader.intake.naming import Naming
from grader.intake.notebooks import Releases
from grader.text import shown
from utils.packing import beside
from utils.packing.accepted import Refused, Register
from utils.packing.enclosed import is_report


@dataclass(frozen=True)
class HandIn:
    """What came of it."""

    submission: Submission | None = None
    """None if the notebook could not be taken."""
    content: Mapping[str, bytes] = field(default_factory=dict)
    """The notebook and its files, by the paths at which a class would keep them."""
    refused: tuple[str, ...] = ()
    """What could not be taken, and why; of the notebook, or of files that may be its own."""
    ignored: tuple[Ignored, ...] = ()
    """What was seen and not taken."""


def taken(
    paths: Sequence[Path], course: config.Course, notebook: str, team: str, received: datetime
) -> HandIn:
    """Take a team's notebook, and what comes with it, from files.

    A folder counts like what is packed in an archive.  A file by itself that is no archive,
    notebook, module or report counts as one in handin/NOTEBOOK/; a single notebook may be called
    anything.  Raises ConfigError for a file that is not there, and never for what is in one.
    """
    for path in paths:
        if not path.exists() and not path.is_symlink():
            raise ConfigError(f"there is no file {path}")
    label = shown(paths[0].name if len(paths) == 1 else f"{len(paths)} files", LABEL)
    delivery = Delivery(label, team, [], received)
    releases = Releases.read(places.public() / "notebooks", course.notebooks)
    try:
        delivery.files = _named(_files(paths, notebook), notebook, course, releases)
    except Refused as reason:
        return HandIn(refused=(shown(reason, 500),))
    claimed = Naming(None, list(course.notebooks), course.pairs.prefix).claimed
    opened = opening.opened(delivery, course, releases, claimed)
    refused = [
        shown(f"{entry.label}: {entry.reason}", 500)
        for entry in opened.refused
        if entry.notebook in ("", notebook)
    ]
    ignored = [
        Ignored(shown(entry.label, LABEL), shown(entry.reason, 500))
        for entry in opened.refused
        if entry.notebook not in ("", notebook)
    ]
    ignored += [
        Ignored(shown(opened.place_of(other.path), LABEL), f"{other.notebook} is judged by itself")
        for other, _ in opened.plan
        if other.notebook != notebook
    ]
    ignored += [] if opened.in_vain else opened.passed_over()
    for chosen, along in opened.plan:
        if chosen.notebook == notebook:
            return HandIn(
                opened.submission(team, chosen, along, received),
                {f"{notebook}.ipynb": chosen.content, **{m.path: m.content for m in along.members}},
                tuple(refused),
                tuple(ignored),
            )
    others = ", ".join(other.notebook for other, _ in opened.plan)
    missing = f"no {notebook} in {label}{f', but {others}' if others else ''}"
    return HandIn(refused=(*(refused or [missing]),), ignored=tuple(ignored))


def _files(paths: Sequence[Path], notebook: str) -> list[File]:
    """The files, each where it would lie in an archive.  Raises Refused."""
    register, found = Register(), []
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            found += below(path, path.name)
            continue
        place = path.name if _has_a_place(path.name) else f"handin/{notebook}/{path.name}"
        found.append(on_disk(path, register.add(place, False), path.name))
    return found


def _named(
    files: list[File], notebook: str, course: config.Course, releases: Releases
) -> list[File]:
    """The same; a single notebook of which neither name nor cells tell what it is, is the one."""
    alone = [file for file in files if notebooks.is_notebook_name(file.path)]
    if len(alone) != 1 or any(file.is_archive for file in files):
        return files
    member = Member(alone[0].path, alone[0].read())
    with suppress(Refused):
        if notebooks.candidate(member, course.notebooks, releases) is None:
            known = replace(alone[0], path=f"{notebook}.ipynb")
            return [known if file is alone[0] else file for file in files]
    return files


def _has_a_place(name: str) -> bool:
    """Is a file known for what it is, wherever it lies?"""
    known = beside.is_module(name) or is_report(name) or notebooks.is_notebook_name(name)
    return known or ARCHIVE_NAME.fullmatch(name) is not None
