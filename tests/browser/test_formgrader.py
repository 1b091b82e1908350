"""Marking by hand, as instructors do it: nbgrader's formgrader on a class that the harness graded,
in a real browser; and what a hostile submission does to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import nbformat
import pytest
from nbformat.notebooknode import NotebookNode
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from grader import config, places
from grader.classroom import gradebook
from grader.classroom.folder import ClassFolder
from grader.classroom.marks import CellMark
from grader.classroom.results import Submission
from grader.grading.run import grade
from grader.intake import store
from grader.intake.bounds import Member
from tests.browser import attacks
from tests.browser.conftest import Browser, Server, StartServer
from tests.grader import tiny_course
from tests.grader.tiny_course import NAME, reference

GOOD, WRONG, HOSTILE, SKETCH, TAKEOVER = "team_1", "team_2", "team_3", "team_4", "team_5"

_PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAIAAAACUFjqAAAAFElEQVR4nGP8z4APMOGVZRip0gAA"
    "iWkBE6BVSboAAAAASUVORK5CYII="
)


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[config.Course]:
    """The tiny course in place of the real one, until this file's tests are over."""
    yield tiny_course.install(tmp_path_factory.mktemp("tiny"))
    places.use(None)


@pytest.fixture(scope="module")
def folder(course: config.Course, tmp_path_factory: pytest.TempPathFactory) -> ClassFolder:
    """A graded class: right, wrong, with scripts, with a picture, and with a configuration."""
    folder = ClassFolder(tmp_path_factory.mktemp("class"))
    _hand_in(folder, GOOD, reference(GOOD, {"why": "Because a *square* grows, $x^2 > 0$."}))
    _hand_in(folder, WRONG, reference(WRONG, {"square": "def square(x):\n    return x * abs(x)"}))
    _hand_in(folder, HOSTILE, _hostile())
    sketch = reference(SKETCH, {"why": "My sketch: ![sketch.png](attachment:sketch.png)"})
    _cell(sketch, "why")["attachments"] = {"sketch.png": {"image/png": _PNG}}
    _hand_in(folder, SKETCH, sketch)
    address = attacks.LOADED_BY.format(team=TAKEOVER, notebook=NAME)
    essay = (
        f"![one](/{address}) ![two](../../../{address}) ![three][3] [four](/{address})"
        f" http://127.0.0.1:8888/{address}\n\n[3]: /{address}"
    )
    code = attacks.CONFIG.format(marker=str(folder.root / "taken_over"))
    _hand_in(folder, TAKEOVER, reference(TAKEOVER, {"why": essay}), {"nbgrader_config.py": code})
    summary = grade(folder, course, workers=1, seed="fixed")
    assert summary.need_human == 0, summary
    return folder


@pytest.fixture(scope="module")
def site(folder: ClassFolder, start_server: StartServer) -> Server:
    return start_server(folder.root)


def _hostile() -> NotebookNode:
    """A submission whose every cell wants to run a script in the marker's browser."""
    notebook = reference(HOSTILE, {"why": attacks.ESSAY})
    notebook.cells.append(nbformat.v4.new_markdown_cell(attacks.OWN_CELL))
    notebook.cells.append(nbformat.v4.new_code_cell(attacks.OUTPUTS))
    return notebook


def _hand_in(
    folder: ClassFolder, team: str, notebook: NotebookNode, files: dict[str, str] | None = None
) -> None:
    """Take a submission in, as intake does once it has looked at an archive."""
    members = [Member(f"files/{name}", text.encode()) for name, text in (files or {}).items()]
    received = datetime(2027, 1, 15, 12, tzinfo=UTC)
    submission = Submission(team, NAME, f"{team}.tar.gz", "0" * 64, received)
    with store.exclusive(folder):
        store.put(folder, submission, nbformat.writes(notebook).encode(), members)


def _cell(notebook: NotebookNode, grade_id: str) -> NotebookNode:
    return next(
        c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id
    )


def table(browser: Browser, url: str, keep: str) -> dict[str, list[str]]:
    """A formgrader page's table, once it has been filled: rows by each of their cells."""
    browser.resize(1280, 900)
    browser.get(url)
    browser.until("document.querySelectorAll('tbody tr td a').length > 0", "the table's rows")
    browser.keep_whole_page(keep)
    rows = browser.execute_script(
        "return Array.from(document.querySelectorAll('tbody tr'))"
        ".map(row => Array.from(row.cells).map(cell => cell.innerText.trim()))"
    )
    return {text: row for row in rows for text in row if text}


def marking_page(
    browser: Browser, site: Server, folder: ClassFolder, team: str, keep: str = ""
) -> str:
    """Open a submission as a marker does; returns the page's text once the marks are there."""
    with gradebook.open_gradebook(folder, NAME) as book:
        submission = book.find_submission_notebook(NAME, NAME, team).id
    browser.resize(1280, 900)
    browser.get(site.address(f"formgrader/submissions/{submission}/"))
    loaded = "window.formgrader?.grades?.loaded && window.formgrader?.comments?.loaded"
    browser.until(
        f"document.readyState === 'complete' && ({loaded} || !window.formgrader)", "the page"
    )
    browser.keep_whole_page(f"formgrader_{keep or team}")
    assert browser.execute_script(f"return {loaded}"), browser.find_element(
        By.TAG_NAME, "body"
    ).text
    return str(browser.find_element(By.ID, "notebook-container").text)


def marks(folder: ClassFolder, team: str) -> dict[str, CellMark]:
    found = next(m for m in gradebook.marks(folder, NAME) if m.team == team)
    return {mark.cell: mark for mark in found.cells}


