"""A class of attackers and honest classmates is graded, and nobody gets what they did not earn.

All attacks are graded in two calls, as a class would be: whatever one of them does must not show in
anybody else's marks, nor outside its own rows.
"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import json
import os
import re
import secrets
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import pytest
from nbconvert import HTMLExporter

from grader import config, export, sandbox
from grader.classroom import gradebook, results
from grader.classroom.folder import ClassFolder
from grader.classroom.gradebook import NotebookMark
from grader.classroom.results import Result
from grader.grading.run import Summary, grade
from grader.pages import feedback, report
from grader.places import ROOT
from grader.places import folder as course_folder
from tests.attacks import catalogue, catalogue_showing
from tests.attacks.active import active
from tests.attacks.base import (
    FULL,
    Attack,
    Places,
    everything_in,
    hand_in,
    honest,
    notebook_of,
    team_of,
)
from tests.attacks.service import Service
from tests.grader import tiny_course
from tests.grader.sandbox_helpers import NUMPY, run
from tests.grader.tiny_course import NAME

pytestmark = pytest.mark.minutes

ATTACKS = catalogue.chosen()
MATES = [f"honest_{number}" for number in range(1, 7)]
LIMITS = config.Limits(0.5, 2, 6, 700, 64)
"""Seconds for a call, a cell and a notebook; MB of memory, KB of output."""
ISOLATION = os.environ.get("COURSE_ISOLATION", "auto")
"""Or "bubblewrap", which takes longer, to try that way."""
PATIENCE = 600
"""Seconds after which a batch that has not ended counts as one that never will."""
MOST_GRADER_MB = 600
"""What the grader's own process may grow by, whatever kernels send it."""


@dataclass
class Battle:
    """What came of grading everybody."""

    folder: ClassFolder
    course: config.Course
    places: Places
    canaries: dict[str, str]
    summary: Summary
    marks: dict[str, NotebookMark]
    before: dict[str, bytes | str]
    place_before: dict[str, bytes | str]
    connections: list[str]
    grown_mb: float
    processes: list[str] = field(default_factory=list)

    def result(self, team: str) -> Result:
        return results.read(self.folder.result(team, NAME) / "result.json", Result)

    def texts(self, team: str) -> str:
        """All that was written about a team."""
        roots = [self.folder.root / name / team for name in ("results", "autograded", "feedback")]
        paths = [path for root in roots for path in sorted(root.rglob("*")) if path.is_file()]
        return "\n".join(path.read_text(errors="replace") for path in paths)


