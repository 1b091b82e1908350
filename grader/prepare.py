"""Put a submitted notebook together with its release, so that only the student's part is theirs.

The release decides what is locked, what is graded, and every cell's metadata; the submission gives
the text of solution cells and answers, and whatever cells the student added.  Nothing a student
wrote into metadata (tags, ids, kernels) survives.  Nothing is executed here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import nbformat
from nbformat.notebooknode import NotebookNode

from grader.source_text import FIGURE

MAX_CELLS = 2000
"""More cells than this are not a notebook that a person wrote."""


def well_formed(text: str) -> str:
    """The text without half characters (a cut emoji), which no file and no kernel would take."""
    return text.encode("utf-8", "replace").decode()


class NotANotebook(ValueError):
    """The submitted file can't be read as a notebook; the text says why."""


@dataclass
class Prepared:
    """A notebook that is ready to be executed and graded."""

    notebook: NotebookNode
    notes: list[str] = field(default_factory=list)
    """What was mended, for the instructor."""


def read_notebook(data: bytes) -> NotebookNode:
    """Parse notebook bytes, of any nbformat version.  Raises NotANotebook."""
    try:
        notebook = nbformat.reads(data.decode("utf-8-sig"), as_version=4)
        cells = notebook.cells
        if not isinstance(cells, list):
            raise NotANotebook("it has no list of cells")
        for number, cell in enumerate(cells, 1):
            if not isinstance(cell, dict):
                raise NotANotebook(f"cell {number} is damaged")
    except NotANotebook:
        raise
    except (Exception, RecursionError) as error:  # nbformat raises many types on odd input
        text = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise NotANotebook(f"it can't be read as a notebook: {text}") from None
    if len(cells) > MAX_CELLS:
        raise NotANotebook(f"it has {len(cells)} cells; at most {MAX_CELLS} are accepted")
    return notebook


def prepare(submitted: NotebookNode, release: NotebookNode) -> Prepared:
    """Merge a submission with its release.

    The order is the student's.  A released cell that is missing comes back behind the one it
    followed; one that appears twice is taken once, except that a repeated solution cell still runs,
    as it did for the student, with the last definition in force.
    """
    by_id = {_grade_id(c): c for c in release.cells if _grade_id(c)}
    order = [_grade_id(c) for c in release.cells if _grade_id(c)]
    prepared = Prepared(nbformat.v4.new_notebook(metadata=dict(release.metadata)))
    chosen = _answers(submitted, by_id, prepared.notes)
    placed: set[str] = set()
    cells: list[NotebookNode] = []
    for index, cell in enumerate(submitted.cells):
        source = _text(cell)
        name = _grade_id(cell)
        if name not in by_id:
            cells.append(_own_cell(cell, source))
            continue
        released = by_id[name]
        if index == chosen.get(name, index) and name not in placed:
            locked = released.metadata.nbgrader.locked
            cells.append(_merged(released, released.source if locked else source))
            if released.cell_type == "markdown" and isinstance(cell.get("attachments"), dict):
                cells[-1].attachments = cell.attachments  # pictures pasted into an answer
            placed.add(name)
        elif released.metadata.nbgrader.solution and released.cell_type == "code":
            cells.append(_own_cell(cell, source))
    for position, name in enumerate(order):
        if name in placed:
            continue
        prepared.notes.append(f"cell {name!r} was missing and was put back as released")
        before = set(order[:position])
        at = max((i + 1 for i, c in enumerate(cells) if _grade_id(c) in before), default=0)
        cells.insert(at, _merged(by_id[name], by_id[name].source))
        placed.add(name)
    for index, cell in enumerate(cells):
        cell.id = f"c{index:04}"
    prepared.notebook.cells = cells
    return prepared


def runs_when_graded(cell: NotebookNode) -> bool:
    """Is this a code cell that the harness executes?"""
    return cell.cell_type == "code" and FIGURE not in cell.metadata.get("tags", [])


def _answers(
    submitted: NotebookNode, by_id: dict[str, NotebookNode], notes: list[str]
) -> dict[str, int]:
    """Which of several copies of a cell counts: the last one that isn't as released."""
    chosen: dict[str, int] = {}
    copies: dict[str, int] = {}
    for index, cell in enumerate(submitted.cells):
        name = _grade_id(cell)
        if name not in by_id:
            continue
        copies[name] = copies.get(name, 0) + 1
        if name not in chosen or (
            _text(cell) != by_id[name].source and not by_id[name].metadata.nbgrader.locked
        ):
            chosen[name] = index
    for name, count in copies.items():
        if count > 1:
            notes.append(f"cell {name!r} appears {count} times")
    for name in by_id:
        cell = by_id[name]
        is_check = cell.metadata.nbgrader.locked and cell.metadata.nbgrader.grade
        if is_check and name in chosen and _text(submitted.cells[chosen[name]]) != cell.source:
            notes.append(f"check cell {name!r} was changed and was restored")
    return chosen


def _merged(released: NotebookNode, source: str) -> NotebookNode:
    cell = nbformat.from_dict(released)
    cell.source = source
    if cell.cell_type == "code":
        cell.outputs, cell.execution_count = [], None
    return cell


def _own_cell(cell: NotebookNode, source: str) -> NotebookNode:
    """A cell of the student's own: its text, and nothing else."""
    if cell.get("cell_type") == "code":
        return nbformat.v4.new_code_cell(source)
    return nbformat.v4.new_markdown_cell(source)


def _grade_id(cell: NotebookNode) -> str:
    """nbgrader's id of a cell, or "" where there is none that could be one."""
    meta = cell.get("metadata")
    nbgrader = meta.get("nbgrader") if isinstance(meta, dict) else None
    name = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    return name if isinstance(name, str) else ""


def _text(cell: NotebookNode) -> str:
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(str(part) for part in source)
    return well_formed(source) if isinstance(source, str) else ""
