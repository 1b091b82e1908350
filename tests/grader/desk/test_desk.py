"""The desk without a browser: what it shows, what it writes, and what it refuses to write."""

from __future__ import annotations

import base64
import io
import itertools
import json
import multiprocessing
import os
import random
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import nbformat
import pytest
from nbgrader import api
from PIL import Image
from typer.testing import CliRunner

from grader import cli, config, places
from grader.cells import grade_id
from grader.classroom import gradebook, history, migrate
from grader.classroom.folder import ClassFolder
from grader.classroom.history import ELSEWHERE, Line
from grader.desk.answers import essays
from grader.desk.marks import Refused
from grader.desk.room import Desk, Save
from grader.grading import defuse
from tests.grader import tiny_course
from tests.grader.desk import answered
from tests.grader.tiny_course import NAME

WHY = "why"
ESSAYS = {
    "team_1": "Because a square grows faster than its side, always.",
    "team_2": "because a square grows faster than its side,  always",
    "team_3": "Because a square grows faster than its side, nearly always!",
    "team_4": "It is about the number of filters in a layer of the net.",
}


def _picture(colour: int) -> str:
    held = io.BytesIO()
    Image.new("L", (4, 4), colour).save(held, "PNG")
    return base64.b64encode(held.getvalue()).decode()


PICTURE = {"i": _picture(0), "j": _picture(255)}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[config.Course]:
    yield tiny_course.install(tmp_path_factory.mktemp("tiny"))
    places.use(None)


@pytest.fixture
def folder(course: config.Course, tmp_path: Path) -> ClassFolder:
    folder = ClassFolder(tmp_path / "class")
    answered.make(folder, course, ESSAYS, square=2.0)
    return folder


@pytest.fixture
def desk(folder: ClassFolder, course: config.Course) -> Desk:
    return Desk(folder, course, "anna")


def seen(desk: Desk) -> dict[str, dict[str, Any]]:
    """Name -> what the page is told of an answer, with its mark."""
    found = desk.question(NAME, WHY)
    return {one["name"]: one | {"given": found["given"][one["answer"]]} for one in found["answers"]}


def mark(desk: Desk, *teams: str, **change: Any) -> dict[str, Any]:
    """Give some answers what they have, with a change, as the page does."""
    there = seen(desk)
    return desk.save(sent([there[team] for team in teams], **change))


def sent(answers: list[dict[str, Any]], **change: Any) -> Save:
    marks = [
        {name: one[name] for name in ("answer", "digest")}
        | {"seen": one["given"]}
        | {name: one["given"][name] for name in ("points", "comment", "flagged")}
        | change
        for one in answers
    ]
    return msgspec.convert({"notebook": NAME, "cell": WHY, "marks": marks}, Save)


def lines(folder: ClassFolder, course: config.Course, **only: str) -> list[Line]:
    with gradebook.open_gradebook(folder, course.id) as book:
        return history.read(book.db, **only)


def grade_of(folder: ClassFolder, course: config.Course, team: str) -> tuple[Any, Any, Any]:
    """What nbgrader has for an essay: mark by hand, whether it waits, comment."""
    with gradebook.open_gradebook(folder, course.id) as book:
        submission = book.find_submission_notebook(NAME, NAME, team)
        grade = next(grade for grade in submission.grades if grade.name == WHY)
        comment = next(one for one in submission.comments if one.name == WHY)
        return grade.manual_score, grade.needs_manual_grade, comment.manual_comment


# -- what is shown --------------------------------------------------------------------------------


def test_a_question_has_its_rubric_its_model_answer_and_the_checks_beside_it(desk: Desk) -> None:
    found = desk.question(NAME, WHY)
    assert [level["points"] for level in found["levels"]] == [0, 1, 3]
    assert found["levels"][2]["words"] == "says because"
    assert "Because." in found["key"]
    checks = {check["name"]: check for check in found["answers"][0]["checks"]}
    assert checks["square"]["mistake"] == "sign kept"
    assert (checks["square"]["points"], checks["sums"]["points"]) == (2, 2)