def _peak_mb() -> float:
    """Largest resident size of this process since `_forget_peak`."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _forget_peak() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


@pytest.fixture(scope="module")
def battle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Battle]:
    if not sandbox.probe().way and not os.environ.get("CI"):
        pytest.skip(str(sandbox.probe()))
    course = tiny_course.install(tmp_path_factory.mktemp("tiny"), LIMITS)
    entry = dataclasses.replace(course.notebooks[NAME], kernel=NUMPY)
    course = dataclasses.replace(course, notebooks={NAME: entry}, anonymous=True)
    root = tmp_path_factory.mktemp("battle").resolve()
    folder, place, service = ClassFolder(root / "class"), root / "place", Service()
    canaries = {name: f"canary-{name}-{secrets.token_hex(6)}" for name in ("env", "file", "mate")}
    place.mkdir(mode=0o777)
    (place / "keep").write_text("keep")
    folder.root.mkdir(mode=0o755)
    (folder.root / "secret.txt").write_text(canaries["file"])
    (folder.root / "seed").write_text("canary-seed-31415")
    canaries["seed"] = "canary-seed-31415"
    places = Places(folder.root, ROOT, place, service.port)
    for mate in MATES:
        hand_in(folder, mate, honest(mate, canaries["mate"]))
    for attack in ATTACKS:
        hand_in(folder, team_of(attack), notebook_of(attack, places), attack.files)
    os.environ["COURSE_CANARY_SECRET"] = canaries["env"]
    outcome: list[Summary | BaseException] = []

    def grade_all() -> None:
        try:
            outcome.append(grade(folder, course, workers=2, isolation=ISOLATION))
        except BaseException as error:
            outcome.append(error)

    grade(folder, course, isolation=ISOLATION, only=lambda team, _: team == MATES[0])
    before = everything_in(folder.root)
    place_before = everything_in(place)
    _forget_peak()
    at_start = _peak_mb()
    thread = threading.Thread(target=grade_all, daemon=True)
    started = time.monotonic()
    thread.start()
    thread.join(PATIENCE)
    grown = _peak_mb() - at_start
    print(f"{len(ATTACKS)} attacks, {time.monotonic() - started:.0f} s, {grown:.0f} MB")
    assert outcome, "the batch did not end"
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    del os.environ["COURSE_CANARY_SECRET"]
    feedback.write(folder, course)
    report.write(folder, course)
    marks = {m.team: m for m in gradebook.marks(folder, course.id)}
    yield Battle(
        folder, course, places, canaries, outcome[0], marks, before, place_before,
        service.connections, grown, _left_behind(),
    )  # fmt: skip
    service.close()


def _left_behind() -> list[str]:
    """Command lines of attackers' processes that still run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            line = path.read_text().replace("\0", " ")
            if "sleep 86399" in line:
                found.append(line)
    return found


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda a: f"{a.threat}: {a.name}")
def test_an_attack_earns_what_is_honest_and_no_more(battle: Battle, attack: Attack) -> None:
    team = team_of(attack)
    result = battle.result(team)
    assert result.points == attack.points
    assert result.max_points == FULL
    assert [c.name for c in result.checks] == ["square", "sums"]
    if attack.human == "":
        assert result.needs_human == ""
    elif attack.human != "?":
        assert attack.human in result.needs_human
    said = json.dumps([[c.message, c.status, c.mistake, [x.message for x in c.cases]] for c in
                       result.checks])  # fmt: skip
    assert attack.says in said
    assert len(said) < 30_000
    assert all(c.points == c.max_points or c.message or c.cases for c in result.checks)

    cells = {c.cell: c for c in battle.marks[team].cells}
    assert sum(c.auto or 0 for c in cells.values()) == attack.points
    assert all(c.manual is None and c.points == (c.auto or 0) for c in cells.values())
    assert {n: c.max_points for n, c in cells.items()} == {
        "check_square": 4, "check_sums": 2, "why": 3}  # fmt: skip

    texts = battle.texts(team)
    for canary in battle.canaries.values():
        assert canary not in texts
    for sign in ("CONNECTED", "EXPECTED", "root:$", "FOUND /"):
        assert sign not in _outputs(battle, team)
    place = battle.folder.result(team, NAME)
    assert (place / "executed.ipynb").stat().st_size < 3_000_000
    shown = nbformat.read(battle.folder.autograded(team, NAME) / f"{NAME}.ipynb", as_version=4)
    nbformat.validate(shown)


def _outputs(battle: Battle, team: str) -> str:
    path = battle.folder.result(team, NAME) / "executed.ipynb"
    cells = nbformat.read(path, as_version=4).cells
    return json.dumps([c.outputs for c in cells if c.cell_type == "code"])


def test_honest_classmates_keep_full_points(battle: Battle) -> None:
    for mate in MATES:
        assert battle.result(mate).points == FULL
        assert battle.result(mate).needs_human == ""
        assert sum(c.auto or 0 for c in battle.marks[mate].cells) == FULL


def test_the_batch_is_complete(battle: Battle) -> None:
    teams = sorted([*MATES, *map(team_of, ATTACKS)])
    assert len(set(teams)) == len(teams)
    assert battle.summary.graded == len(teams)
    assert sorted(r.team for r in results.graded(battle.folder)) == teams
    assert sorted(battle.marks) == teams
    assert battle.summary.broken == []


