"""What isn't done yet is told in a line, and *Run All* goes on.

A cell that needs an exercise which is still to be written, or a name that such a cell would have
made, ends in a sentence instead of a traceback, and the next cell runs, whatever runs the notebook.
It must never pass over a mistake: any other error, also in the name of something, stays as it is.
"""

from __future__ import annotations

import ast
import os
import sys
from types import TracebackType
from typing import Any

from utils.checks import raised
from utils.checks.handover import HANDOVER

_MARK = "_course_unfinished"


class Unfinished:
    """What a notebook's cells have left undone so far."""

    def __init__(self) -> None:
        self.missing: set[str] = set()
        """Names that cells would have made, had they come to their end."""
        self.told: BaseException | None = None
        """The exception that has been told in a sentence, of the cell that runs."""

    def sentence(self, error: BaseException) -> str:
        """What to say instead of a traceback; "" if the error is a mistake."""
        if isinstance(error, raised.NotYet):
            return str(error)
        if isinstance(error, NameError):
            there = error.name in self.missing
            return f"{error.name} comes from a cell above that isn't done" if there else ""
        if not isinstance(error, NotImplementedError) or str(error):
            return ""
        code = _last_code(error.__traceback__)
        if code is None or not raised.is_own(code.co_filename):
            return ""
        if code.co_name == "<module>":
            return "put your answer in place of raise NotImplementedError()"
        return f"{code.co_name} is still to be written"

    def handle(self, shell: Any, kind: Any, error: Any, trace: Any, tb_offset: Any = None) -> None:
        """IPython's way to hand over an exception; its arguments are given by IPython."""
        if sentence := self.sentence(error):
            self.told = error
            print(f"Not done yet: {sentence}.")
        else:
            shell.showtraceback((kind, error, trace), tb_offset, running_compiled_code=True)

    def after(self, result: Any) -> None:
        """Called by IPython after each cell, with its result."""
        told, self.told = self.told, None
        if told is not None and result.error_in_exec is told:
            self.missing |= _made_by(result.info.raw_cell)
            result.error_in_exec = None


def install() -> None:
    """Begin, in a student's kernel; does nothing elsewhere, or if it was done before."""
    ipython = sys.modules.get("IPython")  # whoever has a kernel has imported it
    shell = ipython.get_ipython() if ipython else None
    if shell is None or hasattr(shell, _MARK) or os.environ.get(HANDOVER):
        return
    unfinished = Unfinished()
    setattr(shell, _MARK, unfinished)
    shell.events.register("post_run_cell", unfinished.after)
    shell.set_custom_exc((NotImplementedError, NameError, raised.NotYet), unfinished.handle)


def _last_code(trace: TracebackType | None) -> Any:
    """Code of the frame in which an exception was raised."""
    code = None
    while trace is not None:
        code, trace = trace.tb_frame.f_code, trace.tb_next
    return code


def _made_by(source: str) -> set[str]:
    """Names that a cell would have given something to."""
    try:
        tree = ast.parse(source)
    except SyntaxError:  # a cell with a magic
        return set()
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name.split(".")[0])
    return names
