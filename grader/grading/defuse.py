"""Make an executed notebook safe to open in an instructor's browser.

formgrader and nbconvert show outputs and markdown as they are, scripts included.  What a student
wrote keeps its text and its raster images and loses everything that a browser would run.
"""

from __future__ import annotations

import base64
import re
from typing import Any
from urllib.parse import unquote

import nbformat
from nbformat.notebooknode import NotebookNode

from grader.cells import check_of, is_locked
from grader.classroom.results import CheckResult
from grader.text import well_formed

_RASTER = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8\xff"}
_RISKY = (
    (re.compile(r"<(?=[A-Za-z/!?])"), "< "),
    # pictures would be fetched, and links followed, with the instructor's rights: even a link to
    # formgrader itself does harm, so none stays a link
    (re.compile(r"!(?=\[)"), "! "),
    (re.compile(r"\](?=[(:\[])"), "] "),
    (re.compile(r"\b(https?|mailto):(?=\S)", re.IGNORECASE), "\\1:\u200b"),
    (re.compile(r"\bwww\.(?=\w)", re.IGNORECASE), "www.\u200b"),
    # commands of MathJax that make links, styles or attributes
    (re.compile(r"\\(?=(?:href|unicode|cssId|class|style|require)\b)"), r"\\ "),
)
"""What a browser would run, fetch or follow in Markdown, and what stands there instead."""
# as in Markdown, of "![" in "![" the inner one counts, and brackets in a name come in pairs
_PASTED = re.compile(
    r"!\[[^\]\n!]*(?:!(?!\[)[^\]\n!]*)*\]"
    r"\(attachment:([^()\n]*(?:\([^()\n]*\)[^()\n]*)*)\)"
)
_MAX_TEXT = 200_000


def defuse(notebook: NotebookNode) -> None:
    """Reduce outputs to plain text and raster images, and Markdown to what runs nothing."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [kept for output in cell.outputs if (kept := _plain_output(output))]
            count = cell.get("execution_count")
            cell.execution_count = count if isinstance(count, int) and 0 < count < 10**6 else None
        elif not is_locked(cell):
            _defuse_markdown(cell)


def _defuse_markdown(cell: NotebookNode) -> None:
    """Keep the text and pictures that were pasted in; anything else that is not text becomes it."""
    given = cell.pop("attachments", None)
    given = given if isinstance(given, dict) else {}
    kept: dict[str, dict[str, Any]] = {}
    parts = _PASTED.split(cell.source)  # text, name of a picture, text, …, text
    for index, part in enumerate(parts):
        if index % 2 == 0:
            for pattern, harmless in _RISKY:
                part = pattern.sub(harmless, part)
            parts[index] = part
            continue
        bundle = given.get(part) or given.get(unquote(part))
        bundle = bundle if isinstance(bundle, dict) else {}
        raster = {m: bundle[m] for m in _RASTER if m in bundle and _is_raster(m, bundle[m])}
        if raster:
            kept[f"picture{len(kept) + 1}"] = raster
            parts[index] = f"![](attachment:picture{len(kept)})"
        else:
            parts[index] = "(a picture that is not there)"
    cell.source = "".join(parts)
    if kept:
        cell.attachments = kept


def show_verdicts(notebook: NotebookNode, checks: list[CheckResult]) -> None:
    """Replace the outputs of check cells by the judge's verdict."""
    by_name = {check.name: check for check in checks}
    for cell in notebook.cells:
        if check := by_name.get(check_of(cell)):
            text = "\n".join(verdict_lines(check)) + "\n"
            cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=text)]


def verdict_lines(check: CheckResult) -> list[str]:
    """A verdict as plain lines, for the instructor: with what was expected and what came."""
    head = f"{check.name}: {check.points:g} of {check.max_points:g} points"
    if check.status != "judged":
        return [f"{head} ({check.status}: {check.message})"]
    lines = [head + (f". Looks like: {check.mistake}" if check.mistake else "")]
    for case in check.cases:
        mark = "ok " if case.score == 1 else "NO "
        lines.append(f"  {mark} {case.label}  {case.message}".rstrip())
    return lines + ([f"  {check.message}"] if check.message else [])


def _plain_output(output: NotebookNode) -> NotebookNode | None:
    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return nbformat.v4.new_output("stream", name=name, text=_string(output.get("text")))
    if kind == "error":
        trace = output.get("traceback")
        return nbformat.v4.new_output(
            "error",
            ename=_string(output.get("ename")),
            evalue=_string(output.get("evalue")),
            traceback=[_string(line) for line in trace[:100]] if isinstance(trace, list) else [],
        )
    if kind not in ("display_data", "execute_result"):
        return None
    data = output.get("data")
    if not isinstance(data, dict):
        return None
    kept = {"text/plain": _string(data.get("text/plain"))}
    for mime in _RASTER:
        if mime in data and _is_raster(mime, data[mime]):
            kept[mime] = data[mime]
    return nbformat.v4.new_output("display_data", data=kept)


def _is_raster(mime: str, content: object) -> bool:
    try:
        start = base64.b64decode("".join(str(content).split())[:64], validate=True)
    except ValueError:
        return False
    return start.startswith(_RASTER[mime]) and bool(
        re.fullmatch(r"[A-Za-z0-9+/=\s]+", str(content))
    )


def _string(value: object) -> str:
    text = "".join(map(str, value)) if isinstance(value, list) else str(value or "")
    return well_formed(text[:_MAX_TEXT])
