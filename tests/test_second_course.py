"""Another course goes all the way where this course isn't: by the same commands."""

from __future__ import annotations

import copy
import csv
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from grader.contract import visible
from grader.places import ROOT
from tests.grader import sandbox_helpers

NAME = "01_areas"
RIGHT = {"area": "def area(width, height):\n    return width * height"}
RIGHT |= {"units": 'units = shapes.units_of("area")'}
WRONG = RIGHT | {"area": "def area(width, height):\n    return 2 * (width + height)"}


class Elsewhere:
    """The harness without a course of its own, and beside it another course."""

    def __init__(self, root: Path):
        self.root, self.harness, self.course = root, root / "harness", root / "areas"
        left_out = shutil.ignore_patterns("__pycache__", "course", "*.npz")
        shutil.copytree(ROOT / "grader", self.harness / "grader", ignore=left_out)
        for name in (*visible.HARNESS_HALF, "utils/doctor.py", *visible.AROUND):
            (self.harness / name).parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, self.harness / name)
        shutil.copytree(ROOT / "tests" / "second_course", self.course)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """./course --course FOLDER …, in a folder of the instructor's."""
        return subprocess.run(
            [sys.executable, "-m", "grader", "--course", str(self.course), *words],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(self.harness), "COLUMNS": "120"},
            capture_output=True,
            text=True,
        )

    def done(self, *words: str, status: int = 0) -> str:
        """What a command that ends with a status has printed."""
        done = self.command(*words)
        assert done.returncode == status, f"{words}: {done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Elsewhere:
    there = Elsewhere(tmp_path_factory.mktemp("elsewhere").resolve())
    there.done("build")
    there.done("release", "--out", "dist")
    return there


@pytest.fixture(scope="module")
def graded(elsewhere: Elsewhere) -> Elsewhere:
    sandbox_helpers.require("direct")
    for team, answers in (("team_1", RIGHT), ("team_2", WRONG)):
        hand_in(elsewhere, team, answers)
    elsewhere.done("collect", "inbox")
    elsewhere.done("grade")
    return elsewhere


def test_doctor_looks_for_this_course(elsewhere: Elsewhere) -> None:
    assert f"Notebooks: {NAME}" in elsewhere.command("doctor").stdout


def hand_in(elsewhere: Elsewhere, team: str, answers: dict[str, str]) -> None:
    """What a student does: unpack the release, fill in the cells, run them, pack."""
    home = elsewhere.root / team
    with zipfile.ZipFile(elsewhere.root / "dist" / "areas.zip") as archive:
        archive.extractall(home)  # ours, packed a moment ago
    path = home / "areas" / "notebooks" / f"{NAME}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        cell.source = answers.get(name, cell.source)
    NotebookClient(
        notebook, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}},
        allow_errors=True,
    ).execute()  # fmt: skip
    nbformat.write(notebook, path)
    packed = subprocess.run(
        ["bash", "collect_submission.sh", team], cwd=home / "areas", capture_output=True, text=True
    )
    assert packed.returncode == 0, packed.stderr
    right = 1 if answers == WRONG else 2
    assert f"{NAME}: {right} of 2 checks passed." in packed.stdout  # as Jupyter left its outputs
    assert packed.stdout.splitlines()[-1].startswith(f"{team}.tar.gz is ready to hand in")
    inbox = elsewhere.root / "inbox"
    inbox.mkdir(exist_ok=True)
    shutil.copy(home / "areas" / f"{team}.tar.gz", inbox)


def test_it_is_built_beside_the_harness(elsewhere: Elsewhere) -> None:
    public = elsewhere.course / "public"
    built = nbformat.read(public / "notebooks" / f"{NAME}.ipynb", as_version=4)
    assert "raise NotImplementedError" in "".join(cell.source for cell in built.cells)
    assert (public / "data" / "checks" / "area.npz").is_file()
    elsewhere.done("build", "--check")
    assert not (elsewhere.harness / "notebooks").exists()


