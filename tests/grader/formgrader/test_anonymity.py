"""Markers who must not know whose work they mark find no names in what formgrader shows."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from nbformat import v4

from grader import config
from grader.classroom import gradebook, results
from grader.classroom.folder import ClassFolder
from grader.classroom.marks import CellMark
from grader.classroom.results import Result, Submission
from grader.errors import ConfigError
from grader.formgrader.anonymity import without_names
from grader.grading.recorder import Recorder
from tests.grader.sample_class import CONV, SampleClass

NAMES = ("team_7", "s1001", "Änne Müller", "anne@example.org", "x")


@pytest.mark.parametrize(
    "text",
    ["Team 07", "TEAM-7", "team_7", "by s1001", "S1001!", "Änne Müller", "änne  müller",
     "anne@example.org"],
)  # fmt: skip
def test_a_name_is_found_however_it_is_written(text: str) -> None:
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell(f"We ({text}) think so.")])
    assert "…" in without_names(notebook, NAMES).cells[0].source
    assert text in notebook.cells[0].source  # what was handed in stays as it was


@pytest.mark.parametrize("text", ["team_70", "steam 7", "s10012", "team 17", "x = 7", "Müller"])
def test_what_is_no_name_stays(text: str) -> None:
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell(text)])
    assert without_names(notebook, NAMES).cells[0].source == text


def test_outputs_tell_nothing_and_pictures_stay() -> None:
    outputs = [
        v4.new_output("stream", text="hello team_7\n"),
        v4.new_output("display_data", {"text/html": "<b>Team 7</b>", "image/png": "s1001"}),
        v4.new_output("error", ename="E", evalue="s1001", traceback=["in team_7", "x"]),
    ]
    cell = v4.new_code_cell('STUDENT_ID = "my own name"  # s1001\nx = 1', outputs=outputs)
    hidden = without_names(v4.new_notebook(cells=[cell]), NAMES).cells[0]
    assert hidden.source == 'STUDENT_ID = "…"\nx = 1'
    assert hidden.outputs[0].text == "hello …\n"
    assert hidden.outputs[1].data == {"text/html": "<b>…</b>", "image/png": "s1001"}
    assert (hidden.outputs[2].evalue, hidden.outputs[2].traceback) == ("…", ["in …", "x"])


@pytest.fixture
def sample(tmp_path: Path) -> SampleClass:
    made = SampleClass(tmp_path)
    made.roster("team,student,name\nteam_1,s1001,Änne Müller\nteam_1,s1002,Bo Li\n")
    made.hand_in(
        "team_1", code='STUDENT_ID = "Team 01"  # Bo Li', essay="Änne Müller: it skips pixels."
    )
    return made


def record(sample: SampleClass, anonymous: bool) -> str:
    """What formgrader shows after grading."""
    course = dataclasses.replace(sample.course, anonymous=anonymous)
    folder = sample.folder
    submission = results.read(folder.submitted("team_1", CONV) / "submission.json", Submission)
    result = results.read(folder.result("team_1", CONV) / "result.json", Result)
    Recorder(folder, course, sample.gradebook).record(submission, result)
    return (folder.autograded("team_1", CONV) / f"{CONV}.ipynb").read_text(encoding="utf-8")


def essay(sample: SampleClass) -> CellMark:
    (found,) = gradebook.marks(sample.folder, sample.course.id)
    return next(cell for cell in found.cells if cell.cell == "why_stride")


def test_formgrader_shows_no_names_and_the_gradebook_still_knows_them(sample: SampleClass) -> None:
    shown = record(sample, anonymous=True)
    assert "it skips pixels" in shown
    assert not [name for name in ("Team 01", "Bo Li", "Müller", "M\\u00fcller") if name in shown]
    kept = sample.folder.result("team_1", CONV) / "executed.ipynb"
    assert "Bo Li" in kept.read_text(encoding="utf-8")
    assert [m.team for m in gradebook.marks(sample.folder, sample.course.id)] == ["team_1"]
    assert "Bo Li" in record(sample, anonymous=False)


def test_somebody_who_left_the_team_stays_without_a_name(sample: SampleClass) -> None:
    (sample.folder.root / "membership.csv").write_text(
        f"notebook,student,team\n{CONV},s1001,team_1\n{CONV},s1002,team_1\n"
    )
    sample.roster("team,student,name\nteam_2,s1001,Änne Müller\nteam_1,s1002,Bo Li\n")
    shown = record(sample, anonymous=True)
    assert not [name for name in ("Müller", "M\\u00fcller") if name in shown]


def test_a_mark_given_without_names_stays_until_the_essay_changes(sample: SampleClass) -> None:
    record(sample, anonymous=True)
    sample.mark("team_1", "why_stride", 3)
    record(sample, anonymous=True)
    assert (essay(sample).manual, essay(sample).needs_manual) == (3, False)
    path = sample.folder.result("team_1", CONV) / "executed.ipynb"
    path.write_text(path.read_text(encoding="utf-8").replace("skips pixels", "saves time"))
    record(sample, anonymous=True)
    assert (essay(sample).manual, essay(sample).needs_manual) == (3, True)


def test_the_switch_is_a_switch(tmp_path: Path) -> None:
    assert config.load().anonymous is False
    own = tmp_path / "course.toml"
    own.write_text("[marking]\nanonymous = true\n")
    assert config.load(ClassFolder(tmp_path).root).anonymous is True
    own.write_text('[marking]\nanonymous = "yes"\n')
    with pytest.raises(ConfigError, match="true or false"):
        config.load(tmp_path)
