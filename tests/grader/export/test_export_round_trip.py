"""Grade files go back in: read as Moodle's and Canvas' importers read them, awkward names and all.

The readers below follow Moodle's mod/assign/feedback/offline/importgradeslib.php with
lib/csvlib.class.php, and Canvas' lib/gradebook_importer.rb.
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from openpyxl import load_workbook

from grader import export
from grader.export import Choices
from tests.grader.sample_class import CONV, START, SampleClass

NAMES = [
    "Müller-Lüdenscheidt, Änne",
    'Robert "Bob" O\'Brien',
    '=HYPERLINK("http://x")',
    "-2+3",
    "@SUM(1)",
    "back\\slash",
    'quote after backslash\\", and more',
    "two\nlines",
    "Points Possible",
    "Participant 999",
    "a;b;c;d;e;f;g;h",
    "陈 小明",
    "\u202egnp.exe",
    "12,5",
]
NUMBERS = range(101, 101 + len(NAMES))


@pytest.fixture
def sample(tmp_path: Path) -> SampleClass:
    """Two students a team; the odd teams handed in two notebooks, the others one of them."""
    made = SampleClass(tmp_path)
    rows = [["team", "student", "name", "email", "moodle", "canvas"]]
    for place, (number, name) in enumerate(zip(NUMBERS, NAMES, strict=True)):
        team = f"team_{1 + place // 2}"
        canvas = "" if number == 102 else str(9000 + number)
        rows.append([team, f"s{number}", name, f"s{number}@example.org", str(number), canvas])
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    made.roster(text.getvalue())
    for number in range(1, 1 + len(NAMES) // 2):
        made.hand_in(f"team_{number}", START, fraction=1 / number)
        if number % 2:
            made.hand_in(f"team_{number}", CONV)
            made.mark(f"team_{number}", "why_stride", 3.5)
    return made


def total(number: int) -> float:
    """What a student must get."""
    team = 1 + (number - 101) // 2
    return round(6 / team + (21.5 if team % 2 else 0), 4)


def moodle_reads(path: Path, maximum: float) -> dict[int, tuple[float, str]]:
    """Participant -> (grade, comment), by the rules of Moodle's importer.

    PHP's reader keeps a field open over a quote that stands behind a backslash.
    """
    reader = csv.reader(io.StringIO(path.read_bytes().decode(), newline=""), escapechar="\\")
    head, *rows = list(reader)
    assert all(len(row) == len(head) for row in rows), "Moodle refuses: weird columns"
    wanted = ("Identifier", "Grade", "Last modified (grade)", "Feedback comments")
    identifier, grade, _, comment = (head.index(name) for name in wanted)
    found = {}
    for row in rows:
        digits = row[identifier][len("Participant ") :]
        if not digits or row[grade] == "":
            continue
        assert 0 <= float(row[grade]) <= maximum
        assert int(digits) not in found
        found[int(digits)] = (float(row[grade]), row[comment])
    return found


def canvas_reads(path: Path) -> tuple[dict[str, float], dict[str, dict[str, str]]]:
    """(assignment -> points possible, student -> assignment -> grade), as Canvas' importer does."""
    text = path.read_bytes().decode()
    lines = text.split("\r\n")[:3]
    fields = [len(next(csv.reader([line], delimiter=";"))) for line in lines]
    assert len(set(fields)) > 1 or fields[0] == 1, "Canvas takes it for separated by semicolons"
    head, *rows = list(csv.reader(io.StringIO(text, newline="")))
    assert "Student" in head[0] and "ID" in head[1] and "Section" in head[4]
    assert re.search(r"SIS\s+User\s+ID", head[2]) and re.search(r"SIS\s+Login\s+ID", head[3])
    possible: dict[str, float] = {}
    grades: dict[str, dict[str, str]] = {}
    for row in rows:
        assert len(row) == len(head)
        if "Points Possible" in row[0]:
            assert not possible, "a student overwrites the maxima"
            possible = {title: float(cell) for title, cell in zip(head[5:], row[5:], strict=True)}
            continue
        key = row[1] or row[2] or row[3] or row[0]
        assert key not in grades
        grades[key] = dict(zip(head[5:], row[5:], strict=True))
    return possible, grades


def test_moodle_gets_every_students_grade_back(sample: SampleClass) -> None:
    path = export.write(sample.folder, sample.course, "moodle")
    found = moodle_reads(path, 28)
    assert {number: grade for number, (grade, _) in found.items()} == {
        number: total(number) for number in NUMBERS
    }
    assert found[101] == found[102]  # two students of one team
    assert all("<br>" not in comment or comment.count("<") == 1 for _, comment in found.values())


def test_canvas_gets_every_students_grades_back(sample: SampleClass) -> None:
    chosen = Choices(canvas_ids={CONV: 4711})
    possible, grades = canvas_reads(
        export.write(sample.folder, sample.course, "canvas", choices=chosen)
    )
    assert possible == {"Getting started": 6, "Implementing a CNN (4711)": 22}
    keys = {number: "s102" if number == 102 else str(9000 + number) for number in NUMBERS}
    assert set(grades) == set(keys.values())
    for number, key in keys.items():
        assert sum(float(cell) for cell in grades[key].values() if cell) == pytest.approx(
            total(number), abs=1e-3
        )
    assert grades["9103"]["Implementing a CNN (4711)"] == ""  # not handed in is no zero


