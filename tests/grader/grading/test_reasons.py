"""Why a check did not run stands under another cell, and is told with the check."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.notebooknode import NotebookNode

from grader.classroom import results
from grader.classroom.folder import ClassFolder
from grader.classroom.results import CaseResult, CheckResult, Result
from grader.grading.reasons import explained, is_explanation
from grader.grading.run import grade
from tests.grader import tiny_course
from tests.grader.tiny_course import NAME, hand_in, reference

PANDAS = ("ModuleNotFoundError", "No module named 'pandas'")
SAID = "ModuleNotFoundError: No module named 'pandas': graders don't have it"


def cell(source: str, error: tuple[str, str] | None = None, name: str = "") -> NotebookNode:
    outputs = [nbformat.v4.new_output("stream", name="stdout", text="…")]
    if error:
        outputs.append(nbformat.v4.new_output("error", ename=error[0], evalue=error[1]))
    about = {"grade_id": name, "solution": not name.startswith("check_")}
    about["grade"] = not about["solution"]
    metadata = {"nbgrader": about} if name else {}
    return nbformat.v4.new_code_cell(source, outputs=outputs, metadata=metadata)


def lacks(name: str) -> tuple[str, str]:
    return "NameError", f"name '{name}' is not defined"


def notebook(*cells: NotebookNode) -> NotebookNode:
    return nbformat.v4.new_notebook(cells=list(cells))


def told(check: CheckResult, *cells: NotebookNode) -> str:
    released = notebook(cell("", name="conv"), cell("", name="check_conv"))
    return explained(check, notebook(*cells), released).message


NOT_RUN = CheckResult("conv", 0, 8, "not run", "the check was not reached")
CHECK = 'check("conv", conv)'


def test_a_check_without_its_function_quotes_the_error_of_the_cell_that_defines_it() -> None:
    solution = cell("import pandas as pd\ndef conv(x):\n    return x", PANDAS)
    message = told(NOT_RUN, solution, cell(CHECK, lacks("conv"), "check_conv"))
    assert message.startswith(f"conv is not defined, since its cell ended with {SAID}")
    assert "NameError: name 'conv'" in message


def test_what_that_cell_lacked_is_followed_to_its_cause() -> None:
    message = told(
        NOT_RUN,
        cell("import pandas\nKERNEL = pandas.Series()", PANDAS),
        cell("def conv(x, k=KERNEL): return x", lacks("KERNEL")),
        cell("print(conv)", lacks("conv")),
        cell(CHECK, lacks("conv"), "check_conv"),
    )
    assert SAID in message


def test_without_a_name_it_is_the_solution_that_is_released_before_the_check() -> None:
    message = told(
        NOT_RUN,
        cell("%time lost", ("SyntaxError", "invalid syntax"), "conv"),
        cell("1 / 0", ("ZeroDivisionError", "division by zero")),
        cell(CHECK, lacks("conv"), "check_conv"),
    )
    assert "the cell with its solution ended with SyntaxError: invalid syntax" in message
    assert told(NOT_RUN, cell("x = 1"), cell(CHECK, None, "check_conv")) == NOT_RUN.message
    assert told(NOT_RUN, cell("conv = 1"), cell(CHECK, lacks("conv"), "check_conv")) == (
        "NameError: name 'conv' is not defined"
    )


def test_a_check_that_ran_says_why_a_helper_was_not_there() -> None:
    missing = "NameError: name 'pad' is not defined"
    ran = CheckResult(
        "conv", 0, 8, cases=[CaseResult("a", 0, missing), CaseResult("b", 0, missing)]
    )
    cells = (cell("import pandas\ndef pad(x): ...", PANDAS), cell(CHECK, None, "check_conv"))
    message = told(ran, *cells)
    assert message == f"pad is not defined, since its cell ended with {SAID}"
    assert is_explanation(message) and not is_explanation(missing)
    assert told(ran, cell("def pad(x): ..."), cells[1]) == ""


@pytest.mark.parametrize("source", ["conv == 1", "convolve = 1", "# def conv", "x = conv"])
def test_a_cell_that_only_speaks_of_a_name_does_not_define_it(source: str) -> None:
    message = told(NOT_RUN, cell(source, PANDAS), cell(CHECK, lacks("conv"), "check_conv"))
    assert "pandas" not in message


def test_of_a_long_report_the_telling_line_is_quoted_with_the_line_of_the_cell() -> None:
    report = 'in user code:\n\n    File "x.py", line 2, in f  *\n        a\n\n    ValueError: Bad'
    failed = cell("conv = build(3)", ("ValueError", report), "conv")
    failed.outputs[1].traceback = [
        "\x1b[31mValueError\x1b[0m Traceback (most recent call last)",
        "\x1b[36mCell\x1b[39m\x1b[36m \x1b[39m\x1b[32mIn[5]\x1b[39m, line 7\x1b[0m\n-> conv",
        "File /usr/lib/keras.py:99, in call()",
    ]
    message = told(NOT_RUN, failed, cell(CHECK, lacks("conv"), "check_conv"))
    assert "ended with ValueError: Bad (line 7 of the cell)" in message
    assert "user code" not in message


def test_markers_and_students_read_it(tmp_path: Path) -> None:
    course = tiny_course.install(tmp_path / "course")
    folder = ClassFolder(tmp_path / "class")
    solution = "import no_such_package\ndef square(x): return x * x"
    hand_in(folder, "team_1", reference("team_1", {"square": solution}))
    grade(folder, course, workers=1)
    result = results.read(folder.result("team_1", NAME) / "result.json", Result)
    assert isinstance(result, Result)
    reason = "No module named 'no_such_package': graders don't have it"
    assert reason in result.checks[0].message
    assert reason in (folder.autograded("team_1", NAME) / f"{NAME}.ipynb").read_text()
