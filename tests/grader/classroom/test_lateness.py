"""What lateness costs, with extensions and free days."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from grader import config
from grader.classroom import results
from grader.classroom.folder import ClassFolder
from grader.classroom.lateness import Lateness, days_late
from grader.classroom.results import Submission
from grader.errors import ConfigError
from grader.intake import CollectReport, collect, summary
from tests.grader import intake_samples as samples
from tests.grader.intake_samples import ipynb, save, zipped

DUE = {
    "00_getting_started": datetime(2026, 1, 1, 12, tzinfo=UTC),
    "01_implementing_cnn": datetime(2026, 1, 15, 12, tzinfo=UTC),
}
SETTINGS = "\n".join(f"[notebooks.{name}]\ndue = {due.isoformat()}" for name, due in DUE.items())
FIRST, SECOND = DUE


@pytest.fixture
def folder(tmp_path: Path) -> ClassFolder:
    return ClassFolder(tmp_path)


def cost(folder: ClassFolder, settings: str, team: str, notebook: str, **after: float) -> float:
    """What one submission costs that arrives so long after the due date."""
    (folder.root / "course.toml").write_text(f"{settings}\n{SETTINGS}\n")
    received = DUE.get(notebook, DUE[FIRST]) + timedelta(**after)
    submission = Submission(team, notebook, f"{team}.zip", "0" * 64, received)
    results.write(folder.submitted(team, notebook) / "submission.json", submission)
    course = config.load(folder.root)
    return Lateness(folder, course).fraction(team, notebook, received)


def test_lateness_costs_by_the_day_begun_after_some_grace(folder: ClassFolder) -> None:
    settings = "[late]\npenalty_per_day = 0.1\nmaximum = 0.5\ngrace_minutes = 10"
    minutes = (-1, 9, 11, 1440 + 11, 30 * 1440)
    costs = [cost(folder, settings, "team_1", FIRST, minutes=late) for late in minutes]
    assert costs == pytest.approx([0, 0, 0.1, 0.2, 0.5])


def test_a_course_may_take_nothing_late(folder: ClassFolder) -> None:
    settings = "[late]\npenalty_per_day = 1.0\nmaximum = 1.0\n[extensions]\nteam_9 = 2"
    assert [cost(folder, settings, "team_1", FIRST, minutes=m) for m in (9, 11)] == [0, 1]
    assert cost(folder, settings, "team_9", FIRST, days=2) == 0


def test_a_notebook_without_a_due_date_is_never_late(folder: ClassFolder) -> None:
    assert cost(folder, "", "team_1", "02_training_cnn", days=300) == 0


def test_an_extension_counts_for_its_team_and_notebook_alone(folder: ClassFolder) -> None:
    settings = '[extensions]\nTeam-07 = 2\n"team_9/01_implementing_cnn" = 5'
    assert cost(folder, settings, "team_7", FIRST, days=2) == 0
    assert cost(folder, settings, "team_7", FIRST, days=2, hours=1) == pytest.approx(0.1)
    assert cost(folder, settings, "team_9", SECOND, days=5) == 0
    assert cost(folder, settings, "team_9", FIRST, days=5) == pytest.approx(0.5)
    assert cost(folder, settings, "team_8", SECOND, days=2) == pytest.approx(0.2)


@pytest.mark.parametrize("line", ["team_7 = -1", 'team_7 = "two"', '"team_7/03_nothing" = 1'])
def test_an_extension_that_means_nothing_is_refused(folder: ClassFolder, line: str) -> None:
    with pytest.raises(ConfigError, match="extensions"):
        cost(folder, f"[extensions]\n{line}", "team_7", FIRST)


def test_free_days_are_spent_in_the_order_of_the_due_dates(folder: ClassFolder) -> None:
    settings = "[late]\nfree_days = 3"
    assert cost(folder, settings, "team_1", SECOND, days=2) == 0  # nothing spent before
    assert cost(folder, settings, "team_1", FIRST, days=2) == 0
    assert cost(folder, settings, "team_1", SECOND, days=2) == pytest.approx(0.1)  # one is left
    assert cost(folder, settings, "team_2", SECOND, days=4) == pytest.approx(0.1)
    assert cost(folder, settings, "team_2", SECOND, days=60) == pytest.approx(0.5)


def test_a_course_may_go_without_a_notebook(folder: ClassFolder) -> None:
    (folder.root / "course.toml").write_text("[notebooks.02_training_cnn]\nuse = false\n")
    assert "02_training_cnn" not in config.load(folder.root).notebooks


# ---------------------------------------------------------------- downloads that know no arrival

INNER = "01_implementing_cnn"
LATE = DUE[INNER] + timedelta(days=4, hours=2)
"""When the instructor downloads what came in."""
FULL = [("Ann Example-Seven", 5001), ("Cem Specimen", 5003), ("Eve Alone", 5005)]


def download(**how: object) -> bytes:
    """Three uploads, as Moodle packs them."""
    uploads = [(*who, {f"{INNER}.ipynb": ipynb(answer=who[0])}) for who in FULL]
    return samples.moodle(*uploads, **{"when": LATE, **how})  # type: ignore[arg-type]


def canvas(*late: str) -> dict[str, bytes]:
    """The same from Canvas, which marks some as late."""
    people = [("sevenannexample", 901), ("specimencem", 903), ("aloneeve", 905)]
    return {
        f"{n}{'_LATE' if n in late else ''}_{k}_33{k}_{INNER}.ipynb": ipynb(answer=n)
        for n, k in people
    }


def collected(
    folder: ClassFolder, *paths: Path, received: datetime | None = None, settings: str = ""
) -> tuple[CollectReport, str]:
    """What came of collecting, and what is printed."""
    (folder.root / "roster.csv").write_text(samples.ROSTER, encoding="utf-8")
    (folder.root / "course.toml").write_text(f"{settings}\n{SETTINGS}\n")
    course = config.load(folder.root)
    report = collect(
        folder, course, list(paths), None, received, from_lms=True, releases=Path("/nowhere")
    )
    assert not report.rejected
    return report, "\n".join(summary.lines(report, course))


def costs(folder: ClassFolder) -> dict[str, float]:
    """What lateness costs each team, as grading and exporting work it out."""
    course = config.load(folder.root)
    lateness = Lateness(folder, course)
    found = {}
    for team, name in folder.submissions():
        there = results.read(folder.submitted(team, name) / "submission.json", Submission)
        found[team] = lateness.fraction(team, name, there.received)
    return found


FREE = {"team_7": 0, "team_8": 0, "s_105": 0}


LAST = '[attempts]\ncounts = "last"\n'


@pytest.mark.parametrize("as_zip", [True, False])
@pytest.mark.parametrize("folders", [True, False])
@pytest.mark.parametrize("each", [timedelta(0), timedelta(minutes=7)])
def test_the_time_of_a_download_is_nobodys_lateness(folder, tmp_path, as_zip, folders, each):
    """A server that takes long packs the last upload long after the first."""
    packed = download(folders=folders, each=each)
    path = save(tmp_path / "in" / "download.zip", packed, LATE)
    if not as_zip:
        path = samples.unpacked(packed, tmp_path / "in" / "downloads", LATE)
    report, said = collected(folder, path)
    assert costs(folder) == FREE
    assert {entry.arrival for entry in report.taken} == {"unknown"}
    assert said.count("is not known") == 1 and "--received" in said
    assert not list(folder.root.rglob("timestamp.txt"))  # nbgrader would believe it
    again, said = collected(folder, path)
    assert not again.taken and "--received" in said
    assert costs(folder) == FREE


def test_an_arrival_that_the_instructor_gives_is_known(folder, tmp_path):
    path = samples.unpacked(download(), tmp_path / "in", LATE)
    collected(folder, path)
    one = next(path.glob("Cem*"))
    report, said = collected(folder, one, received=DUE[INNER] + timedelta(days=1, hours=1))
    assert "is not known" not in said
    assert [entry.arrival for entry in report.taken] == ["known"]
    assert costs(folder) == {**FREE, "team_8": pytest.approx(0.2)}
    collected(folder, path)  # once more without a time: what was given stays
    assert costs(folder) == {**FREE, "team_8": pytest.approx(0.2)}
    collected(folder, path, received=DUE[INNER] + timedelta(hours=1))
    assert costs(folder) == dict.fromkeys(FREE, pytest.approx(0.1))
    assert len(list((folder.root / "submitted").rglob("timestamp.txt"))) == 3


def test_a_download_of_one_upload_is_a_download(folder, tmp_path):
    packed = samples.moodle(("Cem Specimen", 5003, {f"{INNER}.ipynb": ipynb()}), when=LATE)
    collected(folder, save(tmp_path / "in" / "download.zip", packed))
    assert costs(folder) == {"team_8": 0}


def test_times_that_differ_are_believed(folder, tmp_path):
    """Some tools write a download with the true times."""
    for hours, (name, number) in zip((-30, -2, 30), FULL, strict=True):
        save(
            tmp_path / "in" / f"{name}_{number}_assignsubmission_file" / f"{INNER}.ipynb",
            ipynb(answer=name),
            DUE[INNER] + timedelta(hours=hours),
        )
    _, said = collected(folder, tmp_path / "in")
    assert costs(folder) == {**FREE, "s_105": pytest.approx(0.2)}
    assert "is not known" not in said


def test_two_who_are_late_together_are_late(folder, tmp_path):
    """Among uploads with times of their own, minutes between two mean nothing."""
    for minutes, (name, number) in zip((-200, 30, 35), FULL, strict=True):
        save(
            tmp_path / "in" / f"{name}_{number}_assignsubmission_file_{INNER}.ipynb",
            ipynb(answer=name),
            DUE[INNER] + timedelta(minutes=minutes),
        )
    more = f"Dörte Muster_777_assignsubmission_file_{INNER}.ipynb"
    save(tmp_path / "in" / more, ipynb(answer="d"), DUE[INNER] - timedelta(days=2))
    collected(folder, tmp_path / "in", settings=LAST)
    assert costs(folder) == {"team_7": 0, "team_8": pytest.approx(0.1), "s_105": pytest.approx(0.1)}


def test_a_file_with_a_time_of_its_own_beside_a_download_changes_nothing_for_the_others(
    folder, tmp_path
):
    samples.unpacked(download(), tmp_path / "in", LATE)
    later = LATE + timedelta(days=1)
    name = f"Bo Sample_5002_assignsubmission_file_{INNER}.ipynb"
    save(tmp_path / "in" / name, ipynb(answer="bo"), later)
    collected(folder, tmp_path / "in", settings=LAST)
    assert costs(folder) == {**FREE, "team_7": pytest.approx(0.5)}


def test_archives_copied_into_a_folder_keep_their_files_time(folder, tmp_path):
    paths = [
        save(tmp_path / "in" / f"{team}.zip", zipped({f"{INNER}.ipynb": ipynb(answer=team)}), LATE)
        for team in ("team_7", "team_8")
    ]
    collected(folder, *paths)
    assert costs(folder) == {"team_7": pytest.approx(0.5), "team_8": pytest.approx(0.5)}


@pytest.mark.parametrize("as_zip", [True, False])
def test_canvas_says_who_is_late(folder, tmp_path, as_zip):
    packed = zipped(canvas("specimencem"), LATE)
    path = save(tmp_path / "in" / "submissions.zip", packed, LATE)
    if not as_zip:
        path = samples.unpacked(packed, tmp_path / "in" / "downloads", LATE)
    report, said = collected(folder, path)
    arrivals = {entry.team: entry.arrival for entry in report.taken}
    assert arrivals == {"team_7": "on time", "team_8": "late", "s_105": "on time"}
    assert costs(folder) == {**FREE, "team_8": pytest.approx(0.1)}  # by how much, it doesn't say
    assert "team_8/01_implementing_cnn" in said and "one day" in said
    assert "team_7" not in said


def test_what_canvas_calls_late_is_in_time_by_an_extension(folder, tmp_path):
    path = save(tmp_path / "in" / "s.zip", zipped(canvas("specimencem"), LATE))
    collected(folder, path, settings="[extensions]\nteam_8 = 7")
    assert costs(folder) == FREE


def test_a_single_file_called_as_canvas_does_keeps_its_time(folder, tmp_path):
    """A student can choose that name."""
    name = f"specimencem_903_33002_{INNER}.ipynb"
    collected(folder, save(tmp_path / "in" / name, ipynb(), LATE))
    assert costs(folder) == {"team_8": pytest.approx(0.5)}


def test_an_unknown_arrival_takes_no_free_days(folder, tmp_path):
    collected(folder, save(tmp_path / "d.zip", download()), settings="[late]\nfree_days = 3")
    second = "00_getting_started"
    there = Submission("team_8", second, "x", "0" * 64, DUE[second] + timedelta(days=3))
    results.write(folder.submitted("team_8", second) / "submission.json", there)
    lateness = Lateness(folder, config.load(folder.root))
    assert lateness.fraction("team_8", second, there.received) == 0
    assert lateness.fraction("team_8", INNER, LATE) == 0


def test_a_download_that_was_collected_by_an_older_version_is_mended_by_collecting_it_again(
    folder, tmp_path
):
    path = save(tmp_path / "d.zip", download())
    collected(folder, path)
    for place in folder.root.rglob("submission.json"):
        entry = json.loads(place.read_text())
        del entry["arrival"]
        place.write_text(json.dumps(entry))
    assert all(cost == pytest.approx(0.5) for cost in costs(folder).values())
    report, _ = collected(folder, path)
    assert len(report.taken) == 3 and costs(folder) == FREE


def test_a_mark_from_before_the_arrival_was_put_right_costs_no_more(folder, tmp_path):
    """Until it is graded again, the gradebook holds the download's time."""
    path = samples.unpacked(download(), tmp_path / "in", LATE)
    collected(folder, path)
    collected(folder, path, received=DUE[INNER] - timedelta(hours=1))
    assert Lateness(folder, config.load(folder.root)).fraction("team_8", INNER, LATE) == 0


