"""What an exception says to whoever wrote the cell: its own last words, and the line.

TensorFlow and Keras wrap an error in reports of many lines, which begin with what they were doing
and quote whole arrays.  What helps is one sentence, and where it happened in the student's code.
"""

from __future__ import annotations

import re
from pathlib import Path
from types import TracebackType

from utils.codec import CodecError

_LONGEST = 300
_READ = 20_000
"""Letters of a message that are looked at."""
_NUMBERS = re.compile(r"[\d\s.,eE+\-…\[\]]{26,}")
"""What an array is printed with: a text is passed over once, wherever its brackets are."""
_COLOURS = re.compile(r"\x1b\[[\d;]*m")
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"
"""Around what Keras itself finds most telling."""
_NODES = re.compile(
    r" for '\{\{node [^{}]*\}\} = [^']*'|\{\{[^{}]*\}\}\s*|\[Op:\w+\](?:\s?name:\s?\S*)?"
)
_WRAPPED = ("in user code:", "Exception encountered when calling", "Graph execution error")
_AROUND = ("[[", "File ", "Arguments received by", "Call arguments received", "•", "<stack traces",
           "Detected at node", "^")  # fmt: skip
_TYPE = re.compile(r"^[\w.]*(?:Error|Exception): ")
_CELL = re.compile(r"[/\\]ipykernel_\d+[/\\]|^<ipython-input")
_UNPLACED = ("NotImplementedError", "CallTimeout")
"""Those that say all by their name: where they were raised tells nothing."""


class OneLine(Exception):
    """An error whose text says all: a notebook shows it without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


class NotYet(OneLine):
    """Something has to be done first; the text says what.  *Run All* goes on without it."""


class Unknown(OneLine, ValueError):
    """A name that the course doesn't know; the text says which there are."""


def told(error: BaseException) -> str:
    """Type, last words, and line of an exception, which has a student's methods."""
    if isinstance(error, CodecError):
        return str(error)
    name = type(error).__name__
    try:
        said = last_words(str(error))
    except Exception:
        said = ""
    line = "" if name in _UNPLACED else _line(error.__traceback__)
    text = f"{name}: {said}" if said else name
    return f"{text} ({line})" if line else text


def last_words(text: str) -> str:
    """The sentence of a message that says what is wrong."""
    text = _NUMBERS.sub(_array, text[:_READ])
    wrapped = text.lstrip().startswith(_WRAPPED)
    if wrapped and (bold := _bold(text)):
        text = bold
    text = _NODES.sub(" ", _COLOURS.sub("", text))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if wrapped:
        before = _until(lines, "Arguments received by")
        lines = [line for line in before[1:] if not line.startswith(_AROUND)] or lines
        lines = [_TYPE.sub("", lines[-1])]
    return " ".join(lines[0].split())[:_LONGEST] if lines else ""


def _array(found: re.Match[str]) -> str:
    """What is left of characters that arrays are printed with: an array's place."""
    run = found[0]
    first, last = run.find("["), run.rfind("]")
    return f"{run[:first]}[…]{run[last + 1 :]}" if 0 <= first < last - 24 else run


def _bold(text: str) -> str:
    """The last part in bold, "" if there is none."""
    parts = [part.partition(_PLAIN) for part in text.split(_BOLD)[1:]]
    return next((inside for inside, end, _ in reversed(parts) if end and inside), "")


def _until(lines: list[str], start: str) -> list[str]:
    """Lines before the first that starts so; all if that would leave none but the first."""
    for number, line in enumerate(lines):
        if number > 1 and line.startswith(start):
            return lines[:number]
    return lines


def _line(trace: TracebackType | None) -> str:
    """The last line of a student's own code on the way to the error, "" if there is none."""
    found = ""
    while trace is not None:
        code = trace.tb_frame.f_code
        inside = "" if code.co_name.startswith("<") else f", in {code.co_name}"
        if _CELL.search(code.co_filename):
            found = f"line {trace.tb_lineno} of the cell{inside}"
        elif _is_own_module(code.co_filename):
            found = f"line {trace.tb_lineno} of {Path(code.co_filename).name}{inside}"
        trace = trace.tb_next
    return found


def is_own(path: str) -> bool:
    """Is a file of code a cell of the notebook, or a module beside it?"""
    return bool(_CELL.search(path)) or _is_own_module(path)


def _is_own_module(path: str) -> bool:
    """Does a module lie beside the notebook?"""
    try:
        inside = Path(path).is_relative_to(Path.cwd())
    except (OSError, ValueError):  # the folder is gone, or the name is none
        return False
    return inside and "site-packages" not in path
