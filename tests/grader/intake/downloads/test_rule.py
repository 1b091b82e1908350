"""A rule of the instructor's own finds teams and times in names, and nothing hangs on it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from grader.errors import ConfigError
from grader.intake import summary
from grader.intake.downloads import rule
from grader.intake.downloads.rule import Rule
from tests.grader.intake.downloads import systems
from tests.grader.intake_samples import (
    FIRST,
    INNER,
    NOON,
    SECOND,
    class_folder,
    course,
    ipynb,
    only_reason,
    save,
    take,
    taken,
    zipped,
)

NAMES = r"hw\d/(?P<team>[^_]+)_(?P<time>[-0-9]+)"
FORMAT = "%Y-%m-%d-%H-%M"


@pytest.fixture
def room(tmp_path: Path):
    folder = class_folder(tmp_path / "class")
    (folder.root / "roster.csv").write_text(systems.roster(), encoding="utf-8")
    return folder


def made() -> dict[str, bytes]:
    return {
        f"hw1/obrien_2024-01-20-11-30/sub/{FIRST}.ipynb": ipynb(),
        "hw1/Team 02_2024-01-21-08-00.zip": zipped({INNER: ipynb(answer="2")}),
        "hw1/lixl_2024-01-19-08-00.zip": zipped({INNER: ipynb(answer="1")}),
        f"hw1/kmue@example.org_2024-01-20-11-30_{SECOND}.ipynb": ipynb(SECOND),
        "hw1/stranger_2024-01-20-11-30/x.ipynb": ipynb(),
        "hw1/readme.txt": b"",
    }


@pytest.mark.parametrize("as_zip", [True, False])
def test_teams_and_times_are_where_the_rule_says(room, tmp_path, as_zip):
    path = tmp_path / "in"
    if as_zip:
        path = save(tmp_path / "all.zip", zipped(made()))
    else:
        for name, content in made().items():
            save(path / name, content)
    report = take(room, path, system=Rule(NAMES, FORMAT))
    assert taken(report) == [("team_1", FIRST), ("team_2", FIRST), ("team_3", SECOND)]
    zone = course().times.zone
    came = {entry.team: entry.received for entry in report.taken}
    assert came["team_1"] == zone.earliest(datetime(2024, 1, 20, 11, 30))
    assert came["team_2"] == zone.earliest(datetime(2024, 1, 21, 8))
    assert {(entry.arrival, entry.told_by) for entry in report.taken} == {("known", "name")}
    reasons = {entry.archive.rpartition("/")[2]: entry.reason for entry in report.rejected}
    assert set(reasons) == {"x.ipynb", "readme.txt"}
    assert "not in the roster" in reasons["x.ipynb"] and "not named as --names" in str(reasons)
    said = "\n".join(summary.files(report, course()))
    assert said.startswith("  ROSTER 10 students, 10 teams; team from team, student from student")
    assert f"{FIRST} of team_1 (obrien), by --names, login or mail address; came" in said


def test_a_bulk_zip_below_a_folder_and_a_file_by_itself(room, tmp_path):
    packed = zipped({f"obrien-{FIRST}.ipynb": ipynb()})
    save(tmp_path / "in" / "week.zip", packed)
    save(tmp_path / "in" / "lixl-.zip", zipped({INNER: ipynb()}))
    report = take(room, tmp_path / "in", system=Rule("(?P<team>[a-z]+)-"))
    assert taken(report) == [("team_1", FIRST), ("team_2", FIRST)] and not report.rejected
    alone = save(tmp_path / "one" / "kmue-.zip", zipped({INNER: ipynb()}))
    assert taken(take(room, alone, system=Rule("(?P<team>[a-z]+)-"))) == [("team_3", FIRST)]
    other = save(tmp_path / "one" / "Other.zip", zipped({"a/b.txt": b""}))
    reason = only_reason(take(room, other, system=Rule("(?P<team>[a-z]+)-")))
    assert "no download from --names, which names files (?P<team>[a-z]+)-: it holds a/b" in reason


def test_without_a_roster_the_name_is_the_teams(tmp_path):
    room = class_folder(tmp_path / "class")
    path = save(tmp_path / "in" / f"Group 04+{FIRST}.ipynb", ipynb())
    report = take(room, path.parent, system=Rule(r"(?P<team>[^+]+)\+(?P<file>.+)"))
    assert taken(report) == [("group_4", FIRST)]
    assert report.taken[0].told_by == "file"


def test_a_zone_in_the_name_counts(room, tmp_path):
    path = save(tmp_path / "in" / "obrien 2024-01-20T10+0200.zip", zipped({INNER: ipynb()}))
    ours = Rule(r"(?P<team>\w+) (?P<time>\S+)\.zip", "%Y-%m-%dT%H%z")
    assert take(room, path, system=ours).taken[0].received == NOON.replace(hour=8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("names", "time_format", "reason"),
    [
        ("(?P<team>", "", "no regular expression"),
        (".*", "", r"needs \(\?P<team>"),
        ("(?P<team>.)(?P<who>.)", "", "not .*who"),
        ("(?P<team>.)(?P<time>.)", "", "go together"),
        ("(?P<team>.)", "%Y", "go together"),
        ("", "%Y", "needs"),
    ],
)
def test_a_rule_that_cannot_work_says_why(names, time_format, reason):
    with pytest.raises(ConfigError, match=reason):
        Rule(names, time_format)


def test_a_time_of_another_form_ends_it_before_anything_is_taken(room, tmp_path):
    path = save(tmp_path / "in" / "obrien_20-1-2024.zip", zipped({INNER: ipynb()}))
    with pytest.raises(ConfigError, match=r"'20-1-2024' in obrien_20-1-2024\.zip is no time"):
        take(room, path, system=Rule("(?P<team>[^_]+)_(?P<time>[-0-9]+)", FORMAT))
    assert not room.submissions()


def test_a_rule_without_end_is_ended(monkeypatch):
    monkeypatch.setattr(rule, "SECONDS", 0.2)
    slow = Rule("(?P<team>(a+)+)$")
    start = datetime.now()
    with pytest.raises(ConfigError, match="takes too long on names like aaaa"):
        slow.found_in(["a" * 60 + "!"])
    assert datetime.now() - start < timedelta(seconds=60)
