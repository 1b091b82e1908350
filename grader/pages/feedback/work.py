"""The student's own work, taken from the executed notebook: code, text outputs, pictures, essays.

The notebook is hostile: it is read as JSON, with bounds, and whatever is not plain text, a sound
PNG or a sound JPEG is left out.  Only cells that belong to the student are shown.  That is done in
a process apart, and without colours and layout where those take too long.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pygments
from markupsafe import Markup, escape
from PIL import Image
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from grader import apart
from grader.cells import about, text_in, text_of
from grader.pages.feedback import essay
from grader.text import clean

NOTEBOOK_BYTES = 64_000_000
CODE_CHARACTERS = 20_000
OUTPUT_CHARACTERS = 6_000
OUTPUTS = 50
PICTURE_BYTES = 3_000_000
PICTURE_PIXELS = 30_000_000
PAGE_BYTES = 16_000_000
PAGE_CHARACTERS = 1_000_000
"""Bounds: of a notebook that is read at all, of one cell, one output, their number, one picture,
one page, and all that students wrote on it."""
SECONDS = 4.0
"""Of processor time for one page."""

_FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG"}
_CHECK = re.compile(r"check\(\s*[\"'](\w{1,64})[\"']")
_HEADING = re.compile(r"^#{1,6}[ \t]+(.*)$", re.MULTILINE)


PLAIN = "Shown without colours and layout, which take too long for this notebook."


@dataclass(frozen=True)
class Piece:
    """One thing to show."""

    kind: Literal["code", "text", "picture", "note"]
    content: str | Markup
    """Highlighted code, plain text, a data URL, or our own remark."""


@dataclass
class Work:
    """What a student did, by exercise."""

    pieces: dict[str, list[Piece]] = field(default_factory=dict)
    """Check's name -> code and outputs; "" holds what follows the last check."""
    essays: dict[str, Markup] = field(default_factory=dict)
    """Grade id -> the answer, rendered."""
    headings: dict[str, str] = field(default_factory=dict)
    """Check's name or essay's grade id -> the heading it stands under."""
    order: list[str] = field(default_factory=list)
    """Checks and essays as they follow each other."""
    problem: str = ""
    """Why there is nothing to show, or not all of it as usual."""


def read(path: Path) -> Work:
    """Read an executed notebook.  Never raises for what is in it."""
    try:
        return apart.call(SECONDS, read_here, path)
    except apart.TooMuch:
        pass
    try:
        return apart.call(SECONDS, read_here, path, True)
    except apart.TooMuch:
        return Work(problem="The executed notebook can't be made into a page in time.")


def read_here(path: Path, plain: bool = False) -> Work:
    """The same, in this process and however long it takes.

    plain: without colours and layout.
    """
    try:
        if path.stat().st_size > NOTEBOOK_BYTES:
            return Work(problem="The executed notebook is too large to be shown.")
        cells = json.loads(path.read_bytes())["cells"]
        return _Reader(plain).read([cell for cell in cells if isinstance(cell, dict)])
    except FileNotFoundError:
        return Work(problem="There is no executed notebook to show.")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Work(problem="The executed notebook is damaged and can't be shown.")


