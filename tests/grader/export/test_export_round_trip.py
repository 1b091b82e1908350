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
