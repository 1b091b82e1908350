"""One source of truth for dependencies: the compiled files and conda's say what pyproject says."""

from __future__ import annotations

import re
import tomllib

import yaml

from grader.places import ROOT


def pins(text: str) -> dict[str, set[str]]:
    """Package -> pinned versions, of a requirements file or a list of requirements."""
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        match = re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)", line)
        if match:
            name = re.sub(r"[-_.]+", "-", match[1]).lower()
            found.setdefault(name, set()).add(match[2])
    return found


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
RUNTIME = pins("\n".join(PROJECT["dependencies"]))
DEV = pins("\n".join(PROJECT["optional-dependencies"]["dev"]))
LOCKED = pins((ROOT / "requirements.txt").read_text())
LOCKED_DEV = pins((ROOT / "requirements-dev.txt").read_text())


def test_every_dependency_is_pinned() -> None:
    declared = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]
    assert all(re.fullmatch(r"[a-z0-9-]+==[\w.]+", entry) for entry in declared)
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = (ROOT / name).read_text().splitlines()
        assert all("==" in line for line in lines if line and not line.startswith("#")), name


def test_the_compiled_files_hold_what_the_project_declares() -> None:
    assert {name: LOCKED.get(name) for name in RUNTIME} == RUNTIME
    assert {name: LOCKED_DEV.get(name) for name in DEV} == DEV


def test_the_development_environment_is_the_students_environment_and_more() -> None:
    assert {name: LOCKED_DEV.get(name) for name in LOCKED} == LOCKED


def test_conda_users_get_the_same_packages() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    pip = next(d["pip"] for d in environment["dependencies"] if isinstance(d, dict))
    assert pip == ["-r requirements.txt"]
    others = [d for d in environment["dependencies"] if isinstance(d, str)]
    assert others == ["python=3.11", "pip"]
    assert PROJECT["requires-python"] == ">=3.11"


def test_the_guide_adds_cuda_to_the_same_tensorflow() -> None:
    guide = (ROOT / "docs" / "students.md").read_text(encoding="utf-8")
    assert pins("\n".join(re.findall(r'"(tensorflow\[and-cuda\]==[^"]+)"', guide))) == {
        "tensorflow": RUNTIME["tensorflow"]
    }


def test_what_the_course_tells_students_to_type_is_installed() -> None:
    sources = (ROOT / "grader" / "course" / "source").glob("*.py")
    told = [path.name for path in sources if "tensorboard --logdir" in path.read_text()]
    assert told and "tensorboard" in RUNTIME and RUNTIME["tensorboard"] == RUNTIME["tensorflow"]
