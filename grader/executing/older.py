"""An answer to an older release, put in terms of the present one.

What a student left as it was released then becomes what it is as released now; everything that they
wrote stays as they wrote it.  So the present judges mark it, and a text that was never touched is
taken for nobody's own, though the present release says something else there.
"""

from __future__ import annotations

from dataclasses import dataclass

import nbformat
from nbformat.notebooknode import NotebookNode

from grader.cells import (
    about,
    check_of,
    grade_id,
    is_check,
    is_locked,
    is_solution,
    runs_when_graded,
    text_of,
)
from grader.classroom import releases


@dataclass(frozen=True)
class Older:
    """What an older release lacked that the present one asks for."""

    release: str
    """Its id."""
    essays: tuple[str, ...] = ()
    """Essays that were not in it."""
    checks: tuple[str, ...] = ()
    """Names of checks that were not in it."""
    unanswered: frozenset[str] = frozenset()
    """Those of them to which the submission has no answer of its own."""


@dataclass(frozen=True)
class Renewed:
    """A submission in terms of the present release."""

    notebook: NotebookNode
    notes: tuple[str, ...] = ()


def renew(submitted: NotebookNode, then: NotebookNode, now: NotebookNode) -> Renewed:
    """Put an answer to `then` in terms of `now`.

    A cell that only has another name gets it.  One that is gone, or of another kind, becomes a cell
    of the student's own, so that what depends on it still runs and words stay words; a check or a
    figure that is gone is left out, since there is nothing in it to keep.
    """
    old, new = _by_id(then), _by_id(now)
    names = releases.renamed(then, now)
    cells, notes = [], []
    for cell in submitted.cells:
        name = _name(cell, old)
        if not name:
            cells.append(cell)
            continue
        was, present = old[name], new.get(names.get(name, name))
        if present is not None and releases.role(present) == releases.role(was):
            cells.append(_taken_over(cell, was, present))
        elif is_check(was) or (was.cell_type == "code" and not runs_when_graded(was)):
            cells.append(nbformat.v4.new_markdown_cell(""))  # the others keep their numbers
            notes.append(f"cell {name!r} is no longer asked for and was left out")
        else:
            cells.append(_own(cell, was))
            notes.append(f"cell {name!r} is no longer asked for and counts as the team's own")
    notebook = nbformat.from_dict({**submitted, "cells": []})
    notebook.cells = cells
    return Renewed(notebook, tuple(dict.fromkeys(notes)))


def lacking(then: NotebookNode, now: NotebookNode, prepared: NotebookNode) -> Older:
    """What `then` didn't ask for, and what of it a submission has no answer to all the same.

    prepared: the submission, merged with `now`.
    """
    old, names = _by_id(then), releases.renamed(then, now)
    asked = {names.get(name, name): releases.role(cell) for name, cell in old.items()}
    new = [
        cell
        for name, cell in _by_id(now).items()
        if about(cell).get("grade") and asked.get(name) != releases.role(cell)
    ]
    checks = tuple(check for cell in new if (check := check_of(cell)))
    essays = tuple(grade_id(cell) for cell in new if not check_of(cell))
    answered = _answered(now, prepared)
    return Older(releases.id_of(then), essays, checks, frozenset(checks) - answered)


def _answered(now: NotebookNode, prepared: NotebookNode) -> set[str]:
    """Checks one of whose solutions isn't as released, those without any included.

    A check is about the solutions since the check before, or about the same where there are none.
    """
    released = _by_id(now)
    changed = {
        name for c in prepared.cells if (name := grade_id(c)) and c.source != released[name].source
    }
    found: set[str] = set()
    answers: list[str] = []
    closed = False
    for name, cell in released.items():
        if is_check(cell):
            closed = True
            if not answers or changed.intersection(answers):
                found.add(check_of(cell))
        elif is_solution(cell):
            answers = [name] if closed else [*answers, name]
            closed = False
    return found


def _by_id(release: NotebookNode) -> dict[str, NotebookNode]:
    return {name: cell for cell in release.cells if (name := grade_id(cell))}


def _name(cell: NotebookNode, old: dict[str, NotebookNode]) -> str:
    """Which released cell it is: by nbgrader's id, else by Jupyter's own; "" if by neither."""
    name = grade_id(cell)
    if not name:
        found = [n for n, c in old.items() if c.get("id") and c.get("id") == cell.get("id")]
        name = found[0] if len(found) == 1 else ""
    same_kind = name in old and old[name].cell_type == cell.get("cell_type")
    return name if same_kind else ""


def _taken_over(cell: NotebookNode, was: NotebookNode, present: NotebookNode) -> NotebookNode:
    """The cell under its present name; with the present text where it has the one of then."""
    unchanged = text_of(cell) == was.source
    if not unchanged and grade_id(was) == grade_id(present):
        return cell
    taken = nbformat.from_dict(cell)
    taken.metadata = nbformat.from_dict({"nbgrader": dict(about(present))})
    if unchanged:
        taken.source = present.source
    return taken


def _own(cell: NotebookNode, was: NotebookNode) -> NotebookNode:
    own = nbformat.from_dict(cell)
    own.metadata = nbformat.from_dict({})
    own.pop("id", None)  # it might be that of another cell of the present release
    if is_locked(was):
        own.source = was.source
    return own
