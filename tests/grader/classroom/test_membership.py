"""Whoever changes team keeps earlier grades; a renamed team keeps its members; all is said."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from grader import export
from grader.classroom import membership, standing
from grader.classroom.membership import Membership
from grader.classroom.roster import read_roster
from grader.commands import returning
from grader.pages.report import figures
from tests.grader.intake_samples import FIRST, LATER, class_folder, ipynb, save, take, zipped
from tests.grader.sample_class import CONV, START, SampleClass

BEFORE = "team,student\nteam_1,s1\nteam_1,s2\nteam_2,s3\nteam_2,S 04\n"


@pytest.fixture
def sample(tmp_path: Path) -> SampleClass:
    """team_1 has 18 points of 18, team_2 half of them; noted as the roster was then."""
    made = SampleClass(tmp_path)
    made.hand_in("team_1")
    made.hand_in("team_2", fraction=0.5)
    for team in ("team_1", "team_2"):
        made.mark(team, "why_stride", 0)
    noted(made, BEFORE)
    return made


def noted(sample: SampleClass, roster: str, *fresh: tuple[str, str]) -> list[str]:
    """What collect says of a roster."""
    sample.roster(roster)
    students = read_roster(sample.folder.root / "roster.csv").students
    return membership.note(sample.folder, students, set(fresh))


def grades(sample: SampleClass) -> dict[str, str]:
    """Student -> what the spreadsheet has for the notebook, or its state."""
    path = export.write(sample.folder, sample.course, "csv")
    with path.open(encoding="utf-8-sig", newline="") as stream:
        lines = list(csv.DictReader(stream))
    title = sample.course.notebooks[CONV].title
    return {line["Student"]: line[title] or line[f"{title} (state)"] for line in lines}


def doubts(sample: SampleClass) -> str:
    return "\n".join(export.doubts(sample.folder, sample.course))


def test_a_class_that_stays_as_it_is_has_no_doubts(sample):
    assert grades(sample) == {"s1": "18", "s2": "18", "s3": "9", "S 04": "9"}
    assert doubts(sample) == ""


def test_whoever_changes_team_keeps_the_grade_of_what_was_handed_in_before(sample):
    assert noted(sample, BEFORE.replace("team_2,s3", "team_1,s3")) == []
    assert grades(sample)["s3"] == "9"
    assert (
        doubts(sample)
        == f"note: s3, now in team_1, has the grade of team_2 for {CONV} (membership.csv)"
    )
    sample.hand_in("team_1", START)
    noted(sample, BEFORE.replace("team_2,s3", "team_1,s3"), ("team_1", START))
    rows = standing.read(sample.folder, sample.course)
    s3 = next(person for person in rows.people if person.student == "s3")
    assert rows.of_person(s3, sample.course.notebooks[START]).team == "team_1"


def test_a_renamed_team_is_no_phantom_and_its_members_are_not_missing(sample):
    noted(sample, BEFORE.replace("team_2", "team_55"))
    assert grades(sample) == {"s1": "18", "s2": "18", "s3": "9", "S 04": "9"}
    assert "now in team_55, has the grade of team_2" in doubts(sample)


def test_what_a_renamed_team_hands_in_again_counts_and_that_is_said(sample):
    sample.hand_in("team_55")
    sample.mark("team_55", "why_stride", 0)
    said = noted(sample, BEFORE.replace("team_2", "team_55"), ("team_55", CONV))
    assert len(said) == 2 and "counts with team_55 now, no more with team_2" in said[0]
    assert grades(sample)["s3"] == "18"


def test_what_a_new_team_hands_in_again_does_not_count_for_a_newcomer_and_that_is_said(sample):
    said = noted(sample, BEFORE.replace("team_2,s3", "team_1,s3"), ("team_1", CONV))
    assert len(said) == 1 and "of s3 still counts with team_2, not with team_1" in said[0]
    assert grades(sample)["s3"] == "9"


def test_a_team_that_no_row_names_is_said_with_the_remedy(sample):
    sample.hand_in("team_9")
    sample.mark("team_9", "why_stride", 0)
    noted(sample, BEFORE)
    assert grades(sample)["team_9"] == "18"
    assert "LOOK: team_9 handed in" in doubts(sample) and "no row of the roster" in doubts(sample)
    assert f"{CONV},STUDENT,team_9" in doubts(sample)


def test_a_student_who_came_later_gets_the_grade_until_the_instructor_says_otherwise(sample):
    noted(sample, f"{BEFORE}team_1,s5\n")
    assert grades(sample)["s5"] == "18"
    assert f"LOOK: s5 was not in team_1 when it handed in {CONV}" in doubts(sample)
    path = sample.folder.root / "membership.csv"
    path.write_text(f"{path.read_text()}{CONV},s5,\n")
    assert grades(sample)["s5"] == "missing" and "LOOK" not in doubts(sample)
    path.write_text(path.read_text().replace(f"{CONV},s5,", f"{CONV};s5;team_2"))
    assert "line 6: expected notebook,student,team" in doubts(sample)


def test_a_team_of_the_roster_whose_work_counts_for_nobody_is_said(sample):
    noted(sample, "team,student\nteam_1,s1\nteam_2,s2\n")  # s3 and s04 left
    assert "team_2 handed in" in doubts(sample) and "counts for nobody" in doubts(sample)
    assert set(grades(sample)) == {"s1", "s2"}


def test_without_a_roster_teams_are_exported_as_students_and_that_is_said(tmp_path):
    made = SampleClass(tmp_path)
    made.hand_in("team_1")
    assert doubts(made) == "note: without a roster each team is a student of its own"


def test_collect_notes_the_members_and_leaves_what_an_instructor_changed(tmp_path):
    room = class_folder(tmp_path / "class")
    (room.root / "roster.csv").write_text(BEFORE)
    archive = save(tmp_path / "team_2.zip", zipped({f"{FIRST}.ipynb": ipynb()}))
    take(room, archive)
    path = room.root / "membership.csv"
    assert path.read_text() == f"notebook,student,team\n{FIRST},s3,team_2\n{FIRST},S 04,team_2\n"
    path.write_text(f"notebook;student;team\n{FIRST};s3;team_1\n{FIRST};s04;Team 02\n")
    again = save(archive, zipped({f"{FIRST}.ipynb": ipynb(answer="2")}), LATER)
    report = take(room, again)
    assert any("of s3 still counts with team_1, not with team_2" in note for note in report.notes)
    assert membership.read(path, []).rows == {(FIRST, "s_3"): "team_1", (FIRST, "s_4"): "team_2"}


def test_what_was_taken_in_before_anybody_noted_members_is_noted_by_todays_roster(sample):
    path = sample.folder.root / "membership.csv"
    before = path.read_text()
    path.unlink()
    membership.catch_up(sample.folder)
    assert path.read_text() == before
    sample.roster(f"{BEFORE}team_1,s5\n")
    membership.catch_up(sample.folder)
    assert path.read_text() == before  # whether a newcomer was in it is for a human
    (sample.folder.root / "roster.csv").write_text("nonsense")
    membership.catch_up(sample.folder)


def test_members_are_those_who_handed_in_and_who_joined_but_nobody_who_did_it_elsewhere():
    noted = Membership({("nb", "s_1"): "team_1", ("nb", "s_2"): "team_2"})
    assert noted.members("team_1", "nb", ["S02", "s3"]) == ["s_1", "s_3"]
    assert noted.members("team_1", "other", ["s2"]) == ["s_2"]


def test_the_report_puts_such_questions_before_the_instructor(sample):
    sample.hand_in("team_9")
    found = figures.gather(standing.read(sample.folder, sample.course)).attention
    assert any(entry.who == ("roster",) and "team_9 handed in" in entry.reason for entry in found)


def test_export_prints_what_is_odd(sample, capsys):
    noted(sample, BEFORE.replace("team_2", "team_55"))
    returning.export("csv", sample.folder.root)
    told = capsys.readouterr().out
    assert "note: s3, now in team_55, has the grade of team_2" in told
