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
from typing import Any

import pytest

from grader.classroom.folder import ClassFolder
from grader.intake import collect
from tests.grader.intake_samples import FIRST, IDS, LATER, SECOND, course, ipynb, notebook, save
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


def test_outputs_cleared_in_part_are_refused_and_noted_by_intake(home, tmp_path):
    work = notebook()
    check = {"grade_id": "check_conv2d_forward", "grade": True, "locked": True}
    cell = {**work["cells"][2], "id": "a", "metadata": {"nbgrader": check}, "outputs": []}
    work["cells"][3:3] = [cell | {"execution_count": None}]
    save(home / "notebooks" / f"{FIRST}.ipynb", json.dumps(work).encode())
    message = refused(home, "team_7")
    assert "not even some of them" in message and "run: conv2d_forward." in message
    assert run(home, "team_7", "--anyway").returncode == 0
    room = ClassFolder(tmp_path / "class")
    room.root.mkdir()
    report = collect(room, course(), [home / "team_7.tar.gz"], None, releases=tmp_path)
    noted = [note for entry in report.taken for note in entry.notes]
    assert noted == ["without outputs of checks and figures: conv2d_forward"]
    assert not any(entry.questions for entry in report.taken)


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


def test_a_report_alone_goes_with_its_notebook_as_it_is(home):
    name = "03_data_augmentation"
    save(home / "report.pdf", b"%PDF-1.7")
    blank = notebook(answer="# YOUR CODE HERE\nraise NotImplementedError()", ran=False)
    for started in (FIRST, SECOND):
        save(home / "notebooks" / f"{started}.ipynb", json.dumps(blank).encode())
    alone = ["--zip", "team_7", "--report", "report.pdf"]
    assert "name the notebook that it is about" in refused(home, *alone)
    assert "has no outputs" in refused(home, "--zip", "team_7", "03")
    done = run(home, *alone, "03")  # in any order
    assert done.returncode == 0, done.stderr
    assert f"{name} has not been started: it goes with the report" in done.stdout
    with zipfile.ZipFile(home / "team_7.zip") as archive:
        assert archive.namelist() == ["RECEIPT.txt", f"notebooks/{name}.ipynb", "report.pdf"]


def test_a_notebook_with_answers_in_words_alone_is_not_left_out(home):
    name = "05_fooling_cnn"
    asked = json.loads((home / LISTED).read_text())
    asked["expected"][name] |= {"essays": {"why": state.digest("Your answer.")}, "cells": []}
    save(home / LISTED, json.dumps(asked).encode())
    blank = notebook(answer="# YOUR CODE HERE\nraise NotImplementedError()", ran=False)
    words = {"cell_type": "markdown", "id": "why", "metadata": {"nbgrader": {"grade_id": "why"}}}
    blank["cells"].append({**words, "source": ["Your  answer."]})
    save(home / "notebooks" / f"{name}.ipynb", json.dumps(blank).encode())
    assert f"Left out: {name}" in run(home, "team_7").stdout
    blank["cells"][-1]["source"] = ["Because its gradient says so."]
    save(home / "notebooks" / f"{name}.ipynb", json.dumps(blank).encode())
    done = run(home, "--anyway", "team_7")
    assert f"{name}: " in done.stdout and f"Left out: {name}" not in done.stdout


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
            *(f"code/{name}.py" for name in PAIRS),
            "images/cat.jpg",
            "notebooks/01_implementing_cnn.ipynb",
            "notebooks/04_visualizing_cnn.ipynb",
            "notebooks/05_fooling_cnn.ipynb",
            "notebooks/attack.py",
        ]
        code = archive.read(f"code/{PAIRS[0]}.py").decode()
    assert "\nimport attack\n" in code and compile(code, "code", "exec")


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


def told_of(home: Path, notebook: dict[str, Any], *arguments: str, passes: bool = True) -> str:
    """What the script says of a first notebook, all of whose problems it may only warn of."""
    save(home / "notebooks" / f"{FIRST}.ipynb", json.dumps(notebook).encode())
    done = run(home, "team_7", *arguments)
    assert done.returncode == (0 if passes else 1), done
    return done.stdout + done.stderr


