"""A known answer says in one text what it is: check, title, and what the judge should call it."""

from __future__ import annotations

import pytest

from grader.contract.sample import Sample, right, wrong


def test_a_text_says_check_title_and_diagnosis() -> None:
    assert right("area: with a loop: slow", 1) == Sample("with a loop: slow", "area", True, 1)
    assert wrong("area: no name", 1) == Sample("no name", "area", False, 1, "")
    named = wrong("area: doubled -> twice: 2wh -> 4", 1)
    assert (named.title, named.diagnosis) == ("doubled", "twice: 2wh -> 4")


@pytest.mark.parametrize("what", ["area", "area: ", "the area: doubled -> twice", ": doubled"])
def test_a_text_that_names_no_check_is_refused(what: str) -> None:
    with pytest.raises(ValueError, match='is not "check: title"'):
        wrong(what, 1)
