"""Attacks on the grader itself: notebooks that are none, and messages that no kernel would send."""

# ruff: noqa: E501  the attacks are lines of code within strings
from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode

from tests.attacks.base import STOPS, Attack


def _bytes(content: bytes) -> Callable[[NotebookNode], bytes]:
    return lambda _: content


def _json(change: Callable[[dict[str, Any]], Any]) -> Callable[[NotebookNode], bytes]:
    """Change a notebook as plain JSON, which may then be no notebook."""

    def changed(notebook: NotebookNode) -> bytes:
        content = json.loads(nbformat.writes(notebook))
        changed_to = change(content)
        return json.dumps(content if changed_to is None else changed_to).encode()

    return changed


def _each_cell(**values: Any) -> Callable[[NotebookNode], bytes]:
    def change(content: dict[str, Any]) -> None:
        for cell in content["cells"]:
            cell.update(values)

    return _json(change)


def _duplicated(notebook: NotebookNode) -> NotebookNode:
    notebook.cells = [nbformat.from_dict(c) for c in notebook.cells for _ in range(3)]
    return notebook


def _schema(version: object) -> Callable[[NotebookNode], NotebookNode]:
    def change(notebook: NotebookNode) -> NotebookNode:
        for cell in notebook.cells:
            if "nbgrader" in cell.metadata:
                cell.metadata.nbgrader["schema_version"] = version
        return notebook

    return change


def _version_3(notebook: NotebookNode) -> bytes:
    cells = [
        {"cell_type": "code", "language": "python", "metadata": {}, "outputs": [],
         "collapsed": False, "prompt_number": 1, "input": c.source}
        for c in notebook.cells
        if c.cell_type == "code"
    ]  # fmt: skip
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": "x"},
           "worksheets": [{"cells": cells, "metadata": {}}]}  # fmt: skip
    return json.dumps(old).encode()


def _ids(make: Callable[[int], object]) -> Callable[[NotebookNode], bytes]:
    def change(content: dict[str, Any]) -> None:
        for number, cell in enumerate(content["cells"]):
            cell["metadata"] = {"nbgrader": {"grade_id": make(number), "grade": True}}

    return _json(change)


def _own_cells(*sources: str) -> Callable[[NotebookNode], NotebookNode]:
    def change(notebook: NotebookNode) -> NotebookNode:
        notebook.cells += [nbformat.v4.new_markdown_cell(source) for source in sources]
        return notebook

    return change


def _broken(name: str, change: Callable, human: str = "read", **more: Any) -> Attack:
    return Attack(name, STOPS, change=change, human=human, **more)


def _mended(name: str, change: Callable, **more: Any) -> Attack:
    return Attack(name, STOPS, change=change, **more)


_MESSAGE = """
kernel = get_ipython().kernel
def tell(kind, content, **more):
    kernel.session.send(kernel.iopub_socket, kind, content, parent=kernel.get_parent('shell'), **more)
def raw(text):
    'A message whose content is this very text.'
    session = kernel.session
    head = session.msg('display_data', parent=kernel.get_parent('shell'))
    parts = [session.pack(head['header']), session.pack(head['parent_header']), b'{}', text]
    kernel.iopub_socket.send_multipart([b'x', b'<IDS|MSG>', session.sign(parts), *parts])
"""


def _message(name: str, code: str, **more: Any) -> Attack:
    return Attack(name, STOPS, _MESSAGE + code, human="?", **more)


