"""The code keeps the rules that pyproject.toml sets, and the borders between its rooms."""

from __future__ import annotations

import ast
import doctest
import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from grader.places import ROOT

MADE = ("data/cache", "data/downloads", "data/bvlc", "data/cifar", "data/imagenet")
"""What guides name and users put there."""
LINT_IMPORTS = "from importlinter.cli import lint_imports_command as lint; lint()"
TOOLS = {
    "lint": ["-m", "ruff", "check", "."],
    "format": ["-m", "ruff", "format", "--check", "."],
    "types": ["-m", "mypy"],
    "imports": ["-c", LINT_IMPORTS],
}
PACKAGES = sorted(
    path.parent
    for top in ("grader", "utils")
    for path in (ROOT / top).rglob("__init__.py")
    if path.parent.parent.name != "judges"  # a notebook's judges: what is said of all holds
)


def run(command: list[str], cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *command], cwd=cwd, capture_output=True, text=True)


@pytest.mark.parametrize("tool", list(TOOLS))
def test_tools_find_nothing(tool: str) -> None:
    done = run(TOOLS[tool])
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code, to be spoilt."""
    root = tmp_path_factory.mktemp("copied")
    for name in ("grader", "utils"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("*.npz", "source"))
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


@pytest.mark.parametrize(
    ("file", "imported", "contract"),
    [
        ("utils/checks/compare.py", "utils.rules.theory", "what notebooks import: one way"),
        ("utils/images/spectra.py", "utils.nets.toy", "what notebooks import: one way"),
        ("grader/classroom/results.py", "grader.grading.marking", "the harness: one way"),
        ("grader/text.py", "grader.config.zones", "the harness: one way"),
        ("grader/course/judges/getting_started.py", "grader.course.truth.by_hand", "the course"),
        ("grader/judging/examination.py", "grader.course.nets.trusted", "knows no course"),
        ("grader/executing/execute.py", "utils.nets.pretrained", "knows no course"),
        ("grader/course/nets/base.py", "grader.classroom.folder", "judges and nets know"),
        ("utils/codec.py", "grader.text", "what students get knows no grader"),
    ],
)
def test_an_import_that_goes_back_is_found(
    copied: Path, file: str, imported: str, contract: str
) -> None:
    path = copied / file
    before = path.read_text()
    assert (copied / Path(*imported.split("."))).with_suffix(".py").is_file()
    path.write_text(f"{before}\nimport {imported}  # noqa\n")
    done = run(["-c", LINT_IMPORTS], copied)
    path.write_text(before)
    broken = [line for line in done.stdout.splitlines() if "BROKEN" in line]
    assert done.returncode == 1 and any(contract in line for line in broken), done.stdout[-2000:]


EXAMPLES = [
    path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
    for top in ("grader", "utils")
    for path in sorted((ROOT / top).rglob("*.py"))
    if "\n    >>> " in path.read_text(encoding="utf-8") and "source" not in path.parts
]


@pytest.mark.parametrize("module", EXAMPLES)
def test_examples_in_docstrings_are_true(module: str) -> None:
    tried = doctest.testmod(importlib.import_module(module))
    assert tried.attempted and not tried.failed


@pytest.mark.parametrize("top", ["grader", "utils"])
def test_a_root_holds_a_handful_of_files(top: str) -> None:
    assert len(list((ROOT / top).glob("*.py"))) <= 10


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_package_says_what_it_does_and_what_it_never_does(package: Path) -> None:
    said = ast.get_docstring(ast.parse((package / "__init__.py").read_text()))
    assert said and " never " in said.replace("\n", " ")


_SOURCES = [
    path
    for top in ("grader", "utils")
    for path in sorted((ROOT / top).rglob("*.py"))
    if not path.is_relative_to(ROOT / "grader" / "course" / "source")
]
_NO_REASON = re.compile(r"\s*(?:noqa|type: ignore|fmt:)[^\s]*(?:\s+[A-Z]+\d+)*")


def test_an_import_inside_a_function_has_its_reason() -> None:
    """Beside it, or in the line above it or above the imports that it stands among."""
    found = [
        f"{path.relative_to(ROOT).as_posix()}:{line}"
        for path in _SOURCES
        for line in _unreasoned_imports(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_an_import_without_a_reason_is_found() -> None:
    text = (
        "import above\n"
        "def a():\n"
        "    import bare\n"
        "    import reasoned  # takes its time\n"
        "    import silenced  # noqa: F401\n"
        "    if True:\n"
        "        # takes its time\n"
        "        from first import one\n"
        "        from second import (\n"
        "            two,\n"
        "        )\n"
        "\n"
        "        import another\n"
        "    class Inner:\n"
        "        async def b(self):\n"
        "            x = 1  # of something else\n"
        "            import after\n"
    )
    assert _unreasoned_imports(text) == [3, 5, 13, 17]


def _unreasoned_imports(text: str) -> list[int]:
    """Lines of a module's imports inside functions that say no reason."""
    lines = text.splitlines()
    inside = {
        (node.lineno, node.end_lineno)
        for function in ast.walk(ast.parse(text))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    covered, bare = set(), []
    for first, last in sorted(inside):
        if lines[first - 2].lstrip().startswith("#") or first - 1 in covered:
            covered.add(last)  # and with it what stands below without a gap
        elif not _says_why(lines[first - 1 : last]):
            bare.append(first)
    return bare


def _says_why(lines: list[str]) -> bool:
    """Is there a comment that is more than a word to a tool?"""
    return any(_NO_REASON.sub("", line.partition("#")[2]).strip() for line in lines)


GUIDES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "data" / "README.md"])
GUIDES.remove(ROOT / "CHANGELOG.md")  # it names what is gone
_LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
_PATH = re.compile(r"`((?:grader|utils|tests|docs|data)/[a-z0-9_./-]+)`")  # NAME stands for any
_MODULE = re.compile(r"(?<![\w.])((?:grader|utils)(?:\.[a-z_0-9]+)+)")


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_guide_names_is_there(guide: Path) -> None:
    text = guide.read_text(encoding="utf-8")
    linked = [link for link in _LINK.findall(text) if not (guide.parent / link).exists()]
    named = [p for p in _PATH.findall(text) if not p.startswith(MADE) and not (ROOT / p).exists()]
    modules = [name for name in _MODULE.findall(text) if not _is_module(name)]
    assert (linked, named, modules) == ([], [], [])


def _is_module(name: str) -> bool:
    """Is it a module, or something in one?"""
    *parts, _ = name.split(".")
    places = [ROOT.joinpath(*name.split(".")), ROOT.joinpath(*parts)]
    return any(p.is_dir() or p.with_suffix(".py").is_file() for p in places)
