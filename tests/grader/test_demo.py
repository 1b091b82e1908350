"""The demonstration as a user runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from grader import config


@pytest.fixture(scope="module")
def demo(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[subprocess.CompletedProcess[str], Path]:
    out = tmp_path_factory.mktemp("demo") / "out"
    done = subprocess.run(
        [sys.executable, "-m", "grader", "demo", "--out", str(out)],
        cwd=config.ROOT,
        capture_output=True,
        text=True,
    )
    return done, out


def test_every_score_is_as_expected(
    demo: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    done, _ = demo
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "every score is as expected" in done.stdout
    assert done.stderr == ""


def test_it_leaves_a_report_feedback_and_exports(
    demo: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    _, out = demo
    report = (out / "class" / "report.html").read_text()
    assert "the kernel is flipped" in report and "team_17" in report
    assert (out / "class" / "feedback" / "team_7" / "01_implementing_cnn.html").is_file()
    members = (out / "class" / "exports" / "grades.csv").read_text(encoding="utf-8-sig")
    assert "team_07_a" in members and "team_07_b" in members


def test_it_does_not_empty_a_folder_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    done = subprocess.run(
        [sys.executable, "-m", "grader", "demo", "--out", str(tmp_path)],
        cwd=config.ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 125 and "not empty" in done.stderr
    assert (tmp_path / "thesis.tex").read_text() == "years of work"
