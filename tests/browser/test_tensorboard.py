"""The graph that notebook 02 writes, in TensorBoard as students start it: from a cell of
JupyterLab, and by the command.

Both lines are taken from the notebook's text, so that it can't tell what doesn't work.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.notebooknode import NotebookNode

from grader.bench.small_course import reference
from tests.browser.conftest import Browser, StartServer, _free_port
from tests.browser.test_lab import open_notebook, run_all
from tests.handout import grade_id_of, make_handout

NAME = "02_training_cnn"
NEEDED = ("setup", "initial_weights", "small_network", "write_graph")

DRAWN = """\
(() => {
    const inside = root => Array.from(root.querySelectorAll('*'))
        .flatMap(e => e.shadowRoot ? [e, ...inside(e.shadowRoot)] : [e]);
    const all = inside(document);
    return {
        nodes: all.filter(e => e.matches('g.node')).map(e => e.getAttribute('data-name')),
        sizes: all.filter(e => e.matches('text')).map(e => e.textContent),
    };
})()"""
"""Names of the operations that are drawn, and what is written at the edges between them."""


@pytest.fixture(scope="module")
def notebook() -> NotebookNode:
    return reference(NAME, "team_1")


def lines_told(notebook: NotebookNode, pattern: str) -> list[str]:
    """Lines of code in the notebook's text that begin so."""
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return [line.strip() for text in texts for line in text.splitlines()
            if re.match(pattern, line.strip())]  # fmt: skip


def expect_the_graph(browser: Browser) -> None:
    """The three stages and both matrix products are drawn, with the maps' sizes between them."""
    drawn: dict[str, Any] = browser.until(
        f"(drawn => drawn.nodes.includes('MatMul_1') && drawn)({DRAWN})", "TensorBoard's graph"
    )
    stages = ["Conv2D", "Relu", "MaxPool2d", "Conv2D_1", "Relu_1", "MaxPool2d_1", "Conv2D_2"]
    assert {*stages, "MaxPool2d_2", "Reshape", "MatMul"} <= set(drawn["nodes"])
    assert {"?×64×64×3", "?×32×32×8", "?×16×16×16", "?×8×8×32", "?×10"} <= set(drawn["sizes"])


def test_a_cell_shows_the_graph_in_jupyterlab(
    browser: Browser, start_server: StartServer, tmp_path: Path, notebook: NotebookNode
) -> None:
    magic = lines_told(notebook, r"write_graph\(|%(load_ext|tensorboard)\b")
    assert len(magic) == 3
    short = nbformat.v4.new_notebook(metadata=notebook.metadata)
    short.cells = [cell for cell in notebook.cells if grade_id_of(cell) in NEEDED]
    short.cells += [nbformat.v4.new_code_cell("\n".join(magic))]
    lab = start_server(make_handout(tmp_path))
    open_notebook(browser, lab, "graph", short)
    cells = run_all(browser)
    assert [o for c in cells for o in c["outputs"] if o["output_type"] == "error"] == []
    frame = browser.until("document.querySelector('.jp-OutputArea-output iframe')", "TensorBoard")
    address = str(browser.execute_script("return arguments[0].src", frame))
    assert re.match(r"http://127\.0\.0\.1:\d+/", address), address
    try:
        browser.switch_to.frame(frame)
        expect_the_graph(browser)
        browser.switch_to.default_content()
        browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", frame)
        browser.keep("tensorboard_in_lab")
    finally:
        browser.switch_to.default_content()
        browser.get("about:blank")
        lab.end_kernels()  # TensorBoard ends with the notebook's kernel, or is ended with its group


@pytest.fixture
def events(tmp_path: Path, notebook: NotebookNode) -> Path:
    """A folder with what `write_graph("logs")` of the reference solution writes."""
    cells = [c.source for c in notebook.cells if grade_id_of(c) in NEEDED[1:]]
    head = "import numpy as np\nimport tensorflow as tf\n"
    code = head + "\n".join([*cells, 'write_graph("logs")'])
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=300)
    return tmp_path


@pytest.fixture
def address(events: Path, notebook: NotebookNode) -> Iterator[str]:
    """Where the command of the notebook's text shows those events."""
    (line,) = lines_told(notebook, r"tensorboard ")
    port = _free_port()
    process = subprocess.Popen(
        [*shlex.split(line), "--port", str(port)],
        cwd=events,
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    said = ""
    for text in process.stderr:  # ends with the process, if it can't start
        said += text
        if "Press CTRL+C to quit" in text:
            break
    else:
        pytest.fail(f"TensorBoard did not start: {said[-2000:]}")
    yield f"http://127.0.0.1:{port}/#graphs"
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_the_command_shows_the_graph(browser: Browser, address: str) -> None:
    browser.resize(1280, 900)
    browser.get(address)
    expect_the_graph(browser)
    browser.keep("tensorboard")
