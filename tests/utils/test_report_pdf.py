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
    assert '<body><p class="authors">NameOne, NameTwo</p><section>' in pages[0]
    assert '<body><p class="authors">Ann Lee, Bo Wu</p><section>' in pages[1]
    assert "On its first page: Ann Lee, Bo Wu." in capsys.readouterr().out