def test_like_stands_beside_like(desk: Desk) -> None:
    there = seen(desk)
    assert there["team_1"]["same"] == there["team_2"]["same"] != there["team_3"]["same"]
    assert there["team_3"]["answer"] in there["team_1"]["near"]
    assert not there["team_4"]["near"]
    order = list(there)
    assert abs(order.index("team_1") - order.index("team_2")) == 1
    assert order.index("team_4") in (0, 3)


def test_all_planted_pairs_are_offered_together(course: config.Course, tmp_path: Path) -> None:
    chance = random.Random(0)
    words = [f"word{n}" for n in range(400)]
    texts = [" ".join(chance.sample(words, 25)) for _ in range(140)]
    pairs = [" ".join(chance.sample(words, 25)) for _ in range(30)]
    changed = [f"  {text.upper()}." if n % 2 else text for n, text in enumerate(pairs)]
    every = texts + pairs + changed
    chance.shuffle(every)
    teams = {f"team_{n}": text for n, text in enumerate(every, 1)}
    folder = ClassFolder(tmp_path / "class")
    answered.make(folder, course, teams)
    there = Desk(folder, course, "anna").question(NAME, WHY)["answers"]
    numbers = [one["same"] for one in there]
    assert len(numbers) == 200 and len(set(numbers)) == 170
    apart = [abs(numbers.index(n) - (199 - numbers[::-1].index(n))) for n in set(numbers)]
    assert max(apart) == 1  # each pair side by side


def test_what_students_wrote_can_do_nothing(course: config.Course, tmp_path: Path) -> None:
    notebook = answered.with_cell_after(
        "team_1", "*so*\n\n<script>alert(1)</script>", "My <b>cell</b>"
    )
    why = next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == WHY)
    why.attachments = {"a.png": {"image/png": "bm90IGEgcGljdHVyZQ=="}}
    why.source += "\n\n![x](attachment:a.png) [y](javascript:alert(1))"
    folder = ClassFolder(tmp_path / "class")
    answered.make(folder, course, {"team_1": notebook})
    html = seen(Desk(folder, course, "anna"))["team_1"]["html"]
    assert "<em>so</em>" in html
    assert "A cell beside the answer" in html and "My &lt;b&gt;cell" in html
    assert "<script" not in html and "javascript:" not in html and "<b>" not in html
    assert "[picture: x]" in html and "<img" not in html


def test_the_course_s_own_words_are_no_cell_of_the_team_s(folder: ClassFolder) -> None:
    path = folder.autograded("team_1", NAME) / f"{NAME}.ipynb"
    release = folder.root / "release" / NAME / f"{NAME}.ipynb"
    for place, harmless in ((release, False), (path, True)):
        notebook = nbformat.read(place, 4)
        prose = nbformat.v4.new_markdown_cell("Read on: [here](https://example.org/a).")
        at = next(n for n, cell in enumerate(notebook.cells) if grade_id(cell) == WHY)
        notebook.cells.insert(at + 1, prose)
        if harmless:
            defuse.defuse(notebook)
            assert "(https://" not in prose.source
        nbformat.write(notebook, place)
    assert "Read on" not in essays(path, release, plain=False)[WHY][1]


def test_what_takes_long_is_shown_as_typed(folder: ClassFolder) -> None:
    path = folder.autograded("team_1", NAME) / f"{NAME}.ipynb"
    release = folder.root / "release" / NAME / f"{NAME}.ipynb"
    plain = essays(path, release, plain=True)[WHY][1]
    assert plain.startswith("<pre>Because a square")


def test_anonymous_marking_shows_no_team(folder: ClassFolder, course: config.Course) -> None:
    nameless = msgspec.structs.replace(course) if isinstance(course, msgspec.Struct) else course
    object.__setattr__(nameless, "anonymous", True)
    try:
        told = msgspec.json.encode(Desk(folder, nameless, "anna").question(NAME, WHY))
    finally:
        object.__setattr__(nameless, "anonymous", False)
    assert b"answer 1" in told and b"team_" not in told


