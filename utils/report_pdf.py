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
.authors { font-size: 12pt; border-bottom: 1px solid #bbb; padding-bottom: .3em; }
img { max-width: 100%; break-inside: avoid; }
table { border-collapse: collapse; font-size: 9pt; } td, th { border: 1px solid #bbb; padding: .2em .5em; }
@page { size: A4; margin: 18mm 16mm; }
"""  # noqa: E501

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
    parser.add_argument("--authors", help="names on its first page, if others than the file's")
    options = parser.parse_args(arguments)
    root = Path(__file__).resolve().parents[1]
    try:
        findings = handin.Findings()
        asked = asking.read(root)
        chosen = handin.choose(root, options.notebooks, asked, False, findings)
        findings.raise_problems(anyway=False)
        paths = [root / "notebooks" / f"{one.name}.ipynb" for one in chosen]
        authors = options.authors or names_in(options.pdf.stem, asked.pair_prefix)
        read = [nbformat.read(path, as_version=4) for path in paths]
        text = page(options.pdf.stem, read, authors)
        printed = to_pdf(text, options.pdf)
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


def page(title: str, notebooks: list[NotebookNode], authors: str = "") -> str:
    """One HTML page that shows notebooks, below who wrote them, and fetches nothing."""
    head = f'<p class="authors">{html.escape(authors)}</p>' if authors else ""
    body = "\n".join(f"<section>{_section(notebook)}</section>" for notebook in notebooks)
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


def _section(notebook: NotebookNode) -> str:
    parts = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(_prose(cell))
        elif cell.cell_type == "code" and cell.source.strip():
            parts.append(f'<pre class="code">{html.escape(cell.source)}</pre>')
            parts += [_output(output) for output in cell.get("outputs", [])]
    return "\n".join(parts)


def _prose(cell: NotebookNode) -> str:
    source = cell.source
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

    try:
        return str(convert(tex, display="block" if display else "inline"))
    except Exception:  # what it can't read is shown as it was written
        mark = "$$" if display else "$"
        return f"<code>{html.escape(mark + tex + mark)}</code>"


def _output(output: NotebookNode) -> str:
    if output.output_type == "stream":
        return f'<pre class="output">{_plain(output.text)}</pre>'
    if output.output_type == "error":
        lines = "\n".join([*output.get("traceback", [])[-3:]]) or f"{output.ename}: {output.evalue}"
        return f'<pre class="output error">{_plain(lines)}</pre>'
    data = output.get("data", {})
    for kind in ("image/png", "image/jpeg"):
        if kind in data:
            return f'<p class="output"><img src="data:{kind};base64,{data[kind].strip()}"></p>'
    return f'<pre class="output">{_plain(data.get("text/plain", ""))}</pre>'


def _plain(text: str) -> str:
    """Without colours, and with only what a progress bar showed last."""
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
    return html.escape("\n".join(line.rsplit("\r", 1)[-1] for line in text.split("\n")))


if __name__ == "__main__":
    sys.exit(main())