def test_nothing_changes_outside_the_attackers_own_rows(battle: Battle) -> None:
    assert everything_in(battle.places.place) == battle.place_before
    after = everything_in(battle.folder.root)
    written = (
        "results",
        "autograded",
        "feedback",
        "report.html",
        "gradebook.db",
        "exports",
        "grade.log",
        "attempts",  # what lay in submitted/ alone
        "releases",
        "version.json",
        "membership.csv",
        ".intake",
    )
    kept = [path for path in battle.before if not path.startswith(written)]
    kept = [path for path in kept if not path.endswith("/submission.json")]  # names its attempt
    assert {p: after.get(p) for p in kept} == {p: battle.before[p] for p in kept}
    new = [p for p in after if p not in battle.before and not p.startswith(written)]
    assert [path for path in new if not path.endswith("/timestamp.txt")] == []  # nbgrader's
    first = f"results/{MATES[0]}/{NAME}/result.json"
    assert after[first] == battle.before[first]
    for root in (ROOT / "utils", ROOT / "data", ROOT / "grader"):
        assert list(root.rglob("attacked_by*")) == []
    assert list(Path(nbformat.__file__).parents[1].glob("attacked_by*")) == []
    assert "attacked_by" not in (course_folder() / "course.toml").read_text()


def test_nobody_outside_is_reached_and_nothing_stays_behind(battle: Battle) -> None:
    assert battle.connections == []
    assert battle.processes == []
    assert list(Path(tempfile.gettempdir()).glob(f"course-tmp-{os.getpid()}-*")) == []


def test_the_grader_itself_stays_small(battle: Battle) -> None:
    assert battle.grown_mb < MOST_GRADER_MB


def test_no_page_runs_or_fetches_what_a_student_wrote(battle: Battle) -> None:
    pages = [*battle.folder.root.glob("feedback/*/*.html"), battle.folder.root / "report.html"]
    assert len(pages) > len(ATTACKS)
    for page in pages:
        assert active(page.read_text()) == [], page


@pytest.mark.parametrize(
    "attack", [a for a in catalogue_showing.ATTACKS if a in ATTACKS], ids=lambda a: a.name
)
def test_no_notebook_runs_anything_in_the_markers_browser(battle: Battle, attack: Attack) -> None:
    path = battle.folder.autograded(team_of(attack), NAME) / f"{NAME}.ipynb"
    page, _ = HTMLExporter().from_filename(str(path))  # as formgrader does
    assert active(page) == []


def test_the_check_for_active_content_finds_it() -> None:
    assert len(active(catalogue_showing.HTML)) >= 5


def test_exports_hold_no_formulas(battle: Battle) -> None:
    for kind in ("csv", "moodle", "canvas"):
        path = export.write(battle.folder, battle.course, kind)
        rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
        assert len(rows) > len(ATTACKS)
        for row in rows:
            assert not [cell for cell in row if re.match(r"[=@+\t\r]|-\D", cell)]


def test_sparse_files_do_not_grow_when_they_are_copied_out(tmp_path: Path) -> None:
    code = "for n in range(8): open(f'/scratch/{n}', 'wb').truncate(120 << 20)"
    run(code, scratch=tmp_path, bounds=sandbox.Bounds(scratch_mb=64))
    stored = sum(path.stat().st_blocks * 512 for path in tmp_path.iterdir())
    assert stored <= 64 << 20


def test_nesting_is_bounded_when_it_is_copied_out(tmp_path: Path) -> None:
    code = (
        "import os; os.chdir('/scratch'); os.makedirs('kept/' + 'a/' * 10)\n"
        "open('kept/' + 'a/' * 10 + 'file', 'w').close(); os.mkdir('deep'); os.chdir('deep')\n"
        "for _ in range(3000): os.mkdir('d'); os.chdir('d'); open('file', 'w').close()\n"
        "os.chdir('/scratch'); open('zz', 'w').close()"
    )
    session = run(code, scratch=tmp_path)
    found = subprocess.run(["find", "-type", "f"], cwd=tmp_path, capture_output=True, text=True)
    subprocess.run(["rm", "-rf", tmp_path], check=True)  # it may be more than pytest can remove
    assert session.ended is not None and session.ended.code == 128 + signal.SIGKILL
    files = found.stdout.split()
    assert {"./zz", f"./kept/{'a/' * 10}file"} <= set(files)
    assert max(path.count("/") for path in files) < 100
