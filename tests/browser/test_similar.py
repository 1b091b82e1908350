"""The page of similar pairs in a real browser: sound for everybody, and nothing on it is live."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader import config
from grader.authoring import build
from grader.authoring.source_text import with_solutions
from grader.bench import small_course
from grader.classroom.folder import ClassFolder
from grader.pages import similar
from tests.browser.conftest import Browser
from tests.browser.test_pages import failures
from tests.grader import similar_class
from tests.grader.similar_class import NOTEBOOK


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class of eight, one of them a copy with a script in it."""
    folder = ClassFolder(tmp_path_factory.mktemp("class"))
    solved = with_solutions(build.source_of(NOTEBOOK))
    for number in range(1, 9):
        cells = similar_class.honest(number)
        if number == 8:
            cells = similar_class.copied(similar_class.honest(1), 1)
            cells["same_padding"] += "\n# <img src=x onerror='window.pwned=1'>" * 3
        team = f"team_{number}"
        small_course.hand_in(folder, NOTEBOOK, team, similar_class.filled(solved, cells, team))
    course = config.load()
    return similar.write(folder, course, similar.search(folder, course))


@pytest.mark.parametrize("width", [1280, 400])
def test_it_is_sound_and_shows_both_sides(browser: Browser, page: Path, width: int) -> None:
    browser.resize(width, 900)
    browser.get(page.as_uri())
    assert "team_1 and team_8" in browser.find_element("css selector", "details").text
    marks = browser.execute_script("return document.querySelectorAll('details[open] mark').length")
    assert marks > 5
    assert browser.execute_script("return window.pwned") is None
    browser.keep_whole_page(f"similar_{width}", width)
    wide = browser.execute_script(
        "const page = document.documentElement; return page.scrollWidth - page.clientWidth"
    )
    assert wide <= 1
    browser.execute_script("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert failures(browser) == []
