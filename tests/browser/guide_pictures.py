"""Makes the pictures in the guides, in docs/pictures/:

    ./course demo
    ./course test tests/browser/guide_pictures.py

It is no test of its own: its name does not begin with test_, so only this command runs it.  What is
in a picture comes from real parts: the released notebooks, and the sample class that the
demonstration leaves in demo/ (or in COURSE_DEMO).
"""
# ruff: noqa: F811  (fixtures of other modules)

from __future__ import annotations

import base64
import html
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.notebooknode import NotebookNode
from PIL import Image
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from grader import config, places
from grader.bench.small_course import reference
from grader.classroom import gradebook
from grader.classroom.folder import ClassFolder
from grader.formgrader import setup as class_setup
from grader.pages import report
from tests.browser.conftest import Browser, Server, StartServer
from tests.browser.test_lab import (  # noqa: F401
    handout,
    lab,
    open_notebook,
    run_all,
)
from tests.browser.test_similar import page as similar_page  # noqa: F401
from tests.grader.sample_class import START
from tests.handout import grade_id_of

PICTURES = places.ROOT / "docs" / "pictures"
WIDTH = 1000
LARGEST = 150_000
"""Bytes of one picture."""

SECOND = "01_implementing_cnn"
ESSAY = "role_of_max_pooling"
ANSWER = (
    "It keeps the strongest answer of each window, so that maps get smaller and the layers above "
    "see more of the image."
)
"""An essay to be marked."""
OTHERS = {
    "team_2": ANSWER.replace("strongest", "largest"),
    "team_3": "Pooling makes maps smaller: less to compute, and a shift by a pixel hardly matters.",
    "team_4": "It throws away where something was and keeps that it was there.",
}
COMMENTS = ("And what does it cost?", "Say what becomes of a small shift.")

_CELL = (
    "window.jupyterapp.shell.currentWidget.content.widgets"
    ".find(c => (c.model.getMetadata('nbgrader') || {}).grade_id === arguments[0])"
)
_BOX = """
const boxes = arguments[0].map(node => node.getBoundingClientRect());
return [Math.min(...boxes.map(b => b.left)), Math.min(...boxes.map(b => b.top)),
        Math.max(...boxes.map(b => b.right)), Math.max(...boxes.map(b => b.bottom))];
"""


def keep(browser: Browser, name: str, nodes: list | None = None, margin: int = 3) -> None:
    """Keep a picture of the window, or of what surrounds some nodes, with a small palette."""
    whole = Image.open(io.BytesIO(base64.b64decode(browser.get_screenshot_as_base64())))
    if nodes:
        left, top, right, bottom = browser.execute_script(_BOX, nodes)
        assert top >= 0 and bottom <= whole.height, f"{name} is not all in the window"
        box = (left - margin, top - margin, right + margin, bottom + margin)
        whole = whole.crop((max(0, int(box[0])), max(0, int(box[1])), int(box[2]), int(box[3])))
    PICTURES.mkdir(exist_ok=True)
    path = PICTURES / f"{name}.png"
    for colours in (256, 64, 24):
        small = whole.convert("RGB").quantize(colours, dither=Image.Dither.NONE)
        small.save(path, optimize=True)
        if path.stat().st_size < LARGEST:
            return
    raise AssertionError(f"{path.name} has {path.stat().st_size} bytes")