def test_what_was_left_as_released_waits_for_nobody(course: config.Course, tmp_path: Path) -> None:
    folder = ClassFolder(tmp_path / "class")
    answered.make(folder, course, {"team_2": "Because."})
    released = folder.root / "release" / NAME / f"{NAME}.ipynb"
    answered.make(folder, course, {"team_1": nbformat.read(released, 4)})
    assert list(seen(Desk(folder, course, "anna"))) == ["team_2"]


# -- what is written ------------------------------------------------------------------------------


def test_a_mark_is_in_the_gradebook_with_its_line(
    desk: Desk, folder: ClassFolder, course: config.Course
) -> None:
    assert desk.overview()["questions"][0]["waiting"] == 4
    mark(desk, "team_1", points=1.0, comment="Say why.")
    assert grade_of(folder, course, "team_1") == (1.0, False, "Say why.")
    (line,) = lines(folder, course)
    assert (line.who, line.how, line.team, line.before.points) == ("anna", "desk", "team_1", None)
    assert (line.after.points, line.after.comment) == (1.0, "Say why.")
    assert desk.overview()["questions"][0] | {"waiting": 3} == desk.overview()["questions"][0]
    assert desk.question(NAME, WHY)["comments"] == ["Say why."]


def test_nothing_is_written_twice(desk: Desk, folder: ClassFolder, course: config.Course) -> None:
    mark(desk, "team_1", points=1.0)
    mark(desk, "team_1", points=1.0)
    assert len(lines(folder, course)) == 1


def test_equal_answers_are_marked_as_one_action_with_a_line_each(
    desk: Desk, folder: ClassFolder, course: config.Course
) -> None:
    mark(desk, "team_1", "team_2", points=3.0)
    found = lines(folder, course)
    assert {line.team for line in found} == {"team_1", "team_2"}
    assert len({line.action for line in found}) == 1
    back = desk.undo()
    assert len(back["given"]) == 2
    assert grade_of(folder, course, "team_2") == (None, True, None)
    with pytest.raises(Refused, match="nothing of yours"):
        desk.undo()


def test_undo_goes_back_step_by_step_and_only_ones_own(
    desk: Desk, folder: ClassFolder, course: config.Course
) -> None:
    mark(desk, "team_1", points=1.0)
    mark(desk, "team_1", points=3.0)
    mark(Desk(folder, course, "ben"), "team_4", points=0.0)
    desk.undo()
    assert grade_of(folder, course, "team_1")[0] == 1.0
    desk.undo()
    assert grade_of(folder, course, "team_1")[:2] == (None, True)
    assert grade_of(folder, course, "team_4")[0] == 0.0


def test_who_comes_second_is_told_and_nothing_is_written(
    desk: Desk, folder: ClassFolder, course: config.Course
) -> None:
    before = [seen(desk)["team_1"], seen(desk)["team_2"]]
    mark(Desk(folder, course, "ben"), "team_2", points=1.0)
    with pytest.raises(Refused, match="it has 1 points now"):
        desk.save(sent(before, points=3.0))
    assert grade_of(folder, course, "team_1")[0] is None
    mark(desk, "team_1", points=3.0)
    mark(Desk(folder, course, "ben"), "team_1", points=2.0)
    with pytest.raises(Refused, match="somebody else"):
        desk.undo()


def test_a_mark_is_for_the_text_that_was_read(
    desk: Desk, folder: ClassFolder, course: config.Course
) -> None:
    before = seen(desk)["team_1"]
    answered.make(folder, course, {"team_1": "Something else altogether."})
    with pytest.raises(Refused, match="another answer meanwhile"):
        desk.save(sent([before], points=3.0))
    assert grade_of(folder, course, "team_1")[0] is None


