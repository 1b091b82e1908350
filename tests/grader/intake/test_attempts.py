"""Every hand-in is kept, and which one counts depends on nothing but them, settings and choices."""

from __future__ import annotations

import dataclasses
import os
import re
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader import config
from grader.classroom import attempts, results
from grader.classroom.attempts import MEMBERS, NEWER, ORDER, UNVOUCHED
from grader.classroom.folder import ClassFolder
from grader.classroom.results import Submission
from grader.commands.handed_in import _line
from grader.config.zones import MACHINES
from grader.errors import ConfigError
from grader.intake import CollectReport, choosing, collect, settling, store, summary
from tests.grader import intake_samples as samples
from tests.grader.intake_samples import FIRST, INNER, NOON, ROSTER, ipynb, save, zipped

DUE = NOON + timedelta(hours=1)
TEAM = "team_7"


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """What is written here need not survive a power cut."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


def course(counts: str = "better", kept: int = 20) -> config.Course:
    return dataclasses.replace(samples.course(DUE), attempts=config.Attempts(counts, kept))


def archive(
    inbox: Path, answer: str, hours: float = 0, name: str = "team_7.zip", seen: int = 1
) -> Path:
    """An archive with one answer in it.  seen: how often its cells were run."""
    content = ipynb(answer=f"answer = {answer}").replace(b'count": 1', b'count": %d' % seen)
    return save(inbox / answer / name, zipped({INNER: content}), NOON + timedelta(hours=hours))


def take(room: ClassFolder, *paths: Path, rule: str = "better", **options: object) -> CollectReport:
    kept = int(options.pop("kept", 20))  # type: ignore[call-overload]
    return collect(
        room, course(rule, kept), list(paths), None, releases=Path("/nowhere"), **options
    )  # type: ignore[arg-type]


def counting(room: ClassFolder) -> str:
    """The answer that lies in submitted/."""
    text = (room.submitted(TEAM, FIRST) / f"{FIRST}.ipynb").read_text()
    return text.partition("answer = ")[2].partition('"')[0]


def causes(room: ClassFolder) -> list[str]:
    entry = store.current(room, TEAM, FIRST)
    assert entry is not None
    return [question.cause for question in entry.questions]


def names(room: ClassFolder) -> list[str]:
    return sorted(path.name for path in room.attempts(TEAM, FIRST).glob("*-*"))


def test_every_hand_in_is_kept_with_its_files_and_what_counts_names_it(room, inbox):
    files = {INNER: ipynb(), f"handin/{FIRST}/w.npz": b"weights"}
    take(room, save(inbox / "team_7.zip", zipped(files)))
    take(room, archive(inbox, "2", 0.5))
    first, second = names(room)
    assert first.startswith("20240120T120000Z-") and second.startswith("20240120T123000Z-")
    place = room.attempts(TEAM, FIRST) / first
    assert (place / f"{FIRST}.ipynb").read_bytes() == ipynb()
    assert (place / "files" / "w.npz").read_bytes() == b"weights"
    assert results.read(place / "submission.json", Submission).received == NOON
    there = results.read(room.submitted(TEAM, FIRST) / "submission.json", Submission)
    assert there.attempt == second and counting(room) == "2"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_equal_work_is_kept_once_and_the_first_to_come_tells_when(room, inbox, order):
    paths = [archive(inbox / str(n), "1", n / 10, seen=n + 1) for n in range(2)]
    for index in order:
        take(room, paths[index])
    (only,) = attempts.of(room, TEAM, FIRST)
    assert only.received == NOON and len(names(room)) == 1
    kept = attempts.place_of(room, only) / f"{FIRST}.ipynb"
    assert b'"execution_count": 1,' in kept.read_bytes()


@pytest.mark.parametrize(
    ("rule", "expected"), [("better", "2"), ("last", "4"), ("last on time", "2")]
)
def test_what_counts_is_a_setting(room, inbox, rule, expected):
    for answer, hours in [("1", 0), ("2", 0.5), ("3", 30), ("4", 60)]:
        take(room, archive(inbox, answer, hours), rule=rule)
    assert counting(room) == expected and len(names(room)) == 4
    now = attempts.counting(course(rule), attempts.of(room, TEAM, FIRST), None)
    rival = attempts.of(room, TEAM, FIRST)[-1] if rule == "better" else None
    assert now.rival == rival  # the better of the last on time and the last late one


def test_where_nothing_came_on_time_the_last_late_one_counts(room, inbox):
    take(room, archive(inbox, "1", 30), archive(inbox, "2", 60), rule="last on time")
    assert counting(room) == "2"


HAND_INS = st.lists(
    st.tuples(
        st.sampled_from(["1", "2", "3"]),  # the work
        st.sampled_from([0.0, 0.5, 30.0, 60.0]),  # hours after noon
        st.sampled_from(["team_7.zip", "s101.zip", "s102.zip"]),
        st.sampled_from([1, 2]),  # outputs
    ),
    min_size=1,
    max_size=5,
    unique=True,
)


@settings(max_examples=15, deadline=None)
@given(HAND_INS, st.randoms(use_true_random=False), st.sampled_from(["better", "last"]))
def test_the_order_of_collecting_makes_no_difference(hand_ins, chance, rule):
    with tempfile.TemporaryDirectory() as folder:
        inbox, found = Path(folder, "inbox"), []
        paths = [
            archive(inbox / str(n), answer, hours, name, seen)
            for n, (answer, hours, name, seen) in enumerate(hand_ins)
        ]
        for number in range(3):
            room = samples.class_folder(Path(folder, f"class{number}"))
            (room.root / "roster.csv").write_text(ROSTER, encoding="utf-8")
            left = list(paths)
            if number:  # in another order, and in several goes
                chance.shuffle(left)
            while left:
                size = chance.randint(1, len(left)) if number else len(left)
                take(room, *left[:size], rule=rule)
                left = left[size:]
            found.append({**tree(room.root / "attempts"), **tree(room.root / "submitted")})
        assert found[0] == found[1] == found[2]


def tree(root: Path) -> dict[str, bytes]:
    """All files, without what an archive was called and when it was collected."""
    found = samples.everything_in(root)
    called = re.compile(rb' "(?:archive|batch)": .*\n')
    return {f"{root.name}/{path}": called.sub(b"", text) for path, text in found.items()}


# ---------------------------------------------------------------- what a human decides


def roster(room: ClassFolder) -> None:
    (room.root / "roster.csv").write_text(ROSTER, encoding="utf-8")


def test_different_work_of_two_members_is_asked_about_until_somebody_chooses(room, inbox):
    roster(room)
    take(room, archive(inbox, "1", 0, "s101.zip"))
    report = take(room, archive(inbox, "2", 0.5, "s102.zip"))
    assert causes(room) == [MEMBERS] and counting(room) == "2"
    (line,) = [line for line in summary.lines(report, course()) if "CHOOSE" in line]
    first, second = names(room)
    assert f"s101 {first}" in line and f"s102 {second}" in line and "./course choose" in line
    choosing.choose(room, course(), TEAM, FIRST, first)
    assert causes(room) == [] and counting(room) == "1"
    take(room, archive(inbox, "1", 0, "s101.zip"), archive(inbox, "2", 0.5, "s102.zip"))
    assert causes(room) == [] and counting(room) == "1"  # the same again is nothing new


def test_members_who_hand_in_the_same_in_the_end_are_not_asked_about(room, inbox):
    roster(room)
    take(room, archive(inbox, "1", 0, "s101.zip"))
    take(room, archive(inbox, "2", 0.5, "s102.zip"))
    take(room, archive(inbox / "again", "2", 0.7, "s101.zip"))
    assert causes(room) == []
    entry = store.current(room, TEAM, FIRST)
    assert entry is not None and entry.uploaders == ["s101", "s102"]
    assert entry.received == NOON + timedelta(hours=0.5)


def test_a_choice_stands_and_what_comes_later_is_asked_about(room, inbox):
    take(room, archive(inbox, "1", 0), archive(inbox, "2", 0.5))
    first, second = names(room)
    choosing.choose(room, course(), TEAM, FIRST, attempts.work_in(first))  # the end is enough
    assert counting(room) == "1"
    take(room, archive(inbox, "3", 0.7))
    assert counting(room) == "1" and causes(room) == [NEWER]
    listed = choosing.listed(room, course(), TEAM, FIRST)
    assert [entry.counts for entry in listed] == [True, False, False]
    assert [entry.by_hand for entry in listed] == [True, False, False]
    assert _line(listed[0], MACHINES).endswith("; it counts, chosen by hand")
    with pytest.raises(ConfigError, match="more than one attempt is called '2024"):
        choosing.choose(room, course(), TEAM, FIRST, "2024")
    with pytest.raises(ConfigError, match=f"no attempt is called 'x'; there are {first}, {second}"):
        choosing.choose(room, course(), TEAM, FIRST, "x")
    choosing.by_setting(room, course(), TEAM, FIRST)
    assert counting(room) == "3" and causes(room) == []


def test_of_two_that_came_at_the_same_time_nobody_knows_which_is_newer(room, inbox):
    take(room, archive(inbox, "1", 0, "team_7.zip"), archive(inbox, "2", 0, "Team 07.zip"))
    assert causes(room) == [ORDER]
    take(room, archive(inbox, "3", 0.5))  # newer than both, whatever they are
    assert causes(room) == [] and counting(room) == "3"


def test_of_a_download_without_times_and_a_mail_nobody_knows_which_is_newer(room, inbox):
    roster(room)
    take(room, archive(inbox, "1", 0.5))
    upload = ("Team 7-Someone", 5001, {"work.zip": zipped({INNER: ipynb(answer="answer = 2")})})
    take(
        room,
        save(inbox / "d.zip", samples.moodle(upload, when=NOON + timedelta(days=3))),
        from_lms=True,
    )
    assert causes(room) == [ORDER]


def test_a_zip_that_imitates_a_download_replaces_nobodys_work_and_dates_none(room, inbox):
    roster(room)
    forged = samples.moodle(
        ("Team 7-Someone", 5001, {f"{FIRST}.ipynb": ipynb(answer="answer = forged")}),
        when=NOON - timedelta(days=3),
    )
    path = save(inbox / "my solution.zip", forged)
    report = take(room, path)
    assert counting(room) == "forged" and report.taken[0].arrival == "unknown"  # as nothing else is
    assert any("as long as you don't say --lms" in note for note in report.notes)
    take(room, archive(inbox, "own", 0.5))
    assert counting(room) == "own" and causes(room) == [UNVOUCHED]
    entry = store.current(room, TEAM, FIRST)
    assert entry is not None and "my solution.zip" in entry.questions[0].reason
    take(room, path)
    assert counting(room) == "own"
    take(room, path, from_lms=True)  # somebody says that it is one
    assert counting(room) == "own" and causes(room) == []  # which came before
    assert len(names(room)) == 2


# ---------------------------------------------------------------- how many, and since when


@pytest.mark.parametrize("rule", ["better", "last"])
def test_too_many_attempts_lose_the_oldest_but_never_one_that_may_count(room, inbox, rule):
    report = take(room, archive(inbox, "0", 0), rule=rule, kept=4)
    for number in range(1, 7):
        report = take(room, archive(inbox, str(number), 30 + number), rule=rule, kept=4)
    assert len(names(room)) == 4 and "20240120T120000Z" in names(room)[0]  # the only one on time
    answers = [e.received - NOON for e in attempts.of(room, TEAM, FIRST)]
    assert answers == [timedelta(hours=h) for h in (0, 34, 35, 36)]
    (line,) = [line for line in summary.lines(report, course()) if "too many" in line]
    assert "20240121T210000Z" in line


def test_a_chosen_attempt_is_never_one_too_many(room, inbox):
    take(room, archive(inbox, "0", 0), archive(inbox, "1", 0.1))
    chosen = choosing.choose(room, course(), TEAM, FIRST, names(room)[0])
    for number in range(2, 8):
        take(room, archive(inbox, str(number), number / 10), kept=3)
    assert chosen.attempt in names(room) and len(names(room)) == 3 and counting(room) == "0"


def test_a_time_that_was_given_by_hand_stands_until_another_is(room, inbox):
    path = archive(inbox, "1", 0)
    take(room, path)
    given = NOON + timedelta(hours=30)
    take(room, path, received=given)
    take(room, path)
    assert [e.received for e in attempts.of(room, TEAM, FIRST)] == [given]
    take(room, path, received=NOON)
    assert [e.received for e in attempts.of(room, TEAM, FIRST)] == [NOON]
    assert len(names(room)) == 1


# ---------------------------------------------------------------- an older class folder


def older(room: ClassFolder, answer: str, received: datetime = NOON) -> None:
    """What a version without attempts left behind, or somebody put there by hand."""
    place = room.submitted(TEAM, FIRST)
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{FIRST}.ipynb").write_bytes(ipynb(answer=f"answer = {answer}"))
    entry = Submission(TEAM, FIRST, "team_7.zip", "0" * 64, received)
    results.write(place / "submission.json", entry)


def test_what_an_older_version_took_in_becomes_an_attempt(room, inbox):
    older(room, "1")
    result = room.result(TEAM, FIRST) / "result.json"
    result.parent.mkdir(parents=True)
    result.write_text("{}")
    with store.exclusive(room):
        settling.settle_all(room, course(), lambda *_: True)
    assert len(names(room)) == 1 and counting(room) == "1" and result.is_file()
    take(room, archive(inbox, "2", 0.5))
    assert counting(room) == "2" and len(names(room)) == 2 and causes(room) == []


@pytest.mark.parametrize("hours", [-5, 0.5])
def test_what_an_older_version_took_in_is_not_lost_to_what_is_collected(room, inbox, hours):
    older(room, "1")
    take(room, archive(inbox, "2", hours))
    assert len(names(room)) == 2 and counting(room) == ("2" if hours > 0 else "1")


def test_what_somebody_changed_by_hand_counts_and_is_kept(room, inbox):
    take(room, archive(inbox, "1", 0), archive(inbox, "2", 0.5))
    path = room.submitted(TEAM, FIRST) / f"{FIRST}.ipynb"
    path.write_bytes(ipynb(answer="answer = 1 + 1"))
    os.utime(path, (NOON.timestamp() + 9, NOON.timestamp() + 9))
    take(room, archive(inbox, "2", 0.5))
    assert counting(room) == "1 + 1" and len(names(room)) == 3


def test_the_result_of_what_counts_no_more_is_put_aside(room, inbox):
    take(room, archive(inbox, "1", 0))
    place = room.result(TEAM, FIRST)
    for name in ("result.json", "executed.ipynb"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(name)
    take(room, archive(inbox, "2", 0.5))
    assert not (place / "result.json").exists()  # its marks are another attempt's
    chosen = choosing.choose(room, course(), TEAM, FIRST, names(room)[0])
    attempts.unshelve(room, chosen)
    assert (place / "result.json").read_text() == "result.json"
