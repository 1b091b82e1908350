"""How far a notebook is, as it lies there: what its own outputs and cells say.

All of it is for the student to read.  No mark depends on it.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, NamedTuple

from utils.packing.asked import Expected
from utils.packing.notebooks import code_cells, grade_id, text_of, was_run

PLACEHOLDER = "your_id"
"""What STUDENT_ID is in a notebook as handed out."""
MOST_NAMED = 6
"""Cells and files that one sentence names."""

_STUDENT_ID = re.compile(r"^STUDENT_ID\s*=\s*(.*)", re.MULTILINE)
_QUOTED = re.compile(r"""(["'])([^"'\n]*)\1\s*(?:#.*)?""")


class State(NamedTuple):
    """What is known about a notebook."""

    passed: list[str]
    """Checks that passed when they were last run."""
    partly: list[str]
    failed: list[str]
    not_run: list[str]
    """Checks whose cell shows no result."""
    unanswered: list[str]
    """Answers in words that are as released, or empty."""
    unknown: list[str]
    """The release's cells that can't be told by nbgrader's metadata."""
    cleared: list[str]
    """Code cells without a trace of having been run, where others have one."""
    student_id: str
    """The STUDENT_ID that it sets last; "" if there is none, or it isn't plain text."""

    def in_words(self, missing: list[str]) -> str:
        """One line without its name.  missing: files that are not in handin/NOTEBOOK/."""
        total = sum(map(len, (self.passed, self.partly, self.failed, self.not_run)))
        said = []
        if total:
            besides = [(self.partly, "in part"), (self.not_run, "not run")]
            more = ", ".join(f"{len(names)} {what}" for names, what in besides if names)
            said.append(f"{len(self.passed)} of {total} checks passed" + (more and f" ({more})"))
        if self.unanswered:
            said.append(f"{counted(len(self.unanswered), 'question')} unanswered")
        if missing:
            said.append(f"not in handin/: {some(missing)}")
        return "; ".join(said) or "nothing in it is known to be missing"


def counted(number: int, noun: str) -> str:
    """ "1 question", "2 questions"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def some(names: list[str]) -> str:
    """The first few of many names."""
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def look_at(notebook: dict[str, Any], expected: Expected) -> State:
    """What a notebook says about itself."""
    scores = {name: _score(notebook, name) for name in expected.checks}
    ids = {grade_id(cell) for cell in notebook["cells"]}
    answered = _answered(notebook, expected)
    return State(
        [name for name, score in scores.items() if score is not None and score >= 1],
        [name for name, score in scores.items() if score is not None and 0 < score < 1],
        [name for name, score in scores.items() if score is not None and score <= 0],
        [name for name, score in scores.items() if score is None],
        [name for name in expected.essays if name in ids and name not in answered],
        [name for name in expected.cells if name not in ids],
        _cleared(notebook),
        _id_in(notebook),
    )


def digest(text: str) -> str:
    """Of a text, whatever its layout."""
    return hashlib.sha256(" ".join(text.split()).encode("utf-8", "replace")).hexdigest()[:12]


def normalised(student_id: str) -> str:
    """An id as `utils.checks.identity` has it: "Team-07" and "team_7" are the same."""
    words = re.findall(r"\d+|[^\W\d_]+", student_id.casefold())
    return "_".join((word.lstrip("0") or "0") if word.isdecimal() else word for word in words)


def not_started(notebook: dict[str, Any], expected: Expected) -> bool:
    """Whether it was never run and all its answers, code and words, are as they were released."""
    cells = code_cells(notebook)
    if _answered(notebook, expected):
        return False
    solutions = [text_of(c) for c in cells if _is_solution(c)]
    untouched = all("raise NotImplementedError" in source for source in solutions)
    return bool(solutions) and untouched and not any(map(was_run, cells))


def _answered(notebook: dict[str, Any], expected: Expected) -> set[str]:
    """Ids of the answers in words that are neither empty nor as they were released."""
    said = {grade_id(cell): digest(text_of(cell)) for cell in notebook["cells"]}
    blank = digest("")
    return {n for n, text in expected.essays.items() if said.get(n, blank) not in (text, blank)}


def _is_solution(cell: dict[str, Any]) -> bool:
    said = cell["metadata"].get("nbgrader")
    return isinstance(said, dict) and bool(said.get("solution"))


def _id_in(notebook: dict[str, Any]) -> str:
    found = [t for cell in code_cells(notebook) for t in _STUDENT_ID.findall(text_of(cell))]
    match = _QUOTED.fullmatch(found[-1].strip()) if found else None
    return match.group(2) if match else ""


def _cleared(notebook: dict[str, Any]) -> list[str]:
    found, ran = [], False
    for number, cell in enumerate(notebook["cells"], 1):
        if cell["cell_type"] != "code" or not text_of(cell).strip():
            continue
        if was_run(cell):
            ran = True
        else:
            found.append(grade_id(cell) or f"cell {number}")
    return found if ran else []


def _score(notebook: dict[str, Any], check: str) -> float | None:
    """What a check said last, in [0, 1]; None if no cell shows that it was run."""
    call = re.compile(rf"""^\s*check\(\s*["']{re.escape(check)}["']""", re.MULTILINE)
    found = None
    for cell in code_cells(notebook):
        if grade_id(cell) == f"check_{check}" or call.search(text_of(cell)):
            for output in cell["outputs"]:
                score = _said_by(output, check)
                found = score if score is not None else found
    return found


def _said_by(output: dict[str, Any], check: str) -> float | None:
    """The score that an output shows: it says so itself, or its text does."""
    metadata = output.get("metadata")
    said = metadata.get("check") if isinstance(metadata, dict) else None
    if isinstance(said, dict) and said.get("name") == check:
        score = said.get("score")
        return float(score) if isinstance(score, (int, float)) else None
    if output.get("output_type") == "error":
        return 0.0
    data = output.get("data")
    html = data.get("text/html") if isinstance(data, dict) else None
    text = html if isinstance(html, str) else "".join(map(str, html or ()))
    shown = re.search(rf">\s*([✔✘])(?:</span>)? {re.escape(check)}: ", text)
    if shown is None:
        return None
    return 1.0 if shown.group(1) == "✔" else 0.5