def test_a_newer_download_with_a_time_given_is_kept_beside_an_unknown_one(folder, tmp_path):
    """The time that is stored for the first one is when it was downloaded, not when it arrived."""
    collected(folder, save(tmp_path / "1.zip", download()))
    again = [(*who, {f"{INNER}.ipynb": ipynb(answer="2")}) for who in FULL]
    packed = samples.moodle(*again, when=LATE + timedelta(days=1))
    early = DUE[INNER] + timedelta(hours=1)
    report, _ = collected(folder, save(tmp_path / "2.zip", packed), received=early)
    assert len(report.undecided) == 3 and costs(folder) == FREE  # the better will count


def test_the_same_work_by_mail_does_not_make_an_unknown_arrival_late(folder, tmp_path):
    collected(folder, save(tmp_path / "d.zip", download()))
    mailed = zipped({f"{INNER}.ipynb": ipynb(answer="Cem Specimen")})
    path = save(tmp_path / "team_8.zip", mailed, LATE - timedelta(days=1))
    report, _ = collected(folder, path)
    assert len(report.unchanged) == 1 and costs(folder) == FREE


@pytest.mark.parametrize("late", ["_LATE", ""])
def test_late_work_in_place_of_what_counted_as_on_time_is_said(folder, tmp_path, late):
    collected(folder, save(tmp_path / "1.zip", zipped(canvas(), LATE)))
    name = f"specimencem{late}_903_33903_{INNER}.ipynb"
    after = LATE + timedelta(days=1)
    path = save(tmp_path / "in" / name, ipynb(answer="2"), after)
    if late:
        path = save(tmp_path / "2.zip", zipped({name: ipynb(answer="2")}, after))
    _, said = collected(folder, path)
    assert "1 were handed in on time and late: ./course grade grades both" in said


