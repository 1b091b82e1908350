"""collect_submission.sh as a student runs it: what it packs, and what it says when it does not."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from grader.classroom.folder import ClassFolder
from grader.intake import collect
from tests.grader.intake_samples import FIRST, IDS, SECOND, course, ipynb, notebook, save
from utils.checks.identity import normalise_id
from utils.packing import state
from utils.packing.asked import LISTED

ROOT = Path(__file__).resolve().parents[2]
ASKED = json.loads((ROOT / LISTED).read_text())
for sample in (FIRST, SECOND):  # they are no whole notebooks
    ASKED["expected"][sample] = {
        "checks": [], "essays": {}, "cells": IDS[sample], "handin": [], "own_numbers": True
    }  # fmt: skip
NOTEBOOKS, PAIRS = ASKED["notebooks"], ASKED["pairs"]["notebooks"]
BASH = shutil.which("bash")
pytestmark = pytest.mark.skipif(BASH is None, reason="needs bash")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """What a student has: the script, utils/ and notebooks, of which two are done."""
    root = tmp_path / "my course"
    for name in ("collect_submission.sh", "utils/handin.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    shutil.copytree(ROOT / "utils" / "packing", root / "utils" / "packing")
    save(root / LISTED, json.dumps(ASKED).encode())
    for name in NOTEBOOKS:
        blank = notebook(answer="# YOUR CODE HERE\nraise NotImplementedError()", ran=False)
        save(root / "notebooks" / f"{name}.ipynb", json.dumps(blank).encode())
    for name in (FIRST, SECOND):
        save(root / "notebooks" / f"{name}.ipynb", ipynb(name))
    return root


def run(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    assert BASH
    return subprocess.run(
        [BASH, str(home / "collect_submission.sh"), *arguments],
        cwd=home.parent,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def refused(home: Path, *arguments: str) -> str:
    """The message of a run that must fail and leave nothing behind."""
    done = run(home, *arguments)
    assert done.returncode == 1 and not done.stdout, done
    assert not [path for path in home.iterdir() if path.suffix in (".gz", ".zip", ".txt")]
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_team_gets_an_archive_of_all_notebooks_that_were_worked_on(home):
    done = run(home, "team_7")
    assert done.returncode == 0, done.stderr
    with tarfile.open(home / "team_7.tar.gz") as archive:
        names = archive.getnames()
        receipt = archive.extractfile("RECEIPT.txt").read().decode()
    assert names == ["RECEIPT.txt", f"notebooks/{FIRST}.ipynb", f"notebooks/{SECOND}.ipynb"]
    assert "Left out: 05_fooling_cnn" in done.stdout
    digest = hashlib.sha256((home / "team_7.tar.gz").read_bytes()).hexdigest()
    line = f"{hashlib.sha256(ipynb()).hexdigest()}  notebooks/{FIRST}.ipynb"
    assert digest in done.stdout and line in done.stdout and line in receipt
    assert f"{digest}  team_7.tar.gz" in (home / "team_7.receipt.txt").read_text()


@pytest.mark.parametrize("arguments", [["team_7"], ["--zip", "--no-report", "team_7"]])
def test_the_same_files_give_the_same_bytes(home, arguments):
    run(home, *arguments)
    archive = next(path for path in home.iterdir() if path.suffix in (".gz", ".zip"))
    before = archive.read_bytes()
    for path in home.rglob("*.ipynb"):
        os.utime(path, (1, 1))
        path.chmod(0o600)
    done = run(home, *arguments)
    assert archive.read_bytes() == before and "with the same content" in done.stdout
    save(home / "notebooks" / f"{FIRST}.ipynb", ipynb(answer="x = 2"))
    assert "has been replaced" in run(home, *arguments).stdout
    assert archive.read_bytes() != before


@pytest.mark.parametrize(
    "how", [FIRST, f"{FIRST}.ipynb", f"my course/notebooks/{FIRST}.ipynb", "1"]
)
def test_a_single_notebook_may_be_named_in_any_way(home, how):
    (home / "notebooks" / f"{SECOND}.ipynb").unlink()
    assert run(home, "team_7", how).returncode == 0
    with tarfile.open(home / "team_7.tar.gz") as archive:
        assert archive.getnames() == ["RECEIPT.txt", f"notebooks/{FIRST}.ipynb"]


def test_what_is_packed_is_what_graders_take(home, tmp_path):
    save(home / "notebooks" / "handin" / FIRST / "net" / "weights.npz", b"weights")
    assert run(home, "team_7").returncode == 0
    room = ClassFolder(tmp_path / "class")
    room.root.mkdir()
    report = collect(room, course(), [home / "team_7.tar.gz"], None, releases=tmp_path)
    assert [entry.notebook for entry in report.taken] == [FIRST, SECOND]
    assert report.taken[0].files == ["files/net/weights.npz"]
    assert not report.rejected and not report.taken[0].notes


def test_cleared_outputs_are_refused(home):
    save(home / "notebooks" / f"{FIRST}.ipynb", ipynb(ran=False))
    message = refused(home, "team_7")
    assert f"{FIRST}.ipynb has no outputs" in message and "Run All Cells" in message


@pytest.mark.parametrize("line", ['STUDENT_ID = "your_id"', "STUDENT_ID='Your-ID'  # such as x"])
def test_an_id_that_was_never_filled_in_is_refused(home, line):
    save(home / "notebooks" / f"{FIRST}.ipynb", ipynb(answer=line))
    message = refused(home, "team_7")
    assert f"{FIRST}.ipynb still has STUDENT_ID" in message and "write your team's id" in message
    assert run(home, "team_7", SECOND).returncode == 0


def test_another_id_in_a_notebook_is_told_and_packed(home):
    save(home / "notebooks" / f"{FIRST}.ipynb", ipynb(answer='STUDENT_ID = "s1001"  # mine'))
    done = run(home, "team_7")
    assert done.returncode == 0 and done.stdout.count("Warning") == 1
    assert f"in {FIRST}.ipynb STUDENT_ID is 's1001', and you hand in as team_7" in done.stdout
    assert "fine if in the class list both belong to one team" in done.stdout


@pytest.mark.parametrize(
    "line", ['STUDENT_ID = "Team 007"', "STUDENT_ID = me", "# STUDENT_ID = 's1'", "x = STUDENT_ID"]
)
def test_the_teams_own_id_in_any_spelling_is_no_reason_for_a_warning(home, line):
    save(home / "notebooks" / f"{FIRST}.ipynb", ipynb(answer=line))
    done = run(home, "team_7")
    assert done.returncode == 0 and "Warning" not in done.stdout


@pytest.mark.parametrize("text", ["Team-07", "team 000", "Ann_Bo", " s1001 ", "STRASSE ß", "x٣y"])
def test_the_script_spells_ids_as_the_course_does(text):
    assert normalise_id(state.normalised(text)) == normalise_id(text)


def test_a_missing_notebook_is_named_with_a_way_out(home):
    (home / "notebooks" / f"{SECOND}.ipynb").unlink()
    message = refused(home, "team_7")
    assert f"missing: notebooks/{SECOND}.ipynb" in message and FIRST in message
    assert "missing" in refused(home, "team_7", SECOND)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{'a': 1}", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"\x80\x81", "not UTF-8"),
        (b"[]", "not a notebook"),
        (b'{"cells": [1]}', "not a notebook"),
    ],
)
def test_a_broken_notebook_is_refused(home, content, reason):
    save(home / "notebooks" / f"{FIRST}.ipynb", content)
    message = refused(home, "team_7")
    assert f"{FIRST}.ipynb" in message and reason in message and "save it again" in message


@pytest.mark.parametrize(
    "team", ["", "../team_7", "team 7", "-", "7", "team/7", "a" * 41, FIRST, "team_7;ls", "$(id)"]
)
def test_a_bad_team_name_is_refused(home, team):
    assert "team" in (run(home, "--", team).stderr if team == "-" else refused(home, team))


def test_no_team_at_all_is_refused_and_nothing_started_too(home):
    assert "name your team" in refused(home)
    assert "no notebook of the course" in refused(home, "team_7", "06_other")
    for name in (FIRST, SECOND):
        (home / "notebooks" / f"{name}.ipynb").write_bytes(
            (home / "notebooks" / "05_fooling_cnn.ipynb").read_bytes()
        )
    assert "no notebook has been started" in refused(home, "team_7")


def test_weights_that_were_put_aside_stay_at_home(home):
    beside = home / "notebooks" / "handin" / FIRST
    beside.mkdir(parents=True)
    for name in ("net.npz", "net.before", "net.partial"):
        (beside / name).write_bytes(b"weights")
    assert run(home, "team_7").returncode == 0
    with tarfile.open(home / "team_7.tar.gz") as archive:
        names = {name for name in archive.getnames() if "/net." in name}
    assert names == {f"notebooks/handin/{FIRST}/net.npz"}


def test_too_much_and_links_beside_a_notebook_are_refused(home):
    folder = home / "notebooks" / "handin" / FIRST
    big = save(folder / "weights.h5", bytes(21 * 2**20))
    assert "more than the limit, 20.0 MB" in refused(home, "team_7")
    big.unlink()
    (folder / "data").symlink_to(home)
    assert "a link" in refused(home, "team_7")


def test_a_zip_holds_notebooks_and_report(home):
    assert "no report" in refused(home, "--zip", "team_7")
    assert "no file other.pdf" in refused(home, "--zip", "team_7", "--report", "other.pdf")
    save(home / "report.pdf", b"%PDF-1.7")
    assert run(home, "--zip", "team_7", "01").returncode == 0
    with zipfile.ZipFile(home / "team_7.zip") as archive:
        assert archive.namelist() == ["RECEIPT.txt", f"notebooks/{FIRST}.ipynb", "report.pdf"]


def pair(home: Path) -> None:
    for name in PAIRS:
        save(home / "notebooks" / f"{name}.ipynb", ipynb())
    save(home / "Ex2_One_Two.pdf", b"%PDF-1.7")


def test_a_pair_gets_a_zip_with_code_images_and_one_pdf(home):
    pair(home)
    save(home / "notebooks" / "images" / "cat.jpg", b"jpg")
    save(home / "notebooks" / "attack.py", b"x = 1")
    save(home / "notebooks" / f"{PAIRS[0]}.ipynb", ipynb(answer="import attack"))
    done = run(home, "--ex2", "One_Two", "--image", "my course/notebooks/images/../dog.jpg")
    assert done.returncode == 1 and "no file" in done.stderr
    assert run(home, "--ex2", "One_Two").returncode == 0
    with zipfile.ZipFile(home / "Ex2_One_Two.zip") as archive:
        assert archive.namelist() == [
            "Ex2_One_Two.pdf",
            "RECEIPT.txt",
            "images/cat.jpg",
            "notebooks/04_visualizing_cnn.ipynb",
            "notebooks/05_fooling_cnn.ipynb",
            "notebooks/attack.py",
        ]


def test_a_pair_is_told_what_its_zip_may_not_hold(home):
    pair(home)
    assert "plain letters" in refused(home, "--ex2", "One_Two_Three")
    assert "Ex2_Other.pdf is missing" in refused(home, "--ex2", "Other")
    save(home / "notebooks" / "Ex2_One_Two.pdf", b"%PDF-1.7")
    assert "in two places" in refused(home, "--ex2", "One_Two")
    save(home / "Ex2_One_Two.pdf", b"PK a word document")
    (home / "notebooks" / "Ex2_One_Two.pdf").unlink()
    assert "not a PDF" in refused(home, "--ex2", "One_Two")
    save(home / "Ex2_One_Two.pdf", b"%PDF-1.7")
    save(home / "notebooks" / "images" / "cat.PNG", b"png")
    assert "png files are not" in refused(home, "--ex2", "One_Two")
    (home / "notebooks" / "images" / "cat.PNG").unlink()
    save(home / "notebooks" / "handin" / "05_fooling_cnn" / "more.pdf", b"%PDF-1.7")
    assert "exactly one PDF" in refused(home, "--ex2", "One_Two")


def test_without_a_python_it_says_where_to_run_it(home, tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("bash", "dirname"):
        (tools / tool).symlink_to(shutil.which(tool) or "")
    stub = save(tools / "python3", b"#!/bin/sh\nexit 49\n")  # as on Windows without Python
    stub.chmod(0o755)
    done = run(home, "team_7", PATH=str(tools))
    assert done.returncode == 2 and "terminal in which you start Jupyter" in done.stderr
    (tools / "python").symlink_to(sys.executable)
    assert run(home, "team_7", PATH=str(tools)).returncode == 0


def test_a_module_of_the_students_own_cannot_break_packing(home):
    save(home.parent / "json.py", b"raise SystemExit('mine')")
    save(home / "utils" / "json.py", b"raise SystemExit('mine')")
    assert run(home, "team_7").returncode == 0


def test_only_what_was_handed_out_is_missed(home):
    save(
        home / "data" / "notebooks.json",
        json.dumps(ASKED | {"notebooks": [FIRST, SECOND]}).encode(),
    )
    for name in set(NOTEBOOKS) - {FIRST, SECOND}:
        (home / "notebooks" / f"{name}.ipynb").unlink()
    assert run(home, "team_7").returncode == 0
    (home / "notebooks" / f"{SECOND}.ipynb").unlink()
    (home / "team_7.tar.gz").unlink()
    (home / "team_7.receipt.txt").unlink()
    assert f"missing: notebooks/{SECOND}.ipynb" in refused(home, "team_7")
