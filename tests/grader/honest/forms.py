"""Forms in which honest work arrives: what editors, platforms and students make of a notebook.

Each takes the notebook that a team has solved wholly and returns what is handed in.  They were
listed before any was tried, each with what must come of it: all its points without a question, or
a question or refusal that says what is the matter.
"""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import nbformat
from nbformat import v4
from nbformat.notebooknode import NotebookNode

from grader.cells import grade_id
from tests.grader.honest.course import ESSAYS, NAME

Made = NotebookNode | bytes | dict[str, bytes]
"""A notebook, the bytes of one, or all files of an archive."""

ALL = ""
"""Full marks, and nobody is asked."""


@dataclass(frozen=True)
class Form:
    """One way in which work arrives."""

    name: str
    make: Callable[[NotebookNode, NotebookNode], Made]
    """(the solved notebook, the released one) -> what is handed in."""
    asks: str = ALL
    """Words of the question or refusal that it must meet."""
    suffix: str = ".tar.gz"
    """Of the file that is handed in."""
    inner: str = f"notebooks/{NAME}.ipynb"
    """Where the notebook lies in an archive."""


FORMS: list[Form] = []


def form(
    name: str, asks: str = ALL, suffix: str = ".tar.gz", inner: str = f"notebooks/{NAME}.ipynb"
) -> Callable[[Callable[..., Made]], Callable[..., Made]]:
    """List a form."""

    def listed(make: Callable[..., Made]) -> Callable[..., Made]:
        FORMS.append(Form(name, make, asks, suffix, inner))
        return make

    return listed


def at(nb: NotebookNode, name: str) -> int:
    return [grade_id(cell) for cell in nb.cells].index(name)


def cell(nb: NotebookNode, name: str) -> NotebookNode:
    return nb.cells[at(nb, name)]


def code(source: str) -> NotebookNode:
    return v4.new_code_cell(source)


def words(source: str) -> NotebookNode:
    return v4.new_markdown_cell(source)


def copied(c: NotebookNode) -> NotebookNode:
    """As JupyterLab pastes: nbgrader's id stays, Jupyter's doesn't."""
    return nbformat.from_dict({**c, "id": words("").id})


def bare(nb: NotebookNode, ids: bool = False) -> NotebookNode:
    """Without what nbgrader wrote; ids: with Jupyter's."""
    for c in nb.cells:
        c.metadata = {}
        if not ids:
            c.id = words("").id
    return nb


def blank_essays(nb: NotebookNode, released: NotebookNode) -> None:
    for name in ESSAYS:
        cell(nb, name).source = cell(released, name).source


# ------------------------------------------------------------------------------- the file as such


@form("as the packer packs it")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    return nb


@form("saved with other blanks in its JSON")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    return json.dumps(json.loads(nbformat.writes(nb)), indent=4, sort_keys=True).encode()


@form("saved on one line")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    return json.dumps(nb, separators=(",", ":")).encode()


@form("texts as strings, not lists of lines")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    return json.dumps(nb).encode()


@form("a byte order mark first")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    return b"\xef\xbb\xbf" + nbformat.writes(nb).encode()


@form("UTF-16")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    return nbformat.writes(nb).encode("utf-16")


@form("lines that end as on Windows")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    for c in nb.cells:
        c.source = c.source.replace("\n", "\r\n")
    return nb


def _minor(minor: int) -> Callable[[NotebookNode, NotebookNode], Made]:
    def make(nb: NotebookNode, _r: NotebookNode) -> Made:
        plain = json.loads(nbformat.writes(nb))
        plain["nbformat_minor"] = minor
        for c in plain["cells"] if minor < 5 else ():
            c.pop("id", None)
        return json.dumps(plain).encode()

    return make


for _number in range(6):
    FORMS.append(Form(f"nbformat 4.{_number}", _minor(_number)))


@form("ids kept by an older nbformat")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    nb.nbformat_minor = 2
    return json.dumps(nb).encode()


def _without(*keys: str) -> Callable[[NotebookNode, NotebookNode], Made]:
    def make(nb: NotebookNode, _r: NotebookNode) -> Made:
        plain = json.loads(nbformat.writes(nb))
        for c in [plain, *plain["cells"]]:
            for key in keys:
                c.pop(key, None)
        return json.dumps(plain).encode()

    return make


FORMS += [
    Form("outputs missing", _without("outputs")),
    Form("execution counts missing", _without("execution_count")),
    Form("metadata missing, of cells and notebook", _without("metadata")),
    Form("minor version missing", _without("nbformat_minor")),
    Form("ids missing", _without("id")),
    Form("all of that missing", _without("id", "outputs", "execution_count", "metadata")),
]


@form("outputs cleared")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    for c in nb.cells:
        if c.cell_type == "code":
            c.outputs, c.execution_count = [], None
    return nb


