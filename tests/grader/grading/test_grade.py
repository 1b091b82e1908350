"""The whole way of a submission after intake, on real kernels and a real gradebook."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from grader import config
from grader.classroom import gradebook, results, standing
from grader.classroom.folder import ClassFolder
from grader.classroom.results import Result, Submission
from grader.commands import grading
from grader.contract.kernels import Profile
from grader.errors import ConfigError
from grader.executing.execute import BoundedClient
from grader.grading.recorder import Recorder
from grader.grading.run import grade
from tests.grader import tiny_course
from tests.grader.tiny_course import NAME, hand_in, reference


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> config.Course:
    return tiny_course.install(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def folder(tmp_path: Path) -> ClassFolder:
    return ClassFolder(tmp_path / "class")


def result_of(folder: ClassFolder, team: str) -> Result:
    return next(r for r in results.graded(folder) if r.team == team)


def points_of(folder: ClassFolder, team: str) -> dict[str, float]:
    return {c.name: c.points for c in result_of(folder, team).checks}


def test_a_class_gets_the_marks_it_earned(course: config.Course, folder: ClassFolder) -> None:
    flipped = "def square(x):\n    return x * abs(x)"
    hand_in(folder, "team_1", reference("team_1"))
    hand_in(folder, "team_2", reference("Team 02", {"square": flipped}))
    blank = nbformat.reads((folder_release(course)).read_text(), as_version=4)
    hand_in(folder, "team_3", blank)
    hand_in(folder, "team_4", reference("team_9"))
    summary = grade(folder, course, workers=2)
    assert list(summary.human) == [f"team_4/{NAME}"]
    assert "right for the numbers of 'team_9'" in summary.human[f"team_4/{NAME}"]
    assert points_of(folder, "team_1") == {"square": 4, "sums": 2}
    assert points_of(folder, "team_2") == {"square": 2, "sums": 2}
    assert result_of(folder, "team_2").checks[0].mistake == "sign kept"
    assert points_of(folder, "team_3") == {"square": 0, "sums": 0}
    assert points_of(folder, "team_4") == {"square": 4, "sums": 0}
    assert "team_9" in result_of(folder, "team_4").checks[1].mistake

    marks = {m.team: {c.cell: c for c in m.cells} for m in gradebook.marks(folder, course.id)}
    assert marks["team_1"]["check_square"].points == 4
    assert marks["team_1"]["why"].needs_manual
    assert marks["team_3"]["why"].auto == 0 and not marks["team_3"]["why"].needs_manual
    assert marks["team_3"]["why"].comment == gradebook.NO_ANSWER


def folder_release(course: config.Course) -> Path:
    from grader.authoring import build

    return build.released(NAME)


def test_grading_again_executes_nothing_and_changes_nothing(
    course: config.Course, folder: ClassFolder
) -> None:
    hand_in(folder, "team_1", reference("team_1"))
    first = grade(folder, course)
    before = gradebook.marks(folder, course.id)
    again = grade(folder, course)
    assert (first.executed, again.executed) == (1, 0)
    assert gradebook.marks(folder, course.id) == before


def test_a_kernel_that_never_began_is_tried_again(
    course: config.Course, folder: ClassFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_kernel(client: BoundedClient, **_: object) -> None:
        raise RuntimeError("no more processes\x1b[2J")

    hand_in(folder, "team_1", reference("team_1"))
    monkeypatch.setattr(BoundedClient, "async_execute", no_kernel)
    (failed,) = grade(folder, course).failed
    assert "no more processes" in failed and "\x1b" not in failed
    assert "no more processes" in result_of(folder, "team_1").needs_human
    monkeypatch.undo()
    assert grade(folder, course).executed == 1
    assert points_of(folder, "team_1") == {"square": 4, "sums": 2}


def test_a_changed_kernel_profile_executes_again(
    course: config.Course, folder: ClassFolder
) -> None:
    hand_in(folder, "team_1", reference("team_1"))
    other = replace(course.notebooks[NAME], kernel=Profile(refused=("skimage",)))
    changed = replace(course, notebooks={NAME: other})
    assert [grade(folder, c).executed for c in (course, changed, changed)] == [1, 1, 0]


def test_a_manual_mark_survives_a_regrade(course: config.Course, folder: ClassFolder) -> None:
    hand_in(folder, "team_1", reference("team_1"))
    grade(folder, course)
    with Gradebook(folder.db_url) as book:
        mark = book.find_grade("why", NAME, NAME, "team_1")
        mark.manual_score, mark.needs_manual_grade = 2.5, False
        book.find_comment("why", NAME, NAME, "team_1").manual_comment = "good"
        book.db.commit()
    grade(folder, course, force=True)
    cells = {c.cell: c for c in gradebook.marks(folder, course.id)[0].cells}
    assert (cells["why"].points, cells["why"].needs_manual) == (2.5, False)
    assert cells["why"].comment == "good"

    hand_in(folder, "team_1", reference("team_1", {"why": "Something else."}))
    grade(folder, course)
    cells = {c.cell: c for c in gradebook.marks(folder, course.id)[0].cells}
    assert (cells["why"].points, cells["why"].needs_manual) == (2.5, True)


def mark_by_hand(folder: ClassFolder, team: str, **points: float) -> None:
    """What a marker does in formgrader: it saves a mark, and the mark is final."""
    with Gradebook(folder.db_url) as book:
        for cell, manual in points.items():
            mark = book.find_grade(cell, NAME, NAME, team)
            mark.manual_score, mark.needs_manual_grade = manual, False
        book.db.commit()


def flagged(folder: ClassFolder, course: config.Course) -> set[str]:
    """Cells with a mark by hand that needs another look."""
    found = gradebook.marks(folder, course.id)
    return {c.cell for m in found for c in m.cells if c.manual is not None and c.needs_manual}


def test_a_flag_stays_until_somebody_has_looked(
    course: config.Course, folder: ClassFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    kept_sign = "def square(x):\n    return x * abs(x)"
    hand_in(folder, "team_1", reference("team_1", {"square": kept_sign}))
    grade(folder, course)
    mark_by_hand(folder, "team_1", why=2.5, check_square=3)
    assert not grade(folder, course).flagged
    hand_in(folder, "team_1", reference("team_1", {"why": "Something else."}))
    for _ in range(3):
        summary = grade(folder, course)
        assert flagged(folder, course) == {"why", "check_square"}
        assert summary.flagged == [f"team_1/{NAME}/check_square", f"team_1/{NAME}/why"]
    grade(folder, course, force=True)
    assert flagged(folder, course) == {"why", "check_square"}
    grading.say_flagged(summary.flagged)
    (line,) = capsys.readouterr().out.splitlines()
    assert "2 marks by hand" in line and f"team_1/{NAME}/why" in line and "formgrader" in line
    mark_by_hand(folder, "team_1", why=2.5)
    assert grade(folder, course).flagged == [f"team_1/{NAME}/check_square"]
    mark_by_hand(folder, "team_1", check_square=4)
    assert not grade(folder, course, force=True).flagged

    hand_in(folder, "team_1", reference("team_1", {"why": released(course, "why")}))
    assert grade(folder, course).flagged == [f"team_1/{NAME}/why"], "2.5 points for a blank"


def released(course: config.Course, cell: str) -> str:
    """A cell's text as students get it."""
    blank = nbformat.reads(folder_release(course).read_text(), as_version=4)
    named = (c for c in blank.cells if c.metadata.get("nbgrader", {}).get("grade_id") == cell)
    return next(named).source


