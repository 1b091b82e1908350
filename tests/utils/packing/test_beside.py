"""Files and modules beside a notebook: which go along, and which can't, with a way out."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from grader.places import ROOT
from utils.packing import beside
from utils.packing.asked import read

NAME = "01_implementing_cnn"
NAMES = read(ROOT).names


def test_modules_that_are_mentioned_go_along_and_what_they_import() -> None:
    files = {"a.py": b"from pkg import c", "pkg/c.py": b"", "pkg/d.py": b"", "e.py": b"import a"}
    found = beside.sort_out(NAME, "importlib.import_module('a')", files, NAMES)
    assert found.kept == ["a.py", "pkg/c.py", "pkg/d.py"] and found.unneeded == ["e.py"]


@pytest.mark.parametrize(
    "name",
    ["numpy", "random", "utils", "grader", "data", "sitecustomize", "usercustomize", "conftest",
     "tensorflow", "sklearn", "PIL", "IPython", "tests", "dask"],
)  # fmt: skip
def test_a_name_that_is_taken_is_refused_with_another_one(name: str) -> None:
    for path in (f"{name}.py", f"handin/{NAME}/{name}.py"):
        ((what, reason),) = beside.sort_out(NAME, "", {path: b"x = 1"}, NAMES).refused
        assert what == path and f"such as my_{name}" in reason


@pytest.mark.parametrize("name", ["numpy", "random", "conftest"])
def test_so_is_a_package_of_that_name(name: str) -> None:
    assert beside.sort_out(NAME, "", {f"{name}/x.py": b""}, NAMES).refused


def test_a_copy_of_the_courses_own_package_is_no_module_of_the_students() -> None:
    found = beside.sort_out(NAME, "import utils", {"utils/checks/x.py": b"", "mine.py": b""}, NAMES)
    assert found.ours == ["utils/checks/x.py"] and not found.kept and not found.refused


@pytest.mark.parametrize("content", [b"\xff", b"a\0b", "é".encode("latin-1")])
def test_modules_are_text(content: bytes) -> None:
    ((_, reason),) = beside.sort_out(NAME, "import mine", {"mine.py": content}, NAMES).refused
    assert "save it as UTF-8" in reason


def test_modules_have_200_kb_together() -> None:
    half = b"#" * (beside.MODULE_BYTES // 2)
    files = {"a.py": half, "b.py": half}
    assert beside.sort_out(NAME, "import a, b", files, NAMES).kept == ["a.py", "b.py"]
    found = beside.sort_out(NAME, "import a, b", files | {"c.py": b"#"}, NAMES)
    assert found.kept == ["a.py", "b.py"] and found.unneeded == ["c.py"]
    found = beside.sort_out(NAME, "import a, b, c", files | {"c.py": b"#"}, NAMES)
    assert found.kept == [] and "more than the limit, 200 kB" in found.refused[0][1]


@pytest.mark.parametrize("path", ["x.pyc", "x.so", "x.sh", "x.pth", "jupyter_config.json"])
def test_programs_are_refused_beside_weights(path: str) -> None:
    found = beside.sort_out(NAME, "", {f"handin/{NAME}/{path}": b""}, NAMES)
    assert not found.kept and "leave it out" in found.refused[0][1]


def test_every_module_of_this_python_and_of_what_is_installed_is_known() -> None:
    assert sys.stdlib_module_names <= NAMES.taken
    assert {"numpy", "keras", "matplotlib", "scipy", "skimage", "nbgrader"} <= NAMES.taken


OLDEST = next(iter(sorted(Path.home().glob(".pyenv/versions/3.8*/bin/python"))), None)


def test_it_is_written_for_python_3_8() -> None:
    """With such a Python where there is one; else at least its grammar."""
    for path in [*(ROOT / "utils" / "packing").glob("*.py"), ROOT / "utils" / "handin.py"]:
        ast.parse(path.read_text(), feature_version=(3, 8))
    if OLDEST is not None:
        done = subprocess.run(
            [OLDEST, "-I", "-B", ROOT / "utils" / "handin.py", "--help"], capture_output=True
        )
        assert done.returncode == 0, done.stderr
