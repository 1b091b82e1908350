"""What comes with a notebook: files below handin/NOTEBOOK/, own modules, and what two hand in
together.

Students put saved weights and the like into notebooks/handin/NOTEBOOK/; they are kept as files/
beside the notebook.  Which are taken `utils.packing.beside` says, to the packer as well.  A report
is kept with the last of the notebooks that came with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from importlib import metadata
from pathlib import Path

from grader import places
from grader.classroom import own_modules, reports
from grader.classroom.account import Other, Question
from grader.intake.bounds import Member
from grader.intake.notebooks import Candidate
from grader.text import shown
from utils.packing import asked, beside
from utils.packing.accepted import folded
from utils.packing.beside import Names
from utils.packing.enclosed import is_report
from utils.packing.exported import is_export

CAUSE = "file left out"
REMEDY = "look whether the notebook needs it, and ask the team for it if so"
LEFT_OUT = "left out"
_NUMBERED = re.compile(r"([A-Za-z]+)\d+_(.+)")


def owner(path: str, names: Iterable[str]) -> str:
    """The notebook that a file below a folder handin/ belongs to, "" if none."""
    parts = path.split("/")
    for k, part in enumerate(parts[:-2]):
        if part.casefold() == "handin":
            wanted = parts[k + 1].casefold()
            return next((name for name in names if name.casefold() == wanted), "")
    return ""


@dataclass(frozen=True)
class Along:
    """What comes with one notebook."""

    members: tuple[Member, ...] = ()
    """To be kept, with paths in the submission's folder."""
    notes: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    others: tuple[Other, ...] = ()
    asked: tuple[str, ...] = ()
    """Paths of the files that questions are about."""


def belonging_to(chosen: Candidate, members: list[Member], names: Iterable[str]) -> Along:
    """Files to keep with a notebook: those that the packer would have packed, for its reasons."""
    files, notes = _seen_from(chosen, members, list(names))
    content = {path: member.content for path, member in files.items()}
    found = beside.sort_out(chosen.notebook, chosen.code, content, _names(places.public()))
    kept = [Member(stored_as(path, chosen.notebook), content[path]) for path in found.kept]
    unneeded = [Other(files[p].path, LEFT_OUT, "no code mentions it") for p in found.unneeded]
    folders = dict.fromkeys(path.split("/")[0] for path in found.ours)
    ours = [Other(f"{name}/", LEFT_OUT, "the course's own counts") for name in folders]
    exports = [
        Other(member.path, LEFT_OUT, "the notebook that it was exported from counts")
        for member in members
        if is_export(member.path)
    ]
    refused = [Other(what, LEFT_OUT, reason) for what, reason in found.refused]
    known = {*found.kept, *found.unneeded, *found.ours}
    return Along(
        tuple(sorted(kept, key=lambda member: member.path)),
        (*notes, *(f"left out: {shown(reason, 400)}" for _, reason in found.refused)),
        tuple(Question(CAUSE, shown(reason, 400), REMEDY) for _, reason in found.refused),
        (*unneeded, *ours, *exports, *refused),
        tuple(files[path].path for path in files if path not in known) if refused else (),
    )


def with_reports(along: Along, members: Iterable[Member]) -> Along:
    """What comes with the notebook that reports are kept with: the PDFs first, then by name."""
    found = [member for member in members if is_report(member.path)]
    found.sort(key=lambda m: (not m.path.casefold().endswith(".pdf"), m.path.count("/"), m.path))
    places = reports.stored_as([member.path for member in found])
    kept = [Member(place, m.content) for place, m in zip(places, found, strict=True)]
    told = [Other(shown(m.path.rpartition("/")[2]), "kept", reports.WHY) for m in found]
    return replace(
        along,
        members=tuple(sorted([*along.members, *kept], key=lambda member: member.path)),
        others=(*along.others, *told),
    )


def stored_as(path: str, notebook: str) -> str:
    """Where a file that lay beside a notebook is kept in the submission's folder.

    A module is kept as plain text: nothing of ours imports it, whatever folder it is started in.
    """
    if beside.is_module(path):
        return f"{own_modules.FOLDER}/{path}{own_modules.AS_TEXT}"
    return f"files/{path.removeprefix(f'handin/{notebook}/')}"


def _seen_from(
    chosen: Candidate, members: list[Member], names: list[str]
) -> tuple[dict[str, Member], list[str]]:
    """Files by path as seen from a notebook's folder, and notes on those that are there twice."""
    files: dict[str, Member] = {}
    notes: list[str] = []
    seen: set[str] = set()
    home = chosen.path.rpartition("/")[0]
    # what lies beside the notebook's folder comes first, as on sys.path once its setup has run
    for member in sorted(members, key=lambda member: member.path.startswith(f"{home}/")):
        if owner(member.path, names):
            if owner(member.path, names) != chosen.notebook:
                continue
            parts = member.path.split("/")
            start = [part.casefold() for part in parts].index("handin") + 2
            path = "/".join(["handin", chosen.notebook, *parts[start:]])
        elif beside.is_module(member.path):
            path = _as_imported(member.path, home)
        else:
            continue
        key = folded(path)
        clash = any(key.startswith(f"{k}/") or k.startswith(f"{key}/") for k in seen)
        if key in seen or clash:
            notes.append(f"two files of one name, one was kept: {shown(path)}")
            continue
        seen.add(key)
        files[path] = member
    return files, notes


def _as_imported(path: str, home: str) -> str:
    """A module as a notebook in the folder `home` imports it: from there, or from beside it."""
    above = home.rpartition("/")[0]
    for folder in (home, above):
        if not folder:
            return path
        if path.startswith(f"{folder}/"):
            return path.removeprefix(f"{folder}/")
    return path


def _names(public: Path) -> Names:
    """What the packer knows, and what is installed where it will be graded."""
    names = asked.read(public).names
    return names._replace(taken=names.taken | _installed())


@cache
def _installed() -> frozenset[str]:
    return frozenset(metadata.packages_distributions())


def pair_names(name: str, prefix: str) -> str:
    """The names of two who hand in together: "One_Two" of Ex2_One_Two; "" for another name.

    Another number than the prefix's is no reason to lose it.
    """
    match = _NUMBERED.fullmatch(name)
    wanted = prefix.rstrip("0123456789").casefold()
    return match[2] if match is not None and wanted and match[1].casefold() == wanted else ""


def check_pair(archive: str, paths: list[str], prefix: str) -> list[str]:
    """Notes on an archive Ex2_Name[_Name].zip: exactly one PDF of that name, no png."""
    base = archive.rpartition("/")[2]
    match = re.fullmatch(r"(.+?)(?:\s*\(\d+\))?\.zip", base, re.IGNORECASE)
    if match is None or not pair_names(match[1], prefix):
        return []
    notes = []
    pdfs = [path.rpartition("/")[2] for path in paths if path.lower().endswith(".pdf")]
    if [pdf.casefold() for pdf in pdfs] != [f"{match.group(1)}.pdf".casefold()]:
        found = ", ".join(shown(pdf, 60) for pdf in pdfs[:5]) or "none"
        notes.append(
            f"there should be exactly one PDF, {shown(match.group(1))}.pdf; found: {found}"
        )
    if any(path.lower().endswith(".png") for path in paths):
        notes.append("holds png files, which were not asked for")
    return notes