def test_a_mark_by_hand_is_flagged_for_other_code_and_for_nothing_else(
    course: config.Course, folder: ClassFolder
) -> None:
    wrong = "def square(x):\n    return x + 1"
    hand_in(folder, "team_1", reference("team_1", {"square": wrong}))
    grade(folder, course)
    mark_by_hand(folder, "team_1", check_square=1, check_sums=1.5)
    assert not grade(folder, course, force=True).flagged
    # everything is executed anew, as when the points of another exercise were changed
    limits = dataclasses.replace(course.limits, seconds_per_cell=11)
    other = dataclasses.replace(course, limits=limits)
    summary = grade(folder, other)
    assert (summary.executed, summary.flagged) == (1, [])

    hand_in(folder, "team_1", reference("team_1", {"square": "def square(x):\n    return 7"}))
    assert grade(folder, course).flagged == [f"team_1/{NAME}/check_square"], "0 points as before"


def test_a_submission_that_is_being_graded_anew_is_not_final(
    course: config.Course, folder: ClassFolder
) -> None:
    hand_in(folder, "team_1", reference("team_1"))
    grade(folder, course)
    mark_by_hand(folder, "team_1", check_square=3, check_sums=1, why=2)
    assert standing.read(folder, course).rows["team_1", NAME].state == standing.FINAL
    hand_in(folder, "team_1", reference("team_1", {"why": "Other."}))
    with gradebook.open_gradebook(folder, course.id) as book:
        Recorder(folder, course, book).withdraw(
            results.read(folder.submitted("team_1", NAME) / "submission.json", Submission)
        )
    assert standing.read(folder, course).rows["team_1", NAME].state == standing.UNGRADED


