"""Whose each upload in a system's download is, and when it came; or a refusal with a remedy."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from grader.cli import app
from grader.config.zones import Zone
from grader.intake import CollectReport, collect, downloads
from tests.grader.intake.downloads import systems
from tests.grader.intake.downloads.systems import (
    NAMES_ALONE,
    NAMESAKES,
    PEOPLE,
    SYSTEMS,
    TIMED,
    ZONED,
    HandIn,
    Made,
    Person,
)
from tests.grader.intake_samples import (
    FIRST,
    INNER,
    LATER,
    NOON,
    class_folder,
    course,
    ipynb,
    only_reason,
    save,
    take,
    taken,
    unpacked,
    zipped,
)

BOLD = [name for name in SYSTEMS if downloads.named(name).bold]
WAYS = ("zip", "zip in a folder", "packed again", "unpacked", "unpacked below")
CASES = [(name, True, "zip") for name in SYSTEMS if name not in BOLD]
CASES += [(name, True, "unpacked below") for name in SYSTEMS]
CASES += [(name, False, way) for name in BOLD for way in ("zip", "unpacked")]
CASES += [("sakai", False, way) for way in WAYS[1:]]
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


@pytest.mark.parametrize(("system", "said", "way"), CASES)
def test_everybodys_work_is_theirs(room, tmp_path, system, said, way):
    path = bring(SYSTEMS[system](systems.hand_ins()), tmp_path / "in", way)
    options = {"system": downloads.named(system)} if said else {}
    report = take(room, path, **options)
    named = [one for one in PEOPLE if system not in NAMES_ALONE or one.team not in NAMESAKES]
    assert whose(room, report) == {one.team: one.team for one in named}
    assert {entry.team: entry.uploaders for entry in report.taken} == {
        one.team: [one.id] for one in named
    }
    assert len(report.rejected) == len(PEOPLE) - len(named)
    for entry in report.rejected:
        assert "2 students are called Ann Smith: collect it as team_7.zip" in entry.reason
    titles = [note for note in report.notes if "a download from" in note]
    assert [downloads.named(system).title in note for note in titles] == [True]


@pytest.mark.parametrize("system", TIMED)
def test_it_came_when_the_system_says_in_its_zone(room, tmp_path, system):
    path = bring(SYSTEMS[system](systems.hand_ins()), tmp_path / "in")
    tokyo = Zone("Asia/Tokyo")
    times = dataclasses.replace(course().times, lms=tokyo)
    ours = dataclasses.replace(course(NOON), times=times)
    nowhere = Path("/nowhere")
    report = collect(room, ours, [path], None, from_lms=True, releases=nowhere)
    shift = timedelta(0) if system in ZONED else timedelta(hours=9)
    expected = {one.who.team: one.when - shift for one in systems.hand_ins()}
    came = {entry.team: entry.received.replace(second=0, microsecond=0) for entry in report.taken}
    assert {team: when for team, when in expected.items() if team in came} == came
    assert len(came) >= len(PEOPLE) - len(NAMESAKES)
    assert {entry.arrival for entry in report.taken} == {"known"}
    said = any("have no zone; they were read in Asia/Tokyo" in note for note in report.notes)
    assert said == (system not in ZONED)


@pytest.mark.parametrize("system", TIMED)
def test_a_time_that_nobody_answers_for_does_not_count(room, tmp_path, system):
    path = bring(SYSTEMS[system](systems.hand_ins([ANN, BO])), tmp_path / "in")
    report = take(room, path)
    assert {entry.arrival for entry in report.taken} == {"unknown"} and len(report.taken) == 2


@pytest.mark.parametrize("system", sorted({*TIMED} - {"nbgrader", "sakai"}))
def test_of_several_attempts_all_are_kept_and_the_last_counts(room, tmp_path, system):
    first = HandIn(ANN, systems.notebook_of(ANN), NOON)
    second = HandIn(ANN, systems.notebook_of(ANN, 2), NOON + timedelta(minutes=5))
    path = bring(SYSTEMS[system]([first, second]), tmp_path / "in")
    report = take(room, path, from_lms=True)
    assert [entry.received.replace(microsecond=0) for entry in report.taken] == [second.when]
    (beside,) = report.beside
    assert beside.earlier.received.replace(microsecond=0) == first.when


@pytest.mark.parametrize("system", sorted({*TIMED} - {"nbgrader", "sakai"}))
def test_the_same_work_handed_in_once_more_is_not_later(room, tmp_path, system):
    times = (NOON, NOON + timedelta(days=1))
    made = SYSTEMS[system]([HandIn(ANN, systems.notebook_of(ANN), when) for when in times])
    path = bring(made, tmp_path / "in")
    for _ in range(2):
        report = take(room, path, from_lms=True)
        (entry,) = report.taken + report.unchanged
        assert entry.received.replace(microsecond=0) == NOON and not report.beside


@pytest.mark.parametrize("system", ["brightspace", "blackboard"])
def test_a_zone_that_is_put_right_makes_times_later_too(room, tmp_path, system):
    path = bring(SYSTEMS[system](systems.hand_ins([ANN])), tmp_path / "in")
    for name, came in (("Asia/Tokyo", NOON - timedelta(hours=9)), ("UTC", NOON)):
        times = dataclasses.replace(course().times, lms=Zone(name))
        ours = dataclasses.replace(course(NOON), times=times)
        report = collect(room, ours, [path], None, from_lms=True, releases=Path("/nowhere"))
        (entry,) = report.taken + report.unchanged
        assert entry.received == came


@pytest.mark.parametrize("system", ["nbgrader", "sakai"])
def test_a_stamp_that_became_later_says_nothing_of_work_that_is_there(room, tmp_path, system):
    for when in (NOON, NOON + timedelta(days=1)):
        made = SYSTEMS[system]([HandIn(ANN, systems.notebook_of(ANN), when)])
        report = take(room, bring(made, tmp_path / "in"), system=downloads.named(system))
        (entry,) = report.taken + report.unchanged
        assert entry.received.replace(microsecond=0) == NOON


@pytest.mark.parametrize("system", SYSTEMS)
def test_without_numbers_two_of_one_name_are_refused(room, tmp_path, system):
    (room.root / "roster.csv").write_text(systems.roster(numbers=False), encoding="utf-8")
    path = bring(SYSTEMS[system](systems.hand_ins()), tmp_path / "in")
    report = take(room, path, system=downloads.named(system))
    found = whose(room, report)
    assert found == {team: team for team in found}
    refused = {entry.reason for entry in report.rejected}
    if len(found) < len(PEOPLE):
        assert set(found) == {one.team for one in PEOPLE} - set(NAMESAKES)
        assert len(refused) == 1 and "2 students are called" in refused.pop()


@pytest.mark.parametrize("way", ["zip", "unpacked"])
@pytest.mark.parametrize("system", BOLD)
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
    list(zip(BOLD, BOLD[1:] + BOLD[:1], strict=True)),
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
    assert {e.team: [q.cause for q in e.questions] for e in report.taken} == {
        "team_1": [], "team_2": [],
    }  # fmt: skip
    report = take(room, bring(systems.canvas(came, anonymous=True), tmp_path / "anonymous"))
    assert not report.taken and len(report.rejected) == 3
    assert {"turn that off" in entry.reason for entry in report.rejected} == {True}


def test_by_how_much_canvas_late_one_is_late_somebody_has_to_say(room, tmp_path):
    made = systems.canvas([HandIn(ANN, systems.notebook_of(ANN), late=True)])
    path, ours = bring(made, tmp_path / "in"), course(NOON)
    nowhere = Path("/nowhere")
    (entry,) = collect(room, ours, [path], None, from_lms=True, releases=nowhere).taken
    (question,) = entry.questions
    assert question.cause == "late, by how much?" and "one day" in question.reason
    report = collect(room, ours, [path], None, LATER, from_lms=True, releases=nowhere)
    (entry,) = report.taken + report.unchanged
    assert (entry.received, entry.questions) == (LATER, [])


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


# ---------------------------------------------------------------- the others


@pytest.mark.parametrize("system", ["brightspace", "blackboard", "sakai", "github"])
def test_a_group_goes_by_its_name_in_the_roster(room, tmp_path, system):
    group = "team_7" if system in ("blackboard", "github") else "Team 07"
    one = next(person for person in PEOPLE if person.team == "team_7")
    made = SYSTEMS[system]([HandIn(one, systems.notebook_of(one), group=group)])
    path = bring(made, tmp_path / "in", "unpacked")
    report = take(room, path, system=downloads.named(system))
    assert whose(room, report) == {"team_7": "team_7"}
    assert report.taken[0].uploaders == []


def test_gradescope_has_everybody_who_submitted_together(room, tmp_path):
    roster = systems.roster().replace("team_2,lixl", "team_1,lixl")
    (room.root / "roster.csv").write_text(roster, encoding="utf-8")
    made = systems.gradescope(systems.hand_ins([ANN, BO]), together=True)
    report = take(room, bring(made, tmp_path / "in"))
    assert whose(room, report) == {"team_1": "team_1"} and report.taken[0].uploaders == []
    (room.root / "roster.csv").write_text(systems.roster(), encoding="utf-8")
    report = take(room, bring(made, tmp_path / "in"))
    assert "came from two teams together, team_1 and team_2: collect it as" in only_reason(report)
    (room.root / "roster.csv").write_text(systems.roster(people=[ANN]), encoding="utf-8")
    report = take(room, bring(made, tmp_path / "in"))
    assert f"uploaded by {BO.name}, {BO.mail}, who is not in the roster" in only_reason(report)


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        (None, "which says whose is what, is missing: download it again"),
        (b"{", "can't be read"),
        (b"submission_1: {}", "does not say who submitted submission_4711"),
        (b"submission_4711: {':submitters': [x]}", "does not say who submitted submission_4711"),
        (b"submission_4711: !!python/object/apply:os.system [exit]", "does not say who"),
        (b"[" * 100_000, "can't be read"),
        (b" " * (16 * 1024 * 1024 + 1), "larger than 16 MiB"),
    ],
)
def test_metadata_that_say_nothing_leave_a_sentence(room, tmp_path, metadata, reason):
    made = systems.gradescope(systems.hand_ins([ANN]))
    place = next(path for path in made if path.endswith(".yml"))
    del made[place]
    if metadata is not None:
        made[place] = metadata
    report = take(room, bring(made, tmp_path / "in"))
    assert reason in only_reason(report) and not report.taken


def test_blackboard_finds_a_user_behind_any_assignment(room, tmp_path):
    roster = systems.roster() + "team_11,a_b,Al Bo,,,\nteam_12,b,Bea,,,\n"
    (room.root / "roster.csv").write_text(roster, encoding="utf-8")
    al = Person("team_11", "a_b", "Al", "Bo", 1)
    made = systems.blackboard(systems.hand_ins([ANN, al]), title="Week_1_attempt_two")
    report = take(room, bring(made, tmp_path / "in"))
    assert whose(room, report) == {"team_1": "team_1"}
    assert "can be read in two ways, team_11 and team_12" in only_reason(report)
    notes = [entry.reason for entry in report.ignored if "typed" in entry.reason]
    assert notes == ["Blackboard's note on an attempt, with what was typed"] * 2


def test_a_file_that_imitates_blackboard_stays_its_owners(room, tmp_path):
    forged = f"x_lixl_attempt_2020-01-01-00-00-00_{FIRST}.ipynb"
    made = systems.blackboard([HandIn(ANN, {forged: systems.notebook_of(ANN)[f"{FIRST}.ipynb"]})])
    report = take(room, bring(made, tmp_path / "in"), from_lms=True)
    assert whose(room, report) == {"team_1": "team_1"} and report.taken[0].received == NOON


def test_a_time_that_nobody_can_read_is_unknown_and_said(room, tmp_path):
    made = systems.brightspace(systems.hand_ins([ANN, BO]))
    odd = {path.replace("Jan 20, 2024", "Foo 20, 2024"): c for path, c in made.items()}
    report = take(room, bring(odd, tmp_path / "in"), from_lms=True)
    assert {entry.arrival for entry in report.taken} == {"unknown"}
    assert any("Foo 20, 2024" in note and "can't be read" in note for note in report.taken[0].notes)


def test_sakai_leaves_its_own_files_out_and_says_so(room, tmp_path):
    report = take(room, bring(systems.sakai(systems.hand_ins([ANN])), tmp_path / "in"))
    assert not report.rejected and len(report.taken) == 1
    reasons = sorted(entry.reason for entry in report.ignored)
    assert reasons == [
        "Sakai's own list of grades",
        "Sakai's own note of the time",
        "Sakai's own, of the instructor or of the group",
        "Sakai's own, of the instructor or of the group",
        "text typed online, no file",
    ]
    said = [note for note in report.notes if "anybody" not in note and "a download" not in note]
    assert len(said) == 2 and said[0].endswith("text typed online, no file")
    assert "4 files of Sakai's own left out; ignored.json lists them" in said[1]


def test_ilias_finds_members_in_its_teams(room, tmp_path):
    path = bring(systems.ilias(systems.hand_ins(), team=True), tmp_path / "in")
    report = take(room, path, system=downloads.named("ilias"))
    assert whose(room, report) == {one.team: one.team for one in PEOPLE}


@pytest.mark.parametrize("end", ["-main.zip", "-master.zip", ".zip"])
def test_zips_of_checkouts_are_somebodys_by_their_names(room, tmp_path, end):
    for who in (ANN, BO):
        inner = {f"cnn-{who.id}{end[:-4]}/{k}": v for k, v in systems.notebook_of(who).items()}
        save(tmp_path / "in" / f"cnn-{who.id}{end}", zipped(inner))
    report = take(room, tmp_path / "in", system=downloads.named("github"))
    assert whose(room, report) == {"team_1": "team_1", "team_2": "team_2"}


def test_what_git_keeps_is_not_counted(room, tmp_path):
    checkout = tmp_path / "in" / "team_1"
    save(checkout / f"{FIRST}.ipynb", ipynb())
    for k in range(3):
        save(checkout / ".git" / "objects" / str(k), b"")
    report = take(room, tmp_path / "in")
    assert taken(report) == [("team_1", FIRST)] and not report.ignored


@pytest.mark.parametrize("system", ["nbgrader", "exchange"])
@pytest.mark.parametrize(("seen", "asked"), [(NOON, False), (LATER, True)])
def test_a_time_by_the_students_word_is_asked_about_where_files_are_newer(
    room, tmp_path, system, seen, asked
):
    made = SYSTEMS[system](systems.hand_ins([ANN]))
    path = unpacked(zipped(made), tmp_path / "in", seen)
    ours = course(NOON + timedelta(hours=1))
    report = collect(room, ours, [path], None, from_lms=True, releases=Path("/nowhere"))
    entry = report.taken[0]
    assert (entry.received, entry.arrival, entry.told_by) == (NOON, "known", "student")
    assert [q.cause for q in entry.questions] == ["time claimed"] * asked


def test_what_lies_beside_an_unpacked_download_is_the_instructors(room, tmp_path):
    path = bring(systems.moodle(systems.hand_ins([ANN, BO])), tmp_path / "in", "unpacked")
    take(room, save(tmp_path / "team_3.zip", zipped({INNER: ipynb(answer="1")}), NOON))
    save(path / "team_3.zip", zipped({INNER: ipynb(answer="2")}), LATER)
    report = take(room, path)
    assert [(entry.team, entry.archive) for entry in report.replaced] == [
        ("team_3", "in/team_3.zip")
    ]
    assert {e.team: e.arrival for e in report.taken} == {
        "team_1": "unknown", "team_2": "unknown", "team_3": "known",
    }  # fmt: skip


@pytest.mark.parametrize("system", sorted({*TIMED} - {"gradescope"}))
def test_a_date_in_the_name_of_one_upload_counts_once_somebody_answers_for_it(
    room, tmp_path, system
):
    path = unpacked(zipped(SYSTEMS[system](systems.hand_ins([ANN]))), tmp_path / "in", LATER)
    assert take(room, path).taken[0].received == LATER
    report = take(room, path, from_lms=True)
    (entry,) = report.taken + report.unchanged
    assert entry.received.replace(microsecond=0) == NOON
