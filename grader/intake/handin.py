"""What comes with a notebook: files below handin/NOTEBOOK/, and what two hand in together.

Students put saved weights and the like into notebooks/handin/NOTEBOOK/; they are kept as files/
beside the notebook.  Nothing is opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from grader.intake.bounds import MIB, Member, folded
from grader.text import shown

HANDIN_BYTES = 20 * MIB
"""Most bytes kept with one notebook."""
HANDIN_FILES = 200
"""Most files kept with one notebook."""


PROGRAM = re.compile(r"(?i).*\.(?:py|pyc|pyd|so|ipynb|sh)|.*config[^/]*\.json")
"""Files that are never kept: Jupyter's own programs would load a configuration that they find in a
folder, and an instructor's formgrader can be sent to any folder by a link."""


_NUMBERED = re.compile(r"([A-Za-z]+)\d+_(.+)")


def owner(path: str, names: Iterable[str]) -> str:
    """The notebook that a file below a folder handin/ belongs to, "" if none."""
    parts = path.split("/")
    for k, part in enumerate(parts[:-2]):
        if part.casefold() == "handin":
            wanted = parts[k + 1].casefold()
            return next((name for name in names if name.casefold() == wanted), "")
    return ""


def belonging_to(
    notebook: str, members: list[Member], names: Iterable[str]
) -> tuple[list[Member], list[str]]:
    """Files to keep with a notebook, with paths below files/, and notes on those left out."""
    names = list(names)
    kept: dict[str, Member] = {}
    notes = []
    for member in members:
        if owner(member.path, names) == notebook:
            if PROGRAM.fullmatch(member.path):
                notes.append(f"a program or configuration was left out: {shown(member.path)}")
                continue
            parts = member.path.split("/")
            start = [part.casefold() for part in parts].index("handin") + 2
            path = "files/" + "/".join(parts[start:])
            kept.setdefault(folded(path), Member(path, member.content))
    clash = {key for key in kept for other in kept if other.startswith(f"{key}/")}
    chosen = [member for key, member in kept.items() if key not in clash]
    if len(chosen) > HANDIN_FILES:
        many = f"{len(chosen)} files came with it, more than {HANDIN_FILES}: none was kept"
        return [], [*notes, many]
    size = sum(len(member.content) for member in chosen)
    if size > HANDIN_BYTES:
        large = f"files of {size // MIB} MiB came with it, more than 20 MiB: none was kept"
        return [], [*notes, large]
    notes += [f"two files of one name, one was kept: {shown(kept[key].path)}" for key in clash]
    return sorted(chosen, key=lambda member: member.path), notes


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
