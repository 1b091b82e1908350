"""Students can press nbgrader's Validate before they hand in: the right solutions pass it whole.

An ordinary run validates notebook 01.  The button itself, for notebook 00, and that every cell of
every notebook runs and every check passes: tests/browser/test_lab.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from grader.bench.small_course import reference
from tests.handout import NOTEBOOKS, grade_id_of, make_handout

_SUCCESS = "Success! Your notebook passes all the tests."
_VALIDATED = "01_implementing_cnn"
_OTHERS = [name for name in NOTEBOOKS if name != _VALIDATED]


@pytest.fixture(scope="module")
def handout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What students unpack, with empty notebooks/."""
    return make_handout(tmp_path_factory.mktemp("handout"))


def _validate(handout: Path, name: str) -> str:
    """What `nbgrader validate` says of a notebook in notebooks/, with patience for slow cells."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "COURSE_"))}
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "validate", "--Execute.timeout=600", f"{name}.ipynb"],
        cwd=handout / "notebooks",
        env=environment | {"HOME": str(handout)},
        capture_output=True,
        text=True,
    )
    return done.stdout + (done.stderr if done.returncode else "")


@pytest.mark.parametrize(
    "name", [_VALIDATED, *(pytest.param(name, marks=pytest.mark.long) for name in _OTHERS)]
)
def test_validate_accepts_the_reference_solution(handout: Path, name: str) -> None:
    """A long run validates all."""
    nbformat.write(reference(name, "team_1"), handout / "notebooks" / f"{name}.ipynb")
    assert _SUCCESS in _validate(handout, name)


def test_run_all_passes_what_validate_names(handout: Path) -> None:
    """An answer that loses a point, and one that is not written: Run All goes on to the end, and
    Validate names both."""
    changed = {
        "same_padding": "def same_padding(*_):\n    raise NotImplementedError",
        "conv_parameters": "def conv_parameters(kernel, channels, filters, use_bias):\n"
        "    return kernel[0] * kernel[1] * channels * filters, filters",
    }
    wrong = reference("01_implementing_cnn", "team_1", changed)
    names = [f"{check}{name}" for name in (*changed, "receptive_field") for check in ("", "check_")]
    wrong.cells = [
        cell
        for cell in wrong.cells
        if cell.cell_type == "code" and grade_id_of(cell) in ("setup", *names)
    ]
    assert len(wrong.cells) == 7
    nbformat.write(wrong, handout / "notebooks" / "wrong.ipynb")

    ran = NotebookClient(wrong, timeout=600).execute(cwd=str(handout / "notebooks"))  # Run All
    shown = {grade_id_of(cell): str(cell.outputs) for cell in ran.cells}
    assert all(cell.execution_count for cell in ran.cells)
    assert "CheckFailed: same_padding: not done yet" in shown["check_same_padding"]
    assert "CheckFailed" not in shown["check_conv_parameters"]
    assert "✘" in shown["check_conv_parameters"] and "✘" not in shown["check_receptive_field"]

    said = _validate(handout, "wrong").replace('"', "'")
    assert _SUCCESS not in said
    assert "check('same_padding'" in said and "check('conv_parameters'" in said
    assert "check('receptive_field'" not in said