def expecting(home: Path, **changes: object) -> None:
    """Let the first notebook be expected to hold something else."""
    expected = {**ASKED["expected"], FIRST: {**ASKED["expected"][FIRST], **changes}}
    save(home / LISTED, json.dumps(ASKED | {"expected": expected}).encode())


def test_each_notebook_gets_a_line_and_the_one_that_matters_is_the_last(home):
    expecting(
        home, checks=["conv2d_forward", "other"], essays={"why_stride": "0"}, handin=["a.npz"]
    )
    work = notebook()
    work["cells"][2]["metadata"]["nbgrader"]["grade_id"] = "check_conv2d_forward"
    metadata = {"check": {"name": "conv2d_forward", "score": 1.0}}
    work["cells"][2]["outputs"] = [
        {"output_type": "display_data", "data": {}, "metadata": metadata}
    ]
    said = told_of(home, work).strip().splitlines()
    line = f"{FIRST}: 1 of 2 checks passed (1 not run); not in handin/: a.npz."
    assert line in said and said[-1].startswith("team_7.tar.gz is ready to hand in")
    assert said.index(line) > max(i for i, text in enumerate(said) if text.endswith(".ipynb"))


def test_all_problems_are_named_at_once(home):
    save(home / "notebooks" / f"{FIRST}.ipynb", b"{")
    save(home / "notebooks" / f"{SECOND}.ipynb", ipynb(SECOND, ran=False))
    save(home / "notebooks" / "handin" / SECOND / "run.sh", b"")
    save(home / "notebooks" / "random.py", b"x = 1")
    message = refused(home, "your id", "--report", "x")
    for part in ("team name", "not valid JSON", "no outputs", "run.sh", "my_random", "goes with"):
        assert part in message
    assert message.count("my_random") == 1 and "Traceback" not in message


def test_lost_metadata_is_refused_and_packed_if_so_wished(home):
    work = notebook()
    for cell in work["cells"]:
        cell["metadata"] = {}
    message = told_of(home, work, passes=False)
    assert "none of the course's cells" in message and "copy your answers" in message
    assert "add --anyway" in message
    assert "Warning: " in told_of(home, work, "--anyway")


def test_lost_cells_outputs_and_names_are_warned_of(home):
    work = notebook()
    work["cells"][1]["metadata"]["nbgrader"]["locked"] = True
    work["cells"][1]["source"] = "from utils import check"
    work["cells"][2].update(outputs=[], execution_count=None, source="check = 3")
    del work["cells"][3]
    said = told_of(home, work)
    assert f"{FIRST}.ipynb lacks cells of the course" in said and "pool_forward" in said
    assert "shows no output of conv2d_forward: choose Run > Run All Cells" in said
    assert "conv2d_forward: check is given to something else" in said


@pytest.mark.parametrize(
    "path",
    [f"handin/{FIRST}/net.npz", "helpers.py", f".ipynb_checkpoints/{FIRST}-checkpoint.ipynb"],
)
def test_a_notebook_older_than_the_work_is_to_be_saved_first(home, path):
    save(home / "notebooks" / path, b"x = 1", LATER)
    said = told_of(home, notebook(answer="import helpers"))
    assert f"notebooks/{FIRST}.ipynb is older than" in said and "save it there" in said
    save(home / "notebooks" / path, b"x = 1")
    assert "is older than" not in told_of(home, notebook(answer="import helpers"))


