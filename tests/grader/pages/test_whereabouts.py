"""Feedback says where an answer was found, which copy counted, and what was left out."""

from __future__ import annotations

from pathlib import Path

import msgspec

from grader.classroom import results
from grader.classroom.account import Account, Other, Source
from grader.classroom.results import Result, Submission
from grader.pages import feedback
from tests.grader.pages.test_feedback import Page
from tests.grader.sample_class import CONV, SampleClass

HOSTILE = "<script>alert(1)</script>"
ACCOUNT = Account(
    (
        Source("setup", "grade id", (1,)),
        Source("conv2d_forward", "definition", (7,), "of 2 copies the last counts"),
        Source("check_conv2d_forward", "grade id", (3,)),
        Source("why_stride", "cell id", (9, 10), "the parts stand in order"),
        Source("maxpool_forward", "", ()),
        Source("check_maxpool_forward", "", (), "put behind its answer"),
        Source("check_conv2d_backward", "", (), "put behind its answer"),
    ),
    (
        Other("cell 4", "left out", "a copy that does not count", "conv2d_forward"),
        Other("cell 12", "executed"),
        Other("cell 13", "shown to markers", "it belongs to no question"),
    ),
)


def a_class(root: Path, account: Account = ACCOUNT) -> SampleClass:
    sample = SampleClass(root)
    sample.hand_in("team_1")
    path = sample.folder.result("team_1", CONV) / "result.json"
    results.write(path, msgspec.structs.replace(results.read(path, Result), account=account))
    path = sample.folder.submitted("team_1", CONV) / "submission.json"
    others = [Other("old.zip", "left out", "archives in an archive stay closed")]
    others.append(Other(HOSTILE, "kept", HOSTILE))
    results.write(path, msgspec.structs.replace(results.read(path, Submission), others=others))
    return sample


def page_of(sample: SampleClass) -> str:
    feedback.write(sample.folder, sample.course)
    return (sample.folder.feedback("team_1") / f"{CONV}.html").read_text(encoding="utf-8")


def card(html: str, name: str) -> str:
    """The text of the exercise of that name."""
    (found,) = [part for part in html.split("<article")[1:] if f"<code>{name}</code></h3>" in part]
    return " ".join(Page(f"<article{found}").text.split())


def test_an_answer_that_was_found_elsewhere_is_told_at_its_exercise(tmp_path: Path) -> None:
    html = page_of(a_class(tmp_path))
    told = card(html, "conv2d_forward")
    assert "taken from cell 7 of your notebook, since it defines the function" in told
    assert "of 2 copies the last counts." in told
    assert "cell 4 – left out: a copy that does not count" in told
    together = "put together from cells 9, 10 of your notebook: the parts stand"
    assert together in " ".join(html.split())
    assert "taken from" not in card(html, "maxpool_forward")


def test_a_cell_that_was_not_there_is_told_from_one_left_blank(tmp_path: Path) -> None:
    html = page_of(a_class(tmp_path))
    told = card(html, "maxpool_forward")
    assert "was not in the notebook that you handed in, and no other cell" in told
    assert "put behind" not in told
    told = card(html, "conv2d_backward")
    assert "Its check was not in the notebook that you handed in, and was put back: put" in told


def test_what_answers_nothing_is_listed_once_and_can_do_nothing(tmp_path: Path) -> None:
    page = Page(page_of(a_class(tmp_path)))
    told = " ".join(page.text.split())
    for line in ("cell 13 – shown to markers: it belongs", "old.zip – left out: archives in"):
        assert told.count(line) == 1
    assert "cell 12" not in told and told.count("cell 4 –") == 1
    assert not page.all("script") and f"{HOSTILE} – kept: {HOSTILE}" in told


def test_a_file_that_was_left_out_is_told_once(tmp_path: Path) -> None:
    sample = a_class(tmp_path)
    path = sample.folder.submitted("team_1", CONV) / "submission.json"
    reason = "random.py: Python has a module 'random'"
    entry = results.read(path, Submission)
    others, notes = [Other("random.py", "left out", reason)], [f"left out: {reason}", "renamed"]
    results.write(path, msgspec.structs.replace(entry, others=others, notes=notes))
    told = " ".join(Page(page_of(sample)).text.split())
    assert told.count("random.py") == 1 and "renamed" in told
    assert "random.py – left out: Python has a module" in told


def test_where_all_stood_in_its_cell_nothing_is_said(tmp_path: Path) -> None:
    sample = a_class(tmp_path, Account((Source("conv2d_forward", "grade id", (3,)),)))
    path = sample.folder.submitted("team_1", CONV) / "submission.json"
    results.write(path, msgspec.structs.replace(results.read(path, Submission), others=[]))
    html = page_of(sample)
    assert "of your notebook" not in html and "no answer to an exercise" not in html
