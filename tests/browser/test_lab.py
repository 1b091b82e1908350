"""The notebooks as students see them: in a real JupyterLab, in a real browser.

Every notebook is opened with its reference solution and run from top to bottom.  A long run keeps
screenshots of the notebook and of each picture in it for whoever wants to look.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.notebooknode import NotebookNode
from selenium.webdriver.common.by import By

from grader.authoring import source_text
from grader.bench.small_course import reference
from tests import long
from tests.browser.conftest import SCREENSHOTS, Browser, Server, StartServer
from tests.handout import NOTEBOOKS, grade_id_of, make_handout

pytestmark = pytest.mark.minutes

_DRAWS = re.compile(r"\b(plt|figures|plots\w*)\.")
"""Source of a figure cell that must end in a picture; the others print."""

_PANEL = "window.jupyterapp.shell.currentWidget"
_CELLS = f"""\
Array.from({_PANEL}.content.widgets).map(cell => ({{
    type: cell.model.type,
    source: cell.model.sharedModel.getSource(),
    id: (cell.model.getMetadata('nbgrader') || {{}}).grade_id || '',
    tags: cell.model.getMetadata('tags') || [],
    count: cell.model.type === 'code' ? cell.model.executionCount : null,
    outputs: cell.model.type === 'code' ? cell.model.outputs.toJSON() : [],
    shown: cell.model.type === 'code' ? cell.outputArea.node.innerText : cell.node.innerText,
    images: Array.from(cell.node.querySelectorAll('.jp-OutputArea-output img'))
        .map(image => image.complete ? image.naturalWidth : -1),
    overflow: Array.from(cell.node.querySelectorAll('.jp-OutputArea-output'))
        .some(output => output.scrollWidth > output.clientWidth + 1),
}}))
"""


@pytest.fixture(scope="session")
def handout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What students unpack, with empty notebooks/."""
    return make_handout(tmp_path_factory.mktemp("handout"))


@pytest.fixture(scope="session")
def lab(handout: Path, start_server: StartServer) -> Server:
    return start_server(handout)


@pytest.fixture(autouse=True)
def no_kernel_left(browser: Browser, lab: Server) -> Iterator[None]:
    """A kernel with TensorFlow holds most of a gigabyte; each test ends with none."""
    yield
    browser.get("about:blank")
    lab.end_kernels()


def open_notebook(browser: Browser, lab: Server, name: str, notebook: NotebookNode) -> None:
    """Put a notebook into notebooks/ and open it, with a kernel that is ready."""
    nbformat.write(notebook, lab.root / "notebooks" / f"{name}.ipynb")
    browser.resize(1280, 900)
    browser.get(lab.address(f"doc/tree/notebooks/{name}.ipynb"))
    browser.until("!!window.jupyterapp?.shell", "JupyterLab to start")
    kernel = f"{_PANEL}?.sessionContext?.session?.kernel"
    browser.until(
        f"{_PANEL}?.context?.path?.endsWith('{name}.ipynb') && {_PANEL}.context.isReady"
        f" && {kernel}?.status === 'idle'",
        f"a kernel for {name}",
    )
    shell = "window.jupyterapp.shell"
    browser.execute_script(f"{shell}.collapseLeft(); {shell}.collapseRight();")


def run_all(browser: Browser) -> list[dict[str, Any]]:
    """Run All Cells; returns the cells once the kernel is idle and the page has settled."""
    browser.execute_script(
        "window.ranAll = undefined;"
        "window.jupyterapp.commands.execute('notebook:run-all-cells')"
        ".then(() => { window.ranAll = true }, error => { window.ranAll = String(error) });"
    )
    assert browser.until("window.ranAll", "Run All Cells to end") is True
    browser.until(
        f"{_PANEL}.sessionContext.session.kernel.status === 'idle' &&"
        f" {_PANEL}.content.widgets.every(c => c.model.type !== 'code' || c.model.executionCount)",
        "an idle kernel and a number at every cell",
    )
    browser.until(
        f"Array.from({_PANEL}.content.node.querySelectorAll('.jp-OutputArea-output img'))"
        ".every(image => image.complete)",
        "the pictures",
    )
    return browser.execute_script(f"return {_CELLS}")


