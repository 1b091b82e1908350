"""Put a submitted notebook together with its release, so that only the student's part is theirs.

The release decides what is locked, what is graded, and every cell's metadata; the submission gives
the text of solution cells and answers, and whatever cells the student added.  Nothing a student
wrote into metadata (tags, ids, kernels) survives.  Nothing is executed here.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from urllib.parse import quote

import nbformat
from nbformat.notebooknode import NotebookNode

from grader.cells import (
    grade_id,
    is_check,
    is_essay,
    is_locked,
    is_solution,
    runs_when_graded,
    text_of,
)
from grader.classroom.account import NOTHING_SAID, Account, Question
from grader.executing.beside import Known, around
from grader.text import well_formed

MAX_CELLS = 2000
"""More cells than this are not a notebook that a person wrote."""

MOST_PUT_BACK = 3
"""Of the cells that grading needs; where more were missing, a person must look."""


class NotANotebook(ValueError):
    """The submitted file can't be read as a notebook; the text says why."""


@dataclass
class Prepared:
    """A notebook that is ready to be executed and graded."""

    notebook: NotebookNode
    notes: list[str] = field(default_factory=list)
    """What was mended, for the instructor."""
    elsewhere: tuple[str, ...] = ()
    """Essays that are as released though an answer may stand beside them; see `beside`."""
    questions: tuple[Question, ...] = ()
    """Why a person must look at it."""
    account: Account = NOTHING_SAID


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
    followed.  Of one that appears more than once, the last answer counts, the parts of an essay are
    joined, and code still runs wherever it stands, as it did for the student.  A check never runs
    before the answer that it is about.
    """
    released = {grade_id(c): c for c in release.cells if grade_id(c)}
    prepared = Prepared(nbformat.v4.new_notebook(metadata=dict(release.metadata)))
    names = _names(submitted, released)
    chosen, behind = _places(submitted, names, released, prepared.notes)
    cells: list[NotebookNode] = []
    for index, (cell, name) in enumerate(zip(submitted.cells, names, strict=True)):
        source = _text(cell)
        if name not in released:
            cells.append(_own_cell(cell, source))
        elif index == chosen[name]:
            if is_locked(released[name]):
                cells.append(_merged(released[name], released[name].source))
            elif released[name].cell_type == "code":
                cells.append(_merged(released[name], source))
            else:
                copies = [c for c, n in zip(submitted.cells, names, strict=True) if n == name]
                cells.append(_whole_answer(released[name], copies))
        elif runs_when_graded(released[name]) and not is_check(released[name]):
            locked = is_locked(released[name])
            cells.append(_own_cell(cell, released[name].source if locked else source))
        cells += [_merged(released[check], released[check].source) for check in behind[index]]
    _put_back(cells, released, set(names), prepared)
    known = Known(release)
    for index, cell in enumerate(cells):
        cell.id = f"c{index:04}"
        name = grade_id(cell)
        if is_essay(cell) and cell.source == released[name].source:
            others = around(cells, index)
            if name not in names or any(known.is_own_text(other) for other in others):
                prepared.elsewhere += (name,)
    prepared.notebook.cells = cells
    return prepared


def _names(submitted: NotebookNode, released: dict[str, NotebookNode]) -> list[str]:
    """Which released cell each cell is, or "".

    Where an editor dropped nbgrader's metadata, Jupyter's own id of the cell tells, or its text if
    nothing in it was changed.
    """
    names = [grade_id(cell) for cell in submitted.cells]
    names = [name if name in released else "" for name in names]
    for mark in (_cell_id, _unchanged):
        lost: dict[object, list[str]] = {}
        for name in released.keys() - set(names):
            lost.setdefault(mark(released[name]), []).append(name)
        for index, cell in enumerate(submitted.cells):
            found = lost.get(mark(cell), []) if not names[index] else []
            if len(found) == 1 and cell.get("cell_type") == released[found[0]].cell_type:
                names[index] = found[0]
    return names


def _places(
    submitted: NotebookNode,
    names: list[str],
    released: dict[str, NotebookNode],
    notes: list[str],
) -> tuple[dict[str, int], defaultdict[int, list[str]]]:
    """Where each released cell goes, and which checks go behind a cell instead.

    Of several copies of an answer the last counts that isn't as released, of other cells the first.
    Of a check the first counts that stands behind the answers that count, else the last.
    """
    copies: dict[str, list[int]] = {}
    changed: dict[str, list[int]] = {}
    for index, (cell, name) in enumerate(zip(submitted.cells, names, strict=True)):
        if name:
            copies.setdefault(name, []).append(index)
            if _text(cell) != released[name].source:
                changed.setdefault(name, []).append(index)
    chosen = {}
    for name, places in copies.items():
        locked = is_locked(released[name])
        chosen[name] = places[0] if locked or name not in changed else changed[name][-1]
        if len(places) > 1:
            notes.append(f"cell {name!r} appears {len(places)} times")
    behind: defaultdict[int, list[str]] = defaultdict(list)
    for check, answers in _answers_of_checks(released).items():
        if check not in copies:
            continue
        if check in changed:
            notes.append(f"check cell {check!r} was changed and was restored")
        after = max((chosen[a] for a in answers if a in chosen), default=-1)
        place = next((at for at in copies[check] if at > after), copies[check][-1])
        chosen[check] = place
        if any(a in changed and changed[a][0] > place for a in answers):
            chosen[check] = -1
            behind[after].append(check)
            notes.append(f"check cell {check!r} stood before its answer and was put behind it")
    return chosen, behind


def _answers_of_checks(released: dict[str, NotebookNode]) -> dict[str, list[str]]:
    """Check -> the solution cells that it is about: those between it and the check before."""
    found: dict[str, list[str]] = {}
    answers: list[str] = []
    closed = False
    for name, cell in released.items():
        if is_check(cell):
            found[name], closed = answers, True
        elif is_solution(cell):
            answers = [name] if closed else [*answers, name]
            closed = False
    return found


def _whole_answer(released: NotebookNode, copies: list[NotebookNode]) -> NotebookNode:
    """An essay with all that was written into copies of its cell, and the pictures in them."""
    parts: list[str] = []
    pictures: dict[str, object] = {}
    seen: defaultdict[str, list[object]] = defaultdict(list)
    for cell in copies:
        text, given = _text(cell), cell.get("attachments")
        if (text == released.source and len(copies) > 1) or given in seen[text]:
            continue
        seen[text].append(given)
        for name, picture in (given if isinstance(given, dict) else {}).items():
            key = str(name)
            while key in pictures and pictures[key] != picture:
                key = f"{len(pictures)}-{key}"
            if key != name:
                for spelling in {str(name), quote(str(name))}:
                    text = text.replace(f"attachment:{spelling})", f"attachment:{key})")
            pictures[key] = picture
        parts.append(text)
    whole: list[str] = []
    for part in dict.fromkeys(text.strip() for text in parts):
        if whole and whole[-1] in part:  # the same, and more
            whole[-1] = part
        elif not whole or part not in whole[-1]:
            whole.append(part)
    text = "\n\n".join(whole) if len(parts) > 1 else "".join(parts)
    cell = _merged(released, text if parts else released.source)
    if pictures:
        cell.attachments = pictures
    return cell


def _put_back(
    cells: list[NotebookNode],
    released: dict[str, NotebookNode],
    there: set[str],
    prepared: Prepared,
) -> None:
    """Put the released cells back that are not there, and say so."""
    lost = []
    for position, (name, cell) in enumerate(released.items()):
        if name in there:
            continue
        prepared.notes.append(f"cell {name!r} was missing and was put back as released")
        before = set(list(released)[:position])
        at = max((i + 1 for i, c in enumerate(cells) if grade_id(c) in before), default=0)
        cells.insert(at, _merged(cell, cell.source))
        if runs_when_graded(cell) or is_essay(cell):
            lost.append(name)
    if len(lost) > MOST_PUT_BACK:
        needed = sum(runs_when_graded(c) or is_essay(c) for c in released.values())
        reason = (
            f"{len(lost)} of {needed} cells that grading needs were missing from the notebook and "
            f"were put back as released ({', '.join(lost[:5])}, …)"
        )
        remedy = (
            "see whether its answers stand in other cells, and mark it by hand or ask for a "
            "notebook with all its cells"
        )
        prepared.questions += (Question("cells missing", reason, remedy),)


def _merged(released: NotebookNode, source: str) -> NotebookNode:
    cell = nbformat.from_dict(released)
    cell.source = source
    if cell.cell_type == "code":
        cell.outputs, cell.execution_count = [], None
    return cell


def _own_cell(cell: NotebookNode, source: str) -> NotebookNode:
    """A cell of the student's own: its text and the pictures pasted into it, and nothing else."""
    if cell.get("cell_type") == "code":
        return nbformat.v4.new_code_cell(source)
    own = nbformat.v4.new_markdown_cell(source)  # of raw cells, too: a page shows those to nobody
    if isinstance(cell.get("attachments"), dict):
        own.attachments = cell.attachments
    return own


def _cell_id(cell: NotebookNode) -> object:
    """Jupyter's id of a cell; what equals nothing where there is none."""
    found = cell.get("id")
    return found if isinstance(found, str) else object()


def _unchanged(cell: NotebookNode) -> object:
    return _text(cell) or object()


def _text(cell: NotebookNode) -> str:
    return well_formed(text_of(cell))