ATTACKS = [
    _broken("empty file", _bytes(b"")),
    _broken("null bytes", _bytes(bytes(1000))),
    _broken("not json", _bytes(b"%PDF-1.7 this is my homework")),
    _broken("cut off", lambda n: nbformat.writes(n).encode()[:500]),
    _broken("not utf-8", _bytes(b'{"cells": ["\xff\xfe"]}')),
    _broken("json that is a number", _bytes(b"17")),
    _broken("json that is a list", _bytes(b"[]")),
    _broken("nested without end", _bytes(b"[" * 100_000 + b"]" * 100_000)),
    _broken("a number of many digits", _bytes(b'{"nbformat": 1' + b"0" * 9000 + b"}")),
    _broken("cells are a dictionary", _json(lambda n: n.update(cells={"a": 1}))),
    _broken("cells are missing", _json(lambda n: n.pop("cells") and None)),
    _broken("cells are texts", _json(lambda n: n.update(cells=["print(1)", 2, None]))),
    _broken("cells are lists", _json(lambda n: n.update(cells=[[[]]] * 3))),
    _broken("far too many cells", _own_cells(*["x"] * 3000), human="accepted"),
    _broken("nbformat is text", _json(lambda n: n.update(nbformat="\ud800"))),
    _broken("nbformat of the future", _json(lambda n: n.update(nbformat=99))),
    _broken("nbformat is missing", _json(lambda n: n.pop("nbformat") and None)),
    _mended("nbformat minor of the future", _json(lambda n: n.update(nbformat_minor=99))),
    _mended("nbformat 3", _version_3),
    _mended("duplicated cells", _duplicated, plain="stops"),
    _mended("schema version of the future", _schema(99), plain="stops"),
    _mended("schema version that is text", _schema("three")),
    _mended("ids are the same", _each_cell(id="same")),
    _broken("ids are objects", _each_cell(id={"a": []})),
    _mended("grade ids are objects", _ids(lambda n: {"a": n})),
    _broken("grade ids are equal", _ids(lambda n: "square"), "answer it and differ"),
    _mended("grade ids are paths", _ids(lambda n: f"../../{n}")),
    _broken("cell metadata is missing", _each_cell(metadata=None)),
    _broken("cell metadata is a list", _each_cell(metadata=[1, 2])),
    _mended("cell metadata is huge", _each_cell(metadata={"x": "y" * 1_000_000})),
    _mended("cell types are unknown", _each_cell(cell_type="hologram")),
    _broken("cell types are objects", _each_cell(cell_type={"code": 1})),
    _mended("sources are numbers", _each_cell(source=17)),
    _broken("sources are lists of lists", _each_cell(source=[["a"], {"b": 1}, None])),
    _mended("sources hold half characters", _each_cell(source="x = '\ud83d'")),
    _broken("outputs are nonsense", _each_cell(outputs={"a": 1}, execution_count="x")),
    _mended("attachments are a bomb", _each_cell(attachments={"a": {"b" * 1_000_000: [1]}})),
    _broken("notebook metadata is a list", _json(lambda n: n.update(metadata=[]))),
    _mended(
        "other kernel",
        _json(
            lambda n: n["metadata"].update(
                kernelspec={
                    "name": "bash",
                    "display_name": "$(id)",
                    "language": "bash",
                    "argv": ["/bin/sh", "-c", "touch {PLACE}/attacked_by"],
                }
            )
        ),
    ),
    _mended(
        "other language",
        _json(
            lambda n: n["metadata"].update(
                language_info={"name": "<script>31337</script>", "pygments_lexer": ["x"]}
            )
        ),
    ),
    _mended("not a number in the metadata", _json(lambda n: n["metadata"].update(x=float("nan")))),
    # each keeps a careless regular expression busy for hours
    _mended("pictures that never end", _own_cells("![" * 200_000)),
    _mended("a heading that never ends", _own_cells("# a" + " " * 15_000 + "b")),
    Attack("empty lines without end", STOPS, "\n" * 200_000),
    _mended("half characters in an own cell", _own_cells("cut \ud83d", "\ud800 \x00 \x1b[31m")),
    _message(
        "message with half characters",
        'raw(b\'{"data": {"text/plain": "\\\\ud800"}, "metadata": {}}\')',
    ),
    _message("message that is no json", "raw(b'{')"),
    _message("message that is a list", "raw(b'[1]')"),
    _message("message nested without end", "raw(b'[' * 100_000 + b']' * 100_000)"),
    _message("message without content", "tell('display_data', {})"),
    _message("message of an unknown kind", "tell('hologram', {'a': 1}); tell('', {})"),
    _message("error without fields", "tell('error', {})"),
    _message(
        "error with odd fields", "tell('error', {'ename': [1], 'evalue': {}, 'traceback': 'x'})"
    ),
    _message("stream of numbers", "tell('stream', {'name': 7, 'text': 10**50})"),
    _message(
        "data of odd kinds",
        "tell('display_data', {'data': {'image/png': {'a': [1]}, 'text/plain': [[1]], 'a/b': None}, 'metadata': [1]})",
    ),
    _message("data that is a number", "tell('display_data', {'data': -1, 'metadata': {}})"),
    _message("data that is a list", "tell('display_data', {'data': [1], 'metadata': 7})"),
    _message(
        "comms of odd kinds",
        "tell('comm_open', {'comm_id': 1, 'target_name': 7, 'data': []}); tell('comm_msg', {}); tell('comm_close', {'comm_id': []})",
    ),
    _message("status of odd kinds", "tell('status', {}); tell('status', {'execution_state': []})"),
    _message(
        "counts of odd kinds",
        "tell('execute_input', {'execution_count': {'a': 1}}); tell('execute_input', {'execution_count': 10**4000})",
    ),
    _message(
        "a count of 20 MB, and again",
        "for _ in range(8): tell('execute_input', {'execution_count': 'x' * 20_000_000})",
    ),
    _message(
        "a header of 20 MB",
        "kernel.session.send(kernel.iopub_socket, 'status', {'execution_state': 'busy'}, parent={'header': {'msg_id': 'x' * 20_000_000}})",
    ),
    _message(
        "dates and names of odd kinds in a header",
        "head = kernel.session.msg('status', {'execution_state': 'busy'}, parent=kernel.get_parent('shell'))\n"
        "for odd in ('2027-99-99T99:99:99', 7, None, '\\ud800'):\n"
        "    head['header'].update(date=odd, username=odd, msg_type=odd)\n"
        "    try: kernel.session.send(kernel.iopub_socket, head)\n"
        "    except Exception as error: print(type(error).__name__)",
    ),
    _message(
        "clear output of odd kinds",
        "tell('clear_output', {}); tell('clear_output', {'wait': 'yes'})",
    ),
    _message(
        "display ids of odd kinds",
        "tell('update_display_data', {'transient': {'display_id': 'x'}}); tell('display_data', {'transient': 7})",
    ),
    Attack(
        "reply of odd kinds",
        STOPS,
        "kernel = get_ipython().kernel\n"
        "async def do_execute(*args, **kwargs):\n"
        "    return {'status': ['ok'], 'execution_count': [[]], 'payload': {'a': 1}, 'ename': 7}\n"
        "kernel.do_execute = do_execute",
        human="?",
    ),
    Attack(
        "kernel that never answers again",
        STOPS,
        "get_ipython().kernel.shell_handlers.clear()",
        human="?",
    ),
    Attack(
        "kernel that closes its sockets",
        STOPS,
        "import os\n"
        "for number in range(3, 1024):\n"
        "    try: os.close(number)\n"
        "    except OSError: pass",
        human="?",
    ),
]
