"""What the marker of an essay looks at beside the answer: the report that came along, or the code.

Where there is something to look at, an answer cell that is as released waits for a mark like any
other; where there is nothing, it earns 0 by itself.  Nothing here is run, and nothing is marked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from nbformat.notebooknode import NotebookNode

from grader.cells import CODE, REPORT, beside_of, grade_id, is_essay
from grader.classroom import reports
from grader.classroom.results import Beside, Submission
from grader.executing import documented
from utils.packing.accepted import told_size
from utils.packing.beside import is_module


@dataclass(frozen=True)
class Reports:
    """Reports of one attempt, and attempts that came with others."""

    with_it: Mapping[str, bytes] = field(default_factory=dict)
    """By the paths at which they are kept."""
    others: tuple[str, ...] = ()


def asks_for_report(release: NotebookNode) -> bool:
    """Is there an essay about a report in a notebook?"""
    return any(is_essay(cell) and beside_of(cell) == REPORT for cell in release.cells)


def of(
    submission: Submission,
    notebook: NotebookNode,
    releases: Sequence[NotebookNode],
    files: Mapping[str, bytes],
    came: Reports,
) -> tuple[Beside, ...]:
    """For each essay of a prepared notebook that asks for it.

    releases: those that it was made from.  files: what is beside it while it is graded.
    """
    found = []
    for cell in notebook.cells:
        kind = beside_of(cell) if is_essay(cell) else ""
        if kind == REPORT:
            found.append(Beside(grade_id(cell), kind, *_report(submission, came)))
        elif kind == CODE:
            modules = [content for path, content in files.items() if is_module(path)]
            found.append(Beside(grade_id(cell), kind, *_code(notebook, releases, modules)))
    return tuple(found)


def _report(submission: Submission, came: Reports) -> tuple[str, str]:
    """In words, and its digest."""
    if came.with_it:
        parts = [content for _, content in sorted(came.with_it.items())]
        names = zip(reports.names(submission), map(told_size, map(len, parts)), strict=False)
        told = ", ".join(f"{name} ({size})" for name, size in names)
        return f"The report that came with it: {told}.", _digest(parts)
    if came.others:
        told = ", ".join(came.others)
        words = f"No report came with it; one came with attempt {told}."
        return words, _digest(name.encode() for name in came.others)
    return "No report came with it.", ""


def _code(
    notebook: NotebookNode, releases: Sequence[NotebookNode], modules: Sequence[bytes]
) -> tuple[str, str]:
    texts = [content.decode("utf-8-sig", "replace") for content in modules]
    found = documented.count(notebook.cells, releases, texts)
    said = [text.encode("utf-8", "replace") for text in found.said]
    return found.in_words(), _digest(said) if said else ""


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:16]