# ---------------------------------------------------------------- the nights when clocks change

BERLIN = '[times]\nzone = "Europe/Berlin"\n[late]\ngrace_minutes = 0\n'


def berlin(text: str) -> datetime:
    """A moment by clocks in Berlin, of two that show it the later."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin"), fold=1)


@pytest.mark.parametrize("day", ["2027-03-27", "2027-10-30"])  # clocks change in the night after
@pytest.mark.parametrize("extension", [0, 1])
def test_a_day_late_ends_at_the_same_time_of_the_day_when_clocks_change(folder, day, extension):
    settings = (
        f"{BERLIN}[extensions]\nteam_1 = {extension}\n[notebooks.{FIRST}]\ndue = {day}T23:30:00"
    )
    (folder.root / "course.toml").write_text(settings)
    course = config.load(folder.root)

    def late(after: int, clock: str) -> int:
        on = datetime.fromisoformat(day) + timedelta(days=after + extension)
        moment = berlin(f"{on:%Y-%m-%d}T{clock}").astimezone(UTC)
        return days_late(course, "team_1", FIRST, moment)

    assert [late(0, "23:30:00"), late(0, "23:30:01")] == [0, 1]
    assert [late(1, "23:30:00"), late(1, "23:30:01")] == [1, 2]
    assert [late(2, "23:30:00"), late(2, "23:30:01")] == [2, 3]


def test_an_hour_that_comes_twice_or_never_is_read_in_the_students_favour(folder):
    """Due on the last Sunday of October at 2:30, which comes twice; of March, which never comes."""
    for due, last in (("2027-10-31", "01:30"), ("2027-03-28", "01:30")):
        settings = f"{BERLIN}[notebooks.{FIRST}]\ndue = {due}T02:30:00"
        (folder.root / "course.toml").write_text(settings)
        moment = datetime.fromisoformat(f"{due}T{last}:00+00:00")
        course = config.load(folder.root)
        assert days_late(course, "team_1", FIRST, moment) == 0
        assert days_late(course, "team_1", FIRST, moment + timedelta(seconds=1)) == 1


def test_half_a_day_of_extension_is_half_a_day(folder):
    settings = f"{BERLIN}[extensions]\nteam_1 = 0.5\n[notebooks.{FIRST}]\ndue = 2027-05-01T12:00:00"
    (folder.root / "course.toml").write_text(settings)
    course = config.load(folder.root)
    assert days_late(course, "team_1", FIRST, berlin("2027-05-02T00:00:00")) == 0
    assert days_late(course, "team_1", FIRST, berlin("2027-05-02T00:00:01")) == 1
