"""Class lists as they are kept: tables in text, and spreadsheets."""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import Workbook

from grader.classroom.roster import RosterError, keep_roster, read_roster


def spreadsheet(path: Path) -> Path:
    """A workbook whose second sheet is the class list, with numbers as numbers."""
    book = Workbook()
    book.active.append(["Notes"])  # type: ignore[union-attr]
    table = book.create_sheet("Teams")
    table.append(["Team", "Student number", "Name", "moodle_id"])
    table.append(["team_7", 1234567890, "Müller, Ann", 101.0])
    table.append([None, 42, "Ada", None])
    book.save(path)
    return path


def test_a_spreadsheet_is_a_roster(tmp_path: Path) -> None:
    found = read_roster(spreadsheet(tmp_path / "class.xlsx"))
    told = [(s.team, s.id, s.name, s.moodle) for s in found.students]
    assert told == [("team_7", "1234567890", "Müller, Ann", "101"), ("42", "42", "Ada", "")]


def test_the_class_folder_keeps_it_as_csv(tmp_path: Path) -> None:
    path = spreadsheet(tmp_path / "class.xlsx")
    keep_roster(tmp_path, path)
    assert (tmp_path / "roster.csv").read_text().startswith("Team,Student number,Name,moodle_id\n")
    assert read_roster(tmp_path / "roster.csv") == read_roster(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"PK\x03\x04 and no more", "no spreadsheet that can be read"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "save it as .xlsx or CSV"),
        (b"team,student\n\xff,1\n", "save it as CSV in UTF-8"),
    ],
)
def test_what_is_no_table_is_refused_in_a_sentence(
    tmp_path: Path, content: bytes, says: str
) -> None:
    path = tmp_path / "class.xlsx"
    path.write_bytes(content)
    with pytest.raises(RosterError, match=says):
        read_roster(path)


def test_a_spreadsheet_without_the_columns_says_which(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(["Team", "Name"])  # type: ignore[union-attr]
    book.save(tmp_path / "class.xlsx")
    with pytest.raises(RosterError, match="no column 'student'"):
        read_roster(tmp_path / "class.xlsx")
