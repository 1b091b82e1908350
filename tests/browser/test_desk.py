"""The marking desk in a real browser: a marker with a keyboard, a server that goes away and comes
back, and what a page may not do.
"""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from nbgrader import api
from selenium.webdriver.common.keys import Keys

from grader import config, places
from grader.classroom import gradebook, history
from grader.classroom.folder import ClassFolder
from grader.classroom.history import Given
from tests.browser.conftest import Browser
from tests.grader import tiny_course
from tests.grader.desk import answered

ROOT = Path(__file__).resolve().parents[2]
TEAMS = 12
FORMULA = "It is $\\sum_i k_i$, and <img src=x onerror=\"document.title='taken'\"> no more."


@dataclass
class Site:
    """A desk that runs, and the class that it is for."""

    process: subprocess.Popen[str]
    address: str
    folder: ClassFolder
    course: config.Course

    def given(self) -> dict[str, Given]:
        """Team -> its mark."""
        with gradebook.open_gradebook(self.folder, self.course.id) as book:
            return {place[0]: one for place, one in history.marks(book.db, cell="why").items()}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    root, place = tmp_path_factory.mktemp("tiny"), tmp_path_factory.mktemp("class")
    course, folder = tiny_course.install(root), ClassFolder(place)
    texts = {f"team_{n}": f"Answer {n} speaks of {'units ' * n}." for n in range(1, TEAMS - 1)}
    texts |= {"team_11": FORMULA, "team_12": texts["team_3"].upper()}
    answered.make(folder, course, texts, square=2.0)
    with _serving(root, place) as (process, address):
        yield Site(process, address, folder, course)
    places.use(None)


