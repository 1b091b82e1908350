"""Whether a file is a notebook that Jupyter would open, and what its cells say.

Nothing in a notebook is executed or believed here.
"""

from __future__ import annotations

import json
import re
from typing import Any

from utils.packing.accepted import MIB, Refused
from utils.packing.sizes import CELLS, NESTING, NOTEBOOK_BYTES, TOKENS, is_long

_EXERCISE = re.compile(r"^#+ .*?\b(\d\d\.\d+)\b", re.MULTILINE)
"""The number of an exercise, in its heading."""
_CHECK = re.compile(r"^check_")

AGAIN = "open it in Jupyter and save it again, or take an earlier copy"


def parse(content: bytes) -> tuple[dict[str, Any], bytes, list[str]]:
    """The notebook, its bytes as clean UTF-8, and notes on what was mended.

    Raises Refused if it is no notebook that Jupyter would open.
    """
    if len(content) > NOTEBOOK_BYTES:
        raise Refused(f"larger than {NOTEBOOK_BYTES // MIB} MiB: clear overlong outputs")
    notes = []
    if content.startswith(b"\xef\xbb\xbf"):
        content = content[3:]
        notes.append("a byte order mark was removed")
    elif content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            content = content.decode("utf-16").encode()
        except UnicodeError:
            raise Refused(f"neither UTF-8 nor UTF-16 text: {AGAIN}") from None
        notes.append("converted from UTF-16")
    if sum(content.count(token) for token in (b"[", b"{", b",")) > TOKENS:
        raise Refused("its JSON has too many parts: clear overlong outputs")
    notebook = _loaded(content)
    _check_nesting(notebook)
    if added := _complete(notebook):
        content = json.dumps(notebook, ensure_ascii=False).encode("utf-8", "replace")
        notebook = json.loads(content.decode("utf-8"))
        notes.append(f"what a notebook needs was missing and was added: {', '.join(added)}")
    _check_structure(notebook)
    try:
        json.dumps(notebook, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half a character, such as a cut emoji; nbformat could not save it
        content = json.dumps(notebook, ensure_ascii=False).encode("utf-8", "replace")
        notebook = json.loads(content.decode("utf-8"))
        notes.append("half characters were replaced by question marks")
    return notebook, content, notes


def code_cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    """The cells with code, in order."""
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def text_of(cell: dict[str, Any]) -> str:
    """A cell's text."""
    source = cell.get("source")
    return source if isinstance(source, str) else "".join(source or ())


def long_cells(notebook: dict[str, Any]) -> str:
    """The numbers of cells that are longer than what is shown of one; "" if there are none."""
    long = [n for n, cell in enumerate(notebook["cells"], 1) if is_long(text_of(cell))]
    return ", ".join(map(str, long[:5])) + (", …" if len(long) > 5 else "")


def code_of(notebook: dict[str, Any]) -> str:
    """All code in a notebook."""
    return "\n".join(text_of(cell) for cell in code_cells(notebook))


def about(cell: dict[str, Any]) -> dict[str, Any]:
    """What nbgrader says of a cell; empty for a student's own."""
    said = cell["metadata"].get("nbgrader")
    return said if isinstance(said, dict) else {}


def grade_id(cell: dict[str, Any]) -> str:
    """nbgrader's id of a cell, "" where there is none that could be one."""
    found = about(cell).get("grade_id")
    return found if isinstance(found, str) else ""


def was_run(cell: dict[str, Any]) -> bool:
    """Does a code cell show any trace of having been run?"""
    return bool(cell.get("outputs")) or cell.get("execution_count") is not None


def cleared(notebook: dict[str, Any]) -> bool:
    """Whether there is code, and no trace of any of it having been run."""
    code = [cell for cell in code_cells(notebook) if text_of(cell).strip()]
    return bool(code) and not any(map(was_run, code))


def silent(notebook: dict[str, Any]) -> list[str]:
    """Checks and figures without output in chapters that were worked on, by exercise.

    "05.2 (difference_pictures, image_and_difference)".  All of them show something when run, so
    their outputs were cleared, or they were skipped.  A chapter in which no cell was run was left
    out, as anybody may; where nothing was run at all the notebook is `cleared`.
    """
    found: dict[str, list[str]] = {}
    exercise, worked_on = "", False
    waiting: list[str] = []
    last = max((n for n, c in enumerate(notebook["cells"]) if _is_run_code(c)), default=-1)
    for cell in [*notebook["cells"][: last + 1], _END]:
        if cell["cell_type"] == "markdown" and _HEADING.search(text_of(cell)):
            if worked_on and waiting:
                found.setdefault(exercise, []).extend(waiting)
            exercise = (_EXERCISE.findall(text_of(cell)) or [exercise])[-1]
            waiting, worked_on = [], False
        elif cell["cell_type"] == "code":
            worked_on |= was_run(cell)
            if _shows(cell) and not cell.get("outputs"):
                waiting.append(_CHECK.sub("", grade_id(cell)))
    return [
        f"{number} ({', '.join(names)})" if number else ", ".join(names)
        for number, names in found.items()
    ]


_HEADING = re.compile(r"^#{1,6} ", re.MULTILINE)
_END: dict[str, Any] = {"cell_type": "markdown", "source": "# end", "metadata": {}}


def _is_run_code(cell: dict[str, Any]) -> bool:
    return cell["cell_type"] == "code" and was_run(cell)


def _shows(cell: dict[str, Any]) -> bool:
    """Is it a check, or a figure of the course's?"""
    tags = cell["metadata"].get("tags")
    figure = isinstance(tags, list) and "figure" in tags
    return bool(grade_id(cell)) and (figure or bool(about(cell).get("grade")))


def _loaded(content: bytes) -> Any:
    try:
        return json.loads(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise Refused(f"not UTF-8 text: {AGAIN}") from None
    except RecursionError:
        raise Refused(f"not valid JSON: it is nested too deeply: {AGAIN}") from None
    except json.JSONDecodeError as error:
        raise Refused(f"not valid JSON ({error}): {AGAIN}") from None
    except ValueError:
        raise Refused(f"not valid JSON: a number is too long: {AGAIN}") from None


def _check_nesting(value: Any) -> None:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > NESTING:
            raise Refused(f"not valid JSON: it is nested too deeply: {AGAIN}")
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below += item.values()
            elif isinstance(item, list):
                below += item
        level = [item for item in below if isinstance(item, (dict, list))]


def _complete(notebook: Any) -> list[str]:
    """Add what tools leave out that says nothing about the work; returns what that was."""
    if not isinstance(notebook, dict) or notebook.get("nbformat") != 4:
        return []
    added = []
    cells = notebook.get("cells")
    cells = [cell for cell in cells if isinstance(cell, dict)] if isinstance(cells, list) else []
    code = [cell for cell in cells if cell.get("cell_type") == "code"]
    if any("metadata" not in part for part in [notebook, *cells]):
        for part in [notebook, *cells]:
            part.setdefault("metadata", {})
        added.append("metadata")
    if any("outputs" not in cell for cell in code):
        for cell in code:
            cell.setdefault("outputs", [])
        added.append("outputs")
    if any("execution_count" not in cell for cell in code):
        for cell in code:
            cell.setdefault("execution_count", None)
        added.append("execution counts")
    if "nbformat_minor" not in notebook:
        notebook["nbformat_minor"] = 5
        added.append("its minor version")
    minor = notebook["nbformat_minor"]
    if isinstance(minor, int) and minor > 4 and any("id" not in cell for cell in cells):
        notebook["nbformat_minor"] = 4  # from 5 on each cell has an id
        added.append("cells' ids")
    return added


def _check_structure(notebook: Any) -> None:
    if not isinstance(notebook, dict):
        raise Refused(f"not a notebook: its JSON is no object: {AGAIN}")
    if "worksheets" in notebook or notebook.get("nbformat") in (1, 2, 3):
        raise Refused("an old notebook format: open it in JupyterLab and save it again")
    if notebook.get("nbformat") != 4 or not isinstance(notebook["nbformat"], int):
        raise Refused(f"not a notebook: it has no nbformat 4: {AGAIN}")
    if not isinstance(notebook.get("cells"), list):
        raise Refused(f"not a notebook: it has no cells: {AGAIN}")
    if not isinstance(notebook.get("nbformat_minor"), int):
        raise Refused(f"not a notebook: nbformat_minor is no number: {AGAIN}")
    if not isinstance(notebook.get("metadata"), dict):
        raise Refused(f"not a notebook: it has no metadata: {AGAIN}")
    if len(notebook["cells"]) > CELLS:
        raise Refused(f"more than {CELLS} cells: hand in the course's notebook and your own cells")
    for number, cell in enumerate(notebook["cells"], 1):
        if not _is_cell(cell):
            raise Refused(f"cell {number} is damaged: open it in JupyterLab and save it again")


def _is_cell(cell: Any) -> bool:
    if not isinstance(cell, dict) or not isinstance(cell.get("metadata"), dict):
        return False
    source = cell.get("source")
    lines = [source] if isinstance(source, str) else source
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        return False
    if cell.get("cell_type") == "code":
        outputs = cell.get("outputs")
        return isinstance(outputs, list) and all(isinstance(output, dict) for output in outputs)
    return cell.get("cell_type") in ("markdown", "raw")
