"""A PDF to hand in, made from notebooks: text, code, outputs and figures, printed by a browser.

    python -m utils.report_pdf Ex2_NameOne_NameTwo.pdf 01 04 05

Needs no LaTeX and no network: formulas become MathML, which browsers draw themselves.  It looks
for Chrome, Chromium, Edge or Brave; where there is none it leaves a page to print from any browser.
"""

from __future__ import annotations

import argparse
import html
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

import mistune
import nbformat
from nbformat.notebooknode import NotebookNode

from utils import handin
from utils.packing import asked as asking
from utils.packing.accepted import Refused

SECONDS = 120
"""Longest time that a browser may take to print."""

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "msedge",
    "brave-browser",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Brave Browser.app/Contents/MacOS/Brave Browser",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
    r"C:\Program Files\Microsoft\Edge\Application\msedge.exe",
)
"""Names and places of browsers that print without a window."""

_STYLE = """
body { font: 10.5pt/1.45 Georgia, "Times New Roman", serif; color: #111; margin: 0; }
h1, h2, h3 { font-family: "Helvetica Neue", Arial, sans-serif; line-height: 1.2; break-after: avoid; }
h1 { font-size: 18pt; } h2 { font-size: 14pt; margin-top: 1.6em; } h3 { font-size: 12pt; }
section + section { break-before: page; }
pre { font: 8.5pt/1.35 "DejaVu Sans Mono", Menlo, Consolas, monospace; white-space: pre-wrap;
      overflow-wrap: anywhere; margin: .5em 0; }
.code { background: #f4f6f8; border-left: 3px solid #1f4e79; padding: .5em .7em; }
.output { padding: 0 .7em; } .error { color: #8a1f11; }
header { border-bottom: 1px solid #bbb; margin-bottom: 1.5em; }
header p { font: 11pt/1.4 "Helvetica Neue", Arial, sans-serif; margin: .3em 0; }
.authors { font-size: 13pt; } .verdict { font-weight: bold; }
.missing { border: 2px dashed #8a1f11; color: #8a1f11; padding: .4em .7em; }
img { max-width: 100%; max-height: 105mm; break-inside: avoid; }
math { font-size: 1.1em; }
table { border-collapse: collapse; font-size: 9pt; } td, th { border: 1px solid #bbb; padding: .2em .5em; }
@page { size: A4; margin: 18mm 16mm 20mm;
        @bottom-center { content: counter(page) " / " counter(pages); font: 9pt sans-serif; } }
"""  # noqa: E501

_HEADING = re.compile(r"^# (.+)", re.M)
_HEADINGS = re.compile(r"^#+ .+", re.M)
_UNANSWERED = "YOUR ANSWER HERE"
_POINTS = re.compile(r"(?<![\d.])([\d.]+) of ([\d.]+) ((?:bonus )?points)")
_MATHML = "{http://www.w3.org/1998/Math/MathML}"
_ARG = {"argmax": "arg\u2009max", "argmin": "arg\u2009min"}
_LIMITS = ("max", "min", "lim", *_ARG)
"""Names that have their limits below; a parent is looked at before its children."""
_MATH = re.compile(
    r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)"
    r"|\$\$(.+?)\$\$|(?<![\\$])\$([^\s$](?:[^$\n]*[^\s$\\])?)\$",
    re.S,
)


def main(arguments: list[str] | None = None) -> int:
    """Write the PDF, or the page to print.  Returns the exit status: 0, or 1 if there is no PDF."""
    parser = argparse.ArgumentParser(
        prog="python -m utils.report_pdf", description="Make one PDF from notebooks."
    )
    parser.add_argument("pdf", type=Path, help="file to write: Ex2_NameOne_NameTwo.pdf")
    parser.add_argument("notebooks", nargs="*", help='all you have worked on, if not "01 04 05"')
    parser.add_argument(
        "--only-answers", action="store_true", help="leave out the course's own text and code"
    )
    parser.add_argument("--authors", help="names on its first page, if others than the file's")
    options = parser.parse_args(arguments)
    target: Path = options.pdf
    target = target if target.suffix.lower() == ".pdf" else target.with_name(f"{target.name}.pdf")
    root = Path(__file__).resolve().parents[1]
    try:
        findings = handin.Findings()
        asked = asking.read(root)
        chosen = handin.choose(root, options.notebooks, asked, False, findings)
        findings.raise_problems(anyway=False)
        paths = [root / "notebooks" / f"{one.name}.ipynb" for one in chosen]
        authors = options.authors or names_in(target.stem, asked.pair_prefix)
        read = [nbformat.read(path, as_version=4) for path in paths]
        printed = to_pdf(page(target.stem, read, authors, options.only_answers), target)
    except Refused as problem:
        print(f"No PDF was written: {problem}", file=sys.stderr)
        return 1
    for line in findings.messages:
        print(line)
    print(
        f"On its first page: {authors}."
        if authors
        else 'No names stand on its first page: add --authors "Name One, Name Two".'
    )
    print(f"{printed} is written ({printed.stat().st_size / 2**20:.1f} MB).")
    return 0