def test_sakai_reads_every_students_grade_back(sample: SampleClass) -> None:
    """As uploadAll in Sakai's AssignmentAction.java: from the fourth line on, cells 1 and 4."""
    chosen = Choices(notebook=START)
    path = export.write(sample.folder, sample.course, "sakai", choices=chosen)
    lines = list(csv.reader(io.StringIO(path.read_bytes().decode(), newline="")))
    assert lines[0] == ["Getting started", "Points"] and lines[1] == []
    found = {line[1]: float(line[4]) for line in lines[3:] if len(line) > 4 and line[4]}
    assert found == {
        f"s{number}": pytest.approx(6 / (1 + (number - 101) // 2), abs=1e-3) for number in NUMBERS
    }


def test_brightspace_and_blackboard_have_a_column_for_each_notebook(sample: SampleClass) -> None:
    head, *rows = csv_of(export.write(sample.folder, sample.course, "brightspace"))
    assert head[:2] == ["OrgDefinedId", "Username"] and head[-1] == "End-of-Line Indicator"
    assert head[2:-1] == ["Getting started Points Grade", "Implementing a CNN Points Grade"]
    assert all(row[-1] == "#" and row[0].startswith("#s1") for row in rows)
    chosen = Choices(canvas_ids={CONV: 4711})
    path = export.write(sample.folder, sample.course, "blackboard", choices=chosen)
    head, *rows = csv_of(path)
    assert head[4:] == [
        "Getting started [Total Pts: 6 Score]", "Implementing a CNN [Total Pts: 22 Score] |4711",
    ]  # fmt: skip
    by_id = {row[3]: row for row in rows}
    assert by_id["s101"][:3] == ["Müller-Lüdenscheidt", "Änne", "s101"]
    assert by_id["s112"][:2] == ["小明", "陈"] and len(by_id) == len(NAMES)


def csv_of(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def test_a_login_of_the_roster_is_what_systems_find_a_student_by(tmp_path: Path) -> None:
    sample = SampleClass(tmp_path)
    sample.roster("team,student,name,login\nteam_1,s1,Ann O,ann.o\n")
    sample.hand_in("team_1", START)
    (_, row) = csv_of(export.write(sample.folder, sample.course, "brightspace"))
    assert row[:2] == ["#s1", "#ann.o"]
    assert csv_of(export.write(sample.folder, sample.course, "canvas"))[2][3] == "ann.o"


def test_european_excel_gets_semicolons_and_commas_or_a_workbook(sample: SampleClass) -> None:
    chosen = Choices(european=True)
    path = export.write(sample.folder, sample.course, "csv", choices=chosen)
    text = path.read_bytes().decode("utf-8-sig")
    head, *rows = csv.reader(io.StringIO(text, newline=""), delimiter=";")
    plain, *others = csv_of(export.write(sample.folder, sample.course, "csv"))
    assert head == plain and [row[-3].replace(",", ".") for row in rows] == [r[-3] for r in others]
    assert any("," in row[-3] for row in rows)
    book = load_workbook(export.write(sample.folder, sample.course, "xlsx"))
    values = [[cell.value for cell in line] for line in book.worksheets[0].iter_rows()]
    assert values[0] == plain
    assert [line[-3] for line in values[1:]] == pytest.approx([float(row[-3]) for row in others])
    assert all(cell.data_type != "f" for line in book.worksheets[0].iter_rows() for cell in line)


@pytest.mark.parametrize(
    ("kind", "chosen", "reason"),
    [
        ("moodle", Choices(european=True), "only csv and canvas take"),
        ("sakai", Choices(), "name it with --notebook"),
        ("sakai", Choices(notebook="02_training_cnn"), "nobody has handed in"),
    ],
)
def test_what_a_kind_does_not_have_is_refused(
    sample: SampleClass, kind: str, chosen: Choices, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        export.write(sample.folder, sample.course, kind, choices=chosen)


def test_the_spreadsheet_keeps_names_on_one_line_and_formulas_asleep(sample: SampleClass) -> None:
    path = export.write(sample.folder, sample.course, "csv")
    head, *rows = csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""))
    names = [row[head.index("Name")] for row in rows]
    assert len(names) == len(NAMES) and not any("\n" in name for name in names)
    assert {"Müller-Lüdenscheidt, Änne", '\'=HYPERLINK("http://x")', "'-2+3", "陈 小明"} <= set(
        names
    )
    assert not any("\u202e" in name for name in names)


def test_a_worksheet_downloaded_from_moodle_gives_the_roster_its_numbers(tmp_path: Path) -> None:
    """What Moodle hands out as Identifier comes back as Identifier."""
    sample = SampleClass(tmp_path)
    sample.roster(
        "Identifier,Full name,Email address,Team,ID number\n"
        '"Participant 70123","Änne Müller",a@example.org,team 1,s1\n'
        '"Participant 70124","Li, Bo",b@example.org,team 1,s2\n'
    )
    sample.hand_in("team_1", START)
    path = export.write(sample.folder, sample.course, "moodle")
    assert {n: grade for n, (grade, _) in moodle_reads(path, 28).items()} == {70123: 6, 70124: 6}
