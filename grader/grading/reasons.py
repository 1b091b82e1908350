"""Why a check did not run, or met a name that nobody had defined: the error of the cell before it.

A check's own cell shows `NameError: name 'conv2d_forward' is not defined`; what helps is why, and
that stands under the cell with the solution.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
from nbformat.notebooknode import NotebookNode

from grader.cells import check_of, grade_id, is_solution, text_of
from grader.classroom.results import CheckResult
from utils.checks.raised import last_words

_LONGEST, _TRACE = 300, 20_000
_COLOURS = re.compile(r"\x1b\[[\d;]*m")
_IN_A_CELL = re.compile(r"^Cell In\[\d+\], line (\d{1,5})", re.MULTILINE)
_STEPS = 5
"""So many names are followed: a cell may have failed for lack of another one's."""
_LACKING = re.compile(r"NameError: name '(\w+)' is not defined")
_NO_MODULE = re.compile(r"(?:ModuleNotFound|Import)Error: No module named ")
_DEFINED = re.compile(r"(?m)^[ \t]*(?:async )?(?:def|class)[ \t]+(\w+)")
_ASSIGNED = re.compile(r"(?m)^[ \t]*(\w+)[ \t]*(?::[^=\n]+)?=(?!=)")
_IMPORTED = re.compile(r"(?m)^[ \t]*(?:from \S+ )?import (.*)$")
_WORD = re.compile(r"\w+")


def explained(check: CheckResult, executed: NotebookNode, released: NotebookNode) -> CheckResult:
    """A check's result that says why it did not run, or why what it called was not there.

    executed: the notebook with its outputs.  released: says which solution belongs to a check.
    """
    at = next((i for i, cell in enumerate(executed.cells) if check_of(cell) == check.name), None)
    if at is None:
        return check
    before = executed.cells[:at]
    if check.status != "not run":
        lacking = {name for case in check.cases for name in _LACKING.findall(f"{case.message}\n")}
        causes = [cause for name in sorted(lacking) if (cause := _cause(name, before))]
        message = "; ".join(filter(None, [check.message, *causes]))
        return msgspec.structs.replace(check, message=message) if causes else check
    shown = _error(executed.cells[at])
    name = _LACKING.match(shown)
    cause = _cause(name[1], before) if name else ""
    cause = cause or _of_its_solution(check.name, before, released)
    told = "; ".join(filter(None, [cause, shown]))
    return msgspec.structs.replace(check, message=told) if told else check


def is_explanation(message: str) -> bool:
    """Is a message of a check one that only its execution could give?"""
    return _SAYS in message


_SAYS = "is not defined, since its cell ended with "


def _cause(name: str, cells: Sequence[NotebookNode]) -> str:
    """Why a name is not defined: the error of the last cell that would have defined it, or ""."""
    asked, error = name, ""
    for _ in range(_STEPS):
        cell = next((c for c in reversed(cells) if _defines(c, asked)), None)
        if cell is None or not (shown := _error(cell)):
            break
        error = shown
        lacking = _LACKING.match(shown)
        if lacking is None or lacking[1] == asked:
            break
        asked = lacking[1]
    return f"{name} {_SAYS}{error}" if error else ""


def _of_its_solution(check: str, cells: Sequence[NotebookNode], released: NotebookNode) -> str:
    """The error of the solution that is released right before a check, or ""."""
    solution = ""
    for cell in released.cells:
        if check_of(cell) == check:
            break
        solution = grade_id(cell) if is_solution(cell) else solution
    for cell in reversed(cells):
        if solution and grade_id(cell) == solution and (shown := _error(cell)):
            return f"the cell with its solution ended with {shown}"
    return ""


def _defines(cell: NotebookNode, name: str) -> bool:
    """Would a cell define a name?  Cells are text that may be no Python at all."""
    source = text_of(cell)
    return cell.cell_type == "code" and (
        name in _DEFINED.findall(source)
        or name in _ASSIGNED.findall(source)
        or any(name in _WORD.findall(line) for line in _IMPORTED.findall(source))
    )


def _error(cell: NotebookNode) -> str:
    """The error that a cell ended with, in a line, or ""."""
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            said = last_words(str(output.evalue))
            shown = " ".join(f"{output.ename}: {said}".split())[:_LONGEST]
            if _LACKING.match(shown):
                return shown
            advice = ": graders don't have it" if _NO_MODULE.match(shown) else ""
            return f"{shown}{advice}{_line(output)}"
    return ""


def _line(output: NotebookNode) -> str:
    """Where in a cell it happened, as far as the traceback says; a number and nothing else."""
    lines = output.get("traceback")
    text = "\n".join(map(str, lines if isinstance(lines, list) else ()))[-_TRACE:]
    found = _IN_A_CELL.findall(_COLOURS.sub("", text))
    return f" (line {found[-1]} of the cell)" if found else ""
