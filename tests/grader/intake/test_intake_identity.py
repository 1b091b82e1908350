"""Whose a submission is: by the instructor's names, the LMS and the roster, never by the inside."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from grader.intake import RosterError
from tests.grader import intake_samples as samples
from tests.grader.intake_samples import (
    FIRST,
    INNER,
    LATER,
    NOON,
    SECOND,
    ipynb,
    only_reason,
    save,
    take,
    taken,
    tar,
    zipped,
)


@pytest.fixture
def roster(tmp_path: Path) -> Path:
    path = tmp_path / "list.csv"
    path.write_text(samples.ROSTER, encoding="utf-8")
    return path


# ---------------------------------------------------------------- whose it is


def test_an_archive_of_a_team_that_is_not_in_the_roster_is_refused_with_a_suggestion(
    room, inbox, roster
):
    report = take(room, save(inbox / "taem_7.zip", zipped({INNER: ipynb()})), roster=roster)
    assert "did you mean team_7?" in only_reason(report) and not room.submissions()


def test_a_students_own_id_stands_for_the_team(room, inbox, roster):
    paths = [save(inbox / f"{n}.zip", zipped({INNER: ipynb()})) for n in ("S103", "s105")]
    assert taken(take(room, *paths, roster=roster)) == [("s_105", FIRST), ("team_8", FIRST)]


def test_the_class_folders_own_roster_is_used(room, inbox):
    (room.root / "roster.csv").write_text(samples.ROSTER, encoding="utf-8")
    report = take(room, save(inbox / "team_9.zip", zipped({INNER: ipynb()})))
    assert "not in the roster" in only_reason(report)


def test_a_name_inside_an_archive_never_decides_whose_it_is(room, inbox, roster):
    files = {f"team_8/{FIRST}.ipynb": ipynb(), "submission.json": b'{"team": "team_8"}'}
    report = take(room, save(inbox / "team_7.zip", zipped(files)), roster=roster)
    assert taken(report) == [("team_7", FIRST)]
    assert "holds a folder team_8; it counts for team_7" in report.taken[0].notes


def test_an_archive_made_to_look_like_a_download_stays_its_teams(room, inbox, roster):
    forged = zipped({f"Cem Specimen_5003_assignsubmission_file_/{FIRST}.ipynb": ipynb()})
    report = take(room, save(inbox / "team_7.zip", forged), roster=roster)
    assert taken(report) == [("team_7", FIRST)]
    mailed = save(inbox / "homework.zip", forged)
    other = save(inbox / "team_8.zip", zipped({INNER: ipynb(answer="own")}))
    report = take(room, mailed, other, roster=roster)
    assert taken(report) == [("team_8", FIRST)] and "collect it alone" in only_reason(report)
    assert "not in the roster" in only_reason(take(room, mailed, roster=roster, from_lms=False))


def test_code_exported_from_a_notebook_is_no_module_of_its_pair(room, inbox, roster):
    name = "Ex2_AnnExampleSeven_BoSample"
    files = {INNER: ipynb(), f"{name}.pdf": b"%PDF-1.7", f"code/{FIRST}.py": b"x = 1"}
    report = take(room, save(inbox / f"{name}.zip", zipped(files)), roster=roster)
    assert report.taken[0].questions == []
    assert [(one.what, one.why) for one in report.taken[0].others if "code" in one.what] == [
        (f"code/{FIRST}.py", "the notebook that it was exported from counts")
    ]


def test_the_pair_archive_of_the_last_exercises_is_found_by_its_names(room, inbox, roster):
    def pack(*extra: str) -> bytes:
        return zipped({INNER: ipynb(), **dict.fromkeys(extra, b"%PDF-1.7")})

    name = "Ex2_AnnExampleSeven_BoSample"
    report = take(room, save(inbox / f"{name}.zip", pack(f"{name}.pdf")), roster=roster)
    assert taken(report) == [("team_7", FIRST)] and report.taken[0].notes == []
    name = "Ex2_DörteMuster_CemSpecimen"
    report = take(room, save(inbox / f"{name}.zip", pack("a.pdf", "b.png")), roster=roster)
    assert taken(report) == [("team_8", FIRST)]
    assert re.search("exactly one PDF.*found: a.pdf", report.taken[0].notes[0])
    assert "png" in report.taken[0].notes[1]
    mixed = save(inbox / "Ex2_BoSample_CemSpecimen.zip", pack())
    assert "not those of one team" in only_reason(take(room, mixed, roster=roster))
    assert taken(take(room, mixed)) == [("bosample_cemspecimen", FIRST)]


# ---------------------------------------------------------------- LMS downloads


def moodle(**extra: bytes) -> dict[str, bytes]:
    return {
        "Ann Example-Seven_5001_assignsubmission_file_/team_7.tar.gz": tar({INNER: ipynb()}),
        f"Team 8-Cem Specimen_5003_assignsubmission_file_/{FIRST}.ipynb": ipynb(answer="c"),
        f"Dörte Muster_777_assignsubmission_file_{SECOND}.ipynb": ipynb(SECOND),
        "Eve Alone_5005_assignsubmission_onlinetext_/onlinetext.html": b"<p>no file",
        **extra,
    }


def test_a_moodle_download_is_taken_apart_by_the_roster(room, inbox, roster):
    bulk = save(inbox / "CNN-Assignment 1-9.zip", zipped(moodle(), LATER), NOON)
    report = take(room, bulk, roster=roster, from_lms=True)
    assert not report.rejected
    assert taken(report) == [("team_7", FIRST), ("team_8", FIRST), ("team_8", SECOND)]
    assert {entry.received for entry in report.taken} == {LATER}
    archives = {entry.archive for entry in report.taken}
    assert f"{bulk.name}/Ann Example-Seven_5001_assignsubmission_file_/team_7.tar.gz" in archives
    assert any("text typed online" in note for note in report.notes)


def test_a_moodle_download_that_was_unpacked_is_the_same(room, inbox, roster):
    for path, content in moodle().items():
        save(inbox / "download" / path, content)
    report = take(room, inbox / "download", roster=roster)
    assert taken(report) == [("team_7", FIRST), ("team_8", FIRST), ("team_8", SECOND)]


def test_an_upload_is_its_uploaders_whatever_the_archive_is_called(room, inbox, roster):
    name = "Bo Sample_5002_assignsubmission_file_/team_8.tar.gz"
    bulk = save(inbox / "download.zip", zipped({name: tar({INNER: ipynb()})}))
    report = take(room, bulk, roster=roster)
    assert taken(report) == [("team_7", FIRST)]
    assert report.taken[0].notes == ["team_8.tar.gz is called after team_8; it counts for team_7"]


def test_a_file_name_that_imitates_moodle_does_not_change_the_uploader(room, inbox, roster):
    name = f"Bo Sample_5002_assignsubmission_file_Cem Specimen_5003_assignsubmission_file_{FIRST}"
    report = take(room, save(inbox / "d.zip", zipped({f"{name}.ipynb": ipynb()})), roster=roster)
    assert taken(report) == [("team_7", FIRST)]


def test_a_canvas_download_is_taken_apart_by_the_roster(room, inbox, roster):
    files = {
        "sevenannexample_901_33001_team_7.tar-1.gz": tar({INNER: ipynb()}),
        f"specimencem_LATE_903_33002_{FIRST}-2.ipynb": ipynb(answer="c"),
        f"specimencem_LATE_903_33003_{SECOND}.ipynb": ipynb(SECOND),
        "nobody_999_33004_team_7.zip": zipped({INNER: ipynb(answer="stranger")}),
        "anon_aBcDe_33005_team_7.zip": zipped({INNER: ipynb(answer="stranger")}),
    }
    report = take(room, save(inbox / "submissions.zip", zipped(files)), roster=roster)
    assert taken(report) == [("team_7", FIRST), ("team_8", FIRST), ("team_8", SECOND)]
    late = {entry.team for entry in report.taken if "Canvas marks it as late" in entry.notes}
    assert late == {"team_8"}
    reasons = sorted(entry.reason for entry in report.rejected)
    assert "anonymous" in reasons[0] and "not in the roster" in reasons[1]


def test_two_members_uploads_are_one_teams_and_the_newer_counts(room, inbox, roster):
    path = inbox / "download.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, when in [("Ann Example-Seven_5001", LATER), ("Bo Sample_5002", NOON)]:
            stamp = when.astimezone().timetuple()[:6]
            info = zipfile.ZipInfo(f"{name}_assignsubmission_file_/{FIRST}.ipynb", stamp)
            archive.writestr(info, ipynb(answer=name))
    report = take(room, path, roster=roster)
    assert len(report.taken) == 1 and "Ann" in report.taken[0].archive
    assert "Bo" in report.beside[0].earlier.archive
    assert report.taken[0].uploaders == ["s101"]


def packed(answer: str, name: str = FIRST) -> dict[str, bytes]:
    """An upload: one archive with a notebook in it."""
    return {"work.tar.gz": tar({f"notebooks/{name}.ipynb": ipynb(name, answer)})}


@pytest.mark.parametrize("folders", [True, False])
@pytest.mark.parametrize("outer", ["", "CNN-Assignment 1-9/", "a/b/"])
@pytest.mark.parametrize("as_zip", [True, False])
def test_todays_moodle_download_is_taken_apart(room, inbox, roster, folders, outer, as_zip):
    download = samples.moodle(
        ("Ann Example-Seven", 5001, packed("a")),
        ("Dörte Muster", 777, packed("d")),
        ("Team 8-Cem Specimen", 5003, packed("c", SECOND)),
        ("Eve Alone", 5005, {f"sub/{FIRST}.ipynb" if folders else "work.ipynb": ipynb()}),
        folders=folders,
        outer=outer,
    )
    path = save(inbox / "CNN-Assignment 1-9.zip", download)
    if not as_zip:
        path = samples.unpacked(download, inbox / "downloads")
    report = take(room, path, roster=roster, releases=released(inbox.parent))
    assert not report.rejected
    assert taken(report) == [("s_105", FIRST), ("team_7", FIRST), ("team_8", FIRST),
                             ("team_8", SECOND)]  # fmt: skip


def released(root: Path) -> Path:
    """A folder with the releases, by whose cells notebooks are known."""
    for name in samples.NAMES:
        save(root / "released" / f"{name}.ipynb", ipynb(name, "raise NotImplementedError()"))
    return root / "released"


@pytest.mark.parametrize("folders", [True, False])
@pytest.mark.parametrize("as_zip", [True, False])
def test_a_group_of_moodle_is_the_rosters_team(room, inbox, roster, folders, as_zip):
    """A group's "_" become blanks, and its number is no participant's."""
    download = samples.moodle(
        ("team_7", 4721, packed("a")),
        ("Team 08", 4722, packed("b")),
        ("team_9", 4723, packed("c")),
        ("Default group", None, packed("d")),
        folders=folders,
    )
    path = save(inbox / "download.zip", download)
    if not as_zip:
        path = samples.unpacked(download, inbox / "downloads")
    report = take(room, path, roster=roster)
    assert taken(report) == [("team_7", FIRST), ("team_8", FIRST)]
    reasons = {
        entry.archive.split("_")[0].split("/")[-1]: entry.reason for entry in report.rejected
    }
    assert set(reasons) == {"team 9", "Default group"}
    assert "not in the roster" in reasons["team 9"] and "did you mean team_" in reasons["team 9"]
    assert "without a group" in reasons["Default group"]


def test_the_default_groups_folder_may_be_a_team_of_the_roster(room, inbox, tmp_path):
    roster = tmp_path / "list.csv"
    roster.write_text("team,student\nDefault group,s1\nteam_2,s2\n")
    download = samples.moodle(("Default group", None, packed("a")), ("team_2", 12, packed("b")))
    report = take(room, save(inbox / "d.zip", download), roster=roster)
    assert taken(report) == [("default_group", FIRST), ("team_2", FIRST)]


def test_a_blind_download_goes_by_the_numbers(room, inbox, roster):
    download = samples.moodle(
        ("Participant", 5001, packed("a")), ("Teilnehmer/in".replace("/", ""), 5003, packed("b"))
    )
    report = take(room, save(inbox / "d.zip", download), roster=roster)
    assert taken(report) == [("team_7", FIRST), ("team_8", FIRST)]


@pytest.mark.parametrize(
    ("rows", "group", "reason"),
    [
        ("team_7,s1,Team Eight,\nteam_8,s2,,\nteam eight,s3,,", ("team_eight", 1), "s1 of team_7"),
        ("team_7,s1,Ann One,4721\nteam_8,s2,Bo Two,", ("team_8", 4721), "s1 of team_7"),
        ("team_7,s1,,4721\nteam_8,s2,,", ("team_8", 4721), "s1 of team_7"),
    ],
)
def test_a_name_that_may_be_a_students_or_a_teams_is_not_guessed(
    room, inbox, tmp_path, rows, group, reason
):
    roster = tmp_path / "list.csv"
    roster.write_text(f"team,student,name,moodle\n{rows}\n")
    download = samples.moodle((*group, packed("a")))
    report = take(room, save(inbox / "d.zip", download), roster=roster)
    assert not report.taken and reason in only_reason(report)
    assert "is a team" in only_reason(report)


def test_a_group_number_that_is_also_a_member_of_that_team_is_no_conflict(room, inbox, tmp_path):
    roster = tmp_path / "list.csv"
    roster.write_text("team,student,name,moodle\nteam_8,s1,Ann One,4721\nteam_8,s2,Team 8,\n")
    report = take(
        room,
        save(inbox / "d.zip", samples.moodle(("team_8", 4721, packed("a")))),
        roster=roster,
    )
    assert taken(report) == [("team_8", FIRST)]


@pytest.mark.parametrize("as_zip", [True, False])
def test_two_groups_that_may_be_one_team_are_both_refused(room, inbox, roster, as_zip):
    download = samples.moodle(
        ("team_7", 4721, packed("a")), ("Team 07", 4725, packed("b")), ("team_8", 4722, packed("c"))
    )
    path = save(inbox / "d.zip", download)
    if not as_zip:
        path = samples.unpacked(download, inbox / "downloads")
    report = take(room, path, roster=roster)
    assert taken(report) == [("team_8", FIRST)] and len(report.rejected) == 2
    assert all("two groups" in entry.reason for entry in report.rejected)
    assert {entry.team for entry in report.rejected} == {"team_7"}


@pytest.mark.parametrize("with_roster", [True, False])
def test_a_download_that_lies_in_a_folder_is_to_be_collected_alone(
    room, inbox, roster, with_roster
):
    download = samples.moodle(("Ann Example-Seven", 5001, packed("a")))
    bulk = save(inbox / "downloads" / "CNN-PW-99.zip", download)
    save(inbox / "downloads" / "team_8.zip", zipped({INNER: ipynb(answer="own")}))
    report = take(room, inbox / "downloads", roster=roster if with_roster else None)
    assert taken(report) == [("team_8", FIRST)]
    assert report.rejected[0].archive == "downloads/CNN-PW-99.zip"
    assert "collect it alone" in only_reason(report)
    report = take(room, bulk, roster=roster)
    assert taken(report) == [("team_7", FIRST)]
    assert (room.root / "rejected.json").read_text() == "[]"


def test_one_bad_upload_does_not_stop_the_others(room, inbox, roster):
    extra = {
        "Bo Sample_5002_assignsubmission_file_/team_7.zip": b"PK\3\4 nothing",
        "stray.txt": b"",
    }
    report = take(room, save(inbox / "d.zip", zipped(moodle(**extra))), roster=roster)
    assert len(report.taken) == 3 and len(report.rejected) == 2
    assert {entry.team for entry in report.rejected} == {"team_7", ""}


def test_a_download_without_a_roster_is_refused(room, inbox):
    report = take(room, save(inbox / "d.zip", zipped(moodle())))
    assert "needs a roster" in only_reason(report)


def test_archives_in_an_archive_are_opened_for_an_upload_only(room, inbox):
    nested = zipped({"team_7.tar.gz": tar({INNER: ipynb()})})
    report = take(room, save(inbox / "team_7.zip", nested))
    assert "archives inside an archive are not opened" in only_reason(report)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("name\nx", "no column 'student'"),
        ("team,student\nteam_1,a1\nteam_2,A-1\n", "belongs to two students"),
        ("team,student\nteam_1,\n", "line 2"),
        ("team,student,moodle\nt1,a,7\nt2,b,Participant 7\n", "moodle 7 belongs"),
        ("team,student\nteam_1,team_2\nteam_2,b\n", "another team's"),
    ],
)
def test_a_roster_that_cannot_be_right_is_an_error_that_says_where(room, tmp_path, text, reason):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(RosterError, match=reason):
        take(room, roster=path)


def test_a_moodle_number_and_a_name_that_disagree_are_not_guessed(room, inbox, roster):
    files = {f"Cem Specimen_5001_assignsubmission_file_/{FIRST}.ipynb": ipynb()}
    report = take(room, save(inbox / "d.zip", zipped(files)), roster=roster)
    assert "update the roster's moodle column" in only_reason(report) and not report.taken
