"""Whatever a student wrote is in what markers see, or in the account, with what became of it."""

from __future__ import annotations

import re
from collections.abc import Callable

import nbformat
import numpy as np
import pytest
from nbformat import v4
from nbformat.notebooknode import NotebookNode

from grader.authoring import build
from grader.bench import small_course
from grader.executing.prepare import prepare
from grader.formgrader import modules_shown
from grader.grading import defuse
from grader.text import cut
from tests.grader.honest.course import NAME, install
from tests.grader.honest.forms import at, bare, cell, code, copied, words
from utils.packing import beside as accepted_modules


@pytest.fixture(scope="module", autouse=True)
def course(tmp_path_factory: pytest.TempPathFactory) -> None:
    install(tmp_path_factory.mktemp("honest"))


def solved() -> NotebookNode:
    return small_course.reference(NAME, "team_1")


def released() -> NotebookNode:
    return nbformat.read(build.released(NAME), as_version=4)


def unseen(submitted: NotebookNode, planted: dict[str, int]) -> set[str]:
    """The words that are in no cell a marker sees."""
    prepared = prepare(submitted, released())
    seen = "\n".join(c.source for c in prepared.notebook.cells)
    return {word for word in planted if word not in seen}


def _in_every_cell(nb: NotebookNode, word: Callable[[int], str]) -> NotebookNode:
    """A word written into each cell, whatever it is: locked, a check, a figure, a question."""
    for place, c in enumerate(nb.cells):
        c.source += f"\n# {word(place)}" if c.cell_type == "code" else f"\n\n{word(place)}"
    return nb


def _between_all(nb: NotebookNode, word: Callable[[int], str]) -> NotebookNode:
    kinds = (v4.new_markdown_cell, v4.new_raw_cell, v4.new_code_cell)
    cells = []
    for number, c in enumerate(nb.cells):
        text = word(number)
        cells += [c, kinds[number % 3](f"# {text}" if number % 2 else f'"{text}"')]
    nb.cells = cells
    return nb


def _copies_of_all(nb: NotebookNode, word: Callable[[int], str]) -> NotebookNode:
    """A second copy of each cell, with something else in it."""
    more = [copied(c) for c in nb.cells]
    for number, c in enumerate(more):
        c.source += f"\n# {word(number)}" if c.cell_type == "code" else f"\n\n{word(number)}"
    nb.cells += more
    return nb


WAYS = {
    "in every cell": _in_every_cell,
    "in cells between all": _between_all,
    "in a second copy of each cell": _copies_of_all,
    "in every cell, without nbgrader's metadata": lambda nb, w: _in_every_cell(bare(nb), w),
    "in a second copy, without nbgrader's metadata": lambda nb, w: _copies_of_all(bare(nb), w),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_word_that_was_written_is_seen_by_a_marker(way: str) -> None:
    rng = np.random.default_rng(0)
    planted: dict[str, int] = {}

    def word(place: int) -> str:
        text = "".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), 12))
        planted[text] = place
        return text

    submitted = WAYS[way](solved(), word)
    assert len(planted) >= 15
    assert not unseen(submitted, planted)


def test_an_empty_copy_that_is_left_out_is_accounted_for() -> None:
    nb = solved()
    nb.cells.append(copied(cell(released(), "square")))
    prepared = prepare(nb, released())
    (left,) = [o for o in prepared.account.others if o.fate == "left out"]
    assert (left.what, left.cell) == (f"cell {len(nb.cells)}", "square")
    assert "as released" in left.why
    assert sum("NotImplementedError" in c.source for c in prepared.notebook.cells) == 0


def test_own_cells_are_accounted_for_with_what_became_of_them() -> None:
    nb = solved()
    nb.cells.insert(at(nb, "why") + 1, words("An afterthought."))
    nb.cells.insert(at(nb, "square"), code("helper = 3"))
    found = {o.what: (o.fate, o.cell) for o in prepare(nb, released()).account.others}
    place = at(nb, "square") - 1
    assert found[f"cell {place + 1}"] == ("executed", "setup")
    assert found[f"cell {at(nb, 'why') + 2}"] == ("shown to markers", "why")