def test_a_duplicated_cell_a_missing_cell_and_an_edited_check_cost_nothing(
    course: config.Course, folder: ClassFolder
) -> None:
    duplicated = reference("team_1")
    at = next(i for i, c in enumerate(duplicated.cells) if "def square" in c.source)
    duplicated.cells.insert(at, nbformat.from_dict(duplicated.cells[at]))
    hand_in(folder, "team_1", duplicated)
    missing = reference("team_2")
    missing.cells = [c for c in missing.cells if "check(" not in c.source]
    hand_in(folder, "team_2", missing)
    edited = reference("team_3", {"check_square": "print('nothing to see')"})
    hand_in(folder, "team_3", edited)
    tagged = reference("team_4")
    for cell in tagged.cells:
        cell.metadata["tags"] = ["skip-execution"]
    hand_in(folder, "team_4", tagged)
    grade(folder, course)
    for team in ("team_1", "team_2", "team_3", "team_4"):
        assert result_of(folder, team).points == 6, team
    assert any("appears 2 times" in note for note in result_of(folder, "team_1").notes)


def test_one_bad_submission_stops_nobody(course: config.Course, folder: ClassFolder) -> None:
    dies = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\ndef square(x): return x*x"
    loops = "def square(x):\n    while True: pass"
    prints = "def square(x): return x*x\nfor i in range(3000): print('x' * 1000)"
    hand_in(folder, "team_1", b"this is no notebook")
    hand_in(folder, "team_2", reference("team_2", {"square": dies}))
    hand_in(folder, "team_3", reference("team_3", {"square": loops}))
    hand_in(folder, "team_4", reference("team_4", {"square": prints}))
    hand_in(folder, "team_5", reference("team_5"))
    summary = grade(folder, course, workers=2)
    assert "can't be read" in result_of(folder, "team_1").needs_human
    assert "died" in result_of(folder, "team_2").needs_human
    assert points_of(folder, "team_3") == {"square": 0, "sums": 2}
    assert "CallTimeout" in result_of(folder, "team_3").checks[0].cases[0].message
    assert result_of(folder, "team_4").points == 6
    assert result_of(folder, "team_5").points == 6
    assert summary.need_human == 2
    executed = (folder.autograded("team_4", NAME) / f"{NAME}.ipynb").stat().st_size
    assert executed < 200_000


