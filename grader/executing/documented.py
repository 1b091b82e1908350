"""How much a student explains in code: docstrings and comments of their own, counted.

What the release says already counts for nothing.  Code is read as text and as a tree, never run.  A
count says nothing about whether a comment helps; that is for a marker to say.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from nbformat.notebooknode import NotebookNode

from grader.cells import is_locked
from grader.executing.beside import MAGIC, MOST_CHARACTERS
from grader.text import shown

MOST_NAMED = 8
"""Functions that are named."""


@dataclass(frozen=True)
class Count:
    """What was found in the code of one notebook and its modules."""

    lines: int
    """Lines with code of the student's own, comments and docstrings apart."""
    functions: tuple[str, ...] = ()
    """Those that the student wrote, whole or in part."""
    silent: tuple[str, ...] = ()
    """Those of them in which nothing is explained."""
    docstrings: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()

    @property
    def said(self) -> tuple[str, ...]:
        """All that is explained."""
        return (*self.docstrings, *self.comments)

    def in_words(self) -> str:
        """For markers and students."""
        if not self.lines:
            return "Counted in the code: no line of the team's own."
        told = (
            f"Counted in the code, beyond what the release says: "
            f"{_counted(len(self.docstrings), 'docstring')} and "
            f"{_counted(len(self.comments), 'comment')} in {_counted(self.lines, 'line')} of code "
            f"and {_counted(len(self.functions), 'function')} of the team's own."
        )
        if not self.silent:
            return told
        names = ", ".join(shown(name, 60) for name in self.silent[:MOST_NAMED])
        more = len(self.silent) - MOST_NAMED
        return f"{told} Neither in {names}{f' and {more} more' if more > 0 else ''}."


def count(
    cells: Iterable[NotebookNode], releases: Sequence[NotebookNode], modules: Iterable[str]
) -> Count:
    """What is explained in a notebook's cells and in modules beside it."""
    given = [_Piece(c.source) for r in releases for c in r.cells if c.cell_type == "code"]
    known = {remark for piece in given for remark in (*piece.comments.values(), *piece.docstrings)}
    sources = {piece.source for piece in given}
    own = (c.source for c in cells if c.cell_type == "code" and not is_locked(c))
    room, found = MOST_CHARACTERS, []
    for source in (*own, *modules):
        room -= len(source)
        if source.strip() and source not in sources and room >= 0:
            found.append(_Piece(source))
    given_code = {line for piece in given for line in piece.code.values()}
    functions = [
        (piece, node)
        for piece in found
        for node in piece.functions
        if any(
            line not in given_code
            for number, line in piece.code.items()
            if node.lineno <= number <= (node.end_lineno or node.lineno)
        )
    ]
    return Count(
        sum(line not in given_code for piece in found for line in piece.code.values()),
        tuple(node.name for _, node in functions),
        tuple(node.name for piece, node in functions if not piece.explains(node, known)),
        tuple(d for piece in found for d in piece.docstrings if d not in known),
        tuple(c for piece in found for c in piece.comments.values() if c not in known),
    )


_Function = ast.FunctionDef | ast.AsyncFunctionDef


class _Piece:
    """The code of one cell or module."""

    def __init__(self, source: str) -> None:
        self.source = source
        lines = source.split("\n")
        if source.startswith("%%"):
            lines[0] = ""
        text = "\n".join("pass" if MAGIC.fullmatch(line) else line for line in lines)
        self.functions: list[_Function] = []
        documented: list[tuple[ast.AST, str]] = []
        quiet: set[int] = set()
        for node in _walked(text):
            if isinstance(node, _Function):
                self.functions.append(node)
            if not isinstance(node, (_Function, ast.ClassDef, ast.Module)):
                continue
            if docstring := ast.get_docstring(node):
                documented.append((node, _plain(docstring)))
                first = node.body[0]
                quiet.update(range(first.lineno, (first.end_lineno or first.lineno) + 1))
        self._documented = documented
        self.comments = dict(_comments(text))
        """By line."""
        self.code = {
            number: line.strip()
            for number, line in enumerate(text.split("\n"), 1)
            if line.strip() and not line.lstrip().startswith("#") and number not in quiet
        }
        """By line, without docstrings and lines that are comments alone."""

    @property
    def docstrings(self) -> list[str]:
        """All of them."""
        return [docstring for _, docstring in self._documented]

    def explains(self, function: _Function, known: set[str]) -> bool:
        """Is something of the student's own said in a function?"""
        if any(node is function and text not in known for node, text in self._documented):
            return True
        inside = range(function.lineno, (function.end_lineno or function.lineno) + 1)
        return any(n in inside and text not in known for n, text in self.comments.items())


def _walked(text: str) -> Iterator[ast.AST]:
    try:
        yield from ast.walk(ast.parse(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return


def _comments(text: str) -> Iterator[tuple[int, str]]:
    """(line, comment) as far as the text is Python; what holds no word is no comment."""
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            said = _plain(token.string.lstrip("#!:"))
            if token.type == tokenize.COMMENT and any(letter.isalpha() for letter in said):
                yield token.start[0], said
    except (tokenize.TokenError, SyntaxError, ValueError):
        return


def _plain(text: str) -> str:
    return " ".join(text.split())


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
