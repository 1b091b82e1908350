"""Everything that was handed in is taken in, rejected or ignored, each with the reason."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from grader.classroom import results
from grader.classroom.folder import ClassFolder
from grader.classroom.results import Ignored, Rejected
from grader.intake import CollectReport, summary
from tests.grader.intake_samples import (
    FIRST,
    INNER,
    LATER,
    NOON,
    ROSTER,
    SECOND,
    class_folder,
    course,
    ipynb,
    moodle,
    save,
    take,
    tar,
    zipped,
)

AFTER = LATER + timedelta(hours=1)


@pytest.fixture
def room(tmp_path: Path) -> ClassFolder:
    return class_folder(tmp_path / "class")


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    return tmp_path / "in"


def ignored(room: ClassFolder, inbox: Path) -> dict[str, str]:
    """What the class folder remembers: place below the inbox -> reason."""
    path = room.root / "ignored.json"
    found = results.read(path, list[Ignored]) if path.is_file() else []
    return {entry.source.removeprefix(f"{inbox}/"): entry.reason for entry in found}


def said(report: CollectReport) -> str:
    return "\n".join(summary.lines(report, course()))


def test_equal_work_of_another_archive_is_ignored_and_older_work_is_kept(room, inbox):
    new = save(inbox / "a" / "team_7.zip", zipped({INNER: ipynb(answer="new")}), LATER)
    old = save(inbox / "b" / "team_7.zip", zipped({INNER: ipynb(answer="old")}), NOON)
    same = save(inbox / "c" / "team_7.tar.gz", tar({INNER: ipynb(answer="new")}), AFTER)
    take(room, new)
    assert ignored(room, inbox) == {}
    take(room, old)
    take(room, same)
    there = f"the {FIRST} that is there, team_7.zip"
    assert ignored(room, inbox) == {
        f"c/team_7.tar.gz/{INNER}": f"the same work as {there}",
    }


def test_the_archive_that_counts_is_not_ignored_when_it_is_collected_again(room, inbox):
    path = save(inbox / "team_7.zip", zipped({INNER: ipynb()}))
    take(room, path)
    assert take(room, path).unchanged and ignored(room, inbox) == {}


def test_files_that_belong_to_no_notebook_are_listed_and_counted_on_the_screen(room, inbox):
    files = {
        INNER: ipynb(),
        f"old/{FIRST}.ipynb": ipynb(answer="# YOUR CODE HERE"),
        "essay.docx": b"words",
        "more.zip": b"PK",
        "other.ipynb": b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}',
        f"notebooks/handin/{FIRST}/net.npz": b"weights",
        f"notebooks/handin/{FIRST}/evil.sh": b"rm",
        f"notebooks/handin/{SECOND}/net.npz": b"other weights",
        "RECEIPT.txt": b"ours",
    }
    report = take(room, save(inbox / "team_7.zip", zipped(files)))
    assert {k.removeprefix("team_7.zip/"): v for k, v in ignored(room, inbox).items()} == {
        f"old/{FIRST}.ipynb": f"another copy of {FIRST}; {INNER} was taken",
        "essay.docx": "belongs to no notebook of the course",
        "more.zip": "an archive inside an archive, which is not opened",
        "other.ipynb": "belongs to no notebook of the course",
        f"notebooks/handin/{SECOND}/net.npz": f"belongs to {SECOND}, which did not come with it",
    }
    assert "3 files that came along belong to no notebook and were not taken" in said(report)


def test_a_broken_notebook_is_rejected_and_not_ignored_too(room, inbox):
    files = {INNER: b"{", f"{SECOND}.ipynb": ipynb(SECOND)}
    report = take(room, save(inbox / "team_7.zip", zipped(files)))
    assert len(report.rejected) == len(report.taken) == 1 and ignored(room, inbox) == {}


def test_text_typed_online_and_files_of_nobody_are_ignored(room, inbox):
    (room.root / "roster.csv").write_text(ROSTER, encoding="utf-8")
    typed = moodle(("Cem Specimen", 5003, {"onlinetext.html": b"<p>"}), kind="onlinetext")
    take(room, save(inbox / "download.zip", typed), from_lms=True)
    save(inbox / "week" / "notes.txt", b"mine")
    deep = save(inbox / "week" / Path("1/2/3/4/5/6/7/team_9.zip"), b"")
    take(room, inbox / "week")
    assert ignored(room, inbox) == {
        "download.zip/Cem Specimen_5003_assignsubmission_onlinetext/onlinetext.html": (
            "text typed online, no file"
        ),
        "week/notes.txt": "neither an archive nor a notebook, passed over",
        deep.parents[1].relative_to(inbox).as_posix(): "folders below it were not searched",
    }


def test_what_was_ignored_stays_until_it_is_looked_at_again(room, inbox):
    first = save(inbox / "team_7.zip", zipped({INNER: ipynb(), "a.txt": b"a"}))
    take(room, first)
    take(room, save(inbox / "team_8.zip", zipped({INNER: ipynb(), "b.txt": b"b"})))
    assert set(ignored(room, inbox)) == {"team_7.zip/a.txt", "team_8.zip/b.txt"}
    take(room, save(first, zipped({INNER: ipynb(answer="2")}), LATER))
    assert set(ignored(room, inbox)) == {"team_8.zip/b.txt"}
    save(inbox / "team_8.zip", b"cut off")
    take(room, inbox / "team_8.zip")
    assert ignored(room, inbox) == {}
    assert len(results.read(room.root / "rejected.json", list[Rejected])) == 1


def test_a_delivery_of_very_many_files_is_listed_up_to_a_bound(room, inbox):
    files = {f"venv/{n}.txt": b"%d" % n for n in range(300)}
    take(room, save(inbox / "team_7.zip", zipped({INNER: ipynb(), **files})))
    found = ignored(room, inbox)
    assert len(found) == 201 and "and 100 files more that came with it" in found.values()


def test_a_file_that_is_asked_about_stands_in_no_other_list(room, inbox):
    files = {INNER: ipynb(), "notebooks/numpy.py": b"x = 1\n", "notebooks/notes.py": b"y = 2\n"}
    report = take(room, save(inbox / "team_7.tar.gz", tar(files), NOON))
    (submission,) = report.taken
    assert "numpy.py" in submission.questions[0].reason
    assert [place.rpartition("/")[2] for place in ignored(room, inbox)] == ["notes.py"]
