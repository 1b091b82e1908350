"""What `./course new` writes runs as it is, in the house's own style, and nothing is built of it
until its author has written what is left to write."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from grader import config, places
from grader.authoring import build, new, source_text
from grader.contract.judges import judges_of, samples_of
from grader.errors import CourseError
from grader.judging import truth
from grader.mutating.run import Asking
from grader.mutating.run import run as mutate


@pytest.fixture
def course(tmp_path: Path) -> Iterator[Path]:
    """A course of one notebook with two exercises, in use."""
    folder = tmp_path / "numpy-basics"
    new.course(folder)
    places.use(folder)
    new.notebook("arrays")
    places.use(folder)
    new.exercise("row_means", "01_arrays", "means of rows")
    new.exercise("another_one", "01_arrays")
    places.use(folder)
    yield folder
    places.use(None)


def written(course: Path) -> None:
    """Do what an author does last."""
    for path in course.rglob("*.py"):
        path.write_text(re.sub(r"AUTHOR: ", "Here ", path.read_text()))
    places.use(course)


def test_the_example_runs_and_its_judge_sees_all_mutants(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quiet = Console(quiet=True)
    assert set(judges_of("01_arrays")) == {"row_means", "another_one"}
    assert truth.run(quiet, ["01_arrays"]) == 0
    assert len(samples_of("01_arrays")) == 4
    assert mutate(quiet, Asking(["01_arrays"], seeds=1)) == 0
    assert '"survived": 0' in capsys.readouterr().out


def test_nothing_is_built_until_all_is_written_and_each_place_is_told(course: Path) -> None:
    with pytest.raises(source_text.SourceError) as refused:
        build.build(config.load())
    told = str(refused.value).splitlines()
    marks = [text.count("AUTHOR: ") for p in course.rglob("*.py") if (text := p.read_text())]
    assert len(told) == sum(marks)
    assert told[0].startswith("source/01_arrays.py:4: still to write: what this notebook is about")
    for line in told:
        name, number, _ = line.split(":", 2)
        assert "AUTHOR: " in (course / name).read_text().splitlines()[int(number) - 1]
    written(course)
    changed = {build.name_of(path) for path in build.build(config.load())}
    assert {"notebooks/01_arrays.ipynb", "data/checks/row_means.npz"} <= changed
    assert build.differences(config.load()) == []


def test_exercises_are_numbered_and_their_judges_name_the_heading(course: Path) -> None:
    text = (course / "source" / "01_arrays.py").read_text()
    headings = re.findall(r"^# ## (.+)$", text, re.MULTILINE)
    assert headings == ["Exercise 01.1: means of rows", "Exercise 01.2: another one"]
    assert [judge.section for judge in judges_of("01_arrays").values()] == headings


def test_it_is_the_house_style(course: Path) -> None:
    settings = ("--config", str(places.ROOT / "pyproject.toml"))
    for words in (("check",), ("format", "--check")):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *words, *settings, course / "judges", course / "truth"],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("JUDGES = A + B\n", "JUDGES = [*A, *B, *NEW]\n"),
        ("JUDGES = [\n    A,  # first\n]\n", "JUDGES = [\n    A,  # first\n    *NEW,\n]\n"),
        ("JUDGES: list[Judge] = []\nMORE = 1\n", "JUDGES: list[Judge] = [*NEW]\nMORE = 1\n"),
        (
            f"JUDGES = [{'A' * 50}, {'B' * 38}]\n",
            f"JUDGES = [\n    {'A' * 50},\n    {'B' * 38},\n    *NEW,\n]\n",
        ),
    ],
)
def test_a_list_gets_longer_whatever_it_looks_like(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "judges.py"
    for imports, longer in (
        ("", "\nfrom .m import NEW\n"),
        ("\nfrom .k import A\nfrom .z import B\n", None),
        ("\nimport numpy as np\n", "\nimport numpy as np\n\nfrom .m import NEW\n"),
    ):
        path.write_text(f'"""Judges."""\n{imports}\n{before}')
        longer = longer or "\nfrom .k import A\nfrom .m import NEW\nfrom .z import B\n"
        found = new._with_list(path, "JUDGES", "m", "NEW")
        assert found == f'"""Judges."""\n{longer}\n{after}'


def test_a_name_that_is_taken_or_none_is_refused_and_nothing_is_written(course: Path) -> None:
    before = {path: path.read_bytes() for path in course.rglob("*.py")}
    (course / "truth" / "arrays_third.py").write_text("")
    before[course / "truth" / "arrays_third.py"] = b""
    for call, message in (
        (lambda: new.exercise("row_means", "01_arrays"), "row_means is taken by notebook 01"),
        (lambda: new.exercise("Row-means", "01_arrays"), "no name of a function"),
        (lambda: new.exercise("third", "01_arrays"), "arrays_third.py is there already"),
        (lambda: new.notebook("01_tables"), "01_arrays is there already"),
        (lambda: new.notebook("02_arrays"), "01_arrays is there already"),
        (lambda: new.notebook("02-tables"), "no name of a notebook"),
        (lambda: new.notebook("tables", 'of "all" kinds'), "between quotes"),
        (lambda: new.course(course), "is there already"),
    ):
        with pytest.raises(CourseError, match=message):
            call()
    assert {path: path.read_bytes() for path in course.rglob("*.py")} == before
