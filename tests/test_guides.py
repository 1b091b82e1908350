"""The guides' commands, typed as they stand there, in an empty folder.

The student's path installs the course into an environment of its own, which takes minutes and
needs PyPI, so it runs in CI and where COURSE_GUIDES=1 asks for it.
"""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from PIL import Image

from grader import config, places
from grader.authoring import release, source_text
from grader.classroom.folder import ClassFolder
from grader.demo import students
from grader.demo.samples import FIRST, Team
from utils import handin
from utils.packing import asked as asked_for

pytestmark = pytest.mark.minutes

PATIENCE = 120
_MINUTES = 900


PICTURES = places.ROOT / "docs" / "pictures"
_PICTURE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<link>[^)]+)\)")


def test_every_picture_is_there_small_and_described() -> None:
    """How they are made: tests/browser/guide_pictures.py."""
    used = []
    for guide in sorted((places.ROOT / "docs").glob("*.md")):
        for found in _PICTURE.finditer(guide.read_text(encoding="utf-8")):
            path = guide.parent / found["link"]
            assert len(found["alt"]) > 20, f"{guide.name}: {path.name} is not described"
            assert path.stat().st_size < 150_000, path
            with Image.open(path) as image:
                assert 300 < image.width <= 1280, path
            used.append(path)
    assert sorted(used) == sorted(PICTURES.glob("*.png"))
    by_guide = [p.name.split("_")[0] for p in used]
    assert by_guide.count("students") >= 3 and by_guide.count("instructors") >= 4


def test_students_get_the_pictures_of_their_guide(handout: Path) -> None:
    guide = (handout / "README.md").read_text(encoding="utf-8")
    links = [found["link"] for found in _PICTURE.finditer(guide)]
    assert links and all((handout / link).is_file() for link in links)


@pytest.mark.parametrize("where", ["docs/students.md", "utils/report_pdf.py"])
def test_a_pairs_report_is_made_of_the_notebooks_that_are_packed_with_it(where: str) -> None:
    text = (places.ROOT / where).read_text(encoding="utf-8")
    made = re.findall(r"utils\.report_pdf Ex2_\S+\.pdf((?: \d\d)+)\n", text)
    made += re.findall(r'if not "(\d\d(?: \d\d)+)"', text)
    assert made
    asked = asked_for.read(places.ROOT)
    for names in made:
        assert [
            handin.notebook_called(name, asked) for name in names.split()
        ] == asked.pair_notebooks


def commands(guide: str, heading: str) -> list[str]:
    """The lines of the first block of commands below a heading."""
    text = (places.ROOT / guide).read_text(encoding="utf-8")
    below = text[text.index(heading) :]
    block = re.search(r"\n\n((?:    .+\n)+)", below)
    assert block, f"{guide}: no commands below {heading!r}"
    return [line.strip() for line in block[1].splitlines()]


