"""Exports hold each student's grade, final or not at all, in the form that the reader expects."""

from __future__ import annotations

import csv
import json
from datetime import timedelta
from pathlib import Path

import pytest

from grader import export
from grader.classroom.results import Rejected
from grader.export import Choices
from grader.places import ROOT
from tests.grader.sample_class import CONV, START, SampleClass

ROSTER = (
    "team,student,name,email,moodle,canvas\n"
    "team_1,s1,Student One,one@example.org,Participant 101,9001\n"
    'team_1,s2,"Two, Student",two@example.org,102,\n'
    'team_2,s3,=HYPERLINK("http://x"),@three,,sis-3\n'
    "team_3,s4,Student Four,four@example.org,104,9004\n"
)


@pytest.fixture
def sample(tmp_path: Path) -> SampleClass:
    """team_1 is final, team_2 has an essay to mark, team_3 handed in nothing."""
    made = SampleClass(tmp_path)
    made.hand_in("team_1", fraction=0.5, late=timedelta(hours=5), late_fraction=0.1)
    made.hand_in("team_1", START)
    made.hand_in("team_2")
    made.mark("team_1", "why_stride", 4)
    made.roster(ROSTER)
    return made


def table(path: Path, encoding: str = "utf-8") -> list[list[str]]:
    with path.open(encoding=encoding, newline="") as stream:
        return list(csv.reader(stream))


def test_spreadsheet_has_a_row_for_each_student(sample: SampleClass) -> None:
    path = export.write(sample.folder, sample.course, "csv")
    assert path == sample.folder.root / "exports" / "grades.csv"
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")  # Excel's sign for UTF-8
    head, *lines = table(path, "utf-8-sig")
    one, two, three, four = [dict(zip(head, line, strict=True)) for line in lines]
    assert (one["Student"], two["Student"], two["Name"]) == ("s1", "s2", "Two, Student")
    # 9 of 18 points and 4 for the essay; 10 % of the 9 that were recorded with the submission
    assert one["Implementing a CNN"] == two["Implementing a CNN"] == "12.1"
    assert one["Implementing a CNN (late penalty)"] == "0.9"
    assert one["Implementing a CNN (maximum)"] == "22"
    assert (one["Getting started"], one["Total"], one["State"]) == ("6", "18.1", "final")
    assert (three["Implementing a CNN"], three["Total"]) == ("", "")
    assert three["State"] == "essays to mark, missing"
    assert (four["Implementing a CNN"], four["Total"], four["State"]) == ("", "", "missing")


def test_choices_write_zero_for_missing_and_points_so_far(sample: SampleClass) -> None:
    chosen = Choices(missing_is_zero=True, provisional=True)
    path = export.write(sample.folder, sample.course, "csv", choices=chosen)
    head, *rows = table(path, "utf-8-sig")
    totals = [row[head.index("Total")] for row in rows]
    assert totals == ["18.1", "18.1", "18", "0"]


def test_what_could_not_be_taken_in_is_never_worth_nothing(sample: SampleClass) -> None:
    damaged = Rejected("downloads/team_3.tar.gz", "team_3", "damaged: ask for it again")
    sample.reject(damaged, Rejected("work.zip", "", "work is not in the roster"))
    chosen = Choices(missing_is_zero=True)
    path = export.write(sample.folder, sample.course, "csv", choices=chosen)
    four = dict(zip(*[table(path, "utf-8-sig")[i] for i in (0, -1)], strict=True))
    assert (four["Getting started"], four["Total"], four["State"]) == ("", "", "not taken in")
    told = "\n".join(export.doubts(sample.folder, sample.course))
    assert "downloads/team_3.tar.gz of team_3 could not be taken in, and has no grade: dam" in told
    assert "work.zip could not be taken in" in told


def test_a_sum_waits_for_the_part_that_could_not_be_taken_in(sample: SampleClass) -> None:
    sample.mark("team_2", "why_stride", 1)
    sample.reject(Rejected("team_2.zip", "team_2", "encrypted", START))
    head, *rows = table(export.write(sample.folder, sample.course, "csv"), "utf-8-sig")
    assert rows[2][head.index("Implementing a CNN")] == "19"
    assert rows[2][head.index("Total")] == ""


def test_formulas_are_disarmed_in_every_export(sample: SampleClass) -> None:
    for kind in sorted({*export.KINDS} - {"xlsx"}):
        chosen = Choices(notebook=START if kind == "sakai" else "")
        path = export.write(sample.folder, sample.course, kind, choices=chosen)
        for row in table(path, "utf-8-sig"):
            for cell in row:
                assert not cell.startswith(("=", "+", "@", "\t", "\r"))
                assert cell == "-" or not cell.startswith("-")
        named = kind != "brightspace"  # which goes by ids alone
        assert ("'=HYPERLINK" in path.read_text(encoding="utf-8")) == named


