"""Whose each upload in a system's download is, and when it came; or a refusal with a remedy."""

from __future__ import annotations

import itertools
import json
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from grader.cli import app
from grader.intake import CollectReport, downloads
from tests.grader.intake.downloads import systems
from tests.grader.intake.downloads.systems import PEOPLE, SYSTEMS, HandIn, Made, Person
from tests.grader.intake_samples import (
    FIRST,
    INNER,
    LATER,
    NOON,
    class_folder,
    ipynb,
    only_reason,
    save,
    take,
    taken,
    unpacked,
    zipped,
)

WAYS = ("zip", "zip in a folder", "packed again", "unpacked", "unpacked below")
ANN, BO = PEOPLE[0], PEOPLE[1]


@pytest.fixture
def room(tmp_path: Path):
    folder = class_folder(tmp_path / "class")
    (folder.root / "roster.csv").write_text(systems.roster(), encoding="utf-8")
    return folder


def bring(made: Made, where: Path, way: str = "zip") -> Path:
    """The download as it lies on an instructor's disk."""
    if way == "packed again":
        made = {f"mine/again/{path}": content for path, content in made.items()}
    packed = zipped(made, LATER)
    if way.startswith("unpacked"):
        inner = where / "a" / "b" if way == "unpacked below" else where
        unpacked(packed, inner, LATER)
        return where
    path = save(where / "download.zip", packed, LATER)
    return where if way == "zip in a folder" else path


def whose(room, report: CollectReport) -> dict[str, str]:
    """Team -> whose name stands in the work that counts."""
    teams = [entry.team for entry in report.taken]
    read = {team: (room.submitted(team, FIRST) / f"{FIRST}.ipynb").read_text() for team in teams}
    return {
        team: next(p.team for p in PEOPLE if f"'{p.team}, " in text) for team, text in read.items()
    }


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize("system", SYSTEMS)
def test_everybodys_work_is_theirs(room, tmp_path, system, way, said):
    path = bring(SYSTEMS[system](systems.hand_ins()), tmp_path / "in", way)
    options = {"system": downloads.named(system)} if said else {}
    report = take(room, path, **options)
    assert not report.rejected
    assert whose(room, report) == {one.team: one.team for one in PEOPLE}
    assert {entry.team: entry.uploaders for entry in report.taken} == {
        one.team: [one.id] for one in PEOPLE
    }
    titles = [note for note in report.notes if "a download from" in note]
    assert [downloads.named(system).title in note for note in titles] == [True]


@pytest.mark.parametrize("system", SYSTEMS)
def test_without_numbers_two_of_one_name_are_refused(room, tmp_path, system):
    (room.root / "roster.csv").write_text(systems.roster(numbers=False), encoding="utf-8")
    report = take(room, bring(SYSTEMS[system](systems.hand_ins()), tmp_path / "in"))
    found = whose(room, report)
    assert found == {team: team for team in found}
    refused = {entry.reason for entry in report.rejected}
    if len(found) < len(PEOPLE):
        assert set(found) == {one.team for one in PEOPLE} - set(systems.NAMESAKES)
        assert len(refused) == 1 and "2 students are called" in refused.pop()


@pytest.mark.parametrize("way", ["zip", "unpacked"])
@pytest.mark.parametrize("system", SYSTEMS)
def test_a_download_replaces_nobodys_work_before_somebody_answers_for_it(
    room, tmp_path, system, way
):
    take(room, save(tmp_path / "team_1.zip", zipped({INNER: ipynb(answer="own")}), NOON))
    path = bring(SYSTEMS[system](systems.hand_ins([ANN, BO])), tmp_path / "in", way)
    report = take(room, path)
    assert [entry.team for entry in report.taken] == ["team_2"]
    assert [entry.team for entry in report.beside] == ["team_1"]
    assert any("anybody could have made it" in note for note in report.notes)
    said = take(room, path, system=downloads.named(system))
    assert "team_1" in {entry.team for entry in said.taken}


@pytest.mark.parametrize(
    ("said", "written"),
    [(a, b) for a, b in itertools.permutations(SYSTEMS, 2)],
)
def test_a_download_of_another_system_than_was_said_is_refused_in_a_sentence(
    room, tmp_path, said, written
):
    path = bring(SYSTEMS[written](systems.hand_ins([ANN, BO])), tmp_path / "in")
    report = take(room, path, system=downloads.named(said))
    title = downloads.named(said).title
    assert f"no download from {title}, which names files" in only_reason(report)
    assert not report.taken


def test_any_other_zip_is_refused_with_what_it_was_taken_for(room, tmp_path):
    one = save(tmp_path / "homework.zip", zipped({INNER: ipynb()}))
    assert "taken for one team's archive: call it after the team" in only_reason(take(room, one))
    packed = {f"team_{k}.zip": zipped({INNER: ipynb()}) for k in (1, 2)}
    several = save(tmp_path / "homework2.zip", zipped(packed))
    reason = only_reason(take(room, several))
    assert "holds archives itself (team_1.zip, …): unpack it and collect the folder" in reason


# ---------------------------------------------------------------- Moodle


