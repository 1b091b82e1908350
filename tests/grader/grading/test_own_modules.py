"""Modules of a student's own: executed with the notebook, never in place of another, and seen."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest

from grader import config
from grader.authoring import build
from grader.bench import small_course
from grader.cells import grade_id
from grader.classroom import releases, results, standing
from grader.classroom.folder import ClassFolder
from grader.classroom.results import Result, Submission
from grader.formgrader import modules_shown
from grader.formgrader.answer_key import MARK
from grader.grading import recorder
from grader.grading.run import grade
from grader.intake import CollectReport, collect
from grader.pages import similar
from tests.grader import sandbox_helpers, tiny_course
from tests.grader.intake_samples import save, tar
from tests.grader.tiny_course import NAME, reference

USES = """import helpers
from tools.more import times

def square(x):
    return helpers.one(times(x))"""
HELPERS = b"def one(x):\n    return x\n"
MORE = b"def times(x):\n    return x * x\n"


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> config.Course:
    sandbox_helpers.require("direct")
    return tiny_course.install(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def folder(tmp_path: Path) -> ClassFolder:
    (tmp_path / "class").mkdir()
    return ClassFolder(tmp_path / "class")


def take(
    folder: ClassFolder,
    course: config.Course,
    files: dict[str, bytes],
    square: str = USES,
    later: float = 0,
) -> CollectReport:
    """Collect what team_1 hands in.  later: seconds after others."""
    notebook = nbformat.writes(reference("team_1", {"square": square})).encode()
    everything = {f"notebooks/{NAME}.ipynb": notebook, **files}
    archive = save(folder.root.parent / "team_1.tar.gz", tar(everything))
    moment = archive.stat().st_mtime + later
    os.utime(archive, (moment, moment))
    return collect(folder, course, [archive], None, releases=build.released(NAME).parent)


def graded(folder: ClassFolder, course: config.Course) -> Result:
    grade(folder, course, workers=1, seed="fixed")
    (result,) = results.graded(folder)
    return result


def shown(folder: ClassFolder) -> nbformat.NotebookNode:
    return nbformat.read(folder.autograded("team_1", NAME) / f"{NAME}.ipynb", as_version=4)


WITH = {"notebooks/helpers.py": HELPERS, "notebooks/tools/more.py": MORE}


def test_they_earn_what_they_are_worth_and_a_marker_sees_them(
    course: config.Course, folder: ClassFolder
) -> None:
    report = take(folder, course, WITH | {"notebooks/unneeded.py": b"x = 1\n"})
    (submission,) = report.taken
    assert submission.files == ["modules/helpers.py.txt", "modules/tools/more.py.txt"]
    assert [(o.what, o.fate) for o in submission.others] == [("notebooks/unneeded.py", "left out")]
    result = graded(folder, course)
    assert result.checks[0].points == 4 and not result.questions
    assert "notebooks/unneeded.py" in [other.what for other in result.account.others]
    cells = [cell for cell in shown(folder).cells if MARK in cell.metadata]
    texts = [cell.source for cell in cells if cell.metadata[MARK].startswith("module")]
    assert len(texts) == 2 and "helpers.py" in texts[0] and "return x * x" in texts[1]


def test_a_module_that_changed_is_another_hand_in_and_is_executed_anew(
    course: config.Course, folder: ClassFolder
) -> None:
    take(folder, course, WITH)
    first = graded(folder, course)
    again = take(folder, course, WITH)  # with other outputs, perhaps
    assert len(again.unchanged + again.taken) == 1 and not again.replaced + again.beside
    wrong = WITH | {"notebooks/tools/more.py": b"def times(x):\n    return x * abs(x)\n"}
    report = take(folder, course, wrong, later=60)
    assert report.replaced and report.taken
    second = graded(folder, course)
    assert second.key != first.key and second.checks[0].points == 2


def test_a_name_that_is_taken_is_left_out_and_asked_about(
    course: config.Course, folder: ClassFolder
) -> None:
    evil = {"notebooks/numpy.py": b"raise SystemExit", "notebooks/utils.py": b"raise SystemExit"}
    (submission,) = take(folder, course, WITH | evil).taken
    assert [q.cause for q in submission.questions] == ["file left out"] * 2
    assert "such as my_numpy" in submission.questions[0].reason
    result = graded(folder, course)
    assert result.checks[0].points == 4
    row = standing.read(folder, course).rows["team_1", NAME]
    assert [q.cause for q in row.questions] == ["file left out"] * 2


SHADOWS = [
    "numpy.py", "utils.py", "utils/__init__.py", "utils/checks/handover.py", "colorsys.py",
    "matplotlib/__init__.py", "termcolor/__init__.py", "sitecustomize.py", "usercustomize.py",
    "evil.pth", "colorsys.pyc", "__pycache__/colorsys.cpython-311.pyc", "wave.so", "tabnanny/x.py",
]  # fmt: skip
LOOKS = """
import colorsys, numpy, tabnanny, wave, matplotlib, termcolor, utils, utils.checks.handover, helpers
import sys
def square(x):
    modules = (colorsys, numpy, tabnanny, wave, matplotlib, termcolor, utils, utils.checks.handover)
    if any("scratch" in str(m.__file__) for m in modules) or sys.path[-1] != "":
        return None
    return helpers.one(x * x)
