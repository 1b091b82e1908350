"""Tables as people have them: CSV as Excel writes it, whatever its separator, and .xlsx."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from grader.errors import CourseError

_ZIPPED, _OLD_EXCEL = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
"""How an .xlsx and an .xls file begin."""
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SEPARATOR = re.compile(r"\"?sep=(.)\"?[\r\n]+")
"""Excel's own first line."""


class RosterError(CourseError, ValueError):
    """A table can't be used.  The text names the file, the row, and what to change."""


@dataclass(frozen=True)
class Table:
    """Lines of cells without blanks around them."""

    lines: list[list[str]]
    first: int = 1
    """Number of the first line in its file."""
    notes: list[str] = field(default_factory=list)


def read(path: Path, wanted: Callable[[list[list[str]]], bool] = bool) -> Table:
    """Read a table.  wanted: whether a sheet of a workbook is the one.  Raises RosterError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RosterError(f"{path}: {error.strerror or error}") from None
    if content.startswith(_ZIPPED):
        return Table(_sheet(content, path, wanted))
    if content.startswith(_OLD_EXCEL):
        raise RosterError(f"{path}: a spreadsheet of an old kind; save it as .xlsx or CSV")
    text, notes = _text(content, path)
    first = 1
    if match := _SEPARATOR.match(text):
        delimiter, text, first = match[1], text[match.end() :], 2
    else:
        head = text.lstrip().split("\n", 1)[0]
        delimiter = max(",;\t", key=head.count)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise RosterError(f"{path}: {error}") from None
    return Table([[cell.strip() for cell in line] for line in lines], first, notes)


def is_plain(content: bytes) -> bool:
    """Whether a table is text in UTF-8."""
    try:
        return not content.startswith(_ZIPPED) and content.decode("utf-8-sig") is not None
    except UnicodeDecodeError:
        return False


def _text(content: bytes, path: Path) -> tuple[str, list[str]]:
    try:
        if content.startswith(_UTF_16):
            return content.decode("utf-16"), []
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        pass
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError as error:
        raise RosterError(f"{path}: {error}; save it as CSV in UTF-8") from None
    return text, ["it is no UTF-8 and was read as Windows' Western European (cp1252)"]


def _sheet(
    content: bytes, path: Path, wanted: Callable[[list[list[str]]], bool]
) -> list[list[str]]:
    """Lines of the first sheet that is wanted, or else of the first."""
    from openpyxl import load_workbook  # takes its time, and most tables are CSV

    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheets = [
            [[_as_text(value) for value in row] for row in sheet.iter_rows(values_only=True)]
            for sheet in book.worksheets
        ]
    except Exception as error:  # whatever a zip that is no spreadsheet brings about
        raise RosterError(f"{path}: no spreadsheet that can be read: {error}") from None
    return ([lines for lines in sheets if wanted(lines)] or sheets or [[]])[0]


def _as_text(value: object) -> str:
    """A cell as it would stand in a CSV file: numbers of students have no decimals."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).strip()