@pytest.mark.parametrize("end", ["/", "_/", "_"])
def test_all_spellings_of_moodle(room, tmp_path, end):
    path = bring(systems.moodle(systems.hand_ins(), end), tmp_path / "in")
    assert whose(room, take(room, path)) == {one.team: one.team for one in PEOPLE}


def test_what_was_typed_in_moodle_is_said_with_the_name(room, tmp_path):
    made = systems.moodle(systems.hand_ins([ANN]))
    made[f"{BO.name}_{BO.number}_assignsubmission_onlinetext/onlinetext.html"] = b"<p>x"
    report = take(room, bring(made, tmp_path / "in"))
    assert [entry.team for entry in report.taken] == ["team_1"]
    assert any(BO.name in note and "text typed online" in note for note in report.notes)


# ---------------------------------------------------------------- Canvas


def test_a_group_of_canvas_is_the_rosters_team_whatever_is_in_its_name(room, tmp_path):
    text = systems.roster() + "project_7,p7,Per Seven,,,77\nthe winners,w1,Wi One,,,7\n"
    (room.root / "roster.csv").write_text(text, encoding="utf-8")
    seven = Person("project_7", "p7", "Per", "Seven", 0)
    came = [
        HandIn(ANN, systems.notebook_of(ANN), group="Team 1"),
        HandIn(BO, systems.notebook_of(BO), group="team_2"),
    ]
    made = systems.canvas(came)
    made[f"project_7_77_33009_{FIRST}.ipynb"] = ipynb(answer=f"'{seven.team}'")
    made[f"thewinners_7_33010_{FIRST}.ipynb"] = ipynb(answer="'w'")
    report = take(room, bring(made, tmp_path / "in"))
    teams = {entry.team for entry in report.taken}
    assert teams == {"team_1", "team_2", "the_winners"}
    # project_7_77_33009_… is also what number 7 would be called, if the name were "project"
    assert "can be read in two ways, project_7 and the_winners" in only_reason(report)
    assert "collect it as project_7.zip" in only_reason(report)


def test_a_name_that_imitates_canvas_gives_nobody_elses_work(room, tmp_path):
    imitated = f"{ANN.number + 10_000}_1_{FIRST}.ipynb"
    made = systems.canvas([HandIn(BO, {imitated: ipynb()})])
    report = take(room, bring(made, tmp_path / "in"))
    assert not report.taken and "can be read in two ways" in only_reason(report)


def test_late_and_anonymous_in_canvas(room, tmp_path):
    came = [
        HandIn(ANN, systems.notebook_of(ANN), late=True),
        HandIn(BO, {"mine_LATE_2024_01.ipynb": ipynb(), **systems.notebook_of(BO)}),
    ]
    report = take(room, bring(systems.canvas(came), tmp_path / "in"))
    late = {e.team for e in report.taken if "Canvas marks it as late" in e.notes}
    assert taken(report) == [("team_1", FIRST), ("team_2", FIRST)] and late == {"team_1"}
    report = take(room, bring(systems.canvas(came, anonymous=True), tmp_path / "anonymous"))
    assert not report.taken and len(report.rejected) == 3
    assert {"turn that off" in entry.reason for entry in report.rejected} == {True}


def test_text_and_links_in_canvas_are_left_out_and_said(room, tmp_path):
    made = systems.canvas(systems.hand_ins([ANN]))
    made["smithann_LATE_15007_text.html"] = made["smithann_15008_link.html"] = b"<p>"
    report = take(room, bring(made, tmp_path / "in"))
    assert [entry.team for entry in report.taken] == ["team_1"] and not report.rejected
    said = sorted(entry.reason for entry in report.ignored)
    assert said == ["a link handed in online, no file", "text typed online, no file"]


def test_the_newer_attempt_of_an_unpacked_download_counts_once_somebody_answers(room, tmp_path):
    first = bring(systems.moodle([HandIn(ANN, systems.notebook_of(ANN))]), tmp_path / "one")
    take(room, first, from_lms=True, received=NOON)
    second = bring(systems.moodle([HandIn(ANN, systems.notebook_of(ANN, 2))]), tmp_path / "two")
    report = take(room, second, from_lms=True, received=NOON + timedelta(hours=1))
    assert [entry.team for entry in report.replaced] == ["team_1"]


@pytest.mark.parametrize("said", [["--lms"], ["--lms", "canvas"], ["--lms=canvas"], []])
def test_a_name_may_follow_lms_or_not(room, tmp_path, said):
    path = bring(systems.canvas(systems.hand_ins([ANN, BO])), tmp_path / "in")
    done = CliRunner().invoke(
        app, ["collect", *said, str(path), "--class", str(room.root), "--dry-run", "--json"]
    )
    told = json.loads(done.stdout)
    assert [entry["team"] for entry in told["files"]] == ["team_1", "team_2"]
    assert {entry["whose"] for entry in told["files"]} == {
        f"Canvas, canvas number {one.number + 10_000} and name" for one in (ANN, BO)
    }
    assert any("anybody could have made it" in note for note in told["notes"]) != bool(said)
