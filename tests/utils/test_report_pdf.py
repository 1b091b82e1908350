"""The PDF that is handed in with a zip: what its page shows, and that a browser prints it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from utils import handin, report_pdf
from utils.packing.accepted import Refused

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def a_notebook() -> nbformat.NotebookNode:
    text = "# Title\n\nInline $x^2$, code `$HOME$`, 5 $ and 6 $.\n\n$$\\frac{a}{b}$$\n\n<script>x"
    image = new_output("display_data", {"image/png": PIXEL, "text/plain": "Figure"})
    stream = new_output("stream", name="stdout", text="10 %\r20 %\rdone\n\x1b[31m1 < 2\x1b[0m\n")
    unknown = new_markdown_cell("broken: $$\\begin{nothing}$$")
    return new_notebook(
        cells=[new_markdown_cell(text), new_code_cell("a < b", outputs=[stream, image]), unknown]
    )


def test_the_page_shows_text_formulas_code_outputs_and_figures() -> None:
    text = report_pdf.page("Ex2_A", [a_notebook(), a_notebook()])
    assert text.count("<section>") == 2 and text.count("<h1>Title</h1>") == 2
    assert "<msup>" in text and "<mfrac>" in text
    assert "<code>$HOME$</code>" in text and "5 $ and 6 $." in text
    assert "a &lt; b" in text and f"data:image/png;base64,{PIXEL}" in text
    assert "done\n1 &lt; 2" in text and "20 %" not in text and "\x1b" not in text


def test_the_page_runs_and_fetches_nothing() -> None:
    text = report_pdf.page("<b>", [a_notebook()], "<b>")
    assert "<script" not in text and "<title>&lt;b&gt;" in text
    assert not re.findall(r'(?:src|href)="(?!data:)', text)


def test_a_browser_prints_it(tmp_path: Path) -> None:
    if report_pdf.find_browser() is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no browser, and in CI this test must run")
        pytest.skip("no browser to print with")
    target = tmp_path / "Ex2_A.pdf"
    report_pdf.to_pdf(report_pdf.page("Ex2_A", [a_notebook(), a_notebook()]), target)
    content = target.read_bytes()
    assert content.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", content)) == 2


def test_without_a_browser_the_page_is_left_to_be_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_pdf, "find_browser", lambda: None)
    with pytest.raises(Refused, match=r"open .*Ex2_A\.html"):
        report_pdf.to_pdf("<p>x</p>", tmp_path / "Ex2_A.pdf")
    assert (tmp_path / "Ex2_A.html").read_text() == "<p>x</p>"


def test_a_browser_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_pdf, "find_browser", lambda: "/bin/false")
    with pytest.raises(Refused, match="/bin/false could not print"):
        report_pdf.to_pdf("<p>x</p>", tmp_path / "Ex2_A.pdf")


@pytest.mark.parametrize(
    ("stem", "names"),
    [("Ex2_NameOne_NameTwo", "NameOne, NameTwo"), ("ex2_Ann-Eve", "Ann-Eve"), ("team_7", "")],
)
def test_authors_are_those_of_the_files_name(stem: str, names: str) -> None:
    assert report_pdf.names_in(stem, "Ex2") == names


def test_authors_stand_on_the_first_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pages: list[str] = []
    chosen = [SimpleNamespace(name="00_getting_started")]
    monkeypatch.setattr(handin, "choose", lambda *_: chosen)
    for more in ([], ["--authors", "Ann Lee, Bo Wu"]):
        pdf = str(tmp_path / "Ex2_NameOne_NameTwo.pdf")
        monkeypatch.setattr(
            report_pdf, "to_pdf", lambda text, _: pages.append(text) or Path(__file__)
        )
        assert report_pdf.main([pdf, "00", *more]) == 0
    assert '<p class="authors">NameOne, NameTwo</p></header><section>' in pages[0]
    assert '<p class="authors">Ann Lee, Bo Wu</p></header><section>' in pages[1]
    assert "<p>00 · Getting started</p>" in pages[0]
    assert "On its first page: Ann Lee, Bo Wu." in capsys.readouterr().out


def test_formulas_look_as_in_a_book() -> None:
    shown = report_pdf._mathml(r"\arg\max_I \bigl( a \bigr)^2", display=True)
    assert "<munder><mo>arg\u2009max</mo><mi>I</mi></munder>" in shown
    assert shown.count('mathsize="1.2em"') == 2 and "minsize" not in shown
    assert "<munder>" not in report_pdf._mathml(r"\max_I a", display=False)


def test_verdicts_are_a_line_and_figures_have_words_and_a_size() -> None:
    html = "<div><span>✔</span> class_objective: all 4 cases passed, 4 of 4 points</div><table>"
    passed = new_output(
        "execute_result", {"text/html": html, "text/plain": "4.0"},
        metadata={"check": {"name": "class_objective", "score": 1.0}},
    )  # fmt: skip
    told = new_output("display_data", {"text/html": "x"}, metadata={"check": {"name": "a"}})
    failed = new_output("error", ename="CheckFailed", evalue="a: no points yet", traceback=[])
    figure = new_output(
        "display_data", {"image/png": PIXEL, "text/plain": 'A "figure"'},
        metadata={"image/png": {"width": 320}},
    )  # fmt: skip
    cells = [new_code_cell("check()", outputs=[passed, told, failed, figure])]
    text = report_pdf.page("Ex2_A", [new_notebook(cells=cells)])
    assert '<p class="output verdict">✔ class_objective: 4 of 4 points</p>' in text
    assert text.count('verdict">') == 2 and "✘ a: no points yet" in text
    assert '<img alt="A &quot;figure&quot;" width="320" src="data:' in text


def test_what_is_unanswered_is_seen_and_the_courses_text_can_stay_away() -> None:
    essay = new_markdown_cell("YOUR ANSWER HERE", metadata={"nbgrader": {"solution": True}})
    given = new_markdown_cell("# 09 · A title\n\nlong words\n\n## Exercise", id="cell-003")
    mine = new_markdown_cell("my own note")
    setup = new_code_cell("import numpy", metadata={"nbgrader": {"solution": False}})
    answer = new_code_cell("x = 1", metadata={"nbgrader": {"solution": True}})
    notebook = new_notebook(cells=[given, mine, setup, answer, essay])
    whole, short = (report_pdf.page("A", [notebook], only_answers=only) for only in (False, True))
    for text in (whole, short):
        assert "has not been answered" in text and "YOUR ANSWER" not in text
        assert "my own note" in text and "x = 1" in text and "<h2>Exercise</h2>" in text
        assert "<header><h1>Report</h1><p>09 · A title</p>" in text
    assert "long words" in whole and "import numpy" in whole
    assert "long words" not in short and "import numpy" not in short
