"""Make `data/convolution_by_hand.xlsx`: the numbers of a hand calculation, and empty cells.

Run `python -m grader.course.making.spreadsheet` after a change of `utils.exercises.by_hand`.  The
sheet holds what is given and nothing of what comes out.  openpyxl is needed here only; students
open the file with whatever spreadsheet they have.
"""

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from pathlib import Path

import numpy as np
from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from grader import places
from utils.exercises.by_hand import BIASES, FILTERS, VOLUME

TARGET = places.ROOT / "data" / "convolution_by_hand.xlsx"

_CHANNELS = (("R", "F6D5CF"), ("G", "D3EBDD"), ("B", "D3E3F4"))
_TO_FILL, _BIAS = "FFF9DB", "EEEEEE"
_HAIR = Side(style="thin", color="888888")
_TOP, _GAP = 8, 2
_INPUT, _FILTERS = 2, (9, 20)
"""Columns in which the input and the two filters begin; each filter's sums stand beside it."""


def build() -> bytes:
    """The workbook; the same numbers give the same bytes."""
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = "S = 1, P = 0"
    _explain(sheet)
    rows, columns, _ = VOLUME.shape
    size = FILTERS.shape[0]
    out = (rows - size + 1, columns - size + 1)
    for channel, (name, fill) in enumerate(_CHANNELS):
        top = _TOP + channel * (rows + _GAP)
        _title(sheet, top - 1, _INPUT, f"input {name}")
        _block(sheet, top, _INPUT, VOLUME[:, :, channel], fill)
        for number, left in enumerate(_FILTERS):
            _title(sheet, top - 1, left, f"filter {number + 1}, {name}")
            _block(sheet, top, left, FILTERS[:, :, channel, number], fill)
            _title(sheet, top - 1, left + 4, f"sums of products, {name}")
            _empty(sheet, top, left + 4, out)
    bottom = _TOP + len(_CHANNELS) * (rows + _GAP)
    for number, left in enumerate(_FILTERS):
        _title(sheet, bottom - 1, left, f"bias {number + 1}")
        _block(sheet, bottom, left, np.array([[BIASES[number]]]), _BIAS)
        _title(sheet, bottom - 1, left + 4, f"map {number + 1} = R + G + B + bias")
        _empty(sheet, bottom, left + 4, out)
    for column in range(1, _FILTERS[-1] + 4 + out[1] + 1):
        sheet.column_dimensions[get_column_letter(column)].width = 6.2
    sheet.sheet_view.showGridLines = False
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 1
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    book.properties.created = book.properties.modified = datetime(2020, 1, 1)
    book.properties.creator = ""
    buffer = io.BytesIO()
    book.save(buffer)
    return _without_times(buffer.getvalue())


def _explain(sheet: Worksheet) -> None:
    sheet["B1"] = "Two filters over three channels"
    sheet["B1"].font = Font(bold=True, size=14)
    lines = (
        "Fill the yellow cells: for each channel the sum of products of the filter with the window",
        "that begins at that place, then the two maps. SUMPRODUCT multiplies two blocks and adds",
        "up. With $ signs for the filter's block only, one formula fits a whole block.",
    )
    for row, line in enumerate(lines, 2):
        sheet.cell(row, 2, line).font = Font(color="555555")


def _title(sheet: Worksheet, row: int, column: int, text: str) -> None:
    sheet.cell(row, column, text).font = Font(bold=True, size=10)


def _style(sheet: Worksheet, row: int, column: int, fill: str) -> None:
    cell = sheet.cell(row, column)
    cell.fill = PatternFill("solid", fgColor=fill)
    cell.border = Border(left=_HAIR, right=_HAIR, top=_HAIR, bottom=_HAIR)
    cell.alignment = Alignment(horizontal="center")


def _block(sheet: Worksheet, top: int, left: int, values: np.ndarray, fill: str) -> None:
    for (row, column), value in np.ndenumerate(values):
        sheet.cell(top + row, left + column, int(value))
        _style(sheet, top + row, left + column, fill)


def _empty(sheet: Worksheet, top: int, left: int, size: tuple[int, int]) -> None:
    for row in range(size[0]):
        for column in range(size[1]):
            _style(sheet, top + row, left + column, _TO_FILL)


def _without_times(data: bytes) -> bytes:
    """The same archive with fixed times, so that git sees a change only where there is one."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":  # openpyxl writes the time of saving here
                start, end = (
                    content.index(b"<dcterms:modified"),
                    content.index(b"</dcterms:modified>"),
                )
                stamp = content.index(b">", start) + 1
                content = content[:stamp] + b"2020-01-01T00:00:00Z" + content[end:]
            new.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
    return buffer.getvalue()


def main(target: Path = TARGET) -> None:
    """Write the file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(build())


if __name__ == "__main__":
    main()
