"""Forms of cells: answers, their order, other cells, and what only a human can decide."""

from __future__ import annotations

import json

import nbformat
from nbformat import v4
from nbformat.notebooknode import NotebookNode

from grader.cells import grade_id
from tests.grader.honest.course import ESSAYS, NAME
from tests.grader.honest.forms import (
    Form,
    Made,
    at,
    bare,
    blank_essays,
    cell,
    code,
    copied,
    lister,
    words,
)  # fmt: skip

FORMS: list[Form] = []
form = lister(FORMS)


# ------------------------------------------------------------------------------- cells of an answer


@form("essays in cells below their own")
def _(nb: NotebookNode, released: NotebookNode) -> Made:
    blank_essays(nb, released)
    for name, text in ESSAYS.items():
        nb.cells.insert(at(nb, name) + 1, words(text))
    return nb


@form("essays in cells above their own")
def _(nb: NotebookNode, released: NotebookNode) -> Made:
    blank_essays(nb, released)
    for name, text in ESSAYS.items():
        nb.cells.insert(at(nb, name), words(text))
    return nb


@form("essays in raw cells")
def _(nb: NotebookNode, released: NotebookNode) -> Made:
    blank_essays(nb, released)
    for name, text in ESSAYS.items():
        nb.cells.insert(at(nb, name) + 1, v4.new_raw_cell(text))
    return nb


@form("essays as comments in code")
def _(nb: NotebookNode, released: NotebookNode) -> Made:
    blank_essays(nb, released)
    for name, text in ESSAYS.items():
        nb.cells.insert(at(nb, name) + 1, code(f"# {text}"))
    return nb


@form("essays typed below the question, in its cell")
def _(nb: NotebookNode, released: NotebookNode) -> Made:
    blank_essays(nb, released)
    for name, text in ESSAYS.items():
        nb.cells[at(nb, name) - 1].source += f"\n\n{text}"
    return nb


@form("essays in two copies of their cell")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    for name in ESSAYS:
        second = copied(cell(nb, name))
        second.source = "And more."
        nb.cells.insert(at(nb, name) + 1, second)
    return nb


@form("essays in cells turned into code")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    for name, text in ESSAYS.items():
        turned = code(text)
        turned.metadata, turned.id = cell(nb, name).metadata, cell(nb, name).id
        nb.cells[at(nb, name)] = turned
    return nb


@form("essays in cells turned raw")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    for name in ESSAYS:
        cell(nb, name).cell_type = "raw"
    return nb


@form("essay cells deleted, answers in new ones")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    for name, text in ESSAYS.items():
        nb.cells[at(nb, name)] = words(text)
    return nb


@form("solutions retyped below the empty cells")
def _(nb: NotebookNode, released: NotebookNode) -> Made:
    for name in ("square", "cube", "sums"):
        source = cell(nb, name).source
        cell(nb, name).source = cell(released, name).source
        nb.cells.insert(at(nb, name) + 1, code(source))
    return nb


@form("solutions retyped below their checks")
def _(nb: NotebookNode, released: NotebookNode) -> Made:
    for name in ("square", "cube"):
        source = cell(nb, name).source
        cell(nb, name).source = cell(released, name).source
        nb.cells.insert(at(nb, f"check_{name}") + 1, code(source))
    return nb


@form("solutions deleted and retyped")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    for name in ("square", "cube", "sums"):
        nb.cells[at(nb, name)] = code(cell(nb, name).source)
    return nb


@form("a function as a lambda in a cell of its own")
def _(nb: NotebookNode, released: NotebookNode) -> Made:
    cell(nb, "square").source = cell(released, "square").source
    nb.cells.insert(at(nb, "square") + 1, code("square = lambda x: x * x"))
    return nb


@form("solution cells turned raw")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    for name in ("square", "cube"):
        raw = v4.new_raw_cell(cell(nb, name).source)
        raw.metadata = cell(nb, name).metadata
        nb.cells[at(nb, name)] = raw
    return nb


@form("a solution cell turned into Markdown")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    turned = words(cell(nb, "square").source)
    turned.metadata = cell(nb, "square").metadata
    nb.cells[at(nb, "square")] = turned
    return nb


@form("a solution split in two, both with nbgrader's id")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    second = copied(cell(nb, "square"))
    cell(nb, "square").source = "import math\n\nhalf = math.sqrt(0.25)"
    nb.cells.insert(at(nb, "square") + 1, second)
    return nb


@form("a solution split, its helper in a cell of its own")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    nb.cells.insert(at(nb, "square"), code("def times(a, b):\n    return a * b"))
    cell(nb, "square").source = "def square(x):\n    return times(x, x)"
    return nb


@form("two solutions merged into one cell")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    cell(nb, "square").source += "\n\n" + cell(nb, "cube").source
    del nb.cells[at(nb, "cube")]
    return nb


@form("solution and check merged")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    for name in ("square", "cube"):
        cell(nb, name).source += "\n\n" + cell(nb, f"check_{name}").source
        del nb.cells[at(nb, f"check_{name}")]
    return nb


@form("the solution pasted into the cell of its check")
def _(nb: NotebookNode, released: NotebookNode) -> Made:
    source = cell(nb, "square").source
    cell(nb, "square").source = cell(released, "square").source
    cell(nb, "check_square").source = source + "\n\ncheck('square', square)"
    return nb


@form("all code merged into one cell")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    pieces = [c for c in nb.cells if c.cell_type == "code" and grade_id(c) != "picture"]
    first = pieces[0]
    first.source = "\n\n".join(c.source for c in pieces)
    nb.cells = [c for c in nb.cells if c is first or c.cell_type != "code"]
    return nb


@form("a solution that tries itself")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    cell(nb, "square").source += '\n\ncheck("square", square)\nprint(square(3))'
    return nb


