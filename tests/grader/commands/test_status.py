"""Where a class stands, as typed: everything handed in is somewhere, and questions get answers."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import msgspec
import pytest
import typer

from grader.classroom import database, marks, overview, questions, remembered, results, standing
from grader.classroom.account import Question
from grader.classroom.results import Ignored, Rejected, Result, Submission
from grader.commands import returning
from grader.commands import standing as commands
from grader.pages import report
from tests.grader.sample_class import CHECKS, CONV, DUE, START, SampleClass

DIFFER = Question("copies differ", "its two copies differ", "look at both", "conv2d_forward")
FIELDS = {"team", "notebook", "attempt", "state", "points", "maximum", "essays_to_mark"}
FIELDS |= {"needs_human", "received", "late_days"}
RUN, EARLIER = "2027-01-30T08:00:00", "2027-01-29T08:00:00"


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SampleClass:
    monkeypatch.delenv("COURSE_CLASS", raising=False)
    sample = SampleClass(tmp_path / "class")
    monkeypatch.setattr(commands.config, "load", lambda folder: sample.course)
    monkeypatch.chdir(tmp_path)
    return sample


def ask(sample: SampleClass, team: str, *asked: Question, batch: str = RUN, work: str = "") -> None:
    """A submission whose result asks something."""
    sample.hand_in(team)
    (sample.folder.submitted(team, CONV) / f"{CONV}.ipynb").write_text(work or team)
    path = sample.folder.result(team, CONV) / "result.json"
    result = msgspec.structs.replace(results.read(path, Result), questions=list(asked), batch=batch)
    results.write(path, result)


def status(sample: SampleClass, **options: object) -> int:
    with pytest.raises(typer.Exit) as ended:
        commands.status(sample.folder.root, **options)  # type: ignore[arg-type]
    return ended.value.exit_code


def settle(sample: SampleClass, cause: str, **options: object) -> None:
    chosen = {"cell": "", "batch": "", "note": "", "undo": False, "dry_run": False, **options}
    commands.settle(cause, sample.folder.root, **chosen)  # type: ignore[arg-type]


def open_ones(sample: SampleClass) -> list[str]:
    rows = standing.read(sample.folder, sample.course).handed_in()
    return [entry.label for row in rows for entry in row.asked]


def test_everything_handed_in_is_in_exactly_one_list(
    sample: SampleClass, capsys: pytest.CaptureFixture[str]
) -> None:
    sample.hand_in("team_1", fraction=0.5, late_fraction=0.1)
    sample.hand_in("team_2", START)
    sample.hand_in("team_3", recorded=False, arrival="unknown")
    (sample.folder.result("team_3", CONV) / "result.json").unlink()
    ask(sample, "team_4", DIFFER)
    results.write(
        sample.folder.submitted("team_5", "99_gone") / "submission.json",
        Submission("team_5", "99_gone", "a.zip", "0", DUE),
    )
    (sample.folder.submitted("team_6", CONV)).mkdir(parents=True)
    sample.reject(Rejected("b.rar", "", "no archive", source="/inbox/b.rar"), Rejected("c", "", ""))
    results.write(sample.folder.root / "ignored.json", [Ignored("old.zip", "older")])
    assert status(sample, as_json=True) == 0
    out = capsys.readouterr().out
    found = json.loads(out)
    assert out.count("\n") == 1 and set(found) == {"submissions", "rejected", "ignored"}
    assert all(set(entry) == FIELDS for entry in found["submissions"])
    places = {(e["team"], e["notebook"]): e for e in found["submissions"]}
    assert {pair: entry["state"] for pair, entry in places.items()} == {
        ("team_1", CONV): standing.ESSAYS,
        ("team_2", START): standing.FINAL,
        ("team_3", CONV): standing.UNGRADED,
        ("team_4", CONV): standing.HUMAN,
    }
    one = places["team_1", CONV]
    worth = sum(CHECKS[CONV].values())
    assert (one["points"], one["maximum"], one["essays_to_mark"]) == (worth / 2, worth + 4, 1)
    assert one["received"].startswith("2027-01-29T") and one["attempt"] == "0" * 12
    assert places["team_3", CONV]["received"] is None
    assert places["team_4", CONV]["needs_human"] == [str(DIFFER)]
    assert found["rejected"] == [
        {"source": "/inbox/b.rar", "reason": "no archive"},
        {"source": "c", "reason": ""},
    ]
    assert [entry["source"] for entry in found["ignored"]] == [
        "old.zip", "submitted/team_5/99_gone", f"submitted/team_6/{CONV}",
    ]  # fmt: skip


def test_people_get_a_page_that_fits_a_terminal(
    sample: SampleClass, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(12):
        ask(sample, f"team_{number}", DIFFER)
    ask(sample, "team_99", DIFFER, Question("stopped", "memory limit reached " * 9), batch=EARLIER)
    sample.reject(*[Rejected(f"{n}.rar", "", "no archive") for n in range(7)])
    assert status(sample) == 0
    out = capsys.readouterr().out
    assert all(len(line) <= questions.WIDTH for line in out.splitlines())
    told = " ".join(out.split())
    assert f"{CONV} 13 13" in told and "needs a human: 13 submissions" in told
    assert "12 × copies differ (run of 2027-01-30 08:00:00)" in told
    assert f"team_0/{CONV} (and 11 more): conv2d_forward: its two copies differ" in told
    for number in range(1, 12):  # nobody stands before a human as a number
        assert f"team_{number}/{CONV}" in told
    assert "to do: look at both" in told
    assert f"./course settle 'copies differ' --batch {RUN}" in told
    assert f"./course settle stopped --batch {EARLIER}" in told
    assert "rejected: 7" in told and "0.rar, 1.rar, 2.rar, 3.rar and 3 more" in told


def test_a_command_to_type_is_whole_and_names_the_class_folder(
    sample: SampleClass, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_CLASS", "another")
    remedy = f"ask them all in the next exercise, or before it: ./course choose team_1 {CONV} A"
    ask(sample, "team_1", Question("members differ", "they differ", remedy))
    sample.hand_in("team_2", recorded=False)
    (sample.folder.result("team_2", CONV) / "result.json").unlink()
    status(sample)
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    where = "-c class"
    assert f"./course choose team_1 {CONV} A {where}" in lines
    assert f"not graded yet: ./course grade {where}" in lines


def test_commands_in_a_text_name_the_class_folder(sample: SampleClass, monkeypatch) -> None:
    text = "choose again: ./course choose team_1 01 ATTEMPT; then ./course grade"
    root = sample.folder.root
    assert questions.typed(text, root) == text  # it is where commands look
    monkeypatch.setenv("COURSE_CLASS", "another")
    assert questions.typed(text, root) == (
        "choose again: ./course choose -c class team_1 01 ATTEMPT; then ./course grade -c class"
    )


def test_an_export_names_the_class_folder_in_what_is_to_be_typed(
    sample: SampleClass, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(sample, "team_1", Question("members differ", "two", "./course choose team_1 01 X"))
    monkeypatch.setenv("COURSE_CLASS", "another")
    monkeypatch.setattr(returning, "_graded_class", lambda folder: (sample.folder, sample.course))
    returning.export("csv", sample.folder.root, None, "", False, False, None, False)
    assert "./course choose -c class team_1 01 X" in capsys.readouterr().out
    page = report.write(sample.folder, sample.course).read_text()
    assert "./course choose -c class team_1 01 X" in page


def test_what_was_rejected_comes_with_what_to_do(sample: SampleClass, capsys) -> None:
    sample.reject(Rejected("b.rar", "", "no archive"))
    assert status(sample) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "no archive b.rar to do: ask for it again" in told


def test_a_list_that_cant_be_read_is_said_and_is_no_success(
    sample: SampleClass, capsys: pytest.CaptureFixture[str]
) -> None:
    (sample.folder.root / "rejected.json").write_text("{")
    assert status(sample, as_json=True) == 1
    told = capsys.readouterr()
    assert json.loads(told.out)["submissions"] == [] and "rejected.json can't be read" in told.err


def test_one_command_answers_a_group_and_changes_no_mark(sample: SampleClass) -> None:
    other = Question("stopped", "memory limit reached")
    ask(sample, "team_1", DIFFER)
    ask(sample, "team_2", DIFFER, other)
    ask(sample, "team_3", DIFFER, batch=EARLIER)
    before = marks.read(sample.folder)
    settle(sample, "copies differ", batch=RUN, dry_run=True)
    assert len(open_ones(sample)) == 4
    settle(sample, "copies differ", batch=RUN, note="the last one counts")
    assert open_ones(sample) == [f"team_2/{CONV}", f"team_3/{CONV}"]
    assert marks.read(sample.folder) == before
    row = standing.read(sample.folder, sample.course).rows["team_1", CONV]
    assert (row.state, row.needs_human) == (standing.ESSAYS, "")
    kept = questions.read(sample.folder.root)
    assert {entry.note for entry in kept} == {"the last one counts"} and len(kept) == 2
    settle(sample, "copies differ", team=["team_1"], undo=True)
    assert f"team_1/{CONV}" in open_ones(sample)


def test_other_work_or_another_reason_is_asked_anew(sample: SampleClass) -> None:
    ask(sample, "team_1", DIFFER)
    settle(sample, "copies differ")
    ask(sample, "team_1", DIFFER)
    assert not open_ones(sample)  # the same work, graded again
    ask(sample, "team_1", DIFFER, work="other work")
    assert open_ones(sample)
    ask(sample, "team_1", DIFFER)
    ask(sample, "team_1", msgspec.structs.replace(DIFFER, reason="three copies differ"))
    assert open_ones(sample)


def test_a_mark_to_confirm_is_a_question_too(sample: SampleClass) -> None:
    ask(sample, "team_1")
    sample.mark("team_1", "check_conv2d_forward", 2)
    sample.gradebook.find_grade(
        "check_conv2d_forward", CONV, CONV, "team_1"
    ).needs_manual_grade = True
    sample.gradebook.db.commit()
    (question,) = standing.read(sample.folder, sample.course).rows["team_1", CONV].questions
    assert question.cause == questions.CONFIRM and question.cell == "conv2d_forward"
    assert "by hand with 2" in question.reason and "now gives 6" in question.reason
    settle(sample, questions.CONFIRM)
    assert not open_ones(sample)


def test_what_cant_be_answered_is_refused(
    sample: SampleClass, capsys: pytest.CaptureFixture[str]
) -> None:
    ask(sample, "team_1", DIFFER)
    (sample.folder.result("team_1", CONV) / "result.json").write_text("{")
    for cause in ("no such", questions.DAMAGED):
        with pytest.raises(typer.Exit) as ended:
            settle(sample, cause)
        assert ended.value.exit_code == 125
    assert "looking can't settle it" in capsys.readouterr().err
    ask(sample, "team_1", DIFFER)
    (sample.folder.root / "settled.json").write_text("{")
    with pytest.raises(ValueError, match=r"settled.json can't be read"):
        settle(sample, "copies differ")
    assert (sample.folder.root / "settled.json").read_text() == "{"
    assert open_ones(sample) == [f"team_1/{CONV}"]


def _change(sample: SampleClass, what: str) -> None:
    result = sample.folder.result("team_1", CONV) / "result.json"
    place = sample.folder.submitted("team_1", CONV)
    match what:
        case "a mark":
            sample.mark("team_1", "why_stride", 3)
        case "a result":
            results.write(result, results.read(result, Result))
        case "no result":
            result.unlink()
        case "another hand-in":
            sample.hand_in("team_2")
        case "the roster":
            sample.roster("team,student\nteam_9,s1\n")
        case "a rejection":
            sample.reject(Rejected("b.rar", "", "no archive"))
        case "the work that was looked at":
            (place / f"{CONV}.ipynb").write_text("other")
        case "a setting":
            late = dataclasses.replace(sample.course.late, penalty_per_day=0.3)
            sample.course = dataclasses.replace(sample.course, late=late)


CHANGES = ["a mark", "a result", "no result", "another hand-in", "the roster", "a rejection"]
CHANGES += ["the work that was looked at", "a setting"]


@pytest.mark.parametrize("what", CHANGES)
def test_a_class_is_read_once_until_anything_is_another(
    sample: SampleClass, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    ask(sample, "team_1", DIFFER)
    settle(sample, DIFFER.cause)
    read: list[int] = []
    whole = standing.read
    monkeypatch.setattr(standing, "read", lambda *both: read.append(1) or whole(*both))
    assert status(sample) == status(sample) == 0 and len(read) == 1
    _change(sample, what)
    assert status(sample) == 0 and len(read) == 2
    fresh = overview.of(whole(sample.folder, sample.course))
    assert remembered.overview(sample.folder, sample.course) == fresh and len(read) == 2


def test_a_gradebook_elsewhere_is_read_each_time(
    sample: SampleClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(sample, "team_1")
    monkeypatch.setenv(database.VARIABLE, str(sample.folder.root / "gradebook.db"))
    assert status(sample) == 0 and not (sample.folder.root / remembered.FILE).exists()
    assert remembered._ELSEWHERE == database.VARIABLE