def type_in(lines: list[str], folder: Path, environment: dict[str, str]) -> str:
    """Run lines in one shell, stopping at the first that fails; returns what was printed."""
    done = subprocess.run(
        ["bash", "-e", "-c", "\n".join(lines)],
        cwd=folder, env=environment, text=True, timeout=_MINUTES,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == 0, f"{lines}:\n{done.stdout[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def handout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What students unpack, alone in a folder."""
    empty = tmp_path_factory.mktemp("student")
    (archive, _), _ = release.pack(config.load(), tmp_path_factory.mktemp("dist"), just_built=True)
    return students.unpack_release(archive, empty)


def test_a_students_first_ten_minutes(handout: Path, tmp_path: Path) -> None:
    if "CI" not in os.environ and "COURSE_GUIDES" not in os.environ:
        pytest.skip("installs a gigabyte; COURSE_GUIDES=1 runs it")
    python = tmp_path / "bin"  # the Python of this machine, not that of our environment
    python.mkdir()
    (python / "python3").symlink_to(Path(sys.base_prefix) / "bin" / "python3")
    cache = os.environ.get("PIP_CACHE_DIR") or str(Path.home() / ".cache" / "pip")
    settings = {key: value for key, value in os.environ.items() if key.startswith("PIP_")}
    environment = {
        **settings,
        "PATH": f"{python}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "PIP_CACHE_DIR": cache,
        "PIP_COMPILE": "0",  # 14,000 modules, of which a few hundred are imported
        "LANG": "C.UTF-8",
    }
    type_in(commands("docs/students.md", "With plain Python"), handout, environment)
    environment["PATH"] = f"{handout}/.venv/bin:/usr/bin:/bin"
    assert "ready" in type_in(
        commands("docs/students.md", "Whether everything is there"), handout, environment
    )
    _lab_starts(commands("docs/students.md", "## Work"), handout, environment, tmp_path)

    source = source_text.read(places.folder() / "source" / f"{FIRST}.py")
    solved = source_text.with_solutions(source)
    for cell in solved.cells:
        cell.source = cell.source.replace("your_id", "team_7")
    place = handout / "notebooks" / f"{FIRST}.ipynb"
    nbformat.write(solved, place)
    run = f"jupyter execute --inplace {place}"
    type_in([run], handout, environment)
    text = place.read_text(encoding="utf-8")
    assert '"ename"' not in text and "passed" in text.lower()
    said = type_in(commands("docs/students.md", "## Hand in"), handout, environment)
    assert "ready to hand in" in said and (handout / "team_7.tar.gz").is_file()


def _lab_starts(lines: list[str], folder: Path, environment: dict[str, str], home: Path) -> None:
    """`jupyter lab` comes up; a browser is not opened, and CI's root is allowed to."""
    settings = home / ".jupyter" / "jupyter_server_config.py"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text(
        "c.ServerApp.open_browser = False\nc.ServerApp.allow_root = True\nc.ServerApp.port = 0\n"
    )
    log = home / "lab.log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            ["bash", "-c", "exec " + "; ".join(lines)],
            cwd=folder, env=environment, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + PATIENCE
        while "is running at" not in log.read_text(errors="replace"):
            assert server.poll() is None and time.monotonic() < deadline, log.read_text()[-3000:]
            time.sleep(0.2)
    finally:
        server.terminate()
        server.wait()


def test_an_instructors_evening(handout: Path, tmp_path: Path) -> None:
    """The commands of the guide, one after the other, on what two teams handed in."""
    where = tmp_path / "students"
    where.mkdir()
    originals = {FIRST: students.worked_through(handout, FIRST, solved=True)}
    for name in ("team_01", "team_02"):
        students.hand_in(Team(name, "right", {FIRST: 1}), handout, originals, where)
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    for archive in where.glob("team_0*/team_0*.tar.gz"):
        archive.replace(downloads / archive.name)
    (tmp_path / "roster.csv").write_text("team,student\nteam_1,s1\nteam_2,s2\n")
    shim = tmp_path / "course"
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m grader "$@"\n')
    shim.chmod(0o755)
    environment = {**os.environ, "PYTHONPATH": str(places.ROOT)}
    lines = commands("README.md", "## For instructors")
    assert [line.split()[1] for line in lines] == [
        "doctor", "release", "collect", "grade", "feedback", "report", "export",
    ]  # fmt: skip
    type_in(lines, tmp_path, environment)
    folder = ClassFolder(tmp_path / "class")
    assert (folder.root / "report.html").is_file()
    assert {path.parent.name for path in (folder.root / "feedback").glob("*/*.html")} >= {
        "team_1",
        "team_2",
    }
    assert "s2" in next((folder.root / "exports").glob("moodle*")).read_text(encoding="utf-8-sig")


def test_the_guides_pictures_can_still_be_made() -> None:
    importlib.import_module("tests.browser.guide_pictures")  # no name of a test: only run by hand
