"""The explorers in a real JupyterLab, offline: widgets are moved by keyboard and answer; where no
widgets run, the still picture says the same.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nbformat
import pytest
from nbconvert import HTMLExporter
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from grader import places
from tests.browser.conftest import SCREENSHOTS, Browser, Server, StartServer
from tests.browser.test_lab import open_notebook, run_all
from tests.browser.test_pages import AXE

CELLS = (
    "import sys\n\nsys.path.insert(0, '..')\nfrom utils import explorers",
    "explorers.convolution()",
    "explorers.convolution('backward')",
    "explorers.shapes()",
    "from utils.nets import pretrained\n\n"
    "explorers.evidence(pretrained.load('mini'), pretrained.photographs('mini')[0])",
)
NAME = "explorers"

_WATCH = """
const node = arguments[0].querySelector('.course-explorer');
window.answered = [];
new MutationObserver(() => window.answered.push(performance.now()))
    .observe(node, {childList: true, subtree: true, characterData: true});
node.ownerDocument.addEventListener('keydown', () => { window.pressed = performance.now(); }, true);
"""
"""Notes when a key was pressed and when the screen changed after it."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, start_server: StartServer) -> Server:
    root = tmp_path_factory.mktemp("explorers")
    (root / "notebooks").mkdir()
    (root / "data").mkdir()
    shutil.copytree(
        places.ROOT / "utils", root / "utils", ignore=shutil.ignore_patterns("__pycache__")
    )
    for path in (places.ROOT / "data").glob("*.npz"):
        shutil.copy(path, root / "data")
    return start_server(root)


class Cell:
    """One explorer on the page."""

    def __init__(self, browser: Browser, number: int):
        self.browser = browser
        self.node: WebElement = browser.until(
            "window.jupyterapp.shell.currentWidget.content.widgets"
            f"[{number}].node.querySelector('.jp-OutputArea')",
            "the explorer's outputs",
        )
        browser.until("arguments[0].querySelector('.course-explorer svg')", "it", self.node)
        browser.execute_script("arguments[0].scrollIntoView({block: 'start'})", self.node)

    def words(self) -> str:
        said = "return arguments[0].querySelector('[role=status]').innerText"
        return str(self.browser.execute_script(said, self.node))

    def until(self, words: str) -> None:
        """Wait for what the explorer says."""
        says = "arguments[0].querySelector('[role=status]')?.innerText.includes(arguments[1])"
        self.browser.until(says, f"the explorer to say {words!r}", self.node, words)

    def press(self, slider: str, *keys: str) -> None:
        """Focus a slider and press keys, as who uses no mouse does."""
        handle = self._control("widget-slider", slider).find_element(
            By.CSS_SELECTOR, ".noUi-handle"
        )
        self.browser.execute_script("arguments[0].focus()", handle)
        handle.send_keys(*keys)

    def drag(self, slider: str, by: int) -> None:
        """Drag a slider's handle with the mouse."""
        handle = self._control("widget-slider", slider).find_element(
            By.CSS_SELECTOR, ".noUi-handle"
        )
        ActionChains(self.browser).drag_and_drop_by_offset(handle, by, 0).perform()

    def choose(self, option: str) -> None:
        """Choose from whichever dropdown has it."""
        shown = option.replace(" ", "\N{NO-BREAK SPACE}")  # as ipywidgets writes options
        self.node.find_element(By.XPATH, f".//select/option[text()='{shown}']").click()

    def click(self, button: str) -> None:
        self.node.find_element(By.XPATH, f".//button[normalize-space()='{button}']").click()

    def keep(self, name: str) -> None:
        """Screenshots at the two widths."""
        for width in (1280, 700):
            self.browser.resize(width, 1500)
            self.browser.execute_script("arguments[0].scrollIntoView({block: 'start'})", self.node)
            SCREENSHOTS.mkdir(exist_ok=True)
            self.node.screenshot(str(SCREENSHOTS / f"explorer_{name}_{width}.png"))
            wide = self.browser.execute_script(
                "const area = arguments[0].getBoundingClientRect();"
                "return Array.from(arguments[0].querySelectorAll('svg, select, textarea, button'))"
                ".filter(n => n.getBoundingClientRect().right > area.right + 1)"
                ".map(n => n.outerHTML.slice(0, 200))",
                self.node,
            )
            assert wide == [], f"cut off at {width} px"
        self.browser.resize(1280, 900)

    def _control(self, kind: str, label: str) -> WebElement:
        return self.node.find_element(
            By.XPATH, f".//*[contains(@class, '{kind}')][label[text()='{label}']]"
        )


