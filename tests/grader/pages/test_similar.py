"""Copies are found under other names and layouts, honest work isn't, and hostile work is text."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from nbformat.notebooknode import NotebookNode
from typer.testing import CliRunner

from grader import cli, config
from grader.authoring import build
from grader.authoring.source_text import with_solutions
from grader.bench import small_course
from grader.classroom.folder import ClassFolder
from grader.pages import report, similar
from grader.pages.similar import compare, page, tokens
from grader.pages.similar.compare import Pair, Part, Work
from tests.grader import similar_class
from tests.grader.pages.test_report import a_class
from tests.grader.similar_class import NOTEBOOK, PLANTED


@pytest.fixture(scope="module")
def course() -> config.Course:
    return config.load()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> ClassFolder:
    folder = ClassFolder(tmp_path_factory.mktemp("class"))
    for team, notebook in similar_class.notebooks():
        small_course.hand_in(folder, NOTEBOOK, team, notebook)
    return folder


@pytest.fixture(scope="module")
def found(folder: ClassFolder, course: config.Course) -> similar.Found:
    (found,) = similar.search(folder, course)
    return found


def names(pair: Pair) -> tuple[str, str]:
    return pair.first.team, pair.second.team


def test_five_copies_among_sixty_lead_the_list(found: similar.Found) -> None:
    assert found.teams == 60 and found.left_out == []
    assert {names(pair) for pair in found.pairs[:5]} == PLANTED
    assert {names(pair) for pair in found.pairs if pair.stands_out} == PLANTED
    assert found.pairs[4].score > 1.2 * found.pairs[5].score


@pytest.mark.parametrize("seed", [2000, 3000])
def test_so_they_do_in_other_classes(seed: int) -> None:
    works = []
    for number in range(1, 61):
        original = seed + number - 50 if 51 <= number <= 55 else 0
        cells = (
            similar_class.copied(similar_class.honest(original), original)
            if original
            else similar_class.honest(seed + number)
        )
        works.append(work(f"team_{number}", cells))
    first = compare.pairs(works)[:5]
    assert {names(pair) for pair in first} == PLANTED


@pytest.mark.parametrize("size", [8, 20])
def test_a_copy_in_a_small_class_is_found(size: int) -> None:
    cells = {f"team_{n}": similar_class.honest(n) for n in range(1, size)}
    cells["team_copy"] = similar_class.copied(cells["team_1"], 1)
    found = compare.pairs([work(team, texts) for team, texts in cells.items()])
    assert names(found[0]) == ("team_1", "team_copy")
    assert [pair for pair in found if pair.stands_out] == found[:1]


def work(team: str, cells: dict[str, str]) -> Work:
    parts = []
    for name, text in cells.items():
        kind = "code" if name in similar_class.WAYS else "prose"
        split = tokens.of_code if kind == "code" else tokens.of_prose
        parts.append(Part(name, kind, text, split(text)))
    return compare.fingerprint(Work(team, NOTEBOOK, parts), set())


def test_the_page_shows_both_with_what_they_share(
    folder: ClassFolder, course: config.Course, found: similar.Found
) -> None:
    path = similar.write(folder, course, [found])
    html = path.read_text()
    assert path == folder.root / "similar.html"
    assert html.count("stands out</span>") == 5 and html.count("<details") == similar.MOST_PAIRS
    assert "5 pairs\nstand out" in html
    a, b = names(found.pairs[0])
    assert html.index(f"{a} and {b}") < html.index("<mark>")


CODE = '''
def area(width, height):
    """Docs."""
    total = 0
    for row in range(height):
        total += width * 1.0  # one row
    return total


def longest(words):
    best = max(words, key=len)
    return best[:20], "x"
'''

SAME = """
def longest(ws):
    # something else
    b = max(
        ws,
        key=len,
    )
    return b[:20], 'y'
def area(w, h):
  t = 0
  for i in range(h): # loop
    t += w*1
  return t
