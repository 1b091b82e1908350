"""Intake as an instructor sees it: sound archives become submissions, and stay whole."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import tarfile
from datetime import timedelta
from pathlib import Path

import pytest
from nbgrader.utils import parse_utc

from grader import config
from grader.classroom import results
from grader.classroom.results import Rejected, Submission
from grader.intake import collect, store
from tests.grader import intake_samples as samples
from tests.grader.intake_samples import (
    FIRST,
    INNER,
    LATER,
    NAMES,
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
def releases(tmp_path: Path) -> Path:
    for name in NAMES:
        save(tmp_path / "released" / f"{name}.ipynb", ipynb(name, "raise NotImplementedError()"))
    return tmp_path / "released"


# ---------------------------------------------------------------- sound archives


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("team_7.tar.gz", tar),
        ("team_7.tgz", tar),
        ("team_7.tar", lambda files: tar(files, "w:")),
        ("team_7.zip", zipped),
        ("Team 07.zip", zipped),
        ("team_7 (1).tar.gz", tar),
        ("team_7.zip", tar),
    ],
)
def test_every_kind_of_archive_becomes_a_submission(room, inbox, name, pack):
    archive = save(inbox / name, pack({INNER: ipynb(), "RECEIPT.txt": b"x"}))
    report = take(room, archive)
    assert taken(report) == [("team_7", FIRST)] and not report.rejected
    place = room.submitted("team_7", FIRST)
    assert (place / f"{FIRST}.ipynb").read_bytes() == ipynb()
    entry = results.read(place / "submission.json", Submission)
    assert entry == report.taken[0]
    assert entry.archive == name
    assert entry.archive_sha256 == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert entry.received == NOON
    assert parse_utc((place / "timestamp.txt").read_text()) == NOON.replace(tzinfo=None)


def test_long_names_of_every_tar_dialect_are_read(room, inbox):
    deep = "/".join(["a-long-folder-name"] * 8)
    for number, dialect in enumerate(
        [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT]
    ):
        path = inbox / f"team_{number}.tar.gz"
        with tarfile.open(path, "w:gz", format=dialect) as archive:
            source = save(inbox / "x", ipynb())
            archive.add(source, f"{deep}/{FIRST}.ipynb")
    report = take(room, *sorted(inbox.glob("*.gz")))
    assert len(report.taken) == 3 and not report.rejected


def test_one_archive_may_hold_several_notebooks_or_one(room, inbox):
    both = save(inbox / "team_1.zip", zipped({f"{name}.ipynb": ipynb(name) for name in NAMES}))
    one = save(inbox / "team_2.zip", zipped({f"x/{SECOND}.ipynb": ipynb(SECOND)}))
    report = take(room, both, one)
    assert taken(report) == [("team_1", FIRST), ("team_1", SECOND), ("team_2", SECOND)]
    assert room.submissions() == taken(report)


def test_files_for_a_notebook_come_along_but_nothing_else_does(room, inbox):
    files = {
        INNER: ipynb(),
        f"notebooks/handin/{FIRST}/net/weights.h5": b"weights",
        f"notebooks/handin/{SECOND}/other.h5": b"other",
        f"notebooks/handin/{FIRST}/nbgrader_config.py": b"evil = 1",
        f"notebooks/handin/{FIRST}/net/jupyter_config.json": b"{}",
        "notebooks/numpy.py": b"evil = 1",
    }
    report = take(room, save(inbox / "team_7.tar.gz", tar(files)))
    stored = f"modules/handin/{FIRST}/nbgrader_config.py.txt"  # as text, which nothing imports
    assert report.taken[0].files == ["files/net/weights.h5", stored]
    told = " ".join(report.taken[0].notes)
    assert "jupyter_config.json" in told and "has a module 'numpy'" in told
    assert len(report.taken[0].questions) == 2
    assert set(samples.everything_in(room.submitted("team_7", FIRST))) == {
        f"{FIRST}.ipynb",
        "files/net/weights.h5",
        stored,
        "submission.json",
        "timestamp.txt",
    }


@pytest.mark.parametrize("pack", [tar, zipped])
def test_weights_of_many_megabytes_are_kept(room, inbox, pack):
    weights = os.urandom(12 * 2**20)
    path = save(inbox / "team_7.zip", pack({INNER: ipynb(), f"handin/{FIRST}/net.h5": weights}))
    assert take(room, path).taken[0].files == ["files/net.h5"]
    assert (room.submitted("team_7", FIRST) / "files" / "net.h5").read_bytes() == weights


def test_too_much_beside_a_notebook_is_left_out_with_a_note(room, inbox):
    files = {INNER: ipynb(), f"notebooks/handin/{FIRST}/big": os.urandom(21 * 2**20)}
    report = take(room, save(inbox / "team_7.tar", tar(files, "w:")))
    assert report.taken[0].files == [] and "more than the limit" in report.taken[0].notes[0]


def test_a_single_notebook_belongs_to_the_team_in_its_name_or_folder(room, inbox):
    save(inbox / "team_3_01_implementing_cnn.ipynb", ipynb())
    save(inbox / "team_4" / f"{FIRST}.ipynb", ipynb())
    save(inbox / f"{FIRST}.ipynb", ipynb())
    report = take(room, *sorted(inbox.iterdir()))
    assert taken(report) == [("team_3", FIRST), ("team_4", FIRST)]
    assert "says no team" in only_reason(report)


def test_a_folder_of_archives_is_searched_and_the_rest_named(room, inbox):
    save(inbox / "week 1" / "team_1.zip", zipped({INNER: ipynb()}))
    save(inbox / "team_2.tar.gz", tar({INNER: ipynb()}))
    save(inbox / "readme.txt", b"hello")
    report = take(room, inbox)
    assert taken(report) == [("team_1", FIRST), ("team_2", FIRST)]
    assert not report.rejected and "readme.txt" in report.notes[0]


def test_the_given_time_of_arrival_wins_over_the_file(room, inbox):
    archive = save(inbox / "team_7.zip", zipped({INNER: ipynb()}))
    assert take(room, archive, received=LATER).taken[0].received == LATER
    assert take(room, archive, received=NOON).taken[0].received == NOON  # put right afterwards
    again = take(room, archive, received=NOON)
    assert not again.taken and again.unchanged[0].received == NOON


# ---------------------------------------------------------------- which notebook it is


@pytest.mark.parametrize(
    "name",
    [
        "01_implementing_cnn (1).ipynb",
        "01_implementing_cnn-Copy1.ipynb",
        "01_implementing_cnn - Copy.ipynb",
        "01_Implementing_CNN.ipynb",
        "1-implementing-cnn.IPYNB",
        "team_7_01_implementing_cnn.ipynb",
        "01_implementing_cnn_final.ipynb",
        "01_implementing_cnn.ipynb.json",
        "a/b/c/01_implementing_cnn-1.ipynb",
    ],
)
def test_a_name_that_was_changed_on_the_way_is_understood(room, inbox, name):
    report = take(room, save(inbox / "team_7.zip", zipped({name: ipynb()})))
    assert taken(report) == [("team_7", FIRST)]
    assert any("was taken as" in note for note in report.taken[0].notes)


def test_a_notebook_of_any_name_is_known_by_its_cells(room, inbox, releases):
    archive = save(inbox / "team_7.zip", zipped({"my work.ipynb": ipynb(SECOND)}))
    assert "no notebook of the course" in only_reason(take(room, archive))
    report = take(room, archive, releases=releases)
    assert taken(report) == [("team_7", SECOND)]
    assert "known by its cells" in report.taken[0].notes[0]


def test_a_notebook_saved_under_the_name_of_another_is_known_by_its_cells(room, inbox, releases):
    archive = save(inbox / "team_7.zip", zipped({f"{FIRST}.ipynb": ipynb(SECOND)}))
    # "setup" is in both notebooks, as it is in the course; it must not decide.
    wrong = samples.notebook(SECOND)
    wrong["cells"] = wrong["cells"][2:]
    archive = save(inbox / "team_7.zip", zipped({f"{FIRST}.ipynb": json.dumps(wrong).encode()}))
    assert taken(take(room, archive, releases=releases)) == [("team_7", SECOND)]


def test_of_two_copies_the_exact_name_counts(room, inbox):
    files = {"01_implementing_cnn (1).ipynb": ipynb(answer="x = 2"), INNER: ipynb(answer="x = 1")}
    report = take(room, save(inbox / "team_7.zip", zipped(files)))
    place = room.submitted("team_7", FIRST)
    assert (place / f"{FIRST}.ipynb").read_bytes() == ipynb(answer="x = 1")
    assert any("(1).ipynb" in note for note in report.taken[0].notes)


def test_of_two_copies_with_equally_good_names_the_more_complete_counts(room, inbox):
    blank = ipynb(answer="# YOUR CODE HERE\nraise NotImplementedError()")
    files = {f"a/{FIRST}.ipynb": blank, f"b/{FIRST}.ipynb": ipynb(), "__MACOSX/x.ipynb": b"{"}
    take(room, save(inbox / "team_7.zip", zipped(files)))
    place = room.submitted("team_7", FIRST)
    assert (place / f"{FIRST}.ipynb").read_bytes() == ipynb()


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (b"\xef\xbb\xbf" + ipynb(), "byte order mark"),
        (ipynb().decode().encode("utf-16"), "UTF-16"),
        (ipynb(answer="x = '\\ud83d'").replace(b"\\\\ud83d", b"\\ud83d"), "half characters"),
        (ipynb(ran=False), "outputs were cleared"),
    ],
)
def test_what_can_be_mended_is_mended_and_noted(room, inbox, content, note):
    report = take(room, save(inbox / "team_7.zip", zipped({INNER: content})))
    assert any(note in entry for entry in report.taken[0].notes)
    written = (room.submitted("team_7", FIRST) / f"{FIRST}.ipynb").read_text(encoding="utf-8")
    assert json.loads(written)["nbformat"] == 4


BROKEN = {
    "not valid JSON": b"{",
    "nested too deeply": b"[" * 100_000 + b"]" * 100_000,
    "nested too deeply ": b'{"nbformat": 4, "cells": ' + b"[" * 200 + b"]" * 200 + b"}",
    "a number is too long": b"1" * 10_000,
    "too many parts": b"[" + b"[]," * 2_000_000 + b"[]]",
    "not UTF-8": b"\x80\x81",
    "is no object": b"[]",
    "no nbformat 4": b"{}",
    "old notebook format": b'{"nbformat": 3, "worksheets": []}',
    "no cells": b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": {}}',
    "cell 1 is damaged": b'{"nbformat":4,"nbformat_minor":5,"metadata":{},"cells":[{"source":1}]}',
}


@pytest.mark.parametrize("reason", BROKEN)
def test_a_broken_notebook_is_refused_and_the_others_are_taken(room, inbox, reason):
    files = {INNER: BROKEN[reason], f"notebooks/{SECOND}.ipynb": ipynb(SECOND)}
    report = take(room, save(inbox / "team_7.tar.gz", tar(files)))
    assert taken(report) == [("team_7", SECOND)]
    assert report.rejected[0].team == "team_7"
    assert INNER in only_reason(report) and reason.strip() in only_reason(report)


# ---------------------------------------------------------------- again, later, and interrupted


def test_the_newest_of_two_archives_counts_whatever_the_order(room, inbox):
    old = save(inbox / "team_7.zip", zipped({INNER: ipynb(answer="old")}))
    new = save(inbox / "Team-7.tar.gz", tar({INNER: ipynb(answer="new")}), LATER)
    report = take(room, new, old)
    assert [entry.archive for entry in report.taken] == ["Team-7.tar.gz"]
    assert [(r.earlier.archive, r.archive) for r in report.beside] == [
        ("team_7.zip", "Team-7.tar.gz")
    ]
    again = take(room, old)
    assert not again.taken and [e.archive for e in again.unchanged] == ["Team-7.tar.gz"]
    place = room.submitted("team_7", FIRST)
    assert (place / f"{FIRST}.ipynb").read_bytes() == ipynb(answer="new")


def test_collecting_the_same_archive_again_changes_nothing(room, inbox):
    archive = save(inbox / "team_7.zip", zipped({INNER: ipynb()}))
    take(room, archive)
    before = samples.everything_in(room.root)
    os.utime(archive, (LATER.timestamp(), LATER.timestamp()))  # copied, say
    report = take(room, archive)
    assert not report.taken and report.unchanged[0].received == NOON
    assert samples.everything_in(room.root) == before


def test_work_that_was_only_run_again_keeps_its_time_of_arrival(room, inbox):
    take(room, save(inbox / "team_7.zip", zipped({INNER: ipynb()})))
    rerun = samples.notebook()
    rerun["cells"][1]["execution_count"] = 99
    files = {INNER: json.dumps(rerun).encode(), f"{SECOND}.ipynb": ipynb(SECOND)}
    report = take(room, save(inbox / "team_7.zip", zipped(files), LATER))
    assert taken(report) == [("team_7", SECOND)]
    assert [(s.notebook, s.received) for s in report.unchanged] == [(FIRST, NOON)]


def test_replacing_work_that_was_on_time_by_late_work_is_pointed_out(room, inbox):
    course = samples.course(NOON + timedelta(hours=1))
    course = dataclasses.replace(course, attempts=config.Attempts("last"))
    for when, answer in [(NOON, "old"), (LATER, "new")]:
        archive = save(inbox / "team_7.zip", zipped({INNER: ipynb(answer=answer)}), when)
        report = collect(room, course, [archive], None, releases=inbox)
    assert "was on time" in report.replaced[0].note


def test_a_bad_archive_leaves_the_good_submission_and_is_reported_until_mended(room, inbox):
    good = zipped({INNER: ipynb()})
    take(room, save(inbox / "team_7.zip", good))
    before = samples.everything_in(room.root / "submitted")
    bad = save(inbox / "team_7.zip", good[:-40], LATER)
    other = save(inbox / "team_8.zip", b"")
    report = take(room, bad, other)
    assert {entry.team for entry in report.rejected} == {"team_7", "team_8"}
    assert samples.everything_in(room.root / "submitted") == before
    assert results.read(room.root / "rejected.json", list[Rejected]) == report.rejected
    take(room, save(inbox / "team_7.zip", zipped({INNER: ipynb(answer="x")}), LATER))
    assert [r.archive for r in results.read(room.root / "rejected.json", list[Rejected])] == [
        "team_8.zip"
    ]


def rejected(room) -> list[tuple[str, str]]:
    """What the class folder remembers: (archive, first words of the reason)."""
    found = results.read(room.root / "rejected.json", list[Rejected])
    return sorted((entry.archive, entry.reason[:20]) for entry in found)


def test_what_is_rejected_in_a_folder_says_where_it_lies(room, inbox):
    people = ["Example, Ann(s1)", "Sample, Bo(s2)", "Specimen, Cem(s3)"]
    (room.root / "roster.csv").write_text("team,student\nteam_4,s1\n")
    week = inbox / "week 1"
    for name in people:
        save(week / name / f"{FIRST}.ipynb", ipynb())
    save(week / "team_4" / "work.tar.gz", b"broken")
    take(room, week)
    take(room, save(inbox / "week 2" / "x" / f"{FIRST}.ipynb", ipynb()))
    expected = [f"{FIRST}.ipynb"] + [f"week 1/{name}/{FIRST}.ipynb" for name in people]
    assert [archive for archive, _ in rejected(room)] == [*expected, "week 1/team_4/work.tar.gz"]


def test_archives_of_one_name_in_several_folders_are_told_apart(room, inbox):
    paths = [save(inbox / part / "work.zip", b"") for part in ("a", "b", "a/x", "b/x")]
    report = take(room, *paths)
    assert len({entry.archive for entry in report.rejected}) == 4
    assert len(rejected(room)) == 4
    report = take(room, *paths[:2])
    assert [entry.archive for entry in report.rejected] == ["a/work.zip", "b/work.zip"]
    assert len(rejected(room)) == 4


def test_a_new_rejection_replaces_only_that_of_the_same_file(room, inbox):
    (room.root / "roster.csv").write_text("team,student\nteam_4,s1\n")
    first = save(inbox / "week 1" / "x" / f"{FIRST}.ipynb", ipynb()).parent.parent
    other = save(inbox / "mail" / f"{FIRST}.ipynb", ipynb(answer="other"))
    again = save(inbox / "old" / "week 1" / "x" / f"{FIRST}.ipynb", ipynb(answer="o")).parent.parent
    for path in (first, other, again, other, first):
        take(room, path)
    assert [archive for archive, _ in rejected(room)] == [
        f"{FIRST}.ipynb",
        f"week 1/x/{FIRST}.ipynb",
        f"week 1/x/{FIRST}.ipynb",
    ]


def test_a_rejection_stays_until_its_team_or_its_file_is_taken_in(room, inbox):
    (room.root / "roster.csv").write_text("team,student\nteam_7,s7\nteam_8,s8\nteam_9,s9\n")
    nameless = save(inbox / "a" / f"{FIRST}.ipynb", ipynb())
    lost = save(inbox / "a" / "Some One" / f"{FIRST}.ipynb", ipynb(answer="z"))
    broken = {INNER: BROKEN["not valid JSON"], f"{SECOND}.ipynb": ipynb(SECOND)}
    save(inbox / "a" / "team_7.zip", zipped(broken))
    save(inbox / "a" / "team_8.zip", b"")
    take(room, inbox / "a")
    assert len(rejected(room)) == 4
    take(room, save(inbox / "team_7.zip", zipped({f"{SECOND}.ipynb": ipynb(SECOND, "2")}), LATER))
    assert len(rejected(room)) == 4  # its first notebook is still to come
    take(room, save(inbox / "team_7.zip", zipped({f"{FIRST}.ipynb": ipynb(FIRST)}), LATER))
    take(room, save(inbox / "team_8.zip", zipped({INNER: ipynb()}), LATER))
    assert "a/team_8.zip" in [a for a, _ in rejected(room)]  # may have held the second one, too
    take(room, save(inbox / "team_8.zip", zipped({f"{SECOND}.ipynb": ipynb(SECOND)}), LATER))
    assert [a for a, _ in rejected(room)] == [
        f"a/{FIRST}.ipynb",
        f"a/Some One/{FIRST}.ipynb",
    ]
    nameless.unlink()
    take(room, save(inbox / f"team_9_{FIRST}.ipynb", ipynb()))  # renamed: the same bytes
    assert [a for a, _ in rejected(room)] == [f"a/Some One/{FIRST}.ipynb"]
    take(room, inbox / "a", roster=save(inbox / "r.csv", b"team,student\nSome One,s1\nteam_7,s2\n"))
    assert lost.is_file()
    assert [a for a, _ in rejected(room)] == ["a/team_7.zip", "a/team_8.zip"]


def test_rejections_that_an_older_version_wrote_are_kept_and_settled(room, inbox):
    (room.root / "rejected.json").write_text(
        '[{"archive": "team_1.zip", "team": "team_1", "reason": "x"},'
        ' {"archive": "team_2.zip", "team": "", "reason": "x"}]'
    )
    take(room, save(inbox / "team_3.zip", zipped({INNER: ipynb()})))
    assert len(rejected(room)) == 2
    take(room, save(inbox / "team_2.zip", zipped({INNER: ipynb()})))
    assert [archive for archive, _ in rejected(room)] == ["team_1.zip"]


def test_a_folder_named_by_a_dot_is_called_what_it_is_called(room, inbox, monkeypatch):
    (room.root / "roster.csv").write_text("team,student\nteam_4,s1\n")
    save(inbox / "week 1" / f"{FIRST}.ipynb", ipynb())
    monkeypatch.chdir(inbox / "week 1")
    report = take(room, Path())
    assert report.rejected[0].archive == f"week 1/{FIRST}.ipynb"


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_kill_at_any_step_leaves_the_old_or_the_new_submission(
    room, inbox, monkeypatch, can_exchange
):
    class Killed(BaseException):
        pass

    if not can_exchange:
        monkeypatch.setattr(store, "_exchange", lambda one, other: False)
    take(room, save(inbox / "team_7.zip", zipped({INNER: ipynb(answer="0")})))
    place = room.submitted("team_7", FIRST)
    steps = 0
    for step in range(1, 40):
        seen = {ipynb(answer=str(step - 1)), ipynb(answer=str(step))}
        archive = save(
            inbox / "team_7.zip",
            zipped({INNER: ipynb(answer=str(step)), f"handin/{FIRST}/f": str(step).encode()}),
            NOON + timedelta(minutes=step),
        )
        calls = 0

        def killing(original):
            def call(*args, **kwargs):
                nonlocal calls
                calls += 1
                if calls == step:  # noqa: B023
                    raise Killed
                return original(*args, **kwargs)

            return call

        with monkeypatch.context() as patch:
            for name in ("write_bytes", "write_text", "rename", "mkdir"):
                patch.setattr(Path, name, killing(getattr(Path, name)))
            patch.setattr(store.os, "fsync", killing(os.fsync))
            patch.setattr(store.shutil, "rmtree", killing(store.shutil.rmtree))
            try:
                take(room, archive)
            except Killed:
                steps += 1
            else:
                break
        with store.exclusive(room):
            entry = store.current(room, "team_7", FIRST)
            assert entry is not None
            files = store.files_of(room, entry)
            assert files is not None and files[f"{FIRST}.ipynb"] in seen
        assert room.submissions() == [("team_7", FIRST)]
        take(room, archive)
        assert (place / f"{FIRST}.ipynb").read_bytes() == ipynb(answer=str(step))
        assert {p.name for p in (room.root / store.WORKPLACE).iterdir()} == {"lock"}
    assert steps > 5


def test_one_bad_file_drops_no_other_rejection_of_its_name(room, inbox):
    """Six students whose file is called alike; each stays until it is taken in or deleted."""
    (room.root / "roster.csv").write_text("team,student\nteam_7,x7\n")
    week = inbox / "Aufgabe 1"
    people = [f"Student, No{n}(s{n})" for n in range(6)]
    for name in people:
        save(week / name / "Submission attachment(s)" / f"{FIRST}.ipynb", ipynb(answer=name))
    take(room, week)
    assert len(rejected(room)) == 6 and all(f"No{n}" in rejected(room)[n][0] for n in range(6))
    take(room, save(inbox / f"{FIRST}.ipynb", ipynb()))
    assert len(rejected(room)) == 7
    mended = week / people[2] / "Submission attachment(s)" / f"{FIRST}.ipynb"
    take(room, save(inbox / f"team_7_{FIRST}.ipynb", mended.read_bytes()))
    assert len(rejected(room)) == 6 and not any("No2" in place for place, _ in rejected(room))


def test_a_rejected_upload_says_whose_it_is_by_the_lms_word(room, inbox):
    (room.root / "roster.csv").write_text(samples.ROSTER, encoding="utf-8")
    packed = samples.moodle(
        ("Nora Nobody", 777, {f"{FIRST}.ipynb": ipynb()}),
        ("Cem Specimen", 5003, {f"{FIRST}.ipynb": b"{"}),
    )
    report = take(room, save(inbox / "d.zip", packed))
    found = {(entry.person, entry.team) for entry in report.rejected}
    assert found == {("Nora Nobody, moodle 777", ""), ("Cem Specimen, moodle 5003", "team_8")}
