"""One submission without a class gets what it would get in a class, and says what became of it."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

import fastjsonschema
import msgspec
import nbformat
import pytest
from nbformat.notebooknode import NotebookNode

from grader import config, places
from grader.classroom import results, standing
from grader.classroom.folder import ClassFolder
from grader.commands import single as command
from grader.executing.execute import BoundedClient
from grader.grading import judgement, single, warm
from grader.grading.judgement import Judgement
from grader.grading.run import grade
from grader.grading.single import Asking
from grader.intake import collect
from grader.sandbox import SandboxUnavailable
from tests.grader import in_process, tiny_course
from tests.grader.tiny_course import NAME, reference

SECRET = "of this class"
SCHEMA = places.ROOT / "docs" / "judgement.schema.json"
KEEPS_SIGN = {"square": "def square(x):\n    return x * abs(x)"}
FORGES = {
    "square": "import os, pathlib\n"
    "place = pathlib.Path(os.environ.get('COURSE_HANDOVER', '.'))\n"
    "for name in ('square', 'sums'):\n"
    "    (place / f'{name}.answer1.npz').write_bytes(b'full points')\n"
    "print('points: 6 of 6')\n"
    "os._exit(0)"
}

LITTERS = {
    "square": "import os, subprocess\n"
    "subprocess.Popen(['sleep', '1000'], start_new_session=True)\n"
    "for _ in range(300):\n"
    "    os.mkdir('deep')\n"
    "    os.chdir('deep')\n"
    "open('file', 'w').write('x' * 100_000)"
}


def zipped(files: Mapping[str, bytes]) -> bytes:
    """An archive like that of collect_submission.sh."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"notebooks/{name}", content)
    return packed.getvalue()


def notebook(team: str, changes: dict[str, str] | None = None) -> bytes:
    """What a team hands in."""
    return nbformat.writes(reference(team, changes)).encode()


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> config.Course:
    return tiny_course.install(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, course: config.Course) -> config.Course:
    """For submissions of the tests' own: no kernel, and none that is warm."""
    monkeypatch.setattr(single, "execute", in_process.execute)
    monkeypatch.setattr(warm, "start", lambda profiles: None)
    monkeypatch.setattr(warm, "quick_imports", nullcontext)
    return course


def judged(tmp_path: Path, course: config.Course, content: bytes, **asking: object) -> Judgement:
    path = tmp_path / "work.ipynb"
    path.write_bytes(content)
    wanted = {"notebook": NAME, "team": "team_1", "secret": SECRET} | asking
    return single.judge([path], course, Asking(**wanted))  # type: ignore[arg-type]


