"""Whatever happens to a class in whatever order, nobody's answer is lost, and no mark misplaced.

A long run tries 200 histories, and
`COURSE_HISTORIES=500 ./course test tests/grader/honest/test_any_history.py` so many.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from grader.grading.plan import plan
from tests import long
from tests.grader.honest.happenings import (
    CHECKS,
    CODE,
    ESSAYS,
    FORMS,
    Choose,
    CollectAgain,
    Enrol,
    Grade,
    HandIn,
    Mark,
    Rejudge,
    Set,
    Settle,
)
from tests.grader.honest.history import History
from tests.grader.honest.quickly import histories

HISTORIES = int(os.environ.get("COURSE_HISTORIES", long.choose(0, 200)))
LONGEST = 12

pick = st.sampled_from
HAND_IN = st.builds(
    HandIn,
    pick(["s1", "s1", "s2", "s3", "red"]),
    pick(["One.", "Two.", ""]),
    pick([*CODE]),
    pick(["plain", "plain", "plain", "plain", *FORMS, "broken", "endless"]),
    pick([-30.0, -1.0, 1.0, 30.0, None]),
)
MARK = st.builds(
    Mark,
    pick(["team_1", "team_1", "team_2"]),
    pick(["why", "why", "why", *ESSAYS, *CHECKS]),
    pick([2.0, 0.0, None]),
    pick([None, None, 0.5]),
)
SET = st.builds(
    Set,
    pick(["better", "last", "last on time"]),
    pick([0.1, 0.6]),
    pick([0, 2]),
    pick([0.0, 1.0]),
    st.booleans(),
)
OTHER = [
    st.builds(CollectAgain),
    st.builds(Enrol, pick([0, 1, 2])),
    SET,
    st.builds(Choose, pick(["team_1", "team_2"]), pick([0, 1, -1, None])),
    st.builds(Settle),
    st.builds(Rejudge),
]
STEP = st.one_of(HAND_IN, HAND_IN, HAND_IN, st.builds(Grade), st.builds(Grade), MARK, MARK, *OTHER)


@pytest.fixture(scope="module")
def new() -> Iterator[Callable[[], History]]:
    """Makes a class."""
    with histories() as made:
        yield made


SEQUENCES = {
    "a check that was corrected, with extra credit for what it was": [
        HandIn(),
        Grade(),
        Mark(cell="check_square", points=None, extra=0.5),
        HandIn(code="flipped", hours=-0.5),
    ],
    "an essay that goes on in a cell beside it": [
        HandIn(form="beside"),
        Grade(),
        Mark(),
        HandIn(form="beside otherwise", hours=-0.5),
    ],
    "another picture in an essay, and nothing else": [
        HandIn(form="picture"),
        HandIn(form="other picture", hours=-0.5),
    ],
    "another picture in an essay that was marked": [
        HandIn(form="picture"),
        Grade(),
        Mark(),
        HandIn(form="other picture", code="flipped", hours=-0.5),
    ],
    "an empty essay with extra credit, which was filled in": [
        HandIn(why=""),
        Grade(),
        Mark(points=None, extra=0.5),
        HandIn(hours=-0.5),
    ],
    "a mark that was given while the next attempt lay there": [
        HandIn(),
        Grade(),
        HandIn(why="Two.", hours=-0.5),
        Mark(),
    ],
    "the other of two members' attempts": [
        HandIn(),
        HandIn("s2", "Two."),
        Grade(),
        Mark(),
        Choose(which=1),
        Grade(),
        Mark(),
        Choose(which=0),
    ],
    "another judge and other points under extra credit": [
        HandIn(),
        Grade(),
        Mark(cell="check_square", points=None, extra=0.5),
        Mark(cell="why", points=None, extra=0.5),
        Set(moved=True),
        Rejudge(),
    ],
    "another judge and other points under a mark by hand": [
        HandIn(),
        Grade(),
        Mark(cell="check_square", points=1.0),
        Set(moved=True),
        Rejudge(),
    ],
}


@pytest.mark.parametrize("what", SEQUENCES)
def test_no_mark_stands_on_what_nobody_has_read(new, what: str) -> None:
    new().play(*SEQUENCES[what])


@pytest.mark.parametrize("force", [False, True])
def test_a_dry_run_counts_both_attempts_of_which_the_better_counts(new, force: bool) -> None:
    history = new()
    for step in (HandIn(), HandIn(why="Two.", hours=30.0)):
        history.happen(step)
    for many in (2, 2 if force else 0):
        found = plan(history.folder, history.course, "secret", force, lambda *_: True)
        assert len(found.to_execute) == many
        assert history.grade(force).executed == many
    if not force:
        history.happen(HandIn(why="Three.", hours=31.0))
        found = plan(history.folder, history.course, "secret", force, lambda *_: True)
        assert len(found.to_execute) == history.grade().executed == 1


def test_what_stopped_is_named_with_the_reason(new) -> None:
    history = new()
    history.happen(HandIn(code="stopped"))
    assert history.grade().failed == ["team_1/90_forms: the kernel died"]
    assert history.grade().failed == []


@settings(
    max_examples=HISTORIES or 10,
    derandomize=not HISTORIES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
)
@given(st.lists(STEP, min_size=1, max_size=LONGEST))
def test_no_answer_is_lost_and_no_mark_is_misplaced_in_any_history(new, steps) -> None:
    new().play(*steps)