def test_explorers_answer_and_their_pictures_stand_in(browser: Browser, server: Server) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in CELLS])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    open_notebook(browser, server, NAME, notebook)
    cells = run_all(browser)
    assert [o for c in cells for o in c["outputs"] if o["output_type"] in ("error", "stream")] == []

    step = Cell(browser, 1)
    _twin_is_hidden(step)
    step.keep("convolution")
    first = step.words()
    browser.execute_script(_WATCH, step.node)
    step.press("output", Keys.ARROW_RIGHT)
    step.until("Output [1, 2]")
    assert step.words() != first
    times = [browser.execute_script("return window.answered[0] - window.pressed")]
    for column in (0, 1, 2, 0, 1):
        browser.execute_script("window.answered = []")
        step.press("output", Keys.ARROW_RIGHT)
        step.until(f", {column}] =")
        times.append(browser.execute_script("return window.answered[0] - window.pressed"))
    (SCREENSHOTS / "explorer_times.json").write_text(json.dumps([round(t, 1) for t in times]))
    step.click("next")
    step.until("Output [3, 2]")
    step.choose("VALID")
    step.until("VALID adds no zeros here")
    kernel = step.node.find_elements(By.TAG_NAME, "textarea")[1]
    kernel.clear()
    kernel.send_keys("1 2\n3 x", Keys.TAB)
    step.until("The kernel holds 'x', which is no number")
    kernel.clear()
    kernel.send_keys("1 2\n3 4", Keys.TAB)
    step.until("·4")
    step.choose("SAME")
    step.click("SAME and symmetric")
    step.until("The outputs differ in size. SAME begins 1 row later")
    step.keep("convolution_compared")

    back = Cell(browser, 2)
    back.press("pixel", Keys.END)
    back.until("dx[4, 5]")
    back.press("pixel", Keys.HOME)
    back.until("dx[0, 0]")
    assert "dx[0, 0] = dy[0, 0]·2 + dy[1, 0]·1" in back.words()
    back.keep("backward")

    shapes = Cell(browser, 3)
    shapes.until("rows 8 to 27")
    shapes.drag("its row", -100)
    shapes.until("rows 0 to")
    shapes.press("unit of layer", Keys.HOME)
    shapes.until("of “image” sees")
    shapes.click("take one off")
    shapes.until("of “7 dense” sees")
    shapes.choose("a large first layer")
    shapes.until("of “3 conv 5×5” sees")
    shapes.keep("shapes")

    evidence = Cell(browser, 4)
    evidence.until("“four”: probability")
    before = evidence.words()
    evidence.press("down", Keys.HOME)
    evidence.until("grey square at [0, ")
    evidence.press("right", Keys.END)
    evidence.until("grey square at [0, 24]")
    assert evidence.words() != before
    for count in (1, 2, 3):
        evidence.click("one step")
        evidence.until(f"After {count} step")
    evidence.press("look at step", Keys.HOME)
    evidence.until("After 0 steps towards")
    evidence.press("square", Keys.END)
    evidence.until("grey square at [0, 16]")
    evidence.keep("evidence")

    _controls_have_names(browser)
    _pictures_stand_in(browser, server)


def _controls_have_names(browser: Browser) -> None:
    """What a screen reader says when a control gets the focus."""
    named = browser.execute_script(
        "return Array.from(document.querySelectorAll('.widget-slider')).map(slider => ["
        "slider.querySelector('label').textContent, document.getElementById("
        "slider.querySelector('[role=slider]').getAttribute('aria-labelledby'))?.textContent])"
    )
    assert len(named) > 10 and all(label == name != "" for label, name in named), named
    unnamed = browser.execute_async_script(
        AXE.read_text(encoding="utf-8") + ";const done = arguments[arguments.length - 1];"
        "axe.run('.jp-OutputArea', {runOnly: ['aria-input-field-name', 'label', 'button-name']})"
        ".then(found => done(found.violations.flatMap(v => v.nodes.map(n => n.html))))"
    )
    assert unnamed == []


def _twin_is_hidden(cell: Cell) -> None:
    shown = cell.browser.execute_script(
        "return Array.from(arguments[0].querySelectorAll('.jp-RenderedImage'))"
        ".map(n => n.offsetHeight)",
        cell.node,
    )
    assert shown == [0]


def _pictures_stand_in(browser: Browser, server: Server) -> None:
    """The notebook as saved, made into a page: no kernel, no widgets."""
    saved = browser.execute_async_script(
        "const done = arguments[0];"
        "window.jupyterapp.shell.currentWidget.context.save().then(() => done(true), done)"
    )
    assert saved is True
    path = server.root / "notebooks" / f"{NAME}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.pop("widgets", None)
    page = Path(server.root) / "page.html"
    page.write_text(HTMLExporter().from_notebook_node(notebook)[0])
    browser.resize(1280, 900)
    browser.get(page.as_uri())
    widths = browser.execute_script(
        "return Array.from(document.querySelectorAll('.jp-RenderedImage img'))"
        ".map(n => n.complete ? n.offsetWidth : 0)"
    )
    shown = browser.find_element(By.TAG_NAME, "body").text
    assert "VBox(" not in shown and "In a running notebook" in shown
    assert len(widths) == len(CELLS) - 1 and all(width > 600 for width in widths)
    browser.keep_whole_page("explorers_without_widgets")
