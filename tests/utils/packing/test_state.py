"""What the packer reads from a notebook: checks as last run, unanswered questions, lost cells."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from utils.checks.cases import CaseSet
from utils.checks.shown import Shown
from utils.checks.verdicts import CaseVerdict, CheckVerdict
from utils.packing import notebooks, state
from utils.packing.asked import Expected

NAMES = ["first", "second"]
EXPECTED = Expected(
    NAMES,
    {"why": state.digest("YOUR ANSWER HERE"), "how": state.digest("YOUR ANSWER HERE")},
    ["setup", "first", "check_first", "check_second", "why", "how"],
    ["net.npz"],
    True,
)


def shown(name: str, score: float) -> Shown:
    """A verdict as a notebook shows it."""
    cases = CaseSet(name, "function", ("output",), (), {}, "")
    return Shown(CheckVerdict(name, score, (CaseVerdict("a", score),)), cases, 4)


def output(name: str, score: float, with_metadata: bool = True) -> dict[str, Any]:
    data, metadata = shown(name, score)._repr_mimebundle_()
    return {
        "output_type": "execute_result",
        "data": data,
        "metadata": metadata if with_metadata else {},
    }


def cell(grade_id: str, source: str = "x = 1", outputs: list[Any] | None = None) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "metadata": {"nbgrader": {"grade_id": grade_id}} if grade_id else {},
        "source": source,
        "outputs": outputs or [],
        "execution_count": 1 if outputs is not None else None,
    }


def essay(grade_id: str, text: str) -> dict[str, Any]:
    metadata = {"nbgrader": {"grade_id": grade_id}}
    return {"cell_type": "markdown", "metadata": metadata, "source": text}


def look(*cells: dict[str, Any]) -> state.State:
    return state.look_at({"cells": list(cells)}, EXPECTED)


@pytest.mark.parametrize("with_metadata", [True, False])
def test_checks_are_counted_as_they_were_last_run(with_metadata: bool) -> None:
    for score, field in ((1.0, "passed"), (0.5, "partly")):
        seen = look(cell("check_first", outputs=[output("first", score, with_metadata)]))
        assert getattr(seen, field) == ["first"] and seen.not_run == ["second"]


def test_a_check_that_failed_shows_a_table_and_raises() -> None:
    error = {"output_type": "error", "ename": "CheckFailed", "evalue": "first: no points yet"}
    seen = look(cell("check_first", outputs=[output("first", 0.0, False), error]))
    assert seen.failed == ["first"] and seen.passed == []


def test_a_check_is_known_by_its_call_where_its_mark_is_lost() -> None:
    seen = look(cell("", 'check("first", first)', [output("first", 1.0)]))
    assert seen.passed == ["first"]
    assert look(cell("", 'check("first", first)', [output("other", 1.0)])).passed == []


def test_essays_as_released_or_empty_are_unanswered() -> None:
    assert look(essay("why", " YOUR ANSWER HERE\n"), essay("how", "")).unanswered == ["why", "how"]
    assert look(essay("why", "YOUR ANSWER HERE: since"), essay("how", "so")).unanswered == []


def test_cells_without_output_are_named_if_others_have_some() -> None:
    seen = look(cell("setup", outputs=[]), cell("first"), cell("", "own = 1"), cell("", " "))
    assert seen.cleared == ["first", "cell 3"]
    assert look(cell("first"), cell("", "own = 1")).cleared == []


def test_cells_that_are_lost_are_named() -> None:
    seen = look(cell("setup"), cell("first"), essay("why", "since"))
    assert seen.unknown == ["check_first", "check_second", "how"]


def test_one_line_says_how_far_it_is() -> None:
    seen = look(cell("check_first", outputs=[output("first", 1.0)]), essay("why", ""))
    assert seen.in_words(["net.npz"]) == (
        "1 of 2 checks passed (1 not run); 1 question unanswered; not in handin/: net.npz"
    )
    assert "nothing in it" in state.look_at({"cells": []}, Expected([], {}, [], [], True)).in_words(
        []
    )


def test_a_notebooks_display_carries_what_the_packer_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    from IPython import display

    given: dict[str, Any] = {}
    monkeypatch.setattr("IPython.get_ipython", lambda: object())
    monkeypatch.setattr(display, "display", lambda data, **how: given.update(how))
    shown("first", np.float64(0.0)).display()
    assert given["metadata"] == {"check": {"name": "first", "score": 0.0}}


def heading(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def asked(name: str, outputs: list[Any] | None = None, kind: str = "check") -> dict[str, Any]:
    """A check or a figure; outputs None: it was never run, or cleared with its number."""
    made = cell(f"check_{name}" if kind == "check" else name, outputs=outputs)
    if kind == "check":
        made["metadata"]["nbgrader"]["grade"] = True
    else:
        made["metadata"]["tags"] = ["figure"]
    return made


OUTPUT = [{"output_type": "stream", "name": "stdout", "text": "seen"}]


def test_checks_and_figures_that_lost_their_output_are_named_by_exercise() -> None:
    notebook = {
        "cells": [
            heading("# 05"), asked("head", [], "figure"),
            heading("## Exercise 05.1: a target"), cell("first"), asked("first", OUTPUT),
            heading("### One step"), asked("step", None), asked("way", [], "figure"),
            heading("## Exercise 05.2: left out"), asked("skipped", None),
            heading("## Exercise 05.3: more"), asked("more", None), cell("", outputs=OUTPUT),
            heading("## Exercise 05.4: not reached"), asked("last", None),
        ]
    }  # fmt: skip
    assert notebooks.silent(notebook) == ["head", "05.1 (step, way)", "05.3 (more)"]
    notebook["cells"][-1]["execution_count"] = 9
    assert notebooks.silent(notebook)[-1] == "05.4 (last)"


def test_solutions_and_own_cells_may_be_silent() -> None:
    silent = [cell("first", outputs=[]), cell("", outputs=[]), heading("x"), asked("a", OUTPUT)]
    assert notebooks.silent({"cells": silent}) == []