@pytest.mark.parametrize("name", ["=1", "+1", "-1", "@x", "\t=1", " =1", "＝1", "\r\n=1"])
def test_every_start_of_a_formula_is_known(name: str) -> None:
    from grader.export.sheet import text

    assert text(name).startswith("'")
    assert "\n" not in text(name)


def test_moodle_worksheet_has_what_its_importer_looks_for(sample: SampleClass) -> None:
    path = export.write(sample.folder, sample.course, "moodle")
    assert not path.read_bytes().startswith(b"\xef\xbb\xbf")
    head, *rows = table(path)
    assert {"Identifier", "Grade", "Last modified (grade)", "Feedback comments"} <= set(head)
    one, two, three, four = [dict(zip(head, row, strict=True)) for row in rows]
    assert one["Identifier"] == "Participant 101"
    assert (one["Grade"], one["Maximum Grade"]) == ("18.1", f"{28 + rest():g}")
    assert two["Grade"] == "18.1" and two["Email address"] == "two@example.org"
    assert one["Feedback comments"] == (
        "Getting started: 6 of 6<br>Implementing a CNN: 12.1 of 22 (late: −0.9)"
    )
    # Moodle passes over empty grades, and must not get comments on them
    assert (three["Identifier"], three["Grade"], three["Feedback comments"]) == ("", "", "")
    assert four["Grade"] == ""


def released(*names: str) -> float:
    """What some of the course's notebooks are worth, beside what is optional in them."""
    cells = [
        cell["metadata"]
        for name in names
        for cell in json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text("utf-8"))["cells"]
    ]
    counted = [m["nbgrader"] for m in cells if "nbgrader" in m and "bonus" not in str(m)]
    return sum(float(cell["points"]) for cell in counted if cell.get("grade"))


def rest() -> float:
    """What the notebooks are worth that nobody has handed in."""
    names = [path.stem for path in (ROOT / "notebooks").glob("*.ipynb")]
    return released(*(name for name in names if name not in (START, CONV)))


def test_a_maximum_is_that_of_the_course_whoever_has_handed_in(tmp_path: Path) -> None:
    made = SampleClass(tmp_path)
    made.roster(ROSTER)
    maxima = []
    for notebook in (START, CONV):
        made.hand_in("team_1", notebook)
        head, *rows = table(export.write(made.folder, made.course, "csv"), "utf-8-sig")
        maxima.append(float(rows[0][head.index("Total (maximum)")]))
    assert maxima == [6 + released(CONV) + rest(), 28 + rest()]


def test_moodle_worksheet_of_one_notebook(sample: SampleClass) -> None:
    chosen = Choices(notebook=START)
    path = export.write(sample.folder, sample.course, "moodle", choices=chosen)
    assert path.name == f"moodle_{START}.csv"
    head, *rows = table(path)
    assert [row[head.index("Grade")] for row in rows] == ["6", "6", "", ""]
    assert rows[0][head.index("Maximum Grade")] == "6"


def test_canvas_gradebook_has_what_its_importer_looks_for(sample: SampleClass) -> None:
    chosen = Choices(canvas_ids={CONV: 4711})
    path = export.write(sample.folder, sample.course, "canvas", choices=chosen)
    head, possible, one, two, three, four = table(path)
    assert head[:5] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    assert head[5:] == ["Getting started", "Implementing a CNN (4711)"]
    assert "Points Possible" in possible[0] and possible[5:] == ["6", "22"]
    assert one == ["Student One", "9001", "", "s1", "", "6", "12.1"]
    assert two[:2] == ["Two, Student", ""]
    assert three[1:4] == ["", "sis-3", "s3"]
    assert four[5:] == ["", ""]


def test_without_a_roster_a_team_is_its_own_student(tmp_path: Path) -> None:
    made = SampleClass(tmp_path)
    made.hand_in("team_1", START)
    head, row = table(export.write(made.folder, made.course, "csv"), "utf-8-sig")
    assert row[:2] == ["team_1", "team_1"]
    assert row[head.index("Total")] == "6"


def test_a_submission_that_needs_a_human_has_no_grade(tmp_path: Path) -> None:
    made = SampleClass(tmp_path)
    made.hand_in("team_1", START, needs_human="memory limit reached")
    head, row = table(export.write(made.folder, made.course, "csv"), "utf-8-sig")
    assert (row[head.index("Total")], row[head.index("State")]) == ("", "needs a human")
    (left,) = export.unfinished(made.folder, made.course)
    assert str(left) == f"team_1 {START}: memory limit reached"
    assert left.as_data() == {"team": "team_1", "notebook": START, "reason": "memory limit reached"}


def test_unknown_kind_or_notebook_is_refused(sample: SampleClass) -> None:
    with pytest.raises(ValueError, match="moodle"):
        export.write(sample.folder, sample.course, "pigeon")
    with pytest.raises(ValueError, match=CONV):
        export.write(sample.folder, sample.course, "csv", choices=Choices(notebook="nine"))