class _Reader:
    """Walks through a notebook and keeps account of how much has been taken."""

    def __init__(self, plain: bool) -> None:
        self.plain = plain
        self.work = Work(problem=PLAIN if plain else "")
        self.left = PAGE_BYTES
        self.characters = PAGE_CHARACTERS
        self.heading = ""

    def read(self, cells: list[dict[str, Any]]) -> Work:
        names = {name for cell in cells if (name := _check_name(cell))}
        waiting: list[Piece] = []
        for cell in cells:
            meta = about(cell)
            grade_id = str(meta.get("grade_id", ""))
            name = _check_name(cell)
            if name:
                self._place(name, waiting)
                waiting = []
            elif cell.get("cell_type") == "markdown":
                if meta.get("grade") and meta.get("solution"):
                    self._essay(grade_id, cell)
                else:
                    self._remember_heading(cell)
            elif cell.get("cell_type") == "code" and not meta.get("locked"):
                pieces = list(self._code(cell))
                if grade_id in names:  # a solution named like its check belongs to it
                    self.work.pieces.setdefault(grade_id, []).extend(waiting + pieces)
                    waiting = []
                else:
                    waiting += pieces
        if waiting:
            self.work.pieces.setdefault("", []).extend(waiting)
        return self.work

    def _place(self, name: str, pieces: list[Piece]) -> None:
        self.work.pieces.setdefault(name, []).extend(pieces)
        self.work.headings.setdefault(name, self.heading)
        if name not in self.work.order:
            self.work.order.append(name)

    def _remember_heading(self, cell: dict[str, Any]) -> None:
        titles = _HEADING.findall(text_of(cell)[:CODE_CHARACTERS])
        found = [bare for title in titles if (bare := title.strip().rstrip("#").rstrip())]
        if found:
            self.heading = clean(re.sub(r"[*`_$]", "", found[-1]), 120)

    def _essay(self, grade_id: str, cell: dict[str, Any]) -> None:
        attachments = {}
        for name, url in attached(cell).items():
            if self._afford(Piece("picture", url)).kind == "picture":
                attachments[name] = url
        text = text_of(cell)
        written = essay.as_typed if self.plain or not self._has_room(text) else essay.to_html
        self.work.essays[grade_id] = written(text, attachments)
        self.work.headings.setdefault(grade_id, self.heading)
        self.work.order.append(grade_id)

    def _code(self, cell: dict[str, Any]) -> Iterable[Piece]:
        source = clean(text_of(cell), CODE_CHARACTERS)
        outputs = cell.get("outputs")
        outputs = [x for x in outputs if isinstance(x, dict)] if isinstance(outputs, list) else []
        if not source.strip() and not outputs:
            return
        if not self._has_room(source):
            yield Piece("note", "A cell is not shown: the page is full.")
            return
        yield Piece("code", escape(source) if self.plain else _highlight(source))
        for output in outputs[:OUTPUTS]:
            yield from self._output(output)
        if len(outputs) > OUTPUTS:
            yield Piece("note", f"{len(outputs) - OUTPUTS} more outputs are not shown.")

    def _has_room(self, text: str) -> bool:
        self.characters -= len(text)
        return self.characters >= 0

    def _output(self, output: dict[str, Any]) -> Iterable[Piece]:
        kind = output.get("output_type")
        if kind == "stream":
            yield from self._plain(text_in(output.get("text")))
        elif kind == "error":
            trace = output.get("traceback")
            lines = [str(line) for line in trace] if isinstance(trace, list) else []
            last = f"{output.get('ename', '')}: {output.get('evalue', '')}"
            yield from self._plain(_end("\n".join(lines)) or last)
        elif kind in ("display_data", "execute_result"):
            data = _mapping(output.get("data"))
            pictures = list(self._pictures(data))
            yield from pictures or self._plain(text_in(data.get("text/plain")))

    def _plain(self, text: str) -> Iterable[Piece]:
        text = clean(text, OUTPUT_CHARACTERS).strip("\n")
        if text.strip():
            yield self._afford(Piece("text", text))

    def _pictures(self, data: dict[str, Any]) -> Iterable[Piece]:
        for kind in _FORMATS:
            if kind not in data:
                continue
            url = _picture(kind, text_in(data[kind]))
            if url is None:
                yield Piece("note", "A picture that is damaged or too large was left out.")
            else:
                yield self._afford(Piece("picture", url))
            return

    def _afford(self, piece: Piece) -> Piece:
        """The piece, or what is said in its place where the page is full."""
        self.left -= len(piece.content)
        what = "A picture" if piece.kind == "picture" else "An output"
        return piece if self.left >= 0 else Piece("note", f"{what} is not shown: the page is full.")


def attached(cell: Mapping[str, Any]) -> dict[str, str]:
    """Name -> data URL, of the sound pictures that are attached to a cell."""
    found = {}
    for name, bundle in _mapping(cell.get("attachments")).items():
        for kind, encoded in _mapping(bundle).items():
            if kind in _FORMATS and (url := _picture(kind, text_in(encoded))):
                found[str(name)] = url
                break
    return found


def _end(text: str) -> str:
    """A traceback, of which the end says most."""
    more = len(text) - OUTPUT_CHARACTERS
    return f"… {more:,} characters before it\n{text[more + 60 :]}" if more > 0 else text


def _check_name(cell: dict[str, Any]) -> str:
    """Name of the check, if this is an autograde cell."""
    meta = about(cell)
    if cell.get("cell_type") != "code" or not meta.get("grade") or meta.get("solution"):
        return ""
    found = _CHECK.search(text_of(cell))
    return found[1] if found else str(meta.get("grade_id", "")).removeprefix("check_")


def _picture(kind: str, encoded: str) -> str | None:
    """A data URL of a picture that is what it says it is, or None."""
    if len(encoded) > PICTURE_BYTES * 3 // 2:
        return None
    try:
        raw = base64.b64decode("".join(encoded.split()), validate=True)
        # reads the header only; formats narrows Pillow to the one decoder
        with Image.open(io.BytesIO(raw), formats=[_FORMATS[kind]]) as image:
            width, height = image.size
    except (binascii.Error, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    if len(raw) > PICTURE_BYTES or width * height > PICTURE_PIXELS:
        return None
    return f"data:{kind};base64,{base64.b64encode(raw).decode()}"


def _highlight(source: str) -> Markup:
    """Python as HTML; pygments escapes every token."""
    return Markup(pygments.highlight(source, PythonLexer(), HtmlFormatter(nowrap=True)))


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