"""


def test_none_ever_takes_the_place_of_another(course: config.Course, folder: ClassFolder) -> None:
    """Whatever got past intake: the sandbox itself puts a notebook's own folder last."""
    notebook = reference("team_1", {"square": LOOKS})
    small_course.hand_in(folder, NAME, "team_1", notebook)
    place = folder.submitted("team_1", NAME)
    submission = results.read(place / "submission.json", Submission)
    files = {f"modules/{path}.txt": b"raise SystemExit('mine')" for path in SHADOWS}
    files["modules/helpers.py.txt"] = HELPERS
    for path, content in files.items():
        save(place / path, content)
    results.write(
        place / "submission.json",
        Submission(
            submission.team, NAME, submission.archive, "0" * 64, submission.received, list(files)
        ),
    )
    result = graded(folder, course)
    assert result.checks[0].points == 4, result.checks[0]


def test_a_mark_given_by_hand_is_flagged_if_a_module_changes(course: config.Course) -> None:
    notebook = reference("team_1")
    one = modules_shown.at_the_end(notebook, [("helpers.py", "x = 1")])
    other = modules_shown.at_the_end(notebook, [("helpers.py", "x = 2")])
    assert len(one.cells) == len(notebook.cells) + 1
    assert modules_shown.in_cells(one.cells) != modules_shown.in_cells(other.cells)
    assert modules_shown.in_cells(notebook.cells) == ""
    before = nbformat.writes(one)
    assert "check_square" in recorder._changed_answers(before, other)
    assert recorder._changed_answers(before, one) == frozenset()


def test_copied_modules_are_found(course: config.Course, folder: ClassFolder) -> None:
    lines = [f"    total{n} = [value * {n} + y for value in x if value > {n}]" for n in range(12)]
    copied = "\n".join(["def one(x, y):", *lines, "    return total3, total5\n"]).encode()
    for team in range(1, 7):
        place = folder.submitted(f"team_{team}", NAME)
        own = f"def one(x, y):\n    return {' + '.join(f'x[{n * team}] ** y' for n in range(9))}\n"
        text = copied if team in (2, 5) else own.encode()
        small_course.hand_in(folder, NAME, f"team_{team}", reference(f"team_{team}"))
        submission = results.read(place / "submission.json", Submission)
        save(place / "modules/helpers.py.txt", text)
        results.write(
            place / "submission.json",
            Submission(
                submission.team, NAME, submission.archive, "0" * 64, submission.received,
                ["modules/helpers.py.txt"],
            ),
        )  # fmt: skip
    (found,) = similar.search(folder, course)
    first = found.pairs[0]
    assert {first.first.team, first.second.team} == {"team_2", "team_5"}
    assert "helpers.py" in [part.name for part in first.first.parts]


def test_what_an_older_release_gave_is_nobodys_own(
    course: config.Course, folder: ClassFolder
) -> None:
    lines = [f"    total{n} = [value * {n} + y for value in x if value > {n}]" for n in range(12)]
    given = "\n".join(["def square(x, y):", *lines, "    return total3, total5\n"])
    older = nbformat.read(build.released(NAME), as_version=4)
    next(c for c in older.cells if grade_id(c) == "square").source = given
    releases.stamp(older)
    releases.keep(folder, NAME, nbformat.writes(older))
    for team in range(1, 7):
        own = (
            f"def square(x, y):\n    return {' + '.join(f'x[{n * team}] ** y' for n in range(9))}\n"
        )
        answer = reference(f"team_{team}", {"square": given if team in (2, 5) else own})
        small_course.hand_in(folder, NAME, f"team_{team}", answer)
    (found,) = similar.search(folder, course)
    assert not [p for p in found.pairs if {p.first.team, p.second.team} == {"team_2", "team_5"}]