class _serving:
    """A desk in a process of its own, until the block ends."""

    def __init__(self, root: Path, place: Path) -> None:
        command = [sys.executable, "-m", "tests.grader.desk.serving", str(root), str(place), "anna"]
        environment = os.environ | {"HOME": str(root), "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> tuple[subprocess.Popen[str], str]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        return self.process, line.partition(": ")[2].strip()

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        self.process.wait(60)


def press(browser: Browser, *keys: str) -> None:
    for key in keys:
        browser.switch_to.active_element.send_keys(key)


def opened(browser: Browser, site: Site) -> None:
    browser.get(site.address)
    browser.until("document.querySelector('.questions a')", "the list of questions")
    browser.execute_script("document.querySelector('.questions a').click()")
    browser.until("document.querySelector('#answer-name')", "the first answer")


def test_a_class_is_marked_with_the_keyboard_alone(browser: Browser, site: Site) -> None:
    opened(browser, site)
    browser.keep_whole_page("desk_question")
    press(browser, "c", "Say why.", Keys.ESCAPE)
    browser.until("document.querySelector('#bank kbd')", "the comment in the bank")
    letter = browser.execute_script("return document.querySelector('#bank kbd').textContent")
    pressed = marked = 0
    while browser.execute_script("return question.answers.some(waits)"):
        keys = [str(marked % 3), Keys.ENTER] if marked % 3 else [letter, "0", Keys.ENTER]
        press(browser, *keys)
        pressed, marked = pressed + len(keys), marked + 1
    assert marked == TEAMS - 1  # one says the same as another
    assert pressed <= 2.5 * marked
    browser.until("!unsent && document.querySelector('#status')", "all to be saved")
    given = site.given()
    assert len(given) == TEAMS and not any(one.waits for one in given.values())
    assert given["team_3"].points == given["team_12"].points
    assert sum(one.comment == "Say why." for one in given.values()) >= marked // 3
    assert {one.points for one in given.values()} == {0, 1, 3}
    press(browser, "u")
    browser.until("question.answers.some(waits)", "the mark to be taken back")
    press(browser, "1", Keys.ENTER, "g")
    browser.until("/12 of 12 marked/.test(document.body.textContent)", "the list of questions")
    browser.keep_whole_page("desk_overview")


def test_nothing_is_lost_while_the_desk_is_away(browser: Browser, site: Site) -> None:
    opened(browser, site)
    name = browser.execute_script("return current().name")
    browser.execute_script("ask_ = ask; ask = () => Promise.reject(new Error('gone'))")
    press(browser, "p", "2.5", Keys.ENTER)
    browser.until("!document.querySelector('#trouble').hidden", "the page to say so")
    assert "nothing is lost" in browser.execute_script("return $('trouble').textContent")
    assert site.given()[name].points != 2.5
    browser.execute_script("ask = ask_")
    browser.until("!unsent", "the mark to be sent again")
    assert site.given()[name].points == 2.5
    assert browser.execute_script("return $('trouble').hidden")
    opened(browser, site)
    assert "2.5" in browser.execute_script(
        "show(question.answers.findIndex((a) => a.name === arguments[0]));"
        "return $('chips').textContent",
        name,
    )


def test_a_refused_mark_is_told_and_what_comes_after_it_is_saved(
    browser: Browser, site: Site
) -> None:
    opened(browser, site)
    browser.execute_script(
        "refuse = true; ask_ = ask; ask = (path, body) => {"
        "  if (body && refuse) { refuse = false; return Promise.reject(new Refusal('came first')) }"
        "  return body ? ask_(path, body) : Promise.reject(new Error('gone')); };"
        "show(question.answers.findIndex((a) => a.name === 'team_5'))"
    )
    press(browser, "p", "1.25", Keys.ENTER)
    browser.execute_script("show(question.answers.findIndex((a) => a.name === 'team_6'))")
    press(browser, "p", "1.75", Keys.ENTER)
    browser.until("!unsent", "both to be sent")
    given = site.given()
    assert (given["team_5"].points != 1.25, given["team_6"].points) == (True, 1.75)
    assert "team_5: came first" in browser.execute_script("return $('trouble').textContent")
    browser.execute_script("ask = ask_")


def test_who_types_while_the_question_is_read_anew_goes_on_at_the_same_answer(
    browser: Browser, site: Site
) -> None:
    opened(browser, site)
    name = browser.execute_script("show(4); return current().name")
    press(browser, "c", "It lacks ")
    browser.execute_script(  # as if answers had changed places
        "ask_ = ask; ask = async (path, body) => { const found = await ask_(path, body);"
        "  if (!body) found.answers.reverse(); return found; };"
        "reload().then(() => { anew = true; })"
    )
    browser.until("window.anew", "the answers anew")
    press(browser, "a unit.", Keys.ESCAPE)
    browser.until("!unsent && !timer", "the comment to be saved")
    commented = {team for team, one in site.given().items() if "It lacks" in one.comment}
    assert browser.execute_script("return current().name") == name
    assert name in commented and site.given()[name].comment == "It lacks a unit."
    assert commented <= {name, "team_3", "team_12"}


def test_what_comes_after_the_mark_is_for_all_that_were_marked(
    browser: Browser, site: Site
) -> None:
    with gradebook.open_gradebook(site.folder, site.course.id) as book:
        for grade in book.db.query(api.Grade).filter(api.Grade.manual_score.is_not(None)):
            grade.needs_manual_grade = True
        book.db.commit()
    opened(browser, site)
    browser.execute_script("show(question.answers.findIndex((a) => a.name === 'team_3'))")
    press(browser, "2", "1", "c", "Both of you.", Keys.ESCAPE)
    browser.until("!unsent && !timer", "all to be saved")
    given = site.given()
    for team in ("team_3", "team_12"):
        assert (given[team].points, given[team].comment) == (1, "Both of you.")
    browser.execute_script("question.unsettled[current().answer] = 3")
    press(browser, "f")  # leaves to others what two markers saw differently
    browser.until("!unsent", "the flag to be saved")
    assert site.given()["team_3"].waits
    browser.execute_script("show(question.answers.findIndex((a) => a.name === 'team_7'))")
    press(browser, "f")
    browser.until("!unsent", "the flag to be saved")
    assert site.given()["team_7"].waits or site.given()["team_7"].points is None


def test_formulas_are_set_and_nothing_else_of_a_students_works(
    browser: Browser, site: Site
) -> None:
    opened(browser, site)
    browser.execute_script("show(question.answers.findIndex((a) => a.name === 'team_11'))")
    browser.until("document.querySelector('#answer .MathJax, #answer .MathJax_SVG')", "the formula")
    assert not browser.execute_script("return document.querySelectorAll('#answer img').length")
    assert browser.title != "taken"


def test_it_fits_a_narrow_screen(browser: Browser, site: Site) -> None:
    opened(browser, site)
    browser.resize(400, 900)
    wide = browser.execute_script("return document.documentElement.scrollWidth")
    browser.keep_whole_page("desk_narrow", 400)
    browser.resize(1280, 900)
    assert wide <= 400


def test_who_has_no_token_or_comes_from_another_page_gets_nothing(site: Site) -> None:
    match = re.fullmatch(r"http://([^/]+)(/desk)\?token=(\w+)", site.address)
    assert match is not None
    host, path, token = match.groups()

    def asked(method: str, where: str, headers: dict[str, str]) -> int:
        connection = http.client.HTTPConnection(host, timeout=30)
        connection.request(method, where, body="{}" if method == "POST" else None, headers=headers)
        return connection.getresponse().status

    known = {"Authorization": f"token {token}"}
    assert asked("GET", f"{path}/api/overview", known) == 200
    assert asked("GET", f"{path}/api/overview", {}) == 403
    assert asked("GET", path, {}) == 302  # to Jupyter's page that asks for the token
    assert asked("GET", f"{path}/api/overview", known | {"Host": "evil.example:80"}) == 403
    cookies = _cookies(host, f"{path}?token={token}")
    assert asked("GET", f"{path}/api/overview", {"Cookie": cookies}) == 200
    assert asked("POST", f"{path}/api/undo", {"Cookie": cookies}) == 403  # without its XSRF token
    assert asked("POST", f"{path}/api/save", known) == 400
    assert asked("GET", f"{path}/static/../server.py", known) in (403, 404)


def _cookies(host: str, path: str) -> str:
    connection = http.client.HTTPConnection(host, timeout=30)
    connection.request("GET", path)
    reply = connection.getresponse()
    given = [value.partition(";")[0] for name, value in reply.getheaders() if name == "Set-Cookie"]
    assert reply.status == 200 and given
    return "; ".join(given)
