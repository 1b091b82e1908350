"""One table says how commands end, in the words of their help; and a shell completes names."""

from __future__ import annotations

import inspect
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from grader import cli, places
from grader.commands import MOST_COUNTED, REFUSED

PAGE = places.ROOT / "docs" / "exit_statuses.md"
COMMANDS = {c.name: c.callback for c in cli.app.registered_commands if c.name and c.callback}


def told_by(command: str) -> str:
    """What the help of a command says of its exit status."""
    text = inspect.getdoc(COMMANDS[command]) or ""
    found = re.search(r"^Exit status: (.*?)(?:\n\n|\Z)", text, re.DOTALL | re.MULTILINE)
    assert found, f"the help of {command} says nothing of its exit status"
    return " ".join(found[1].split())


@pytest.mark.parametrize("command", list(COMMANDS))
def test_the_table_says_what_the_help_says(command: str) -> None:
    row = f"| `{command}` | {told_by(command)} |"
    assert row in PAGE.read_text(encoding="utf-8").splitlines(), f"the table needs {row}"


def test_the_table_has_no_command_that_is_gone_and_the_numbers_of_all() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == set(COMMANDS)
    for number in (REFUSED, MOST_COUNTED, cli.PIPE_CLOSED, cli.TOLD_TO_END, 130):
        assert str(number) in text


@pytest.fixture
def shell(tmp_path: Path) -> Path:
    """A home with completion installed, and a class."""
    for team in ("team_1", "team_12", "other"):
        (tmp_path / "class" / "submitted" / team).mkdir(parents=True)
    made_environment(tmp_path / "venv")
    done = bash(f"{places.ROOT}/course --install-completion bash", tmp_path)
    assert done.returncode == 0, done.stderr
    return tmp_path


def made_environment(venv: Path) -> None:
    """What ./course takes for its environment, so that no test sets up or changes a real one."""
    (venv / "bin").mkdir(parents=True)
    python = venv / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    files = [
        (places.ROOT / name).read_bytes() for name in ("requirements-dev.txt", "pyproject.toml")
    ]
    stamp = subprocess.run(["cksum"], input=b"".join(files), capture_output=True, check=True)
    (venv / ".complete").write_bytes(stamp.stdout)


def bash(script: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "HOME": str(home),
        "COURSE_VENV": str(home / "venv"),
        "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",
    }
    command = ["bash", "--norc", "-c", script]
    return subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("typed", "proposed"),
    [
        ("sta", ["status"]),
        ("grade --team team_", ["team_1", "team_12"]),
        ("status --notebook 02", ["02_training_cnn"]),
    ],
)
def test_tab_completes_commands_teams_and_notebooks(
    shell: Path, typed: str, proposed: list[str]
) -> None:
    words = ["./course", *typed.split()]
    array = " ".join(f"'{word}'" for word in words)
    script = (
        f"source .bash_completions/course.sh; complete -p course >&2; "
        f"COMP_WORDS=({array}); COMP_CWORD={len(words) - 1}; "
        f'_course_completion {places.ROOT}/course; printf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    done = bash(script, shell)
    assert done.stdout.split() == proposed, done.stderr
    assert "_course_completion course" in done.stderr


def test_a_tab_sets_up_no_environment(tmp_path: Path) -> None:
    environment = {**os.environ, "COURSE_VENV": str(tmp_path / "none")}
    environment |= {"_COURSE_COMPLETE": "complete_bash", "COMP_WORDS": "course ", "COMP_CWORD": "1"}
    done = subprocess.run(
        [places.ROOT / "course"], env=environment, capture_output=True, text=True, timeout=20
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not list(tmp_path.iterdir())