def test_what_a_kernel_shows_is_defused(course: config.Course, folder: ClassFolder) -> None:
    evil = (
        "from IPython.display import HTML, Javascript, display\n"
        "display(HTML('<script>alert(1)</script>'), Javascript('alert(1)'))\n"
        "def square(x): return x*x"
    )
    notebook = reference("team_1", {"square": evil, "why": "x <script>alert(1)</script> a < b"})
    hand_in(folder, "team_1", notebook)
    grade(folder, course)
    text = (folder.autograded("team_1", NAME) / f"{NAME}.ipynb").read_text()
    shown = nbformat.reads(text, as_version=4)
    essay = next(c for c in shown.cells if c.metadata.get("nbgrader", {}).get("grade_id") == "why")
    assert "<script" not in essay.source and "a < b" in essay.source
    kinds = {m for c in shown.cells for o in c.get("outputs", []) for m in o.get("data", {})}
    assert kinds <= {"text/plain", "image/png", "image/jpeg"}


def test_a_cell_that_runs_out_of_time_keeps_the_cases_that_were_done(
    course: config.Course, folder: ClassFolder
) -> None:
    slow = (
        "import signal\n"
        "def square(x):\n"
        "    signal.setitimer(signal.ITIMER_REAL, 0)\n"
        "    while x.ndim > 1: pass\n"
        "    return x * x"
    )
    leaves = "import sys\ndef square(x):\n    return sys.exit('too large') if x.ndim > 1 else x * x"
    hand_in(folder, "team_1", reference("team_1", {"square": slow}))
    hand_in(folder, "team_2", reference("team_2", {"square": leaves}))
    limits = replace(course.limits, seconds_per_call=1.5, seconds_per_cell=1)
    grade(folder, replace(course, limits=limits), workers=2)
    assert points_of(folder, "team_1") == points_of(folder, "team_2") == {"square": 2, "sums": 2}
    told, left = (result_of(folder, t).checks[0].cases[1].message for t in ("team_1", "team_2"))
    assert re.fullmatch(r"stopped after \d+ seconds; all calls together have 3 seconds", told)
    assert left == "SystemExit: too large (line 3 of the cell, in square)"


def test_the_numbers_of_a_member_are_as_good_as_those_of_the_team(
    course: config.Course, folder: ClassFolder
) -> None:
    hand_in(folder, "team_2", reference("S-1001"))
    hand_in(folder, "team_3", reference("s1001"))
    hand_in(folder, "team_4", reference("team_4"))
    grade(folder, course, workers=2)
    assert points_of(folder, "team_2") == {"square": 4, "sums": 0}
    (asked,) = result_of(folder, "team_2").questions
    assert (asked.cause, asked.cell) == ("other numbers", "check_sums")
    assert "right for the numbers of 'S-1001'" in asked.reason

    roster = folder.root / "roster.csv"
    roster.write_text("team,student\nteam_2,s1001\nTeam 2,s1002\nteam_3,s1003\nteam_4,s1004\n")
    summary = grade(folder, course, workers=2)
    assert (summary.executed, summary.marked_again) == (0, 3)
    assert points_of(folder, "team_2") == {"square": 4, "sums": 2}
    assert points_of(folder, "team_3") == {"square": 4, "sums": 0}, "s1001 is in another team"
    assert points_of(folder, "team_4") == {"square": 4, "sums": 2}
    sums = result_of(folder, "team_3").checks[1]
    assert "'s1001', not of 'team_3'" in sums.mistake and "class list" in sums.hint

    roster.write_text(roster.read_text().replace("team_2,s1001", "team_5,s1001"))
    assert grade(folder, course, workers=2).marked_again == 1
    assert points_of(folder, "team_2") == {"square": 4, "sums": 0}
    noted = folder.root / "membership.csv"
    noted.write_text(f"notebook,student,team\n{NAME},s1001,team_2\n")
    assert grade(folder, course, workers=2).marked_again == 1
    assert points_of(folder, "team_2") == {"square": 4, "sums": 2}, "s1001 was in it then"
    roster.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match=r"roster\.csv can't be read"):
        grade(folder, course, workers=2)
