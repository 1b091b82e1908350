"""What operators make of a function, which functions are changed, and what judges say."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from grader import config, places
from grader.judging import truth
from grader.mutating import marks, operators, run, sources, trial
from grader.mutating.mutants import Mutant, mutants_of
from grader.mutating.sources import Asked, Exercise
from grader.mutating.trial import Emptying

OTHER = Path(__file__).resolve().parents[2] / "second_course"


def changes(body: str) -> dict[str, set[str]]:
    """Operator -> what it makes of the last line of a function."""
    source = f"def f(kh, kw):\n    # here\n    {body}\n"
    lines = frozenset(range(3, 4 + body.count("\n")))
    asked = Asked("f", "f", (source,), frozenset({"f"}))
    found: dict[str, set[str]] = {}
    for mutant in mutants_of(Exercise("01_it", "f", source, lines, (asked,))):
        lines_of = ast.unparse(ast.parse(mutant.source).body[0]).splitlines()[1:]
        found.setdefault(mutant.operator, set()).add("; ".join(x.strip() for x in lines_of))
    return found


@pytest.mark.parametrize(
    ("operator", "body", "mutant"),
    [
        ("neighbours", "return (1, kh)", "return (kh, 1)"),
        ("arguments", "g(kh, 7)", "g(7, kh)"),
        ("twin", "return kh", "return kw"),
        ("constant", "return x[1]", "return x[0]"),
        ("constant", "return 0.5", "return 1.0"),
        ("off by one", "return range(kh)", "return range(1, kh)"),
        ("off by one", "return x[:kh]", "return x[:kh - 1]"),
        ("comparison", "return kh < 2", "return kh <= 2"),
        ("arithmetic", "return kh - 2", "return 2 - kh"),
        ("operand", "return y + kh", "return y"),
        ("rounding", "return kh // 2", "return -(-kh // 2)"),
        ("rounding", "return -(-kh // 2)", "return kh // 2"),
        ("sign", "return -kh", "return kh"),
        ("accumulation", "x += kh", "x = kh"),
        ("opposite", "return min(kh, 0)", "return max(kh, 0)"),
        ("opposite", "return x.sum()", "return x.mean()"),
        ("opposite", "return -np.inf", "return -0.0"),
        ("call", "return np.clip(x, 0, 1)", "return x"),
        ("call", "return x.astype(int)", "return x"),
        ("argument", "return x.sum(axis=0)", "return x.sum()"),
        ("argument", "return default_rng(seed)", "return default_rng()"),
        ("kind of numbers", "return np.zeros(3)", "return np.zeros(3, dtype=int)"),
        ("slice", "return x[::kh]", "return x[:]"),
        ("batch", "return x[:, kh]", "return x[:1, kh]"),
        ("loop", "for i in x: g(i)", "for i in x:; g(i); break"),
        ("condition", "return 1 if kh else 2", "return 1 if True else 2"),
        ("condition", "return [i for i in x if i]", "return [i for i in x]"),
        ("statement", "g(kh)", "pass"),
        ("emptied", "return kh", "kh = emptied(kh); return kh"),
    ],
)
def test_each_operator_makes_its_change(operator: str, body: str, mutant: str) -> None:
    assert mutant in changes(body)[operator]


def test_every_operator_is_tried_above() -> None:
    (mark,) = test_each_operator_makes_its_change.pytestmark  # type: ignore[attr-defined]
    assert {row[0] for row in mark.args[1]} == {operator.name for operator in operators.OPERATORS}


def test_a_change_that_changes_nothing_is_no_mutant() -> None:
    assert "arguments" not in changes("return max(kh, 0)")
    assert "neighbours" not in changes("return (kh, kh)")


def test_only_what_students_write_is_changed() -> None:
    found = {e.name: e for e in sources.exercises("01_implementing_cnn", {})}
    assert "same_padding" in found and "conv1d_by_hand" not in found, "values are found by hand"
    exercise = found["same_padding"]
    before = exercise.source.split("### BEGIN SOLUTION")[0]
    unchanged = ast.unparse(ast.parse(before + "pass")).splitlines()[:-1]
    for mutant in mutants_of(exercise):
        if mutant.operator != "emptied":
            assert mutant.source.splitlines()[: len(unchanged)] == unchanged
    assert "same_padding" not in {
        e.name for e in sources.exercises("01_implementing_cnn", {"same_padding": "not now"})
    }


def test_helpers_are_judged_by_all_who_need_them() -> None:
    (exercise,) = (
        e for e in sources.exercises("01_implementing_cnn", {}) if e.name == "conv2d_forward"
    )
    assert [check.name for check in exercise.checks] == ["conv2d_forward"]
    assert "maxpool_forward" in {check.name for check in exercise.further}
    made = {m.function: m for m in mutants_of(exercise)}
    assert trial._judges_of(made["conv2d_forward"]) == exercise.checks
    assert trial._judges_of(made["pad_for_windows"]) == (*exercise.checks, *exercise.further)


def test_digests_are_as_stable_as_their_surroundings() -> None:
    def digests(before: str) -> list[str]:
        source = f"def f(x):\n    {before}\n    a = 1\n    b = 2\n    c = 3\n    return x + 1\n"
        asked = Asked("f", "f", (source,), frozenset({"f"}))
        made = mutants_of(Exercise("01_it", "f", source, frozenset({6}), (asked,)))
        return [m.digest for m in made if m.operator != "emptied"]

    assert digests("y = 1") == digests("z = 2; w = 3")
    assert len(set(digests("y = 1"))) == len(digests("y = 1")) > 3


def test_what_is_emptied_is_noted() -> None:
    emptying = Emptying()
    assert emptying(3) == 3 and not emptying.done
    array, row = np.arange(3), [1, 2]
    assert list(emptying(array)) == [0, 1, 2] and not array.any() and emptying.done
    assert emptying(row) == [1, 2] and row == []


@pytest.fixture
def other_course(tmp_path: Path) -> Iterator[Path]:
    shutil.copytree(OTHER, tmp_path / "course")
    places.use(tmp_path / "course")
    truth.drawn.cache_clear()  # of a course of the same name
    (tmp_path / "course" / "public" / "notebooks").mkdir(parents=True, exist_ok=True)
    yield tmp_path / "course"
    places.use(None)


def asked_of(**fields: object) -> tuple[int, dict[str, int], str]:
    """Exit status, figures and output of a run on the other course."""
    console = Console(record=True, width=200, file=io.StringIO())
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        status = run.run(console, run.Asking(["01_areas"], seeds=2, **fields))  # type: ignore[arg-type]
    return status, json.loads(printed.getvalue().splitlines()[-1]), console.export_text()


def test_it_works_on_another_course(other_course: Path) -> None:
    status, figures, _ = asked_of()
    assert status == 0
    assert figures["checks"] == 1 and figures["mutants"] == figures["killed"] >= 5
    assert figures["by_notebook"]["01"]["killed"] == figures["killed"]


def weaken(course: Path) -> None:
    """A judge that sees squares only: nobody can tell width from height there."""
    judges = course / "judges" / "areas.py"
    before = judges.read_text()
    after = before.replace('"height": rng.uniform(3, 4)', '"height": 1.0')
    assert before != after
    judges.write_text(after)


def test_what_a_weak_judge_lets_through_is_shown(other_course: Path) -> None:
    weaken(other_course)
    status, figures, text = asked_of()
    assert status == 1 and figures["survived"] > 0
    assert "survives: 01 area, area:" in text
    assert "-    return width * height" in text and "+    return width" in text


def mark(course: Path, mutant: Mutant, reason: str = "nobody can tell") -> None:
    change = ", ".join(json.dumps(line) for line in mutant.change)
    (course / marks.FILE).write_text(
        f'[[equivalent]]\nmutant = "{mutant.digest}"\nchange = [{change}]\nreason = "{reason}"\n'
    )


def the_mutant(line: str) -> Mutant:
    (exercise,) = sources.exercises("01_areas", {})
    (found,) = (m for m in mutants_of(exercise) if f"+    return {line}" in m.change)
    return found


def test_marked_mutants_are_tried_and_counted_apart(other_course: Path) -> None:
    weaken(other_course)
    before = asked_of()[1]
    mark(other_course, the_mutant("width"))
    _, after, _ = asked_of()
    assert after["equivalent"] == 1 and after["survived"] == before["survived"] - 1


def test_marked_mutants_can_be_tried_alone(other_course: Path) -> None:
    weaken(other_course)
    mark(other_course, the_mutant("width"))
    status, figures, _ = asked_of(only_marked=True, everything=False)
    assert status == 0 and figures["mutants"] == figures["equivalent"] == 1


def test_where_any_way_is_right_what_keeps_all_points_is_one(other_course: Path) -> None:
    weaken(other_course)
    before = asked_of()[1]
    (other_course / marks.FILE).write_text('[free]\narea = "any way is right"\n')
    status, after, text = asked_of()
    assert status == 0 and after["mutants"] == before["mutants"]
    assert after["another_way"] == before["survived"] > 0 == after["survived"]
    assert "mutants go another way: any way is right" in text


def test_a_mark_that_a_judge_contradicts_is_told(other_course: Path) -> None:
    mark(other_course, the_mutant("width"))
    status, figures, text = asked_of()
    assert status == 1 and figures["equivalent"] == 0
    assert "is marked as equivalent: area, seed mutants-0: 0 %" in text


def test_a_mark_of_nothing_is_told(other_course: Path) -> None:
    mark(other_course, the_mutant("width"))
    path = other_course / marks.FILE
    path.write_text(path.read_text().replace("return width *", "return breadth *"))
    status, _, text = asked_of()
    assert status == 1 and "take it out" in text


def test_a_mark_needs_a_reason(other_course: Path) -> None:
    mark(other_course, the_mutant("width"), reason=" ")
    with pytest.raises(config.ConfigError, match="without a reason"):
        asked_of()


def test_a_mark_is_held_against_other_inputs_than_the_judges(
    other_course: Path,
) -> None:
    mutant = the_mutant("width")
    with trial.in_notebooks():
        tried = trial.prepared(mutant.exercise, ["one"])
        source = mutant.exercise.source.replace("width * height", "height * width")
        same = Mutant(mutant.exercise, "area", "by hand", source, "", "the same")
        found = tried.differences([same, mutant], 5)
    assert found == {mutant.digest: "area: another answer to drawn input 0"}


def test_what_mutants_write_is_gone_with_them(other_course: Path) -> None:
    with trial.in_notebooks():
        Path("events").touch()
        written = Path("events").resolve()
    assert written.parent.name == "notebooks" and not written.exists()
    assert not (places.public() / "notebooks" / "events").exists()


def test_what_does_not_end_is_killed(other_course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "_SHORTEST", 0.2)
    (exercise,) = sources.exercises("01_areas", {})
    source = exercise.source.replace("return width * height", "while True: pass")
    mutant = Mutant(exercise, "area", "by hand", source, "", "")
    with trial.in_notebooks():
        verdict = trial.prepared(exercise, ["one"]).of(mutant)
    assert verdict.killed_by == "area, seed one: 0 %"


def test_a_reference_that_loses_points_is_told(other_course: Path) -> None:
    path = other_course / "source" / "01_areas.py"
    path.write_text(path.read_text().replace("return width * height", "return width + height"))
    status, figures, text = asked_of()
    assert status == 1 and figures["mutants"] == 0
    assert "the reference of area keeps 0 % with seed mutants-0" in text


def test_no_mutant_of_a_sample_survives() -> None:
    """The whole of it takes long; `./course mutate` before a release."""
    options = ["--notebook", "01", "--sample", "60", "--seeds", "1", "--inputs", "20"]
    done = subprocess.run(
        [sys.executable, "-m", "grader", "mutate", *options],
        cwd=places.ROOT,
        capture_output=True,
        text=True,
    )
    figures = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-500:]
    assert figures["mutants"] >= 50 and figures["survived"] == 0
