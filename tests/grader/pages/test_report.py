"""The report puts first what waits for a person, and its numbers are right."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from grader.classroom import standing
from grader.classroom.results import CheckResult, Rejected
from grader.pages import report
from grader.pages.report import figures
from grader.pages.report.histogram import counts, histogram
from tests.grader.pages.test_feedback import HOSTILE, Page
from tests.grader.sample_class import CONV, START, SampleClass, judged


def a_class(tmp_path: Path) -> SampleClass:
    sample = SampleClass(tmp_path)
    flipped = judged("conv2d_forward", 0.5, 6, "kernel flipped", "Slide it as it is.")
    others = [judged("conv2d_backward", 1.0, 8), judged("maxpool_forward", 1.0, 4)]
    not_run = CheckResult("maxpool_forward", 0, 4, "not run", "stopped before")
    sample.hand_in("team_1", seconds=2)
    sample.hand_in("team_2", checks=[flipped, *others], seconds=9)
    sample.hand_in("team_3", checks=[flipped, others[0], not_run])
    sample.hand_in("team_4", needs_human="memory limit reached")
    sample.hand_in("team_1", START, late=timedelta(hours=5), late_fraction=0.1)
    sample.mark("team_1", "why_stride", 4)
    sample.mark("team_2", "why_stride", 2)
    sample.reject(Rejected("b.rar", "", "not a .tar.gz or .zip archive"))
    return sample


def text_of(path: Path) -> str:
    return " ".join(Page(path.read_text(encoding="utf-8")).text.split())


def gather(sample: SampleClass) -> figures.Figures:
    return figures.gather(standing.read(sample.folder, sample.course))


def test_headline_numbers_are_right(tmp_path: Path) -> None:
    f = gather(a_class(tmp_path))
    assert (f.submissions, f.graded, f.human) == (5, 4, 2)
    assert (f.essays, f.essays_all) == (2, 4)
    scores = [22 / 22, 17 / 22, 11 / 22, 5.4 / 6]
    assert f.mean is not None and abs(f.mean - sum(scores) / 4) < 1e-9
    assert f.median is not None and abs(f.median - (17 / 22 + 0.9) / 2) < 1e-9


def test_exercises_mistakes_late_and_slowest_are_counted(tmp_path: Path) -> None:
    f = gather(a_class(tmp_path))
    conv = next(s for s in f.scores if s.notebook.name == CONV)
    forward, _, pool = conv.checks
    assert (forward.name, forward.count, forward.full, forward.none) == ("conv2d_forward", 3, 1, 0)
    assert abs(forward.mean - 2 / 3) < 1e-9
    assert (pool.not_run, pool.none) == (1, 1)
    essay = conv.essays[0]
    assert (essay.marked, essay.waiting, essay.mean) == (2, 2, 0.75)
    mistake = f.mistakes[0]
    assert (mistake.mistake, mistake.teams, mistake.hint) == (
        "kernel flipped",
        2,
        "Slide it as it is.",
    )
    assert [(row.team, row.notebook.name) for row in f.late] == [("team_1", START)]
    assert f.slowest[0].team == "team_2"


def test_whose_lateness_nobody_knows_is_said(tmp_path: Path) -> None:
    sample = a_class(tmp_path)
    late = timedelta(days=4)
    sample.hand_in("team_5", late=late, arrival="unknown")
    sample.hand_in("team_6", late=late, arrival="on time")
    sample.hand_in("team_7", late=-late, arrival="unknown")
    f = gather(sample)
    assert [row.team for row in f.undated] == ["team_5"]
    assert [row.team for row in f.late] == ["team_1"]
    text = text_of(report.write(sample.folder, sample.course))
    assert "whether 1 submission was late" in text and "team_5, Implementing a CNN" in text


def test_who_needs_a_human_comes_before_everything_else(tmp_path: Path) -> None:
    sample = a_class(tmp_path)
    text = text_of(report.write(sample.folder, sample.course))
    for told in ("memory limit reached", "b.rar", "not a .tar.gz or .zip archive"):
        assert text.index(told) < text.index("Distribution of scores")


def test_a_damaged_result_and_an_ungraded_submission_wait_for_a_human(tmp_path: Path) -> None:
    sample = a_class(tmp_path)
    (sample.folder.result("team_2", CONV) / "result.json").write_text("{")
    sample.hand_in("team_5", recorded=False)
    (sample.folder.result("team_5", CONV) / "result.json").unlink()
    f = gather(sample)
    asked = {entry.team: entry.question for group in f.questions for entry in group.asked}
    assert "result.json can't be read" in asked["team_2"].reason
    (item,) = [item for item in f.attention if item.kind == "submission"]
    assert item.who == (f"team_5/{CONV}",) and "not graded yet" in item.reason


def test_questions_come_in_groups_with_the_command_that_answers_them(tmp_path: Path) -> None:
    sample = SampleClass(tmp_path)
    for number in range(20):
        sample.hand_in(f"team_{number}", needs_human=f"killed after {number} s")
    sample.reject(*[Rejected(f"{n}.rar", "", "no archive") for n in range(15)])
    f = gather(sample)
    assert [len(group.asked) for group in f.questions] == [20] and len(f.attention) == 1
    html = report.write(sample.folder, sample.course).read_text(encoding="utf-8")
    assert html.count("./course settle stopped") == 1
    text = " ".join(Page(html).text.split())
    assert f"team_0/{CONV} and 19 more" in text and "killed after 19 s" in text
    assert "15 archives no archive 0.rar, 1.rar" in text and "and 3 more" in text


def test_human_marks_settle_what_needed_a_human(tmp_path: Path) -> None:
    sample = a_class(tmp_path)
    for cell in ("check_conv2d_forward", "check_conv2d_backward", "check_maxpool_forward"):
        sample.mark("team_4", cell, 2)
    sample.mark("team_4", "why_stride", 1)
    row = standing.read(sample.folder, sample.course).rows["team_4", CONV]
    assert (row.state, row.score) == (standing.FINAL, 7)


def test_page_is_self_contained_and_accessible(tmp_path: Path) -> None:
    sample = a_class(tmp_path)
    html = report.write(sample.folder, sample.course).read_text(encoding="utf-8")
    page = Page(html)
    assert not page.open
    assert page.all("html")[0]["lang"] == "en"
    for _, attrs in page.tags:
        assert "src" not in attrs
        assert str(attrs.get("href", "#")).startswith(("#", "data:,"))
        assert not [name for name in attrs if name.startswith("on")]
    assert not re.search(r"@import|url\(", html)
    assert all(th.get("scope") in ("col", "row") for th in page.all("th"))
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for svg in page.all("svg"):
        assert set(str(svg["aria-labelledby"]).split()) <= set(ids)
    targets = {str(a["href"])[1:] for a in page.all("a")}
    assert targets <= set(ids)


def test_only_our_own_script_may_run(tmp_path: Path) -> None:
    sample = a_class(tmp_path)
    html = report.write(sample.folder, sample.course).read_text(encoding="utf-8")
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    policy = next(m["content"] for m in Page(html).all("meta") if "http-equiv" in m)
    assert f"script-src 'sha256-{digest}'" in str(policy)


def test_hostile_names_mistakes_and_reasons_are_text(tmp_path: Path) -> None:
    sample = SampleClass(tmp_path)
    team = "team_<img src=x onerror=alert(1)>"
    bad = judged("conv2d_forward", 0.5, 6, HOSTILE, HOSTILE)
    sample.hand_in(team, checks=[bad])
    sample.hand_in("team_2", needs_human=HOSTILE)
    sample.reject(Rejected(HOSTILE, HOSTILE, HOSTILE))
    page = Page(report.write(sample.folder, sample.course).read_text(encoding="utf-8"))
    assert len(page.all("script")) == 1
    assert not page.all("img")
    assert all("onload" not in svg for svg in page.all("svg"))
    assert page.text.count("<script>alert(1)</script>") >= 4


def test_empty_class_has_a_report(tmp_path: Path) -> None:
    sample = SampleClass(tmp_path)
    text = text_of(report.write(sample.folder, sample.course))
    assert "Nothing does" in text


def test_class_folder_without_a_gradebook_is_only_read(tmp_path: Path) -> None:
    sample = SampleClass(tmp_path / "made")
    sample.hand_in("team_1")
    (tmp_path / "made" / "gradebook.db").unlink()
    f = gather(sample)
    assert f.scores[0].fractions == [1.0]
    assert not (tmp_path / "made" / "gradebook.db").exists()


def test_histogram_counts_every_score_once() -> None:
    fractions = [0.0, 0.1, 0.3, 0.6999999999999999, 0.7, 0.999, 1.0, 1.0]
    assert counts(fractions) == [1, 1, 0, 1, 0, 0, 0, 2, 0, 3]
    drawing = str(histogram(fractions, 0.7, "<b>", "h"))
    assert drawing.count("<rect") == 5
    assert "&lt;b&gt;" in drawing and "median 70" in drawing