def test_each_released_cell_has_a_source() -> None:
    nb = bare(solved())
    account = prepare(nb, released()).account
    by = {source.cell: source.by for source in account.sources}
    assert by["square"] == by["cube"] == "definition"
    assert by["setup"] == by["check_square"] == "text"
    assert by["why"] == by["how"] == "order"
    places = {source.cell: source.places for source in account.sources}
    first = next(k for k, c in enumerate(nb.cells) if "def square" in c.source)
    assert places["square"] == (first + 1,)


def test_what_nothing_answers_says_so() -> None:
    nb = solved()
    del nb.cells[at(nb, "cube")]
    sources = {s.cell: s for s in prepare(nb, released()).account.sources}
    assert (sources["cube"].by, sources["cube"].places) == ("", ())


# ---------------------------------------------------------------- what is cut off


LONG = "x" * 300_000
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5E"


def defused(*cells: NotebookNode) -> str:
    """What a marker sees of cells that were executed."""
    notebook = v4.new_notebook(cells=list(cells))
    defuse.defuse(notebook)
    return nbformat.writes(notebook)


OUTPUTS = {
    "a stream": (v4.new_output("stream", text=LONG + "theend"), "100,0.. more characters"),
    "a value": (v4.new_output("execute_result", {"text/plain": LONG}), "100,0.. more characters"),
    "a traceback": (
        v4.new_output("error", ename="E", evalue="", traceback=["line"] * 150 + ["theend"]),
        "51 more lines",
    ),
    "nothing but HTML": (
        v4.new_output("display_data", {"text/html": "<b>theend</b>"}),
        "an output of type text/html, which is not shown",
    ),
    "a picture that is none": (
        v4.new_output("display_data", {"image/png": "theend"}),
        "an output of type image/png, which is not shown",
    ),
}


@pytest.mark.parametrize("what", OUTPUTS)
def test_an_output_that_is_cut_off_says_so(what: str) -> None:
    output, told = OUTPUTS[what]
    shown = defused(v4.new_code_cell("print()", outputs=[output]))
    assert "theend" not in shown
    assert re.search(told, shown), shown[-300:]


def test_long_cells_and_essays_are_shown_whole() -> None:
    code_, words_ = f"# {LONG}\n# theend of it", f"{LONG}\n\ntheend of that"
    shown = defused(v4.new_code_cell(code_), v4.new_markdown_cell(words_))
    assert "theend of it" in shown and "theend of that" in shown


@pytest.mark.parametrize("kind", [v4.new_markdown_cell, v4.new_raw_cell])
def test_a_picture_that_is_attached_and_not_in_the_text_is_shown(kind) -> None:
    cell = kind("See above.", attachments={"mine.png": {"image/png": PNG}})
    defuse.defuse(v4.new_notebook(cells=[cell]))
    assert cell.attachments == {"picture1": {"image/png": PNG}}
    assert "attachment:picture1" in cell.source and "not in the text" in cell.source


def test_an_attachment_that_cannot_be_shown_is_named() -> None:
    drawing = {"image/svg+xml": "<svg/>"}
    shown = defused(v4.new_markdown_cell("Here.", attachments={"my_drawing.svg": drawing}))
    assert "my_drawing.svg" in shown and "image/svg+xml" in shown and "<svg" not in shown


def test_own_modules_are_shown_to_their_ends() -> None:
    text = f"a = '{'x' * 150_000}'\nb = 'theend'\n"
    assert len(text) < accepted_modules.MODULE_BYTES
    shown = modules_shown.at_the_end(v4.new_notebook(), [("long.py", text)])
    assert "theend" in shown.cells[-1].source


@pytest.mark.parametrize("again", [False, True])
def test_what_is_too_long_for_a_result_says_so_and_stays_as_it_is(again: bool) -> None:
    text = cut("x" * 5000, 2000)
    text = cut(text, 2000) if again else text
    assert len(text) <= 2000 and text.endswith("more characters")
    assert (
        sum(int(n.replace(",", "")) for n in re.findall(r"[\d,]+ ", text[-30:])) + text.count("x")
        == 5000
    )
