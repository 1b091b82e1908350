"""What `collect` prints: counts, and by name only what somebody should look at."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from grader.classroom import ClassFolder
from grader.intake import collect, summary
from tests.grader.intake_samples import FIRST, NOON, SECOND, class_folder, course, ipynb, save
from tests.grader.intake_samples import zipped as packed

DUE = NOON + timedelta(hours=1)


@pytest.fixture
def folder(tmp_path: Path) -> ClassFolder:
    return class_folder(tmp_path)


def said(folder: ClassFolder, *paths: Path) -> str:
    report = collect(folder, course(DUE), list(paths), None, releases=Path("/nowhere"))
    return "\n".join(summary.lines(report, course(DUE)))


def archive(inbox: Path, team: str, answer: str = "1", hours: float = 0, **more: bytes) -> Path:
    files = {f"{FIRST}.ipynb": ipynb(FIRST, f"answer = {answer}"), **more}
    return save(inbox / f"{team}.zip", packed(files), NOON + timedelta(hours=hours))


def test_a_late_submission_in_place_of_one_on_time_is_said_aloud(folder, tmp_path):
    said(folder, archive(tmp_path / "a", "team_7"))
    told = said(folder, archive(tmp_path / "b", "team_7", "2", hours=30))
    assert "1 of them replace earlier ones" in told
    assert f"REPLACED team_7/{FIRST} by team_7.zip: the earlier one was on time, this one" in told


def test_what_was_there_already_and_what_is_older_is_said(folder, tmp_path):
    said(folder, archive(tmp_path / "a", "team_7", "2", hours=0.5))
    told = said(folder, archive(tmp_path / "b", "team_7", "2", hours=0.7))
    assert told == "took in 0 notebooks of 0 teams; 1 were there already, and stay as they were"
    told = said(folder, archive(tmp_path / "c", "team_7", "1", hours=-5))
    assert "is older than the one from team_7.zip, which stays" in told


def test_different_work_of_one_team_in_one_go_is_said(folder, tmp_path):
    one = archive(tmp_path / "in", "team_7", "1")
    other = one.rename(one.with_name("team_7 (1).zip"))
    two = archive(tmp_path / "in", "team_7", "2", hours=0.5)
    told = said(folder, other, two)
    assert "the team handed in different work as team_7 (1).zip; the newer one counts" in told


def test_a_note_that_concerns_many_is_one_line(folder, tmp_path):
    paths = [
        save(
            tmp_path / "in" / f"team_{n}.zip",
            packed({f"{SECOND}.ipynb": b"\xef\xbb\xbf" + ipynb(SECOND, f"answer = {n}")}),
        )
        for n in range(1, 21)
    ]
    told = said(folder, *paths).splitlines()
    assert len(told) == 2 and "20: team_1/" in told[1] and "and 12 more" in told[1]
