"""Forms in which honest work arrives: what editors, platforms and students make of a notebook.

Each takes the notebook that a team has solved wholly and returns what is handed in.  They were
listed before any was tried, each with what must come of it: all its points without a question, or
a question or refusal that says what is the matter.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import nbformat
from nbformat import v4
from nbformat.notebooknode import NotebookNode

from grader.cells import grade_id
from tests.grader.honest.course import ESSAYS, NAME

Made = NotebookNode | bytes | dict[str, bytes]
"""A notebook, the bytes of one, or all files of an archive."""

INNER = f"notebooks/{NAME}.ipynb"
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
    inner: str = INNER
    """Where the notebook lies in an archive."""


class Lister(Protocol):
    """Lists a form under its name; what it makes is the decorated function's."""

    def __call__(
        self, name: str, asks: str = ALL, suffix: str = ".tar.gz", inner: str = INNER
    ) -> Callable[[Callable[..., Made]], Callable[..., Made]]: ...


def lister(forms: list[Form]) -> Lister:
    """A decorator for the forms of one room."""

    def form(
        name: str, asks: str = ALL, suffix: str = ".tar.gz", inner: str = INNER
    ) -> Callable[[Callable[..., Made]], Callable[..., Made]]:
        def listed(make: Callable[..., Made]) -> Callable[..., Made]:
            forms.append(Form(name, make, asks, suffix, inner))
            return make

        return listed

    return form


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
