"""Notebooks that were taken apart: no answer in them is lost, and none is taken for no answer."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import nbformat
import pytest
from nbformat import v4
from nbformat.notebooknode import NotebookNode

from grader import config
from grader.authoring import build
from grader.classroom import gradebook, results, standing
from grader.classroom.folder import ClassFolder
from grader.classroom.marks import CellMark
from grader.classroom.results import Result
from grader.executing.prepare import read_notebook
from grader.formgrader.answer_key import LOOK_AROUND
from grader.grading.run import grade
from tests.grader import sample_class, tiny_course
from tests.grader.tiny_course import NAME, hand_in, reference

PICTURE = {"image/png": sample_class.png()}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> config.Course:
    return tiny_course.install(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def folder(tmp_path: Path) -> ClassFolder:
    return ClassFolder(tmp_path / "class")


def released() -> NotebookNode:
    """The notebook as students get it."""
    return nbformat.read(build.released(NAME), as_version=4)


def copy_of(cell: NotebookNode) -> NotebookNode:
    """The cell pasted once more: what Jupyter's own id is changes."""
    return nbformat.from_dict({**cell, "id": v4.new_markdown_cell().id})


def name_of(cell: NotebookNode) -> str:
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))


def at(notebook: NotebookNode, name: str) -> int:
    return [name_of(cell) for cell in notebook.cells].index(name)


def without_answer(team: str, *beside: NotebookNode, above: bool = False) -> NotebookNode:
    """The reference with its essay as released, and cells of the student's own next to it."""
    blank = released()
    notebook = reference(team, {"why": blank.cells[at(blank, "why")].source})
    place = at(notebook, "why") + (not above)
    notebook.cells[place:place] = beside
    return notebook


def points(folder: ClassFolder) -> dict[str, float]:
    return {result.team: result.points for result in results.graded(folder)}


def essays(folder: ClassFolder, course: config.Course) -> dict[str, CellMark]:
    found = gradebook.marks(folder, course.id)
    return {mark.team: cell for mark in found for cell in mark.cells if cell.cell == "why"}


def what_markers_see(folder: ClassFolder, team: str) -> NotebookNode:
    return nbformat.read(folder.autograded(team, NAME) / f"{NAME}.ipynb", as_version=4)


def result_of(folder: ClassFolder, team: str) -> Result:
    return next(result for result in results.graded(folder) if result.team == team)


BESIDE = {
    "below": [v4.new_markdown_cell("SEEN: it skips pixels.")],
    "raw": [v4.new_raw_cell("SEEN: it skips pixels.")],
    "comment": [v4.new_code_cell("x = 1  # SEEN: it skips pixels")],
    "string": [v4.new_code_cell('answer = """SEEN: it skips every second pixel."""')],
    "prose": [v4.new_code_cell("SEEN the filter skips every second pixel, doesn't it?")],
    "question": [v4.new_code_cell("SEEN why should that be?")],
    "magic": [v4.new_code_cell("%%markdown\nSEEN the filter skips pixels")],
    "picture": [
        v4.new_markdown_cell("![SEEN.png](attachment:SEEN.png)", attachments={"SEEN.png": PICTURE})
    ],
}
NOTHING = {
    "nothing": [],
    "code": [v4.new_code_cell("print(square(np.arange(3)), 'done')\n%timeit square(3)\nsquare?")],
    "empty": [v4.new_markdown_cell("  "), v4.new_code_cell("")],
    "released": [v4.new_markdown_cell("# Tiny"), v4.new_code_cell("import numpy as np")],
}


def test_an_answer_beside_its_cell_waits_for_a_marker_who_sees_it(
    course: config.Course, folder: ClassFolder
) -> None:
    for number, cells in enumerate([*BESIDE.values(), *NOTHING.values()], 1):
        hand_in(folder, f"team_{number}", without_answer(f"team_{number}", *cells))
    above = without_answer("team_20", v4.new_markdown_cell("SEEN above"), above=True)
    hand_in(folder, "team_20", above)
    gone = reference("team_21", {"why": "SEEN, but by nobody who looks for its name"})
    gone.cells[at(gone, "why")] = v4.new_markdown_cell(gone.cells[-1].source)
    hand_in(folder, "team_21", gone)
    grade(folder, course, workers=2)

    found = essays(folder, course)
    waiting = {f"team_{number}" for number in range(1, len(BESIDE) + 1)} | {"team_20", "team_21"}
    assert {team for team, mark in found.items() if mark.needs_manual} == waiting
    for team, mark in found.items():
        shown = what_markers_see(folder, team)
        if team in waiting:
            assert mark.auto is None and mark.comment != gradebook.NO_ANSWER
            assert standing.read(folder, course).rows[team, NAME].state == standing.ESSAYS
            words = [c.source for c in shown.cells if c.cell_type in ("code", "markdown")]
            pasted = [c for c in shown.cells if c.get("attachments")]
            assert any("SEEN" in word for word in words) or pasted, team
            # one that is known by its place stands where the answer should
            assert any(LOOK_AROUND in word for word in words) == (team != "team_21")
        else:
            assert (mark.auto, mark.comment) == (0, gradebook.NO_ANSWER)
            assert not any(LOOK_AROUND in cell.source for cell in shown.cells)
    again = grade(folder, course)
    assert again.executed == 0 and essays(folder, course) == found


