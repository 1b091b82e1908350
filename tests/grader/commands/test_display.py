"""What somebody sees who waits for a class: a bar or lines, a log, and where the time went."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from grader.classroom import results, standing
from grader.classroom.account import Question
from grader.classroom.results import CheckResult, Result
from grader.commands import display
from grader.commands.display import Display, duration
from grader.config.zones import Zone
from grader.grading import runlog
from grader.grading.runlog import RunLog
from grader.pages import report
from grader.pages.report import figures
from tests.grader.sample_class import CONV, SampleClass


def test_a_terminal_shows_done_running_failed_and_the_time_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    monkeypatch.setattr(display.time, "monotonic", lambda: clock[0])
    shown = Display(Console(file=io.StringIO()), total=100, at_once=2)
    for number in range(60):
        shown("kept", f"old_{number}")
    shown("marked again", "older")
    clock[0] = 50.0
    for team in "abcd":
        shown("queued", team)
    assert shown.state() == "2 running, 60 kept, 1 marked again"
    clock[0] = 70.0
    shown("done", "a")
    shown("failed", "b")
    assert shown.state() == (
        "2 running, 60 kept, 1 marked again, 1 failed, about 6 min left"  # 37 at 10 s each
    )


def test_without_a_terminal_there_are_plain_lines_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    monkeypatch.setattr(display.time, "monotonic", lambda: clock[0])
    out = io.StringIO()
    with Display(Console(file=out, width=200), total=40) as shown:
        for number in range(40):
            clock[0] += 1
            shown("queued", f"team_{number}")
            shown("done", f"team_{number}")
    lines = out.getvalue().splitlines()
    assert [re.match(r"\d+ of 40 done", line)[0] for line in lines] == [  # type: ignore[index]
        "14 of 40 done", "29 of 40 done", "40 of 40 done",
    ]  # fmt: skip
    assert "\x1b" not in out.getvalue()


def test_lengths_of_time_are_told_roughly() -> None:
    assert [duration(s) for s in (5, 200, 20_000)] == ["5 s", "3 min", "5.6 h"]


def test_the_log_has_a_line_for_each_result_and_never_stops_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = RunLog(tmp_path)
    checks = [CheckResult("square", 2, 4)]
    bad = Result(
        "team_1",
        "01",
        "",
        checks,
        [Question("stopped", "two\nlines \ud800")],
        seconds=1.25,
        peak_mb=80,
    )
    log.result("failed", "team_1/01", bad)
    (line,) = log.path.read_text().splitlines()
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d failed team_1/01: 2 of 4 points, 1.2 s, 80 MB; "
        r"NEEDS A HUMAN: two lines \?",
        line,
    )
    monkeypatch.setattr(runlog, "LARGEST", 10)
    log.write("a new file")
    assert log.path.read_text().endswith(" a new file\n")
    assert (tmp_path / "grade.log.1").is_file()
    log = RunLog(tmp_path / "late", Zone("Pacific/Kiritimati"))  # 14 hours before Greenwich
    log.path.parent.mkdir()
    log.write("in the course's zone")
    written = datetime.strptime(log.path.read_text()[:19], "%Y-%m-%d %H:%M:%S")
    assert timedelta(hours=13) < written - datetime.now(UTC).replace(tzinfo=None)
    RunLog(tmp_path / "nowhere").write("is nothing to stop for")


def test_the_report_says_where_the_time_went(tmp_path: Path) -> None:
    sample = SampleClass(tmp_path)
    for team, seconds in (("team_1", 1.5), ("team_2", 4.5), ("team_3", 2.5)):
        sample.hand_in(team, seconds=seconds)
        path = sample.folder.result(team, CONV) / "result.json"
        result = results.read(path, Result)
        assert isinstance(result, Result)
        changed = msgspec.structs.replace(result, cell_seconds=seconds - 0.5, judging_seconds=0.25)
        results.write(path, changed)
    (spent,) = figures.gather(standing.read(sample.folder, sample.course)).spent
    assert (spent.count, spent.cells, spent.kernels, spent.judging) == (3, 7.0, 1.5, 0.75)
    assert (spent.median, spent.slowest) == (2.5, 4.5)
    text = report.write(sample.folder, sample.course).read_text()
    assert "Kernels starting and ending" in text and "7.0 s" in text
