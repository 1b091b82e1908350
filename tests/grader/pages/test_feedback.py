"""Feedback tells students what happened, and nothing that they must not know or run."""

from __future__ import annotations

import dataclasses
import json
import re
import zipfile
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from nbformat import v4

from grader.classroom import results
from grader.classroom.results import CaseResult, CheckResult, Rejected, Submission
from grader.pages import feedback
from grader.pages.feedback import essay, work
from tests.grader.sample_class import CONV, START, SampleClass, judged, png
from utils.checks.cases import Case, CaseSet
from utils.checks.compare import compare
from utils.checks.verdicts import Reply, Told

HOSTILE = '<script>alert(1)</script><img src=x onerror=alert(1)><svg onload="alert(1)">'
VOID = {"meta", "link", "img", "br", "hr", "input"}


class Page(HTMLParser):
    """What a browser would find on a page."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def assert_harmless(page: Page) -> None:
    """No script, no event handler, nothing fetched from anywhere."""
    assert not page.open, f"left open: {page.open}"
    for tag, attrs in page.tags:
        assert tag not in {"script", "iframe", "object", "embed", "svg", "form", "base"}
        assert not [name for name in attrs if name.startswith("on")]
        if "src" in attrs:
            assert str(attrs["src"]).startswith(("data:image/png;base64,", "data:image/jpeg"))
        href = attrs.get("href")
        if href is not None:
            assert href.startswith(("#", "data:,", "http://", "https://", "mailto:")) or (
                href.endswith(".html") and ":" not in href
            )
    levels = [int(tag[1]) for tag, _ in page.tags if tag in {"h1", "h2", "h3", "h4"}]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))


def read(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def test_page_tells_points_cases_mistake_hint_section_and_comment(tmp_path: Path) -> None:
    sample = SampleClass(tmp_path)
    checks = [
        judged("conv2d_forward", 0.5, 6, "kernel flipped", "Slide it as it is."),
        judged("conv2d_backward", 1.0, 8),
        CheckResult("maxpool_forward", 0, 4, "not run", "The notebook stopped before this cell."),
    ]
    sample.hand_in("team_1", checks=checks, outputs=[v4.new_output("stream", text="shape (2, 3)")])
    sample.mark("team_1", "why_stride", 3, "Name the cost, too.")
    pages = feedback.write(sample.folder, sample.course)
    assert [path.name for path in pages] == [f"{CONV}.html", "index.html"]
    page = read(pages[0])
    assert_harmless(page)
    for told in (
        "14 of 22 points",
        "kernel flipped",
        "Slide it as it is.",
        "“Convolution, step by step”",
        "failed: ",
        "SAME, stride (1, 2), 6×5 input",
        "The notebook stopped before this cell.",
        "Name the cost, too.",
        "def conv2d_forward(x, w):",
        "shape (2, 3)",
        "Because stride skips.",
    ):
        assert told in " ".join(page.text.split()), told
    assert "SECRET_OF_THE_LOCKED_CELL" not in page.text
    index = read(pages[1])
    assert_harmless(index)
    assert "14 of 22 points" in " ".join(index.text.split())


def test_the_page_shows_what_is_said_to_the_student(tmp_path: Path) -> None:
    sample = SampleClass(tmp_path)
    case = CaseResult("two images", 0.5, "is 7.125, expected 2.625", for_student="is 7.125")
    check = CheckResult("conv2d_forward", 3, 6, cases=[case])
    sample.hand_in("team_1", checks=[check])
    page = feedback.write(sample.folder, sample.course)[0].read_text()
    assert "is 7.125" in page and "2.625" not in page


def test_a_long_message_is_cut(tmp_path: Path) -> None:
    sample = SampleClass(tmp_path)
    case = CaseResult("one", 0.0, for_student="Error: " + "a" * 100_000)
    sample.hand_in("team_1", checks=[CheckResult("conv2d_forward", 0, 6, cases=[case])])
    page = feedback.write(sample.folder, sample.course)[0].read_text()
    assert "Error: aaa" in page and "a" * 400 not in page


WANT = np.array([[11.25, 12.5], [13.75, 14.125]])


@pytest.mark.parametrize(
    ("answer", "marker", "student"),
    [
        (
            WANT + np.array([[1, 0], [0, 0]]),
            "1 of 4 values are off; the worst: [0, 0] is 12.25, expected 11.25",
            "1 of 4 values are off; the worst: [0, 0] is 12.25",
        ),
        (
            WANT * 2,
            "4 of 4 values are off; the worst: [1, 1] is 28.25, expected 14.125 "
            "(off by a constant factor of 2)",
            "4 of 4 values are off; the worst: [1, 1] is 28.25 (off by a constant factor)",
        ),
        (
            -WANT,
            "4 of 4 values are off; the worst: [1, 1] is -14.125, expected 14.125 "
            "(the sign is reversed)",
            "4 of 4 values are off; the worst: [1, 1] is -14.125 (the sign is reversed)",
        ),
        (WANT[0], "has shape (2,), expected (2, 2)", "has shape (2,)"),
        (
            "text",
            "is the text “text”, expected an array of numbers of shape (2, 2)",
            "is the text “text”",
        ),
        (None, "is not filled in yet", "is not filled in yet"),
    ],
)
def test_students_read_their_own_values_and_markers_what_was_expected(
    answer: Any, marker: str, student: str
) -> None:
    cases = CaseSet("c", "value", ("output",), (Case("label", {}, {"output": WANT}),))
    (case,) = compare(cases, [Reply(answer)]).cases
    assert (case.message, case.message_for_student) == (marker, student)


def test_an_exception_keeps_its_words_and_loses_the_numbers_it_may_quote() -> None:
    cases = CaseSet("c", "function", ("output",), (Case("label", {}, {"output": WANT}),))
    raised = "ValueError: shapes (2,3) (4,) of [[1.5, 2], [3, 4]] and 2.75"
    (case,) = compare(cases, [Reply(error=raised)]).cases
    assert case.message == raised
    assert case.message_for_student == "ValueError: shapes (2,3) (4,) of […, …] and …"


def test_what_a_reference_reached_is_for_markers_alone() -> None:
    told = Told("p = 0.991, L2 0.93", expected="1.73 times the reference's 0.54")
    assert told.for_marker() == "p = 0.991, L2 0.93, 1.73 times the reference's 0.54"
    assert told.for_student() == "p = 0.991, L2 0.93"


def test_hostile_submission_leaves_nothing_to_run(tmp_path: Path) -> None:
    sample = SampleClass(tmp_path)
    team = "team_<b>&\"'"
    outputs = [
        v4.new_output("stream", text=HOSTILE + "\x1b[31mred\x1b[0m\u202e"),
        v4.new_output(
            "display_data", data={"text/html": HOSTILE, "text/plain": "plain " + HOSTILE}
        ),
        v4.new_output("display_data", data={"image/svg+xml": HOSTILE, "text/plain": "drawing"}),
        v4.new_output("display_data", data={"application/javascript": "alert(1)"}),
        v4.new_output("display_data", data={"image/png": 'x"><script>alert(1)</script>'}),
        v4.new_output("display_data", data={"image/png": png()}),
        v4.new_output("error", ename=HOSTILE, evalue=HOSTILE, traceback=[HOSTILE]),
    ]
    checks = [
        CheckResult(
            "conv2d_forward", 1, 6, "judged", HOSTILE, HOSTILE, HOSTILE, HOSTILE,
            [CaseResult(HOSTILE, 0.5, f"ValueError: {HOSTILE}", HOSTILE)],
        )
    ]  # fmt: skip
    answer = (
        f"# A {HOSTILE}\n\n[x](javascript:alert(1)) [y](data:text/html,z) ![t](https://e.org/t.png)"
        f"\n\n$${HOSTILE}$$ and ${HOSTILE}$\n\n|a|b|\n|-|-|\n|{HOSTILE}|`{HOSTILE}`|"
    )
    sample.hand_in(team, checks=checks, code=f'"""{HOSTILE}"""', outputs=outputs, essay=answer)
    sample.mark(team, "why_stride", 1, HOSTILE)
    for path in feedback.write(sample.folder, sample.course):
        page = read(path)
        assert_harmless(page)
        assert team in page.text
    page = read(sample.folder.feedback(team) / f"{CONV}.html")
    assert page.text.count("<script>alert(1)</script>") >= 8  # to be read, not to be run
    assert "\x1b" not in page.text and "\u202e" not in page.text
    assert len(page.all("img")) == 1
    assert "A picture that is damaged or too large was left out." in page.text


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff\xfe\x00",
        b'{"cells": 5}',
        b'{"cells": [1, null, {"cell_type": "code", "metadata": 3, "source": 4, "outputs": 5}]}',
        b'{"cells": [{"cell_type": "code", "outputs": [{"output_type": "stream"}]}]}',
        b'{"cells": ' + b"[" * 100_000,
        json.dumps({"cells": [{"cell_type": "code", "source": "\ud800"}]}).encode(),
    ],
)
def test_damaged_notebook_does_not_stop_feedback(tmp_path: Path, content: bytes) -> None:
    sample = SampleClass(tmp_path)
    sample.hand_in("team_1")
    (sample.folder.result("team_1", CONV) / "executed.ipynb").write_bytes(content)
    page = read(feedback.write(sample.folder, sample.course)[0])
    assert_harmless(page)
    assert "18 of 22 points" in " ".join(page.text.split())


def test_picture_that_is_a_bomb_is_left_out(tmp_path: Path) -> None:
    small, huge = png(), png((9000, 9000))
    outputs = [{"output_type": "display_data", "data": {"image/png": p}} for p in (small, huge)]
    cell = {"cell_type": "code", "metadata": {}, "source": "draw()", "outputs": outputs}
    path = tmp_path / "executed.ipynb"
    path.write_text(json.dumps({"cells": [cell]}))
    kinds = [piece.kind for piece in work.read(path).pieces[""]]
    assert kinds == ["code", "picture", "note"]


def test_attached_picture_of_an_essay_is_shown_and_a_foreign_one_is_not() -> None:
    url = f"data:image/png;base64,{png()}"
    text = "![mine](attachment:a.png) ![other](https://example.org/b.png) ![no](attachment:c.png)"
    html = str(essay.to_html(text, {"a.png": url}))
    assert html.count("<img") == 1 and url in html
    assert "example.org" not in html


def test_essay_keeps_formatting_and_honest_links() -> None:
    html = str(
        essay.to_html("A **bold** [word](https://example.org/?a=1&b=2)\n\n- `code`\n\n$a_1*b*$")
    )
    assert "<strong>bold</strong>" in html and "<li><code>code</code></li>" in html
    assert 'href="https://example.org/?a=1&amp;b=2"' in html
    assert "$a_1*b*$" in html


def test_late_penalty_is_explained(tmp_path: Path) -> None:
    sample = SampleClass(tmp_path)
    sample.hand_in("team_1", late=timedelta(days=1, hours=3), late_fraction=0.2)
    text = " ".join(read(feedback.write(sample.folder, sample.course)[0]).text.split())
    assert "Handed in 1 day 3 h after the due date" in text
    assert "3.6 points are taken off" in text
    assert "Each day begun costs 10 % of the points earned, at most 50 %" in text
    assert "14.4 of 22 points" in text


@pytest.mark.parametrize(
    ("arrival", "told"),
    [
        ("unknown", "When it was received is not known; it counts as on time"),
        ("on time", "Received on time"),
        ("late", "by how much is not known, so it counts as one day: 1.8 points are taken off"),
    ],
)
def test_the_time_of_a_download_is_not_told_as_that_of_an_arrival(
    tmp_path: Path, arrival: str, told: str
) -> None:
    sample = SampleClass(tmp_path)
    share = 0.1 if arrival == "late" else 0
    sample.hand_in("team_1", late=timedelta(days=4), late_fraction=share, arrival=arrival)
    text = " ".join(read(feedback.write(sample.folder, sample.course)[0]).text.split())
    assert told in text
    assert "2027" not in text and "4 days" not in text


def test_page_says_what_is_not_final(tmp_path: Path) -> None:
    sample = SampleClass(tmp_path)
    sample.hand_in("team_1")
    sample.hand_in("team_2", needs_human="two files claim to be this notebook")
    first, second = (
        read(sample.folder.feedback(team) / f"{CONV}.html").text
        for team in ("team_1", "team_2")
        if feedback.write(sample.folder, sample.course)
    )
    assert "1 answer is still to be marked." in first and "so far" in first
    assert "A person will look at this submission." in second
    assert "two files claim" not in second  # that is for the instructor


def test_who_handed_in_what_could_not_be_read_is_told_why(tmp_path: Path) -> None:
    sample = SampleClass(tmp_path)
    sample.hand_in("team_1")
    sample.roster("team,student\nteam_1,s1\nteam_2,s2\nteam_3,s3\n")
    sample.reject(
        Rejected("uploads/team_1.zip", "team_1", "cut off before its end"),
        Rejected("uploads/team_2.rar", "team_2", "a RAR archive: hand in a zip"),
        Rejected("uploads/other.zip", "", "its name says no team"),
    )
    feedback.write(sample.folder, sample.course)
    pages = (sample.folder.feedback(team) / "index.html" for team in ("team_1", "team_2"))
    first, second = (read(page).text for page in pages)
    assert "team_1.zip: cut off before its end" in first and "team_2" not in first
    assert "team_2.rar: a RAR archive" in second and "does not count" in second
    assert not sample.folder.feedback("team_3").exists()


def test_bundle_has_moodles_layout_with_a_copy_for_each_member(tmp_path: Path) -> None:
    sample = SampleClass(tmp_path)
    for team in ("team_1", "team_2"):
        sample.hand_in(team)
        sample.hand_in(team, START)
    sample.roster(
        "team,student,name,email,moodle\n"
        "team_1,s1,Student_One,one@example.org,Participant 101\n"
        "team_1,s2,../Student Two,two@example.org,102\n"
        "team_2,s3,Student Three,three@example.org,\n"
    )
    feedback.write(sample.folder, sample.course)
    path = feedback.bundle(sample.folder)
    assert path == tmp_path / "exports" / "feedback.zip"
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        page = archive.read(f"Student One_101_assignfeedback_file_/{CONV}.html")
    assert page == (sample.folder.feedback("team_1") / f"{CONV}.html").read_bytes()
    folders = {name.split("/")[0] for name in names}
    assert len(names) == 9 and len(folders) == 3
    assert folders >= {"Student One_101_assignfeedback_file_", "team_2"}
    assert not [name for name in names if ".." in name.split("/")]
    # Moodle's rule: parts between underscores, the second is the participant's number
    assert sorted(f.split("_")[1] for f in folders if "assignfeedback" in f) == ["101", "102"]


def test_bundle_gives_a_page_to_those_who_were_in_the_team_then(tmp_path: Path) -> None:
    sample = SampleClass(tmp_path)
    for team in ("team_1", "team_2"):
        sample.hand_in(team)
        sample.hand_in(team, START)
    sample.roster("team,student,moodle\nteam_1,s1,101\nteam_1,s2,102\nteam_2,s3,103\n")
    (tmp_path / "membership.csv").write_text(f"notebook,student,team\n{CONV},s2,team_2\n")
    feedback.write(sample.folder, sample.course)
    page = f"s2_102_assignfeedback_file_/{CONV}.html"
    with zipfile.ZipFile(feedback.bundle(sample.folder)) as archive:
        assert archive.namelist().count(page) == 1
        found = archive.read(page)
    assert found == (sample.folder.feedback("team_2") / f"{CONV}.html").read_bytes()


def test_bundle_without_a_roster_has_a_folder_for_each_team(tmp_path: Path) -> None:
    sample = SampleClass(tmp_path)
    sample.hand_in("team_1")
    feedback.write(sample.folder, sample.course)
    with zipfile.ZipFile(feedback.bundle(sample.folder)) as archive:
        assert archive.namelist() == [f"team_1/{CONV}.html", "team_1/index.html"]


def test_feedback_may_be_of_some_without_points_or_later(tmp_path: Path) -> None:
    sample = SampleClass(tmp_path)
    for team in ("team_1", "team_2"):
        sample.hand_in(team, late=timedelta(hours=5), late_fraction=0.1)
        sample.hand_in(team, START)
    chosen = feedback.Chosen(teams=("team_1",), notebooks=(CONV,))
    pages = feedback.write(sample.folder, sample.course, chosen)
    assert [page.name for page in pages] == [f"{CONV}.html", "index.html"]
    assert {page.parent.name for page in pages} == {"team_1"}
    assert f"{START}.html" not in pages[1].read_text()  # no link that leads nowhere

    pages = feedback.write(sample.folder, sample.course, feedback.Chosen(points=False))
    for page in pages:
        said = read(page).text
        assert not re.search(r"\d ?/ ?\d|\d of \d|[Pp]oints|Late penalty|−", said), said
    assert "Passed" in read(pages[0]).text

    opens = datetime(2027, 2, 5, tzinfo=UTC)
    notebooks = sample.course.notebooks
    later = {CONV: dataclasses.replace(notebooks[CONV], feedback=opens), START: notebooks[START]}
    course = dataclasses.replace(sample.course, notebooks=later)
    for now, names in ((opens - timedelta(hours=1), [START]), (opens, [START, CONV])):
        pages = feedback.write(sample.folder, course, feedback.Chosen(("team_2",), now=now))
        assert sorted(p.stem for p in pages) == sorted([*names, "index"])
        linked = pages[-1].read_text()
        assert [name in linked for name in (START, CONV)] == [True, CONV in names]
    with zipfile.ZipFile(feedback.bundle(sample.folder, only=pages)) as archive:
        assert {name.split("/")[0] for name in archive.namelist()} == {"team_2"}


def test_pages_go_back_to_canvas_under_the_names_of_its_download(tmp_path: Path) -> None:
    sample = SampleClass(tmp_path)
    for team in ("team_1", "team_2"):
        sample.hand_in(team)
    place = sample.folder.submitted("team_1", CONV) / "submission.json"
    submission = results.read(place, Submission)
    name = "oneann_LATE_901_33001_work.zip"
    archive = f"submissions.zip/{name}"
    results.write(place, msgspec.structs.replace(submission, archive=archive))
    pages = feedback.write(sample.folder, sample.course)
    made = feedback.canvas_bundle(sample.folder, pages)
    assert made is not None
    with zipfile.ZipFile(made) as opened:
        (there,) = opened.namelist()
    # Canvas' rule: among the parts between underscores the first two numbers are user and file
    assert [part for part in there.split("_") if part.isdecimal()][:2] == ["901", "33001"]
    assert there.startswith(name)
    assert feedback.canvas_bundle(sample.folder, pages[-1:]) is None


def _texts(*outputs: Any) -> str:
    cell = v4.new_code_cell("run()", outputs=list(outputs))
    found = work._Reader(plain=False).read([cell])
    return "\n".join(str(piece.content) for piece in found.pieces[""])


def test_what_a_page_leaves_out_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    line = v4.new_output("stream", text="a line")
    assert "10 more outputs are not shown" in _texts(*[line] * 60)
    trace = v4.new_output("error", ename="E", evalue="", traceback=["x" * 9000, "the end"])
    assert "characters before it" in _texts(trace) and "the end" in _texts(trace)
    monkeypatch.setattr(work, "PAGE_BYTES", 20)
    assert "An output is not shown: the page is full." in _texts(line, line, line, line)


def test_cases_for_which_there_is_no_room_are_counted(tmp_path: Path) -> None:
    sample = SampleClass(tmp_path)
    cases = [CaseResult(f"case {k}", float(k < 205), "") for k in range(210)]
    sample.hand_in("team_1", checks=[CheckResult("conv2d_forward", 1, 2, cases=cases)])
    page = feedback.write(sample.folder, sample.course)[0].read_text()
    assert "10 more cases, of which 5 did not pass" in page