def test_students_get_its_helpers_and_the_harness_half(elsewhere: Elsewhere) -> None:
    with zipfile.ZipFile(elsewhere.root / "dist" / "areas.zip") as archive:
        names = {name.removeprefix("areas/") for name in archive.namelist()}
    assert {"shapes/__init__.py", f"notebooks/{NAME}.ipynb", "utils/checks/handover.py"} <= names
    assert {"collect_submission.sh", "requirements.txt", "data/notebooks.json"} <= names
    told = [n for n in names if n.startswith(("grader", "judges", "source", "truth", "utils/nets"))]
    assert told == []


def test_a_class_is_graded_fed_back_and_exported(graded: Elsewhere) -> None:
    results = {
        team: json.loads((graded.root / f"class/results/{team}/{NAME}/result.json").read_text())
        for team in ("team_1", "team_2")
    }
    earned = {t: {c["name"]: c["points"] for c in r["checks"]} for t, r in results.items()}
    assert earned == {"team_1": {"area": 3, "units": 1}, "team_2": {"area": 0, "units": 1}}
    assert "circumference" in json.dumps(results["team_2"])
    asked = ("--notebook", "01", "--team", "team_2", "--secret", "class/seed", "--out", "one.json")
    graded.done("judge", "inbox/team_2.tar.gz", *asked)
    alone = json.loads((graded.root / "one.json").read_text())["checks"]
    assert {check["name"]: check["points"] for check in alone} == earned["team_2"]
    graded.done("feedback")
    (page,) = (graded.root / "class" / "feedback" / "team_2").glob(f"*{NAME}*.html")
    assert "What is inside?" in page.read_text() and "Areas" in page.read_text()
    graded.done("report")
    assert "circumference" in (graded.root / "class" / "report.html").read_text()
    graded.done("export", "csv")
    (sheet,) = (graded.root / "class" / "exports").glob("*.csv")
    text = sheet.read_text(encoding="utf-8-sig")
    assert [row[0] for row in csv.reader(text.splitlines())][1:] == ["team_1", "team_2"]


def test_its_kernel_refuses_what_its_profile_says(elsewhere: Elsewhere) -> None:
    sandbox_helpers.require("direct")
    apart = copy.copy(elsewhere)
    apart.root = elsewhere.root / "apart"
    shutil.copytree(elsewhere.root / "dist", apart.root / "dist")
    hand_in(apart, "team_1", RIGHT | {"area": "import skimage\n" + RIGHT["area"]})
    apart.done("collect", "inbox")
    settings = apart.course / "course.toml"
    before = settings.read_text()
    earned = []
    for text in (before, before.replace('["skimage"]', "[]")):
        settings.write_text(text)
        apart.done("grade")
        result = (apart.root / f"class/results/team_1/{NAME}/result.json").read_text()
        earned.append({c["name"]: c["points"] for c in json.loads(result)["checks"]})
    settings.write_text(before)
    assert earned == [{"area": 0, "units": 1}, {"area": 3, "units": 1}]


def test_a_changed_judge_marks_again(graded: Elsewhere) -> None:
    judges = graded.course / "judges" / "areas.py"
    before = judges.read_text()
    judges.write_text(before.replace("width * height,", "width * height + 0.0,"))
    assert "2" in graded.done("rejudge")
    judges.write_text(before)


def test_known_answers_are_judged(elsewhere: Elsewhere) -> None:
    summary = json.loads(elsewhere.done("truth").splitlines()[-1])
    assert (summary["caught"], summary["named"], summary["kept"]) == (1, 1, 1)


def test_a_folder_that_is_no_course_is_refused(elsewhere: Elsewhere, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "grader", "--course", str(tmp_path), "build"],
        cwd=elsewhere.harness,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 125 and "is no course: it has no course.toml" in done.stderr


def test_without_a_course_a_command_says_how_to_name_one(elsewhere: Elsewhere) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "grader", "build"],
        cwd=elsewhere.harness,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 125 and "--course" in done.stderr, done.stderr
