"""A course moves while a class is being graded: what is unchanged keeps its marks."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat.notebooknode import NotebookNode
from nbgrader import api
from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config
from typer.testing import CliRunner

from grader import config
from grader.authoring import build
from grader.bench import small_course
from grader.cells import grade_id
from grader.classroom import backup, exercises, gradebook, releases, results, standing, version
from grader.classroom.account import Question as Asked
from grader.classroom.database import VARIABLE
from grader.classroom.folder import ClassFolder
from grader.classroom.marks import CellMark
from grader.classroom.results import Result, Submission
from grader.cli import app
from grader.contract.judge import Judge, Mistake, Question
from grader.errors import ConfigError
from grader.files import write_atomically
from grader.formgrader import setup
from grader.grading import rejudge, run, upgrade
from grader.grading.run import Summary
from tests.attacks.base import everything_in
from tests.attacks.small_class import SIGN_KEPT
from tests.grader import in_process, postgres, tiny_course, typed
from tests.grader.tiny_course import JUDGES, NAME, SOURCE

TEAMS = ("team_1", "team_2", "team_3")
ESSAY = "Because minus times minus is plus."
CUBE = """
# %% solution="cube"
def cube(x):
    ### BEGIN SOLUTION
    return x * x * x
    ### END SOLUTION

# %% check="cube" points=5
check("cube", cube)
"""
CUBE_JUDGE = Judge(
    "cube",
    lambda x: x**3,
    lambda rng, _: [Question("one", {"x": rng.uniform(1, 2, size=3)})],
    {"a square": Mistake(lambda x: x * x)},
    section="Tiny",
)
SUMS = SOURCE[SOURCE.index('# %% solution="sums"') : SOURCE.index("# %% [markdown] essay")]
ESSAY_CELL = SOURCE[SOURCE.index("# %% [markdown] essay") :]


@dataclasses.dataclass(frozen=True)
class Move:
    """Another version of the tiny course."""

    source: str
    judges: list[Judge]


FIRST = Move(SOURCE, JUDGES)
ADDED = Move(SOURCE + CUBE, [*JUDGES, CUBE_JUDGE])
DROPPED = Move(SOURCE.replace(SUMS, ""), JUDGES[:1])
WORTH = Move(SOURCE.replace('check="square" points=4', 'check="square" points=6'), JUDGES)
RENAMED = Move(
    SOURCE.replace('check="square"', 'check="area"').replace('check("square"', 'check("area"'),
    [dataclasses.replace(JUDGES[0], name="area"), JUDGES[1]],
)
PROMPT = Move(
    SOURCE.replace(
        "# ### BEGIN SOLUTION\n# Because", "# In words:\n# ### BEGIN SOLUTION\n# Because"
    ),
    JUDGES,
)
KIND = Move(
    SOURCE.replace(
        ESSAY_CELL,
        CUBE.replace('solution="cube"', 'solution="why"')
        .replace('check="cube"', 'check="why"')
        .replace('check("cube"', 'check("why"'),
    ),
    [*JUDGES, dataclasses.replace(CUBE_JUDGE, name="why")],
)


class Moving:
    """A tiny course that moves, and a class that is graded meanwhile."""

    def __init__(self, home: Path, folder: ClassFolder) -> None:
        self.home, self.folder = home, folder
        self.to(FIRST)

    def to(self, move: Move) -> None:
        """From now on the course is another."""
        limits = config.Limits(3, 10, 60, 1024, 64)
        small_course.install(self.home, NAME, move.source, move.judges, limits)
        self.course = config.load()
        build.build(self.course)

    def hand_in(self, team: str, changes: dict[str, str], release: str = "") -> None:
        """Hand in the present release, with other text in some cells."""
        tiny_course.hand_in(self.folder, team, tiny_course.reference(team, changes))
        if release:
            path = self.folder.submitted(team, NAME) / "submission.json"
            entry = results.read(path, Submission)
            results.write(path, dataclasses_replace(entry, release=release))

    def grade(self) -> Summary:
        """Grade the class."""
        return run.grade(
            self.folder, self.course, executor=in_process.Inline(), seed="s", isolation="none"
        )

    def preview(self) -> rejudge.Preview:
        """What grading would change."""
        return rejudge.preview(self.folder, self.course, "s")

    def marks(self, team: str) -> dict[str, CellMark]:
        """A team's marks, by cell."""
        found = gradebook.marks(self.folder, self.course.id)
        return {c.cell: c for mark in found if mark.team == team for c in mark.cells}

    def mark(self, team: str, cell: str, points: float, comment: str = "", of: str = "") -> None:
        """Mark by hand, as formgrader does."""
        with gradebook.open_gradebook(self.folder, self.course.id) as book:
            grade = book.find_grade(cell, NAME, NAME, team)
            grade.manual_score, grade.needs_manual_grade = points, False
            if comment:
                book.find_comment(of or cell, NAME, NAME, team).manual_comment = comment
            book.db.commit()

    def comment(self, team: str, cell: str) -> str:
        """A marker's comment."""
        with gradebook.open_gradebook(self.folder, self.course.id) as book:
            return str(book.find_comment(cell, NAME, NAME, team).manual_comment)

    def result(self, team: str) -> Result:
        """What grading found."""
        return results.read(self.folder.result(team, NAME) / "result.json", Result)

    def state(self, team: str) -> str:
        """Where a team stands."""
        return standing.read(self.folder, self.course).rows[team, NAME].state

    def backups(self) -> list[Path]:
        """Copies of the gradebook."""
        return sorted((self.folder.root / backup.BACKUPS).glob("*"))


