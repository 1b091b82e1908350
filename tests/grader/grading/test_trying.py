"""An answer to one check is tried as it is at home and as it is graded, and nothing else is."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest

from grader import config
from grader.commands import trying as command
from grader.errors import ConfigError
from grader.executing.execute import BoundedClient
from grader.grading import trying, warm
from grader.grading.trying import Tried, described
from tests.grader import in_process, tiny_course

KEEPS_SIGN = "def square(x):\n    return x * abs(x)\n"
SUMS = "from utils.checks.identity import variant_of\n"
SUMS += 'sums = {"a": variant_of("ann") + 1, "b": variant_of("ann") + 2}\n'


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> config.Course:
    return tiny_course.install(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, course: config.Course) -> config.Course:
    """For answers of the tests' own: no kernel."""
    monkeypatch.setattr(trying, "execute", in_process.execute)
    return course


def tried(
    tmp_path: Path, course: config.Course, check: str, text: str, team: str = "team_1"
) -> Tried:
    path = tmp_path / "answer.py"
    path.write_text(text)
    return trying.attempt(check, path, course, "a seed", team)


def test_a_right_answer_keeps_all_points(course: config.Course, tmp_path: Path) -> None:
    found = tried(tmp_path, course, "square", "def square(x):\n    return x ** 2\n")
    assert (found.check.points, found.problem) == (4, "")
    assert found.at_home[0] == "square: 2 of 2 cases passed, 4 of 4 points"
    assert described(found) == ["passed: positive", "passed: negative"]


def test_both_read_what_is_wrong_and_one_of_them_what_was_expected(
    quick: config.Course, tmp_path: Path
) -> None:
    found = tried(tmp_path, quick, "square", KEEPS_SIGN)
    assert found.check.points == 2
    assert found.at_home[0].endswith("2 of 4 points. Looks like: sign kept")
    lines = described(found)
    assert lines[:2] == ["passed: positive", "failed: negative"]
    student, marker = lines[2:4]
    assert student.startswith("  student: ") and "expected" not in student
    assert marker.startswith("  marker:  ") and "expected" in marker
    assert lines[4:6] == ["looks like: sign kept", "hint: minus times minus is plus"]


def test_the_same_seed_draws_the_same_cases(quick: config.Course, tmp_path: Path) -> None:
    first, again = (tried(tmp_path, quick, "square", KEEPS_SIGN) for _ in range(2))
    assert described(first) == described(again)


def test_numbers_of_a_students_own_are_those_of_the_team(
    quick: config.Course, tmp_path: Path
) -> None:
    assert tried(tmp_path, quick, "sums", SUMS, "ann").check.points == 2
    other = tried(tmp_path, quick, "sums", SUMS, "team_1")
    assert other.check.points == 0
    assert other.at_home[0].startswith("sums: 0 of 2 answers right")


def test_what_an_answer_ends_with_is_told(quick: config.Course, tmp_path: Path) -> None:
    late = tried(tmp_path, quick, "square", "square = 1 / 0\n")
    assert late.at_home == () and late.check.status == "not run"


@pytest.mark.parametrize(
    ("check", "text", "told"),
    [
        ("square", "def cube(x):\n    return x\n", "nothing that square asks for: define square"),
        ("square", "x = 1\n\ndef square(x:\n", r"answer\.py:3: "),
        ("square", "\0", r"answer\.py:1: .*null bytes"),
        ("squares", "square = 3\n", "no check called 'squares'"),
    ],
)
def test_a_slip_is_told_with_what_to_do(
    quick: config.Course, tmp_path: Path, check: str, text: str, told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        tried(tmp_path, quick, check, text)


def test_the_command_ends_with_1_where_points_are_lost(
    quick: config.Course,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(warm, "start", lambda profiles: None)
    monkeypatch.setattr(warm, "quick_imports", nullcontext)
    path = tmp_path / "answer.py"
    for text, status in ((KEEPS_SIGN, 1), ("def square(x):\n    return x * x\n", 0)):
        path.write_text(text)
        with pytest.raises(command.typer.Exit) as ended:
            command.try_("square", path, "a seed", "team_1")
        assert ended.value.exit_code == status
    assert "graded, on cases drawn from a seed: 2 of 4 points" in capsys.readouterr().out
    path.write_text("def square(x):\n    raise ValueError('\\x1b[2J gone')\n")
    with pytest.raises(command.typer.Exit):
        command.try_("square", path, "a seed", "team_1")
    out = capsys.readouterr().out
    assert "[2J gone" in out and "\x1b" not in out


def test_an_answer_runs_in_the_sandbox_and_a_dead_kernel_is_told(
    course: config.Course, tmp_path: Path
) -> None:
    outside = tmp_path / "secret"
    outside.write_text("hidden")
    text = f"import os\nsquare = len(open({str(outside)!r}).read())\n"
    assert tried(tmp_path, course, "square", text).check.status == "not run"
    dead = tried(tmp_path, course, "square", "import os\nsquare = 1\nos._exit(0)\n")
    assert "the kernel died" in described(dead)[0]


def test_a_kernel_that_never_began_is_no_verdict(
    course: config.Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_kernel(client: BoundedClient, **_: object) -> None:
        raise RuntimeError("no more processes")

    monkeypatch.setattr(BoundedClient, "async_execute", no_kernel)
    with pytest.raises(trying.KernelFailed, match="no more processes"):
        tried(tmp_path, course, "square", KEEPS_SIGN)
