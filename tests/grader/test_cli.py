"""The commands, as typed: help that explains, errors in one line, honest exit statuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from grader import config

COMMANDS = (
    "build",
    "release",
    "collect",
    "grade",
    "feedback",
    "report",
    "export",
    "demo",
    "truth",
    "doctor",
    "bench",
)


def course(*arguments: str, cwd: Path = config.ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "grader", *arguments],
        cwd=cwd,
        env=None,
        capture_output=True,
        text=True,
    )


def test_help_lists_every_command() -> None:
    shown = course("--help").stdout
    assert all(command in shown for command in COMMANDS)


@pytest.mark.parametrize("command", ["collect", "grade", "export", "feedback"])
def test_help_reads_like_a_manual(command: str) -> None:
    shown = course(command, "--help").stdout
    assert len(shown.splitlines()) > 12 and "Usage" in shown


@pytest.mark.parametrize("command", ["grade", "feedback", "report", "export"])
def test_a_class_that_is_not_there_is_an_error_in_one_line(command: str, tmp_path: Path) -> None:
    done = course(command, "--class", str(tmp_path / "nothing"))
    assert done.returncode == 125
    assert "run ./course" in done.stderr and "Traceback" not in done.stderr


def test_a_wrong_setting_is_named_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "course.toml").write_text("[late]\npenalty_pre_day = 0.1\n")
    done = course("grade", "--class", str(tmp_path))
    assert done.returncode == 125
    assert "penalty_pre_day" in done.stderr and "course.toml" in done.stderr


def test_an_archive_that_is_none_is_counted(tmp_path: Path) -> None:
    (tmp_path / "team_1.tar.gz").write_bytes(b"not an archive")
    done = course("collect", str(tmp_path / "team_1.tar.gz"), "--class", str(tmp_path / "class"))
    assert done.returncode == 1 and "REJECTED team_1.tar.gz" in done.stdout


def test_the_doctor_finds_this_machine_fit() -> None:
    done = course("doctor")
    assert "Isolation" in done.stdout and "Notebooks" in done.stdout
    assert done.returncode == ("NO  Isolation" in done.stdout)