def names_in(stem: str, prefix: str) -> str:
    """Authors by a file's name: "NameOne, NameTwo" of Ex2_NameOne_NameTwo, "" of another."""
    wanted = f"{prefix}_".casefold()
    if not prefix or not stem.casefold().startswith(wanted):
        return ""
    return ", ".join(name for name in stem[len(wanted) :].split("_") if name)


def page(
    title: str, notebooks: list[NotebookNode], authors: str = "", only_answers: bool = False
) -> str:
    """One HTML page that shows notebooks, below what they are and who wrote them; it fetches
    nothing.

    only_answers: leave out what the course says, but for its headings, and its code.
    """
    about = "; ".join(filter(None, map(_title, notebooks)))
    head = "<header><h1>Report</h1>" + (f"<p>{html.escape(about)}</p>" if about else "")
    head += (f'<p class="authors">{html.escape(authors)}</p>' if authors else "") + "</header>"
    body = "\n".join(
        f"<section>{_section(notebook, only_answers)}</section>" for notebook in notebooks
    )
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}'
        f"</title><style>{_STYLE}</style></head><body>{head}{body}</body></html>"
    )


def to_pdf(text: str, target: Path) -> Path:
    """Print an HTML page.  Raises Refused, with the page left beside `target`, if that fails."""
    left = target.with_suffix(".html")
    browser = find_browser()
    if browser is None:
        left.write_text(text, encoding="utf-8")
        raise Refused(f"no browser was found; open {left} in yours and print it to {target.name}")
    with tempfile.TemporaryDirectory(prefix="course-report-") as scratch:
        source, printed = Path(scratch) / "page.html", Path(scratch) / "page.pdf"
        source.write_text(text, encoding="utf-8")
        command = [browser, "--headless", "--disable-gpu", "--no-pdf-header-footer"]
        command.append("--generate-pdf-document-outline")  # a browser that can't passes over it
        command += [f"--user-data-dir={scratch}/profile", f"--print-to-pdf={printed}"]
        if getattr(os, "geteuid", lambda: 1)() == 0:
            command.append("--no-sandbox")  # it refuses to run as root otherwise; our own page
        try:
            done = subprocess.run(
                [*command, source.as_uri()],
                capture_output=True, stdin=subprocess.DEVNULL, timeout=SECONDS,
            )  # fmt: skip
            why = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no reason"]
        except (OSError, subprocess.TimeoutExpired) as error:
            why = [str(error)]
        if not printed.is_file() or not printed.read_bytes().startswith(b"%PDF-"):
            left.write_text(text, encoding="utf-8")
            raise Refused(
                f"{browser} could not print ({why[0][:200]}); open {left} in a browser and print "
                f"it to {target.name}"
            )
        shutil.copyfile(printed, target)
    return target


def find_browser() -> str | None:
    """A browser that prints without a window, or None.  COURSE_BROWSER names one that is meant."""
    for name in (os.environ.get("COURSE_BROWSER", ""), *BROWSERS):
        if name and (found := shutil.which(name)):
            return found
    return None