def test_own_modules_go_along_from_wherever_notebooks_import_them(home, tmp_path):
    code = "import helpers, above\nfrom tools.more import x\nopen('table.csv')"
    save(home / "notebooks" / f"{FIRST}.ipynb", ipynb(answer=code))
    files = {"helpers.py": "notebooks/helpers.py", "tools/more.py": "notebooks/tools/more.py"}
    files |= {"above.py": "above.py", "unneeded.py": "notebooks/unneeded.py"}
    for place in files.values():
        save(home / place, place.encode())
    save(home / "notebooks" / "table.csv", b"1")
    save(home / "notebooks" / "venv" / "pyvenv.cfg", b"")
    save(home / "notebooks" / "venv" / "lib" / "helpers.py", b"")
    done = run(home, "team_7")
    with tarfile.open(home / "team_7.tar.gz") as archive:
        names = [name for name in archive.getnames() if name.endswith((".py", ".csv"))]
    assert names == ["notebooks/above.py", "notebooks/helpers.py", "notebooks/tools/more.py"]
    assert "Left out: unneeded.py, which no notebook mentions." in done.stdout
    assert f"{FIRST} seems to read table.csv, which is not handed in: put it into" in done.stdout
    room = ClassFolder(tmp_path / "class")
    room.root.mkdir()
    first, second = collect(room, course(), [home / "team_7.tar.gz"], None, releases=tmp_path).taken
    stored = ["above.py", "helpers.py", "tools/more.py"]
    assert first.files == [f"modules/{name}.txt" for name in stored] and not first.questions
    assert second.files == [] and not second.questions


def test_an_id_is_asked_for_where_it_counts_alone(home):
    expecting(home, own_numbers=False)
    for line in ('STUDENT_ID = "your_id"', 'STUDENT_ID = "s1001"'):
        assert "STUDENT_ID" not in told_of(home, notebook(answer=line))


@pytest.mark.parametrize("name", ["your_id", "Your-ID", "team-copy"])
def test_a_name_that_stands_for_one_is_no_team(home, name):
    assert "team" in refused(home, name)


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


COLAB = """
import json, sys, types
colab = types.ModuleType("google.colab")
colab._message = types.SimpleNamespace(
    blocking_request=lambda what, **_: {"ipynb": json.loads(open(sys.argv[1]).read())}
)
colab.files = types.SimpleNamespace(download=lambda path: print("download", path))
sys.modules |= {"google": types.ModuleType("google"), "google.colab": colab}
"""
CELL = """
from utils import handin
packed = handin.pack("team_7")
print(packed)
print(packed._repr_html_())
"""


def in_a_cell(home: Path, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run what a notebook's cell runs, in the folder of the notebooks."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=home / "notebooks", env={**os.environ, "PYTHONPATH": str(home)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_cell_packs_as_the_script_does_and_has_a_link(home: Path) -> None:
    done = in_a_cell(home, CELL)
    assert done.returncode == 0, done.stderr
    assert "team_7.tar.gz is ready to hand in" in done.stdout
    assert '<a href="../team_7.tar.gz" download>team_7.tar.gz</a>' in done.stdout
    packed = (home / "team_7.tar.gz").read_bytes()
    assert run(home, "team_7").returncode == 0
    assert (home / "team_7.tar.gz").read_bytes() == packed


def test_what_a_cell_can_not_pack_is_told_without_a_traceback_of_ours(home: Path) -> None:
    code = """
from utils import handin
try:
    handin.pack("your_id", "09")
except handin.NotPacked as problem:
    print(problem._render_traceback_()[0])
"""
    done = in_a_cell(home, code)
    assert done.stdout.startswith("Nothing was packed:\n  - 'your_id' stands for your team"), done
    assert "'09' is no notebook of the course" in done.stdout


def test_colab_is_asked_for_the_open_notebook_and_saves_the_archive(home: Path) -> None:
    """A stand-in for google.colab; nobody has tried it on Colab itself."""
    given = home / "open.json"
    given.write_bytes((home / "notebooks" / f"{FIRST}.ipynb").read_bytes())
    (home / "notebooks" / f"{FIRST}.ipynb").unlink()
    done = in_a_cell(home, COLAB + CELL, str(given))
    assert done.returncode == 0, done.stderr
    assert f"download {home / 'team_7.tar.gz'}" in done.stdout
    with tarfile.open(home / "team_7.tar.gz") as archive:
        assert f"notebooks/{FIRST}.ipynb" in archive.getnames()
    given.write_text('{"cells": []}')
    done = in_a_cell(home, COLAB + CELL, str(given))
    assert "none of the course's" in done.stderr
