"""Code and prose as tokens that stay the same when names, layout and comments change.

Texts come from students and are only ever split, never parsed into trees and never run.  What
Python's tokenizer refuses is split by a plain pattern, so broken code counts, too.
"""

from __future__ import annotations

import ast
import builtins
import io
import keyword
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MOST_CHARACTERS = 40_000
"""Of one cell; what is beyond is not compared."""

_BUILT_IN = frozenset(dir(builtins))
"""Names that mean the same to everybody, with those that a release imports; a student's own names
all become one."""

_NEVER = {tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
_CLOSING = {")", "]", "}"}
_PIECE = re.compile(r"[^\W\d]\w*|\d[\w.]*|\S")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Token:
    """A normalised token, and where it stands in the text."""

    text: str
    start: int
    end: int


def readable(source: str) -> str:
    """The text as it is compared and shown: bounded, with one kind of line end."""
    return source[:MOST_CHARACTERS].replace("\r\n", "\n").replace("\r", "\n").replace("\f", " ")


def imported(sources: Iterable[str]) -> frozenset[str]:
    """Names that cells bind by importing: np for `import numpy as np`."""
    found: set[str] = set()
    for source in sources:
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError):  # magic commands; a cut cell
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                found |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    return frozenset(found)


def of_code(source: str, known: frozenset[str] = frozenset()) -> list[list[Token]]:
    """Tokens of a cell, one list for each top-level function and for what stands between them.

    source: as `readable` returns it.  known: names that are nobody's own, see `imported`.
    """
    parts: list[list[_Raw]] = [[]]
    for raw, starts_line in _raw_tokens(source):
        if starts_line and raw.text in ("def", "class", "@", "async"):
            parts.append([])
        parts[-1].append(raw)
    return [normal for part in parts if (normal := _normalised(part, known))]


def of_prose(source: str) -> list[list[Token]]:
    """The words of a text, in lower case."""
    words = [Token(m[0].lower(), m.start(), m.end()) for m in _WORD.finditer(source)]
    return [words] if words else []


@dataclass(frozen=True)
class _Raw(Token):
    kind: int = tokenize.OP


def _raw_tokens(source: str) -> Iterator[tuple[_Raw, bool]]:
    """Tokens without comments and layout, each with whether it begins a line at the left edge."""
    lines = source.split("\n")
    offsets = [0]
    for line in lines:
        offsets.append(offsets[-1] + len(line) + 1)
    reached = 0
    begins = True
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            start = offsets[token.start[0] - 1] + token.start[1]
            end = offsets[min(token.end[0], len(lines)) - 1] + token.end[1]
            reached = max(reached, end)
            if token.type in _NEVER:
                continue
            yield _Raw(token.string, start, end, token.type), begins and token.start[1] == 0
            begins = token.type == tokenize.NEWLINE
    except (tokenize.TokenError, SyntaxError, ValueError, IndexError):
        for piece in _PIECE.finditer(source, min(reached, len(source))):
            kind = tokenize.NAME if piece[0].isidentifier() else tokenize.OP
            at_edge = piece.start() == 0 or source[piece.start() - 1] == "\n"
            yield _Raw(piece[0], piece.start(), piece.end(), kind), at_edge


def _normalised(raw: list[_Raw], known: frozenset[str]) -> list[Token]:
    found: list[Token] = []
    depth = 0
    for index, token in enumerate(raw):
        before = raw[index - 1] if index else None
        after = raw[index + 1] if index + 1 < len(raw) else None
        text = token.text
        if token.kind == tokenize.NEWLINE or text == ";":
            if not found or found[-1].text == "\n":
                continue  # after a docstring
            text = "\n"
        elif token.kind == tokenize.STRING:
            if before is None or before.kind == tokenize.NEWLINE:
                continue  # a docstring
            text = '""'
        elif token.kind == tokenize.NUMBER:
            text = _number(text)
        elif token.kind == tokenize.NAME:
            text = text if text in known else _name(text, before, after, depth)
        elif text in "([{":
            depth += 1
        elif text in _CLOSING:
            depth = max(depth - 1, 0)
        elif text == "," and after is not None and after.text in _CLOSING:
            continue
        found.append(Token(text, token.start, token.end))
    return found


def _name(text: str, before: _Raw | None, after: _Raw | None, depth: int) -> str:
    attribute = before is not None and before.text == "."
    argument = depth > 0 and after is not None and after.text == "="
    if attribute or argument or keyword.iskeyword(text) or text in _BUILT_IN:
        return text
    return "v"


def _number(text: str) -> str:
    try:
        return f"{float(text.replace('_', '')):g}" if len(text) < 40 else "0"
    except ValueError:
        return text[:40]
