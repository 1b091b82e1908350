"""Answers beside their cell: text of a student's own around an essay that was left as released.

Students write into a new cell where they should have filled one in.  That must not be taken for no
answer, so the only question here is whether there is any text that the release hasn't got; what it
is worth is for a marker to say.  Texts are split into tokens, never parsed into trees or run.
"""

from __future__ import annotations

import io
import keyword
import re
import tokenize
from collections.abc import Iterator, Sequence
from functools import cached_property

from nbformat.notebooknode import NotebookNode

from grader.cells import about

MOST_CHARACTERS = 400_000
"""Of code that is searched in one notebook; where there is more, a marker has a look."""
FEWEST_WORDS = 4
"""A string of fewer words is a label, not an answer."""

_IN_CODE = {"match", "case", "type", "_"}
"""Names that may stand before another name in Python."""

MAGIC = re.compile(r"\s*(?:[%!?].*|[\w.]+\?{1,2})\s*")
"""A line for IPython."""


class Known:
    """What releases say, to tell a student's text from it."""

    def __init__(self, *releases: NotebookNode) -> None:
        self._cells = [cell for release in releases for cell in release.cells]
        self._room = MOST_CHARACTERS

    @cached_property
    def _texts(self) -> frozenset[str]:
        return frozenset(_plain(cell.source) for cell in self._cells)

    @cached_property
    def _remarks(self) -> frozenset[str]:
        code = (cell.source for cell in self._cells if cell.cell_type == "code")
        return frozenset(remark for source in code for remark in _remarks(source))

    def is_own_text(self, cell: NotebookNode) -> bool:
        """Does a cell say something that the release doesn't, in prose or in a comment?"""
        if not _says_something(cell.source) or _plain(cell.source) in self._texts:
            return False
        if cell.cell_type != "code":
            return True
        self._room -= len(cell.source)
        if self._room < 0:
            return True
        return any(_says_something(r) and r not in self._remarks for r in _remarks(cell.source))


def around(cells: Sequence[NotebookNode], index: int) -> list[NotebookNode]:
    """The cells beside the one at `index`, as far as the next ones that nbgrader knows."""
    first, last = index, index + 1
    while first > 0 and not about(cells[first - 1]):
        first -= 1
    while last < len(cells) and not about(cells[last]):
        last += 1
    return [*cells[first:index], *cells[index + 1 : last]]


def _plain(text: str) -> str:
    return " ".join(text.split())


def _says_something(text: str) -> bool:
    return re.search(r"[^\W\d_]{2}|\d", text) is not None


def _remarks(source: str) -> Iterator[str]:
    """Comments and longer strings of a code cell; all of it where it is no Python."""
    lines = source.split("\n")
    if source.startswith("%%"):
        lines[0] = ""
    code = "\n".join("" if MAGIC.fullmatch(line) else line for line in lines)
    before: tokenize.TokenInfo | None = None
    found: list[str] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            kind = tokenize.tok_name[token.type]
            if (kind == "ERRORTOKEN" and token.string.strip()) or _is_prose(before, token):
                found.append(source)
                break
            if kind == "COMMENT":
                found.append(_plain(token.string.lstrip("#!:")))
            if kind in ("STRING", "FSTRING_MIDDLE") and len(token.string.split()) >= FEWEST_WORDS:
                found.append(_plain(token.string))
            before = token
    except (tokenize.TokenError, SyntaxError, ValueError):
        found.append(source)
    yield from found


def _is_prose(before: tokenize.TokenInfo | None, token: tokenize.TokenInfo) -> bool:
    """Do two words follow each other as they never do in Python?"""
    if before is None or before.end[0] != token.start[0] or token.type != tokenize.NAME:
        return False
    if keyword.iskeyword(token.string) or before.type not in (tokenize.NAME, tokenize.NUMBER):
        return False
    return not keyword.iskeyword(before.string) and before.string not in _IN_CODE