"""


def texts(source: str) -> set[tuple[str, ...]]:
    return {tuple(token.text for token in part) for part in tokens.of_code(source)}


def test_names_order_layout_and_comments_make_no_difference() -> None:
    assert texts(CODE) == texts(SAME)
    assert texts(CODE) != texts(CODE.replace("width * 1.0", "width + 1.0"))
    assert texts(CODE) != texts(CODE.replace("max(", "min("))


def test_tokens_know_where_they_stand() -> None:
    for part in tokens.of_code(CODE):
        for token in part:
            if token.text not in ("v", "\n", '""', "1"):
                assert CODE[token.start : token.end] == token.text


def test_the_release_and_what_all_have_count_nothing() -> None:
    given = (
        "def f(a, b, c):\n    return a.sum() + b.mean() * c.max() - a.min() / b.std() + c.size\n"
    )
    release = compare.runs_of([Part("f", "code", given, tokens.of_code(given))])
    both = [
        compare.fingerprint(
            Work(t, "n", [Part("f", "code", given, tokens.of_code(given))]), release
        )
        for t in ("a", "b")
    ]
    assert compare.pairs(both) == []
    all_alike = [work(f"team_{k}", {"conv2d_forward": CODE}) for k in range(12)]
    assert compare.pairs(all_alike) == []


HOSTILE = [
    "(" * 30_000,
    "'''" + "\n" * 30_000,
    "[" * 5_000 + "x" + "]" * 5_000,
    "\\\n" * 20_000,
    "if x:\n" + "".join(f"{' ' * k}if x:\n" for k in range(1, 250)),
    "  x\n y\nz",
    "%matplotlib inline\n!rm -rf /\nx = $y ?",
    "\x00\x1b[31m\ud800 é ﬀ 变量 = 1",
    "1_" * 20_000,
    "f'{" * 5_000,
    "lambda:" * 5_000,
    "0" * 100_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_are_split_in_bounded_time(text: str) -> None:
    begun = time.process_time()
    shown = tokens.readable(text)
    part = Part("f", "code", shown, tokens.of_code(shown))
    compare.fingerprint(Work("a", "n", [part]), set())
    tokens.of_prose(shown)
    assert time.process_time() - begun < 20  # a bound against hanging, not a measurement
    for each in part.tokens:
        assert all(0 <= t.start <= t.end <= len(shown) + 1 for t in each)


def test_broken_code_is_compared_too() -> None:
    broken = CODE + "\ndef oops(:\n    return )\n  unindented\n"
    assert compare.runs_of([Part("f", "code", broken, tokens.of_code(broken))]) & compare.runs_of(
        [Part("f", "code", CODE, tokens.of_code(CODE))]
    )


def evil(team: str) -> NotebookNode:
    """Two teams with the same code, full of what a page must not run."""
    payload = "<script>alert(1)</script></pre></mark><img src=x onerror=alert(1)>"
    code = similar_class.honest(1)["conv2d_forward"]
    solved = with_solutions(build.source_of(NOTEBOOK))
    cells = {"conv2d_forward": f"# {payload}\n{code}\nprint('{payload}')  # {{{{ 7 * 7 }}}} \u202e"}
    return similar_class.filled(solved, cells, team)


def test_nothing_that_students_write_is_live_on_the_page(
    course: config.Course, tmp_path: Path
) -> None:
    folder = ClassFolder(tmp_path)
    for team in ("team_1", "team_2"):
        small_course.hand_in(folder, NOTEBOOK, team, evil(team))
    small_course.hand_in(folder, NOTEBOOK, "team_3", b"no notebook")
    (found,) = similar.search(folder, course)
    assert [names(pair) for pair in found.pairs] == [("team_1", "team_2")]
    assert not found.pairs[0].stands_out  # three teams say nothing about chance
    assert found.left_out[0].startswith("team_3/")
    html = similar.write(folder, course, [found]).read_text()
    assert "<script" not in html and "<img" not in html and "\u202e" not in html
    assert "&lt;script&gt;" in html and "{{ 7 * 7 }}" in html
    assert "default-src 'none'" in html


def test_marks_cover_the_text_and_change_none_of_it() -> None:
    part = Part("f", "code", CODE, tokens.of_code(CODE))
    one = compare.fingerprint(Work("a", "n", [part]), set())
    two = compare.fingerprint(
        Work("b", "n", [Part("f", "code", SAME, tokens.of_code(SAME))]), set()
    )
    (pair,) = compare.pairs([one, two])
    shown = page.side_by_side(pair)
    assert shown.rows[0].left is not None
    assert "".join(p.text for p in shown.rows[0].left.pieces) == CODE
    marked = "".join(p.text for p in shown.rows[0].left.pieces if p.shared)
    assert "for row in range(height)" in marked


def test_the_command_names_the_pairs_and_writes_the_page(folder: ClassFolder) -> None:
    done = CliRunner().invoke(cli.app, ["similar", "--class", str(folder.root)])
    assert done.exit_code == 0, done.output
    assert "60 submissions, 5 pairs stand out" in done.output
    assert "team_1 and team_51" in done.output
    assert (folder.root / "similar.html").is_file()


def test_the_report_leads_to_the_page_where_there_is_one(
    course: config.Course, tmp_path: Path
) -> None:
    sample = a_class(tmp_path)
    link = '<a href="similar.html">'
    assert link not in report.write(sample.folder, sample.course).read_text()
    (sample.folder.root / "similar.html").write_text("")
    assert link in report.write(sample.folder, sample.course).read_text()


def test_an_empty_class_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli.app, ["similar", "--class", str(tmp_path)])
    assert done.exit_code == cli.REFUSED