def test_a_mark_on_an_answer_beside_its_cell_is_flagged_when_that_changes(
    course: config.Course, folder: ClassFolder
) -> None:
    hand_in(folder, "team_1", without_answer("team_1", v4.new_markdown_cell("It skips.")))
    grade(folder, course)
    with gradebook.open_gradebook(folder, course.id) as book:
        mark = book.find_grade("why", NAME, NAME, "team_1")
        mark.manual_score, mark.needs_manual_grade = 2, False
        book.db.commit()
    assert not grade(folder, course, force=True).flagged
    hand_in(folder, "team_1", without_answer("team_1", v4.new_markdown_cell("It jumps.")))
    assert grade(folder, course).flagged == [f"team_1/{NAME}/why"]


def test_all_parts_of_an_essay_are_there_to_be_marked(
    course: config.Course, folder: ClassFolder
) -> None:
    notebook = reference("team_1", {"why": "FIRST half ![](attachment:image.png)"})
    second = copy_of(notebook.cells[at(notebook, "why")])
    second.source = "SECOND half ![](attachment:image.png)"
    notebook.cells[at(notebook, "why")].attachments = {"image.png": PICTURE}
    other = {"image/png": sample_class.png((9, 9))}
    second.attachments = {"image.png": other}
    blank = released()
    untouched = blank.cells[at(blank, "why")]
    notebook.cells += [second, copy_of(second), copy_of(untouched)]
    hand_in(folder, "team_1", notebook)
    grade(folder, course)
    shown = what_markers_see(folder, "team_1")
    answer = shown.cells[at(shown, "why")]
    assert answer.source.index("FIRST half") < answer.source.index("SECOND half")
    assert answer.source.count("half") == 2 and "YOUR ANSWER" not in answer.source
    assert list(answer.attachments.values()) == [PICTURE, other]


def test_in_a_doubled_notebook_the_copy_that_was_worked_on_counts(
    course: config.Course, folder: ClassFolder
) -> None:
    def doubled(team: str, *halves: NotebookNode) -> None:
        notebook = reference(team)
        notebook.cells = [copy_of(cell) for half in halves for cell in half.cells]
        hand_in(folder, team, notebook)

    doubled("team_1", released(), reference("team_1"))
    doubled("team_2", reference("team_2"), released())
    other = reference("team_9", {"square": "def square(x):\n    return x", "why": "Theirs."})
    doubled("team_3", other, reference("team_3"))
    grade(folder, course, workers=2)
    assert points(folder) == {"team_1": 6, "team_2": 6, "team_3": 6}
    assert not result_of(folder, "team_3").questions  # nothing was lost by it
    assert all(mark.needs_manual for mark in essays(folder, course).values())


def test_a_check_runs_behind_the_answer_that_it_is_about(
    course: config.Course, folder: ClassFolder
) -> None:
    blank = released()
    pasted = reference("team_1")
    pasted.cells.append(copy_of(pasted.cells[at(pasted, "square")]))
    pasted.cells[at(pasted, "square")] = blank.cells[at(blank, "square")]
    hand_in(folder, "team_1", pasted)
    moved = reference("team_2")
    moved.cells.append(moved.cells.pop(at(moved, "square")))
    hand_in(folder, "team_2", moved)
    tried = reference("team_3")  # a copy for trying things out, which did not work
    tried.cells.append(copy_of(tried.cells[at(tried, "square")]))
    tried.cells[-1].source = "def square(x):\n    return x + 1"
    hand_in(folder, "team_3", tried)
    grade(folder, course, workers=2)
    assert points(folder) == {"team_1": 6, "team_2": 6, "team_3": 2}
    assert [(q.cause, q.cell) for q in result_of(folder, "team_3").questions] == [
        ("copies differ", "square")
    ]
    assert not result_of(folder, "team_1").questions + result_of(folder, "team_2").questions
    assert any("put behind it" in note for note in result_of(folder, "team_1").notes)


def test_cells_are_known_without_the_metadata_of_nbgrader(
    course: config.Course, folder: ClassFolder
) -> None:
    stripped = reference("team_1")
    for cell in stripped.cells:
        cell.metadata.pop("nbgrader", None)
    hand_in(folder, "team_1", stripped)
    nameless = reference("team_2")
    for cell in nameless.cells:
        cell.metadata.pop("nbgrader", None)
        cell.pop("id", None)
    nameless.nbformat_minor = 0
    hand_in(folder, "team_2", nameless)
    summary = grade(folder, course, workers=2)
    assert points(folder) == {"team_1": 6, "team_2": 6}
    assert not summary.human
    assert all(mark.needs_manual for mark in essays(folder, course).values())


def test_a_notebook_without_most_of_its_cells_needs_a_human(
    course: config.Course, folder: ClassFolder
) -> None:
    rest = reference("team_1")
    rest.cells = [c for c in rest.cells if name_of(c) in ("", "setup", "never_run", "square")]
    hand_in(folder, "team_1", rest)
    figures = reference("team_2")
    figures.cells = [c for c in figures.cells if name_of(c) not in ("never_run", "check_square")]
    hand_in(folder, "team_2", figures)
    hand_in(folder, "team_3", b"no notebook")
    summary = grade(folder, course, workers=2)
    assert set(summary.human) == {f"team_1/{NAME}", f"team_3/{NAME}"}
    reason = summary.human[f"team_1/{NAME}"]
    assert "2 of 3 answers" in reason and "sums" in reason and "mark them by hand" in reason
    row = standing.read(folder, course).rows["team_1", NAME]
    assert (row.state, row.needs_human) == (standing.HUMAN, reason)
    waiting = essays(folder, course)
    assert waiting["team_1"].needs_manual and waiting["team_3"].needs_manual


def test_cells_of_one_id_are_nobodys_news() -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1") for _ in range(2)])
    notebook.cells[1].id = notebook.cells[0].id
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(read_notebook(json.dumps(notebook).encode()).cells) == 2
