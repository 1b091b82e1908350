"""Releases of a notebook: which one a file is, and those that a class has been graded against.

A released notebook says in its metadata which release it is: a digest of its cells.  The class
folder keeps each release under that name in releases/NOTEBOOK/, since what a student left as it
was released is told by the release that the student had.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode

from grader import places
from grader.cells import (
    about,
    grade_id,
    is_bonus,
    is_check,
    is_essay,
    is_locked,
    is_solution,
    text_of,
)
from grader.classroom.folder import ClassFolder
from grader.errors import ConfigError
from grader.files import write_atomically

FOLDER = "releases"
"""Folder in the class folder."""
_KEY, _ENTRY = "course", "release"
_ID = re.compile(r"[0-9a-f]{12}")


def id_of(notebook: Mapping[str, Any]) -> str:
    """Id of a released notebook: a digest of what its cells are and say, not of their worth."""
    cells = [(cell["cell_type"], grade_id(cell), text_of(cell)) for cell in notebook["cells"]]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()[:12]


def stamp(notebook: NotebookNode) -> None:
    """Write into a released notebook which release it is."""
    notebook.metadata[_KEY] = {_ENTRY: id_of(notebook)}


def claimed(notebook: Mapping[str, Any]) -> str:
    """The release that a notebook says it was made from; "" if it says none that could be one."""
    metadata = notebook.get("metadata")
    said = metadata.get(_KEY) if isinstance(metadata, Mapping) else None
    found = said.get(_ENTRY) if isinstance(said, Mapping) else None
    return found if isinstance(found, str) and _ID.fullmatch(found) else ""


def keep(folder: ClassFolder, name: str, text: str) -> None:
    """Keep a release of a notebook, if it isn't kept yet."""
    path = folder.root / FOLDER / name / f"{id_of(nbformat.reads(text, as_version=4))}.ipynb"
    if not path.is_file():
        write_atomically(path, text)


def kept(folder: ClassFolder, name: str) -> dict[str, NotebookNode]:
    """Id -> release, of all that a class folder holds of a notebook, the present one included.

    A file in releases/NOTEBOOK/ counts whatever it is called.  Raises ConfigError.
    """
    paths = sorted((folder.root / FOLDER / name).glob("*.ipynb"))
    present = folder.root / "release" / name / f"{name}.ipynb"
    found: dict[str, NotebookNode] = {}
    for path in [*paths, *([present] if present.is_file() else [])]:
        try:
            notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
            found[id_of(notebook)] = notebook
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise ConfigError(f"the release {path} can't be read: {error}") from error
    return found


def likeliest(submitted: NotebookNode, present: str, known: Mapping[str, NotebookNode]) -> str:
    """Id of the release whose cells a notebook holds, by what its student has left alone.

    present: id of the present release, which is meant where others are no better.
    """
    there = {text_of(cell).strip() for cell in submitted.cells}
    ids = {grade_id(cell) for cell in submitted.cells}

    def fits(release: NotebookNode) -> int:
        texts = [c.source.strip() for c in release.cells if not _is_answer(c)]
        names = [name for cell in release.cells if (name := grade_id(cell))]
        found = [text in there for text in texts] + [name in ids for name in names]
        left = sum(c.source.strip() in there for c in release.cells if _is_answer(c))
        return left + sum(1 if one else -1 for one in found)

    return max(sorted(known), key=lambda one: (fits(known[one]), one == present))


def renamed(then: NotebookNode, now: NotebookNode) -> dict[str, str]:
    """Old id -> new id of cells that are the same but for their name.

    Only where nothing else could be meant: of one look, one is gone and one is new.
    """
    before, after = _by_look(then), _by_look(now)
    pairs: dict[str, str] = {}
    for look, names in before.items():
        gone = [name for name in names if name not in _ids(now)]
        new = [name for name in after.get(look, []) if name not in _ids(then)]
        if len(gone) == len(new) == 1:
            pairs[gone[0]] = new[0]
    return pairs


def role(cell: Mapping[str, Any]) -> str:
    """What a released cell is for, in a word."""
    kinds = {"check": is_check, "essay": is_essay, "solution": is_solution, "locked": is_locked}
    return next((f"{word} {cell['cell_type']}" for word, holds in kinds.items() if holds(cell)), "")


def worth(cells: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Id -> points of the graded ones among some cells."""
    return {grade_id(c): float(about(c)["points"]) for c in cells if about(c).get("grade")}


def maximum(folder: ClassFolder, name: str, with_bonus: bool) -> float:
    """What a notebook is worth by its release: the class's, or the course's if it has none yet."""
    own = folder.root / "release" / name / f"{name}.ipynb"
    for path in (own, places.public() / "notebooks" / f"{name}.ipynb"):
        try:
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            return sum(worth(cell for cell in cells if with_bonus or not is_bonus(cell)).values())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return 0.0


def bonus(folder: ClassFolder, name: str) -> frozenset[str]:
    """Ids of the optional cells in the release that a class is graded against."""
    present = folder.root / "release" / name / f"{name}.ipynb"
    try:
        cells = json.loads(present.read_text(encoding="utf-8"))["cells"]
        return frozenset(grade_id(cell) for cell in cells if is_bonus(cell))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return frozenset()  # a release that is missing or damaged is told where it is needed


def _is_answer(cell: NotebookNode) -> bool:
    return bool(about(cell).get("solution"))


def _ids(notebook: NotebookNode) -> set[str]:
    return {name for cell in notebook.cells if (name := grade_id(cell))}


def _by_look(notebook: NotebookNode) -> dict[tuple[str, ...], list[str]]:
    """Look -> ids of the cells that have it; an essay looks like the cell above, which asks it."""
    found: dict[tuple[str, ...], list[str]] = {}
    texts = Counter(text_of(cell).strip() for cell in notebook.cells)
    above = ""
    for cell in notebook.cells:
        text = text_of(cell).strip()
        if name := grade_id(cell):
            look = re.sub(r'^check\("\w+"', "check(", text) if is_check(cell) else text
            if is_essay(cell) and texts[above] == 1:
                look = f"{above}\n{look}"
            if not is_essay(cell) or texts[above] == 1:
                found.setdefault((role(cell), look), []).append(name)
        above = text
    return found