def dataclasses_replace(entry: Submission, **changes: str) -> Submission:
    """A submission with other facts."""
    return Submission(**{**{f: getattr(entry, f) for f in entry.__struct_fields__}, **changes})


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres.server() as url:
        yield url


@pytest.fixture(scope="module")
def newest() -> str:
    """The version of nbgrader's tables, which it starts a process for whenever it asks."""
    return str(api.get_alembic_version())


@pytest.fixture
def moving(newest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Moving:
    monkeypatch.setattr(api, "get_alembic_version", lambda: newest)
    monkeypatch.setattr(run, "execute", in_process.execute)
    found = Moving(tmp_path / "course", ClassFolder(tmp_path / "class"))
    found.hand_in("team_1", {"why": ESSAY})
    found.hand_in("team_2", {"square": SIGN_KEPT, "why": blank("why")})
    found.hand_in("team_3", {"why": ESSAY})
    assert found.grade().executed == 3
    found.mark("team_1", "why", 2.5, "well said")
    found.mark("team_1", "check_square", 3.5, "but slow", of="square")
    return found


@pytest.fixture(params=["sqlite", "postgresql"])
def anywhere(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Moving:
    """The same with the gradebook in a file, and on a server."""
    if request.param == "postgresql":
        server = request.getfixturevalue("server")
        name = "moving_" + str(abs(hash(str(tmp_path))))
        monkeypatch.setenv(VARIABLE, postgres.new_database(server, name))
    found: Moving = request.getfixturevalue("moving")
    return found


def blank(name: str) -> str:
    """The text that a cell is released with."""
    notebook = nbformat.read(build.released(NAME), as_version=4)
    return next(str(c.source) for c in notebook.cells if grade_id(c) == name)


def formgrader_works(moving: Moving) -> None:
    """Ask what formgrader and nbgrader's export ask."""
    settings = Config()
    settings.CourseDirectory.root = str(moving.folder.root)
    settings.CourseDirectory.course_id = moving.course.id
    settings.CourseDirectory.db_url = moving.folder.db_url
    nbgrader = NbGraderAPI(CourseDirectory(config=settings), config=settings)
    assignment = nbgrader.get_assignment(NAME)
    with gradebook.open_gradebook(moving.folder, moving.course.id) as book:
        rows = book.db.query(api.SubmittedNotebook).all()
        cells = {cell.id for cell in book.find_notebook(NAME, NAME).grade_cells}
        assert len(rows) == assignment["num_submissions"] == len(moving.folder.submissions())
        for row in rows:
            assert {grade.cell_id for grade in row.grades} == cells
            assert row.max_score == assignment["max_score"]
        scores = [row.score for row in rows]
        assert book.average_assignment_score(NAME) == pytest.approx(np.mean(scores))
        for table in (api.Grade, api.Comment):  # nothing hangs on what is gone
            assert not book.db.query(table).filter(table.cell_id.is_(None)).count()
    listed = nbgrader.get_notebook_submission_indices(NAME, NAME)
    assert len(listed) == len(rows)
    assert len(nbgrader.get_notebooks(NAME)) == 1


def test_an_exercise_is_added(anywhere: Moving) -> None:
    moving = anywhere
    moving.to(ADDED)
    before = moving.preview()
    assert before.moved == [f"{NAME}/check_cube is new, 5 points"]
    assert before.to_execute == [f"{team}/{NAME}" for team in TEAMS]
    summary = moving.grade()
    assert (summary.executed, summary.moved[:-1]) == (3, before.moved)
    assert len(moving.backups()) == 1 and str(moving.backups()[0]) in summary.moved[-1]

    first = moving.marks("team_1")
    assert (first["why"].points, first["why"].needs_manual) == (2.5, False)
    assert (first["check_square"].points, first["check_square"].needs_manual) == (3.5, False)
    assert moving.comment("team_1", "why") == "well said"
    assert moving.comment("team_1", "square") == "but slow"
    assert [moving.marks(team)["check_square"].auto for team in TEAMS] == [4, 2, 4]
    for team in TEAMS:
        assert moving.marks(team)["check_cube"].auto is None
        assert moving.marks(team)["check_cube"].needs_manual
        (question,) = moving.result(team).questions
        assert (question.cause, question.cell) == ("older release", "check_cube")
        assert moving.state(team) == standing.HUMAN
    moving.mark("team_1", "check_cube", 5)
    assert moving.state("team_1") == standing.FINAL
    formgrader_works(moving)

    moving.hand_in("team_2", {"why": ESSAY})
    moving.hand_in("team_4", {"why": ESSAY, "cube": blank("cube")})  # the new one, unanswered
    summary = moving.grade()
    assert (summary.executed, summary.moved, len(moving.backups())) == (2, [], 1)
    assert moving.marks("team_2")["check_cube"].auto == 5
    assert moving.marks("team_4")["check_cube"].auto == 0
    assert not moving.result("team_2").questions and not moving.result("team_4").questions
    assert moving.marks("team_1")["check_cube"].points == 5
    formgrader_works(moving)


def test_an_exercise_is_dropped_and_its_marks_are_in_the_copy(anywhere: Moving) -> None:
    moving = anywhere
    moving.mark("team_1", "check_sums", 1.5)
    moving.to(DROPPED)
    summary = moving.grade()
    line, where = summary.moved
    assert line == f"{NAME}/check_sums was dropped, with 3 marks, 1 of them by hand"
    (copy,) = moving.backups()
    assert str(copy) in where
    with api.Gradebook(f"sqlite:///{copy}", moving.course.id) as book:
        assert book.find_grade("check_sums", NAME, NAME, "team_1").manual_score == 1.5
    assert set(moving.marks("team_1")) == {"check_square", "why"}
    assert moving.marks("team_1")["why"].points == 2.5
    assert [moving.result(team).questions for team in TEAMS] == [[], [], []]
    assert moving.result("team_1").max_points == 4
    formgrader_works(moving)

    for number in range(backup.KEPT + 1):  # other copies come and go
        moving.mark("team_3", "why", number / 10)
        backup.backup(moving.folder.db_url, moving.folder.root)
    assert copy in moving.backups() and len(moving.backups()) == backup.KEPT + 1


def test_other_points_mark_again_and_flag_marks_by_hand(moving: Moving) -> None:
    moving.to(WORTH)
    before = moving.preview()
    assert moving.marks("team_1")["check_square"].max_points == 4
    summary = moving.grade()
    assert (summary.executed, summary.marked_again) == (0, 3)
    assert summary.changes == before.changes and len(before.changes) == 3
    assert summary.flagged == before.flagged == [f"team_1/{NAME}/check_square"]
    assert [moving.marks(team)["check_square"].auto for team in TEAMS] == [6, 3, 6]
    assert not moving.marks("team_1")["why"].needs_manual
    assert moving.grade().moved == [] and len(moving.backups()) == 1
    formgrader_works(moving)


def test_points_of_the_settings_are_said_beforehand_and_apply_once(moving: Moving) -> None:
    path = moving.home / config.FILE
    path.write_text(path.read_text().replace("[points]", "[points]\nsquare = 0"))
    moving.course = config.load()
    before = moving.preview()
    assert [(c.before, c.after) for c in before.changes] == [(6, 2), (4, 2), (6, 2)]
    summary = moving.grade()
    assert (summary.executed, summary.changes) == (0, before.changes)
    assert moving.grade().changes == [] and len(moving.backups()) == 1


def test_other_points_of_an_essay_reach_its_marker_and_its_rubric(moving: Moving) -> None:
    moving.mark("team_3", "why", 3)
    path = moving.home / config.FILE
    plain = path.read_text()
    path.write_text(plain.replace("[points]", "[points]\nwhy = 6"))
    moving.course = config.load()
    summary = moving.grade()
    assert summary.executed == 0
    assert any("/why is worth 6 points instead of 3" in line for line in summary.moved)
    essay = moving.marks("team_3")["why"]
    assert (essay.max_points, essay.manual, essay.needs_manual) == (6, 3, True)
    shown = moving.folder.autograded("team_3", NAME) / f"{NAME}.ipynb"
    assert "- 6 points: says because" in shown.read_text()
    assert "- 2 points: says something" in shown.read_text()

    path.write_text(plain.replace("[points]", "[points]\nwhy = 0"))
    moving.course = config.load()
    moving.hand_in("team_4", {"why": ESSAY})
    moving.grade()
    assert not moving.marks("team_4")["why"].needs_manual  # it counts nothing
    assert moving.state("team_4") == standing.FINAL
    formgrader_works(moving)


def test_a_check_that_is_renamed_keeps_its_marks(anywhere: Moving) -> None:
    moving = anywhere
    moving.mark("team_3", "check_square", 1)
    moving.to(RENAMED)
    summary = moving.grade()
    assert summary.moved[0] == (
        f"{NAME}/check_square is now called check_area, and keeps 3 marks, 2 of them by hand"
    )
    assert [moving.marks(team)["check_area"].points for team in TEAMS] == [3.5, 2, 1]
    assert not moving.marks("team_1")["check_area"].needs_manual
    assert [moving.result(team).questions for team in TEAMS] == [[], [], []]
    assert "check_square" not in moving.marks("team_1")
    formgrader_works(moving)


def test_another_prompt_in_an_essays_cell_makes_nobodys_blank_an_answer(moving: Moving) -> None:
    moving.mark("team_2", "why", 0, "you left it out")
    moving.to(PROMPT)
    summary = moving.grade()
    assert (summary.executed, summary.marked_again, summary.flagged) == (0, 3, [])
    assert moving.marks("team_2")["why"].auto == 0  # as released then
    assert moving.marks("team_3")["why"].auto is None  # their own text waits for a marker
    assert (moving.marks("team_1")["why"].points, summary.moved) == (2.5, [])
    shown = (moving.folder.autograded("team_2", NAME) / f"{NAME}.ipynb").read_text()
    assert "In words:" in shown
    assert ESSAY in (moving.folder.autograded("team_3", NAME) / f"{NAME}.ipynb").read_text()


def test_an_essay_that_becomes_a_check_is_another_exercise(anywhere: Moving) -> None:
    moving = anywhere
    moving.to(KIND)
    summary = moving.grade()
    assert [line.partition(" ")[0] for line in summary.moved[:-1]] == [
        f"{NAME}/why", f"{NAME}/check_why"
    ]  # fmt: skip
    assert "with 2 marks, 1 of them by hand" in summary.moved[0]
    assert moving.marks("team_1")["check_why"].needs_manual
    assert moving.comment("team_1", "why") == "None"
    (question,) = moving.result("team_1").questions
    assert question.cell == "check_why"
    executed = (moving.folder.autograded("team_1", NAME) / f"{NAME}.ipynb").read_text()
    assert ESSAY in executed  # shown, though nothing asks for it any more
    formgrader_works(moving)


def test_two_moves_in_a_row_and_back(moving: Moving) -> None:
    moving.to(ADDED)
    moving.grade()
    moving.to(DROPPED)
    moving.grade()
    moving.to(FIRST)
    moving.grade()
    assert [moving.marks(team)["check_sums"].auto for team in TEAMS] == [2, 2, 2]
    assert [moving.result(team).questions for team in TEAMS] == [[], [], []]
    assert moving.marks("team_1")["why"].points == 2.5
    assert moving.comment("team_1", "square") == "but slow"
    assert len(releases.kept(moving.folder, NAME)) == 3
    formgrader_works(moving)


@pytest.mark.parametrize("where", ["backup", "gradebook", "source", "release"])
def test_an_interrupted_move_is_finished_with_one_copy(
    moving: Moving, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    moving.to(ADDED)

    class Killed(BaseException):
        """As by a signal."""

    def killed(*_: object, **__: object) -> None:
        raise Killed

    def killed_at(path: Path, *args: object) -> None:
        if where in path.parts:
            raise Killed
        write_atomically(path, *args)  # type: ignore[arg-type]

    with monkeypatch.context() as patch, pytest.raises(Killed):
        if where == "backup":
            patch.setattr(setup.backup, "backup", killed)
        elif where == "gradebook":
            patch.setattr(exercises, "_add", killed)
        else:
            patch.setattr(setup, "write_atomically", killed_at)
        moving.grade()
    assert moving.marks("team_1")["why"].points == 2.5
    moving.grade()
    assert len(moving.backups()) == 1
    assert moving.marks("team_1")["check_cube"].needs_manual
    assert moving.marks("team_1")["check_square"].points == 3.5
    assert len(releases.kept(moving.folder, NAME)) == 2
    assert moving.grade().executed == 0
    formgrader_works(moving)


def test_a_release_is_known_by_what_the_notebook_says(moving: Moving) -> None:
    first = nbformat.read(build.released(NAME), as_version=4)
    said = releases.claimed(first)
    assert said == releases.id_of(first) and len(said) == 12
    moving.hand_in("team_5", {"why": ESSAY}, "0123456789ab")
    assert not moving.grade().human  # it has a cell for all that is asked
    moving.to(ADDED)
    moving.grade()
    (question,) = moving.result("team_5").questions
    assert question.cell == "check_cube"  # its cells are those of the first release

    (moving.folder.root / releases.FOLDER / NAME / f"{said}.ipynb").unlink()
    second = releases.id_of(nbformat.read(build.released(NAME), as_version=4))
    moving.hand_in("team_6", {"why": ESSAY}, second)
    notebook = nbformat.read(moving.folder.submitted("team_1", NAME) / f"{NAME}.ipynb", 4)
    tiny_course.hand_in(moving.folder, "team_7", notebook)
    path = moving.folder.submitted("team_7", NAME) / "submission.json"
    results.write(path, dataclasses_replace(results.read(path, Submission), release=said))
    moving.grade()
    assert moving.result("team_6").questions == []
    (question,) = [q for q in moving.result("team_7").questions if q.cause != "other numbers"]
    assert question.cause == "older release" and "cube" in question.reason
    nbformat.write(first, moving.folder.root / releases.FOLDER / NAME / "mine.ipynb")
    moving.grade()
    (question,) = [q for q in moving.result("team_7").questions if q.cause != "other numbers"]
    assert question.cell == "check_cube"


def test_a_folder_of_a_newer_program_is_refused(moving: Moving) -> None:
    path = moving.folder.root / version.FILE
    assert json.loads(path.read_text()) == {"version": version.VERSION}
    path.write_text('{"version": 99}')
    before = everything_in(moving.folder.root)
    calls: list[Callable[[], object]] = [
        moving.grade, moving.preview, lambda: standing.read(moving.folder, moving.course)
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(version.WrongVersion, match=r"version 99.*git pull"):
            call()
    done = typed.course("collect", "x.zip", "-c", str(moving.folder.root))
    assert (done.returncode, "version 99" in done.stderr) == (125, True)
    after = everything_in(moving.folder.root)
    assert {name: after[name] for name in after if not name.startswith(".lock")} == before
    path.write_text("{")
    with pytest.raises(version.WrongVersion, match="can't be read"):
        moving.grade()


def test_an_older_folder_says_what_it_said_and_is_brought_up_to_date(moving: Moving) -> None:
    path = moving.folder.result("team_3", NAME) / "result.json"
    entries = json.loads(path.read_text())
    del entries["questions"]
    entries["needs_human"] = "stopped: it printed without end"
    path.write_text(json.dumps(entries))
    (moving.folder.root / version.FILE).unlink()
    assert moving.result("team_3").questions == [Asked("stopped", entries["needs_human"])]
    assert moving.state("team_3") == standing.HUMAN

    moving.to(WORTH)
    before = everything_in(moving.folder.root)
    assert moving.preview().moved
    assert everything_in(moving.folder.root) == before
    lines = upgrade.upgrade(moving.folder, moving.course)
    assert "is worth 6 points instead of 4" in lines[0]
    assert json.loads(path.read_text())["questions"][0]["cause"] == "stopped"
    assert version.of_folder(moving.folder.root) == version.VERSION
    assert moving.grade().executed == 0


def test_the_command_says_what_changes_before_it_does_it(moving: Moving) -> None:
    def upgraded(*options: str) -> tuple[int, str]:
        done = CliRunner().invoke(
            app, ["upgrade", "-c", str(moving.folder.root), "--seed", "s", *options]
        )
        return done.exit_code, done.output

    assert upgraded("--dry-run")[0] == 0
    moving.to(Move(WORTH.source.replace(SUMS, ""), JUDGES[:1]))
    before = everything_in(moving.folder.root)
    status, said = upgraded("--dry-run")
    assert (status, everything_in(moving.folder.root)) == (1, before)
    assert f"{NAME}/check_sums was dropped, with 3 marks" in said
    assert f"to be executed again: team_1/{NAME}" in said
    assert f"to be flagged for another look: team_1/{NAME}/check_square" in said
    status, said = upgraded()
    assert (status, "done" in said, len(moving.backups())) == (0, True, 1)
    assert set(moving.marks("team_1")) == {"check_square", "why"}
    assert moving.marks("team_1")["check_square"].auto == 4  # until it is graded
    status, said = upgraded("--dry-run")
    assert (status, "to be executed again" in said) == (0, True)
    assert upgraded("-c", "nowhere")[0] != 0


def test_what_is_not_built_is_not_graded(moving: Moving) -> None:
    limits = config.Limits(3, 10, 60, 1024, 64)
    small_course.install(moving.home, NAME, ADDED.source, ADDED.judges, limits)
    with pytest.raises(ConfigError, match=r"older than its source \(check_cube\).*course build"):
        moving.grade()


def test_likeliest_release_is_told_by_what_students_leave_alone() -> None:
    def notebook(*cells: str) -> NotebookNode:
        return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(c) for c in cells])

    old, new = notebook("a", "b"), notebook("a", "b", "c")
    known = {releases.id_of(old): old, releases.id_of(new): new}
    present = releases.id_of(new)
    assert releases.likeliest(notebook("a", "b", "mine"), present, known) == releases.id_of(old)
    assert releases.likeliest(notebook("a", "b", "mine", "c"), present, known) == present
    assert releases.likeliest(notebook("mine"), present, {**known}) == releases.id_of(old)
    assert releases.claimed({"metadata": {"course": {"release": "../../x"}}}) == ""