@form("a loose notebook called after the team", suffix=".ipynb")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    return nb


@form("a zip", suffix=".zip")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    return nb


@form("a plain tar", suffix=".tar")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    return nb


@form("on top of the archive", inner=f"{NAME}.ipynb")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    return nb


@form("deep in folders", suffix=".zip", inner=f"Users/me/course (2)/notebooks/{NAME}.ipynb")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    return nb


for _name in (
    f"{NAME} (1).ipynb",
    f"{NAME}-Copy1.ipynb",
    f"{NAME} - Kopie.ipynb",
    f"{NAME.upper()}.IPYNB",
    f"{NAME}.ipynb.txt",
    f"{NAME}.ipynb.json",
    f"final_{NAME}_v2.ipynb",
    "Untitled.ipynb",
):
    FORMS.append(Form(f"called {_name}", lambda nb, _r: nb, inner=_name))


@form("beside Jupyter's checkpoint and a Mac's leavings", suffix=".zip")
def _(nb: NotebookNode, released: NotebookNode) -> Made:
    return {
        f"notebooks/{NAME}.ipynb": nbformat.writes(nb).encode(),
        f"notebooks/.ipynb_checkpoints/{NAME}-checkpoint.ipynb": nbformat.writes(released).encode(),
        f"__MACOSX/notebooks/._{NAME}.ipynb": b"\0\5\26\7",
        ".DS_Store": b"\0\0\0\1Bud1",
    }


# ---------------------------------------------------------------------------- platforms and editors


@form("Colab")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    plain = json.loads(nbformat.writes(nb))
    plain["nbformat_minor"] = 0
    plain["metadata"] = {"colab": {"provenance": []}, "kernelspec": {"name": "python3"}}
    for number, c in enumerate(plain["cells"]):
        c.pop("id")
        c["metadata"] |= {"id": f"x{number:011}", "colab": {"base_uri": "https://localhost:8080/"}}
    return json.dumps(plain).encode()


@form("Colab, which kept nothing of nbgrader's")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    plain = json.loads(nbformat.writes(nb))
    plain["nbformat_minor"] = 0
    for number, c in enumerate(plain["cells"]):
        c.pop("id")
        c["metadata"] = {"id": f"x{number:011}"}
    return json.dumps(plain).encode()


@form("VS Code")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    nb.metadata = {"language_info": {"name": "python"}, "vscode": {"interpreter": {"hash": "00"}}}
    for c in nb.cells:
        c.metadata["vscode"] = {"languageId": "python"}
        c.metadata.pop("deletable", None), c.metadata.pop("editable", None)
    return nb


@form("Kaggle")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    nb.metadata["kaggle"] = {"accelerator": "none", "dataSources": []}
    for number, c in enumerate(nb.cells):
        c.metadata |= {"_uuid": f"{number:032x}", "_kg_hide-input": False, "trusted": True}
        c.metadata["execution"] = {"iopub.status.busy": "2026-01-15T12:00:00.000000Z"}
    return nb


@form("live collaboration")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    plain = json.loads(nbformat.writes(nb))
    for number, c in enumerate(plain["cells"]):
        c["id"] = f"8f0c1a2e-{number:04}-4c3d-9b8a-7e6f5d4c3b2a"
        c["metadata"]["collaborators"] = ["a", "b"]
        c["source"] = list("".join(c["source"]))  # as it was typed
    return json.dumps(plain).encode()


@form("nbgrader's metadata dropped")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    return bare(nb, ids=True)


@form("nbgrader's metadata and all ids dropped")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    return bare(nb)


@form("ids made anew")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    nb.cells = [copied(c) for c in nb.cells]
    return nb


@form("pasted into a new notebook")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    new = v4.new_notebook()
    new.cells = [words("# My homework"), *bare(nb).cells]
    return new


@form("answers alone, pasted into a new notebook")
def _(nb: NotebookNode, _r: NotebookNode) -> Made:
    kept = ("square", "cube", "sums", "why", "how")
    new = v4.new_notebook()
    new.cells = [code(c.source) for c in nb.cells if "STUDENT_ID =" in c.source]
    new.cells += [c for c in nb.cells if grade_id(c) in kept]
    return bare(new)


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


def delivered(form: Form, made: Made) -> bytes:
    """The file that is handed in."""
    if isinstance(made, NotebookNode):
        made = nbformat.writes(made).encode()
    if form.suffix == ".ipynb":
        assert isinstance(made, bytes)
        return made
    files = made if isinstance(made, dict) else {form.inner: made}
    return zipped(files) if form.suffix == ".zip" else tarred(files, form.suffix)


def tarred(files: dict[str, bytes], suffix: str) -> bytes:
    buffer = io.BytesIO()
    kind: Any = "w:gz" if suffix == ".tar.gz" else "w"
    with tarfile.open(fileobj=buffer, mode=kind) as archive:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return buffer.getvalue()