def terminal(browser: Browser, folder: Path, name: str, lines: list[str]) -> None:
    """Keep a picture of a terminal in which commands were typed; they are really run."""
    environment = {**os.environ, "PYTHONPATH": str(places.ROOT), "COLUMNS": "112"}
    shown = []
    for line in lines:
        done = subprocess.run(
            ["bash", "-c", line], cwd=folder, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        shown.append(f"<b>$ {html.escape(line)}</b>\n{html.escape(done.stdout)}")
    text = "\n".join(shown).replace(str(folder), "~")
    page = folder / f"{name}.html"
    page.write_text(
        "<meta charset=utf-8><style>body{margin:0;background:#f2f4f7}"
        f"pre{{width:{WIDTH - 48}px;margin:0;padding:18px 24px;background:#1b2230;color:#dfe5ee;"
        "font:14px/1.5 'DejaVu Sans Mono',monospace;white-space:pre-wrap;box-sizing:content-box}"
        f"b{{color:#9fd3a8}}</style><pre>{text}</pre>"
    )
    browser.resize(WIDTH, 1600)
    browser.get(page.as_uri())
    keep(browser, name, [browser.find_element(By.TAG_NAME, "pre")], 0)


# -- students -------------------------------------------------------------------------------------


def test_the_first_notebook(browser: Browser, lab: Server) -> None:
    for path in (places.ROOT / "notebooks").glob("*.ipynb"):
        shutil.copy(path, lab.root / "notebooks")
    browser.resize(WIDTH, 680)
    browser.get(lab.address(f"lab/tree/notebooks/{START}.ipynb"))
    browser.until("!!window.jupyterapp?.shell", "JupyterLab to start")
    status = "window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status"
    browser.until(f"{status} === 'idle'", "a kernel")
    browser.execute_script("window.jupyterapp.shell.collapseRight()")
    browser.until("document.querySelectorAll('.jp-DirListing-item').length >= 6", "the files")
    keep(browser, "students_first_notebook")


def _some_of_the_second() -> NotebookNode:
    """Notebook 01 up to its second check, with one answer right and the other flipped."""
    notebook = reference(SECOND, "team_1")
    ids = [grade_id_of(cell) for cell in notebook.cells]
    notebook.cells = notebook.cells[: ids.index("check_conv2d_forward") + 1]
    forward = notebook.cells[ids.index("conv2d_forward")]
    right, wrong = "(window, w,", "(window, w[::-1, ::-1],"
    assert right in forward.source
    forward.source = forward.source.replace(right, wrong)
    return notebook


def test_what_checks_and_explorers_show(browser: Browser, lab: Server) -> None:
    open_notebook(browser, lab, "second", _some_of_the_second())
    run_all(browser)
    browser.resize(WIDTH, 2400)

    def cells(*names: str) -> list:
        nodes = [browser.execute_script(f"return {_CELL}.node", name) for name in names]
        browser.execute_script("arguments[0].scrollIntoView({block: 'start'})", nodes[0])
        return nodes

    keep(browser, "students_right", cells("same_padding", "check_same_padding"))
    keep(browser, "students_wrong", cells("check_conv2d_forward"))
    (explorer,) = cells("convolution_explorer")
    browser.until("arguments[0].querySelector('.course-explorer svg')", "the explorer", explorer)
    output = explorer.find_element(By.CSS_SELECTOR, ".jp-OutputArea")
    keep(browser, "students_explorer", [output])


# -- instructors ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def demo() -> Path:
    place = Path(os.environ.get("COURSE_DEMO", places.ROOT / "demo"))
    assert (place / "class" / "report.html").is_file(), "run ./course demo first"
    return place


@pytest.fixture(scope="module")
def folder(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> ClassFolder:
    """A copy of the sample class, to mark essays in; all but one hold the model answer."""
    place = tmp_path_factory.mktemp("sample") / "class"
    shutil.copytree(demo / "class", place)
    folder = ClassFolder(place)
    class_setup.set_up(folder, config.load(place))  # nbgrader's settings name the folder
    for team, answer in {"team_1": ANSWER, **OTHERS}.items():
        path = folder.autograded(team, SECOND) / f"{SECOND}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        next(cell for cell in notebook.cells if grade_id_of(cell) == ESSAY).source = answer
        nbformat.write(notebook, path)
    return folder


def test_handing_in(browser: Browser, demo: Path, tmp_path: Path) -> None:
    shutil.copytree(demo / "students" / "team_01", tmp_path / "course")
    (tmp_path / "course" / "team_01.tar.gz").unlink()
    line = f"./collect_submission.sh team_01 {START} {SECOND}"
    terminal(browser, tmp_path / "course", "students_handing_in", [line])


def test_collecting_and_grading(browser: Browser, demo: Path, tmp_path: Path) -> None:
    (tmp_path / "downloads").mkdir()
    for archive in sorted((demo / "students").glob("team_*/team_*.tar.gz")):
        shutil.copy2(archive, tmp_path / "downloads")
    shutil.copy(demo / "class" / "roster.csv", tmp_path)
    (tmp_path / "class").mkdir()
    shutil.copy(demo / "class" / "course.toml", tmp_path / "class")
    (tmp_path / "course").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m grader "$@"\n')
    (tmp_path / "course").chmod(0o755)
    lines = [
        "./course collect downloads/ --roster roster.csv",
        f"./course grade --notebook {SECOND}",
    ]
    terminal(browser, tmp_path, "instructors_grading", lines)


def test_essays_at_the_desk(browser: Browser, folder: ClassFolder) -> None:
    command = [sys.executable, "-m", "grader", "desk", "-c", str(folder.root), "--no-browser"]
    command += ["--marker", "tutor_1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as desk:
        assert desk.stdout is not None
        desk.stdout.readline()
        address = desk.stdout.readline().partition(": ")[2].strip()
        browser.resize(1280, 860)
        browser.get(address)
        browser.until("document.querySelector('.questions')", "the list of questions")
        browser.execute_script("location.hash = arguments[0]", f"#/{SECOND}/{ESSAY}")
        browser.until("question && document.querySelector('#answer-name')", "the answers")
        go = "show(question.answers.findIndex((one) => one.name === arguments[0]))"
        browser.execute_script(go, "team_2")
        browser.execute_script("give({points: question.levels[1].points})")
        for team, comment in zip(("team_3", "team_4"), COMMENTS, strict=True):
            browser.execute_script(go, team)
            browser.execute_script("addComment(arguments[0]); remember(arguments[0])", comment)
        browser.execute_script(go, "team_1")
        browser.execute_script("document.querySelector('.near button').click()")
        browser.until("!unsent && window.MathJax && MathJax.isReady", "everything to be there")
        keep(browser, "instructors_desk")
        desk.terminate()


def test_essays_in_formgrader(
    browser: Browser, folder: ClassFolder, start_server: StartServer
) -> None:
    site = start_server(folder.root)
    browser.resize(WIDTH, 620)
    for page in ("formgrader", f"formgrader/gradebook/{SECOND}/{SECOND}"):
        browser.get(site.address(page))
        browser.until("document.querySelectorAll('tbody tr td a').length > 0", "the list")
    keep(browser, "instructors_list")

    course = config.load(folder.root)
    with gradebook.open_gradebook(folder, course.id) as book:
        submission = book.find_submission_notebook(SECOND, SECOND, "team_1").id
    browser.resize(WIDTH, 1500)
    browser.get(site.address(f"formgrader/submissions/{submission}/"))
    loaded = "window.formgrader?.grades?.loaded && window.formgrader?.comments?.loaded"
    browser.until(f"document.readyState === 'complete' && {loaded}", "the page")
    score = browser.find_element(By.ID, ESSAY)
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", score)
    score.send_keys("1", Keys.TAB)
    browser.find_element(By.ID, f"{ESSAY}-comment").send_keys("And what does it cost?")
    browser.until("jQuery.active === 0", "formgrader to have saved")
    cell = "document.getElementById(arguments[0]).closest('.cell')"
    nodes = browser.execute_script(
        f"const cell = {cell}; return [cell.previousElementSibling, cell, cell.nextElementSibling]",
        ESSAY,
    )
    keep(browser, "instructors_essay", nodes)


def test_report_and_feedback(browser: Browser, folder: ClassFolder) -> None:
    page = report.write(folder, config.load(folder.root))
    browser.resize(WIDTH, 2600)
    browser.get(page.as_uri())
    section = browser.find_element(By.CSS_SELECTOR, "section[aria-labelledby=mistakes]")
    _scroll_to(browser, section)
    keep(browser, "instructors_mistakes", [section], 16)

    page = next(folder.root.glob(f"feedback/team_7/*{SECOND}*.html"))
    browser.resize(WIDTH, 700)
    browser.get(page.as_uri())
    link = browser.find_element(By.PARTIAL_LINK_TEXT, "convolution, forward")
    exercise = browser.find_element(By.ID, str(link.get_attribute("href")).split("#")[1])
    _scroll_to(browser, exercise)
    keep(browser, "instructors_feedback")


def _scroll_to(browser: Browser, node: WebElement) -> None:
    browser.execute_script(
        "document.documentElement.style.scrollBehavior = 'auto';"
        "scrollTo(0, arguments[0].getBoundingClientRect().top + scrollY - 40)",
        node,
    )


def test_similar_pairs(browser: Browser, similar_page: Path) -> None:
    browser.resize(WIDTH, 664)
    browser.get(similar_page.as_uri())
    keep(browser, "instructors_similar")
