"""A notebook with blanks runs to its end; a student's mistake stays one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import IPython
import pytest
from IPython.core.interactiveshell import InteractiveShell

from grader.authoring import source_text
from utils.checks import handover, raised, unfinished
from utils.images import datasets

STUB = "def conv(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """Run a cell as a kernel does; returns the error that the frontend is told of."""
    shell = InteractiveShell()
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    unfinished.install()
    unfinished.install()  # a setup cell may run twice

    def once(cell: str) -> Any:
        return shell.run_cell(cell).error_in_exec

    yield once
    shell.history_manager.end_session() if shell.history_manager else None
    InteractiveShell.clear_instance()


def test_what_is_not_written_is_told_in_a_line_and_the_next_cell_runs(
    run: Callable[[str], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(STUB) is None
    assert run("maps = conv(1)\nfor row in maps:\n    import math as m") is None
    assert run("print(maps, row)") is None
    assert run("m.pi") is None
    assert run("answer = 1\nraise NotImplementedError()") is None
    assert capsys.readouterr().out.splitlines() == [
        "Not done yet: conv is still to be written.",
        "Not done yet: maps comes from a cell above that isn't done.",
        "Not done yet: m comes from a cell above that isn't done.",
        "Not done yet: put your answer in place of raise NotImplementedError().",
    ]


@pytest.mark.parametrize(
    "mistake",
    ["mpas", "raise NotImplementedError('of a library')", "import fractions\nint('x')",
     "from numbers import Complex\nComplex.__abs__(1)"],
)  # fmt: skip
def test_a_mistake_stays_one(
    run: Callable[[str], Any], capsys: pytest.CaptureFixture[str], mistake: str
) -> None:
    run(STUB)
    run("maps = conv(1)")
    capsys.readouterr()
    assert run(mistake) is not None
    assert "Not done yet" not in capsys.readouterr().out


def test_a_class_that_begins_later_has_a_sentence_for_it(
    run: Callable[[str], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("from utils.checks.identity import variant_of\nown = variant_of('your_id')") is None
    assert run("own + 1") is None
    said = capsys.readouterr().out
    assert said.startswith("Not done yet: set STUDENT_ID") and len(said.splitlines()) == 2


def test_nothing_changes_under_the_harness(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = InteractiveShell()
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    monkeypatch.setenv(handover.HANDOVER, "somewhere")
    unfinished.install()
    assert shell.custom_exceptions == ()


def test_an_unknown_data_set_is_one_line() -> None:
    with pytest.raises(raised.Unknown, match="photodigits, cifar10") as caught:
        datasets.load("team_7")
    assert caught.value._render_traceback_() == [f"Unknown: {caught.value}"]


def test_without_the_course_a_notebook_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setitem(sys.modules, "utils", None)
    with pytest.raises(Exception, match=r"^$") as caught:
        exec(source_text.FIND_COURSE, {})
    assert caught.value._render_traceback_() == [  # type: ignore[attr-defined]
        "NoCourse: unpack the whole course, and open this notebook in its notebooks/."
    ]


def test_the_course_is_found_from_folders_within_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "utils" / "checks").mkdir(parents=True)
    (tmp_path / "Müller Übung (1)" / "x").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "Müller Übung (1)" / "x")
    monkeypatch.setattr(sys, "path", list(sys.path))
    exec(source_text.FIND_COURSE, {})
    assert sys.path[0] == str(tmp_path)
    (tmp_path / "above" / "course" / "utils" / "checks").mkdir(parents=True)
    (tmp_path / "utils" / "checks").rmdir()
    monkeypatch.chdir(tmp_path / "above")
    exec(source_text.FIND_COURSE, {})
    assert sys.path[0] == str(tmp_path / "above" / "course")


def test_where_it_is_graded_no_folder_is_put_before_the_course(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "utils" / "checks").mkdir(parents=True)  # a student's own
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(handover.HANDOVER, "somewhere")
    before = list(sys.path)
    exec(source_text.FIND_COURSE, {})
    assert sys.path == before
