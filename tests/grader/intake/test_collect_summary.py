"""What `collect` prints: counts, and by name only what somebody should look at."""

from __future__ import annotations

import dataclasses
import io
import re
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from grader import config
from grader.classroom.folder import ClassFolder
from grader.config import zones
from grader.intake import collect, summary
from tests.grader.intake_samples import (
    FIRST,
    NOON,
    ROSTER,
    SECOND,
    class_folder,
    course,
    ipynb,
    moodle,
    save,
    unpacked,
)
from tests.grader.intake_samples import zipped as packed

DUE = NOON + timedelta(hours=1)


@pytest.fixture
def folder(tmp_path: Path) -> ClassFolder:
    return class_folder(tmp_path)


def said(folder: ClassFolder, *paths: Path, counts: str = "better") -> str:
    settings = dataclasses.replace(course(DUE), attempts=config.Attempts(counts))
    report = collect(folder, settings, list(paths), None, releases=Path("/nowhere"))
    return "\n".join(summary.lines(report, settings))


def archive(inbox: Path, team: str, answer: str = "1", hours: float = 0, **more: bytes) -> Path:
    files = {f"{FIRST}.ipynb": ipynb(FIRST, f"answer = {answer}"), **more}
    return save(inbox / f"{team}.zip", packed(files), NOON + timedelta(hours=hours))


def test_a_late_submission_in_place_of_one_on_time_is_said_aloud(folder, tmp_path):
    said(folder, archive(tmp_path / "a", "team_7"))
    late = archive(tmp_path / "b", "team_7", "2", hours=30)
    told = said(folder, late)
    assert "1 were handed in on time and late: ./course grade grades both" in told
    assert "REPLACED" not in told
    told = said(folder, late, counts="last")
    assert "1 replace earlier ones" in told
    assert re.search(f"REPLACED team_7/{FIRST} by team_7.zip: .*earlier one was on time", told)


def test_what_was_there_already_and_what_is_older_is_said(folder, tmp_path):
    said(folder, archive(tmp_path / "a", "team_7", "2", hours=0.5))
    told = said(folder, archive(tmp_path / "b", "team_7", "2", hours=0.7))
    assert told == "took in 0 notebooks of 0 teams; 1 were there already, and stay as they were"
    told = said(folder, archive(tmp_path / "c", "team_7", "1", hours=-5))
    assert "there already" not in told
    assert f"1 more were kept as attempts and do not count, since others do: team_7/{FIRST}" in told


def test_different_work_of_one_team_in_one_go_is_said(folder, tmp_path):
    one = archive(tmp_path / "in", "team_7", "1")
    other = one.rename(one.with_name("team_7 (1).zip"))
    two = archive(tmp_path / "in", "team_7", "2", hours=0.5)
    told = said(folder, other, two)
    assert f"1 more were kept as attempts and do not count, since others do: team_7/{FIRST}" in told


def test_a_run_is_called_by_a_clock_of_the_courses_zone(folder, tmp_path):
    far = zones.named("Pacific/Kiritimati")
    settings = dataclasses.replace(course(DUE), times=config.Times(far))
    paths = [archive(tmp_path, "team_7")]
    report = collect(folder, settings, paths, None, releases=Path("/nowhere"))
    began = far.earliest(datetime.fromisoformat(report.taken[0].batch))
    assert abs(datetime.now(UTC) - began) < timedelta(minutes=10)


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


def test_many_that_are_older_than_what_is_there_are_one_line(folder, tmp_path):
    for answer, hours in ("2", 0.5), ("1", 0):
        paths = [archive(tmp_path / answer, f"team_{n}", answer, hours) for n in range(1, 21)]
        told = said(folder, *paths).splitlines()
    assert len(told) == 2 and "20 more were kept as attempts and do not count" in told[1]
    assert told[1].index("team_2/") < told[1].index("team_8/") and "team_10/" not in told[1]


@pytest.mark.parametrize("as_zip", [True, False])
@pytest.mark.parametrize("folders", [True, False])
def test_text_typed_online_is_said_in_one_line(folder, tmp_path, as_zip, folders):
    """Beside a file, too, and in a download that was unpacked."""
    people = [("Ann Example-Seven", 5001), ("Cem Specimen", 5003)]
    html = {"onlinetext.html": b"<p>my answer"}
    typed = moodle(*((*who, html) for who in people), folders=folders, kind="onlinetext")
    filed = moodle((*people[1], {f"{FIRST}.ipynb": ipynb()}), folders=folders)
    stream = io.BytesIO(filed)
    with zipfile.ZipFile(stream, "a") as both, zipfile.ZipFile(io.BytesIO(typed)) as more:
        for name in more.namelist():
            both.writestr(name, more.read(name))
    path = save(tmp_path / "in" / "download.zip", stream.getvalue())
    if not as_zip:
        path = unpacked(stream.getvalue(), tmp_path / "in" / "downloads")
    (folder.root / "roster.csv").write_text(ROSTER, encoding="utf-8")
    told = said(folder, path)
    assert told.startswith("took in 1 notebooks of 1 teams\n") and "REJECTED" not in told
    assert told.count("text typed online, no file") == 1
    assert "Ann Example-Seven" in told and "Cem Specimen" in told


def test_which_of_two_in_a_download_is_newer_nobody_knows(folder, tmp_path):
    both = [
        (name, number, {f"{FIRST}.ipynb": ipynb(answer=name)})
        for name, number in (("Ann Example-Seven", 5001), ("Bo Sample", 5002))
    ]
    (folder.root / "roster.csv").write_text(ROSTER, encoding="utf-8")
    path = save(tmp_path / "d.zip", moodle(*both, when=DUE + timedelta(days=3)))
    for taken in (1, 0):  # collected again, it is said again
        told = said(folder, path)
        assert "CHOOSE" in told and "members of the team handed in different work (s101 " in told
        assert f"./course choose team_7 {FIRST}" in told
        assert told.startswith(f"took in {taken} notebooks of {taken} teams")
