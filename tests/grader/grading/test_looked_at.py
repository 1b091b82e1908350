"""A report, and what the code explains, are marked by hand: the marker sees where they are."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import nbformat
import pytest
from nbformat.notebooknode import NotebookNode

from grader import config
from grader.authoring import build
from grader.bench import small_course
from grader.classroom import gradebook, results
from grader.classroom.folder import ClassFolder
from grader.classroom.marks import CellMark
from grader.executing import documented
from grader.formgrader import reports_shown
from grader.formgrader.answer_key import MARK
from grader.grading.run import grade
from grader.intake import CollectReport, collect
from grader.pages import feedback
from tests.grader import sandbox_helpers
from tests.grader.intake_samples import NOON, save, zipped
from tests.grader.tiny_course import JUDGES, NAME, SOURCE, reference

ESSAY = """
# %% [markdown] essay="{name}" points=2 beside="{beside}"
# ### BEGIN SOLUTION
# Good.
#
# **Rubric**
# - 2 points: good
# - 1 points: fair
# - 0 points: nothing
# ### END SOLUTION
"""
ASKING = ESSAY.format(name="explained", beside="code") + ESSAY.format(
    name="reported", beside="report"
)
PDF = b"%PDF-1.7 one"
BLANK = {"explained": "YOUR ANSWER HERE", "reported": "YOUR ANSWER HERE"}
COMMENTED = """def square(x):
    \"\"\"x: any array.  Returns its square.\"\"\"
    return x * x  # elementwise, also for rows"""


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> config.Course:
    sandbox_helpers.require("direct")
    root, limits = tmp_path_factory.mktemp("tiny"), config.Limits(3, 10, 60, 4096, 64)
    return small_course.install(root, NAME, SOURCE + ASKING, JUDGES, limits)


@pytest.fixture
def folder(tmp_path: Path) -> ClassFolder:
    (tmp_path / "class").mkdir()
    return ClassFolder(tmp_path / "class")


def take(
    folder: ClassFolder,
    course: config.Course,
    files: dict[str, bytes],
    changes: dict[str, str] | None = None,
) -> CollectReport:
    """Collect what two hand in together."""
    blank = nbformat.read(build.released(NAME), as_version=4)
    texts = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell.source for cell in blank.cells}
    changes = {name: texts[name] for name in BLANK} | (changes or {})
    notebook = nbformat.writes(reference("team_1", changes)).encode()
    archive = zipped({f"notebooks/{NAME}.ipynb": notebook, **files})
    earlier = len(list(folder.attempts("team_1", NAME).glob("*")))
    path = save(folder.root.parent / "team_1.zip", archive, NOON + timedelta(hours=earlier))
    return collect(folder, course, [path], None, releases=build.released(NAME).parent)


def marks(folder: ClassFolder, course: config.Course) -> dict[str, CellMark]:
    grade(folder, course, workers=1, seed="fixed")
    (mark,) = gradebook.marks(folder, course.id)
    return {cell.cell: cell for cell in mark.cells}


def shown(folder: ClassFolder) -> NotebookNode:
    return nbformat.read(folder.autograded("team_1", NAME) / f"{NAME}.ipynb", as_version=4)


def told(folder: ClassFolder, essay: str) -> str:
    """What the marker reads below an essay, without Markdown's escapes."""
    (cell,) = [c for c in shown(folder).cells if c.metadata.get(MARK) == essay]
    return str(cell.source).replace("\\", "")


def test_a_report_waits_for_its_marker_who_is_told_where_it_lies(
    course: config.Course, folder: ClassFolder
) -> None:
    report = take(folder, course, {"Report of A_Lee.pdf": PDF, "notebooks/images/a.jpg": b"x"})
    (submission,) = report.taken
    assert submission.files == ["report/report.pdf"]
    stored = folder.submitted("team_1", NAME) / "report" / "report.pdf"
    assert stored.read_bytes() == PDF
    found = marks(folder, course)
    assert found["reported"].needs_manual and found["reported"].auto is None
    assert not found["explained"].needs_manual and found["explained"].auto == 0
    words = told(folder, "reported")
    assert "Report of A_Lee.pdf (0 kB)" in words
    assert str(stored.relative_to(folder.root)) in words and "Look for the answer" not in words
    feedback.write(folder, course)
    page = (folder.feedback("team_1") / f"{NAME}.html").read_text()
    assert "The report that came with it: Report of A_Lee.pdf" in page
    assert "report/report.pdf" not in page


