"""Class lists as they are kept: tables in text, and spreadsheets."""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import Workbook

from grader.classroom.roster import Student, keep_roster, read_roster
from grader.classroom.tables import RosterError


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
        (b"team,student\n\x81,1\n", "save it as CSV in UTF-8"),
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


ANN = Student("team_7", "s101", "Ann O'Brien", "s101@example.org")
LI = Student("team_8", "s102", "小龙 李", "s102@example.org")
MOODLE = {
    "en": "First name,Last name,ID number,Email address,Groups",
    "de": "Vorname,Nachname,ID-Nummer,E-Mail-Adresse,Gruppen",
}


def participants(language: str) -> str:
    """Moodle's list of participants, "Download table data as" (user/index.php)."""
    rows = "Ann,O'Brien,s101,s101@example.org,Team 07\n小龙,李,s102,s102@example.org,team_8\n"
    return f"{MOODLE[language]}\n{rows}"


GRADEBOOK = """Student,ID,SIS User ID,SIS Login ID,Section,Lab 1 (4711)
    Points Possible,,,,,10
"O'Brien, Ann",901,s101,ann.o,CNN,
"李, 小龙",902,s102,,CNN,7
"Student, Test",903,,test,CNN,
"""
"""Canvas' lib/gradebook_exporter.rb."""
GROUPS = """name,canvas_user_id,user_id,login_id,sections,group_name,canvas_group_id,group_id
Ann O'Brien,901,s101,ann.o,CNN,Team 7,1,
小龙 李,902,s102,,CNN,,,
"""
"""Canvas' lib/group_category export (GroupsAndMemberships in CSV)."""


@pytest.mark.parametrize("language", MOODLE)
@pytest.mark.parametrize("write", ["utf-8", "utf-8-sig", "utf-16", "; utf-8", "sep=; utf-8-sig"])
def test_moodles_participants_are_a_roster_whatever_excel_made_of_them(
    tmp_path: Path, language: str, write: str
) -> None:
    text, encoding = participants(language), write.rpartition(" ")[2]
    if write == "utf-16":
        text = text.replace(",", "\t")
    if ";" in write:
        text = text.replace(",", ";")
    if write.startswith("sep"):
        text = f"sep=;\r\n{text}"
    path = tmp_path / "participants.csv"
    path.write_bytes(text.encode(encoding))
    found = read_roster(path)
    assert found.students == [ANN, LI] and not found.notes
    assert f"team from {MOODLE[language].rpartition(',')[2]}" in found.told
    keep_roster(tmp_path, path)
    assert read_roster(tmp_path / "roster.csv").students == [ANN, LI]


def test_western_european_windows_text_is_read_and_said(tmp_path: Path) -> None:
    path = tmp_path / "liste.csv"
    path.write_bytes("Gruppe;Matrikelnummer;Vorname;Nachname\n7;1;Jörg;Müßig\n".encode("cp1252"))
    found = read_roster(path)
    assert found.students == [Student("7", "1", "Jörg Müßig")]
    assert "cp1252" in found.notes[0] and found.notes[0].startswith("liste.csv")
    keep_roster(tmp_path, path)
    assert "Jörg" in (tmp_path / "roster.csv").read_text(encoding="utf-8")


def test_canvas_gradebook_and_groups_are_rosters(tmp_path: Path) -> None:
    path = tmp_path / "canvas.csv"
    path.write_text(GRADEBOOK, encoding="utf-8")
    found = read_roster(path)
    assert [(s.team, s.id, s.name, s.canvas, s.login) for s in found.students] == [
        ("s_101", "s101", "O'Brien, Ann", "901", "ann.o"),
        ("s_102", "s102", "李, 小龙", "902", ""),
    ]
    assert "everybody works alone" in found.notes[0]
    path.write_text(GROUPS, encoding="utf-8")
    found = read_roster(path)
    assert [(s.team, s.id, s.canvas) for s in found.students] == [
        ("team_7", "s101", "901"), ("s_102", "s102", "902"),
    ]  # fmt: skip


def test_a_list_without_numbers_goes_by_login_or_mail(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(
        "OrgDefinedId,Username,Last Name,First Name,Email\n#12,#ann,O,Ann,\n,,Li,X,x@y.z\n"
    )
    assert [(s.id, s.login) for s in read_roster(path).students] == [("12", "ann"), ("x", "")]


def test_in_which_of_several_groups_the_team_is_somebody_has_to_say(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f'{MOODLE["en"]}\nAnn,O,s1,a@b.c,"Team 7, Tutorial B"\n')
    with pytest.raises(RosterError, match=r"line 2: s1 is in 2 groups, Team 7, Tutorial B: leave"):
        read_roster(path)
