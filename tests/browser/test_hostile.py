"""The notebooks of the attacks, opened one by one as a marker does: nothing runs, and the page is
shown.  Long runs only; `test_formgrader` has one notebook with all that would run."""

from __future__ import annotations

import json
from collections.abc import Iterator

import nbformat
import pytest
from nbformat import v4
from selenium.webdriver.common.by import By

from grader import config, places
from grader.classroom.folder import ClassFolder
from grader.formgrader import in_time
from grader.grading.run import grade
from grader.pages import feedback
from grader.pages.feedback import work
from tests.attacks import catalogue_showing, pumps, small_class
from tests.attacks.base import Attack, Places, hand_in, notebook_of, team_of
from tests.browser.conftest import Browser, Server, StartServer
from tests.browser.test_formgrader import _refuse_live_content, marking_page, table
from tests.grader.tiny_course import NAME, reference

pytestmark = pytest.mark.long

TYPED, PLAIN = "team_typed", "team_plain"
LONG = ("environments", "footnotes", "links")


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[config.Course]:
    """The tiny course in place of the real one, until this file's tests are over."""
    yield small_class.install(tmp_path_factory.mktemp("tiny"))
    places.use(None)


@pytest.fixture(scope="module")
def folder(course: config.Course, tmp_path_factory: pytest.TempPathFactory) -> ClassFolder:
    folder = ClassFolder(tmp_path_factory.mktemp("class").resolve())
    nowhere = Places(folder.root, folder.root, folder.root, 9)
    for attack in catalogue_showing.ATTACKS:
        hand_in(folder, team_of(attack), notebook_of(attack, nowhere))
    notebook = reference(TYPED, {"why": pumps.MARKDOWN["emphasis"][:30_000]})
    notebook.cells += [v4.new_markdown_cell(pumps.MARKDOWN[name][:40_000]) for name in LONG]
    notebook.cells.append(v4.new_markdown_cell("# The end"))
    hand_in(folder, TYPED, json.dumps(notebook).encode())
    notebook = reference(PLAIN)
    notebook.cells += [v4.new_code_cell("# " + "a.b." * 2_000) for _ in range(700)]
    hand_in(folder, PLAIN, json.dumps(notebook).encode())
    grade(folder, course, workers=2, seed="fixed")
    return folder


@pytest.fixture(scope="module")
def site(browser: Browser, folder: ClassFolder, start_server: StartServer) -> Server:
    server = start_server(folder.root)
    table(browser, server.address("formgrader"), "hostile_assignments")  # logs in
    return server


@pytest.mark.parametrize("attack", catalogue_showing.ATTACKS, ids=lambda a: a.name)
def test_nothing_runs_in_formgrader(
    attack: Attack, browser: Browser, site: Server, folder: ClassFolder
) -> None:
    shown = marking_page(browser, site, folder, team_of(attack), f"hostile_{team_of(attack)}")
    assert "square: 0 of 4 points" in shown
    _refuse_live_content(browser)


def test_cells_that_take_long_are_shown_as_they_were_typed(
    browser: Browser, site: Server, folder: ClassFolder
) -> None:
    shown = marking_page(browser, site, folder, TYPED, "hostile_as_typed")
    assert in_time.AS_TYPED.strip("*") in shown
    assert "The end" in shown
    _refuse_live_content(browser)


def test_feedback_runs_nothing(
    browser: Browser, course: config.Course, folder: ClassFolder
) -> None:
    pages = feedback.write(folder, course)
    assert len(pages) > len(catalogue_showing.ATTACKS)
    for page in pages:
        browser.get(page.as_uri())
        browser.until("document.readyState === 'complete'", "the page")
        assert browser.execute_script("return window.pwned") is None


def test_feedback_says_what_it_cannot_show(
    browser: Browser, course: config.Course, folder: ClassFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "SECONDS", 0.001)
    pages = [path for path in feedback.write(folder, course) if PLAIN in str(path)]
    said = []
    for number, page in enumerate(pages):
        browser.get(page.as_uri())
        browser.keep_whole_page(f"hostile_feedback_{number}")
        said.append(browser.find_element(By.TAG_NAME, "body").text)
    assert any("can't be made into a page in time" in text for text in said), said


def test_the_class_is_as_hostile_as_it_seems(folder: ClassFolder) -> None:
    """What was handed in would run."""
    path = folder.submitted(team_of(catalogue_showing.ATTACKS[0]), NAME) / f"{NAME}.ipynb"
    assert "alert(31337)" in json.dumps(nbformat.read(path, as_version=4))
