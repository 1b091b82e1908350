"""The same attacks on plain nbgrader, where they do what they are meant to: so they are real.

The course is the tiny one, with hidden assertions in its test cells as nbgrader's manual has them.
Every fourth attack or so is tried; a long run tries all that are known to succeed there, and
COURSE_ATTACK_TABLE names a file for what each of them got.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from nbconvert import HTMLExporter

from grader import config
from grader.authoring import build
from grader.places import ROOT
from tests import long
from tests.attacks import catalogue
from tests.attacks.active import active
from tests.attacks.base import (
    FULL,
    WRITING,
    Attack,
    Places,
    everything_in,
    honest,
    notebook_of,
    team_of,
)
from tests.attacks.service import Service
from tests.grader import tiny_course
from tests.grader.tiny_course import NAME

FEW = (
    "skip tag", "input transformer", "patched run_code", "silenced traceback",
    "display hook in the function", "patched numpy.testing", "equal to everything",
    "reads the test cell", "reads classmates' submissions", "reads the environment", "calls home",
    "writes to the gradebook", "overwrites a classmate's notebook", "html as output", "warns",
)  # fmt: skip
CANARIES = {"env": "canary-env-2718", "file": "canary-file-1414", "mate": "canary-mate-1732"}
MATE, OTHER = "honest_1", "honest_2"
WAITS = "a daemon that edits the gradebook later"
TESTS = {
    "check_square": "np.testing.assert_allclose(square(np.array([2.0, -3.0, 1.5])), [4, 9, 2.25])",
    "check_sums": "from utils.checks.identity import variant_of\n"
    "assert sums['a'] == variant_of(STUDENT_ID) + 1\n"
    "assert sums['b'] == variant_of(STUDENT_ID) + 2",
}


def tried() -> list[Attack]:
    """Attacks that succeed against plain nbgrader, without those that end a whole batch."""
    known = [a for a in catalogue.chosen() if a.plain and a.plain != "stops"]
    return [a for a in known if long.asked() or a.name in FEW]


@dataclass
class Plain:
    """A class folder of plain nbgrader, graded."""

    places: Places
    connections: list[str]
    before: dict[str, bytes | str]
    status: int

    def points(self, team: str) -> tuple[float, float]:
        """Automatic points (-1 where nothing was graded), and those set as if by hand."""
        query = (
            "select sum(g.auto_score), sum(coalesce(g.manual_score, 0)) "
            "from grade g join submitted_notebook n on g.notebook_id = n.id "
            "join submitted_assignment a on n.assignment_id = a.id where a.student_id = ?"
        )
        with sqlite3.connect(self.places.folder / "gradebook.db", timeout=30) as db:
            automatic, written = db.execute(query, (team,)).fetchone()
        return (-1.0 if automatic is None else automatic), written or 0.0

    def shown(self, team: str) -> Path:
        return self.places.folder / "autograded" / team / NAME / f"{NAME}.ipynb"


def a_course(root: Path, attacks: list[Attack], port: int) -> Places:
    """A plain nbgrader course folder with submissions."""
    folder, place, own = root / "class", root / "place", root / "course"
    for path in (folder, place, own / "grader"):
        path.mkdir(parents=True)
    (own / "grader" / "course.toml").touch()
    (folder / "secret.txt").write_text(CANARIES["file"])
    (folder / "nbgrader_config.py").write_text(
        "c = get_config()\n"
        f"c.CourseDirectory.root = {str(folder)!r}\n"
        "c.CourseDirectory.course_id = 'tiny'\n"
        "c.ExecutePreprocessor.timeout = 10\n"
    )
    notebook = nbformat.from_dict(build.source_of(NAME).notebook)
    for cell in notebook.cells:
        test = TESTS.get(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
        if test:
            cell.source = f"### BEGIN HIDDEN TESTS\n{test}\n### END HIDDEN TESTS"
            cell.metadata.pop("tags", None)
    build.release_into(folder, "tiny", {NAME: notebook}, f"sqlite:///{folder / 'gradebook.db'}")
    places = Places(folder, own, place, port, MATE)
    teams = {team_of(attack): (notebook_of(attack, places), attack.files) for attack in attacks}
    teams |= {mate: (honest(mate, CANARIES["mate"]), {}) for mate in (MATE, OTHER)}
    for team, (content, files) in teams.items():
        for name, data in {f"{NAME}.ipynb": content, **files}.items():
            path = folder / "submitted" / team / NAME / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    return places


def autograde(places: Places) -> int:
    """Run nbgrader's own command; returns its exit status."""
    secret = {"COURSE_CANARY_SECRET": CANARIES["env"], "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "nbgrader", "autograde", NAME, "--create"],
        cwd=places.folder,
        env=os.environ | secret | {"HOME": str(places.place.parent)},
        capture_output=True,
        timeout=600,
    ).returncode


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> config.Course:
    return tiny_course.install(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def plain(tiny: config.Course, tmp_path_factory: pytest.TempPathFactory) -> Plain:
    service = Service()
    places = a_course(tmp_path_factory.mktemp("plain").resolve(), tried(), service.port)
    before = everything_in(places.folder / "submitted") | everything_in(places.place)
    before |= {"config": (places.folder / "nbgrader_config.py").read_bytes()}
    status = autograde(places)
    service.close()
    return Plain(places, service.connections, before, status)


def gains(plain: Plain, attack: Attack) -> str:
    """What an attack got, in words; "" if nothing."""
    team = team_of(attack)
    automatic, written = plain.points(team)
    if attack.plain == "gains":
        got = written if attack.threat == WRITING else automatic
        return f"{got:g} of {FULL:g} points" if got > attack.points else ""
    if attack.plain == "loses":
        return f"{max(automatic, 0):g} of {FULL:g} points for right work" * (automatic < FULL)
    if attack.plain == "harms":
        after = everything_in(plain.places.folder / "submitted")
        after |= everything_in(plain.places.place)
        after |= {"config": (plain.places.folder / "nbgrader_config.py").read_bytes()}
        changed = sorted(p for p in {*after, *plain.before} if after.get(p) != plain.before.get(p))
        wanted = {"adds a line to the configuration": "config", WAITS: "attacked_by_daemon"}
        found = [p for p in changed if p.startswith(wanted.get(attack.name, OTHER))]
        return f"changed {found[0]}" if found else ""
    text = plain.shown(team).read_text()
    found = [name for name, canary in CANARIES.items() if canary in text]
    found += ["a connection"] if "CONNECTED" in text and plain.connections else []
    page, _ = HTMLExporter().from_filename(str(plain.shown(team)))
    found += active(page)[:1]
    return f"leaked {', '.join(found)[:80]}" if found else ""


@pytest.mark.parametrize("attack", tried(), ids=lambda a: f"{a.threat}: {a.name}")
def test_an_attack_succeeds_against_plain_nbgrader(plain: Plain, attack: Attack) -> None:
    got = gains(plain, attack)
    if table := os.environ.get("COURSE_ATTACK_TABLE"):
        with Path(table).open("a") as stream:
            stream.write(f"{attack.threat} | {attack.name} | {got}\n")
    assert got


def test_the_wrong_solutions_earn_nothing_by_themselves(
    tiny: config.Course, tmp_path: Path
) -> None:
    harmless = Attack("nothing", "none")
    places = a_course(tmp_path.resolve(), [harmless], 9)
    assert autograde(places) == 0
    plain = Plain(places, [], {}, 0)
    assert plain.points(team_of(harmless)) == (0.0, 0.0)
    assert plain.points(MATE) == (FULL, 0.0)


@pytest.mark.parametrize("attack", [a for a in catalogue.ALL if a.plain == "stops"],
                         ids=lambda a: a.name)  # fmt: skip
def test_one_stops_all_of_plain_nbgrader(
    tiny: config.Course, tmp_path: Path, attack: Attack
) -> None:
    places = a_course(tmp_path.resolve(), [attack], 9)
    assert autograde(places) != 0
    assert Plain(places, [], {}, 1).points(MATE)[0] == -1.0
    shutil.rmtree(tmp_path)
