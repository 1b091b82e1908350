"""Forms of the file as such, and what platforms and editors make of it."""

from __future__ import annotations

import json
from collections.abc import Callable

import nbformat
from nbformat import v4
from nbformat.notebooknode import NotebookNode

from grader.cells import grade_id
from tests.grader.honest.course import NAME
from tests.grader.honest.forms import (
    Form,
    Made,
    bare,
    code,
    copied,
    lister,
    words,
)  # fmt: skip

FORMS: list[Form] = []
form = lister(FORMS)


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