@form("the exception of the empty cell left at its end")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    cell(nb, "sums").source += "\nraise NotImplementedError()"
    return nb


@form("formatted by a formatter")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    for c in nb.cells:
        if c.cell_type == "code":
            c.source = c.source.replace('"', "'") + "\n"
    return nb


# --------------------------------------------------------------------------- order and other cells


@form("checks above their solutions")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    for name in ("square", "cube", "sums"):
        check = nb.cells.pop(at(nb, f"check_{name}"))
        nb.cells.insert(at(nb, name), check)
    return nb


@form("all checks first")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    checks = [c for c in nb.cells if grade_id(c).startswith("check_")]
    nb.cells = checks + [c for c in nb.cells if c not in checks]
    return nb


@form("all checks last")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    checks = [c for c in nb.cells if grade_id(c).startswith("check_")]
    nb.cells = [c for c in nb.cells if c not in checks] + checks
    return nb


@form("checks deleted")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    nb.cells = [c for c in nb.cells if not grade_id(c).startswith("check_")]
    return nb


@form("checks called again in cells of one's own")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    broken = "def square(x):\n    return x\n\ncheck('square', square)"
    nb.cells.insert(at(nb, "square"), code(broken))
    nb.cells.insert(at(nb, "check_square") + 1, code("check('cube', square)"))
    return nb


@form("the exercises the other way round")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    names = ("sums", "check_sums", "cube", "check_cube", "square", "check_square")
    moved = [nb.cells[at(nb, name)] for name in names]
    nb.cells = [c for c in nb.cells if c not in moved] + moved
    return nb


@form("essays before everything else")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    essays = [c for c in nb.cells if grade_id(c) in ESSAYS]
    nb.cells = essays + [c for c in nb.cells if c not in essays]
    return nb


@form("the setup last")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    nb.cells.append(nb.cells.pop(at(nb, "setup")))
    return nb


@form("the setup deleted")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    del nb.cells[at(nb, "setup")]
    return nb


@form("an import and a helper written into the setup")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    cell(nb, "setup").source += "\nimport math\n\ndef times(a, b):\n    return a * b"
    cell(nb, "square").source = "def square(x):\n    return times(x, x) * math.cos(0)"
    return nb


@form("a helper written into a check")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    check = cell(nb, "check_square")
    check.source = f"def times(a, b):\n    return a * b\n\n{check.source}"
    cell(nb, "cube").source = "def cube(x):\n    return times(x, square(x))"
    return nb


@form("the name check used for something else")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    nb.cells.insert(at(nb, "square"), code("def check(x):\n    return x > 0"))
    return nb


@form("the empty notebook pasted behind the solved one")
def _(nb: NotebookNode, released: NotebookNode) -> Made:
    nb.cells += [copied(c) for c in released.cells if "STUDENT_ID =" not in c.source]
    return nb


@form("the solved notebook pasted behind the empty one")
def _(nb: NotebookNode, released: NotebookNode) -> Made:
    nb.cells = [*released.cells, *(copied(c) for c in nb.cells)]
    return nb


@form("merged with a notebook of another course")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    foreign = nbformat.from_dict(cell(nb, "why"))
    foreign.metadata = {"nbgrader": {"grade_id": "q1", "grade": True, "solution": True}}
    foreign.source = "An answer to something else."
    number = code("x = 3\nresults = {'a': 1}")
    number.id = cell(nb, "square").id
    number.metadata = {"nbgrader": {"grade_id": "q2", "solution": True}}
    nb.cells = [foreign, number, *nb.cells, copied(foreign)]
    return nb


@form("magics, shell lines and a cell that fails")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    place = at(nb, "square")
    nb.cells[place:place] = [
        code("%matplotlib inline\n!ls\nsquare?"),
        code("this is not Python"),
        code("1 / 0"),
        code('%%time\ncheck("square", None)'),
    ]
    return nb


@form("notes between all cells")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    nb.cells = [c for old in nb.cells for c in (old, words("A note to myself."))]
    return nb


# ------------------------------------------------------------------------------- for a human to see


@form("two answers that differ, the last one wrong", asks="square: cells 5 and")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    second = copied(cell(nb, "square"))
    second.source = "def square(x):\n    return 2 * x"
    nb.cells.append(second)
    return nb


@form("a variable under another name", asks="sums: cell")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    bare(nb)
    for c in nb.cells:
        if c.source.startswith("sums ="):
            c.source = c.source.replace("sums", "my_sums")
    return nb


@form("most of it cut off", asks="answers that are asked for are in no cell")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    nb.cells = nb.cells[: at(nb, "check_square")]
    return nb


@form("a merge left half done", asks="not valid JSON")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    text = nbformat.writes(nb)
    middle = text.index("\n", len(text) // 2)
    return f"{text[:middle]}\n<<<<<<< HEAD\n=======\n>>>>>>> theirs{text[middle:]}".encode()


@form("cut off in the middle of the file", asks="not valid JSON")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    return nbformat.writes(nb).encode()[:-900]


@form("an empty file", asks="not valid JSON")
def _(_nb: NotebookNode, _r: NotebookNode) -> Made:
    return b""


@form("nbformat 3", asks="old notebook format")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    return json.dumps({"nbformat": 3, "worksheets": [{"cells": nb.cells}]}).encode()


@form("exported as a script", asks="no notebook of the course", inner=f"notebooks/{NAME}.py")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    return "\n\n".join(c.source for c in nb.cells).encode()


@form("exported as a page", asks="no notebook of the course", inner=f"notebooks/{NAME}.html")
def _(_nb: NotebookNode, _r: NotebookNode) -> Made:
    return b"<html><body>all of it</body></html>"