def test_the_lists_show_the_class_and_its_scores(
    browser: Browser, site: Server, folder: ClassFolder
) -> None:
    assignments = table(browser, site.address("formgrader"), "formgrader_assignments")
    assert NAME in assignments
    page = site.address(f"formgrader/manage_submissions/{NAME}")
    submissions = table(browser, page, "formgrader_submissions")
    assert "6 / 9" in submissions[GOOD]
    assert "4 / 9" in submissions[WRONG]
    assert "needs manual grading" in submissions[GOOD]
    page = site.address(f"formgrader/gradebook/{NAME}/{NAME}")
    listed = table(browser, page, "formgrader_to_mark")
    assert {"6 / 9", "4 / 9"} <= listed.keys()


def test_a_marker_sees_verdict_and_essay_and_marks_by_hand(
    browser: Browser, site: Server, folder: ClassFolder, course: config.Course
) -> None:
    wrong = marking_page(browser, site, folder, WRONG)
    assert "square: 2 of 4 points. Looks like: sign kept" in wrong
    right = marking_page(browser, site, folder, GOOD)
    assert "square: 4 of 4 points" in right
    assert "Because a square grows" in right
    essay, key = right.index("Because a square grows"), right.index("Model answer")
    assert essay < key < right.index("3 points: says because")
    formulas = "document.querySelectorAll('#notebook-container .MathJax').length"
    browser.until(formulas, "formulas to be drawn, without a network")

    score = browser.find_element(By.ID, "why")
    comment = browser.find_element(By.ID, "why-comment")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", score)
    score.send_keys("2.5", Keys.TAB)
    comment.send_keys("Say how fast.")
    browser.execute_script("arguments[0].blur()", comment)
    stored = "window.formgrader.{}.findWhere({{name: 'why'}}).get('{}') == arguments[0]"
    browser.until(stored.format("grades", "manual_score"), "the score", 2.5)
    browser.until(stored.format("comments", "manual_comment"), "the comment", "Say how fast.")
    browser.until("jQuery.active === 0", "formgrader to have saved")
    browser.keep_whole_page("formgrader_marked")
    mark = marks(folder, GOOD)["why"]
    assert (mark.manual, mark.comment, mark.needs_manual) == (2.5, "Say how fast.", False)

    again = grade(folder, course, workers=1, seed="fixed", force=True)
    assert again.executed == 5
    mark = marks(folder, GOOD)["why"]
    assert (mark.manual, mark.comment, mark.needs_manual) == (2.5, "Say how fast.", False)
    page = site.address(f"formgrader/manage_submissions/{NAME}")
    row = table(browser, page, "formgrader_submissions_marked")[GOOD]
    assert "8.5 / 9" in row and "graded" in row


def test_nothing_that_students_write_runs_in_the_markers_browser(
    browser: Browser, site: Server, folder: ClassFolder
) -> None:
    shown = marking_page(browser, site, folder, HOSTILE)
    assert "Because a < b." in shown  # it is there to be read
    _refuse_live_content(browser)


def test_what_is_not_defused_would_run(browser: Browser, site: Server, folder: ClassFolder) -> None:
    """The test above would notice: the same outputs, as formgrader shows them by itself."""
    path = folder.autograded(HOSTILE, NAME) / f"{NAME}.ipynb"
    before = path.read_text()
    notebook = nbformat.reads(before, as_version=4)
    notebook.cells[-1].outputs = attacks.undefused()
    path.write_text(nbformat.writes(notebook))
    try:
        marking_page(browser, site, folder, HOSTILE, "undefused")
        assert browser.until("window.pwned", "the script") == 1
    finally:
        path.write_text(before)


def test_a_pasted_picture_is_there_to_be_marked(
    browser: Browser, site: Server, folder: ClassFolder
) -> None:
    assert "My sketch:" in marking_page(browser, site, folder, SKETCH)
    pictures = browser.execute_script(
        "return Array.from(document.querySelectorAll('#notebook-container img'))"
        ".map(image => [image.src.slice(0, 15), image.naturalWidth])"
    )
    assert pictures == [["data:image/png;", 10]]


def test_a_picture_in_an_essay_does_not_configure_formgrader(
    browser: Browser, site: Server, folder: ClassFolder
) -> None:
    marker = folder.root / "taken_over"
    assert (folder.submitted(TAKEOVER, NAME) / "files" / "nbgrader_config.py").is_file()
    marking_page(browser, site, folder, TAKEOVER)
    assert not marker.exists(), marker.read_text()
    _refuse_live_content(browser)


def _refuse_live_content(browser: Browser) -> None:
    """No script ran, none waits for a click, and no picture is fetched from anywhere.

    Links to the web are fine; one to formgrader itself could make it load a configuration.
    """
    found: dict[str, list[Any]] = browser.execute_script(
        """
        const all = Array.from(document.querySelectorAll('#notebook-container *'));
        return {
            pwned: [window.pwned].filter(x => x !== undefined),
            live: all.filter(n => n.matches(
                'script:not([type^="math/tex"]), iframe, object, embed, svg, form, style, link, '
                + 'meta, base, video, audio, details')).map(n => n.outerHTML),
            handlers: all.filter(n => Array.from(n.attributes).some(a => /^on/i.test(a.name)))
                .map(n => n.outerHTML),
            links: all.filter(n => n.hasAttribute('href') && !n.matches('.anchor-link'))
                .filter(n => !/^(https?:[/][/]|mailto:)/i.test(n.getAttribute('href'))
                    || /formgrader/i.test(n.href)).map(n => n.outerHTML),
            images: all.filter(n => n.matches('img') && !/^data:image[/](png|jpeg);/.test(n.src))
                .map(n => n.outerHTML),
        }
        """
    )
    assert found == {"pwned": [], "live": [], "handlers": [], "links": [], "images": []}