def test_no_mark_is_given_while_a_submission_is_being_recorded(
    desk: Desk, folder: ClassFolder, course: config.Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, record, refused = seen(desk)["team_1"], gradebook.record, []

    def recorded(*arguments: Any) -> None:
        record(*arguments)  # the gradebook has the new result; what is shown is the old one yet
        with pytest.raises(Refused, match="being graded just now") as caught:
            desk.save(sent([there], points=3.0))
        refused.append(caught.value)

    monkeypatch.setattr(gradebook, "record", recorded)
    answered.make(folder, course, {"team_1": "Something else altogether."})
    assert refused and not folder.coming("team_1", NAME).exists()
    assert grade_of(folder, course, "team_1")[0] is None


@pytest.mark.parametrize("points", [-1.0, float("inf"), float("nan"), 1e6])
def test_odd_points_are_refused(desk: Desk, points: float) -> None:
    with pytest.raises(Refused, match="from 0 to"):
        mark(desk, "team_1", points=points)


def test_a_flag_stays_until_it_is_taken_away(desk: Desk, folder: ClassFolder) -> None:
    mark(desk, "team_4", flagged=True)
    assert desk.overview()["questions"][0]["flagged"] == 1
    assert seen(desk)["team_4"]["given"]["waits"]
    mark(desk, "team_4", points=1.0, flagged=True)
    assert desk.overview()["questions"][0]["flagged"] == 1
    mark(desk, "team_4", flagged=False)
    assert desk.overview()["questions"][0]["flagged"] == 0


def test_comments_of_an_earlier_class_are_offered(
    desk: Desk, folder: ClassFolder, course: config.Course, tmp_path: Path
) -> None:
    mark(desk, "team_1", comment="From last year.")
    later = ClassFolder(tmp_path / "later")
    answered.make(later, course, {"team_9": "Because."})
    room = Desk(later, course, "anna", earlier=[folder])
    assert room.question(NAME, WHY)["comments"] == ["From last year."]


# -- history --------------------------------------------------------------------------------------


def test_marks_given_in_formgrader_are_found(
    desk: Desk, folder: ClassFolder, course: config.Course
) -> None:
    mark(desk, "team_1", points=1.0)
    with gradebook.open_gradebook(folder, course.id) as book:
        submission = book.find_submission_notebook(NAME, NAME, "team_1")
        grade = next(grade for grade in submission.grades if grade.name == WHY)
        grade.manual_score = 2.0
        book.db.commit()
    told = CliRunner().invoke(
        cli.app, ["history", "team_1", "-c", str(folder.root), "--json"], catch_exceptions=False
    )
    found = json.loads(told.stdout)["lines"]
    assert [line["how"] for line in found] == ["desk", ELSEWHERE]
    assert (found[1]["before"]["points"], found[1]["after"]["points"]) == (1.0, 2.0)
    read = CliRunner().invoke(cli.app, ["history", "team_1", "-c", str(folder.root)])
    assert "no mark → 1 points, by anna" in read.stdout
    assert "outside the desk" in read.stdout
    again = CliRunner().invoke(cli.app, ["history", "team_1", "-c", str(folder.root), "--json"])
    assert json.loads(again.stdout)["lines"] == found
    none = CliRunner().invoke(cli.app, ["history", "team_2", "-c", str(folder.root)])
    assert none.stdout == "team_2: no mark by hand\n"


def test_history_goes_where_the_gradebook_goes(
    desk: Desk, folder: ClassFolder, course: config.Course, tmp_path: Path
) -> None:
    mark(desk, "team_1", points=1.0)
    copy = f"sqlite:///{tmp_path / 'copy.db'}"
    assert migrate.migrate(folder.db_url, copy)["mark_history"] == 1
    assert migrate.is_same(folder.db_url, copy)
    gradebook.remove(folder, course.id, [("team_1", NAME)])
    assert lines(folder, course) == []
    assert not migrate.is_same(folder.db_url, copy)


def test_what_students_hand_in_anew_keeps_its_mark_and_waits_for_a_look(
    desk: Desk, folder: ClassFolder, course: config.Course
) -> None:
    mark(desk, "team_1", points=1.0)
    answered.make(folder, course, {"team_1": "Something else altogether."})
    there = seen(desk)["team_1"]
    assert (there["given"]["points"], there["given"]["waits"]) == (1.0, True)
    desk.save(sent([there], points=1.0))  # the same points, on what it is now
    assert grade_of(folder, course, "team_1")[:2] == (1.0, False)


def test_a_flag_or_a_comment_is_no_look_at_an_answer_that_changed(
    desk: Desk, folder: ClassFolder, course: config.Course
) -> None:
    mark(desk, "team_1", points=1.0)
    answered.make(folder, course, {"team_1": "Something else altogether."})
    mark(desk, "team_1", flagged=True, comment="Ben, what do you think?", waits=True)
    assert grade_of(folder, course, "team_1")[:2] == (1.0, True)


def test_what_is_sent_again_because_the_reply_got_lost_is_saved(
    desk: Desk, folder: ClassFolder, course: config.Course
) -> None:
    once = sent([seen(desk)["team_1"]], points=1.0)
    assert desk.save(once) == desk.save(once)
    assert len(lines(folder, course)) == 1


def test_what_cannot_be_shown_is_like_nothing_and_not_marked_here(
    desk: Desk, folder: ClassFolder
) -> None:
    for team in ("team_1", "team_2"):
        (folder.autograded(team, NAME) / f"{NAME}.ipynb").write_text("no notebook")
    (folder.autograded("team_4", NAME) / f"{NAME}.ipynb").unlink()
    there = seen(desk)
    assert len({one["same"] for one in there.values()}) == 4
    for team in ("team_1", "team_4"):
        with pytest.raises(Refused, match="formgrader"):
            mark(desk, team, points=1.0)
    mark(desk, "team_3", points=1.0)


def test_signs_and_pictures_tell_answers_apart(course: config.Course, tmp_path: Path) -> None:
    folder = ClassFolder(tmp_path)
    texts = ["x ≤ 3.", "x ≥ 3", "in (0, 1)", "in [0, 1]", "5 %", "5", "-5", "−5", "x ≤  3"]
    given: dict[str, Any] = {f"team_{n}": text for n, text in enumerate(texts)}
    for name, letter in (("a", "i"), ("b", "j")):
        notebook = tiny_course.reference(name, {"why": "![](attachment:p.png)"})
        cell = next(
            cell
            for cell in notebook.cells
            if cell.metadata.get("nbgrader", {}).get("grade_id") == WHY
        )
        cell["attachments"] = {"p.png": {"image/png": PICTURE[letter]}}
        given[name] = notebook
    answered.make(folder, course, given)
    there = seen(Desk(folder, course, "anna"))
    assert there["team_0"]["same"] == there["team_8"]["same"]
    assert len({one["same"] for one in there.values()}) == len(given) - 1
    assert there["a"]["digest"] != there["b"]["digest"]


def test_two_markers_at_once_and_one_of_them_killed(
    folder: ClassFolder, course: config.Course
) -> None:
    make = multiprocessing.get_context("fork").Process
    begun = multiprocessing.get_context("fork").Semaphore(0)
    markers = [make(target=_mark_on, args=(folder, course, name, begun.release)) for name in "ab"]
    for marker in markers:
        marker.start()
    for _ in range(8):
        assert begun.acquire(timeout=60)
    os.kill(markers[0].pid or 0, signal.SIGKILL)
    for marker in markers:
        marker.join(60)
    assert markers[1].exitcode == 0
    with gradebook.open_gradebook(folder, course.id) as book:
        there = history.marks(book.db, cell=WHY)
        for place, given in there.items():
            told = history.read(book.db, team=place[0])
            for one, after in itertools.pairwise(told):
                assert after.before == one.after
            assert not told or told[-1].after == given
        assert book.db.query(api.Grade).count() == 3 * len(ESSAYS)
        assert history.catch_up(book.db) == 0


def _mark_on(
    folder: ClassFolder, course: config.Course, name: str, done: Callable[[], None]
) -> None:
    """A marker who gives any marks to anybody, and is refused now and then."""
    desk, chance = Desk(folder, course, name), random.Random(name)
    there = seen(desk)
    for _ in range(60):
        answer = there[chance.choice(list(there))]
        try:
            now = desk.save(sent([answer], points=float(chance.randrange(4))))
            answer["given"] = now["given"][answer["answer"]]
        except Refused:
            there = seen(desk)
        done()


# -- several markers ------------------------------------------------------------------------------


def test_shares_are_all_answers_and_none_twice(folder: ClassFolder, course: config.Course) -> None:
    parts = [seen(Desk(folder, course, "anna", share=(n, 3))) for n in (1, 2, 3)]
    assert sorted(name for part in parts for name in part) == sorted(ESSAYS)
    assert [("team_1" in part) == ("team_2" in part) for part in parts] == [True] * 3


def test_a_second_marker_sees_no_mark_and_changes_none(
    desk: Desk, folder: ClassFolder, course: config.Course
) -> None:
    mark(desk, "team_1", points=1.0, comment="Of the first.")
    mark(desk, "team_4", points=0.0)
    again = Desk(folder, course, "ben", second=1.0)
    there = seen(again)
    assert set(there) == {"team_1", "team_4"}
    assert all(one["given"]["points"] is None for one in there.values())
    assert not Desk(folder, course, "anna", second=1.0).question(NAME, WHY)["answers"]
    mark(again, "team_1", points=3.0)
    mark(again, "team_4", points=0.0)
    assert grade_of(folder, course, "team_1") == (1.0, False, "Of the first.")
    assert seen(again)["team_1"]["given"]["points"] == 3.0
    with pytest.raises(Refused, match="by giving another"):
        again.undo()


def test_markers_who_differ_are_asked_to_settle_it(
    desk: Desk, folder: ClassFolder, course: config.Course
) -> None:
    for team, first, other in (("team_1", 1, 3), ("team_3", 3, 3), ("team_4", 0, 0)):
        mark(desk, team, points=float(first))
        mark(Desk(folder, course, "ben", second=1.0), team, points=float(other))
    assert list(desk.question(NAME, WHY)["unsettled"].values()) == [3.0]
    assert desk.overview()["questions"][0]["unsettled"] == 1

    def told() -> dict[str, Any]:
        ran = CliRunner().invoke(cli.app, ["agreement", "-c", str(folder.root), "--json"])
        return dict(json.loads(ran.stdout))

    question, pair = told()["agreement"]
    assert (question["of"], question["answers"], question["equal"]) == (f"{NAME}/{WHY}", 3, 2)
    assert question["kappa"] == pytest.approx(0.5)  # (2/3 - 1/3) / (1 - 1/3), by hand
    assert pair["of"] == "anna and ben"
    assert told()["unsettled"][0]["team"] == "team_1"
    read = CliRunner().invoke(cli.app, ["agreement", "-c", str(folder.root)]).stdout
    assert f"to settle: team_1 {NAME}/{WHY}: 1 and 3 points" in read
    mark(desk, "team_1", flagged=True, waits=True)  # a flag settles nothing, nor does undoing it
    assert told()["unsettled"][0]["team"] == "team_1"
    desk.undo()
    assert told()["unsettled"][0]["team"] == "team_1"
    mark(desk, "team_1", points=1.0)  # the first one stays
    assert told()["unsettled"] == [] and desk.question(NAME, WHY)["unsettled"] == {}
    assert told()["agreement"][0] == question
    desk.undo()
    assert told()["unsettled"][0]["team"] == "team_1"  # and is to be settled again
    desk.undo()
    assert lines(folder, course)[-1].place[0] == "team_4"  # the one before


def test_a_second_mark_needs_a_first(
    desk: Desk, folder: ClassFolder, course: config.Course
) -> None:
    mark(desk, "team_1", points=1.0)
    ben = Desk(folder, course, "ben", second=1.0)
    page = sent([seen(ben)["team_1"]], points=3.0)
    desk.undo()
    with pytest.raises(Refused, match="taken back"):
        ben.save(page)
