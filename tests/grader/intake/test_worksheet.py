"""Moodle's grading worksheet tells when uploads arrived, in a zone, and never by a guess."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from grader.classroom import results
from grader.classroom.folder import ClassFolder
from grader.classroom.results import Submission
from grader.config.zones import Zone
from grader.errors import ConfigError
from grader.intake import CollectReport, collect, summary, worksheet
from tests.grader import intake_samples as samples
from tests.grader.intake_samples import FIRST, INNER, LATER, ROSTER, class_folder, ipynb, save

HEADS = "Identifier,Full name,Email address,Status,Grade,Last modified (submission)\n"
BERLIN = Zone("Europe/Berlin")
DUE = datetime(2024, 1, 30, 22, 59, tzinfo=UTC)


def sheet(inbox: Path, *rows: tuple[int, str, str]) -> Path:
    lines = [f'Participant {n},{name},,Submitted,,"{when}"\n' for n, name, when in rows]
    return save(inbox / "Grades.csv", (HEADS + "".join(lines)).encode())


def take(
    tmp_path: Path,
    rows: list[tuple[int, str, str]],
    uploads: list[tuple[str, int]],
    received: datetime | None = None,
) -> tuple[ClassFolder, CollectReport]:
    """Collect a download of some uploads with a worksheet of some rows."""
    room = class_folder(tmp_path / "class")
    files = {INNER.rpartition("/")[2]: ipynb()}
    zipped = samples.moodle(*[(name, n, files) for name, n in uploads], when=LATER)
    download = save(tmp_path / "in" / "all.zip", zipped, LATER)
    roster = save(tmp_path / "roster.csv", ROSTER.encode())
    path = sheet(tmp_path / "in", *rows)
    nowhere = Path("/nowhere")
    return room, collect(room, course(), [download], roster, received, releases=nowhere, sheet=path)


def course():
    made = samples.course(DUE)
    return dataclasses.replace(made, times=dataclasses.replace(made.times, zone=BERLIN, lms=BERLIN))


def submission(room: ClassFolder, team: str) -> Submission:
    return results.read(room.submitted(team, FIRST) / "submission.json", Submission)


def told(report: CollectReport) -> list[str]:
    return [line.strip() for line in summary.lines(report, course()) if "TIME" in line]


def test_uploads_have_the_times_of_the_worksheet_and_each_is_told(tmp_path: Path) -> None:
    rows = [
        (5001, "Ann Example-Seven", "Tuesday, 30 January 2024, 11:02 PM"),
        (5003, "Cem Specimen", "-"),
        (5005, "Eve Alone", "Wednesday, 31 January 2024, 12:30 AM"),
        (5002, "Bo Sample", "Monday, 29 January 2024, 1:00 PM"),
    ]
    uploads = [("Ann Example-Seven", 5001), ("Cem Specimen", 5003), ("Eve Alone", 5005)]
    room, report = take(tmp_path, rows, uploads)
    seven, eve, eight = (submission(room, team) for team in ("team_7", "s_105", "team_8"))
    assert (seven.received, seven.told_by) == (datetime(2024, 1, 30, 22, 2, tzinfo=UTC), "LMS")
    assert (seven.arrival, eve.arrival) == ("known", "known")
    assert eve.received == datetime(2024, 1, 30, 23, 30, tzinfo=UTC)
    assert eight.arrival == "unknown"  # nobody is late by the time of a download
    assert told(report)[:3] == [
        "TIME team_7: 2024-01-30 23:02, from the worksheet (participant 5001)",
        "TIME team_8: not known; the worksheet has none of it",
        "TIME s_105: 2024-01-31 00:30, from the worksheet (participant 5005)",
    ]
    said = "\n".join(summary.lines(report, course()))
    assert "read in Europe/Berlin" in said
    assert "1 in the worksheet have a time, and nothing of them was collected: Bo Sample" in said


def test_a_group_came_when_the_last_of_its_members_says(tmp_path: Path) -> None:
    rows = [
        (5001, "Ann Example-Seven", "29 January 2024, 13:00"),
        (5002, "Bo Sample", "Dienstag, 30. Januar 2024, 13:00"),
    ]
    room, report = take(tmp_path, rows, [("team 7", 77)])
    assert submission(room, "team_7").received == datetime(2024, 1, 30, 12, tzinfo=UTC)
    assert "the last of those of its members" in told(report)[0]


def test_what_was_collected_without_a_worksheet_is_put_right(tmp_path: Path) -> None:
    rows = [(5001, "Ann Example-Seven", "2024-01-31 08:00")]
    uploads = [("Ann Example-Seven", 5001)]
    samples_roster = save(tmp_path / "roster.csv", ROSTER.encode())
    room = class_folder(tmp_path / "class")
    zipped = samples.moodle(("Ann Example-Seven", 5001, {f"{FIRST}.ipynb": ipynb()}), when=LATER)
    download = save(tmp_path / "in" / "all.zip", zipped, LATER)
    collect(room, course(), [download], samples_roster, releases=Path("/nowhere"))
    assert submission(room, "team_7").arrival == "unknown"
    take(tmp_path, rows, uploads)
    assert submission(room, "team_7").received == datetime(2024, 1, 31, 7, tzinfo=UTC)
    collect(room, course(), [download], samples_roster, releases=Path("/nowhere"))
    assert submission(room, "team_7").received == datetime(2024, 1, 31, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    "when", ["01/02/2024, 23:02", "3/4/24 1:02 PM", "mardi 30 janvier 2024, 1:02"]
)
def test_a_date_that_could_be_another_is_refused(tmp_path: Path, when: str) -> None:
    with pytest.raises(ConfigError, match=r"line 2.*no date that can mean but one day.*in English"):
        worksheet.read(sheet(tmp_path, (5001, "Ann", when)), BERLIN)


def test_midnight_and_the_hour_that_comes_twice(tmp_path: Path) -> None:
    rows = [
        (1, "a", "Sunday, 27 October 2024, 2:30 AM"),
        (2, "b", "27 October 2024, 12:00 AM"),
        (3, "c", "27 October 2024, 12:00 PM"),
    ]
    times = [row.submitted for row in worksheet.read(sheet(tmp_path, *rows), BERLIN)]
    midnight = datetime(2024, 10, 26, 22, tzinfo=UTC)
    assert times == [midnight + timedelta(hours=2.5), midnight, midnight + timedelta(hours=13)]


def test_another_file_and_two_sources_are_refused(tmp_path: Path) -> None:
    other = save(tmp_path / "other.csv", b"a,b\n1,2\n")
    with pytest.raises(ConfigError, match=r"no column .identifier.*in English"):
        worksheet.read(other, BERLIN)
    with pytest.raises(ConfigError, match="name one of them"):
        take(tmp_path, [], [("Ann Example-Seven", 5001)], received=DUE)