def keep_notebook(browser: Browser, name: str, width: int) -> None:
    """Keep screenshots of a whole notebook at a width, one for every 1,900 pixels of it."""
    for old in SCREENSHOTS.glob(f"{name}_{width}_*.png"):
        old.unlink()
    browser.resize(width, 2000)
    pane = browser.until(
        f"{_PANEL}.content.node.querySelector('.jp-WindowedPanel-outer') || {_PANEL}.content.node",
        "the notebook",
    )
    browser.until("arguments[0].clientHeight > 1700", "the notebook to be laid out anew", pane)
    step = int(browser.execute_script("return arguments[0].clientHeight", pane)) - 20
    last = f"{_PANEL}.content.widgets.at(-1).node.getBoundingClientRect().bottom"
    height = int(browser.execute_script(f"return arguments[0].scrollTop + {last}", pane))
    for page, top in enumerate(range(0, height, step), 1):
        browser.execute_script("arguments[0].scrollTop = arguments[1]", pane, top)
        browser.keep(f"{name}_{width}_{page:02}")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_reference_solution_runs_and_is_right(browser: Browser, lab: Server, name: str) -> None:
    open_notebook(browser, lab, name, reference(name, "team_1"))
    cells = run_all(browser)
    if long.asked():  # for people to look at: nothing below depends on them
        keep_notebook(browser, name, 1280)
        _keep_pictures(browser, name)
        keep_notebook(browser, name, 700)

    code = [cell for cell in cells if cell["type"] == "code"]
    assert [c["source"] for c in code if not c["count"]] == []
    errors = [o for c in code for o in c["outputs"] if o["output_type"] == "error"]
    assert errors == []
    stderr = [o["text"] for c in code for o in c["outputs"] if o.get("name") == "stderr"]
    assert stderr == []
    unnamed = "return document.querySelectorAll('[role=slider]:not([aria-labelledby])').length"
    assert browser.execute_script(unnamed) == 0  # what a screen reader would say of them
    for cell in code:
        if cell["id"].startswith("check_"):
            points = re.search(r"([\d.]+) of ([\d.]+) (?:bonus )?points", cell["shown"])
            assert points, cell["shown"]
            assert float(points[1]) == float(points[2]) > 0, cell["shown"]
            assert "✔" in cell["shown"] and "✘" not in cell["shown"]
        if source_text.FIGURE in cell["tags"]:
            assert cell["outputs"], f"{cell['id']} shows nothing"
            if _DRAWS.search(cell["source"]):
                assert cell["images"], f"{cell['id']} draws nothing"
        assert all(width > 0 for width in cell["images"]), cell["id"]


def _keep_pictures(browser: Browser, name: str) -> None:
    browser.resize(1280, 1600)
    figures = browser.execute_script(
        f"return {_PANEL}.content.widgets.filter(c => c.model.type === 'code' &&"
        f" (c.model.getMetadata('tags') || []).includes('{source_text.FIGURE}'))"
        ".map(c => [c.model.getMetadata('nbgrader').grade_id, c.outputArea.node])"
    )
    for grade_id, node in figures:
        browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", node)
        node.screenshot(str(SCREENSHOTS / f"{name}_{grade_id}.png"))


def test_a_wrong_solution_is_told_its_mistake_and_the_rest_still_runs(
    browser: Browser, lab: Server
) -> None:
    name = "01_implementing_cnn"
    notebook = reference(name, "team_1")
    notebook.cells = [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and source_text.FIGURE not in cell.metadata.get("tags", [])
    ]
    last = next(i for i, c in enumerate(notebook.cells) if grade_id_of(c) == "check_conv2d_fast")
    notebook.cells = notebook.cells[: last + 1]
    by_id = {grade_id_of(cell): cell for cell in notebook.cells}
    right, wrong = "(window, w,", "(window, w[::-1, ::-1],"
    assert right in by_id["conv2d_forward"].source
    by_id["conv2d_forward"].source = by_id["conv2d_forward"].source.replace(right, wrong)
    by_id["same_padding"].source = "def same_padding(size, kernel, stride):\n    return None"
    open_notebook(browser, lab, "wrong", notebook)
    cells = {cell["id"]: cell for cell in run_all(browser)}
    if long.asked():
        keep_notebook(browser, "wrong", 1280)
    shown = cells["check_same_padding"]["shown"]
    assert "CheckFailed: same_padding: no points yet" in shown
    flipped = cells["check_conv2d_forward"]["shown"]
    assert "Looks like: the kernel is flipped" in flipped and "✘" in flipped
    for cell in cells.values():
        errors = [o for o in cell["outputs"] if o["output_type"] == "error"]
        assert [o["traceback"] for o in errors] == [[f"CheckFailed: {o['evalue']}"] for o in errors]
        assert "Traceback" not in cell["shown"] and "utils/" not in cell["shown"]
    fast = cells["check_conv2d_fast"]["shown"]
    # VALID needs no same_padding
    assert re.search(r"conv2d_fast: [1-9]\d* of \d+ cases passed", fast)


def test_nbgraders_validate_button_accepts_the_reference_solution(
    browser: Browser, lab: Server
) -> None:
    # the others: tests/grader/authoring/test_validate.py, as the server answers nothing meanwhile
    name = "00_getting_started"
    open_notebook(browser, lab, name, reference(name, "team_1"))
    button = browser.until(
        "document.querySelector('.jp-NotebookPanel-toolbar .validate-button')", "the button"
    )
    button.click()
    dialog = browser.until(
        "document.querySelector('.jp-Dialog .jp-Dialog-body')?.innerText", "the verdict"
    )
    browser.keep(f"{name}_validate")
    assert "Success! Your notebook passes all the tests." in dialog
    browser.find_element(By.CSS_SELECTOR, ".jp-Dialog .jp-mod-accept").click()