def test_the_verdicts_are_those_of_a_class(course: config.Course, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    blank = Path(places.public() / "notebooks" / f"{NAME}.ipynb").read_bytes()
    for team, content in {
        "good": notebook("good"),
        "wrong": notebook("wrong", KEEPS_SIGN),
        "blank": blank,
        "hostile": notebook("hostile", FORGES),
        "broken": b'{"cells": [',
    }.items():
        (inbox / f"{team}.zip").write_bytes(zipped({f"{NAME}.ipynb": content}))
    folder = ClassFolder(tmp_path / "class")
    taken = collect(folder, course, [inbox], None)
    grade(folder, course, seed=SECRET)
    everyone = standing.read(folder, course)
    found = {}
    for path in inbox.iterdir():
        asking = Asking(NAME, path.stem, SECRET)
        found[path.stem] = single.judge([path], course, asking)
    for result in results.graded(folder):
        there, row = found[result.team], everyone.rows[result.team, NAME]
        assert (there.points, there.maximum) == (row.points, row.max_points)
        assert (there.state, there.essays_to_mark) == (row.state, row.essays_to_mark)
        assert there.needs_human == [str(question) for question in row.questions]
        assert there.handed_in == result.handed_in
        for check, inside in zip(there.checks, result.checks, strict=True):
            assert (check.name, check.points, check.status) == (
                inside.name, inside.points, inside.status
            )  # fmt: skip
            assert [c.message for c in check.for_markers.cases] == [c.message for c in inside.cases]
    assert {team: there.points for team, there in found.items()} == {
        "good": 6, "wrong": 4, "blank": 0, "hostile": 0, "broken": None,
    }  # fmt: skip
    assert found["broken"].state == "rejected"
    assert taken.rejected[0].reason in found["broken"].needs_human[0]
    assert found["hostile"].state == "needs a human"
    check_schema(*found.values())


def check_schema(*found: Judgement) -> None:
    """They are what the page for programs says."""
    validate = fastjsonschema.compile(json.loads(SCHEMA.read_text(encoding="utf-8")))
    for one in found:
        validate(json.loads(msgspec.json.encode(one)))


def test_the_schema_in_the_guides_is_that_of_what_is_written() -> None:
    anew = "./course judge --schema > docs/judgement.schema.json"
    assert SCHEMA.read_text(encoding="utf-8") == judgement.schema(), anew


def test_hidden_values_are_for_markers_alone(quick: config.Course, tmp_path: Path) -> None:
    found = judged(tmp_path, quick, notebook("team_1", KEEPS_SIGN))
    square = next(check for check in found.checks if check.name == "square")
    told = msgspec.json.encode(square.for_students).decode()
    assert "expected" in msgspec.json.encode(square.for_markers).decode()
    assert "expected" not in told and "sign kept" in told and "minus times minus" in told
    assert [case.verdict for case in square.for_students.cases] == ["passed", "failed"]


def test_cases_follow_from_the_secret_and_a_fresh_one_is_told(
    quick: config.Course, tmp_path: Path
) -> None:
    drawn = [
        judged(tmp_path, quick, notebook("team_1"), secret=secret).drawn
        for secret in (SECRET, SECRET, "", "")
    ]
    assert all(drawn) and drawn[0] == drawn[1]
    assert len({one.id for one in drawn if one}) == 3
    assert [one.secret for one in drawn if one] == ["given", "given", "fresh", "fresh"]


def test_the_numbers_of_a_member_are_as_good_as_those_of_the_team(
    quick: config.Course, tmp_path: Path
) -> None:
    alone = judged(tmp_path, quick, notebook("ann"))
    assert (alone.points, alone.state) == (4, "needs a human")
    assert judged(tmp_path, quick, notebook("ann"), members=("ann",)).points == 6


def test_settings_of_a_class_count(quick: config.Course, tmp_path: Path) -> None:
    release = nbformat.reads(
        (places.public() / "notebooks" / f"{NAME}.ipynb").read_text(), as_version=4
    )
    release.cells[0].source = "# Tiny, of last year"
    other = tmp_path / "like" / "releases" / NAME
    other.mkdir(parents=True)
    nbformat.write(release, other / "last_year.ipynb")
    found = judged(tmp_path, quick, of_last_year(), settings=tmp_path / "like")
    assert any("made from the older release" in note for note in found.notes)


def of_last_year() -> bytes:
    notebook: NotebookNode = reference("team_1")
    notebook.cells[0].source = "# Tiny, of last year"
    return nbformat.writes(notebook).encode()


def test_a_fault_of_ours_is_no_points_and_never_0(
    course: config.Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_kernel(client: BoundedClient, **_: object) -> None:
        raise RuntimeError("no more processes")

    monkeypatch.setattr(BoundedClient, "async_execute", no_kernel)
    found = judged(tmp_path, course, notebook("team_1"))
    assert (found.state, found.points, found.checks) == ("not gradable", None, [])
    assert "no more processes" in found.needs_human[0]
    check_schema(found)


def test_the_file_tells_the_truth_whatever_happens(tmp_path: Path) -> None:
    out = tmp_path / "result.json"
    out.write_text('{"points": 10}')

    def there() -> Judgement:
        return msgspec.json.decode(out.read_bytes(), type=Judgement)

    with pytest.raises(SandboxUnavailable), judgement.written(out, "team_1", "01"):
        assert there().state == "not gradable"
        assert "ended before it was done" in there().needs_human[0]
        raise SandboxUnavailable("no namespaces here")
    assert there().needs_human == ["no namespaces here"]
    assert out.stat().st_mode & 0o777 == 0o600


def test_the_command_ends_with_what_came_of_it(
    quick: config.Course,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, secret = tmp_path / "result.json", tmp_path / "seed"
    secret.write_text(f"{SECRET}\n")

    def status(content: bytes, team: str, settings: Path | None = None) -> int:
        path = tmp_path / "work.ipynb"
        path.write_bytes(content)
        with pytest.raises(command.typer.Exit) as ended:
            command.judge([path], "90", team, out, secret, None, settings)
        return ended.value.exit_code

    assert status(notebook("team_1"), "Team 01") == 0
    assert json.loads(out.read_text())["team"] == "team_1"
    assert status(notebook("ann"), "team_1") == 1
    capsys.readouterr()
    clears = {"square": "def square(x):\n    raise ValueError('\\x1b[2J gone')"}
    assert status(notebook("team_1", clears), "team_1") == 0
    said = capsys.readouterr().out
    assert "square: 0 of 4: " in said and "[2J gone" in said and "\x1b" not in said
    assert status(b"", "team_1") == 1
    assert json.loads(out.read_text())["state"] == "rejected"
    roster = tmp_path / "like" / "roster.csv"
    roster.parent.mkdir()
    roster.write_text("team,student\nteam_1,ann\n")
    assert status(notebook("ann"), "team_1", roster.parent) == 0
    monkeypatch.setattr(single, "_result_of", lambda *_: (_unfinished(), None))
    assert status(notebook("team_1"), "team_1") == 125


def _unfinished() -> results.Result:
    question = results.Question("stopped", "the disk is full")
    return results.Result("team_1", NAME, "", [], [question])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"team": "/ /"}, "--team / /"),
        ({"notebook": "91"}, "--notebook 91"),
        ({"secret": Path("none")}, "--secret none"),
        ({"settings": Path("none")}, "--settings none"),
        ({"files": [Path("none.ipynb")]}, "no file none.ipynb"),
    ],
)
def test_a_slip_is_told_and_leaves_no_stale_result(
    quick: config.Course,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, object],
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("work.ipynb").write_bytes(notebook("team_1"))
    wanted = {"files": [Path("work.ipynb")], "notebook": "90", "team": "team_1"}
    with pytest.raises(config.ConfigError, match=told):
        command.judge(**wanted | options, out=Path("result.json"))  # type: ignore[arg-type]
    found = json.loads(Path("result.json").read_text())
    assert (found["state"], found["points"]) == ("not gradable", None)
    assert told in found["needs_human"][0]


def test_the_result_takes_the_place_of_nothing_that_is_judged(tmp_path: Path) -> None:
    work = tmp_path / "work.ipynb"
    work.write_bytes(b"honest work")
    with pytest.raises(config.ConfigError, match="take the place"):
        command.judge([work], "90", "team_1", tmp_path / "." / "work.ipynb")
    assert work.read_bytes() == b"honest work"


@pytest.mark.long
def test_twenty_in_a_row_leave_nothing_behind(
    course: config.Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    judged(tmp_path, course, notebook("team_1"))
    before = sorted(temporary.iterdir())  # the warm parent's, while this process lives
    for changes in [None, KEEPS_SIGN, FORGES, LITTERS] * 5:
        judged(tmp_path, course, notebook("team_1", changes))
    assert sorted(temporary.iterdir()) == before
