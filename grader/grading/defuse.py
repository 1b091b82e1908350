"""Make an executed notebook safe to open in an instructor's browser.

formgrader and nbconvert show outputs and markdown as they are, scripts included.  What a student
wrote keeps its text and its raster images and loses everything that a browser would run, and what
no reader would wait for.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any
from urllib.parse import unquote

import nbformat
from nbformat.notebooknode import NotebookNode

from grader.cells import check_of, is_locked
from grader.classroom.results import CheckResult
from grader.formgrader import in_time
from grader.text import cut, shown, well_formed, without_codes
from utils.packing import sizes

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
_MAX_TEXT, _LINES, _MOST_CODES = 200_000, 100, 2_000
"""Bounds: of a text, of the lines of a traceback, and of codes for colours, each of which costs
nbconvert a copy of all that follows."""


def defuse(notebook: NotebookNode) -> None:
    """Reduce outputs to plain text and raster images, Markdown to what runs nothing, and cells to
    what can be shown in time."""
    own = [cell for cell in notebook.cells if not is_locked(cell)]
    room = sizes.SHOWN_IN_ALL
    for cell in own:
        cell.source = well_formed(cell.source)
        _cut_short(cell, room)
        room = max(0, room - len(cell.source))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [kept for output in cell.outputs if (kept := _plain_output(output))]
            count = cell.get("execution_count")
            cell.execution_count = count if isinstance(count, int) and 0 < count < 10**6 else None
        elif not is_locked(cell):
            _defuse_markdown(cell)
    # as Jupyter does; nbconvert's other lexer knows no cell that is to have no colours
    about = notebook.metadata.get("language_info", {})
    notebook.metadata["language_info"] = {"name": "python", **about, "pygments_lexer": "ipython3"}
    in_time.fit(own)


def _cut_short(cell: NotebookNode, room: int) -> None:
    """Leave of a cell what anybody would read, and say what is missing.  room: characters."""
    kept = sizes.shortened(cell.source, room)
    rest = cell.source[len(kept) :]
    if not rest:
        return
    # who hands in again with another rest has changed the answer
    digest = hashlib.sha256(rest.encode("utf-8", "replace")).hexdigest()[:8]
    told = f"… {len(rest):,} more characters ({digest}) stand in the notebook that was handed in"
    cell.source = f"{kept}\n# {told}" if cell.cell_type == "code" else f"{kept}\n\n{told}"


def _defuse_markdown(cell: NotebookNode) -> None:
    """Keep the text and pictures that were pasted in; anything else that is not text becomes it."""
    given = cell.pop("attachments", None)
    given = given if isinstance(given, dict) else {}
    kept: dict[str, dict[str, Any]] = {}
    named = set()
    parts = _PASTED.split(cell.source)  # text, name of a picture, text, …, text
    for index, part in enumerate(parts):
        if index % 2 == 0:
            parts[index] = _harmless(part)
            continue
        name = part if part in given else unquote(part)
        named.add(name)
        parts[index] = _picture(given.get(name), kept) or "(a picture that is not there)"
    parts += [_beside_the_text(str(n), given[n], kept) for n in given if n not in named]
    cell.source = "".join(parts)
    if kept:
        cell.attachments = kept


def _harmless(text: str) -> str:
    for pattern, harmless in _RISKY:
        text = pattern.sub(harmless, text)
    return text


def _picture(bundle: object, kept: dict[str, dict[str, Any]]) -> str:
    """Markdown for a picture, which is added to `kept`; "" if there is none to show."""
    found = bundle if isinstance(bundle, dict) else {}
    raster = {m: found[m] for m in _RASTER if m in found and _is_raster(m, found[m])}
    if not raster:
        return ""
    kept[f"picture{len(kept) + 1}"] = raster
    return f"![](attachment:picture{len(kept)})"


def _beside_the_text(name: str, bundle: object, kept: dict[str, dict[str, Any]]) -> str:
    """What is said of something attached that the text doesn't show; students may rely on it."""
    called = _harmless(shown(name, 60))
    if picture := _picture(bundle, kept):
        return f"\n\n({called}, attached and not in the text:)\n\n{picture}"
    kinds = _harmless(shown(", ".join(map(str, bundle)), 60)) if isinstance(bundle, dict) else "?"
    return f"\n\n({called}, an attachment of type {kinds}, which is not shown)"


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
        lines = [_string(line) for line in trace[:_LINES]] if isinstance(trace, list) else []
        more = len(trace) - _LINES if isinstance(trace, list) else 0
        return nbformat.v4.new_output(
            "error",
            ename=_string(output.get("ename")),
            evalue=_string(output.get("evalue")),
            traceback=[*lines, *([f"… {more} more lines"] if more > 0 else [])],
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
    if data and not any(kept.values()):
        kinds = shown(", ".join(map(str, data)), 100)
        kept["text/plain"] = f"[an output of type {kinds}, which is not shown]"
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
    text = cut(text, _MAX_TEXT)
    return well_formed(without_codes(text) if text.count("\x1b") > _MOST_CODES else text)
