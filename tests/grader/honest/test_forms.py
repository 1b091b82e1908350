"""Honest work gets its points in whatever form it arrives, or stands before a human by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

from grader import config
from grader.authoring import build
from grader.bench import small_course
from grader.classroom import gradebook, results
from grader.classroom.folder import ClassFolder
from grader.classroom.gradebook import NotebookMark
from grader.classroom.results import Rejected, Result
from grader.grading.run import grade
from grader.intake import collect
from tests.grader.honest import forms_of_cells, forms_of_files
from tests.grader.honest.course import NAME, POINTS, install
from tests.grader.honest.forms import Form, delivered

FORMS = [*forms_of_files.FORMS, *forms_of_cells.FORMS]
SILENT = [form for form in FORMS if not form.asks]
TEAMS = {form.name: f"team_{number}" for number, form in enumerate(FORMS, 1)}


@dataclass(frozen=True)
class Class:
    """A class in which every form was handed in once."""

    folder: ClassFolder
    results: dict[str, Result]
    marks: dict[str, NotebookMark]
    rejected: dict[str, list[Rejected]]

    def seen_by_markers(self, team: str) -> str:
        """All texts of the notebook that formgrader shows."""
        path = self.folder.autograded(team, NAME) / f"{NAME}.ipynb"
        return "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Class:
    root = tmp_path_factory.mktemp("honest")
    course: config.Course = install(root / "course")
    inbox, folder = root / "inbox", ClassFolder(root / "class")
    inbox.mkdir()
    for form in FORMS:
        team = TEAMS[form.name]
        solved = small_course.reference(NAME, team)
        released = nbformat.read(build.released(NAME), as_version=4)
        (inbox / f"{team}{form.suffix}").write_bytes(delivered(form, form.make(solved, released)))
    report = collect(folder, course, sorted(inbox.iterdir()), None, from_lms=False)
    grade(folder, course)
    rejected: dict[str, list[Rejected]] = {}
    for entry in report.rejected:
        rejected.setdefault(Path(entry.archive).name.partition(".")[0], []).append(entry)
    return Class(
        folder,
        {result.team: result for result in results.graded(folder)},
        {mark.team: mark for mark in gradebook.marks(folder, course.id)},
        rejected,
    )


def test_there_are_enough_forms() -> None:
    assert len(FORMS) >= 60 and len(SILENT) >= 45
    assert len(TEAMS) == len(FORMS), "two forms have one name"


@pytest.mark.parametrize("form", SILENT, ids=lambda form: form.name)
def test_it_gets_all_its_points_and_nobody_is_asked(graded: Class, form: Form) -> None:
    team = TEAMS[form.name]
    assert not graded.rejected.get(team)
    result = graded.results[team]
    assert result.points == POINTS, [(c.name, c.points, c.status, c.message) for c in result.checks]
    assert not result.questions
    essays = {cell.cell: cell for cell in graded.marks[team].cells if cell.kind == "essay"}
    assert all(cell.needs_manual for cell in essays.values())
    seen = graded.seen_by_markers(team)
    assert "the first answer says WHYWORD" in seen and "with care, says HOWWORD" in seen


@pytest.mark.parametrize("form", [f for f in FORMS if f.asks], ids=lambda form: form.name)
def test_what_a_machine_cannot_decide_is_put_before_a_human(graded: Class, form: Form) -> None:
    team = TEAMS[form.name]
    said = [entry.reason for entry in graded.rejected.get(team, [])]
    if team in graded.results:
        said += map(str, graded.results[team].questions)
        assert all(question.remedy for question in graded.results[team].questions)
    assert any(form.asks in text for text in said), said