def _title(notebook: NotebookNode) -> str:
    """What a notebook calls itself, "" if it does not."""
    texts = (cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return next((found[1] for text in texts if (found := _HEADING.search(text))), "")


def _section(notebook: NotebookNode, only_answers: bool) -> str:
    parts = []
    for cell in notebook.cells:
        leave_out = only_answers and _is_the_courses(cell)
        if cell.cell_type == "markdown":
            source = "\n\n".join(_HEADINGS.findall(cell.source)) if leave_out else cell.source
            parts.append(_prose(cell, source))
        elif cell.cell_type == "code" and cell.source.strip():
            if not leave_out:
                parts.append(f'<pre class="code">{html.escape(cell.source)}</pre>')
            parts += [_output(output) for output in cell.get("outputs", [])]
    return "\n".join(parts)


def _is_the_courses(cell: NotebookNode) -> bool:
    """Is it a cell that nobody was asked to change?  The course numbers those without an id."""
    about = cell.metadata.get("nbgrader", {})
    if about:
        return not about.get("solution")
    return cell.cell_type == "markdown" and bool(re.fullmatch(r"cell-\d{3}", cell.get("id", "")))


def _prose(cell: NotebookNode, source: str) -> str:
    if cell.metadata.get("nbgrader", {}).get("solution") and _UNANSWERED in source:
        return '<p class="missing">This question has not been answered.</p>'
    for name, kinds in cell.get("attachments", {}).items():
        for kind, data in kinds.items():
            source = source.replace(f"attachment:{name}", f"data:{kind};base64,{data}")
    formulas: list[str] = []

    def keep(match: re.Match[str]) -> str:
        if match[1]:
            return match[0]  # code
        formulas.append(_mathml(match[3] or match[4], display=bool(match[3])))
        return f"\ue000{len(formulas) - 1}\ue001"

    render = mistune.create_markdown(escape=True, plugins=["table", "strikethrough"])
    shown = str(render(_MATH.sub(keep, source)))
    return re.sub("\ue000(\\d+)\ue001", lambda match: formulas[int(match[1])], shown)


def _mathml(tex: str, display: bool) -> str:
    from latex2mathml.converter import convert  # takes its time, and not all have formulas

    tex = re.sub(r"\\arg\s*\\(max|min)(?![a-zA-Z])", r"\\operatorname{arg\1}", tex)
    try:
        return _as_in_a_book(str(convert(tex, display="block" if display else "inline")), display)
    except Exception:  # what it can't read is shown as it was written
        mark = "$$" if display else "$"
        return f"<code>{html.escape(mark + tex + mark)}</code>"


def _as_in_a_book(mathml: str, display: bool) -> str:
    """Limits below the names of displayed functions, and large brackets of one size."""
    root = ElementTree.fromstring(mathml)
    for element in root.iter():
        if element.tag == f"{_MATHML}mo" and element.text in _ARG:
            element.text = _ARG[element.text]
        if display and element.tag == f"{_MATHML}msub" and element[0].text in _LIMITS:
            element.tag = f"{_MATHML}munder"
        if size := element.attrib.pop("minsize", ""):
            del element.attrib["maxsize"]
            element.set("stretchy", "false")  # browsers stretch those with an exponent otherwise
            element.set("mathsize", size)
    ElementTree.register_namespace("", _MATHML[1:-1])
    return ElementTree.tostring(root, encoding="unicode")


def _output(output: NotebookNode) -> str:
    if output.output_type == "stream":
        return f'<pre class="output">{_plain(output.text)}</pre>'
    if output.output_type == "error":
        if output.ename == "CheckFailed":
            return f'<p class="output error verdict">✘ {html.escape(output.evalue)}</p>'
        lines = "\n".join([*output.get("traceback", [])[-3:]]) or f"{output.ename}: {output.evalue}"
        return f'<pre class="output error">{_plain(lines)}</pre>'
    data, about = output.get("data", {}), output.get("metadata", {})
    if isinstance(about.get("check"), dict):
        return _verdict(data, about["check"]) if output.output_type == "execute_result" else ""
    for kind in ("image/png", "image/jpeg"):
        if kind in data:
            wide = about.get(kind, {}).get("width")
            size = f' width="{wide}"' if isinstance(wide, int) else ""
            words = html.escape(str(data.get("text/plain", "")))
            source = f"data:{kind};base64,{data[kind].strip()}"
            return f'<p class="output"><img alt="{words}"{size} src="{source}"></p>'
    text = data.get("text/plain", "")
    return f'<pre class="output">{_plain(text)}</pre>' if text.strip() else ""


def _verdict(data: dict[str, str], check: dict[str, object]) -> str:
    """A check's result in a line, without its table."""
    points = _POINTS.search(data.get("text/html", ""))
    earned = f"{points[1]} of {points[2]} {points[3]}" if points else data.get("text/plain", "")
    mark = "✔" if check.get("score") == 1 else "✘"
    said = html.escape(f"{check.get('name')}: {earned}")
    return f'<p class="output verdict">{mark} {said}</p>'


def _plain(text: str) -> str:
    """Without colours, and with only what a progress bar showed last."""
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
    return html.escape("\n".join(line.rsplit("\r", 1)[-1] for line in text.split("\n")))


if __name__ == "__main__":
    sys.exit(main())