def test_without_a_report_a_blank_answer_earns_nothing_by_itself(
    course: config.Course, folder: ClassFolder
) -> None:
    take(folder, course, {})
    found = marks(folder, course)
    assert found["reported"].auto == 0 and not found["reported"].needs_manual
    assert "No report came with it." in told(folder, "reported")


def test_a_report_that_came_with_another_attempt_is_told(
    course: config.Course, folder: ClassFolder
) -> None:
    (first,) = take(folder, course, {"report.pdf": PDF}).taken
    (second,) = take(folder, course, {}, {"why": "Other words."}).taken
    assert first.attempt != second.attempt
    assert marks(folder, course)["reported"].needs_manual
    assert f"one came with attempt {first.attempt}" in told(folder, "reported")


def test_a_mark_is_flagged_when_the_report_or_the_comments_change(
    course: config.Course, folder: ClassFolder
) -> None:
    take(folder, course, {"report.pdf": PDF}, {"square": COMMENTED})
    marks(folder, course)
    with gradebook.open_gradebook(folder, course.id) as book:
        for name in ("reported", "explained"):
            (cell,) = [
                g
                for g in book.find_submission_notebook(NAME, NAME, "team_1").grades
                if g.name == name
            ]
            cell.manual_score, cell.needs_manual_grade = 2, False
        book.db.commit()
    assert not marks(folder, course)["reported"].needs_manual
    take(folder, course, {"report.pdf": PDF + b" and more"}, {"square": COMMENTED})
    found = marks(folder, course)
    assert found["reported"].needs_manual and not found["explained"].needs_manual
    other = COMMENTED.replace("elementwise", "for each element")
    take(folder, course, {"report.pdf": PDF + b" and more"}, {"square": other})
    assert marks(folder, course)["explained"].needs_manual


def test_comments_wait_for_a_marker_though_the_answer_is_blank(
    course: config.Course, folder: ClassFolder
) -> None:
    take(folder, course, {}, {"square": COMMENTED})
    found = marks(folder, course)
    assert found["explained"].needs_manual and found["explained"].auto is None
    words = told(folder, "explained")
    assert "0 docstrings and 1 comment in 4 lines of code and 1 function" in words, words
    (result,) = results.graded(folder)
    assert [one.kind for one in result.beside] == ["code", "report"]


def test_a_report_that_no_essay_asks_for_is_still_told(
    course: config.Course, folder: ClassFolder
) -> None:
    report = take(folder, course, {"report.html": b"<script>", "notes.md": b"mine"})
    (submission,) = report.taken
    assert submission.files == ["report/report.html.txt"]  # text: no browser runs it
    assert [entry.source.endswith("/notes.md") for entry in report.ignored] == [True]
    seen = reports_shown.at_the_end(reference("team_1"), folder, submission, [])
    assert "report/report.html.txt" in seen.cells[-1].source.replace("\\", "")


GIVEN = '''def fool(x):
    """Ours."""
    # our comment
    raise NotImplementedError
'''
WRITTEN = '''def fool(x):
    """Ours."""
    # our comment
    ### ---
    def step(y):
        """How far y goes."""
        return y + 1
    return step(x)  # why once

class Walk:
    def on(self):
        return 1
'''


def cell(source: str, locked: bool = False) -> NotebookNode:
    about = {"nbgrader": {"locked": True, "grade_id": "x"}} if locked else {}
    return nbformat.v4.new_code_cell(source, metadata=about)


def test_what_the_release_says_counts_for_nothing() -> None:
    release = nbformat.v4.new_notebook(cells=[cell(GIVEN)])
    found = documented.count([cell(GIVEN), cell("# locked\nx = 1", True)], [release], [])
    assert found.lines == 0 and not found.said and "no line" in found.in_words()
    found = documented.count([cell(WRITTEN)], [release], ["def more():\n    return 2\n"])
    assert found.docstrings == ("How far y goes.",) and found.comments == ("why once",)
    assert set(found.functions) == {"fool", "step", "on", "more"}
    assert set(found.silent) == {"on", "more"}
    assert "Neither in on, more." in found.in_words()


def test_code_that_is_none_is_counted_as_far_as_it_goes() -> None:
    release = nbformat.v4.new_notebook(cells=[])
    found = documented.count(
        [cell("def f(:\n    # why\n    x = '"), cell("%time f(1)")], [release], []
    )
    assert found.comments == ("why",) and not found.functions
